"""Methods of NumPy's ufuncs on tensors, against NumPy and to second order."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.random.default_rng(2).permutation(np.linspace(0.5, 2.0, 6)).reshape(2, 3)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum])
@pytest.mark.parametrize("keywords", [{}, {"axis": 1}, {"axis": None}, {"axis": -1, "keepdims": True}])
def test_reduce(ufunc, keywords):
    y = ufunc.reduce(mg.tensor(X), **keywords)
    assert isinstance(y, mg.Tensor)
    assert not y.constant
    np.testing.assert_allclose(y, ufunc.reduce(X, **keywords), rtol=1e-15)
    check_gradient(lambda x: ufunc.reduce(x, **keywords) ** 2, X)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply])
@pytest.mark.parametrize("keywords", [{}, {"axis": 1}])
def test_accumulate(ufunc, keywords):
    np.testing.assert_allclose(ufunc.accumulate(mg.tensor(X), **keywords), ufunc.accumulate(X, **keywords))
    check_gradient(lambda x: ufunc.accumulate(x, **keywords) ** 2, X)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.power, np.arctan2])
def test_outer(ufunc):
    a, b = X[0], X[:, 1:]
    np.testing.assert_allclose(ufunc.outer(mg.tensor(a), b), ufunc.outer(a, b), rtol=1e-15)
    np.testing.assert_allclose(ufunc.outer(a, mg.tensor(b)), ufunc.outer(a, b), rtol=1e-15)
    check_gradient(lambda a, b: ufunc.outer(a, b) ** 2, a, b)


def test_dtype_and_constants():
    assert np.add.reduce(mg.tensor(X, dtype="f4")).dtype == np.float32
    assert np.add.reduce(mg.tensor([1, 2, 3])) == 6
    assert np.add.reduce(mg.tensor([1, 2, 3])).constant
    assert np.multiply.outer(mg.tensor(2.0), mg.tensor(3.0)).shape == ()


@pytest.mark.parametrize(("ufunc", "method"), [(np.subtract, "reduce"), (np.power, "accumulate")])
def test_what_there_is_not_says_so(ufunc, method):
    with pytest.raises(NotImplementedError, match=f"np.{ufunc.__name__}.{method}"):
        getattr(ufunc, method)(mg.tensor(X))
