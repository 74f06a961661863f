"""Who forks while others work, who is interrupted, and how many come to a small job."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import mygrad as mg
from mygrad.concurrency import once
from mygrad.convolution import ConvProblem, convolve, executor, planner, use_algorithm, use_threads

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
    assert set(done.stdout.split()) == {"0"}, done.stderr


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


def test_an_interrupt_waits_for_the_threads_that_have_the_arrays(monkeypatch):
    calls = []

    class Jobs:
        def put(self, job):
            job()
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
