"""Equal blocks that follow each other in a sequence of steps, as layers do in a deep network."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["representatives"]

Array = np.ndarray[Any, Any]
Sources = Sequence[tuple[int, ...]]
LONGEST_BLOCK = 256  # steps


def representatives(kinds: Sequence[Hashable], sources: Sources) -> list[int]:
    """Return for each step the one that stands for it.

    Of three or more equal blocks in a row the first stands for all; any other step stands for itself.

    Parameters
    ----------
    kinds
        What has to be equal of equal steps.
    sources
        For each step the numbers of those that it continues, which come before it; negative numbers,
        below minus the number of steps or -1, for anything else, equal where that has to be the same.
    """
    known: dict[Hashable, int] = {}
    codes = np.array([known.setdefault(kind, len(known)) for kind in kinds], dtype=np.intp)
    stands = list(range(len(kinds)))
    pending = [(0, len(kinds))]
    while pending:
        low, high = pending.pop()
        for begin, period, copies in _runs(codes[low:high]):
            start, end = _alike(low + begin, period, copies, sources)
            if start < end:
                stands[start + period : end] = range(start, end - period)
                pending += [(low, start), (start, start + period), (end, high)]
                break
    for n, other in enumerate(stands):
        stands[n] = stands[other]
    return stands


def _runs(codes: Array) -> Iterator[tuple[int, int, int]]:
    """Yield start, period and copies of repeated codes, those first that leave out most."""
    found = []
    for period in range(1, min(len(codes) // 3, LONGEST_BLOCK) + 1):
        equal = np.concatenate([[False], codes[:-period] == codes[period:], [False]])
        edges = np.flatnonzero(equal[1:] != equal[:-1]).reshape(-1, 2)
        copies = (edges[:, 1] - edges[:, 0]) // period + 1
        found += [(int(edges[n, 0]), period, int(copies[n])) for n in np.flatnonzero(copies >= 3)]
    yield from sorted(found, key=lambda run: (-(run[2] - 1) * run[1], run[1]))


def _alike(start: int, period: int, copies: int, sources: Sources) -> tuple[int, int]:
    """Return the first part of a run, three blocks or more, in which all are connected alike; or nothing."""
    end = start + copies * period
    while start + 3 * period <= end:
        others = range(start + period, end)
        wrong = next((n for n in others if not _as_before(n, start, period, sources)), end)
        blocks = (wrong - start) // period
        if blocks >= 3:
            return start, start + blocks * period
        start += blocks * period
    return end, end


def _as_before(n: int, start: int, period: int, sources: Sources) -> bool:
    """Tell whether step `n` continues the steps that the one a block earlier does, a block later.

    From outside of the chain all blocks take the same; only what the second takes from the first, the first
    may have from anywhere.
    """
    second = n < start + 2 * period
    block = n - (n - start) % period
    for before, now in zip(sources[n - period], sources[n], strict=True):
        if now < start:
            alike = before == now
        elif now < block and second:
            alike = before < start
        else:
            alike = before == now - period
        if not alike:
            return False
    return True
