"""The kernels of pooling, as LLVM IR: maxima and sums of windows, and what spreads them back.

A window is reduced in two steps, rows first, then along the last axis, through a row in the workspace:

    x, the rows of a window      one row, in the workspace       the outputs
    . . . . . . . . .            . . . . . . . . .
    . . . . . . . . .   ----->   - . . . . . . . . . -   ----->   .   .   .   .   .
    . . . . . . . . .            padding       padding

The row has elements for the padding too, so the second step is the same for all outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values, Vectors, declarations, function
from mygrad.convolution.jit import emits

__all__ = ["POOL_FIELDS", "SEGMENT_FIELDS", "UNROLLED", "PoolTile", "emit_pool", "slack"]

# `wide` has the shape of x and `narrow` that of y; planes are the axes that are pooled, their sizes bytes.
# A row of y has an entry (first, count) in `row_table`: which `offsets` begin the rows of x that it sees.
POOL_FIELDS = (
    "wide", "narrow", "places", "row_values", "row_places", "planes", "wide_plane", "narrow_plane",
    "places_plane", "positions", "rows", "first_row", "row_table", "offsets", "columns", "segments",
    "segment_table", "divisor",
)  # fmt: skip
# Outputs first ... first + count of a row, and what the row in the workspace has: `left` elements of padding,
# `inside` elements of x from `start` on, `right` of padding.
SEGMENT_FIELDS = ("first", "count", "left", "start", "inside", "right", "taps")
UNROLLED = 8  # taps, at most
SHUFFLED = 4  # the largest stride that a shuffle serves


@dataclass(frozen=True)
class PoolTile(Vectors):
    """What a kernel is specialized on; 0 taps: as many as the segment says."""

    kind: str
    taps: int = 0
    stride: int = 1
    step: int = 1


def slack(tile: PoolTile) -> int:
    """Return how many elements a row in the workspace needs after its end, since vectors reach beyond it."""
    return 2 * tile.lanes * min(tile.stride, SHUFFLED)


class Pool:
    """Write the function that pools some planes, or some rows or segments of them."""

    tile: "PoolTile"
    code: Code
    bits: int
    ints: str
    size: int
    p: Fields
    base: dict[str, str]
    row_values: str
    row_places: str
    divisor: str
    wide: str
    narrow: str
    places: str
    offsets: str
    count: str
    line: Value
    s: dict[str, str]
    output: Value

    def __init__(self, tile: PoolTile) -> None:
        self.tile, self.code = tile, tile.code()
        self.bits = 8 * tile.itemsize
        self.ints = f"<{tile.lanes} x i{self.bits}>"
        self.size = tile.vector_bytes
        self.p = p = Fields(self.code, POOL_FIELDS)
        names = ("wide", "narrow", "places", "row_table", "offsets", "segment_table")
        self.base = {name: p.address(self.code, name) for name in names}
        self.row_values, self.row_places = (p.address(self.code, n) for n in ("row_values", "row_places"))
        self.divisor = self._divisor()
        self.code.each(p.planes, self._plane)

    def _plane(self, number: str) -> None:
        code, p = self.code, self.p
        self.wide, self.narrow, self.places = (
            code.at(self.base[name], code.multiply(number, getattr(p, f"{name}_plane")))
            for name in ("wide", "narrow", "places")
        )
        if self.tile.kind == "spread":
            code.clear(self.wide, p.wide_plane)
            code.each(p.positions, self._return_one)
            return
        if self.tile.kind == "spread_sums":
            code.clear(self.wide, p.wide_plane)
        code.each(p.rows, self._row)

    def _return_one(self, number: str) -> None:
        """Add one output's gradient where its maximum was."""
        code, scalar = self.code, self.code.scalar
        place = code.offset(code.entry(self.places, number, 4))
        target = code.entry(self.wide, place, self.tile.itemsize)
        value = code.load(scalar, code.entry(self.narrow, number, self.tile.itemsize))
        code.store(scalar, code.put(f"fadd {scalar} {code.load(scalar, target)}, {value}"), target)

    def _row(self, number: str) -> None:
        code, p = self.code, self.p
        entry = code.entry(self.base["row_table"], number, 16)
        self.offsets = code.entry(self.base["offsets"], code.integer(entry))
        self.count = code.integer(code.at(entry, 8))
        self.line = code.multiply(code.add(number, p.first_row), p.columns)
        code.each(p.segments, self._segment)

    def _segment(self, number: str) -> None:
        code = self.code
        entry = code.entry(self.base["segment_table"], number, 8 * len(SEGMENT_FIELDS))
        self.s = {n: code.integer(code.at(entry, 8 * i)) for i, n in enumerate(SEGMENT_FIELDS)}
        self.output = code.add(self.line, self.s["first"])
        {"max": self._maxima, "sums": self._sums, "spread_sums": self._return_sums}[self.tile.kind]()

    # -- parts of all kernels

    def _vectors(self, count: str, body: Callable[[Value, str], None]) -> None:
        """Call body(first element, mask) for whole vectors, whose mask is empty, and for what is left."""
        code, lanes = self.code, self.tile.lanes
        whole = code.put(f"sdiv i64 {count}, {lanes}")
        code.each(whole, lambda v: body(code.multiply(v, lanes), ""))
        done = code.multiply(whole, lanes)
        rest = code.subtract(count, done)
        some = code.put(f"zext i1 {code.put(f'icmp sgt i64 {rest}, 0')} to i64")
        code.do_when(some, lambda: body(done, code.below_lane(rest)))

    def _place(self, array: str, element: Value) -> str:
        return self.code.entry(array, element, self.tile.itemsize)

    def _fill(self, array: str, element: Value, count: Value, value: str) -> None:
        """Write `value` from `element` on, in whole vectors."""
        code = self.code
        vectors = code.put(f"sdiv i64 {code.add(count, self.tile.lanes - 1)}, {self.tile.lanes}")
        start = self._place(array, element)
        code.each(vectors, lambda v: code.store(code.vector, value, code.entry(start, v, self.size)))

    def _padded(self, array: str, value: str, inside: Callable[[str], None]) -> None:
        """Fill a row of the workspace: vectors may write too far, so from left to right."""
        left, count = self.s["left"], self.s["inside"]
        self._fill(array, 0, left, value)
        inside(left)
        self._fill(array, self.code.add(left, count), self.s["right"], value)

    def _read(self, pointer: str, mask: str) -> str:
        return self.code.masked_load(pointer, mask) if mask else self.code.vector_at(pointer)

    def _strided(self, array: str, element: Value) -> str:
        """Return the elements that lie a stride apart, from one on."""
        code, stride, lanes = self.code, self.tile.stride, self.tile.lanes
        start = self._place(array, element)
        if stride == 1:
            return code.vector_at(start)
        if stride > SHUFFLED:
            return self._gathered(start)
        wide = f"<{lanes * stride} x {code.scalar}>"
        found = code.load(wide, start)
        return code.pick(wide, found, "poison", range(0, lanes * stride, stride))

    def _gathered(self, start: str) -> str:
        code, found = self.code, "poison"
        for lane in range(self.tile.lanes):
            value = code.load(code.scalar, code.at(start, lane * self.tile.stride * self.tile.itemsize))
            found = code.put(f"insertelement {code.vector} {found}, {code.scalar} {value}, i64 {lane}")
        return found

    def _over_taps(self, body: Callable[[Value, Values], Values], carried: Values) -> Values:
        """Reduce over the taps of the last axis but the first."""
        code, taps = self.code, self.tile.taps
        if taps:
            for k in range(1, taps):
                carried = body(k * self.tile.step, carried)
            return carried
        more = code.subtract(self.s["taps"], 1)

        def tap(number: str, inner: Values) -> Values:
            return body(code.multiply(code.add(number, 1), self.tile.step), inner)

        return code.loop(more, tap, carried, code.vector)

    # -- maxima: of what is equal, that of the smallest position

    def _as_floats(self, ints: str) -> str:
        return self.code.put(f"bitcast {self.ints} {ints} to {self.code.vector}")

    def _as_ints(self, floats: str) -> str:
        return self.code.put(f"bitcast {self.code.vector} {floats} to {self.ints}")

    def _constant(self, value: int) -> str:
        return f"<{', '.join([f'i{self.bits} {value}'] * self.tile.lanes)}>"

    def _positions(self, first: Value) -> str:
        """Return first, first + 1, ..."""
        code, lanes, bits = self.code, self.tile.lanes, self.bits
        start = code.put(f"trunc i64 {first} to i32") if bits == 32 else first
        one = code.put(f"insertelement {self.ints} poison, i{bits} {start}, i64 0")
        many = code.pick(self.ints, one, "poison", [0] * lanes)
        numbers = ", ".join(f"i{bits} {lane}" for lane in range(lanes))
        return code.put(f"add {self.ints} {many}, <{numbers}>")

    def _larger(self, value: str, best: str) -> str:
        """Return where `value` is larger, or the first nan."""
        code, kind = self.code, self.code.vector
        above = code.put(f"fcmp ugt {kind} {value}, {best}")
        number = code.put(f"fcmp ord {kind} {best}, {best}")
        return code.put(f"and <{self.tile.lanes} x i1> {above}, {number}")

    def _first_of_equals(self, value: str, place: str, best: str, found: str) -> str:
        """Return where `value` is as good and stands before."""
        code, kind, flags = self.code, self.code.vector, f"<{self.tile.lanes} x i1>"
        before = code.put(f"icmp slt {self.ints} {self._as_ints(place)}, {self._as_ints(found)}")
        equal = code.put(f"fcmp oeq {kind} {value}, {best}")
        neither = code.put(f"fcmp uno {kind} {best}, {best}")
        both = code.put(f"and {flags} {code.put(f'fcmp uno {kind} {value}, {value}')}, {neither}")
        return code.put(f"and {flags} {before}, {code.put(f'or {flags} {equal}, {both}')}")

    def _choose(self, flags: str, new: Values, old: Values) -> Values:
        kind, lanes = self.code.vector, self.tile.lanes
        return [
            self.code.put(f"select <{lanes} x i1> {flags}, {kind} {a}, {kind} {b}")
            for a, b in zip(new, old, strict=True)
        ]

    def _maxima(self) -> None:
        lowest = "0xFFF0000000000000"
        values = f"<{', '.join([f'{self.code.scalar} {lowest}'] * self.tile.lanes)}>"
        behind = self._as_floats(self._constant((1 << (self.bits - 1)) - 1))
        left, right = self.s["left"], self.code.add(self.s["left"], self.s["inside"])
        for array, value in ((self.row_values, values), (self.row_places, behind)):
            self._fill(array, 0, left, value)
        self._vectors(self.s["inside"], self._column_maxima)
        for array, value in ((self.row_values, values), (self.row_places, behind)):
            self._fill(array, right, self.s["right"], value)
        self._vectors(self.s["count"], self._window_maxima)

    def _column_maxima(self, column: Value, mask: str) -> None:
        """Reduce the rows that a window sees; positions rise, so the first of equals is kept."""
        code = self.code
        column_of_x = code.add(self.s["start"], column)

        def row(number: Value) -> Values:
            element = code.add(code.integer(code.entry(self.offsets, number)), column_of_x)
            value = self._read(self._place(self.wide, element), mask)
            return [value, self._as_floats(self._positions(element))]

        def tap(number: str, best: Values) -> Values:
            new = row(code.add(number, 1))
            return self._choose(self._larger(new[0], best[0]), new, best)

        value, place = code.loop(code.subtract(self.count, 1), tap, row(0), code.vector)
        target = code.add(self.s["left"], column)
        code.store(code.vector, value, self._place(self.row_values, target))
        code.store(code.vector, place, self._place(self.row_places, target))

    def _window_maxima(self, column: Value, mask: str) -> None:
        code = self.code
        first = code.multiply(column, self.tile.stride)

        def read(offset: Value) -> Values:
            element = code.add(first, offset)
            return [self._strided(self.row_values, element), self._strided(self.row_places, element)]

        def tap(offset: Value, best: Values) -> Values:
            new = read(offset)
            better, equal = self._larger(new[0], best[0]), self._first_of_equals(*new, *best)
            flags = code.put(f"or <{self.tile.lanes} x i1> {better}, {equal}")
            return self._choose(flags, new, best)

        value, place = self._over_taps(tap, read(0))
        element = code.add(self.output, column)
        code.put_vector(value, self._place(self.narrow, element), mask)
        places = self._as_ints(place)
        if self.bits == 64:
            places = code.put(f"trunc {self.ints} {places} to <{self.tile.lanes} x i32>")
        code.put_vector(places, code.entry(self.places, element, 4), mask, "i32")

    # -- sums, and the gradient of sums

    def _sums(self) -> None:
        self._padded(
            self.row_values,
            "zeroinitializer",
            lambda _: self._vectors(self.s["inside"], self._column_sums),
        )
        self._vectors(self.s["count"], self._window_sums)

    def _column_sums(self, column: Value, mask: str) -> None:
        code = self.code
        column_of_x = code.add(self.s["start"], column)

        def row(number: str, total: Values) -> Values:
            element = code.add(code.integer(code.entry(self.offsets, number)), column_of_x)
            return [code.sum(total[0], self._read(self._place(self.wide, element), mask))]

        (total,) = code.loop(self.count, row, ["zeroinitializer"], code.vector)
        code.store(code.vector, total, self._place(self.row_values, code.add(self.s["left"], column)))

    def _divisor(self) -> str:
        code = self.code
        value = code.put(f"bitcast i64 {self.p.divisor} to double")
        return code.spread(code.put(f"fptrunc double {value} to float") if self.bits == 32 else value)

    def _divided(self, value: str) -> str:
        return self.code.put(f"fdiv {self.code.vector} {value}, {self.divisor}")

    def _window_sums(self, column: Value, mask: str) -> None:
        code = self.code
        first = code.multiply(column, self.tile.stride)

        def tap(offset: Value, total: Values) -> Values:
            return [code.sum(total[0], self._strided(self.row_values, code.add(first, offset)))]

        (total,) = self._over_taps(tap, [self._strided(self.row_values, first)])
        code.put_vector(self._divided(total), self._place(self.narrow, code.add(self.output, column)), mask)

    def _return_sums(self) -> None:
        """Spread a row of gradients along the last axis, then to the rows of every window."""
        code = self.code
        length = code.add(code.add(self.s["left"], self.s["inside"]), self.s["right"])
        self._fill(self.row_values, 0, length, "zeroinitializer")
        self._return_tap(0)
        self._over_taps(lambda offset, _: self._return_tap(offset), [])
        self._vectors(self.s["inside"], self._return_rows)

    def _return_tap(self, offset: Value) -> Values:
        code, scalar = self.code, self.code.scalar
        row = self._place(self.row_values, offset)

        def vector(column: Value, mask: str) -> None:
            target = self._place(row, column)
            value = self._read(self._place(self.narrow, code.add(self.output, column)), mask)
            code.store(code.vector, code.sum(code.vector_at(target), value), target)

        def element(number: str) -> None:
            target = self._place(row, code.multiply(number, self.tile.stride))
            value = code.load(scalar, self._place(self.narrow, code.add(self.output, number)))
            code.store(scalar, code.put(f"fadd {scalar} {code.load(scalar, target)}, {value}"), target)

        if self.tile.stride == 1:
            self._vectors(self.s["count"], vector)
        else:
            code.each(self.s["count"], element)
        return []

    def _return_rows(self, column: Value, mask: str) -> None:
        code = self.code
        found = code.vector_at(self._place(self.row_values, code.add(self.s["left"], column)))
        value = self._divided(found)
        column_of_x = code.add(self.s["start"], column)

        def row(number: str) -> None:
            element = code.add(code.integer(code.entry(self.offsets, number)), column_of_x)
            target = self._place(self.wide, element)
            code.put_vector(code.sum(self._read(target, mask), value), target, mask)

        code.each(self.count, row)


@emits(PoolTile)
def emit_pool(tile: PoolTile) -> str:
    """Return the module of a kernel: ``work(parameters, ...)``."""
    code = Pool(tile).code
    return "\n".join([*declarations(code), *function("work", "parameters", "wait", code)])
