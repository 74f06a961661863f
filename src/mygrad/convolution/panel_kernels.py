"""Products of matrices, of which one is copied panel by panel, as LLVM IR.

``y[filter, column] += a[filter, k] * panel[k, column]``, k in an order of its own: a table says where each is in
`a`, which is read where it lies. A panel is as wide as the register tile, so that it is read in order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import LINE, Code, Value, Values, Vectors, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import in_cuts

__all__ = ["COLUMN_FIELDS", "PACK_FIELDS", "PatchPanels"]

# Offsets and strides are in bytes. `bounds` are where the parts of a sum begin. The last tile of filters begins
# earlier, where it is whole, and computes some again: at `last_filter`, and `last_a` bytes into `a`.
PRODUCT_FIELDS = (
    "a_offset", "a_filter", "a_tile", "last_a", "bounds", "parts", "panels", "panel_offset", "panel_pitch",
    "filter_tiles", "last_filter", "y_offset", "y_filter", "add_sums", "keep_sums",
)  # fmt: skip
PACK_FIELDS = "w_offset", "w_filter", "packed_offset", "places", "depth"
# `patches` is a table of (whole, offset of a whole one, first piece, pieces, vectors of zeros) for each (panel,
# tap); `pieces` one of (offset in x, place in the row of a panel, vectors, elements that are left); `results`
# one of (whole, offset in y, first part, parts) for each panel, `result_parts` of (offset in y, place in a row
# of sums, elements). `ahead` are the lines of a channel of what the next call reads.
COLUMN_FIELDS = (
    *PRODUCT_FIELDS,
    "x_offset", "x_channel", "channels", "taps", "patches", "pieces", "results", "result_parts", "shifts",
)  # fmt: skip
PATCH, PIECE, PANEL, PART = 40, 32, 48, 24  # bytes of an entry
IN_GROUP = 3  # rows of `a` that one address serves, at distances that instructions have
AT_ONCE = 4  # products of a turn: fewer instructions besides


@dataclass(frozen=True)
class PanelTile(Vectors):
    """sums[filters][vectors] of `lanes` columns; what is in `a` is broadcast.

    That is a[filter][k], as it lies, or packed[filter tile][k][filter].
    """

    vectors: int
    filters: int
    packed: bool

    @property
    def line(self) -> int:
        """Bytes of a row of a panel."""
        return self.vectors * self.vector_bytes

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes

    @property
    def sums(self) -> int:
        return self.filters * self.vectors

    @property
    def bytes(self) -> int:
        return self.sums * self.vector_bytes


@dataclass(frozen=True)
class PatchPanels(PanelTile):
    """Columns are outputs of a convolution: a row of a panel is what one tap meets, `step` apart in x."""

    step: int = 1


class Product:
    """Write the loops over tiles of a call, and over k; what is made of the sums is for others to say."""

    tile: PanelTile
    code: Code
    p: Fields
    a: str
    panels: str
    y: str

    def __init__(self, tile: PanelTile, fields: tuple[str, ...]) -> None:
        self.tile, self.code = tile, tile.code()
        self.code.room("waiting", tile.bytes)
        self.p = Fields(self.code, fields)

    def tiles(self, a: str, panels: str) -> None:
        code, p = self.code, self.p
        self.a, self.panels = code.at(a, p.a_offset), code.at(panels, p.panel_offset)
        self.y = code.at("%y", p.y_offset)
        code.each(p.filter_tiles, lambda i: code.each(p.panels, lambda j: self._tile(i, j)))

    def _tile(self, row: str, column: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        number = code.add(code.multiply(row, p.panels), column)
        first = code.smaller(code.multiply(row, tile.filters), p.last_filter)
        self.before(number, first, column)
        a = code.at(self.a, code.smaller(code.multiply(row, p.a_tile), p.last_a))
        sums = self.summed(a, code.at(self.panels, code.multiply(column, p.panel_pitch)), row, column)
        kept = code.entry("%sums", number, tile.bytes)
        places = [code.at(kept, n * tile.vector_bytes) for n in range(tile.sums)]

        def add(values: Values) -> Values:
            earlier = [code.vector_at(place, tile.vector_bytes) for place in places]
            return [code.sum(*each) for each in zip(earlier, values, strict=True)]

        def keep() -> None:
            for value, place in zip(sums, places, strict=True):
                code.store(code.vector, value, place, tile.vector_bytes)

        sums = code.when(p.add_sums, add, sums, code.vector)
        code.do_when(p.keep_sums, keep)
        code.do_when(code.subtract(1, p.keep_sums), lambda: self.finish(sums, first, column))

    def before(self, number: Value, first: str, column: str) -> None:
        """Do what is to be done before the sums of a tile."""

    def summed(self, a: str, panel: str, row: str, column: str) -> Values:
        """Return the sums of a tile."""
        return self.sums(a, panel)

    def finish(self, sums: Values, first: str, column: str) -> None:
        """Put the sums of a tile into y."""
        raise NotImplementedError

    def sums(self, a: str, panel: str, shifted: Callable[[Value], str] | None = None) -> Values:
        """Return the sums of a tile; with `shifted`, rows of the panel are first copied from there."""
        code, p, tile = self.code, self.p, self.tile
        bounds = p.address(code, "bounds")

        def part(number: str) -> tuple[Value, Value]:
            start, end = (code.offset(code.entry(bounds, code.add(number, n), 4)) for n in range(2))
            return start, code.subtract(end, start)

        def products(k: Value, sums: Values, count: int) -> Values:
            lines = code.at(panel, code.multiply(k, tile.line))
            each = tile.itemsize * (tile.filters if tile.packed else 1)
            rows = self._rows(code.at(a, code.multiply(k, each)))
            for n in range(count):
                line = code.at(lines, n * tile.line)
                columns = self._columns(line, shifted(code.add(k, n)) if shifted else "")
                sums = self._products(columns, [code.at(row, n * each) for row in rows], sums)
            return sums

        return in_cuts(code, tile.sums, p.parts, part, products, 1 if shifted else AT_ONCE)

    def _columns(self, line: str, source: str) -> Values:
        """Return a row of a panel; copy it from `source`, if there is one."""
        code, places = self.code, [v * self.tile.vector_bytes for v in range(self.tile.vectors)]
        columns = [code.vector_at(code.at(source or line, place)) for place in places]
        if source:
            for place, value in zip(places, columns, strict=True):
                code.store(code.vector, value, code.at(line, place))
        return columns

    def _rows(self, a: str) -> Values:
        """Return where a column of `a` has each filter."""
        code, tile = self.code, self.tile
        if tile.packed:
            return [code.at(a, f * tile.itemsize) for f in range(tile.filters)]
        rows = []
        for f in range(tile.filters):
            if f and f % IN_GROUP == 0:
                a = code.at(a, code.multiply(self.p.a_filter, IN_GROUP))
            rows.append(code.at(a, code.multiply(self.p.a_filter, f % IN_GROUP)))
        return rows

    def _products(self, columns: Values, rows: Values, sums: Values) -> Values:
        code, tile, results = self.code, self.tile, []
        for f, row in enumerate(rows):
            w = code.broadcast(row)
            results += [code.fma(w, x, sums[f * tile.vectors + v]) for v, x in enumerate(columns)]
        return results


class Convolving(Product):
    """Write the function that copies panels of patches of x, then multiplies."""

    tile: PatchPanels

    def __init__(self, tile: PatchPanels) -> None:
        super().__init__(tile, COLUMN_FIELDS)
        code, p = self.code, self.p
        code.room("last", tile.bytes)
        self.x = code.at("%x", p.x_offset)
        self.tables = {name: p.address(code, name) for name in ("patches", "pieces", "results", "result_parts", "shifts")}
        code.each(p.panels, self._panel)
        self.tiles("%packed", "%work")

    # -- panels: work[panel][channel][tap][column]

    def _panel(self, j: str) -> None:
        """Copy a panel, unless it is whole for all taps: then the first tile of filters does that."""
        code, p = self.code, self.p
        rows = code.at("%work", code.multiply(j, p.panel_pitch))
        first = code.entry(self.tables["patches"], code.multiply(j, p.taps), PATCH)

        def channel(c: str) -> None:
            source = code.at(self.x, code.multiply(c, p.x_channel))
            target = code.at(rows, code.multiply(code.multiply(c, p.taps), self.tile.line))
            code.each(
                p.taps,
                lambda t: self._patch(source, code.entry(target, t, self.tile.line), code.entry(first, t, PATCH)),
            )

        later, _ = self._found(j)
        code.each(code.multiply(p.channels, code.subtract(1, later)), channel)

    def _found(self, column: str) -> tuple[str, str]:
        """Return whether a panel is whole for all taps, and where it begins in x."""
        entry = self.code.entry(self.tables["results"], column, PANEL)
        return self.code.integer(self.code.at(entry, 32)), self.code.at(self.x, self.code.integer(self.code.at(entry, 40)))

    def summed(self, a: str, panel: str, row: str, column: str) -> Values:
        code = self.code
        if self.tile.step > 1:
            return self.sums(a, panel)
        whole, x = self._found(column)
        fresh = code.multiply(whole, code.flag("eq", row, 0))
        shifts = self.tables["shifts"]
        return code.choose(
            fresh,
            lambda: self.sums(a, panel, lambda k: code.at(x, code.offset(code.entry(shifts, k, 4)))),
            lambda: self.sums(a, panel),
            code.vector,
        )

    def _patch(self, source: str, target: str, entry: str) -> None:
        """Copy a row of a panel: whole, or piece by piece into zeros."""
        code = self.code
        whole, offset = code.integer(entry), code.integer(code.at(entry, 8))

        def at_once() -> None:
            start = code.at(source, offset)
            for v in range(self.tile.vectors):
                self._vector(start, target, v, None)

        def apart() -> None:
            first, count, zeros = (code.integer(code.at(entry, 8 * n)) for n in (2, 3, 4))
            code.each(zeros, lambda v: code.store(code.vector, "zeroinitializer", code.entry(target, v, code.vector_bytes)))
            code.each(count, lambda n: self._piece(source, target, code.entry(self.tables["pieces"], code.add(first, n), PIECE)))

        code.do_when(whole, at_once)
        code.do_when(code.subtract(1, whole), apart)

    def _piece(self, source: str, target: str, entry: str) -> None:
        code = self.code
        offset, place, vectors, left = (code.integer(code.at(entry, 8 * n)) for n in range(4))
        start, into = code.at(source, offset), code.at(target, place)
        code.each(vectors, lambda v: self._vector(start, into, v, None))
        code.do_when(code.smaller(left, 1), lambda: self._vector(start, into, vectors, left))

    def _vector(self, source: str, target: str, number: Value, left: Value | None) -> None:
        """Copy a vector of columns, or the first `left` elements of it."""
        code, step, size = self.code, self.tile.step, self.code.vector_bytes
        start = code.entry(source, number, step * size)
        loaded = []
        for n in range(step):
            place = code.at(start, n * size)
            if left is None and (n < step - 1 or step == 1):
                loaded.append(code.vector_at(place))
                continue
            # what lies after the last column may lie after x
            end = code.add(code.multiply(code.subtract(code.lanes if left is None else left, 1), step), 1 - n * code.lanes)
            loaded.append(code.masked_load(place, code.below_lane(end)))
        value = code.apart(loaded, code.lanes)[0]
        mask = "" if left is None else code.below_lane(left)
        code.put_vector(value, code.entry(target, number, size), mask)

    # -- results

    def before(self, number: Value, first: str, column: str) -> None:
        code, p = self.code, self.p
        entry = code.entry(self.tables["results"], column, PANEL)
        here = code.at(self._row(first), code.integer(code.at(entry, 8)))
        written = code.multiply(code.integer(entry), code.subtract(1, p.keep_sums))
        code.do_when(written, lambda: code.each(self.tile.filters, lambda f: self._fetch(here, f)))

    def _row(self, filter: Value) -> str:
        return self.code.at(self.y, self.code.multiply(filter, self.p.y_filter))

    def _fetch(self, y: str, f: str) -> None:
        """Ask for the lines of a row that will be written."""
        code, row = self.code, self.code.at(y, self.code.multiply(f, self.p.y_filter))
        for place in (*range(0, self.tile.line, LINE), self.tile.line - 1):
            code.fetch(code.at(row, place))

    def finish(self, sums: Values, first: str, column: str) -> None:
        code, tile = self.code, self.tile
        entry = code.entry(self.tables["results"], column, PANEL)
        whole, offset, part, parts = (code.integer(code.at(entry, 8 * n)) for n in range(4))
        rows = self._row(first)

        def at_once() -> None:
            start = code.at(rows, offset)
            for f in range(tile.filters):
                row = code.at(start, code.multiply(self.p.y_filter, f))
                for v in range(tile.vectors):
                    code.store(code.vector, sums[f * tile.vectors + v], code.at(row, v * tile.vector_bytes))

        def apart() -> None:
            for n, value in enumerate(sums):
                code.store(code.vector, value, code.at("%last", n * tile.vector_bytes), tile.vector_bytes)
            code.each(tile.filters, lambda f: code.each(parts, lambda n: self._part(rows, f, code.add(part, n))))

        code.do_when(whole, at_once)
        code.do_when(code.subtract(1, whole), apart)

    def _part(self, rows: str, f: str, number: Value) -> None:
        code = self.code
        entry = code.entry(self.tables["result_parts"], number, PART)
        offset, place, size = (code.integer(code.at(entry, 8 * n)) for n in range(3))
        row = code.at(code.at(rows, code.multiply(f, self.p.y_filter)), offset)
        code.copy(row, code.at(code.entry("%last", f, self.tile.line), place), size)


@emits(PatchPanels)
def emit_patches(tile: PatchPanels) -> str:
    """Return the module of a tile: `block`."""
    code = Convolving(tile).code
    lines = declarations(code) + function("block", "parameters x packed y work sums", "", code)
    return "\n".join(lines + function("pack", "parameters w packed", "", packing(tile)) if tile.packed else lines)


def packing(tile: PatchPanels) -> Code:
    """Write the function that packs a tile of filters: a[k][filter]."""
    code = tile.code()
    p = Fields(code, PACK_FIELDS)
    source, target = code.at("%w", p.w_offset), code.at("%packed", p.packed_offset)
    places = p.address(code, "places")

    def one(k: str) -> None:
        start, into = code.at(source, code.offset(code.entry(places, k, 4))), code.entry(target, k, tile.filters * tile.itemsize)
        for f in range(tile.filters):
            value = code.load(code.scalar, code.at(start, code.multiply(p.w_filter, f)))
            code.store(code.scalar, value, code.at(into, f * tile.itemsize))

    code.each(p.depth, one)
    return code
