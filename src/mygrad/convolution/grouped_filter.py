"""The filter gradient in many groups: sums over positions, whose lanes are groups.

Blocks of positions give partial results, added in their order, so that threads do not change a bit.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.group_blocks import Block, Blocks, again, fastest
from mygrad.convolution.group_dots import GROUP_DOT_FIELDS, GroupDotTile
from mygrad.convolution.group_layout import Kept, lane_tables, run
from mygrad.convolution.grouped import MOST_FILTERS, MOVED
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, grid, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import ALONE, CALL, FEW_PRODUCTS, part_products

__all__ = ["cycles", "filter_gradient", "workspace"]

Array = np.ndarray[Any, Any]
TASKS = 16  # enough for threads, and the same for any number of them
MOST_TAP_ROWS = 6
RESULT = 1  # cycles to put an element of the result in its place
LOOP = 15  # cycles to begin and end a row


def _tiles(problem: ConvProblem, itemsize: int, lanes: int, registers: int) -> Iterator[GroupDotTile]:
    *outer, last = problem.axes
    rows = problem.channels * prod(axis.k for axis in outer)
    for filters in range(1, min(problem.filters, MOST_FILTERS) + 1):
        for tap_rows in range(1, min(rows, MOST_TAP_ROWS) + 1):
            most = (registers - 1 - filters) // filters // tap_rows
            for columns in range(1, min(last.k, most) + 1):
                yield GroupDotTile(itemsize, lanes, filters, tap_rows, columns, last.stride, last.dilation)


def _tile_cycles(problem: ConvProblem, tile: GroupDotTile, machine: Machine) -> float:
    """Predict the cycles of all tiles of a vector of groups."""
    unit = machine.cycles(tile.vector_bytes * 8)
    loads = tile.filters + tile.sums // tile.filters
    position = max(max(tile.sums, loads) * unit, 4.0) + 1
    planes = prod(problem.x_shape[2:]) * problem.channels + prod(problem.y_shape[2:]) * problem.filters
    if planes * tile.vector_bytes > machine.l1:
        position += again(machine) * (tile.filters + tile.tap_rows / 3)
    tiles = prod(ceil(size / part) for size, part in _tiled(problem, tile))
    lines = problem.batch * prod(axis.o for axis in problem.axes[:-1])
    return tiles * lines * (problem.axes[-1].o * position + LOOP)


@lru_cache(maxsize=4096)
def best_tile(problem: ConvProblem, itemsize: int, machine: Machine) -> tuple[float, GroupDotTile]:
    """Return the cycles that the fastest tile takes, and that tile."""
    return fastest(problem, itemsize, machine, _tiles, _tile_cycles)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem = problem.merged()
    moved = itemsize * (prod(problem.x_shape) + prod(problem.y_shape))
    results = prod(problem.w_shape) * RESULT
    found, tile = best_tile(problem, itemsize, this_machine())
    turned = found + Blocks(problem, tile, (), ()).overlap
    return turned + MOVED * moved + results + 5 * CALL


def _tiled(problem: ConvProblem, tile: GroupDotTile) -> list[tuple[int, int]]:
    """Return how many filters, rows and columns of taps there are, and how many a tile has."""
    *outer, last = problem.axes
    rows = problem.channels * prod(axis.k for axis in outer)
    return [(problem.filters, tile.filters), (rows, tile.tap_rows), (last.k, tile.tap_columns)]


class Calls:
    """The calls of a problem, and how many partial results they make."""

    problem: ConvProblem
    tile: GroupDotTile
    keep: Kept
    slots: tuple[int, ...]
    x: Strides
    g: Strides
    w: Strides
    blocks: Blocks
    copied_bytes: int
    parts: int
    tasks: list[Array]

    def __init__(self, problem: ConvProblem, tile: GroupDotTile) -> None:
        self.problem, self.tile, self.keep = problem, tile, Kept()
        self.slots = tuple(ceil(size / part) * part for size, part in _tiled(problem, tile))
        """The sums of all tiles of (filters, rows of taps, columns of taps), some of them twice."""
        self.x, self.w, self.g = strides_of(problem, tile.itemsize)
        self.blocks, self.copied_bytes = Blocks(problem, tile, self.x, self.g), 0
        samples, rows = self.blocks.cuts(TASKS if problem.products > FEW_PRODUCTS else 1)
        self.known: dict[Any, dict[str, int]] = {}
        every = [self._fields(first, stop - first, part) for (first, stop), part in product(samples, rows)]
        self.parts = min(len(every), ceil(TASKS / self.blocks.vectors)) if len(every) > 1 else 1
        self.tasks = self._tasks(every)

    def _fields(self, first: int, samples: int, part: tuple[int, int]) -> dict[str, int]:
        """Return the parameters of some positions of some samples, of the first groups."""
        key = samples, part
        if key not in self.known:
            self.known[key] = self._block(self.blocks.block(*key))
        return self.known[key] | {"x_offset": first * self.x[0], "g_offset": first * self.g[0]}

    def _block(self, block: Block) -> dict[str, int]:
        self.copied_bytes = max(self.copied_bytes, block.bytes)
        x, g = block.x.fields(self.keep, 0), block.y.fields(self.keep, block.y_place)
        fields = {f"x_{name}": value for name, value in x.items()}
        fields |= {f"g_{name}": value for name, value in g.items()}
        return fields | self._positions(block) | self._taps(block)

    def _positions(self, block: Block) -> dict[str, int]:
        x, g, axes = block.x, block.y, block.problem.axes
        each = list(zip(axes, x.pitches, g.pitches, x.spans, strict=True))
        reads = [(a.stride * np.arange(a.o) - a.before - span[0]) * step for a, step, _, span in each]
        writes = [np.arange(a.o) * step for a, _, step, _ in each]
        reads[-1], writes[-1] = reads[-1][:1], writes[-1][:1]
        samples = np.arange(x.samples)
        places = grid(samples * x.sample, *reads), block.y_place + grid(samples * g.sample, *writes)
        return {
            "rows": self.keep(np.stack(places, axis=1)),
            "row_count": len(places[0]),
            "part_rows": max(1, part_products(block.problem.for_filter()) // axes[-1].o),
            "column_count": axes[-1].o,
        }

    def _taps(self, block: Block) -> dict[str, int]:
        tile, x, problem = self.tile, block.x, block.problem
        *outer, last = problem.axes
        steps = [a.dilation * np.arange(a.k) * step for a, step in zip(outer, x.pitches, strict=False)]
        rows = grid(np.arange(problem.channels) * x.plane, *steps)
        return {
            "filter_tiles": ceil(problem.filters / tile.filters),
            "last_filter": problem.filters - tile.filters,
            "g_filter": block.y.plane,
            "tap_rows": self.keep(rows, np.int32),
            "tap_row_tiles": ceil(len(rows) / tile.tap_rows),
            "last_tap_row": len(rows) - tile.tap_rows,
            "tap_column_tiles": ceil(last.k / tile.tap_columns),
            "last_tap_column": last.k - tile.tap_columns,
            "result_filter": self.slots[1] * self.slots[2] * tile.vector_bytes,
            "result_row": self.slots[2] * tile.vector_bytes,
        }

    def _tasks(self, every: list[dict[str, int]]) -> list[Array]:
        """Return a task for each part of each vector of groups: its first block begins the sums."""
        steps, result = (self.x[1], self.g[1], self.w[0]), self.copied_bytes
        self.copied_bytes += prod(self.slots) * self.tile.vector_bytes
        lanes = list(zip(*lane_tables(self.keep, self.problem.groups, self.tile.lanes, *steps), strict=True))
        last, size = self._result(result), prod(self.problem.w_shape) * self.tile.itemsize
        found = []
        for part, (x, g, w) in product(range(self.parts), lanes):
            own = {"result": result, "x_lanes": x[1], "g_lanes": g[1]}
            start, stop = (len(every) * n // self.parts for n in (part, part + 1))
            rows = [
                dict.fromkeys(GROUP_DOT_FIELDS, 0)
                | fields
                | own
                | {"x_offset": fields["x_offset"] + x[0], "g_offset": fields["g_offset"] + g[0]}
                | {"add": int(n > 0)}
                for n, fields in enumerate(every[start:stop])
            ]
            rows[-1] |= last | {"w_offset": part * size + w[0], "w_lanes": w[1]}
            found.append(table(rows, GROUP_DOT_FIELDS))
        return found

    def _result(self, place: int) -> dict[str, int]:
        """Return how to put the sums of all taps in the order of the filters."""
        tile = self.tile
        filters, rows, columns = (_slots(*each) for each in _tiled(self.problem, tile))
        row = self.slots[2] * tile.vector_bytes
        places = grid(filters * self.slots[1] * row, rows * row, columns * tile.vector_bytes)
        fields = {"planes": self.keep(np.array([0, place])), "plane_count": 1}
        fields |= run(self.keep, places, tile.lanes, tile.itemsize)
        return {f"w_{name}": value for name, value in fields.items()}


def _slots(size: int, part: int) -> Array:
    """Return where each of `size` is among the parts, of which the last one begins where it is whole."""
    number = np.arange(size)
    return np.where(number // part * part + part > size, number + -size % part, number)


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, int]:
    """Return the calls, and the number of partial results."""
    made = Calls(problem, best_tile(problem, itemsize, this_machine())[1])
    alone = cycles(problem, itemsize) < ALONE
    none = np.zeros((0, 1), np.int64)
    workers, kept = 1 if alone else workers, made.keep.tables
    return Plan(made.tile, none, made.tasks, 0, 0, made.copied_bytes, workers, kept), made.parts


@prepared
def filter_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of w of a problem with ``up == 1``."""
    plan, parts = _plan(problem.merged(), dtype.itemsize, threads())
    if parts == 1:
        return plan.into(problem.w_shape, dtype)
    return lambda x, g: plan(x, g, np.empty((parts, *problem.w_shape), dtype)).sum(axis=0)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of turned planes and partial results."""
    plan, parts = _plan(problem.merged(), itemsize, threads())
    return plan.workspace + (parts > 1) * parts * prod(problem.w_shape) * itemsize
