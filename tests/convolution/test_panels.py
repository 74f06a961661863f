"""Products of matrices: panels of patches, and of what is turned, against the defining sum."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mygrad.convolution import jit, panel_filter, panels, planner, reference
from mygrad.convolution.executor import use_threads
from mygrad.convolution.machine import this_machine
from mygrad.convolution.panel_dots import SegmentTile
from mygrad.convolution.panel_kernels import PatchTile
from mygrad.convolution.problem import FILTER, FORWARD, INPUT, ConvProblem
from tests.convolution.test_kernels import ISA, TARGETS, machine, made_anew, runs_here

llvm = pytest.importorskip("llvmlite.binding")
make = ConvProblem.make
PROBLEMS = {
    "pointwise": make((2, 40, 31, 29), (27, 40, 1, 1), stride=1),
    "samples share panels": make((9, 20, 5, 5), (33, 20, 3, 3), stride=1, padding=1),
    "samples of their own": make((2, 3, 70, 71), (9, 3, 3, 2), stride=1, padding=(2, 1)),
    "several chunks": make((2, 300, 9, 9), (20, 300, 3, 3), stride=1),
    "strided": make((2, 17, 41, 47), (24, 17, 3, 3), stride=2, padding=1),
    "columns far apart": make((2, 17, 22, 81), (24, 17, 3, 3), stride=(3, 4), padding=1),
    "dilated": make((2, 16, 33, 33), (16, 16, 3, 3), stride=1, padding=4, dilation=4),
    "groups": make((2, 36, 15, 13), (60, 12, 3, 3), stride=1, padding=1, groups=3),
    "a signal": make((1, 20, 3000), (40, 20, 7), stride=1, padding=3),
    "a volume": make((2, 8, 9, 10, 11), (16, 8, 3, 2, 3), stride=1, padding=1),
    "four axes": make((1, 4, 5, 6, 5, 6), (16, 4, 2, 3, 2, 3), stride=1, padding=1),
    "more padding than data": make((2, 16, 3, 40), (16, 16, 3, 3), stride=1, padding=4),
}
RUNS = {
    FORWARD: (panels, "convolve", "xw"),
    INPUT: (panels, "input_gradient", "gw"),
    FILTER: (panel_filter, "filter_gradient", "xg"),
}
CACHES = (panels.plan, panels._best, panel_filter._plan, panel_filter._best)


def arrays(problem, dtype):
    rng = np.random.default_rng(0)
    shapes = {"x": problem.x_shape, "w": problem.w_shape, "g": problem.y_shape}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def applies(problem, member, dtype):
    merged = problem.merged()
    if member == INPUT:
        merged = merged.for_input()
        if any(axis.up > 1 for axis in merged.axes):
            return False
    return RUNS[member][0].applies(merged, np.dtype(dtype).itemsize)


def check(problem, member, dtype):
    """Compare with the sum in double precision, of n standard normal products: see `test_engine`."""
    module, name, order = RUNS[member]
    data = arrays(problem, dtype)
    a, b = (data[each] for each in order)
    expected = getattr(reference, name)(problem, a.astype("f8"), b.astype("f8"))
    result = getattr(module, name)(problem, a, b)
    terms = problem.products // max(1, expected.size)
    allowed = 4 * (terms + 16) * np.finfo(dtype).eps
    np.testing.assert_allclose(result, expected, rtol=0, atol=allowed)
    return result


fresh = made_anew(*CACHES)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("member", RUNS)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_it_is_the_defining_sum(problem, member, dtype):
    """With the same bits for any number of threads."""
    if not applies(problem, member, dtype):
        pytest.skip("an input gradient with a stride")
    results = []
    for threads in (1, 2, 5):
        with use_threads(threads):
            results.append(check(problem, member, dtype))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@st.composite
def problems(draw):
    axes = draw(st.integers(1, 3))
    most = {1: 300, 2: 30, 3: 11}[axes]

    def each(strategy):
        return tuple(draw(strategy) for _ in range(axes))

    taps, dilation = each(st.integers(1, 3)), each(st.integers(1, 2))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, taps, strict=True)]
    sizes = tuple(draw(st.integers(least, most)) for least in reach)
    groups, channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 70)), draw(st.integers(1, 40))
    return make(
        (draw(st.integers(1, 5)), groups * channels, *sizes),
        (groups * filters, channels, *taps),
        stride=each(st.integers(1, 4)),
        padding=tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(axes)),
        dilation=dilation,
        groups=groups,
        fit="floor",
    )


@settings(max_examples=60, deadline=None)
@given(problem=problems(), dtype=st.sampled_from(["f4", "f8"]))
def test_random_problems(problem, dtype):
    for member in RUNS:
        if applies(problem, member, dtype):
            check(problem, member, dtype)


@pytest.mark.parametrize("budget", [1 << 10, 1 << 16])
@pytest.mark.parametrize("member", [FORWARD, INPUT])
def test_blocks_that_fit_a_small_cache(member, budget, fresh, monkeypatch):
    """The fewer panels stay in the cache, the more blocks there are."""
    small = replace(this_machine(), l2=budget)
    monkeypatch.setattr(panels, "this_machine", lambda: small)
    for name in ("samples share panels", "several chunks", "samples of their own"):
        check(PROBLEMS[name], member, "f4")


def test_chunks_of_few_products(fresh, monkeypatch):
    monkeypatch.setattr(panels, "DEPTH", 50)
    for member in (FORWARD, INPUT):
        check(PROBLEMS["dilated"], member, "f4")


@pytest.mark.parametrize(("run", "depth"), [(5, 5), (5, 40), (16, 33)])
def test_runs_and_chunks_of_positions(run, depth, fresh, monkeypatch):
    """Long rows are cut into runs, some of them are a part of a sum, some parts a chunk."""
    monkeypatch.setattr(panel_filter, "RUN", run)
    monkeypatch.setattr(panel_filter, "DEPTH", depth)
    for name in ("pointwise", "samples share panels", "a signal", "strided"):
        check(PROBLEMS[name], FILTER, "f4")


@pytest.mark.parametrize("x_rows", [True, False])
def test_either_array_may_have_the_rows(x_rows, fresh, monkeypatch):
    sides = panel_filter._sides
    monkeypatch.setattr(
        panel_filter, "_sides", lambda problem: [each for each in sides(problem) if each.x_rows is x_rows]
    )
    check(PROBLEMS["pointwise"], FILTER, "f4")
    check(make((3, 2 * 20, 90), (2 * 50, 20, 1), stride=1, groups=2), FILTER, "f8")


def test_rows_are_those_of_x_where_there_are_taps():
    assert [each.x_rows for each in panel_filter._sides(PROBLEMS["a signal"])] == [True]


def test_panels_are_turned_only_where_the_arrays_are_as_large(fresh, monkeypatch):
    """Nine filters take two panels of eight in double precision, more than one channel and nine filters."""
    wide = machine("AVX-512")
    for module in (panels, panel_filter):
        monkeypatch.setattr(module, "this_machine", lambda: wide)
    nine, eight = (make((8, 1, 64, 64), (filters, 1, 3, 3), stride=1, padding=1) for filters in (9, 8))
    assert not panel_filter.applies(nine, 8)
    assert panel_filter.applies(eight, 8)
    arrays_bytes = 8 * sum(np.prod(shape) for shape in (eight.x_shape, eight.w_shape, eight.y_shape))
    assert panel_filter.workspace(eight, 8) <= arrays_bytes


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("member", RUNS)
def test_what_is_not_finite(member, value):
    """The planner takes another way where products with padding are left out, or added; see `family`."""
    algorithm = next(a for a in planner.ALGORITHMS if (a.name, a.member) == ("panels", member))
    padded, plain = PROBLEMS["samples share panels"], PROBLEMS["pointwise"]
    assert algorithm.skips(padded) is (member == FILTER)
    assert not algorithm.skips(plain)
    assert algorithm.pads is (member == INPUT)
    _, name, order = RUNS[member]
    data = arrays(plain, "f8")
    data[order[0]][1, 3, 2, 1] = value
    a, b = (data[each] for each in order)
    with np.errstate(invalid="ignore"):
        expected, result = getattr(reference, name)(plain, a, b), algorithm.run(plain, a, b)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(result), np.isinf(expected))


def test_pointwise_layers_are_products():
    problem = make((4, 256, 28, 28), (128, 256, 1, 1), stride=1)
    for member in RUNS:
        for dtype in "fd":
            assert planner.choose(problem, member, dtype).name == "panels"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", TARGETS)
def test_every_instruction_set(name, dtype, fresh, monkeypatch):
    """The code has the multiply-adds of its tiles; it is run where the processor can."""
    triple, cpu, features, multiply_add = TARGETS[name]
    size = int(dtype[1])
    lanes, registers = ISA[name].bits // 8 // size, ISA[name].registers
    rows = (registers - 4) // 2
    for tile in (
        PatchTile(size, lanes, 2, rows, packed=False),
        PatchTile(size, lanes, 2, rows, packed=True, step=3),
        SegmentTile(size, lanes, 2, rows, step=2, beside=False),
    ):
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        assert len(re.findall(multiply_add, code)) >= tile.sums
    if runs_here(name):
        narrow = replace(machine(name), hertz=this_machine().hertz)
        for module in (panels, panel_filter):
            monkeypatch.setattr(module, "this_machine", lambda: narrow)
        for problem in ("samples share panels", "columns far apart", "pointwise"):
            for member in RUNS:
                if applies(PROBLEMS[problem], member, dtype):
                    check(PROBLEMS[problem], member, dtype)
