"""What each window of a pooling sees: tables that depend on sizes only, kept for each geometry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mygrad.concurrency import once
from mygrad.convolution.arguments import AxisArguments

__all__ = ["Span", "Windows", "adaptive_windows", "regular_windows"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
ROW = 2048  # elements of a row in the workspace: it stays in the nearest cache


@dataclass(frozen=True)
class Span:
    """Windows along one axis: output o sees ``start[o] + step * (0 ... taps[o] - 1)``, where there is data.

    Regular windows have a `stride` and one number of taps; others, as those of adaptive pooling, have
    ``stride = 0`` and step 1.
    """

    size: int
    starts: Sequence[int]
    taps: int | tuple[int, ...]
    stride: int = 0
    step: int = 1

    @property
    def outputs(self) -> int:
        return len(self.starts)

    def reach(self) -> tuple[Array, Array]:
        """Return the positions that each output sees, shape (outputs, taps), and which of them exist."""
        taps = np.broadcast_to(self.taps, self.outputs)[:, None]
        number = np.arange(taps.max(initial=0))
        position = np.asarray(self.starts)[:, None] + self.step * number
        return position, (number < taps) & (position >= 0) & (position < self.size)

    def covers(self) -> bool:
        """Tell whether the first output sees all elements."""
        taps = self.taps if isinstance(self.taps, int) else self.taps[0]
        return self.step == 1 and self.starts[0] <= 0 and self.starts[0] + taps >= self.size

    def segments(self) -> Array:
        """Return the parts of a row of outputs, each as many as a row in the workspace feeds."""
        first, count, taps = self._chunks()
        begin = np.array([self.starts[o] for o in first.tolist()])
        length = (count - 1) * self.stride + (taps - 1) * self.step + 1
        left = np.clip(-begin, 0, length)
        inside = np.clip(np.minimum(begin + length, self.size) - np.maximum(begin, 0), 0, None)
        start = np.maximum(begin, 0)
        return np.stack([first, count, left, start, inside, length - left - inside, taps], axis=1)

    def _chunks(self) -> tuple[Array, Array, Array]:
        if not self.stride:
            first = np.arange(self.outputs)
            return first, np.ones_like(first), np.asarray(self.taps)
        most = max(64, ROW // self.stride)
        first = np.arange(0, self.outputs, most)
        return first, np.minimum(most, self.outputs - first), np.full_like(first, self.taps)


class Windows:
    """What the windows over the last axes see, as the kernels want it."""

    spans: "tuple[Span, ...]"
    sizes: tuple[int, ...]
    outputs: tuple[int, ...]
    plane: int
    positions: int

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = tuple(spans)
        self.sizes = tuple(span.size for span in spans)
        self.outputs = tuple(span.outputs for span in spans)
        self.plane, self.positions = prod(self.sizes), prod(self.outputs)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[: len(shape) - len(self.spans)], *self.outputs)

    def input_shape(self, shape: Shape) -> Shape:
        return (*shape[: len(shape) - len(self.spans)], *self.sizes)

    @once
    def whole(self) -> bool:
        """Whether there is one window, which sees everything."""
        return self.positions == 1 and all(span.covers() for span in self.spans)

    @once
    def offsets(self) -> tuple[Array, Array]:
        """Return for each row of outputs (first, count), and the offsets of the rows of x that these are."""
        offset, exists = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
        for span in self.spans[:-1]:
            position, inside = span.reach()
            shape = (len(offset) * span.outputs, -1)
            offset = (offset[:, None, :, None] * span.size + position[:, None, :]).reshape(shape)
            exists = (exists[:, None, :, None] & inside[:, None, :]).reshape(shape)
        count = exists.sum(axis=1)
        table = np.stack([np.cumsum(count) - count, count], axis=1)
        return np.ascontiguousarray(table), offset[exists] * self.sizes[-1]

    @once
    def segments(self) -> Array:
        return np.ascontiguousarray(self.spans[-1].segments())

    @once
    def row(self) -> int:
        """The elements of the longest row in the workspace."""
        return int(self.segments[:, [2, 4, 5]].sum(axis=1).max())

    def table_fields(self) -> dict[str, int]:
        """Return what a kernel is told about its rows and segments."""
        table, offsets = self.offsets
        return {
            "rows": len(table),
            "row_table": table.ctypes.data,
            "offsets": offsets.ctypes.data,
            "columns": self.outputs[-1],
            "segments": len(self.segments),
            "segment_table": self.segments.ctypes.data,
        }

    def taps(self) -> Iterator[tuple[Any, Any]]:
        """Yield, for each tap of all windows in row-major order, indices of outputs and of what they see."""
        reaches = [span.reach() for span in self.spans]
        for tap in product(*(range(position.shape[1]) for position, _ in reaches)):
            outputs = [np.nonzero(inside[:, k])[0] for (_, inside), k in zip(reaches, tap, strict=True)]
            inputs = [position[o, k] for (position, _), o, k in zip(reaches, outputs, tap, strict=True)]
            yield (..., *np.ix_(*outputs)), (..., *np.ix_(*inputs))


@lru_cache(maxsize=256)
def regular_windows(axes: tuple[AxisArguments, ...]) -> Windows:
    """Return the windows of regular pooling."""
    spans = []
    for a in axes:
        starts = range(-a.padding[0], a.room - a.padding[0] + 1, a.stride)
        spans.append(Span(a.size, starts, a.taps, a.stride, a.dilation))
    return Windows(spans)


@lru_cache(maxsize=256)
def adaptive_windows(sizes: Shape, outputs: Shape) -> Windows:
    """Return windows that divide each axis nearly equally; neighbours may share an element."""
    return Windows([_divided(size, count) for size, count in zip(sizes, outputs, strict=True)])


def _divided(size: int, outputs: int) -> Span:
    if size % outputs == 0:
        taps = size // outputs
        return Span(size, range(0, size, taps), taps, taps)
    starts = [o * size // outputs for o in range(outputs)]
    stops = [-(-(o + 1) * size // outputs) for o in range(outputs)]
    return Span(size, tuple(starts), tuple(b - a for a, b in zip(starts, stops, strict=True)))
