"""Behaviour 8: `out=` and `where=`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg

X = np.arange(1.0, 7.0).reshape(2, 3)

INTO = {
    "ufunc": lambda x, out: np.multiply(x, 2.0, out=out),
    "mygrad ufunc": lambda x, out: mg.multiply(x, 2.0, out=out),
    "positional": lambda x, out: np.multiply(x, 2.0, out),
    "tuple": lambda x, out: np.multiply(x, 2.0, out=(out,)),
    "clip": lambda x, out: np.clip(x, 2.0, 4.5, out=out),
    "concatenate": lambda x, out: np.concatenate([x[:1], x[1:]], out=out),
    "stack": lambda x, out: np.stack([x[0], x[1]], out=out),
    "einsum": lambda x, out: np.einsum("ij,ij->ij", x, x, out=out),
    "matmul": lambda x, out: np.matmul(x, np.diag([1.0, 2.0, 3.0]), out=out),
}
EXPECTED = {
    "clip": ((X > 2) & (X < 4.5)) * 1.0,
    "concatenate": np.ones((2, 3)),
    "stack": np.ones((2, 3)),
    "einsum": 2 * X,
    "matmul": np.broadcast_to([1.0, 2.0, 3.0], (2, 3)),
}
every_function = pytest.mark.parametrize("name", INTO)


def value(name):
    made = np.empty((2, 3))
    INTO[name](X, made)
    return made


@every_function
def test_out_tensor_is_a_write(name):
    x, out = mg.tensor(X), mg.zeros((2, 3), dtype=float)
    row = out[0]
    assert INTO[name](x, out) is out
    assert_array_equal(out.data, value(name))
    assert_array_equal(row.data, value(name)[0])
    out.backward()
    assert_array_equal(x.grad, EXPECTED.get(name, np.full((2, 3), 2.0)))


@every_function
def test_out_array_is_wrapped(name):
    x, out = mg.tensor(X), np.zeros((2, 3))
    made = INTO[name](x, out)
    assert isinstance(made, mg.Tensor)
    assert made.data is out
    assert made.base is None
    assert_array_equal(out, value(name))
    assert not out.flags.writeable
    made.backward()
    assert out.flags.writeable
    assert_array_equal(x.grad, EXPECTED.get(name, np.full((2, 3), 2.0)))


def test_out_through_a_view():
    x, base = mg.tensor(X), +mg.ones((3, 3), dtype=float)
    np.multiply(x, 3.0, out=base[1:])
    assert_array_equal(base.data, [[1, 1, 1], *(3 * X)])
    base.backward()
    assert_array_equal(x.grad, np.full((2, 3), 3.0))


@pytest.mark.parametrize("count", [0, 2, 3])
def test_one_out_at_most(count):
    with pytest.raises(ValueError):
        np.add(mg.tensor(X), 1.0, out=tuple(np.empty((2, 3)) for _ in range(count)))


def test_out_of_the_wrong_shape_or_type():
    x = mg.tensor(X)
    for out in (np.empty(7), mg.zeros(7, dtype=float)):
        with pytest.raises(ValueError):
            np.add(x, 1.0, out=out)
    for out in (np.empty((2, 3), int), mg.zeros((2, 3), dtype=int)):
        with pytest.raises(TypeError):
            np.add(x, 1.0, out=out)
    assert x.data.flags.writeable


MASKS = [
    [True, False, True],
    np.array([[True, False, True], [False, True, False]]),
    np.array([True, True, False]),
    False,
    True,
]


@pytest.mark.parametrize("mask", MASKS)
def test_where_masks_gradients(mask):
    x, y = mg.tensor(X), mg.tensor(2.0)
    z = np.multiply(x, y, where=mask)
    m = np.broadcast_to(mask, (2, 3))
    assert_array_equal(z.data[m], 2 * X[m])
    z.backward()
    assert_array_equal(x.grad, 2.0 * m)
    assert y.grad == X[m].sum()


@pytest.mark.parametrize("mask", MASKS)
def test_where_into_a_tensor_sends_the_rest_to_the_old_value(mask):
    x, old = mg.tensor(X), mg.tensor(-X)
    z = +old
    assert np.multiply(x, 5.0, out=z, where=mask) is z
    m = np.broadcast_to(mask, (2, 3))
    assert_array_equal(z.data, np.where(m, 5 * X, -X))
    z.backward()
    assert_array_equal(x.grad, 5.0 * m)
    if mask is True:
        assert old.grad is None
    else:
        assert_array_equal(old.grad, 1.0 * ~m)


def test_where_into_an_array_keeps_the_rest():
    x, out = mg.tensor(X), np.full((2, 3), 9.0)
    z = np.square(x, out=out, where=[True, False, True])
    assert_array_equal(z.data, [[1, 9, 9], [16, 9, 36]])
    z.backward()
    assert_array_equal(x.grad, 2 * X * [1, 0, 1])


def test_a_mask_that_does_not_fit_is_numpys_error():
    with pytest.raises(ValueError, match="could not be broadcast"):
        mg.add(mg.tensor([1.0, 2.0, 3.0]), 1.0, where=[True, False])


@pytest.mark.parametrize("operand", [mg.tensor([1.0], constant=True), np.ones(1), [1.0]])
def test_into_a_variable_from_constants(operand):
    x, y = mg.tensor([5.0]), mg.exp(operand, constant=False)
    y.backward()
    assert_array_equal(y.grad, [1.0])
    mg.sin(operand, out=x)
    x.backward()
    assert_array_equal(x.grad, [1.0])
    assert getattr(operand, "grad", None) is None


def test_where_with_broadcasting():
    x, out = mg.tensor([1.0, 2.0, 3.0]), +mg.zeros((2, 3), dtype=float)
    np.add(x, 1.0, out=out, where=[[True], [False]])
    assert_array_equal(out.data, [[2, 3, 4], [0, 0, 0]])
    out.backward()
    assert_array_equal(x.grad, [1, 1, 1])


def test_where_keeps_gradients_finite():
    x = mg.tensor([0.0, 4.0])
    y = np.sqrt(x, where=x.data > 0, out=mg.zeros(2, dtype=float))
    y.backward()
    assert_array_equal(x.grad, [0.0, 0.25])


@pytest.mark.parametrize("mask", [True, [True]])
def test_matmul_takes_no_mask(mask):
    with pytest.raises(TypeError, match="where"):
        mg.matmul(mg.tensor(X), X.T, where=mask)


@pytest.mark.parametrize(
    "choose", [lambda m, x: mg.where(m, x, 0.0), lambda m, x: mg.multiply(x, 1.0, where=m)]
)
def test_a_mask_may_be_written_to_afterwards(choose):
    x, mask = mg.tensor([1.0, 2.0, 3.0]), np.array([True, False, True])
    y = choose(mask, x)
    mask[...] = False
    y.backward()
    assert_array_equal(x.grad, [1.0, 0.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_dtype_of_ufuncs(dtype):
    x = mg.tensor([1.0, 2.0])
    y = mg.multiply(x, 3.0, dtype=dtype)
    assert y.dtype == dtype
    y.backward()
    assert x.grad.dtype == np.float64
    assert_array_equal(x.grad, [3.0, 3.0])


@pytest.mark.parametrize("out", [np.zeros((4, 3)), mg.zeros((4, 3), dtype=float)])
def test_a_product_of_vectors_that_fills_a_larger_out(out):
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 5.0])
    np.matmul(x, y, out=out).backward()
    np.testing.assert_array_equal(x.grad, 12 * y.data)
    np.testing.assert_array_equal(y.grad, 12 * x.data)


def test_more_arguments_than_operands_and_out_are_refused():
    x = mg.tensor([1.0])
    with pytest.raises(TypeError, match=r"add\(\) takes 2 operands and `out`; 4 arguments"):
        mg.add(x, x, np.zeros(1), x)
    with pytest.raises(TypeError, match="3 arguments"):
        mg.exp(x, np.zeros(1), True)
