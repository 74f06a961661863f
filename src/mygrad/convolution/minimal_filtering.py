"""Winograd's minimal filtering as LLVM IR: three taps give two outputs by four products instead of six.

Along one axis, with data d, filter g and outputs y (Lavin & Gray, 2015, F(2, 3)):

    v = d0 - d2, d1 + d2, d2 - d1, d1 - d3        u = g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2
    y = m0 + m1 + m2, m1 - m2 - m3                m = v * u, summed over channels

and the same along every other axis, so that n axes have 4**n points. They say that the sum of
``y * gy`` is that of ``v(d) * u(g) * s(gy)``, where s is the transpose of the line for y; so the gradient of
g is the transpose of u, applied to the sum over tiles of ``v(d) * s(gy)``.

With dilation d a tile has two outputs that lie d apart. A block has runs of tiles along a row; the tiles of a
run begin at outputs 0 ... d - 1, 2d ... 3d - 1, and so on, and a vector is neighbours in a run:

    x      a0 a1 b0 b1 a2 a3 b2 b3     d = 2, a and b are positions 0 and 1 of tiles 0, 1, 2, 3
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values

__all__ = [
    "DATA",
    "OUTPUTS",
    "POINTS",
    "RESULT",
    "SPREAD",
    "TAPS",
    "Grid",
    "Operand",
    "Registers",
    "Runs",
    "along",
    "places",
]

TAPS, OUTPUTS, POINTS = 3, 2, 4
Matrix = Sequence[Sequence[int]]
DATA: Matrix = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
RESULT: Matrix = ((1, 1, 1, 0), (0, 1, -1, -1))
SPREAD: Matrix = tuple(zip(*RESULT, strict=True))

Grid = dict[tuple[int, ...], str]
"""Vectors at places along every axis."""


def useful_lanes(lanes: int, step: int) -> int:
    """Return how many lanes of a vector are tiles."""
    return lanes // step * step


def places(count: int, axes: int) -> list[tuple[int, ...]]:
    """Return all places along so many axes, in C order."""
    return list(product(range(count), repeat=axes))


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


@dataclass(frozen=True)
class Registers:
    """sums[filters][vectors] of `lanes`, over `axes` axes, the last one with dilation `step`."""

    itemsize: int
    lanes: int
    filters: int
    vectors: int
    axes: int
    step: int

    @property
    def points(self) -> int:
        return POINTS**self.axes

    @property
    def vector_bytes(self) -> int:
        return self.lanes * self.itemsize

    @property
    def sums(self) -> int:
        return self.filters * self.vectors

    def code(self) -> Code:
        return Code(self.lanes, self.itemsize)


@dataclass(frozen=True)
class Operand:
    """An array of which tiles are transformed, channel by channel.

    `matrix` takes the positions of a tile to points; the rows of a run are those of its table from `entry`
    on; `before` is the padding, `size` the length of a row, `channel` the distance of channels. Results go
    to ``target[point][channel][tile]``.
    """

    source: str
    matrix: Matrix
    entry: int
    before: Value
    size: Value
    channels: Value
    channel: Value
    target: str
    point: Value

    @property
    def positions(self) -> int:
        return len(self.matrix[0])


class Runs:
    """Write what is done with the runs of a block; `p` has RUN_FIELDS, `step` is the dilation of rows."""

    code: Code
    p: Fields
    axes: int
    step: int
    useful: int
    size: int
    entries: int
    table: str
    zeros: str

    def __init__(self, code: Code, p: Fields, axes: int, step: int) -> None:
        self.code, self.p, self.axes, self.step = code, p, axes, step
        self.useful = useful_lanes(code.lanes, step)
        self.size = code.lanes * code.itemsize
        self.entries = POINTS ** (axes - 1) + OUTPUTS ** (axes - 1)
        self.table = p.address(code, "run_table")
        self.zeros = code.at("%work", p.zeros)
        zero = "zeroinitializer"
        code.each(
            p.zero_vectors, lambda n: code.store(code.vector, zero, code.entry(self.zeros, n, self.size))
        )

    def each(self, body: Callable[[str, str, Value], None]) -> None:
        """For each vector of each run: body(its table, its first tile, where in the block it is)."""
        code, p = self.code, self.p

        def run(number: str) -> None:
            entries = code.entry(self.table, number, 8 * self.entries)
            start = code.multiply(number, p.run_bytes)

            def vector(v: str) -> None:
                place = code.add(start, code.multiply(v, self.useful * code.itemsize))
                body(entries, str(code.multiply(v, self.useful)), place)

            code.each(p.run_vectors, vector)

        code.each(p.runs, run)

    def transform(self, operand: Operand) -> None:
        """target[point][channel][tile] = the transformed tiles, for all channels."""
        code, count = self.code, operand.positions
        shifts = [OUTPUTS * self.step * n for n in range(count // OUTPUTS)]
        offsets = [shift + half for shift in shifts for half in (0, code.lanes)]
        rows = places(count, self.axes - 1)

        def vector(entries: str, first: str, place: Value) -> None:
            start = code.subtract(code.multiply(first, OUTPUTS), operand.before)
            masks = [code.between(code.add(start, offset), operand.size) for offset in offsets]
            sources = [self._row(operand, entries, number, start) for number in range(len(rows))]

            def channel(c: str) -> None:
                values: Grid = {}
                for row, (source, step) in zip(rows, sources, strict=True):
                    pointer = code.at(source, code.multiply(c, step))
                    for column, value in enumerate(self._columns(pointer, offsets, masks)):
                        values[*row, column] = value
                for axis in reversed(range(self.axes)):
                    values = along(code, operand.matrix, values, axis)
                into = code.at(code.at(operand.target, place), code.multiply(c, self.p.pitch))
                for number, point in enumerate(places(POINTS, self.axes)):
                    code.store(
                        code.vector, values[point], code.at(into, code.multiply(number, operand.point))
                    )

            code.each(operand.channels, channel)

        self.each(vector)

    def _row(self, operand: Operand, entries: str, number: int, start: Value) -> tuple[str, str]:
        """Return where a row begins and the distance of that of the next channel; zeros if it is outside."""
        code = self.code
        offset = code.integer(code.at(entries, 8 * (operand.entry + number)))
        outside = code.put(f"icmp slt i64 {offset}, 0")
        row = code.put(f"select i1 {outside}, ptr {self.zeros}, ptr {code.at(operand.source, offset)}")
        step = code.put(f"select i1 {outside}, i64 0, i64 {operand.channel}")
        return code.at(row, code.multiply(start, code.itemsize)), step

    def _columns(self, source: str, offsets: Sequence[int], masks: Values) -> Values:
        """Return the positions 0, 1, ... of the tiles of a row, a vector each."""
        code = self.code
        found = [
            code.masked_load(code.at(source, offset * code.itemsize), mask)
            for offset, mask in zip(offsets, masks, strict=True)
        ]
        pairs = zip(found[::2], found[1::2], strict=True)
        picks = [self._lanes(position) for position in range(OUTPUTS)]
        return [code.shuffle(*pair, lanes) for pair in pairs for lanes in picks]

    def _lanes(self, position: int) -> list[int]:
        """Return where a position of each tile is in two vectors of a row."""
        step, last = self.step, 2 * self.code.lanes - 1
        tiles = range(self.code.lanes)
        return [min(tile // step * OUTPUTS * step + position * step + tile % step, last) for tile in tiles]

    def side_by_side(self, pair: tuple[str, str]) -> list[str]:
        """Return two vectors of a row, given the two positions of each tile."""
        code, step, lanes = self.code, self.step, self.code.lanes
        places = [(n // (OUTPUTS * step) * step + n % step, n // step % OUTPUTS) for n in range(2 * lanes)]
        mixed = [min(tile, lanes - 1) + lanes * position for tile, position in places]
        return [code.shuffle(*pair, part) for part in (mixed[:lanes], mixed[lanes:])]


RUN_FIELDS = ("runs", "run_table", "run_vectors", "run_bytes", "pitch", "zeros", "zero_vectors")
"""The table has for each run the places of its rows in x, then in y, in bytes, -1 where there is none;
`zeros` is a row of the workspace for these."""
