"""Phases put together: ``x[s*q + r] = parts[r, q]`` along every axis, by a kernel of its own.

Rows of x are written whole. A vector of each phase makes as many neighbouring vectors of x:

    parts[0]  a0 a1 a2 a3
    parts[1]  b0 b1 b2 b3    ->    x  a0 b0 a1 b1  a2 b2 a3 b3
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution import jit
from mygrad.convolution.addresses import address_of
from mygrad.convolution.copying import Fields
from mygrad.convolution.executor import run_parts
from mygrad.convolution.ir import Code, Values, Vectors, declarations, function
from mygrad.convolution.machine import this_machine

__all__ = ["MOST", "InterleaveTile", "Interleaver", "emit_interleaving", "interleaver"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Places = tuple[tuple[int, int], ...]
"""For each position below the stride: its phase, and which element of the phase is its first."""
FIELDS = ("x", "parts", "first", "count", "rows", "row_table", "phase_table", "row_bytes", "plane_bytes")
MOST = 16  # a kernel has code for each phase of the last axis
SHUFFLED = 8  # the largest stride that vectors serve
PART = 1 << 16  # elements that are worth a thread


@dataclass(frozen=True)
class InterleaveTile(Vectors):
    """What the kernel is specialized on."""

    stride: int


class Interleaving:
    """Write the function that writes some rows of x."""

    tile: "InterleaveTile"
    code: Code
    p: Fields
    x: str
    parts: str
    rows: str
    phases: str

    def __init__(self, tile: InterleaveTile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        self.p = p = Fields(code, FIELDS)
        self.x, self.parts = p.address(code, "x"), p.address(code, "parts")
        self.rows, self.phases = p.address(code, "row_table"), p.address(code, "phase_table")
        code.each(p.count, self._row)

    def _row(self, index: str) -> None:
        code, p, stride = self.code, self.p, self.tile.stride
        number = code.add(index, p.first)
        plane = code.put(f"udiv i64 {number}, {p.rows}")
        row = code.subtract(number, code.multiply(plane, p.rows))
        source = code.at(self.parts, code.multiply(plane, p.plane_bytes))
        source = code.at(source, code.integer(code.entry(self.rows, row)))
        target = code.at(self.x, code.multiply(number, p.row_bytes))
        # (offset, elements) of each phase
        sources = [code.at(source, code.integer(code.at(self.phases, 16 * r))) for r in range(stride)]
        counts = [code.integer(code.at(self.phases, 16 * r + 8)) for r in range(stride)]
        whole = "0"
        if stride <= SHUFFLED:  # the last phase has the fewest elements
            whole = code.put(f"sdiv i64 {counts[-1]}, {self.tile.lanes}")
            code.each(whole, lambda v: self._vectors(target, sources, v))
        done = code.multiply(whole, self.tile.lanes)
        for r, (part, count) in enumerate(zip(sources, counts, strict=True)):
            self._elements(code.at(target, r * self.tile.itemsize), part, str(done), count)

    def _vectors(self, target: str, sources: Values, number: str) -> None:
        code, tile = self.code, self.tile
        size = tile.vector_bytes
        vectors = [code.vector_at(code.entry(source, number, size)) for source in sources]
        kind, mixed = code.side_by_side(vectors, tile.lanes)
        code.store(kind, mixed, code.entry(target, number, size * tile.stride))

    def _elements(self, target: str, source: str, done: str, count: str) -> None:
        """Put what no whole number of vectors has."""
        code, size = self.code, self.tile.itemsize

        def one(index: str) -> None:
            number = code.add(done, index)
            value = code.load(code.scalar, code.entry(source, number, size))
            code.store(code.scalar, value, code.entry(target, number, size * self.tile.stride))

        code.each(code.subtract(count, done), one)


@jit.emits(InterleaveTile)
def emit_interleaving(tile: InterleaveTile) -> str:
    """Return the module of a kernel: ``work(parameters, ...)``."""
    code = Interleaving(tile).code
    return "\n".join([*declarations(code), *function("work", "parameters", "wait", code)])


@dataclass(frozen=True)
class Tables:
    """Where the rows of a plane and the phases of a row are, in bytes."""

    rows: Array
    phases: Array


def _tables(
    sizes: tuple[int, ...], parts: tuple[int, ...], places: tuple[Places, ...], itemsize: int
) -> Tables:
    strides = [itemsize * prod(parts[n + 1 :]) for n in range(len(parts))]
    axes, offsets = len(sizes), np.zeros(1, np.int64)
    for axis in range(axes - 1):
        position = np.arange(sizes[axis])
        phase, first = np.array(places[axis])[position % len(places[axis])].T
        here = phase * strides[axis] + (position // len(places[axis]) + first) * strides[axes + axis]
        offsets = (offsets[:, None] + here).ravel()
    last, step = places[-1], len(places[-1])
    phases = [
        (phase * strides[axes - 1] + first * itemsize, len(range(r, sizes[-1], step)))
        for r, (phase, first) in enumerate(last)
    ]
    return Tables(offsets, np.array(phases, np.int64))


@dataclass(frozen=True)
class Interleaver:
    """The calls that make x of its parts."""

    shape: Shape
    work: jit.Work
    calls: list[Array]
    tables: Tables  # which the parameters of calls point to

    def __call__(self, parts: Array) -> Array:
        x = np.empty(self.shape, parts.dtype)
        if len(self.calls) == 1:
            self._call(0, x, parts)
        else:
            run_parts(len(self.calls), lambda number: self._call(number, x, parts))
        return x

    def _call(self, number: int, x: Array, parts: Array) -> None:
        parameters = self.calls[number].copy()
        parameters[:2] = address_of(x), address_of(parts)
        self.work(address_of(parameters), 1)


@lru_cache(maxsize=1024)
def interleaver(
    shape: Shape, parts: Shape, places: tuple[Places, ...], itemsize: int, workers: int
) -> Interleaver:
    """Return what makes x of a shape (batch, channels, X0, ...), each element of which is in its argument.

    Parameters
    ----------
    shape : tuple of int
    parts : tuple of int
        The shape (batch, channels, phases of each axis..., elements of each axis...) of the argument, a
        contiguous array of float32 or float64.
    places : tuple of Places
        One for each axis; the stride is their length.
    itemsize, workers : int
    """
    tables = _tables(shape[2:], parts[2:], places, itemsize)
    tile = InterleaveTile(itemsize, this_machine().isa.bits // 8 // itemsize, len(places[-1]))
    rows = len(tables.rows)
    count = shape[0] * shape[1] * rows
    cuts = max(1, min(4 * workers, prod(shape) // PART)) if workers > 1 else 1
    ends = [count * n // cuts for n in range(cuts + 1)]
    known = rows, address_of(tables.rows), address_of(tables.phases), shape[-1] * itemsize
    plane = itemsize * prod(parts[2:])
    calls = [np.array([0, 0, a, b - a, *known, plane], np.int64) for a, b in pairwise(ends) if b > a]
    return Interleaver(shape, jit.compiled(tile).work, calls, tables)
