"""Minimal filtering of a few tiles by many filters: data are transformed once, then tasks are filters.

Filters that are larger than the data are so read once, and are transformed where they are used, in the cache.
The plan takes data where others take filters, to be packed before all tasks, and filters for data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, table
from mygrad.convolution.machine import this_machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import Range, cut
from mygrad.convolution.winograd_blocks import (
    FINISHED,
    MOST_TILES,
    PACKED,
    READ,
    TRANSFORMED,
    WRITTEN,
    Calls,
    Shape,
    registers,
)
from mygrad.convolution.winograd_kernels import BLOCK_FIELDS, DATA_FIELDS, PACK_FIELDS, SharedTile
from mygrad.convolution.winograd_tiles import (
    distance,
    points_of,
    row_vectors,
    run_count,
    run_fields,
    tiles_of,
    totals_of,
)

__all__ = ["shapes"]

Array = np.ndarray[Any, Any]
MOST_TOGETHER = 8
TIMES_LEAST = 1, 1.25, 1.5, 2, 3, 4, 6, 8  # so many blocks of runs


@dataclass(frozen=True)
class SharedShape(Shape):
    """`together` blocks of filters are a task, which computes all blocks of runs."""

    def data_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the transformed data of a block of runs."""
        points = points_of(problem)
        return points * distance(problem.channels * self.pitch(problem, itemsize), points)

    def zero_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of a row of zeros."""
        return (ceil(problem.axes[-1].i / self.lanes) + 1) * self.lanes * itemsize

    def shared_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of all transformed data, and of a row of zeros for each call that makes them."""
        data = problem.groups * self.blocks * self.data_bytes(problem, itemsize)
        return data + len(self.packs(problem)) * self.zero_bytes(problem, itemsize)

    def copied_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the filters of a task."""
        return points_of(problem) * problem.channels * self.together * self.filters * itemsize

    def packs(self, problem: ConvProblem) -> list[tuple[int, int, Range]]:
        """Return (group, block of runs, channels) of each call that transforms data."""
        channels = cut(problem.channels, ceil(16 / (problem.groups * self.blocks)))
        return list(product(range(problem.groups), range(self.blocks), channels))

    def plan(self, problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int) -> Plan:
        """Return the calls for arrays of given strides."""
        return SharedCalls(problem, self, itemsize, strides).plan(workers)


def shapes(problem: ConvProblem, itemsize: int, workers: int) -> Iterator[SharedShape]:
    """Yield a shape for each number of blocks of runs, and of blocks of filters of a task."""
    machine = this_machine()
    lanes = machine.isa.bits // 8 // itemsize
    each, filters, vectors = registers(problem, lanes, itemsize, machine)
    tiles, total, points = tiles_of(problem.axes[-1]), run_count(problem), points_of(problem)
    unit, totals = (
        row_vectors(problem, lanes) * 2 * machine.cycles(machine.isa.bits) * total,
        totals_of(problem),
    )
    filter_blocks = ceil(problem.filters / filters)
    before = points * problem.channels * TRANSFORMED * unit * problem.groups
    least = ceil(total * tiles / MOST_TILES)
    counts = sorted({ceil(least * times) for times in TIMES_LEAST if least * times <= total})
    for blocks, together in product(counts, range(1, min(MOST_TOGETHER, filter_blocks) + 1)):
        across = ceil(ceil(ceil(total / blocks) * tiles / lanes) / vectors) * vectors * blocks
        task, count = filters * together, ceil(filter_blocks / together) * problem.groups
        work = points * problem.channels * task * (across * each + PACKED)
        work += FINISHED * totals * unit * task
        data = points * problem.channels * across * lanes * itemsize
        results, packed = (
            totals * across / blocks * lanes * itemsize * task,
            points * problem.channels * task * itemsize,
        )
        far = READ * data + (WRITTEN + READ) * packed * (packed > machine.l2 // 2)
        far += (WRITTEN + READ) * results * blocks * (results > machine.l2 // 4)
        work = (work + far) * ceil(count / workers) * workers + before + WRITTEN * data * problem.groups
        yield SharedShape(filters, vectors, lanes, blocks, together, work)


class SharedCalls(Calls):
    """The calls where data are transformed first."""

    shared: SharedShape
    packed_point: int
    blocks: list[Range]
    filter_table: Array

    def __init__(
        self, problem: ConvProblem, shape: SharedShape, itemsize: int, strides: tuple[Strides, ...]
    ) -> None:
        super().__init__(problem, shape, itemsize, strides)
        self.shared = shape
        self.packed_point = shape.together * self.packed_block
        self.blocks = cut(len(self.runs), shape.blocks)
        self.filter_table = self.filter_packs()

    def kind(self, *registers: Any, steps: tuple[int, ...]) -> SharedTile:
        return SharedTile(*registers, steps=steps)

    def plan(self, workers: int) -> Plan:
        problem, shape, size = self.problem, self.shared, self.itemsize
        own = shape.sums_bytes(problem, size), shape.copied_bytes(problem, size)
        sizes = shape.shared_bytes(problem, size), *own
        return Plan(
            self.tile, self.packs(), self.tasks(workers), *sizes, workers, (self.runs, self.filter_table)
        )

    def filter_packs(self) -> Array:
        """Return the parameters of the calls that transform filters; those of a task follow each other."""
        blocks = product(range(self.problem.groups), range(self.filter_blocks))
        places = {"packed_point": self.packed_point, "channels": self.problem.channels}
        rows = [
            self.filters_of(g, b) | places | {"packed_offset": b % self.shared.together * self.packed_block}
            for g, b in blocks
        ]
        return table(rows, PACK_FIELDS)

    def packs(self) -> Array:
        problem, shape, size = self.problem, self.shared, self.itemsize
        zeros = problem.groups * shape.blocks * shape.data_bytes(problem, size)
        rows = [
            self._runs(g, b)
            | {
                "x_offset": g * self.x[1] + start * self.x[2],
                "channels": stop - start,
                "v_offset": self._place(g, b) + start * self.pitch,
                "zeros": zeros + n * shape.zero_bytes(problem, size),
            }
            for n, (g, b, (start, stop)) in enumerate(shape.packs(problem))
        ]
        return table(rows, DATA_FIELDS)

    def _place(self, group: int, block: int) -> int:
        return (group * self.shared.blocks + block) * self.shared.data_bytes(self.problem, self.itemsize)

    def _runs(self, group: int, block: int) -> dict[str, int]:
        runs = self.blocks[block]
        fields = run_fields(self.problem, self.runs, runs, self.tile.lanes, self.itemsize)
        return fields | self.data_of(group, runs) | {"v_offset": self._place(group, block)}

    def tasks(self, workers: int) -> list[Array]:
        together = self.shared.together
        starts = product(range(self.problem.groups), range(0, self.filter_blocks, together))
        return [
            table(self._task(g, (b, min(b + together, self.filter_blocks))), BLOCK_FIELDS) for g, b in starts
        ]

    def _task(self, group: int, filters: Range) -> list[dict[str, int]]:
        """Return a call for each block of runs; the first one transforms the filters."""
        row, count = group * self.filter_blocks + filters[0], filters[1] - filters[0]
        places = {
            **self.results_of(group, filters),
            "pack_table": self.filter_table.ctypes.data + row * self.filter_table.strides[0],
        }
        return [
            self._runs(group, block) | places | {"packs": count * (block == 0)}
            for block in range(len(self.blocks))
        ]
