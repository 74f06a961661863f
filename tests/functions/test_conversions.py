"""NumPy's functions that make arrays of tensors unasked: gradients are kept, or the call is refused."""

import _thread
import time

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.array([1.0, 2.0])
Y = np.array([[3.0, 5.0], [4.0, 6.0]])


@pytest.mark.parametrize(
    "join",
    [
        lambda x, y: np.r_[x, y[0]],
        lambda x, y: np.r_[x, 0.0, y[0, 1], 0:3, [4, 5]],
        lambda x, y: np.r_[x, x * y[0]],
        lambda x, y: np.r_[0:3:4j, x, y[1]],
        lambda x, y: np.r_["1", y, y.T * x],
        lambda x, y: np.r_["0,2", x, y],
        lambda x, y: np.r_["1,2,0", x, y],
        lambda x, y: np.r_["-1,3,1", x, y[1]],
        lambda x, y: np.c_[x, y],
        lambda x, y: np.c_[x, y[0, 0] * x, np.float32([7, 8])],
        lambda x, y: np.c_[y[None], x * y[None]],
    ],
)
def test_items_are_joined_with_their_gradients(join):
    joined = join(mg.tensor(X), mg.tensor(Y))
    assert isinstance(joined, mg.Tensor)
    np.testing.assert_array_equal(joined, join(X, Y), strict=True)
    check_gradient(lambda x, y: join(x, y) ** 3 / 3, X, Y)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", ">f4"])
@pytest.mark.parametrize("other", [1, 2.5, np.float32(1), np.arange(2), np.ones(2, "f8")])
def test_the_dtype_is_numpys(dtype, other):
    x = X.astype(dtype)
    np.testing.assert_array_equal(np.r_[mg.tensor(x), other], np.r_[x, other], strict=True)
    if x.dtype.kind == "f":
        given = mg.tensor(x)
        np.r_[given, other].backward()
        assert given.grad.dtype == dtype


def test_constants_and_no_autodiff():
    constant = mg.tensor(X, constant=True)
    assert np.r_[constant, constant].constant
    assert np.c_[mg.tensor([1, 2]), [3, 4]].constant
    with mg.no_autodiff:
        assert np.r_[mg.tensor(X), 3.0].creator is None


def test_an_end_of_a_slice_is_a_number():
    np.testing.assert_array_equal(np.r_[0 : mg.tensor(3), mg.tensor(X)], [0, 1, 2, 1, 2])
    assert type(np.r_[0 : mg.tensor(3.0)]) is np.ndarray
    x = mg.tensor(3.0)
    np.r_[0:x:4j].sum().backward()
    assert x.grad == 2


LOSING = {
    "np.r_ that makes a matrix": lambda x: np.r_["r", x, x],
    "np.r_ with a list": lambda x: np.r_[[x[0], x[1]]],
    "np.c_ with an end of a slice": lambda x: np.c_[0 : x[1] : 3j],
    "np.ma.mr_": lambda x: np.ma.mr_[x, x],
    "np.kaiser": lambda x: np.kaiser(5, x[0]),
    "np.vectorize": lambda x: np.vectorize(lambda each: 2 * each)(x),
    "np.bmat": lambda x: np.bmat([[x, x]]),
    "np.as_strided": lambda x: np.lib.stride_tricks.as_strided(x, (1,), (8,)),
    "np.polynomial.Polynomial": lambda x: np.polynomial.Polynomial(x),
    "np.polynomial.legval": lambda x: np.polynomial.legendre.legval(1.0, x),
    "np.polynomial.fit": lambda x: np.polynomial.Chebyshev.fit(x, [1.0, 2.0], 1),
    "np.ma.mean": lambda x: np.ma.mean(x),
    "np.ma.maximum": lambda x: np.ma.maximum(x, 1.5),
    "np.ma.max": lambda x: np.ma.max(x),
    "np.ma.hstack": lambda x: np.ma.hstack([x, x]),
    "np.ma.dot": lambda x: np.ma.dot(x, x),
    "np.ma.where": lambda x: np.ma.where([True, False], x, 0),
    "np.ma.choose": lambda x: np.ma.choose([0, 1], [x, x]),
    "np.ma.average": lambda x: np.ma.average(x, weights=[1, 2]),
    "np.ma.polyfit": lambda x: np.ma.polyfit([1, 2], x, 1),
}


@pytest.mark.parametrize("name", LOSING)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_what_would_lose_a_gradient_is_refused(name):
    lose, x = LOSING[name], mg.tensor(X)
    with pytest.raises(TypeError, match=rf"(?s)for {name}: .*x\.data.*For the gradient, \w"):
        lose(x)
    expected = lose(X)
    plain = lose(mg.tensor(X, constant=True))
    assert type(plain) is type(expected)
    np.testing.assert_array_equal(plain, expected)
    with mg.no_autodiff:
        np.testing.assert_array_equal(lose(x), expected)
    x += 1  # nothing keeps it locked


MASKED = {
    name: function
    for name in np.ma.__all__
    if callable(function := getattr(np.ma, name))
    and not isinstance(function, type)
    and function is not getattr(np, name, None)
}


@pytest.mark.parametrize("name", MASKED)
def test_no_masked_function_loses_a_gradient(name):
    """What changes with the values of a tensor, and not only in steps, is a tensor or is refused."""
    joins = "stack" in name or name == "concatenate"  # elsewhere NumPy, too, takes a list for numbers
    for others in ((), (0,), (1,), ("again",), *([("in a list",)] if joins else [])):
        numbers = np.array([[0.1, 0.2], [0.3, 0.4]])
        found = []
        for step in (0, 1e-3):
            x = mg.tensor(numbers + step)
            args = {("again",): (x, x.copy()), ("in a list",): ([x, x],)}.get(others, (x, *others))
            try:
                found.append(MASKED[name](*args))
            except Exception:  # refused, by whomever
                break
        else:
            ours = isinstance(found[0], mg.Tensor)
            same = np.array_equal(np.ma.getdata(found[0]), np.ma.getdata(found[1]))
            assert ours or same or name in CONVERSIONS, (others, found)


CONVERSIONS = {
    "array", "asanyarray", "asarray", "copy", "filled", "fix_invalid", "getdata", "harden_mask", "ids",
    "mask_cols", "mask_rowcols", "mask_rows", "masked_equal", "masked_greater", "masked_greater_equal",
    "masked_invalid", "masked_less", "masked_less_equal", "masked_not_equal", "masked_object",
    "masked_values", "masked_where", "soften_mask", "ndenumerate", "empty_like", "masked_all_like",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_conversions_in_so_many_words_stay():
    x = mg.tensor(X)
    assert np.asarray(x) is x.data
    for convert in (np.array, np.asarray_chkfinite, np.ascontiguousarray, np.ma.asarray, np.asmatrix):
        np.testing.assert_array_equal(convert(x), convert(X))
    np.testing.assert_array_equal(np.full(2, x), X)
    np.testing.assert_array_equal(np.ma.masked_greater(x, 1.5).mask, [False, True])
    exec("made = np.asarray(x)", names := {"np": np, "x": x}.copy())
    assert names["made"] is x.data


def test_a_thread_without_a_frame_of_python():
    copy = np.zeros(2)
    _thread.start_new_thread(copy.__setitem__, (..., mg.tensor(X)))
    for _ in range(1000):
        if copy.all():
            return
        time.sleep(0.01)
    raise AssertionError("nothing was written")
