"""Data continued past their ends, under NumPy's names of the modes; each other's gradients.

`extend` is `numpy.pad`, linear in the data; `fold` adds each element of the border to the element that it
continues.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function

__all__ = ["MODES", "extend", "fold"]

Array = np.ndarray[Any, Any]
Widths = tuple[tuple[int, int], ...]

MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


def _extend(x: Array, widths: Widths, mode: str, value: Any = 0) -> Array:
    if mode == "constant":
        return np.pad(x, widths, constant_values=value)
    return np.pad(x, widths, mode=mode)  # type: ignore[call-overload]


def _fold(g: Array, widths: Widths, mode: str) -> Array:
    inner = tuple(slice(before, n - after) for n, (before, after) in zip(g.shape, widths, strict=True))
    if mode == "constant":
        return g[inner]
    for axis, (before, after) in enumerate(widths):
        if before or after:
            g = np.moveaxis(_fold_first(np.moveaxis(g, axis, 0), before, after, mode), 0, axis)
    return g


def _fold_first(g: Array, before: int, after: int, mode: str) -> Array:
    """Fold the first axis."""
    size = len(g) - before - after
    source = np.pad(np.arange(size), (before, after), mode=mode)  # type: ignore[call-overload]
    whole = np.array(g[before : before + size])
    for start, stop in ((0, before), (before + size, len(g))):
        for first, last in _runs(source[start:stop]):
            part, begin = g[start + first : start + last], int(source[start + first])
            step = int(source[start + last - 1]) - begin
            if step == 0:
                whole[begin] += part.sum(axis=0, dtype=g.dtype)
            else:
                end = begin + step
                whole[min(begin, end) : max(begin, end) + 1] += part if step > 0 else part[::-1]
    return whole


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


extend: Final = Function(
    _extend,
    lambda g, y, x, widths, mode, value=0: fold.either(g, widths=widths, mode=mode),
    names="x widths mode value",
)
"""`x` continued by `widths`, a pair (before, after) for each axis; `value` is that of mode "constant"."""
fold: Final = Function(
    _fold,
    lambda u, y, g, widths, mode: extend.either(u, widths=widths, mode=mode),
    names="g widths mode",
)
"""The gradient of `x`, given that of `extend`."""
