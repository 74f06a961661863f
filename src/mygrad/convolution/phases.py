"""Input gradients with a stride, as calls of kernels: outputs modulo the stride are phases of their own taps.

Phases of the last axis are computed one after the other from one copy of g, and stored side by side; those of
other axes write to rows of their own:

    row 0   x  a0 b0 a1 b1 a2 b2 ...     a, b: phases 0 and 1 of the last axis, with phase 0 of the rows
    row 1   x  c0 d0 c1 d1 c2 d2 ...     c, d: likewise, with phase 1 of the rows
"""

from dataclasses import replace
from itertools import product
from math import prod

from mygrad.convolution.layout import Strides, contiguous, exchanged
from mygrad.convolution.machine import this_machine
from mygrad.convolution.parameters import Origin, Parameters, Ways
from mygrad.convolution.problem import Axis, ConvProblem
from mygrad.convolution.schedule import PACKED, Schedule, schedule
from mygrad.convolution.schedule import cycles as cycles_of_one
from mygrad.convolution.tile import Tile

__all__ = ["covered", "cycles", "parameters"]

Row = tuple[tuple[slice, slice, Axis], ...]
"""A phase of each axis before the last one: which outputs, which taps, and their equation."""


def _rows(problem: ConvProblem) -> list[Row]:
    """Return the phases of the axes before the last one, in all combinations that meet a tap."""
    *outer, last = problem.axes
    return list(product(*(axis.phases() for axis in outer))) if last.phases() else []


def covered(problem: ConvProblem) -> bool:
    """Tell whether every row of the output meets a tap; of a problem with any ``up``."""
    return len(_rows(problem)) == prod(min(axis.up, axis.o) for axis in problem.axes[:-1])


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core; of a problem with any ``up``."""
    taps = [axis.k for _, _, axis in problem.axes[-1].phases()]
    ways = sum(taps) / max(taps, default=1)
    rows = (_typical(problem, row) for row in _rows(problem))
    return sum(cycles_of_one(each, itemsize, this_machine(), PACKED, ways) for each in rows)


def _typical(problem: ConvProblem, row: Row) -> ConvProblem:
    """Return the problem of some phases of rows and the phase of the last axis that has most taps."""
    last = problem.axes[-1]
    most = max((axis for _, _, axis in last.phases()), key=lambda axis: axis.k)
    outputs = replace(most, o=-(-last.o // last.up))
    return replace(problem, axes=(*(axis for _, _, axis in row), outputs))


def _beside(axis: Axis, step: int, itemsize: int) -> tuple[Axis, Ways]:
    """Return an axis that reaches what all phases do, and the phases; `step` is the distance of taps in w."""
    outputs, found = -(-axis.o // axis.up), {each[0].start: each[1:] for each in axis.phases()}
    none = slice(0, None, 1), Axis(axis.i, 0, 0)
    each = []
    for phase in range(axis.up):
        taps, own = found.get(phase, none)
        each.append((replace(own, o=outputs), taps.start * step))
    reached = [own.reach() for own, _ in each if own.k]
    start, stop = min(first for first, _ in reached), max(last for _, last in reached)
    hull = Axis(axis.i, stop - start - outputs + 1, outputs, 1, 1, -start)
    (apart,) = {taps.step for taps, _ in found.values()}
    return hull, Ways(tuple(each), apart * step, axis.o * itemsize)


def parameters(problem: ConvProblem, itemsize: int, workers: int) -> list[list[Parameters]]:
    """Return the calls of an input gradient, those of each tile in a list."""
    turned, found = problem.for_input(), dict[Tile, list[Parameters]]()
    w = exchanged(contiguous(problem.w_shape, problem.groups, 0, itemsize), 0, 2, 1)
    x = contiguous(problem.x_shape, problem.groups, 1, itemsize)
    ups = [axis.up for axis in turned.axes]
    y = *x[:3], *(up * step for up, step in zip(ups, x[3:], strict=True))
    for row in _rows(turned):
        most = _typical(turned, row)
        plan = schedule(most, itemsize, this_machine(), workers, ups[-1])
        plan = replace(plan, packs_own=plan.packs_own and max(ups) == 1)  # then there is one row of phases
        before = found.setdefault(plan.tile, [])
        packed = before[-1].packed_end if before else 0
        origin = Origin(
            sum(step * taps.start for step, (_, taps, _) in zip(w[3:], row, strict=False)),
            sum(step * outputs.start for step, (outputs, _, _) in zip(x[3:], row, strict=False)),
            packed,
        )
        before.append(_of_row(most, plan, y, w, turned.axes[-1], row, origin))
    return list(found.values())


def _of_row(
    problem: ConvProblem, plan: Schedule, y: Strides, w: Strides, last: Axis, row: Row, origin: Origin
) -> Parameters:
    """Return the calls of some rows; `problem` is a typical phase of them, all axes of which are phases."""
    size = plan.tile.itemsize
    g = contiguous(problem.x_shape, problem.groups, 1, size)
    *outer, step = w[3:]
    steps = *w[:3], *(step * taps.step for step, (_, taps, _) in zip(outer, row, strict=True)), step
    if last.up == 1:
        return Parameters(problem, plan, g, steps, y, None, origin)
    hull, ways = _beside(last, step, size)
    whole = replace(problem, axes=(*problem.axes[:-1], hull))
    chunks = tuple((*chunk[:-1], (0, hull.k)) for chunk in plan.chunks)
    return Parameters(whole, replace(plan, chunks=chunks), g, steps, y, ways, origin)
