"""Functions along axes. A gradient comes in the shape of the result and leaves in that of the input."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.dtypes import conjugated, is_bfloat16
from mygrad.autodiff.overrides import unwrapped as plain

__all__ = [
    "amax", "amin", "cumprod", "cumsum", "max", "mean", "min", "prod", "std", "sum", "var",
]  # fmt: skip

Array = np.ndarray[Any, Any]
NUMPY = np.ndarray, np.generic
FEW = 4096  # elements: to copy so many takes less time than to make a view


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """Return the reduced axes as a tuple of numbers from 0."""
    if axis is None or not x.ndim:  # NumPy takes the axes 0 and -1 of what has none
        return tuple(range(x.ndim))
    return tuple(i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))


def kept(g: Any, x: Any, axis: Any) -> Any:
    """Give back to `g` the reduced axes, with size 1."""
    axes = axes_of(x, axis)
    shape = tuple([1 if i in axes else size for i, size in enumerate(x.shape)])
    return g.reshape(shape) if isinstance(g, NUMPY) else np.reshape(g, shape)


def spread(g: Any, x: Any, axis: Any) -> Any:
    """Give back to `g` the reduced axes, with the sizes that they have in `x`."""
    g = kept(g, x, axis)
    if x.size > FEW or not isinstance(g, NUMPY):
        return np.broadcast_to(g, x.shape)
    whole = np.empty(x.shape, g.dtype)
    whole[...] = g
    return whole


def count(x: Any, axis: Any) -> int:
    """Return how many elements go into one result."""
    return math.prod(x.shape[i] for i in axes_of(x, axis))


def _sum(g: Any, y: Any, x: Any, axis: Any = None, where: Any = True, **_: Any) -> Any:
    whole = spread(g, x, axis)
    return whole if where is True else np.where(where, whole, 0)


def _mean(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    return spread(g / count(x, axis), x, axis)


def _var(g: Any, y: Any, x: Any, axis: Any = None, ddof: Any = 0, **_: Any) -> Any:
    if axis == ():
        return g * 0
    centred = x - mean.either(x, axis=axis, keepdims=True)
    n = count(x, axis) - ddof
    scale = 2.0 / n if n or axis is None else np.inf  # of all elements: ZeroDivisionError, as in MyGrad 2.5
    return kept(g, x, axis) * conjugated(centred) * scale


def _std(g: Any, y: Any, x: Any, axis: Any = None, **params: Any) -> Any:
    return g * 0 if axis == () else _var(g / (2 * y), y, x, axis, **params)


def first(x: Array, axis: Any, position: Any) -> Array:
    """Mark the first extreme element of each group; `position` is argmax or argmin."""
    axes = axes_of(x, axis)
    others = tuple(i for i in range(x.ndim) if i not in axes)
    grouped = np.transpose(x, others + axes)
    flat = grouped.reshape(*grouped.shape[: len(others)], count(x, axis))
    mark = np.zeros(flat.shape, bool)
    if flat.size:
        np.put_along_axis(mark, np.expand_dims(position(flat, axis=-1), -1), True, axis=-1)
    return np.transpose(mark.reshape(grouped.shape), np.argsort(others + axes))


def _max(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    return kept(g, x, axis) * first(plain(x), axis, np.argmax)


def _min(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    return kept(g, x, axis) * first(plain(x), axis, np.argmin)


def _flipped(x: Any, axis: int) -> Any:
    return x[(slice(None),) * (axis % x.ndim) + (slice(None, None, -1),)]


def _reverse_cumsum(x: Any, axis: int) -> Any:
    return _flipped(cumsum.either(_flipped(x, axis), axis=axis), axis)


def _before(x: Any, axis: int = -1) -> Any:
    """Return the product of all elements before each, along the last axis."""
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return cumprod.either(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)


def _prod(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    """Multiply all elements but one: never divide, so zeros do no harm."""
    axes = axes_of(x, axis)
    others = tuple(i for i in range(x.ndim) if i not in axes)
    grouped = np.transpose(x, others + axes)
    if grouped.size == 0:
        return np.zeros(x.shape, x.dtype)
    flat = np.reshape(grouped, (*grouped.shape[: len(others)], -1))
    but_one = _before(flat) * _flipped(_before(_flipped(flat, -1)), -1)
    back = np.transpose(np.reshape(but_one, grouped.shape), tuple(np.argsort(others + axes)))
    return kept(g, x, axis) * back


def _cumsum(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        return np.reshape(_reverse_cumsum(np.ravel(g), 0), x.shape)
    return _reverse_cumsum(g, axis)


def _cumprod(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        return np.reshape(_cumprod(g, y, np.ravel(x), 0), x.shape)
    if np.all(plain(x) != 0):
        return _reverse_cumsum(g * y, axis) / x
    x, g = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    return np.moveaxis(_before(x) * _horner(g, x), -1, axis)


def _horner(g: Any, x: Any) -> Any:
    """Solve s[i] = g[i] + x[i + 1] s[i + 1] from the end: the part of a product after each element."""
    sums = [g[..., -1]]
    for i in range(x.shape[-1] - 1, 0, -1):
        sums.append(g[..., i - 1] + x[..., i] * sums[-1])
    return np.stack(sums[::-1], axis=-1)


class _Spread(Function):
    """A variance or deviation: `correction` is the array API's name of `ddof`."""

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        if "correction" in params:
            if "ddof" in params:
                raise ValueError("ddof and correction can't be provided simultaneously.")  # in NumPy's words
            params["ddof"] = params.pop("correction")
        return super().run(operands, params, constant)


def _rounded_once(
    numpy: Callable[..., Any], rule: Any, form: type[Function] = Function, **declaration: Any
) -> Function:
    """Declare a reduction that is computed in single precision for bfloat16, which NumPy would not do.

    In bfloat16 256 + 1 is 256.
    """
    method = getattr(np.ndarray, numpy.__name__)  # which takes a microsecond less

    def reduced(x: Any, *args: Any, **params: Any) -> Any:
        if x.__class__ is not np.ndarray:
            return numpy(x, *args, **params)
        if is_bfloat16(x.dtype) and params.get("dtype") is None:
            return method(x.astype(np.float32), *args, **params).astype(x.dtype)
        return method(x, *args, **params)

    return form(reduced, rule, numpy=numpy, **declaration).override()


sum: Final = _rounded_once(np.sum, _sum, names="x axis keepdims", also="where initial")
mean: Final = _rounded_once(np.mean, _mean, names="x axis keepdims")
var: Final = _rounded_once(np.var, _var, _Spread, names="x axis ddof keepdims")
std: Final = _rounded_once(np.std, _std, _Spread, names="x axis ddof keepdims")
amax: Final = _rounded_once(np.max, _max, names="x axis keepdims")
max: Final = amax
amin: Final = _rounded_once(np.min, _min, names="x axis keepdims")
min: Final = amin
prod: Final = _rounded_once(np.prod, _prod, names="a axis keepdims")
cumsum: Final = _rounded_once(np.cumsum, _cumsum, names="a axis")
cumprod: Final = _rounded_once(np.cumprod, _cumprod, names="a axis")
Function(np.amax, _max, names="x axis keepdims").override()
Function(np.amin, _min, names="x axis keepdims").override()
