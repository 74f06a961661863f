"""Every algorithm against the defining sum, on random problems of every kind."""

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mygrad.convolution import ConvProblem, convolve, family, filter_gradient, input_gradient, use_algorithm
from mygrad.convolution.planner import ALGORITHMS, FILTER, FORWARD, INPUT, candidates
from mygrad.convolution.problem import Axis


@st.composite
def problems(
    draw,
    most_axes=4,
    most=6,
    *,
    taps=(1, 3),
    stride=(1, 3),
    dilation=(1, 3),
    channels=(1, 3),
    groups=(1, 3),
):
    count = draw(st.integers(1, most_axes))
    ranges = taps, dilation, stride
    sizes, taps, strides, dilations, paddings = [], [], [], [], []
    for _ in range(count):
        k, d, s = (draw(st.integers(*each)) for each in ranges)
        before, after = draw(st.integers(-1, 3)), draw(st.integers(-1, 3))
        o = draw(st.integers(1, 3 if count > 2 else most))
        size = (o - 1) * s + (k - 1) * d + 1 - before - after
        if size < 1:
            before, after, size = 0, 0, size + before + after
        (
            sizes.append(size),
            taps.append(k),
            strides.append(s),
            dilations.append(d),
            paddings.append((before, after)),
        )
    groups, (c, f) = draw(st.integers(*groups)), (draw(st.integers(*channels)) for _ in range(2))
    x_shape = (draw(st.integers(1, 3)), groups * c, *sizes)
    w_shape = (groups * f, c, *taps)
    return ConvProblem.make(
        x_shape, w_shape, stride=strides, padding=paddings, dilation=dilations, groups=groups
    )


def brute_force(problem, x, w):
    """Sum over every pair of a position and a tap, one product at a time: the equation itself."""
    y = np.zeros(problem.y_shape)
    per_axis = [
        [(i, k, o) for i in range(a.i) for k in range(a.k) for o in range(a.o)
         if a.up * i == a.stride * o + a.dilation * k - a.before]
        for a in problem.axes
    ]  # fmt: skip
    for triples in itertools.product(*per_axis):
        i, k, o = zip(*triples, strict=True)
        for group in range(problem.groups):
            xs = slice(group * problem.channels, (group + 1) * problem.channels)
            fs = slice(group * problem.filters, (group + 1) * problem.filters)
            y[(slice(None), fs, *o)] += x[(slice(None), xs, *i)] @ w[(fs, slice(None), *k)].T
    return y


def arrays(problem, dtype: Any = np.float64, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.x_shape, problem.w_shape, problem.y_shape
    if np.dtype(dtype).kind == "f":
        return [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    return [rng.integers(-9, 9, shape).astype(dtype) for shape in shapes]


def tolerance(problem, dtype):
    """Return the error that rounding allows: each of n products and sums adds half a unit, n/2 at most.

    The terms are standard normal, so that a sum of n has entries of 5 sqrt(n) at the very most.
    """
    terms = max(np.prod(shape, dtype=float) for shape in (problem.x_shape, problem.w_shape, problem.y_shape))
    return 30 * np.sqrt(terms) * np.sqrt(terms) * np.finfo(dtype).eps


@given(problems(2, most=3))
@settings(max_examples=60, deadline=None)
def test_the_reference_is_the_equation(problem):
    x, w, _ = arrays(problem)
    with use_algorithm("reference"):
        np.testing.assert_allclose(convolve(problem, x, w), brute_force(problem, x, w), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32])
@pytest.mark.parametrize("algorithm", sorted({a.name for a in ALGORITHMS} - {"reference"}))
@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_every_algorithm_is_the_defining_sum(algorithm, dtype, problem):
    check_members(problem, dtype, algorithm)


def check_members(problem, dtype, algorithm, members=(FORWARD, INPUT, FILTER)):
    """Compare what `algorithm` computes with the defining sum in double precision."""
    x, w, g = arrays(problem, dtype)
    calls = {FORWARD: (convolve, x, w), INPUT: (input_gradient, g, w), FILTER: (filter_gradient, x, g)}
    for member, a, b in (calls[name] for name in members):
        with use_algorithm("reference"):
            expected = member(problem, a.astype("f8"), b.astype("f8"))
        with use_algorithm(algorithm):
            result = member(problem, a, b)
        assert result.dtype == dtype
        assert result.flags.c_contiguous
        allowed = 0 if np.dtype(dtype).kind == "i" else tolerance(problem, dtype)
        np.testing.assert_allclose(result, expected, rtol=0, atol=allowed)


SUITED: dict[str, dict[str, Any]] = {
    "dots": {"most": 20, "stride": (1, 2), "most_axes": 2},
    "fft": {"taps": (4, 18), "stride": (1, 1), "most_axes": 2},
    "grouped": {"groups": (2, 35), "most": 12, "most_axes": 3},
    "subpixel": {"dilation": (1, 1), "taps": (1, 5)},
    "winograd": {"taps": (3, 3), "stride": (1, 1), "dilation": (1, 1), "channels": (8, 10), "most_axes": 3},
}
"""Problems for the algorithms that do not apply to most."""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", SUITED)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_algorithms_for_some_problems_only_are_the_defining_sum(algorithm, dtype, data):
    problem = data.draw(problems(**SUITED[algorithm]))
    members = [
        member
        for member in (FORWARD, INPUT, FILTER)
        if any(a.name == algorithm for a in candidates(problem, member, np.dtype(dtype).char))
    ]
    assume(members)
    check_members(problem, dtype, algorithm, members)


@given(problems())
@settings(max_examples=100, deadline=None)
def test_the_gradients_are_adjoint(problem):
    x, w, g = arrays(problem)
    product = np.vdot(convolve(problem, x, w), g)
    assert np.isclose(product, np.vdot(x, input_gradient(problem, g, w)), rtol=1e-9, atol=1e-9)
    assert np.isclose(product, np.vdot(w, filter_gradient(problem, x, g)), rtol=1e-9, atol=1e-9)


@given(problems())
def test_the_family_is_closed(problem):
    assert problem.for_input().for_input() == problem
    assert problem.for_filter().for_filter() == problem
    assert problem.for_input().y_shape == problem.x_shape
    filter_shape = problem.for_filter().y_shape
    assert filter_shape == (problem.channels, problem.groups * problem.filters, *problem.w_shape[2:])


@given(problems(2), st.data())
@settings(max_examples=60, deadline=None)
def test_parts_assemble_to_the_whole(problem, data):
    x, w, _ = arrays(problem)
    whole = convolve(problem, x, w)
    cuts = [data.draw(st.integers(0, axis.o)) for axis in problem.axes]
    y = np.full_like(whole, np.nan)
    for ranges in itertools.product(*(((0, c), (c, a.o)) for c, a in zip(cuts, problem.axes, strict=True))):
        y[(..., *(slice(*each) for each in ranges))] = convolve(problem.part(ranges), x, w)
    np.testing.assert_allclose(y, whole, atol=1e-12)


axes = st.builds(
    Axis,
    i=st.integers(1, 8), k=st.integers(1, 5), o=st.integers(1, 9), stride=st.integers(1, 4),
    dilation=st.integers(-4, 4).filter(bool), before=st.integers(-6, 9), up=st.integers(1, 5),
)  # fmt: skip


@given(axes)
@settings(max_examples=300)
def test_phases_meet_where_the_axis_does(axis):
    def meetings(a):
        return {
            (i, k, o) for i in range(a.i) for k in range(a.k) for o in range(a.o)
            if a.up * i == a.stride * o + a.dilation * k - a.before
        }  # fmt: skip

    found = set()
    for outputs, taps, phase in axis.phases():
        assert phase.up == 1
        ks, outs = range(axis.k)[taps], range(axis.o)[outputs]
        found |= {(i, ks[k], outs[o]) for i, k, o in meetings(phase)}
    assert found == meetings(axis)


@given(axes)
def test_gradients_meet_where_the_axis_does(axis):
    for i, k, o in itertools.product(range(axis.i), range(axis.k), range(axis.o)):
        meets = axis.up * i == axis.stride * o + axis.dilation * k - axis.before
        back, taps, flipped = axis.for_input(), axis.for_filter(), axis.flipped()
        assert meets == (back.up * o == back.stride * i + back.dilation * k - back.before)
        assert meets == (taps.up * i == taps.stride * k + taps.dilation * o - taps.before)
        k = axis.k - 1 - k
        assert meets == (flipped.up * i == flipped.stride * o + flipped.dilation * k - flipped.before)


PROBLEM = ConvProblem.make(
    (2, 4, 9, 8), (6, 2, 3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 3), groups=2
)


@pytest.mark.parametrize("change", ["fortran", "swapped", "readonly", "reversed", "overlapping", "strided"])
def test_any_layout(change):
    x, w, g = arrays(PROBLEM)
    expected = [convolve(PROBLEM, x, w), input_gradient(PROBLEM, g, w), filter_gradient(PROBLEM, x, g)]

    def changed(a):
        if change == "fortran":
            return np.asfortranarray(a)
        if change == "swapped":
            return a.astype(a.dtype.newbyteorder())
        if change == "readonly":
            a.flags.writeable = False
            return a
        if change == "reversed":
            return a[::-1].copy()[::-1]
        if change == "strided":
            return np.repeat(a, 2, axis=-1)[..., ::2]
        return a

    if change == "overlapping":
        signal = np.random.default_rng(3).standard_normal(200)
        x = np.lib.stride_tricks.sliding_window_view(signal, 8)[: 2 * 4 * 9].reshape(x.shape)
        expected[0], expected[2] = convolve(PROBLEM, x.copy(), w), filter_gradient(PROBLEM, x.copy(), g)
    x, w, g = map(changed, (x, w, g))
    got = [convolve(PROBLEM, x, w), input_gradient(PROBLEM, g, w), filter_gradient(PROBLEM, x, g)]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype.isnative


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_goes_where_the_sum_sends_it(value):
    for position in range(3):
        x, w, g = arrays(PROBLEM)
        (x, w, g)[position].flat[5] = value
        for member, a, b in ((convolve, x, w), (input_gradient, g, w), (filter_gradient, x, g)):
            with np.errstate(invalid="ignore"):
                with use_algorithm("reference"):
                    expected = np.isfinite(member(PROBLEM, a, b))
                np.testing.assert_array_equal(np.isfinite(member(PROBLEM, a, b)), expected)


@pytest.mark.parametrize("x_shape", [(0, 2, 5), (2, 0, 5), (2, 2, 5)])
@pytest.mark.parametrize("filters", [0, 3])
def test_empty_batches_channels_and_filters(x_shape, filters):
    problem = ConvProblem.make(x_shape, (filters, x_shape[1], 3), stride=1)
    x, w, g = arrays(problem)
    assert convolve(problem, x, w).shape == (x_shape[0], filters, 3)
    assert input_gradient(problem, g, w).shape == x.shape
    assert not np.any(filter_gradient(problem, x, g)) or (x.size and filters)


def test_the_workspace_is_bounded():
    import tracemalloc

    problem = ConvProblem.make((1, 16, 256, 256), (16, 16, 5, 5), stride=1, padding=2)
    x, w, g = arrays(problem, np.float32)
    for member, a, b in ((convolve, x, w), (input_gradient, g, w), (filter_gradient, x, g)):
        tracemalloc.start()
        member(problem, a, b)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # the result, a padded copy, and a few blocks; the whole patches would be 105 MB
        assert peak < x.nbytes + w.nbytes + g.nbytes + max(x.nbytes, g.nbytes) + 5 * 2**20


def test_a_problem_that_was_computed_can_be_pickled():
    problem = ConvProblem.make((1, 1, 6), (1, 1, 3), stride=1, padding=1, border="reflect")
    convolve(problem, np.ones(problem.x_shape), np.ones(problem.w_shape))
    assert problem.plans
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem
    assert not again.plans


@pytest.mark.parametrize("make", [ConvProblem.make, ConvProblem.make_transposed])
def test_equal_problems_are_planned_once(make):
    """A problem keeps its plans: to ask for it again must not plan it again."""
    first, again = (make((2, 4, 9), (4, 4, 3), stride=2, padding=1) for _ in range(2))
    assert first is again
    assert make((2, 4, 9), (4, 4, 3), stride=1, padding=1) is not first


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", [1, 16, 17, 4096, 4097, 3 * 4096 + 5])
def test_nothing_that_is_not_finite_is_overlooked(size, dtype):
    """Arrays of any size are checked as a whole: first and last elements of rows, and what fills no row."""
    array = np.full(size, np.finfo(dtype).max, dtype)
    assert family._finite(array)  # though its sum is not
    array[:] = 1
    for place in {0, size // 2, size - size % 4096 - 1, size - 1}:
        for value in (np.nan, np.inf, -np.inf):
            array[place] = value
            assert not family._finite(array)
            array[place] = 1
