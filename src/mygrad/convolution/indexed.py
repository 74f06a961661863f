"""Small problems by the fewest calls: one gather at positions found beforehand, one matrix product.

``patches = x[positions]`` has shape (groups, channels * taps, samples * outputs); padding reads a zero put
behind the data. Positions belong to the problem, so they are found once and kept.
"""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution.borders import sources
from mygrad.convolution.problem import Axis, ConvProblem

__all__ = ["MOST_POSITIONS", "convolve", "filter_gradient", "input_gradient", "positions"]

Array = np.ndarray[Any, Any]
MOST_POSITIONS = 1 << 14  # 128 kB of positions; with the plans that are kept, 32 MB at the very most


def _along(axis: Axis, border: str) -> tuple[Array, Array]:
    """Return the input position of each (tap, output), and whether there is one."""
    i = axis.stride * np.arange(axis.o) + axis.dilation * np.arange(axis.k)[:, None] - axis.before
    i = sources(i, axis.i, border)
    return i, i >= 0


@lru_cache(maxsize=256)
def positions(problem: ConvProblem) -> Array:
    """Return where in the flat data each patch is; one past its end where there is padding."""
    count = len(problem.axes)
    sizes = (problem.batch, problem.groups, problem.channels, *(axis.i for axis in problem.axes))
    # (groups, channels, k..., batch, o...), built up one axis at a time by broadcasting
    n = np.arange(problem.batch).reshape(-1, *[1] * count)
    channel = np.arange(problem.groups * problem.channels).reshape(
        problem.groups, problem.channels, *[1] * (2 * count + 1)
    )
    flat, inside = n * sizes[1] * sizes[2] + channel, np.asarray(True)
    for number, axis in enumerate(problem.axes):
        i, ok = _along(axis, problem.border)
        shape = [1] * (2 * count + 1)
        shape[number], shape[count + 1 + number] = axis.k, axis.o
        flat = flat * axis.i + i.reshape(shape)
        inside = inside & ok.reshape(shape)
    whole = np.where(inside, flat, prod(sizes)).astype(np.intp)
    taps = problem.channels * prod(axis.k for axis in problem.axes)
    return np.ascontiguousarray(whole.reshape(problem.groups, taps, -1))


def _patches(problem: ConvProblem, x: Array) -> Array:
    padded = np.empty(x.size + 1, x.dtype)
    padded[:-1] = x.ravel()
    padded[-1] = 0
    return padded[positions(problem)]


def _filters_first(problem: ConvProblem, g: Array) -> Array:
    """Return (batch, channels, o...) as (groups, filters, batch * o)."""
    return (
        g.reshape(problem.batch, g.shape[1], -1).swapaxes(0, 1).reshape(problem.groups, problem.filters, -1)
    )


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y."""
    y = np.matmul(w.reshape(problem.groups, problem.filters, -1), _patches(problem, x))
    y = y.reshape(problem.groups * problem.filters, problem.batch, -1)
    return np.ascontiguousarray(y.swapaxes(0, 1)).reshape(problem.y_shape)


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w."""
    patches = _patches(problem, x)
    return np.matmul(_filters_first(problem, g), patches.swapaxes(1, 2)).reshape(problem.w_shape)


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x; what padding would get is dropped."""
    matrix = w.reshape(problem.groups, problem.filters, -1).swapaxes(1, 2)
    columns = np.matmul(matrix, _filters_first(problem, g))
    size = prod(problem.x_shape)
    x = np.bincount(positions(problem).ravel(), columns.ravel(), size + 1)[:size]
    return x.reshape(problem.x_shape).astype(g.dtype, copy=False)
