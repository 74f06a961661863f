"""One call of a kernel on all threads: a job is a copy of a template with the addresses of the data.

A plan has everything that depends on sizes only, and is kept for as long as it is used again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mygrad.concurrency import once
from mygrad.convolution import jit
from mygrad.convolution.addresses import PLACE, address_of
from mygrad.convolution.executor import borrow, give_back, run
from mygrad.convolution.standby import Native
from mygrad.convolution.worker import JOB_FIELDS, JOB_SIZE, STACK_BYTES, Worker

__all__ = ["Plan"]

Array = np.ndarray[Any, Any]
LINE = 64
TURNS = 8  # in which a thread takes its share of the work
DATA = slice(JOB_FIELDS["x"], JOB_FIELDS["y"] + 1)  # x, w, packed, workspace, y


def _lines(size: int) -> int:
    return (size + LINE - 1) & -LINE


@dataclass(frozen=True)
class Plan:
    """The calls of a kernel, which is specialized on `tile`.

    `packs` are parameters, a row for each call; `tasks` too, an array for each task; `kept` is what they
    point to. `packed_bytes` are shared by all workers, each has `sums_bytes` and `copied_bytes` of its own.
    """

    tile: Any
    packs: Array
    tasks: list[Array]
    packed_bytes: int
    sums_bytes: int
    copied_bytes: int
    workers: int
    kept: Any
    w_offset: int = 0
    """Where w begins in the array of that name, in bytes."""
    y_offset: int = 0

    @once
    def _template(self) -> tuple[Array, Array]:
        table = np.array([(task.ctypes.data, len(task)) for task in self.tasks], np.int64)
        job = np.zeros(JOB_SIZE, np.int64)
        fields = {
            "packs": len(self.packs),
            "pack_parameters": self.packs.ctypes.data,
            "pack_size": self.packs.strides[0],
            "tasks": len(self.tasks),
            "task_table": table.ctypes.data,
            "call_size": self.tasks[0].strides[0],
            "workspace_size": self.worker_bytes,
            "sums_size": _lines(self.sums_bytes),
            "some_packs": self._some(len(self.packs)),
            "some_tasks": self._some(len(self.tasks)),
            "w": self.w_offset,
            "packed": 0 if self.packed_bytes else self.w_offset,
            "workspace": _lines(self.packed_bytes),
            "y": self.y_offset,
            "pack": self.kernel.pack,
            "block": self.kernel.block,
        }
        job[[JOB_FIELDS[name] for name in fields]] = list(fields.values())
        return job, table

    def _some(self, count: int) -> int:
        """Return how many packs or tasks a thread takes at a time: counters that are shared are slow."""
        return max(1, count // (TURNS * self.crew)) if self.crew > 1 else max(1, count)

    @once
    def crew(self) -> int:
        """How many threads find something to do."""
        return min(self.workers, max(len(self.packs), len(self.tasks)))

    @once
    def kernel(self) -> jit.Kernel:
        return jit.compiled(self.tile)

    @once
    def worker(self) -> jit.Kernel:
        return jit.compiled(Worker())

    @property
    def template(self) -> Array:
        return self._template[0]

    @once
    def alone(self) -> bool:
        """Whether one thread calls the kernel itself."""
        return PLACE is not None and self.crew == 1

    @once
    def small(self) -> bool:
        """Whether room on the stack is enough."""
        return self.alone and self.workspace <= STACK_BYTES

    @once
    def call(self) -> Callable[..., Array]:
        """Return what is called with the template, x, w, y and room to work in."""
        return (self.worker.call if self.alone else None) or self._shared

    @once
    def worker_bytes(self) -> int:
        return _lines(self.sums_bytes) + _lines(self.copied_bytes) + LINE

    @once
    def workspace(self) -> int:
        """Return the bytes that a call borrows."""
        return _lines(self.packed_bytes) + self.crew * self.worker_bytes

    def __call__(self, x: Array, w: Array, y: Array) -> Array:
        """Fill `y` and return it; the arrays have the strides of the plan."""
        if self.small:
            return self.call(self.template, x, w, y)
        room = borrow(self.workspace)
        self.call(self.template, x, w, y, room)
        give_back(room)
        return y

    def into(self, shape: tuple[int, ...], dtype: Any) -> Callable[[Array, Array], Array]:
        """Return what makes a new array of two; for small jobs in the fewest steps."""
        call, template = self.call, self.template

        def make(x: Array, w: Array) -> Array:
            return self(x, w, np.empty(shape, dtype))

        def make_alone(x: Array, w: Array) -> Array:
            return call(template, x, w, np.empty(shape, dtype))

        make_alone.plan = self  # type: ignore[attr-defined]  # which has what the template points to
        return make_alone if self.small else make

    def _shared(self, template: Array, x: Array, w: Array, y: Array, room: Array) -> Array:
        job, packed = template.copy(), room if self.packed_bytes else w
        job[DATA] += [address_of(each) for each in (x, w, packed, room, y)]
        run(Native(self.worker.work, address_of(job), job), self.crew)
        return y
