"""Functions along axes. A gradient comes in the shape of the result and leaves in that of the input."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.dtypes import conjugated, is_bfloat16
from mygrad.autodiff.overrides import any_variable
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


def count(x: Any, axis: Any, where: Any = True) -> Any:
    """Return how many elements go into one result; with a mask, an array with the reduced axes kept."""
    if where is not True:
        return np.sum(np.broadcast_to(where, x.shape), axis=axes_of(x, axis), keepdims=True)
    return math.prod(x.shape[i] for i in axes_of(x, axis))


def _at(where: Any, g: Any) -> Any:
    """Leave a gradient where elements were chosen."""
    return g if where is True else np.where(where, g, 0)


def _sum(g: Any, y: Any, x: Any, axis: Any = None, where: Any = True, **_: Any) -> Any:
    return _at(where, spread(g, x, axis))


def _mean(g: Any, y: Any, x: Any, axis: Any = None, where: Any = True, **_: Any) -> Any:
    n = count(x, axis, where)
    return _at(where, spread((g if where is True else kept(g, x, axis)) / n, x, axis))


def _var(g: Any, y: Any, x: Any, axis: Any = None, ddof: Any = 0, where: Any = True, **_: Any) -> Any:
    if axis == ():
        return g * 0
    chosen = {} if where is True else {"where": where}
    centred = x - mean.either(x, axis=axis, keepdims=True, **chosen)
    n = count(x, axis, where) - ddof
    if where is True and (n or axis is None):
        scale = 2.0 / n  # of all elements, and none left: ZeroDivisionError, as in MyGrad 2.5
    else:
        n = np.asarray(n, dtype=float)
        scale = np.divide(2.0, n, out=np.full(n.shape, np.inf), where=n != 0)
    return _at(where, kept(g, x, axis) * conjugated(centred) * scale)


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


def _extreme(position: Any, worst: Any, beyond: Any) -> Callable[..., Any]:
    """Declare the rule of a maximum or minimum: the first extreme element gets all, `initial` before it."""

    def rule(
        g: Any, y: Any, x: Any, axis: Any = None, where: Any = True, initial: Any = None, **_: Any
    ) -> Any:
        values = plain(x) if where is True else np.where(where, plain(x), worst(x.dtype))
        mark = first(values, axis, position)
        if initial is not None:
            mark &= ~beyond(initial, values)
        return kept(g, x, axis) * _at(where, mark)

    return rule


def _end(dtype: Any, sign: int) -> Any:
    return sign * np.inf if dtype.kind in "fc" or is_bfloat16(dtype) else 0


_max = _extreme(np.argmax, lambda dtype: _end(dtype, -1), np.greater_equal)
_min = _extreme(np.argmin, lambda dtype: _end(dtype, 1), np.less_equal)


def _flipped(x: Any, axis: int) -> Any:
    return x[(slice(None),) * (axis % x.ndim) + (slice(None, None, -1),)]


def _reverse_cumsum(x: Any, axis: int) -> Any:
    return _flipped(cumsum.either(_flipped(x, axis), axis=axis), axis)


def _before(x: Any, axis: int = -1) -> Any:
    """Return the product of all elements before each, along the last axis."""
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return cumprod.either(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)


def _prod(g: Any, y: Any, x: Any, axis: Any = None, where: Any = True, initial: Any = 1, **_: Any) -> Any:
    """Multiply all elements but one: never divide, so zeros do no harm."""
    if where is not True:
        x = np.where(where, x, 1)
    axes = axes_of(x, axis)
    others = tuple(i for i in range(x.ndim) if i not in axes)
    grouped = np.transpose(x, others + axes)
    if grouped.size == 0:
        return np.zeros(x.shape, x.dtype)
    flat = np.reshape(grouped, (*grouped.shape[: len(others)], -1))
    but_one = _before(flat) * _flipped(_before(_flipped(flat, -1)), -1)
    back = np.transpose(np.reshape(but_one, grouped.shape), tuple(np.argsort(others + axes)))
    return _at(where, kept(g, x, axis) * back * initial)


def _cumsum(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        return np.reshape(_reverse_cumsum(np.ravel(g), 0), x.shape)
    return _reverse_cumsum(g, axis)


def _cumprod(g: Any, y: Any, x: Any, axis: Any = None, **_: Any) -> Any:
    if axis is None:
        return np.reshape(_cumprod(g, y, np.ravel(x), 0), x.shape)
    if np.all((plain(x) != 0) & np.isfinite(plain(x))):
        return _reverse_cumsum(g * y, axis) / x
    x, g = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    return np.moveaxis(_before(x) * _horner(g, x), -1, axis)


def _horner(g: Any, x: Any) -> Any:
    """Solve s[i] = g[i] + x[i + 1] s[i + 1] from the end: the part of a product after each element."""
    sums = [g[..., -1]]
    for i in range(x.shape[-1] - 1, 0, -1):
        sums.append(g[..., i - 1] + x[..., i] * sums[-1])
    return np.stack(sums[::-1], axis=-1)


class _Reduction(Function):
    """A function along axes, of the elements `where` a mask is true, beginning with `initial`."""

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        if "where" in params:
            params["where"] = params["where"] is True or np.array(plain(params["where"]))
        if "initial" in params:
            if any_variable([params["initial"]]):
                raise TypeError(f"{self.name}: `initial` has no gradient; pass its values, initial.data")
            params["initial"] = plain(params["initial"])
        return super().run(operands, params, constant)


class _Spread(_Reduction):
    """A variance or deviation: `correction` is the array API's name of `ddof`."""

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        if "correction" in params:
            if "ddof" in params:
                raise ValueError("ddof and correction can't be provided simultaneously.")  # in NumPy's words
            params["ddof"] = params.pop("correction")
        return super().run(operands, params, constant)


def _rounded_once(
    numpy: Callable[..., Any], rule: Any, form: type[Function] = _Reduction, **declaration: Any
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
mean: Final = _rounded_once(np.mean, _mean, names="x axis keepdims", also="where")
var: Final = _rounded_once(np.var, _var, _Spread, names="x axis ddof keepdims", also="where")
std: Final = _rounded_once(np.std, _std, _Spread, names="x axis ddof keepdims", also="where")
amax: Final = _rounded_once(np.max, _max, names="x axis keepdims", also="where initial")
max: Final = amax
amin: Final = _rounded_once(np.min, _min, names="x axis keepdims", also="where initial")
min: Final = amin
prod: Final = _rounded_once(np.prod, _prod, names="a axis keepdims", also="where initial")
cumsum: Final = _rounded_once(np.cumsum, _cumsum, names="a axis")
cumprod: Final = _rounded_once(np.cumprod, _cumprod, names="a axis")
_Reduction(np.amax, _max, names="x axis keepdims", also="where initial").override()
_Reduction(np.amin, _min, names="x axis keepdims", also="where initial").override()
