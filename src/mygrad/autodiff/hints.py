"""What NumPy's errors say to the person who made the mistake: which axis, which sizes, and how to mend it.

The error remains NumPy's, with its type and its words; the hint is a note below (`BaseException.add_note`).
Nothing here runs unless something has failed.
"""

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from mygrad.autodiff.guard import is_guarded

__all__ = ["explain", "read_only"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def explain(error: BaseException, operands: Sequence[Any]) -> None:
    """Add to `error`, which a function of `operands` raised, how to mend it, where that is known."""
    for words, hint in HINTS.items():
        if re.search(words, str(error)):
            error.add_note(hint(operands))
            return


def read_only(array: Array) -> str:
    """Return the text of the error for a write to `array`, by a graph's lock or by nature read-only."""
    return f"output array is read-only: {_read_only([array])}"


def _read_only(operands: Sequence[Any]) -> str:
    if is_guarded(operands[-1]):
        return (
            "results that are still in a graph were computed from it.\n"
            "Write to a copy, or after backward() or clear_graph() of those results, or write x = x + y."
        )
    return "its memory was so before it became a tensor.\nWrite to a copy: x = x.copy()."


def _axis(operands: Sequence[Any]) -> str:
    shape = np.shape(operands[0])
    if not shape:
        return "It has the shape (), and so no axis."
    return f"Of shape {shape}, it has the axes 0 to {len(shape) - 1}, or -1 to -{len(shape)} from the end."


def _broadcast(operands: Sequence[Any]) -> str:
    shapes = [np.shape(x) for x in operands]
    lengths = ({*sizes} - {1} for sizes in zip_longest(*map(reversed, shapes), fillvalue=1))
    number, sizes = next(((n, sizes) for n, sizes in enumerate(lengths, 1) if len(sizes) > 1), (0, ()))
    if not sizes:
        return f"The shapes are {', '.join(map(str, shapes))}."
    text = f"Along axis {-number} they have {' and '.join(map(str, sizes))} elements, which have to be equal."
    short, long = sorted(shapes[:2], key=len)
    if 0 < len(short) < len(long) and _fit(long[: len(short)], short):
        ones = (1,) * (len(long) - len(short))
        text += f"\nIf those of shape {short} are the first axes of {long}, reshape it to {short + ones}."
    return text


def _fit(a: Shape, b: Shape) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(a, b, strict=True))


def _matmul(operands: Sequence[Any]) -> str:
    shapes: list[Shape] = [np.shape(x) for x in operands[:2]]
    a, b = shapes
    inner, matrix = b[-2:][0], len(b) > 1
    text = (
        f"x @ y, of shapes {a} and {b}, sums over the last axis of x, {a[-1]} elements, and "
        f"{'the last but one' if matrix else 'the one'} of y, {inner}; they must agree."
    )
    if matrix and b[-1] == a[-1]:
        return f"{text}\nnp.swapaxes(y, -1, -2), of shape {(*b[:-2], b[-1], b[-2])}, would fit."
    if len(a) > 1 and a[-2] == inner:
        return f"{text}\nnp.swapaxes(x, -1, -2), of shape {(*a[:-2], a[-1], a[-2])}, would fit."
    return f"{text}\nA y of shape {(*b[:-2], *a[-1:], *b[-1:]) if matrix else a[-1:]} would fit."


def _scalar(operands: Sequence[Any]) -> str:
    return "A product with a single number is written x * y."


def _onto(operands: Sequence[Any]) -> str:
    return "What is written to keeps its shape and dtype; write x = x + y, which makes a new tensor."


def _ragged(operands: Sequence[Any]) -> str:
    ragged = next((each for each in operands if not _regular(each)), ())
    lengths = [np.shape(row) for row in ragged if _regular(row)]
    different = [n for n, shape in enumerate(lengths) if shape != lengths[0]]
    if not different:
        return "All rows must have as many elements."
    n = different[0]
    return (
        f"Row 0 has the shape {lengths[0]}, row {n} {lengths[n]}; a tensor needs them equal.\n"
        "Fill up the shorter ones, or make a list of tensors."
    )


def _regular(row: Any) -> bool:
    try:
        np.shape(row)
    except ValueError:
        return False
    return True


HINTS: dict[str, Callable[[Sequence[Any]], str]] = {
    "is out of bounds for array of dimension": _axis,
    "non-broadcastable output": _onto,
    "Cannot cast ufunc .* output": _onto,
    "could not be broadcast together with shapes": _broadcast,
    "mismatch in its core dimension": _matmul,
    "does not have enough dimensions": _scalar,
    "inhomogeneous shape": _ragged,
    "is read-only": _read_only,
}
"""What NumPy says -> what it means for these operands; the first that is found counts."""
