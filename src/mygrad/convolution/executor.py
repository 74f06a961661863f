"""One persistent pool of threads, and the workspace that it lends.

The caller works too, so any number of callers make progress; which thread runs a part never decides
what it computes. A forked child starts a pool of its own.
"""

import operator
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from functools import lru_cache
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final

import numpy as np

from mygrad.convolution.machine import usable_processors
from mygrad.convolution.standby import Board, Native

__all__ = ["borrow", "chosen_threads", "give_back", "run", "run_parts", "threads", "use_threads"]

Array = np.ndarray[Any, Any]
KEPT_BYTES = 64 << 20  # of workspace, between calls
KEPT_BUFFERS = 8

Job = Callable[[int], None]

_chosen: ContextVar[int | None] = ContextVar("mygrad_threads", default=None)


@lru_cache(maxsize=1)
def _default() -> int:
    wanted = os.environ.get("MYGRAD_NUM_THREADS", "")
    if not wanted:
        return usable_processors()
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"MYGRAD_NUM_THREADS={wanted!r} must be a number of threads, 1 or more")
    return int(wanted)


chosen_threads: Callable[[], int | None] = _chosen.get
"""What `use_threads` says in this context, None outside of any."""


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


class Pool:
    """Threads that wait for jobs; when one is done, they stand by for a while before they sleep."""

    size: int
    lock: Any
    board: Board | None

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.size, self.board = 0, None
        self.lock = Lock()

    def grow(self, size: int) -> None:
        """Start threads until there are `size`; where no more can be, the caller works alone."""
        with self.lock, suppress(RuntimeError):
            while self.size < size:
                Thread(target=self._serve, name=f"mygrad-{self.size}", daemon=True).start()
                self.size += 1

    def share(self, job: Job, helpers: int) -> bool:
        """Have up to `helpers` threads call ``job(0)``; return whether ``job(1)`` has been called, too.

        Those who stand by are shown a native job on the board, others find it in the queue.
        """
        board, met = self.board, 0
        if isinstance(job, Native):
            board = self.board = board or Board()
            met = board.offer(job, helpers)
        try:
            for _ in range(helpers - met):
                self.jobs.put(job)
        finally:
            if isinstance(job, Native) and board and 0 < met < helpers:
                board.finish(job)
        if board and not met:
            board.call()  # after it is in the queue: who stands by from now on has looked there before
        return met > 0

    def _serve(self) -> None:
        while True:
            if self.board:
                called = self.board.called()
                if self.jobs.empty():
                    self.board.stand_by(called)
            self.jobs.get()(0)


_pool = Pool()


def _after_fork() -> None:
    global _pool
    _pool, _lender.free = Pool(), []


def run(job: Job, workers: int) -> None:
    """Call ``job(0)`` on the pool, on all `workers` but one, and ``job(1)`` here, which waits for all.

    A thread of the pool may come too late: it must then find nothing to do.
    """
    helpers, shared = workers - 1, False
    if _pool.size < helpers:
        _pool.grow(helpers)
    try:
        shared = helpers > 0 and _pool.share(job, helpers)
    finally:  # an interrupt does not take the arrays away from those at work
        if not shared:
            job(1)


class Parts:
    """Parts 0, 1, ... of a job in Python; whoever is free takes the next."""

    part: Any
    left: Iterator[int]
    unfinished: int
    lock: Any
    done: Event
    context: Context

    def __init__(self, count: int, part: Callable[[int], None]) -> None:
        self.part, self.left, self.unfinished = part, iter(range(count)), count
        self.lock, self.done = Lock(), Event()
        self.error: BaseException | None = None
        self.context = copy_context()  # NumPy's error state, among others

    def __call__(self, wait: int) -> None:
        self.context.copy().run(self._work)
        if wait:
            self.done.wait()

    def _work(self) -> None:
        while (number := self._next()) is not None:
            try:
                if self.error is None:
                    self.part(number)
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
                self.part = None  # who comes late keeps no array
                self.done.set()


def run_parts(count: int, part: Callable[[int], None]) -> None:
    """Call ``part(n)`` for each n below `count`, on as many threads as may be used; raise what one raised."""
    job = Parts(count, part)
    run(job, min(threads(), count))
    if job.error is not None:
        raise job.error


class Lender:
    """Buffers that were used before: their memory is already mapped. Lists are safe without a lock."""

    def __init__(self) -> None:
        self.free: list[Array] = []

    def take(self, size: int) -> Array:
        """Lend `size` bytes or more, aligned to 64: the buffer used last, if it will do."""
        try:
            buffer = self.free.pop()
        except IndexError:
            return _buffer(size)
        return buffer if buffer.size >= size else _buffer(size)

    def give(self, buffer: Array) -> None:
        """Keep a buffer for later; of large ones fewer are kept. One that is not given back is just freed."""
        kept = len(self.free)
        if kept < KEPT_BUFFERS and (kept + 1) * buffer.size <= KEPT_BYTES:
            self.free.append(buffer)


def _buffer(size: int) -> Array:
    owner = np.empty(size + 64, np.uint8)
    return owner[-owner.ctypes.data % 64 :][:size]


_lender = Lender()
borrow: Final = _lender.take
give_back: Final = _lender.give
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
