"""Reciprocal trigonometric functions: identities, derivatives, ends of domains."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest

import mygrad as mg
from mygrad.functions import trigonometric
from tests.gradients import check_gradient

OUTSIDE = np.array([-2.5, -1.4, 1.3, 2.2])
NAMES = trigonometric.__all__
RECIPROCAL = {
    "sec": np.cos, "csc": np.sin, "cot": np.tan, "sech": np.cosh, "csch": np.sinh, "coth": np.tanh,
}  # fmt: skip
INVERSE = {
    "arcsec": np.arccos, "arccsc": np.arcsin, "arccot": np.arctan, "arccsch": np.arcsinh,
    "arccoth": np.arctanh,
}  # fmt: skip


def test_every_function_is_tested():
    assert set(NAMES) == {*RECIPROCAL, *INVERSE}
    assert all(getattr(mg, name) is getattr(trigonometric, name) for name in NAMES)


@pytest.mark.parametrize("name", RECIPROCAL)
def test_reciprocals(name):
    np.testing.assert_allclose(getattr(mg, name)(OUTSIDE), 1 / RECIPROCAL[name](OUTSIDE), rtol=1e-14)


@pytest.mark.parametrize("name", INVERSE)
def test_inverses(name):
    np.testing.assert_allclose(getattr(mg, name)(OUTSIDE), INVERSE[name](1 / OUTSIDE), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("x", [OUTSIDE, OUTSIDE.reshape(2, 1, 2), np.array(1.7), np.zeros((0, 2))])
def test_to_second_order(name, x):
    check_gradient(getattr(mg, name), x)


@pytest.mark.parametrize("name", ["csch", "coth", "csc", "cot", "sec", "sech", "arccot", "arccsch"])
def test_within_the_unit_interval_to_second_order(name):
    check_gradient(getattr(mg, name), [-0.7, -0.4, 0.5, 0.9])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes_are_kept(name, dtype):
    x = mg.tensor(OUTSIDE, dtype=dtype)
    y = getattr(mg, name)(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.dtype(dtype)
    exact = getattr(mg, name)(x.data.astype("f8")).data
    np.testing.assert_allclose(y, exact, rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", NAMES)
def test_integers_give_constants_of_float64(name):
    y = getattr(mg, name)([2, 3])
    assert y.constant
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, getattr(mg, name)([2.0, 3.0]))


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i8", "u8"])
@pytest.mark.parametrize("name", ["sech", "csch"])
def test_whole_numbers(name, dtype):
    x = np.array([1, 1], dtype)
    made = getattr(mg, name)(x)
    np.testing.assert_allclose(made, 1 / RECIPROCAL[name](x.astype(float)), rtol=2e-3)
    assert made.dtype == RECIPROCAL[name](x).dtype


@pytest.mark.parametrize("name", ["sech", "csch", "coth"])
def test_large_arguments_do_not_overflow(name):
    x = mg.tensor([-800.0, 800.0])
    y = getattr(mg, name)(x)
    y.backward()
    np.testing.assert_array_equal(y, [-1.0, 1.0] if name == "coth" else [0.0, 0.0])
    np.testing.assert_array_equal(x.grad, [0.0, 0.0])


def test_large_arguments_keep_their_digits():
    x = mg.tensor([20.0])
    mg.coth(x).backward()
    np.testing.assert_allclose(x.grad, -1 / np.sinh([20.0]) ** 2, rtol=1e-13)


@pytest.mark.parametrize("name", ["arcsec", "arccsc"])
def test_gradient_at_the_ends_is_zero(name):
    x = mg.tensor([-1.0, 1.0, 2.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        getattr(mg, name)(x).backward()
    np.testing.assert_array_equal(x.grad[:2], 0.0)
    assert x.grad[2] != 0


def test_arccot_at_zero():
    x = mg.tensor([-0.0, 0.0])
    y = mg.arccot(x)
    y.backward()
    np.testing.assert_array_equal(y, np.pi / 2)
    np.testing.assert_array_equal(x.grad, -1.0)


@pytest.mark.parametrize("name", NAMES)
def test_constant(name):
    x = mg.tensor(OUTSIDE)
    assert not getattr(mg, name)(x).constant
    assert getattr(mg, name)(x, constant=True).constant
    assert getattr(mg, name)(a=x).creator.variables[0] is x


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused(name):
    with pytest.raises(TypeError):
        getattr(mg, name)("a")
    with pytest.raises(TypeError):
        getattr(mg, name)(1.0, banana=2)


@pytest.mark.parametrize("x", [0.0, 1e-7, 1e-4, 1e-3, 1e-2, 0.02, 0.1, 0.25, 0.299, 0.301, 0.5, 1.7])
def test_sinc_is_exact_to_fourth_order_where_its_quotients_cancel(x):
    """Against the derivatives of the series sum (-1)^n (pi x)^2n / (2n + 1)!, with rational coefficients."""
    f = mg.sinc
    for order in range(1, 5):
        f = mg.grad(f)
        terms = [
            (-1) ** n * Fraction(np.pi) ** (2 * n) * Fraction(x) ** (2 * n - order)
            / (2 * n + 1) / factorial(2 * n - order)
            for n in range((order + 1) // 2, 30)
        ]  # fmt: skip
        np.testing.assert_allclose(float(f(x)), float(sum(terms)), rtol=1e-13, atol=1e-14)
