"""Pooling of arrays: maxima and sums of windows over the last axes, and what spreads them back.

By kernels where there are any, else with NumPy, one operation for each tap of all windows.
"""

from functools import lru_cache
from math import prod
from numbers import Integral
from typing import Any

import numpy as np

from mygrad.convolution.arguments import AxisArguments, arguments_of, axis_table, check_room, is_plain
from mygrad.convolution.pool_windows import Windows, adaptive_windows, regular_windows
from mygrad.errors import InvalidConvolution

__all__ = ["adaptive", "arguments", "counts", "maxima", "spread", "spread_sums", "sums", "take", "windows"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
SHORT = 1024  # elements that NumPy adds up as fast as a kernel, and as exactly


def _checked_sizes(name: str, sizes: Any, dimensions: int) -> Shape:
    if not isinstance(sizes, (tuple, list, np.ndarray)):
        raise InvalidConvolution(
            f"{name} must be a tuple with a size for each pooled axis; got {sizes!r}.\n"
            f"To pool the last two axes, write {(sizes,) * 2}."
        )
    for each in sizes:
        if not isinstance(each, Integral) or isinstance(each, bool) or each <= 0:
            raise InvalidConvolution(f"{name} must hold integers of at least 1; got {tuple(sizes)}")
    if len(sizes) > dimensions:
        raise InvalidConvolution(
            "The number of pooled dimensions cannot exceed the dimensionality of the data: "
            f"{name} has {len(sizes)} entries, x {dimensions} axes"
        )
    if not len(sizes):
        raise InvalidConvolution(f"{name} is empty; it needs a size for each pooled axis")
    return tuple(int(each) for each in sizes)


def arguments(
    shape: Shape, pool: Any, stride: Any, padding: Any = 0, dilation: Any = 1, fit: str = "exact"
) -> tuple[AxisArguments, ...]:
    """Return what is asked of each of the last ``len(pool)`` axes of `shape`, checked.

    Raises
    ------
    InvalidConvolution
        If the windows do not fit.
    TypeError
        If a stride, padding or dilation is not an integer.
    """
    given = (pool, stride, padding, dilation, fit)
    return (_kept_arguments if all(map(is_plain, given)) else _new_arguments)(shape, *given)


def _new_arguments(
    shape: Shape, pool: Any, stride: Any, padding: Any, dilation: Any, fit: str
) -> tuple[AxisArguments, ...]:
    pool = _checked_sizes("pool", pool, len(shape))
    if isinstance(stride, bool):
        raise InvalidConvolution(f"stride must be an integer or a sequence of integers; got {stride!r}")
    sizes = shape[len(shape) - len(pool) :]
    axes = arguments_of(sizes, pool, stride=stride, padding=padding, dilation=dilation, fit=fit)
    check_room((*shape[: len(shape) - len(pool)], *AxisArguments.outputs(axes)), np.float64)
    return tuple(axes)


_kept_arguments = lru_cache(maxsize=1024)(_new_arguments)


def windows(axes: tuple[AxisArguments, ...], *, padding_counts: bool) -> Windows:
    """Return what the windows see; unless `padding_counts`, each has to see an element.

    Raises
    ------
    InvalidConvolution
        If one sees padding only.
    """
    if not padding_counts and any(max(axis.padding) > 0 for axis in axes):
        counts(axes)
    return regular_windows(axes)


@lru_cache(maxsize=256)
def counts(axes: tuple[AxisArguments, ...]) -> list[Array]:
    """Return how many elements, without padding, each window along each axis sees.

    Raises
    ------
    InvalidConvolution
        If one sees none.
    """
    found = [_count(axis) for axis in axes]
    if all(map(np.all, found)):
        return found
    marks = ["" if np.all(each) else f"window {np.argmin(each)} sees padding only" for each in found]
    wrong = next(number for number, mark in enumerate(marks) if mark)
    raise InvalidConvolution(
        f"along axis {wrong} {marks[wrong]}.\n{axis_table(axes, marks)}\n{_remedy(axes[wrong])}"
    )


def _count(axis: AxisArguments) -> Array:
    begin = np.arange(axis.room // axis.stride + 1) * axis.stride - axis.padding[0]
    first = -(np.minimum(begin, 0) // axis.dilation)
    last = np.minimum((axis.size - 1 - begin) // axis.dilation, axis.taps - 1)
    return np.maximum(last - first + 1, 0)


def _remedy(axis: AxisArguments) -> str:
    if axis.dilation > axis.size:
        return f"A dilation of at most {axis.size} does not step over the data."
    return f"A padding of at most {axis.extent - 1} at either end would do."


def adaptive(shape: Shape, output: Any) -> Windows:
    """Return the windows of adaptive pooling, checked.

    Raises
    ------
    InvalidConvolution
        If `output` is no tuple of integers of at least 1, or there are no elements to pool.
    """
    output = _checked_sizes("output", output, len(shape))
    sizes = shape[len(shape) - len(output) :]
    if not all(sizes):
        raise InvalidConvolution(f"there are no elements to pool: x has shape {shape}")
    check_room((*shape[: len(shape) - len(output)], *output), np.float64)
    return adaptive_windows(sizes, output)


WIDE = dict.fromkeys(("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16"), np.float32)
WIDE |= dict.fromkeys(("int32", "uint32"), np.float64)
"""Numbers -> floats that hold each of them exactly, and that there are kernels for."""


def _wide(x: Array) -> Array:
    """Return `x` in the dtype in which it is computed, in the byte order of the host."""
    if x.dtype.char in "fd" and x.dtype.isnative:
        return x
    return x.astype(WIDE.get(x.dtype.name, x.dtype.newbyteorder("=")), copy=False)


def _kernels(dtype: Any, size: int, windows: Windows) -> Any:
    """Return the module of kernels if there is one for this; it is imported when something is pooled."""
    from mygrad.convolution import pool_calls

    return pool_calls if pool_calls.can(dtype, size, windows) else None


def maxima(x: Array, windows: Windows) -> tuple[Array, Array]:
    """Return the maximum of each window and its place, the first in row-major order; nan is a maximum.

    Parameters
    ----------
    x : numpy.ndarray, shape (..., X0, ...)
        Any real dtype.
    windows : Windows
        Over the last axes. Padding is never a maximum, and no window may see nothing else.

    Returns
    -------
    values : numpy.ndarray, shape (..., G0, ...)
    places : numpy.ndarray of integers, shape (..., G0, ...)
        Flat positions within the axes that are pooled.

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import pooling
    >>> windows = pooling.adaptive((4,), (2,))
    >>> pooling.maxima(np.array([3.0, 1.0, 2.0, 5.0]), windows)[1]
    array([0, 3], dtype=int32)
    """
    wide = _wide(x)
    if kernels := _kernels(wide.dtype, x.size, windows):
        values, places = kernels.maxima(wide, windows)
    else:
        places = _first_maxima(wide, windows)
        values = take(wide, windows, places)
    return values.astype(x.dtype, copy=False), places


def _first_maxima(x: Array, windows: Windows) -> Array:
    """Go through the taps of all windows in order; what is met first is kept unless something is larger."""
    place = np.arange(windows.plane).reshape(windows.sizes)
    shape = windows.output_shape(x.shape)
    best, found = np.zeros(shape, x.dtype), np.full(shape, -1, np.intp)
    for outputs, inputs in windows.taps():
        value, so_far, where = x[inputs], best[outputs], found[outputs]
        larger = (value > so_far) | (where < 0)
        if value.dtype.kind == "f":
            larger |= np.isnan(value) & ~np.isnan(so_far)
        best[outputs] = np.where(larger, value, so_far)
        found[outputs] = np.where(larger, place[inputs], where)
    return found


def sums(x: Array, windows: Windows, divisor: float = 1) -> Array:
    """Return the sum of each window, divided; padding adds nothing. Narrow floats add up in float32."""
    if x.dtype.kind == "c":
        return sums(x.real, windows, divisor) + 1j * sums(x.imag, windows, divisor)
    wide = _wide(x)
    if windows.whole and windows.plane < SHORT:
        total = np.einsum("px->p", wide.reshape(-1, windows.plane)).reshape(windows.output_shape(x.shape))
        total /= divisor
    elif kernels := _kernels(wide.dtype, x.size, windows):
        total = kernels.sums(wide, windows, divisor)
    else:
        total = np.zeros(windows.output_shape(x.shape), wide.dtype)
        for outputs, inputs in windows.taps():
            total[outputs] += wide[inputs]
        total /= divisor
    return total.astype(x.dtype, copy=False)


def spread_sums(g: Array, windows: Windows, divisor: float = 1) -> Array:
    """Return the gradient of what `sums` took: each element has those of all windows that see it."""
    if g.dtype.kind == "c":
        return spread_sums(g.real, windows, divisor) + 1j * spread_sums(g.imag, windows, divisor)
    wide = _wide(g)
    if windows.whole and windows.plane < SHORT:
        total = np.empty(windows.input_shape(g.shape), wide.dtype)  # no view: those are copied once more
        total.reshape(-1, windows.plane)[...] = (wide / divisor).reshape(-1, 1)
    elif kernels := _kernels(wide.dtype, g.size, windows):
        total = kernels.spread_sums(wide, windows, divisor)
    else:
        total = np.zeros(windows.input_shape(g.shape), wide.dtype)
        for outputs, inputs in windows.taps():
            np.add.at(total, inputs, wide[outputs])
        total /= divisor
    return total.astype(g.dtype, copy=False)


def take(x: Array, windows: Windows, places: Array) -> Array:
    """Return the elements of `x` at places within the axes that are pooled."""
    planes = prod(x.shape[: x.ndim - len(windows.sizes)])
    found = np.take_along_axis(x.reshape(planes, windows.plane), places.reshape(planes, windows.positions), 1)
    return found.reshape(places.shape)


def spread(g: Array, windows: Windows, places: Array) -> Array:
    """Add each element of `g` at its place, to zeros: the gradient of `take`."""
    wide = _wide(g)
    if kernels := _kernels(wide.dtype, g.size, windows):
        total = kernels.spread(wide, windows, places)
    else:
        planes = prod(g.shape[: g.ndim - len(windows.sizes)])
        total = np.zeros((planes, windows.plane), wide.dtype)
        rows, shape = np.arange(planes)[:, None], (planes, windows.positions)
        np.add.at(total, (rows, places.reshape(shape)), wide.reshape(shape))
        total = total.reshape(windows.input_shape(g.shape))
    return total.astype(g.dtype, copy=False)
