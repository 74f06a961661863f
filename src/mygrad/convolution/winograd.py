"""Filters of three taps along every axis, stride 1, by minimal filtering: 4/9 of the products of two axes.

Which tiles, how many runs of them in a block, and the parameters of the calls; `winograd_kernels` has the
formulas. Right for many channels and filters, where products cost more than transforms.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import LINE, PAGE, Strides, contiguous, exchanged, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.minimal_filtering import OUTPUTS, POINTS, TAPS
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import CALL, ISSUE, LOOP, Range, cut
from mygrad.convolution.winograd_kernels import (
    BLOCK_FIELDS,
    PACK_FIELDS,
    WinogradTile,
)

__all__ = ["applies", "convolve", "cycles", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
MOST_AXES = 3
LEAST_CHANNELS = 8
PART = 32  # channels that are added one after the other: errors are then as small as those of direct sums
MOST_FILTERS = 14
MOST_TILES = 512  # of a block
TRANSFORMED, FINISHED, PACKED = 5.5, 4.0, 1.5  # cycles a point: of a vector of data, of results, of a filter
WRITTEN, READ = 0.12, 0.03  # cycles to write, or read in order, a byte beyond the second cache


def _forward_axis(axis: Axis) -> Axis:
    return axis.flipped() if axis.dilation < 0 else axis


def applies(problem: ConvProblem) -> bool:
    """Tell whether the last axis and others have three taps, stride 1, and the rest one."""
    filtered = [axis for axis in problem.merged().axes if not axis.pointwise]
    if not 1 <= len(filtered) <= MOST_AXES or min(problem.channels, problem.filters) < LEAST_CHANNELS:
        return False
    same = all(axis.k == TAPS and axis.stride == axis.up == abs(axis.dilation) == 1 for axis in filtered)
    return same and not problem.merged().axes[-1].pointwise and not problem.empty


def tiles_of(axis: Axis) -> int:
    return ceil(axis.o / OUTPUTS)


def run_count(problem: ConvProblem) -> int:
    rows = (axis.o if axis.pointwise else tiles_of(axis) for axis in problem.axes[:-1])
    return problem.batch * prod(rows)


@dataclass(frozen=True)
class Shape:
    """The tile of registers, and the runs of a block."""

    filters: int
    vectors: int
    lanes: int
    blocks: int
    together: int
    """Blocks of filters."""
    cycles: float
    """Of one core, for everything but packing."""


def row_vectors(problem: ConvProblem, lanes: int) -> int:
    """Return the vectors of one run."""
    return ceil(tiles_of(problem.axes[-1]) / lanes)


def points_of(problem: ConvProblem) -> int:
    return POINTS ** sum(not axis.pointwise for axis in problem.axes)


def _registers(problem: ConvProblem, lanes: int, itemsize: int, machine: Machine) -> tuple[float, int, int]:
    """Return the cycles of a (channel, filter, vector of tiles), and the best (filters, vectors)."""
    unit, found = machine.cycles(lanes * itemsize * 8), []
    for vectors in range(1, 5):
        for filters in range(2, min(MOST_FILTERS, (machine.isa.registers - 1 - vectors) // vectors) + 1):
            sums = filters * vectors
            loads = vectors * unit + filters / 2
            step = max(sums * unit, loads, (sums + vectors + filters + 4) / ISSUE, 4)
            step += (2 * sums + LOOP) / min(PART, problem.channels)
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


@lru_cache(maxsize=1024)
def _shape(problem: ConvProblem, itemsize: int, machine: Machine, workers: int) -> Shape:
    """Choose the block for which all of them together take the fewest cycles; `problem` is merged."""
    lanes = machine.isa.bits // 8 // itemsize
    each, filters, vectors = _registers(problem, lanes, itemsize, machine)
    tiles, total = tiles_of(problem.axes[-1]), run_count(problem)
    pairs = points_of(problem) * problem.channels * problem.filters
    around = problem.channels * TRANSFORMED + problem.filters * FINISHED
    around *= ceil(tiles / lanes) * 2 * machine.cycles(machine.isa.bits) * points_of(problem)
    found = []
    for runs in range(1, min(total, ceil(MOST_TILES / tiles)) + 1):
        blocks, whole = ceil(total / runs), ceil(runs * tiles / lanes)
        across = ceil(whole / vectors) * vectors
        far, together = _far(problem, filters, across * lanes, itemsize, machine)
        work = pairs * across * each + runs * around + far
        turns = ceil(blocks * problem.groups / workers) * workers
        found.append((work * turns, Shape(filters, vectors, lanes, blocks, together, work * turns)))
    return min(found, key=lambda each: each[0])[1]


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem = problem.merged()
    shape = _shape(problem, itemsize, this_machine(), threads())
    packed = PACKED * points_of(problem) * problem.groups * problem.channels * problem.filters
    return shape.cycles + packed + CALL


# -- the parameters of the calls


def _along(axis: Axis, x: int, y: int) -> tuple[Array, Array]:
    """Return the places of the (tile, row) of an axis in x and y, -1 where there is none."""
    if axis.pointwise:
        return np.arange(axis.o)[:, None] * x, np.arange(axis.o)[:, None] * y
    reads = np.arange(tiles_of(axis))[:, None] * OUTPUTS + np.arange(POINTS) - axis.before
    writes = np.arange(tiles_of(axis))[:, None] * OUTPUTS + np.arange(OUTPUTS)
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
    return ceil(size / PAGE) * PAGE + max(LINE, PAGE // points)


class _Calls:
    """The calls for arrays of given strides; axes run forward."""

    def __init__(
        self, problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int
    ) -> None:
        self.problem, self.itemsize = problem, itemsize
        self.shape = shape = _shape(problem, itemsize, this_machine(), workers)
        self.x, self.w, self.y = strides
        flips = [axis.dilation < 0 for axis in problem.axes]
        self.axes = [_forward_axis(axis) for axis in problem.axes]
        self.w_start = sum(
            step * (axis.k - 1) * flip for step, axis, flip in zip(self.w[3:], self.axes, flips, strict=True)
        )
        steps = tuple(
            -step if flip else step
            for step, axis, flip in zip(self.w[3:], self.axes, flips, strict=True)
            if not axis.pointwise
        )
        self.tile = WinogradTile(itemsize, shape.lanes, shape.filters, shape.vectors, len(steps), steps)
        self.filter_blocks = ceil(problem.filters / shape.filters)
        self.packed_block = problem.channels * self.tile.line_bytes
        self.packed_point = self.filter_blocks * self.packed_block
        self.packed_group = self.tile.points * self.packed_point
        run = ceil(tiles_of(self.axes[-1]) / shape.lanes) * shape.lanes
        self.runs = run_table(self._forward(), self.x, self.y)
        last = (ceil(len(self.runs) / shape.blocks) - 1) * tiles_of(self.axes[-1]) + run
        self.pitch = max(ceil(last / shape.lanes), shape.vectors) * self.tile.vector_bytes
        self.v_point = distance(problem.channels * self.pitch, self.tile.points)
        self.zeros = self.tile.points * self.v_point
        self.zero_vectors = ceil(self.axes[-1].i / shape.lanes)
        self.copied_bytes = self.zeros + self.zero_vectors * self.tile.vector_bytes
        self.sums_bytes = self.tile.points * distance(
            shape.together * shape.filters * self.pitch, self.tile.points
        )

    def _forward(self) -> ConvProblem:
        p = self.problem
        return ConvProblem(p.batch, p.groups, p.channels, p.filters, tuple(self.axes))

    def packs(self) -> Array:
        problem, tile = self.problem, self.tile
        calls = problem.groups * self.filter_blocks
        cuts = cut(problem.channels, ceil(8 / calls))
        rows = [
            {
                "w_offset": self.w_start + g * self.w[0] + b * tile.filters * self.w[1] + start * self.w[2],
                "packed_offset": g * self.packed_group + b * self.packed_block + start * tile.line_bytes,
                "channels": stop - start,
                "channel": self.w[2],
                "filter": self.w[1],
                "last_filter": min(tile.filters, problem.filters - b * tile.filters) - 1,
                "packed_point": self.packed_point,
            }
            for g, b, (start, stop) in product(range(problem.groups), range(self.filter_blocks), cuts)
        ]
        return table(rows, PACK_FIELDS)

    def tasks(self, workers: int) -> list[Array]:
        cuts = cut(len(self.runs), self.shape.blocks)
        few = ceil(2 * workers / (len(cuts) * self.problem.groups)) if workers > 1 else 1
        parts = cut(self.filter_blocks, few)
        return [
            table([self._call(*each)], BLOCK_FIELDS)
            for each in product(range(self.problem.groups), cuts, parts)
        ]

    def _call(self, group: int, runs: Range, part: Range) -> dict[str, int]:
        tile, last, count = self.tile, self.axes[-1], part[1] - part[0]
        vectors = max(ceil((runs[1] - runs[0]) * tiles_of(last) / tile.lanes), tile.vectors)
        together = min(self.shape.together, count)
        fields = run_fields(self.problem, self.runs, runs, tile.lanes, self.itemsize)
        return fields | {
            "x_offset": group * self.x[1],
            "x_channel": self.x[2],
            "channels": self.problem.channels,
            "part": PART,
            "before": last.before,
            "x_size": last.i,
            "y_size": last.o,
            "pitch": self.pitch,
            "v_point": self.v_point,
            "m_point": distance(together * tile.filters * self.pitch, tile.points),
            "zeros": self.zeros,
            "zero_vectors": self.zero_vectors,
            "last_vector": (vectors - 1) * tile.vector_bytes,
            "columns": ceil(vectors / tile.vectors),
            "last_column": (vectors - tile.vectors) * tile.vector_bytes,
            "packed_offset": group * self.packed_group + part[0] * self.packed_block,
            "packed_block": self.packed_block,
            "packed_point": self.packed_point,
            "filter_blocks": count,
            "filter_groups": ceil(count / together),
            "group_blocks": together,
            "y_offset": group * self.y[1] + part[0] * tile.filters * self.y[2],
            "y_filter": self.y[2],
            "filters": self.problem.filters - part[0] * tile.filters,
        }


def _plan(problem: ConvProblem, itemsize: int, strides: tuple[Strides, ...], workers: int) -> Plan:
    calls = _Calls(problem, itemsize, strides, workers)
    packed = problem.groups * calls.packed_group
    sizes = packed, calls.sums_bytes, calls.copied_bytes + LINE
    return Plan(calls.tile, calls.packs(), calls.tasks(workers), *sizes, workers, calls.runs)


@lru_cache(maxsize=512)
def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem, groups = problem.merged(), problem.groups
    x = contiguous(problem.x_shape, groups, 1, itemsize)
    w = contiguous(problem.w_shape, groups, 0, itemsize)
    return _plan(problem, itemsize, (x, w, contiguous(problem.y_shape, groups, 1, itemsize)), workers)


@lru_cache(maxsize=512)
def _backward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem, groups = problem.merged(), problem.groups
    g = contiguous(problem.y_shape, groups, 1, itemsize)
    w = exchanged(contiguous(problem.w_shape, groups, 0, itemsize), 0, 2, 1)
    strides = g, w, contiguous(problem.x_shape, groups, 1, itemsize)
    return _plan(problem.for_input(), itemsize, strides, workers)


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y; the arrays are contiguous."""
    y = np.empty(problem.y_shape, x.dtype)
    _forward(problem, x.itemsize, threads())(x, w, y)
    return y


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: with stride 1, a convolution of g with the filters turned around."""
    x = np.empty(problem.x_shape, g.dtype)
    _backward(problem, g.itemsize, threads())(g, w, x)
    return x


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of transformed filters, data and products."""
    return _forward(problem, itemsize, threads()).workspace
