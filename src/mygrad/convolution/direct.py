"""The generated kernel on the equation itself, for arrays of any strides.

Forward, input gradient and filter gradient are one loop nest on three problems: `for_input` and `for_filter`
exchange what is summed, and the arrays are seen with their axes exchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.interleaving import MOST
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, contiguous, exchanged, strides_of
from mygrad.convolution.machine import this_machine
from mygrad.convolution.parameters import Parameters
from mygrad.convolution.phases import covered, parameters
from mygrad.convolution.phases import cycles as input_cycles
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import ALONE, cycles, schedule

__all__ = ["convolve", "filter_gradient", "input_gradient", "input_workspace", "workspace"]

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=512)
def plan(
    problem: ConvProblem,
    itemsize: int,
    x: Strides,
    w: Strides,
    y: Strides,
    workers: int,
    own: bool = True,
) -> Plan:
    """Return the calls that compute a problem with ``up == 1``; with `own`, tasks may pack their filters."""
    chosen = schedule(problem, itemsize, this_machine(), workers)
    chosen = replace(chosen, packs_own=own and chosen.packs_own)
    alone = cycles(problem, itemsize, this_machine()) < ALONE
    return _joined([Parameters(problem, chosen, x, w, y)], 1 if alone else workers)


def _joined(parts: list[Parameters], workers: int) -> Plan:
    """Return a plan of calls of one tile."""
    return Plan(
        parts[0].tile,
        np.concatenate([part.packs for part in parts]),
        [task for part in parts for task in part.tasks],
        parts[-1].packed_end,
        max(part.sums_bytes for part in parts),
        max(part.work_bytes for part in parts),
        workers,
        [part.layout.tables for part in parts],
    )


@lru_cache(maxsize=1024)
def _forward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    problem = problem.merged()
    return plan(problem, itemsize, *strides_of(problem, itemsize), workers)


@dataclass(frozen=True)
class Phases:
    """The plans of an input gradient, each of which writes to rows of its own."""

    shape: tuple[int, ...]
    plans: list[Plan]
    make: Callable[..., Array]
    """What makes the array that they write to: some rows may meet no tap."""

    def __call__(self, g: Array, w: Array) -> Array:
        x = self.make(self.shape, g.dtype)
        for run in self.plans:
            run(g, w, x)
        return x


@lru_cache(maxsize=1024)
def _phases(problem: ConvProblem, itemsize: int, workers: int) -> Phases:
    shape, problem = problem.x_shape, problem.merged()
    turned = problem.for_input()
    workers = 1 if input_cycles(turned, itemsize) < ALONE else workers
    plans = [_joined(each, workers) for each in parameters(problem, itemsize, workers)]
    return Phases(shape, plans, np.empty if covered(turned) else np.zeros)


@lru_cache(maxsize=1024)
def _backward(problem: ConvProblem, itemsize: int, workers: int) -> Plan:
    """Return the plan of the filter gradient: samples are summed as channels were, outputs as taps."""
    problem = problem.merged()
    x, w, g = strides_of(problem, itemsize)
    strides = exchanged(x, 2, 1, 0), exchanged(g, 1, 2, 0), exchanged(w, 2, 0, 1)
    return plan(problem.for_filter(), itemsize, *strides, workers)


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
    one = len(phases.plans) == 1 and phases.make is np.empty
    return phases.plans[0].into(problem.x_shape, dtype) if one else phases


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


def input_workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the same bytes of an input gradient."""
    if problem.most_stride > MOST:
        return max((workspace(phase, itemsize) for _, _, phase in problem.for_input().phases()), default=0)
    return max((each.workspace for each in _phases(problem, itemsize, threads()).plans), default=0)
