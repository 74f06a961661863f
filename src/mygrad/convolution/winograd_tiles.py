"""Where tiles of minimal filtering are: a run of them is a row of outputs, a tile has two along each axis."""

from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.layout import LINE, PAGE, Strides
from mygrad.convolution.minimal_filtering import OUTPUTS, Formula
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import Range
from mygrad.convolution.winograd_runs import useful_lanes

__all__ = [
    "distance",
    "formulas_of",
    "points_of",
    "row_vectors",
    "run_count",
    "run_fields",
    "run_table",
    "tiles_of",
    "totals_of",
]

Array = np.ndarray[Any, Any]


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


def row_vectors(problem: ConvProblem, lanes: int) -> int:
    """Return the vectors of one run."""
    last = problem.axes[-1]
    return ceil(tiles_of(last) / useful_lanes(lanes, abs(last.dilation)))


def points_of(problem: ConvProblem) -> int:
    """Return the points of a tile."""
    return prod(formula.points for formula in formulas_of(problem))


def totals_of(problem: ConvProblem) -> int:
    """Return what the products of a tile are added to."""
    return prod(len(formula.spread) for formula in formulas_of(problem))


def formulas_of(problem: ConvProblem) -> tuple[Formula, ...]:
    """Return those of the axes that are convolved."""
    return tuple(Formula(axis.k, axis.stride) for axis in problem.axes if not axis.pointwise)


def _along(axis: Axis, x: int, y: int) -> tuple[Array, Array]:
    """Return the places of the (tile, row) of an axis in x and y, -1 where there is none."""
    if axis.pointwise:
        return np.arange(axis.o)[:, None] * x, np.arange(axis.o)[:, None] * y
    first = _first_outputs(axis)[:, None]
    reached = np.arange(Formula(axis.k, axis.stride).positions)
    reads = axis.stride * first + axis.dilation * reached - axis.before
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
