"""A convolution as one product of matrices: filters, as they lie, times patches of x.

The matrix of patches is never whole: panels of it, as wide as a register tile, are copied into the cache,
where all filters meet them. Columns are outputs of all samples, one after the other, whatever the number of
axes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, inf, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.group_layout import Kept
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, apart, exchanged, grid, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.panel_kernels import PACK_FIELDS, PANEL, PANEL_FIELDS, PATCH, PatchTile
from mygrad.convolution.panel_tile import PanelTile
from mygrad.convolution.patches import Patches
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import FORWARD, ConvProblem
from mygrad.convolution.schedule import ALONE, CALL, FEW_PRODUCTS, ISSUE, LATENCY, Range, cut, part_products

__all__ = [
    "MOST_STEP",
    "MOVED",
    "applies",
    "convolve",
    "cycles",
    "input_gradient",
    "input_workspace",
    "plan",
    "shapes",
    "turn_cycles",
    "workspace",
]

Array = np.ndarray[Any, Any]
MOST_STEP = 4
DEPTH = 1024  # products of one chunk
MOST_ENTRIES = 1 << 20
TASKS, SHARES = 4, 2  # for each thread: tasks at least, those that copy the same panels at most
MANY = 16  # panels of a sample: with more, a panel has columns of one sample only
MOST_VECTORS, MOST_ROWS = 6, 12
ISSUED = 6  # instructions of a turn besides products and loads, about
SECOND = 24  # bytes that come from the second cache in a cycle
FINISH, STORED = 40, 2.5  # cycles of a tile, of a vector of its sums
COPY, COPIED, PIECE = 8, 2, 18  # cycles of a row of a panel, of a vector of it, of a piece if it has several
MOVED, PACKED = 0.1, 0.5  # cycles of a byte of an array, of packed filters


# -- the tile


def shapes(machine: Machine, rows: int, columns: int, lanes: int) -> Iterator[tuple[int, int]]:
    """Return how many vectors of columns, and how many rows, a tile may have."""
    for vectors in range(1, min(MOST_VECTORS, columns // lanes) + 1):
        most = (machine.isa.registers - 2 - vectors) // vectors
        yield from ((vectors, count) for count in range(1, min(most, rows, MOST_ROWS) + 1))


def turn_cycles(tile: PanelTile, machine: Machine) -> float:
    """Return the cycles of all products of one k."""
    unit = machine.cycles(tile.vector_bytes * 8)
    loads = machine.crossing * tile.vectors + tile.rows
    issued = (tile.sums + tile.vectors + tile.rows + ISSUED) / ISSUE
    return max(tile.sums * unit, loads * unit, issued, LATENCY, tile.line / SECOND)


def _outputs(problem: ConvProblem) -> int:
    return prod(axis.o for axis in problem.axes)


def _samples(problem: ConvProblem, columns: int) -> int:
    """Return how many samples share panels: all of them, where they are small."""
    return 1 if _outputs(problem) >= MANY * columns else problem.batch


def _tile_cycles(problem: ConvProblem, tile: PatchTile, machine: Machine) -> float:
    """Predict the cycles of one group on one core."""
    samples = _samples(problem, tile.columns)
    panels = problem.batch // samples * ceil(samples * _outputs(problem) / tile.columns)
    depth = problem.channels * prod(axis.k for axis in problem.axes)
    tiles = ceil(problem.filters / tile.rows) * panels
    simple = all(axis.k == axis.stride == 1 for axis in problem.axes)
    pieces = 0 if simple else tile.columns / problem.axes[-1].o
    copied = COPY + COPIED * tile.vectors * tile.step + PIECE * pieces
    moved = MOVED * tile.itemsize * sum(map(prod, problem.shapes[FORWARD])) / problem.groups
    packed = PACKED * tile.itemsize * problem.filters * depth * tile.packed
    computed = tiles * (depth * turn_cycles(tile, machine) + FINISH + STORED * tile.sums)
    times = max(1, 2 * SHARES / problem.groups / panels)  # tasks of different filters copy the same panels
    return computed + times * panels * depth * copied + moved + packed


@lru_cache(maxsize=4096)
def _best(problem: ConvProblem, itemsize: int, *, packed: bool) -> tuple[float, PatchTile | None]:
    """Return the cycles of one group with the fastest tile, and that tile, if there is one."""
    machine, step = this_machine(), problem.axes[-1].stride
    lanes = machine.isa.bits // itemsize // 8
    columns = problem.batch * _outputs(problem)
    found = [
        PatchTile(itemsize, lanes, *shape, packed, step)
        for shape in shapes(machine, problem.filters, columns, lanes)
    ]
    each = ((_tile_cycles(problem, tile, machine), tile) for tile in found)
    return min(each, key=lambda pair: pair[0], default=(inf, None))


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether a tile fits, with tables that are not too large; of a problem with ``up == 1``."""
    if not problem.axes or problem.axes[-1].stride > MOST_STEP:
        return False
    _, tile = _best(problem, itemsize, packed=False)
    taps = prod(axis.k for axis in problem.axes)
    if tile is None or taps > DEPTH:
        return False
    return _samples(problem, tile.columns) * _outputs(problem) * taps <= MOST_ENTRIES


def cycles(problem: ConvProblem, itemsize: int, *, packed: bool = False) -> float:
    """Predict the cycles of one core; with `packed` filters for an input gradient."""
    return problem.groups * _best(problem.merged(), itemsize, packed=packed)[0] + 2 * CALL


# -- the calls


@dataclass(frozen=True)
class Block:
    """Some panels of some samples, and a part of the filters."""

    sample: int
    group: int
    panels: Range
    filters: Range


class Calls:
    """The calls of a problem; x and y are contiguous, `w` are strides of (group, filter, channel, k...)."""

    problem: ConvProblem
    tile: PatchTile
    x: Strides
    w: Strides
    y: Strides
    keep: Kept
    patches: Patches
    taps: int
    chunks: list[Range]
    of_chunk: list[dict[str, int]]
    sums_bytes: int
    copied_bytes: int
    packed_bytes: int
    packs: Array
    tasks: list[Array]

    def __init__(self, problem: ConvProblem, tile: PatchTile, w: Strides, workers: int) -> None:
        self.problem, self.tile, self.w, self.keep = problem, tile, w, Kept()
        self.x, _, self.y = strides_of(problem, tile.itemsize)
        self.patches = Patches(problem, tile, _samples(problem, tile.columns), self.x, self.y, self.keep)
        self.taps = self.patches.taps
        self.chunks = cut(problem.channels, ceil(problem.channels * self.taps / DEPTH))
        self.sums_bytes = self.copied_bytes = self.packed_bytes = 0
        self.packs = self._packs(workers) if tile.packed else np.zeros((0, len(PACK_FIELDS)), np.int64)
        self.of_chunk = [self._chunk(*chunk) for chunk in self.chunks]
        blocks, count = self._blocks(workers), range(len(self.chunks))
        self.tasks = [table([self._call(block, n) for n in count], PANEL_FIELDS) for block in blocks]

    # -- tasks

    def _blocks(self, workers: int) -> list[Block]:
        """Cut the panels so that some stay in the cache, and all threads have something to do."""
        problem, samples, count = self.problem, self.patches.samples, len(self.patches.first)
        depth = max(stop - start for start, stop in self.chunks) * self.taps
        times = problem.batch // samples * problem.groups
        wanted = TASKS * workers if problem.products > FEW_PRODUCTS else 1
        each = min(this_machine().l2 // 2 // (depth * self.tile.line), times * count // wanted, count)
        panels = cut(count, ceil(count / max(1, each)))
        tiles = ceil(problem.filters / self.tile.rows)
        parts = cut(tiles, ceil(min(wanted, SHARES * workers) / (times * len(panels))))
        first = range(0, problem.batch, samples)
        return [Block(*each) for each in product(first, range(problem.groups), panels, parts)]

    def _chunk(self, start: int, stop: int) -> dict[str, int]:
        """Say what all blocks have in common that sum over channels from `start` to `stop`."""
        depth, part = (stop - start) * self.taps, part_products(self.problem)
        bounds = np.minimum(np.arange(0, depth + part, part), depth)
        return {
            "bounds": self.keep(bounds, np.int32),
            "parts": len(bounds) - 1,
            "panel_pitch": apart(depth * self.tile.line),
            "channels": stop - start,
            "x_channel": self.x[2],
            "taps": self.taps,
            "shifts": self.patches.shifts(stop - start),
            "pieces": self.patches.pieces,
            "result_parts": self.patches.result_parts,
            "a_filter": self.w[1],
            "y_filter": self.y[2],
            "add_sums": int(start > 0),
            "keep_sums": int(stop < self.problem.channels),
        }

    def _call(self, block: Block, chunk: int) -> dict[str, int]:
        tile, start, fields = self.tile, self.chunks[chunk][0], self.of_chunk[chunk]
        first = block.filters[0] * tile.rows
        last = min(block.filters[1] * tile.rows, self.problem.filters) - tile.rows - first
        tiles, count = block.filters[1] - block.filters[0], block.panels[1] - block.panels[0]
        self.sums_bytes = max(self.sums_bytes, tiles * count * tile.bytes * (len(self.chunks) > 1))
        self.copied_bytes = max(self.copied_bytes, count * fields["panel_pitch"])
        return {
            **fields,
            **self._filters(block, first, last, start),
            "panels": count,
            "filter_tiles": tiles,
            "last_filter": last,
            "y_offset": block.sample * self.y[0] + block.group * self.y[1] + first * self.y[2],
            "x_offset": block.sample * self.x[0] + block.group * self.x[1] + start * self.x[2],
            "patches": self.patches.patches + block.panels[0] * self.taps * PATCH,
            "results": self.patches.results + block.panels[0] * PANEL,
        }

    def _filters(self, block: Block, first: int, last: int, start: int) -> dict[str, int]:
        """Say where the filters of a block are, from channel `start` on."""
        if self.tile.packed:
            pitch, tiles = self._packed
            tile = block.group * tiles + block.filters[0]
            place = tile * pitch + start * self.taps * self.tile.rows * self.tile.itemsize
            return {"a_offset": place, "a_tile": pitch, "last_a": tiles * pitch}
        place = block.group * self.w[0] + first * self.w[1] + start * self.w[2]
        return {"a_offset": place, "a_tile": self.tile.rows * self.w[1], "last_a": last * self.w[1]}

    @property
    def _packed(self) -> tuple[int, int]:
        """Return the bytes of a packed tile of filters, and how many tiles there are."""
        tile, depth = self.tile, self.problem.channels * self.taps
        return depth * tile.rows * tile.itemsize, ceil(self.problem.filters / tile.rows)

    def _packs(self, workers: int) -> Array:
        """Pack some channels of all filters with each call."""
        tile, problem, w = self.tile, self.problem, self.w
        steps = [np.arange(axis.k) * step for axis, step in zip(problem.axes, w[3:], strict=True)]
        pitch, tiles = self._packed
        self.packed_bytes = pitch * tiles * problem.groups
        places, last = self.keep(grid(*steps)), problem.filters - tile.rows
        each = self.taps * tile.rows * tile.itemsize
        rows = [
            (
                *(group * w[0] + start * w[2], w[2], stop - start, places, self.taps),
                *(w[1], last, tiles, group * tiles * pitch + start * each, pitch),
            )
            for group in range(problem.groups)
            for start, stop in cut(problem.channels, TASKS * workers)
        ]
        return np.array(rows, np.int64)


@lru_cache(maxsize=512)
def plan(problem: ConvProblem, itemsize: int, w: Strides, workers: int, *, packed: bool) -> Plan:
    """Return the calls for filters of strides (group, filter, channel, k...), packed or contiguous."""
    needed, tile = _best(problem, itemsize, packed=packed)
    assert tile is not None  # or it does not apply
    calls = Calls(problem, tile, w, workers)
    return Plan(
        tile,
        calls.packs,
        calls.tasks,
        calls.packed_bytes,
        calls.sums_bytes,
        calls.copied_bytes,
        1 if problem.groups * needed < ALONE else workers,
        calls.keep.tables,
    )


def _forward(problem: ConvProblem, itemsize: int) -> Plan:
    problem = problem.merged()
    return plan(problem, itemsize, strides_of(problem, itemsize)[1], threads(), packed=False)


def _backward(problem: ConvProblem, itemsize: int) -> Plan:
    """Return the plan of an input gradient: it packs the filters, whose channels lie apart."""
    problem = problem.merged()
    w = exchanged(strides_of(problem, itemsize)[1], 0, 2, 1)
    return plan(problem.for_input(), itemsize, w, threads(), packed=True)


@prepared
def convolve(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes y of a problem with ``up == 1``."""
    return _forward(problem, dtype.itemsize).into(problem.y_shape, dtype)


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x of a problem with strides of 1."""
    return _backward(problem, dtype.itemsize).into(problem.x_shape, dtype)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of copied panels and sums."""
    return _forward(problem, itemsize).workspace


def input_workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the same bytes of an input gradient, and those of its filters."""
    return _backward(problem, itemsize).workspace
