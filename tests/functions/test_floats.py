"""Steps and the parts of floating-point numbers: NumPy's values, and gradients to second order."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.array([-2.3, 0.1, 3.7, 0.6])
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("function", [np.modf, np.frexp])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_parts(function, dtype):
    for array in (X.astype(dtype), np.array(ODD, dtype), np.zeros((0, 2), dtype), np.array(1.5, dtype)):
        for got, expected in zip(function(mg.tensor(array)), function(array), strict=True):
            np.testing.assert_array_equal(got, expected)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
            assert got.dtype == expected.dtype
    check_gradient(lambda x: function(x)[0] ** 2, X)


@pytest.mark.parametrize("n", [-2, 3])
def test_ldexp(n):
    np.testing.assert_array_equal(np.ldexp(mg.tensor(X), mg.tensor([n] * 4)), np.ldexp(X, n))
    check_gradient(lambda x: np.ldexp(x, n) ** 2, X)


def test_heaviside_at_its_step():
    a, b = mg.tensor([-1.0, 0.0, 2.0]), mg.tensor([5.0, 6.0, 7.0])
    y = np.heaviside(a, b)
    np.testing.assert_array_equal(y, [0, 6, 1])
    y.sum().backward()
    np.testing.assert_array_equal(a.grad, 0)
    np.testing.assert_array_equal(b.grad, [0, 1, 0])


def test_nextafter_moves_with_its_number():
    x = mg.tensor([1.0, 2.0])
    y = mg.nextafter(x, np.inf)
    assert np.all(y.data > x.data)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, 1)


def test_bessel():
    check_gradient(np.i0, np.array([[-2.0, 0.1], [0.0, 3.0]]))
    x = mg.tensor([0.0, 1e-8, 1.0, 20.0, -20.0, 700.0])
    y = np.i0(x)
    y.sum().backward()
    # I1 of Abramowitz and Stegun, tables 9.8 and 9.11 (exp(-x) I1 for x = 20); of scipy.special for x = 700
    expected = [
        0.0,
        5e-9,
        0.565159103992,
        np.exp(20) * 0.087506222,
        -np.exp(20) * 0.087506222,
        1.528500390e302,
    ]
    np.testing.assert_allclose(x.grad, expected, rtol=1e-8)


@pytest.mark.parametrize("x", [np.zeros(0), np.array([np.inf, np.nan])])
def test_bessel_of_nothing_and_of_no_number(x):
    t = mg.tensor(x)
    with np.errstate(all="ignore"):
        y = np.i0(t)
        np.testing.assert_array_equal(y, np.i0(x))
        y.backward()
    np.testing.assert_array_equal(t.grad, x)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
@pytest.mark.parametrize("function", [np.round, np.around, np.fix, np.spacing, np.rint, np.trunc])
def test_functions_without_a_derivative_take_constants(function):
    array = np.array([1.4, -2.7])
    np.testing.assert_array_equal(function(mg.tensor(array, constant=True)), function(array))
    with pytest.raises(ValueError, match=r"cannot involve non-constant mygrad tensors.\n.*\(x.data\)"):
        function(mg.tensor(array))


@pytest.mark.parametrize(
    "ufunc", [np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd, np.lcm, np.left_shift, np.right_shift]
)
def test_whole_numbers(ufunc):
    np.testing.assert_array_equal(ufunc(mg.tensor([6, 4]), 2), ufunc([6, 4], 2))
    with pytest.raises(TypeError, match=r"not supported for the input types|did not contain a loop"):
        ufunc(mg.tensor([1.0]), 2)
