"""What second derivatives cost: of convolutions per convolution, and of other functions in gradients.

``python -m benchmarks.derivatives`` counts the convolutions in a gradient and in a Hessian-vector product of
half the sum of squares of each case of `conv_cases.json`, and prints the time of each: nothing is computed
twice if the product has three times as many as the gradient. The second table has other functions.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import geometric_mean
from typing import Any

import numpy as np

import mygrad as mg
from benchmarks.cases import Case, read_cases
from benchmarks.figures import factor, lower_quartile, number, table
from benchmarks.libraries import MyGrad
from benchmarks.worker import arrays, repeats, settle_memory
from mygrad import convolution

Call = Callable[[], Any]
MEMBERS = ("convolve", "input_gradient", "filter_gradient")


@contextmanager
def counting() -> Iterator[list[str]]:
    """Note the name of every convolution that is computed."""
    found: list[str] = []
    originals = {name: getattr(convolution, name) for name in MEMBERS}

    def noting(name: str) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            found.append(name)
            return originals[name](*args)

        return noted

    try:
        for name in MEMBERS:
            setattr(convolution, name, noting(name))
        yield found
    finally:
        for name, function in originals.items():
            setattr(convolution, name, function)


def calls(f: Callable[..., Any], xs: list[Any], directions: list[Any]) -> tuple[Call, Call, Call]:
    """The gradient, the derivative along a direction and the Hessian-vector product of `f`."""
    gradient = mg.grad(f, tuple(range(len(xs))))
    return lambda: gradient(*xs), lambda: mg.jvp(f, xs, directions), lambda: mg.hvp(f, xs, directions)


def seconds(call: Call, least: float) -> float:
    call()
    return lower_quartile(repeats(call, least, at_least=3))


def convolution_row(case: Case, dtype: str, least: float) -> tuple[list[str], float]:
    layer = MyGrad().layer(case)
    x, w, dx, dw = arrays([case.x, case.w] * 2, dtype)

    def energy(x: Any, w: Any) -> Any:
        y = layer(x, w)
        return (y * y).sum() / 2

    counts, times = [], []
    for call in calls(energy, [x, w], [dx, dw]):
        with counting() as found:
            call()
        counts.append(len(found))
        times.append(seconds(call, least))
    each = [t / n for t, n in zip(times, counts, strict=True)]
    again = each[2] / each[0]
    return [case.name, *map(str, counts), *cells(times), factor(again)], again


def cells(times: list[float]) -> list[str]:
    first, *rest = times
    return [*(number(t, 1e3) for t in times), *(factor(t / first) for t in rest)]


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def perceptron(x: Any, a: Any, b: Any) -> Any:
    return np.tanh(np.tanh(x @ a) @ b).sum()


def elementwise(x: Any) -> Any:
    return (np.exp(np.sin(x)) * x).sum()


FUNCTIONS: dict[str, tuple[Callable[..., Any], list[list[int]]]] = {
    "Rosenbrock's, 100 variables": (rosenbrock, [[100]]),
    "Rosenbrock's, 100,000 variables": (rosenbrock, [[100_000]]),
    "perceptron, 64 x 256 x 256 x 10": (perceptron, [[64, 256], [256, 256], [256, 10]]),
    "elementwise, 100,000 variables": (elementwise, [[100_000]]),
}


def function_row(name: str, least: float) -> list[str]:
    f, shapes = FUNCTIONS[name]
    xs = [0.1 * x for x in arrays(shapes, "float64")]
    return [name, *cells([seconds(call, least) for call in calls(f, xs, xs)])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derivatives", description=__doc__)
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--seconds", type=float, default=0.2, help="that each call is timed (default: 0.2)")
    options = parser.parse_args()
    settle_memory()
    found = [
        convolution_row(case, options.dtype, options.seconds) for case in read_cases("conv", options.cases)
    ]
    mean = ["geometric mean", *[""] * 8, factor(geometric_mean([ratio for _, ratio in found]))]
    times = ["gradient ms", "jvp ms", "hvp ms", "jvp / gradient", "hvp / gradient"]
    counts = [f"convolutions of {name}" for name in ("gradient", "jvp", "hvp")]
    title = f"Derivatives of convolutions in {options.dtype}"
    columns = ["case", *counts, *times, "time of each, hvp / gradient"]
    print(table(title, columns, [*(row for row, _ in found), mean]))
    rows = [function_row(name, options.seconds) for name in FUNCTIONS]
    print(table("Derivatives of other functions in float64", ["function", *times], rows))


if __name__ == "__main__":
    main()
