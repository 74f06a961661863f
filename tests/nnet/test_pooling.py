"""Pooling against windows cut out one after the other; its gradients, ties, dtypes and errors."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mygrad as mg
from mygrad.errors import InvalidConvolution
from mygrad.nnet import adaptive_avg_pool, adaptive_max_pool, avg_pool, lp_pool, max_pool
from tests.gradients import check_gradient

RNG = np.random.default_rng(6)


def pooled(x, function, pool, *, stride, pairs, dilation, fill):
    """Apply `function` to each window of the padded data."""
    lead = x.ndim - len(pool)
    x = np.pad(x, [(0, 0)] * lead + list(pairs), constant_values=fill)
    extents = [(k - 1) * d + 1 for k, d in zip(pool, dilation, strict=True)]
    outputs = [(n - e) // s + 1 for n, e, s in zip(x.shape[lead:], extents, stride, strict=True)]
    y = np.zeros((*x.shape[:lead], *outputs))
    for o in product(*map(range, outputs)):
        at = (slice(s * i, s * i + e, d) for s, i, e, d in zip(stride, o, extents, dilation, strict=True))
        y[(..., *o)] = function(x[(..., *at)].reshape(*x.shape[:lead], -1))
    return y


@st.composite
def problems(draw):
    """A shape, the pool, and keywords; each window sees some data."""
    axes = []
    for _ in range(draw(st.integers(1, 5))):
        taps, dilation, size = (draw(st.integers(1, 3)) for _ in range(3))
        before, after = (draw(st.integers(0, 1 if taps > 1 and dilation <= size else 0)) for _ in range(2))
        size = max(size, (taps - 1) * dilation + 1 - before - after)
        axes.append((size, taps, draw(st.integers(1, 3)), (before, after), dilation))
    sizes, pool, stride, pairs, dilation = zip(*axes, strict=True)
    lead = draw(st.sampled_from([(), (2,), (2, 3)]))
    return (*lead, *sizes), pool, {"stride": stride, "dilation": dilation}, pairs


KINDS = {
    "max": (max_pool, lambda w: w.max(axis=-1), -np.inf),
    "mean": (avg_pool, lambda w: w.mean(axis=-1), 0),
    "mean of data": (
        lambda *args, **keywords: avg_pool(*args, count_padding=False, **keywords),
        lambda w: np.nanmean(w, axis=-1),
        np.nan,
    ),
    "2-norm": (lp_pool, lambda w: np.sqrt((w * w).sum(axis=-1)), 0),
    "3-norm": (
        lambda *args, **keywords: lp_pool(*args, p=3, **keywords),
        lambda w: np.cbrt((abs(w) ** 3).sum(axis=-1)),
        0,
    ),
    "largest": (
        lambda *args, **keywords: lp_pool(*args, p=np.inf, **keywords),
        lambda w: abs(w).max(axis=-1),
        0,
    ),
}


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(list(KINDS)))
def test_pooling_is_done_window_by_window(problem, kind):
    shape, pool, keywords, pairs = problem
    function, of_window, fill = KINDS[kind]
    x = RNG.standard_normal(shape)
    expected = pooled(x, of_window, pool, pairs=pairs, fill=fill, **keywords)
    stride = keywords["stride"]
    y = function(x, pool, stride, padding=pairs, dilation=keywords["dilation"], fit="floor")
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "pool", "stride", "keywords"),
    [
        ((2, 5), (2,), 2, {"fit": "floor"}),
        ((1, 4, 3), (3, 2), (2, 1), {"padding": (1, 0), "fit": "floor"}),
        ((5,), (2,), 1, {"padding": "same", "dilation": 2}),
    ],
)
def test_gradients_to_second_order(kind, shape, pool, stride, keywords):
    x = RNG.permutation(np.linspace(-1.05, 1.0, int(np.prod(shape)))).reshape(shape)  # no ties
    check_gradient(lambda x: KINDS[kind][0](x, pool, stride, **keywords) ** 2, x)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=1, max_size=3))
def test_adaptive_pooling_is_done_window_by_window(axes):
    sizes, output = zip(*axes, strict=True)
    x = RNG.standard_normal((2, *sizes))
    for function, of_window in ((adaptive_max_pool, np.max), (adaptive_avg_pool, np.mean)):
        y = function(x, output)
        assert y.shape == (2, *output)
        for o in product(*map(range, output)):
            window = tuple(
                slice(i * n // g, int(np.ceil((i + 1) * n / g)))
                for i, n, g in zip(o, sizes, output, strict=True)
            )
            known = of_window(x[(slice(None), *window)].reshape(2, -1), axis=1)
            np.testing.assert_allclose(y.data[(slice(None), *o)], known, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("output", [(2, 2), (3, 1), (5, 3), (2,)])
def test_adaptive_gradients_to_second_order(output):
    x = RNG.permutation(np.linspace(-1, 1, 2 * 4 * 3)).reshape(2, 4, 3)
    for function in (adaptive_max_pool, adaptive_avg_pool):
        check_gradient(lambda x, function=function: function(x, output) ** 2, x)


def gradient(function, x, *args, **keywords):
    t = mg.tensor(np.asarray(x, float))
    function(t, *args, **keywords).backward()
    return t.grad


def test_ties():
    np.testing.assert_array_equal(gradient(max_pool, [1, 1, 0, 1], (4,), 1), [1, 0, 0, 0])
    np.testing.assert_array_equal(gradient(max_pool, [[0, 1], [1, 1]], (2, 2), 1), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(gradient(adaptive_max_pool, [1, 1, 0, 1], (1,)), [1, 0, 0, 0])
    np.testing.assert_array_equal(gradient(lp_pool, [1, -1, 0], (3,), 1, p=np.inf), [1, 0, 0])
    np.testing.assert_array_equal(gradient(avg_pool, [1, 1, 0, 1], (4,), 1), np.full(4, 0.25))


def test_a_window_of_zeros_has_no_slope():
    for p in (0.5, 1, 2, 3, np.inf):
        found = gradient(lp_pool, [0, 0, 3, 0], (2,), 2, p=p)
        np.testing.assert_array_equal(found != 0, [0, 0, 1, 0])
        np.testing.assert_allclose(found[2], 1)


def test_padding_is_never_the_maximum():
    for dtype in (float, "f2", int, "u1", "i1"):
        x = np.full(3, 0 if dtype == "u1" else -7, dtype)
        y = max_pool(x, (3,), 1, padding=1)
        np.testing.assert_array_equal(y, x)
        assert y.dtype == x.dtype
    assert not np.any(max_pool(np.zeros(3, bool), (2,), 1, padding="same"))


def test_what_is_not_finite():
    x = np.array([1.0, np.nan, 2.0, -np.inf, -np.inf])
    np.testing.assert_array_equal(max_pool(x, (2,), 1), [np.nan, np.nan, 2, -np.inf])
    np.testing.assert_array_equal(max_pool(x[3:], (2,), 1, padding=1), [-np.inf] * 3)
    np.testing.assert_array_equal(avg_pool(x, (2,), 1), [np.nan, np.nan, -np.inf, -np.inf])
    np.testing.assert_array_equal(
        adaptive_avg_pool(np.array([np.inf, 1.0, 2.0, 4.0]), (3,)), [np.inf, 1.5, 3]
    )
    np.testing.assert_array_equal(adaptive_max_pool(x, (2,)), [np.nan, 2])


def test_dtypes():
    for function in (avg_pool, lp_pool):
        assert function(np.ones(4, "f4"), (2,), 1).dtype == np.float32
        assert function(np.ones(4, "f2"), (2,), 1).dtype == np.float16
        assert function(np.ones(4, "f4"), (2,), 1, padding="same").dtype == np.float32
        y = function(np.full(4, 100, "i1"), (4,), 1)
        assert (y.dtype, y.constant) == (np.float64, True)
    assert avg_pool(np.full(4, 100, "i1"), (4,), 1)[0] == 100
    assert avg_pool(np.ones(4, "f4"), (2,), 1, padding="same", count_padding=False).dtype == np.float32
    assert adaptive_avg_pool(np.ones((2, 5), "f4"), (2,)).dtype == np.float32
    assert adaptive_avg_pool([1, 2, 3], (2,)).dtype == np.float64
    assert adaptive_max_pool([1, 2, 3], (2,)).dtype == int
    assert avg_pool(np.full(4096, 1.0, "f2"), (4096,), 1)[0] == 1


def test_constant_flags_empty_batches_and_views():
    x = mg.tensor(RNG.standard_normal((2, 6)))
    for function in (max_pool, avg_pool, lp_pool):
        assert function(x, (2,), 2, constant=True).constant
        empty = mg.zeros((0, 4))
        function(empty, (2,), 2).backward()
        assert empty.grad.shape == (0, 4)
    for function in (adaptive_max_pool, adaptive_avg_pool):
        for output in ((3,), (4,)):
            assert function(x, output, constant=True).constant
            assert not function(x, output).constant
    y = avg_pool(x[:, ::2], (3,), 1)
    np.testing.assert_allclose(y[:, 0], x.data[:, ::2].mean(axis=1))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("padding", [(0, 4), (5, 0), (3, 3)])
def test_the_error_for_padding_only_has_a_table_and_a_remedy(size, dilation, padding):
    x, keywords = np.ones(size), {"dilation": dilation, "fit": "floor"}
    try:
        max_pool(x, (3,), 2, padding=(padding,), **keywords)
    except InvalidConvolution as error:
        if "longer" in str(error):
            return
        lines = str(error).splitlines()
        assert lines[0].split("window")[1].rstrip(".") == lines[2].split("<-- window")[1]
        most = int(lines[-1].split("at most ")[1].split()[0])
        if "dilation" in lines[-1]:
            keywords["dilation"], most = most, 2 * most
        max_pool(x, (3,), 2, padding=(tuple(min(p, most) for p in padding),), **keywords)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: avg_pool(x, 2, 1), InvalidConvolution, "pool must be a tuple"),
        (lambda x: avg_pool(x, (2,), 2), InvalidConvolution, "does not end at the end"),
        (lambda x: avg_pool(x, (2,), 1.0), TypeError, "stride must be an integer"),
        (lambda x: lp_pool(x, (2,), 1, p=0), ValueError, "p of lp_pool must be greater than 0; got 0"),
        (lambda x: lp_pool(x, (2,), 1, padding="some"), InvalidConvolution, "no padding 'some'"),
        (lambda x: max_pool(x, (2,), 1, padding=2), InvalidConvolution, "window 0 sees padding only"),
        (lambda x: max_pool(x, (2,), 1, padding=((0, 2),)), InvalidConvolution, "window 5 sees padding only"),
        (lambda x: max_pool(x, (2,), 1, dilation=0), InvalidConvolution, "dilation must be at least 1"),
        (lambda x: avg_pool(x, (2,), 1, padding=2, count_padding=False), InvalidConvolution, "padding only"),
        (lambda x: max_pool(x, (9,), 1, fit="floor"), InvalidConvolution, "longer than the padded data"),
        (lambda x: adaptive_max_pool(x, 2), InvalidConvolution, "output must be a tuple"),
        (lambda x: adaptive_avg_pool(x, (0,)), InvalidConvolution, "integers of at least 1"),
        (lambda x: adaptive_avg_pool(x, (1, 1, 1)), InvalidConvolution, "output has 3 entries, x 2 axes"),
        (lambda x: adaptive_max_pool(x[:, :0], (1,)), InvalidConvolution, "no elements to pool"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call(np.ones((2, 5)))


def test_windows_that_no_memory_can_hold_are_a_memory_error():
    for make in (
        lambda size: avg_pool(np.ones(5), (3,), 1, padding=size),
        lambda size: max_pool(np.ones(5), (3,), 1, padding=size),
        lambda size: adaptive_avg_pool(np.ones(5), (size,)),
    ):
        for size in (10**14, 10**18):
            with pytest.raises(MemoryError, match=r"Unable to allocate .* with shape \(\d+,\)"):
                make(size)


def test_a_window_far_from_the_data_sees_padding_only():
    with pytest.raises(InvalidConvolution, match="window 0 sees padding only"):
        max_pool(np.ones(2), (2,), 6, padding=((6, 0),))
    np.testing.assert_array_equal(avg_pool(np.ones(2), (2,), 6, padding=((6, 0),)).data, [0.0, 1.0])
