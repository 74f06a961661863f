"""The register tile of a product of matrices, of which one is read panel by panel, as LLVM IR.

``sum[row, column] += a[row, k] * panel[k, column]``: a panel is as wide as the tile, so it is read in order;
`a` is read where it lies, or packed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Code, Value, Values, Vectors

__all__ = ["AT_ONCE", "PanelTile", "Product"]

IN_GROUP = 3  # rows of `a` that one address serves, at distances that instructions have
AT_ONCE = 4  # products of a turn: fewer instructions besides


@dataclass(frozen=True)
class PanelTile(Vectors):
    """sums[rows][vectors] of `lanes` columns; what is in `a` is broadcast."""

    vectors: int
    rows: int

    @property
    def line(self) -> int:
        """Bytes of a row of a panel."""
        return self.vectors * self.vector_bytes

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes

    @property
    def sums(self) -> int:
        return self.rows * self.vectors

    @property
    def bytes(self) -> int:
        return self.sums * self.vector_bytes


AnyTile = TypeVar("AnyTile", bound=PanelTile)


class Product(Generic[AnyTile]):
    """Write the sums of a tile, and keep them from call to call."""

    tile: AnyTile
    code: Code
    p: Fields

    def __init__(self, tile: AnyTile, fields: tuple[str, ...]) -> None:
        self.tile, self.code = tile, tile.code()
        self.code.room("waiting", tile.bytes)
        self.code.room("last", tile.bytes)
        self.p = Fields(self.code, fields)

    def turns(
        self,
        start: Value,
        count: Value,
        sums: Values,
        step: Callable[[Value, int, Values], Values],
        at_once: int = AT_ONCE,
    ) -> Values:
        """Return the sums with `count` products added: ``step(k, number, sums)`` adds `number` from k on."""
        code = self.code
        if at_once > 1:
            whole, left = code.divide(count, at_once)
            first, several = start, code.multiply(whole, at_once)

            def turn(n: str, sums: Values) -> Values:
                return step(code.add(first, code.multiply(n, at_once)), at_once, sums)

            sums = code.loop(whole, turn, sums, code.vector)
            start, count = code.add(start, several), left
        return code.loop(count, lambda n, sums: step(code.add(start, n), 1, sums), sums, code.vector)

    def rows(self, a: str, distance: Value) -> Values:
        """Return where the rows of a tile are."""
        code, found = self.code, []
        group = self.tile.rows if isinstance(distance, int) else IN_GROUP
        for row in range(self.tile.rows):
            if row and row % group == 0:
                a = code.at(a, code.multiply(distance, group))
            found.append(code.at(a, code.multiply(distance, row % group)))
        return found

    def columns(self, line: str) -> Values:
        """Return a row of a panel."""
        code = self.code
        return [code.vector_at(code.at(line, v * code.vector_bytes)) for v in range(self.tile.vectors)]

    def products(self, rows: Values, columns: Values, sums: Values) -> Values:
        """Return the sums with those of one k added."""
        code, results = self.code, []
        for number, row in enumerate(rows):
            a = code.broadcast(row)
            results += [code.fma(a, x, sums[number * len(columns) + v]) for v, x in enumerate(columns)]
        return results

    def kept(
        self, sums: Values, number: Value, flags: tuple[Value, Value], finish: Callable[[Values], None]
    ) -> None:
        """Add what was kept under a number, if the first flag says so; if the second does, keep it again."""
        code, size = self.code, self.code.vector_bytes
        earlier, later = flags
        start = code.entry("%sums", number, self.tile.bytes)
        places = [code.at(start, n * size) for n in range(self.tile.sums)]

        def add(values: Values) -> Values:
            before = [code.vector_at(place, size) for place in places]
            return [code.sum(*each) for each in zip(before, values, strict=True)]

        sums = code.when(earlier, add, sums, code.vector)
        code.do_when(later, lambda: self.put(sums, start))
        code.do_when(code.subtract(1, later), lambda: finish(sums))

    def put(self, sums: Values, target: str) -> None:
        """Store all sums."""
        code, size = self.code, self.code.vector_bytes
        for number, value in enumerate(sums):
            code.store(code.vector, value, code.at(target, number * size), size)

    def put_rows(self, sums: Values, y: str, distance: Value) -> None:
        """Store all sums in rows of y that lie so far apart."""
        code, vectors = self.code, self.tile.vectors
        for row in range(self.tile.rows):
            target = code.at(y, code.multiply(distance, row))
            for v, value in enumerate(sums[row * vectors : (row + 1) * vectors]):
                code.store(code.vector, value, code.at(target, v * code.vector_bytes))
