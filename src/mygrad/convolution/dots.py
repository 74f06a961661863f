"""Many sums of products of two rows, as LLVM IR: the kernel of a filter gradient with few filters.

``result[filter, tap] = sum over rows and columns of g[filter, row, column] * x[offset[tap] + row + column]``.
Both are read in place, as vectors of columns; a register holds the sums of one (filter, tap) in its lanes.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import COPY_FIELDS, Copying, Fields
from mygrad.convolution.ir import Code, Value, Values, Vectors, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import in_parts

__all__ = ["DOT_FIELDS", "DotTile", "emit_dots"]

# Sizes and strides in bytes; a row that no whole number of vectors fills ends with one that begins earlier
# (`last`), of which only the lanes from `fresh` on count.
DOT_FIELDS = (
    *COPY_FIELDS,
    "rows", "row_count", "part_rows", "vectors", "unfinished", "last", "fresh",
    "offsets", "taps", "tap_tiles", "g_offset", "g_filter", "filters", "filter_tiles",
    "result", "result_filter",
)  # fmt: skip


@dataclass(frozen=True)
class DotTile(Vectors):
    """sums[filters][taps] of `lanes` columns; `step` is the distance of two columns in x, in elements."""

    filters: int
    taps: int
    step: int = 1


class Dots:
    """Write the function that computes one part of a filter gradient: some rows, some channels."""

    tile: "DotTile"
    code: Code
    p: Fields
    g: str
    result: str
    offsets: str
    rows: str

    def __init__(self, tile: DotTile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        self.p = p = Fields(code, DOT_FIELDS)
        code.room("waiting", tile.filters * tile.taps * tile.vector_bytes)
        Copying(code, p, code.at("%x", p.source_offset), tile.step)
        self.g, self.result = code.at("%g", p.g_offset), code.at("%y", p.result)
        self.offsets, self.rows = p.address(code, "offsets"), p.address(code, "rows")
        # a few rows of g stay in the cache while all taps pass; all of g is far more
        code.each(p.filter_tiles, lambda f: code.each(p.tap_tiles, lambda t: self._sums(f, t)))

    def _start(self, number: str, size: int, count: str) -> Value:
        """Return where a tile begins: the last one where it is whole, so that it computes some again."""
        return self.code.smaller(self.code.multiply(number, size), self.code.subtract(count, size))

    def _sums(self, filters: str, taps: str) -> None:
        """Compute a tile of filters and taps."""
        code, p, tile = self.code, self.p, self.tile
        first_tap, first = self._start(taps, tile.taps, p.taps), self._start(filters, tile.filters, p.filters)
        offsets = [code.offset(code.entry(self.offsets, code.add(first_tap, t), 4)) for t in range(tile.taps)]
        result = code.at(self.result, code.multiply(first_tap, tile.itemsize))
        g = code.at(self.g, code.multiply(first, p.g_filter))
        count = tile.filters * tile.taps
        sums = in_parts(code, count, p.row_count, p.part_rows, lambda r, sums: self._row(r, g, offsets, sums))
        target = code.at(result, code.multiply(first, p.result_filter))
        for f in range(tile.filters):
            row = code.at(target, code.multiply(f, p.result_filter))
            for t in range(tile.taps):
                total = code.total(sums[f * tile.taps + t])
                code.store(code.scalar, total, code.at(row, t * tile.itemsize))

    def _row(self, number: Value, g: str, offsets: Values, sums: Values) -> Values:
        """Add the products of one row: whole vectors, then what is left."""
        code, p = self.code, self.p
        entry = code.entry(self.rows, number, 16)
        x, g = code.at("%work", code.integer(entry)), code.at(g, code.integer(code.at(entry, 8)))

        def column(index: str, sums: Values) -> Values:
            start = code.multiply(index, self.tile.vector_bytes)
            return self._products(code.at(x, start), code.at(g, start), offsets, sums)

        def end(sums: Values) -> Values:
            mask = code.from_lane(p.fresh)
            return self._products(code.at(x, p.last), code.at(g, p.last), offsets, sums, mask)

        sums = code.loop(p.vectors, column, sums, code.vector)
        return code.when(p.unfinished, end, sums, code.vector)

    def _products(self, x: str, g: str, offsets: Values, sums: Values, mask: str = "") -> Values:
        code, tile = self.code, self.tile

        def read(pointer: str) -> str:
            value = code.vector_at(pointer)
            return code.masked(mask, value) if mask else value

        gradients = [read(code.at(g, code.multiply(f, self.p.g_filter))) for f in range(tile.filters)]
        results = list(sums)
        for t, offset in enumerate(offsets):
            value = read(code.at(x, offset))
            for f, gradient in enumerate(gradients):
                place = f * tile.taps + t
                results[place] = code.fma(value, gradient, results[place])
        return results


@emits(DotTile)
def emit_dots(tile: DotTile) -> str:
    """Return the module of a tile: `block`."""
    code = Dots(tile).code
    lines = function("block", "parameters x g y work sums", "", code)
    return "\n".join([*declarations(code), *lines])
