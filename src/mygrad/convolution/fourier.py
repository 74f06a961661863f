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

from mygrad.convolution.executor import run_parts, threads
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL

__all__ = ["applies", "convolve", "cycles", "filter_gradient", "input_gradient", "shared", "workspace"]

Array = np.ndarray[Any, Any]
MULTIPLES = 1.5, 2, 3, 4, 8, 16  # of the span of a filter
ROWS = 500
MOST_PARTS = 16  # of a filter gradient, for any number of threads
CALLS = 20  # of NumPy, each as long as a call of a kernel
TILE_BYTES = 1 << 20  # of all that is transformed at a time by a thread
FLOP_CYCLES = 0.6  # of a transform, in either dtype
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


@dataclass(frozen=True)
class Tiling:
    """The transform of each axis, and the outputs that each tile of it gives."""

    sizes: tuple[int, ...]
    outputs: tuple[int, ...]
    counts: tuple[int, ...]

    @staticmethod
    def made_of(problem: ConvProblem, sizes: tuple[int, ...]) -> "Tiling":
        outputs = tuple(size - _span(axis) + 1 for size, axis in zip(sizes, problem.axes, strict=True))
        counts = tuple(ceil(axis.o / each) for axis, each in zip(problem.axes, outputs, strict=True))
        return Tiling(sizes, outputs, counts)

    def cycles(self, problem: ConvProblem, byte_cycles: float) -> float:
        """Predict the cycles of one core; a few more where there is little to share with others."""
        size, tiles, groups = prod(self.sizes), prod(self.counts), problem.groups
        pairs = groups * problem.channels * problem.filters
        arrays = tiles * problem.batch * groups * (problem.channels + problem.filters) + pairs
        transforms = arrays * size * (2.5 * log2(max(size, 2)) * FLOP_CYCLES + PAD_CYCLES)
        products = tiles * problem.batch * pairs * (ROW_CYCLES + size / 2 * byte_cycles)
        calls = (TILE_CYCLES + CALL_CYCLES * problem.channels) * tiles
        return (transforms + products + calls) * (1 + 0.25 / tiles / problem.batch)

    def starts(self) -> Iterator[tuple[int, ...]]:
        """Return the first outputs of every tile."""
        each = (range(0, n * size, size) for n, size in zip(self.counts, self.outputs, strict=True))
        return product(*each)


def applies(problem: ConvProblem) -> bool:
    """Tell whether the problem is one that tiles can do: stride 1, and filters worth a transform."""
    return all(axis.stride == 1 == axis.up for axis in problem.axes) and prod(a.k for a in problem.axes) >= 16


@lru_cache(maxsize=1024)
def _tiling(problem: ConvProblem) -> Tiling:
    """Return the tiles of least work: large ones share less, small ones need smaller filters' transforms."""
    choices = product(*map(_sizes, problem.axes))
    tilings = (Tiling.made_of(problem, sizes) for sizes in choices)
    return min(tilings, key=lambda each: each.cycles(problem, 8 * BYTE_CYCLES[0]))


def cycles(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> float:
    """Predict the cycles of one core."""
    return _tiling(problem).cycles(problem, itemsize * BYTE_CYCLES[of_filter]) + CALLS * CALL


def shared(problem: ConvProblem) -> bool:
    """Tell whether threads can work at once: NumPy keeps the interpreter to itself for few rows."""
    rows = problem.groups * problem.channels * prod(_tiling(problem).sizes[:-1])
    return rows > ROWS


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed filters, and of the tiles of all threads."""
    tiling = _tiling(problem)
    channels = problem.groups * problem.channels
    tile = problem.groups * (problem.channels + problem.filters) * prod(tiling.sizes) * itemsize
    filters = channels * problem.filters * prod(tiling.sizes) * itemsize
    return 2 * filters + 3 * threads() * max(tile, TILE_BYTES)


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
    return np.fft.rfftn(array, s=sizes, axes=_last(array, len(sizes)))


def _filters(w: Array, problem: ConvProblem, sizes: tuple[int, ...]) -> Array:
    """Return the conjugate transforms of all filters, each of which a thread can compute."""
    wide = _spread(w, problem.axes)
    flat = wide.reshape(-1, *wide.shape[-len(sizes) :])
    spectra = np.empty((len(flat), *sizes[:-1], sizes[-1] // 2 + 1), np.result_type(w.dtype, np.complex64))
    step = max(1, TILE_BYTES // (2 * spectra[:1].nbytes))

    def part(number: int) -> None:
        some = slice(number * step, (number + 1) * step)
        np.conj(_transform(flat[some], sizes), out=spectra[some])

    run_parts(ceil(len(flat) / step), part)
    return spectra.reshape(*wide.shape[: -len(sizes)], *spectra.shape[1:])


def _grouped(array: Array, groups: int, axis: int) -> Array:
    return array.reshape(*array.shape[:axis], groups, -1, *array.shape[axis + 1 :])


def _samples(problem: ConvProblem, tiling: Tiling, itemsize: int) -> list[slice]:
    """Cut the batch so that a thread transforms a bounded number of bytes at a time."""
    one = problem.groups * (problem.channels + problem.filters) * prod(tiling.sizes) * itemsize
    step = max(1, TILE_BYTES // one)
    return [slice(n, n + step) for n in range(0, problem.batch, step)]


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with stride 1."""
    tiling, axes, groups = _tiling(problem), problem.axes, problem.groups
    filters = _filters(_grouped(w, groups, 0), problem, tiling.sizes)
    y = np.empty(problem.y_shape, x.dtype)
    x, grouped = _grouped(x, groups, 1), _grouped(y, groups, 1)
    tasks = list(product(_samples(problem, tiling, x.itemsize), tiling.starts()))

    def task(number: int) -> None:
        samples, start = tasks[number]
        spectrum = _transform(_cut(x[samples], axes, start, tiling.sizes), tiling.sizes)
        spectrum = _sum_channels(spectrum, filters)
        tile = np.fft.irfftn(spectrum, s=tiling.sizes, axes=_last(spectrum, len(axes)))
        ends = [min(a + size, axis.o) for a, size, axis in zip(start, tiling.outputs, axes, strict=True)]
        place = tuple(slice(a, b) for a, b in zip(start, ends, strict=True))
        grouped[(samples, ..., *place)] = tile[
            (..., *(slice(b - a) for a, b in zip(start, ends, strict=True)))
        ]

    run_parts(len(tasks), task)
    return y


def _sum_channels(x: Array, w: Array) -> Array:
    """Return ``sum_c x[n, group, c] * w[group, f, c]`` for every frequency."""
    total = x[:, :, None, 0] * w[:, :, 0]
    for c in range(1, x.shape[2]):
        total += x[:, :, None, c] * w[:, :, c]
    return total


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x, itself a convolution of stride 1 with the filters turned around."""
    backward = problem.for_input()
    filters = np.swapaxes(_grouped(w, problem.groups, 0), 1, 2)
    return convolve(backward, g, filters.reshape(-1, *filters.shape[2:]))


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; partial sums of fixed parts are added in their order."""
    tiling, axes, groups = _tiling(problem), problem.axes, problem.groups
    x, g = _grouped(x, groups, 1), _grouped(g, groups, 1)
    tasks = list(product(_samples(problem, tiling, x.itemsize), tiling.starts()))
    spectrum = groups * problem.filters * problem.channels * prod(tiling.sizes) * x.itemsize
    parts: list[Any] = [None] * max(1, min(len(tasks), MOST_PARTS, (x.nbytes + g.nbytes) // 3 // spectrum))

    def part(number: int) -> None:
        total: Any = 0
        for samples, start in tasks[number :: len(parts)]:
            spectrum = _transform(_cut(x[samples], axes, start, tiling.sizes), tiling.sizes)
            place = tuple(slice(a, a + size) for a, size in zip(start, tiling.outputs, strict=True))
            gradient = np.conj(_transform(g[(samples, ..., *place)], tiling.sizes))
            total = total + _sum_samples(spectrum, gradient)
        parts[number] = total

    run_parts(len(parts), part)
    whole = np.fft.irfftn(sum(parts), s=tiling.sizes, axes=_last(parts[0], len(axes)))
    steps = (slice(None, _span(axis), abs(axis.dilation)) for axis in axes)
    taps = whole[(..., *steps)][(..., *(slice(None, None, 1 if a.dilation > 0 else -1) for a in axes))]
    return np.ascontiguousarray(taps.reshape(problem.w_shape), x.dtype)


def _sum_samples(x: Array, g: Array) -> Array:
    """Return ``sum_n x[n, group, c] * g[n, group, f]`` for every frequency, as (group, f, c)."""
    total = x[0][:, None] * g[0][:, :, None]
    for n in range(1, len(x)):
        total += x[n][:, None] * g[n][:, :, None]
    return total
