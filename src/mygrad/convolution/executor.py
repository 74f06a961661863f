"""One persistent pool of threads, and the workspace that it lends.

The caller works too, so any number of callers make progress; which thread runs a part never decides
what it computes. A forked child starts a pool of its own.
"""

import operator
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from mygrad.convolution.machine import usable_processors

__all__ = ["borrowed", "run_parts", "threads", "use_threads"]

Array = np.ndarray[Any, Any]
KEPT_BYTES = 64 << 20  # of workspace, between calls


_chosen: ContextVar[int | None] = ContextVar("mygrad_threads", default=None)


@lru_cache(maxsize=1)
def _default() -> int:
    wanted = os.environ.get("MYGRAD_NUM_THREADS", "")
    if not wanted:
        return usable_processors()
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"MYGRAD_NUM_THREADS={wanted!r} must be a number of threads, 1 or more")
    return int(wanted)


def threads() -> int:
    """Return how many threads a convolution may use here."""
    return _chosen.get() or _default()


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Compute convolutions within the context with so many threads.

    Parameters
    ----------
    count : int
        1 or more. Outside of any context it is ``MYGRAD_NUM_THREADS``, or else the processors that
        the process may use. Results are bitwise the same for every count.

    Raises
    ------
    ValueError
        If it is less than 1.

    Examples
    --------
    >>> import mygrad as mg
    >>> with mg.use_threads(1):
    ...     pass
    """
    if operator.index(count) < 1:
        raise ValueError(f"a convolution needs 1 thread or more, got {count}")
    token = _chosen.set(operator.index(count))
    try:
        yield
    finally:
        _chosen.reset(token)


class Job:
    """Parts 0, 1, ... of one call; whoever is free takes the next."""

    def __init__(self, parts: int, run: Callable[[int], None]) -> None:
        self.run = run
        self.left, self.unfinished = iter(range(parts)), parts
        self.lock, self.done = Lock(), Event()
        self.error: BaseException | None = None

    def work(self) -> None:
        while (part := self._next()) is not None:
            try:
                if self.error is None:
                    self.run(part)
            except BaseException as error:
                self.error = error
            self._finish()

    def _next(self) -> int | None:
        with self.lock:
            return next(self.left, None)

    def _finish(self) -> None:
        with self.lock:
            self.unfinished -= 1
            if not self.unfinished:
                self.done.set()


class Pool:
    """Threads that wait for jobs."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.size = 0
        self.lock = Lock()

    def grow(self, size: int) -> None:
        """Start threads until there are `size`; where no more can be, the caller works alone."""
        with self.lock, suppress(RuntimeError):
            while self.size < size:
                Thread(target=self._serve, name=f"mygrad-{self.size}", daemon=True).start()
                self.size += 1

    def _serve(self) -> None:
        while True:
            self.jobs.get().work()


_pool = Pool()


def _after_fork() -> None:
    global _pool, _lender
    _pool, _lender = Pool(), Lender()


def run_parts(parts: int, run: Callable[[int], None], workers: int | None = None) -> None:
    """Run parts 0 to parts - 1, each once, on the pool and on the calling thread."""
    helpers = min(workers or threads(), parts) - 1
    if helpers <= 0:
        for part in range(parts):
            run(part)
        return
    if _pool.size < helpers:
        _pool.grow(helpers)
    job = Job(parts, run)
    for _ in range(helpers):
        _pool.jobs.put(job)
    job.work()
    job.done.wait()
    if job.error is not None:
        raise job.error


class Lender:
    """Buffers that were used before: their memory is already mapped."""

    def __init__(self) -> None:
        self.free: list[Array] = []
        self.lock = Lock()

    def take(self, size: int) -> Array:
        with self.lock:
            fitting = [n for n, buffer in enumerate(self.free) if buffer.nbytes >= size]
            if fitting:
                return self.free.pop(min(fitting, key=lambda n: self.free[n].nbytes))
        return np.empty(size, np.uint8)

    def give(self, buffer: Array) -> None:
        with self.lock:
            self.free.append(buffer)
            while sum(each.nbytes for each in self.free) > KEPT_BYTES or len(self.free) > 16:
                self.free.pop(0)


_lender = Lender()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def borrowed(size: int) -> Iterator[int]:
    """Lend `size` bytes; gives the address, aligned to 64 bytes."""
    buffer = _lender.take(size + 64)
    try:
        yield (buffer.ctypes.data + 63) & -64
    finally:
        _lender.give(buffer)
