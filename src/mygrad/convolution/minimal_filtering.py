"""Winograd's minimal filtering: two outputs of k taps by fewer than 2 k products.

Along one axis, with data d, filter g and outputs y, taps are cut into threes and what is left of them:

    taps          3                                           2                     1
    v             d0 - d2, d1 + d2, d2 - d1, d1 - d3          d0 - d1, d1, d1 - d2  d0, d1
    u             g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2  g0, g0 + g1, g1       g0, g0
    y0            m0 + m1 + m2                                m0 + m1               m0
    y1            m1 - m2 - m3                                m1 - m2               m1

where m = v * u, summed over channels (Winograd, 1980, F(2, 3) and F(2, 2); Lavin & Gray, 2015). Outputs of
more taps are sums of those of their parts: 5 taps have 4 + 3 points and not 10 products. The same along every
other axis: the points of n axes are all tuples of theirs. All factors are 1 and 1/2, so that errors stay
small; formulas of fewer products have larger ones.

They say that the sum of ``y * gy`` is that of ``v(d) * u(g) * s(gy)``, where s is the transpose of the lines
for y; so the gradient of g is the transpose of u, applied to the sum over tiles of ``v(d) * s(gy)``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from mygrad.convolution.ir import Code, Value, Values, Vectors

__all__ = [
    "OUTPUTS",
    "Grid",
    "Registers",
    "along",
    "data_of",
    "in_two_stages",
    "places",
    "points_of_taps",
    "result_of",
    "spread_of",
]

OUTPUTS = 2
MOST_TAPS = 3  # of a part
MOST_VALUES = 16  # of a transform that is written as one
Matrix = Sequence[Sequence[int]]
DATA: dict[int, Matrix] = {
    3: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    2: ((1, -1, 0), (0, 1, 0), (0, 1, -1)),
    1: ((1, 0), (0, 1)),
}
RESULT: dict[int, Matrix] = {
    3: ((1, 1, 1, 0), (0, 1, -1, -1)),
    2: ((1, 1, 0), (0, 1, -1)),
    1: ((1, 0), (0, 1)),
}


def parts_of(taps: int) -> list[int]:
    """Return how many taps each part has."""
    return [min(MOST_TAPS, taps - first) for first in range(0, taps, MOST_TAPS)]


def _points(part: int) -> int:
    return len(DATA[part])


def points_of_taps(taps: int) -> int:
    """Return the points of a tile along an axis."""
    return sum(map(_points, parts_of(taps)))


def data_of(taps: int) -> Matrix:
    """Return what takes the taps + 1 positions of a tile to its points."""
    rows, positions = [], taps + OUTPUTS - 1
    for number, part in enumerate(parts_of(taps)):
        first = number * MOST_TAPS
        after = positions - first - len(DATA[part][0])
        rows += [(*[0] * first, *row, *[0] * after) for row in DATA[part]]
    return rows


def result_of(taps: int) -> Matrix:
    """Return what takes the products at the points to the outputs."""
    parts = [RESULT[part] for part in parts_of(taps)]
    return [sum((tuple(part[output]) for part in parts), ()) for output in range(OUTPUTS)]


def spread_of(taps: int) -> Matrix:
    """Return what takes the gradient of the outputs to the points."""
    return list(zip(*result_of(taps), strict=True))


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


def filter_points(code: Code, values: Grid, taps: Sequence[int]) -> Grid:
    """Return a filter at all points, given its taps."""
    return _by_part(code, values, taps, FILTER, int)


def filter_taps(code: Code, values: Grid, taps: Sequence[int]) -> Grid:
    """Return the gradients of taps, given those at all points."""
    return _by_part(code, values, taps, FILTER_GRADIENT, _points)


def _by_part(
    code: Code,
    values: Grid,
    taps: Sequence[int],
    rules: dict[int, Callable[..., Values]],
    size: Callable[[int], int],
) -> Grid:
    """Apply the rule of each part to its values, so many, along every axis."""
    for axis, count in enumerate(taps):
        found: Grid = {}
        for rest, line in lines(values, axis).items():
            left, results = iter(line), []
            for part in parts_of(count):
                results += rules[part](code, *islice(left, size(part)))
            found |= {(*rest[:axis], n, *rest[axis:]): result for n, result in enumerate(results)}
        values = found
    return values


@dataclass(frozen=True)
class Registers(Vectors):
    """sums[filters][vectors] of `lanes`; `taps` along each axis, `step` is the dilation of the last one."""

    filters: int
    vectors: int
    taps: tuple[int, ...]
    step: int

    @property
    def all_points(self) -> list[tuple[int, ...]]:
        return places(map(points_of_taps, self.taps))

    @property
    def points(self) -> int:
        return prod(map(points_of_taps, self.taps))

    @property
    def last_points(self) -> int:
        return points_of_taps(self.taps[-1])

    @property
    def stage(self) -> str:
        """The name of the room in which values wait between stages; none where they fit the registers."""
        return "%stage" if self.points > MOST_VALUES else ""

    def make_stage(self, code: Code) -> None:
        """Make that room, and one for where rows begin: the beginning of a function."""
        if self.stage:
            code.room("stage", self.points * code.vector_bytes)
            code.room("rows", 16 * self.read_rows)

    @property
    def read_rows(self) -> int:
        """The rows of x that a run of tiles reads."""
        return prod(taps + OUTPUTS - 1 for taps in self.taps[:-1])

    @property
    def sums(self) -> int:
        return self.filters * self.vectors
