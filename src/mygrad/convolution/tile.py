"""The register tile: which sums stay in registers, and the loop over taps that fills them.

``sum[position, filter] += x[offset[t] + position] * packed[t, filter]``. What a vector holds is the only
choice: filters where there are many of them, positions where there are few.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from mygrad.convolution.ir import Callee, Code, Value, Values, Vectors
from mygrad.convolution.transposition import Square, transpose

__all__ = [
    "Taps",
    "Tile",
    "bounded",
    "in_cuts",
    "in_parts",
    "micro_kernel",
    "store",
    "store_beside",
    "store_one",
    "turn",
]

MOST_MIXED = 8  # ways that vectors are shuffled of


@dataclass(frozen=True)
class Tile(Vectors):
    """The sums that stay in registers.

    Filter vectors:   sums[rows * columns][vectors] of `lanes` filters, x is broadcast.
    Position vectors: sums[filters][rows][vectors] of `lanes` positions, filters are broadcast.

    `step` is the distance of two columns in x, in elements. With `row_taps` > 1, position vectors only, the
    rows are neighbours and the taps along them belong to the tile: a row of x that is read once serves every
    (row, tap) that meets it. `row_stride` and `row_step` are the stride and dilation there.

    With `ways` > 1 there are as many sets of filters, summed one after the other, whose results lie side by
    side in y: the phases of an input gradient.
    """

    vectors: int
    rows: int
    columns: int
    step: int = 1
    filters: int = 0
    row_taps: int = 1
    row_stride: int = 1
    row_step: int = 1
    ways: int = 1

    @property
    def by_position(self) -> bool:
        return self.filters > 0

    @property
    def callees(self) -> tuple[Callee, ...]:
        return () if self.by_position else (Square(self.itemsize, self.lanes),)

    @property
    def phases(self) -> int:
        """The distance of positions in x that a copied row brings side by side: vectors need them so."""
        return self.step if self.by_position else 1

    @property
    def width(self) -> int:
        """The filters of one packed block."""
        return self.filters or self.lanes * self.vectors

    @property
    def line_bytes(self) -> int:
        """The packed filters of one turn of the loop over taps."""
        return self.row_taps * self.width * self.itemsize

    @property
    def meetings(self) -> dict[int, list[tuple[int, int]]]:
        """Return the rows of x that the tile reads, and the (row, tap) that meet each."""
        found: dict[int, list[tuple[int, int]]] = {}
        for row in range(self.rows):
            for tap in range(self.row_taps):
                found.setdefault(self.row_stride * row + self.row_step * tap, []).append((row, tap))
        return dict(sorted(found.items()))

    @property
    def sums(self) -> int:
        return self.rows * self.vectors * (self.filters or self.columns)

    @property
    def bytes(self) -> int:
        return self.sums * self.lanes * self.itemsize

    @property
    def squares(self) -> int:
        """How many vectors the positions of a filter take."""
        return -(-self.rows * self.columns // self.lanes)

    @property
    def pitch(self) -> int:
        """Bytes for the sums of a filter: whole vectors of positions."""
        return self.squares * self.vector_bytes

    @property
    def room(self) -> int:
        return self.pitch * self.width


class Taps(NamedTuple):
    """Names of a table of places, in x and among packed filters, of the bounds of parts, and their number.

    Parts are added one after the other. The filters of a tile with taps of its own follow each other.
    """

    places: str
    bounds: str
    parts: str


def micro_kernel(code: Code, tile: Tile, rows: Values, pitch: str, packed: str, taps: Taps) -> Values:
    """Return the sums over taps, in registers; `pitch` is the distance of rows of x."""
    products = _position_products if tile.by_position else _filter_products
    if tile.row_taps > 1:
        rows = [code.at(rows[0], code.multiply(pitch, row)) for row in tile.meetings]
        products = _shared_products

    def tap(t: Value, sums: Values) -> Values:
        entry = code.entry(taps.places, t, 8)
        offset = code.offset(entry)
        sources = [code.at(row, offset) for row in rows]
        line = code.offset(code.at(entry, 4)) if tile.row_taps == 1 else code.multiply(t, tile.line_bytes)
        return products(code, tile, sources, code.at(packed, line), sums)

    return in_cuts(code, tile.sums, taps.parts, bounded(code, taps.bounds), one_by_one(code, tap))


Part = tuple[Value, Value]
"""Where a part of a sum begins, and its length."""


def in_parts(
    code: Code, count: int, steps: str, size: str, step: Callable[[Value, Values], Values]
) -> Values:
    """Return `count` sums over all steps, `size` steps at a time: short sums have small rounding errors."""
    following = code.put(f"sdiv i64 {code.subtract(steps, 1)}, {size}")

    def part(number: str) -> Part:
        start = code.multiply(number, size)
        return start, code.smaller(size, code.subtract(steps, start))

    return in_cuts(code, count, code.add(following, 1), part, one_by_one(code, step))


def in_cuts(
    code: Code,
    count: int,
    parts: Value,
    part: Callable[[str], Part],
    summed: Callable[[Value, Value, Values], Values],
) -> Values:
    """Return `count` sums over all steps, which come in parts: ``summed(start, length, zeros)`` is one.

    While a part after the first is summed, the sum of those before waits in %waiting.
    """
    zeros, size = ["zeroinitializer"] * count, code.vector_bytes
    places = [code.at("%waiting", n * size) for n in range(count)]

    def one(number: str, before: Values) -> Values:
        start, length = part(number)
        later = code.smaller(number, 1)

        def wait() -> None:
            for value, place in zip(before, places, strict=True):
                code.store(code.vector, value, place, size)

        def add(sums: Values) -> Values:
            earlier = [code.vector_at(place, size) for place in places]
            return [code.sum(*each) for each in zip(earlier, sums, strict=True)]

        code.do_when(later, wait)
        return code.when(later, add, summed(start, length, zeros), code.vector)

    return code.loop(parts, one, zeros, code.vector)


def bounded(code: Code, bounds: str) -> Callable[[str], Part]:
    """Return what finds a part: a table has where each begins, and the end of the last."""

    def part(number: str) -> Part:
        start, end = (code.offset(code.entry(bounds, code.add(number, n), 4)) for n in range(2))
        return start, code.subtract(end, start)

    return part


def one_by_one(
    code: Code, step: Callable[[Value, Values], Values]
) -> Callable[[Value, Value, Values], Values]:
    """Return what sums a part step by step."""

    def summed(start: Value, length: Value, sums: Values) -> Values:
        return code.loop(length, lambda n, sums: step(code.add(start, n), sums), sums, code.vector)

    return summed


def _filter_products(code: Code, tile: Tile, sources: Values, packed: str, sums: Values) -> Values:
    """sums[position][v] += x[position] * filters[v]."""
    size = tile.vector_bytes
    filters = [code.vector_at(code.at(packed, v * size), size) for v in range(tile.vectors)]
    positions = [(source, column) for source in sources for column in range(tile.columns)]
    results = []
    for number, (source, column) in enumerate(positions):
        x = code.broadcast(code.at(source, column * tile.step * tile.itemsize))
        results += [code.fma(x, w, sums[number * tile.vectors + v]) for v, w in enumerate(filters)]
    return results


def _position_products(code: Code, tile: Tile, sources: Values, packed: str, sums: Values) -> Values:
    """sums[f][row][v] += filter[f] * x[row][v]."""
    steps = [v * tile.vector_bytes for v in range(tile.vectors)]
    positions = [code.vector_at(code.at(source, step)) for source in sources for step in steps]
    results = []
    for f in range(tile.filters):
        w = code.broadcast(code.at(packed, f * tile.itemsize))
        results += [code.fma(w, x, sums[f * len(positions) + n]) for n, x in enumerate(positions)]
    return results


def _shared_products(code: Code, tile: Tile, sources: Values, packed: str, sums: Values) -> Values:
    """sums[f][row][v] += filter[tap][f] * x[stride * row + step * tap][v], each x read once."""
    count, results = tile.filters, list(sums)
    filters = [code.broadcast(code.at(packed, n * tile.itemsize)) for n in range(tile.row_taps * count)]
    for source, meetings in zip(sources, tile.meetings.values(), strict=True):
        for v in range(tile.vectors):
            x = code.vector_at(code.at(source, v * tile.vector_bytes))
            for (row, tap), f in product(meetings, range(count)):
                place = (f * tile.rows + row) * tile.vectors + v
                results[place] = code.fma(filters[tap * count + f], x, results[place])
    return results


def turn(code: Code, tile: Tile, source: str, target: str) -> None:
    """Transpose the sums of filter vectors to [filter][position]."""

    def vector(v: str) -> None:
        start, into = code.entry(source, v, tile.vector_bytes), code.entry(target, v, tile.lanes * tile.pitch)
        for s in range(tile.squares):
            square_start = code.at(start, s * tile.lanes * tile.width * tile.itemsize)
            place = code.at(into, s * tile.vector_bytes)
            transpose(code, place, tile.pitch, square_start, tile.width * tile.itemsize)

    code.each(tile.vectors, vector)


def store(code: Code, tile: Tile, sums: str, y: Values, stride: str, filters: str) -> None:
    """Store sums, [filter][position], of `filters` of the filters at the rows `y` of the first one."""
    kind = f"<{tile.columns} x {code.scalar}>"

    def one(f: str) -> None:
        source = code.entry(sums, f, tile.pitch)
        for r, row in enumerate(y):
            value = code.load(kind, code.at(source, r * tile.columns * tile.itemsize))
            code.store(kind, value, code.at(row, code.multiply(f, stride)))

    code.each(filters, one)


def store_beside(
    code: Code, tile: Tile, sums: str, y: Values, stride: str, filters: str, size: Value
) -> None:
    """Store sums, [way][filter][position], those of all ways side by side; `size` bytes of a row are left."""
    width = tile.ways * tile.columns * tile.itemsize
    part = code.put(f"icmp slt i64 {size}, {width}")
    for r, row in enumerate(y):
        code.store("ptr", row, code.at("%rows", 8 * r), 8)

    def one(f: str, r: str) -> None:
        target = code.at(code.load("ptr", code.entry("%rows", r), 8), code.multiply(f, stride))
        into = code.put(f"select i1 {part}, ptr %row, ptr {target}")
        start = code.entry(code.entry(sums, f, tile.pitch), r, tile.columns * tile.itemsize)
        (_mix if tile.ways <= MOST_MIXED else _place)(code, tile, start, into)
        code.do_when(code.put(f"zext i1 {part} to i64"), lambda: code.copy(target, "%row", size))

    code.each(filters, lambda f: code.each(tile.rows, lambda r: one(f, r)))


def _mix(code: Code, tile: Tile, source: str, target: str) -> None:
    """Put the columns of all ways side by side, by vectors."""

    def vector(first: Value, lanes: int) -> None:
        start = code.entry(source, first, tile.itemsize)
        kind = f"<{lanes} x {code.scalar}>"
        vectors = [code.load(kind, code.at(start, way * tile.room)) for way in range(tile.ways)]
        wide, mixed = code.side_by_side(vectors, lanes)
        code.store(wide, mixed, code.entry(target, first, tile.ways * tile.itemsize))

    whole, rest = divmod(tile.columns, tile.lanes)
    code.each(whole, lambda v: vector(code.multiply(v, tile.lanes), tile.lanes))
    if rest:
        vector(whole * tile.lanes, rest)


def _place(code: Code, tile: Tile, source: str, target: str) -> None:
    """Do the same element by element."""

    def element(way: str, column: str) -> None:
        place = code.entry(code.entry(source, way, tile.room), column, tile.itemsize)
        number = code.add(code.multiply(column, tile.ways), way)
        code.store(code.scalar, code.load(code.scalar, place), code.entry(target, number, tile.itemsize))

    code.each(tile.ways, lambda way: code.each(tile.columns, lambda column: element(way, column)))


def store_one(code: Code, tile: Tile, sums: Values, y: Values) -> None:
    """Store the sums of a tile of one filter from where they are."""
    for r, row in enumerate(y):
        for v in range(tile.vectors):
            code.store(code.vector, sums[r * tile.vectors + v], code.at(row, v * tile.vector_bytes))
