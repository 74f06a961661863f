"""Where a part of x lies once it is copied: rows, taps and phases, as tables of byte offsets.

workspace[channel][n][positions that are reached...], the border where there is padding.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from mygrad.convolution.borders import sources
from mygrad.convolution.dots import DotTile
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.tile import Tile

__all__ = ["LINE", "Layout", "Strides", "apart", "contiguous", "exchanged", "grid", "strides_of", "table"]

Array = np.ndarray[Any, Any]
Strides = tuple[int, ...]
LINE, PAGE = 64, 4096


def grid(*steps: Array) -> Array:
    """Return the sums of one entry of each, in C order."""
    total = np.zeros((), np.int64)
    for step in steps:
        total = total[..., None] + step
    return total.ravel()


def contiguous(shape: tuple[int, ...], groups: int, axis: int, itemsize: int) -> Strides:
    """Return the strides of a contiguous array whose channels at `axis` are split into (groups, channels)."""
    sizes = *shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]
    strides = [itemsize]
    for size in reversed(sizes[1:]):
        strides.insert(0, strides[0] * size)
    return tuple(strides)


def strides_of(problem: ConvProblem, itemsize: int) -> tuple[Strides, Strides, Strides]:
    """Return the strides of contiguous x, w and y: groups are an axis of their own."""
    shapes = (problem.x_shape, 1), (problem.w_shape, 0), (problem.y_shape, 1)
    x, w, y = (contiguous(shape, problem.groups, axis, itemsize) for shape, axis in shapes)
    return x, w, y


def exchanged(strides: Strides, *order: int) -> Strides:
    """Return strides with their first three in another order."""
    return (*(strides[n] for n in order), *strides[3:])


def apart(size: int) -> int:
    """Round up to an odd number of cache lines: rows that far apart take turns in all sets of a cache."""
    return (-(-size // LINE) | 1) * LINE


def table(rows: list[dict[str, int]], fields: Sequence[str]) -> Array:
    """Return the parameters of calls, one a row."""
    return np.array([[row[name] for name in fields] for row in rows], np.int64)


class Layout:
    """The part of x that some outputs meet.

    `x` and `y` are strides, in bytes, of (batch, group, channel, positions...); `phases` is the distance of
    positions that are brought side by side; `border` says what stands in the padding.
    """

    itemsize: int
    lanes: int
    phases: int
    x: Strides
    y: Strides
    border: str
    copied_bytes: int

    def __init__(
        self, tile: Tile | DotTile, phases: int, x: Strides, y: Strides, border: str = "zeros"
    ) -> None:
        self.itemsize, self.lanes = tile.itemsize, tile.lanes
        self.phases, self.x, self.y, self.border = phases, x, y, border
        self.tables: dict[Any, Array] = {}
        """What calls point to; it must live as long as they do."""
        self.copied_bytes = 0

    def keep(self, values: Array, dtype: Any = np.int64) -> int:
        """Keep a table, once, and return its address."""
        values = np.ascontiguousarray(values, dtype)
        return self.tables.setdefault((dtype, values.tobytes()), values).ctypes.data

    def copying(self, axes: Sequence[Axis], batch: int, channels: int) -> dict[str, int]:
        """Copy rows of x, zeros around them: workspace[channel][n][positions that are reached...]."""
        *outer, last = axes
        size = self.itemsize
        outside, rows = self._rows(outer, batch)
        start, stop = last.reach()
        first, end = min(max(start, 0), last.i), max(min(stop, last.i), 0)
        before, count = min(max(-start, 0), stop - start), max(end - first, 0)
        phases, width = self._phases(before, count, stop - start)
        channel_pitch, row_pitch = apart(len(rows) * width * size), width * size
        self.copied_bytes = max(self.copied_bytes, channels * channel_pitch + 2 * LINE)
        return {
            "source_offset": first * size,
            "source_channel": self.x[2],
            "source_rows": self.keep(np.where(outside, -1, rows)),
            "copied_channels": channels,
            "copied_rows": len(rows),
            "row_pitch": row_pitch,
            "channel_pitch": channel_pitch,
            "row_vectors": ceil(width / self.lanes),
            **self._row(before, count, width - before - count),
            "phases": self.keep(phases * [size, 1]),
            **self._border(last, first, width),
        }

    def _border(self, axis: Axis, first: int, width: int) -> dict[str, int]:
        """Say which elements of a row, counted from the `first` one copied, stand where in its padding."""
        start, stop = axis.reach()
        place = np.arange(stop - start)
        element = sources(start + place, axis.i, self.border)
        (outside,) = np.nonzero((element >= 0) & (element != start + place))
        place = place % self.phases * (width // self.phases) + place // self.phases
        table = np.stack([place[outside], element[outside] - first], axis=1) * self.itemsize
        return {"border_elements": len(outside), "border": self.keep(table)}

    def _row(self, before: int, count: int, after: int) -> dict[str, int]:
        """Say how a row of zeros, elements of x and zeros is filled by vectors."""
        size, lanes = self.itemsize, self.lanes
        return {
            "vectors_before": ceil(before / lanes),
            "zeros_before": before * size,
            "copied_vectors": count // lanes,
            "copied_rest": int(count > lanes and count % lanes > 0),
            "copied_last": (count - lanes) * size,
            "copied_elements": count if count < lanes else 0,
            "after": (before + count) * size,
            "vectors_after": ceil(after / lanes),
        }

    def _phases(self, before: int, count: int, width: int) -> tuple[Array, int]:
        """Return (place, elements) of each `step`-th element of x from each first one; a row's width."""
        step = self.phases
        each = ceil(width / step)
        first = np.arange(step)
        elements = np.maximum(0, -(-(count - first) // step))
        place = (before + first) % step * each + (before + first) // step
        return np.stack([place, elements], axis=1), each * step if step > 1 else width

    def _rows(self, outer: Sequence[Axis], batch: int) -> tuple[Array, Array]:
        """Return which rows that are reached lie in the padding, and where the others are in x."""
        outside, rows = [np.zeros(batch, bool)], [np.arange(batch) * self.x[0]]
        for axis, step in zip(outer, self.x[3:], strict=False):
            position = sources(np.arange(*axis.reach()), axis.i, self.border)
            outside.append(position < 0)
            rows.append(position * step)
        return grid(*outside) > 0, grid(*rows)

    def taps(
        self, axes: Sequence[Axis], channels: int, copied: dict[str, int], without: int | None = None
    ) -> Array:
        """Return the offset of each (channel, tap...) in the workspace; of one axis the first tap only."""
        *rest, columns = [
            abs(axis.dilation) * np.arange(axis.k)[:: 1 if axis.dilation > 0 else -1] for axis in axes
        ]
        if without is not None:
            rest[without] = np.zeros(1, int)
        phase, place = columns % self.phases, columns // self.phases
        columns = phase * (copied["row_pitch"] // self.phases) + place * self.itemsize
        pitches = self._pitches(axes, copied)[1:]
        steps = [each * pitch for each, pitch in zip(rest, pitches, strict=True)]
        return grid(np.arange(channels) * copied["channel_pitch"], *steps, columns)

    def rows(self, axes: Sequence[Axis], batch: int, copied: dict[str, int]) -> Array:
        """Return, for each row of outputs, its place in the workspace and in y."""
        pitches = self._pitches(axes, copied)
        outputs = [np.arange(axis.o) for axis in axes[:-1]]
        steps = [axis.stride * pitch for axis, pitch in zip(axes, pitches[1:], strict=False)]
        reads = [o * step for o, step in zip(outputs, steps, strict=True)]
        writes = [o * step for o, step in zip(outputs, self.y[3:], strict=False)]
        places = grid(np.arange(batch) * pitches[0], *reads), grid(np.arange(batch) * self.y[0], *writes)
        return np.stack(places, axis=1)

    @staticmethod
    def _pitches(axes: Sequence[Axis], copied: dict[str, int]) -> list[int]:
        """Return the distances in the workspace along n and every axis but the last."""
        pitches = [copied["row_pitch"]]
        for axis in reversed(axes[:-1]):
            pitches.insert(0, pitches[0] * (axis.reach()[1] - axis.reach()[0]))
        return pitches
