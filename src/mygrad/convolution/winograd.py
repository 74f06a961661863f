"""Filters of a few taps along every axis, stride 1, by minimal filtering: 4/9 of the products of 3 x 3 taps.

Which tiles, how many runs of them in a block, and the parameters of the calls; `winograd_kernels` has the
formulas. Right for many channels and filters, where products cost more than transforms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import LINE, PAGE, Strides, contiguous, exchanged, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.minimal_filtering import OUTPUTS, points_of_taps
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL, ISSUE, LOOP, Range, cut
from mygrad.convolution.winograd_kernels import (
    BLOCK_FIELDS,
    PACK_FIELDS,
    WinogradTile,
)
from mygrad.convolution.winograd_runs import useful_lanes

__all__ = ["applies", "convolve", "cycles", "fits", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
MOST_AXES = 3
MOST_POINTS = 100
LEAST_CHANNELS = 8
PART = 32  # channels that are added one after the other: errors are then as small as those of direct sums
MOST_FILTERS = 14
MOST_TILES = 512  # of a block
PASSES = 1, 2, 4, 8
SPARE_BYTES = 1 << 20
TRANSFORMED, FINISHED, PACKED = 5.5, 4.0, 1.5  # cycles a point: of a vector of data, of results, of a filter
WRITTEN, READ = 0.12, 0.03  # cycles to write, or read in order, a byte beyond the second cache


def _forward_axis(axis: Axis) -> Axis:
    return axis.flipped() if axis.dilation < 0 else axis


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether the last axis and others have a few taps, stride 1, and the rest one."""
    filtered = [axis for axis in problem.merged().axes if not axis.pointwise]
    if not 1 <= len(filtered) <= MOST_AXES or min(problem.channels, problem.filters) < LEAST_CHANNELS:
        return False
    same = all(axis.stride == axis.up == 1 for axis in filtered)
    last = problem.merged().axes[-1]
    lanes = this_machine().isa.bits // 8 // itemsize
    same = same and points_of(problem.merged()) <= MOST_POINTS
    return same and abs(last.dilation) <= lanes and not last.pointwise and not problem.empty


def _first_outputs(axis: Axis) -> Array:
    """Return the first output of each tile of an axis; the other one lies a dilation behind."""
    outputs, step = np.arange(axis.o), abs(axis.dilation)
    return outputs[outputs // step % OUTPUTS == 0]


def tiles_of(axis: Axis) -> int:
    """Return how many tiles there are along an axis."""
    step = abs(axis.dilation)
    whole, left = divmod(axis.o, OUTPUTS * step)
    return whole * step + min(left, step)


def run_count(problem: ConvProblem) -> int:
    """Return how many runs of tiles a problem has."""
    rows = (axis.o if axis.pointwise else tiles_of(axis) for axis in problem.axes[:-1])
    return problem.batch * prod(rows)


@dataclass(frozen=True)
class Shape:
    """The tile of registers, the blocks of runs, and which filters are computed one after the other.

    `together` blocks of filters share the memory for products. `passes` are ranges of filters, whose packed
    filters are in memory one after the other.
    """

    filters: int
    vectors: int
    lanes: int
    blocks: int
    together: int
    passes: tuple[Range, ...]
    cycles: float
    """Of one core, for everything but packing."""

    def pitch(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of one channel of a block at one point: the last run is whole vectors."""
        tiles = (ceil(run_count(problem) / self.blocks) - 1) * tiles_of(problem.axes[-1])
        vectors = ceil(tiles / self.lanes + row_vectors(problem, self.lanes))
        return max(vectors, self.vectors) * self.lanes * itemsize

    def packed_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the packed filters of a pass."""
        blocks = ceil(max(b - a for a, b in self.passes) / self.filters) * problem.groups
        return points_of(problem) * problem.channels * blocks * self.filters * itemsize

    def sums_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the products of a worker."""
        points, filters = points_of(problem), self.together * self.filters
        return points * distance(filters * self.pitch(problem, itemsize), points)

    def copied_bytes(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes of the transformed data of a worker, and of a row of zeros."""
        points, zeros = points_of(problem), ceil(problem.axes[-1].i / self.lanes) + 1
        data = points * distance(problem.channels * self.pitch(problem, itemsize), points)
        return data + zeros * self.lanes * itemsize

    def workspace(self, problem: ConvProblem, itemsize: int, workers: int) -> int:
        own = self.sums_bytes(problem, itemsize) + self.copied_bytes(problem, itemsize)
        return self.packed_bytes(problem, itemsize) + workers * own


def row_vectors(problem: ConvProblem, lanes: int) -> int:
    """Return the vectors of one run."""
    last = problem.axes[-1]
    return ceil(tiles_of(last) / useful_lanes(lanes, abs(last.dilation)))


def points_of(problem: ConvProblem) -> int:
    """Return the points of a tile."""
    return prod(map(points_of_taps, taps_of(problem)))


def taps_of(problem: ConvProblem) -> tuple[int, ...]:
    """Return the taps along the axes that have more than one."""
    return tuple(axis.k for axis in problem.axes if not axis.pointwise)


def _registers(problem: ConvProblem, lanes: int, itemsize: int, machine: Machine) -> tuple[float, int, int]:
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
) -> tuple[float, int]:
    """Return the cycles that a block waits for far memory, and how many blocks of filters share m.

    Either m stays in the cache, and v is read again for each few filters, or v is read once and m moves.
    """
    line = points_of(problem) * tiles * itemsize
    data, results, blocks = line * problem.channels, line * problem.filters, ceil(problem.filters / filters)
    few = max(1, min(machine.l2 // 5 // (line * filters), blocks))
    data *= data > 0.65 * machine.l2
    near = WRITTEN * data + READ * data * ceil(blocks / few)
    near += (WRITTEN + READ) * results * (line * filters > machine.l2 // 4)
    whole = (WRITTEN + READ) * (data + results * (results > machine.l2 // 4))
    packed = points_of(problem) * problem.channels * problem.filters * itemsize
    return min((near + READ * packed, few), (whole + READ * packed, blocks))


def _shapes(problem: ConvProblem, itemsize: int, workers: int, passes: int) -> Iterator[Shape]:
    """Yield a shape for each number of runs in a block, with so many passes."""
    machine = this_machine()
    lanes = machine.isa.bits // 8 // itemsize
    each, filters, vectors = _registers(problem, lanes, itemsize, machine)
    ranges = tuple(
        (a * filters, min(b * filters, problem.filters))
        for a, b in cut(ceil(problem.filters / filters), passes)
    )
    part = replace(problem, filters=max(b - a for a, b in ranges))
    tiles, total, points = tiles_of(problem.axes[-1]), run_count(problem), points_of(problem)
    around = part.channels * TRANSFORMED + part.filters * FINISHED
    around *= row_vectors(problem, lanes) * 2 * machine.cycles(machine.isa.bits) * points
    for runs in range(1, min(total, ceil(MOST_TILES / tiles)) + 1):
        blocks, whole = ceil(total / runs), ceil(runs * tiles / lanes)
        across = ceil(whole / vectors) * vectors
        far, together = _far(part, filters, across * lanes, itemsize, machine)
        work = points * part.channels * part.filters * across * each + runs * around + far
        work *= ceil(blocks * problem.groups / workers) * workers * len(ranges)
        yield Shape(filters, vectors, lanes, blocks, together, ranges, work)


@lru_cache(maxsize=1024)
def _shape(problem: ConvProblem, itemsize: int, workers: int) -> Shape:
    """Return the fastest shape with the fewest passes for which the workspace is small enough."""
    room, found = _room(problem, itemsize), []
    for passes in PASSES:
        found = list(_shapes(problem, itemsize, workers, passes))
        fitting = [shape for shape in found if shape.workspace(problem, itemsize, workers) <= room]
        if fitting:
            return min(fitting, key=lambda shape: shape.cycles)
    return min(found, key=lambda shape: shape.cycles)


def _room(problem: ConvProblem, itemsize: int) -> int:
    return itemsize * sum(map(prod, (problem.x_shape, problem.y_shape, problem.w_shape))) + SPARE_BYTES


def fits(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether the workspace is no larger than the arrays."""
    return workspace(problem, itemsize) <= _room(problem, itemsize)


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem = problem.merged()
    shape = _shape(problem, itemsize, threads())
    packed = PACKED * points_of(problem) * problem.groups * problem.channels * problem.filters
    return shape.cycles + packed + CALL * len(shape.passes)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed filters, data and products."""
    problem = problem.merged()
    return _shape(problem, itemsize, threads()).workspace(problem, itemsize, threads())


# -- the parameters of the calls


def _along(axis: Axis, x: int, y: int) -> tuple[Array, Array]:
    """Return the places of the (tile, row) of an axis in x and y, -1 where there is none."""
    if axis.pointwise:
        return np.arange(axis.o)[:, None] * x, np.arange(axis.o)[:, None] * y
    first = _first_outputs(axis)[:, None]
    reads = first + axis.dilation * np.arange(axis.k + OUTPUTS - 1) - axis.before
    writes = first + axis.dilation * np.arange(OUTPUTS)
    return (
        np.where((reads >= 0) & (reads < axis.i), reads * x, -1),
        np.where(writes < axis.o, writes * y, -1),
    )


def _joined(before: Array, after: Array) -> Array:
    """Return the places of all pairs of (run, row) and (tile, row)."""
    a, b = before[:, None, :, None], after[None, :, None, :]
    places = np.where((a < 0) | (b < 0), -1, a + b)
    return places.reshape(len(before) * len(after), -1)


def run_table(problem: ConvProblem, x: Strides, y: Strides) -> Array:
    """Return the places of the rows of each run, in x and in y."""
    reads, writes = (np.arange(problem.batch)[:, None] * step for step in (x[0], y[0]))
    for axis, x_step, y_step in zip(problem.axes[:-1], x[3:], y[3:], strict=False):
        more_reads, more_writes = _along(axis, x_step, y_step)
        reads, writes = _joined(reads, more_reads), _joined(writes, more_writes)
    return np.ascontiguousarray(np.concatenate([reads, writes], axis=1), np.int64)


def run_fields(problem: ConvProblem, runs: Array, part: Range, lanes: int, itemsize: int) -> dict[str, int]:
    """Return the parameters of some runs of a table."""
    return {
        "runs": part[1] - part[0],
        "run_table": runs.ctypes.data + part[0] * runs.strides[0],
        "run_vectors": row_vectors(problem, lanes),
        "run_bytes": tiles_of(problem.axes[-1]) * itemsize,
    }


def distance(size: int, points: int) -> int:
    """Return how far points of `size` bytes lie apart: at one place they share no set of the cache."""
    return ceil(size / PAGE) * PAGE + max(1, PAGE // LINE // points) * LINE


class _Calls:
    """The calls of one pass, for arrays of given strides."""

    def __init__(
        self, problem: ConvProblem, shape: Shape, itemsize: int, strides: tuple[Strides, ...], part: Range
    ) -> None:
        flips = [axis.dilation < 0 for axis in problem.axes]
        self.problem = problem = replace(problem, axes=tuple(map(_forward_axis, problem.axes)))
        self.shape, self.itemsize, self.part = shape, itemsize, part
        self.x, self.w, self.y = strides
        taps = list(zip(self.w[3:], problem.axes, flips, strict=True))
        self.w_start = part[0] * self.w[1] + sum(step * (axis.k - 1) * flip for step, axis, flip in taps)
        steps = tuple(-step if flip else step for step, axis, flip in taps if not axis.pointwise)
        step, registers = problem.axes[-1].dilation, (shape.lanes, shape.filters, shape.vectors)
        self.tile = WinogradTile(itemsize, *registers, taps_of(problem), step, steps)
        self.filter_blocks = ceil((part[1] - part[0]) / shape.filters)
        self.packed_block = problem.channels * self.tile.line_bytes
        self.packed_point = self.filter_blocks * self.packed_block
        self.packed_group = self.tile.points * self.packed_point
        self.pitch = shape.pitch(problem, itemsize)
        self.v_point = distance(problem.channels * self.pitch, self.tile.points)
        self.runs = run_table(problem, self.x, self.y)

    def plan(self, workers: int) -> Plan:
        problem, shape, size = self.problem, self.shape, self.itemsize
        own = shape.sums_bytes(problem, size), shape.copied_bytes(problem, size)
        packed = problem.groups * self.packed_group
        return Plan(self.tile, self.packs(), self.tasks(workers), packed, *own, workers, self.runs)

    def packs(self) -> Array:
        tile, groups, width = self.tile, range(self.problem.groups), self.shape.filters
        cuts = cut(self.problem.channels, ceil(8 / (len(groups) * self.filter_blocks)))
        rows = [
            {
                "w_offset": self.w_start + g * self.w[0] + b * width * self.w[1] + start * self.w[2],
                "packed_offset": g * self.packed_group + b * self.packed_block + start * tile.line_bytes,
                "channels": stop - start,
                "channel": self.w[2],
                "filter": self.w[1],
                "last_filter": min(width, self.part[1] - self.part[0] - b * width) - 1,
                "packed_point": self.packed_point,
            }
            for g, b, (start, stop) in product(groups, range(self.filter_blocks), cuts)
        ]
        return table(rows, PACK_FIELDS)

    def tasks(self, workers: int) -> list[Array]:
        groups, cuts = range(self.problem.groups), cut(len(self.runs), self.shape.blocks)
        few = ceil(2 * workers / (len(cuts) * len(groups))) if workers > 1 else 1
        parts = cut(self.filter_blocks, few)
        return [table([self._call(*each)], BLOCK_FIELDS) for each in product(groups, cuts, parts)]

    def _call(self, group: int, runs: Range, blocks: Range) -> dict[str, int]:
        return {
            **run_fields(self.problem, self.runs, runs, self.tile.lanes, self.itemsize),
            **self._data(group, runs),
            **self._filters(group, blocks),
        }

    def _data(self, group: int, runs: Range) -> dict[str, int]:
        tile, last = self.tile, self.problem.axes[-1]
        vectors = max(ceil((runs[1] - runs[0]) * tiles_of(last) / tile.lanes), tile.vectors)
        return {
            "x_offset": group * self.x[1],
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

    def _filters(self, group: int, blocks: Range) -> dict[str, int]:
        count, width = blocks[1] - blocks[0], self.shape.filters
        together, first = min(self.shape.together, count), self.part[0] + blocks[0] * width
        return {
            "m_point": distance(together * width * self.pitch, self.tile.points),
            "packed_offset": group * self.packed_group + blocks[0] * self.packed_block,
            "packed_block": self.packed_block,
            "packed_point": self.packed_point,
            "filter_blocks": count,
            "filter_groups": ceil(count / together),
            "group_blocks": together,
            "y_offset": group * self.y[1] + first * self.y[2],
            "y_filter": self.y[2],
            "filters": self.part[1] - first,
        }


def _plans(
    problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int
) -> tuple[Plan, ...]:
    shape = _shape(problem, itemsize, workers)
    return tuple(_Calls(problem, shape, itemsize, strides, part).plan(workers) for part in shape.passes)


@lru_cache(maxsize=512)
def _forward(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, ...]:
    problem, groups = problem.merged(), problem.groups
    x = contiguous(problem.x_shape, groups, 1, itemsize)
    w = contiguous(problem.w_shape, groups, 0, itemsize)
    return _plans(problem, itemsize, (x, w, contiguous(problem.y_shape, groups, 1, itemsize)), workers)


@lru_cache(maxsize=512)
def _backward(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, ...]:
    problem, groups = problem.merged(), problem.groups
    g = contiguous(problem.y_shape, groups, 1, itemsize)
    w = exchanged(contiguous(problem.w_shape, groups, 0, itemsize), 0, 2, 1)
    strides = g, w, contiguous(problem.x_shape, groups, 1, itemsize)
    return _plans(problem.for_input(), itemsize, strides, workers)


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y; the arrays are contiguous."""
    y = np.empty(problem.y_shape, x.dtype)
    for plan in _forward(problem, x.itemsize, threads()):
        plan(x, w, y)
    return y


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: with stride 1, a convolution of g with the filters turned around."""
    x = np.empty(problem.x_shape, g.dtype)
    for plan in _backward(problem, g.itemsize, threads()):
        plan(g, w, x)
    return x
