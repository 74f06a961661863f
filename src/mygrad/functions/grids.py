"""Evenly spaced numbers between tensors, and differences on grids."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import array_of, cast
from mygrad.autodiff.dtypes import has_gradient
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.shapes import concatenate, moveaxis, reshape
from mygrad.functions.statistics import diff

__all__ = ["gradient"]


def _ends(start: Any, stop: Any, *more: Any) -> tuple[Tensor, Tensor]:
    dtype = np.result_type(array_of(start), array_of(stop), 1.0, *more)
    start, stop = (cast.run((astensor(x),), {"dtype": dtype}) for x in (start, stop))
    return start, stop


def _shares(start: Tensor, stop: Tensor, num: int, endpoint: bool) -> Any:
    """Return how far from start to stop each point is, along an axis before those of the ends."""
    shares = np.arange(num) / max(num - 1 if endpoint else num, 1)
    return shares.reshape(-1, *(1,) * max(start.ndim, stop.ndim)).astype(start.real.dtype)


def _placed(made: Tensor, dtype: Any, axis: int) -> Tensor:
    made = moveaxis(made, 0, axis)
    return made if dtype is None else cast.run((made,), {"dtype": np.dtype(dtype)})


@composition(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """Return evenly spaced numbers between ends that may have gradients."""
    start, stop = _ends(start, stop)
    shares = _shares(start, stop, num, endpoint)
    made = _placed(start * (1 - shares) + stop * shares, dtype, axis)
    return (made, (stop - start) / (num - 1 if endpoint else num)) if retstep else made


@composition(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None,
    axis: int = 0,
) -> Tensor:  # fmt: skip
    """Return powers of `base`, whose exponents are evenly spaced between ends that may have gradients."""
    return _placed(base ** linspace(start, stop, num, endpoint), dtype, axis)


@composition(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """Return numbers in geometric progression between ends that may have gradients."""
    start, stop = _ends(start, stop, np.float64)  # as NumPy, whose result is never in single precision
    if not (np.all(start.data) and np.all(stop.data)):
        raise ValueError("Geometric sequence cannot include zero")
    return _placed(start * (stop / start) ** _shares(start, stop, num, endpoint), dtype, axis)


@composition(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the slopes along each axis: of parabolas through three neighbours, one-sided at the ends.

    `varargs` are the distances of neighbours, or the positions of the points, for all axes or for each.
    """
    f = astensor(f)
    f = f if has_gradient(f.dtype) else f * 1.0
    axes = range(f.ndim) if axis is None else np.atleast_1d(axis)
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 and len(axes) > 1 and np.ndim(varargs[0])):
        raise TypeError(
            f"gradient: give no spacing, one, or one for each of the {len(axes)} axes; got {len(varargs)}"
        )
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order is 1 or 2; got {edge_order}")
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    made = tuple(_slopes(f, h, int(i), edge_order) for i, h in zip(axes, spacings, strict=True))
    return made[0] if len(made) == 1 else made


def _slopes(f: Tensor, spacing: Any, axis: int, edge_order: int) -> Tensor:
    y, n = moveaxis(f, axis, 0), f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(
            f"Shape of array too small to calculate a numerical gradient: {n} elements along axis {axis}, at "
            f"least edge_order + 1 = {edge_order + 1} are required."
        )
    if np.ndim(spacing) == 0:
        h = spacing * np.ones((n - 1,) + (1,) * (y.ndim - 1), y.real.dtype)
        inner = (y[2:] - y[:-2]) / (2 * spacing)
    else:
        if np.shape(spacing) != (n,):
            raise ValueError(
                f"gradient: the positions of the {n} points along axis {axis} have shape ({n},); got "
                f"{np.shape(spacing)}"
            )
        h = reshape(diff(spacing), (-1,) + (1,) * (y.ndim - 1))
        inner = _inner(y, h)
    first, last = (_edge(y, h, edge_order), _edge(y[::-1], -h[::-1], edge_order))
    return moveaxis(concatenate([first, inner, last], dtype=f.dtype), 0, axis)


def _inner(y: Tensor, h: Any) -> Tensor:
    before, after = h[:-1], h[1:]
    left, right = (y[1:-1] - y[:-2]) / before, (y[2:] - y[1:-1]) / after
    return (left * after + right * before) / (before + after)


def _edge(y: Tensor, h: Any, order: int) -> Tensor:
    """Return the slope at the first point: of a line through two points, or of a parabola through three."""
    line = (y[1:2] - y[:1]) / h[:1]
    if order == 1:
        return line
    following = (y[2:3] - y[1:2]) / h[1:2]
    return line + (line - following) * h[:1] / (h[:1] + h[1:2])
