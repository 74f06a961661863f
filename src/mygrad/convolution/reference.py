"""The defining sum, one tap after the other: the oracle of every test, and for dtypes that BLAS lacks.

Padding is zeros that are multiplied like any other value, so a filter that is infinite or nan where it
meets padding gives nan, as the sum over padded data says. Positions between those of an ``up > 1`` are
no data at all.
"""

from itertools import product
from typing import Any

import numpy as np

from mygrad.convolution.problem import Axis, ConvProblem

__all__ = ["convolve", "filter_gradient", "input_gradient"]

Array = np.ndarray[Any, Any]


def _meeting(axis: Axis, k: int) -> tuple[Array, Array]:
    """Return which outputs meet an input, or padding if ``up == 1``, at tap `k`; and the input's position."""
    where = axis.stride * np.arange(axis.o) + axis.dilation * k - axis.before
    o = np.flatnonzero(where % axis.up == 0)
    return o, where[o] // axis.up


def _pairs(problem: ConvProblem) -> Any:
    """Yield, for each tap, the outputs, the inputs, and whether these lie within the data."""
    for k in product(*(range(axis.k) for axis in problem.axes)):
        o, i = zip(*(_meeting(axis, tap) for axis, tap in zip(problem.axes, k, strict=True)), strict=True)
        inside = [(each >= 0) & (each < axis.i) for each, axis in zip(i, problem.axes, strict=True)]
        yield k, o, [np.where(ok, each, 0) for each, ok in zip(i, inside, strict=True)], inside


def _grouped(array: Array, groups: int, axis: int) -> Array:
    """Split the channels at `axis` into (groups, channels)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def _all(masks: list[Array]) -> Array:
    """Return where every axis lies within the data."""
    inside = np.asarray(True)
    for axis, mask in enumerate(masks):
        inside = inside & np.expand_dims(mask, tuple(range(1, len(masks) - axis)))
    return inside


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y: the sum of ``x[n, g, c, i] * w[g, f, c, k]`` over c and all i and k that meet in o."""
    dtype = np.result_type(x, w)
    y = np.zeros((problem.batch, problem.groups, problem.filters, *(a.o for a in problem.axes)), dtype)
    x, w = _grouped(x, problem.groups, 1), _grouped(w, problem.groups, 0)
    for k, o, i, masks in _pairs(problem):
        data = np.where(_all(masks), x[(..., *np.ix_(*i))], np.zeros((), x.dtype))
        y[(..., *np.ix_(*o))] += np.einsum("ngc...,gfc->ngf...", data, w[(..., *k)]).astype(dtype)
    return y.reshape(problem.y_shape)


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: each g[o] w[k] goes to the i that o and k meet in."""
    dtype = np.result_type(g, w)
    x = np.zeros((problem.batch, problem.groups, problem.channels, *(a.i for a in problem.axes)), dtype)
    g, w = _grouped(g, problem.groups, 1), _grouped(w, problem.groups, 0)
    for k, o, i, masks in _pairs(problem):
        o = [each[ok] for each, ok in zip(o, masks, strict=True)]
        i = [each[ok] for each, ok in zip(i, masks, strict=True)]
        part = np.einsum("ngf...,gfc->ngc...", g[(..., *np.ix_(*o))], w[(..., *k)])
        x[(..., *np.ix_(*i))] += part.astype(dtype)
    return x.reshape(problem.x_shape)


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w: for each tap, the sum of ``x[i] g[o]`` over all that meet."""
    dtype = np.result_type(x, g)
    w = np.zeros((problem.groups, problem.filters, problem.channels, *(a.k for a in problem.axes)), dtype)
    x, g = _grouped(x, problem.groups, 1), _grouped(g, problem.groups, 1)
    for k, o, i, masks in _pairs(problem):
        data = np.where(_all(masks), x[(..., *np.ix_(*i))], np.zeros((), x.dtype))
        out = g[(..., *np.ix_(*o))]
        flat = (*data.shape[:3], -1) if data.size else (*data.shape[:3], 0)
        pair = data.reshape(flat), out.reshape(*out.shape[:3], -1 if out.size else 0)
        w[(..., *k)] = np.einsum("ngcp,ngfp->gfc", *pair)
    return w.reshape(problem.w_shape)
