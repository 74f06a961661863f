"""The process that measures one library: `python -m benchmarks.worker torch`.

It reads one request a line (JSON), prepares the work once, and answers with the seconds of each repeat.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.libraries import LIBRARIES, Array, Call

SMALL_OPERATIONS = 100
WARM_UP = 0.05  # seconds; at least one call
LOADING = {"name": "loading", "x": [1, 2, 40, 40], "w": [3, 2, 4, 3]}


def small(library: Any) -> Call:
    """A hundred operations in a chain, on eight elements, forward and backward."""

    def chain(x: Any, a: Any, b: Any) -> Any:
        for _ in range(SMALL_OPERATIONS // 5):
            x = (library.tanh(x * a + b) - a) * b
        return x

    x, a, b, seed = arrays([[8]] * 4, "float64")
    return library.differentiate(chain, (x, a, b), seed)


def million(library: Any, dtype: str) -> Call:
    """Five operations in a chain, on a million elements, forward and backward."""
    x, a, b, seed = arrays([[1_000_000]] * 4, dtype)
    if not hasattr(library, "differentiate"):
        return lambda: million_by_hand(x, a, b, seed)
    return library.differentiate(lambda x, a, b: library.exp(library.tanh(x * a + b)) * x, (x, a, b), seed)


def million_by_hand(x: Array, a: Array, b: Array, g: Array) -> tuple[Array, ...]:
    """The same chain and its gradients, as one would write them in NumPy."""
    t = np.tanh(x * a + b)
    e = np.exp(t)
    y = e * x
    g_sum = g * x * e * (1 - t * t)
    return y, g_sum * a + g * e, g_sum * x, g_sum


def layer(library: Any, case: dict[str, Any], dtype: str, *, gradients: bool = True) -> Call:
    problem = Case(**case)
    *inputs, seed = arrays([*problem.inputs, problem.y], dtype)
    function = library.layer(problem)
    return library.differentiate(function, inputs, seed) if gradients else library.run(function, inputs)


def matmul(_library: Any, dtype: str, size: int = 2048) -> Call:
    a, b, out = arrays([[size, size]] * 3, dtype)
    return lambda: np.matmul(a, b, out=out)


def first_calls(library: Any, case: dict[str, Any], dtype: str) -> list[float]:
    """The seconds of the first call forward, and after it of the first one forward and backward.

    Another convolution comes before them: what a library loads for any of them does not count.
    """
    for each in (LOADING, case):
        calls = (layer(library, each, dtype, gradients=gradients) for gradients in (False, True))
        times = [repeats(call, 0, at_least=1)[0] for call in calls]
    return times


TASKS: dict[str, Callable[..., Call]] = {"small": small, "million": million, "layer": layer, "matmul": matmul}


def arrays(shapes: list[list[int]], dtype: str) -> list[Array]:
    """The same numbers in each process."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def repeats(call: Call, seconds: float, at_least: int) -> list[float]:
    """The seconds that each call took, for about so long in all."""
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < at_least or perf_counter() < end:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return times


def answers(library: Any, requests: Iterator[str]) -> Iterator[dict[str, Any]]:
    @lru_cache(maxsize=1)  # the rounds of one task come one after another
    def prepared(task: str, options: str) -> Call:
        return TASKS[task](library, **json.loads(options))

    for line in requests:
        request = json.loads(line)
        try:
            if request["task"] == "first":
                yield {"times": first_calls(library, **request["options"])}
                continue
            call = prepared(request["task"], json.dumps(request["options"]))
            repeats(call, WARM_UP, at_least=1)
            yield {"times": repeats(call, request["seconds"], at_least=2)}
        except Exception as error:  # a peer that cannot do the work says so in the table
            yield {"error": f"{type(error).__name__}: {error}"}


def settle_memory() -> None:
    """Bring malloc to the state of a program that has run for a while.

    glibc gives large blocks back to the system, and pays for fresh pages at each call, until it has seen one
    of this size freed. Without this, what ran before decides: the same call takes one time or three.
    """
    block = np.ones((32 << 20) - (1 << 16), np.uint8)
    del block


def main() -> None:
    settle_memory()
    library = LIBRARIES[sys.argv[1]]()
    print(json.dumps({"version": library.version}), flush=True)
    for answer in answers(library, iter(sys.stdin.readline, "")):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
