"""Filters of a few taps along every axis by minimal filtering: 4/9 of the products of 3 x 3 taps, stride 1.

Right for many channels and filters, where products cost more than transforms. Of all shapes of
`winograd_blocks` and `winograd_shared`, the one is chosen that is predicted to be the fastest and whose
workspace is no larger than the arrays.
"""

from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution import winograd_blocks, winograd_shared
from mygrad.convolution.executor import threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, exchanged, strides_of
from mygrad.convolution.machine import this_machine
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL
from mygrad.convolution.winograd_blocks import MOST_TILES, Shape
from mygrad.convolution.winograd_kernels import SharedTile
from mygrad.convolution.winograd_tiles import points_of, tiles_of

__all__ = ["applies", "called", "convolve", "cycles", "fits", "input_gradient", "plan", "workspace"]

Array = np.ndarray[Any, Any]
MOST_AXES = 3
MOST_POINTS = 64
STRIDES = 2, 4, 8
STRIDED, WAITING = 1.15, 1.05  # times as long as counted takes one with a stride; where it waits for caches
LEAST_CHANNELS = 8
SPARE_BYTES = 1 << 20
SHAPES = winograd_blocks, winograd_shared


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether the last axis and others have a few taps, and the rest one; rows are not long.

    A run of tiles, which is a row, has to fit the cache.
    """
    problem = problem.merged()
    filtered = [axis for axis in problem.axes if not axis.pointwise]
    if (
        problem.empty
        or not 1 <= len(filtered) <= MOST_AXES
        or min(problem.channels, problem.filters) < LEAST_CHANNELS
    ):
        return False
    same = all(map(_covered, filtered))
    last, lanes = problem.axes[-1], this_machine().isa.bits // 8 // itemsize
    small = points_of(problem) <= MOST_POINTS and tiles_of(last) <= MOST_TILES
    return same and small and abs(last.dilation) <= lanes and not last.pointwise


def _covered(axis: Axis) -> bool:
    """Tell whether there is a formula: phases of a stride are told apart by halves."""
    return axis.up == 1 and (axis.stride == 1 or (axis.stride in STRIDES and axis.dilation == 1 < axis.k))


def _most(problem: ConvProblem, itemsize: int) -> int:
    arrays = sum(map(prod, (problem.x_shape, problem.y_shape, problem.w_shape)))
    return itemsize * arrays + SPARE_BYTES


@lru_cache(maxsize=1024)
def _shape(problem: ConvProblem, itemsize: int, workers: int) -> Shape:
    """Return the fastest shape whose workspace is small enough, or else the smallest; `problem` is merged."""

    def needed(shape: Shape) -> int:
        return shape.workspace(problem, itemsize, workers)

    shapes = chain(*(each.shapes(problem, itemsize, workers) for each in SHAPES))
    fastest_first, most = sorted(shapes, key=lambda shape: shape.cycles), _most(problem, itemsize)
    fitting = (shape for shape in fastest_first if needed(shape) <= most)
    return next(fitting, None) or min(fastest_first, key=needed)


def fits(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether the workspace is no larger than the arrays."""
    return workspace(problem, itemsize) <= _most(problem, itemsize)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    apart = waits = this_machine().waits
    if problem.most_stride > 1:
        apart = max(STRIDED, WAITING * waits)
    return apart * _shape(problem.merged(), itemsize, threads()).cycles + CALL


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed filters, data and products."""
    problem, workers = problem.merged(), threads()
    return _shape(problem, itemsize, workers).workspace(problem, itemsize, workers)


def plan(problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int) -> Plan:
    """Return the calls for x, w and y of any strides, where rows of x and y are contiguous."""
    return _shape(problem, itemsize, workers).plan(problem, itemsize, strides, workers)


@lru_cache(maxsize=512)
def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    return plan(problem, itemsize, strides_of(problem, itemsize), workers)


@lru_cache(maxsize=512)
def _backward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    (x, w, y), turned = strides_of(problem, itemsize), problem.for_input()
    return plan(turned, itemsize, (y, exchanged(w, 0, 2, 1), x), workers)


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y; the arrays are contiguous."""
    return called(_forward(problem, x.itemsize, threads()), x, w, np.empty(problem.y_shape, x.dtype))


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: with stride 1, a convolution of g with the filters turned around."""
    return called(_backward(problem, g.itemsize, threads()), g, w, np.empty(problem.x_shape, g.dtype))


def called(plan: Plan, x: Array, w: Array, y: Array) -> Array:
    """Fill y and return it."""
    return plan(w, x, y) if isinstance(plan.tile, SharedTile) else plan(x, w, y)
