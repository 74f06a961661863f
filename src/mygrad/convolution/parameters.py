"""The parameters of kernel calls for one problem, arrays of given strides, and a schedule.

A call packs some filters, or sums a block of outputs over a chunk of taps. Everything that depends only on
sizes is computed here, once; a call then needs nothing but the addresses of the data.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.emitter import BLOCK_FIELDS, PACK_FIELDS
from mygrad.convolution.layout import Layout, Strides, grid, table
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import Range, Schedule, part_products

__all__ = ["Parameters"]

Array = np.ndarray[Any, Any]


class Parameters:
    """The calls for arrays of given strides, in bytes.

    x is (batch, group, channel, i...), w (group, filter, channel, k...), y (batch, group, filter, o...).
    """

    problem: ConvProblem
    plan: Schedule
    tile: Any
    x: Strides
    w: Strides
    y: Strides
    layout: Layout
    own_axis: int | None
    sums_bytes: int
    taps: int
    steps: list[int]
    w_start: int
    filter_blocks: int
    packed_block: int
    packs: Array
    tasks: list[Array]
    packed_bytes: int

    def __init__(self, problem: ConvProblem, plan: Schedule, x: Strides, w: Strides, y: Strides) -> None:
        self.problem, self.plan, self.tile = problem, plan, plan.tile
        self.x, self.w, self.y = x, w, y
        self.layout = Layout(self.tile, self.tile.phases, x, y, problem.border)
        self.known: dict[Any, dict[str, int]] = {}
        self.own_axis = len(problem.axes) - 2 if self.tile.row_taps > 1 else None
        """The axis whose taps belong to the tile, if any."""
        self.sums_bytes = 0
        self.taps = problem.channels * prod(axis.k for axis in problem.axes)
        self.steps = self.order(list(self.w[2:]))
        """Strides of the filters along (channels, taps...), in the order in which they are packed."""
        self.w_start = 0
        if self.tile.row_taps > 1 and problem.axes[-2].dilation < 0:  # the rows of x are met from their end
            self.w_start = (self.tile.row_taps - 1) * self.steps[-1]
            self.steps[-1] = -self.steps[-1]
        self.filter_blocks = ceil(problem.filters / self.tile.width)
        self.packed_block = self.taps * self.tile.width * self.tile.itemsize
        self.packs, self.tasks = self._packs(), self._tasks()
        self.packed_bytes = problem.groups * self.filter_blocks * self.packed_block

    def order(self, each: list[int]) -> list[int]:
        """Put the taps that belong to the tile last."""
        return [*each[:-2], each[-1], each[-2]] if self.tile.row_taps > 1 else each

    # -- filters: packed[group][block of filters][channel, tap][filter]

    def _packs(self) -> Array:
        offsets, run_taps = self._runs()
        calls = self.problem.groups * self.filter_blocks
        cuts = np.array_split(offsets, max(1, min(len(offsets), 8 // calls)))
        rows = []
        for group, block in product(range(self.problem.groups), range(self.filter_blocks)):
            before = 0
            for cut in cuts:
                rows.append(self._pack(group, block, cut, run_taps, before))
                before += len(cut) * run_taps
        return table(rows, PACK_FIELDS)

    def _runs(self) -> tuple[Array, int]:
        """Return where taps begin that follow each other at one distance, and how many they are."""
        sizes, strides = self.order([self.problem.channels, *(a.k for a in self.problem.axes)]), self.steps
        first = len(sizes) - 1
        while first and strides[first - 1] == sizes[first] * strides[first]:
            first -= 1
        starts = [np.arange(n) * step for n, step in zip(sizes[:first], strides, strict=False)]
        return grid(*starts), prod(sizes[first:])

    def _pack(self, group: int, block: int, starts: Array, run_taps: int, before: int) -> dict[str, int]:
        tile = self.tile
        filters = min(tile.width, self.problem.filters - block * tile.width)
        whole = not tile.by_position and self.steps[-1] == tile.itemsize and filters == tile.width
        packed = (group * self.filter_blocks + block) * self.packed_block
        return {
            "w_offset": self.w_start + group * self.w[0] + block * tile.width * self.w[1],
            "packed_offset": packed + before * tile.width * tile.itemsize,
            "runs": len(starts),
            "run_offsets": self.layout.keep(starts),
            "run_taps": run_taps,
            "vector_taps": run_taps // tile.lanes if whole else 0,
            "tap": self.steps[-1],
            "filter": self.w[1],
            "filters": filters,
        }

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
        fields["source_offset"] += batch[0] * self.x[0] + group * self.x[1] + channels[0] * self.x[2]
        sizes = self.problem.channels, *(axis.k for axis in self.problem.axes)
        before = int(np.ravel_multi_index([channels[0], *(k[0] for k in taps)], sizes))
        fields |= self._filtering(group, part, before)
        starts = zip((group, part[0] * self.tile.width, *(o[0] for o in outputs)), self.y[1:], strict=True)
        fields["y_offset"] = batch[0] * self.y[0] + sum(start * step for start, step in starts)
        last = len(self.plan.chunks) - 1
        fields |= {"add_sums": int(chunk > 0), "keep_sums": int(chunk < last), "sums_offset": 0}
        if last:
            tiles = fields["row_tiles"] * fields["column_tiles"] * fields["filter_blocks"]
            self.sums_bytes = max(self.sums_bytes, tiles * self.tile.bytes)
        return fields

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
        first = (group * self.filter_blocks + part[0]) * self.packed_block
        together = min(self.plan.group_blocks, count)
        return {
            "packed_offset": first + before * tile.width * tile.itemsize,
            "packed_block": self.packed_block,
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
        rows, columns = self._row_tiles(self.layout.rows(axes, batch, copied), axes), axes[-1].o
        return {
            "taps": len(offsets),
            "part_taps": max(1, part_products(self.problem) // self.tile.row_taps),
            "offsets": self.layout.keep(offsets, np.int32),
            "row_tiles": len(rows) // self.tile.rows,
            "rows": self.layout.keep(rows),
            "column_tiles": ceil(columns / self.tile.columns),
            "last_column": (columns - self.tile.columns) * self.tile.itemsize,
        }

    def _row_tiles(self, rows: Array, axes: Sequence[Axis]) -> Array:
        """Return the rows of each tile; the last tile of neighbours has some again, so that it is whole."""
        count = self.tile.rows
        if self.tile.row_taps == 1:
            return rows[np.minimum(np.arange(ceil(len(rows) / count) * count), len(rows) - 1)]
        size = axes[-2].o
        starts = np.minimum(np.arange(0, size, count), size - count)
        first = np.arange(0, len(rows), size)[:, None, None] + starts[:, None]
        return rows[(first + np.arange(count)).ravel()]
