"""Methods of NumPy's ufuncs on tensors, against NumPy and to second order."""

import functools

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.random.default_rng(2).permutation(np.linspace(0.5, 2.0, 12)).reshape(4, 3)
NAMED = [np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.logaddexp2]
OTHERS = [np.subtract, np.divide, np.power, np.arctan2, np.hypot, np.fmax, np.fmin, np.copysign]


def agrees(call, *arrays, expected=None):
    """The result is a variable with NumPy's values, and its first two derivatives are right."""
    y = call(*map(mg.tensor, arrays))
    assert isinstance(y, mg.Tensor)
    assert not y.constant
    np.testing.assert_allclose(y, call(*arrays) if expected is None else expected, rtol=2e-15)
    check_gradient(lambda *xs: call(*xs) ** 2, *arrays)


@pytest.mark.parametrize("ufunc", NAMED)
@pytest.mark.parametrize(
    "keywords",
    [{}, {"axis": 1}, {"axis": None}, {"axis": (0, -1), "keepdims": True}, {"initial": 1.2, "where": X > 1}],
)
def test_reduce(ufunc, keywords):
    agrees(lambda x: ufunc.reduce(x, **keywords), X)


@pytest.mark.parametrize("ufunc", OTHERS)
@pytest.mark.parametrize("keywords", [{}, {"axis": -1, "keepdims": True}, {"axis": 1, "initial": 1.2}])
def test_reduce_in_order(ufunc, keywords):
    x, axis = X[:3] - 0.3, keywords.get("axis", 0)
    layers = [*([keywords["initial"]] if "initial" in keywords else []), *np.moveaxis(x, axis, 0)]
    # not NumPy's own: on AVX-512 np.power.reduce([a, b, c]) is a**c in 2.4.6, and so is that of arctan2
    expected = np.expand_dims(functools.reduce(ufunc, layers), axis if "keepdims" in keywords else ())
    agrees(lambda x: ufunc.reduce(x, **keywords), x, expected=expected)


@pytest.mark.parametrize("ufunc", [np.subtract, np.divide])
def test_reduce_in_order_of_chosen_elements(ufunc):
    agrees(lambda x: ufunc.reduce(x, axis=1, initial=3.0, where=X > 1), X)


@pytest.mark.parametrize("ufunc", [*NAMED, *OTHERS])
@pytest.mark.parametrize("keywords", [{}, {"axis": -1}])
def test_accumulate(ufunc, keywords):
    agrees(lambda x: ufunc.accumulate(x, **keywords), X[:3] - 0.3)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.subtract])
@pytest.mark.parametrize("indices", [[0, 2], [0, 3, 1, 2], [2]])
def test_reduceat(ufunc, indices):
    agrees(lambda x: ufunc.reduceat(x, indices), X)
    agrees(lambda x: ufunc.reduceat(x, [1], axis=1), X)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.power, np.arctan2])
def test_outer(ufunc):
    a, b = X[0], X[:, 1:]
    np.testing.assert_allclose(ufunc.outer(mg.tensor(a), b), ufunc.outer(a, b), rtol=1e-15)
    np.testing.assert_allclose(ufunc.outer(a, mg.tensor(b)), ufunc.outer(a, b), rtol=1e-15)
    agrees(ufunc.outer, a, b)


def test_the_first_of_equal_elements_has_the_gradient():
    x = mg.tensor([1.0, 3.0, 3.0, 2.0, np.nan, 5.0])
    y = np.maximum.accumulate(x)
    np.testing.assert_array_equal(y, np.maximum.accumulate(x.data))
    y.backward()
    np.testing.assert_array_equal(x.grad, [1, 3, 0, 0, 2, 0])


@pytest.mark.parametrize("ufunc", NAMED)
@pytest.mark.parametrize("method", ["reduce", "accumulate"])
def test_dtypes_and_empty_arrays(ufunc, method):
    of = getattr(ufunc, method)
    for dtype in ("f2", "f4", "f8", ">f8"):
        x = X.astype(dtype)
        assert of(mg.tensor(x)).dtype == of(x).dtype
    assert of(mg.tensor(X, dtype="f4"), dtype="f8").dtype == np.float64
    empty = np.zeros((0, 2))
    if method == "reduce" and ufunc.identity is None:
        with pytest.raises(ValueError, match="zero-size array to reduction operation"):
            of(mg.tensor(empty))
    else:
        np.testing.assert_array_equal(of(mg.tensor(empty)), of(empty))


def test_constants_are_numpys():
    total = np.add.reduce(mg.tensor([1, 2, 3]))
    assert total == 6
    assert total.constant
    assert np.multiply.outer(mg.tensor(2.0), mg.tensor(3.0)).shape == ()
    assert np.logical_and.reduce(mg.tensor([1, 0])) == np.False_
    assert np.gcd.reduce(mg.tensor([12, 18])) == 6
    np.testing.assert_array_equal(np.subtract.reduceat(mg.tensor([5, 2, 1]), [0, 1]), [5, 1])
    np.testing.assert_array_equal(
        np.floor_divide.accumulate(mg.tensor([9.0, 2.0, 2.0], constant=True)), [9.0, 4.0, 2.0]
    )


def test_out_is_a_write():
    x, out = mg.tensor(X), mg.tensor(np.zeros(3))
    assert np.logaddexp.reduce(x, out=out) is out
    out.sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(X - np.logaddexp.reduce(X)))


# -- at


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.power])
@pytest.mark.parametrize(
    "index", [[0, 2, 0, 0], ([0, 1, 0, 0], [1, 1, 1, 2]), slice(None, None, 2), (..., [1, 1])]
)
def test_at(ufunc, index):
    shape = X[index].shape
    values = np.linspace(1.1, 1.9, int(np.prod(shape))).reshape(shape)

    def written(x, values):
        x = x + 0.0 * np.sum(values)  # a tensor, where either is one
        ufunc.at(x, index, values)
        return x

    agrees(written, X, values)
    agrees(lambda x: written(x, 1.3), X)


def test_at_of_one_argument():
    def written(x):
        x = x * 1
        np.square.at(x, [0, 0, 1])
        return x

    agrees(written, X)


def test_at_is_a_write_like_any_other():
    x = mg.tensor([1.0, 2.0, 3.0])
    view, before = x[1:], 2 * x
    mg.add.at(x, [1, 1], mg.tensor([10.0, 20.0]))
    np.testing.assert_array_equal(view, [32, 3])
    (before.sum() + (x * view[0]).sum()).backward()
    np.testing.assert_array_equal(x.grad, [32, 32 + 36, 32])
    mg.multiply.at(x[1:], [0], 2.0)
    np.testing.assert_array_equal(x, [1, 64, 3])


def test_at_of_constants():
    x = mg.tensor([1, 2, 3])
    np.add.at(x, [0, 0], mg.tensor(1))
    np.testing.assert_array_equal(x, [3, 2, 3])
    np.bitwise_or.at(x, [1], 4)
    np.testing.assert_array_equal(x, [3, 6, 3])
    array = np.zeros(2)
    np.add.at(array, [0], mg.tensor([1.0], constant=True))
    np.testing.assert_array_equal(array, [1, 0])


def test_at_leaves_everything_as_it_is_if_it_fails():
    x = mg.tensor(X)
    with pytest.raises(IndexError):
        np.multiply.at(x, [7], 2.0)
    with pytest.raises(ValueError, match="broadcast"):
        np.add.at(x, [0], np.zeros(5))
    np.testing.assert_array_equal(x, X)
    assert x.creator is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda x: np.floor_divide.reduce(x),
            NotImplementedError,
            r"np.floor_divide.reduce .* no derivative",
        ),
        (lambda x: np.fmod.at(x, [0], 2.0), NotImplementedError, r"np.fmod.at .* no derivative.*x.data"),
        (lambda x: np.add.at(np.zeros(3), [0], x[0, 0]), TypeError, "into an array, where its gradient"),
        (lambda x: np.subtract.reduce(x, axis=None), ValueError, "'subtract' is not reorderable"),
        (lambda x: np.power.reduce(x, where=X > 1), ValueError, "choose the elements first"),
        (lambda x: np.maximum.reduce(x, where=X > 1), ValueError, "give initial="),
        (lambda x: np.multiply.reduceat(x, [0, 4]), IndexError, "from 0 to 3; got .0, 4."),
        (lambda x: np.exp.reduce(x), ValueError, "only supported for binary"),
        (lambda x: np.matmul.reduce(x), RuntimeError, "signature"),
    ],
)
def test_what_there_is_not_says_so(call, error, words):
    with pytest.raises(error, match=words):
        call(mg.tensor(X))
