"""Fourier transforms of many images at once, as LLVM IR: the lanes of a vector are images.

    data[point][2][lane]      real and imaginary parts side by side

A transform of n = r * span points is a pass of butterflies over r points `span` apart, then r transforms of
`span` points each; it leaves the frequencies in an order of its own, which the inverse begins with (Cooley
and Tukey, 1965; decimation in frequency, then in time). A pass knows neither n nor the number of axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod, sqrt
from typing import Any

import numpy as np

from mygrad.convolution.ir import Callee, Code, Value
from mygrad.convolution.jit import address_of_function, emits
from mygrad.convolution.machine import this_machine

__all__ = ["PASS_FIELDS", "Complex", "Passes", "complex_at", "passes", "radices", "transform"]

Array = np.ndarray[Any, Any]
Complex = tuple[str, str]
PASS_FIELDS = "function", "twiddles", "blocks", "span", "inner"


@dataclass(frozen=True)
class Pass(Callee):
    """The kind of the function of one pass, over ``data[blocks][radix][span][inner]``."""

    pointers = "data twiddles"
    integers = "blocks span inner"

    radix: int
    inverse: bool


def radices(n: int, registers: int = 32) -> list[int]:
    """Return the radices of the passes of `n` points: few passes, of values that registers hold.

    There are none if it has other factors than 2 and 3.
    """
    twos = (n & -n).bit_length() - 1
    eights = twos // 3 - (twos % 3 == 1 and twos > 3) if registers > 16 else 0
    found = [8] * eights
    n >>= 3 * eights
    for radix in 4, 3, 2:
        while n % radix == 0:
            found.append(radix)
            n //= radix
    return found if n == 1 else []


def complex_at(code: Code, place: str) -> Complex:
    """Load a vector of complex numbers."""
    size = code.vector_bytes
    return code.vector_at(place, size), code.vector_at(code.at(place, size), size)


def _plus(code: Code, a: Complex, b: Complex) -> Complex:
    return code.sum(a[0], b[0]), code.sum(a[1], b[1])


def _minus(code: Code, a: Complex, b: Complex) -> Complex:
    return code.difference(a[0], b[0]), code.difference(a[1], b[1])


def _turned(code: Code, a: Complex, *, inverse: bool = False) -> Complex:
    """Return -i a, or i a."""
    return (code.negative(a[1]), a[0]) if inverse else (a[1], code.negative(a[0]))


def _times(code: Code, a: Complex, w: Complex) -> Complex:
    """Return a w."""
    real = code.fma(code.negative(a[1]), w[1], code.product(a[0], w[0]))
    return real, code.fma(a[0], w[1], code.product(a[1], w[0]))


def _butterfly(code: Code, points: Sequence[Complex], *, inverse: bool) -> list[Complex]:
    """Return ``sum_m points[m] * exp(-2 pi i m q / r)`` for each q, with +2 pi i of the inverse."""
    if len(points) == 2:
        a, b = points
        return [_plus(code, a, b), _minus(code, a, b)]
    if len(points) == 3:
        first, b, c = points
        both, apart = _plus(code, b, c), _minus(code, b, c)
        middle = tuple(code.fma(code.constant(-0.5), t, x) for t, x in zip(both, first, strict=True))
        height = code.constant(sqrt(0.75))
        turned = _turned(
            code, (code.product(apart[0], height), code.product(apart[1], height)), inverse=inverse
        )
        middle = middle[0], middle[1]
        return [_plus(code, first, both), _plus(code, middle, turned), _minus(code, middle, turned)]
    if len(points) == 8:
        return _butterfly_of_8(code, points, inverse=inverse)
    a, b, c, d = points
    even, odd = _plus(code, a, c), _plus(code, b, d)
    left, right = _minus(code, a, c), _turned(code, _minus(code, b, d), inverse=inverse)
    return [
        _plus(code, even, odd),
        _plus(code, left, right),
        _minus(code, even, odd),
        _minus(code, left, right),
    ]


def _butterfly_of_8(code: Code, points: Sequence[Complex], *, inverse: bool) -> list[Complex]:
    """Return that of the even points and that of the odd ones, which are an eighth of a turn apart."""
    even, odd = (_butterfly(code, points[n::2], inverse=inverse) for n in range(2))
    half = code.constant(sqrt(0.5))

    def eighth(a: Complex) -> Complex:
        """Return (1 - i) a / sqrt(2), with +i of the inverse."""
        there, back = code.sum(a[0], a[1]), code.difference(a[1], a[0])
        real, imaginary = (code.negative(back), there) if inverse else (there, back)
        return code.product(real, half), code.product(imaginary, half)

    quarters = _turned(code, odd[2], inverse=inverse), _turned(code, eighth(odd[3]), inverse=inverse)
    turned = [odd[0], eighth(odd[1]), *quarters]
    sums = [_plus(code, *each) for each in zip(even, turned, strict=True)]
    return sums + [_minus(code, *each) for each in zip(even, turned, strict=True)]


@emits(Pass)
def emit_pass(kind: Pass) -> str:
    """Return the module of a pass."""
    code, size = kind.code(), kind.vector_bytes
    apart = code.multiply(code.multiply("%span", "%inner"), 2 * size)

    def points(start: str, factors: list[Complex], index: str) -> None:
        place = code.at(start, code.multiply(index, 2 * size))
        places = [code.at(place, code.multiply(apart, m)) for m in range(kind.radix)]
        values = [complex_at(code, each) for each in places]
        if kind.inverse:
            values[1:] = [_times(code, *each) for each in zip(values[1:], factors, strict=True)]
        values = _butterfly(code, values, inverse=kind.inverse)
        if not kind.inverse:
            values[1:] = [_times(code, *each) for each in zip(values[1:], factors, strict=True)]
        for each, value in zip(places, values, strict=True):
            code.store(code.vector, value[0], each, size)
            code.store(code.vector, value[1], code.at(each, size), size)

    def positions(block: str, j: str) -> None:
        table = code.entry("%twiddles", j, 2 * (kind.radix - 1) * kind.itemsize)
        numbers = [code.broadcast(code.at(table, n * kind.itemsize)) for n in range(2 * (kind.radix - 1))]
        factors = [
            (real, code.negative(imaginary) if kind.inverse else imaginary)
            for real, imaginary in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        start = code.at(block, code.multiply(code.multiply(j, "%inner"), 2 * size))
        code.each("%inner", lambda index: points(start, factors, index))

    def one(number: str) -> None:
        block = code.at("%data", code.multiply(code.multiply(number, apart), kind.radix))
        code.each("%span", lambda j: positions(block, j))

    code.each("%blocks", one)
    return kind.module(code)


@lru_cache(maxsize=256)
def _twiddles(n: int, radix: int, itemsize: int) -> Array:
    """Return the factors of a pass, (position, result after the first, part)."""
    turns = np.outer(np.arange(n // radix), np.arange(1, radix)) / n
    angles = -2 * np.pi * turns
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(f"f{itemsize}")


@dataclass(frozen=True)
class Passes:
    """A table of passes, and one of (chunks, bytes of a chunk, first pass, how many): what it points to, too.

    Passes whose blocks fit the cache are made block by block, all of them.
    """

    rows: Array
    stages: Array
    kept: Any


def passes(sizes: Sequence[int], lanes: int, itemsize: int, *, inverse: bool = False) -> Passes:
    """Return the passes along every axis of an image."""
    rows, kept, machine, size = [], [], this_machine(), 2 * lanes * itemsize
    for axis, length in enumerate(sizes):
        blocks, inner, left = prod(sizes[:axis]), prod(sizes[axis + 1 :]), length
        for radix in radices(length, machine.isa.registers):
            kept.append(_twiddles(left, radix, itemsize))
            function = address_of_function(Pass(itemsize, lanes, radix, inverse))
            rows.append([function, kept[-1].ctypes.data, blocks, left // radix, inner])
            blocks, left = blocks * radix, left // radix
    chunks = [row[2] for row in rows]
    first = next(
        (n for n, count in enumerate(chunks) if prod(sizes) // count * size <= machine.l1 // 2), len(rows)
    )
    stages = [(1, 0, 0, first)]
    if first < len(rows):
        count = chunks[first]
        stages.append((count, prod(sizes) // count * size, first, len(rows) - first))
        for row in rows[first:]:
            row[2] //= count
    if inverse:
        stages = [(*stage[:2], len(rows) - stage[2] - stage[3], stage[3]) for stage in stages[::-1]]
    return Passes(np.array(rows[::-1] if inverse else rows, np.int64), np.array(stages, np.int64), kept)


def transform(code: Code, data: str, rows: str, stages: str, count: Value) -> None:
    """Make all passes of a table."""

    def one(chunk: str, number: Value) -> None:
        row = code.entry(rows, number, 8 * len(PASS_FIELDS))
        function, twiddles = (code.load("ptr", code.at(row, 8 * n), 8) for n in range(2))
        numbers = [code.integer(code.at(row, 8 * n)) for n in range(2, len(PASS_FIELDS))]
        arguments = [f"ptr {chunk}", f"ptr {twiddles}", *(f"i64 {each}" for each in numbers)]
        code.do(f"call void {function}({', '.join(arguments)})")

    def stage(number: str) -> None:
        entry = code.entry(stages, number, 8 * 4)
        chunks, size, first, passes_made = (code.integer(code.at(entry, 8 * n)) for n in range(4))

        def chunk(n: str) -> None:
            start = code.at(data, code.multiply(n, size))
            code.each(passes_made, lambda made: one(start, code.add(first, made)))

        code.each(chunks, chunk)

    code.each(count, stage)
