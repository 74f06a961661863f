"""Matrix products by BLAS on blocks of patches.

For a block of outputs, the inputs that each needs are gathered into a matrix of two megabytes,
``patches[channel, tap][output]``, which is multiplied while it is in the cache; the whole matrix, as many
times the input as there are taps, never exists. Knows real arrays of one dtype and ``up == 1``.

    y[f, o] = w[f, (c, k)] @ patches[(c, k), o]     gw[f, (c, k)] = g[f, o] @ patches[(c, k), o].T
    gx: the same product for the problem of the input gradient, phase by phase ("gather"),
        or patches = w.T @ g, added back to where they came from ("scatter")
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution.problem import Axis, ConvProblem

__all__ = ["convolve", "filter_gradient", "gather_input_gradient", "is_whole", "scatter_input_gradient"]

Array = np.ndarray[Any, Any]
BLOCK_BYTES = 1 << 21  # what measured best of 2**18 to 2**22 with 1 MB of L2 cache

Block = tuple[slice, tuple[tuple[int, int], ...]]


def _pad_amounts(axis: Axis) -> tuple[int, int]:
    """Return how far before and after the data the outputs reach; negative where they stop short."""
    start, stop = axis.reach()
    return -start, stop - axis.i


def padded(problem: ConvProblem, x: Array) -> Array:
    """Return exactly the data that the outputs reach: cropped as a view, padded as a copy."""
    amounts = [_pad_amounts(axis) for axis in problem.axes]
    crop = tuple(
        slice(max(-before, 0), axis.i + min(after, 0))
        for (before, after), axis in zip(amounts, problem.axes, strict=True)
    )
    x = x[(..., *crop)]
    if all(before <= 0 and after <= 0 for before, after in amounts):
        return x
    room = [size + max(b, 0) + max(a, 0) for size, (b, a) in zip(x.shape[2:], amounts, strict=True)]
    whole = np.zeros((*x.shape[:2], *room), x.dtype)
    inner = tuple(slice(max(b, 0), max(b, 0) + n) for n, (b, _) in zip(x.shape[2:], amounts, strict=True))
    whole[(..., *inner)] = x
    return whole


def windows(problem: ConvProblem, data: Array) -> Array:
    """View padded data as (groups, channels, k..., batch, o...)."""
    axes = problem.axes
    data = data.reshape(data.shape[0], problem.groups, -1, *data.shape[2:])
    n, group, channel, *steps = data.strides
    start = sum(
        step * (axis.k - 1) * -axis.dilation
        for step, axis in zip(steps, axes, strict=True)
        if axis.dilation < 0
    )
    shape = (*data.shape[1:3], *(a.k for a in axes), data.shape[0], *(a.o for a in axes))
    taps = (step * axis.dilation for step, axis in zip(steps, axes, strict=True))
    outputs = (step * axis.stride for step, axis in zip(steps, axes, strict=True))
    strides = (group, channel, *taps, n, *outputs)
    return np.ndarray(shape, data.dtype, _memory(data), _offset(data) + start, strides)


def _memory(data: Array) -> Any:
    return data if data.base is None else data.base


def _offset(data: Array) -> int:
    return data.__array_interface__["data"][0] - _memory(data).__array_interface__["data"][0]


def blocks(problem: ConvProblem, itemsize: int) -> Iterator[Block]:
    """Yield ranges of samples and outputs whose patches fit the cache, last axes whole if possible."""
    column = problem.groups * problem.channels * prod(axis.k for axis in problem.axes) * itemsize
    filters = prod(problem.w_shape) * itemsize
    positions = max(64, max(BLOCK_BYTES, filters) // max(column, 1))
    sizes = []
    for axis in reversed(problem.axes):
        sizes.append(max(1, min(axis.o, positions)))
        positions //= max(axis.o, 1)
    samples = max(1, min(problem.batch, positions))
    cuts = [_ranges(axis.o, size) for axis, size in zip(problem.axes, reversed(sizes), strict=True)]
    for start, stop in _ranges(problem.batch, samples):
        for outputs in product(*cuts):
            yield slice(start, stop), outputs


def _ranges(size: int, step: int) -> list[tuple[int, int]]:
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def _slices(ranges: tuple[tuple[int, int], ...]) -> tuple[slice, ...]:
    return tuple(slice(*each) for each in ranges)


def _is_pointwise(problem: ConvProblem) -> bool:
    return all(
        axis.k == 1 and axis.stride == 1 and axis.i == axis.o and axis.before == 0 for axis in problem.axes
    )


def is_whole(problem: ConvProblem) -> bool:
    """Tell whether there is one output, whose taps are all of x: an input gradient is then one product."""
    return all(
        axis.o == 1 and axis.k == axis.i and axis.before == 0 and (axis.k == 1 or axis.dilation == 1)
        for axis in problem.axes
    )


def _flat(array: Array, problem: ConvProblem) -> Array:
    """Reshape to (batch, groups, channels, positions)."""
    return array.reshape(
        problem.batch, problem.groups, array.shape[1] // problem.groups, prod(array.shape[2:])
    )


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with ``up == 1``."""
    matrix = w.reshape(problem.groups, problem.filters, -1 if w.size else 0)
    if _is_pointwise(problem):
        return np.matmul(matrix, _flat(x, problem)).reshape(problem.y_shape)
    y = np.empty((problem.batch, problem.groups, problem.filters, *problem.y_shape[2:]), x.dtype)
    source = windows(problem, padded(problem, x))
    for samples, ranges in blocks(problem, x.itemsize):
        patches = source[(..., samples, *_slices(ranges))]
        shape = patches.shape[-len(ranges) - 1 :]
        columns = np.ascontiguousarray(patches).reshape(problem.groups, -1, prod(shape))
        part = np.matmul(matrix, columns).reshape(problem.groups, problem.filters, *shape)
        y[(samples, ..., *_slices(ranges))] = np.moveaxis(part, 2, 0)
    return y.reshape(problem.y_shape)


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w of a problem with ``up == 1``."""
    if _is_pointwise(problem):
        pairs = np.matmul(_flat(g, problem), np.swapaxes(_flat(x, problem), -1, -2))
        return pairs.sum(axis=0).reshape(problem.w_shape)
    taps = problem.channels * prod(axis.k for axis in problem.axes)
    w = np.zeros((problem.groups, problem.filters, taps), x.dtype)
    grouped = g.reshape(problem.batch, problem.groups, problem.filters, *problem.y_shape[2:])
    source = windows(problem, padded(problem, x))
    for samples, ranges in blocks(problem, x.itemsize):
        patches = np.ascontiguousarray(source[(..., samples, *_slices(ranges))])
        columns = patches.reshape(problem.groups, taps, -1)
        part = np.moveaxis(grouped[(samples, ..., *_slices(ranges))], 0, 2)
        w += np.matmul(part.reshape(problem.groups, problem.filters, -1), np.swapaxes(columns, -1, -2))
    return w.reshape(problem.w_shape)


def swapped_filters(problem: ConvProblem, w: Array) -> Array:
    """Exchange filters and channels within each group: the filters of the input gradient."""
    grouped = w.reshape(problem.groups, problem.filters, *w.shape[1:])
    return np.swapaxes(grouped, 1, 2).reshape(
        problem.groups * problem.channels, problem.filters, *w.shape[2:]
    )


def gather_input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: for every input position, gather the outputs it went to."""
    backward, filters = problem.for_input(), swapped_filters(problem, w)
    x = np.zeros(problem.x_shape, g.dtype)
    for outputs, taps, phase in backward.phases():
        x[(..., *outputs)] = convolve(phase, g, filters[(..., *taps)])
    return x


def scatter_input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: multiply block by block, and add every tap to where it came from."""
    if is_whole(problem):
        samples = g.reshape(problem.batch, problem.groups, problem.filters).swapaxes(0, 1)
        x = np.matmul(samples, w.reshape(problem.groups, problem.filters, -1 if w.size else 0))
        return np.ascontiguousarray(x.swapaxes(0, 1)).reshape(problem.x_shape)
    matrix = np.swapaxes(w.reshape(problem.groups, problem.filters, -1 if w.size else 0), -1, -2)
    grouped = g.reshape(problem.batch, problem.groups, problem.filters, *problem.y_shape[2:])
    reach = [axis.reach() for axis in problem.axes]
    room = np.zeros((*problem.x_shape[:2], *(stop - start for start, stop in reach)), g.dtype)
    target = windows(problem, room)
    target.flags.writeable = True
    kernel = [axis.k for axis in problem.axes]
    for samples, ranges in blocks(problem, g.itemsize):
        part = np.moveaxis(grouped[(samples, ..., *_slices(ranges))], 0, 2)
        shape = part.shape[2:]
        columns = np.matmul(matrix, part.reshape(problem.groups, problem.filters, -1))
        columns = columns.reshape(problem.groups, problem.channels, *kernel, *shape)
        into = target[(..., samples, *_slices(ranges))]
        for k in np.ndindex(*kernel):  # one tap at a time: different taps meet in the same input
            into[(slice(None), slice(None), *k)] += columns[(slice(None), slice(None), *k)]
    return _uncropped(problem, room)


def _uncropped(problem: ConvProblem, room: Array) -> Array:
    """Cut padding off the gradient of padded data, and put zeros where data was cropped."""
    x = np.zeros(problem.x_shape, room.dtype)
    inside, source = [], []
    for axis, size in zip(problem.axes, room.shape[2:], strict=True):
        start, _ = axis.reach()
        first, last = max(start, 0), min(start + size, axis.i)
        inside.append(slice(first, max(first, last)))
        source.append(slice(first - start, max(first, last) - start))
    x[(..., *inside)] = room[(..., *source)]
    return x
