"""Large filters by tiled Fourier transforms (overlap-save), for stride 1 and any dilation.

A tile of T positions along an axis gives T - K + 1 outputs of a filter of K positions: ``Y = X conj(W)``.
Of a filter gradient, tiles of the gradient of y are the filters, and the taps are the outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, log2, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import borrow, give_back, threads
from mygrad.convolution.fft_passes import radices
from mygrad.convolution.fourier_calls import Box, Calls, Images, Shape
from mygrad.convolution.layout import contiguous, grid
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL, Range, cut

__all__ = ["applies", "convolve", "cycles", "filter_gradient", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
LEAST_BUDGET = 12 << 20  # bytes of workspace, however small the arrays are
MOST_SPANS = 8  # of a filter, that a tile has positions
FLOPS, TURNED = 6.5, 12  # cycles a point to transform a vector of pairs: times log2 of the points, and once
PRODUCT = 3.4  # cycles of a vector of products of two complex numbers
MOVED = 0.3  # cycles to copy a byte of data with its padding
LEAST_TAPS = 4
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

    @property
    def x_shape(self) -> tuple[int, ...]:
        return self.samples, self.channels, *self.tiling.reached

    @property
    def y_shape(self) -> tuple[int, ...]:
        return self.samples, self.filters, *self.tiling.given

    @property
    def w_shape(self) -> tuple[int, ...]:
        return self.filters, self.channels, *map(len, self.taps)

    @property
    def images(self) -> int:
        return self.samples * prod(self.tiling.counts)

    @property
    def swapped(self) -> bool:
        """Whether lanes are filters of a filter gradient: whichever are more."""
        return self.of_filter and self.filters > self.channels

    @property
    def shape(self) -> Shape:
        machine = this_machine()
        lanes = machine.isa.bits // 8 // self.itemsize
        numbers = self.images, self.channels, self.filters
        if self.of_filter:
            few, many = sorted(numbers[1:])
            numbers = many, self.images, few
        most = 8 if machine.isa.registers > 16 else 4
        block = min(most, lanes, 1 << (numbers[2] - 1).bit_length())
        return Shape(self.tiling.sizes, *numbers, block, lanes, self.itemsize)

    @property
    def array_bytes(self) -> int:
        """The bytes of data with their padding, or of outputs of whole tiles: one after the other."""
        x, y = self.itemsize * prod(self.x_shape), self.itemsize * prod(self.y_shape)
        return x + y + self.itemsize * prod(self.w_shape) if self.of_filter else max(x, y)

    @property
    def bytes(self) -> int:
        """The bytes of everything but the work of each thread."""
        return self.shape.filter_bytes + self.shape.data_bytes + self.array_bytes

    def cycles(self, machine: Machine, times: int = 1) -> float:
        """Predict the cycles of one core for so many parts, whose filters are transformed once."""
        shape = self.shape
        vectors = shape.vectors * (times if self.of_filter else 1)
        vectors += times * shape.pairs * (shape.channels + shape.filters)
        transforms = vectors * shape.points * (FLOPS * log2(shape.points) + TURNED)
        products = PRODUCT * shape.points * shape.pairs * shape.channels * shape.blocks * shape.block
        moved = MOVED * self.itemsize * (prod(self.x_shape) + prod(self.y_shape))
        return (transforms + times * products) * 2 * machine.cycles(machine.isa.bits) + times * moved


def _taps(axis: Axis) -> tuple[int, ...]:
    positions = range(0, _span(axis), abs(axis.dilation))
    return tuple(positions if axis.dilation > 0 else reversed(positions))


def _part(problem: ConvProblem, itemsize: int, tiling: Tiling, *, of_filter: bool) -> Part:
    """Return all samples of a group."""
    numbers = problem.batch, problem.channels, problem.filters
    return Part(*numbers, tiling, tuple(map(_taps, problem.axes)), itemsize, of_filter)


@lru_cache(maxsize=1024)
def _best(problem: ConvProblem, itemsize: int, machine: Machine, *, of_filter: bool) -> Part | None:
    """Return the tiles of least work that fit the memory, if there are any."""
    lanes = machine.isa.bits // 8 // itemsize
    *outer, last = problem.axes
    choices = product(*(_sizes(axis, 1) for axis in outer), _sizes(last, lanes))
    parts = (
        _part(problem, itemsize, Tiling.made_of(problem, sizes), of_filter=of_filter) for sizes in choices
    )
    budget = _budget(problem, itemsize)
    fitting = [part for part in parts if _cut(part, budget)]
    return min(fitting, key=lambda part: _cycles(part, budget, machine), default=None)


def _cycles(part: Part, budget: int, machine: Machine) -> float:
    """Predict the cycles of one core, in as many parts as fit the memory."""
    most = _cut(part, budget)
    assert most is not None
    times = ceil(part.samples / most.samples) * ceil(part.tiling.counts[0] / most.tiling.counts[0])
    return most.cycles(machine, times) + times * CALLS * CALL


def _budget(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes that a problem may take beside its arrays: as many as they have, or a few."""
    return max(LEAST_BUDGET, itemsize * sum(map(prod, (problem.x_shape, problem.w_shape, problem.y_shape))))


def _cut(part: Part, budget: int) -> Part | None:
    """Return as many samples, and rows of tiles of one, as fit the memory, if any do."""
    while part.bytes > budget:
        rows, *others = part.tiling.counts
        if part.samples > 1:
            part = replace(part, samples=ceil(part.samples / 2))
        elif rows > 1:
            part = replace(part, tiling=replace(part.tiling, counts=(ceil(rows / 2), *others)))
        else:
            return None
    return part


def applies(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> bool:
    """Tell whether tiles can do a problem: stride 1, more than a tap, enough memory."""
    plain = all(axis.stride == 1 == axis.up and axis.o for axis in problem.axes)
    many = prod(axis.k for axis in problem.axes) >= LEAST_TAPS and problem.batch * problem.channels
    return bool(plain and many and _best(problem, itemsize, this_machine(), of_filter=of_filter))


def cycles(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> float:
    """Predict the cycles of one core."""
    part = _best(problem, itemsize, this_machine(), of_filter=of_filter)
    assert part is not None
    return problem.groups * _cycles(part, _budget(problem, itemsize), this_machine())


def workspace(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> int:
    """Return the bytes of padded data, spectra and what threads transform back."""
    part = _best(problem, itemsize, this_machine(), of_filter=of_filter)
    part = part and _cut(part, _budget(problem, itemsize))
    return part.bytes + threads() * part.shape.block * part.shape.image_bytes if part else 0


@lru_cache(maxsize=256)
def _calls(part: Part, workers: int) -> Calls:
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
        return Calls(part.shape, places, (w_box, x_box, y_box), workers)
    data, gradients = (
        Images(planes(x, 2, part.channels), images(x)),
        Images(planes(y, 2, part.filters), images(y)),
    )
    if part.swapped:  # Y conj(X): what was at a tap is at as many positions before the first
        w_box = Box(
            w[3:],
            tuple(tuple(-n % size for n in taps) for taps, size in zip(part.taps, tiling.sizes, strict=True)),
        )
        return Calls(part.shape, (data, gradients, Images(filters, channels)), (x_box, y_box, w_box), workers)
    return Calls(part.shape, (gradients, data, Images(channels, filters)), (y_box, x_box, w_box), workers)


def _view(buffer: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array at the beginning of a buffer."""
    return buffer[: prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


class Room:
    """Arrays that are borrowed for one call."""

    def __init__(self) -> None:
        self.buffers: list[Array] = []

    def bytes(self, size: int) -> Array:
        self.buffers.append(borrow(size))
        return self.buffers[-1]

    def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return _view(self.bytes(prod(shape) * dtype.itemsize), shape, dtype)

    def give_back(self) -> None:
        for buffer in self.buffers:
            give_back(buffer)


def _load(array: Array, begins: list[int], into: Array) -> None:
    """Copy what an array has from some positions on, zeros where it has none."""
    whole, inside = [], []
    for begin, size, there in zip(begins, into.shape[2:], array.shape[2:], strict=True):
        low, high = max(begin, 0), max(begin, 0, min(begin + size, there))
        inside.append(slice(low, high))
        whole.append(slice(low - begin, high - begin))
    if any(each.stop - each.start < size for each, size in zip(whole, into.shape[2:], strict=True)):
        into.fill(0)
    into[(..., *whole)] = array[(..., *inside)]


def _blocks(part: Part, most: Part) -> Iterator[tuple[Part, Range, int]]:
    """Yield parts of all that fit the memory: their samples, and the first output of the first axis."""
    rows, *others = part.tiling.counts
    samples = cut(part.samples, ceil(part.samples / most.samples))
    for (a, b), (c, d) in product(samples, cut(rows, ceil(rows / most.tiling.counts[0]))):
        tiling = replace(part.tiling, counts=(d - c, *others))
        yield replace(part, samples=b - a, tiling=tiling), (a, b), c * part.tiling.outputs[0]


def _parts(problem: ConvProblem, itemsize: int, *, of_filter: bool) -> list[tuple[Part, Range, int]]:
    whole = _best(problem, itemsize, this_machine(), of_filter=of_filter)
    most = whole and _cut(whole, _budget(problem, itemsize))
    assert whole is not None
    assert most is not None
    return list(_blocks(whole, most))


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with stride 1."""
    y = np.empty(problem.y_shape, x.dtype)
    for group in range(problem.groups):
        channels, filters = _planes(problem, group)
        _convolve(problem, x[:, channels], w[filters], y[:, filters])
    return y


def _planes(problem: ConvProblem, group: int) -> tuple[slice, slice]:
    """Return the channels and the filters of a group."""
    first, size = group * problem.channels, group * problem.filters
    return slice(first, first + problem.channels), slice(size, size + problem.filters)


def _convolve(problem: ConvProblem, x: Array, w: Array, y: Array) -> None:
    """Fill in y of one group."""
    room, begins = Room(), [axis.reach()[0] for axis in problem.axes]
    spectra = None
    for part, (a, b), first in _parts(problem, x.itemsize, of_filter=False):
        calls, inner = _calls(part, threads()), Room()
        if spectra is None:
            spectra = room.bytes(part.shape.filter_bytes)
            calls.filters(w, w, spectra)
        arrays = inner.bytes(part.array_bytes)
        data, results = (_view(arrays, shape, x.dtype) for shape in (part.x_shape, part.y_shape))
        _load(x[a:b], [begins[0] + first, *begins[1:]], data)
        tiles = inner.bytes(part.shape.data_bytes)
        calls.data(data, data, tiles)
        calls.products(tiles, spectra, results)
        there = y[a:b, :, first : first + results.shape[2]]
        there[...] = results[tuple(map(slice, there.shape))]
        inner.give_back()
    room.give_back()


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x, itself a convolution of stride 1 with the filters turned around."""
    shape = problem.groups, problem.filters, problem.channels, *w.shape[2:]
    turned = np.swapaxes(w.reshape(shape), 1, 2).reshape(-1, *shape[1:2], *w.shape[2:])
    return convolve(problem.for_input(), g, np.ascontiguousarray(turned))


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; what parts give is added in their order."""
    y = np.empty(problem.w_shape, x.dtype)
    for group in range(problem.groups):
        channels, filters = _planes(problem, group)
        y[filters] = _filter_gradient(problem, x[:, channels], g[:, filters])
    return y


def _filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    begins, total = [axis.reach()[0] for axis in problem.axes], None
    for part, (a, b), first in _parts(problem, x.itemsize, of_filter=True):
        calls, room = _calls(part, threads()), Room()
        data, gradients = room.array(part.x_shape, x.dtype), room.array(part.y_shape, x.dtype)
        _load(x[a:b], [begins[0] + first, *begins[1:]], data)
        _load(g[a:b], [first, *[0] * (len(begins) - 1)], gradients)
        if part.swapped:
            data, gradients = gradients, data
        taps = np.empty(part.w_shape, x.dtype)
        filters, images = room.bytes(part.shape.filter_bytes), room.bytes(part.shape.data_bytes)
        calls.filters(gradients, gradients, filters)
        calls.data(data, data, images)
        calls.products(images, filters, taps)
        total = taps if total is None else np.add(total, taps, out=total)
        room.give_back()
    assert total is not None
    return total
