"""Squares of vectors transposed, as LLVM IR: rows become lanes."""

from dataclasses import dataclass

from mygrad.convolution.ir import Callee, Code, Value, Values
from mygrad.convolution.jit import emits

__all__ = ["Square", "transpose", "transposed"]


def transposed(code: Code, vectors: Values) -> Values:
    """Return the columns of a square of vectors, swapping ever smaller blocks.

    a0 a1      a0 b0
    b0 b1  ->  a1 b1
    """
    lanes, block = range(code.lanes), code.lanes // 2
    while block:
        swapped = list(vectors)
        for i in (i for i in lanes if not i & block):
            a, b = vectors[i], vectors[i + block]
            first = [code.lanes + lane - block if lane & block else lane for lane in lanes]
            second = [code.lanes + lane if lane & block else lane + block for lane in lanes]
            swapped[i], swapped[i + block] = code.shuffle(a, b, first), code.shuffle(a, b, second)
        vectors, block = swapped, block // 2
    return vectors


@dataclass(frozen=True)
class Square(Callee):
    """The kind of the function that transposes a square; `pitch` is the distance of two rows."""

    pointers = "target source"
    integers = "target_pitch source_pitch"


@emits(Square)
def emit_square(kind: Square) -> str:
    """Return the module of a square."""
    code = kind.code()
    rows = [code.at("%source", code.multiply("%source_pitch", lane)) for lane in range(code.lanes)]
    for lane, vector in enumerate(transposed(code, [code.vector_at(row) for row in rows])):
        code.store(code.vector, vector, code.at("%target", code.multiply("%target_pitch", lane)))
    return kind.module(code)


def transpose(code: Code, target: str, target_pitch: Value, source: str, source_pitch: Value) -> None:
    """Call it."""
    Square(code.itemsize, code.lanes).call(code, (target, source), (target_pitch, source_pitch))
