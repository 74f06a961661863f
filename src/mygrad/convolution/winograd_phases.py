"""Input gradients with a stride by minimal filtering: each phase is a convolution with taps of its own.

Two taps of each phase, as of 4 x 4 filters with stride 2, take 9 products where sums take 16. Phases with too
little to save are computed by `direct`; all are put together at the end.
"""

from dataclasses import replace
from functools import lru_cache, reduce
from itertools import groupby
from math import ceil, prod
from typing import Any, NamedTuple

import numpy as np

from mygrad.convolution import direct, emitter, winograd, winograd_kernels
from mygrad.convolution.executor import threads, use_threads
from mygrad.convolution.interleaving import MOST, Interleaver, interleaver
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import Strides, contiguous, exchanged
from mygrad.convolution.machine import this_machine, usable_processors
from mygrad.convolution.prepared import Run, prepared
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import cycles as direct_cycles
from mygrad.convolution.tile import Tile
from mygrad.convolution.winograd_kernels import WinogradTile

__all__ = ["applies", "cycles", "input_gradient", "workspace"]

Array = np.ndarray[Any, Any]
STRIDED = 1.08  # times as long takes a phase as a convolution of its size
MEETING = 250_000  # cycles of all threads that wait for the last one
FIELDS: dict[type[Any], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Tile: (emitter.PACK_FIELDS, emitter.BLOCK_FIELDS),
    WinogradTile: (winograd_kernels.PACK_FIELDS, winograd_kernels.BLOCK_FIELDS),
}
"""What the parameters of calls are whose plans can be joined: data are read in place, filters are packed."""


def _room(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes that the plans of phases may need: beside them there are all phases, as large as x."""
    return itemsize * (prod(problem.y_shape) + prod(problem.w_shape)) + winograd.SPARE_BYTES


@lru_cache(maxsize=1024)
def _saves(phase: ConvProblem, itemsize: int, room: int) -> bool:
    """Tell whether minimal filtering is faster for a phase, and its workspace small enough.

    On all processors that may be used, whatever `use_threads` says: results are the same bits.
    """
    with use_threads(usable_processors()):
        if not winograd.applies(phase, itemsize) or winograd.workspace(phase, itemsize) > room:
            return False
        return winograd.cycles(phase, itemsize) < direct_cycles(phase, itemsize, this_machine())


def _phases(problem: ConvProblem, itemsize: int) -> list[tuple[ConvProblem, bool]]:
    """Return the phases, and whether minimal filtering computes them."""
    problem = problem.merged()
    room, phases = _room(problem, itemsize), problem.for_input().phases()
    return [(phase, _saves(phase, itemsize, room)) for _, _, phase in phases]


def applies(problem: ConvProblem, itemsize: int) -> bool:
    """Tell whether there are phases, not too many, and some are faster so."""
    strided = 1 < problem.most_stride <= MOST and not problem.empty
    return strided and any(saves for _, saves in _phases(problem, itemsize))


def cycles(problem: ConvProblem, itemsize: int) -> float:
    """Predict the cycles of one core, to put phases together not counted."""
    phases = _phases(problem, itemsize)
    alone = sum(
        winograd.cycles(phase, itemsize) if saves else direct_cycles(phase, itemsize, this_machine())
        for phase, saves in phases
    )
    return STRIDED * alone + MEETING * len(phases)


class Call(NamedTuple):
    """A plan, and the first elements that it reads of filters and writes of all phases."""

    plan: Plan
    w: int
    parts: int


class Calls(NamedTuple):
    """All calls; `shape` is (batch, channels, phases of axes..., elements of axes...)."""

    shape: tuple[int, ...]
    whole: bool
    calls: list[Call]
    together: Interleaver

    def __call__(self, g: Array, w: Array) -> Array:
        parts = (np.empty if self.whole else np.zeros)(self.shape, g.dtype)  # some phases may meet no tap
        for plan, first, start in self.calls:
            winograd.called(plan, g, w.reshape(-1)[first:], parts.reshape(-1)[start:])
        return self.together(parts)


def _moved(table: Array, fields: tuple[str, ...], **by: int) -> Array:
    """Return parameters of calls with some of them larger."""
    table = table.copy()
    for name, value in by.items():
        table[:, fields.index(name)] += value
    return table


def _joined(calls: list[Call], itemsize: int, room: int) -> list[Call]:
    """Join plans of one tile, equally many, as long as their filters have room: threads meet less often."""
    packed = [call.plan.packed_bytes for call in calls]
    own = max(call.plan.workspace - size for call, size in zip(calls, packed, strict=True))
    most = ceil(len(calls) / ceil(sum(packed) / max(room - own, *packed)))
    found: list[Call] = []
    for tile, group in groupby(calls, lambda call: call.plan.tile):
        alike, some = list(group), most if type(tile) in FIELDS else 1
        parts = (alike[first : first + some] for first in range(0, len(alike), some))
        found += (reduce(lambda a, b: a._replace(plan=_both(a, b, itemsize)), part) for part in parts)
    return found


def _both(a: Call, b: Call, itemsize: int) -> Plan:
    packs, blocks = FIELDS[type(a.plan.tile)]
    w, y, packed = (b.w - a.w) * itemsize, (b.parts - a.parts) * itemsize, a.plan.packed_bytes
    return replace(
        a.plan,
        packs=np.concatenate([a.plan.packs, _moved(b.plan.packs, packs, w_offset=w, packed_offset=packed)]),
        tasks=a.plan.tasks
        + [_moved(task, blocks, y_offset=y, packed_offset=packed) for task in b.plan.tasks],
        packed_bytes=packed + b.plan.packed_bytes,
        sums_bytes=max(a.plan.sums_bytes, b.plan.sums_bytes),
        copied_bytes=max(a.plan.copied_bytes, b.plan.copied_bytes),
        workers=max(a.plan.workers, b.plan.workers),
        kept=(a.plan.kept, b.plan.kept),
    )


@lru_cache(maxsize=512)
def _calls(problem: ConvProblem, itemsize: int, workers: int) -> Calls:
    x_shape, problem = problem.x_shape, problem.merged()
    groups, turned = problem.groups, problem.for_input()
    g = contiguous(problem.y_shape, groups, 1, itemsize)
    w = exchanged(contiguous(problem.w_shape, groups, 0, itemsize), 0, 2, 1)
    ups = [axis.up for axis in turned.axes]
    shape = *problem.x_shape[:2], *ups, *(-(-axis.o // axis.up) for axis in turned.axes)
    each = contiguous(shape, groups, 1, itemsize)
    y, calls, room = (*each[:3], *each[3 + len(ups) :]), [], _room(problem, itemsize)
    phases = turned.phases()
    alone = 1 if len(phases) >= 2 * workers else workers  # a phase is then not cut for all workers
    for outputs, taps, phase in phases:
        steps = *w[:3], *(step * tap.step for step, tap in zip(w[3:], taps, strict=True))
        if _saves(phase, itemsize, room):
            plan = winograd.plan(phase, itemsize, (g, steps, y), alone)
        else:
            plan = direct.plan(phase, itemsize, g, steps, y, workers, own=False)
        plan = replace(plan, workers=workers)
        calls.append(Call(plan, _first(w, taps) // itemsize, _first(each, outputs) // itemsize))
    places = tuple(tuple((r, 0) for r in range(stride)) for stride in ups)
    together = replace(interleaver(problem.x_shape, shape, places, itemsize, workers), shape=x_shape)
    return Calls(shape, len(calls) == prod(ups), _joined(calls, itemsize, room), together)


def _first(steps: Strides, slices: tuple[slice, ...]) -> int:
    return sum(step * each.start for step, each in zip(steps[3:], slices, strict=False))


@prepared
def input_gradient(problem: ConvProblem, dtype: Any) -> Run:
    """Return what computes the gradient of x."""
    return _calls(problem, dtype.itemsize, threads())


def workspace(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of all phases, and those that one needs."""
    calls = _calls(problem, itemsize, threads())
    return prod(calls.shape) * itemsize + max(call.plan.workspace for call in calls.calls)
