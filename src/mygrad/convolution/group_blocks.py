"""Some outputs of some samples: what the workspace has of x and y while one task computes them."""

from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any, Protocol

from mygrad.convolution.group_layout import SINGLE, Turned
from mygrad.convolution.layout import Strides
from mygrad.convolution.machine import Machine, this_machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import Range, cut

__all__ = ["Block", "Blocks", "again", "fastest"]

TOGETHER = 1 << 16  # bytes of the workspace for which samples are taken together
TURNED = 2.5  # cycles to turn a vector, and one more for each halving; of wide vectors
AGAIN = 2.5  # cycles to read a wide vector from the second cache
WIDE = 512  # bits
TASK = 300  # cycles to begin and end a call


class Columns(Protocol):
    """What a tile says of its vectors and of the columns that it computes at once."""

    @property
    def itemsize(self) -> int: ...
    @property
    def lanes(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def step(self) -> int: ...


@dataclass(frozen=True)
class Block:
    """The problem of some outputs of some samples, and how x and y lie in the workspace."""

    problem: ConvProblem
    x: Turned
    y: Turned

    @property
    def y_place(self) -> int:
        """Where y begins: columns of a tile beyond the last one read what follows x."""
        return self.x.bytes + self.x.beyond

    @property
    def bytes(self) -> int:
        return self.y_place + self.y.bytes


def _spans(problem: ConvProblem) -> tuple[Range, ...]:
    """Return the positions of x that all phases reach together."""
    found = []
    for axis in problem.axes:
        reached = [phase.reach() for _, _, phase in axis.phases()] or [(0, 1)]
        found.append((min(start for start, _ in reached), max(stop for _, stop in reached)))
    return tuple(found)


@dataclass(frozen=True)
class Blocks:
    """A problem, cut into blocks for a tile; arrays have strides of (batch, group, channel, positions...)."""

    problem: ConvProblem
    tile: Columns
    x: Strides
    y: Strides

    @property
    def vectors(self) -> int:
        """How many vectors the groups fill."""
        return ceil(self.problem.groups / self.tile.lanes)

    def block(self, samples: int, part: Range) -> Block:
        """Return the block of so many samples, and of `part` of the first axis of the outputs."""
        problem, tile = self.problem, self.tile
        first, *others = problem.axes
        inner = replace(problem, batch=samples, axes=(first.part(*part), *others))
        spans, last = _spans(inner), inner.axes[-1]
        outputs = ceil(ceil(last.o / last.up) / tile.columns) * tile.columns
        x_sizes, y_sizes = tuple(a.i for a in problem.axes), tuple(a.o for a in problem.axes)
        vector = tile.lanes, tile.itemsize
        wide, beyond = spans[-1][1] - spans[-1][0], tile.columns * tile.step * tile.lanes * tile.itemsize
        y_spans = part, *((0, axis.o) for axis in others)
        return Block(
            inner,
            Turned(x_sizes, self.x, spans, wide, samples, problem.channels, *vector, beyond),
            Turned(y_sizes, self.y, y_spans, outputs * last.up, samples, problem.filters, *vector),
        )

    @property
    def most(self) -> int:
        """Into how many parts the first axis may be cut."""
        return ceil(self.problem.axes[0].o / self.problem.axes[0].up)

    @property
    def least(self) -> int:
        """The bytes of the smallest block."""
        return self._size(self.most)

    def cuts(self, parts: int) -> tuple[list[Range], list[Range]]:
        """Return ranges of samples and of the first axis; with those of groups `parts` or more if can be.

        The first axis is cut into half as many only: neighbours turn some rows again.
        """
        first, count = self.problem.axes[0], 1
        while count < self.most and self._size(count) > this_machine().l2 // 2:
            count = min(self.most, 2 * count)
        alone = self.problem.batch * self.vectors
        count = min(self.most, max(count, ceil(parts / 2 / alone)))
        together = max(1, min(TOGETHER // self._size(count), alone * count // max(parts, 1)))
        rows = [(a * first.up, min(b * first.up, first.o)) for a, b in cut(self.most, count)]
        return cut(self.problem.batch, ceil(self.problem.batch / together)), rows

    @property
    def overlap(self) -> float:
        """The cycles in which positions are turned that several blocks need."""
        _, rows = self.cuts(1)
        spans = [self.block(1, part).x.spans[0] for part in rows]
        positions = prod(axis.i for axis in self.problem.axes[1:])
        repeated = (sum(stop - start for start, stop in spans) - (spans[-1][1] - spans[0][0])) * positions
        each = self.problem.batch * self.vectors * self.problem.channels
        return each * repeated * _turned(self.tile.lanes, this_machine())

    def _size(self, count: int) -> int:
        """Return the bytes of the first of `count` parts."""
        first = self.problem.axes[0]
        return self.block(1, (0, min(first.o, ceil(self.most / count) * first.up))).bytes


def fastest(
    problem: ConvProblem, itemsize: int, machine: Machine, tiles: Any, tile_cycles: Any
) -> tuple[float, Any]:
    """Return the cycles of the fastest tile, and that tile."""
    bits, found = machine.isa.bits, []
    while bits >= 128:
        lanes = bits // 8 // itemsize
        vectors, turned = ceil(problem.groups / lanes), _turning(problem, lanes, machine)
        found += [
            (vectors * (tile_cycles(problem, tile, machine) + turned), tile)
            for tile in tiles(problem, itemsize, lanes, machine.isa.registers)
        ]
        bits //= 2
    return min(found, key=lambda each: each[0])


def _turning(problem: ConvProblem, lanes: int, machine: Machine) -> float:
    """Predict the cycles in which planes of a vector of groups are turned, and those of calls."""
    x, y = (_vectors(prod(sizes), lanes) for sizes in (problem.x_shape[2:], problem.y_shape[2:]))
    vectors = problem.channels * x + problem.filters * y
    return problem.batch * (vectors * _turned(lanes, machine) + TASK)


def _turned(lanes: int, machine: Machine) -> float:
    """Predict the cycles in which a vector is turned."""
    return (TURNED + lanes.bit_length()) * _halves(machine)


def again(machine: Machine) -> float:
    """Predict the cycles in which a vector comes from the second cache."""
    return AGAIN * _halves(machine)


def _halves(machine: Machine) -> float:
    """Return how long narrow vectors take where wide ones take 1: those are two halves."""
    return max(0.5, machine.isa.bits / WIDE)


def _vectors(positions: int, lanes: int) -> float:
    """Return the vectors of squares; single positions take as long as several."""
    rest = positions % lanes
    return positions - rest + (min(lanes, SINGLE * rest) if positions > rest else SINGLE * rest)
