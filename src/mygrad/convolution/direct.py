"""The generated kernel on the equation itself, for arrays of any strides.

Forward, input gradient and filter gradient are one loop nest on three problems: `for_input` and `for_filter`
exchange what is summed, and the arrays are seen with their axes exchanged.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from mygrad.concurrency import once
from mygrad.convolution.executor import threads
from mygrad.convolution.interleaving import MOST, Interleaver, interleaver
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, contiguous, exchanged
from mygrad.convolution.machine import this_machine
from mygrad.convolution.parameters import Parameters
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import ALONE, cycles, schedule

__all__ = ["convolve", "filter_gradient", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=512)
def plan(problem: ConvProblem, itemsize: int, x: Strides, w: Strides, y: Strides, workers: int) -> Plan:
    """Return the calls that compute a problem with ``up == 1``."""
    chosen = schedule(problem, itemsize, this_machine(), workers)
    made = Parameters(problem, chosen, x, w, y)
    alone = cycles(problem, itemsize, this_machine()) < ALONE
    return Plan(
        chosen.tile,
        made.packs,
        made.tasks,
        made.packed_bytes,
        made.sums_bytes,
        made.layout.copied_bytes,
        1 if alone else workers,
        made.layout.tables,
    )


@lru_cache(maxsize=1024)
def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    x = contiguous(problem.x_shape, problem.groups, 1, itemsize)
    w = contiguous(problem.w_shape, problem.groups, 0, itemsize)
    y = contiguous(problem.y_shape, problem.groups, 1, itemsize)
    return plan(problem, itemsize, x, w, y, workers)


@dataclass(frozen=True)
class Phases:
    """The plans of an input gradient, and how the array is laid out into which all of them write."""

    shape: tuple[int, ...]
    """(batch, channels, phases of each axis..., elements of each axis...)"""
    plans: list[Plan]
    together: Interleaver

    @once
    def make(self) -> Any:
        """Return what makes that array: some phases may meet no tap."""
        count = prod(self.shape[2 : 1 + len(self.shape) // 2])
        return np.empty if len(self.plans) == count else np.zeros

    def __call__(self, g: Array, w: Array) -> Array:
        parts = self.make(self.shape, g.dtype)
        for run in self.plans:
            run(g, w, parts)
        return self.together(parts)


@lru_cache(maxsize=1024)
def _phases(problem: ConvProblem, itemsize: int, workers: int) -> Phases:
    x_shape, problem = problem.x_shape, problem.merged()
    turned, groups = problem.for_input(), problem.groups
    g = contiguous(problem.y_shape, groups, 1, itemsize)
    w = exchanged(contiguous(problem.w_shape, groups, 0, itemsize), 0, 2, 1)
    ups = [axis.up for axis in turned.axes]
    sizes = [-(-axis.o // axis.up) for axis in turned.axes]
    shape = (*problem.x_shape[:2], *ups, *sizes)
    each = contiguous(shape, groups, 1, itemsize)
    x, plans = (*each[:3], *each[3 + len(ups) :]), []
    for inputs, taps, phase in turned.phases():
        steps = *w[:3], *(step * (tap.step or 1) for step, tap in zip(w[3:], taps, strict=True))
        w_offset = sum(step * (tap.start or 0) for step, tap in zip(w[3:], taps, strict=True))
        y_offset = sum(step * (part.start or 0) for step, part in zip(each[3:], inputs, strict=False))
        made = plan(phase, itemsize, g, steps, x, workers)
        plans.append(replace(made, w_offset=w_offset, y_offset=y_offset))
    places = tuple(tuple((r, 0) for r in range(stride)) for stride in ups)
    together = interleaver(problem.x_shape, shape, places, itemsize, workers)
    return Phases(shape, plans, replace(together, shape=x_shape))


@lru_cache(maxsize=1024)
def _backward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    """Return the plan of the filter gradient: samples are summed as channels were, outputs as taps."""
    problem, groups = problem.merged(), problem.groups
    x = exchanged(contiguous(problem.x_shape, groups, 1, itemsize), 2, 1, 0)
    g = exchanged(contiguous(problem.y_shape, groups, 1, itemsize), 1, 2, 0)
    w = exchanged(contiguous(problem.w_shape, groups, 0, itemsize), 2, 0, 1)
    return plan(problem.for_filter(), itemsize, x, g, w, workers)


@prepared
def convolve(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes y of a problem with ``up == 1``; arrays are contiguous, as everywhere here."""
    return _forward(problem, dtype.itemsize, threads()).into(problem.y_shape, dtype)


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x: for every input position, gather the outputs it went to."""
    if problem.most_stride > MOST:
        return partial(_apart, problem)
    phases = _phases(problem, dtype.itemsize, threads())
    return phases.plans[0].into(problem.x_shape, dtype) if problem.most_stride == 1 else phases


def _apart(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x for large strides, where most phases may meet no tap."""
    x, groups = np.zeros(problem.x_shape, g.dtype), problem.groups
    strides = contiguous(problem.y_shape, groups, 1, g.itemsize)
    for inputs, taps, phase in problem.for_input().phases():
        filters, part = np.ascontiguousarray(w[(..., *taps)]), np.empty(phase.y_shape, g.dtype)
        steps = exchanged(contiguous(filters.shape, groups, 0, g.itemsize), 0, 2, 1)
        target = contiguous(phase.y_shape, groups, 1, g.itemsize)
        plan(phase, g.itemsize, strides, steps, target, threads())(g, filters, part)
        x[(..., *inputs)] = part
    return x


@prepared
def filter_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of w."""
    return _backward(problem, dtype.itemsize, threads()).into(problem.w_shape, dtype)


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of packed filters, copies and sums of a forward problem."""
    return _forward(problem, itemsize, threads()).workspace
