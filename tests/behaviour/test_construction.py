"""Behaviour 1 and 2: construction, dtypes, constants, promotion."""

import numpy as np
import pytest

import mygrad as mg
from mygrad import Tensor


@pytest.mark.parametrize("data", [None, "a", object(), {}, 1j])
def test_data_that_no_tensor_can_have(data):
    with pytest.raises(TypeError, match="Tensor data must be of an floating type"):
        mg.tensor(data)


def test_ragged_lists_are_numpys_error():
    with pytest.raises(ValueError, match="inhomogeneous"):
        mg.tensor([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("data", [1, [True, False], np.arange(3)])
def test_integers_and_booleans_are_constants(data):
    assert mg.tensor(data).constant is True
    with pytest.raises(ValueError, match="Integer-valued tensors must be treated as constants"):
        mg.tensor(data, constant=False)


@pytest.mark.parametrize("flag", [1, np.True_, "yes"])
def test_the_flag_is_a_bool(flag):
    with pytest.raises(TypeError, match="constant"):
        mg.tensor(1.0, constant=flag)


@pytest.mark.parametrize("name", ["constant", "grad", "base", "creator", "dtype", "T", "ndim", "size"])
def test_attributes_that_cannot_be_set(name):
    with pytest.raises(AttributeError):
        setattr(mg.tensor(1.0), name, None)


def test_a_tensor_of_a_tensor_is_a_copy_without_flag_and_graph():
    t = mg.tensor([1.0, 2.0], constant=True)
    made = mg.tensor(t * 2)
    assert made.creator is None
    assert made.constant is False
    assert not np.shares_memory(mg.tensor(t), t)


def test_copy_false_returns_what_is_as_asked():
    t = mg.tensor([1.0, 2.0])
    assert mg.tensor(t, copy=False) is t
    assert mg.astensor(t, dtype=float, constant=False) is t
    other = mg.tensor(t, copy=False, constant=True)
    assert other is not t
    assert np.shares_memory(other, t)
    assert other.base is None
    assert mg.tensor(t, copy=False, ndmin=3).shape == (1, 1, 2)
    assert mg.tensor(t, copy=False, ndmin=3).base is t
    with pytest.raises(TypeError):
        mg.tensor(t, copy=False, ndmin=1.5)


def test_arrays_are_shared_or_copied():
    a = np.ones(3)
    assert mg.tensor(a, copy=False).data is a
    assert not np.shares_memory(mg.tensor(a), a)
    t = mg.tensor(a)
    assert mg.asarray(t) is t.data
    assert np.asarray(t) is t.data
    assert np.array(t) is not t.data


def test_default_dtypes_of_creation():
    assert {f(2).dtype for f in (mg.zeros, mg.ones, mg.empty)} == {np.dtype("f4")}
    assert mg.eye(2).dtype == mg.identity(2).dtype == mg.full(2, 1.0).dtype == np.dtype("f8")
    assert mg.full(2, 1).constant
    assert mg.random.rand(2).dtype == np.dtype("f8")


def test_random_is_numpys_stream():
    mg.random.seed(5)
    ours = mg.random.rand(3)
    np.random.seed(5)
    np.testing.assert_array_equal(ours, np.random.rand(3))


def test_like_functions_are_constant_unless_like_a_variable():
    assert mg.zeros_like([1.0]).constant
    assert mg.zeros_like(np.ones(2)).constant
    assert not mg.zeros_like(mg.tensor([1.0])).constant
    assert not mg.ones_like(np.ones(2), constant=False).constant
    assert isinstance(np.zeros_like(mg.tensor([1.0])), Tensor)


def test_constancy_of_results():
    x, c = mg.tensor([1.0]), mg.tensor([1.0], constant=True)
    assert not (x + c).constant
    assert (c + c).constant
    assert (c + np.ones(1)).constant
    assert mg.add(x, c, constant=True).constant
    forced = mg.add(c, c, constant=False)
    assert not forced.constant
    forced.backward()
    np.testing.assert_array_equal(forced.grad, [1.0])
    assert c.grad is None
    with pytest.raises(ValueError, match="Integer-valued"):
        mg.add(mg.tensor(1), 1, constant=False)


def test_astype_detaches():
    x = mg.tensor([1.0])
    made = (x * 2).astype("f4")
    assert made.creator is None
    assert made.base is None
    assert made.dtype == np.float32
    assert x.astype(float, copy=False) is x
    assert not mg.tensor([1.0], constant=True).astype("f4").constant
    assert x.astype(int).constant


def test_data_and_attributes_can_be_assigned():
    x = mg.tensor([1.0, 2.0])
    (3 * x).backward()
    x.data = np.array([5.0, 6.0])
    x.note = "kept"
    assert (x.note, float(x[0])) == ("kept", 5.0)
    np.testing.assert_array_equal(mg.tensor([1.0, 2.0]).data, [1.0, 2.0])


def test_subclasses_are_kept_by_operators_and_indexing():
    class Mine(Tensor):
        pass

    m = Mine([1.0, 2.0])
    assert type(m + 1) is type(1 + m) is type(m[0]) is type(-m) is Mine
    assert type(m.sum()) is type(m.reshape(2, 1)) is type(mg.add(m, 1)) is Tensor


WITH_SCALARS = [
    lambda x: x * 2.0, lambda x: x + 1, lambda x: x / 2, lambda x: x**3, lambda x: x**0.5, lambda x: 1 - x,
    lambda x: np.maximum(x, 0), lambda x: np.clip(x, 0, 1), lambda x: np.where([True], x, 0.0),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("f", WITH_SCALARS)
def test_python_scalars_promote_weakly(f, dtype):
    x = mg.tensor([1.0, 2.0], dtype=dtype)
    y = f(x)
    assert y.dtype == dtype
    y.backward()
    assert x.grad.dtype == dtype


def test_integers_and_floats_promote_as_in_numpy():
    i, f = mg.tensor([1, 2]), mg.tensor([1.0, 2.0], dtype="f4")
    assert (i + f).dtype == np.float64
    assert (i / i).dtype == np.float64
    assert (i + 1.5).constant
    assert np.sum(mg.tensor([1], dtype="i1")).dtype == np.sum(np.array([1], dtype="i1")).dtype
    (i * f).backward()
    assert f.grad.dtype == np.float32


@pytest.mark.parametrize("operand", ["a", None, {}, 1j])
def test_operands_that_are_not_numbers(operand):
    with pytest.raises(TypeError):
        mg.tensor(1.0) + operand
    with pytest.raises(TypeError):
        operand * mg.tensor(1.0)
