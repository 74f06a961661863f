r"""Input gradients with a stride as one convolution without: phases are filters.

With stride s and padding p, tap ``s*t + r`` leads from output ``q - t`` to input ``s*q + r - p``, so

.. math:: x_{c,\,s q + r - p} = \sum_{f,t} g_{f,\,q - t} \; w_{f,\,c,\,s t + r}

is, for all r at once, a convolution of g with s times as many filters of 1/s as many taps, zeros where
there is no tap; known as sub-pixel convolution (Shi et al., 2016). `direct` goes through g once for each
phase instead.
"""

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution import direct
from mygrad.convolution.executor import run_parts
from mygrad.convolution.problem import Axis, ConvProblem

__all__ = ["applies", "as_forward", "input_gradient"]

Array = np.ndarray[Any, Any]
Place = tuple[slice, slice]


def applies(problem: ConvProblem) -> bool:
    """Tell whether there are phases, and each tap belongs to one."""
    axes = problem.axes
    return any(axis.stride > 1 for axis in axes) and all(1 in (axis.stride, axis.dilation) for axis in axes)


def _axis(axis: Axis) -> Axis:
    first, last = axis.before // axis.stride, (axis.before + axis.i - 1) // axis.stride
    return Axis(axis.o, -(-axis.k // axis.stride), last - first + 1, 1, -axis.dilation, -first)


@lru_cache(maxsize=1024)
def as_forward(problem: ConvProblem) -> ConvProblem:
    """Return the convolution of g whose filters are (channel, phase...)."""
    filters = problem.channels * prod(axis.stride for axis in problem.axes)
    axes = tuple(_axis(axis) for axis in problem.axes)
    return ConvProblem(problem.batch, problem.groups, problem.filters, filters, axes)


def _places(axis: Axis) -> list[Place]:
    """Return, for each phase, which positions of x it has, and which outputs of the convolution they are."""
    first, found = axis.before // axis.stride, []
    for r in range(axis.stride):
        start = (r - axis.before) % axis.stride
        q = (start + axis.before - r) // axis.stride - first
        found.append((slice(start, None, axis.stride), slice(q, q + len(range(start, axis.i, axis.stride)))))
    return found


def _filters(problem: ConvProblem, w: Array) -> Array:
    """Return w as (group, channel, phase..., filter, tap...), and the first three as one axis."""
    strides = [axis.stride for axis in problem.axes]
    short = [(0, -axis.k % axis.stride) for axis in problem.axes]
    padded = np.pad(w, ((0, 0), (0, 0), *short)) if any(after for _, after in short) else w
    # (group, filter, channel, tap, phase, tap, phase, ...)
    taps = [size for s, n in zip(strides, padded.shape[2:], strict=True) for size in (n // s, s)]
    split = padded.reshape(problem.groups, problem.filters, problem.channels, *taps)
    order = 0, 2, *range(4, split.ndim, 2), 1, *range(3, split.ndim, 2)
    return np.ascontiguousarray(split.transpose(order)).reshape(as_forward(problem).w_shape)


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x."""
    y = direct.convolve(as_forward(problem), g, _filters(problem, w))
    strides = [axis.stride for axis in problem.axes]
    phases = y.reshape(*problem.x_shape[:2], *strides, *y.shape[2:])
    x = np.empty(problem.x_shape, g.dtype)
    places = list(product(*(enumerate(_places(axis)) for axis in problem.axes)))

    def place(number: int) -> None:
        r, parts = zip(*places[number], strict=True)
        inputs, outputs = zip(*parts, strict=True)
        x[(..., *inputs)] = phases[(slice(None), slice(None), *r, *outputs)]

    run_parts(len(places), place)
    return x
