"""How far convolutions in float32 are from sums in float64, and how far torch's are.

``python -m benchmarks.accuracy --torch PYTHON`` prints, for the forward pass and both gradients of each case
of `conv_cases.json`, the largest and the mean error in roundings: units of float32's epsilon times the root
mean square of the result. Data are normal random numbers, the same for all. A row above
1.2 times torch's error is marked.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import numpy as np

from benchmarks.cases import Case, read_cases
from benchmarks.figures import factor, number, table
from benchmarks.libraries import LIBRARIES, Array
from benchmarks.peers import ROOT, environment
from benchmarks.worker import arrays

MEMBERS = ("forward", "input gradient", "filter gradient")
FILES = ("forward", "input", "filter")
ALLOWED = 1.2  # times torch's error
Errors = tuple[float, float]
"""The largest one and the mean."""


def members(library: Any, case: Case, dtype: str) -> list[Array]:
    """The output and both gradients, computed by `library` in `dtype` for the same numbers."""
    *inputs, seed = (array.astype(dtype) for array in arrays([*case.inputs, case.y], "float32"))
    function = library.layer(case)
    y = library.run(function, inputs)()
    found = [y, *library.differentiate(function, inputs, seed)()]
    return [np.asarray(each.detach() if hasattr(each, "detach") else each) for each in found]


def compute(name: str, dtype: str, wanted: str, folder: Path) -> None:
    """Write what a library computes for every case that it can do."""
    library = LIBRARIES[name]()
    for case in read_cases("conv", wanted):
        try:
            found = members(library, case, dtype)
        except NotImplementedError:
            continue
        for member, array in zip(FILES, found, strict=True):
            np.save(folder / f"{case.name}-{member}.npy", array)


def asked(name: str, python: str, dtype: str, wanted: str, folder: Path) -> Path:
    """Let the process of a library compute; return where its arrays are."""
    folder.mkdir()
    command = [python, "-m", "benchmarks.accuracy", "--compute", name, dtype, str(folder), "--cases", wanted]
    subprocess.run(command, cwd=ROOT, env=environment(name), check=True)
    return folder


def errors(path: Path, exact: Array) -> Errors | None:
    """The errors of an array in roundings; None where it was not computed."""
    if not path.exists():
        return None
    roundings = np.abs(np.load(path) - exact) / (np.finfo("f4").eps * np.sqrt(np.mean(exact**2)))
    return float(roundings.max()), float(roundings.mean())


def algorithms(case: Case) -> list[str]:
    """The algorithm that the planner chooses for each member."""
    from mygrad.convolution import ConvProblem
    from mygrad.convolution.planner import choose

    options = {"padding": case.padding, "dilation": case.dilation, "groups": case.groups, "fit": "floor"}
    problem = ConvProblem.make(tuple(case.x), tuple(case.w), stride=case.stride, **options)
    return [choose(problem, member, "f").name for member in MEMBERS]


def row(name: str, ours: Errors, theirs: Errors | None) -> tuple[list[str], list[float]]:
    """The cells of one member, and how many times torch's errors are ours: the largest, the mean."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)] if theirs else []
    peers = [number(each) for each in theirs] if theirs else ["cannot"] * 2
    cells = [name, number(ours[0]), peers[0], number(ours[1]), peers[1], *(map(factor, ratios or [None] * 2))]
    return [*cells, "<-- larger" if max(ratios, default=0) > ALLOWED else ""], ratios


def rows(folders: dict[str, Path], wanted: str) -> Iterator[tuple[list[str], list[float]]]:
    for case in read_cases("conv", wanted):
        for member, file, algorithm in zip(MEMBERS, FILES, algorithms(case), strict=True):
            exact = np.load(folders["float64"] / f"{case.name}-{file}.npy")
            ours, theirs = (
                errors(folders[name] / f"{case.name}-{file}.npy", exact) for name in ("mygrad", "torch")
            )
            assert ours is not None
            yield row(f"{case.name}, {member}, {algorithm}", ours, theirs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--torch", metavar="PYTHON", help="a Python that has torch")
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--compute", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compute:
        name, dtype, folder = options.compute
        compute(name, dtype, options.cases, Path(folder))
        return
    with tempfile.TemporaryDirectory() as parent:

        def by(label: str, name: str, python: str, dtype: str) -> Path:
            return asked(name, python, dtype, options.cases, Path(parent) / label)

        folders = {
            "float64": by("float64", "mygrad", sys.executable, "float64"),
            "mygrad": by("mygrad", "mygrad", sys.executable, "float32"),
            "torch": by("torch", "torch", options.torch, "float32") if options.torch else Path(parent),
        }
        cells, ratios = zip(*rows(folders, options.cases), strict=True)
    means = [factor(geometric_mean(column)) for column in zip(*filter(None, ratios), strict=True)]
    columns = ["case", "largest", "torch", "mean", "torch", "largest / torch", "mean / torch", ""]
    last = ["geometric mean", *[""] * 4, *(means or [""] * 2), ""]
    print(table("Errors in roundings of float32, against sums in float64", columns, [*cells, last]))


if __name__ == "__main__":
    main()
