"""A problem on a machine: the register tile, the chunks of taps and the blocks of outputs. Numbers only.

The rate of a tile is products per cycle: all that a tap's multiply-adds, loads and latency allow, times the
share of the tile that the problem fills.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import ceil, log2, prod

import numpy as np

from mygrad.convolution.ir import LINE
from mygrad.convolution.machine import Machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.tile import Tile

__all__ = [
    "ALONE",
    "CALL",
    "FEW_PRODUCTS",
    "PACKED",
    "PACKED_APART",
    "Range",
    "Schedule",
    "best_tile",
    "blocks",
    "copied_by",
    "cut",
    "cycles",
    "everything",
    "schedule",
]

Range = tuple[int, int]
TAPS = 1024  # of one chunk: sums of chunks are added, which keeps rounding errors small
LATENCY = 5  # cycles of a multiply-add, 4, and what few sums do not hide besides
ISSUE = 5.5  # instructions per cycle
MOST_ROWS = 4
LEAST_PART, MOST_PART = 32, 144  # products
MOST_STRIDE = 8  # that is worth bringing columns side by side
WORTH = 0.97  # of the taps: where more of them meet x, those that do not are not left out
MOST_SHARED = 8  # rows, and taps along them, of one tile
HEAVY = 4  # times as many filters as data: then tasks pack filters, and x is copied for each of them
FEW_PRODUCTS = 1 << 20  # not worth cutting for threads
BROADCAST = 0.5, 0.7  # cycles to load an element to all lanes, where other loads are few, or many
SHORT = 6  # cycles of a turn that waits for all of the following; the products of a longer one hide it
PIECE, FAR_LOAD = 0.8, 0.25  # cycles to wait for a piece of a row in the second cache, for each load
STORED, ROW_STORED, REACHED = 1.5, 1.5, 2.5  # cycles to store a vector of sums, a row of y, to reach one
LOOP, PLACED = 20, 6  # cycles to begin and end a tile, to find where one of its rows is read and written
PACKED, PACKED_APART = 0.4, 0.6  # cycles to pack a byte of filters that are contiguous, that are not
MOVED, ROW = 0.18, 15  # cycles to copy a byte, to begin and end a row
CALL = 3_000  # cycles of everything in Python
ALONE = 250_000  # cycles that one thread computes before another is awake
AGAIN = 1.5  # times as much is copied at most where a block is cut in two
LEAST_COLUMNS = 48  # a copied row is not cut below this


@dataclass(frozen=True)
class Schedule:
    """How to compute a problem.

    `chunks` are ranges of (channels, taps...) that are summed one after the other, `blocks` ranges of
    (batch, outputs...).
    """

    tile: Tile
    chunks: tuple[tuple[Range, ...], ...]
    blocks: tuple[tuple[Range, ...], ...]
    filter_parts: int
    group_blocks: int
    packs_own: bool = False
    """Whether a task packs the filters that it alone reads, chunk by chunk: they stay in the cache."""


# -- the tile


@lru_cache(maxsize=4096)
def met(problem: ConvProblem) -> float:
    """Return the share of the taps that rows of outputs meet along all axes but the last; 1 if nearly all."""
    share = 1.0
    for axis in problem.axes[:-1] if problem.border == "zeros" else ():
        first, last = axis.met(np.arange(axis.o))
        share *= np.maximum(0, last - first).sum() / (axis.o * axis.k)
    return float(share) if share < WORTH else 1.0


def all_meet(problem: ConvProblem) -> bool:
    """Tell whether every tap meets x for some row of outputs."""
    for axis in problem.axes[:-1]:
        first, last = axis.met(np.arange(axis.o)[:, None])
        taps = np.arange(axis.k)
        if not ((first <= taps) & (taps < last)).any(axis=0).all():
            return False
    return True


def _share(size: int, tile: int) -> float:
    return size / (ceil(size / tile) * tile)


def _rows(problem: ConvProblem) -> int:
    """Return how many rows a block is sure to have: those of one sample, of more if samples are small."""
    small = problem.channels * prod(axis.o * axis.stride for axis in problem.axes) < 1 << 12
    return (problem.batch if small else 1) * prod(axis.o for axis in problem.axes[:-1])


def _filter_tiles(problem: ConvProblem, itemsize: int, lanes: int, registers: int) -> Iterator[Tile]:
    last = problem.axes[-1]
    for vectors in range(1, 5):
        most = (registers - vectors - 1) // vectors
        for rows in range(1, min(MOST_ROWS, _rows(problem)) + 1):
            columns = min(last.o, most // rows)
            least = max(1, most // rows // 2) if last.o > most // rows else columns
            for count in range(max(1, least), columns + 1):
                yield Tile(itemsize, lanes, vectors, rows, count, last.stride)


def _position_tiles(problem: ConvProblem, itemsize: int, lanes: int, registers: int) -> Iterator[Tile]:
    last = problem.axes[-1]
    if last.stride > MOST_STRIDE:
        return
    for filters in range(1, min(problem.filters, 8) + 1):
        for rows in range(1, min(MOST_ROWS, _rows(problem)) + 1):
            most = min((registers - 1) // (filters + 1) // rows, last.o // lanes)
            for vectors in range(1, most + 1):
                yield Tile(itemsize, lanes, vectors, rows, lanes * vectors, last.stride, filters)


def _shared_tiles(problem: ConvProblem, itemsize: int, lanes: int, registers: int) -> Iterator[Tile]:
    """Tiles of position vectors with the taps along the rows."""
    if len(problem.axes) < 2 or problem.filters > MOST_SHARED or problem.axes[-1].stride > MOST_STRIDE:
        return
    rows, last = problem.axes[-2:]
    if not 1 < rows.k <= MOST_SHARED or rows.k * last.k > TAPS:
        return
    for filters in range(1, problem.filters + 1):
        room = registers - 2 - rows.k * filters
        for count in range(2, min(MOST_SHARED, rows.o, room // filters) + 1):
            for vectors in range(1, min(room // filters // count, last.o // lanes, 4) + 1):
                shape = itemsize, lanes, vectors, count, lanes * vectors
                yield Tile(*shape, last.stride, filters, rows.k, rows.stride, abs(rows.dilation))


def _far(problem: ConvProblem, tile: Tile, machine: Machine) -> float:
    """Return the cycles that a short turn waits for x, where that and filters exceed the first cache.

    A piece of a row is waited for once by all taps that meet it.
    """
    *outer, last = problem.axes
    rows = tile.rows * prod(axis.k for axis in outer)
    if outer:
        met = outer[-1].stride * (tile.rows - 1) + abs(outer[-1].dilation) * (outer[-1].k - 1) + 1
        rows = min(rows, met * prod(axis.k for axis in outer[:-1]))
    pieces, turns = rows * min(last.k, tile.phases), prod(axis.k for axis in problem.axes) / tile.row_taps
    reached = (tile.columns - 1) * last.stride + abs(last.dilation) * (last.k - 1) + 1
    read = pieces * LINE + rows * reached * tile.itemsize + turns * tile.line_bytes
    if problem.channels * read < machine.l1:
        return 0.0
    loads = tile.vectors if tile.by_position else tile.columns
    return pieces / turns * (PIECE + FAR_LOAD * loads)


def _finish(tile: Tile) -> float:
    """Return the cycles to store the sums of a tile: those of filter vectors are turned first."""
    if tile.by_position:
        return STORED * tile.sums
    squares = tile.vectors * tile.squares
    turned = squares * tile.lanes * (log2(tile.lanes) + 2)  # shuffles, loads and stores, one a cycle
    return tile.sums + turned + tile.width * (ROW_STORED * tile.rows + REACHED)


def _rate(problem: ConvProblem, tile: Tile, machine: Machine) -> float:
    """Return products per cycle."""
    if tile.by_position:
        loads = machine.crossing * len(tile.meetings) * tile.vectors
        broadcasts = tile.row_taps * tile.filters
    else:
        loads, broadcasts = tile.vectors, tile.rows * tile.columns
    unit = machine.cycles(tile.vector_bytes * 8)
    busy, slowest = (loads * unit + each * broadcasts for each in BROADCAST)
    products = tile.sums * tile.row_taps
    issued = (products + loads + broadcasts + 5) / ISSUE
    cycles = max(products * unit, slowest, issued, LATENCY)
    cycles += 0.5 + 0.1 * busy + (SHORT / cycles) ** 2 * _far(problem, tile, machine)
    rows = problem.axes[-2].o if tile.row_taps > 1 else _rows(problem)
    share = _share(problem.axes[-1].o, tile.columns) * _share(rows, tile.rows)
    turns = _taps(problem) / tile.row_taps
    taken = turns * (met(problem) if tile.row_taps == 1 else 1)
    finish = _finish(tile) + LOOP + PLACED * tile.rows
    useful = products * tile.lanes * share * _share(problem.filters, tile.width)
    return useful * turns / (taken * cycles + finish)


@lru_cache(maxsize=4096)
def best_tile(problem: ConvProblem, itemsize: int, machine: Machine) -> tuple[float, Tile]:
    """Return the products per cycle of the fastest tile, and that tile."""
    registers, found = machine.isa.registers, []
    bits = machine.isa.bits
    while bits >= 128:
        for tiles in (_filter_tiles, _position_tiles, _shared_tiles):
            found += tiles(problem, itemsize, bits // itemsize // 8, registers)
        bits //= 2
    return max(((_rate(problem, tile, machine), tile) for tile in found), key=lambda each: each[0])


def cycles(
    problem: ConvProblem, itemsize: int, machine: Machine, packed: float = PACKED, ways: float = 1
) -> float:
    """Predict the cycles of one core: tiles, copies of x, packing (`packed` for a byte) and stores.

    With `ways`, there are so many times the taps, and the outputs, for one copy of x.
    """
    rate, tile = best_tile(problem, itemsize, machine)
    cuts = blocks(problem, everything(problem), itemsize, machine, 1, (1, tile.columns))
    copied = copied_by(problem, itemsize, cuts)
    moved = copied + ways * prod(problem.y_shape) * itemsize
    filters = prod(problem.w_shape) * itemsize
    start, stop = problem.axes[-1].reach()
    rows = copied / itemsize / max(1, stop - start)
    return ways * (problem.products / rate + packed * filters) + MOVED * moved + ROW * rows + CALL


def copied_by(problem: ConvProblem, itemsize: int, cuts: Sequence[tuple[Range, ...]]) -> int:
    """Return the bytes of x that blocks copy: neighbours may have much in common."""
    chunk, sizes = everything(problem), ([stop - start for start, stop in cut] for cut in cuts)
    return problem.groups * sum(_copied_bytes(problem, each, chunk, itemsize) for each in sizes)


def least_copy(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes that the smallest block has to copy."""
    ones = [1] * (1 + len(problem.axes))
    return _copied_bytes(problem, ones, everything(problem), itemsize)


def everything(problem: ConvProblem) -> tuple[Range, ...]:
    """Return the chunk that has all channels and taps."""
    return ((0, problem.channels), *((0, axis.k) for axis in problem.axes))


def _taps(problem: ConvProblem) -> int:
    return problem.channels * prod(axis.k for axis in problem.axes)


# -- chunks and blocks


def cut(size: int, parts: int) -> list[Range]:
    """Cut range(size) into parts as equal as can be."""
    parts = max(1, min(parts, size))
    ends = [size * n // parts for n in range(parts + 1)]
    return list(pairwise(ends))


def _chunks(problem: ConvProblem) -> tuple[tuple[Range, ...], ...]:
    """Cut (channels, taps...) in their order, so that each part is a range of packed taps."""
    sizes = [problem.channels, *(axis.k for axis in problem.axes)]
    found: list[tuple[Range, ...]] = [()]
    for number, size in enumerate(sizes):
        below = prod(sizes[number + 1 :])
        parts = ceil(size * below / TAPS) if below < TAPS else size
        whole = all(b - a == 1 for each in found for a, b in each)
        found = [(*each, part) for each in found for part in cut(size, parts if whole else 1)]
    return tuple(found)


def _channel_chunks(problem: ConvProblem) -> tuple[tuple[Range, ...], ...]:
    rest = tuple((0, axis.k) for axis in problem.axes)
    return tuple((part, *rest) for part in cut(problem.channels, ceil(_taps(problem) / TAPS)))


def part_products(problem: ConvProblem) -> int:
    """Return how many products are added one after the other before the sum is added to that of others."""
    taps = prod(axis.k for axis in problem.axes)
    return MOST_PART if taps == 1 else min(max(16 * taps, LEAST_PART), MOST_PART)


def _copied_bytes(problem: ConvProblem, sizes: list[int], chunk: tuple[Range, ...], itemsize: int) -> int:
    """Return the bytes of x that a block of (batch, outputs...) sizes needs."""
    spans = [
        axis.stride * (o - 1) + abs(axis.dilation) * (b - a - 1) + 1
        for axis, o, (a, b) in zip(problem.axes, sizes[1:], chunk[1:], strict=True)
    ]
    return (chunk[0][1] - chunk[0][0]) * sizes[0] * prod(spans) * itemsize


def blocks(
    problem: ConvProblem,
    chunk: tuple[Range, ...],
    itemsize: int,
    machine: Machine,
    parts: int,
    least: tuple[int, int] = (1, 1),
) -> list[tuple[Range, ...]]:
    """Cut (batch, outputs...) into blocks whose copy of x fits half of the cache; into `parts` if it can be.

    Halves, again and again, the axis along which that makes the copies of all blocks together grow least; the
    last two are not cut below `least` (rows, columns), nor within so many: a tile would be filled in part.
    """
    whole = [problem.batch, *(axis.o for axis in problem.axes)]
    lower = [1] * (len(whole) - 2) + [least[0], max(least[1], LEAST_COLUMNS)]
    sizes = list(whole)

    def pieces() -> int:
        return prod(ceil(w / s) for w, s in zip(whole, sizes, strict=True))

    def halved(n: int) -> list[int]:
        return [*sizes[:n], ceil(sizes[n] / 2), *sizes[n + 1 :]]

    def copied(sizes: list[int]) -> float:
        return _copied_bytes(problem, sizes, chunk, itemsize) / prod(sizes)

    for axes in (range(len(sizes)), range(len(sizes) - 1)):
        limit = machine.l2 // 2 if len(axes) == len(sizes) else 0
        while _copied_bytes(problem, sizes, chunk, itemsize) > limit if limit else pieces() < parts:
            halves = [halved(n) for n in axes if sizes[n] >= 2 * lower[n]]
            best = min(halves, key=copied, default=sizes)
            if best is sizes or copied(best) > AGAIN * copied(sizes):
                break
            sizes = best
    found: list[tuple[Range, ...]] = [()]
    for size, count, low, unit in zip(sizes, whole, lower, [1] * (len(whole) - 2) + [*least], strict=True):
        ranges = cut(ceil(count / unit), min(ceil(count / size), max(1, count // low)))
        found = [(*each, (a * unit, min(b * unit, count))) for each in found for a, b in ranges]
    return found


def packed_bytes(problem: ConvProblem, itemsize: int, machine: Machine) -> int:
    """Return the bytes of packed filters."""
    _, tile = best_tile(problem, itemsize, machine)
    blocks = ceil(problem.filters / tile.width) * problem.groups
    return blocks * tile.width * _taps(problem) * itemsize


def calls(problem: ConvProblem, itemsize: int, machine: Machine) -> int:
    """Return a number of calls that a plan has at least: each takes time and memory to plan."""
    chunks = _chunks(problem)
    _, tile = best_tile(problem, itemsize, machine)
    return (
        len(chunks)
        * len(blocks(problem, chunks[0], itemsize, machine, 1, (1, tile.columns)))
        * problem.groups
    )


def schedule(problem: ConvProblem, itemsize: int, machine: Machine, threads: int, ways: int = 1) -> Schedule:
    """Return how to compute a problem; what is summed in which order does not depend on `threads`.

    With `ways`, the problem is one of so many of about the same size, and every chunk has all taps.
    """
    tile = replace(best_tile(problem, itemsize, machine)[1], ways=ways)
    chunks = _chunks(problem) if ways == 1 else _channel_chunks(problem)
    parts = 4 * threads if problem.products > FEW_PRODUCTS else 1
    least = tile.rows if tile.row_taps > 1 else 1, tile.columns
    filter_blocks = ceil(problem.filters / tile.width)
    taps = prod(b - a for a, b in chunks[0]) * ways
    together = max(1, machine.l2 // 3 // (taps * tile.width * tile.itemsize))
    heavy = prod(problem.w_shape) / max(1, prod(problem.x_shape))
    own, shares = heavy > HEAVY and ways == tile.row_taps == 1, ceil(parts / 2) if heavy > 1 else 1
    shares = min(max(shares, ceil(filter_blocks / together) if own else 1), filter_blocks)
    cuts = ceil(parts / problem.groups / shares)
    cuts = blocks(problem, chunks[0], itemsize, machine, 1 if own else cuts, least)
    few = min(filter_blocks, ceil(2 * threads / (len(cuts) * problem.groups))) if parts > 1 else 1
    return Schedule(tile, chunks, tuple(cuts), max(few, shares), together, own and len(cuts) == 1)
