"""A view of an array as the windows that slide over it."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["sliding_window_view"]

Array = np.ndarray[Any, Any]
_INTEGERS = (int, np.integer)


def sliding_window_view(arr: Array, window_shape: Any, step: Any, dilation: Any = None) -> Array:
    """View the windows that slide over the last axes of an array.

    Parameters
    ----------
    arr : numpy.ndarray, shape (..., X0, ...)
        An array that is not C-contiguous is copied first.
    window_shape : sequence of int, (W0, ...)
        The sizes of a window along the last ``len(window_shape)`` axes.
    step : int or sequence of int
        Distance between neighbouring windows.
    dilation : int or sequence of int, optional
        Distance between neighbouring elements of a window, 1 by default.

    Returns
    -------
    numpy.ndarray, shape (G0, ..., leading axes of `arr`, W0, ...)
        Read-only, with ``G = (X - ((W - 1) dilation + 1)) // step + 1`` along each axis.

    Raises
    ------
    TypeError
        If an argument is not of positive integers.
    ValueError
        If there are more windowed axes than axes, or ``W dilation`` exceeds X; if `step` or `dilation` are
        not positive, or not as many as windowed axes.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> mg.sliding_window_view(np.arange(5), (3,), 1)
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])
    """
    window = _window_of(arr.ndim, window_shape)
    steps = _positive("step", step, len(window))
    gaps = _positive("dilation", 1 if dilation is None else dilation, len(window))
    sizes = arr.shape[arr.ndim - len(window) :]
    for i, (w, d, x) in enumerate(zip(window, gaps, sizes, strict=True)):
        if w * d > x:
            raise ValueError(
                f"sliding_window_view: along windowed axis {i} a window of {w} elements, {d} apart, "
                f"does not fit the {x} elements of arr, shape {arr.shape}"
            )
    if not arr.flags["C_CONTIGUOUS"]:
        arr = np.ascontiguousarray(arr)
    lead, strides = arr.ndim - len(window), arr.strides
    grid = [(x - (w - 1) * d - 1) // s + 1 for x, w, d, s in zip(sizes, window, gaps, steps, strict=True)]
    shape = (*grid, *arr.shape[:lead], *window)
    moves = [s * n for s, n in zip(steps, strides[lead:], strict=True)]
    within = [d * n for d, n in zip(gaps, strides[lead:], strict=True)]
    return as_strided(arr, shape, (*moves, *strides[:lead], *within), writeable=False)


def _window_of(ndim: int, window_shape: Any) -> list[int]:
    """Return the sizes of a window of an array with `ndim` axes."""
    if not np.iterable(window_shape) or not all(isinstance(n, _INTEGERS) and n > 0 for n in window_shape):
        raise TypeError(f"`window_shape` must be a sequence of positive integers, got: {window_shape!r}")
    window = [int(n) for n in window_shape]
    if not 0 < len(window) <= ndim:
        raise ValueError(f"`window_shape` {window_shape!r} has {len(window)} sizes; arr has {ndim} axes")
    return window


def _positive(name: str, given: Any, count: int) -> list[int]:
    """Return `count` positive integers, all equal if one is given."""
    if not isinstance(given, _INTEGERS) and not np.iterable(given):
        raise TypeError(f"`{name}` must be a positive integer or a sequence of them, got: {given!r}")
    values = list(given) if np.iterable(given) else [given] * count
    if len(values) != count or not all(isinstance(n, _INTEGERS) and n > 0 for n in values):
        raise ValueError(
            f"`{name}` must be a positive integer or {count} of them, one per windowed axis; got: {given!r}"
        )
    return [int(n) for n in values]
