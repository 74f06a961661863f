"""Pooling over any number of axes: maxima, means and norms of windows."""

from math import prod
from typing import Any

import numpy as np

from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.convolution import pooling
from mygrad.functions.convolution import maxima, sums
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import absolute, divide, positive, power
from mygrad.functions.indexing import where
from mygrad.nnet.operands import operand

__all__ = ["adaptive_avg_pool", "adaptive_max_pool", "avg_pool", "lp_pool", "max_pool"]

Numbers = int | tuple[int, ...]


def _floating(x: Any) -> Tensor:
    """Return `x` as a tensor of floats; means of integers are float64, as `numpy.mean` has them."""
    x = operand(x)
    return x if x.dtype.kind not in "biu" else astensor(x, np.float64, constant=True)


def _wide(x: Tensor) -> Tensor:
    """Return half precision, bfloat16 included, in single: sums and powers leave its range early."""
    return positive(x, dtype=np.float32) if x.dtype.itemsize == 2 else x


def _narrow(y: Tensor, dtype: Any, constant: bool | None) -> Tensor:
    """Return `y` in half precision if that is `dtype`."""
    return positive(y, dtype=dtype, constant=constant) if dtype.itemsize == 2 else y


def max_pool(
    x: Any,
    pool: Any,
    stride: Any,
    *,
    padding: Any = 0,
    dilation: Numbers = 1,
    fit: str = "exact",
    constant: bool | None = None,
) -> Tensor:
    """Return the largest element of each window over the last axes of `x`.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Any real dtype, which the result has as well.
    pool : tuple of int
        The window's size along each of the last ``len(pool)`` axes.
    stride : int or tuple of int
        Distance between neighbouring windows.
    padding : int or str, or a tuple with one for each axis
        As `conv_nd` takes it. Padding is never the maximum.
    dilation : int or tuple of int
        Distance between neighbouring elements of a window.
    fit : "exact" or "floor"
        Whether the last window has to end where the padded data does, or what is left over is ignored.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., G0, ...)
        ``G = (X + 2 padding - ((pool - 1) dilation + 1)) / stride + 1`` along each pooled axis. The
        gradient of a window goes to its first maximum in row-major order; nan counts as a maximum.

    Raises
    ------
    ValueError
        If the windows do not fit exactly, or one sees padding only (`mygrad.errors.InvalidConvolution`).
    TypeError
        If a stride, padding or dilation is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import max_pool
    >>> max_pool(mg.arange(6.0).reshape(2, 3), (1, 2), 1)
    Tensor([[1., 2.],
            [4., 5.]])
    """
    x = operand(x)
    axes = pooling.arguments(x.shape, pool, stride, padding, dilation, fit)
    return maxima(x, pooling.windows(axes, padding_counts=False), constant)


def avg_pool(
    x: Any,
    pool: Any,
    stride: Any,
    *,
    padding: Any = 0,
    dilation: Numbers = 1,
    fit: str = "exact",
    count_padding: bool = True,
    constant: bool | None = None,
) -> Tensor:
    """Return the mean of each window over the last axes of `x`.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Floats keep their dtype; of integers the mean is float64.
    pool, stride, padding, dilation, fit
        As `max_pool` takes them; padding is zeros.
    count_padding : bool
        Whether zeros of the padding count as elements. If not, the mean is that of the elements of `x`
        in the window.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., G0, ...)
        The gradient of a window is shared equally by its elements.

    Raises
    ------
    ValueError
        If the windows do not fit exactly, or, without `count_padding`, one sees padding only
        (`mygrad.errors.InvalidConvolution`).
    TypeError
        If a stride, padding or dilation is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import avg_pool
    >>> avg_pool([2.0, 4.0, 6.0], (2,), 1, padding="same")
    Tensor([3., 5., 3.])
    >>> avg_pool([2.0, 4.0, 6.0], (2,), 1, padding="same", count_padding=False)
    Tensor([3., 5., 6.])
    """
    x = _floating(x)
    axes = pooling.arguments(x.shape, pool, stride, padding, dilation, fit)
    windows = pooling.windows(axes, padding_counts=True)
    if count_padding:
        return sums.run((x,), {"windows": windows, "divisor": prod(axis.taps for axis in axes)}, constant)
    return _means(x, windows, pooling.counts(axes), constant)


def _means(x: Tensor, windows: Any, counts: Any, constant: bool | None) -> Tensor:
    """Return the means of windows that see different numbers of elements: along each axis, `counts`."""
    total = sums.run((_wide(x),), {"windows": windows, "divisor": 1})
    return _narrow(
        divide(total, np.asarray(prod(np.ix_(*counts)), total.dtype), constant=constant), x.dtype, constant
    )


def lp_pool(
    x: Any,
    pool: Any,
    stride: Any,
    *,
    p: float = 2,
    padding: Any = 0,
    dilation: Numbers = 1,
    fit: str = "exact",
    constant: bool | None = None,
) -> Tensor:
    """Return the p-norm of each window over the last axes of `x`: ``sum(abs(x)**p) ** (1/p)``.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Floats keep their dtype; of integers the norm is float64.
    pool, stride, padding, dilation, fit
        As `max_pool` takes them; padding is zeros.
    p : float
        Greater than 0. 1 adds magnitudes, 2 is the Euclidean norm, `numpy.inf` the largest magnitude.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., G0, ...)
        The gradient of a window of zeros is 0.

    Raises
    ------
    ValueError
        If the windows do not fit exactly (`mygrad.errors.InvalidConvolution`), or `p` is not positive.
    TypeError
        If a stride, padding or dilation is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import lp_pool
    >>> lp_pool([3.0, 4.0, 0.0], (2,), 1)
    Tensor([5., 4.])
    """
    if not p > 0:
        raise ValueError(f"p of lp_pool must be greater than 0; got {p}")
    x = _floating(x)
    if p == np.inf:
        return max_pool(
            absolute(x), pool, stride, padding=padding, dilation=dilation, fit=fit, constant=constant
        )
    axes = pooling.arguments(x.shape, pool, stride, padding, dilation, fit)
    windows = pooling.windows(axes, padding_counts=True)
    total = sums.run((_powers(_wide(x), p),), {"windows": windows, "divisor": 1})
    none = plain(total) == 0
    return _narrow(where(none, 0, power(where(none, 1, total), 1 / p), constant=constant), x.dtype, constant)


def _powers(x: Tensor, p: float) -> Tensor:
    """Return ``abs(x)**p``, with the gradient 0 at 0."""
    if p == 2 and not is_complex(x):
        return x * x
    zero = plain(x) == 0
    return where(zero, 0, power(where(zero, 1, absolute(x)), p))


def adaptive_max_pool(x: Any, output: tuple[int, ...], *, constant: bool | None = None) -> Tensor:
    """Divide the last axes of `x` into `output` windows of near enough equal size; return their maxima.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Any real dtype, which the result has as well.
    output : tuple of int
        Number of windows along each of the last ``len(output)`` axes; window o of G goes from
        ``floor(o X / G)`` to ``ceil((o + 1) X / G)``, so that neighbours may share an element.
    constant : bool, optional

    Returns
    -------
    Tensor, shape ``(..., *output)``
        The gradient of a window goes to its first maximum in row-major order; nan counts as a maximum.

    Raises
    ------
    ValueError
        If `output` holds anything but integers of at least 1 (`mygrad.errors.InvalidConvolution`).

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import adaptive_max_pool
    >>> adaptive_max_pool([3.0, 1.0, 2.0, 5.0, 4.0], (2,))
    Tensor([3., 5.])
    """
    x = operand(x)
    return maxima(x, pooling.adaptive(x.shape, output), constant)


def adaptive_avg_pool(x: Any, output: tuple[int, ...], *, constant: bool | None = None) -> Tensor:
    """Divide the last axes of `x` into `output` windows of near enough equal size; return their means.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Floats keep their dtype; of integers the mean is float64.
    output : tuple of int
        Number of windows along each of the last ``len(output)`` axes, placed as those of
        `adaptive_max_pool`.
    constant : bool, optional

    Returns
    -------
    Tensor, shape ``(..., *output)``
        The gradient of a window is shared equally by its elements.

    Raises
    ------
    ValueError
        If `output` holds anything but integers of at least 1 (`mygrad.errors.InvalidConvolution`).

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import adaptive_avg_pool
    >>> adaptive_avg_pool([3.0, 1.0, 2.0, 5.0, 4.0], (2,))
    Tensor([2.        , 3.66666667])
    """
    x = _floating(x)
    windows = pooling.adaptive(x.shape, output)
    return _means(x, windows, [np.broadcast_to(s.taps, s.outputs) for s in windows.spans], constant)
