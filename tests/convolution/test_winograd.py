"""Minimal filtering on what it is made for: a few taps, dilation or stride, many channels, up to 3 axes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mygrad.convolution import (
    ConvProblem,
    convolve,
    filter_gradient,
    input_gradient,
    planner,
    use_algorithm,
    use_threads,
    winograd_blocks,
    winograd_filter,
    winograd_shared,
)
from mygrad.convolution import winograd as forward
from mygrad.convolution.executor import threads
from mygrad.convolution.layout import exchanged, strides_of
from mygrad.convolution.minimal_filtering import Formula, filter_points, filter_taps

pytest.importorskip("llvmlite")
MEMBERS = {planner.FORWARD: convolve, planner.INPUT: input_gradient, planner.FILTER: filter_gradient}


@st.composite
def problems(draw):
    count = draw(st.integers(1, 3))
    sizes, taps, paddings, strides, dilations = [], [], [], [], []
    for number in range(count):
        k = draw(st.sampled_from([2, 3, 3, 4, 5, 7] if number == count - 1 else [1, 2, 3, 3]))
        s = draw(st.sampled_from([1, 1, 1, 2, 4])) if k > 1 else 1
        d = draw(st.sampled_from([1, 1, 2, 3, 4])) if s == 1 else 1
        padding = 0 if k == 1 else draw(st.integers(-1, 3))
        size = max(draw(st.integers(1, 40 if count == 1 else 14)), (k - 1) * d + 1 - 2 * padding)
        lists = sizes, taps, paddings, strides, dilations
        for each, value in zip(lists, (size, k, (padding, padding), s, d), strict=True):
            each.append(value)
    groups, channels, filters = (
        draw(st.sampled_from([1, 1, 2])),
        draw(st.integers(8, 35)),
        draw(st.integers(8, 35)),
    )
    return ConvProblem.make(
        (draw(st.integers(1, 3)), groups * channels, *sizes),
        (groups * filters, channels, *taps),
        stride=strides,
        padding=paddings,
        dilation=dilations,
        groups=groups,
        fit="floor",
    )


def arrays(problem, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x, w, g = (
        rng.standard_normal(s).astype(dtype) for s in (problem.x_shape, problem.w_shape, problem.y_shape)
    )
    return {planner.FORWARD: (x, w), planner.INPUT: (g, w), planner.FILTER: (x, g)}


def terms(problem, member):
    """Return how many products are added to one number at most."""
    taps, outputs = (np.prod(shape[2:], dtype=int) for shape in (problem.w_shape, problem.y_shape))
    return {
        planner.FORWARD: problem.channels * taps,
        planner.INPUT: problem.filters * taps,
        planner.FILTER: problem.batch * outputs,
    }[member]


def expected_of(problem, member, pair):
    with use_algorithm("reference"):
        return MEMBERS[member](problem, *(each.astype("f8") for each in pair))


def tolerance(problem, member, dtype):
    """That of direct sums, 4 (n + 16) units: the transforms add a few to each term."""
    return {"rtol": 0, "atol": 4 * (terms(problem, member) + 16) * np.finfo(dtype).eps}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_it_is_the_defining_sum(problem, dtype):
    for member, pair in arrays(problem, dtype).items():
        with use_algorithm("winograd"):
            chosen = planner.choose(problem, member, np.dtype(dtype).char).name
            assume(chosen == "winograd")  # unless its workspace is larger than such small arrays
            result = MEMBERS[member](problem, *pair)
        expected = expected_of(problem, member, pair)
        np.testing.assert_allclose(result, expected, **tolerance(problem, member, dtype))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shapes", [winograd_blocks, winograd_shared])
@given(problem=problems(), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_any_shape_is_the_defining_sum(shapes, dtype, problem, seed):
    """Blocks of any size, with filters or data transformed first, whether or not they would be chosen."""
    assume(forward.applies(problem, np.dtype(dtype).itemsize))
    x, w = arrays(problem, dtype)[planner.FORWARD]
    merged = problem.merged()
    found = list(shapes.shapes(merged, x.itemsize, threads()))
    shape = found[seed % len(found)]
    plan = shape.plan(merged, x.itemsize, strides_of(merged, x.itemsize), threads())
    result = forward.called(plan, x, w, np.empty(problem.y_shape, dtype))
    expected = expected_of(problem, planner.FORWARD, (x, w))
    np.testing.assert_allclose(result, expected, **tolerance(problem, planner.FORWARD, dtype))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shared", [False, True])
@given(problem=problems(), parts=st.sampled_from([1, 2]))
@settings(max_examples=25, deadline=None)
def test_any_filter_gradient_is_the_defining_sum(shared, dtype, problem, parts):
    """Transforms made by each task or before all of them, of tasks of any size."""
    member = planner.FILTER
    assume(forward.applies(problem, np.dtype(dtype).itemsize))
    pair = arrays(problem, dtype)[member]

    def shape_of(*arguments, made=winograd_filter._shape):
        shape = made(*arguments)
        channels, filters = (-(-each // parts) for each in shape.task)
        channels = -(-channels // shape.lanes) * shape.lanes  # whole vectors
        return replace(shape, shared=shared, task=(channels, filters))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd_filter, "_shape", shape_of)
        patch.setattr(winograd_filter, "_plans", winograd_filter._plans.__wrapped__)
        result = winograd_filter.filter_gradient(problem, *pair)
    expected = expected_of(problem, member, pair)
    np.testing.assert_allclose(result, expected, **tolerance(problem, member, dtype))


@pytest.mark.parametrize("member", MEMBERS)
def test_errors_are_those_of_direct_sums(member):
    """Its mean error is at most 1.5 times that of the generated kernels, which add in parts too."""
    problem = ConvProblem.make((2, 64, 30, 30), (64, 64, 3, 3), stride=1, padding=1)
    pair = arrays(problem, "f4")[member]
    errors = {}
    with use_algorithm("gemm"):
        expected = MEMBERS[member](problem, *(each.astype("f8") for each in pair))
    for name in ("direct", "winograd"):
        with use_algorithm(name):
            errors[name] = np.abs(MEMBERS[member](problem, *pair) - expected).mean()
    assert errors["winograd"] <= 1.5 * errors["direct"]


@pytest.mark.parametrize("member", MEMBERS)
def test_threads_change_no_bit(member):
    problem = ConvProblem.make((3, 40, 21, 23), (24, 40, 3, 3), stride=1, padding=1)
    pair, results = arrays(problem, "f4")[member], []
    for count in (1, 2, 5):
        with use_threads(count), use_algorithm("winograd"):
            results.append(MEMBERS[member](problem, *pair))
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("member", MEMBERS)
def test_what_is_not_finite_is_left_to_sums(member, value):
    problem = ConvProblem.make((1, 16, 12, 12), (16, 16, 3, 3), stride=1, padding=1)
    a, b = arrays(problem, "f4")[member]
    a[0, 3, 5, 5] = value
    with np.errstate(invalid="ignore"), use_algorithm("reference"):
        expected = MEMBERS[member](problem, a, b)
    with np.errstate(invalid="ignore"), use_algorithm("winograd"):
        result = MEMBERS[member](problem, a, b)
    assert np.array_equal(np.isnan(result), np.isnan(expected))
    assert np.array_equal(np.isinf(result), np.isinf(expected))


@pytest.mark.parametrize(("channels", "size"), [(512, 7), (256, 14), (64, 56)])
@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_workspace_is_no_larger_than_the_arrays(channels, size, itemsize):
    """Filters of many channels are transformed in passes, so that not all of them are in memory at once."""
    shape = (8, channels, size, size), (channels, channels, 3, 3)
    problem = ConvProblem.make(*shape, stride=1, padding=1)
    with use_threads(2):
        assert forward.fits(problem, itemsize)
        arrays_bytes = itemsize * sum(map(np.prod, (problem.x_shape, problem.w_shape, problem.y_shape)))
        assert forward.workspace(problem, itemsize) <= arrays_bytes + (1 << 20)


class Numbers:
    """Stands for the code that is written: it computes."""

    half, sum, difference = (staticmethod(f) for f in (lambda a: a / 2, np.add, np.subtract))


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("taps", range(1, 12))
def test_the_formulas(taps, stride):
    """A tile of one axis, in whole numbers: the outputs, and the gradient of the filter."""
    rng, formula = np.random.default_rng(taps), Formula(taps, stride)
    d, g, gy = (rng.integers(-9, 9, size) for size in (taps + stride, taps, 2))
    u = list(filter_points(Numbers, {(n,): value for n, value in enumerate(g)}, [formula]).values())
    v = np.array(formula.data) @ d
    assert len(u) == len(v) == formula.points
    totals = np.bincount(formula.total_of, u * v)
    assert np.array_equal(np.array(formula.result) @ totals, np.correlate(d, g)[::stride])
    m = (np.array(formula.spread) @ gy)[formula.total_of] * v
    gradient = filter_taps(Numbers, {(n,): value for n, value in enumerate(m)}, [formula])
    assert np.array_equal(list(gradient.values()), gy[0] * d[:taps] + gy[1] * d[stride:])


@pytest.mark.parametrize(("taps", "chosen"), [((2, 2), False), ((2, 3), True), ((3, 3), True)])
def test_two_taps_alone_are_summed(taps, chosen):
    """Their errors are half as large again as those of direct sums; phases of larger filters may have two."""
    problem = ConvProblem.make((2, 64, 30, 30), (64, 64, *taps), stride=1)
    for member in (planner.FORWARD, planner.INPUT):
        names = [each.name for each in planner.candidates(problem, member, "f")]
        assert ("winograd" in names) == chosen


@pytest.mark.parametrize(
    ("member", "dtype"), [(planner.FORWARD, "f"), (planner.FORWARD, "d"), (planner.FILTER, "f")]
)
def test_strided_convolutions_of_many_channels_take_fewer_products(member, dtype):
    """4 x 4 taps with stride 2 take 9/16 of the products; a third of the time of sums is saved."""
    problem = ConvProblem.make((8, 64, 64, 64), (128, 64, 4, 4), stride=2, padding=1)
    assert planner.choose(problem, member, dtype).name == "winograd"


def test_rows_that_no_cache_holds_are_summed():
    long, short = (ConvProblem.make((1, 64, size), (64, 64, 3), stride=1) for size in (16000, 400))
    assert forward.applies(short, 4)
    assert not forward.applies(long, 4)


@pytest.mark.parametrize(("taps", "size", "transformed"), [(3, 13, False), (7, 56, True), (11, 64, True)])
def test_transforms_of_fourier_are_chosen_for_many_taps(taps, size, transformed):
    """Of 3 x 3 taps of small images they take three times as long as sums, of 7 x 7 taps half as long."""
    problem = ConvProblem.make((4, 64, size, size), (64, 64, taps, taps), stride=1, padding=taps // 2)
    for member in MEMBERS:
        assert (planner.choose(problem, member, "f").name == "fft") is transformed


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_an_input_gradient_has_the_kernel_of_the_forward_pass(axes):
    """Where filters are transformed once, a tile says nothing of their strides."""
    problem = ConvProblem.make((1, 16, *(12,) * axes), (16, 16, *(3,) * axes), stride=1, padding=1)
    x, w, y = strides_of(problem, 4)
    turned = problem.for_input()
    shape = next(iter(winograd_blocks.shapes(problem, 4, 1)))
    first = shape.plan(problem, 4, (x, w, y), 1)
    backward = shape.plan(turned, 4, (y, exchanged(w, 0, 2, 1), x), 1)
    assert first.tile == backward.tile
    assert not np.array_equal(first.packs, backward.packs)
