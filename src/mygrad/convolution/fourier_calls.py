"""The calls of convolution by Fourier transforms: filters, then tiles of data, then their products.

Images of data have the lanes of a vector, two in each: what all channels of an image and a filter give, an
output has. Tables say where in the arrays they are; so a tile may be one of many of a row, or a channel.
"""

from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from mygrad.convolution.fft_passes import passes
from mygrad.convolution.fourier_kernels import (
    PRODUCT_FIELDS,
    REDUCTION_FIELDS,
    TRANSFORM_FIELDS,
    ProductsTile,
    ReductionsTile,
    TransformsTile,
)
from mygrad.convolution.group_layout import Kept
from mygrad.convolution.job import Plan
from mygrad.convolution.layout import apart, grid, table
from mygrad.convolution.schedule import cut

__all__ = ["Box", "Calls", "Images", "Products", "Reductions", "Shape"]

Array = np.ndarray[Any, Any]
NONE = np.zeros((0, 1), np.int64)
TASKS = 4  # of a thread at least, where images, channels and filters are enough


@dataclass(frozen=True)
class Shape:
    """How many points a transform has along each axis, and how many images, channels and filters there are.

    `block` filters are multiplied at a time.
    """

    sizes: tuple[int, ...]
    images: int
    channels: int
    filters: int
    block: int
    lanes: int
    itemsize: int

    @property
    def points(self) -> int:
        return prod(self.sizes)

    @property
    def complex_bytes(self) -> int:
        """The bytes of a vector of complex numbers."""
        return 2 * self.lanes * self.itemsize

    @property
    def image_bytes(self) -> int:
        """The bytes of a vector of images: they begin in all sets of a cache."""
        return apart(self.points * self.complex_bytes)

    @property
    def pairs(self) -> int:
        """How many vectors of pairs of images there are."""
        return ceil(self.images / (2 * self.lanes))

    @property
    def blocks(self) -> int:
        return ceil(self.filters / self.block)

    @property
    def vectors(self) -> int:
        """How many vectors the filters of all channels take."""
        return ceil(self.blocks * self.block * self.channels / self.lanes)

    def pitch(self, vectors: int) -> int:
        """The bytes from one frequency of so many vectors to the next."""
        return self.complex_bytes if vectors == 1 else apart(vectors * self.complex_bytes)

    @property
    def filter_bytes(self) -> int:
        return self.points * self.pitch(self.vectors)

    @property
    def pair_bytes(self) -> int:
        """The bytes of all channels of a vector of pairs."""
        return self.points * self.pitch(self.channels)

    @property
    def data_bytes(self) -> int:
        return self.pairs * self.pair_bytes


@dataclass(frozen=True)
class Box:
    """The part of an image that an array has: the distances there, and the `positions` along each axis."""

    steps: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Images:
    """Where images begin in an array: ``rows[n] + columns[m]``, in bytes."""

    rows: Array
    columns: Array


class Calls:
    """Three plans: of filters, of data, and of their products."""

    shape: Shape
    workers: int
    keep: Kept
    there: dict[str, int]
    back: dict[str, int]
    filters: Plan
    data: Plan
    products: Plan

    def __init__(self, shape: Shape, workers: int) -> None:
        self.shape, self.workers, self.keep = shape, workers, Kept()
        self.kept: list[Any] = [self.keep.tables]
        self.there, self.back = (self._passes(inverse=inverse) for inverse in (False, True))

    def plan(self, tile: Any, tasks: list[Array], images: int = 1) -> Plan:
        """Return a plan whose tasks have room for so many images."""
        return Plan(tile, NONE, tasks, 0, 0, images * self.shape.image_bytes, self.workers, self.kept)

    def _passes(self, *, inverse: bool) -> dict[str, int]:
        shape = self.shape
        made = passes(shape.sizes, shape.lanes, shape.itemsize, inverse=inverse)
        self.kept.append(made)
        stages = {"stages": self.keep(made.stages), "stage_count": len(made.stages)}
        return {"passes": self.keep(made.rows)} | stages

    def transforms(self, x: Images, box: Box, shape: Shape, *, once: bool = False) -> Plan:
        """Return the plan of data: a task is some channels of a vector of pairs.

        Lanes without an image have the last one again, or zeros if every image is to be there `once`.
        """
        fields = self.box(box) | self.there
        fields |= {"pitch": shape.pitch(shape.channels), "points": shape.points}
        found = []
        for (number, lanes), (a, b) in product(enumerate(self.lanes(x.rows)), self.pieces(shape.channels)):
            own = {"images": b - a, "offsets": self.keep(x.columns[a:b])}
            own["counts"] = self._counts(number) if once else 0
            target = number * shape.pair_bytes + a * shape.complex_bytes
            found.append(table([fields | lanes | own | {"target": target}], TRANSFORM_FIELDS))
        return self.plan(TransformsTile(shape.itemsize, shape.lanes), found)

    def _counts(self, pair: int) -> int:
        """Keep how many lanes of a vector of pairs have images, unless all have."""
        lanes, left = self.shape.lanes, self.shape.images - 2 * self.shape.lanes * pair
        return 0 if left >= 2 * lanes else self.keep(np.clip([left, left - lanes], 0, lanes))

    def scale(self) -> int:
        """Keep what sums are multiplied by."""
        value = np.array([1 / self.shape.points], f"f{self.shape.itemsize}")
        return self.keep(value, value.dtype)

    def pieces(self, count: int) -> list[tuple[int, int]]:
        """Cut channels or blocks so that all threads have something to do."""
        return cut(count, ceil(TASKS * self.workers / self.shape.pairs) if self.workers > 1 else 1)

    def lanes(self, offsets: Array) -> list[dict[str, int]]:
        """Return the tables of the pairs of each vector; the last image stands in for those missing."""
        shape = self.shape
        numbers = np.minimum(np.arange(shape.pairs * 2 * shape.lanes), shape.images - 1)
        tables = offsets[numbers].reshape(shape.pairs, 2, shape.lanes)
        return [{"first": self.keep(first), "second": self.keep(second)} for first, second in tables]

    def box(self, box: Box) -> dict[str, int]:
        """Return how a box is turned: squares of vectors, single elements of rows that are shorter."""
        size, lanes = self.shape.itemsize, self.shape.lanes
        pitches = [self.shape.complex_bytes * prod(self.shape.sizes[n + 1 :]) for n in range(len(box.steps))]
        *outer, last = (np.array(each) * pitch for each, pitch in zip(box.positions, pitches, strict=True))
        rows = grid(*(np.arange(len(each)) * step for each, step in zip(outer, box.steps, strict=False)))
        places, count = grid(*outer), len(last)
        starts = np.minimum(np.arange(0, count, lanes), count - lanes) if count >= lanes else np.arange(0)
        squares = np.zeros((len(rows), len(starts)), [("start", np.int64), ("places", np.int32, (lanes,))])
        squares["start"] = rows[:, None] + starts * size
        squares["places"] = places[:, None, None] + last[starts[:, None] + np.arange(lanes)]
        alone = np.arange(0 if len(starts) else count)
        singles = np.stack([grid(rows, alone * size), grid(places, last[alone])], axis=1)
        filled = tuple(map(len, box.positions)) == self.shape.sizes
        return {
            "clear": 0 if filled else self.shape.points * self.shape.complex_bytes,
            "squares": self.keep(squares, squares.dtype),
            "square_count": squares.size,
            "singles": self.keep(singles),
            "single_count": len(singles),
        }


class Products(Calls):
    """Filters (filter, channel), data (image, channel) and results (image, filter)."""

    filters: Plan
    data: Plan
    products: Plan

    def __init__(
        self, shape: Shape, places: tuple[Images, Images, Images], boxes: tuple[Box, Box, Box], workers: int
    ) -> None:
        super().__init__(shape, workers)
        (w, x, y), (w_box, x_box, y_box) = places, boxes
        self.filters, self.data = self._filters(w, w_box), self.transforms(x, x_box, shape)
        self.products = self._products(y, y_box)

    def _filters(self, w: Images, box: Box) -> Plan:
        """Return the plan of filters, which are numbered (block, channel, filter of a block)."""
        shape, fields = self.shape, self.box(box) | self.there
        whole = shape.vectors * shape.lanes
        block, channel, f = np.unravel_index(np.arange(whole), (whole, shape.channels, shape.block))
        f = np.minimum(block * shape.block + f, shape.filters - 1)
        lanes = (w.rows[f] + w.columns[channel]).reshape(shape.vectors, shape.lanes)
        fields |= {
            "second": 0,
            "counts": 0,
            "clear": shape.points * shape.complex_bytes,
        }  # no imaginary parts
        fields |= {"pitch": shape.pitch(shape.vectors)}
        fields |= {"points": shape.points, "images": 1, "offsets": self.keep(np.zeros(1))}
        rows = ({"first": self.keep(row), "target": n * shape.complex_bytes} for n, row in enumerate(lanes))
        tasks = [table([fields | row], TRANSFORM_FIELDS) for row in rows]
        return self.plan(TransformsTile(shape.itemsize, shape.lanes), tasks)

    def _products(self, y: Images, box: Box) -> Plan:
        """Return the plan of products: a task is some blocks of filters for a vector of pairs."""
        shape = self.shape
        fields = self.box(box) | self.back
        fields |= {
            "channels": shape.channels,
            "x_pitch": shape.pitch(shape.channels),
            "points": shape.points,
            "w_pitch": shape.pitch(shape.vectors),
            "filters": shape.filters,
            "scale": self.scale(),
            "y_filters": self.keep(y.columns),
            "room": shape.image_bytes,
        }
        found = []
        for (number, lanes), (a, b) in product(enumerate(self.lanes(y.rows)), self.pieces(shape.blocks)):
            own = {"x_offset": number * shape.pair_bytes, "first_block": a, "blocks": b - a}
            found.append(table([fields | lanes | own], PRODUCT_FIELDS))
        return self.plan(ProductsTile(shape.itemsize, shape.lanes, shape.block), found, shape.block)


class Reductions(Calls):
    """Gradients (image, filter), data (image, channel) and results (filter, channel), summed over images.

    What lanes give that no plane has goes to `nowhere`, an offset in the array of results.
    """

    filters: Plan
    data: Plan
    products: Plan

    def __init__(
        self,
        shape: Shape,
        places: tuple[Images, Images, Images],
        boxes: tuple[Box, Box, Box],
        nowhere: int,
        workers: int,
    ) -> None:
        super().__init__(shape, workers)
        (g, x, y), (g_box, x_box, y_box) = places, boxes
        gradients = replace(shape, channels=shape.filters)
        self.filters = self.transforms(g, g_box, gradients, once=True)
        self.data = self.transforms(x, x_box, shape)
        tasks = self._tasks(gradients, y, self.box(y_box) | self.back, nowhere)
        self.products = self.plan(ReductionsTile(shape.itemsize, shape.lanes), tasks)

    def _tasks(self, gradients: Shape, y: Images, fields: dict[str, int], nowhere: int) -> list[Array]:
        shape = self.shape
        fields |= {"clear": shape.points * shape.complex_bytes, "points": shape.points, "pairs": shape.pairs}
        fields |= {"x_pair": shape.pair_bytes, "x_pitch": shape.pitch(shape.channels), "scale": self.scale()}
        fields |= {"g_pair": gradients.pair_bytes, "g_pitch": gradients.pitch(gradients.channels)}
        filters, channels = np.divmod(np.arange(shape.filters * shape.channels), shape.channels)
        found = []
        for first in range(0, len(filters), shape.lanes):
            f, c = filters[first : first + shape.lanes], channels[first : first + shape.lanes]
            lanes = np.full(shape.lanes, nowhere)
            lanes[: len(f)] = y.rows[f] + y.columns[c]
            own = {
                "x_planes": self.keep(c * shape.complex_bytes),
                "g_planes": self.keep(f * shape.complex_bytes),
            }
            own |= {"planes": len(f), "first": self.keep(lanes)}
            found.append(table([fields | own], REDUCTION_FIELDS))
        return found
