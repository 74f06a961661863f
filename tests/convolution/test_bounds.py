"""Kernels read whole vectors: never past the end of an array, where memory may not be theirs."""

import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")
FENCED = """
import ctypes, mmap
import numpy as np
from mygrad.convolution import ConvProblem, convolve, filter_gradient, input_gradient, use_algorithm

def fenced(shape, dtype):
    size, page = int(np.prod(shape)) * np.dtype(dtype).itemsize, mmap.PAGESIZE
    whole = -(-size // page) * page
    memory = np.frombuffer(mmap.mmap(-1, whole + page), np.uint8)
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(memory.ctypes.data + whole), page, 0) == 0
    array = memory[whole - size : whole].view(dtype).reshape(shape)
    array[...] = 1
    return array

problems = [
    ((1, 64, 9, 9), (64, 64, 3, 3), 1), ((1, 64, 9, 9), (64, 64, 3, 3), 2), ((2, 32, 40), (64, 32, 7), 1),
    ((1, 32, 7, 7), (96, 32, 5, 5), 2), ((1, 64, 9), (64, 64, 1), 1),
    ((3, 16, 7, 21), (32, 16, 3, 1), (2, 4)), ((2, 24, 53), (40, 24, 1), 4), ((2, 24, 52), (40, 24, 4), 4),
]
for x, w, stride in problems:
    for dtype in ("f4", "f8"):
        problem = ConvProblem.make(x, w, stride=stride)
        arrays = [fenced(shape, dtype) for shape in (problem.x_shape, problem.w_shape, problem.y_shape)]
        for name in ("direct", "winograd", "subpixel", "dots", "panels"):
            with use_algorithm(name):
                convolve(problem, arrays[0], arrays[1])
                input_gradient(problem, arrays[2], arrays[1])
                filter_gradient(problem, arrays[0], arrays[2])
"""


NARROW = """
from mygrad.convolution import machine
machine._isa = lambda info: machine.ISAS[-1]  # two lanes in double precision
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a page is fenced off as Linux does it")
@pytest.mark.parametrize("first", ["", NARROW], ids=["as it is", "vectors of 128 bits"])
def test_nothing_is_read_past_the_end_of_an_array(first):
    done = subprocess.run([sys.executable, "-c", first + FENCED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
