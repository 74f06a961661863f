"""Checks of what users give: shapes, strides, paddings, dilations; and errors that say how to mend them."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from mygrad.errors import InvalidConvolution

__all__ = ["AxisArguments", "axis_table", "check_shapes", "per_axis"]

Pair = tuple[int, int]


def check_shapes(x_shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int) -> None:
    """Refuse shapes that no stride or padding could make fit."""
    if len(x_shape) < 3:
        raise ValueError(
            f"x has {len(x_shape)} axes, shape {x_shape}; it needs 3 or more: (N, C, X0, ...). "
            "For one signal write x[None, None]"
        )
    if len(x_shape) != len(w_shape):
        raise ValueError(
            f"x has {len(x_shape)} axes, shape {x_shape}, and filter_bank {len(w_shape)}, shape {w_shape}; "
            "they need as many: (N, C, X0, ...) and (F, C, W0, ...)"
        )
    if groups < 1 or w_shape[0] % groups or x_shape[1] != groups * w_shape[1]:
        per_group = "" if groups == 1 else f" for each of {groups} groups"
        raise ValueError(
            f"x has {x_shape[1]} channels (axis 1 of {x_shape}), but each filter {w_shape[1]}{per_group} "
            f"(axis 1 of shape {w_shape}); the two must agree"
        )


def integer(name: str, value: Any) -> int:
    """Return `value` as an int if it is an integer, and no bool."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    raise TypeError(f"{name} must be an integer or a sequence of integers, one for each axis; got {value!r}")


def _pair(name: str, value: Any) -> Pair:
    """Return a padding as (before, after)."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise InvalidConvolution(
                f"{name} of one axis is a number or a pair (before, after); got {value!r}"
            )
        return integer(name, value[0]), integer(name, value[1])
    both = integer(name, value)
    if both < 0:
        raise InvalidConvolution(f"{name} must be at least 0; got {both}")
    return both, both


def per_axis(name: str, value: Any, count: int, least: int) -> list[Any]:
    """Return one checked entry for each of `count` axes."""
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str) or np.ndim(value) == 0:
        value = [integer(name, value)] * count
    if len(value) != count:
        raise InvalidConvolution(
            f"{name} has {len(value)} entries, {tuple(value)}; there are {count} convolved axes. "
            f"Give {count} entries, or one integer for all"
        )
    if name == "padding":
        return [_pair(name, each) for each in value]
    entries = [integer(name, each) for each in value]
    if min(entries, default=least) < least:
        raise InvalidConvolution(f"{name} must be at least {least}; got {tuple(entries)}")
    return entries


@dataclass(frozen=True, slots=True)
class AxisArguments:
    """What a user asks of one axis."""

    size: int
    taps: int
    stride: int
    padding: Pair
    dilation: int

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
        return self.taps > 0 and self.room >= 0 and self.room % self.stride == 0

    @staticmethod
    def outputs(axes: "list[AxisArguments]") -> list[int]:
        """Return the number of placements along each axis, or raise an error with the table of all."""
        if all(axis.fits for axis in axes):
            return [axis.room // axis.stride + 1 for axis in axes]
        wrong = [number for number, axis in enumerate(axes) if not axis.fits]
        raise InvalidConvolution(
            f"Stride and kernel dimensions are incompatible: {_complaint(axes[wrong[0]], wrong[0])}\n"
            f"{axis_table(axes)}\n{_remedy(axes[wrong[0]], wrong[0])}"
        )


def _complaint(axis: AxisArguments, number: int) -> str:
    if axis.taps == 0:
        return f"the filter has no taps along axis {number}."
    if axis.room < 0:
        return f"along axis {number} the filter is longer than the padded data."
    return f"along axis {number} the last placement does not end at the end of the padded data."


def axis_table(axes: list[AxisArguments]) -> str:
    """Return a table of all axes, those that do not fit marked."""
    rows = [("axis", "size", "padding", "dilated filter", "stride", "output")]
    for number, a in enumerate(axes):
        output = "none" if a.taps == 0 or a.room < 0 else f"{a.room / a.stride + 1:.6g}"
        padding = str(a.padding[0]) if a.padding[0] == a.padding[1] else f"{a.padding[0]}, {a.padding[1]}"
        rows.append((str(number), str(a.size), padding, str(a.extent), str(a.stride), output))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    marks = ["", *("" if a.fits else "  <-- does not fit" for a in axes)]
    return "\n".join(
        "  " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + mark
        for row, mark in zip(rows, marks, strict=True)
    )


def _remedy(axis: AxisArguments, number: int) -> str:
    """Return a line with numbers that would fit: more padding, or else fewer elements or another stride."""
    if axis.taps == 0:
        return f"Give the filters at least one tap along axis {number}."
    missing = max(-axis.room, -axis.room % axis.stride)
    while (missing + axis.room) % axis.stride:
        missing += 1
    if (missing + axis.stride) % 2 == 0 and missing % 2:
        missing += axis.stride
    if missing % 2 == 0:
        return f"A padding of {axis.padding[0] + missing // 2} along axis {number} would fit."
    if axis.room >= 0:
        fitting = axis.size - axis.room % axis.stride
        return f"Keep the first {fitting} of {axis.size} elements along axis {number}, or use stride 1."
    return (
        f"Append {missing} zeros along axis {number}, or use stride 1 "
        f"and padding {axis.padding[0] - axis.room // 2}."
    )
