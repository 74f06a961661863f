"""The functions of one tile, as LLVM IR: `pack` the filters, compute a `block` of outputs.

A block copies its part of x with zeros around it, then computes tile after tile. Knows no problem: every
size is a field of the parameters, every stride a number of bytes.
"""

from mygrad.convolution.copying import COPY_FIELDS, Copying, Fields
from mygrad.convolution.ir import LINE, Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import (
    Taps,
    Tile,
    micro_kernel,
    store,
    store_beside,
    store_one,
    turn,
)
from mygrad.convolution.transposition import transpose

__all__ = ["BLOCK_FIELDS", "PACK_FIELDS", "emit"]

# One i64 each, in this order; all sizes, strides and offsets in bytes. `taps` is a table of (address of
# places, address of bounds of parts, number of parts) for each tile of rows; of a tile with ways, one of
# these, of packed offset and packed block for each way. Then `y_row` is what is left of a row of y. With
# `own_packs`, parameters of `pack` in a table, filters are packed into the workspace first: `packed` is w.
BLOCK_FIELDS = (
    *COPY_FIELDS,
    "taps",
    "packed_offset", "packed_block", "filter_blocks", "filter_groups", "group_blocks",
    "row_tiles", "rows", "column_tiles", "last_column", "y_offset", "y_filter", "y_row", "filters",
    "add_sums", "keep_sums", "sums_offset", "own_packs", "own_table", "own_offset",
)  # fmt: skip
PACK_FIELDS = (
    "w_offset", "packed_offset", "runs", "run_offsets", "run_taps", "tap", "filter", "filters",
    "squares", "parts", "lines", "alone", "part_taps", "part_low", "part_begin", "part_step",
)  # fmt: skip
TAPS = 8 * len(Taps._fields)  # bytes of an entry, without those of ways


class Packing:
    """Write the function that packs a block of filters as [tap][filter], zeros in the lanes that are left."""

    tile: Tile
    code: Code
    p: Fields
    w: str
    packed: str
    table: str
    line: int

    def __init__(self, tile: Tile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        self.p = p = Fields(code, PACK_FIELDS)
        self.w, self.packed = code.at("%w", p.w_offset), code.at("%packed", p.packed_offset)
        self.table = p.address(code, "run_offsets")
        self.line = tile.width * tile.itemsize
        code.room("square", tile.lanes * self.line)
        code.each(p.runs, self.run)

    def run(self, number: str) -> None:
        """Pack taps that follow each other at one distance: by squares, by lines of filters, one by one."""
        code, p = self.code, self.p
        source = code.at(self.w, code.integer(code.entry(self.table, number)))
        target = code.at(self.packed, code.multiply(code.multiply(number, p.run_taps), self.line))
        if not self.tile.by_position:
            code.each(p.squares, lambda index: self.square(source, target, index))
            code.each(p.parts, lambda index: self.part(source, target, index))
            code.each(p.lines, lambda t: self.copy(code.at(source, code.multiply(t, p.tap)), target, t))
        done = code.subtract(p.run_taps, p.alone)
        code.each(p.alone, lambda index: self.tap(source, target, code.add(done, index)))

    def square(self, source: str, target: str, index: str) -> None:
        """Pack as many taps as there are lanes, which are neighbours."""
        code, tile = self.code, self.tile
        start = code.entry(source, index, tile.vector_bytes)
        into = code.entry(target, index, tile.lanes * self.line)
        for v in range(tile.vectors):
            filters = code.at(start, code.multiply(self.p.filter, v * tile.lanes))
            transpose(code, code.at(into, v * tile.vector_bytes), self.line, filters, self.p.filter)

    def part(self, source: str, target: str, index: str) -> None:
        """Pack taps that a vector reaches: all that lies there is transposed, then some rows are taken."""
        code, tile, p = self.code, self.tile, self.p
        first = code.add(code.multiply(p.squares, tile.lanes), code.multiply(index, p.part_taps))
        taps = code.smaller(p.part_taps, code.subtract(p.run_taps, first))
        last = code.subtract(taps, 1)
        lowest = code.at(code.at(source, code.multiply(first, p.tap)), code.multiply(last, p.part_low))
        for v in range(tile.vectors):
            filters = code.at(lowest, code.multiply(p.filter, v * tile.lanes))
            transpose(code, code.at("%square", v * tile.vector_bytes), self.line, filters, p.filter)
        begin = code.at("%square", code.multiply(last, p.part_begin))

        def row(t: str) -> None:
            self.copy(code.at(begin, code.multiply(t, p.part_step)), target, code.add(first, t))

        code.each(taps, row)

    def copy(self, row: str, target: str, t: Value) -> None:
        """Copy a line of filters."""
        code, tile = self.code, self.tile
        into = code.entry(target, t, self.line)
        for v in range(tile.vectors):
            place = v * tile.vector_bytes
            code.store(code.vector, code.vector_at(code.at(row, place)), code.at(into, place))

    def tap(self, source: str, target: str, t: Value) -> None:
        code, p = self.code, self.p
        start, into = code.at(source, code.multiply(t, p.tap)), code.entry(target, t, self.line)

        def one(f: str) -> None:
            value = code.load(code.scalar, code.at(start, code.multiply(f, p.filter)))
            code.store(code.scalar, value, code.entry(into, f, code.itemsize))

        code.clear(into, self.line)
        code.each(p.filters, one)


class Block:
    """Write the function that computes one block: some rows, some filters, some channels."""

    tile: Tile
    code: Code
    p: Fields
    y: str
    sums: str
    packed: str
    taps: str
    rows: str

    def __init__(self, tile: Tile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        if not tile.by_position:
            code.room("turned", tile.ways * tile.room)
        code.room("last", (tile.ways if tile.by_position else 1) * tile.room)
        code.room("row", tile.ways * tile.columns * tile.itemsize)
        code.room("rows", 8 * tile.rows)
        code.room("waiting", tile.bytes)
        self.p = p = Fields(code, BLOCK_FIELDS)
        Copying(code, p, code.at("%x", p.source_offset), tile.phases)
        self.y, self.sums = code.at("%y", p.y_offset), code.at("%sums", p.sums_offset)
        self.packed = self.filters_packed()
        self.taps, self.rows = p.address(code, "taps"), p.address(code, "rows")
        code.each(p.filter_groups, self.group)

    def filters_packed(self) -> str:
        """Return where the packed filters are; pack them if they are the block's own."""
        code, p = self.code, self.p
        own, table = code.at("%work", p.own_offset), p.address(code, "own_table")

        def pack(n: str) -> None:
            place = code.entry(table, n, 8 * len(PACK_FIELDS))
            code.do(f"call void @pack(ptr {place}, ptr %packed, ptr {own})")

        code.each(p.own_packs, pack)
        shared = code.at("%packed", p.packed_offset)
        some = code.put(f"icmp ne i64 {p.own_packs}, 0")
        return code.put(f"select i1 {some}, ptr {own}, ptr {shared}")

    def group(self, number: str) -> None:
        """Filters that stay in the cache while all positions pass."""
        code, p = self.code, self.p
        first = code.multiply(number, p.group_blocks)
        left = code.smaller(p.group_blocks, code.subtract(p.filter_blocks, first))
        code.each(p.row_tiles, lambda row: self.row(first, left, row))

    def row(self, first: Value, left: str, number: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        entries = [
            code.entry(self.rows, code.add(code.multiply(number, tile.rows), r), 16) for r in range(tile.rows)
        ]
        inputs = [code.at("%work", code.integer(entry)) for entry in entries]
        outputs = [code.at(self.y, code.integer(code.at(entry, 8))) for entry in entries]

        def column(index: str) -> None:
            start = code.smaller(code.multiply(index, tile.columns * tile.itemsize), p.last_column)
            x_rows = [code.at(row, code.multiply(start, tile.step // tile.phases)) for row in inputs]
            before = code.multiply(start, tile.ways)
            y_rows = [code.at(row, before) for row in outputs]
            place = code.add(code.multiply(number, p.column_tiles), index)
            size = code.subtract(p.y_row, before)
            code.each(left, lambda b: self.filters(code.add(first, b), (number, place), x_rows, y_rows, size))

        code.each(p.column_tiles, column)

    def filters(
        self, b: Value, tile_number: tuple[str, Value], x_rows: Values, y_rows: Values, size: Value
    ) -> None:
        """Compute one tile of one block of filters; `size` is what is left of a row of y.

        Tiles are numbered among those of rows, and among all.
        """
        code, p, tile = self.code, self.p, self.tile
        rows, place = tile_number
        before = code.multiply(b, tile.width)
        y = [code.at(row, code.multiply(before, p.y_filter)) for row in y_rows]
        count = code.smaller(tile.width, code.subtract(p.filters, before))
        self.fetch(y, count)
        number = code.add(code.multiply(place, p.filter_blocks), b)
        if tile.ways == 1:
            packed = code.at(self.packed, code.multiply(b, p.packed_block))
            taps = self.listed(code.entry(self.taps, rows, TAPS))
            sums = micro_kernel(code, tile, x_rows, p.row_pitch, packed, taps)
            self.finish(sums, code.entry(self.sums, number, tile.bytes), y, count)
            return
        code.each(tile.ways, lambda way: self.way(way, x_rows, b, code.multiply(number, tile.ways)))
        aside = "%last" if tile.by_position else "%turned"
        whole = code.subtract(1, p.keep_sums)
        code.do_when(whole, lambda: store_beside(code, tile, aside, y, p.y_filter, count, size))

    def listed(self, entry: str) -> Taps:
        """Return the taps of an entry."""
        code = self.code
        places, bounds = (code.load("ptr", code.at(entry, 8 * field), 8) for field in range(2))
        return Taps(places, bounds, code.integer(code.at(entry, 16)))

    def way(self, way: str, x_rows: Values, b: Value, number: Value) -> None:
        """Compute the sums of one way, and keep them or lay them aside."""
        code, p, tile = self.code, self.p, self.tile
        entry = code.entry(self.taps, way, TAPS + 16)
        start, block = (code.integer(code.at(entry, TAPS + place)) for place in (0, 8))
        packed = code.at(code.at(self.packed, start), code.multiply(b, block))
        sums = micro_kernel(code, tile, x_rows, p.row_pitch, packed, self.listed(entry))
        kept = code.entry(self.sums, code.add(number, way), tile.bytes)
        aside = code.entry("%last" if tile.by_position else "%turned", way, tile.room)
        target = self.keep(self.added(sums, kept), kept, aside if tile.by_position else "%last")
        if not tile.by_position:
            code.do_when(code.subtract(1, p.keep_sums), lambda: turn(code, tile, target, aside))

    def fetch(self, y: Values, count: str) -> None:
        """Ask for the cache lines of y to write to: they come while the sums are computed.

        The rows of y are many short streams, which the processor does not foresee by itself.
        """
        code, size = self.code, self.tile.ways * self.tile.columns * self.tile.itemsize

        def one(f: str) -> None:
            for row in y:
                target = code.at(row, code.multiply(f, self.p.y_filter))
                code.each(
                    (size - 2) // LINE + 1, lambda n, target=target: code.fetch(code.entry(target, n, LINE))
                )
                code.fetch(code.at(target, size - 1))

        code.each(count, one)

    def put(self, sums: Values, target: str) -> None:
        for number, value in enumerate(sums):
            place = self.code.at(target, number * self.tile.vector_bytes)
            self.code.store(self.code.vector, value, place, self.tile.vector_bytes)

    def added(self, sums: Values, kept: str) -> Values:
        """Add the sums of earlier taps, if there are any."""
        code, size = self.code, self.tile.vector_bytes

        def add(values: Values) -> Values:
            earlier = [code.vector_at(code.at(kept, number * size), size) for number in range(len(sums))]
            return [code.sum(*each) for each in zip(values, earlier, strict=True)]

        return code.when(self.p.add_sums, add, sums, code.vector)

    def keep(self, sums: Values, kept: str, last: str) -> str:
        """Put sums where they are kept for later taps, or where they are stored from."""
        code = self.code
        target = code.put(
            f"select i1 {code.put(f'icmp ne i64 {self.p.keep_sums}, 0')}, ptr {kept}, ptr {last}"
        )
        self.put(sums, target)
        return target

    def finish(self, sums: Values, kept: str, y: Values, count: str) -> None:
        """Add the sums of earlier taps, then keep all for later ones or store them."""
        code, p, tile = self.code, self.p, self.tile
        sums = self.added(sums, kept)
        if tile.filters == 1:
            code.do_when(p.keep_sums, lambda: self.put(sums, kept))
            code.do_when(code.subtract(1, p.keep_sums), lambda: store_one(code, tile, sums, y))
            return
        target = self.keep(sums, kept, "%last")
        code.do_when(code.subtract(1, p.keep_sums), lambda: self.stored(target, y, count))

    def stored(self, sums: str, y: Values, count: str) -> None:
        if not self.tile.by_position:
            turn(self.code, self.tile, sums, "%turned")
            sums = "%turned"
        store(self.code, self.tile, sums, y, self.p.y_filter, count)


@emits(Tile)
def emit(tile: Tile) -> str:
    """Return the module of a tile: `pack` and `block`."""
    lines = declarations(tile.code(), tile.callees)
    lines += function("block", "parameters x packed y work sums", "", Block(tile).code)
    lines += function("pack", "parameters w packed", "", Packing(tile).code)
    return "\n".join(lines)
