"""`python -m benchmarks --make-peers .peers` prints every figure, mygrad beside its peers in the same run."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import figures, peers
from benchmarks.cases import read_cases
from benchmarks.libraries import LABELS, THREADS


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(peers.REQUIREMENTS)
    parser.add_argument(
        "--make-peers", type=Path, metavar="DIR", help=f"install {names} there where missing, use them"
    )
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=PYTHON", help=f"a Python that has {names}"
    )
    parser.add_argument("--figures", nargs="+", choices=FIGURES, default=list(FIGURES), help="default: all")
    parser.add_argument(
        "--cases", default="", metavar="TEXT", help="only convolutions whose name contains this"
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each library (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="that a library is timed in a turn (default: 0.1)"
    )
    return parser.parse_args(arguments)


LAYERS = {
    "conv": ("conv_nd", "conv", ""),
    "other": ("conv_nd on other layers", "other", ""),
    "grouped": ("conv_nd with groups", "family", "conv"),
    "transposed": ("conv_transpose_nd", "family", "transposed"),
    "pooling": ("max_pool and avg_pool", "family", "max avg"),
}
"""Name of a figure -> its title, the file of its cases, and which of these."""


def first_calls(dtype: str) -> Callable[[figures.Run, argparse.Namespace], str]:
    return lambda run, options: figures.first_calls(run, read_cases("conv", options.cases), dtype)


def layers(name: str, dtype: str) -> Callable[[figures.Run, argparse.Namespace], str]:
    title, file, of = LAYERS[name]
    return lambda run, options: figures.layers(run, title, read_cases(file, options.cases, of), dtype)


FIGURES: dict[str, Callable[[figures.Run, argparse.Namespace], str]] = {
    "small": lambda run, _: figures.small(run),
    "import": lambda run, _: figures.importing(run),
    "million": lambda run, _: figures.million(run),
    **{f"{name}-{dtype}": layers(name, dtype) for name in LAYERS for dtype in ("float32", "float64")},
    **{f"first-call-{dtype}": first_calls(dtype) for dtype in ("float32", "float64")},
}


def pythons(options: argparse.Namespace) -> dict[str, str]:
    """The Python that runs each library: this one for ours, its own for each peer."""
    made = peers.make(options.make_peers) if options.make_peers else {}
    given = dict(peer.split("=", 1) for peer in options.peer)
    if unknown := given.keys() - peers.REQUIREMENTS.keys():
        sys.exit(f"--peer: unknown {', '.join(unknown)}; known are {', '.join(peers.REQUIREMENTS)}")
    return dict.fromkeys(peers.OURS, sys.executable) | made | given


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    if hasattr(os, "sched_setaffinity"):  # inherited by every process that measures
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    with ExitStack() as stack:
        workers = {name: peers.Worker(name, python, stack) for name, python in pythons(options).items()}
        versions = ", ".join(
            f"{LABELS[name].split()[0]} {worker.version}" for name, worker in workers.items()
        )
        print(f"{processor()}, {THREADS} threads each; Python {platform.python_version()}, {versions}")
        run = figures.Run(workers, options.rounds, options.seconds)
        for name in options.figures:
            text = FIGURES[name](run, options)
            figures.progress()
            if text:
                print(text, flush=True)


if __name__ == "__main__":
    main()
