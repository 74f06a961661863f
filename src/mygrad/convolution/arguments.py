"""Checks of what users give: shapes, strides, paddings, dilations; and errors that say how to mend them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, gcd, isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from mygrad.errors import InvalidConvolution, NotAnInteger

__all__ = [
    "PADDINGS",
    "AxisArguments",
    "arguments_of",
    "axis_table",
    "check_room",
    "check_shapes",
    "check_transposed_shapes",
    "is_plain",
    "no_such",
    "per_axis",
    "transposed_of",
]

Pair = tuple[int, int]
Shape = tuple[int, ...]


def check_room(shape: Shape, dtype: Any) -> None:
    """Refuse an array that cannot be, before anything is planned or computed.

    Raises
    ------
    MemoryError
        Whether there is not so much memory, or no address would be large enough.
    """
    try:
        np.empty(shape, dtype)
    except ValueError:
        raise MemoryError(
            f"Unable to allocate an array with shape {shape} and data type {np.dtype(dtype)}: "
            "no memory has so many addresses"
        ) from None


def _same(size: int, extent: int, stride: int) -> Pair:
    """Pad for ``ceil(size / stride)`` outputs, TensorFlow's rule; what no placement reaches is cropped."""
    total = (-(-size // stride) - 1) * stride + extent - size
    before = max(total, 0) // 2
    return before, total - before


def _same_lower(size: int, extent: int, stride: int) -> Pair:
    before, after = _same(size, extent, stride)
    return (after, before) if after > before else (before, after)


PADDINGS: dict[str, Callable[[int, int, int], Pair]] = {
    "valid": lambda size, extent, stride: (0, 0),
    "same": _same,
    "same_lower": _same_lower,
    "full": lambda size, extent, stride: (extent - 1, extent - 1),
    "causal": lambda size, extent, stride: (extent - 1, 0),
}
"""The padding (before, after) that a name stands for, by size, filter's extent and stride of an axis."""
FITS = ("exact", "floor")


ELSEWHERE = {"replicate": "edge", "nearest": "edge", "circular": "wrap", "mirror": "reflect"}
"""Names that others have for a mode of padding -> NumPy's."""


def no_such(kind: str, given: Any, names: Iterable[str]) -> str:
    """Return the text of the error for a name that is none, with the one that was probably meant."""
    from difflib import get_close_matches

    names, lower = list(names), str(given).lower()
    meant = [ELSEWHERE[lower]] if ELSEWHERE.get(lower) in names else get_close_matches(lower, names, n=1)
    return f"there is no {kind} {given!r}; there are {', '.join(map(repr, names))}" + (
        f".\nDid you mean {kind}={meant[0]!r}?" if meant else ""
    )


def check_shapes(x_shape: Shape, w_shape: Shape, groups: int) -> None:
    """Refuse shapes that no stride or padding could make fit."""
    _check_axes_and_groups(x_shape, w_shape, groups)
    if x_shape[1] != groups * w_shape[1]:
        per_group = "" if groups == 1 else f" for each of {groups} groups"
        raise ValueError(
            f"x has {x_shape[1]} channels (axis 1 of {x_shape}), but each filter {w_shape[1]}{per_group} "
            f"(axis 1 of shape {w_shape}); the two must agree.\n{_channel_remedy(x_shape, w_shape, groups)}"
        )


def _channel_remedy(x_shape: Shape, w_shape: Shape, groups: int) -> str:
    channels = groups * w_shape[1]
    if x_shape[-1] == channels:
        moved = (x_shape[0], channels, *x_shape[1:-1])
        return f"If the channels are the last axis, np.moveaxis(x, -1, 1), of shape {moved}, has them second."
    if w_shape[1] and x_shape[1] % w_shape[1] == 0 and w_shape[0] % (x_shape[1] // w_shape[1]) == 0:
        return f"For a filter to see only {w_shape[1]} of them, pass groups={x_shape[1] // w_shape[1]}."
    if x_shape[1] % groups == 0:
        return f"Filters of shape {(w_shape[0], x_shape[1] // groups, *w_shape[2:])} would fit."
    return f"Data of shape {(x_shape[0], channels, *x_shape[2:])} would fit."


def check_transposed_shapes(x_shape: Shape, w_shape: Shape, groups: int) -> None:
    """Refuse shapes of a transposed convolution: each filter spreads one channel of x."""
    _check_axes_and_groups(x_shape, w_shape, groups)
    if x_shape[1] != w_shape[0]:
        raise ValueError(
            f"x has {x_shape[1]} channels (axis 1 of {x_shape}), but there are {w_shape[0]} filters "
            f"(axis 0 of shape {w_shape}); a transposed convolution needs one for each channel"
        )


def _check_axes_and_groups(x_shape: Shape, w_shape: Shape, groups: int) -> None:
    if len(x_shape) < 3:
        raise ValueError(
            f"x has {len(x_shape)} axes, shape {x_shape}; it needs 3 or more: (N, C, X0, ...).\n"
            f"x[None, None], of shape {(1, 1, *x_shape)}, is a batch of one, with one channel."
        )
    if len(x_shape) != len(w_shape):
        raise ValueError(
            f"x has {len(x_shape)} axes, shape {x_shape}, and filter_bank {len(w_shape)}, shape {w_shape}; "
            f"they need as many: (N, C, X0, ...) and (F, C, W0, ...).{_missing_axes(x_shape, w_shape)}"
        )
    if integer("groups", groups, "") < 1 or w_shape[0] % groups:
        both = gcd(w_shape[0], x_shape[1]) or 1
        fitting = [n for n in range(1, min(both, 1000) + 1) if both % n == 0]
        raise ValueError(
            f"filter_bank has {w_shape[0]} filters (axis 0 of {w_shape}): not {groups} groups of as many.\n"
            f"With the {x_shape[1]} channels of x, groups can be {', '.join(map(str, fitting))}."
        )


def _missing_axes(x_shape: Shape, w_shape: Shape) -> str:
    name, shape, longer = (
        ("x", x_shape, w_shape) if len(x_shape) < len(w_shape) else ("filter_bank", w_shape, x_shape)
    )
    count = len(longer) - len(shape)
    nones = ", ".join(["None"] * count)
    return f"\n{name}[{nones}] has shape {(1,) * count + shape}."


def integer(name: str, value: Any, more: str = " or a sequence of integers, one for each axis") -> int:
    """Return `value` as an int if it is an integer, and no bool; `more` says what else it may be."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    raise NotAnInteger(f"{name} must be an integer{more}; got {value!r}{_as_integer(value)}")


def _as_integer(value: Any) -> str:
    if not isinstance(value, Real) or isinstance(value, bool) or not isfinite(value):
        return ""
    below, above = floor(float(value)), ceil(float(value))
    whole = f"{below}" if below == above else f"{below} or {above}"
    return f".\nWrite {whole}; a quotient of integers is one with //."


PLAIN: set[type[Any]] = {int, str}


def is_plain(value: Any) -> bool:
    """Tell whether `value` may be looked up: 1.0 and True are equal to 1, but have to be refused."""
    return type(value) in PLAIN or (type(value) is tuple and all(map(is_plain, value)))


def _padding(value: Any) -> Pair | str:
    """Return the padding of one axis as (before, after) or a name."""
    if isinstance(value, str):
        if value not in PADDINGS:
            raise InvalidConvolution(no_such("padding", value, PADDINGS))
        return value
    if _is_sequence(value):
        if len(value) != 2:
            raise InvalidConvolution(
                f"padding of one axis is a number or a pair (before, after); got {value!r}"
            )
        return integer("padding", value[0]), integer("padding", value[1])
    both = integer("padding", value)
    if both < 0:
        raise InvalidConvolution(
            f"padding must be at least 0; got {both}. To crop, give a pair (before, after) for each axis: "
            f"(({both}, {both}), ...)"
        )
    return both, both


def per_axis(name: str, value: Any, count: int, least: int) -> list[Any]:
    """Return one checked entry for each of `count` axes."""
    if isinstance(value, str) and name == "padding":
        value = [value] * count
    if not _is_sequence(value):
        value = [integer(name, value)] * count
    if len(value) != count:
        raise InvalidConvolution(
            f"{name} has {len(value)} entries, {tuple(value)}; the number of convolved axes is {count}.\n"
            f"Give as many entries, or one integer for all{_as_pair(name, value, count)}."
        )
    if name == "padding":
        return [_padding(each) for each in value]
    entries = [integer(name, each) for each in value]
    for axis, entry in enumerate(entries):
        if entry < least:
            raise InvalidConvolution(
                f"{name} must be at least {least}; got {entry} along axis {axis} of {tuple(entries)}"
            )
    return entries


def _as_pair(name: str, value: Any, count: int) -> str:
    """Tell one who meant the two ends of the only axis how to say so."""
    meant = name == "padding" and count == 1 and len(value) == 2
    return f"; before and after the only axis: (({value[0]}, {value[1]}),)" if meant else ""


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)


def arguments_of(
    sizes: Sequence[int], taps: Sequence[int], *, stride: Any, padding: Any, dilation: Any, fit: str = "exact"
) -> "list[AxisArguments]":
    """Return what is asked of each axis, checked, with numbers in place of names."""
    if fit not in FITS:
        raise InvalidConvolution(no_such("fit", fit, FITS))
    axes = _zipped(sizes, taps, stride, padding, dilation)
    return [AxisArguments(n, k, s, _pair(p, n, k, s, d), d, fit == "exact") for n, k, s, p, d in axes]


def _zipped(sizes: Any, taps: Any, stride: Any, padding: Any, dilation: Any) -> Iterator[tuple[Any, ...]]:
    count = len(sizes)
    strides = per_axis("stride", stride, count, 1)
    paddings = per_axis("padding", padding, count, 0)
    return zip(sizes, taps, strides, paddings, per_axis("dilation", dilation, count, 1), strict=True)


def _pair(padding: Pair | str, size: int, taps: int, stride: int, dilation: int) -> Pair:
    extent = (taps - 1) * dilation + 1
    return PADDINGS[padding](size, extent, stride) if isinstance(padding, str) else padding


def transposed_of(
    sizes: Sequence[int],
    taps: Sequence[int],
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
) -> "list[AxisArguments]":
    """Return the arguments of the convolution that is transposed, whose outputs have `sizes`."""
    more = per_axis("output_padding", output_padding, len(sizes), 0)
    axes = [
        TransposedArguments(o, k, s, _pair(p, o * s, k, s, d), d, m)
        for (o, k, s, p, d), m in zip(_zipped(sizes, taps, stride, padding, dilation), more, strict=True)
    ]
    for number, axis in enumerate(axes):
        if axis.more >= max(axis.stride, axis.dilation):
            raise InvalidConvolution(
                f"output_padding must be less than stride or dilation; got {axis.more} "
                f"along axis {number}, with stride {axis.stride} and dilation {axis.dilation}"
            )
    if not all(axis.fits for axis in axes):
        wrong = [axis.fits for axis in axes].index(False)
        raise InvalidConvolution(
            f"nothing is left along axis {wrong}: output = (size - 1) * stride + dilated filter - padding "
            f"+ output_padding.\n{_transposed_table(axes)}\n{axes[wrong].remedy(wrong)}"
        )
    return [AxisArguments(a.size, a.taps, a.stride, a.padding, a.dilation, exact=False) for a in axes]


@dataclass(frozen=True, slots=True)
class TransposedArguments:
    """What a user asks of one axis of a transposed convolution: `outputs` of the one that is transposed."""

    outputs: int
    taps: int
    stride: int
    padding: Pair
    dilation: int
    more: int
    """The output_padding."""

    @property
    def extent(self) -> int:
        return (self.taps - 1) * self.dilation + 1

    @property
    def size(self) -> int:
        """How many elements come out."""
        return (self.outputs - 1) * self.stride + self.extent - sum(self.padding) + self.more

    @property
    def fits(self) -> bool:
        return self.size > 0 < self.taps and self.outputs > 0

    def remedy(self, number: int) -> str:
        if self.outputs < 1 or self.taps < 1:
            what = "x" if self.outputs < 1 else "the filters"
            return f"Give {what} at least one element along axis {number}."
        return (
            f"A padding of at most {self.size + sum(self.padding) - 1} in all along axis {number} would do."
        )


def _transposed_table(axes: list[TransposedArguments]) -> str:
    rows = [
        (a.outputs, a.stride, a.extent, _both(a.padding), a.more, max(a.size, 0) if a.taps else "none")
        for a in axes
    ]
    columns = ("size", "stride", "dilated filter", "padding", "output_padding", "output")
    return _table(columns, rows, ["" if a.fits else "nothing is left" for a in axes])


@dataclass(frozen=True, slots=True)
class AxisArguments:
    """What a user asks of one axis."""

    size: int
    taps: int
    stride: int
    padding: Pair
    dilation: int
    exact: bool = True
    """Whether the last placement has to end where the padded data does."""

    @property
    def extent(self) -> int:
        """The length of the filter with the gaps between its taps."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def room(self) -> int:
        """How far the first placement can move."""
        return self.size + sum(self.padding) - self.extent

    @property
    def fits(self) -> bool:
        tiles = not self.exact or self.room % self.stride == 0
        return self.taps > 0 and self.room >= 0 and tiles

    @staticmethod
    def outputs(axes: "list[AxisArguments]") -> list[int]:
        """Return the number of placements along each axis, or raise an error with the table of all."""
        if all(axis.fits for axis in axes):
            return [axis.room // axis.stride + 1 for axis in axes]
        wrong = [number for number, axis in enumerate(axes) if not axis.fits]
        raise InvalidConvolution(
            f"Stride and kernel dimensions are incompatible: {_complaint(axes[wrong[0]], wrong[0])}\n"
            f"{axis_table(axes)}\n{_remedy(axes)}"
        )


def _complaint(axis: AxisArguments, number: int) -> str:
    if axis.taps == 0:
        return f"the filter has no taps along axis {number}."
    if axis.room < 0:
        return f"along axis {number} the filter is longer than the padded data."
    return f"along axis {number} the last placement does not end at the end of the padded data."


def axis_table(axes: Sequence[AxisArguments], marks: Sequence[str] = ()) -> str:
    """Return a table of all axes; those that do not fit are marked, or else as `marks` say."""
    rows = []
    for a in axes:
        outputs = a.room / a.stride + 1 if a.exact else a.room // a.stride + 1
        output = "none" if a.taps == 0 or a.room < 0 else f"{outputs:.6g}"
        rows.append((a.size, _both(a.padding), a.extent, a.stride, output))
    columns = ("size", "padding", "dilated filter", "stride", "output")
    return _table(columns, rows, marks or ["" if a.fits else "does not fit" for a in axes])


def _both(padding: Pair) -> str:
    before, after = padding
    return str(before) if before == after else f"{before}, {after}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], marks: Sequence[str]) -> str:
    """Return a table with a row for each axis, an arrow to each that is marked."""
    numbered = [(str(number), *map(str, row)) for number, row in enumerate(rows)]
    lines = [("axis", *columns), *numbered]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    arrows = ["", *(f"  <-- {mark}" if mark else "" for mark in marks)]
    return "\n".join(
        "  " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + arrow
        for line, arrow in zip(lines, arrows, strict=True)
    )


def _remedy(axes: list[AxisArguments]) -> str:
    """Return a line with a padding, of all axes, that would fit."""
    empty = [number for number, axis in enumerate(axes) if axis.taps == 0]
    if empty:
        return f"Give the filters at least one tap along axis {empty[0]}."
    entries = [_fitting(axis) for axis in axes]
    same = entries.count(entries[0]) == len(entries) and isinstance(entries[0], int)
    padding = entries[0] if same else tuple(entries)
    if any(axis.room < 0 for axis in axes):
        return f"padding={padding} would fit."
    return f'padding={padding} would fit; fit="floor" would leave out what is left over.'


def _fitting(axis: AxisArguments) -> int | Pair:
    """Return the least padding, with more of it, that fits: the same at both ends if that is possible."""
    before, after = axis.padding
    missing = _missing(axis)
    if before == after and missing % 2 and axis.stride % 2:
        missing += axis.stride
    if before != after or missing % 2:
        return before, after + missing
    return before + missing // 2


def _missing(axis: AxisArguments) -> int:
    """Return how many elements more would let the placements fit."""
    missing = max(-axis.room, -axis.room % axis.stride)
    return missing + -(missing + axis.room) % axis.stride if axis.exact else missing
