"""How near convolutions are to what the processor can do: its multiply-adds, and its memory.

``python -m benchmarks.roofline`` prints, for each convolution of `conv_cases.json` and `family_cases.json`,
the floating-point operations of its defining sum, the bytes of its three arrays, the time that these take at
least, and the share of it that each member of the family reaches. The peak is measured by a kernel of nothing
but multiply-adds, the bandwidth by copying as many bytes as the arrays have, where they are in the caches or
in memory; both on as many threads as convolutions take. Algorithms with fewer products than the sum,
Winograd's and Fourier's, may be above 100%.
"""

import argparse
import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.cases import Case, read_cases
from benchmarks.figures import lower_quartile, number, table
from benchmarks.worker import arrays, repeats, settle_memory
from mygrad import convolution
from mygrad.convolution import ConvProblem, executor, jit
from mygrad.convolution.ir import Vectors, declarations, function
from mygrad.convolution.machine import this_machine

Call = Callable[[], Any]
SUMS = 12  # enough for the latency of two units, few enough for 16 registers
TURNS = 1 << 18
LEAST_BYTES, MOST_BYTES = 1 << 20, 64 << 20  # of a copy: to start threads takes none of its time


def seconds(call: Call, least: float) -> float:
    call()
    return lower_quartile(repeats(call, least, at_least=3))


def multiply_adds(itemsize: int) -> Callable[[int, int], None]:
    """A function of an address and a number of turns, each of `SUMS` multiply-adds of whole vectors."""
    code = Vectors(itemsize, this_machine().isa.bits // 8 // itemsize).code()
    first = code.vector_at("%numbers")

    def turn(_: str, sums: list[str]) -> list[str]:
        return [code.fma(each, first, first) for each in sums]

    for total in code.loop("%turns", turn, [first] * SUMS, code.vector):
        code.store(code.vector, total, "%numbers")
    engine = jit.engine_of("\n".join(declarations(code) + function("work", "numbers", "turns", code)))
    work = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(engine.get_function_address("work"))
    work.engine = engine  # type: ignore[attr-defined]  # where it lives
    return work


@lru_cache
def peak(dtype: str, least: float) -> float:
    """Floating-point operations per second, on all threads."""
    count, numbers = executor.threads(), np.full((executor.threads(), 64), 0.5, dtype)
    work = multiply_adds(numbers.itemsize)
    each = 2 * SUMS * TURNS * this_machine().isa.bits // 8 // numbers.itemsize

    def part(n: int) -> None:
        work(numbers[n].ctypes.data, TURNS)

    times = repeats(lambda: executor.run_parts(count, part), 10 * least, at_least=10)
    return count * each / min(times)  # what others run at the same time is no limit


def bandwidth(size: int, least: float) -> float:
    """Bytes per second that are read or written by a copy which moves `size` bytes, on all threads."""
    count = executor.threads()
    source = np.ones((count, min(max(size, LEAST_BYTES), MOST_BYTES) // (2 * count)), np.uint8)
    target = np.ones_like(source)

    def part(n: int) -> None:
        np.copyto(target[n], source[n])

    return 2 * source.size / seconds(lambda: executor.run_parts(count, part), least)


def problem_of(case: Case) -> ConvProblem:
    options: dict[str, Any] = {"padding": case.padding, "dilation": case.dilation, "groups": case.groups}
    if case.of == "transposed":
        return ConvProblem.make_transposed(tuple(case.x), tuple(case.w), stride=case.stride, **options)
    return ConvProblem.make(tuple(case.x), tuple(case.w), stride=case.stride, fit="floor", **options)


def row(case: Case, dtype: str, least: float) -> list[str]:
    problem = problem_of(case)
    x, w, g = arrays([list(problem.x_shape), list(problem.w_shape), list(problem.y_shape)], dtype)
    flops, size = case.flops / 3, x.nbytes + w.nbytes + g.nbytes
    compute, move = flops / peak(dtype, least), size / bandwidth(size, least)
    bound = max(compute, move)
    calls = {
        "forward": lambda: convolution.convolve(problem, x, w),
        "input": lambda: convolution.input_gradient(problem, g, w),
        "filter": lambda: convolution.filter_gradient(problem, x, g),
    }
    shares = [f"{bound / seconds(call, least):.0%}" for call in calls.values()]
    what = "multiply-adds" if compute > move else "memory"
    return [case.name, number(flops, 1e-6), number(size, 1e-6), number(bound, 1e3), what, *shares]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roofline", description=__doc__)
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--seconds", type=float, default=0.05, help="for each time that is measured")
    options = parser.parse_args()
    settle_memory()
    cases = read_cases("conv", options.cases) + read_cases("family", options.cases, "conv transposed")
    columns = [
        "case",
        "MFLOP",
        "MB",
        "at least, ms",
        "bound by",
        "forward",
        "input gradient",
        "filter gradient",
    ]
    for dtype in ("float32", "float64"):
        rows = [row(case, dtype, options.seconds) for case in cases]
        limit = peak(dtype, options.seconds) / 1e9
        print(table(f"Share of the roofline, {dtype} (peak {limit:.0f} GFLOP/s)", columns, rows), end="\n\n")


if __name__ == "__main__":
    main()
