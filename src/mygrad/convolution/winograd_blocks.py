"""Minimal filtering of many tiles: filters are transformed once, then tasks are blocks of runs of tiles."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import ISSUE, LOOP, Range, cut
from mygrad.convolution.winograd_kernels import BLOCK_FIELDS, PACK_FIELDS, STEPS, WinogradTile
from mygrad.convolution.winograd_tiles import (
    distance,
    formulas_of,
    points_of,
    row_vectors,
    run_count,
    run_fields,
    run_table,
    tiles_of,
    totals_of,
)

__all__ = ["Calls", "Shape", "registers", "shapes"]

Array = np.ndarray[Any, Any]
PART = 32  # channels that are added one after the other: errors are then as small as those of direct sums
MOST_FILTERS = 14
LESS = 4  # times fewer blocks of filters than the cache holds the products of
MOST_TILES = 512  # of a block
TRANSFORMED, FINISHED, PACKED = 5.5, 4.0, 1.2  # cycles a point: of a vector of data, of results, of a filter
WRITTEN, READ = 0.1, 0.03  # cycles to write, or read in order, a byte beyond the second cache
READ_ONCE = 0.06  # such a byte of packed filters, whose vectors are used at once


@dataclass(frozen=True)
class Shape:
    """The tile of registers, the blocks of runs, and how many blocks of filters share memory for products."""

    filters: int
    vectors: int
    lanes: int
    blocks: int
    together: int
    cycles: float
    """Of one core, for everything."""

    def pitch(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of one channel of a block at one point: the last run is whole vectors."""
        tiles = (ceil(run_count(problem) / self.blocks) - 1) * tiles_of(problem.axes[-1])
        vectors = ceil(tiles / self.lanes + row_vectors(problem, self.lanes))
        return max(vectors, self.vectors) * self.lanes * itemsize

    def shared_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the packed filters."""
        blocks = ceil(problem.filters / self.filters) * problem.groups
        return points_of(problem) * problem.channels * blocks * self.filters * itemsize

    def sums_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the products of a worker."""
        totals, filters = totals_of(problem), self.together * self.filters
        return totals * distance(filters * self.pitch(problem, itemsize), totals)

    def copied_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the transformed data of a worker, and of a row of zeros."""
        points, zeros = points_of(problem), ceil(problem.axes[-1].i / self.lanes) + 1
        data = points * distance(problem.channels * self.pitch(problem, itemsize), points)
        return data + zeros * self.lanes * itemsize

    def workspace(self, problem: ConvProblem, itemsize: int, workers: int) -> int:
        """Return the bytes of transformed filters, data and products."""
        own = self.sums_bytes(problem, itemsize) + self.copied_bytes(problem, itemsize)
        return self.shared_bytes(problem, itemsize) + workers * own

    def plan(self, problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int) -> Plan:
        """Return the calls for arrays of given strides."""
        return Calls(problem, self, itemsize, strides).plan(workers)


def registers(problem: ConvProblem, lanes: int, itemsize: int, machine: Machine) -> tuple[float, int, int]:
    """Return the cycles of a (channel, filter, vector of tiles), and the best (filters, vectors)."""
    unit, found = machine.cycles(lanes * itemsize * 8), []
    for vectors in range(1, 5):
        for filters in range(2, min(MOST_FILTERS, (machine.isa.registers - 1 - vectors) // vectors) + 1):
            sums = filters * vectors
            loads = vectors * unit + filters / 2
            step = max(sums * unit, loads, (sums + vectors + filters + 4) / ISSUE, 4)
            step += (sums / 2 + LOOP) / min(PART, problem.channels)
            blocks = ceil(problem.filters / filters)
            found.append((step * blocks / (problem.filters * vectors), filters, vectors))
    return min(found)


def _far(
    problem: ConvProblem, filters: int, tiles: int, itemsize: int, machine: Machine
) -> list[tuple[float, int]]:
    """Return the cycles that a block waits for far memory, given how many blocks of filters share m.

    Either m stays in the cache, and v is read again for each few filters, or v is read once and m moves. Only
    what the cache cannot hold of v comes from far. Fewer than could stay need less memory.
    """
    line, blocks = totals_of(problem) * tiles * itemsize, ceil(problem.filters / filters)
    data, results = points_of(problem) * tiles * itemsize * problem.channels, line * problem.filters
    most = max(1, min(machine.l2 // 5 // (line * filters), blocks))
    data = max(0, data - 0.65 * machine.l2)
    moved = (WRITTEN + READ) * results * (line * filters > machine.l2 // 4)
    packed = READ_ONCE * points_of(problem) * problem.channels * problem.filters * itemsize
    near = [
        (WRITTEN * data + READ * data * ceil(blocks / few) + moved + packed, few)
        for few in dict.fromkeys((most, ceil(most / LESS)))
    ]
    whole = (WRITTEN + READ) * (data + results * (results > machine.l2 // 4))
    return [*near, (whole + packed, blocks)]


def shapes(problem: ConvProblem, itemsize: int, workers: int) -> Iterator[Shape]:
    """Yield a shape for each number of runs in a block."""
    machine = this_machine()
    lanes = machine.isa.bits // 8 // itemsize
    each, filters, vectors = registers(problem, lanes, itemsize, machine)
    tiles, total, points = tiles_of(problem.axes[-1]), run_count(problem), points_of(problem)
    around = points * problem.channels * TRANSFORMED + totals_of(problem) * problem.filters * FINISHED
    around *= row_vectors(problem, lanes) * 2 * machine.cycles(machine.isa.bits)
    packed = PACKED * points * problem.groups * problem.channels * problem.filters
    for runs in range(1, min(total, ceil(MOST_TILES / tiles)) + 1):
        blocks, whole = ceil(total / runs), ceil(runs * tiles / lanes)
        across = ceil(whole / vectors) * vectors
        work = points * problem.channels * problem.filters * across * each + runs * around
        share = ceil(blocks * problem.groups / workers) * workers
        for far, together in _far(problem, filters, across * lanes, itemsize, machine):
            yield Shape(filters, vectors, lanes, blocks, together, (work + far) * share + packed)


# -- the parameters of the calls


def _forward_axis(axis: Axis) -> Axis:
    return axis.flipped() if axis.dilation < 0 else axis


class Calls:
    """The calls for arrays of given strides."""

    problem: ConvProblem
    shape: Shape
    x: Strides
    w: Strides
    y: Strides
    tile: WinogradTile
    itemsize: int
    w_start: int
    steps: list[int]
    filter_blocks: int
    packed_block: int
    packed_point: int
    packed_group: int
    pitch: int
    v_point: int
    runs: Array

    def __init__(
        self, problem: ConvProblem, shape: Shape, itemsize: int, strides: tuple[Strides, ...]
    ) -> None:
        flips = [axis.dilation < 0 for axis in problem.axes]
        self.problem = problem = replace(problem, axes=tuple(map(_forward_axis, problem.axes)))
        self.shape, self.itemsize = shape, itemsize
        self.x, self.w, self.y = strides
        taps = list(zip(self.w[3:], problem.axes, flips, strict=True))
        self.w_start = sum(step * (axis.k - 1) * flip for step, axis, flip in taps)
        self.steps = [-step if flip else step for step, axis, flip in taps if not axis.pointwise]
        step = problem.axes[-1].dilation
        lanes, filters, vectors = shape.lanes, shape.filters, shape.vectors
        given = itemsize, lanes, filters, vectors, formulas_of(problem), step
        self.tile = self.kind(*given, steps=tuple(self.steps))
        self.filter_blocks = ceil(problem.filters / shape.filters)
        self.packed_block = problem.channels * self.tile.line_bytes
        self.packed_point = self.filter_blocks * self.packed_block
        self.packed_group = self.tile.points * self.packed_point
        self.pitch = shape.pitch(problem, itemsize)
        self.v_point = distance(problem.channels * self.pitch, self.tile.points)
        self.runs = run_table(problem, self.x, self.y)

    def kind(self, *registers: Any, steps: tuple[int, ...]) -> WinogradTile:
        """Return the tile: one for any steps of taps, as filters are packed once."""
        return WinogradTile(*registers, steps=())

    def plan(self, workers: int) -> Plan:
        problem, shape, size = self.problem, self.shape, self.itemsize
        own = shape.sums_bytes(problem, size), shape.copied_bytes(problem, size)
        packed = problem.groups * self.packed_group
        return Plan(self.tile, self.packs(), self.tasks(workers), packed, *own, workers, self.runs)

    def packs(self) -> Array:
        tile, groups = self.tile, range(self.problem.groups)
        cuts = cut(self.problem.channels, ceil(8 / (len(groups) * self.filter_blocks)))
        rows = [
            self.filters_of(g, b)
            | {
                "w_offset": self.filters_of(g, b)["w_offset"] + start * self.w[2],
                "packed_offset": g * self.packed_group + b * self.packed_block + start * tile.line_bytes,
                "channels": stop - start,
                "packed_point": self.packed_point,
            }
            for g, b, (start, stop) in product(groups, range(self.filter_blocks), cuts)
        ]
        return table(rows, PACK_FIELDS)

    def filters_of(self, group: int, block: int) -> dict[str, int]:
        """Return where a block of filters is read."""
        first = block * self.shape.filters
        return {
            "w_offset": self.w_start + group * self.w[0] + first * self.w[1],
            "channel": self.w[2],
            "filter": self.w[1],
            "last_filter": min(self.shape.filters, self.problem.filters - first) - 1,
            **dict(zip(STEPS, [*self.steps, 0, 0], strict=False)),
        }

    def tasks(self, workers: int) -> list[Array]:
        groups, cuts = range(self.problem.groups), cut(len(self.runs), self.shape.blocks)
        few = ceil(2 * workers / (len(cuts) * len(groups))) if workers > 1 else 1
        parts = cut(self.filter_blocks, few)
        return [table([self._call(*each)], BLOCK_FIELDS) for each in product(groups, cuts, parts)]

    def _call(self, group: int, runs: Range, blocks: Range) -> dict[str, int]:
        return {
            **run_fields(self.problem, self.runs, runs, self.tile.lanes, self.itemsize),
            **self.data_of(group, runs),
            **self.results_of(group, blocks),
        }

    def data_of(self, group: int, runs: Range) -> dict[str, int]:
        tile, last = self.tile, self.problem.axes[-1]
        vectors = max(ceil((runs[1] - runs[0]) * tiles_of(last) / tile.lanes), tile.vectors)
        return {
            "x_offset": group * self.x[1],
            "v_offset": 0,
            "x_channel": self.x[2],
            "channels": self.problem.channels,
            "part": PART,
            "before": last.before,
            "x_size": last.i,
            "y_size": last.o,
            "pitch": self.pitch,
            "v_point": self.v_point,
            "zeros": tile.points * self.v_point,
            "zero_vectors": ceil(last.i / tile.lanes),
            "last_vector": (vectors - 1) * tile.vector_bytes,
            "columns": ceil(vectors / tile.vectors),
            "last_column": (vectors - tile.vectors) * tile.vector_bytes,
        }

    def results_of(self, group: int, blocks: Range) -> dict[str, int]:
        count, width = blocks[1] - blocks[0], self.shape.filters
        together, first = min(self.shape.together, count), blocks[0] * width
        return {
            "m_point": distance(together * width * self.pitch, self.tile.totals),
            "packed_offset": group * self.packed_group + blocks[0] * self.packed_block,
            "packed_block": self.packed_block,
            "packed_point": self.packed_point,
            "filter_blocks": count,
            "filter_groups": ceil(count / together),
            "group_blocks": together,
            "y_offset": group * self.y[1] + first * self.y[2],
            "y_filter": self.y[2],
            "filters": self.problem.filters - first,
            "packs": 0,
            "pack_table": 0,
        }
