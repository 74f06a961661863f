r"""Input gradients with a stride as one convolution without: phases are filters.

With stride s and padding p, tap ``s*t + r`` leads from output ``q - t`` to input ``s*q + r - p``, so

.. math:: x_{c,\,s q + r - p} = \sum_{f,t} g_{f,\,q - t} \; w_{f,\,c,\,s t + r}

is, for all r at once, a convolution of g with s times as many filters of 1/s as many taps, zeros where
there is no tap; known as sub-pixel convolution (Shi et al., 2016). `direct` goes through g once for each
phase instead. Where every phase has one tap, filters are taken as they lie: a product of matrices.
"""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution import direct, panels
from mygrad.convolution.executor import threads
from mygrad.convolution.interleaving import MOST, Places, interleaver
from mygrad.convolution.job import Plan
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import Axis, ConvProblem

__all__ = ["applies", "as_forward", "input_gradient", "one_tap", "workspace"]

Array = np.ndarray[Any, Any]


def applies(problem: ConvProblem) -> bool:
    """Tell whether there are phases, not too many, and each tap belongs to one."""
    axes = problem.axes
    phases = 1 < max(axis.stride for axis in axes) <= MOST
    return phases and all(1 in (axis.stride, axis.dilation) for axis in axes)


def _axis(axis: Axis) -> Axis:
    first, last = axis.before // axis.stride, (axis.before + axis.i - 1) // axis.stride
    return Axis(axis.o, -(-axis.k // axis.stride), last - first + 1, 1, -axis.dilation, -first)


@lru_cache(maxsize=1024)
def as_forward(problem: ConvProblem) -> ConvProblem:
    """Return the convolution of g whose filters are (channel, phase...)."""
    filters = problem.channels * prod(axis.stride for axis in problem.axes)
    axes = tuple(_axis(axis) for axis in problem.axes)
    return ConvProblem(problem.batch, problem.groups, problem.filters, filters, axes)


def one_tap(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether every phase has one tap, and what they make is a product of panels."""
    alone = all(axis.k == axis.stride and axis.dilation == 1 for axis in problem.axes)
    return alone and panels.applies(as_forward(problem).merged(), itemsize)


def _product(problem: ConvProblem, itemsize: int) -> Plan:
    """Return what computes all phases: the taps of a filter, (channel, phase), follow each other in w."""
    forward = as_forward(problem).merged()
    each = forward.filters * itemsize
    strides = problem.filters * each, itemsize, each, *[itemsize] * len(forward.axes)
    return panels.plan(forward, itemsize, strides, threads(), packed=True)


def _places(axis: Axis) -> Places:
    """Return the phase of each of the first positions of x, and which output of the convolution that is."""
    first, found = axis.before // axis.stride, []
    for position in range(axis.stride):
        r = (position + axis.before) % axis.stride
        found.append((r, (position + axis.before - r) // axis.stride - first))
    return tuple(found)


def _filters(problem: ConvProblem) -> Callable[[Array], Array]:
    """Return what takes w to (group, channel, phase..., filter, tap...), with the first three as one axis."""
    strides, taps = [axis.stride for axis in problem.axes], [axis.k for axis in problem.axes]
    sizes = [-(-k // s) * s for k, s in zip(taps, strides, strict=True)]
    # (group, filter, channel, tap, phase, tap, phase, ...)
    pairs = [size for s, n in zip(strides, sizes, strict=True) for size in (n // s, s)]
    split = problem.groups, problem.filters, problem.channels, *pairs
    order = 0, 2, *range(4, len(split), 2), 1, *range(3, len(split), 2)
    shape, given = as_forward(problem).w_shape, (..., *map(slice, taps))

    def rearranged(w: Array) -> Array:
        if sizes != taps:
            padded = np.zeros((*w.shape[:2], *sizes), w.dtype)
            padded[given] = w
            w = padded
        return np.ascontiguousarray(w.reshape(split).transpose(order)).reshape(shape)

    return rearranged


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x."""
    forward, places = as_forward(problem), tuple(_places(axis) for axis in problem.axes)
    strides = (axis.stride for axis in problem.axes)
    parts = *problem.x_shape[:2], *strides, *forward.y_shape[2:]
    together = interleaver(problem.x_shape, parts, places, dtype.itemsize, threads())
    if one_tap(problem, dtype.itemsize):
        multiply = _product(problem, dtype.itemsize).into(forward.y_shape, dtype)
        return lambda g, w: together(multiply(g, w))
    run, filters = direct.convolve.make(forward, dtype), _filters(problem)
    return lambda g, w: together(run(g, filters(w)))


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of what computes all phases, of their filters in another order, and of the phases."""
    forward = as_forward(problem)
    if one_tap(problem, itemsize):
        return _product(problem, itemsize).workspace + itemsize * prod(forward.y_shape)
    whole = prod(forward.w_shape) + prod(forward.y_shape)
    return direct.workspace(forward, itemsize) + itemsize * whole
