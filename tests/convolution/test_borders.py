"""Convolutions with borders that are not zeros: every algorithm against the sum over data padded by NumPy."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mygrad.convolution import (
    ConvProblem,
    convolve,
    explain,
    filter_gradient,
    input_gradient,
    reference,
    use_algorithm,
)
from mygrad.convolution.borders import BORDERS, extend, fold, sources
from mygrad.convolution.planner import ALGORITHMS
from mygrad.errors import InvalidConvolution
from tests.convolution.test_family import problems

NAMES = sorted({algorithm.name for algorithm in ALGORITHMS})
borders = st.sampled_from(BORDERS)


def arrays(problem, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in (problem.x_shape, problem.w_shape, problem.y_shape)]


def by_padding(problem, x, w, g):
    """Return y and both gradients, computed from data that are padded and gradients that are folded."""
    widths, longer = problem.continued
    padded = np.pad(x, widths, mode=problem.border)
    return (
        reference.convolve(longer, padded, w),
        fold(reference.input_gradient(longer, g, w), widths, problem.border),
        reference.filter_gradient(longer, padded, g),
    )


def check(problem, algorithm, dtype="f8"):
    x, w, g = arrays(problem, dtype)
    expected = by_padding(problem, *(a.astype("f8") for a in (x, w, g)))
    with use_algorithm(algorithm):
        found = convolve(problem, x, w), input_gradient(problem, g, w), filter_gradient(problem, x, g)
    close = 1e-9 if dtype == "f8" else 1e-3
    for ours, exact in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, exact, rtol=close, atol=close)


@pytest.mark.parametrize("algorithm", NAMES)
@given(problem=problems(), border=borders)
@settings(max_examples=30, deadline=None)
def test_every_algorithm_is_the_sum_over_padded_data(algorithm, problem, border):
    assume(min(axis.i for axis in problem.axes) > 0)
    check(replace(problem, border=border), algorithm)


@pytest.mark.parametrize("algorithm", ["direct", "dots"])
@given(
    columns=st.integers(1, 70), stride=st.integers(1, 5), dilation=st.integers(1, 3), taps=st.integers(1, 5),
    before=st.integers(0, 9), after=st.integers(0, 9), filters=st.sampled_from([1, 3, 17]), border=borders,
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_rows_of_vectors(algorithm, columns, stride, dilation, taps, before, after, filters, border):
    """Rows longer than a vector, strides that bring phases side by side, borders wider than the data."""
    assume(columns + before + after > (taps - 1) * dilation)
    problem = ConvProblem.make(
        (2, 2, 5, columns), (filters, 2, 3, taps), stride=(2, stride), dilation=(1, dilation),
        padding=((2, 1), (before, after)), fit="floor", border=border,
    )  # fmt: skip
    check(problem, algorithm, "f4")


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_sources_are_where_numpy_pads_from(border, size):
    whole = np.pad(np.arange(size), (7, 9), mode=border)
    for start in range(-7, size + 8):
        for stop in range(start + 1, size + 9):
            found = sources(np.arange(start, stop), size, border)
            np.testing.assert_array_equal(found, whole[start + 7 : stop + 7])


def test_a_border_that_is_not_reached_is_none():
    same = {"stride": 1, "padding": 0}
    assert ConvProblem.make((1, 1, 5), (1, 1, 3), border="wrap", **same) == ConvProblem.make(
        (1, 1, 5), (1, 1, 3), **same
    )
    with pytest.raises(
        InvalidConvolution, match="no elements along axis 1, from which a border of mode 'wrap'"
    ):
        ConvProblem.make((1, 1, 5, 0), (1, 1, 3, 1), stride=1, padding=1, border="wrap")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("algorithm", NAMES)
def test_what_is_not_finite_is_continued_too(algorithm, value):
    problem = ConvProblem.make((1, 8, 9, 7), (8, 8, 3, 3), stride=1, padding=1, border="wrap")
    for position in range(3):
        data = arrays(problem)
        data[position].flat[3] = value
        with np.errstate(invalid="ignore"):
            expected = by_padding(problem, *data)
            with use_algorithm(algorithm):
                x, w, g = data
                found = convolve(problem, x, w), input_gradient(problem, g, w), filter_gradient(problem, x, g)
        for ours, exact in zip(found, expected, strict=True):
            np.testing.assert_array_equal(np.isnan(ours), np.isnan(exact))
            np.testing.assert_allclose(ours, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("member", ["forward", "filter gradient"])
def test_the_input_is_not_copied_whole(member):
    problem = ConvProblem.make((1, 1, 1000, 1000), (1, 1, 3, 3), stride=1, padding=1, border="reflect")
    x, w, g = arrays(problem, "f4")

    def run():
        return convolve(problem, x, w) if member == "forward" else filter_gradient(problem, x, g)

    size = run().nbytes
    tracemalloc.start()
    try:
        run()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size + x.nbytes / 4


def test_a_copy_of_x_is_predicted_and_explained():
    wrapped = ConvProblem.make((1, 8, 64, 64), (8, 8, 3, 3), stride=1, padding=1, border="wrap")
    plain = replace(wrapped, border="zeros")
    for algorithm in ALGORITHMS:
        if algorithm.applies(wrapped, "d"):
            more = algorithm.needed(wrapped, 8) - algorithm.needed(plain, 8)
            assert more == (0 if algorithm.borders else 8 * 8 * 66 * 66)
            assert (algorithm.predicted(wrapped, "d") > algorithm.predicted(plain, "d")) == (more > 0)
    assert explain(wrapped).splitlines()[0].endswith("products, borders wrap")
    assert explain(plain).splitlines()[0].endswith("products")


@given(problems(2), borders)
@settings(max_examples=60, deadline=None)
def test_folding_is_the_transpose_of_extending(problem, border):
    widths, longer = problem.continued
    x, _, _ = arrays(problem)
    y = np.random.default_rng(1).standard_normal(longer.x_shape)
    np.testing.assert_allclose(
        np.vdot(extend(x, widths, border), y),
        np.vdot(x, fold(y.copy(), widths, border)),
        rtol=1e-9,
        atol=1e-9,
    )
