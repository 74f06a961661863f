"""The generated kernel on the equation itself, for arrays of any strides.

Forward, input gradient and filter gradient are one loop nest on three problems: `for_input` and `for_filter`
exchange what is summed, and the arrays are seen with their axes exchanged.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mygrad.convolution import jit
from mygrad.convolution.executor import borrowed, run_parts, threads
from mygrad.convolution.layout import Strides
from mygrad.convolution.machine import this_machine
from mygrad.convolution.parameters import Parameters
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import schedule
from mygrad.convolution.tile import Tile

__all__ = ["convolve", "filter_gradient", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
ALONE = 1 << 17  # products that one thread computes before another is awake


@dataclass(frozen=True)
class Plan:
    """Addresses of the parameters of every call, and what keeps them alive."""

    tile: Tile
    packs: list[int]
    tasks: list[list[int]]
    packed_bytes: int
    sums_bytes: int
    task_bytes: int
    workers: int
    kept: Any


def _addresses(table: Array) -> list[int]:
    return [table.ctypes.data + n * table.strides[0] for n in range(len(table))]


@lru_cache(maxsize=512)
def plan(problem: ConvProblem, itemsize: int, x: Strides, w: Strides, y: Strides, workers: int) -> Plan:
    """Return the calls that compute a problem with ``up == 1``."""
    chosen = schedule(problem, itemsize, this_machine(), workers)
    made = Parameters(problem, chosen, x, w, y)
    sums = (made.sums_bytes + 63) & -64
    return Plan(
        chosen.tile,
        _addresses(made.packs),
        [_addresses(task) for task in made.tasks],
        made.packed_bytes,
        sums,
        sums + made.layout.copied_bytes + 64,
        1 if problem.products < ALONE else workers,
        (made.packs, made.tasks, list(made.layout.tables.values())),
    )


def _run(problem: ConvProblem, x: Array, w: Array, y: Array) -> None:
    """Fill y of shape (batch, group, filter, o...).

    x is (batch, group, channel, i...), w (group, filter, channel, k...).
    """
    chosen = plan(problem, x.itemsize, x.strides, w.strides, y.strides, threads())
    pack, block = jit.compiled(chosen.tile)
    x_data, w_data, y_data = x.ctypes.data, w.ctypes.data, y.ctypes.data
    with borrowed(chosen.packed_bytes) as packed:
        run_parts(len(chosen.packs), lambda n: pack(chosen.packs[n], w_data, packed), chosen.workers)

        def task(number: int) -> None:
            with borrowed(chosen.task_bytes) as sums:
                work = sums + chosen.sums_bytes
                for parameters in chosen.tasks[number]:
                    block(parameters, x_data, packed, y_data, work, sums)

        run_parts(len(chosen.tasks), task, chosen.workers)


def _grouped(array: Array, groups: int, axis: int) -> Array:
    """Split the channels at `axis` into (groups, channels)."""
    return array.reshape(*array.shape[:axis], groups, array.shape[axis] // groups, *array.shape[axis + 1 :])


def convolve(problem: ConvProblem, x: Array, w: Array) -> Array:
    """Return y of a problem with ``up == 1``."""
    y = np.empty(problem.y_shape, x.dtype)
    groups = problem.groups
    _run(problem, _grouped(x, groups, 1), _grouped(w, groups, 0), _grouped(y, groups, 1))
    return y


def input_gradient(problem: ConvProblem, g: Array, w: Array) -> Array:
    """Return the gradient of x: for every input position, gather the outputs it went to."""
    backward, groups = problem.for_input(), problem.groups
    filters = np.swapaxes(_grouped(w, groups, 0), 1, 2)
    g = _grouped(g, groups, 1)
    phases = backward.phases()
    if len(phases) == 1 and phases[0][2].y_shape == backward.y_shape:
        x = np.empty(problem.x_shape, g.dtype)
        _, taps, phase = phases[0]
        _run(phase, g, filters[(..., *taps)], _grouped(x, groups, 1))
        return x
    x = np.zeros(problem.x_shape, g.dtype)
    for outputs, taps, phase in phases:
        part = np.empty(phase.y_shape, g.dtype)
        _run(phase, g, filters[(..., *taps)], _grouped(part, groups, 1))
        x[(..., *outputs)] = part
    return x


def filter_gradient(problem: ConvProblem, x: Array, g: Array) -> Array:
    """Return the gradient of w: samples are summed as channels were, outputs as taps."""
    w, groups = np.empty(problem.w_shape, x.dtype), problem.groups
    x = np.swapaxes(_grouped(x, groups, 1), 0, 2)
    g = np.moveaxis(_grouped(g, groups, 1), 0, 2)
    _run(problem.for_filter(), x, g, np.moveaxis(_grouped(w, groups, 0), 2, 0))
    return w


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of packed filters, copies and sums of a forward problem."""
    strides = [
        _grouped(np.broadcast_to(np.zeros((), np.dtype(f"f{itemsize}")), shape), problem.groups, axis).strides
        for shape, axis in ((problem.x_shape, 1), (problem.w_shape, 0), (problem.y_shape, 1))
    ]
    chosen = plan(problem, itemsize, *strides, threads())
    return chosen.packed_bytes + chosen.task_bytes * chosen.workers
