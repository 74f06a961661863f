"""Behaviour 5: how graphs are held, cleared and freed."""

import gc
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg


@pytest.fixture
def no_collector():
    """Let reference counts alone free what is freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# -- references


def test_creator_leads_to_the_inputs():
    x = mg.tensor([1.0])
    y = x * 2
    assert x.creator is None
    assert type(y.creator.variables) is tuple
    assert y.creator.variables[0] is x
    two = y.creator.variables[1]
    assert isinstance(two, mg.Tensor)
    assert two.constant is True
    assert two.data == 2


def test_an_intermediate_result_is_found_by_the_creator_and_gets_a_gradient():
    x = mg.tensor([1.0, 2.0])
    z = 3 * (x * x)
    y = z.creator.variables[1]
    assert z.creator.variables[1] is y
    z.backward()
    np.testing.assert_array_equal(y.grad, [3.0, 3.0])


def test_creators_form_the_graph():
    x = mg.tensor([1.0])
    y = x * x
    z = mg.exp(y)
    assert z.creator.variables[0] is y
    assert z.creator.variables[0].creator.variables[0] is x


# -- clearing


@pytest.mark.parametrize("finish", ["backward", "clear_graph"])
def test_everything_upstream_is_cleared_and_nothing_downstream(finish):
    x = mg.tensor([1.0])
    y = x * 2
    z = y * 3
    after = z * 4
    getattr(z, finish)()
    assert [t.creator for t in (x, y, z)] == [None] * 3
    assert after.creator is not None
    assert after.creator.variables[0] is z


@pytest.mark.parametrize("finish", ["backward", "clear_graph"])
def test_constants_upstream_are_cleared_too(finish):
    c = mg.tensor([1.0], constant=True)
    d = c * 2
    z = mg.tensor([1.0]) * d
    assert d.constant
    assert d.creator is not None
    getattr(z, finish)()
    assert d.creator is None


def test_clear_graph_leaves_gradients_and_values():
    x = mg.tensor([1.0, 2.0])
    y = x * 2
    y.clear_graph()
    assert (x.grad, y.grad) == (None, None)
    assert_array_equal(y.data, [2.0, 4.0])
    (y * 5).backward()
    assert_array_equal(y.grad, [5.0, 5.0])
    assert x.grad is None


def test_a_cleared_branch_does_not_take_its_siblings_along():
    x = mg.tensor([1.0])
    y, z = x * 2, x * 3
    del y
    z.backward()
    assert_array_equal(x.grad, [3.0])


# -- freeing, without the garbage collector


def test_a_result_kept_from_before_leads_to_a_tensor_that_is_used_again():
    x = mg.tensor([1.0, 2.0, 3.0])
    kept, view, h = (x**2).sum(), x[:2], x * 2
    of_h = h * 5
    for _ in range(3):
        (x * 2 + h).sum().backward()
    (kept + (view * 3).sum() + x.sum()).backward()
    assert_array_equal(x.grad, [2 + 3 + 1, 4 + 3 + 1, 6 + 1])
    assert_array_equal(view.grad, [6, 8])
    assert kept.grad == 1
    (of_h + h).backward()  # h is a leaf since it was cleared
    assert_array_equal(h.grad, [6, 6, 6])
    assert_array_equal(x.grad, [6, 8, 7])


@pytest.mark.parametrize("times", [1, 2])
def test_a_result_kept_from_before_leads_past_a_tensor_that_is_gone(times):
    w = mg.tensor([1.0, 2.0])
    b = mg.tensor([3.0, 4.0])
    c = w * b
    kept = []
    for _ in range(times):
        b.backward()
        kept.append(c - b)
    del b
    kept[-1].backward()
    assert_array_equal(w.grad, [3.0, 4.0])


def test_but_not_past_one_that_is_gone_with_all_that_used_it():
    b = mg.tensor([3.0, 4.0])
    c, d = 2 * b, 3 * b
    d.backward()
    assert (5 * b).sum() == 35
    del b
    with pytest.raises(mg.errors.InvalidBackprop):
        c.backward()


def given_other_data(x, w):
    x.data = x.data * 2


def written(x, w):
    x *= 2


def written_and_cleared(x, w):
    x *= 2
    x.sum().backward()
    x -= x.grad


def written_with_a_variable_that_is_gone(x, w):
    x[:1] = mg.tensor(3.0)


@pytest.mark.parametrize(
    "since", [given_other_data, written, written_and_cleared, written_with_a_variable_that_is_gone]
)
def test_the_gradient_is_that_for_the_old_values(since):
    x = mg.tensor([1.0, 2.0])
    kept = x**3
    x.sum().backward()
    since(x, None)
    (5 * x + kept).backward()
    assert_array_equal(x.grad, [3 + 5, 12 + 5])


def unused(x, w):
    assert (x > 1).any()


def written_but_unused(x, w):
    x *= 2


def written_with_a_variable(x, w):
    x *= w
    assert x.sum()


def written_with_the_result(x, w):
    x[0] = w[1]
    assert x.sum()


@pytest.mark.parametrize(
    "since", [unused, written_but_unused, written_with_a_variable, written_with_the_result]
)
def test_but_not_to_one_that_is_unused_or_has_to_pass_it_on(since):
    x = mg.tensor([1.0, 2.0])
    kept = x * 5
    x.sum().backward()
    since(x, kept)
    with pytest.raises(mg.errors.InvalidBackprop):
        kept.backward()
    assert x.grad is None or since is unused


def test_data_assigned_to_a_result_can_be_written():
    x = mg.tensor([1.0, 2.0])
    x *= 2  # makes it a result
    x.data = np.array([5.0, 6.0])
    x.data[0] = 1
    with mg.no_autodiff:
        x += 1
    assert_array_equal(x, [2, 7])
    y = x * 3
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 1
    y.backward()
    assert_array_equal(x.grad, [3, 3])


def test_a_dropped_output_frees_intermediates_and_arrays_at_once(no_collector):
    a = np.ones(3)
    x = mg.tensor(a, copy=False)
    middle = x * 2
    view = middle[:2]
    gone = weakref.ref(middle)
    y = view + 1
    del middle, view
    assert not a.flags.writeable
    del y
    assert gone() is None
    assert a.flags.writeable


@pytest.mark.parametrize("finish", ["backward", "clear_graph"])
def test_finishing_releases_what_is_in_between(no_collector, finish):
    x = mg.tensor([1.0, 2.0])
    middle = x * 2
    gone = weakref.ref(middle)
    y = middle + 1
    del middle
    getattr(y, finish)()
    assert gone() is None
    assert x.data.flags.writeable
    assert y.data.flags.writeable


def test_consumers_are_held_weakly(no_collector):
    x = mg.tensor([1.0])
    gone = weakref.ref(x * 2)
    assert gone() is None
    y = x * 3
    y.backward()
    assert_array_equal(x.grad, [3.0])


def test_the_inputs_live_as_long_as_the_output(no_collector):
    x = mg.tensor([1.0])
    gone = weakref.ref(x)
    y = x * 2
    y_creator = y.creator
    del x
    assert y_creator.variables[0] is gone()
    del y, y_creator
    assert gone() is None


PROGRAMS = {
    "elementwise": lambda x: mg.exp(x) * x + 1 / x,
    "reduction": lambda x: (x.sum() * x.mean() + x.std()) * x.max(),
    "view": lambda x: x[1:] * x.reshape(-1)[:-1],
    "products": lambda x: mg.einsum("i,i", x, x) + x @ x,
    "joining": lambda x: mg.concatenate([x, x]).sum() + mg.stack([x, x]).sum(),
    "where": lambda x: mg.where([True, False, True], x, 2 * x),
    "in place": lambda x: _written(x),
    "broadcast": lambda x: x[:, None] * x[None] + np.broadcast_to(x, (2, 3)).sum(),
}


def _written(x):
    y = +x
    v = y[:2]
    y *= 2
    v += 1
    y[[0, 1]] = v * 2
    np.multiply(y, v[0], out=y, where=[True, False, True])
    return y * y


@pytest.mark.parametrize("end", ["drop", "backward", "clear_graph"])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_make_no_reference_cycles(no_collector, program, end):
    x = mg.tensor([1.0, 2.0, 3.0])
    program(x).backward()  # what is cached on first use is not a leak
    gc.collect()
    y = program(x)
    if end != "drop":
        getattr(y, end)()
    del y
    assert gc.collect() == 0
    assert x.data.flags.writeable


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_backward_leaks_nothing(no_collector, program):
    x = mg.tensor([1.0, 2.0, 3.0])

    def alive():
        program(x).backward()
        x.null_grad()
        return len(gc.get_objects())

    alive()
    before = alive()
    for _ in range(20):
        after = alive()
    assert after <= before + 3  # lists of this test's own


# -- deep graphs


@pytest.mark.parametrize("finish", ["backward", "clear_graph", "drop"])
def test_deep_graphs(finish):
    y = x = mg.tensor(1.0)
    with mg.mem_guard_off:
        for _ in range(100_000):
            y = +y
        if finish != "drop":
            getattr(y, finish)()
    del y
    assert x.grad == (1.0 if finish == "backward" else None)


def test_deep_graphs_with_the_guard_on():
    a = np.ones(2)
    y = x = mg.tensor(a, copy=False)
    for _ in range(20_000):
        y = y * 1.0
    assert not a.flags.writeable
    y.backward()
    assert_array_equal(x.grad, [1.0, 1.0])
    del y
    assert a.flags.writeable


def test_deep_chains_of_writes():
    x = mg.tensor([1.0, 2.0])
    y = +x
    for _ in range(3_000):
        y += 1.0
    y.backward()
    assert_array_equal(y.data, [3001.0, 3002.0])
    assert_array_equal(x.grad, [1.0, 1.0])
