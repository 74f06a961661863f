"""Runs of tiles as LLVM IR: a tile has two outputs along each axis, and what it takes of x to compute them.

With dilation d the outputs of a tile lie d apart. A block has runs of tiles along a row; the tiles of a
run begin at outputs 0 ... d - 1, 2d ... 3d - 1, and so on, and a vector is neighbours in a run:

    x      a0 a1 b0 b1 a2 a3 b2 b3     d = 2, a and b are positions 0 and 1 of tiles 0, 1, 2, 3
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil
from typing import Any

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import LINE, Code, Value, Values
from mygrad.convolution.minimal_filtering import OUTPUTS, Matrix, Registers, along, in_two_stages, places

__all__ = ["RUN_FIELDS", "Operand", "Runs", "data_of", "useful_lanes"]

AHEAD = 4  # channels: a turn of the loop over them takes a fraction of the time of a memory access


def useful_lanes(lanes: int, step: int) -> int:
    """Return how many lanes of a vector are tiles."""
    return lanes // step * step


@dataclass(frozen=True)
class Operand:
    """An array of which tiles are transformed, channel by channel.

    `matrices` take the positions of a tile along each axis to points; the rows of a run are those of its
    table from `entry` on; `before` is the padding, `size` the length of a row, `channel` the distance of
    channels. Results go to ``target[point][channel][tile]``.
    """

    source: str
    matrices: Sequence[Matrix]
    entry: int
    before: Value
    size: Value
    channels: Value
    channel: Value
    target: str
    point: Value
    stride: int = 1
    """How far apart the two outputs of a tile are along a row."""

    @property
    def positions(self) -> list[int]:
        return [len(matrix[0]) for matrix in self.matrices]


def data_of(tile: Registers, x: str, p: Fields, target: str) -> Operand:
    """Return x, some channels of it, as what is transformed."""
    matrices, stride = [axis.data for axis in tile.axes], tile.axes[-1].stride
    return Operand(x, matrices, 0, p.before, p.x_size, p.channels, p.x_channel, target, p.v_point, stride)


class Runs:
    """Write what is done with the runs of a block; `p` has RUN_FIELDS, `step` is the dilation of rows."""

    code: Code
    p: Fields
    tile: Registers
    useful: int
    size: int
    entries: int
    table: str
    zeros: str

    def __init__(self, code: Code, p: Fields, tile: Registers) -> None:
        self.code, self.p, self.tile = code, p, tile
        self.useful = useful_lanes(code.lanes, tile.step)
        self.size = tile.vector_bytes
        self.entries = tile.read_rows + OUTPUTS ** (len(tile.axes) - 1)
        self.table = p.address(code, "run_table")

    def clear(self, room: str) -> None:
        """Write the row of zeros that stands for rows outside of x."""
        code, p = self.code, self.p
        self.zeros = code.at(room, p.zeros)
        zero = "zeroinitializer"
        code.each(
            p.zero_vectors, lambda n: code.store(code.vector, zero, code.entry(self.zeros, n, self.size))
        )

    def each(self, body: Callable[[str, str, Value], None]) -> None:
        """For each vector of each run: body(its table, its first tile, where in the block it is)."""
        code, p = self.code, self.p

        def run(number: str) -> None:
            entries = code.entry(self.table, number, 8 * self.entries)
            start = code.multiply(number, p.run_bytes)

            def vector(v: str) -> None:
                place = code.add(start, code.multiply(v, self.useful * code.itemsize))
                body(entries, str(code.multiply(v, self.useful)), place)

            code.each(p.run_vectors, vector)

        code.each(p.runs, run)

    def transform(self, operand: Operand) -> None:
        """target[point][channel][tile] = the transformed tiles, for all channels."""
        code, (*counts, columns) = self.code, operand.positions
        apart = OUTPUTS * operand.stride
        shifts = [apart * self.tile.step * n for n in range(ceil(columns / apart))]
        offsets = [[shift + n * code.lanes for n in range(apart)] for shift in shifts]
        rows, (*others, last) = places(counts), operand.matrices
        points = places(map(len, others))

        def vector(entries: str, first: str, place: Value) -> None:
            start = code.subtract(code.multiply(first, apart), operand.before)
            masks = {
                offset: code.between(code.add(start, offset), operand.size)
                for offset in sorted(set(chain(*offsets)))
            }
            source_of = self._sources(operand, entries, len(rows), start)

            def channel(c: str) -> None:
                into = code.at(code.at(operand.target, place), code.multiply(c, self.p.pitch))

                def row(number: Value) -> Values:
                    source, step = source_of(number)
                    place = code.at(source, code.multiply(c, step))
                    self._fetch(code.at(place, code.multiply(step, AHEAD)), masks)
                    found = self._columns(place, offsets, masks)
                    line = {(n,): value for n, value in enumerate(found[:columns])}
                    return list(along(code, last, line, 0).values())

                def column(number: Value, line: Sequence[str]) -> None:
                    values = dict(zip(rows, line, strict=True))
                    for axis, matrix in reversed(list(enumerate(others))):
                        values = along(code, matrix, values, axis)
                    start = code.at(into, code.multiply(number, operand.point))
                    for n, point in enumerate(points):
                        further = code.multiply(n * len(last), operand.point)
                        code.store(code.vector, values[point], code.at(start, further))

                in_two_stages(code, self.tile.stage, (len(rows), len(last)), row, column)

            code.each(operand.channels, channel)

        self.each(vector)

    def _sources(
        self, operand: Operand, entries: str, rows: int, start: Value
    ) -> Callable[[Any], tuple[str, str]]:
        """Return what tells where each row begins, and the distance of that of the next channel."""
        code = self.code
        if not self.tile.stage:
            return [self._row(operand, entries, number, start) for number in range(rows)].__getitem__

        def keep(number: str) -> None:
            place = code.entry("%rows", number, 16)
            source, step = self._row(operand, entries, number, start)
            code.store("ptr", source, place, 8)
            code.store("i64", step, code.at(place, 8), 8)

        def kept(number: str) -> tuple[str, str]:
            place = code.entry("%rows", number, 16)
            return code.load("ptr", place, 8), code.integer(code.at(place, 8))

        code.each(rows, keep)
        return kept

    def _row(self, operand: Operand, entries: str, number: Value, start: Value) -> tuple[str, str]:
        """Return where a row begins and the distance of that of the next channel; zeros if it is outside."""
        code = self.code
        offset = code.integer(code.entry(entries, code.add(number, operand.entry)))
        outside = code.put(f"icmp slt i64 {offset}, 0")
        row = code.put(f"select i1 {outside}, ptr {self.zeros}, ptr {code.at(operand.source, offset)}")
        step = code.put(f"select i1 {outside}, i64 0, i64 {operand.channel}")
        return code.at(row, code.multiply(start, code.itemsize)), step

    def _fetch(self, source: str, masks: dict[int, str]) -> None:
        """Ask for what will be read there: the processor does not foresee steps from channel to channel."""
        first, last = (end(masks) * self.code.itemsize for end in (min, max))
        for place in range(first, last + self.size, LINE):
            self.code.fetch(self.code.at(source, place), to_write=False)

    def _columns(self, source: str, offsets: Sequence[Sequence[int]], masks: dict[int, str]) -> Values:
        """Return the positions 0, 1, ... of the tiles of a row, a vector each."""
        code = self.code
        found = {
            offset: code.masked_load(code.at(source, offset * code.itemsize), mask)
            for offset, mask in masks.items()
        }
        return [column for some in offsets for column in self._apart([found[each] for each in some])]

    def _apart(self, vectors: Values) -> Values:
        """Return as many positions of tiles as there are vectors of a row."""
        if self.tile.step == 1:
            return self.code.apart(vectors, self.code.lanes)
        a, b = vectors  # with a dilation the stride is 1
        return [self.code.shuffle(a, b, self._lanes(position)) for position in range(OUTPUTS)]

    def _lanes(self, position: int) -> list[int]:
        """Return where a position of each tile is in two vectors of a row."""
        step, last = self.tile.step, 2 * self.code.lanes - 1
        tiles = range(self.code.lanes)
        return [min(tile // step * OUTPUTS * step + position * step + tile % step, last) for tile in tiles]

    def side_by_side(self, pair: tuple[str, str]) -> list[str]:
        """Return two vectors of a row, given the two positions of each tile."""
        code, step, lanes = self.code, self.tile.step, self.code.lanes
        places = [(n // (OUTPUTS * step) * step + n % step, n // step % OUTPUTS) for n in range(2 * lanes)]
        mixed = [min(tile, lanes - 1) + lanes * position for tile, position in places]
        return [code.shuffle(*pair, part) for part in (mixed[:lanes], mixed[lanes:])]


RUN_FIELDS = ("runs", "run_table", "run_vectors", "run_bytes", "pitch", "zeros", "zero_vectors")
"""The table has for each run the places of its rows in x, then in y, in bytes, -1 where there is none;
`zeros` is a row of the workspace for these."""
