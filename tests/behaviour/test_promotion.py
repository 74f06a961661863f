"""Behaviour 2: promotion of types. Python scalars are in test_decisions.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg

FLOATS = ["f2", "f4", "f8", "g"]
DTYPES = [*FLOATS, "i1", "i4", "i8", "u1", "?"]


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_arrays_promote_as_in_numpy(a, b):
    x, y = np.array([1, 0], a), np.array([[1], [1]], b)
    for made in (
        mg.tensor(x) * mg.tensor(y),
        mg.tensor(x) * y,
        x * mg.tensor(y),
        np.multiply(x, mg.tensor(y)),
    ):
        assert made.dtype == (x * y).dtype
        assert_array_equal(made.data, x * y)


@pytest.mark.parametrize("a", FLOATS)
@pytest.mark.parametrize("b", FLOATS)
def test_gradients_have_the_dtype_and_shape_of_their_tensor(a, b):
    x, y = mg.tensor(2.0, dtype=a), mg.tensor([[1.0], [3.0]], dtype=b)
    z = x * y
    z.backward()
    assert (x.grad.dtype, x.grad.shape) == (x.dtype, ())
    assert (y.grad.dtype, y.grad.shape) == (y.dtype, (2, 1))
    assert z.grad.dtype == z.dtype
    assert x.grad == 4.0
    assert_array_equal(y.grad, [[2.0], [2.0]])


def test_integers_with_floats():
    i, f = mg.tensor([1, 2]), mg.tensor([1.0, 2.0], dtype="f4")
    assert (i * f).dtype == np.float64
    assert (i * f).constant is False
    assert (i * mg.tensor(1.5, constant=True)).constant is True
    assert (i + 1.5).dtype == np.float64
    assert (i + 1.5).constant is True
    (i * f).backward()
    assert f.grad.dtype == np.float32
    assert i.grad is None


def test_division_of_integers():
    quotient = mg.tensor([1, 2]) / mg.tensor([2, 2])
    assert quotient.dtype == np.float64
    assert quotient.constant is True
    assert_array_equal(quotient.data, [0.5, 1.0])


@pytest.mark.parametrize("dtype", ["i1", "u1", "?", "f2"])
@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.mean])
def test_reductions_widen_as_in_numpy(f, dtype):
    x = np.array([1, 1], dtype)
    assert f(mg.tensor(x)).dtype == f(x).dtype


def test_writes_keep_the_dtype():
    x = mg.tensor([1.0, 2.0], dtype="f4")
    x += 1.5
    x *= np.float32(2)
    assert x.dtype == np.float32
    assert_array_equal(x.data, [5.0, 7.0])


@pytest.mark.parametrize("power", [1, 2])
def test_powers_one_and_two_keep_the_dtype(power):
    x = mg.tensor([3.0], dtype="f4")
    y = x**power
    assert y.dtype == np.float32
    y.backward()
    assert_array_equal(x.grad, [power * 3.0 ** (power - 1)])


def test_values_and_gradients_are_never_scalars():
    x = mg.tensor(2.0)
    y = x * x
    s = mg.tensor([1.0, 2.0])[0]
    y.backward()
    for array in (y.data, x.grad, y.grad, s.data, mg.tensor([1.0, 2.0]).sum().data):
        assert type(array) is np.ndarray
        assert array.shape == ()


class OnlyReflected:
    def __radd__(self, other):
        return "reflected"


class NoUfuncs:
    __array_ufunc__ = None


@pytest.mark.parametrize("operand", ["a", None, {}, OnlyReflected(), NoUfuncs()])
def test_operands_that_are_no_numbers(operand):
    with pytest.raises(TypeError):
        mg.tensor(1.0) + operand
    with pytest.raises(TypeError):
        mg.add(mg.tensor(1.0), operand)


@pytest.mark.parametrize("operand", ["a", None, {}])
def test_operands_that_are_no_numbers_on_the_left(operand):
    with pytest.raises(TypeError):
        operand * mg.tensor(1.0)
