"""Which windows pooling sees, and where the maximum of each is: one comparison for each tap."""

from collections.abc import Iterable, Sequence
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np

from mygrad.convolution.arguments import AxisArguments, arguments_of
from mygrad.errors import InvalidConvolution

__all__ = ["adaptive_positions", "adaptive_windows", "counts", "max_positions", "windows"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def _checked_sizes(name: str, sizes: Any, dimensions: int) -> Shape:
    if not isinstance(sizes, (tuple, list, np.ndarray)):
        raise InvalidConvolution(f"{name} must be a tuple with a size for each pooled axis; got {sizes!r}")
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


def windows(
    shape: Shape, pool: Any, stride: Any, padding: Any = 0, dilation: Any = 1, fit: str = "exact"
) -> list[AxisArguments]:
    """Return what is asked of each of the last ``len(pool)`` axes of `shape`, checked.

    Raises
    ------
    InvalidConvolution
        If the windows do not fit.
    TypeError
        If a stride, padding or dilation is not an integer.
    """
    pool = _checked_sizes("pool", pool, len(shape))
    if isinstance(stride, bool):
        raise InvalidConvolution(f"stride must be an integer or a sequence of integers; got {stride!r}")
    sizes = shape[len(shape) - len(pool) :]
    axes = arguments_of(sizes, pool, stride=stride, padding=padding, dilation=dilation, fit=fit)
    AxisArguments.outputs(axes)
    return axes


def counts(axes: Sequence[AxisArguments]) -> list[Array]:
    """Return how many elements, without padding, each window along each axis sees.

    Raises
    ------
    InvalidConvolution
        If one sees none.
    """
    return [_count(axis, number) for number, axis in enumerate(axes)]


def _count(axis: AxisArguments, number: int) -> Array:
    outputs, taps = np.arange(axis.room // axis.stride + 1), np.arange(axis.taps)
    position = axis.stride * outputs[:, None] + axis.dilation * taps - axis.padding[0]
    found = ((position >= 0) & (position < axis.size)).sum(axis=1)
    if not np.all(found):
        raise InvalidConvolution(
            f"along axis {number} window {int(np.argmin(found))} sees padding only: "
            f"pool {axis.taps}, dilation {axis.dilation}, padding {axis.padding}, {axis.size} elements. "
            f"Use a padding of less than {axis.extent}, or dilation 1"
        )
    return found


def max_positions(
    x: Array, pool: Any, stride: Any, padding: Any = 0, dilation: Any = 1, fit: str = "exact"
) -> Array:
    """Return the flat position in `x` of the first maximum of each window over its last axes.

    Parameters
    ----------
    x : numpy.ndarray, shape (..., X0, ...)
        Any real dtype; nan counts as the maximum.
    pool : tuple of int
        The window's size along each of the last ``len(pool)`` axes.
    stride, padding, dilation, fit
        As `ConvProblem.make` takes them. Padding is never a maximum.

    Returns
    -------
    numpy.ndarray of intp, shape (..., G0, ...)

    Raises
    ------
    InvalidConvolution
        If the windows do not fit, or one sees padding only.
    TypeError
        If a stride, padding or dilation is not an integer.

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import max_positions
    >>> max_positions(np.array([3.0, 1.0, 2.0, 5.0]), (2,), 2)
    array([0, 3])
    """
    axes = windows(x.shape, pool, stride, padding, dilation, fit)
    padded = any(max(axis.padding) > 0 for axis in axes)
    if padded:
        counts(axes)
    lead = x.shape[: x.ndim - len(axes)]
    shape = (*lead, *(axis.room // axis.stride + 1 for axis in axes))
    return _first_maximum(x, shape, _taps(axes), padded)


Region = tuple[Any, Any]
"""Some outputs, and the inputs that they see by one tap."""


def _taps(axes: Sequence[AxisArguments]) -> Iterable[Region]:
    for taps in product(*(range(axis.taps) for axis in axes)):
        pairs = [_tap(axis, k) for axis, k in zip(axes, taps, strict=True)]
        yield (..., *(o for o, _ in pairs)), (..., *(i for _, i in pairs))


def _tap(axis: AxisArguments, k: int) -> tuple[slice, slice]:
    """Return the outputs whose tap `k` meets data, and which data."""
    shift = axis.dilation * k - axis.padding[0]
    first = max(0, -(shift // axis.stride))
    last = min(axis.room // axis.stride, (axis.size - 1 - shift) // axis.stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = axis.stride * first + shift
    return slice(first, last + 1), slice(start, start + axis.stride * (last - first) + 1, axis.stride)


def _first_maximum(x: Array, shape: Shape, regions: Iterable[Region], padded: bool) -> Array:
    """Go through the taps of all windows in order; what is met first is kept unless something is larger."""
    flat = np.arange(x.size, dtype=np.intp).reshape(x.shape)
    best, position = np.zeros(shape, x.dtype), np.full(shape, -1, np.intp)
    for number, (outputs, inputs) in enumerate(regions):
        value, so_far, where = x[inputs], best[outputs], position[outputs]
        larger = value > so_far
        if value.dtype.kind == "f":
            larger |= np.isnan(value) & ~np.isnan(so_far)
        if number == 0 or padded:
            larger |= where < 0
        np.copyto(so_far, value, where=larger)
        np.copyto(where, flat[inputs], where=larger)
    return position


def adaptive_windows(size: int, outputs: int) -> tuple[Array, Array]:
    """Return where each of `outputs` windows over `size` elements starts and ends."""
    o = np.arange(outputs)
    return o * size // outputs, -(-(o + 1) * size // outputs)


def adaptive_positions(x: Array, output: Any) -> Array:
    """Return the flat position in `x` of the first maximum of each of `output` windows over its last axes.

    Raises
    ------
    InvalidConvolution
        If `output` is no tuple of integers of at least 1, or there are no elements to pool.

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution.pooling import adaptive_positions
    >>> adaptive_positions(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), (2,))
    array([0, 3])
    """
    output = checked_output(x.shape, output)
    tables = [_table(n, o) for n, o in zip(x.shape[x.ndim - len(output) :], output, strict=True)]
    regions = ((..., (..., *np.ix_(*taps))) for taps in product(*tables))
    return _first_maximum(x, (*x.shape[: x.ndim - len(output)], *output), regions, False)


def checked_output(shape: Shape, output: Any) -> Shape:
    """Refuse what cannot be the shape of adaptive pooling."""
    output = _checked_sizes("output", output, len(shape))
    if not all(shape[len(shape) - len(output) :]):
        raise InvalidConvolution(f"there are no elements to pool: x has shape {shape}")
    return output


def _table(size: int, outputs: int) -> Array:
    """Return, for each tap, the position that each window sees; short ones see their last again."""
    start, stop = adaptive_windows(size, outputs)
    taps = np.arange(np.max(stop - start))
    return np.minimum(start + taps[:, None], stop - 1)
