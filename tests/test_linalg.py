"""Norms of vectors, against NumPy and finite differences; zeros; what is refused."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.random.default_rng(4).uniform(0.3, 2.0, (2, 3, 4)) * np.where(np.arange(4) % 2, 1, -1)
ORDERS = [None, 1, 2, 2.5, 3, -1, 0.5, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("axis", [0, 1, -1, (2,)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_along_an_axis(ord, axis, keepdims):
    def norm(x):
        return mg.linalg.norm(x, ord, axis, keepdims)

    np.testing.assert_allclose(norm(X), np.linalg.norm(X, ord, axis, keepdims), rtol=1e-14)
    if axis != (2,):
        check_gradient(norm, X[:, :, :2], tol=1e-5)


@pytest.mark.parametrize("keepdims", [False, True])
def test_of_all_elements(keepdims):
    np.testing.assert_allclose(
        mg.linalg.norm(X, keepdims=keepdims), np.linalg.norm(X, keepdims=keepdims), rtol=1e-15
    )
    check_gradient(lambda x: mg.linalg.norm(x, keepdims=keepdims), X)
    check_gradient(mg.linalg.norm, -3.0)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf, -np.inf])
def test_gradient_of_zeros_is_zero(ord):
    x = mg.tensor([[0.0, 0.0], [3.0, 0.0]])
    mg.linalg.norm(x, ord, axis=1).backward()
    np.testing.assert_array_equal(x.grad[0], 0.0)
    assert np.all(np.isfinite(x.grad))


@pytest.mark.parametrize("ord", [None, 1, 2, 3])
def test_gradient_of_zeros_is_nan_on_request(ord):
    x = mg.tensor([[0.0, 0.0], [3.0, 0.0]])
    mg.linalg.norm(x, ord, axis=1, nan_to_num=False).backward()
    np.testing.assert_array_equal(np.isnan(x.grad), [[True, True], [False, True]])
    assert x.grad[1, 0] == pytest.approx(1.0)


def test_ties_of_infinite_order_go_to_the_first():
    x = mg.tensor([1.0, -1.0, 0.5])
    mg.linalg.norm(x, np.inf).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 0.0, 0.0])


def test_numpys_function_is_this_one():
    x = mg.tensor([3.0, 4.0])
    y = np.linalg.norm(x)
    assert isinstance(y, mg.Tensor)
    y.backward()
    np.testing.assert_allclose(x.grad, [0.6, 0.8])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes(dtype):
    x = mg.tensor([3.0, 4.0], dtype=dtype)
    for ord in (None, 1, 3, np.inf):
        y = mg.linalg.norm(x, ord)
        y.backward()
        assert y.dtype == x.grad.dtype == np.dtype(dtype)
    assert mg.linalg.norm([3, 4]).dtype == np.float64
    assert mg.linalg.norm([3, 4]).constant
    assert mg.linalg.norm(x, constant=True).constant


def test_empty():
    assert mg.linalg.norm(np.zeros(0)) == 0
    with pytest.raises(ValueError, match="zero-size"):
        mg.linalg.norm(np.zeros(0), np.inf)


def test_without_autodiff():
    with mg.no_autodiff:
        assert mg.linalg.norm(mg.tensor([3.0, -4.0]), np.inf) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ord": 0, "axis": 1}, NotImplementedError),
        ({"axis": (0, 1)}, NotImplementedError),
        ({"ord": "fro", "axis": 1}, ValueError),
        ({"ord": "bad", "axis": 1}, ValueError),
        ({"ord": 2}, ValueError),  # three axes, and none named
        ({"ord": np.inf}, ValueError),
        ({"axis": 5}, np.exceptions.AxisError),
        ({"axis": 1.0}, TypeError),
    ],
)
def test_what_is_refused(arguments, error):
    with pytest.raises(error):
        mg.linalg.norm(X, **arguments)


@pytest.mark.parametrize("ord", [1, 2, np.inf, "fro", "nuc"])
def test_norms_of_matrices_are_refused(ord):
    with pytest.raises(NotImplementedError, match="give one axis"):
        mg.linalg.norm(X[0], ord)
