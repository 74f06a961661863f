"""Data continued past their ends, under NumPy's names of the modes: which element stands where.

`extend` is `numpy.pad`, linear in the data; `fold` adds each element of the border to the element that it
continues. Algorithms that look up `sources` need neither.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["BORDERS", "extend", "fold", "sources"]

Array = np.ndarray[Any, Any]
Widths = tuple[tuple[int, int], ...]

BORDERS = ("reflect", "symmetric", "edge", "wrap")


def sources(position: Array, size: int, border: str) -> Array:
    """Return the element that stands at each position of an axis; -1 where that is a zero."""
    if border == "zeros":
        return np.where((position < 0) | (position >= size), -1, position)
    if border == "edge":
        return np.clip(position, 0, size - 1)
    if border == "wrap":
        return position % size
    period = max(2 * (size - (border == "reflect")), 1)  # there and back again
    position = position % period
    return np.minimum(position, period - (border == "symmetric") - position)


def extend(x: Array, widths: Widths, border: str) -> Array:
    """Return `x` continued by `widths`, a pair (before, after) for each axis."""
    return np.pad(x, widths, mode=border)  # type: ignore[call-overload]


def fold(g: Array, widths: Widths, border: str) -> Array:
    """Return the gradient of `x`, given that of `extend`, which is overwritten."""
    for axis, (before, after) in enumerate(widths):
        if before or after:
            _fold_first(np.moveaxis(g, axis, 0), before, after, border)
            g = g[(*(slice(None),) * axis, slice(before, g.shape[axis] - after))]
    return np.ascontiguousarray(g)


def _fold_first(g: Array, before: int, after: int, border: str) -> None:
    """Add the border of the first axis to what is within."""
    size = len(g) - before - after
    source = sources(np.arange(-before, size + after), size, border)
    whole = g[before : before + size]
    for start, stop in ((0, before), (before + size, len(g))):
        for first, last in _runs(source[start:stop]):
            part, begin = g[start + first : start + last], int(source[start + first])
            step = int(source[start + last - 1]) - begin
            if step == 0:
                whole[begin] += part.sum(axis=0, dtype=g.dtype)
            else:
                end = begin + step
                whole[min(begin, end) : max(begin, end) + 1] += part if step > 0 else part[::-1]


def _runs(source: Array) -> Iterator[tuple[int, int]]:
    """Yield the ranges of `source` in which the difference of neighbours, -1, 0 or 1, stays the same."""
    start = 0
    while start < len(source):
        stop = start + 1
        while stop < len(source) and source[stop] - source[stop - 1] == source[start + 1] - source[start]:
            stop += 1
        if stop - start > 1 and abs(int(source[start + 1]) - int(source[start])) > 1:
            stop = start + 1  # a jump, from one end of the data to the other
        yield start, stop
        start = stop
