"""Which algorithm computes a convolution: the one that is forced, or the fastest measured or predicted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from mygrad.concurrency import fork_safe_lock
from mygrad.convolution.algorithms import ALGORITHMS, Algorithm
from mygrad.convolution.arguments import no_such
from mygrad.convolution.executor import threads, use_threads
from mygrad.convolution.machine import this_machine, usable_processors
from mygrad.convolution.problem import FILTER, FORWARD, INPUT, ConvProblem

__all__ = ["ALGORITHMS", "Algorithm", "candidates", "choose", "explain", "use_algorithm"]

Array = np.ndarray[Any, Any]
_forced: ContextVar[str | None] = ContextVar("mygrad_algorithm", default=None)
_measured: dict[tuple[ConvProblem, str, str], dict[str, float]] = {}  # seconds, this process's own
_lock = fork_safe_lock()
MEMBERS = FORWARD, INPUT, FILTER
MOST_MEASURED = 4096
TIMES_SLOWER = 20  # what is predicted to be so is not measured


def _known(name: str, where: str) -> str:
    names = sorted({algorithm.name for algorithm in ALGORITHMS})
    if name not in names:
        raise ValueError(f"{where}: {no_such('algorithm', name, names)}")
    return name


@lru_cache(maxsize=1)
def _of_environment() -> str | None:
    name = os.environ.get("MYGRAD_CONV_ALGORITHM", "")
    return _known(name, "MYGRAD_CONV_ALGORITHM") if name else None


@contextmanager
def use_algorithm(name: str) -> Iterator[None]:
    """Compute convolutions within the context by the algorithm of this name.

    Outside of any context, the environment variable ``MYGRAD_CONV_ALGORITHM`` does the same for the process.

    Parameters
    ----------
    name : str
        A name that `explain` shows; where the algorithm does not apply, the choice stays free.

    Raises
    ------
    ValueError
        If there is no algorithm of that name.

    Examples
    --------
    >>> from mygrad.convolution import use_algorithm
    >>> with use_algorithm("reference"):
    ...     pass
    """
    token = _forced.set(_known(name, "use_algorithm"))
    try:
        yield
    finally:
        _forced.reset(token)


def forced_algorithm() -> str | None:
    """Return the algorithm that the context or the environment asks for, if any."""
    return _forced.get() or _of_environment()


_processors = lru_cache(maxsize=1)(usable_processors)


def candidates(problem: ConvProblem, member: str, dtype: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that apply, the fastest by prediction first.

    Predicted for all processors that may be used, whatever `use_threads` says: another algorithm would
    round otherwise, and results are to be the same bits for any number of threads.
    """
    ranked = problem.plans.get((member, dtype))
    if ranked is None:
        threads()  # an environment that makes no sense is an error now, whatever will be chosen
        with use_threads(_processors()):
            found = [a for a in ALGORITHMS if a.member == member and a.applies(problem, dtype)]
            ranked = tuple(sorted(found, key=lambda algorithm: algorithm.predicted(problem, dtype)))
        problem.plans[member, dtype] = ranked
    return ranked


def choose(problem: ConvProblem, member: str, dtype: str) -> Algorithm:
    """Return the algorithm that is forced, or else the fastest one measured, or else predicted."""
    ranked = candidates(problem, member, dtype)
    forced = _forced.get() or _of_environment()
    if forced is not None:
        return next((a for a in ranked if a.name == forced), ranked[0])
    if _measured:
        seconds = _measured.get((problem, member, dtype), {})
        return min(ranked, key=lambda a: seconds.get(a.name, inf)) if seconds else ranked[0]
    return ranked[0]


def _best_time(algorithm: Algorithm, problem: ConvProblem, arrays: tuple[Array, Array]) -> float:
    """Return the shortest of three calls, the first one, which compiles, left out."""
    times, run = [], algorithm.ready(problem, arrays[0].dtype)
    for _ in range(4):
        start = perf_counter()
        run(*arrays)
        times.append(perf_counter() - start)
    return min(times[1:])


def _measure(problem: ConvProblem, member: str, dtype: str) -> None:
    """Time the promising algorithms on ones, unless that was done before."""
    if (problem, member, dtype) in _measured:
        return
    shapes = {
        FORWARD: (problem.x_shape, problem.w_shape),
        INPUT: (problem.y_shape, problem.w_shape),
        FILTER: (problem.x_shape, problem.y_shape),
    }[member]
    arrays = np.ones(shapes[0], dtype), np.ones(shapes[1], dtype)
    ranked = candidates(problem, member, dtype)
    most = TIMES_SLOWER * ranked[0].predicted(problem, dtype)
    found = {a.name: _best_time(a, problem, arrays) for a in ranked if a.predicted(problem, dtype) <= most}
    with _lock:
        if len(_measured) < MOST_MEASURED:
            _measured[problem, member, dtype] = found


def explain(problem: ConvProblem, dtype: Any = np.float64, *, measure: bool = False) -> str:
    """Tell which algorithms could compute a convolution and its gradients, the chosen one first.

    Parameters
    ----------
    problem : ConvProblem
    dtype : DTypeLike
        What the sums are computed in.
    measure : bool
        Time the promising ones, once; from then on this process chooses by what it measured.

    Returns
    -------
    str
        For each algorithm: seconds, predicted or measured; the bytes that it needs beside its arguments and
        result; the share of the products per second that all cores could do at most.

    Examples
    --------
    >>> from mygrad.convolution import ConvProblem, explain
    >>> problem = ConvProblem.make((1, 1, 16), (1, 1, 5), stride=1)
    >>> print(explain(problem).splitlines()[0])
    x (1, 1, 16) * w (1, 1, 5) -> y (1, 1, 12) in float64, 60 products
    """
    dtype = np.dtype(dtype)
    shapes = f"x {problem.x_shape} * w {problem.w_shape} -> y {problem.y_shape}"
    border = "" if problem.border == "zeros" else f", borders {problem.border}"
    lines = [f"{shapes} in {dtype}, {problem.products} products{border}"]
    for member in MEMBERS if measure else ():
        _measure(problem, member, dtype.char)
    with use_threads(_processors()):
        return "\n".join(lines + [line for member in MEMBERS for line in _lines(problem, member, dtype)])


def _lines(problem: ConvProblem, member: str, dtype: np.dtype[Any]) -> list[str]:
    chosen = choose(problem, member, dtype.char)
    ranked = sorted(candidates(problem, member, dtype.char), key=lambda a: a is not chosen)
    return [_line(problem, a, dtype, chosen=a is chosen) for a in ranked]


def _line(problem: ConvProblem, a: Algorithm, dtype: np.dtype[Any], *, chosen: bool) -> str:
    measured = _measured.get((problem, a.member, dtype.char), {}).get(a.name)
    seconds = a.predicted(problem, dtype.char) if measured is None else measured
    peak = this_machine().peak(dtype.itemsize) * threads()
    return (
        f"  {'->' if chosen else '  '} {a.member:<16} {a.name:<13}"
        f" {'predicted' if measured is None else 'measured '} {seconds * 1e3:10.3f} ms"
        f"  workspace {a.needed(problem, dtype.itemsize) / 1e6:10.3f} MB"
        f"  {100 * problem.products / peak / seconds:5.1f} % of peak"
    )
