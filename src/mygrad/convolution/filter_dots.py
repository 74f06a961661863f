"""The filter gradient as sums of products of rows: no packing, both arrays read as they are.

Right for few channels and filters over many positions. Blocks of positions give partial results, added in
their order, so that threads do not change a bit.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.dots import DOT_FIELDS, DotTile
from mygrad.convolution.executor import threads
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Layout, Strides, contiguous, table
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import (
    ALONE,
    CALL,
    FEW_PRODUCTS,
    MOST_STRIDE,
    MOVED,
    Range,
    blocks,
    copied_by,
    cut,
    everything,
)

__all__ = ["applies", "best_tile", "cycles", "filter_gradient", "workspace"]

Array = np.ndarray[Any, Any]
MOST_FILTERS, MOST_TAPS = 8, 12
BLOCKS = 16  # enough for threads, and the same for any number of them
PART_VECTORS = 64  # added one after the other before their sum is added to that of others
MOST_COLUMNS = 1024  # of a block, for the same reason
ROW = 35  # cycles to copy one and to begin and end another
REDUCE = 6  # cycles to add the lanes of one register
PLACES, FAR = 8, 0.5  # taps whose places are in registers of a loop; cycles to load that of another


def _tiles(problem: ConvProblem, itemsize: int, machine: Machine) -> Iterator[DotTile]:
    taps = problem.channels * prod(axis.k for axis in problem.axes)
    bits, columns = machine.isa.bits, min(part[-1][1] - part[-1][0] for part in _blocks(problem, itemsize))
    while bits >= 128:
        lanes = bits // 8 // itemsize
        if lanes <= columns:
            for f in range(1, min(MOST_FILTERS, problem.filters) + 1):
                for t in range(1, min(MOST_TAPS, taps, (machine.isa.registers - 2) // f - 1) + 1):
                    yield DotTile(itemsize, lanes, f, t, problem.axes[-1].stride)
        bits //= 2


def _cycles(problem: ConvProblem, tile: DotTile, machine: Machine) -> float:
    """Predict the cycles of all vectors of all tiles on one core."""
    taps = problem.channels * prod(axis.k for axis in problem.axes)
    tiles = ceil(taps / tile.taps) * ceil(problem.filters / tile.filters) * problem.groups
    rows = problem.batch * prod(axis.o for axis in problem.axes[:-1])
    unit, sums = machine.cycles(tile.vector_bytes * 8), tile.filters * tile.taps
    loads = (tile.filters + machine.crossing * tile.taps) * unit
    vector = max(sums * unit, loads, 4.0) + 1 + FAR * max(0, tile.taps - PLACES)
    columns = ceil(problem.axes[-1].o / tile.lanes)
    return tiles * (rows * (columns * vector + 4) + BLOCKS * sums * REDUCE)


@lru_cache(maxsize=4096)
def _best(problem: ConvProblem, itemsize: int, machine: Machine) -> tuple[float, DotTile]:
    found = ((_cycles(problem, tile, machine), tile) for tile in _tiles(problem, itemsize, machine))
    return min(found, key=lambda each: each[0])


def best_tile(problem: ConvProblem, itemsize: int, machine: Machine) -> DotTile:
    """Return the fastest tile by prediction."""
    return _best(problem, itemsize, machine)[1]


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether rows are long enough, and partial results small enough."""
    problem = problem.merged()
    if problem.axes[-1].stride > MOST_STRIDE:
        return False
    parts = _blocks(problem, itemsize)
    room = prod(problem.x_shape) + prod(problem.y_shape)
    shortest = min(part[-1][1] - part[-1][0] for part in parts)
    return shortest * itemsize >= 16 and len(parts) * prod(problem.w_shape) <= room


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core."""
    problem, machine = problem.merged(), this_machine()
    copied = copied_by(problem, itemsize, _blocks(problem, itemsize))
    moved = copied + prod(problem.y_shape) * itemsize
    rows = copied / itemsize / problem.axes[-1].i
    return _best(problem, itemsize, machine)[0] + MOVED * moved + ROW * rows + CALL


def _blocks(problem: ConvProblem, itemsize: int) -> list[tuple[Range, ...]]:
    """Cut (batch, outputs...) so that each part of x fits the cache, and all threads have work."""
    parts = BLOCKS if problem.products > FEW_PRODUCTS else 1
    found = blocks(problem, everything(problem), itemsize, this_machine(), parts)
    return [
        (*outer, (start + a, start + b))
        for *outer, (start, stop) in found
        for a, b in cut(stop - start, ceil((stop - start) / MOST_COLUMNS))
    ]


@lru_cache(maxsize=512)
def _plan(problem: ConvProblem, itemsize: int, x: Strides, g: Strides, workers: int) -> tuple[Plan, int]:
    """Return the calls, and the number of partial results."""
    tile = best_tile(problem, itemsize, this_machine())
    layout = Layout(tile, tile.step, x, g, problem.border)
    parts = _blocks(problem, itemsize)
    fields = [_fields(problem, tile, layout, block) for block in parts]
    calls = [
        table([_call(problem, layout, group, number, fields[number])], DOT_FIELDS)
        for group, number in product(range(problem.groups), range(len(parts)))
    ]
    alone = cycles(problem, itemsize) < ALONE
    none = np.zeros((0, 1), np.int64)
    plan = Plan(tile, none, calls, 0, 0, layout.copied_bytes, 1 if alone else workers, layout.tables)
    return plan, len(parts)


def _fields(problem: ConvProblem, tile: DotTile, layout: Layout, block: tuple[Range, ...]) -> dict[str, int]:
    """Return the parameters of one block of positions, of the first group."""
    batch, *outputs = block
    axes = [axis.part(*each) for axis, each in zip(problem.axes, outputs, strict=True)]
    count = batch[1] - batch[0]
    fields = layout.copying(axes, count, problem.channels)
    fields["source_offset"] += batch[0] * layout.x[0]
    rows, offsets = layout.rows(axes, count, fields), layout.taps(axes, problem.channels, fields)
    starts = zip((batch[0], 0, 0, *(each[0] for each in outputs)), layout.y, strict=True)
    columns, size = axes[-1].o, tile.itemsize
    left = columns % tile.lanes
    return fields | {
        "rows": layout.keep(rows),
        "row_count": len(rows),
        "part_rows": max(1, PART_VECTORS // ceil(columns / tile.lanes)),
        "vectors": columns // tile.lanes,
        "unfinished": int(left > 0),
        "last": (columns - tile.lanes) * size,
        "fresh": tile.lanes - left,
        "offsets": layout.keep(offsets, np.int32),
        "taps": len(offsets),
        "tap_tiles": ceil(len(offsets) / tile.taps),
        "g_offset": sum(start * step for start, step in starts),
        "g_filter": layout.y[2],
        "filters": problem.filters,
        "filter_tiles": ceil(problem.filters / tile.filters),
        "result_filter": len(offsets) * size,
    }


def _call(
    problem: ConvProblem, layout: Layout, group: int, number: int, fields: dict[str, int]
) -> dict[str, int]:
    """Return the parameters of one block of positions of one group; its results are one of the parts."""
    return fields | {
        "source_offset": fields["source_offset"] + group * layout.x[1],
        "g_offset": fields["g_offset"] + group * layout.y[1],
        "result": (number * problem.groups + group) * problem.filters * fields["result_filter"],
    }


@prepared
def filter_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of w of a problem with ``up == 1``; arrays are C-contiguous."""
    shape, problem, size = problem.w_shape, problem.merged(), dtype.itemsize
    x = contiguous(problem.x_shape, problem.groups, 1, size)
    g = contiguous(problem.y_shape, problem.groups, 1, size)
    plan, count = _plan(problem, size, x, g, threads())
    if count == 1:
        return plan.into(shape, dtype)
    parts = plan.into((count, *shape), dtype)
    return lambda x, g: np.add.reduce(parts(x, g))


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of copies and partial results."""
    parts = _blocks(problem, itemsize)
    copies = prod(problem.x_shape) // len(parts) // problem.groups * threads()
    return (copies + len(parts) * prod(problem.w_shape)) * itemsize
