"""Behaviour 3, 4 and 5: backward, when gradients become None, and the clearing of graphs."""

import gc
import weakref

import numpy as np
import pytest

import mygrad as mg
from mygrad.errors import InvalidBackprop


def test_gradients_of_all_upstream():
    x, c = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0], constant=True)
    y = x * c
    z = y.sum()
    z.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])
    assert z.grad == 1.0
    assert c.grad is None


def test_seeds():
    x = mg.tensor([[1.0, 2.0]], dtype="f4")
    seed = np.array([[1.0, 5.0]], dtype="f4")
    y = +x
    y.backward(seed)
    assert y.grad is seed
    np.testing.assert_array_equal(x.grad, seed)
    assert not np.shares_memory(x.grad, seed)
    (+x).backward(2)
    np.testing.assert_array_equal(x.grad, [[2.0, 2.0]])
    (+x).backward(mg.tensor([3.0, 4.0]))
    np.testing.assert_array_equal(x.grad, [[3.0, 4.0]])


@pytest.mark.parametrize("seed", [np.ones((2, 2)), np.ones(3), np.ones((1, 1, 2))])
def test_a_seed_of_the_wrong_shape_leaves_the_graph(seed):
    x = mg.tensor([1.0, 2.0])
    y = x * 3
    with pytest.raises(ValueError, match=r"tensor.shape=\(2,\)"):
        y.backward(seed)
    y.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_seeds_that_are_no_numbers():
    with pytest.raises((ValueError, TypeError)):
        mg.tensor(1.0).backward("a")


def test_gradients_are_separate_writeable_memory():
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0])
    z = x + y
    s = z.reshape(2, 1) + mg.zeros((2, 1), constant=True)
    s.backward()
    grads = [x.grad, y.grad, z.grad, s.grad]
    for i, a in enumerate(grads):
        assert a.flags.writeable
        assert not any(np.shares_memory(a, b) for b in grads[i + 1 :])


def test_shapes_and_dtypes_follow_the_tensor():
    x, y = mg.tensor(1.0, dtype="f4"), mg.tensor([[1.0], [2.0]])
    (x * y * np.ones((2, 3))).backward()
    assert (x.grad.shape, x.grad.dtype, type(x.grad)) == ((), np.float32, np.ndarray)
    np.testing.assert_array_equal(y.grad, [[3.0], [3.0]])


def test_constants_only_clear():
    x = mg.tensor([1.0])
    y = mg.multiply(x, 2, constant=True)
    y.backward(np.ones((7, 7)))
    assert (y.grad, x.grad, y.creator) == (None, None, None)


def test_leaf_twice_and_no_accumulation():
    x = mg.tensor([1.0, 2.0])
    x.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])
    for _ in range(2):
        (x * 3).backward()
        np.testing.assert_array_equal(x.grad, [3.0, 3.0])
    y = x * 4
    y.backward()
    y.backward(7.0)
    np.testing.assert_array_equal(y.grad, [7.0, 7.0])
    np.testing.assert_array_equal(x.grad, [4.0, 4.0])


def test_fan_out_is_summed():
    x = mg.tensor(2.0)
    y = x * x
    (y * x + y).backward()
    assert x.grad == 3 * 4 + 2 * 2


def test_branches_that_do_not_lead_there_contribute_nothing():
    x = mg.tensor(2.0)
    used, unused = x * 3, x * 5
    used.backward()
    assert x.grad == 3.0
    assert unused.grad is None


def test_through_a_shared_leaf_that_was_cleared():
    x = mg.tensor([1.0])
    z, w = x * 3, x * 5
    z.backward()
    with pytest.raises(InvalidBackprop, match="cleared"):
        w.backward()


@pytest.mark.parametrize("clear", [lambda y: y.backward(), lambda y: y.clear_graph()])
def test_from_the_middle_then_from_the_end(clear):
    x = mg.tensor([1.0])
    y = x * 3
    z = y * 2
    clear(y)
    with pytest.raises(InvalidBackprop):
        z.backward()


@pytest.mark.parametrize(
    "operation", [lambda x: x * 2, np.sum, lambda x: mg.multiply(x, 2, constant=True), lambda x: x[[0]]]
)
def test_operations_reset_the_gradients_of_their_inputs(operation):
    x = mg.tensor([1.0, 2.0])
    x.backward()
    operation(x)
    assert x.grad is None


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x[:1], lambda x: x.reshape(2, 1), lambda x: x.T, lambda x: x < 1, np.isnan, np.argmax,
        np.asarray, repr, lambda x: x.data, mg.no_autodiff(lambda x: x * 2), mg.zeros_like,
        lambda x: x.copy(), lambda x: x.astype("f4"),
    ],
)  # fmt: skip
def test_what_leaves_gradients(use):
    x = mg.tensor([1.0, 2.0])
    x.backward()
    use(x)
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_gradient_descent_on_data():
    x = mg.tensor([1.0, 2.0])
    (x * x).backward()
    x.data -= 0.5 * x.grad
    np.testing.assert_array_equal(x, [0.0, 0.0])
    assert x.grad is not None


def test_null_grad_and_null_gradients():
    x = mg.tensor([1.0])
    x.backward()
    assert x.null_grad() is x
    assert x.grad is None
    with pytest.warns(FutureWarning):
        x.null_gradients()


def test_creators():
    x = mg.tensor([1.0])
    y = x * 2
    assert x.creator is None
    assert y.creator.variables[0] is x
    assert y.creator.variables[1].constant
    z = (y + 1) * 2
    z.backward()
    assert [t.creator for t in (x, y, z)] == [None] * 3


def test_an_output_that_is_dropped_frees_everything_at_once():
    gc.disable()
    try:
        a = np.ones(3)
        x = mg.tensor(a, copy=False)
        middle = x * 2
        reference = weakref.ref(middle)
        y = middle + 1
        del middle
        assert not a.flags.writeable
        del y
        assert reference() is None
        assert a.flags.writeable
    finally:
        gc.enable()


def test_after_backward_nothing_leaks_and_there_are_no_cycles():
    gc.collect()
    gc.disable()
    try:
        x = mg.tensor([1.0, 2.0])
        middle = np.tanh(x) * x
        view = middle[:1]
        view += 1
        tracked = [weakref.ref(middle), weakref.ref(view)]
        loss = middle.sum()
        loss.backward()
        tracked.append(weakref.ref(loss))
        del middle, view, loss
        assert [each() for each in tracked] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.parametrize("finish", [lambda y: y.backward(), lambda y: y.clear_graph(), lambda y: None])
def test_deep_graphs(finish):
    x = mg.tensor(1.0)
    y = x
    for _ in range(100_000):
        y = +y
    finish(y)
    del y
    assert x.grad in (None, 1.0)
