"""Layers: convolution over any number of axes, and pooling."""

from functools import lru_cache
from typing import Any

import numpy as np

from mygrad import convolution
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.convolution import convolve, gather
from mygrad.functions.creation import astensor

__all__ = ["conv_nd", "max_pool"]


def _problem(x: Any, w: Any, *arguments: Any) -> convolution.ConvProblem:
    """Return the problem of a convolution: the one made before if the arguments are plain integers.

    Only those are looked up: 1.0 and True are equal to 1, and have to be refused.
    """
    plain = all(type(each) is int for each in arguments)
    return (_kept_problem if plain else _new_problem)(x, w, *arguments)


def _new_problem(x: Any, w: Any, stride: Any, padding: Any, dilation: Any) -> convolution.ConvProblem:
    return convolution.ConvProblem.make(x, w, stride=stride, padding=padding, dilation=dilation)


_kept_problem = lru_cache(maxsize=4096)(_new_problem)


def conv_nd(
    x: Any,
    filter_bank: Any,
    *,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    constant: bool | None = None,
) -> Tensor:
    r"""Convolve filters over a batch of data with any number of axes.

    The filters are not flipped: what is called a convolution in neural networks is a correlation,

    .. math:: y_{n,f,o} = \sum_{c,k} x_{n,\,c,\,s\,o + d\,k - p} \; w_{f,c,k}

    along every axis, with stride s, dilation d, padding p, and zeros outside of x. Only placements in
    which a filter lies completely within the padded data count.

    Parameters
    ----------
    x : ArrayLike, shape (N, C, X0, ...)
        A batch of N data of C channels; any real dtype. Computed in the dtype NumPy promotes `x` and
        `filter_bank` to.
    filter_bank : ArrayLike, shape (F, C, W0, ...)
        F filters.
    stride : int or tuple of int
        Distance between neighbouring placements, along each axis or along all.
    padding : int or tuple of int
        Number of zeros put at both ends of each axis.
    dilation : int or tuple of int
        Distance between neighbouring taps of a filter.
    constant : bool, optional
        Whether the result is a constant. Integer results always are.

    Returns
    -------
    Tensor, shape (N, F, G0, ...)
        ``G = (X + 2 padding - ((W - 1) dilation + 1)) / stride + 1`` along each axis.

    Raises
    ------
    ValueError
        If the shapes do not go together, or the placements do not fit the padded data exactly
        (`mygrad.errors.InvalidConvolution`, whose text tells the axis and a padding that fits).
    TypeError
        If a stride, padding or dilation is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import conv_nd
    >>> x = mg.tensor([[[0.0, 1.0, 1.0, 0.0]]])
    >>> w = mg.tensor([[[1.0, -1.0]]])
    >>> conv_nd(x, w, stride=1)
    Tensor([[[-1.,  0.,  1.]]])
    """
    x, w = astensor(x), astensor(filter_bank)
    problem = _problem(x.shape, w.shape, stride, padding, dilation)
    return convolve.run((x, w), {"problem": problem}, constant)


def max_pool(x: Any, pool: Any, stride: Any, *, constant: bool | None = None) -> Tensor:
    """Return the largest element of each window over the last axes of `x`.

    Parameters
    ----------
    x : ArrayLike, shape (..., X0, ...)
        Any real dtype, which the result has as well.
    pool : tuple of int
        The window's size along each of the last ``len(pool)`` axes.
    stride : int or tuple of int
        Distance between neighbouring windows.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., G0, ...)
        ``G = (X - pool) / stride + 1`` along each pooled axis. The gradient of a window goes to its
        first maximum in row-major order; nan counts as a maximum.

    Raises
    ------
    ValueError
        If the windows do not fit exactly (`mygrad.errors.InvalidConvolution`).
    TypeError
        If a stride is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import max_pool
    >>> max_pool(mg.arange(6.0).reshape(2, 3), (1, 2), 1)
    Tensor([[1., 2.],
            [4., 5.]])
    """
    x = x if isinstance(x, Tensor) else astensor(np.asarray(x))
    positions = convolution.max_positions(x._node.value, pool, stride)
    return gather.run((x,), {"positions": positions}, constant)
