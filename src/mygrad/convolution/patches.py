"""Where the columns of panels are in x and in y: tables for the kernels of `panel_kernels`.

A panel is some outputs of all samples, one after the other. What a tap meets is a piece of x for each row of
outputs that the panel has a part of:

    outputs   | row 0 . . . . | row 1 . . . . | row 2 ...        a panel of 8 columns, from the third on
    panel             |x x x x x x x x|
    tap t              piece 0   piece 1                         zeros where a piece ends before its row does
"""

from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.group_layout import Kept
from mygrad.convolution.layout import Strides, grid
from mygrad.convolution.panel_kernels import PatchTile
from mygrad.convolution.problem import ConvProblem

__all__ = ["Patches"]

Array = np.ndarray[Any, Any]


class Patches:
    """The tables of the panels of `samples` samples; the last panel begins earlier, where it is whole.

    `x` and `y` are strides of (batch, group, channel, positions...), in bytes; positions of y are contiguous.
    """

    problem: ConvProblem
    tile: PatchTile
    samples: int
    x: Strides
    y: Strides
    keep: Kept
    taps: int
    first: Array
    pieces: int
    patches: int
    results: int
    result_parts: int

    def __init__(
        self, problem: ConvProblem, tile: PatchTile, samples: int, x: Strides, y: Strides, keep: Kept
    ) -> None:
        self.problem, self.tile, self.samples = problem, tile, samples
        self.x, self.y, self.keep = x, y, keep
        self.taps = prod(axis.k for axis in problem.axes)
        columns = samples * prod(axis.o for axis in problem.axes)
        starts = np.arange(ceil(columns / tile.columns)) * tile.columns
        self.first = np.minimum(starts, columns - tile.columns)
        whole = self._patches()
        self._results(columns // samples, *whole)

    def _parts(self, width: int) -> tuple[Array, Array, Array]:
        """Return the runs of `width` outputs that panels have parts of, and where the parts begin and end."""
        begin, end = self.first[:, None], self.first[:, None] + self.tile.columns
        most = ((end - 1) // width - begin // width).max() + 1
        runs = begin // width + np.arange(most)
        return runs, np.maximum(begin, runs * width), np.minimum(end, runs * width + width)

    def _patches(self) -> tuple[Array, Array]:
        """Keep what each tap meets; return which panels are whole for all taps, and where they begin in x."""
        tile, width = self.tile, self.problem.axes[-1].o
        rows, low, high = self._parts(width)
        count, offset, before = self._pieces(rows, low - rows * width, high - rows * width)
        start = (low - self.first[:, None])[:, None] + before
        some = count > 0
        length = count[some]
        vectors = (length - (tile.step > 1)) // tile.lanes
        each = offset[some], start[some] * tile.itemsize, vectors, length - vectors * tile.lanes
        self.pieces = self.keep(np.stack(each, axis=1))
        many, covered = some.sum(axis=2), np.where(some, count, 0).sum(axis=2)
        whole, zeros = count.max(axis=2) == tile.columns, np.where(covered == tile.columns, 0, tile.vectors)
        earlier, first = np.cumsum(many).reshape(many.shape) - many, np.where(some, offset, 0).max(axis=2)
        self.patches = self.keep(np.stack([whole, first, earlier, many, zeros], axis=2))
        return whole.all(axis=1) & (tile.step == 1), first[:, 0]

    def _pieces(self, rows: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return for each (panel, tap, row): the columns that meet x, where in x, and how many are before.

        The panel has outputs `low` to `high` of the row.
        """
        *outer, last = self.problem.axes
        *taps, columns = np.unravel_index(np.arange(self.taps), [axis.k for axis in self.problem.axes])
        shape = (self.samples, *(axis.o for axis in outer))
        sample, *outputs = np.unravel_index(np.minimum(rows, prod(shape) - 1), shape)
        inside, offset = low[:, None] < high[:, None], (sample * self.x[0])[:, None]
        for axis, o, k, step in zip(outer, outputs, taps, self.x[3:], strict=False):
            position = axis.stride * o[:, None] + (axis.dilation * k - axis.before)[:, None]
            inside, offset = inside & (position >= 0) & (position < axis.i), offset + position * step
        shift = (last.dilation * columns - last.before)[:, None]
        begin = np.maximum(low[:, None], -(shift // last.stride))
        end = np.minimum(high[:, None], (last.i - 1 - shift) // last.stride + 1)
        offset = offset + (last.stride * begin + shift) * self.x[-1]
        return np.where(inside, end - begin, 0), offset, begin - low[:, None]

    def _results(self, width: int, whole: Array, start: Array) -> None:
        """Keep where panels go in y, which has `width` outputs of each sample one after the other."""
        samples, low, high = self._parts(width)
        some = low < high
        offset = samples * self.y[0] + (low - samples * width) * self.y[-1]
        place = (low - self.first[:, None]) * self.y[-1]
        parts = np.stack([offset[some], place[some], (high - low)[some] * self.y[-1]], axis=1)
        self.result_parts, many = self.keep(parts), some.sum(axis=1)
        fields = many == 1, offset[:, 0], np.cumsum(many) - many, many, whole, start
        self.results = self.keep(np.stack(fields, axis=1))

    def shifts(self, channels: int) -> int:
        """Keep how far in x each (channel, tap) is from the first one, where all of them are inside."""
        steps = [
            axis.dilation * np.arange(axis.k) * step
            for axis, step in zip(self.problem.axes, self.x[3:], strict=True)
        ]
        return self.keep(grid(np.arange(channels) * self.x[2], *steps))
