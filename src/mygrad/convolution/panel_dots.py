"""A sum over positions as a product of rows, as they lie, with panels of an array that is turned, as LLVM IR.

``y[row, column] += a[row][position + shift] * panel[position][column]``: rows are channels and columns
filters, or the other way round. A set of rows has segments of its own: runs of positions where its tap meets
the array.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Callee, Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.panel_tile import PanelTile, Product
from mygrad.convolution.tile import bounded, in_cuts
from mygrad.convolution.transposition import Square, transpose

__all__ = ["DOT_FIELDS", "SegmentTile"]

# Offsets and strides are in bytes. `sets` is a table of (offset in a, in y, segments, bounds of parts) for
# each set of rows; segments are (offset in a, place in the panel, positions). So many parts at a time,
# `chunk_parts`, are summed by all sets: their rows and panels stay in the caches.
DOT_FIELDS = (
    "a_offset", "a_row", "sets", "set_count", "panels", "panel_offset", "panel_pitch", "last_column",
    "y_offset", "y_row", "y_column", "chunks", "chunk_parts", "first_part", "parts",
)  # fmt: skip
TURN_FIELDS = "w_offset", "w_row", "packed_offset", "squares", "last"
SET, SEGMENT = 32, 24  # bytes of an entry


@dataclass(frozen=True)
class SegmentTile(PanelTile):
    """What is summed over lies `step` apart in the rows; columns lie side by side in y, or not."""

    step: int
    beside: bool

    @property
    def callees(self) -> tuple[Callee, ...]:
        return (Square(self.itemsize, self.lanes),)


class Dots(Product[SegmentTile]):
    """Write the function that sums over some positions, of some sets of rows."""

    a: str
    y: str
    panels: str

    def __init__(self, tile: SegmentTile) -> None:
        super().__init__(tile, DOT_FIELDS)
        code, p = self.code, self.p
        self.a, self.y = code.at("%x", p.a_offset), code.at("%y", p.y_offset)
        self.panels = code.at("%packed", p.panel_offset)
        sets = p.address(code, "sets")
        code.each(
            p.chunks,
            lambda chunk: code.each(p.set_count, lambda n: self._set(chunk, n, code.entry(sets, n, SET))),
        )

    def _set(self, chunk: str, number: str, entry: str) -> None:
        code, p = self.code, self.p
        a, y = (
            code.at(start, code.integer(code.at(entry, 8 * n))) for n, start in enumerate((self.a, self.y))
        )
        segments, bounds = (code.load("ptr", code.at(entry, place), 8) for place in (16, 24))
        before = code.add(p.first_part, code.multiply(chunk, p.chunk_parts))
        parts = code.smaller(p.chunk_parts, code.subtract(p.parts, before))
        add, keep = code.smaller(chunk, 1), code.flag("slt", code.add(chunk, 1), p.chunks)

        def panel(column: str) -> None:
            start = code.at(self.panels, code.multiply(column, p.panel_pitch))
            sums = self._summed(a, start, segments, code.entry(bounds, before, 4), parts)
            first = code.smaller(code.multiply(column, self.tile.columns), p.last_column)
            target = code.at(y, code.multiply(first, p.y_column))
            place = code.add(code.multiply(number, p.panels), column)
            self.kept(sums, place, (add, keep), lambda sums: self._finish(sums, target))

        code.each(p.panels, panel)

    def _summed(self, a: str, panel: str, segments: str, bounds: str, parts: str) -> Values:
        code, tile = self.code, self.tile
        each = tile.step * tile.itemsize

        def segment(entry: str, sums: Values) -> Values:
            offset, place, count = (code.integer(code.at(entry, 8 * n)) for n in range(3))
            source, lines = code.at(a, offset), code.at(panel, place)

            def some(k: Value, number: int, sums: Values) -> Values:
                rows = self.rows(code.entry(source, k, each), self.p.a_row)
                line = code.entry(lines, k, tile.line)
                for n in range(number):
                    columns = self.columns(code.at(line, n * tile.line))
                    sums = self.products([code.at(row, n * each) for row in rows], columns, sums)
                return sums

            return self.turns(0, count, sums, some)

        def summed(start: Value, count: Value, sums: Values) -> Values:
            first = code.entry(segments, start, SEGMENT)
            return code.loop(
                count, lambda n, sums: segment(code.entry(first, n, SEGMENT), sums), sums, code.vector
            )

        return in_cuts(code, tile.sums, parts, bounded(code, bounds), summed)

    def _finish(self, sums: Values, y: str) -> None:
        """Store the sums, row by row; element by element where columns do not lie side by side."""
        code, p, tile = self.code, self.p, self.tile
        if tile.beside:
            self.put_rows(sums, y, p.y_row)
            return
        self.put(sums, "%last")

        def element(row: str, column: str) -> None:
            source = code.entry(code.entry("%last", row, tile.line), column, tile.itemsize)
            target = code.at(code.at(y, code.multiply(row, p.y_row)), code.multiply(column, p.y_column))
            code.store(code.scalar, code.load(code.scalar, source), target)

        code.each(tile.rows, lambda row: code.each(tile.columns, lambda column: element(row, column)))


def turning(tile: SegmentTile) -> Code:
    """Write the function that turns positions of a panel; the last square begins earlier."""
    code = tile.code()
    p = Fields(code, TURN_FIELDS)
    source, target = code.at("%w", p.w_offset), code.at("%packed", p.packed_offset)

    def square(number: str) -> None:
        first = code.smaller(code.multiply(number, tile.lanes), p.last)
        start, into = code.entry(source, first, tile.itemsize), code.entry(target, first, tile.line)
        for v in range(tile.vectors):
            columns = code.at(start, code.multiply(p.w_row, v * tile.lanes))
            transpose(code, code.at(into, v * tile.vector_bytes), tile.line, columns, p.w_row)

    code.each(p.squares, square)
    return code


@emits(SegmentTile)
def emit_dots(tile: SegmentTile) -> str:
    """Return the module of a tile: `block`, and `pack`, which turns."""
    lines = declarations(tile.code(), tile.callees)
    lines += function("block", "parameters x packed y work sums", "", Dots(tile).code)
    lines += function("pack", "parameters w packed", "", turning(tile))
    return "\n".join(lines)
