"""Large filters by tiled real Fourier transforms (overlap-save), for stride 1 and any dilation.

A tile of T positions along an axis gives T - K + 1 outputs of a filter of K positions: ``Y = X conj(W)``.
The filter gradient sums ``X conj(G)`` over all tiles before it goes back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, log2, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import run_parts
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL

__all__ = ["applies", "convolve", "cycles", "filter_gradient", "input_gradient", "shared", "workspace"]

Array = np.ndarray[Any, Any]
MULTIPLES = 1.5, 2, 3, 4, 8, 16  # of the span of a filter
ROWS = 500
TASKS = 8  # of a filter gradient, for any number of threads: fewer where filters or images are few
PART_IMAGES = 8  # images at least of what is summed by itself
CALLS = 20  # of NumPy, each as long as a call of a kernel
LEAST_BUDGET = 12 << 20  # bytes of workspace, however small the arrays are
TILE_BYTES = 1 << 20  # of all that is transformed at a time by a thread
FLOP_CYCLES = {4: 0.35, 8: 0.6}  # of a transform
ROW_CYCLES = 150  # of NumPy, for the products of a row of frequencies
BYTE_CYCLES = 0.6, 1.5  # of a product of two complex numbers, a byte of a part: summed over channels, samples
CALL_CYCLES = 11_000  # of the calls that add the products of a channel, which no two threads make at once
PAD_CYCLES = 1.5  # to move one number
TILE_CYCLES = 40_000  # of the calls for one tile


def _smooth(least: int) -> int:
    """Return the smallest 2^a 3^b 5^c that is not below `least`: transforms of these sizes are fast."""
    best = 1 << (least - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            best = min(best, three << max(0, (-(-least // three) - 1).bit_length()))
            three *= 3
        five *= 5
    return best


def _span(axis: Axis) -> int:
    return abs(axis.dilation) * (axis.k - 1) + 1


def _sizes(axis: Axis) -> list[int]:
    """Return the transforms worth trying: some multiples of the filter, and all outputs at once."""
    span = _span(axis)
    whole = _smooth(axis.o + span - 1)
    return sorted({size for times in MULTIPLES if (size := _smooth(int(span * times))) < whole} | {whole})


def _budget(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes that a problem may take beside its arrays: as many as they have, or a few."""
    return max(LEAST_BUDGET, itemsize * sum(map(prod, (problem.x_shape, problem.w_shape, problem.y_shape))))


@dataclass(frozen=True)
class Tiling:
    """The transform of each axis, the outputs that each tile of it gives, and what fits the memory.

    `spectrum` are the bytes of the transform of one image in every group. Most of the `budget` is for
    what is transformed once: spectra of `filters` of the filters, or of `images` of all tiles of all samples.
    """

    sizes: tuple[int, ...]
    outputs: tuple[int, ...]
    counts: tuple[int, ...]
    spectrum: int
    budget: int
    channels: int
    itemsize: int

    @staticmethod
    def made_of(problem: ConvProblem, sizes: tuple[int, ...], itemsize: int) -> "Tiling":
        outputs = tuple(size - _span(axis) + 1 for size, axis in zip(sizes, problem.axes, strict=True))
        counts = tuple(ceil(axis.o / each) for axis, each in zip(problem.axes, outputs, strict=True))
        spectrum = problem.groups * prod(sizes[:-1]) * (sizes[-1] // 2 + 1) * 2 * itemsize
        return Tiling(
            sizes, outputs, counts, spectrum, _budget(problem, itemsize), problem.channels, itemsize
        )

    @property
    def room(self) -> int:
        """How many spectra the budget has room for."""
        return self.budget // self.spectrum

    @property
    def fits(self) -> bool:
        """Tell whether there is room for one filter, or one image, and for one task beside it."""
        return self.room >= 3 * self.channels + 4

    @property
    def filters(self) -> int:
        """How many filters are transformed before all images are."""
        beside = (self.room - 2 * self.channels) // (self.channels + 2)
        return max(1, min(3 * self.room // 4 // self.channels, beside))

    @property
    def images(self) -> int:
        """How many images are transformed before all gradients of y are."""
        beside = (self.room - 2 * self.channels - 2) // self.channels
        return max(1, min(3 * self.room // 4 // self.channels, beside))

    def workers(self, kept: int, needed: int) -> int:
        """Return how many tasks may work at once beside spectra that are kept, each with those it needs."""
        return max(1, (self.room - kept) // needed)

    @property
    def scale(self) -> float:
        """What a product of two spectra lacks."""
        return float(prod(self.sizes)) ** 2

    def cycles(self, problem: ConvProblem, *, of_filter: bool = False) -> float:
        """Predict the cycles of one core; a few more where there is little to share with others."""
        size, tiles, groups = prod(self.sizes), prod(self.counts), problem.groups
        pairs, images = groups * problem.channels * problem.filters, tiles * problem.batch
        again = ceil(images / self.images) if of_filter else ceil(problem.filters / self.filters)
        channels, filters = images * groups * problem.channels, images * groups * problem.filters
        arrays = filters + (channels + pairs * again if of_filter else channels * again + pairs)
        transforms = arrays * size * (2.5 * log2(max(size, 2)) * FLOP_CYCLES[self.itemsize] + PAD_CYCLES)
        product_cycles = self.itemsize * BYTE_CYCLES[of_filter]
        products = images * pairs * (ROW_CYCLES + size / 2 * product_cycles)
        calls = (TILE_CYCLES + CALL_CYCLES * problem.channels) * tiles
        return (transforms + products + calls) * (1 + 0.25 / tiles / problem.batch)

    def starts(self) -> Iterator[tuple[int, ...]]:
        """Return the first outputs of every tile."""
        each = (range(0, n * size, size) for n, size in zip(self.counts, self.outputs, strict=True))
        return product(*each)


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether tiles can do a problem: stride 1, filters worth a transform, enough memory."""
    plain = all(axis.stride == 1 == axis.up for axis in problem.axes)
    return plain and prod(a.k for a in problem.axes) >= 16 and _tiling(problem, itemsize).fits


@lru_cache(maxsize=1024)
def _tiling(problem: ConvProblem, itemsize: int) -> Tiling:
    """Return the tiles of least work: large ones share less, small ones need smaller filters' transforms."""
    choices = product(*map(_sizes, problem.axes))
    tilings = (Tiling.made_of(problem, sizes, itemsize) for sizes in choices)
    return min(tilings, key=lambda each: (not each.fits, each.cycles(problem)))


def cycles(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> float:
    """Predict the cycles of one core."""
    return _tiling(problem, itemsize).cycles(problem, of_filter=of_filter) + CALLS * CALL


def shared(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether threads can work at once: NumPy keeps the interpreter to itself for few rows."""
    rows = problem.groups * problem.channels * prod(_tiling(problem, itemsize).sizes[:-1])
    return rows > ROWS


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of spectra that are kept, and of what tasks transform."""
    return _tiling(problem, itemsize).budget


def _spread(w: Array, axes: tuple[Axis, ...]) -> Array:
    """Put zeros between the taps, and the taps in the order of positions."""
    if all(axis.dilation == 1 for axis in axes):
        return w
    wide = np.zeros((*w.shape[: -len(axes)], *map(_span, axes)), w.dtype)
    wide[(..., *(slice(None, None, abs(axis.dilation)) for axis in axes))] = w[
        (..., *(slice(None, None, 1 if axis.dilation > 0 else -1) for axis in axes))
    ]
    return wide


def _cut(x: Array, axes: tuple[Axis, ...], start: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    """Return the positions of x that a tile begins with, zeros where there are none."""
    inside, into = [], []
    for axis, first, size in zip(axes, start, sizes, strict=True):
        begin = first + axis.reach()[0]
        low, high = min(max(begin, 0), axis.i), max(min(begin + size, axis.i), 0)
        inside.append(slice(low, max(low, high)))
        into.append(slice(low - begin, low - begin + max(high - low, 0)))
    part = x[(..., *inside)]
    if part.shape[-len(axes) :] == sizes:
        return part
    tile = np.zeros((*x.shape[: -len(axes)], *sizes), x.dtype)
    tile[(..., *into)] = part
    return tile


def _last(array: Array, count: int) -> tuple[int, ...]:
    return tuple(range(array.ndim - count, array.ndim))


def _transform(array: Array, sizes: tuple[int, ...]) -> Array:
    """Return spectra divided by the number of positions: NumPy computes float32 in double without that."""
    *axes, last = _last(array, len(sizes))
    found = np.fft.rfft(array, sizes[-1], axis=last, norm="forward")
    for axis, size in zip(reversed(axes), reversed(sizes[:-1]), strict=True):
        same = found if found.shape[axis] == size else None
        found = np.fft.fft(found, size, axis=axis, norm="forward", out=same)
    return found


def _inverse(spectrum: Array, sizes: tuple[int, ...]) -> Array:
    """Return products of spectra transformed back, in place along all axes but the last one."""
    *axes, last = _last(spectrum, len(sizes))
    for axis in axes:
        np.fft.ifft(spectrum, axis=axis, out=spectrum)
    return np.fft.irfft(spectrum, sizes[-1], axis=last)


def _slices(count: int, step: int) -> list[slice]:
    return [slice(n, min(n + step, count)) for n in range(0, count, step)]


def _spectra(shape: tuple[int, ...], sizes: tuple[int, ...], dtype: Any) -> Array:
    """Return room for the spectra of so many images."""
    return np.empty((*shape, *sizes[:-1], sizes[-1] // 2 + 1), np.result_type(dtype, np.complex64))


def _grouped(array: Array, groups: int, axis: int) -> Array:
    return array.reshape(*array.shape[:axis], groups, -1, *array.shape[axis + 1 :])


Image = tuple[slice, tuple[int, ...]]
"""Some samples, and the first outputs of a tile."""


def _images(problem: ConvProblem, tiling: Tiling) -> list[Image]:
    """Return some samples and the first outputs of a tile for each task: a bounded number of bytes."""
    step = max(1, TILE_BYTES // ((problem.channels + problem.filters) * tiling.spectrum))
    return list(product(_slices(problem.batch, step), tiling.starts()))


def _filters(w: Array, axes: tuple[Axis, ...], tiling: Tiling) -> Array:
    """Return the conjugate spectra of filters (group, filter, channel, k...), some in a task."""
    spectra = _spectra(w.shape[: -len(axes)], tiling.sizes, w.dtype)
    some = _slices(w.shape[1], max(1, TILE_BYTES // 2 // (tiling.channels * tiling.spectrum)))

    def task(number: int) -> None:
        filters = some[number]
        wide = _spread(w[:, filters], axes) * w.dtype.type(tiling.scale)
        np.conj(_transform(wide, tiling.sizes), out=spectra[:, filters])

    run_parts(
        len(some), task, tiling.workers(w.shape[1] * tiling.channels, 2 * some[0].stop * tiling.channels)
    )
    return spectra


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with stride 1."""
    return _convolve(problem, x, _grouped(w, problem.groups, 0))


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x, itself a convolution of stride 1 with the filters turned around."""
    return _convolve(problem.for_input(), g, np.swapaxes(_grouped(w, problem.groups, 0), 1, 2))


def _convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y, of as many filters at a time as have room for their spectra."""
    tiling, groups = _tiling(problem, x.itemsize), problem.groups
    y = np.empty(problem.y_shape, x.dtype)
    x, grouped = _grouped(x, groups, 1), _grouped(y, groups, 1)
    for some in _slices(problem.filters, tiling.filters):
        _products(problem, tiling, x, w[:, some], grouped[:, :, some])
    return y


def _products(problem: ConvProblem, tiling: Tiling, x: Array, w: Array, y: Array) -> None:
    """Fill in y: (sample, group, filter, o...)."""
    axes, filters, images = problem.axes, _filters(w, problem.axes, tiling), _images(problem, tiling)

    def task(number: int) -> None:
        samples, start = images[number]
        spectrum = _transform(_cut(x[samples], axes, start, tiling.sizes), tiling.sizes)
        tile = _inverse(_sum_channels(spectrum, filters), tiling.sizes)
        ends = [min(a + size, axis.o) for a, size, axis in zip(start, tiling.outputs, axes, strict=True)]
        place = tuple(slice(a, b) for a, b in zip(start, ends, strict=True))
        y[(samples, ..., *place)] = tile[(..., *(slice(b - a) for a, b in zip(start, ends, strict=True)))]

    channels, count, samples = problem.channels, w.shape[1], images[0][0].stop
    needed = samples * (channels + max(channels, 2 * count))
    run_parts(len(images), task, tiling.workers(channels * count, needed))


def _sum_channels(x: Array, w: Array) -> Array:
    """Return ``sum_c x[n, group, c] * w[group, f, c]`` for every frequency."""
    total = x[:, :, None, 0] * w[:, :, 0]
    products = np.empty_like(total)
    for c in range(1, x.shape[2]):
        total += np.multiply(x[:, :, None, c], w[:, :, c], out=products)
    return total


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; partial sums of fixed parts are added in their order."""
    tiling, groups = _tiling(problem, x.itemsize), problem.groups
    x, g = _grouped(x, groups, 1), _grouped(g, groups, 1)
    images, size = _images(problem, tiling), prod(problem.w_shape) * x.itemsize
    parts = max(1, min(len(images) // PART_IMAGES, TASKS // problem.filters, tiling.budget // 4 // size))
    taps = np.zeros((parts, groups, problem.filters, *problem.w_shape[1:]), x.dtype)
    rounds = ceil(len(images) / max(1, tiling.images // images[0][0].stop))
    for some in _slices(len(images), ceil(len(images) / rounds)):
        _add_taps(problem, tiling, images[some], (x, g), taps)
    return np.add.reduce(taps).reshape(problem.w_shape) if parts > 1 else taps.reshape(problem.w_shape)


def _add_taps(
    problem: ConvProblem, tiling: Tiling, images: list[Image], arrays: tuple[Array, Array], taps: Array
) -> None:
    """Add what some images give, whose spectra have room; taps: (part, group, filter, channel, k...)."""
    axes, channels, (x, g) = problem.axes, problem.channels, arrays
    most = min(TILE_BYTES // (channels * tiling.spectrum), ceil(2 * problem.filters / TASKS))
    filters = _slices(problem.filters, max(1, most))
    samples = images[0][0].stop - images[0][0].start
    kept: dict[int, Array] = {}

    def transform(number: int) -> Array:
        some, start = images[number]
        return _transform(_cut(x[some], axes, start, tiling.sizes), tiling.sizes)

    def task(number: int) -> None:
        part, some = number % len(taps), filters[number // len(taps)]
        total: Any = None
        for image in range(part, len(images), len(taps)):
            data = kept[image] if kept else transform(image)
            place = tuple(slice(a, a + n) for a, n in zip(images[image][1], tiling.outputs, strict=True))
            gradient = _transform(g[(images[image][0], slice(None), some, *place)], tiling.sizes)
            total = _sum_samples(data, np.conj(gradient, out=gradient), total)
        if total is not None:
            taps[part][:, some] += _met(_inverse(total, tiling.sizes), axes) * x.dtype.type(tiling.scale)

    needed = 2 * filters[0].stop * (channels + samples)
    if len(filters) == 1:  # which meet each image once
        run_parts(len(taps), task, tiling.workers(0, needed + 2 * samples * channels))
        return
    all_kept = len(images) * samples * channels
    run_parts(
        len(images), lambda n: kept.update({n: transform(n)}), tiling.workers(all_kept, samples * channels)
    )
    run_parts(len(taps) * len(filters), task, tiling.workers(all_kept, needed))


def _met(tile: Array, axes: tuple[Axis, ...]) -> Array:
    """Return the positions that are taps, in the order of taps."""
    steps = (slice(None, _span(axis), abs(axis.dilation)) for axis in axes)
    order = (slice(None, None, 1 if axis.dilation > 0 else -1) for axis in axes)
    return tile[(..., *steps)][(..., *order)]


def _sum_samples(x: Array, g: Array, total: Array | None) -> Array:
    """Return `total` and ``sum_n x[n, group, c] * g[n, group, f]`` for every frequency, (group, f, c)."""
    products: Array | None = None
    for image, gradient in zip(x, g, strict=True):
        products = np.multiply(image[:, None], gradient[:, :, None], out=products)
        total, products = (
            (products, None) if total is None else (np.add(total, products, out=total), products)
        )
    assert total is not None
    return total
