"""Behaviour 7: writes in place."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mygrad as mg

X = np.arange(1.0, 7.0).reshape(2, 3)


def iadd(x, y):
    x += y
    return x


def isub(x, y):
    x -= y
    return x


def imul(x, y):
    x *= y
    return x


def idiv(x, y):
    x /= y
    return x


def ipow(x, y):
    x **= y
    return x


def setitem(x, y):
    x[...] = y
    return x


def out(x, y):
    return np.arctan2(x, y, out=x)


WRITES = [iadd, isub, imul, idiv, ipow, setitem, out]
every_write = pytest.mark.parametrize("write", WRITES)


# -- objects, values, memory


@every_write
def test_the_object_stays_and_everybody_sees_the_values(write):
    x, expected = mg.tensor(X), X.copy()
    row, turned = x[0], x.T
    row_expected, turned_expected = expected[0], expected.T
    assert write(x, 3.0) is x
    write(expected, 3.0)
    assert_allclose(x.data, expected, rtol=1e-15)
    assert_allclose(row.data, row_expected, rtol=1e-15)
    assert_allclose(turned.data, turned_expected, rtol=1e-15)


@every_write
def test_writing_through_a_view_of_a_view(write):
    x, expected = mg.tensor(X), X.copy()
    v = x.T[1:]
    w = v[:, 1]
    same = w
    w = write(w, 3.0)
    assert w is same
    write(expected.T[1:][:, 1], 3.0)
    assert_allclose(x.data, expected, rtol=1e-15)
    assert_allclose(v.data, expected.T[1:], rtol=1e-15)
    assert w.base is v.base is x
    assert np.shares_memory(w.data, x.data)


@every_write
def test_an_array_taken_before_keeps_the_old_values(write):
    x = mg.tensor(X)
    before = x.data
    write(x, 3.0)
    assert_array_equal(before, X)
    assert x.data is not before


@every_write
def test_in_no_autodiff_the_array_itself_is_written(write):
    x = mg.tensor(X)
    array, expected = x.data, X.copy()
    with mg.no_autodiff:
        assert write(x, 3.0) is x
    write(expected, 3.0)
    assert x.data is array
    assert_allclose(array, expected, rtol=1e-15)
    assert x.creator is None


# -- what it means for gradients


def test_a_leaf_that_was_written_has_the_gradient_of_its_new_value():
    x = mg.tensor(X)
    x *= 2
    x.backward()
    assert_array_equal(x.grad, np.ones((2, 3)))
    x = mg.tensor(X)
    x *= 2
    (x * x).backward()
    assert_array_equal(x.grad, 4 * X)


def test_what_was_computed_before_uses_the_old_value():
    x = mg.tensor(X)
    y = x * x
    x[:] = 0
    y.backward()
    assert x.grad is None
    assert_array_equal(y.data, X * X)
    assert_array_equal(y.grad, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda y: y.__iadd__(5.0), 1.0),
        (lambda y: y.__isub__(5.0), 1.0),
        (lambda y: y.__imul__(5.0), 5.0),
        (lambda y: y.__itruediv__(5.0), 1 / 5),
        (lambda y: y.__ipow__(3), 3 * X**2),
        (lambda y: np.exp(y, out=y), np.exp(X)),
        (lambda y: y.__setitem__(..., 5.0), 0.0),
        (lambda y: y.__setitem__(0, 5.0), [[0.0], [1.0]]),
        (lambda y: y.__setitem__((..., [0, 2]), 5.0), [0.0, 1.0, 0.0]),
        (lambda y: y.__setitem__(y > 3, 5.0), X <= 3),
        (lambda y: y[0].__imul__(5.0), [[5.0], [1.0]]),
        (lambda y: y.T[1:].__imul__(5.0), [1.0, 5.0, 5.0]),
        (lambda y: y.__setitem__(slice(None), y[::-1]), 1.0),
        (lambda y: y.__setitem__(0, y[1] * 3), [[0.0], [4.0 - 0.0]]),
    ],
)
def test_gradients_upstream_of_a_write(write, expected):
    x = mg.tensor(X)
    y = +x
    write(y)
    y.backward()
    assert_allclose(x.grad, np.broadcast_to(expected, (2, 3)), rtol=1e-14)
    assert_array_equal(y.grad, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), 15.0), ((1,), [15.0]), ((3,), [5.0, 7.0, 9.0]), ((2, 1), [[6.0], [15.0 - 6 + 0]]), ((2, 3), X)],
)
def test_a_value_that_is_set_gets_the_summed_gradient(shape, expected):
    x, value = mg.tensor(X), mg.tensor(np.full(shape, 2.0))
    y = +x
    y[...] = value
    (y * X).backward()
    axes = {(): (0, 1), (1,): (0, 1), (3,): (0,), (2, 1): (1,), (2, 3): ()}[shape]
    assert_array_equal(value.grad, X.sum(axes).reshape(shape))
    assert_array_equal(x.grad, np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("index", "value", "expected"),
    [
        (..., [[5.0]], [[111.0]]),
        (slice(1, 3), [[[5.0, 6.0]]], [[[10.0, 100.0]]]),
        ([0, 0], [[5.0, 6.0]], [[0.0, 1.0]]),
    ],
)
def test_a_value_may_have_more_axes_of_size_1_in_front(index, value, expected):
    x, v = mg.tensor([1.0, 2.0, 3.0]), mg.tensor(value)
    y = x * 1.0
    y[index] = v
    (y * [1.0, 10.0, 100.0]).backward()
    assert_array_equal(v.grad, expected)


def test_in_repeated_integer_indices_the_last_write_counts():
    value = mg.tensor([1.0, 2.0, 3.0])
    x = +mg.zeros(2, dtype=float)
    x[[0, 0, 1]] = value
    assert_array_equal(x.data, [2.0, 3.0])
    (x * [10.0, 100.0]).backward()
    assert_array_equal(value.grad, [0, 10, 100])


def test_the_value_may_be_made_of_the_target():
    x = mg.tensor(X)
    y = +x
    y[0] = y[0] * y[1]
    y.backward()
    assert_array_equal(x.grad, [X[1], 1 + X[0]])


def test_versions_are_kept_apart():
    x = mg.tensor([2.0])
    y = +x
    total = y * y  # x^2
    y *= x  # x^2
    total = total + y * y  # x^4
    y += total  # x^4 + 2 x^2
    y.backward()
    assert x.grad == 4 * 8 + 4 * 2


def test_creators_keep_the_versions():
    x = mg.tensor([1.0])
    y = x * 2
    x += 1
    assert_array_equal(y.creator.variables[0].data, [1.0])
    assert x.creator is not None


def test_a_write_through_a_view_reaches_readers_of_the_base_and_of_other_views():
    x = mg.tensor(X)
    y = +x
    row, column = y[0], y[:, 0]
    row *= 3
    (column * column).backward()
    assert_array_equal(x.grad, [[2 * 9 * 1, 0, 0], [2 * 4, 0, 0]])
    assert_array_equal(column.grad, [2 * 3, 2 * 4])
    assert_array_equal(row.grad, [2 * 3, 0, 0])


def test_after_a_write_a_view_of_a_view_is_still_made_of_it():
    base = mg.tensor(X)
    row = base[0]
    tail = row[1:]
    base *= 2
    assert tail.creator.variables[0] is row
    tail.sum().backward()
    assert row.creator is None
    base.data -= 0.5 * base.grad  # nothing is locked any more
    assert_array_equal(base.data, 2 * X - [[0, 0.5, 0.5], [0, 0, 0]])


def test_after_a_write_a_view_of_a_view_that_is_gone_follows():
    base = mg.tensor(X)
    rows = base[0:1]
    tail = rows[:, 1:]
    del rows
    base *= 2
    assert_array_equal(tail.data, 2 * X[0:1, 1:])
    tail.sum().backward()
    assert_array_equal(base.grad, [[0, 1, 1], [0, 0, 0]])


# -- flag, dtype, errors


def test_the_flag_of_the_target_stays():
    c = mg.tensor([1.0, 2.0], constant=True)
    x = mg.tensor(5.0)
    c[0] = x
    assert c.constant
    c.backward()
    assert (c.grad, x.grad) == (None, None)
    v = mg.tensor([1.0, 2.0])
    assert mg.add(1.0, 2.0, out=v, constant=True).constant is False


@every_write
def test_the_dtype_of_the_target_stays(write):
    x = mg.tensor(X, dtype="f4")
    write(x, mg.tensor(3.0, dtype="f8"))
    assert x.dtype == np.float32
    x.backward()
    assert x.grad.dtype == np.float32


def test_casts_that_numpy_refuses():
    i = mg.tensor([1, 2])
    with pytest.raises(np._core._exceptions._UFuncOutputCastingError):
        i += 1.5
    assert_array_equal(i.data, [1, 2])


def test_setting_truncates_as_in_numpy():
    i = mg.tensor([1, 2])
    i[0] = 5.7
    assert_array_equal(i.data, [5, 2])
    assert i.dtype == int


BAD = [
    (lambda x: x.__setitem__(0, np.ones(7)), ValueError),
    (lambda x: x.__setitem__(9, 1.0), IndexError),
    (lambda x: x.__setitem__((0, 0, 0), 1.0), IndexError),
    (lambda x: x.__setitem__("a", 1.0), IndexError),
    (lambda x: x.__setitem__(0, "a"), (TypeError, ValueError)),
    (lambda x: x.__iadd__(np.ones((5, 2, 3))), ValueError),
    (lambda x: x.__iadd__(np.ones(7)), ValueError),
    (lambda x: np.add(x, 1.0, out=x[:, :1]), ValueError),
    (lambda x: x.__imul__("a"), TypeError),
]


@pytest.mark.parametrize(("write", "error"), BAD)
def test_a_write_that_fails_changes_nothing(write, error):
    x = mg.tensor(X)
    y = x * 2
    v = y[0]
    with pytest.raises(error):
        write(y)
    assert_array_equal(y.data, 2 * X)
    assert_array_equal(v.data, 2 * X[0])
    assert v.base is y
    y.backward()
    assert_array_equal(x.grad, np.full((2, 3), 2.0))
    assert x.data.flags.writeable
    del v  # downstream of y, it has a graph yet
    assert y.data.flags.writeable


@every_write
def test_data_read_only_by_nature_stays_so(write):
    a = X.copy()
    a.flags.writeable = False
    x = mg.tensor(a, copy=False)
    (x * 2).backward()
    with pytest.raises(ValueError, match="read-only"):
        write(x, 3.0)
    assert_array_equal(x.data, X)
    assert not a.flags.writeable


@every_write
def test_in_no_autodiff_an_array_of_a_live_graph_is_not_written(write):
    x = mg.tensor(X)
    y = x * x
    with mg.no_autodiff, pytest.raises(ValueError, match="read-only"):
        write(x, 3.0)
    y.backward()
    assert_array_equal(x.grad, 2 * X)


# -- powers


@pytest.mark.parametrize(("exponent", "name"), [(1, "positive"), (True, "positive"), (2, "square")])
def test_powers_one_and_two_are_other_operations(exponent, name):
    x = mg.tensor([0.0, -3.0])
    for power in (exponent, float(exponent), np.array(exponent), np.int64(exponent), np.float32(exponent)):
        y = x**power
        assert name in repr(y.creator).lower()
        y.backward()
        assert_array_equal(x.grad, [1.0, 1.0] if exponent == 1 else [0.0, -6.0])
        z = +x
        z **= power
        assert name in repr(z.creator).lower()
        assert_array_equal(z.data, y.data)


def test_powers_of_tensors_are_powers():
    assert "power" in repr((mg.tensor([3.0]) ** mg.tensor(2)).creator).lower()


# -- operators that do not exist


def test_matmul_in_place_is_refused():
    x = mg.tensor(np.eye(2))
    with pytest.raises(TypeError):
        x @= x
    assert_array_equal(x.data, np.eye(2))


def test_floor_division_in_place_gives_an_array_of_constants():
    c = mg.tensor([7.0], constant=True)
    c //= 2
    assert type(c) is np.ndarray
    assert_array_equal(c, [3.0])
    x = mg.tensor([7.0])
    with pytest.raises(ValueError, match="cannot involve non-constant"):
        x //= 2


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: divmod(x, 2),
        lambda x: ~x,
        lambda x: x & x,
        lambda x: x | x,
    ],
)
@pytest.mark.parametrize("constant", [True, False])
def test_operators_that_do_not_exist_for_floats(expression, constant):
    with pytest.raises(TypeError):
        expression(mg.tensor([1.0], constant=constant))


@pytest.mark.parametrize(
    "expression", [lambda x: x % 2, lambda x: 2 % x, lambda x: x.__imod__(2), lambda x: [5.0] % x]
)
def test_the_remainder_is_an_operator_of_constants(expression):
    assert_array_equal(expression(mg.tensor([3.0], constant=True)), expression(np.array([3.0])))
    with pytest.raises(TypeError, match="cannot involve non-constant"):
        expression(mg.tensor([3.0]))
    with pytest.raises(ValueError, match="cannot involve non-constant"):
        np.remainder(mg.tensor([3.0]), 2)
    with pytest.raises(ValueError, match="broadcast"):
        mg.tensor([3, 4]) % mg.tensor([1, 2, 3])


def test_a_tensor_written_to_itself_is_written():
    x = mg.tensor([1.0, 2.0])
    x.backward()
    x[...] = x
    assert x.grad is None
    assert x.creator is not None


# -- shape


@pytest.mark.parametrize("shape", [(3, 2), (6,), (-1,), -1, 6, (1, 6, 1), [2, 3], (-1, 2)])
def test_setting_the_shape(shape):
    x, array = mg.tensor(X), X.copy().reshape(shape)  # NumPy's `shape` is no longer to be set
    v = x[0]
    x.shape = shape
    assert x.shape == array.shape
    assert_array_equal(x.data, array)
    v += 10.0
    array.reshape(2, 3)[0] += 10.0
    assert_array_equal(x.data, array)
    assert v.base is x
    (x * x).backward()
    assert_array_equal(x.grad, 2 * array)
    assert_array_equal(v.grad, 2 * v.data)


def test_the_shape_of_an_intermediate_result():
    x = mg.tensor(X)
    y = x * 2
    y.shape = (3, 2)
    (y * np.arange(6.0).reshape(3, 2)).backward()
    assert_array_equal(x.grad, 2 * np.arange(6.0).reshape(2, 3))
    assert_array_equal(y.grad, np.arange(6.0).reshape(3, 2))


@pytest.mark.parametrize("shape", [(4, 4), (-1, 4), (7,), ()])
def test_a_shape_of_another_size(shape):
    x = mg.tensor(X)
    with pytest.raises(ValueError):
        x.shape = shape
    assert x.shape == (2, 3)


def test_a_shape_that_would_need_a_copy():
    t = mg.tensor(X).T
    with pytest.raises(AttributeError):
        t.shape = (6,)
    assert t.shape == (3, 2)


def test_a_view_writes_into_the_data_that_its_base_was_given():
    x = mg.tensor([1.0, 2.0, 3.0])
    view = x[:2]
    x.data = np.array([10.0, 20.0, 30.0])
    view[0] = 0.0
    assert x.data.tolist() == [0.0, 20.0, 30.0]
    assert view.data.tolist() == [0.0, 20.0]
