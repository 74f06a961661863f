"""A convolution as one product of matrices: filters, as they lie, times patches of x.

The matrix of patches is never whole: panels of it, as wide as a register tile, are copied into the cache, where
all filters meet them. Columns are outputs of all samples, one after the other, whatever the number of axes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.group_layout import Kept
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, apart, exchanged, grid, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.panel_kernels import PANEL, PANEL_FIELDS, PATCH, PatchTile
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import ALONE, CALL, FEW_PRODUCTS, ISSUE, LATENCY, Range, cut, part_products

__all__ = ["MOVED", "SECOND", "applies", "convolve", "cycles", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
MOST_STEP = 4
DEPTH = 1024  # products of one chunk
ALONE_PANELS = 16  # so many fill a sample: then a panel has columns of one sample only
MOST_ENTRIES = 1 << 20
MOST_VECTORS, MOST_FILTERS = 6, 12
FINISH, STORED = 40, 2.5  # cycles of a tile, of a vector of its sums
SECOND = 24  # bytes of a cycle from the second cache
MOVED, PACKED = 0.1, 2  # cycles of a byte of x and y, of a packed filter
COPY, COPIED, PIECE = 8, 2, 18  # cycles of a row of a panel, of a vector of it, of one of several pieces


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether panels can be copied, with tables that are not too large; of a problem with ``up == 1``."""
    last, taps = problem.axes[-1], prod(axis.k for axis in problem.axes)
    few = min(problem.batch, _joined(problem, 64)) * prod(axis.o for axis in problem.axes) * taps
    return last.stride <= MOST_STEP and taps <= DEPTH and few <= MOST_ENTRIES and _best(problem, itemsize) is not None


def _joined(problem: ConvProblem, columns: int) -> int:
    """Return how many samples share panels: all of them, where they are small."""
    return 1 if prod(axis.o for axis in problem.axes) >= ALONE_PANELS * columns else problem.batch


def _tiles(problem: ConvProblem, itemsize: int, machine: Machine, packed: bool) -> Iterator[PatchTile]:
    lanes, step = machine.isa.bits // itemsize // 8, problem.axes[-1].stride
    outputs = prod(axis.o for axis in problem.axes)
    for vectors in range(1, MOST_VECTORS + 1):
        if lanes * vectors > _joined(problem, lanes * vectors) * outputs:
            return
        most = min((machine.isa.registers - 2 - vectors) // vectors, problem.filters, MOST_FILTERS)
        for filters in range(1, most + 1):
            yield PatchTile(itemsize, lanes, vectors, filters, packed, step)


def _panels(problem: ConvProblem, tile: PatchTile) -> int:
    joined = _joined(problem, tile.columns)
    return problem.batch // joined * ceil(joined * prod(axis.o for axis in problem.axes) / tile.columns)


def _tile_cycles(problem: ConvProblem, tile: PatchTile, machine: Machine) -> float:
    """Predict the cycles of one group on one core."""
    unit = machine.cycles(tile.vector_bytes * 8)
    loads = machine.crossing * tile.vectors + tile.rows
    issued = (tile.sums + tile.vectors + tile.rows + 6) / ISSUE
    turn = max(tile.sums * unit, loads * unit, issued, LATENCY, tile.line / SECOND)
    panels = _panels(problem, tile)
    depth = problem.channels * prod(axis.k for axis in problem.axes)
    tiles = ceil(problem.filters / tile.rows) * panels
    pieces = tile.columns / problem.axes[-1].o if len(problem.axes) > 1 or problem.axes[-1].k > 1 else 0
    copied = COPY + COPIED * tile.vectors * tile.step + PIECE * pieces
    moved = tile.itemsize * (prod(problem.x_shape) + prod(problem.y_shape)) / problem.groups
    packed = PACKED * problem.filters * depth if tile.packed else 0
    return tiles * (depth * turn + FINISH + STORED * tile.sums) + panels * depth * copied + MOVED * moved + packed


@lru_cache(maxsize=4096)
def _best(problem: ConvProblem, itemsize: int, packed: bool = False) -> tuple[float, PatchTile] | None:
    machine = this_machine()
    found = ((_tile_cycles(problem, tile, machine), tile) for tile in _tiles(problem, itemsize, machine, packed))
    return min(found, key=lambda each: each[0], default=None)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    found = _best(problem.merged(), itemsize)
    assert found is not None
    return problem.groups * found[0] + 2 * CALL


@dataclass(frozen=True)
class Block:
    """Some panels of some samples, and a part of the filters."""

    sample: int
    group: int
    panels: Range
    filters: Range


class Calls:
    """The calls of a problem whose arrays x and y are contiguous; `w` are strides of (group, filter, channel, k...)."""

    def __init__(self, problem: ConvProblem, tile: PatchTile, w: Strides, workers: int) -> None:
        self.problem, self.tile, self.w, self.keep = problem, tile, w, Kept()
        self.x, _, self.y = strides_of(problem, tile.itemsize)
        self.samples = _joined(problem, tile.columns)
        self.taps = prod(axis.k for axis in problem.axes)
        self.columns = self.samples * prod(axis.o for axis in problem.axes)
        count = ceil(self.columns / tile.columns)
        self.first = np.minimum(np.arange(count) * tile.columns, self.columns - tile.columns)
        self.chunks = cut(problem.channels, ceil(problem.channels * self.taps / DEPTH))
        self.depth = max(b - a for a, b in self.chunks) * self.taps
        self._patches()
        self.results = self._results()
        self.blocks = self._blocks(workers)
        self.sums_bytes = self.copied_bytes = self.packed_bytes = 0
        self.packs = self._packs(workers)
        self.tasks = self._tasks()

    # -- where the columns of each panel are, for every tap

    def _patches(self) -> None:
        """Say what each tap meets: one piece for each row of outputs that a panel has a part of."""
        problem, tile, width = self.problem, self.tile, self.problem.axes[-1].o
        begin, end = self.first, self.first + tile.columns
        rows = begin[:, None] // width + np.arange(((end - 1) // width - begin // width).max() + 1)
        low, high = np.maximum(begin[:, None], rows * width), np.minimum(end[:, None], rows * width + width)
        place, outputs = low - begin[:, None], (low - rows * width, high - rows * width)
        count, offset, shift = self._pieces(rows, *outputs)
        start = place[:, None] + shift
        panel, tap, row = np.nonzero(count > 0)
        some = count[panel, tap, row]
        vectors = (some - (tile.step > 1)) // tile.lanes
        pieces = offset[panel, tap, row], start[panel, tap, row] * tile.itemsize, vectors, some - vectors * tile.lanes
        self.pieces = self.keep(np.stack(pieces, axis=1))
        many = (count > 0).sum(axis=2)
        whole = count.max(axis=2) == tile.columns
        zeros = np.where(np.maximum(count, 0).sum(axis=2) == tile.columns, 0, tile.vectors)
        before, first = np.cumsum(many.ravel()).reshape(many.shape) - many, offset.max(axis=2, initial=0, where=count > 0)
        self.patches = self.keep(np.stack([whole, first, before, many, zeros], axis=2))
        self.found = whole.all(axis=1) & (tile.step == 1), first[:, 0]

    def _pieces(self, rows: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return the columns of each (panel, tap, row) that meet x, where they are in x, and those before them.

        Outputs from `low` to `high` of each of the `rows` are in a panel, (panel, row).
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

    def _shifts(self, channels: int) -> int:
        """Keep how far apart in x what is multiplied is from the first of it, where all of it is inside."""
        steps = [axis.dilation * np.arange(axis.k) * step for axis, step in zip(self.problem.axes, self.x[3:], strict=True)]
        return self.keep(grid(np.arange(channels) * self.x[2], *steps), np.int32)

    def _results(self) -> tuple[int, int]:
        """Return tables of where the columns of each panel go in y."""
        size, width = self.tile.itemsize, self.columns // self.samples
        sample, place = np.divmod(self.first, width)
        last = (self.first + self.tile.columns - 1) // width
        rows, parts = [], []
        for panel, start in enumerate(self.first):
            rows.append((sample[panel] == last[panel], sample[panel] * self.y[0] + place[panel] * size, len(parts), last[panel] - sample[panel] + 1, *(each[panel] for each in self.found)))
            for n in range(sample[panel], last[panel] + 1):
                begin, end = max(start, n * width), min(start + self.tile.columns, (n + 1) * width)
                parts.append((n * self.y[0] + (begin - n * width) * size, (begin - start) * size, (end - begin) * size))
        return self.keep(np.array(rows)), self.keep(np.array(parts))

    # -- tasks

    def _blocks(self, workers: int) -> list[Block]:
        problem, count = self.problem, len(self.first)
        room = this_machine().l2 // 2 // (self.depth * self.tile.line)
        each = max(1, min(room, count))
        times = problem.batch // self.samples * problem.groups
        wanted = 4 * workers if problem.products > FEW_PRODUCTS else 1
        each = min(each, max(1, times * count // wanted))
        panels = cut(count, ceil(count / each))
        tiles = ceil(problem.filters / self.tile.rows)
        parts = cut(tiles, ceil(wanted / (times * len(panels))))
        return [
            Block(sample, group, some, part)
            for sample, group, some, part in product(
                range(0, problem.batch, self.samples), range(problem.groups), panels, parts
            )
        ]

    def _tasks(self) -> list[Array]:
        count = range(len(self.chunks))
        return [table([self._call(block, chunk) for chunk in count], PANEL_FIELDS) for block in self.blocks]

    def _call(self, block: Block, chunk: int) -> dict[str, int]:
        tile, (start, stop) = self.tile, self.chunks[chunk]
        first = block.filters[0] * tile.rows
        last = min(block.filters[1] * tile.rows, self.problem.filters) - tile.rows - first
        first, last = (first, last) if last >= 0 else (first + last, 0)
        tiles, count = block.filters[1] - block.filters[0], block.panels[1] - block.panels[0]
        many = len(self.chunks) - 1
        self.sums_bytes = max(self.sums_bytes, tiles * count * tile.bytes * (many > 0))
        self.copied_bytes = max(self.copied_bytes, count * apart((stop - start) * self.taps * tile.line))
        return {
            **self._filters(block, first, last, start),
            **self._summed(stop - start),
            "panels": count,
            "panel_pitch": apart((stop - start) * self.taps * tile.line),
            "filter_tiles": tiles,
            "last_filter": last,
            "y_offset": block.sample * self.y[0] + block.group * self.y[1] + first * self.y[2],
            "y_filter": self.y[2],
            "add_sums": int(chunk > 0),
            "keep_sums": int(chunk < many),
            "x_offset": block.sample * self.x[0] + block.group * self.x[1] + start * self.x[2],
            "x_channel": self.x[2],
            "channels": stop - start,
            "taps": self.taps,
            "patches": self.patches + block.panels[0] * self.taps * PATCH,
            "pieces": self.pieces,
            "results": self.results[0] + block.panels[0] * PANEL,
            "result_parts": self.results[1],
            "shifts": self._shifts(stop - start),
        }

    def _filters(self, block: Block, first: int, last: int, start: int) -> dict[str, int]:
        """Say where the filters of a block are, from channel `start` on."""
        tile = self.tile
        if not tile.packed:
            place = block.group * self.w[0] + first * self.w[1] + start * self.w[2]
            return {"a_offset": place, "a_filter": self.w[1], "a_tile": tile.rows * self.w[1], "last_a": last * self.w[1]}
        pitch, tiles = self._packed
        place = (block.group * tiles + block.filters[0]) * pitch + start * self.taps * tile.rows * tile.itemsize
        return {"a_offset": place, "a_filter": 0, "a_tile": pitch, "last_a": pitch * tiles}

    @property
    def _packed(self) -> tuple[int, int]:
        """Return the bytes of a packed tile of filters, and how many tiles there are."""
        tile, depth = self.tile, self.problem.channels * self.taps
        return depth * tile.rows * tile.itemsize, ceil(self.problem.filters / tile.rows)

    def _packs(self, workers: int) -> Array:
        tile, problem = self.tile, self.problem
        if not tile.packed:
            return np.zeros((0, 1), np.int64)
        steps = [np.arange(axis.k) * step for axis, step in zip(problem.axes, self.w[3:], strict=True)]
        pitch, tiles = self._packed
        self.packed_bytes = pitch * tiles * problem.groups
        places, last = self.keep(grid(*steps)), problem.filters - tile.rows
        each = self.taps * tile.rows * tile.itemsize
        return np.array([
            (
                group * self.w[0] + start * self.w[2], self.w[2], stop - start, places, self.taps,
                self.w[1], last, tiles, group * tiles * pitch + start * each, pitch,
            )
            for group in range(problem.groups) for start, stop in cut(problem.channels, 4 * workers)
        ], np.int64)  # fmt: skip

    def _summed(self, channels: int) -> dict[str, int]:
        depth, part = channels * self.taps, part_products(self.problem)
        bounds = np.minimum(np.arange(0, depth + part, part), depth)
        return {"bounds": self.keep(bounds, np.int32), "parts": len(bounds) - 1}


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, w: Strides, workers: int, packed: bool = False) -> Plan:
    found = _best(problem, itemsize, packed)
    assert found is not None
    workers = 1 if problem.groups * found[0] < ALONE else workers
    calls = Calls(problem, found[1], w, workers)
    return Plan(found[1], calls.packs, calls.tasks, calls.packed_bytes, calls.sums_bytes, calls.copied_bytes, workers, calls.keep.tables)


def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    return _plan(problem, itemsize, strides_of(problem, itemsize)[1], workers)


def _backward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    w = exchanged(strides_of(problem, itemsize)[1], 0, 2, 1)
    return _plan(problem.for_input(), itemsize, w, workers, True)


@prepared
def convolve(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes y of a problem with ``up == 1``."""
    return _forward(problem, dtype.itemsize, threads()).into(problem.y_shape, dtype)


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x of a problem with strides of 1."""
    return _backward(problem, dtype.itemsize, threads()).into(problem.x_shape, dtype)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of copied panels and sums."""
    return _forward(problem, itemsize, threads()).workspace
