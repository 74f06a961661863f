"""Behaviour 3: backward."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg
from mygrad.errors import InvalidBackprop

# -- the seed


def test_what_is_no_scalar_is_differentiated_as_if_summed():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = x * x
    y.backward()
    assert_array_equal(x.grad, 2 * x.data)
    assert_array_equal(y.grad, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (2, [2.0, 2.0]),
        (2.5, [2.5, 2.5]),
        ([1, 3], [1.0, 3.0]),
        ([7.0], [7.0, 7.0]),
        (mg.tensor([3.0, 4.0]), [3, 4]),
    ],
)
def test_a_seed_is_broadcast_and_cast(seed, expected):
    x = mg.tensor([1.0, 2.0], dtype="f4")
    y = +x
    y.backward(seed)
    for grad in (x.grad, y.grad):
        assert grad.dtype == np.float32
        assert_array_equal(grad, expected)


def test_a_fitting_seed_is_kept_by_reference_and_nowhere_else():
    x, seed = mg.tensor([1.0, 2.0]), np.array([1.0, 5.0])
    y = +x
    z = +y
    z.backward(seed)
    assert z.grad is seed
    assert_array_equal(x.grad, seed)
    assert not np.shares_memory(x.grad, seed)
    assert not np.shares_memory(y.grad, seed)


@pytest.mark.parametrize("shape", [(2, 2), (3,), (1, 1, 2), (0,), (1, 2)])
def test_a_seed_of_the_wrong_shape_leaves_the_graph(shape):
    x = mg.tensor([1.0, 2.0])
    y = x * 3
    with pytest.raises(ValueError, match=r"\(2,\)[^$]*" + str(shape).replace("(", r"\(").replace(")", r"\)")):
        y.backward(np.ones(shape))
    assert x.grad is None
    assert y.creator is not None
    y.backward()
    assert_array_equal(x.grad, [3.0, 3.0])


@pytest.mark.parametrize("seed", ["a", {}, object(), [[1.0], [1.0, 2.0]]])
def test_a_seed_that_is_no_number_leaves_the_graph(seed):
    x = mg.tensor([1.0, 2.0])
    y = x * 3
    with pytest.raises((ValueError, TypeError)):
        y.backward(seed)
    y.backward()
    assert_array_equal(x.grad, [3.0, 3.0])


def test_a_leaf_gets_the_seed():
    x = mg.tensor([1.0, 2.0])
    x.backward()
    assert_array_equal(x.grad, [1.0, 1.0])
    x.backward([3.0, 4.0])
    assert_array_equal(x.grad, [3.0, 4.0])


# -- who gets a gradient


def test_all_variables_upstream_get_one():
    x, c = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0], constant=True)
    y = x * c
    z = y.sum()
    z.backward()
    assert_array_equal(x.grad, [3.0, 4.0])
    assert_array_equal(y.grad, [1.0, 1.0])
    assert z.grad == 1.0
    assert c.grad is None


def test_nothing_goes_back_through_a_constant():
    x = mg.tensor([1.0, 2.0])
    y = mg.multiply(x, 2.0, constant=True)
    z = x * y
    z.backward()
    assert_array_equal(x.grad, [2.0, 4.0])
    assert y.grad is None


def test_gradients_are_writeable_and_share_no_memory():
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0])
    z = x + y
    w = z - x
    s = w + w
    s.backward()
    grads = [t.grad for t in (x, y, z, w, s)]
    assert all(g.flags.writeable for g in grads)
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(grads, 2))


def test_a_constant_only_clears():
    x = mg.tensor([1.0])
    y = mg.multiply(x, 2, constant=True)
    y.backward(np.ones((7, 7)))
    assert (y.grad, x.grad, y.creator) == (None, None, None)


def test_in_no_autodiff_nothing_happens():
    x = mg.tensor([1.0])
    y = x * 2
    with mg.no_autodiff:
        y.backward()
    assert (x.grad, y.grad) == (None, None)
    assert y.creator is not None
    y.backward()
    assert_array_equal(x.grad, [2.0])


# -- sums


def test_fan_out_is_summed():
    x = mg.tensor(2.0)
    y = x * x
    (y * x + y).backward()
    assert x.grad == 3 * 4 + 2 * 2
    assert y.grad == 3.0


def test_an_operand_used_twice():
    x = mg.tensor([2.0, 3.0])
    (x * x).backward()
    assert_array_equal(x.grad, [4.0, 6.0])
    mg.add(x, x).backward()
    assert_array_equal(x.grad, [2.0, 2.0])


@pytest.mark.parametrize("depth", [1, 20])
def test_each_node_is_visited_once(depth):
    y = x = mg.tensor(1.0)
    for _ in range(depth):
        y = y + y  # 2**depth paths
    y.backward()
    assert x.grad == 2.0**depth


def test_order_is_topological():
    x = mg.tensor(3.0)
    late = x * x
    early = late * 2
    (late * early + early).backward()  # 2 x^4 + 2 x^2
    assert x.grad == 8 * 27 + 4 * 3


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (2, 3)])
def test_broadcast_operands_get_the_sum(shape):
    x, weights = mg.tensor(np.ones(shape)), np.arange(6.0).reshape(2, 3)
    (x * weights).backward()
    extra = tuple(range(2 - len(shape)))
    axes = extra + tuple(i + len(extra) for i, n in enumerate(shape) if n == 1)
    assert_array_equal(x.grad, weights.sum(axes).reshape(shape))


# -- more than once


def test_nothing_accumulates_across_calls():
    x = mg.tensor([1.0, 2.0])
    for _ in range(2):
        (x * 3).backward()
        assert_array_equal(x.grad, [3.0, 3.0])


def test_a_finished_terminal_only_sets_its_own():
    x = mg.tensor([1.0, 2.0])
    y = x * 4
    y.backward()
    y.backward(7.0)
    assert_array_equal(y.grad, [7.0, 7.0])
    assert_array_equal(x.grad, [4.0, 4.0])


def test_branches_that_do_not_lead_to_the_terminal_contribute_nothing():
    x = mg.tensor(2.0)
    used, unused = x * 3, x * 5
    used.backward()
    assert x.grad == 3.0
    assert unused.grad is None
    assert unused.creator is not None


def test_through_a_shared_leaf_that_was_cleared():
    x = mg.tensor([1.0])
    z, w = x * 3, x * 5
    z.backward()
    with pytest.raises(InvalidBackprop):
        w.backward()
    assert w.creator is not None  # behaviour 3: the graph is not cleared after the error
    assert x.grad is None  # nor is what `z` left there taken for a gradient of `w`
    assert_array_equal(w.grad, [1.0])


@pytest.mark.parametrize("clear", ["backward", "clear_graph"])
def test_from_the_middle_then_from_the_end(clear):
    x = mg.tensor([1.0])
    y = x * 3
    z = y * 2
    getattr(y, clear)()
    with pytest.raises(InvalidBackprop):
        z.backward()


def test_after_the_error_the_tensors_can_be_used_again():
    x = mg.tensor([1.0])
    z, w = x * 3, x * 5
    z.backward()
    with pytest.raises(InvalidBackprop):
        w.backward()
    (x * 7).backward()
    assert_array_equal(x.grad, [7.0])
    (z * 2).backward()  # a finished terminal is a leaf
    assert_array_equal(z.grad, [2.0])
    assert_array_equal(x.grad, [7.0])


def test_several_terminals_are_differentiated_as_their_sum():
    x = mg.tensor([1.0])
    z, w = x * 3, x * 5
    (z + w + x).backward()
    assert_array_equal(x.grad, [9.0])
