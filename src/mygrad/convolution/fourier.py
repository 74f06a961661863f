"""Large filters by tiled Fourier transforms (overlap-save), for stride 1 and any dilation.

A tile of T positions along an axis gives T - K + 1 outputs of a filter of K positions: ``Y = X conj(W)``.
Of a filter gradient, tiles of the gradient of y are the filters, and the taps are the outputs.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import borrow, give_back, threads
from mygrad.convolution.fourier_parts import (
    Block,
    Part,
    best,
    blocks,
    calls_of,
    cycles_of,
    fitting,
    workers_of,
)
from mygrad.convolution.layout import LINE
from mygrad.convolution.machine import this_machine
from mygrad.convolution.problem import ConvProblem

__all__ = ["applies", "convolve", "cycles", "filter_gradient", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
LEAST_TAPS = 4
PIECES = 4  # of the memory of a call, at most


def applies(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> bool:
    """Tell whether tiles can do a problem: stride 1, more than a tap, enough memory."""
    plain = all(axis.stride == 1 == axis.up and axis.o for axis in problem.axes)
    many = prod(axis.k for axis in problem.axes) >= LEAST_TAPS and problem.batch * problem.channels
    return bool(plain and many and best(problem, itemsize, this_machine(), of_filter=of_filter))


def cycles(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> float:
    """Predict the cycles of one core."""
    return cycles_of(problem, itemsize, of_filter=of_filter)


def workspace(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> int:
    """Return the bytes of padded data, spectra and what threads transform back."""
    part = fitting(problem, itemsize, of_filter=of_filter)
    return part.bytes + workers_of(problem, part, threads()) * part.work_bytes if part else 0


def _view(buffer: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array at the beginning of a buffer."""
    return buffer[: prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


class Room:
    """Memory that is borrowed for a call, and taken in pieces."""

    def __init__(self, size: int) -> None:
        self.buffer, self.taken = borrow(size + PIECES * LINE), 0

    def take(self, size: int) -> Array:
        start, self.taken = self.taken, self.taken + -(-size // LINE) * LINE
        return self.buffer[start : start + size]

    def give_back(self) -> None:
        give_back(self.buffer)


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


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with stride 1."""
    y = np.empty(problem.y_shape, x.dtype)
    for channels, filters, parts in _pieces(problem, x.itemsize):
        _convolve(problem, parts, x[:, channels], w[filters], y[:, filters])
    return y


Piece = tuple[slice, slice, list[Block]]
"""The channels of a group, some of its filters, and the parts that compute them."""


def _pieces(problem: ConvProblem, itemsize: int, *, of_filter: bool = False) -> Iterator[Piece]:
    pieces = list(blocks(problem, itemsize, of_filter=of_filter))
    for group, ((a, b), parts) in product(range(problem.groups), pieces):
        channel, f = group * problem.channels, group * problem.filters
        yield slice(channel, channel + problem.channels), slice(f + a, f + b), parts


def _convolve(problem: ConvProblem, parts: list[Block], x: Array, w: Array, y: Array) -> None:
    """Fill in y of some filters."""
    begins = [axis.reach()[0] for axis in problem.axes]
    arrays, tiles = (
        max(part.array_bytes for part, _, _ in parts),
        max(part.shape.data_bytes for part, _, _ in parts),
    )
    room = Room(parts[0][0].filter_bytes + arrays + tiles)
    spectra, arrays, tiles = (room.take(size) for size in (parts[0][0].filter_bytes, arrays, tiles))
    for number, (part, (a, b), first) in enumerate(parts):
        calls = calls_of(part, workers_of(problem, part, threads()))
        if number == 0:
            calls.filters(w, w, spectra)
        data, results = (_view(arrays, shape, x.dtype) for shape in (part.x_shape, part.y_shape))
        _load(x[a:b], [begins[0] + first, *begins[1:]], data)
        calls.data(data, data, tiles)
        calls.products(tiles, spectra, results)
        there = y[a:b, :, first : first + results.shape[2]]
        there[...] = results[tuple(map(slice, there.shape))]
    room.give_back()


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x, itself a convolution of stride 1 with the filters turned around."""
    shape = problem.groups, problem.filters, problem.channels, *w.shape[2:]
    turned = np.swapaxes(w.reshape(shape), 1, 2).reshape(-1, *shape[1:2], *w.shape[2:])
    return convolve(problem.for_input(), g, np.ascontiguousarray(turned))


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; what parts give is added in their order."""
    y = np.empty(problem.w_shape, x.dtype)
    begins = [axis.reach()[0] for axis in problem.axes]
    for channels, filters, parts in _pieces(problem, x.itemsize, of_filter=True):
        for number, (part, (a, b), first) in enumerate(parts):
            starts = [begins[0] + first, *begins[1:]], [first, *[0] * (len(begins) - 1)]
            taps = _taps(problem, part, (x[a:b, channels], g[a:b, filters]), starts)
            if number == 0:
                y[filters] = taps
            else:
                y[filters] += taps
    return y


def _taps(
    problem: ConvProblem, part: Part, arrays: tuple[Array, Array], begins: tuple[list[int], list[int]]
) -> Array:
    """Return the gradient of w of a part of x and of the gradient of y."""
    calls, dtype = calls_of(part, workers_of(problem, part, threads())), arrays[0].dtype
    room, size, given = Room(part.bytes), prod(part.w_shape), []
    for array, shape, begin in zip(arrays, (part.x_shape, part.y_shape), begins, strict=True):
        given.append(_view(room.take(part.itemsize * prod(shape)), shape, dtype))
        _load(array, begin, given[-1])
    data, gradients = given[::-1] if part.swapped else given
    filters, images = room.take(part.filter_bytes), room.take(part.shape.data_bytes)
    calls.filters(gradients, gradients, filters)
    calls.data(data, data, images)
    taps = np.empty(size + prod(part.w_shape[2:]), dtype)  # the last of them are nowhere
    calls.products(images, filters, taps)
    room.give_back()
    return taps[:size].reshape(part.w_shape)
