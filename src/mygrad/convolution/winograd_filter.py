"""Filter gradients of a few taps along every axis, stride 1, by minimal filtering.

Tiles are cut into parts that are summed apart, as many for any number of threads. Channels and filters are
cut so that the sums of a task stay in the cache; some transforms are then computed again.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import LINE, Strides, contiguous, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import CALL, ISSUE, LOOP, Range, cut
from mygrad.convolution.winograd_blocks import PART, TRANSFORMED, WRITTEN
from mygrad.convolution.winograd_filter_kernels import FILTER_FIELDS, WinogradFilterTile
from mygrad.convolution.winograd_tiles import (
    distance,
    points_of,
    row_vectors,
    run_count,
    run_fields,
    run_table,
    taps_of,
    tiles_of,
)

__all__ = ["cycles", "filter_gradient", "workspace"]

Array = np.ndarray[Any, Any]
PARTS = 4
MOST_FILTERS = 12
MOST_TILES = 512  # of a block
SPREAD = 3.5  # cycles a point to transform a vector of the gradient of y
ADDED, TURNED = 3.0, 5.0  # cycles a vector of products that are added to memory, of data that are turned


@dataclass(frozen=True)
class Shape:
    """The tile of registers, the runs of a block, the parts of tiles, the (channels, filters) of a task."""

    filters: int
    vectors: int
    lanes: int
    runs: int
    parts: int
    task: tuple[int, int]
    cycles: float
    """Of one core, for everything."""


def _tasks(problem: ConvProblem, itemsize: int, lanes: int, machine: Machine) -> tuple[int, int]:
    """Return how many channels and filters a task has, so that their sums fit the cache."""
    vectors, filters = ceil(problem.channels / lanes), problem.filters
    while points_of(problem) * vectors * lanes * filters * itemsize > machine.l2 // 3:
        if vectors * lanes >= filters and vectors > 1:
            vectors = ceil(vectors / 2)
        elif filters > MOST_FILTERS:
            filters = ceil(filters / 2)
        else:
            break
    return min(vectors * lanes, problem.channels), filters


def _registers(problem: ConvProblem, lanes: int, itemsize: int, machine: Machine) -> tuple[float, int, int]:
    """Return the cycles of a (tile, filter, channel), and the best (filters, vectors)."""
    unit, found, across = machine.cycles(lanes * itemsize * 8), [], ceil(problem.channels / lanes)
    for vectors in range(1, min(4, across) + 1):
        for filters in range(2, min(MOST_FILTERS, (machine.isa.registers - 1 - vectors) // vectors) + 1):
            sums = filters * vectors
            step = max(sums * unit, vectors * unit + filters / 2, (sums + vectors + filters + 4) / ISSUE, 4)
            step += LOOP / PART
            whole = ceil(problem.filters / filters) * ceil(across / vectors)
            found.append((step * whole / (problem.filters * problem.channels), filters, vectors))
    return min(found)


@lru_cache(maxsize=1024)
def _shape(problem: ConvProblem, itemsize: int, machine: Machine) -> Shape:
    """Choose the block for which all of them together take the fewest cycles; `problem` is merged."""
    lanes = machine.isa.bits // 8 // itemsize
    whole, task = problem, _tasks(problem, itemsize, lanes, machine)
    problem = replace(problem, channels=task[0], filters=task[1])
    count_of_tasks = ceil(whole.channels / task[0]) * ceil(whole.filters / task[1]) * problem.groups
    each, filters, vectors = _registers(problem, lanes, itemsize, machine)
    tiles, total, points = tiles_of(problem.axes[-1]), run_count(problem), points_of(problem)
    unit, across = 2 * machine.cycles(machine.isa.bits), ceil(problem.channels / lanes)
    pairs = problem.channels * problem.filters
    room = prod(whole.x_shape) + prod(whole.y_shape)
    parts = min(PARTS if PARTS * prod(whole.w_shape) <= room else 1, total)
    found = []
    for runs in range(1, min(ceil(total / parts), ceil(MOST_TILES / tiles)) + 1):
        count = runs * tiles
        held = points * count * itemsize * (problem.channels + problem.filters)
        work = pairs * count * each + ADDED * unit * problem.filters * across
        work += unit * across * TURNED * count
        around = TRANSFORMED * problem.channels + SPREAD * problem.filters
        work += unit * around * runs * row_vectors(problem, lanes)
        far = 2 * WRITTEN * (held * (held > 0.5 * machine.l2))
        found.append(((points * work + far) * ceil(total / runs) * count_of_tasks, runs))
    best, runs = min(found)
    return Shape(filters, vectors, lanes, runs, parts, task, best)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem = problem.merged()
    return _shape(problem, itemsize, this_machine()).cycles + CALL


class _Calls:
    """The calls for arrays of given strides."""

    def __init__(self, problem: ConvProblem, itemsize: int, x: Strides, g: Strides, workers: int) -> None:
        self.problem, self.itemsize, self.x, self.g = problem, itemsize, x, g
        self.shape = shape = _shape(problem, itemsize, this_machine())
        registers = shape.lanes, shape.filters, shape.vectors
        self.tile = tile = WinogradFilterTile(
            itemsize, *registers, taps_of(problem), problem.axes[-1].dilation
        )
        self.table = run_table(problem, x, g)
        self.filters = cut(problem.filters, ceil(problem.filters / shape.task[1]))
        many = shape.parts * problem.groups * len(self.filters)
        few = max(ceil(problem.channels / shape.task[0]), ceil(2 * workers / many) if workers > 1 else 1)
        self.channels = [
            (a * shape.lanes, min(b * shape.lanes, problem.channels))
            for a, b in cut(ceil(problem.channels / shape.lanes), few)
        ]
        self.most = max(b - a for a, b in self.channels)
        most = max(b - a for a, b in self.filters)
        self.filter_blocks = ceil(most / shape.filters)
        run = row_vectors(problem, shape.lanes) * tile.vector_bytes
        self.pitch = (
            run + ceil((shape.runs - 1) * tiles_of(problem.axes[-1]) / shape.lanes) * tile.vector_bytes
        )
        self.v_point = distance(self.most * self.pitch, tile.points)
        self.s_point = distance(most * self.pitch, tile.points)
        self.panel = tile.points * (self.v_point + self.s_point)
        wide = ceil(ceil(self.most / shape.lanes) / shape.vectors) * shape.vectors * tile.vector_bytes
        self.panel_pitch = wide + LINE  # rows of a panel are written a few at a time, all of their lines
        self.m_point = distance(self.filter_blocks * shape.filters * wide, tile.points)
        self.m_row = wide
        panels = self.pitch // tile.vector_bytes * shape.lanes + shape.filters
        self.zeros = self.panel + max(panels * self.panel_pitch, shape.filters * self.pitch)
        longest = max(problem.axes[-1].i, problem.axes[-1].o)
        self.zero_vectors = ceil(longest / shape.lanes)
        self.copied_bytes = self.zeros + self.zero_vectors * tile.vector_bytes + LINE
        self.sums_bytes = tile.points * self.m_point

    def tasks(self) -> list[Array]:
        parts = list(enumerate(cut(len(self.table), self.shape.parts)))
        each = product(range(self.problem.groups), parts, self.channels, self.filters)
        return [
            table(self._task(group, *part, channels, filters), FILTER_FIELDS)
            for group, part, channels, filters in each
        ]

    def _task(
        self, group: int, part: int, runs: Range, channels: Range, filters: Range
    ) -> list[dict[str, int]]:
        start, stop = runs
        blocks = [
            (start + a, start + b) for a, b in cut(stop - start, ceil((stop - start) / self.shape.runs))
        ]
        fields = self._fields(group, part, channels, filters)
        last = len(blocks) - 1
        return [
            fields | self._runs(block) | {"first": int(n == 0), "last": int(n == last)}
            for n, block in enumerate(blocks)
        ]

    def _runs(self, runs: Range) -> dict[str, int]:
        count = (runs[1] - runs[0]) * tiles_of(self.problem.axes[-1])
        fields = run_fields(self.problem, self.table, runs, self.tile.lanes, self.itemsize)
        return fields | {"tiles": count, "tile_vectors": ceil(count / self.tile.lanes)}

    def _fields(self, group: int, part: int, channels: Range, filters: Range) -> dict[str, int]:
        problem, tile, last = self.problem, self.tile, self.problem.axes[-1]
        count, size = channels[1] - channels[0], self.itemsize * prod(self.tile.taps)
        vectors = ceil(count / tile.lanes)
        first = (part * problem.groups + group) * problem.filters + filters[0]
        return {
            "pitch": self.pitch,
            "zeros": self.zeros,
            "zero_vectors": self.zero_vectors,
            "x_offset": group * self.x[1] + channels[0] * self.x[2],
            "x_channel": self.x[2],
            "channels": count,
            "before": last.before,
            "x_size": last.i,
            "v_point": self.v_point,
            "g_offset": group * self.g[1] + filters[0] * self.g[2],
            "g_filter": self.g[2],
            "filters": filters[1] - filters[0],
            "g_size": last.o,
            "s_offset": tile.points * self.v_point,
            "s_point": self.s_point,
            "part": PART,
            "panel": self.panel,
            "panel_pitch": self.panel_pitch,
            "channel_vectors": vectors,
            "column_tiles": ceil(vectors / tile.vectors),
            "filter_blocks": ceil((filters[1] - filters[0]) / tile.filters),
            "m_row": self.m_row,
            "m_point": self.m_point,
            "m_bytes": self.sums_bytes,
            "result": (first * problem.channels + channels[0]) * size,
            "result_filter": problem.channels * size,
            "result_channel": size,
        }


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, int]:
    """Return the calls, and the number of partial results."""
    problem, groups = problem.merged(), problem.groups
    x = contiguous(problem.x_shape, groups, 1, itemsize)
    calls = _Calls(problem, itemsize, x, contiguous(problem.y_shape, groups, 1, itemsize), workers)
    none = np.zeros((0, 1), np.int64)
    sizes = 0, calls.sums_bytes, calls.copied_bytes
    return Plan(calls.tile, none, calls.tasks(), *sizes, workers, calls.table), calls.shape.parts


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; both arrays are contiguous."""
    plan, count = _plan(problem, x.itemsize, threads())
    parts = np.empty((count, *problem.w_shape), x.dtype)
    plan(x, g, parts)
    return parts[0] if count == 1 else parts.sum(axis=0)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed tiles, sums and partial results."""
    plan, count = _plan(problem, itemsize, threads())
    return plan.workspace + (count if count > 1 else 0) * prod(problem.w_shape) * itemsize
