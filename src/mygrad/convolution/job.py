"""One call of a kernel on all threads: a job is a copy of a template with the addresses of the data.

A plan has everything that depends on sizes only, and is kept for as long as it is used again.
"""

import ctypes
from dataclasses import dataclass
from functools import cached_property
from struct import Struct
from typing import Any

import numpy as np

from mygrad.convolution import jit
from mygrad.convolution.executor import borrowed, run
from mygrad.convolution.worker import JOB_FIELDS, JOB_SIZE

__all__ = ["Plan", "address_of"]

Array = np.ndarray[Any, Any]
LINE = 64
FIRST, DATA = 8 * JOB_FIELDS["x"], Struct("5q")  # and w, packed, y, workspace


def _lines(size: int) -> int:
    return (size + LINE - 1) & -LINE


def _place_of_data() -> int | None:
    """Find where an array object has the address of its data: to ask NumPy takes microseconds."""
    samples = [np.empty(3), np.empty((2, 2))[1:], np.zeros((1, 1, 5), np.float32)]
    for place in range(object.__basicsize__, np.ndarray.__basicsize__, 8):
        found = [ctypes.c_void_p.from_address(id(each) + place).value for each in samples]
        if found == [each.__array_interface__["data"][0] for each in samples]:
            return place
    return None


PLACE = _place_of_data()
_read = ctypes.c_void_p.from_address


def address_of(array: Array) -> int:
    """Return the address of the first element."""
    if PLACE is None:
        return array.__array_interface__["data"][0]
    return _read(id(array) + PLACE).value or 0


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

    @cached_property
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
        }
        job[[JOB_FIELDS[name] for name in fields]] = list(fields.values())
        return job, table

    @cached_property
    def work(self) -> jit.Work:
        return jit.compiled(self.tile)

    @cached_property
    def worker_bytes(self) -> int:
        return _lines(self.sums_bytes) + _lines(self.copied_bytes) + LINE

    @cached_property
    def workspace(self) -> int:
        """Return the bytes that a call borrows."""
        return _lines(self.packed_bytes) + self.workers * self.worker_bytes

    def __call__(self, x: Array, w: Array, y: Array) -> None:
        """Fill `y`; the arrays have the strides of the plan."""
        job = self._template[0].copy()
        address = address_of(job)
        with borrowed(self.workspace) as packed:
            own = packed + _lines(self.packed_bytes)
            first = packed if self.packed_bytes else address_of(w)
            DATA.pack_into(job.data, FIRST, address_of(x), address_of(w), first, address_of(y), own)
            if self.workers == 1:
                self.work(address, 1)
            else:
                run(Part(self.work, address, job), self.workers)


@dataclass(frozen=True)
class Part:
    """What each thread calls; it keeps the job, for threads that come when all is done."""

    work: jit.Work
    address: int
    job: Array

    def __call__(self, wait: int) -> None:
        self.work(self.address, wait)
