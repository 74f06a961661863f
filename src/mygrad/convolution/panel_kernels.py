"""A convolution as a product of filters with panels of patches, as LLVM IR.

work[panel][channel][tap][column]: a row of a panel is what one tap meets. Where all rows are single pieces
of x, the first tile of filters reads them from x, and copies them. Others are copied before, piece by piece
into zeros.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import LINE, Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.panel_tile import AT_ONCE, PanelTile, Product
from mygrad.convolution.tile import bounded, in_cuts

__all__ = ["PACK_FIELDS", "PANEL", "PANEL_FIELDS", "PATCH", "PatchTile"]

# Offsets and strides are in bytes. `bounds` are where the parts of a sum begin. The last tile of filters
# begins earlier, where it is whole, and computes some again: at `last_filter`, and `last_a` bytes into the
# filters. Tables: `patches` has (whole, offset of a whole one in x, first piece, pieces, vectors of zeros)
# for each (panel, tap); `pieces` (offset in x, place in the row of a panel, vectors, elements that are
# left); `results` (whole, offset in y, first part, parts, whole for all taps, offset in x) for each panel;
# `result_parts` (offset in y, place in a row of sums, bytes); `shifts` the offset of each k from the first
# one in x.
PANEL_FIELDS = (
    "x_offset", "x_channel", "channels", "taps", "patches", "pieces", "results", "result_parts", "shifts",
    "a_offset", "a_filter", "a_tile", "last_a", "bounds", "parts", "panels", "panel_pitch",
    "filter_tiles", "last_filter", "y_offset", "y_filter", "add_sums", "keep_sums",
)  # fmt: skip
PACK_FIELDS = (
    "w_offset", "w_channel", "channels", "places", "taps",
    "w_filter", "last_filter", "tiles", "packed_offset", "packed_tile",
)  # fmt: skip
PATCH, PIECE, PANEL, PART = 40, 32, 48, 24  # bytes of an entry


@dataclass(frozen=True)
class PatchTile(PanelTile):
    """Rows are filters, columns outputs, `step` apart in x.

    Filters are read as they lie, w[filter][k], or packed[filter tile][k][filter].
    """

    packed: bool
    step: int = 1


class Convolving(Product[PatchTile]):
    """Write the function that computes some panels of outputs of some filters."""

    x: str
    y: str
    filters: str
    patches: str
    pieces: str
    results: str
    result_parts: str
    shifts: str
    bounds: str

    def __init__(self, tile: PatchTile) -> None:
        super().__init__(tile, PANEL_FIELDS)
        code, p = self.code, self.p
        self.x, self.y = code.at("%x", p.x_offset), code.at("%y", p.y_offset)
        self.filters = code.at("%packed", p.a_offset)
        for name in ("patches", "pieces", "results", "result_parts", "shifts", "bounds"):
            setattr(self, name, p.address(code, name))
        code.each(p.panels, self._panel)
        code.each(p.filter_tiles, lambda row: code.each(p.panels, lambda column: self._tile(row, column)))

    # -- panels

    def _found(self, column: str) -> tuple[str, str]:
        """Return whether a panel is whole for all taps, and where it begins in x."""
        entry = self.code.entry(self.results, column, PANEL)
        whole, offset = (self.code.integer(self.code.at(entry, place)) for place in (32, 40))
        return whole, self.code.at(self.x, offset)

    def _panel(self, column: str) -> None:
        """Copy a panel, unless the first tile of filters does."""
        code, p = self.code, self.p
        target = code.at("%work", code.multiply(column, p.panel_pitch))
        first = code.entry(self.patches, code.multiply(column, p.taps), PATCH)

        def channel(c: str) -> None:
            source = code.at(self.x, code.multiply(c, p.x_channel))
            rows = code.entry(target, code.multiply(c, p.taps), self.tile.line)
            code.each(
                p.taps,
                lambda t: self._patch(
                    source, code.entry(rows, t, self.tile.line), code.entry(first, t, PATCH)
                ),
            )

        whole, _ = self._found(column)
        code.each(code.multiply(p.channels, code.subtract(1, whole)), channel)

    def _patch(self, source: str, target: str, entry: str) -> None:
        """Copy a row of a panel."""
        code, size = self.code, self.code.vector_bytes
        whole, offset, first, count, zeros = (code.integer(code.at(entry, 8 * n)) for n in range(5))

        def at_once() -> None:
            start = code.at(source, offset)
            for v in range(self.tile.vectors):
                self._vector(start, target, v)

        def apart() -> None:
            code.each(
                zeros, lambda v: code.store(code.vector, "zeroinitializer", code.entry(target, v, size))
            )
            start = code.entry(self.pieces, first, PIECE)
            code.each(count, lambda n: self._piece(source, target, code.entry(start, n, PIECE)))

        code.do_when(whole, at_once)
        code.do_when(code.subtract(1, whole), apart)

    def _piece(self, source: str, target: str, entry: str) -> None:
        code = self.code
        offset, place, vectors, left = (code.integer(code.at(entry, 8 * n)) for n in range(4))
        start, into = code.at(source, offset), code.at(target, place)
        code.each(vectors, lambda v: self._vector(start, into, v))
        code.do_when(code.smaller(left, 1), lambda: self._vector(start, into, vectors, left))

    def _vector(self, source: str, target: str, number: Value, left: Value | None = None) -> None:
        """Copy a vector of columns, or the first `left` elements of it."""
        code, step, size = self.code, self.tile.step, self.code.vector_bytes
        start, loaded = code.entry(source, number, step * size), []
        count = code.lanes if left is None else left
        for n in range(step):
            place = code.at(start, n * size)
            if left is None and (n + 1) * code.lanes <= (code.lanes - 1) * step + 1:
                loaded.append(code.vector_at(place))
            else:  # what lies after the last column may lie after x
                end = code.add(code.multiply(code.subtract(count, 1), step), 1 - n * code.lanes)
                loaded.append(code.masked_load(place, code.below_lane(end)))
        mask = "" if left is None else code.below_lane(left)
        code.put_vector(code.apart(loaded, code.lanes)[0], code.entry(target, number, size), mask)

    # -- sums

    def _tile(self, row: str, column: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        first = code.smaller(code.multiply(row, tile.rows), p.last_filter)
        y = code.at(self.y, code.multiply(first, p.y_filter))
        entry = code.entry(self.results, column, PANEL)
        self._fetch(y, entry)
        a = code.at(self.filters, code.smaller(code.multiply(row, p.a_tile), p.last_a))
        panel = code.at("%work", code.multiply(column, p.panel_pitch))
        sums = self._sums(a, panel, row, column)
        number = code.add(code.multiply(row, p.panels), column)
        self.kept(sums, number, (p.add_sums, p.keep_sums), lambda sums: self._finish(sums, y, entry))

    def _sums(self, a: str, panel: str, row: str, column: str) -> Values:
        """Return the sums of a tile; the first one reads x, and copies it."""
        code = self.code
        if self.tile.step > 1:
            return self._summed(a, panel)
        whole, x = self._found(column)
        fresh = code.multiply(whole, code.flag("eq", row, 0))
        return code.choose(
            fresh, lambda: self._summed(a, panel, x), lambda: self._summed(a, panel), code.vector
        )

    def _summed(self, a: str, panel: str, x: str = "") -> Values:
        code, p, tile = self.code, self.p, self.tile

        def some(k: Value, count: int, sums: Values) -> Values:
            lines = code.entry(panel, k, tile.line)
            each, distance = (
                (tile.rows * tile.itemsize, tile.itemsize) if tile.packed else (tile.itemsize, p.a_filter)
            )
            rows = self.rows(code.entry(a, k, each), distance)
            for n in range(count):
                line = code.at(lines, n * tile.line)
                source = code.at(x, code.integer(code.entry(self.shifts, code.add(k, n)))) if x else line
                columns = self.columns(source)
                for v, value in enumerate(columns if x else ()):
                    code.store(code.vector, value, code.at(line, v * tile.vector_bytes))
                sums = self.products([code.at(row, n * each) for row in rows], columns, sums)
            return sums

        def summed(start: Value, count: Value, sums: Values) -> Values:
            return self.turns(start, count, sums, some, 1 if x else AT_ONCE)

        return in_cuts(code, tile.sums, p.parts, bounded(code, self.bounds), summed)

    # -- results

    def _fetch(self, y: str, entry: str) -> None:
        """Ask for the lines that will be written: many short rows, which the processor does not foresee."""
        code, p, line = self.code, self.p, self.tile.line
        whole, offset = code.integer(entry), code.integer(code.at(entry, 8))

        def one(row: str) -> None:
            start = code.at(code.at(y, offset), code.multiply(row, p.y_filter))
            for place in (*range(0, line, LINE), line - 1):
                code.fetch(code.at(start, place))

        now = code.multiply(whole, code.subtract(1, p.keep_sums))
        code.do_when(now, lambda: code.each(self.tile.rows, one))

    def _finish(self, sums: Values, y: str, entry: str) -> None:
        """Store the sums: whole rows, or the parts of them that belong to one sample."""
        code, tile = self.code, self.tile
        whole, offset, first, count = (code.integer(code.at(entry, 8 * n)) for n in range(4))

        def apart() -> None:
            self.put(sums, "%last")
            start = code.entry(self.result_parts, first, PART)
            code.each(
                tile.rows,
                lambda row: code.each(count, lambda n: self._part(y, row, code.entry(start, n, PART))),
            )

        code.do_when(whole, lambda: self.put_rows(sums, code.at(y, offset), self.p.y_filter))
        code.do_when(code.subtract(1, whole), apart)

    def _part(self, y: str, row: str, entry: str) -> None:
        code = self.code
        offset, place, size = (code.integer(code.at(entry, 8 * n)) for n in range(3))
        target = code.at(code.at(y, code.multiply(row, self.p.y_filter)), offset)
        code.copy(target, code.at(code.entry("%last", row, self.tile.line), place), size)


def packing(tile: PatchTile) -> Code:
    """Write the function that packs some channels of all filters, in the order in which they lie."""
    code = tile.code()
    p = Fields(code, PACK_FIELDS)
    source, target = code.at("%w", p.w_offset), code.at("%packed", p.packed_offset)
    places, line = p.address(code, "places"), tile.rows * tile.itemsize

    def some(c: str, number: str) -> None:
        first = code.smaller(code.multiply(number, tile.rows), p.last_filter)
        filters = code.at(code.at(source, code.multiply(c, p.w_channel)), code.multiply(first, p.w_filter))
        into = code.at(
            code.entry(target, code.multiply(c, p.taps), line), code.multiply(number, p.packed_tile)
        )

        def tap(t: str) -> None:
            start, end = code.at(filters, code.integer(code.entry(places, t))), code.entry(into, t, line)
            for row in range(tile.rows):
                value = code.load(code.scalar, code.at(start, code.multiply(p.w_filter, row)))
                code.store(code.scalar, value, code.at(end, row * tile.itemsize))

        code.each(p.taps, tap)

    code.each(p.channels, lambda c: code.each(p.tiles, lambda number: some(c, number)))
    return code


@emits(PatchTile)
def emit_patches(tile: PatchTile) -> str:
    """Return the module of a tile: `block`, and `pack` where filters are packed."""
    code = Convolving(tile).code
    lines = declarations(code) + function("block", "parameters x packed y work sums", "", code)
    return "\n".join(
        lines + function("pack", "parameters w packed", "", packing(tile)) if tile.packed else lines
    )
