"""Convolution in many groups: vectors hold one position of neighbouring groups, so that none is ever split.

Planes are turned into the workspace, computed there, and turned back; rows may be as short as they like and
strides cost nothing. All phases of an input gradient are one task.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.group_blocks import Block, Blocks, again, fastest
from mygrad.convolution.group_kernels import GROUP_FIELDS, GroupTile
from mygrad.convolution.group_layout import Kept, lane_tables, run
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, exchanged, grid, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import ALONE, CALL, FEW_PRODUCTS, MOST_STRIDE, part_products
from mygrad.convolution.turning import TURN_FIELDS

__all__ = ["applies", "convolve", "cycles", "input_gradient", "workspace", "workspace_input"]

Array = np.ndarray[Any, Any]
MOST_FILTERS, MOST_ROWS = 4, 4
LOOP = 20  # cycles to begin and end a tile
PACKED = 1  # cycles to pack an element of the filters
MOVED = 0.05  # cycles to bring a byte from memory


# -- the tile


def _tiles(problem: ConvProblem, itemsize: int, lanes: int, registers: int) -> Iterator[GroupTile]:
    last = problem.axes[-1]
    rows_of = prod(-(-axis.o // axis.up) for axis in problem.axes[:-1])
    for filters in range(1, min(problem.filters, MOST_FILTERS) + 1):
        for rows in range(1, min(MOST_ROWS, rows_of) + 1):
            most = (registers - 2 - filters) // filters // rows
            for columns in range(1, min(most, -(-last.o // last.up)) + 1):
                yield GroupTile(itemsize, lanes, filters, rows, columns, last.stride, last.up)


def _tile_cycles(problem: ConvProblem, tile: GroupTile, machine: Machine) -> float:
    """Predict the cycles of all tiles of a vector of groups."""
    unit = machine.cycles(tile.vector_bytes * 8)
    loads = tile.filters + tile.rows * tile.columns
    tap = max(tile.sums, loads, 2.0 / unit) * unit + 1
    passes, total = ceil(problem.filters / tile.filters), 0.0
    for _, _, phase in problem.phases():
        rows = problem.batch * prod(axis.o for axis in phase.axes[:-1])
        tiles = ceil(rows / tile.rows) * ceil(phase.axes[-1].o / tile.columns)
        taps = problem.channels * prod(axis.k for axis in phase.axes)
        total += tiles * (taps * tap + tile.sums * 2 * unit + LOOP)
    x = problem.channels * prod(axis.i for axis in problem.axes)
    far = x * tile.vector_bytes > machine.l1
    return total * passes + (again(machine) * problem.batch * x * (passes - 1) if far else 0)


@lru_cache(maxsize=4096)
def best_tile(problem: ConvProblem, itemsize: int, machine: Machine) -> tuple[float, GroupTile]:
    """Return the cycles that the fastest tile takes, and that tile."""
    return fastest(problem, itemsize, machine, _tiles, _tile_cycles)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core, for a problem with any `up`."""
    moved = itemsize * (prod(problem.x_shape) + prod(problem.y_shape))
    packed = prod(problem.w_shape) * PACKED
    found, tile = best_tile(problem, itemsize, this_machine())
    turned = found + Blocks(problem, tile, (), ()).overlap
    return turned * this_machine().waits + MOVED * moved + packed + CALL


# -- the calls


class Calls:
    """The calls of a problem for arrays of given strides: (batch, group, channel or filter, positions...)."""

    problem: ConvProblem
    tile: GroupTile
    x: Strides
    w: Strides
    y: Strides
    keep: Kept
    blocks: Blocks
    copied_bytes: int
    packed_vector: int
    packed_bytes: int
    packs: Array
    tasks: list[Array]

    def __init__(
        self, problem: ConvProblem, tile: GroupTile, x: Strides, w: Strides, y: Strides, parts: int
    ) -> None:
        self.problem, self.tile, self.x, self.w, self.y = problem, tile, x, w, y
        self.keep, self.copied_bytes = Kept(), 0
        self.blocks = Blocks(problem, tile, x, y)
        self.packed: dict[str, int] = {}
        """Where the filters of each phase are packed."""
        self.packs = self._packs()
        self.tasks = self._tasks(parts)

    def _packs(self) -> Array:
        """Return what packs the filters of each vector of groups: [phase][filter, channel, tap][lane]."""
        size = self.problem.filters * prod(self.problem.w_shape[1:])
        places, start = np.full(size, size * self.tile.vector_bytes), 0  # for taps that meet no output
        for _, taps, phase in self.problem.phases():
            elements = self._elements(taps, phase) // self.tile.itemsize
            places[elements] = (start + np.arange(len(elements))) * self.tile.vector_bytes
            self.packed[str(taps)] = start * self.tile.vector_bytes
            start += len(elements)
        self.packed_vector = (size + 1) * self.tile.vector_bytes
        self.packed_bytes = self.blocks.vectors * self.packed_vector
        fields = {"plane_count": 1, "zeros": 0, "zero_count": 0}
        fields |= run(self.keep, places, self.tile.lanes, self.tile.itemsize)
        (lanes,) = lane_tables(self.keep, self.problem.groups, self.tile.lanes, self.w[0])
        planes = ({"planes": self.keep(np.array([0, n * self.packed_vector]))} for n in range(len(lanes)))
        rows = zip(lanes, planes, strict=True)
        return table(
            [fields | {"offset": offset, "lanes": each} | plane for (offset, each), plane in rows],
            TURN_FIELDS,
        )

    def _elements(self, taps: tuple[slice, ...], phase: ConvProblem) -> Array:
        """Return where in w the [filter, channel, tap...] of a phase are."""
        counts = self.problem.filters, self.problem.channels, *(axis.k for axis in phase.axes)
        starts = 0, 0, *(tap.start or 0 for tap in taps)
        steps = 1, 1, *(tap.step or 1 for tap in taps)
        each = zip(counts, starts, steps, self.w[1:], strict=True)
        return grid(*((start + np.arange(n) * step) * stride for n, start, step, stride in each))

    def _tasks(self, parts: int) -> list[Array]:
        samples, rows = self.blocks.cuts(parts)
        known: dict[Any, list[Array]] = {}
        found = []
        for (a, b), part in product(samples, rows):
            key = b - a, part
            if key not in known:
                known[key] = self._vectors(self.blocks.block(*key))
            for task in known[key]:
                moved = task.copy()
                moved[:, X_OFFSET] += a * self.x[0]
                moved[:, Y_OFFSET] += a * self.y[0]
                found.append(moved)
        return found

    def _vectors(self, block: Block) -> list[Array]:
        """Return the calls of a block for every vector of groups of the first samples."""
        base = self._block(block)
        tasks = []
        lanes = zip(
            *lane_tables(self.keep, self.problem.groups, self.tile.lanes, self.x[1], self.y[1]), strict=True
        )
        for number, ((x_offset, x_lanes), (y_offset, y_lanes)) in enumerate(lanes):
            task = base.copy()
            task[:, X_OFFSET], task[:, X_OFFSET + 1] = x_offset, x_lanes
            task[:, Y_OFFSET], task[:, Y_OFFSET + 1] = y_offset, y_lanes
            task[:, PACKED_OFFSET] += number * self.packed_vector
            tasks.append(task)
        return tasks

    def _block(self, block: Block) -> Array:
        """Return a call for each phase of a block: the first one brings x, the last one puts y back."""
        self.copied_bytes = max(self.copied_bytes, block.bytes)
        phases = block.problem.phases()
        met = np.zeros([stop - start for start, stop in block.y.spans], bool)
        calls = []
        for outputs, taps, phase in phases:
            met[outputs] = True
            calls.append(self._phase(block, outputs, taps, phase))
        calls = calls or [{}]
        x = block.x.fields(self.keep, 0)
        y = block.y.fields(self.keep, block.y_place, ~met.ravel())
        calls[0] |= {f"x_{name}": value for name, value in x.items()}
        calls[-1] |= {f"y_{name}": value for name, value in y.items()}
        nothing = dict.fromkeys(GROUP_FIELDS, 0)
        return table([nothing | call for call in calls], GROUP_FIELDS)

    def _phase(
        self,
        block: Block,
        outputs: tuple[slice, ...],
        taps: tuple[slice, ...],
        phase: ConvProblem,
    ) -> dict[str, int]:
        tile, x, y = self.tile, block.x, block.y
        axes = list(zip(phase.axes, outputs, x.pitches, y.pitches, x.spans, strict=True))
        reads = [(a.stride * np.arange(a.o) - a.before - s[0]) * step for a, _, step, _, s in axes]
        writes = [((o.start or 0) + np.arange(a.o) * (o.step or 1)) * step for a, o, _, step, _ in axes]
        reads[-1], writes[-1] = reads[-1][:1], writes[-1][:1]
        samples = np.arange(x.samples)
        rows = np.stack(
            [grid(samples * x.sample, *reads), block.y_place + grid(samples * y.sample, *writes)], axis=1
        )
        count = ceil(len(rows) / tile.rows)
        met = [a.dilation * np.arange(a.k) * step for a, _, step, _, _ in axes]
        offsets = grid(np.arange(x.channels) * x.plane, *met)
        return {
            "taps": len(offsets),
            "part_taps": part_products(self.problem),
            "offsets": self.keep(offsets, np.int32),
            "packed_offset": self.packed[str(taps)],
            "packed_filter": len(offsets) * tile.vector_bytes,
            "row_tiles": count,
            "rows": self.keep(rows[np.minimum(np.arange(count * tile.rows), len(rows) - 1)]),
            "column_tiles": ceil(phase.axes[-1].o / tile.columns),
            "filter_tiles": ceil(self.problem.filters / tile.filters),
            "last_filter": self.problem.filters - tile.filters,
            "y_filter": y.plane,
        }


X_OFFSET, Y_OFFSET, PACKED_OFFSET = (
    GROUP_FIELDS.index(name) for name in ("x_offset", "y_offset", "packed_offset")
)


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, x: Strides, w: Strides, y: Strides, workers: int) -> Plan:
    _, tile = best_tile(problem, itemsize, this_machine())
    alone = workers == 1 or cycles(problem, itemsize) < ALONE
    parts = 1 if alone or problem.products < FEW_PRODUCTS else 4 * workers
    made = Calls(problem, tile, x, w, y, parts)
    kept = made.keep.tables
    workers = 1 if alone else workers
    return Plan(tile, made.packs, made.tasks, made.packed_bytes, 0, made.copied_bytes, workers, kept)


def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    return _plan(problem, itemsize, *strides_of(problem, itemsize), workers)


def _input(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    x, w, g = strides_of(problem, itemsize)
    return _plan(problem.for_input(), itemsize, g, exchanged(w, 0, 2, 1), x, workers)


@prepared
def convolve(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes y of a problem with ``up == 1``."""
    return _forward(problem, dtype.itemsize, threads()).into(problem.y_shape, dtype)


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x."""
    return _input(problem, dtype.itemsize, threads()).into(problem.x_shape, dtype)


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether there are groups, and parts of their planes that fit the cache."""
    if problem.groups == 1 or any(max(axis.stride, axis.up) > MOST_STRIDE for axis in problem.axes):
        return False
    found = best_tile(problem, itemsize, this_machine())[1]
    return Blocks(problem, found, (), ()).least <= this_machine().l2


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of packed filters and turned planes."""
    return _forward(problem, itemsize, threads()).workspace


def workspace_input(problem: ConvProblem, itemsize: int) -> int:
    """Return those of an input gradient."""
    return _input(problem, itemsize, threads()).workspace
