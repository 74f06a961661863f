"""Planes of neighbouring groups, turned so that a vector holds one position of each, as LLVM IR.

array[group][position] and work[position][group] are transposed a square of vectors at a time: what follows
then knows neither rows nor strides, and every vector of it is whole.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.ir import Callee, Code, Value, Vectors
from mygrad.convolution.jit import emits
from mygrad.convolution.transposition import transposed

__all__ = ["TURN_FIELDS", "Bring", "PutBack", "Turned", "turn"]

# Tables: `lanes` is the offset of each lane in the array, `planes` (offset in the array, place in the
# workspace), `squares` (offset in the array, the places of as many positions as there are lanes), `singles`
# (offset, place) of single positions, `zeros` the places that the array does not fill.
TURN_FIELDS = (
    "offset", "lanes", "planes", "plane_count", "squares", "square_count", "singles", "single_count",
    "zeros", "zero_count",
)  # fmt: skip


class Turn:
    """Write what exchanges planes of an array and of the workspace, in one direction."""

    code: Code
    bring: bool
    size: int
    p: Fields
    lanes: str
    planes: str
    squares: str
    singles: str
    zeros: str
    array: str

    def __init__(self, kind: "Turning") -> None:
        self.code = code = kind.code()
        self.bring, self.size = isinstance(kind, Bring), kind.vector_bytes
        self.p = p = Fields(code, TURN_FIELDS)
        self.lanes, self.planes, self.squares, self.singles, self.zeros = (
            p.address(code, name) for name in ("lanes", "planes", "squares", "singles", "zeros")
        )
        self.array = code.at("%array", p.offset)
        code.each(p.plane_count, self._plane)

    def _plane(self, number: str) -> None:
        code, p = self.code, self.p
        entry = code.entry(self.planes, number, 16)
        plane = code.at(self.array, code.integer(entry))
        work = code.at("%work", code.integer(code.at(entry, 8)))
        code.each(p.zero_count, lambda n: self._zero(code.at(work, self._place(self.zeros, n))))
        code.each(p.square_count, lambda n: self._square(plane, work, n))
        code.each(p.single_count, lambda n: self._single(plane, work, n))

    def _place(self, table: str, number: Value) -> str:
        return self.code.offset(self.code.entry(table, number, 4))

    def _zero(self, place: str) -> None:
        self.code.store(self.code.vector, "zeroinitializer", place, self.size)

    def _rows(self, start: str) -> list[str]:
        """Return where each lane is in the array."""
        offsets = (self.code.integer(self.code.entry(self.lanes, lane)) for lane in range(self.code.lanes))
        return [self.code.at(start, offset) for offset in offsets]

    def _single(self, plane: str, work: str, number: str) -> None:
        """Exchange one position, element by element."""
        code = self.code
        entry = code.entry(self.singles, number, 16)
        rows = self._rows(code.at(plane, code.integer(entry)))
        place = code.at(work, code.integer(code.at(entry, 8)))
        for lane, row in enumerate(rows):
            element = code.at(place, lane * code.itemsize)
            source, target = (row, element) if self.bring else (element, row)
            code.store(code.scalar, code.load(code.scalar, source), target)

    def _square(self, plane: str, work: str, number: str) -> None:
        code, lanes = self.code, range(self.code.lanes)
        entry = code.entry(self.squares, number, 8 + 4 * code.lanes)
        start, places = code.at(plane, code.integer(entry)), code.at(entry, 8)
        here = self._rows(start), code.itemsize
        there = [code.at(work, self._place(places, lane)) for lane in lanes], self.size
        (sources, align), (targets, into) = (here, there) if self.bring else (there, here)
        values = transposed(code, [code.vector_at(source, align) for source in sources])
        for target, value in zip(targets, values, strict=True):
            code.store(code.vector, value, target, into)


@dataclass(frozen=True)
class Turning(Callee):
    """The kind of a function that exchanges planes, into the workspace or back."""

    pointers = "parameters array work"


@dataclass(frozen=True)
class Bring(Turning):
    """From an array to the workspace."""


@dataclass(frozen=True)
class PutBack(Turning):
    """From the workspace to an array."""


@emits(Bring)
@emits(PutBack)
def emit_turning(kind: Turning) -> str:
    """Return the module of a function."""
    return kind.module(Turn(kind).code)


@dataclass(frozen=True)
class Turned(Vectors):
    """What a kernel of turned planes is specialized on."""

    @property
    def callees(self) -> tuple[Callee, ...]:
        return Bring(self.itemsize, self.lanes), PutBack(self.itemsize, self.lanes)


def turn(code: Code, kind: type[Turning], place: int, array: str) -> None:
    """Call a function with the parameters that begin at `place` of those of the caller."""
    parameters = code.at("%parameters", 8 * place)
    kind(code.itemsize, code.lanes).call(code, (parameters, array, "%work"))
