"""Who forks while others work, who is interrupted, and how many come to a small job."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import mygrad as mg
from mygrad.concurrency import once
from mygrad.convolution import ConvProblem, convolve, executor, planner, standby, use_algorithm, use_threads
from mygrad.convolution.jit import assembly
from mygrad.convolution.standby import PLACES, Board, Native, module

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

BUSY = """
import faulthandler, itertools, os, sys, threading, warnings
import numpy as np
import mygrad as mg
from mygrad.nnet import conv_nd

warnings.simplefilter("ignore")  # Python's, of forks where there are threads
sys.setswitchinterval(1e-5)
stop = False

def compile_one(filters, taps, stride):
    with mg.use_algorithm("direct"):
        conv_nd(np.ones((1, 2, 40)), np.ones((filters, 2, taps)), stride=stride, fit="floor")

def compile_others():
    for filters, taps, stride in itertools.product(range(1, 40), range(2, 7), range(1, 30)):
        if stop:
            break
        compile_one(filters, taps, stride)

def multiply():
    (mg.tensor(np.ones(3)) * np.ones(3)).data

def multiply_others():
    while not stop:
        multiply()

def run(work, check, forks):
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(forks):
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(15, exit=True)  # ends what waits for ever
            check()
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    global stop
    stop = True
"""


@forks
@pytest.mark.parametrize(
    "call",
    ["run(multiply_others, multiply, 40)", "run(compile_others, lambda: compile_one(5, 9, 31), 5)"],
    ids=["arrays are locked", "kernels are compiled"],
)
def test_a_child_goes_on_whatever_other_threads_did_at_the_fork(call):
    source = [sys.executable, "-c", BUSY + call]
    done = subprocess.run(source, capture_output=True, text=True, timeout=100)
    assert set(done.stdout.split()) == {"0"}, (done.returncode, done.stderr)


def test_a_property_is_computed_once():
    class Square:
        calls = 0

        @once
        def side(self):
            """The side."""
            self.calls += 1
            return 3

    square = Square()
    assert (square.side, square.side, square.calls) == (3, 3, 1)
    assert Square.side.__doc__ == "The side."


def test_threads_that_compute_a_property_at_once_get_the_same():
    """What one of them has made points to may be gone when another has replaced it."""
    both = threading.Barrier(2)

    class Slow:
        @once
        def made(self) -> object:
            both.wait(10)
            return object()

    slow = Slow()
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: slow.made, range(2))
    assert first is second is slow.made


def test_an_interrupt_waits_for_the_threads_that_have_the_arrays(monkeypatch):
    calls = []

    class Jobs:
        def put(self, job):
            job(0)
            raise KeyboardInterrupt

    pool = executor.Pool()
    pool.jobs, pool.size = Jobs(), 8
    monkeypatch.setattr(executor, "_pool", pool)
    with pytest.raises(KeyboardInterrupt):
        executor.run(calls.append, 3)
    assert calls == [0, 1]


def test_no_more_threads_come_than_find_something_to_do():
    """Each takes room of its own: a million would take more than there is."""
    x, w = np.ones((1, 32, 64, 64), "f"), np.ones((32, 32, 3, 3), "f")
    for algorithm in ("direct", "winograd", "dots"):
        with use_algorithm(algorithm):
            problem = ConvProblem.make(x.shape, w.shape, stride=1)
            few = convolve(problem, x, w)
            with use_threads(1_000_000):
                many = convolve(problem, x, w)
        np.testing.assert_array_equal(few, many)


@pytest.mark.parametrize("member", planner.MEMBERS)
@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize(
    "problem",
    [
        ConvProblem.make((2, 3, 16, 16, 16), (8, 3, 1, 1, 1), stride=1),
        ConvProblem.make((8, 1, 30000), (16, 1, 513), stride=1),
        ConvProblem.make((1, 64, 1000), (128, 64, 513), stride=1),
    ],
    ids=["pointwise", "signals", "long"],
)
def test_the_algorithm_does_not_depend_on_the_number_of_threads(problem, dtype, member):
    """Another one rounds otherwise; a problem keeps what was chosen, so each is made anew."""
    names = set()
    for count in (1, 2, 3, 8, 64):
        with mg.use_threads(count):
            names.add(planner.choose(replace(problem), member, dtype).name)
    assert len(names) == 1


# -- those who stand by


def native(calls: list[int], helpers: list[int]) -> Native:
    """A job that notes how it is called; the caller waits for as many helpers as the list says."""
    came = threading.Semaphore(0)

    def work(job, wait):
        assert job == 64
        calls.append(wait)
        if not wait:
            came.release()
        elif not all(came.acquire(timeout=10) for _ in range(helpers[0])):
            calls.append(-1)

    return Native(ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(work), 64, None)


def await_standing(board: Board, count: int) -> None:
    deadline = time.monotonic() + 10
    while board.numbers[PLACES["standing"]] < count:
        assert time.monotonic() < deadline
        time.sleep(1e-5)


def standing(board: Board, count: int) -> list[threading.Thread]:
    """Threads that stand by, again and again, until the board calls them."""
    called = board.called()

    def stand():
        while board.called() == called:
            board.stand_by(called)

    threads = [threading.Thread(target=stand) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize(("by", "wanted"), [(0, 1), (1, 1), (3, 1), (3, 3), (3, 5)])
def test_as_many_as_are_wanted_come_of_those_who_stand_by(by, wanted):
    board = Board()
    threads, most = standing(board, by), 0
    for _ in range(30):
        await_standing(board, by)
        calls, helpers = [], [wanted]
        job = native(calls, helpers)
        helpers[0] = come = board.offer(job, wanted)
        if come == 0:
            job(1)
        elif come < wanted:
            board.finish(job)
        assert sorted(calls) == [0] * come + [1]
        most = max(most, come)
    assert most == min(by, wanted)
    board.call()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert board.numbers[PLACES["standing"]] == 0


def test_a_board_has_one_job_at_a_time():
    board, calls = Board(), []
    board.numbers[PLACES["standing"]] = 1  # someone who never comes
    board.numbers[PLACES["owner"]] = 1
    assert board.offer(native(calls, [0]), 1) == 0
    assert calls == []
    board.numbers[PLACES["owner"]] = 0
    assert board.offer(native(calls, [0]), 1) == 1
    assert calls == [1]
    assert board.numbers[PLACES["standing"]] == 1
    assert board.offer(native(calls, [0]), 2) == 1  # another one is to be found elsewhere
    assert calls == [1]
    board.finish(native(calls, [0]))
    assert calls == [1, 1]
    assert board.numbers[PLACES["owner"]] == 0


def test_who_stands_by_leaves_after_a_while():
    board = Board()
    board.stand_by(board.called())
    assert board.numbers[PLACES["standing"]] == 0


def test_who_stands_by_leaves_when_called(monkeypatch):
    monkeypatch.setattr(standby, "TURNS", 1 << 40)  # half a day
    monkeypatch.setattr(standby, "_functions", standby._functions.__wrapped__)
    board = Board()
    thread = threading.Thread(target=board.stand_by, args=(board.called(),), daemon=True)
    thread.start()
    await_standing(board, 1)
    board.call()
    thread.join(10)
    assert not thread.is_alive()
    assert board.numbers[PLACES["standing"]] == 0


def test_a_thread_of_the_pool_is_met_on_the_board_and_in_the_queue(monkeypatch):
    """The queue wakes it, then it finds jobs on the board; parts in Python send it to the queue."""
    pool = executor.Pool()
    monkeypatch.setattr(executor, "_pool", pool)
    shown = []
    monkeypatch.setattr(Board, "offer", lambda *args, offer=Board.offer: shown.append(1) or offer(*args))
    for _ in range(300):
        calls = []
        executor.run(native(calls, [1]), 2)
        assert sorted(calls) == [0, 1]
        done = []
        with use_threads(2):
            executor.run_parts(3, done.append)
        assert sorted(done) == [0, 1, 2]
    assert pool.size == 1
    assert shown


def test_many_callers_share_one_board():
    x, w = np.random.rand(8, 8, 20, 20), np.random.rand(8, 8, 3, 3)
    problem = ConvProblem.make(x.shape, w.shape, stride=1)

    def call(_):
        with use_threads(3), use_algorithm("direct"):
            return all(np.array_equal(convolve(problem, x, w), expected) for _ in range(100))

    with use_algorithm("direct"), use_threads(1):
        expected = convolve(problem, x, w)
    with ThreadPoolExecutor(6) as callers:
        assert all(callers.map(call, range(6)))


PROCESSORS = {
    "x86_64": ("x86_64", "pause"),
    "AMD64": ("x86_64", "pause"),
    "arm64": ("aarch64", "isb"),
    "aarch64": ("aarch64", "isb"),
    "riscv64": ("riscv64", "stand_by"),
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_code_of_the_board_for_every_processor(processor):
    triple, instruction = PROCESSORS[processor]
    assert instruction in assembly(module(processor), triple)
