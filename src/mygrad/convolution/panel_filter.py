"""The filter gradient as a product of matrices: rows of x, as they lie, times panels of g, which are turned.

Both are read in order: for a set of channels and one tap, what the tap meets are runs of positions of x and
g. Where there is one tap, g may have the rows and x the panels.
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
from mygrad.convolution.layout import Strides, grid, strides_of, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.panel_dots import DOT_FIELDS, SegmentTile
from mygrad.convolution.panels import MOST_STEP, MOVED, shapes, turn_cycles
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import ALONE, CALL, FEW_PRODUCTS, Range, cut

__all__ = ["applies", "cycles", "filter_gradient", "workspace"]

Array = np.ndarray[Any, Any]
RUN = 144  # positions of a part of a sum, at most
DEPTH = 576  # positions of a chunk, whose panels and rows stay in the caches
MOST_SEGMENTS = 1 << 20
TASKS, SPARE = 16, 8  # partial results at most, and at most this share of the bytes of x and g
SEGMENT, FINISH, STORED = 30, 40, 4  # cycles of a run, of a tile for each chunk, of a vector of its sums
STRIDED = 1.12  # times as long takes a turn where what is summed lies apart
TURNED = 0.11  # cycles to turn a byte
ELEMENT = 5  # cycles to store an element of a column that does not lie beside the others


@dataclass(frozen=True)
class Sides:
    """Which array has the rows: x, whose rows are channels, or g, whose rows are filters."""

    rows: int
    columns: int
    x_rows: bool


def _sides(problem: ConvProblem) -> Iterator[Sides]:
    yield Sides(problem.channels, problem.filters, x_rows=True)
    if all(axis.pointwise for axis in problem.axes):
        yield Sides(problem.filters, problem.channels, x_rows=False)


def _candidates(problem: ConvProblem, itemsize: int, machine: Machine) -> Iterator[tuple[Sides, SegmentTile]]:
    lanes, step = machine.isa.bits // itemsize // 8, problem.axes[-1].stride
    if prod(axis.o for axis in problem.axes) < lanes or step > MOST_STEP:
        return
    for sides in _sides(problem):
        for shape in shapes(machine, sides.rows, sides.columns, lanes):
            yield sides, SegmentTile(itemsize, lanes, *shape, step, beside=not sides.x_rows)


def _cycles(problem: ConvProblem, sides: Sides, tile: SegmentTile, machine: Machine) -> float:
    """Predict the cycles of one group on one core."""
    positions, met = problem.batch * prod(axis.o for axis in problem.axes), prod(map(_met, problem.axes))
    panels, size = ceil(sides.columns / tile.columns), tile.itemsize
    tiles = ceil(sides.rows / tile.rows) * prod(axis.k for axis in problem.axes) * panels
    segments = positions / problem.axes[-1].o * SEGMENT
    chunks = ceil(positions / DEPTH) * (FINISH + STORED * tile.sums)
    turned = positions * panels * tile.line * TURNED
    stored = 0 if tile.beside else prod(problem.w_shape) * ELEMENT
    moved = MOVED * size * (prod(problem.x_shape) + prod(problem.y_shape))
    turn = turn_cycles(tile, machine) * (STRIDED if tile.step > 1 else 1)
    summed = tiles * (met * (positions * turn + segments) + chunks)
    return summed + turned + (stored + moved) / problem.groups


def _met(axis: Axis) -> float:
    """Return the share of the taps that outputs meet; the others are left out."""
    first, last = axis.met(np.arange(axis.o))
    return float(np.maximum(last - first, 0).sum() / (axis.o * axis.k))


@lru_cache(maxsize=4096)
def _best(problem: ConvProblem, itemsize: int) -> tuple[float, Sides, SegmentTile] | None:
    machine = this_machine()
    found = ((_cycles(problem, *each, machine), *each) for each in _candidates(problem, itemsize, machine))
    return min(found, key=lambda each: each[0], default=None)


def _runs(problem: ConvProblem) -> tuple[int, ...]:
    """Return how many runs of outputs there are: rows, cut where they are long."""
    return problem.batch, *(axis.o for axis in problem.axes[:-1]), ceil(problem.axes[-1].o / RUN)


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether a tile fits, tables are not too large, and panels not larger than all arrays."""
    taps, found = prod(axis.k for axis in problem.axes), _best(problem, itemsize)
    if found is None or prod(_runs(problem)) * taps > MOST_SEGMENTS:
        return False
    _, sides, tile = found
    columns = problem.groups * ceil(sides.columns / tile.columns) * tile.columns
    packed = columns * problem.batch * prod(axis.o for axis in problem.axes)
    return packed <= sum(prod(shape) for shape in (problem.x_shape, problem.y_shape, problem.w_shape))


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    found = _best(problem.merged(), itemsize)
    assert found is not None
    return problem.groups * found[0] + 2 * CALL


class Calls:
    """The calls of a problem."""

    problem: ConvProblem
    sides: Sides
    tile: SegmentTile
    keep: Kept
    taps: int
    a: Strides
    b: Strides
    w: Strides
    w_row: int
    w_column: int
    panels: int
    positions: int
    pitch: int
    packed_bytes: int
    packs: Array
    part: int
    """Runs of a part of a sum."""
    parts: int
    chunk: int
    """Parts of a chunk."""
    ranges: list[Range]
    sums_bytes: int
    tasks: list[Array]

    def __init__(self, problem: ConvProblem, sides: Sides, tile: SegmentTile, workers: int) -> None:
        self.problem, self.sides, self.tile, self.keep = problem, sides, tile, Kept()
        self.taps = prod(axis.k for axis in problem.axes)
        x, w, g = strides_of(problem, tile.itemsize)
        self.a, self.b = (x, g) if sides.x_rows else (g, x)
        row, column = (2, 1) if sides.x_rows else (1, 2)
        self.w, self.w_row, self.w_column = w, w[row], w[column]
        self.panels = ceil(sides.columns / tile.columns)
        self.positions = prod(axis.o for axis in problem.axes)
        self.pitch = problem.batch * self.positions * tile.line
        self.packed_bytes = problem.groups * self.panels * self.pitch
        self.packs = self._packs()
        width = min(problem.axes[-1].o, RUN)
        self.part = max(1, RUN // width)
        self.parts = ceil(prod(_runs(problem)) / self.part)
        self.chunk = max(1, DEPTH // (self.part * width))
        self.ranges = self._ranges()
        self.sums_bytes = 0
        self.tasks = self._tasks(workers)

    def _packs(self) -> Array:
        """Turn some positions of a panel with each call."""
        tile, problem = self.tile, self.problem
        count = self.positions // tile.lanes
        begin, end = np.array(cut(count, ceil(self.positions / DEPTH))).T * tile.lanes
        end[-1] = self.positions
        sizes = problem.groups, self.panels, problem.batch, len(begin)
        group, panel, sample, part = (each.ravel() for each in np.indices(sizes))
        first = np.minimum(panel * tile.columns, self.sides.columns - tile.columns)
        source = sample * self.b[0] + group * self.b[1] + first * self.b[2] + begin[part] * tile.itemsize
        place = (sample * self.positions + begin[part]) * tile.line
        target = (group * self.panels + panel) * self.pitch + place
        length = (end - begin)[part]
        rows = [source, np.full(len(group), self.b[2]), target, -(-length // tile.lanes), length - tile.lanes]
        return np.stack(rows, axis=1)

    # -- what is summed: runs of outputs, all of them in parts, some parts in a chunk

    def _segments(self, tap: int) -> tuple[int, int]:
        """Keep the segments of a tap, one for each run that meets x, and the bounds of parts among them."""
        problem, tile, runs = self.problem, self.tile, _runs(self.problem)
        *outer, last = problem.axes
        taps = np.unravel_index(tap, [axis.k for axis in problem.axes])
        numbers = np.arange(prod(runs))
        sample, *outputs, run = np.unravel_index(numbers, runs)
        inside, offset = np.ones(len(numbers), bool), sample * self.a[0]
        for axis, o, k, step in zip(outer, outputs, taps, self.a[3:], strict=False):
            place = axis.stride * o + axis.dilation * int(k) - axis.before
            inside, offset = inside & (place >= 0) & (place < axis.i), offset + place * step
        shift = last.dilation * int(taps[-1]) - last.before
        low = np.maximum(run * RUN, -(shift // last.stride))
        high = np.minimum(np.minimum(run * RUN + RUN, last.o), (last.i - 1 - shift) // last.stride + 1)
        offset = offset + (last.stride * low + shift) * tile.itemsize
        place = (numbers // runs[-1] * last.o + low) * tile.line
        chosen = inside & (high > low)
        table = np.stack([offset, place, high - low], axis=1)[chosen]
        bounds = np.searchsorted(numbers[chosen], np.arange(self.parts + 1) * self.part)
        return self.keep(table), self.keep(bounds, np.int32)

    def _sets(self) -> Array:
        """Return the entries of all sets of rows, all taps of some rows one after the other."""
        sizes = [axis.k for axis in self.problem.axes]
        taps = np.array([self._segments(tap) for tap in range(self.taps)])
        first = np.minimum(np.arange(0, self.sides.rows, self.tile.rows), self.sides.rows - self.tile.rows)
        places = grid(*(np.arange(k) * step for k, step in zip(sizes, self.w[3:], strict=True)))
        row, tap = (each.ravel() for each in np.indices((len(first), self.taps)))
        return np.stack([first[row] * self.a[2], first[row] * self.w_row + places[tap], *taps[tap].T], axis=1)

    # -- tasks

    def _ranges(self) -> list[Range]:
        """Cut the chunks into ranges with results of their own, the same for any number of threads."""
        problem = self.problem
        x, g, w = (prod(shape) for shape in (problem.x_shape, problem.y_shape, problem.w_shape))
        most = ceil(TASKS / problem.groups) if problem.products > FEW_PRODUCTS else 1
        return cut(ceil(self.parts / self.chunk), min(most, (x + g) // (SPARE * w)))

    def _tasks(self, workers: int) -> list[Array]:
        groups, sets = self.problem.groups, self._sets()
        tasks = 4 * workers if self.problem.products > FEW_PRODUCTS else 1
        wanted = ceil(tasks / groups / len(self.ranges))
        parts = cut(len(sets), wanted)
        room = max(1, this_machine().l2 // 3 // (DEPTH * self.tile.line))
        columns = cut(self.panels, max(ceil(wanted / len(parts)), ceil(self.panels / room)))
        return [
            table([self._call(group, sets[slice(*part)], some, number)], DOT_FIELDS)
            for group, number, part, some in product(range(groups), range(len(self.ranges)), parts, columns)
        ]

    def _call(self, group: int, sets: Array, panels: Range, number: int) -> dict[str, int]:
        tile, count, (start, stop) = self.tile, panels[1] - panels[0], self.ranges[number]
        self.sums_bytes = max(self.sums_bytes, len(sets) * count * tile.bytes * (stop - start > 1))
        first, result = panels[0] * tile.columns, number * prod(self.problem.w_shape) * tile.itemsize
        return {
            "a_offset": group * self.a[1],
            "a_row": self.a[2],
            "sets": self.keep(sets),
            "set_count": len(sets),
            "panels": count,
            "panel_offset": (group * self.panels + panels[0]) * self.pitch,
            "panel_pitch": self.pitch,
            "last_column": self.sides.columns - tile.columns - first,
            "y_offset": result + group * self.w[0] + first * self.w_column,
            "y_row": self.w_row,
            "y_column": self.w_column,
            "chunks": stop - start,
            "chunk_parts": self.chunk,
            "first_part": start * self.chunk,
            "parts": self.parts,
        }


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, workers: int) -> tuple[Plan, bool, int]:
    """Return the calls, whether x has the rows, and the number of partial results."""
    found = _best(problem, itemsize)
    assert found is not None
    needed, sides, tile = found
    calls = Calls(problem, sides, tile, workers)
    alone = problem.groups * needed < ALONE
    sizes = calls.packed_bytes, calls.sums_bytes, 0, 1 if alone else workers
    return Plan(tile, calls.packs, calls.tasks, *sizes, calls.keep.tables), sides.x_rows, len(calls.ranges)


@prepared
def filter_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of w of a problem with ``up == 1``."""
    plan, x_rows, parts = _plan(problem.merged(), dtype.itemsize, threads())
    whole = plan.into(problem.w_shape, dtype)

    def added(a: Array, b: Array) -> Array:
        return plan(a, b, np.empty((parts, *problem.w_shape), dtype)).sum(axis=0)

    run = whole if parts == 1 else added
    return run if x_rows else lambda x, g: run(g, x)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of turned panels, sums and partial results."""
    plan, _, parts = _plan(problem.merged(), itemsize, threads())
    return plan.workspace + (parts > 1) * parts * prod(problem.w_shape) * itemsize
