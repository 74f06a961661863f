"""The parameters of kernel calls for one problem, arrays of given strides, and a schedule.

A call packs some filters (`packing`), or sums a block of outputs over a chunk of taps. Everything that
depends only on sizes is computed here, once; a call then needs nothing but the addresses of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from mygrad.convolution.emitter import BLOCK_FIELDS, PACK_FIELDS
from mygrad.convolution.layout import LINE, Layout, Strides, table
from mygrad.convolution.packing import Packing
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import Range, Schedule, met, part_products

__all__ = ["Origin", "Parameters", "Ways"]

Array = np.ndarray[Any, Any]
Axes = tuple[Axis, ...]


@dataclass(frozen=True)
class Ways:
    """Phases of the last axis whose results lie side by side in y.

    `each` has the axis and the place of the first filter, in bytes, of every one; `step` is the distance of
    their taps, `row` the bytes of a row of y. The problem's own last axis reaches what all of them do.
    """

    each: tuple[tuple[Axis, int], ...]
    step: int
    row: int


class Origin(NamedTuple):
    """Where w and y begin in the arrays of these names, and packed filters in the workspace, in bytes."""

    w: int = 0
    y: int = 0
    packed: int = 0


START = Origin()
NO_OWN = {"own_packs": 0, "own_table": 0, "own_offset": 0}


class Parameters:
    """The calls for arrays of given strides, in bytes.

    x is (batch, group, channel, i...), w (group, filter, channel, k...), y (batch, group, filter, o...).
    With `ways` there is a set of filters for each.
    """

    problem: ConvProblem
    plan: Schedule
    tile: Any
    y: Strides
    y_start: int
    layout: Layout
    own_axis: int | None
    sums_bytes: int
    own_bytes: int
    work_bytes: int
    origin: Origin
    filter_blocks: int
    ways: Ways | None
    packings: list[Packing]
    packs: Array
    tasks: list[Array]
    packed_end: int

    def __init__(
        self,
        problem: ConvProblem,
        plan: Schedule,
        x: Strides,
        w: Strides,
        y: Strides,
        ways: Ways | None = None,
        origin: Origin = START,
    ) -> None:
        self.problem, self.plan, self.tile, self.ways = problem, plan, plan.tile, ways
        self.y, self.y_start = y, origin.y
        self.layout = Layout(self.tile, self.tile.phases, x, y, problem.border)
        self.known: dict[Any, dict[str, int]] = {}
        self.own_axis = len(problem.axes) - 2 if self.tile.row_taps > 1 else None
        """The axis whose taps belong to the tile, if any."""
        self.sums_bytes = 0
        self.packings, end = [], origin.packed
        for axis, first in ways.each if ways else ((problem.axes[-1], 0),):
            own = replace(problem, axes=(*problem.axes[:-1], axis))
            steps = (*w[:-1], ways.step) if ways else w
            self.packings.append(Packing(own, self.tile, self.layout, steps, origin.w + first, end))
            end = self.packings[-1].end
        self.filter_blocks, self.packed_end = self.packings[0].blocks, end
        self.origin, self.own_bytes = origin, 0
        if plan.packs_own:
            self.packs, self.packed_end = np.zeros((0, len(PACK_FIELDS)), np.int64), origin.packed
        else:
            self.packs = np.concatenate([each.calls() for each in self.packings if each.taps])
        self.tasks = self._tasks()
        copied = -(-self.layout.copied_bytes // LINE) * LINE  # what a task packs follows what it copies
        for task in self.tasks:
            task[:, BLOCK_FIELDS.index("own_offset")] = copied
        self.work_bytes = copied + self.own_bytes

    # -- blocks: a task is the calls that share sums, one for each chunk of taps

    def _tasks(self) -> list[Array]:
        parts = np.array_split(np.arange(self.filter_blocks), self.plan.filter_parts)
        filters = [(int(part[0]), int(part[-1]) + 1) for part in parts]
        return [
            table([self._call(group, block, part, n) for n in range(len(self.plan.chunks))], BLOCK_FIELDS)
            for group, block, part in product(range(self.problem.groups), self.plan.blocks, filters)
        ]

    def _call(self, group: int, block: tuple[Range, ...], part: Range, chunk: int) -> dict[str, int]:
        """Return the parameters of some outputs of some filters, from some channels and taps."""
        batch, *outputs = block
        channels, *taps = self.plan.chunks[chunk]
        axes = [
            replace(axis.part(*o), k=k[1] - k[0], before=axis.part(*o).before - axis.dilation * k[0])
            for axis, o, k in zip(self.problem.axes, outputs, taps, strict=True)
        ]
        fields = dict(self._geometry(tuple(axes), batch[1] - batch[0], channels[1] - channels[0]))
        x = self.layout.x
        fields["source_offset"] += batch[0] * x[0] + group * x[1] + channels[0] * x[2]
        sizes = self.problem.channels, *(axis.k for axis in self.problem.axes)
        before = int(np.ravel_multi_index([channels[0], *(k[0] for k in taps)], sizes))
        fields |= self._filtering(group, part, before)
        starts = zip((group, part[0] * self.tile.width, *(o[0] for o in outputs)), self.y[1:], strict=True)
        fields["y_offset"] = self.y_start + batch[0] * self.y[0] + sum(start * step for start, step in starts)
        fields["y_row"] = 0
        if self.ways:
            fields["y_row"] = self.ways.row - outputs[-1][0] * self.y[-1]
            fields["taps"] = self._ways(tuple(axes), self.ways, block[-1], channels, fields, (group, part[0]))
        last = len(self.plan.chunks) - 1
        fields |= {"add_sums": int(chunk > 0), "keep_sums": int(chunk < last), "sums_offset": 0}
        fields |= self._own(group, part, chunk) if self.plan.packs_own else NO_OWN
        if last:
            tiles = fields["row_tiles"] * fields["column_tiles"] * fields["filter_blocks"] * self.tile.ways
            self.sums_bytes = max(self.sums_bytes, tiles * self.tile.bytes)
        return fields

    def _own(self, group: int, part: Range, chunk: int) -> dict[str, int]:
        """Say how a task packs its filters of a chunk."""
        channels, *taps = self.plan.chunks[chunk]
        axes = tuple(replace(axis, k=b - a) for axis, (a, b) in zip(self.problem.axes, taps, strict=True))
        some = replace(self.problem, channels=channels[1] - channels[0], axes=axes)
        starts = zip((channels[0], *(a for a, _ in taps)), self.packings[0].w[2:], strict=True)
        first = self.origin.w + sum(start * step for start, step in starts)
        whole = self.packings[0]
        packing = Packing(some, self.tile, self.layout, whole.w, first, 0, whole.w_end)
        packing.start = -packing.place(group, part[0], 0)
        calls = packing.calls_of([(group, block) for block in range(*part)])
        self.own_bytes = max(self.own_bytes, (part[1] - part[0]) * packing.block_bytes)
        return {
            "packed_block": packing.block_bytes,
            "own_packs": len(calls),
            "own_table": self.layout.keep(calls),
            "own_offset": 0,
        }

    def _ways(
        self,
        axes: Axes,
        ways: Ways,
        outputs: Range,
        channels: Range,
        copied: dict[str, int],
        block: tuple[int, int],
    ) -> int:
        """Return the table of ways: where their taps are, in what was copied for all, and their filters."""
        *rest, hull = axes
        rows = []
        for (axis, _), packing in zip(ways.each, self.packings, strict=True):
            own = axis.part(*outputs)
            offsets = self.layout.taps((*rest, own), channels[1] - channels[0], copied, self.own_axis)
            offsets = offsets + (own.reach()[0] - hull.reach()[0]) * self.tile.itemsize
            before = channels[0] * packing.taps // self.problem.channels
            place = packing.place(*block, before)
            rows.append((*self._list(offsets, np.arange(len(offsets))), place, packing.block_bytes))
        return self.layout.keep(np.array(rows))

    def _geometry(self, axes: tuple[Axis, ...], batch: int, channels: int) -> dict[str, int]:
        """Say what is copied and read: the same for all groups, samples, channels and filters."""
        key = axes, batch, channels
        if key not in self.known:
            copied = self.layout.copying(axes, batch, channels)
            self.known[key] = copied | self._reading(axes, batch, channels, copied)
        return self.known[key]

    def _filtering(self, group: int, part: Range, before: int) -> dict[str, int]:
        """Say where the packed filters of a block are, and how many stay in the cache."""
        tile, count = self.tile, part[1] - part[0]
        together = min(self.plan.group_blocks, count)
        packing = self.packings[0]
        return {
            "packed_offset": 0 if self.ways else packing.place(group, part[0], before),
            "packed_block": packing.block_bytes,
            "filter_blocks": count,
            "group_blocks": together,
            "filter_groups": ceil(count / together),
            "y_filter": self.y[2],
            "filters": self.problem.filters - part[0] * tile.width,
        }

    def _reading(
        self, axes: Sequence[Axis], batch: int, channels: int, copied: dict[str, int]
    ) -> dict[str, int]:
        """Say where the taps and the rows of outputs are."""
        offsets = self.layout.taps(axes, channels, copied, self.own_axis)
        rows, columns = self.layout.rows(axes, batch, copied), axes[-1].o
        tiles = self._row_tiles(len(rows), axes)
        return {
            "taps": 0 if self.ways else self.layout.keep(self._lists(axes, channels, offsets, tiles)),
            "row_tiles": len(tiles),
            "rows": self.layout.keep(rows[tiles.ravel()]),
            "column_tiles": ceil(columns / self.tile.columns),
            "last_column": (columns - self.tile.columns) * self.tile.itemsize,
        }

    def _row_tiles(self, count: int, axes: Sequence[Axis]) -> Array:
        """Return the rows of each tile; the last one of neighbours has some again, so that it is whole."""
        rows = self.tile.rows
        if self.tile.row_taps == 1:
            return np.minimum(np.arange(ceil(count / rows) * rows), count - 1).reshape(-1, rows)
        size = axes[-2].o
        starts = np.minimum(np.arange(0, size, rows), size - rows)
        first = np.arange(0, count, size)[:, None, None] + starts[:, None]
        return (first + np.arange(rows)).reshape(-1, rows)

    # -- taps: of each tile of rows, those that meet x

    def _list(self, offsets: Array, own: Array) -> tuple[int, int, int]:
        """Keep the places of some taps, in x and among packed filters; return what a table has of them.

        Parts end at the same taps whichever are left out: what rows meet together rounds as each alone does.
        """
        places = np.stack([offsets[own], own * self.tile.line_bytes], axis=1)
        part = max(1, part_products(self.problem) // self.tile.row_taps)
        bounds = np.searchsorted(own, np.arange(0, max(1, len(offsets)) + part, part))
        keep = self.layout.keep
        return keep(places, np.int32), keep(bounds, np.int32), len(bounds) - 1

    def _lists(self, axes: Sequence[Axis], channels: int, offsets: Array, tiles: Array) -> Array:
        """Return the taps of each tile of rows: those that meet x along all axes but the last.

        Where that saves little, all tiles have all taps.
        """
        number = np.arange(len(offsets))
        if self.own_axis is not None or met(self.problem) == 1:
            return np.repeat([self._list(offsets, number)], len(tiles), axis=0)
        number = number.reshape(channels, *(axis.k for axis in axes))
        ends, before = [], tiles
        for axis in reversed(axes[:-1]):
            before, outputs = np.divmod(before, axis.o)
            ends.insert(0, _met(axis, outputs))
        ranges, which = np.unique(np.stack(ends, axis=1), axis=0, return_inverse=True)
        found = []
        for each in ranges:
            own = number[(slice(None), *(slice(*some) for some in each))].ravel()
            found.append(self._list(offsets, own))
        return np.array(found)[which.ravel()]


def _met(axis: Axis, outputs: Array) -> Array:
    """Return the first tap with which one of some outputs meets x, and one past the last; a row for each."""
    first, last = axis.met(outputs)
    some = first < last
    first = np.where(some, first, axis.k).min(axis=1)
    return np.stack([first, np.where(some, last, first[:, None]).max(axis=1)], axis=1)
