"""Convolution by minimal filtering as LLVM IR.

Data are transformed to ``v[point][channel][tile]``, filters to ``u[point][channel][filter]``; then, for some
filters at a time, ``m[total][filter][tile] = sum over channels, points of u * v``, of which outputs are made.
`minimal_filtering` has the formulas. One of the two is transformed before all blocks, and shared by them:

    WinogradTile   u is shared, a block transforms some runs of tiles
    SharedTile    v is shared, a block transforms some filters
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.minimal_filtering import (
    OUTPUTS,
    Grid,
    Registers,
    along,
    filter_points,
    in_two_stages,
    places,
)
from mygrad.convolution.tile import in_parts
from mygrad.convolution.winograd_runs import RUN_FIELDS, Runs, data_of

__all__ = ["BLOCK_FIELDS", "DATA_FIELDS", "PACK_FIELDS", "STEPS", "SharedTile", "WinogradTile"]

# One i64 each; sizes, strides and offsets in bytes.
DATA_FIELDS = (
    *RUN_FIELDS,
    "x_offset", "x_channel", "channels", "before", "x_size", "v_offset", "v_point", "last_vector",
)  # fmt: skip
PRODUCT_FIELDS = (
    "part", "y_size", "m_point", "columns", "last_column", "packed_offset", "packed_block", "packed_point",
    "filter_blocks", "filter_groups", "group_blocks", "y_offset", "y_filter", "filters",
)  # fmt: skip
BLOCK_FIELDS = (*DATA_FIELDS, *PRODUCT_FIELDS, "packs", "pack_table")
STEPS = "step_0", "step_1", "step_2"  # between taps, along each axis that has taps
PACK_FIELDS = (
    "w_offset", "packed_offset", "channels", "channel", "filter", "last_filter", "packed_point", *STEPS,
)  # fmt: skip


@dataclass(frozen=True)
class WinogradTile(Registers):
    """Lanes are tiles; `steps` are the strides of taps, in bytes, or none where they are parameters."""

    steps: tuple[int, ...]

    @property
    def line_bytes(self) -> int:
        """The packed filters of one channel at one point."""
        return self.filters * self.itemsize


@dataclass(frozen=True)
class SharedTile(WinogradTile):
    """The same registers, where tasks are filters."""


class Packing:
    """Write the function that transforms filters and packs them as [point][channel][filter]."""

    tile: "WinogradTile"
    code: Code
    p: Fields
    packed: str
    filters: list[str]
    room: str
    steps: Sequence[Value]

    def __init__(self, tile: WinogradTile) -> None:
        self.tile, self.code = tile, Code(tile.filters, tile.itemsize)
        code = self.code
        self.room = tile.stage if tile.steps else "%stage"
        if self.room:
            code.room("stage", tile.points * tile.line_bytes)
        self.p = p = Fields(code, PACK_FIELDS)
        self.steps = tile.steps or [getattr(p, name) for name in STEPS[: len(tile.taps)]]
        w, self.packed = code.at("%w", p.w_offset), code.at("%packed", p.packed_offset)
        numbers = [code.smaller(f, p.last_filter) for f in range(tile.filters)]  # none is read past the last
        self.filters = [code.at(w, code.multiply(number, p.filter)) for number in numbers]
        code.each(p.channels, self._channel)

    def _channel(self, c: str) -> None:
        code, tile = self.code, self.tile
        start = code.multiply(c, self.p.channel)
        sources = [code.at(source, start) for source in self.filters]
        target = code.at(self.packed, code.multiply(c, tile.line_bytes))
        *others, last = tile.axes
        rows, points = places(tile.taps[:-1]), places(axis.points for axis in others)

        def row(number: Value) -> Values:
            start = self._place(number)
            places = [code.add(start, code.multiply(n, self.steps[-1])) for n in range(last.taps)]
            return last.filter_points(code, self._taps(sources, places))

        def column(number: Value, line: Sequence[str]) -> None:
            values = filter_points(code, dict(zip(rows, line, strict=True)), others)
            into = code.at(target, code.multiply(number, self.p.packed_point))
            for n, point in enumerate(points):
                further = code.multiply(n * tile.last_points, self.p.packed_point)
                code.store(code.vector, values[point], code.at(into, further))

        in_two_stages(code, self.room, (len(rows), tile.last_points), row, column)

    def _place(self, row: Value) -> Value:
        """Return where a row of taps begins, in bytes."""
        code, place, left = self.code, 0, row
        for taps, step in reversed(list(zip(self.tile.taps[:-1], self.steps[:-1], strict=True))):
            before, tap = code.divide(left, taps)
            left, place = before, code.add(place, code.multiply(tap, step))
        return place

    def _taps(self, sources: Values, places: Sequence[Value]) -> Values:
        """Return some taps of all filters, a vector for each tap."""
        code, values = self.code, ["poison"] * len(places)
        for lane, source in enumerate(sources):
            for n, place in enumerate(places):
                element = code.load(code.scalar, code.at(source, place))
                values[n] = code.put(
                    f"insertelement {code.vector} {values[n]}, {code.scalar} {element}, i64 {lane}"
                )
        return values


class Data:
    """Write how the tiles of some runs are transformed, of some channels."""

    tile: WinogradTile
    code: Code
    p: Fields
    v: str

    def __init__(self, tile: WinogradTile, code: Code, p: Fields, v: str) -> None:
        self.tile, self.code, self.p = tile, code, p
        self.v = code.at(v, p.v_offset)
        self._clear()
        runs, x = Runs(code, p, tile), code.at("%x", p.x_offset)
        runs.clear(v)
        runs.transform(data_of(tile, x, p, self.v))

    def _clear(self) -> None:
        """Write zeros to the last vector of tiles, which runs may fill in part."""
        code, p = self.code, self.p
        last = code.at(self.v, p.last_vector)

        def channel(c: str) -> None:
            place = code.at(last, code.multiply(c, p.pitch))
            for number in range(self.tile.points):
                into = code.at(place, code.multiply(number, p.v_point))
                code.store(code.vector, "zeroinitializer", into)

        code.each(p.channels, channel)


class Block:
    """Write the function that computes some runs of tiles, of some filters; `u` or `v` is shared."""

    tile: WinogradTile
    code: Code
    p: Fields
    y: str
    v: str
    u: str
    runs: Runs

    def __init__(self, tile: WinogradTile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        code.room("waiting", tile.sums * tile.vector_bytes)
        tile.make_table(code)
        tile.make_stage(code)
        self.p = p = Fields(code, BLOCK_FIELDS)
        self.y = code.at("%y", p.y_offset)
        if isinstance(tile, SharedTile):
            self.v, self.u = code.at("%packed", p.v_offset), "%work"
            code.each(p.packs, self._filters)
        else:
            self.v, self.u = Data(tile, code, p, "%work").v, code.at("%packed", p.packed_offset)
        self.runs = Runs(code, p, tile)
        code.each(p.filter_groups, self._group)

    def _filters(self, number: str) -> None:
        code = self.code
        place = code.at(self.p.address(code, "pack_table"), code.multiply(number, 8 * len(PACK_FIELDS)))
        code.do(f"call void @filters(ptr {place}, ptr %x, ptr %work)")

    def _group(self, number: str) -> None:
        """Filters whose m stays in the cache: all products, then the results."""
        code, p, tile = self.code, self.p, self.tile
        first = code.multiply(number, p.group_blocks)
        left = code.smaller(p.group_blocks, code.subtract(p.filter_blocks, first))
        packed = code.at(self.u, code.multiply(first, p.packed_block))
        tile.each_total(code, lambda m, count, point_of: self._products(m, count, point_of, packed, left))
        before = code.multiply(first, tile.filters)
        count = code.smaller(code.multiply(left, tile.filters), code.subtract(p.filters, before))
        y = code.at(self.y, code.multiply(before, p.y_filter))
        code.each(count, lambda f: self._results(f, code.at(y, code.multiply(f, p.y_filter))))

    def _products(
        self, total: str, count: Value, point_of: Callable[[Value], Value], packed: str, blocks: str
    ) -> None:
        """m[total] = filters[point] @ v[point], summed over its points."""
        code, p, tile = self.code, self.p, self.tile
        m = code.at("%sums", code.multiply(total, p.m_point))

        def column(number: str) -> None:
            start = code.smaller(code.multiply(number, tile.vectors * tile.vector_bytes), p.last_column)
            source, target = code.at(self.v, start), code.at(m, start)

            def filters(b: str) -> None:
                block = code.at(packed, code.multiply(b, p.packed_block))
                into = code.at(target, code.multiply(code.multiply(b, tile.filters), p.pitch))
                self._keep(self._total(source, block, count, point_of), into)

            code.each(blocks, filters)

        code.each(p.columns, column)

    def _total(self, source: str, packed: str, count: Value, point_of: Callable[[Value], Value]) -> Values:
        """Return the sums over the channels of all points of a total."""
        code, p, tile = self.code, self.p, self.tile

        def point(n: Value) -> Values:
            number = point_of(n)
            v, u = (
                code.at(place, code.multiply(number, step))
                for place, step in ((source, p.v_point), (packed, p.packed_point))
            )
            return in_parts(code, tile.sums, p.channels, p.part, self._channel(v, u))

        def following(n: str, sums: Values) -> Values:
            return [code.sum(*each) for each in zip(sums, point(n), strict=True)]

        if count == 1:
            return point(0)
        return code.loop(count, following, ["zeroinitializer"] * tile.sums, code.vector)

    def _channel(self, source: str, packed: str) -> Callable[[Value, Values], Values]:
        code, tile, size = self.code, self.tile, self.tile.vector_bytes

        def step(c: Value, sums: Values) -> Values:
            row = code.at(source, code.multiply(c, self.p.pitch))
            line = code.entry(packed, c, tile.line_bytes)
            data = [code.vector_at(code.at(row, n * size), size) for n in range(tile.vectors)]
            results = []
            for f in range(tile.filters):
                w = code.broadcast(code.at(line, f * tile.itemsize))
                results += [code.fma(w, d, sums[f * tile.vectors + n]) for n, d in enumerate(data)]
            return results

        return step

    def _keep(self, sums: Values, target: str) -> None:
        code, tile, size = self.code, self.tile, self.tile.vector_bytes
        for f in range(tile.filters):
            row = code.at(target, code.multiply(f, self.p.pitch))
            for n in range(tile.vectors):
                code.store(code.vector, sums[f * tile.vectors + n], code.at(row, n * size), size)

    def _results(self, f: str, y: str) -> None:
        """Store the outputs of all tiles of a filter."""
        code, p, tile = self.code, self.p, self.tile
        *others, last = tile.axes
        rows, totals = places([OUTPUTS] * len(others)), places(axis.totals for axis in others)
        source = code.at("%sums", code.multiply(f, p.pitch))

        def tiles(entries: str, first: str, place: Value) -> None:
            start = code.at(source, place)
            column = code.multiply(first, OUTPUTS)
            left = code.subtract(p.y_size, column)
            masks = [code.below_lane(left), code.below_lane(code.subtract(left, code.lanes))]

            def column_of(number: Value) -> Values:
                place = code.at(start, code.multiply(number, p.m_point))
                values: Grid = {
                    total: code.vector_at(code.at(place, code.multiply(n * last.totals, p.m_point)))
                    for n, total in enumerate(totals)
                }
                for n, axis in enumerate(others):
                    values = along(code, axis.result, values, n)
                return [values[row] for row in rows]

            def row(number: Value, line: Sequence[str]) -> None:
                pair = along(code, last.result, {(n,): value for n, value in enumerate(line)}, 0)
                offset = code.integer(code.entry(entries, code.add(number, tile.read_rows)))
                into = code.at(code.at(y, offset), code.multiply(column, code.itemsize))
                self._store(offset, into, (pair[0,], pair[1,]), masks)

            in_two_stages(code, tile.stage, (last.totals, len(rows)), column_of, row)

        self.runs.each(tiles)

    def _store(self, offset: str, into: str, pair: tuple[str, str], masks: Values) -> None:
        """Store the outputs of a row, two of each tile side by side, unless the row is outside of y."""
        code = self.code
        inside = code.put(f"zext i1 {code.put(f'icmp sge i64 {offset}, 0')} to i64")
        halves = self.runs.side_by_side(pair)

        def put() -> None:
            for n, (half, mask) in enumerate(zip(halves, masks, strict=True)):
                code.put_vector(half, code.at(into, n * self.tile.vector_bytes), mask)

        code.do_when(inside, put)


@emits(WinogradTile)
def emit_winograd(tile: WinogradTile) -> str:
    """Return the module of a tile: `pack`, which is that of filters, `block`."""
    packing, block = Packing(tile).code, Block(tile).code
    text = list(dict.fromkeys([*declarations(packing), *declarations(block)]))
    text += function("pack", "parameters w packed", "", packing)
    text += function("block", "parameters x packed y work sums", "", block)
    return "\n".join(text)


@emits(SharedTile)
def emit_shared(tile: SharedTile) -> str:
    """Return the module of a tile: `pack`, which is that of data, `filters`, `block`."""
    filters, block, data = Packing(tile).code, Block(tile).code, tile.code()
    tile.make_stage(data)
    Data(tile, data, Fields(data, DATA_FIELDS), "%packed")
    text = list(dict.fromkeys([*declarations(filters), *declarations(block)]))
    text += function("pack", "parameters x packed", "", data)
    text += function("filters", "parameters w packed", "", filters)
    text += function("block", "parameters x packed y work sums", "", block)
    return "\n".join(text)
