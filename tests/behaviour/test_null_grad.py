"""Behaviour 4: when a gradient becomes None."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg


@pytest.fixture
def x():
    """A leaf that holds a gradient."""
    t = mg.tensor([1.0, 2.0])
    t.backward()
    assert_array_equal(t.grad, [1.0, 1.0])
    return t


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * 2,
        lambda x: x + x,
        lambda x: np.ones(2) / x,
        np.sum,
        lambda x: mg.multiply(x, 2, constant=True),
        lambda x: x[[0]],
        lambda x: x[0],
        lambda x: x[x.data > 0],
        lambda x: x.flatten(),
        lambda x: np.concatenate([x, x]),
        lambda x: mg.where([True, False], x, 0.0),
        lambda x: mg.einsum("i,i", x, x),
    ],
)
def test_operations_reset_it(x, operation):
    operation(x)
    assert x.grad is None


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:1],
        lambda x: x[...],
        lambda x: x[None],
        lambda x: x.reshape(2, 1),
        lambda x: x.T,
        lambda x: x.ravel(),
        lambda x: np.expand_dims(x, 0),
        lambda x: np.broadcast_to(x, (3, 2)),
        lambda x: np.atleast_2d(x),
        lambda x: mg.einsum("i->i", x),
    ],
)
def test_views_leave_it(x, view):
    view(x)
    assert_array_equal(x.grad, [1.0, 1.0])


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x < 1,
        lambda x: x == x,
        np.isnan,
        np.logical_not,
        np.argmax,
        lambda x: x.argmin(),
        np.any,
        lambda x: np.allclose(x, x),
        np.asarray,
        np.array,
        repr,
        len,
        lambda x: x.data,
        lambda x: 1.0 in x,
        mg.no_autodiff(lambda x: x * 2),
        mg.no_autodiff(np.sum),
        mg.zeros_like,
        np.ones_like,
        mg.tensor,
        lambda x: x.copy(),
        copy.copy,
        lambda x: x.astype("f4"),
    ],
)
def test_what_is_not_recorded_leaves_it(x, use):
    use(x)
    assert_array_equal(x.grad, [1.0, 1.0])


def test_stepping_on_data_leaves_it(x):
    x.data -= 0.5 * x.grad
    assert_array_equal(x.data, [0.5, 1.5])
    assert_array_equal(x.grad, [1.0, 1.0])
    x.data = np.array([8.0, 9.0])
    assert_array_equal(x.grad, [1.0, 1.0])


def test_null_grad_returns_its_tensor(x):
    assert x.null_grad() is x
    assert x.grad is None
    assert x.null_grad() is x


def test_null_grad_of_a_view_is_computed_again(x):
    v = x[:1]
    assert_array_equal(v.grad, [1.0])
    assert v.null_grad() is v
    assert_array_equal(v.grad, [1.0])
    assert_array_equal(x.grad, [1.0, 1.0])


def test_null_gradients_only_warns(x):
    with pytest.warns(FutureWarning):
        x.null_gradients()
    assert_array_equal(x.grad, [1.0, 1.0])


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__iadd__(1.0),
        lambda x: x.__setitem__(0, 5.0),
        lambda x: np.sin(x, out=x),
    ],
)
def test_writes_reset_it(x, write):
    write(x)
    assert x.grad is None


def test_intermediate_results_lose_theirs_too(x):
    y = x * 3
    (y * y).backward()
    assert_array_equal(y.grad, 2 * y.data)
    _ = y + 1
    assert y.grad is None
    assert_array_equal(x.grad, 6 * y.data)


def test_copies_have_their_own():
    t = mg.tensor([1.0, 2.0], constant=False)
    (t * 3).backward()
    for made in (t.copy(), copy.copy(t)):
        assert made.grad is not t.grad
        assert not np.shares_memory(made.grad, t.grad)
        assert_array_equal(made.grad, [3.0, 3.0])
        assert made.creator is None
        made.null_grad()
        assert_array_equal(t.grad, [3.0, 3.0])


@pytest.mark.parametrize("constant", [True, False])
def test_copies_keep_the_flag(constant):
    t = mg.tensor([1.0], constant=constant)
    assert t.copy().constant is copy.copy(t).constant is constant
    assert t.copy(constant=not constant).constant is (not constant)
