"""The figures: what is asked of which library, and the Markdown table that is made of the answers.

Rounds go from library to library, so that a slow moment of the machine is shared; each time is the lower
quartile of all repeats.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from math import exp, log
from statistics import fmean, quantiles
from typing import Any

from benchmarks.cases import Case
from benchmarks.libraries import LABELS
from benchmarks.peers import Worker, import_seconds
from benchmarks.worker import SMALL_OPERATIONS

Times = dict[str, float | None]
"""Seconds of each library that was asked, `None` where it cannot do the work."""


@dataclass(frozen=True)
class Run:
    """The running libraries, how many rounds to go, and for how many seconds a library is timed in each."""

    workers: dict[str, Worker]
    rounds: int
    seconds: float

    def times(self, task: str, names: Sequence[str], **options: Any) -> Times:
        progress(task, options.get("case", {}).get("name", ""), options.get("dtype", ""))
        asked = [name for name in names if name in self.workers]
        found: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(self.rounds):
            for name in asked:
                found[name] += self.workers[name].ask(task, self.seconds, **options).get("times", [])
        return {name: lower_quartile(times) if times else None for name, times in found.items()}


def progress(*words: str) -> None:
    """One line on the terminal that the next one replaces."""
    if sys.stderr.isatty():
        print("\r\x1b[K" + " ".join(words), end="", file=sys.stderr, flush=True)


def lower_quartile(times: Sequence[float]) -> float:
    return quantiles(times, n=4, method="inclusive")[0] if len(times) > 1 else times[0]


# -- the four figures


def small(run: Run) -> str:
    times = run.times("small", ["mygrad", "torch", "mygrad25"])
    rows = [
        [LABELS[name], number(t, 1e6 / SMALL_OPERATIONS), ratio(times["mygrad"], t)]
        for name, t in times.items()
    ]
    title = f"{SMALL_OPERATIONS} operations on 8 elements, forward and backward"
    return table(title, ["library", "us per operation", "mygrad / it"], rows)


def importing(run: Run) -> str:
    names = [name for name in ("mygrad", "mygrad25", "torch", "jax") if name in run.workers]
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(run.rounds + 1):  # the first one may have to compile to bytecode, and does not count
        for name in names:
            found[name].append(import_seconds(name, run.workers[name].python))
    rows = [[LABELS[name], number(lower_quartile(times[1:]), 1e3)] for name, times in found.items()]
    return table("Import, after `import numpy`", ["library", "ms"], rows)


def million(run: Run) -> str:
    names = [name for name in ("mygrad", "numpy", "torch", "mygrad25") if name in run.workers]
    rows = []
    for dtype in ("float32", "float64"):
        times = run.times("million", names, dtype=dtype)
        milliseconds = [number(times[name], 1e3) for name in names]
        rows.append([dtype, *milliseconds, ratio(times["mygrad"], times["numpy"])])
    title = "5 elementwise operations on a million elements, forward and backward"
    return table(title, ["dtype", *(f"{LABELS[name]} ms" for name in names), "mygrad / by hand"], rows)


def layers(run: Run, title: str, cases: Sequence[Case], dtype: str) -> str:
    """One row a layer: forward and backward together, and how the forward pass alone compares.

    Nothing where no case has the name that was asked for.
    """
    if not cases:
        return ""
    peers = [name for name in ("torch", "jax", "mygrad25") if name in run.workers]
    limit = matmul_rate(run, dtype)
    results = [(case, *_both(run, case, dtype, peers)) for case in cases]
    rows = [layer_row(case, forward, times, peers, limit) for case, forward, times in results]
    rows.append(means([(forward, times) for _, forward, times in results], peers))
    title = f"{title} in {dtype}, forward and backward (matrix product of this machine: {limit:.0f} GFLOP/s)"
    columns = ["case", "mygrad ms", "GFLOP/s", "of the product", *(f"{LABELS[peer]} ms" for peer in peers)]
    return table(title, [*columns, "fastest peer / mygrad", "forward only", "MyGrad 2.5 / mygrad"], rows)


def first_calls(run: Run, cases: Sequence[Case], dtype: str) -> str:
    """One row a layer: what its first call takes in a process of its own, compilation included."""
    if not cases:
        return ""
    names = [name for name in ("mygrad", "torch", "jax") if name in run.workers]
    rows = [
        [case.name, *(cell for name in names for cell in _first_calls(run, name, case, dtype))]
        for case in cases
    ]
    columns = [f"{LABELS[name]} {what}" for name in names for what in ("forward ms", "then both ms")]
    title = f"First calls of conv_nd in {dtype}: forward, then forward and backward; each in a new process"
    return table(title, ["case", *columns], rows)


def _first_calls(run: Run, name: str, case: Case, dtype: str) -> list[str]:
    """The first calls of one library, forward and of both passes."""
    progress("first call", name, case.name, dtype)
    found = []
    for _ in range(run.rounds):
        with ExitStack() as stack:
            worker = Worker(name, run.workers[name].python, stack)
            found.append(worker.ask("first", 0, case=asdict(case), dtype=dtype).get("times", [None, None]))
    return [
        number(None if None in times else lower_quartile(times), 1e3) for times in zip(*found, strict=True)
    ]


def _both(run: Run, case: Case, dtype: str, peers: Sequence[str]) -> tuple[Times, Times]:
    """The times of the forward pass, and of both passes."""
    forward, both = (
        run.times("layer", ["mygrad", *peers], case=asdict(case), dtype=dtype, gradients=gradients)
        for gradients in (False, True)
    )
    return forward, both


def matmul_rate(run: Run, dtype: str, size: int = 2048) -> float:
    seconds = run.times("matmul", ["numpy"], dtype=dtype, size=size)["numpy"]
    assert seconds is not None
    return 2 * size**3 / seconds / 1e9


def layer_row(case: Case, forward: Times, times: Times, peers: Sequence[str], limit: float) -> list[str]:
    ours = times["mygrad"]
    rate = None if ours is None or case.pools else case.flops / ours / 1e9
    share = "" if rate is None else f"{rate / limit:.0%}"
    speed = [number(ours, 1e3), "" if case.pools else number(rate), share]
    peers_ms = [number(times[peer], 1e3) for peer in peers]
    return [case.name, *speed, *peers_ms, *map(factor, ratios(forward, times))]


def ratios(forward: Times, both: Times) -> list[float | None]:
    """How many times faster than the fastest peer but MyGrad 2.5, forward too, and than MyGrad 2.5."""

    def than_peers(times: Times) -> float | None:
        ours, peers = times["mygrad"], [times[name] for name in ("torch", "jax") if times.get(name)]
        best = min((t for t in peers if t is not None), default=None)
        return best and ours and best / ours

    ours, before = both["mygrad"], both.get("mygrad25")
    return [than_peers(both), than_peers(forward), before and ours and before / ours]


def means(results: Sequence[tuple[Times, Times]], peers: Sequence[str]) -> list[str]:
    """The last row: geometric means of the ratios."""
    columns = zip(*(ratios(*times) for times in results), strict=True)
    known = [[log(value) for value in column if value] for column in columns]
    cells = [factor(exp(fmean(logs)) if logs else None) for logs in known]
    return ["geometric mean", *[""] * (3 + len(peers)), *cells]


# -- cells and tables


def number(value: float | None, scale: float = 1.0) -> str:
    return (
        "cannot"
        if value is None
        else f"{value * scale:.3g}"
        if value * scale < 100
        else f"{value * scale:.0f}"
    )


def factor(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def ratio(ours: float | None, other: float | None) -> str:
    return factor(ours / other if ours and other else None)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal too."""
    lines = [columns, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    marks = ["-" * (width - 1) + (":" if i else "-") for i, width in enumerate(widths)]
    text = [
        "| "
        + " | ".join(
            cell.rjust(w) if i else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in (columns, marks, *rows)
    ]
    return f"\n**{title}**\n\n" + "\n".join(line + " |" for line in text)
