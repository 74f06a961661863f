"""Kernels of pooling against what NumPy computes tap by tap: any windows, processor, number of threads."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mygrad.convolution import jit, pool_calls, pooling, use_threads
from mygrad.convolution.machine import ISAS, Machine, this_machine
from mygrad.convolution.pool_kernels import PoolTile
from tests.convolution.test_kernels import TARGETS, runs_here

RNG = np.random.default_rng(11)
EPS = {"f4": 2.0**-24, "f8": 2.0**-53}


@st.composite
def windows(draw):
    """Windows over one to three axes, regular or adaptive, each of which sees an element."""
    sizes, pool, stride, pairs, dilation = [], [], [], [], []
    for most_taps in draw(st.sampled_from([(11,), (3, 11), (3, 3, 11)])):
        taps, step = draw(st.integers(1, most_taps)), draw(st.integers(1, 3))
        extent = (taps - 1) * step + 1
        size = draw(st.integers(extent, extent + 40))
        sizes.append(size)
        pool.append(taps)
        stride.append(draw(st.integers(1, 7)))
        most = min(step, size)
        pairs.append(
            (draw(st.integers(-1, most - 1 + (step == 1) * (taps - 1))), draw(st.integers(0, most - 1)))
        )
        dilation.append(step)
    few = [min(size, (60, 20, 8)[len(sizes) - 1]) for size in sizes]  # a window may see all: so many taps
    if draw(st.booleans()) and draw(st.booleans()):
        return pooling.adaptive(tuple(few), tuple(draw(st.integers(1, n + 2)) for n in few))
    args = tuple(pool), tuple(stride), tuple(pairs), tuple(dilation), "floor"
    try:
        return pooling.windows(pooling.arguments(tuple(sizes), *args), padding_counts=False)
    except ValueError:
        return pooling.adaptive(tuple(few), tuple(1 for _ in few))


def data(shape, dtype, *, special):
    """Small integers, so that there are ties; or everything that is no number."""
    x = RNG.integers(-3, 4, shape).astype(dtype)
    if special:
        for value, share in ((np.nan, 0.05), (np.inf, 0.05), (-np.inf, 0.4), (-0.0, 0.1)):
            x[RNG.random(shape) < share] = value
    return x


def by_taps(function, *args, **keywords):
    """What NumPy computes where there is no kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_calls, "can", lambda *_: False)
        return function(*args, **keywords)


@settings(max_examples=150, deadline=None)
@given(windows(), st.sampled_from(["f4", "f8"]), st.sampled_from([(), (1,), (2, 3)]), st.booleans())
def test_maxima(windows, dtype, lead, special):
    x = data((*lead, *windows.sizes), dtype, special=special)
    values, places = pooling.maxima(x, windows)
    known_values, known_places = by_taps(pooling.maxima, x, windows)
    np.testing.assert_array_equal(places, known_places)
    np.testing.assert_array_equal(values, known_values)
    g = data(values.shape, dtype, special=False)
    np.testing.assert_array_equal(
        pooling.spread(g, windows, places), by_taps(pooling.spread, g, windows, places)
    )


@settings(max_examples=150, deadline=None)
@given(windows(), st.sampled_from(["f4", "f8"]), st.sampled_from([(), (1,), (2, 3)]))
def test_sums(windows, dtype, lead):
    """A sum of n terms is within n roundings of its magnitudes' sum."""
    x = RNG.standard_normal((*lead, *windows.sizes)).astype(dtype)
    g = RNG.standard_normal((*lead, *windows.outputs)).astype(dtype)
    for function, of in ((pooling.sums, x), (pooling.spread_sums, g)):
        known = by_taps(function, of.astype(np.float64), windows, 3)
        size = by_taps(function, np.abs(of).astype(np.float64), windows, 3)
        count = by_taps(function, np.ones(of.shape), windows, 1).max() + 1
        found = function(of, windows, 3)
        assert found.dtype == of.dtype
        assert np.all(np.abs(found - known) <= count * EPS[dtype] * size)


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_sums_of_what_is_not_finite(kind):
    x = np.array([1, np.nan, 2, np.inf, -np.inf, 3, 4], kind)
    axes = pooling.arguments(x.shape, (2,), 1, 1)
    found = pooling.sums(x, pooling.windows(axes, padding_counts=True))
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, np.inf, np.nan, -np.inf, 7, 4])


SHAPES = [(3, 5, 40, 70), (1, 400, 700), (1, 200_000), (1, 20, 90, 90)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axes", [1, 2])
def test_any_number_of_threads_computes_the_same(shape, axes):
    """Long rows in segments; planes, rows or segments in parts."""
    x = RNG.standard_normal(shape).astype("f4")
    size = shape[len(shape) - axes :]
    if len(size) == 2 and size[0] == 1:
        size = size[1:]
    arguments = pooling.arguments(size, (3,) * len(size), (2,) * len(size), 1, 1, "floor")
    windows = pooling.windows(arguments, padding_counts=False)

    def all_four():
        values, places = pooling.maxima(x, windows)
        gradients = pooling.spread(values, windows, places), pooling.spread_sums(values, windows, 9)
        return values, places, pooling.sums(x, windows, 9), *gradients

    with use_threads(1):
        alone = all_four()
    np.testing.assert_array_equal(alone[1], by_taps(pooling.maxima, x, windows)[1])
    for count in (2, 3, 7):
        with use_threads(count):
            for found, known in zip(all_four(), alone, strict=True):
                np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize(
    "change",
    [np.asfortranarray, lambda x: x[:, ::-1, ::2], lambda x: x.astype(x.dtype.newbyteorder()), np.transpose],
    ids=["Fortran", "every second, reversed", "byte-swapped", "transposed"],
)
def test_layouts(change):
    x = change(RNG.standard_normal((2, 8, 12)))
    x.flags.writeable = False
    windows = pooling.adaptive(x.shape, (2, 3))
    plain = np.array(x, float, order="C")
    np.testing.assert_array_equal(pooling.maxima(x, windows)[0], pooling.maxima(plain, windows)[0])
    np.testing.assert_allclose(pooling.sums(x, windows), pooling.sums(plain, windows), rtol=1e-15)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", "u8", "f2", "g"])
def test_other_dtypes_are_exact(dtype):
    x = (RNG.integers(0, 2, (3, 50)) if dtype == "?" else RNG.permutation(150).reshape(3, 50)).astype(dtype)
    windows = pooling.windows(pooling.arguments(x.shape[1:], (4,), 3, 1, 1, "floor"), padding_counts=False)
    values, places = pooling.maxima(x, windows)
    assert values.dtype == x.dtype
    np.testing.assert_array_equal(places, by_taps(pooling.maxima, x.astype(float), windows)[1])
    if dtype in ("i8", "u8"):
        big = np.array([[2**62, 2**62 + 1, 2**62]], dtype)  # equal as floats
        windows = pooling.windows(pooling.arguments((3,), (3,), 1), padding_counts=False)
        assert pooling.maxima(big, windows)[1] == 1


@pytest.mark.parametrize("kind", ["max", "sums", "spread_sums", "spread"])
@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("name", TARGETS)
def test_code_for_every_instruction_set(name, kind, itemsize):
    isa = next(isa for isa in ISAS if isa.name == name)
    triple, cpu, features, _ = TARGETS[name]
    for taps, stride in ((3, 1), (2, 2), (11, 5)):
        tile = PoolTile(itemsize, isa.bits // 8 // itemsize, kind, taps, stride)
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        widest = {512: "%zmm", 256: "%ymm", 128: r"%xmm|\bv\d|\bq\d"}[isa.bits]
        assert re.search(widest, code) or kind == "spread"


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", TARGETS)
def test_narrow_kernels_are_right(name, dtype, monkeypatch):
    if not runs_here(name):
        pytest.skip(f"this processor has no {name}")
    isa = next(isa for isa in ISAS if isa.name == name)
    narrow = Machine(isa, isa.bits, 32 << 10, 1 << 20, this_machine().hertz)
    monkeypatch.setattr(pool_calls, "this_machine", lambda: narrow)
    x = data((2, 13, 37), dtype, special=True)
    for stride in (1, 2, 6):
        axes = pooling.arguments(x.shape[1:], (3, 5), stride, (1, 2), 1, "floor")
        windows = pooling.regular_windows.__wrapped__(axes)  # plans are kept for each
        places = pooling.maxima(x, windows)[1]
        known = by_taps(pooling.maxima, x, windows)
        np.testing.assert_array_equal(places, known[1])
        finite = np.nan_to_num(x, posinf=1, neginf=-1)
        np.testing.assert_allclose(
            pooling.sums(finite, windows), by_taps(pooling.sums, finite, windows), rtol=1e-6, atol=1e-6
        )
        np.testing.assert_allclose(
            pooling.spread_sums(finite[:, : windows.outputs[0], : windows.outputs[1]], windows),
            by_taps(pooling.spread_sums, finite[:, : windows.outputs[0], : windows.outputs[1]], windows),
            rtol=1e-6, atol=1e-6,
        )  # fmt: skip


def test_the_gradient_of_a_global_mean_is_no_view():
    """A view would be copied once more where gradients are handed out."""
    windows = pooling.adaptive((7, 7), (1, 1))
    g = np.arange(6.0).reshape(2, 3, 1, 1)
    found = pooling.spread_sums(g, windows, 49)
    assert found.base is None
    np.testing.assert_array_equal(found, np.broadcast_to(g / 49, (2, 3, 7, 7)))
