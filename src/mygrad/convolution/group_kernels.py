"""Convolution in many groups, as LLVM IR: the lanes of a vector are groups, which never meet.

``sum[position, filter] += x[offset[t] + position] * packed[filter, t]``, each of them a vector.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import in_parts
from mygrad.convolution.turning import TURN_FIELDS, Bring, PutBack, Turned, turn

__all__ = ["GROUP_FIELDS", "GroupTile"]

IN, OUT = 0, len(TURN_FIELDS)
GROUP_FIELDS = (
    *(f"x_{name}" for name in TURN_FIELDS),
    *(f"y_{name}" for name in TURN_FIELDS),
    "taps", "part_taps", "offsets", "packed_offset", "packed_filter",
    "row_tiles", "rows", "column_tiles", "filter_tiles", "last_filter", "y_filter",
)  # fmt: skip


@dataclass(frozen=True)
class GroupTile(Turned):
    """sums[filters][rows][columns] of `lanes` groups.

    `step` and `apart` are the distances of two columns in x and in y, in elements.
    """

    filters: int
    rows: int
    columns: int
    step: int = 1
    apart: int = 1

    @property
    def sums(self) -> int:
        return self.filters * self.rows * self.columns


class GroupBlock:
    """Write the function that computes a block of positions, of as many groups as there are lanes."""

    tile: GroupTile
    code: Code
    p: Fields
    size: int
    packed: str
    offsets: str
    rows: str

    def __init__(self, tile: GroupTile) -> None:
        self.tile, self.code = tile, tile.code()
        code, self.size = self.code, tile.vector_bytes
        self.p = p = Fields(code, GROUP_FIELDS)
        code.room("waiting", tile.sums * self.size)
        turn(code, Bring, IN, "%x")
        self.packed = code.at("%packed", p.packed_offset)
        self.offsets, self.rows = p.address(code, "offsets"), p.address(code, "rows")
        code.each(p.filter_tiles, self.filters)
        turn(code, PutBack, OUT, "%y")

    def filters(self, number: str) -> None:
        """The last tile of filters begins where it is whole, and computes some again."""
        code, p, tile = self.code, self.p, self.tile
        first = code.smaller(code.multiply(number, tile.filters), p.last_filter)
        start = code.at(self.packed, code.multiply(first, p.packed_filter))
        packed = [code.at(start, code.multiply(p.packed_filter, f)) for f in range(tile.filters)]
        y = code.at("%work", code.multiply(first, p.y_filter))
        code.each(p.row_tiles, lambda row: self.row(packed, y, row))

    def row(self, packed: Values, y: str, number: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        entries = [
            code.entry(self.rows, code.add(code.multiply(number, tile.rows), r), 16) for r in range(tile.rows)
        ]
        inputs = [code.at("%work", code.integer(entry)) for entry in entries]
        outputs = [code.at(y, code.integer(code.at(entry, 8))) for entry in entries]

        def column(index: str) -> None:
            place = code.multiply(index, tile.columns * self.size)
            x_rows = [code.at(row, code.multiply(place, tile.step)) for row in inputs]
            y_rows = [code.at(row, code.multiply(place, tile.apart)) for row in outputs]
            self.store(self.products(x_rows, packed), y_rows)

        code.each(p.column_tiles, column)

    def products(self, rows: Values, packed: Values) -> Values:
        """Return the sums over all taps."""
        code, p, tile = self.code, self.p, self.tile

        def tap(t: Value, sums: Values) -> Values:
            offset = code.offset(code.entry(self.offsets, t, 4))
            filters = [code.vector_at(code.entry(f, t, self.size), self.size) for f in packed]
            sources = [code.at(row, offset) for row in rows]
            places = [code.at(row, j * tile.step * self.size) for row in sources for j in range(tile.columns)]
            results = list(sums)
            for n, place in enumerate(places):
                x = code.vector_at(place, self.size)
                for f, w in enumerate(filters):
                    number = f * len(places) + n
                    results[number] = code.fma(x, w, sums[number])
            return results

        return in_parts(code, tile.sums, p.taps, p.part_taps, tap)

    def store(self, sums: Values, rows: Values) -> None:
        code, tile = self.code, self.tile
        left = iter(sums)
        for f in range(tile.filters):
            for row in rows:
                start = code.at(row, code.multiply(self.p.y_filter, f))
                for j in range(tile.columns):
                    code.store(code.vector, next(left), code.at(start, j * tile.apart * self.size), self.size)


def _pack(tile: GroupTile) -> Code:
    """Write the function that packs filters: they are turned as planes are."""
    code = tile.code()
    Bring(tile.itemsize, tile.lanes).call(code, ("%parameters", "%w", "%packed"))
    return code


@emits(GroupTile)
def emit_groups(tile: GroupTile) -> str:
    """Return the module of a tile: `pack` and `block`."""
    lines = declarations(tile.code(), tile.callees)
    lines += function("block", "parameters x packed y work sums", "", GroupBlock(tile).code)
    lines += function("pack", "parameters w packed", "", _pack(tile))
    return "\n".join(lines)
