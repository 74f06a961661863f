"""Filter gradients by minimal filtering as LLVM IR.

A block transforms the tiles of x and of the gradient of y to ``v[point][channel][tile]`` and
``s[total][filter][tile]``. At each point v is turned to ``panel[tile][channel]``: channels are the lanes of

    m[point][filter][channel] += sum over tiles of s[total][filter][tile] * panel[tile][channel]

The last block of a task makes taps of the points. A `ProductsTile` has no transforms: v and s were made once
for all of its tasks, by those of a `TransformsTile`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Callee, Code, Value, Values, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.minimal_filtering import (
    Grid,
    Registers,
    filter_taps,
    in_two_stages,
    places,
)
from mygrad.convolution.tile import in_parts
from mygrad.convolution.transposition import Square, transpose
from mygrad.convolution.winograd_runs import RUN_FIELDS, Operand, Runs, data_of

__all__ = ["FILTER_FIELDS", "TRANSFORM_FIELDS", "ProductsTile", "TransformsTile", "WinogradFilterTile"]

# One i64 each; sizes, strides and offsets in bytes.
TRANSFORM_FIELDS = (
    *RUN_FIELDS,
    "x_offset", "x_channel", "channels", "before", "x_size", "v_offset", "v_point",
    "g_offset", "g_filter", "filters", "g_size", "s_offset", "s_point",
)  # fmt: skip
FILTER_FIELDS = (
    *TRANSFORM_FIELDS,
    "tiles", "part", "tile_vectors", "panel", "panel_pitch", "channel_vectors",
    "column_tiles", "filter_blocks", "m_row", "m_point", "m_bytes", "first", "last",
    "result", "result_filter", "result_channel",
)  # fmt: skip


@dataclass(frozen=True)
class WinogradFilterTile(Registers):
    """Lanes are channels."""

    @property
    def callees(self) -> tuple[Callee, ...]:
        return (Square(self.itemsize, self.lanes),)


@dataclass(frozen=True)
class TransformsTile(WinogradFilterTile):
    """Of transforms alone."""


@dataclass(frozen=True)
class ProductsTile(WinogradFilterTile):
    """Of products alone."""


def transforms(tile: WinogradFilterTile, code: Code, p: Fields, g: str, room: str, target: str) -> None:
    """Transform the tiles of some channels of x, and of some filters of the gradient of y."""
    runs = Runs(code, p, tile)
    runs.clear(room)
    runs.transform(data_of(tile, code.at("%x", p.x_offset), p, code.at(target, p.v_offset)))
    spread = [axis.spread for axis in tile.axes]
    g, s = code.at(g, p.g_offset), code.at(target, p.s_offset)
    rows = tile.read_rows
    runs.transform(Operand(g, spread, rows, 0, p.g_size, p.filters, p.g_filter, s, p.s_point))


class FilterBlock:
    """Write the function that adds the products of some runs of tiles."""

    tile: "WinogradFilterTile"
    code: Code
    p: Fields
    v: str
    s: str
    panel: str

    def __init__(self, tile: WinogradFilterTile) -> None:
        self.tile, self.code = tile, tile.code()
        code = self.code
        code.room("waiting", tile.sums * tile.vector_bytes)
        code.room("taps", prod(tile.taps) * tile.vector_bytes)
        tile.make_table(code)
        tile.make_stage(code)
        self.p = p = Fields(code, FILTER_FIELDS)
        source = "%x" if isinstance(tile, ProductsTile) else "%work"
        if not isinstance(tile, ProductsTile):
            transforms(tile, code, p, "%g", "%work", "%work")
        self.v, self.s = code.at(source, p.v_offset), code.at(source, p.s_offset)
        self.panel = code.at("%work", p.panel)
        code.do_when(p.first, lambda: code.clear("%sums", p.m_bytes))
        tile.each_total(code, self._total)
        code.do_when(p.last, lambda: code.each(p.filters, self._results))

    def _total(self, total: str, count: Value, point_of: Callable[[Value], Value]) -> None:
        s = self.code.at(self.s, self.code.multiply(total, self.p.s_point))
        self.code.each(count, lambda n: self._point(point_of(n), s))

    def _point(self, point: Value, s: str) -> None:
        code, p, tile = self.code, self.p, self.tile
        self._turn(code.at(self.v, code.multiply(point, p.v_point)))
        m = code.at("%sums", code.multiply(point, p.m_point))

        def column(number: str) -> None:
            start = code.multiply(number, tile.vectors * tile.vector_bytes)
            source, target = code.at(self.panel, start), code.at(m, start)

            def filters(b: str) -> None:
                first = code.multiply(b, tile.filters)
                rows = [code.at(s, code.multiply(code.add(first, f), p.pitch)) for f in range(tile.filters)]
                sums = in_parts(code, tile.sums, p.tiles, p.part, self._products(source, rows))
                self._add(sums, code.at(target, code.multiply(first, p.m_row)))

            code.each(p.filter_blocks, filters)

        code.each(p.column_tiles, column)

    def _turn(self, v: str) -> None:
        """panel[tile][channel] = v[channel][tile]."""
        code, p, tile = self.code, self.p, self.tile

        def channels(c: str) -> None:
            source = code.at(v, code.multiply(code.multiply(c, tile.lanes), p.pitch))
            target = code.at(self.panel, code.multiply(c, tile.vector_bytes))

            def tiles(t: str) -> None:
                into = code.at(target, code.multiply(code.multiply(t, tile.lanes), p.panel_pitch))
                transpose(code, into, p.panel_pitch, code.entry(source, t, tile.vector_bytes), p.pitch)

            code.each(p.tile_vectors, tiles)

        code.each(p.channel_vectors, channels)

    def _products(self, panel: str, rows: Values) -> Callable[[Value, Values], Values]:
        code, tile, size = self.code, self.tile, self.tile.vector_bytes

        def step(t: Value, sums: Values) -> Values:
            line, place = (
                code.at(panel, code.multiply(t, self.p.panel_pitch)),
                code.multiply(t, tile.itemsize),
            )
            data = [code.vector_at(code.at(line, n * size), size) for n in range(tile.vectors)]
            results = []
            for f, row in enumerate(rows):
                g = code.broadcast(code.at(row, place))
                results += [code.fma(g, d, sums[f * tile.vectors + n]) for n, d in enumerate(data)]
            return results

        return step

    def _add(self, sums: Values, target: str) -> None:
        code, tile, size = self.code, self.tile, self.tile.vector_bytes
        for f in range(tile.filters):
            row = code.at(target, code.multiply(f, self.p.m_row))
            for n in range(tile.vectors):
                place = code.at(row, n * size)
                total = code.sum(code.vector_at(place, size), sums[f * tile.vectors + n])
                code.store(code.vector, total, place, size)

    def _results(self, f: str) -> None:
        """Store the taps of a filter."""
        code, p, tile = self.code, self.p, self.tile
        *others, last = tile.axes
        rows, points = places(tile.taps[:-1]), places(axis.points for axis in others)
        source = code.at("%sums", code.multiply(f, p.m_row))
        target = code.at(code.at("%y", p.result), code.multiply(f, p.result_filter))

        def channels(v: str) -> None:
            start = code.entry(source, v, tile.vector_bytes)

            def column(number: Value) -> Values:
                place = code.at(start, code.multiply(number, p.m_point))
                values: Grid = {
                    point: code.vector_at(code.at(place, code.multiply(n * tile.last_points, p.m_point)))
                    for n, point in enumerate(points)
                }
                values = filter_taps(code, values, others)
                return [values[row] for row in rows]

            def row(number: Value, line: Sequence[str]) -> None:
                found = last.filter_taps(code, line)
                place = code.entry("%taps", number, last.taps * tile.vector_bytes)
                for n, value in enumerate(found):
                    code.store(code.vector, value, code.at(place, n * tile.vector_bytes), tile.vector_bytes)

            in_two_stages(code, tile.stage, (tile.last_points, len(rows)), column, row)
            first = code.multiply(v, tile.lanes)
            count = code.smaller(tile.lanes, code.subtract(p.channels, first))
            code.each(count, lambda lane: self._channel(lane, code.add(first, lane), target))

        code.each(p.channel_vectors, channels)

    def _channel(self, lane: str, c: Value, target: str) -> None:
        """Copy the taps of one channel, which are neighbours in the result."""
        code, tile = self.code, self.tile
        source, into = (
            code.entry("%taps", lane, tile.itemsize),
            code.at(target, code.multiply(c, self.p.result_channel)),
        )

        def tap(number: str) -> None:
            value = code.load(code.scalar, code.entry(source, number, tile.vector_bytes))
            code.store(code.scalar, value, code.entry(into, number, tile.itemsize))

        code.each(prod(tile.taps), tap)


@emits(TransformsTile)
def emit_transforms(tile: TransformsTile) -> str:
    """Return the module of a tile: `block`, which writes v and s to y."""
    code = tile.code()
    tile.make_stage(code)
    transforms(tile, code, Fields(code, TRANSFORM_FIELDS), "%g", "%work", "%y")
    text = declarations(code) + function("block", "parameters x g y work sums", "", code)
    return "\n".join(text)


@emits(ProductsTile)
@emits(WinogradFilterTile)
def emit_winograd_filter(tile: WinogradFilterTile) -> str:
    """Return the module of a tile: `block`."""
    code = FilterBlock(tile).code
    text = declarations(code, tile.callees) + function("block", "parameters x g y work sums", "", code)
    return "\n".join(text)
