"""Filter gradients of a few taps along every axis by minimal filtering.

Tiles are cut into parts that are summed apart, as many for any number of threads. Channels and filters are
cut so that the sums of a task stay in the cache; transforms are then computed again by each task, or before
all of them where there is room for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import borrow, give_back, threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import LINE, Strides, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import CALL, ISSUE, LOOP, Range, cut
from mygrad.convolution.winograd_blocks import PART, TRANSFORMED, WRITTEN
from mygrad.convolution.winograd_filter_kernels import (
    FILTER_FIELDS,
    TRANSFORM_FIELDS,
    ProductsTile,
    TransformsTile,
    WinogradFilterTile,
)
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

__all__ = ["cycles", "filter_gradient", "workspace"]

Array = np.ndarray[Any, Any]
PARTS = 4
MOST_FILTERS = 12
MOST_TILES = 512  # of a block
PIECES = 8  # of the channels and of the filters, to transform them before all tasks
SHARED = 0.8  # of the bytes of all arrays may be transforms
SPREAD = 3.5  # cycles a point to transform a vector of the gradient of y
STORED = 1.0  # cycles a byte to store the taps of channels and filters
STRIDED = 1.05  # times as long as counted takes a problem with a stride
ADDED, TURNED = 3.0, 1.25  # cycles a vector of products that are added to memory, of data per exchange


@dataclass(frozen=True)
class Shape:
    """The tile of registers, the runs of a block, the parts of tiles, the (channels, filters) of a task."""

    filters: int
    vectors: int
    lanes: int
    runs: int
    parts: int
    task: tuple[int, int]
    shared: bool
    """Whether transforms are made before all tasks."""
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
    tasks = ceil(whole.channels / task[0]) * ceil(whole.filters / task[1]) * problem.groups
    each, filters, vectors = _registers(problem, lanes, itemsize, machine)
    tiles, total, points = tiles_of(problem.axes[-1]), run_count(problem), points_of(problem)
    unit, across = 2 * machine.cycles(machine.isa.bits), ceil(problem.channels / lanes)
    pairs = problem.channels * problem.filters
    room = prod(whole.x_shape) + prod(whole.y_shape)
    parts = max(1, min(PARTS, room // prod(whole.w_shape), total))
    totals, run = totals_of(problem), row_vectors(problem, lanes) * unit
    exchanged = TURNED * (lanes.bit_length() - 1)
    held, all_held = (
        tiles * itemsize * (points * some.channels + totals * some.filters) for some in (problem, whole)
    )
    own_run, all_run = (
        run * (points * TRANSFORMED * some.channels + totals * SPREAD * some.filters)
        for some in (problem, whole)
    )
    share = all_held * total * problem.groups <= SHARED * itemsize * (room + prod(whole.w_shape))
    found = []
    for runs in range(1, min(ceil(total / parts), ceil(MOST_TILES / tiles)) + 1):
        count, blocks = runs * tiles, ceil(total / runs)
        work = pairs * count * each + ADDED * unit * problem.filters * across
        work = points * (work + unit * across * exchanged * count)
        far = 2 * WRITTEN * runs * held * (held * runs > 0.5 * machine.l2)
        found.append(((work + runs * own_run + far) * blocks * tasks, runs, False))
        if share:
            once = runs * (all_run + WRITTEN * all_held) * problem.groups
            found.append((((work + WRITTEN * runs * held) * tasks + once) * blocks, runs, True))
    best, runs, shared = min(found)
    stored = STORED * itemsize * prod(whole.w_shape) * parts
    return Shape(filters, vectors, lanes, runs, parts, task, shared, best + stored)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem = problem.merged()
    apart = STRIDED if problem.most_stride > 1 else 1
    machine = this_machine()
    return apart * machine.waits * _shape(problem, itemsize, machine).cycles + CALL


class Calls:
    """The calls for arrays of given strides; each transforms what it needs."""

    kind: type[WinogradFilterTile] = WinogradFilterTile
    problem: ConvProblem
    shape: Shape
    x: Strides
    g: Strides
    tile: WinogradFilterTile
    table: Array
    parts: list[Range]
    filters: list[Range]
    channels: list[Range]
    itemsize: int
    most: int
    filter_blocks: int
    pitch: int
    v_point: int
    s_point: int
    panel: int
    panel_pitch: int
    m_point: int
    m_row: int
    zeros: int
    zero_vectors: int
    copied_bytes: int
    sums_bytes: int

    def __init__(
        self, problem: ConvProblem, shape: Shape, itemsize: int, x: Strides, g: Strides, workers: int
    ) -> None:
        self.problem, self.shape, self.itemsize, self.x, self.g = problem, shape, itemsize, x, g
        registers = shape.lanes, shape.filters, shape.vectors
        self.tile = tile = self.kind(itemsize, *registers, formulas_of(problem), problem.axes[-1].dilation)
        self.table = run_table(problem, x, g)
        self.parts = cut(len(self.table), shape.parts)
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
        self.panel = self.hold(self.most, most)
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

    def hold(self, channels: int, filters: int) -> int:
        """Lay out the transforms of a block, of so many channels and filters; return what a worker holds."""
        points, totals = self.tile.points, self.tile.totals
        self.v_point, self.s_point = (
            distance(channels * self.pitch, points),
            distance(filters * self.pitch, totals),
        )
        return self.block_bytes

    @property
    def block_bytes(self) -> int:
        """The bytes of the transforms of a block."""
        return self.tile.points * self.v_point + self.tile.totals * self.s_point

    def places(self, group: int, runs: Range, channels: Range, filters: Range) -> dict[str, int]:
        """Return where the transforms of a block are."""
        return {"v_offset": 0, "s_offset": self.tile.points * self.v_point}

    def blocks(self, runs: Range) -> list[Range]:
        """Return the runs of each block."""
        start, count = runs[0], runs[1] - runs[0]
        return [(start + a, start + b) for a, b in cut(count, ceil(count / self.shape.runs))]

    def tasks(self) -> list[Array]:
        each = product(range(self.problem.groups), enumerate(self.parts), self.channels, self.filters)
        return [
            table(self._task(group, *part, channels, filters), FILTER_FIELDS)
            for group, part, channels, filters in each
        ]

    def _task(
        self, group: int, part: int, runs: Range, channels: Range, filters: Range
    ) -> list[dict[str, int]]:
        blocks, fields = self.blocks(runs), self._fields(group, part, channels, filters)
        last = len(blocks) - 1
        return [
            fields
            | self.runs_of(block)
            | self.places(group, block, channels, filters)
            | {"first": int(n == 0), "last": int(n == last)}
            for n, block in enumerate(blocks)
        ]

    def runs_of(self, runs: Range) -> dict[str, int]:
        count = (runs[1] - runs[0]) * tiles_of(self.problem.axes[-1])
        fields = run_fields(self.problem, self.table, runs, self.tile.lanes, self.itemsize)
        return fields | {"tiles": count, "tile_vectors": ceil(count / self.tile.lanes)}

    def operands(self, group: int, channels: Range, filters: Range) -> dict[str, int]:
        """Return what is transformed."""
        last = self.problem.axes[-1]
        return {
            "pitch": self.pitch,
            "zeros": self.zeros,
            "zero_vectors": self.zero_vectors,
            "x_offset": group * self.x[1] + channels[0] * self.x[2],
            "x_channel": self.x[2],
            "channels": channels[1] - channels[0],
            "before": last.before,
            "x_size": last.i,
            "v_point": self.v_point,
            "g_offset": group * self.g[1] + filters[0] * self.g[2],
            "g_filter": self.g[2],
            "filters": filters[1] - filters[0],
            "g_size": last.o,
            "s_point": self.s_point,
        }

    def _fields(self, group: int, part: int, channels: Range, filters: Range) -> dict[str, int]:
        problem, tile = self.problem, self.tile
        count, size = channels[1] - channels[0], self.itemsize * prod(self.tile.taps)
        vectors = ceil(count / tile.lanes)
        first = (part * problem.groups + group) * problem.filters + filters[0]
        return {
            **self.operands(group, channels, filters),
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


class SharedCalls(Calls):
    """The calls where transforms are made before."""

    kind: type[WinogradFilterTile] = ProductsTile

    def hold(self, channels: int, filters: int) -> int:
        super().hold(self.problem.channels, self.problem.filters)
        return 0

    def places(self, group: int, runs: Range, channels: Range, filters: Range) -> dict[str, int]:
        block = group * len(self.starts) + self.starts[runs[0]]
        v = block * self.block_bytes + channels[0] * self.pitch
        s = block * self.block_bytes + self.tile.points * self.v_point + filters[0] * self.pitch
        return {"v_offset": v, "s_offset": s}

    @cached_property
    def starts(self) -> dict[int, int]:
        """The number of the block that begins with a run."""
        return {start: n for n, (start, _) in enumerate(chain(*map(self.blocks, self.parts)))}

    @property
    def shared_bytes(self) -> int:
        """Return the bytes of all transforms, and of what is read past the last of them."""
        past = max(self.tile.lanes, self.tile.filters) * self.pitch
        return self.problem.groups * len(self.starts) * self.block_bytes + past

    def transforms(self) -> list[Array]:
        """Return the tasks of transforms: some channels or some filters of a block."""
        blocks = product(range(self.problem.groups), chain(*map(self.blocks, self.parts)))
        return [
            table([self._transform(*block, *some)], TRANSFORM_FIELDS)
            for block, some in product(blocks, self._operands(PIECES))
        ]

    def _operands(self, pieces: int) -> Iterator[tuple[Range, Range]]:
        """Return (channels, filters) of each transform: one of them is empty."""
        yield from ((some, (0, 0)) for some in cut(self.problem.channels, pieces))
        yield from (((0, 0), some) for some in cut(self.problem.filters, pieces))

    def _transform(self, group: int, runs: Range, channels: Range, filters: Range) -> dict[str, int]:
        places = self.places(group, runs, channels, filters)
        return self.operands(group, channels, filters) | self.runs_of(runs) | places | {"zeros": 0}


@lru_cache(maxsize=512)
def _plans(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, Plan | None, int, int]:
    """Return the calls, those of transforms before, their bytes, and the number of partial results."""
    problem = problem.merged()
    x, _, g = strides_of(problem, itemsize)
    shape = _shape(problem, itemsize, this_machine())
    kind = SharedCalls if shape.shared else Calls
    calls = kind(problem, shape, itemsize, x, g, workers)
    none = np.zeros((0, 1), np.int64)
    own = calls.sums_bytes, calls.copied_bytes
    plan = Plan(calls.tile, none, calls.tasks(), 0, *own, workers, calls.table)
    if not isinstance(calls, SharedCalls):
        return plan, None, 0, shape.parts
    zeros = calls.zero_vectors * calls.tile.vector_bytes
    tile = TransformsTile(itemsize, shape.lanes, 1, 1, calls.tile.axes, calls.tile.step)
    before = Plan(tile, none, calls.transforms(), 0, 0, zeros, workers, calls.table)
    return plan, before, calls.shared_bytes, shape.parts


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w; both arrays are contiguous."""
    plan, before, size, count = _plans(problem, x.itemsize, threads())
    parts = np.empty((count, *problem.w_shape), x.dtype)
    if before is None:
        plan(x, g, parts)
    else:
        transforms = borrow(size)
        before(x, g, transforms)
        plan(transforms, g, parts)
        give_back(transforms)
    return parts[0] if count == 1 else parts.sum(axis=0)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed tiles, sums and partial results."""
    plan, _, size, count = _plans(problem, itemsize, threads())
    return plan.workspace + size + (count if count > 1 else 0) * prod(problem.w_shape) * itemsize
