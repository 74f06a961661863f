"""Behaviour 1: construction, dtypes, the flag `constant`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg
from mygrad import Tensor

# -- what can be data


@pytest.mark.parametrize("data", [None, "a", object(), {}, [None, 1.0], ["a"]])
@pytest.mark.parametrize("make", [Tensor, mg.tensor, mg.astensor])
def test_data_that_is_no_number_is_a_type_error(make, data):
    with pytest.raises(TypeError, match="Tensor data must be of an floating type, integer type, or boolean"):
        make(data)


def test_ragged_lists_are_numpys_error():
    with pytest.raises(ValueError, match="inhomogeneous"):
        mg.tensor([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
)
def test_every_real_dtype_is_kept(dtype):
    array = np.array([0, 1], dtype=dtype)
    t = mg.tensor(array)
    assert t.dtype == array.dtype
    assert t.constant is (array.dtype.kind != "f")
    assert_array_equal(t.data, array)


def test_arguments_of_the_constructors():
    assert mg.tensor([1, 2], np.float32).dtype == np.float32
    assert Tensor([1, 2], dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError, match="positional"):
        Tensor([1, 2], np.float32)
    assert Tensor([1.0], ndmin=3).shape == mg.tensor([1.0], ndmin=3).shape == (1, 1, 1)


@pytest.mark.parametrize(
    "data", [2.0, [], [[1.0, 2.0]], (1.0, 2.0), range(3), np.float32(1), np.ones((2, 0))]
)
def test_shape_ndim_and_size_are_numpys(data):
    array, t = np.array(data), mg.tensor(data)
    assert (t.shape, t.ndim, t.size, t.dtype) == (array.shape, array.ndim, array.size, array.dtype)
    assert type(t.data) is np.ndarray
    assert (t.grad, t.creator, t.base) == (None, None, None)


# -- constant


@pytest.mark.parametrize("data", [1, [True, False], np.arange(3), np.uint8(3)])
def test_integers_and_booleans_are_constants(data):
    assert mg.tensor(data).constant is True
    assert mg.tensor(data, constant=True).constant is True
    with pytest.raises(ValueError, match=r"Integer-valued tensors must be treated as constants\."):
        mg.tensor(data, constant=False)


def test_floats_are_variables_unless_told_otherwise():
    assert mg.tensor(1.0).constant is False
    assert mg.tensor(1.0, constant=True).constant is True


@pytest.mark.parametrize("flag", [1, 0, np.True_, "yes"])
def test_the_flag_is_a_python_bool(flag):
    with pytest.raises(TypeError, match="constant"):
        mg.tensor(1.0, constant=flag)


@pytest.mark.parametrize("name", ["constant", "grad", "base", "creator", "dtype", "T", "ndim", "size"])
def test_attributes_that_cannot_be_set(name):
    t = mg.tensor([1.0])
    with pytest.raises(AttributeError):
        setattr(t, name, getattr(t, name))


# -- from a tensor, from an array


@pytest.mark.parametrize("make", [Tensor, mg.tensor])
def test_a_tensor_of_a_tensor_is_a_copy_without_graph_gradient_and_flag(make):
    x = mg.tensor([1.0, 2.0], constant=True)
    y = mg.multiply(x, 2.0, constant=False)
    y.backward()
    y = mg.multiply(x, 3.0, constant=True)
    for source in (x, y):
        made = make(source)
        assert (made.creator, made.grad, made.base, made.constant) == (None, None, None, False)
        assert_array_equal(made.data, source.data)
        assert not np.shares_memory(made.data, source.data)


@pytest.mark.parametrize("constant", [True, False])
def test_copy_false_returns_a_tensor_that_is_as_asked(constant):
    t = mg.tensor([1.0, 2.0], constant=constant)
    assert mg.tensor(t, copy=False) is t
    assert mg.tensor(t, float, copy=False, constant=constant, ndmin=1) is t
    assert mg.astensor(t) is t
    assert mg.astensor(t, float, constant=constant) is t
    assert mg.tensor(t, copy=False, ndmin=-3) is t


def test_copy_false_makes_another_tensor_where_it_must():
    t = mg.tensor([1.0, 2.0])
    constant = mg.tensor(t, copy=False, constant=True)
    assert constant is not t
    assert constant.base is None
    assert np.shares_memory(constant.data, t.data)
    single = mg.astensor(t, np.float32)
    assert single.dtype == np.float32
    assert single.creator is None
    assert_array_equal(single.data, [1.0, 2.0])


def test_copy_false_with_more_axes_is_a_view():
    t = mg.tensor([1.0, 2.0])
    v = mg.tensor(t, copy=False, ndmin=3)
    assert v.shape == (1, 1, 2)
    assert v.base is t
    (3 * v).backward()
    assert_array_equal(t.grad, [3.0, 3.0])


def test_ndmin_is_an_integer():
    with pytest.raises(TypeError):
        mg.tensor(mg.tensor([1.0]), copy=False, ndmin=1.5)
    with pytest.raises(TypeError):
        mg.tensor([1.0], ndmin=1.5)


def test_arrays_are_copied_unless_told_otherwise():
    a = np.ones(3)
    assert not np.shares_memory(mg.tensor(a).data, a)
    assert not np.shares_memory(Tensor(a).data, a)
    for shared in (mg.tensor(a, copy=False), Tensor(a, copy=False), mg.astensor(a)):
        assert np.shares_memory(shared.data, a)
        assert shared.base is None


def test_asarray_is_the_data():
    t = mg.tensor([1.0, 2.0])
    assert mg.asarray(t) is t.data
    assert np.asarray(t) is t.data
    assert not np.shares_memory(np.array(t), t.data)
    assert np.asarray(t, dtype=np.float32).dtype == mg.asarray(t, dtype=np.float32).dtype == np.float32


# -- functions that create


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: mg.zeros((2, 1)), np.zeros((2, 1), "f4")),
        (lambda: mg.ones(2), np.ones(2, "f4")),
        (lambda: mg.eye(2, 3, 1), np.eye(2, 3, 1)),
        (lambda: mg.identity(2), np.identity(2)),
        (lambda: mg.full((2,), 3), np.full((2,), 3)),
        (lambda: mg.full((2,), 3.5), np.full((2,), 3.5)),
        (lambda: mg.arange(3), np.arange(3)),
        (lambda: mg.arange(1.0, 2.0, 0.25), np.arange(1.0, 2.0, 0.25)),
        (lambda: mg.linspace(0, 1, 5), np.linspace(0, 1, 5)),
        (lambda: mg.linspace(0, 1, 5, False), np.linspace(0, 1, 5, False)),
        (lambda: mg.logspace(0, 1, 5), np.logspace(0, 1, 5)),
        (lambda: mg.geomspace(1, 8, 4), np.geomspace(1, 8, 4)),
        (lambda: mg.zeros(2, dtype=int), np.zeros(2, int)),
    ],
)
def test_creation(made, expected):
    t = made()
    assert type(t) is Tensor
    assert t.dtype == expected.dtype
    assert_array_equal(t.data, expected)
    assert t.constant is (expected.dtype.kind != "f")


def test_empty_is_single_and_everything_takes_the_flag():
    assert mg.empty((2, 3)).dtype == np.float32
    assert mg.empty((2, 3)).shape == (2, 3)
    for make in (mg.zeros, mg.ones, mg.empty, mg.eye, mg.identity, mg.random.rand):
        assert make(2, constant=True).constant is True
        assert make(2).constant is False


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (lambda: mg.random.rand(2, 3), lambda: np.random.rand(2, 3)),
        (lambda: mg.random.randn(3), lambda: np.random.randn(3)),
        (lambda: mg.random.random((2,)), lambda: np.random.random((2,))),
        (lambda: mg.random.random_sample(2), lambda: np.random.random_sample(2)),
        (lambda: mg.random.ranf(2), lambda: np.random.ranf(2)),
        (lambda: mg.random.sample(2), lambda: np.random.sample(2)),
        (lambda: mg.random.randint(0, 9, shape=(4,)), lambda: np.random.randint(0, 9, (4,))),
    ],
)
def test_random_is_the_stream_of_numpys_global_generator(ours, numpys):
    mg.random.seed(5)
    t = ours()
    np.random.seed(5)
    assert type(t) is Tensor
    assert_array_equal(t.data, numpys())
    assert t.constant is (t.dtype.kind != "f")


LIKE = [mg.zeros_like, mg.ones_like, mg.empty_like, lambda x, **k: mg.full_like(x, 2.0, **k)]


@pytest.mark.parametrize("like", LIKE)
def test_like_functions_are_constant_unless_like_a_variable(like):
    assert like([1.0]).constant is True
    assert like(np.ones(2)).constant is True
    assert like(mg.tensor([1.0], constant=True)).constant is True
    assert like(mg.tensor([1.0])).constant is False
    assert like(np.ones(2), constant=False).constant is False
    made = like(mg.tensor(np.ones((2, 3), "f4")), shape=(4,))
    assert (made.shape, made.dtype, made.creator) == ((4,), np.float32, None)
    assert like(mg.tensor([1.0]), dtype=np.float32).dtype == np.float32


def test_like_functions_through_numpy():
    t = mg.tensor([[1.0, 2.0]])
    assert_array_equal(np.zeros_like(t).data, [[0.0, 0.0]])
    assert_array_equal(np.ones_like(t).data, [[1.0, 1.0]])
    assert_array_equal(np.full_like(t, 3.0).data, [[3.0, 3.0]])
    for made in (np.zeros_like(t), np.empty_like(t)):
        assert type(made) is Tensor
        assert made.constant is False


def test_linspace_of_a_tensor_has_its_gradient():
    """MyGrad 2.5 refuses it."""
    x = mg.tensor(1.0)
    mg.linspace(x, 3.0, 5).sum().backward()
    assert x.grad == 2.5


# -- the flag of results


def test_a_result_is_constant_when_all_tensors_are():
    x, c = mg.tensor([1.0]), mg.tensor([1.0], constant=True)
    assert (x + c).constant is False
    assert (c + c).constant is True
    assert (c + np.ones(1)).constant is True
    assert mg.add(np.ones(1), 1.0).constant is True
    assert mg.add(x, c, constant=True).constant is True


def test_a_variable_of_constants_gets_a_gradient_and_its_inputs_none():
    c = mg.tensor([1.0], constant=True)
    y = mg.add(c, c, constant=False)
    assert y.constant is False
    y.backward()
    assert_array_equal(y.grad, [1.0])
    assert c.grad is None


def test_integer_results_are_constants():
    i = mg.tensor([1, 2])
    assert (i + 1).constant is True
    assert i.sum().constant is True
    with pytest.raises(ValueError, match="Integer-valued"):
        mg.add(i, 1, constant=False)
    with pytest.raises(ValueError, match="Integer-valued"):
        i.sum(constant=False)


# -- astype


def test_astype_detaches():
    x = mg.tensor([1.0, 2.5])
    y = x * 2
    made = y.astype(np.float32)
    assert (made.creator, made.base, made.grad, made.constant) == (None, None, None, False)
    assert made.dtype == np.float32
    assert_array_equal(made.data, [2.0, 5.0])
    made.backward()
    assert x.grad is None


def test_astype_infers_the_flag_anew():
    c = mg.tensor([1.0], constant=True)
    assert c.astype(np.float32).constant is False
    assert c.astype(np.float32, constant=True).constant is True
    assert mg.tensor([1.0]).astype(int).constant is True
    assert mg.tensor([1]).astype(float).constant is False


@pytest.mark.parametrize("constant", [True, False])
def test_astype_without_copy_returns_what_is_as_asked(constant):
    t = mg.tensor([1.0], constant=constant)
    assert t.astype(float, copy=False) is t
    assert t.astype(float, copy=False, constant=constant) is t
    assert t.astype(float) is not t
    assert t.astype(np.float32, copy=False) is not t


# -- attributes and subclasses


def test_data_can_be_assigned():
    x = mg.tensor([1.0, 2.0])
    x.data = np.array([5.0, 6.0])
    (x * x).backward()
    assert_array_equal(x.grad, [10.0, 12.0])


def test_data_assigned_before_backward():
    x = mg.tensor([1.0, 2.0])
    y = x * x
    x.data = np.array([5.0, 6.0])
    y.backward()
    assert_array_equal(x.grad, [2.0, 4.0])  # MyGrad 2.5 has the values of now in the rule of then
    assert_array_equal(x, [5.0, 6.0])
    z = x * 2
    w = z * z
    z.data = np.array([7.0, 8.0])
    w.backward()
    assert_array_equal(z.grad, [20.0, 24.0])
    assert_array_equal(x.grad, [40.0, 48.0])
    assert_array_equal(z, [7.0, 8.0])
    assert z.creator is None


def test_any_attribute_can_be_set():
    x = mg.tensor([1.0])
    x.note = "kept"
    assert x.note == "kept"


class Sub(Tensor):
    """A subclass that changes nothing."""


def test_operators_and_indexing_keep_the_subclass():
    s, t = Sub([1.0, 2.0]), mg.tensor([1.0, 2.0])
    assert type(s + 1) is type(1 + s) is type(-s) is type(s[0]) is type(s**2) is type(s.T) is Sub
    assert type(s / t) is Sub
    assert type(t + s) is Tensor


class Named(Tensor):
    """A subclass with something of its own."""

    def __init__(self, x, name="unnamed", **keywords):
        super().__init__(x, **keywords)
        self.name = name


def test_results_have_what_the_constructor_of_the_subclass_sets():
    s = Named([1.0, 2.0], "weights")
    for result in (s + 1, 1 - s, -s, s[0], s**2, s.T, next(iter(s))):
        assert type(result) is Named
        assert result.name == "unnamed"
    y = (s * s)[1:]
    y.backward()
    assert_array_equal(s.grad, [0.0, 4.0])
    s += 1
    assert s.name == "weights"
    assert (Named([1, 2]) * 2).constant
    assert not (Named([1, 2]) * 0.5 * s).constant


def test_functions_and_methods_return_plain_tensors():
    s = Sub([1.0, 2.0])
    assert type(mg.add(s, 1)) is type(s.sum()) is type(s.reshape(2, 1)) is type(s.copy()) is Tensor


def test_gradients_of_subclasses():
    s = Sub([1.0, 2.0])
    (s * s).sum().backward()
    assert_array_equal(s.grad, [2.0, 4.0])
