"""The parameters of calls that pack filters: packed[group][block of filters][channel, tap][filter].

`parameters` has those of the calls that read them.
"""

from collections.abc import Iterator
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.emitter import PACK_FIELDS
from mygrad.convolution.layout import Layout, Strides, grid, table
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.tile import Tile

__all__ = ["Packing"]

Array = np.ndarray[Any, Any]
LEAST_REACHED = 3  # taps, for which all that a vector reaches is transposed


class Packing:
    """The filters of a problem, which begin `first` bytes into w; they are packed from byte `start` on.

    `w` are strides of (group, filter, channel, k...), in bytes. Of a part of a problem, `end` is where the
    last element of all filters ends.
    """

    problem: ConvProblem
    tile: Tile
    layout: Layout
    w: Strides
    first: int
    start: int
    taps: int
    steps: list[int]
    sizes: list[int]
    blocks: int
    block_bytes: int
    w_end: int

    def __init__(
        self,
        problem: ConvProblem,
        tile: Tile,
        layout: Layout,
        w: Strides,
        first: int,
        start: int,
        end: int | None = None,
    ) -> None:
        self.problem, self.tile, self.layout = problem, tile, layout
        self.w, self.first, self.start = w, first, start
        self.taps = problem.channels * prod(axis.k for axis in problem.axes)
        self.steps = self._order(list(w[2:]))
        """Strides of the filters along (channels, taps...), in the order in which they are packed."""
        self.sizes = self._order([problem.channels, *(axis.k for axis in problem.axes)])
        if tile.row_taps > 1 and problem.axes[-2].dilation < 0:  # the rows of x are met from their end
            self.first += (tile.row_taps - 1) * self.steps[-1]
            self.steps[-1] = -self.steps[-1]
        self.blocks = ceil(problem.filters / tile.width)
        self.block_bytes = self.taps * tile.width * tile.itemsize
        self.w_end = self._end() if end is None else end

    @property
    def end(self) -> int:
        return self.start + self.problem.groups * self.blocks * self.block_bytes

    def place(self, group: int, block: int, before: int) -> int:
        """Return where the filters of a block are, without those of the taps `before`."""
        line = self.tile.width * self.tile.itemsize
        return self.start + (group * self.blocks + block) * self.block_bytes + before * line

    def _order(self, each: list[int]) -> list[int]:
        """Put the taps that belong to the tile last."""
        return [*each[:-2], each[-1], each[-2]] if self.tile.row_taps > 1 else each

    def calls(self) -> Array:
        """Return the parameters, a row for each call."""
        every = list(product(range(self.problem.groups), range(self.blocks)))
        return self.calls_of(every, max(1, 8 // len(every)))

    def calls_of(self, every: list[tuple[int, int]], cuts: int = 1) -> Array:
        """Return those of some (group, block), each in so many cuts at most."""
        offsets, run_taps = self._runs()
        rows = []
        for group, block in every:
            before = 0
            for cut in np.array_split(offsets, min(len(offsets), cuts)):
                for some, safe in self._safe(group, block, cut, run_taps):
                    rows.append(self._call(group, block, some, run_taps, before, safe))
                    before += len(some) * run_taps
        return table(rows, PACK_FIELDS)

    def _runs(self) -> tuple[Array, int]:
        """Return where taps begin that follow each other at one distance, and how many they are."""
        sizes, strides = self.sizes, self.steps
        first = len(sizes) - 1
        while first and strides[first - 1] == sizes[first] * strides[first]:
            first -= 1
        starts = [np.arange(n) * step for n, step in zip(sizes[:first], strides, strict=False)]
        return grid(*starts), prod(sizes[first:])

    def _safe(self, group: int, block: int, starts: Array, run_taps: int) -> Iterator[tuple[Array, bool]]:
        """Cut off the last run if whole vectors of its taps would be read past the end of w."""
        tile, tap = self.tile, self.steps[-1]
        reached = max(0, (run_taps - 1) * tap) + tile.vector_bytes
        ends = self._offset(group, block) + starts + (tile.width - 1) * self.w[1] + reached
        safe = ends <= self.w_end
        last = len(starts) - (not safe[-1])
        if last:
            yield starts[:last], bool(safe[:last].all())
        if last < len(starts):
            yield starts[last:], False

    def _end(self) -> int:
        """Return where the last element ends that is sure to be in w."""
        sizes, steps = (self.problem.groups, self.problem.filters, *self.sizes), (*self.w[:2], *self.steps)
        lasts = (max(0, (size - 1) * step) for size, step in zip(sizes, steps, strict=True))
        return self.first + sum(lasts) + self.tile.itemsize

    def _offset(self, group: int, block: int) -> int:
        return self.first + group * self.w[0] + block * self.tile.width * self.w[1]

    def _ways(self, run_taps: int, *, whole: bool, safe: bool) -> dict[str, int]:
        """Say how the taps of a run are packed: `alone` are those that are left.

        A square has neighbours in their order. A part has what a vector reaches of taps that are a few
        elements apart, in either order.
        """
        tile, tap = self.tile, self.steps[-1]
        line, apart = tile.width * tile.itemsize, max(1, abs(tap) // tile.itemsize)
        reached = (tile.lanes - 1) // apart + 1
        lines = run_taps * (whole and self.w[1] == tile.itemsize)
        squares = (run_taps - lines) // tile.lanes * (whole and tap == tile.itemsize)
        left = run_taps - lines - squares * tile.lanes
        parts = ceil(left / reached) * (whole and safe and min(left, reached) >= LEAST_REACHED)
        return {
            "lines": lines,
            "squares": squares,
            "parts": parts,
            "alone": left * (parts == 0),
            "part_taps": reached,
            "part_low": min(tap, 0),
            "part_begin": apart * line if tap < 0 else 0,
            "part_step": (apart if tap > 0 else -apart) * line,
        }

    def _call(
        self, group: int, block: int, starts: Array, run_taps: int, before: int, safe: bool
    ) -> dict[str, int]:
        tile = self.tile
        filters = min(tile.width, self.problem.filters - block * tile.width)
        whole = not tile.by_position and filters == tile.width
        return {
            **self._ways(run_taps, whole=whole, safe=safe and self.w[1] > 0),
            "w_offset": self._offset(group, block),
            "packed_offset": self.place(group, block, before),
            "runs": len(starts),
            "run_offsets": self.layout.keep(starts),
            "run_taps": run_taps,
            "tap": self.steps[-1],
            "filter": self.w[1],
            "filters": filters,
        }
