"""Where the maximum of each window is: one comparison per tap, never a loop over positions."""

from itertools import product
from math import prod
from numbers import Integral
from typing import Any

import numpy as np

from mygrad.convolution.arguments import AxisArguments, per_axis
from mygrad.errors import InvalidConvolution

__all__ = ["max_positions"]

Array = np.ndarray[Any, Any]


def _checked_pool(pool: Any, dimensions: int) -> tuple[int, ...]:
    if not isinstance(pool, (tuple, list, np.ndarray)):
        raise InvalidConvolution(f"pool must be a tuple with a size for each pooled axis; got {pool!r}")
    for each in pool:
        if not isinstance(each, Integral) or isinstance(each, bool) or each <= 0:
            raise InvalidConvolution(f"pool must hold integers of at least 1; got {tuple(pool)}")
    if len(pool) > dimensions:
        raise InvalidConvolution(
            "The number of pooled dimensions cannot exceed the dimensionality of the data: "
            f"pool has {len(pool)} entries, x {dimensions} axes"
        )
    if not len(pool):
        raise InvalidConvolution("pool is empty; it needs a size for each pooled axis")
    return tuple(int(each) for each in pool)


def _checked_stride(stride: Any, count: int) -> list[int]:
    if isinstance(stride, bool):
        raise InvalidConvolution(f"stride must be an integer or a sequence of integers; got {stride!r}")
    return per_axis("stride", stride, count, 1)


def max_positions(x: Array, pool: Any, stride: Any) -> Array:
    """Return the flat position in `x` of the first maximum of each window over its last axes.

    Parameters
    ----------
    x : numpy.ndarray, shape (..., X0, ...)
        Any real dtype; nan counts as the maximum.
    pool : tuple of int
        The window's size along each of the last ``len(pool)`` axes.
    stride : int or tuple of int

    Returns
    -------
    numpy.ndarray of intp, shape (..., G0, ...)

    Raises
    ------
    InvalidConvolution
        If the windows do not fit.
    TypeError
        If a stride is not an integer.

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import max_positions
    >>> max_positions(np.array([3.0, 1.0, 2.0, 5.0]), (2,), 2)
    array([0, 3])
    """
    pool = _checked_pool(pool, x.ndim)
    lead, sizes = x.shape[: x.ndim - len(pool)], x.shape[x.ndim - len(pool) :]
    strides = _checked_stride(stride, len(pool))
    axes = [AxisArguments(n, k, s, (0, 0), 1) for n, k, s in zip(sizes, pool, strides, strict=True)]
    outputs = AxisArguments.outputs(axes)
    flat = np.arange(x.size, dtype=np.intp).reshape(x.shape)
    best = position = None
    for taps in product(*(range(k) for k in pool)):
        window = (
            ...,
            *(slice(k, k + s * (o - 1) + 1, s) for k, s, o in zip(taps, strides, outputs, strict=True)),
        )
        if best is None or position is None:
            best, position = x[window].copy(), flat[window].copy()
        else:
            _keep_larger(best, position, x[window], flat[window])
    assert position is not None
    return position.reshape(*lead, *outputs) if prod(position.shape) else position


def _keep_larger(best: Array, position: Array, value: Array, where: Array) -> None:
    """Replace the elements of `best` that `value` beats; a nan beats everything but another nan."""
    larger = value > best
    if value.dtype.kind == "f":
        larger |= np.isnan(value) & ~np.isnan(best)
    np.copyto(best, value, where=larger)
    np.copyto(position, where, where=larger)
