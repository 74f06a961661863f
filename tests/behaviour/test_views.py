"""Behaviour 6: views, their base, their gradients."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg

X = np.arange(1.0, 7.0).reshape(2, 3)

VIEWS = {
    "row": lambda x: x[0],
    "row by a tensor": lambda x: x[mg.tensor(0)],
    "slice": lambda x: x[::-1, 1:],
    "empty slice": lambda x: x[2:],
    "newaxis": lambda x: x[..., None],
    "ellipsis": lambda x: x[...],
    "empty tuple": lambda x: x[()],
    "reshape method": lambda x: x.reshape(3, 2),
    "reshape": lambda x: np.reshape(x, (-1,)),
    "ravel": lambda x: np.ravel(x),
    "ravel method": lambda x: x.ravel(),
    "T": lambda x: x.T,
    "transpose": lambda x: np.transpose(x),
    "transpose axes": lambda x: np.transpose(x, (1, 0)),
    "transpose method": lambda x: x.transpose(1, 0),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "broadcast_to": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "einsum transpose": lambda x: np.einsum("ij->ji", x),
    "einsum diagonal": lambda x: np.einsum("ii->i", x[:, :2]),
    "atleast_3d": lambda x: np.atleast_3d(x),
}
COPIES = {
    "advanced": lambda x: x[[0]],
    "boolean": lambda x: x[np.array([True, False])],
    "entry": lambda x: x[0, 0],
    "mixed": lambda x: x[:, [0, 1]],
    "flatten": lambda x: x.flatten(),
    "positive": lambda x: +x,
    "roll": lambda x: np.roll(x, 0),
    "repeat": lambda x: np.repeat(x, 1),
    "copy": lambda x: x.copy(),
    "reshape of a transpose": lambda x: x.T.reshape(-1),
}
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
every_copy = pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)


@every_view
def test_views_share_memory_and_name_the_owner(view):
    x = mg.tensor(X)
    v = view(x)
    assert v.base is x
    assert_array_equal(v.data, view(X))
    assert np.shares_memory(v.data, x.data) or not v.size
    assert v[...].base is x  # behaviour 6: a view of a view has the same base
    assert x.base is None


@every_view
@pytest.mark.parametrize("constant", [True, False])
def test_views_inherit_the_flag(view, constant):
    assert view(mg.tensor(X, constant=constant)).constant is constant


@every_copy
def test_copies_have_no_base(copy):
    x = mg.tensor(X)
    c = copy(x)
    assert c.base is None
    assert_array_equal(c.data, copy(X))
    assert not np.shares_memory(c.data, x.data)


@every_copy
def test_views_of_copies_have_the_copy_as_base(copy):
    c = copy(mg.tensor(X))
    assert c[..., None].base is c


def test_bases_are_as_numpys():
    x = mg.tensor(X)
    chain = [x, x.T, x.T[:2], x.T[:2].reshape(2, 2), x.T[:2].reshape(-1), x.T[:2].reshape(-1)[:1]]
    arrays = [X, X.T, X.T[:2], X.T[:2].reshape(2, 2), X.T[:2].reshape(-1), X.T[:2].reshape(-1)[:1]]
    for t, array in zip(chain, arrays, strict=True):
        assert (t.base is x) == np.shares_memory(array, X) or t is x
        assert_array_equal(t.data, array)


@pytest.mark.parametrize(
    "nothing",
    [
        mg.atleast_1d,
        mg.atleast_2d,
        np.atleast_1d,
        lambda x: mg.clip(x, None, None),
        lambda x: x.clip(None, None),
        lambda x: x.astype(float, copy=False),
    ],
)
def test_what_does_nothing_returns_the_tensor(nothing):
    x = mg.tensor(X)
    assert nothing(x) is x


def test_several_at_once():
    x, y = mg.tensor(1.0), mg.tensor([1.0])
    a, b = mg.atleast_1d(x, y)
    assert a.base is x
    assert b is y


def test_views_of_arrays_have_a_hidden_constant_base():
    a = X.copy()
    v = mg.reshape(a, (3, 2))
    assert isinstance(v.base, mg.Tensor)
    assert v.base.data is a
    assert v.constant
    assert np.shares_memory(v.data, a)


def test_views_of_lists_have_no_base():
    v = mg.reshape([1.0, 2.0], (2, 1))
    assert v.base is None
    assert v.constant


# -- gradients


@every_view
def test_the_gradient_of_a_view_is_a_view_of_the_gradient(view):
    x = mg.tensor(X)
    before = view(x)
    (x * x).backward()
    after = view(x)
    assert x.grad.base is None
    for v in (before, after):
        assert_array_equal(v.grad, view(2 * X))
        assert np.shares_memory(v.grad, x.grad) or not v.size
        assert v.grad.base is x.grad


def test_writing_into_one_gradient_writes_into_the_other():
    x = mg.tensor(X)
    v = x[0]
    (x * x).backward()
    v.grad[...] = -1.0
    assert_array_equal(x.grad, [[-1, -1, -1], [8, 10, 12]])
    x.grad[0, 0] = 7.0
    assert v.grad[0] == 7.0


def test_backward_of_a_view_fills_with_zeros():
    x = mg.tensor(X)
    v = x[0, 1:]
    v.backward([5.0, 6.0])
    assert_array_equal(x.grad, [[0, 5, 6], [0, 0, 0]])
    assert_array_equal(v.grad, [5, 6])


@every_view
def test_backward_through_a_view(view):
    x = mg.tensor(X)
    v = view(x)
    weights = np.arange(1.0, v.size + 1).reshape(v.shape)
    (v * weights).backward()
    where = view(np.arange(6).reshape(2, 3))
    expected = np.zeros(6)
    np.add.at(expected, where.ravel(), weights.ravel())
    assert_array_equal(x.grad, expected.reshape(2, 3))


def test_overlapping_views_add_up():
    x = mg.tensor(X)
    (x[0] * 2 + x[:, :2].reshape(-1)[:3] + x.T[:, 0]).backward()
    expected = np.zeros((2, 3))
    expected[0] += 3
    for i, j in [(0, 0), (0, 1), (1, 0)]:
        expected[i, j] += 1
    assert_array_equal(x.grad, expected)


def test_a_view_of_a_base_without_gradient_has_none():
    x = mg.tensor(X)
    v = x[0]
    assert v.grad is None
    (v * 2).backward()
    assert_array_equal(v.grad, [2, 2, 2])
    x.null_grad()
    assert v.grad is None


def test_a_view_of_an_intermediate_result():
    x = mg.tensor(X)
    y = x * 2
    v = y[1]
    (v * v).backward()
    assert v.base is y
    assert v.grad.base is y.grad
    assert_array_equal(v.grad, 4 * X[1])
    assert_array_equal(y.grad, [[0, 0, 0], 4 * X[1]])
    assert_array_equal(x.grad, 2 * y.grad)


def test_a_constant_view_shows_the_gradient_of_its_base():
    x = mg.tensor(X)
    v = mg.reshape(x, (3, 2), constant=True)
    assert v.constant
    assert v.base is x
    (x * x).backward()
    assert_array_equal(v.grad, 2 * X.reshape(3, 2))


def test_views_of_constants_have_no_gradient():
    c = mg.tensor(X, constant=True)
    v = c[0]
    (v * mg.tensor(2.0)).backward()
    assert (v.grad, c.grad) == (None, None)


# -- after a graph was cleared


@pytest.mark.parametrize("finish", ["backward", "clear_graph"])
def test_a_view_in_a_cleared_graph_keeps_its_base_until_used(finish):
    x = mg.tensor(X)
    v = x[0]
    getattr(v * 2, finish)()
    assert v.base is x
    _ = v * 3
    assert v.base is None
    assert v.grad is None


@pytest.mark.parametrize("finish", ["backward", "clear_graph"])
def test_writing_to_a_view_in_a_cleared_graph_leaves_the_base(finish):
    x = mg.tensor(X)
    v = x[0]
    getattr(v * 2, finish)()
    v += 10
    assert_array_equal(v.data, X[0] + 10)
    assert_array_equal(x.data, X)
    assert not np.shares_memory(v.data, x.data)
    assert v.base is None


def test_a_view_in_a_cleared_graph_keeps_its_gradient_when_it_is_viewed():
    x = mg.tensor(X)
    v = x[0]
    (v * v).backward()
    w = v[1:]
    assert v.base is None
    assert w.base is v
    assert_array_equal(v.grad, 2 * X[0])
    assert_array_equal(w.grad, 2 * X[0, 1:])


def test_a_view_that_waits_for_its_base_can_be_written():
    x = mg.tensor(X)
    v, y = x[...], 2 * x
    v.backward()
    assert not v.data.flags.writeable
    v[0] = 7
    assert_array_equal(v.data, [[7, 7, 7], X[1]])
    assert_array_equal(x.data, X)
    assert_array_equal(y.data, 2 * X)


def test_writing_to_an_old_view_of_a_base_that_was_cleared_detaches_it():
    x = mg.tensor(X)
    v = x[1]
    x.backward()
    v[...] = -1
    assert_array_equal(x.data, X)
    assert_array_equal(v.data, [-1, -1, -1])
    assert_array_equal(x.grad, np.ones((2, 3)))


def test_an_old_view_that_was_no_part_of_the_cleared_graph_still_shows_its_part():
    x = mg.tensor(X)
    v = x[1]
    (x * x).backward()
    _, w = v * 2, v[1:]
    assert v.base is w.base is x
    assert_array_equal(v.grad, 2 * X[1])
    assert_array_equal(w.grad, 2 * X[1, 1:])
    w[...] = 0
    assert_array_equal(x.data, X)


def test_the_gradient_of_the_base_of_a_view_made_by_einsum_can_be_written():
    x = mg.tensor(X)
    y = np.einsum("ij->ji", x)
    y.backward()
    assert y.grad.flags.writeable
    assert x.grad.flags.writeable


def test_a_new_view_of_a_cleared_base_writes_to_it():
    x = mg.tensor(X)
    (x * 2).backward()
    v = x[0]
    v += 10
    assert_array_equal(x.data, X + [[10], [0]])
    (x * x).backward()
    assert_array_equal(v.grad, 2 * v.data)


def test_iteration_gives_views():
    x = mg.tensor(X)
    for i, row in enumerate(x):
        assert row.base is x
        row *= i
    assert_array_equal(x.data, X * [[0], [1]])


# -- a base whose memory is in another order


def in_columns():
    """A base in Fortran's order, and a view that can only be made of such: its elements column by column."""
    x = mg.tensor(np.asfortranarray(X))
    return x, x.T.reshape(-1)


def test_gradient_of_a_view_shares_memory_where_the_gradient_of_the_base_was_in_another_order():
    x, view = in_columns()
    (x * np.ascontiguousarray(X)).sum().backward()
    assert x.grad.flags.c_contiguous
    assert_array_equal(view.grad, X.T.ravel())
    assert np.shares_memory(view.grad, x.grad)
    assert_array_equal(x.grad, X)
    view.grad[1] = 100.0
    assert x.grad[1, 0] == 100.0


def test_write_to_a_view_of_a_base_that_was_given_other_memory():
    x, view = in_columns()
    x.data = np.ascontiguousarray(X)
    view[1] = 100.0
    assert x.data[1, 0] == 100.0
    assert view.data[1] == 100.0


def test_view_that_is_given_another_shape_remains_a_view():
    x = mg.tensor(np.arange(6.0))
    view = x[1:5]
    view.shape = (2, 2)
    view[0, 1] = 20.0
    assert_array_equal(x.data, [0, 1, 20, 3, 4, 5])
    (x * np.arange(6.0)).sum().backward()
    assert_array_equal(view.grad, [[1, 2], [3, 4]])


def test_shape_of_a_base_whose_views_are_partly_gone():
    x = mg.tensor(np.arange(6.0))
    view, gone = x[1:5], x[:2]
    del gone
    x.shape = (2, 3)
    x[0, 1] = 7.0
    assert_array_equal(view.data, [7, 2, 3, 4])


def test_shape_without_a_graph():
    x = mg.tensor(np.arange(6.0))
    with mg.no_autodiff:
        x.shape = (2, 3)
    assert x.shape == x.data.shape == (2, 3)
