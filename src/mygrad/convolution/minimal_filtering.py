"""Winograd's minimal filtering: two outputs of k taps by fewer than 2 k products.

Along one axis, with data d, filter g and outputs y, taps are cut into threes and what is left of them:

    taps          3                                           2                     1
    v             d0 - d2, d1 + d2, d2 - d1, d3 - d1          d0 - d1, d1, d2 - d1  d0, d1
    u             g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2  g0, g0 + g1, g1       g0, g0
    y0            m0 + m1 + m2                                m0 + m1               m0
    y1            m1 - m2 + m3                                m1 + m2               m1

where m = v * u, summed over channels (Winograd, 1980, F(2, 3) and F(2, 2); Lavin & Gray, 2015). Outputs of
more taps are sums of those of their parts: 5 taps have 4 + 3 points and not 10 products. With a stride, the
parts are those of phases, taps and data a stride apart: 3 taps with stride 2 have 3 + 2 points. Products that
go to the same outputs with the same signs are added before that, to one of four totals at most. The same
along every other axis: the points of n axes are all tuples of theirs. All factors are 1 and 1/2, so that
errors stay small; formulas of fewer products have larger ones.

They say that the sum of ``y * gy`` is that of ``v(d) * u(g) * s(gy)``, where s is the transpose of the lines
for y; so the gradient of g is the transpose of u, applied to the sum over tiles of ``v(d) * s(gy)``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, chain, islice, product
from math import prod

from mygrad.convolution.ir import Code, Value, Values, Vectors

__all__ = [
    "OUTPUTS",
    "Formula",
    "Grid",
    "Matrix",
    "Registers",
    "along",
    "filter_points",
    "filter_taps",
    "in_two_stages",
    "places",
]

OUTPUTS = 2
MOST_TAPS = 3  # of a part
MOST_VALUES = 16  # of a transform that is written as one
Matrix = Sequence[Sequence[int]]
DATA: dict[int, Matrix] = {
    3: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1)),
    2: ((1, -1, 0), (0, 1, 0), (0, -1, 1)),
    1: ((1, 0), (0, 1)),
}
RESULT: dict[int, Matrix] = {
    3: ((1, 1, 1, 0), (0, 1, -1, 1)),
    2: ((1, 1, 0), (0, 1, 1)),
    1: ((1, 0), (0, 1)),
}


@dataclass(frozen=True)
class Formula:
    """Two outputs of an axis: what takes x, filters and gradients of y to points, and back."""

    taps: int
    stride: int = 1

    @property
    def parts(self) -> list[range]:
        """The taps of each part: of a phase, three at a time."""
        phases = (range(first, self.taps, self.stride) for first in range(min(self.stride, self.taps)))
        return [phase[n : n + MOST_TAPS] for phase in phases for n in range(0, len(phase), MOST_TAPS)]

    @property
    def positions(self) -> int:
        """What a tile reads of x."""
        return self.taps + self.stride * (OUTPUTS - 1)

    @property
    def points(self) -> int:
        return sum(len(DATA[len(part)]) for part in self.parts)

    @property
    def data(self) -> Matrix:
        """What takes the positions of a tile to its points."""
        return [self._row(part.start, row) for part in self.parts for row in DATA[len(part)]]

    def _row(self, first: int, weights: Sequence[int]) -> list[int]:
        row = [0] * self.positions
        row[first : first + self.stride * len(weights) : self.stride] = weights
        return row

    @property
    def _columns(self) -> list[tuple[int, ...]]:
        return [column for part in self.parts for column in zip(*RESULT[len(part)], strict=True)]

    @property
    def spread(self) -> Matrix:
        """What takes the gradients of the outputs to the totals: how much each goes to which output."""
        return list(dict.fromkeys(self._columns))

    @property
    def result(self) -> Matrix:
        """What takes the totals to the outputs."""
        return list(zip(*self.spread, strict=True))

    @property
    def totals(self) -> int:
        return len(self.spread)

    @property
    def total_of(self) -> list[int]:
        """The total that the product at each point is added to."""
        return [self.spread.index(column) for column in self._columns]

    def filter_points(self, code: Code, taps: Sequence[str]) -> Values:
        """Return a filter at the points."""
        rules = ((FILTER[len(part)], part) for part in self.parts)
        return [point for rule, part in rules for point in rule(code, *(taps[tap] for tap in part))]

    def filter_taps(self, code: Code, points: Sequence[str]) -> Values:
        """Return the gradients of the taps, given those at the points."""
        left, found = iter(points), dict[int, str]()
        for part in self.parts:
            some = islice(left, len(DATA[len(part)]))
            found |= zip(part, FILTER_GRADIENT[len(part)](code, *some), strict=True)
        return [found[tap] for tap in range(self.taps)]


Grid = dict[tuple[int, ...], str]
"""Vectors at places along every axis."""


def places(counts: Iterable[int]) -> list[tuple[int, ...]]:
    """Return all places along axes of so many each, in C order."""
    return list(product(*map(range, counts)))


def _combined(code: Code, weights: Sequence[int], values: Sequence[str]) -> str:
    """Return a sum of values with weights 1, 0 and -1."""
    terms = sorted(
        ((w, value) for w, value in zip(weights, values, strict=True) if w), key=lambda term: -term[0]
    )
    (first, total), *rest = terms
    total = total if first > 0 else code.negative(total)
    for weight, value in rest:
        total = code.sum(total, value) if weight > 0 else code.difference(total, value)
    return total


def lines(values: Grid, axis: int) -> dict[tuple[int, ...], list[str]]:
    """Return the values along an axis, for each place along the others."""
    found: dict[tuple[int, ...], list[str]] = {}
    for place in sorted(values):
        found.setdefault((*place[:axis], *place[axis + 1 :]), []).append(values[place])
    return found


def along(code: Code, matrix: Matrix, values: Grid, axis: int) -> Grid:
    """Multiply by a matrix along an axis."""
    return {
        (*rest[:axis], row, *rest[axis:]): _combined(code, weights, line)
        for rest, line in lines(values, axis).items()
        for row, weights in enumerate(matrix)
    }


def in_two_stages(
    code: Code,
    room: str,
    counts: tuple[int, int],
    first: Callable[[Value], Sequence[str]],
    second: Callable[[Value, Sequence[str]], None],
) -> None:
    """Call ``second(n, [first(0)[n], first(1)[n], ...])`` for all n; `counts` are those of calls of both.

    With room in memory, where values wait, each of the two is written once, in a loop. Code of large
    tiles is then several times shorter, and the values of one call fit the registers.
    """
    rows, columns = counts
    if not room:
        for n, values in enumerate(zip(*map(first, range(rows)), strict=True)):
            second(n, values)
        return
    size = code.vector_bytes

    def row(r: str) -> None:
        into = code.entry(room, r, columns * size)
        for n, value in enumerate(first(r)):
            code.store(code.vector, value, code.at(into, n * size))

    def column(n: str) -> None:
        start = code.entry(room, n, size)
        second(n, [code.vector_at(code.at(start, r * columns * size)) for r in range(rows)])

    code.each(rows, row)
    code.each(columns, column)


def _three(code: Code, g0: str, g1: str, g2: str) -> Values:
    ends, middle = code.half(code.sum(g0, g2)), code.half(g1)
    return [g0, code.sum(ends, middle), code.difference(ends, middle), g2]


def _three_taps(code: Code, m0: str, m1: str, m2: str, m3: str) -> Values:
    half = code.half(code.sum(m1, m2))
    return [code.sum(m0, half), code.half(code.difference(m1, m2)), code.sum(half, m3)]


# What takes the taps of a part to its points, and what takes the gradients of these to those of the taps.
FILTER: dict[int, Callable[..., Values]] = {
    3: _three,
    2: lambda code, g0, g1: [g0, code.sum(g0, g1), g1],
    1: lambda code, g0: [g0, g0],
}
FILTER_GRADIENT: dict[int, Callable[..., Values]] = {
    3: _three_taps,
    2: lambda code, m0, m1, m2: [code.sum(m0, m1), code.sum(m1, m2)],
    1: lambda code, m0, m1: [code.sum(m0, m1)],
}


def filter_points(code: Code, values: Grid, formulas: Sequence[Formula]) -> Grid:
    """Return a filter at all points, given its taps."""
    for axis, formula in enumerate(formulas):
        values = dict(_replaced(values, axis, partial(formula.filter_points, code)))
    return values


def filter_taps(code: Code, values: Grid, formulas: Sequence[Formula]) -> Grid:
    """Return the gradients of taps, given those at all points."""
    for axis, formula in enumerate(formulas):
        values = dict(_replaced(values, axis, partial(formula.filter_taps, code)))
    return values


def _replaced(
    values: Grid, axis: int, rule: Callable[[Values], Values]
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the places and values of what a rule makes of each line along an axis."""
    for rest, line in lines(values, axis).items():
        for n, value in enumerate(rule(line)):
            yield (*rest[:axis], n, *rest[axis:]), value


@dataclass(frozen=True)
class Registers(Vectors):
    """sums[filters][vectors] of `lanes`; a formula for each axis, `step` is the dilation of the last one."""

    filters: int
    vectors: int
    axes: tuple[Formula, ...]
    step: int

    @property
    def taps(self) -> tuple[int, ...]:
        return tuple(axis.taps for axis in self.axes)

    @property
    def points(self) -> int:
        return prod(axis.points for axis in self.axes)

    @property
    def last_points(self) -> int:
        return self.axes[-1].points

    @property
    def totals(self) -> int:
        return prod(axis.totals for axis in self.axes)

    @property
    def last_totals(self) -> int:
        return self.axes[-1].totals

    @property
    def points_of(self) -> list[list[int]]:
        """The numbers of the points of each total."""
        found: dict[tuple[int, ...], list[int]] = {}
        for number, total in enumerate(product(*(axis.total_of for axis in self.axes))):
            found.setdefault(total, []).append(number)
        return [found[total] for total in sorted(found)]

    def make_table(self, code: Code) -> None:
        """Make one of (the first of its points, how many) of each total: the beginning of a function."""
        if self.totals == self.points:
            return
        counts, numbers = list(map(len, self.points_of)), list(chain(*self.points_of))
        code.room("points", 8 * self.points)
        code.room("totals", 16 * self.totals)
        firsts = accumulate([0, *counts[:-1]])
        for room, values in (("points", numbers), ("totals", chain(*zip(firsts, counts, strict=True)))):
            for n, value in enumerate(values):
                code.store("i64", str(value), code.at(f"%{room}", 8 * n), 8)

    def each_total(self, code: Code, body: Callable[[str, Value, Callable[[Value], Value]], None]) -> None:
        """For each total: body(its number, how many points it has, what tells the number of one of them)."""
        if self.totals == self.points:
            code.each(self.totals, lambda number: body(number, 1, lambda _: number))
            return

        def total(number: str) -> None:
            entry = code.entry("%totals", number, 16)
            first, count = code.integer(entry), code.integer(code.at(entry, 8))
            body(number, count, lambda n: code.integer(code.entry("%points", code.add(first, n))))

        code.each(self.totals, total)

    @property
    def stage(self) -> str:
        """The name of the room in which values wait between stages; none where they fit the registers."""
        return "%stage" if self.points > MOST_VALUES else ""

    def make_stage(self, code: Code) -> None:
        """Make that room, and one for where rows begin: the beginning of a function."""
        if self.stage:
            code.room("stage", max(self.points, self.read_rows * self.last_points) * code.vector_bytes)
            code.room("rows", 16 * self.read_rows)

    @property
    def read_rows(self) -> int:
        """The rows of x that a run of tiles reads."""
        return prod(axis.positions for axis in self.axes[:-1])

    @property
    def sums(self) -> int:
        return self.filters * self.vectors
