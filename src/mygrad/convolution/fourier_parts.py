"""Which tiles a convolution by Fourier transforms has, and which parts of it fit the memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, inf, log2, prod
from typing import Any

import numpy as np

from mygrad.concurrency import once
from mygrad.convolution.fft_passes import radices
from mygrad.convolution.fourier_calls import Box, Calls, Images, Products, Reductions, Shape
from mygrad.convolution.layout import LINE, contiguous, grid
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL, Range, cut

__all__ = ["Part", "best", "blocks", "calls_of", "cycles", "fitting", "workers_of"]

Array = np.ndarray[Any, Any]
LINES = 16  # of a cache, between what lies in the workspace
LEAST_BUDGET = 16 << 20  # bytes of workspace, however small the arrays are
LEAST_FILTERS = 8  # that are transformed before all data
MOST_SPANS = 8  # of a filter, that a tile has positions
FLOPS, TURNED = 6.5, 12  # cycles a point to transform a vector of pairs: times log2 of the points, and once
PRODUCT = 3.4  # cycles of a vector of products of two complex numbers
REDUCED, SUMMED = 4, 24  # cycles of one that is summed, to sum its lanes
MOVED = 0.3  # cycles to copy a byte of data with its padding
ROUNDS = 2  # in which the size of each axis is chosen, given the others
TASKS, ALONE = 4, 0.25  # of products, at least where filters are enough; times as long with one
CALLS = 40  # of Python and of threads, each as long as a call of a kernel


def _span(axis: Axis) -> int:
    return abs(axis.dilation) * (axis.k - 1) + 1


def _sizes(axis: Axis, lanes: int) -> list[int]:
    """Return the transforms worth trying, of whole vectors: some up to a tile of all outputs."""
    span = _span(axis)
    most = min(MOST_SPANS * span, axis.o + span - 1)
    found = []
    for size in sorted(three << twos for three in (1, 3, 9, 27) for twos in range(24)):
        if size % lanes == 0 and size >= span + 1 - (axis.o == 1) and radices(size):
            found.append(size)
            if size >= most:
                break
    return found


@dataclass(frozen=True)
class Tiling:
    """The transform of each axis, the outputs that each tile of it gives, and the tiles along it."""

    sizes: tuple[int, ...]
    outputs: tuple[int, ...]
    counts: tuple[int, ...]

    @staticmethod
    def made_of(problem: ConvProblem, sizes: tuple[int, ...]) -> "Tiling":
        outputs = tuple(size - _span(axis) + 1 for size, axis in zip(sizes, problem.axes, strict=True))
        counts = tuple(ceil(axis.o / each) for axis, each in zip(problem.axes, outputs, strict=True))
        return Tiling(sizes, outputs, counts)

    @property
    def reached(self) -> tuple[int, ...]:
        """The positions of data that all tiles have along each axis."""
        each = zip(self.counts, self.outputs, self.sizes, strict=True)
        return tuple((n - 1) * step + size for n, step, size in each)

    @property
    def given(self) -> tuple[int, ...]:
        return tuple(n * step for n, step in zip(self.counts, self.outputs, strict=True))


@dataclass(frozen=True)
class Part:
    """Some samples of a problem in one group, and their tiles."""

    samples: int
    channels: int
    filters: int
    tiling: Tiling
    taps: tuple[tuple[int, ...], ...]
    """The positions of taps along each axis, in their order."""
    itemsize: int
    of_filter: bool
    reduced: bool = False
    """Whether lanes are tiles of a filter gradient, too."""
    typical: int = 0
    """How many images parts have that use the same spectra of filters: all have them in the same blocks."""

    @once
    def x_shape(self) -> tuple[int, ...]:
        return self.samples, self.channels, *self.tiling.reached

    @once
    def y_shape(self) -> tuple[int, ...]:
        return self.samples, self.filters, *self.tiling.given

    @once
    def w_shape(self) -> tuple[int, ...]:
        return self.filters, self.channels, *map(len, self.taps)

    @once
    def images(self) -> int:
        return self.samples * prod(self.tiling.counts)

    @once
    def swapped(self) -> bool:
        """Whether lanes are filters of a filter gradient: whichever are more."""
        return self.of_filter and not self.reduced and self.filters > self.channels

    @once
    def shape(self) -> Shape:
        machine = this_machine()
        lanes = machine.isa.bits // 8 // self.itemsize
        numbers = self.images, self.channels, self.filters
        if self.of_filter and not self.reduced:
            few, many = sorted(numbers[1:])
            numbers = many, self.images, few
        images, filters = self.typical or numbers[0], numbers[2]
        block = min(8 if machine.isa.registers > 16 else 4, lanes, 1 << (filters - 1).bit_length())
        while block > 1 and ceil(images / (2 * lanes)) * ceil(filters / block) < TASKS:
            block //= 2
        return Shape(self.tiling.sizes, *numbers, block, lanes, self.itemsize)

    @once
    def array_bytes(self) -> int:
        """The bytes of data with their padding, or of outputs of whole tiles: one after the other."""
        x, y = self.itemsize * prod(self.x_shape), self.itemsize * prod(self.y_shape)
        return x + y + self.itemsize * prod(self.w_shape) if self.of_filter else max(x, y)

    @once
    def filter_bytes(self) -> int:
        """The bytes of spectra of filters, or of what stands for them."""
        shape = self.shape
        return replace(shape, channels=shape.filters).data_bytes if self.reduced else shape.filter_bytes

    @once
    def bytes(self) -> int:
        """The bytes of everything but the work of each thread."""
        return self.filter_bytes + self.shape.data_bytes + self.array_bytes

    @once
    def work_bytes(self) -> int:
        """The bytes of the work of a thread."""
        return self.shape.block * self.shape.image_bytes

    def cycles(self, machine: Machine, times: int = 1) -> float:
        """Predict the cycles of one core for so many parts, whose filters are transformed once.

        They count as a few more where there is little to share with others.
        """
        shape = self.shape
        vectors = shape.vectors * (times if self.of_filter else 1)
        vectors += times * shape.pairs * (shape.channels + shape.filters)
        products = PRODUCT * shape.points * shape.pairs * shape.channels * shape.blocks * shape.block
        if self.reduced:
            planes = shape.channels * shape.filters
            vectors = times * (shape.pairs * (shape.channels + shape.filters) + ceil(planes / shape.lanes))
            products = planes * shape.points * (REDUCED * shape.pairs + SUMMED)
        transforms = vectors * shape.points * (FLOPS * log2(shape.points) + TURNED)
        moved = MOVED * self.itemsize * (prod(self.x_shape) + prod(self.y_shape))
        shared = 1 + ALONE / (shape.pairs * min(shape.channels, shape.blocks))
        return shared * (transforms + times * products) * 2 * machine.cycles(machine.isa.bits) + times * moved


def _taps(axis: Axis) -> tuple[int, ...]:
    positions = range(0, _span(axis), abs(axis.dilation))
    return tuple(positions if axis.dilation > 0 else reversed(positions))


@lru_cache(maxsize=1024)
def best(problem: ConvProblem, itemsize: int, machine: Machine, *, of_filter: bool) -> Part | None:
    """Return tiles of little work that fit the memory, if any do: one axis is chosen after the other."""
    lanes, last = machine.isa.bits // 8 // itemsize, len(problem.axes) - 1
    options = [_sizes(axis, lanes if n == last else 1) for n, axis in enumerate(problem.axes)]
    numbers = problem.batch, problem.channels, problem.filters
    taps, budget = tuple(map(_taps, problem.axes)), _budget(problem, itemsize)

    def part(sizes: list[int], reduced: bool) -> Part:
        return Part(*numbers, Tiling.made_of(problem, tuple(sizes)), taps, itemsize, of_filter, reduced)

    found: list[Part] = []
    for reduced in (False, True) if of_filter else (False,):
        sizes = [each[0] for each in options]
        for n in [*range(len(options))] * ROUNDS:
            tried = {size: part([*sizes[:n], size, *sizes[n + 1 :]], reduced) for size in options[n]}
            sizes[n] = min(options[n], key=lambda size: _cycles(tried[size], budget, machine))
        found.append(part(sizes, reduced))
    least = min(found, key=lambda each: _cycles(each, budget, machine))
    return least if _cut(least, budget) else None


def _cycles(part: Part, budget: int, machine: Machine) -> float:
    """Predict the cycles of one core, in as many parts as fit the memory; infinite if none does."""
    most = _cut(part, budget)
    if most is None:
        return inf
    pieces, rows = ceil(part.filters / most.filters), ceil(part.tiling.counts[0] / most.tiling.counts[0])
    times = ceil(part.samples / most.samples) * rows
    return pieces * (most.cycles(machine, times) + times * CALLS * CALL)


def _budget(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes that a problem may take beside its arrays: as many as they have, or a few."""
    arrays = itemsize * sum(map(prod, (problem.x_shape, problem.w_shape, problem.y_shape)))
    return max(LEAST_BUDGET, arrays) - LINE * LINES


def _cut(part: Part, budget: int) -> Part | None:
    """Return as many filters, samples, and rows of tiles of one, as fit the memory, if any do."""
    while part.bytes + max(budget // 4, part.work_bytes) > budget:  # a quarter is for what threads have
        rows, *others = part.tiling.counts
        many = part.filters > LEAST_FILTERS and part.filter_bytes > budget // 2 and not part.of_filter
        if part.samples > 1 and not many:
            part = replace(part, samples=ceil(part.samples / 2))
        elif rows > 1 and not many:
            part = replace(part, tiling=replace(part.tiling, counts=(ceil(rows / 2), *others)))
        elif part.filters > 1:
            part = replace(part, filters=ceil(part.filters / 2))
        else:
            return None
    return part


def cycles(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> float:
    """Predict the cycles of one core."""
    part = best(problem, itemsize, this_machine(), of_filter=of_filter)
    assert part is not None
    return problem.groups * _cycles(part, _budget(problem, itemsize), this_machine())


def fitting(problem: ConvProblem, itemsize: int, *, of_filter: bool) -> Part | None:
    """Return the largest part of a group that is computed at a time, if any fits the memory."""
    part = best(problem, itemsize, this_machine(), of_filter=of_filter)
    return part and _cut(part, _budget(problem, itemsize))


def workers_of(problem: ConvProblem, part: Part, workers: int) -> int:
    """Return how many of so many threads have room to work."""
    return max(1, min(workers, _budget(problem, part.itemsize) // 4 // part.work_bytes))


Block = tuple[Part, Range, int]
"""Some samples, and the first output of the first axis."""


def blocks(problem: ConvProblem, itemsize: int, *, of_filter: bool) -> Iterator[tuple[Range, list[Block]]]:
    """Yield some filters of a group, and the parts that compute them."""
    whole = best(problem, itemsize, this_machine(), of_filter=of_filter)
    most = fitting(problem, itemsize, of_filter=of_filter)
    assert whole is not None
    assert most is not None
    for a, b in cut(whole.filters, ceil(whole.filters / most.filters)):
        typical = 0 if of_filter else most.images
        yield (a, b), list(_blocks(replace(whole, filters=b - a, typical=typical), most))


def _blocks(part: Part, most: Part) -> Iterator[Block]:
    rows, *others = part.tiling.counts
    samples = cut(part.samples, ceil(part.samples / most.samples))
    for (a, b), (c, d) in product(samples, cut(rows, ceil(rows / most.tiling.counts[0]))):
        tiling = replace(part.tiling, counts=(d - c, *others))
        yield replace(part, samples=b - a, tiling=tiling), (a, b), c * part.tiling.outputs[0]


@lru_cache(maxsize=256)
def calls_of(part: Part, workers: int) -> Calls:
    """Return the calls for arrays of the shapes of a part."""
    size, tiling = part.itemsize, part.tiling
    x, y, w = (contiguous(each, 1, 1, size) for each in (part.x_shape, part.y_shape, part.w_shape))
    tiles = [np.arange(n) * step for n, step in zip(tiling.counts, tiling.outputs, strict=True)]

    def images(strides: tuple[int, ...]) -> Array:
        steps = (tile * step for tile, step in zip(tiles, strides[3:], strict=True))
        return grid(np.arange(part.samples) * strides[0], *steps)

    def planes(strides: tuple[int, ...], axis: int, count: int) -> Array:
        return np.arange(count) * strides[axis]

    filters, channels = planes(w, 0, part.filters), planes(w, 2, part.channels)
    whole, inner = (tuple(tuple(range(n)) for n in each) for each in (tiling.sizes, tiling.outputs))
    x_box, y_box, w_box = Box(x[3:], whole), Box(y[3:], inner), Box(w[3:], part.taps)
    if not part.of_filter:
        places = (
            Images(filters, channels),
            Images(images(x), planes(x, 2, part.channels)),
            Images(images(y), planes(y, 2, part.filters)),
        )
        return Products(part.shape, places, (w_box, x_box, y_box), workers)
    if part.reduced:
        places = (
            Images(images(y), planes(y, 2, part.filters)),
            Images(images(x), planes(x, 2, part.channels)),
            Images(filters, channels),
        )
        return Reductions(part.shape, places, (y_box, x_box, w_box), size * prod(part.w_shape), workers)
    data, gradients = (
        Images(planes(x, 2, part.channels), images(x)),
        Images(planes(y, 2, part.filters), images(y)),
    )
    if part.swapped:  # Y conj(X): what was at a tap is at as many positions before the first
        w_box = Box(
            w[3:],
            tuple(tuple(-n % size for n in taps) for taps, size in zip(part.taps, tiling.sizes, strict=True)),
        )
        return Products(
            part.shape, (data, gradients, Images(filters, channels)), (x_box, y_box, w_box), workers
        )
    return Products(part.shape, (gradients, data, Images(channels, filters)), (y_box, x_box, w_box), workers)
