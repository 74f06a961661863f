"""Where the planes of neighbouring groups lie once they are turned: tables of places in the workspace.

work[n][channel][positions...][lane], zeros around it where there is padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mygrad.convolution.layout import Strides, grid
from mygrad.convolution.schedule import Range

__all__ = ["Kept", "Turned", "lane_tables", "run"]

Array = np.ndarray[Any, Any]
SINGLE = 4  # times as long as a vector of a square takes a single position


class Kept:
    """Tables that calls point to: they must live as long as the calls do."""

    def __init__(self) -> None:
        self.tables: dict[Any, Array] = {}

    def __call__(self, values: Array, dtype: Any = np.int64) -> int:
        """Keep a table, once, and return its address."""
        values = np.ascontiguousarray(values, dtype)
        return self.tables.setdefault((str(dtype), values.tobytes()), values).ctypes.data


@dataclass(frozen=True)
class Turned:
    """Planes of an array in the workspace.

    `spans` are the positions of a plane, which may reach beyond the `sizes` of the array: there are zeros.
    `width` is the vectors that a row takes, `samples` and `channels` (or filters) how many planes there are.
    """

    sizes: tuple[int, ...]
    strides: Strides
    spans: tuple[Range, ...]
    width: int
    samples: int
    channels: int
    lanes: int
    itemsize: int
    beyond: int = 0
    """Bytes after the last plane that may be read."""

    @property
    def vector_bytes(self) -> int:
        return self.lanes * self.itemsize

    @property
    def pitches(self) -> tuple[int, ...]:
        """The distances along each axis, in bytes."""
        pitches = [self.vector_bytes, self.width * self.vector_bytes]
        for start, stop in self.spans[-2:0:-1]:
            pitches.append(pitches[-1] * (stop - start))
        return tuple(reversed(pitches[: len(self.spans)]))

    @property
    def plane(self) -> int:
        """The bytes of a plane and of a vector that takes what nothing needs."""
        (start, stop), *_ = self.spans
        whole = self.width * self.vector_bytes if len(self.spans) == 1 else self.pitches[0] * (stop - start)
        return whole + self.vector_bytes

    @property
    def sample(self) -> int:
        return self.plane * self.channels

    @property
    def bytes(self) -> int:
        return self.sample * self.samples

    def places(self, *positions: Sequence[int] | Array) -> Array:
        """Return the places in a plane of a grid of positions of the array, -1 for those outside of it."""
        steps = list(zip(positions, self.spans, self.pitches, strict=True))
        places = grid(*((np.asarray(p) - span[0]) * pitch for p, span, pitch in steps))
        outside = grid(*((np.asarray(p) < span[0]) | (np.asarray(p) >= span[1]) for p, span, _ in steps))
        return np.where(outside > 0, -1, places)

    def fields(self, keep: Kept, first: int, unmet: Array | None = None) -> dict[str, int]:
        """Return how to turn the planes of the first samples and groups, to `first` in the workspace.

        `unmet` tells which positions of the spans are zeros though the array has them.
        """
        zeros, start = self._zeros(unmet), self._rows()[0] * prod(self.sizes[1:]) * self.itemsize
        planes = grid(np.arange(self.samples) * self.strides[0], np.arange(self.channels) * self.strides[2])
        places = first + np.arange(len(planes)) * self.plane
        return {
            "planes": keep(np.stack([planes, places], axis=1)),
            "plane_count": len(planes),
            "zeros": keep(zeros, np.int32),
            "zero_count": len(zeros),
            **run(keep, self._run(), self.lanes, self.itemsize, start),
        }

    def _run(self) -> Array:
        """Return the places of what the block has of the first axis and of all of the others."""
        places = self.places(np.arange(*self._rows()), *(np.arange(size) for size in self.sizes[1:]))
        places[places < 0] = self.plane - self.vector_bytes
        return places

    def _rows(self) -> Range:
        """Return what is needed of the first axis of the array."""
        (start, stop), *_ = self.spans
        start = max(start, 0)
        return start, max(start, min(stop, self.sizes[0]))

    def _zeros(self, unmet: Array | None) -> Array:
        positions = [np.arange(*span) for span in self.spans]
        outside = grid(*((p < 0) | (p >= size) for p, size in zip(positions, self.sizes, strict=True))) > 0
        return self.places(*positions)[outside if unmet is None else outside | unmet]


def run(keep: Kept, places: Array, lanes: int, itemsize: int, start: int = 0) -> dict[str, int]:
    """Return how to turn neighbours in an array, from the offset `start` on, that have these places.

    Squares of vectors; what is left is a square that begins earlier, or single positions if they are few.
    """
    whole, rest = divmod(len(places), lanes)
    starts = np.arange(whole) * lanes
    if whole and rest * SINGLE > lanes:
        starts, rest = np.append(starts, len(places) - lanes), 0
    squares = np.zeros(len(starts), [("start", np.int64), ("places", np.int32, (lanes,))])
    squares["start"] = start + starts * itemsize
    squares["places"] = places[starts[:, None] + np.arange(lanes)]
    numbers = np.arange(len(places) - rest, len(places))
    singles = np.stack([start + numbers * itemsize, places[numbers]], axis=1)
    return {
        "squares": keep(squares, squares.dtype),
        "square_count": len(squares),
        "singles": keep(singles),
        "single_count": len(singles),
    }


def lane_tables(keep: Kept, groups: int, lanes: int, *steps: int) -> list[list[tuple[int, int]]]:
    """Return, for each step between groups, the offset and the table of lanes of every vector of groups.

    The last vector has the last group as often as makes it whole.
    """
    starts, numbers = range(0, groups, lanes), np.arange(lanes)
    return [
        [(first * step, keep(np.minimum(numbers, groups - 1 - first) * step)) for first in starts]
        for step in steps
    ]
