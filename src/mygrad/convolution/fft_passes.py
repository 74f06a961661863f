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

from mygrad.convolution.ir import Callee, Code, Value, Values
from mygrad.convolution.jit import address_of_function, emits

__all__ = ["PASS_FIELDS", "passes", "radices", "transform"]

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


def radices(n: int) -> list[int]:
    """Return the radices of the passes of `n` points: 3s, a 2 at most, 4s; none if it has other factors."""
    found = []
    for radix in 3, 4, 2:
        while n % radix == 0:
            found.append(radix)
            n //= radix
    return found if n == 1 else []


def _plus(code: Code, a: Complex, b: Complex) -> Complex:
    return code.sum(a[0], b[0]), code.sum(a[1], b[1])


def _minus(code: Code, a: Complex, b: Complex) -> Complex:
    return code.difference(a[0], b[0]), code.difference(a[1], b[1])


def _turned(a: Complex, code: Code) -> Complex:
    """Return -i a."""
    return a[1], code.negative(a[0])


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
        turned = _turned((code.product(apart[0], height), code.product(apart[1], height)), code)
        results = [_plus(code, (middle[0], middle[1]), turned), _minus(code, (middle[0], middle[1]), turned)]
        return [_plus(code, first, both), *(results[::-1] if inverse else results)]
    a, b, c, d = points
    even, odd = _plus(code, a, c), _plus(code, b, d)
    left, right = _minus(code, a, c), _turned(_minus(code, b, d), code)
    results = [_plus(code, left, right), _minus(code, left, right)]
    one, three = results[::-1] if inverse else results
    return [_plus(code, even, odd), one, _minus(code, even, odd), three]


@emits(Pass)
def emit_pass(kind: Pass) -> str:
    """Return the module of a pass."""
    code, size = kind.code(), kind.vector_bytes
    apart = code.multiply(code.multiply("%span", "%inner"), 2 * size)

    def at(place: str) -> Complex:
        return code.vector_at(place, size), code.vector_at(code.at(place, size), size)

    def points(start: str, factors: list[Complex], index: str) -> None:
        place = code.at(start, code.multiply(index, 2 * size))
        places = [code.at(place, code.multiply(apart, m)) for m in range(kind.radix)]
        values = [at(each) for each in places]
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


def passes(sizes: Sequence[int], lanes: int, itemsize: int, *, inverse: bool = False) -> tuple[Array, Any]:
    """Return a table of the passes along every axis of an image, and what it points to."""
    rows, kept = [], []
    for axis, length in enumerate(sizes):
        blocks, inner, left = prod(sizes[:axis]), prod(sizes[axis + 1 :]), length
        for radix in radices(length):
            kept.append(_twiddles(left, radix, itemsize))
            function = address_of_function(Pass(itemsize, lanes, radix, inverse))
            rows.append((function, kept[-1].ctypes.data, blocks, left // radix, inner))
            blocks, left = blocks * radix, left // radix
    return np.array(rows[::-1] if inverse else rows, np.int64), kept


def transform(code: Code, data: str, table: str, count: Value) -> None:
    """Make all passes of a table."""

    def one(number: str) -> None:
        row = code.entry(table, number, 8 * len(PASS_FIELDS))
        function, twiddles = (code.load("ptr", code.at(row, 8 * n), 8) for n in range(2))
        numbers: Values = [code.integer(code.at(row, 8 * n)) for n in range(2, len(PASS_FIELDS))]
        arguments = [f"ptr {data}", f"ptr {twiddles}", *(f"i64 {each}" for each in numbers)]
        code.do(f"call void {function}({', '.join(arguments)})")

    code.each(count, one)
