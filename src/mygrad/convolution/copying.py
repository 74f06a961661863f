"""The copy of a part of x into the workspace, its border around it, as LLVM IR: the beginning of every block.

With stride s on the last axis, and tiles that read vectors of positions, a copied row is s rows, the
positions 0, s, 2s, ... first: what lies s apart in x then lies side by side.
"""

from collections.abc import Sequence

from mygrad.convolution.ir import Code, Value

__all__ = ["COPY_FIELDS", "Copying", "Fields"]

# Offsets and strides are in bytes, lengths in vectors or elements. Vectors may write past the end of what
# they fill: the rest is written later. `phases` is a table of (first element of x, place in row, elements),
# `border` one of (place in row, element of x).
COPY_FIELDS = (
    "source_offset", "source_channel", "source_rows", "copied_channels", "copied_rows",
    "row_pitch", "channel_pitch", "row_vectors", "vectors_before", "zeros_before", "copied_vectors",
    "copied_rest", "copied_last", "copied_elements", "after", "vectors_after", "phases",
    "border_elements", "border",
)  # fmt: skip
SHUFFLED = 4  # the largest stride that vectors serve


class Fields:
    """The fields of the parameters by name: one i64 each."""

    def __init__(self, code: Code, fields: Sequence[str]) -> None:
        self._values = {name: code.integer(code.at("%parameters", 8 * n)) for n, name in enumerate(fields)}

    def __getattr__(self, name: str) -> str:
        return self._values[name]

    def address(self, code: Code, name: str) -> str:
        return code.put(f"inttoptr i64 {self._values[name]} to ptr")


class Copying:
    """Write the copy of the rows of every channel into the workspace, zeros around them."""

    code: Code
    p: "Fields"
    x: str
    step: int
    border: str
    table: str
    phases: str

    def __init__(self, code: Code, p: Fields, x: str, step: int = 1) -> None:
        self.code, self.p, self.x, self.step = code, p, x, step
        self.table, self.phases = p.address(code, "source_rows"), p.address(code, "phases")
        self.border = p.address(code, "border")
        code.each(p.copied_channels, self._channel)

    def _channel(self, c: str) -> None:
        code, p = self.code, self.p
        plane = code.at(self.x, code.multiply(c, p.source_channel))
        target = code.at("%work", code.multiply(c, p.channel_pitch))
        code.each(
            p.copied_rows, lambda r: self._row(plane, code.at(target, code.multiply(r, p.row_pitch)), r)
        )

    def _row(self, plane: str, target: str, r: str) -> None:
        """Copy a row, or make one of zeros where the table says -1."""
        code = self.code
        offset = code.integer(code.entry(self.table, r))
        outside = code.put(f"zext i1 {code.put(f'icmp slt i64 {offset}, 0')} to i64")
        code.do_when(outside, lambda: self._zeros(target, self.p.row_vectors))
        code.do_when(code.subtract(1, outside), lambda: self._copy(target, code.at(plane, offset)))

    def _copy(self, target: str, source: str) -> None:
        """Copy a row, then the elements that stand in its padding."""
        code = self.code
        (self._whole if self.step == 1 else self._apart)(target, source)

        def element(n: str) -> None:
            entry = code.entry(self.border, n, 16)
            place, found = (code.integer(code.at(entry, 8 * field)) for field in range(2))
            code.store(code.scalar, code.load(code.scalar, code.at(source, found)), code.at(target, place))

        code.each(self.p.border_elements, element)

    def _zeros(self, target: str, vectors: str) -> None:
        code, size = self.code, self.code.lanes * self.code.itemsize
        code.each(vectors, lambda v: code.store(code.vector, "zeroinitializer", code.entry(target, v, size)))

    def _whole(self, target: str, source: str) -> None:
        code, p, size = self.code, self.p, self.code.lanes * self.code.itemsize
        into = code.at(target, p.zeros_before)

        def vector(offset: Value) -> None:
            code.store(code.vector, code.vector_at(code.at(source, offset)), code.at(into, offset))

        def element(n: str) -> None:
            value = code.load(code.scalar, code.entry(source, n, code.itemsize))
            code.store(code.scalar, value, code.entry(into, n, code.itemsize))

        self._zeros(target, p.vectors_before)
        code.each(p.copied_vectors, lambda v: vector(code.multiply(v, size)))
        code.do_when(p.copied_rest, lambda: vector(p.copied_last))  # overlaps what is copied already
        code.each(p.copied_elements, element)
        self._zeros(code.at(target, p.after), p.vectors_after)

    def _apart(self, target: str, source: str) -> None:
        """Copy what lies `step` apart to lie side by side, for each of the `step` phases."""
        code, size = self.code, self.code.itemsize
        self._zeros(target, self.p.row_vectors)

        def phase(number: str) -> None:
            entry = code.entry(self.phases, number, 24)
            first, place, count = (code.integer(code.at(entry, 8 * field)) for field in range(3))
            into, start = code.at(target, place), code.at(source, first)

            def one(j: Value) -> None:
                value = code.load(code.scalar, code.entry(start, j, size * self.step))
                code.store(code.scalar, value, code.entry(into, j, size))

            whole = "0"
            if self.step <= SHUFFLED:  # without the last element: vectors reach to the next one
                whole = code.put(f"sdiv i64 {code.subtract(count, 1)}, {code.lanes}")
                code.each(whole, lambda v: self._every(into, start, v))
            done = code.multiply(whole, code.lanes)
            code.each(code.subtract(count, done), lambda j: one(code.add(done, j)))

        code.each(self.step, phase)

    def _every(self, into: str, start: str, number: str) -> None:
        """Copy a vector of elements that lie `step` apart."""
        code, step = self.code, self.step
        size, wide = code.lanes * code.itemsize, f"<{code.lanes * step} x {code.scalar}>"
        found = code.load(wide, code.entry(start, number, size * step))
        value = code.pick(wide, found, "poison", range(0, code.lanes * step, step))
        code.store(code.vector, value, code.entry(into, number, size))
