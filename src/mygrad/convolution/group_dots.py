"""The filter gradient in many groups, as LLVM IR: lanes are groups, of what is summed and of the sums.

``result[filter, tap] = sum over rows and columns of g[filter, row, column] * x[offset[tap] + row + column]``.
"""

from dataclasses import dataclass
from itertools import product

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import in_parts
from mygrad.convolution.turning import TURN_FIELDS, Bring, PutBack, Turned, turn

__all__ = ["GROUP_DOT_FIELDS", "GroupDotTile"]

GROUP_DOT_FIELDS = (
    *(f"x_{name}" for name in TURN_FIELDS),
    *(f"g_{name}" for name in TURN_FIELDS),
    *(f"w_{name}" for name in TURN_FIELDS),
    "rows", "row_count", "part_rows", "column_count",
    "filter_tiles", "last_filter", "g_filter",
    "tap_rows", "tap_row_tiles", "last_tap_row", "tap_column_tiles", "last_tap_column",
    "result", "result_filter", "result_row", "add",
)  # fmt: skip


@dataclass(frozen=True)
class GroupDotTile(Turned):
    """sums[filters][tap_rows][tap_columns] of `lanes` groups, all taps of a row side by side.

    `step` is the distance of two columns in x, `dilation` that of two taps, in elements.
    """

    filters: int
    tap_rows: int
    tap_columns: int
    step: int = 1
    dilation: int = 1

    @property
    def columns(self) -> int:
        """Those of g that are taken at once."""
        return 1

    @property
    def sums(self) -> int:
        return self.filters * self.tap_rows * self.tap_columns


class GroupDots:
    """Write the function that sums over a block of positions, of as many groups as there are lanes."""

    tile: GroupDotTile
    code: Code
    p: Fields
    size: int
    rows: str
    tap_rows: str

    def __init__(self, tile: GroupDotTile) -> None:
        self.tile, self.code = tile, tile.code()
        code, self.size = self.code, tile.vector_bytes
        self.p = p = Fields(code, GROUP_DOT_FIELDS)
        code.room("waiting", tile.sums * self.size)
        turn(code, Bring, 0, "%x")
        turn(code, Bring, len(TURN_FIELDS), "%g")
        self.rows, self.tap_rows = p.address(code, "rows"), p.address(code, "tap_rows")
        code.each(p.filter_tiles, self._filters)
        turn(code, PutBack, 2 * len(TURN_FIELDS), "%y")

    def _start(self, number: str, size: int, last: str) -> Value:
        """Return the first of a tile: the last tile begins where it is whole, and has some sums again."""
        return self.code.smaller(self.code.multiply(number, size), last)

    def _filters(self, number: str) -> None:
        code, p = self.code, self.p
        first = self._start(number, self.tile.filters, p.last_filter)
        g = code.at("%work", code.multiply(first, p.g_filter))
        slot = code.multiply(number, self.tile.filters)
        result = code.at(code.at("%work", p.result), code.multiply(slot, p.result_filter))
        code.each(p.tap_row_tiles, lambda row: self._tap_rows(row, g, result))

    def _tap_rows(self, number: str, g: str, result: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        first = self._start(number, tile.tap_rows, p.last_tap_row)
        entries = [code.entry(self.tap_rows, code.add(first, r), 4) for r in range(tile.tap_rows)]
        offsets = [code.offset(entry) for entry in entries]
        target = code.at(result, code.multiply(code.multiply(number, tile.tap_rows), p.result_row))

        def columns(number: str) -> None:
            start = code.multiply(self._start(number, tile.tap_columns, p.last_tap_column), self.size)
            x = code.at("%work", code.multiply(start, tile.dilation))
            slot = code.multiply(number, tile.tap_columns * self.size)
            self._tile([code.at(x, offset) for offset in offsets], g, code.at(target, slot))

        code.each(p.tap_column_tiles, columns)

    def _tile(self, x: Values, g: str, result: str) -> None:
        """Add the sums over all positions to the result, or begin it."""
        code, p, tile = self.code, self.p, self.tile
        sums = in_parts(code, tile.sums, p.row_count, p.part_rows, lambda r, sums: self._row(r, x, g, sums))
        rows = [
            code.at(code.at(result, code.multiply(p.result_filter, f)), code.multiply(p.result_row, r))
            for f, r in product(range(tile.filters), range(tile.tap_rows))
        ]
        places = [code.at(row, k * self.size) for row in rows for k in range(tile.tap_columns)]

        def add(values: Values) -> Values:
            earlier = [code.vector_at(place, self.size) for place in places]
            return [code.sum(*each) for each in zip(earlier, values, strict=True)]

        for value, place in zip(code.when(p.add, add, sums, code.vector), places, strict=True):
            code.store(code.vector, value, place, self.size)

    def _row(self, number: Value, x: Values, g: str, sums: Values) -> Values:
        code, p, tile = self.code, self.p, self.tile
        entry = code.entry(self.rows, number, 16)
        x_place, g_place = code.integer(entry), code.integer(code.at(entry, 8))
        sources, gradient = [code.at(each, x_place) for each in x], code.at(g, g_place)
        filters = [code.at(gradient, code.multiply(p.g_filter, f)) for f in range(tile.filters)]

        def column(index: str, sums: Values) -> Values:
            place = code.multiply(index, self.size)
            gradients = [code.vector_at(code.at(each, place), self.size) for each in filters]
            starts = [code.at(source, code.multiply(place, tile.step)) for source in sources]
            return self._products(starts, gradients, sums)

        return code.loop(p.column_count, column, sums, code.vector)

    def _products(self, starts: Values, gradients: Values, sums: Values) -> Values:
        code, tile, results = self.code, self.tile, list(sums)
        taps = [
            code.at(start, k * tile.dilation * self.size) for start in starts for k in range(tile.tap_columns)
        ]
        for t, tap in enumerate(taps):
            x = code.vector_at(tap, self.size)
            for f, gradient in enumerate(gradients):
                place = f * len(taps) + t
                results[place] = code.fma(x, gradient, results[place])
        return results


@emits(GroupDotTile)
def emit_group_dots(tile: GroupDotTile) -> str:
    """Return the module of a tile: `block`."""
    code = GroupDots(tile).code
    lines = declarations(code, tile.callees) + function("block", "parameters x g y work sums", "", code)
    return "\n".join(lines)
