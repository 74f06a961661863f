"""A convolution as one equation per axis, its gradients, its phases and its parts.

Input position i, tap k and output position o meet where ``up*i == stride*o + dilation*k - before``.
Nothing here knows arrays, dtypes or how the sum is computed.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import product
from math import gcd
from typing import Any

from mygrad.concurrency import once
from mygrad.convolution.arguments import (
    AxisArguments,
    arguments_of,
    check_shapes,
    check_transposed_shapes,
    transposed_of,
)
from mygrad.errors import InvalidConvolution

__all__ = ["FILTER", "FORWARD", "INPUT", "Axis", "ConvProblem", "Phase"]

FORWARD, INPUT, FILTER = "forward", "input gradient", "filter gradient"
"""The members of the family."""


Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: the coefficients of the equation, and the numbers of positions i, taps k and outputs o."""

    i: int
    k: int
    o: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    up: int = 1

    @property
    def pointwise(self) -> bool:
        """Whether every output meets just the input of its own position."""
        return self == Axis(self.i, 1, self.i, 1, self.dilation, 0, 1)

    def for_input(self) -> "Axis":
        """Solve for i: what o was to the input, i is to the output."""
        return Axis(self.o, self.k, self.i, self.up, -self.dilation, -self.before, self.stride)

    def for_filter(self) -> "Axis":
        """Solve for k: the outputs become the taps."""
        return Axis(self.i, self.o, self.k, self.dilation, self.stride, self.before, self.up)

    def flipped(self) -> "Axis":
        """Count the taps from the other end."""
        return replace(self, dilation=-self.dilation, before=self.before - self.dilation * (self.k - 1))

    def part(self, start: int, stop: int) -> "Axis":
        """Compute only the outputs from `start` to `stop`."""
        return replace(self, o=stop - start, before=self.before - self.stride * start)

    def phases(self) -> "list[tuple[slice, slice, Axis]]":
        """Split into axes with ``up == 1``: which outputs, which taps, and their equation.

        Output ``o = up*q + r`` meets only taps with ``dilation*k = before - stride*r`` modulo up; these
        are ``k = first + step*t``, and up divides out of the equation. Outputs that meet none are left out.
        """
        common = gcd(self.dilation, self.up)
        step = self.up // common
        found = []
        for r in self._meeting():
            rest = self.before - self.stride * r
            first = rest // common * pow(self.dilation // common, -1, step) % step if step > 1 else 0
            taps = len(range(first, self.k, step))
            if taps:
                before = (rest - self.dilation * first) // self.up
                outputs = len(range(r, self.o, self.up))
                axis = Axis(self.i, taps, outputs, self.stride, self.dilation // common, before)
                found.append((slice(r, None, self.up), slice(first, None, step), axis))
        return found

    def _meeting(self) -> list[int]:
        """Return the outputs below `up` that meet a tap: ``stride*r = before - dilation*k`` modulo up."""
        common = gcd(self.stride, self.up)
        period = self.up // common
        inverse = pow(self.stride // common, -1, period)
        rests = {(self.before - self.dilation * k) % self.up for k in range(min(self.k, self.up))}
        starts = {rest // common * inverse % period for rest in rests if rest % common == 0}
        return sorted(r for start in starts for r in range(start, min(self.up, self.o), period))

    def reach(self) -> tuple[int, int]:
        """Return the first input position that an output needs, and one past the last; ``up == 1``."""
        ends = [
            self.stride * o + self.dilation * k - self.before
            for o in (0, max(self.o - 1, 0))
            for k in (0, max(self.k - 1, 0))
        ]
        return min(ends), max(ends) + 1

    def met(self, outputs: Any) -> tuple[Any, Any]:
        """Return the first tap with which each output meets x, and one past the last; ``up == 1``."""
        low, high = self.before - self.stride * outputs, self.i - 1 + self.before - self.stride * outputs
        if self.dilation < 0:
            low, high = -high, -low
        step = abs(self.dilation)
        return (-(-low // step)).clip(0, self.k), (high // step + 1).clip(0, self.k)

    @property
    def outside(self) -> Pair:
        """Return how many positions before and after x are reached; ``up == 1``."""
        start, stop = self.reach()
        return max(-start, 0), max(stop - self.i, 0)


def _checked(border: str, axes: tuple[Axis, ...]) -> str:
    """Return the border, "zeros" where none is reached."""
    if border == "zeros" or not any(any(axis.outside) for axis in axes):
        return "zeros"
    for number, axis in enumerate(axes):
        if axis.i == 0 and any(axis.outside):
            raise InvalidConvolution(
                f"x has no elements along axis {number}, from which a border of mode {border!r} could be made"
            )
    return border


Phase = tuple[tuple[slice, ...], tuple[slice, ...], "ConvProblem"]


@dataclass(frozen=True)
class ConvProblem:
    """Which products go into which sum.

    x is (batch, groups * channels, i...), w is (groups * filters, channels, k...).

    Attributes
    ----------
    batch, groups, channels, filters : int
        Channels and filters are those of one group.
    axes : tuple of Axis
    border : str
        What stands where x is padded: "zeros", "reflect", "symmetric", "edge" or "wrap".

    Examples
    --------
    >>> from mygrad.convolution import ConvProblem
    >>> problem = ConvProblem.make((1, 3, 8, 8), (5, 3, 2, 2), stride=2)
    >>> problem.y_shape
    (1, 5, 4, 4)
    >>> problem.for_input().y_shape
    (1, 3, 8, 8)
    """

    batch: int
    groups: int
    channels: int
    filters: int
    axes: tuple[Axis, ...]
    border: str = "zeros"

    def __hash__(self) -> int:  # a problem is looked up in tables again and again
        return self._hash

    def __reduce__(self) -> Any:  # without what was found out here
        return ConvProblem, tuple(getattr(self, field.name) for field in fields(self))

    @once
    def _hash(self) -> int:
        return hash((self.batch, self.groups, self.channels, self.filters, self.axes, self.border))

    @staticmethod
    def make(
        x_shape: tuple[int, ...],
        w_shape: tuple[int, ...],
        *,
        stride: Any,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        fit: str = "exact",
        border: str = "zeros",
    ) -> "ConvProblem":
        """Check the arguments of a convolution and return its problem.

        Parameters
        ----------
        x_shape, w_shape : tuple of int
            ``(N, groups * C, X0, ...)`` and ``(groups * F, C, W0, ...)``.
        stride, padding, dilation : int or sequence of int
            For all axes or one for each; an entry of `padding` may be a pair (before, after), and
            negative to crop, or a name: "valid", "same", "same_lower", "full" or "causal".
        groups : int
            Channels and filters fall into so many groups that do not see each other.
        fit : "exact" or "floor"
            Whether the last placement has to end where the padded data does.
        border : "zeros", "reflect", "symmetric", "edge" or "wrap"
            What stands where x is padded.

        Raises
        ------
        ValueError
            If the shapes do not go together.
        InvalidConvolution
            If a stride, padding or dilation cannot be, or the placements do not fit exactly.
        TypeError
            If one is not an integer.
        """
        check_shapes(x_shape, w_shape, groups)
        arguments = arguments_of(
            x_shape[2:], w_shape[2:], stride=stride, padding=padding, dilation=dilation, fit=fit
        )
        outputs = AxisArguments.outputs(arguments)
        axes = tuple(
            Axis(a.size, a.taps, o, a.stride, a.dilation, a.padding[0])
            for a, o in zip(arguments, outputs, strict=True)
        )
        border = _checked(border, axes)
        return _kept(ConvProblem(x_shape[0], groups, w_shape[1], w_shape[0] // groups, axes, border))

    @staticmethod
    def make_transposed(
        g_shape: tuple[int, ...],
        w_shape: tuple[int, ...],
        *,
        stride: Any,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        border: str = "zeros",
    ) -> "ConvProblem":
        """Return the problem whose `input_gradient` is a transposed convolution of `g` with `w`.

        Arguments are as those of `make`, for a convolution that takes what this one returns to `g`.
        Sizes rounded down to one of `g` differ by less than a stride: `output_padding` chooses.
        """
        check_transposed_shapes(g_shape, w_shape, groups)
        arguments = transposed_of(
            g_shape[2:],
            w_shape[2:],
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
        )
        axes = tuple(
            Axis(a.size, a.taps, o, a.stride, a.dilation, a.padding[0])
            for a, o in zip(arguments, g_shape[2:], strict=True)
        )
        border = _checked(border, axes)
        return _kept(ConvProblem(g_shape[0], groups, w_shape[1], w_shape[0] // groups, axes, border))

    @once
    def x_shape(self) -> tuple[int, ...]:
        return (self.batch, self.groups * self.channels, *(axis.i for axis in self.axes))

    @once
    def w_shape(self) -> tuple[int, ...]:
        return (self.groups * self.filters, self.channels, *(axis.k for axis in self.axes))

    @once
    def y_shape(self) -> tuple[int, ...]:
        return (self.batch, self.groups * self.filters, *(axis.o for axis in self.axes))

    @once
    def empty(self) -> bool:
        """Whether the data, the filters or the outputs have no elements."""
        return 0 in (*self.x_shape, *self.w_shape, *self.y_shape)

    @once
    def shapes(self) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
        """The shapes of the two arrays of each member of the family, and of its result."""
        x, w, y = self.x_shape, self.w_shape, self.y_shape
        return {FORWARD: (x, w, y), INPUT: (y, w, x), FILTER: (x, y, w)}

    @once
    def most_stride(self) -> int:
        return max(axis.stride for axis in self.axes)

    @once
    def plans(self) -> dict[Any, Any]:
        """What was found out about this problem: a lookup that needs no hash of the whole of it."""
        return {}

    @once
    def products(self) -> int:
        """Return the number of multiplications of the defining sum, those with padding included."""
        count = self.batch * self.groups * self.channels * self.filters
        for axis in self.axes:
            count *= axis.k * axis.o
        return count

    @once
    def continued(self) -> "tuple[tuple[Pair, ...], ConvProblem]":
        """Return the elements put before and after each axis of x, and the problem of what is then longer."""
        axes, widths = [], [(0, 0), (0, 0)]
        for axis in self.axes:
            before, after = axis.outside
            widths.append((before, after))
            axes.append(replace(axis, i=before + axis.i + after, before=axis.before - before))
        return tuple(widths), replace(self, axes=tuple(axes), border="zeros")

    def for_input(self) -> "ConvProblem":
        """Return the problem whose output is the gradient of x: it takes g and w with swapped channels.

        What borders other than zeros add to it is left out.
        """
        axes = tuple(axis.for_input() for axis in self.axes)
        return replace(self, channels=self.filters, filters=self.channels, axes=axes, border="zeros")

    def for_filter(self) -> "ConvProblem":
        """Return the problem whose output is the gradient of w: samples are summed as channels were."""
        axes = tuple(axis.for_filter() for axis in self.axes)
        return replace(self, batch=self.channels, channels=self.batch, axes=axes)

    def part(self, ranges: tuple[tuple[int, int], ...]) -> "ConvProblem":
        """Return the problem of the outputs in one range (start, stop) per axis."""
        axes = tuple(axis.part(*each) for axis, each in zip(self.axes, ranges, strict=True))
        return replace(self, axes=axes)

    def merged(self) -> "ConvProblem":
        """Join neighbouring axes that are not convolved, so that contiguous data are the same in memory."""
        axes: list[Axis] = []
        for axis in self.axes:
            if axes and axes[-1].pointwise and axis.pointwise:
                size = axes[-1].i * axis.i
                axes[-1] = Axis(size, 1, size)
            else:
                axes.append(axis)
        return replace(self, axes=tuple(axes))

    def phases(self) -> list[Phase]:
        """Split into problems with ``up == 1``: which outputs, which taps, and their problem."""
        found = []
        for parts in product(*(axis.phases() for axis in self.axes)):
            outputs, taps, axes = zip(*parts, strict=True)
            found.append((outputs, taps, replace(self, axes=axes)))
        return found


@lru_cache(maxsize=1024)
def _kept(problem: ConvProblem) -> ConvProblem:
    """Return the equal problem that was made before, if there is one: it has its plans."""
    return problem
