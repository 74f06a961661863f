"""The copy of a part of x into the workspace, its border around it, as LLVM IR: the beginning of every block.

With stride s on the last axis, and tiles that read vectors of positions, a copied row is s rows, the
positions 0, s, 2s, ... first: what lies s apart in x then lies side by side.
"""

from collections.abc import Callable, Sequence

from mygrad.convolution.ir import Code, Value

__all__ = ["COPY_FIELDS", "Copying", "Fields"]

# Offsets and strides are in bytes, lengths in vectors or elements. Vectors may write past the end of what
# they fill: the rest is written later. `phases` is a table of (place in row, elements) of the elements
# 0, step, 2 step, ..., then of 1, 1 + step, ...; `border` one of (place in row, element of x).
COPY_FIELDS = (
    "source_offset", "source_channel", "source_rows", "copied_channels", "copied_rows",
    "row_pitch", "channel_pitch", "row_vectors", "vectors_before", "zeros_before", "copied_vectors",
    "copied_rest", "copied_last", "copied_elements", "after", "vectors_after", "phases",
    "border_elements", "border",
)  # fmt: skip
SHUFFLED = 4  # the largest stride that vectors of any width serve


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
        outside = code.flag("slt", offset, 0)
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

    def _zeros(self, target: str, vectors: Value) -> None:
        code, size = self.code, self.code.vector_bytes
        code.each(vectors, lambda v: code.store(code.vector, "zeroinitializer", code.entry(target, v, size)))

    def _whole(self, target: str, source: str) -> None:
        code, p, size = self.code, self.p, self.code.vector_bytes
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

    @property
    def _narrowest(self) -> int:
        """The fewest lanes of vectors that serve: of larger strides only powers of 2, and wide ones."""
        if self.step <= SHUFFLED:
            return 2
        return self.step if self.step.bit_count() == 1 else self.code.lanes + 1

    def _apart(self, target: str, source: str) -> None:
        """Copy what lies `step` apart to lie side by side, for each of the `step` phases."""
        code, p, size = self.code, self.p, self.code.itemsize
        padded = code.smaller(1, code.add(p.vectors_before, p.vectors_after))
        self._zeros(target, code.multiply(p.row_vectors, padded))
        entries = [code.at(self.phases, 16 * n) for n in range(self.step)]
        rows = [code.at(target, code.integer(entry)) for entry in entries]
        counts = [code.integer(code.at(entry, 8)) for entry in entries]

        def all_phases(first: Value, lanes: int) -> None:
            """Copy a vector of each phase, from elements that follow each other."""
            kind, start = f"<{lanes} x {code.scalar}>", code.entry(source, first, size * self.step)
            found = [code.load(kind, code.at(start, n * lanes * size)) for n in range(self.step)]
            for row, value in zip(rows, code.apart(found, lanes), strict=True):
                code.store(kind, value, code.entry(row, first, size))

        done = self._vectors(counts[-1], all_phases)
        for n, (row, count) in enumerate(zip(rows, counts, strict=True)):

            def one(index: str, row: str = row, start: str = code.at(source, n * size)) -> None:
                j = code.add(done, index)
                value = code.load(code.scalar, code.entry(start, j, size * self.step))
                code.store(code.scalar, value, code.entry(row, j, size))

            code.each(code.subtract(count, done), one)

    def _vectors(self, count: Value, body: Callable[[Value, int], None]) -> Value:
        """Call ``body(first, lanes)`` for whole vectors, then ever narrower ones; return where they end."""
        code, lanes = self.code, self.code.lanes
        done: Value = 0
        while lanes >= self._narrowest:
            whole = code.put(f"sdiv i64 {code.subtract(count, done)}, {lanes}")
            code.each(whole, lambda v, done=done, n=lanes: body(code.add(done, code.multiply(v, n)), n))
            done, lanes = code.add(done, code.multiply(whole, lanes)), lanes // 2
        return done
