"""Large filters by tiled Fourier transforms (overlap-save), for stride 1 and any dilation.

A tile of T positions along an axis gives T - K + 1 outputs of a filter of K positions: ``Y = X conj(W)``.
Of a filter gradient, tiles of the gradient of y are the filters, and the taps are the outputs.
"""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import borrow, give_back, threads
from mygrad.convolution.fourier_calls import Calls
from mygrad.convolution.fourier_parts import (
    Part,
    best,
    blocks,
    calls_of,
    cycles,
    fitting,
    workers_of,
)
from mygrad.convolution.layout import LINE
from mygrad.convolution.machine import this_machine
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import Range

__all__ = ["applies", "convolve", "cycles", "filter_gradient", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
LEAST_TAPS = 4
PIECES = 4  # of the memory of a call, at most


def applies(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> bool:
    """Tell whether tiles can do a problem: stride 1, more than a tap, enough memory."""
    plain = all(axis.stride == 1 == axis.up and axis.o for axis in problem.axes)
    some = problem.batch * problem.channels * problem.filters > 0
    many = some and prod(axis.k for axis in problem.axes) >= LEAST_TAPS
    return bool(plain and many and best(problem, itemsize, this_machine(), of_filter=of_filter))


def workspace(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> int:
    """Return the bytes of padded data, spectra and what threads transform back."""
    part = fitting(problem, itemsize, of_filter=of_filter)
    return part.bytes + workers_of(problem, part, threads()) * part.work_bytes if part else 0


def _view(buffer: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array at the beginning of a buffer."""
    return buffer[: prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


class Room:
    """Memory that is borrowed for a call, and taken in pieces."""

    buffer: Array
    taken: int

    def __init__(self, size: int) -> None:
        self.buffer, self.taken = borrow(size + PIECES * LINE), 0

    def take(self, size: int) -> Array:
        start, self.taken = self.taken, self.taken + -(-size // LINE) * LINE
        return self.buffer[start : start + size]

    def give_back(self) -> None:
        give_back(self.buffer)


@dataclass(frozen=True)
class Step:
    """A part that is computed at a time: some samples, outputs of the first axis from `first` on."""

    calls: Calls
    samples: slice
    first: int
    begins: list[int]
    """Where the data of its tiles begin in x."""
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    swapped: bool
    sizes: tuple[int, int, int]
    """The bytes of spectra of filters, of those of data, and of arrays."""


@dataclass(frozen=True)
class Piece:
    """The channels of a group, some of its filters, and what computes them."""

    channels: slice
    filters: slice
    steps: list[Step]
    sizes: tuple[int, ...]
    """The most bytes that a step has of each kind."""


def _pieces(problem: ConvProblem, itemsize: int, *, of_filter: bool) -> list[Piece]:
    found = []
    steps = [
        (some, [_step(problem, *block) for block in parts])
        for some, parts in blocks(problem, itemsize, of_filter=of_filter)
    ]
    for group, ((a, b), each) in product(range(problem.groups), steps):
        c, f = group * problem.channels, group * problem.filters
        sizes = tuple(map(max, zip(*(step.sizes for step in each), strict=True)))
        found.append(Piece(slice(c, c + problem.channels), slice(f + a, f + b), each, sizes))
    return found


def _step(problem: ConvProblem, part: Part, samples: Range, first: int) -> Step:
    calls = calls_of(part, workers_of(problem, part, threads()))
    begins = [axis.reach()[0] for axis in problem.axes]
    begins[0] += first
    sizes = part.filter_bytes, part.shape.data_bytes, part.array_bytes
    shapes = part.x_shape, part.y_shape, part.w_shape
    return Step(calls, slice(*samples), first, begins, *shapes, part.swapped, sizes)


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


@prepared
def convolve(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes y of a problem with stride 1."""
    pieces = _pieces(problem, dtype.itemsize, of_filter=False)

    def run(x: Array, w: Array) -> Array:
        y = np.empty(problem.y_shape, dtype)
        for piece in pieces:
            _convolve(piece, x[:, piece.channels], w[piece.filters], y[:, piece.filters])
        return y

    return run


def _convolve(piece: Piece, x: Array, w: Array, y: Array) -> None:
    """Fill in y of some filters."""
    room = Room(sum(piece.sizes))
    spectra, tiles, arrays = map(room.take, piece.sizes)
    piece.steps[0].calls.filters(w, w, spectra)
    for step in piece.steps:
        data, results = (_view(arrays, shape, x.dtype) for shape in (step.x_shape, step.y_shape))
        _load(x[step.samples], step.begins, data)
        step.calls.data(data, data, tiles)
        step.calls.products(tiles, spectra, results)  # where the data were
        there = y[step.samples, :, step.first : step.first + results.shape[2]]
        there[...] = results[tuple(map(slice, there.shape))]
    room.give_back()


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x: a convolution with the filters turned around."""
    run = convolve.make(problem.for_input(), dtype)

    def turned(g: Array, w: Array) -> Array:
        shape = problem.groups, problem.filters, problem.channels, *w.shape[2:]
        filters = np.swapaxes(w.reshape(shape), 1, 2).reshape(-1, *shape[1:2], *w.shape[2:])
        return run(g, np.ascontiguousarray(filters))

    return turned


@prepared
def filter_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of w; what parts give is added in their order."""
    pieces = _pieces(problem, dtype.itemsize, of_filter=True)

    def run(x: Array, g: Array) -> Array:
        y = np.empty(problem.w_shape, dtype)
        for piece in pieces:
            for step in piece.steps:
                taps = _taps(step, x[step.samples, piece.channels], g[step.samples, piece.filters])
                if step is piece.steps[0]:
                    y[piece.filters] = taps
                else:
                    y[piece.filters] += taps
        return y

    return run


def _taps(step: Step, x: Array, g: Array) -> Array:
    """Return the gradient of w of a part."""
    room, size, dtype = Room(sum(step.sizes)), prod(step.w_shape), x.dtype
    filters, images = map(room.take, step.sizes[:2])
    data, gradients = (
        _view(room.take(prod(shape) * dtype.itemsize), shape, dtype) for shape in (step.x_shape, step.y_shape)
    )
    _load(x, step.begins, data)
    _load(g, [step.first, *[0] * (g.ndim - 3)], gradients)
    if step.swapped:
        data, gradients = gradients, data
    step.calls.filters(gradients, gradients, filters)
    step.calls.data(data, data, images)
    taps = np.empty(size + prod(step.w_shape[2:]), dtype)  # the last of them are nowhere
    step.calls.products(images, filters, taps)
    room.give_back()
    return taps[:size].reshape(step.w_shape)
