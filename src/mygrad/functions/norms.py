"""Sizes of vectors and matrices, and how near to singular a matrix is."""

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.decompositions import svdvals
from mygrad.functions.elementwise import absolute, direction
from mygrad.functions.linear_algebra import inv
from mygrad.functions.reductions import kept, max, min
from mygrad.functions.reductions import sum as sum_of
from mygrad.functions.shapes import expand_dims, moveaxis, reshape

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


def _norm_rule(g: Any, y: Any, x: Any, ord: Any, axis: Any, keepdims: bool, nan_to_num: bool) -> Any:
    r"""Differentiate a norm of order p: :math:`\mathrm{sign}(\bar x_i)\,(|x_i| / y)^{p-1}`."""
    g, y = kept(g, x, axis), kept(y, x, axis)
    flat = plain(x) == 0
    scale = np.where(plain(y) == 0, 1, y)
    if ord is None or ord == 2:
        slope = conjugated(x) / scale
    else:  # a power of 0 need not have derivatives: 1 stands in
        size = np.where(flat, 1, np.abs(x))
        slope = np.where(flat, 0, direction(x, size) * (size / scale) ** (ord - 1))
    return g * slope if nan_to_num else g * np.where(flat, np.nan, slope)


_norm = Function(
    lambda x, ord, axis, keepdims, nan_to_num: np.linalg.norm(x, ord, axis, keepdims),
    _norm_rule,
    names="x ord axis keepdims nan_to_num",
    numpy=np.linalg.norm,
)


# -- norms of matrices: each takes those in the last two axes, and the flag of its result

_MATRIX_NORMS: dict[Any, Any] = {
    1: lambda x, **flag: max(sum_of(absolute(x), axis=-2), -1, **flag),
    -1: lambda x, **flag: min(sum_of(absolute(x), axis=-2), -1, **flag),
    np.inf: lambda x, **flag: max(sum_of(absolute(x), axis=-1), -1, **flag),
    -np.inf: lambda x, **flag: min(sum_of(absolute(x), axis=-1), -1, **flag),
    2: lambda x, **flag: max(svdvals(x), -1, **flag),
    -2: lambda x, **flag: min(svdvals(x), -1, **flag),
    "nuc": lambda x, **flag: sum_of(svdvals(x), -1, **flag),
}
_FROBENIUS = (None, "fro", "f")
_ZERO_IF_EMPTY = (1, 2, np.inf)


def _of_matrices(x: Any, ord: Any, axis: Any, keepdims: bool, constant: bool | None) -> Tensor:
    rows, columns = normalize_axis_tuple(axis, x.ndim)
    if ord not in _MATRIX_NORMS:
        raise ValueError(
            f"norm: {ord!r} is no order of a matrix; there are 'fro', 'nuc', 1, -1, 2, -2, inf and -inf. "
            "Vectors lie along one axis, as in axis=-1"
        )
    x = moveaxis(x, (rows, columns), (-2, -1))
    if 0 in x.shape[-2:] and ord in _ZERO_IF_EMPTY:
        made = sum_of(absolute(x), axis=(-2, -1), constant=constant)
    else:
        made = _MATRIX_NORMS[ord](x, constant=constant)
    return expand_dims(made, tuple(sorted((rows, columns)))) if keepdims else made


def _axis_of(x: Any, ord: Any, axis: Any) -> Any:
    """Return the axis as NumPy understands it: None for all elements, a number or a tuple for the others."""
    if axis is None:
        return (0, 1) if x.ndim == 2 and ord is not None else None
    return axis if isinstance(axis, tuple) else operator.index(axis)


@override(np.linalg.norm)
def norm(
    x: Any,
    ord: Any = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    *,
    nan_to_num: bool = True,
    constant: bool | None = None,
) -> Tensor:
    r"""Return norms of vectors, :math:`(\sum_i |x_i|^p)^{1/p}`, or of matrices.

    Parameters
    ----------
    x : ArrayLike
    ord : float or {"fro", "nuc"}, optional
        Of vectors the order p, 2 by default; inf and -inf give the largest and the smallest size of an
        element.
        Of matrices, "fro" (the default) is the norm of all elements as a vector, "nuc" the sum of
        the singular values, 2 and -2 the largest and the smallest of them, 1 and -1 the largest and the
        smallest sum of sizes in a column, inf and -inf in a row.
    axis : int or pair of int, optional
        The axis along which the vectors lie, or the axes of rows and columns of the matrices. Without it
        `x` has to be one vector or one matrix; with no `ord` either, all elements make up one vector.
    keepdims : bool
        Whether to keep the axes, with size 1.
    nan_to_num : bool
        Where an element is 0 the derivative of its size does not exist: 0 if true, nan if not. Always 0 for
        infinite orders, and for matrices but in the Frobenius norm.
    constant : bool, optional

    Returns
    -------
    Tensor
        The shape of `x` without `axis`. Of equal extremes, elements, sums or singular values, the first
        gets the gradient; a singular value 0 gets none, as `svdvals` tells.

    Raises
    ------
    NotImplementedError
        For order 0.
    ValueError
        For an order that NumPy does not know, and for an order without an axis where `x` is neither a vector
        nor a matrix.
    TypeError
        For an axis that is no integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[3.0, 4.0], [6.0, 8.0]])
    >>> mg.linalg.norm(x, axis=1)
    Tensor([ 5., 10.])
    >>> mg.linalg.norm(x, 1)
    Tensor(12.)
    """
    x = x if isinstance(x, Tensor) else np.asarray(x)
    axis = _axis_of(x, ord, axis)
    pair = isinstance(axis, tuple) and len(axis) == 2
    if pair and ord not in _FROBENIUS:
        return _of_matrices(_floating(x), ord, axis, keepdims, constant)
    ord = None if pair else ord
    if not isinstance(ord, str) and ord == 0:
        raise NotImplementedError("mygrad.linalg.norm(..., ord=0) counts elements: it is not differentiable")
    if isinstance(ord, str) or ord is None or not np.isinf(ord) or (axis is None and x.ndim != 1):
        params = {"ord": ord, "axis": axis, "keepdims": keepdims, "nan_to_num": nan_to_num}
        return _norm.run((x,), params, constant)
    extreme = max if ord > 0 else min
    return extreme(absolute(_floating(x), constant=constant), axis, keepdims, constant=constant)


def _floating(x: Any) -> Any:
    return plain(x).astype(float) if x.dtype.kind in "biu" else x


@override(np.linalg.matrix_norm)
def matrix_norm(
    x: Any, /, *, keepdims: bool = False, ord: Any = "fro", constant: bool | None = None
) -> Tensor:
    """Return the norm of each matrix in the last two axes.

    Parameters
    ----------
    x : ArrayLike, shape (..., M, N)
    keepdims : bool
        Whether to keep the axes of the matrices, with size 1.
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}
        Which norm; `norm` tells what they are.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        For another order.
    numpy.exceptions.AxisError
        If there are less than two axes.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> mg.linalg.matrix_norm(x), mg.linalg.matrix_norm(x, ord="nuc")
    (Tensor(5.), Tensor(7.))
    """
    return norm(x, ord, (-2, -1), keepdims, constant=constant)


@override(np.linalg.vector_norm)
def vector_norm(
    x: Any,
    /,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    ord: Any = 2,
    constant: bool | None = None,
) -> Tensor:
    """Return the norm of vectors, which may lie along several axes.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int, optional
        The axes whose elements make up one vector; all by default.
    keepdims : bool
        Whether to keep those axes, with size 1.
    ord : float
        The order of the norm, as in `norm`.
    constant : bool, optional

    Returns
    -------
    Tensor
        The shape of `x` without `axis`.

    Raises
    ------
    NotImplementedError
        For order 0.
    ValueError
        For an order that NumPy does not know.
    numpy.exceptions.AxisError
        For an axis that `x` does not have.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.vector_norm([[3.0, 4.0], [0.0, 12.0]])
    Tensor(13.)
    """
    x = astensor(x)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    moved = moveaxis(x, axes, range(-len(axes), 0))
    rest = moved.shape[: x.ndim - len(axes)]
    made = norm(reshape(moved, (*rest, math.prod(moved.shape[len(rest) :]))), ord, -1, constant=constant)
    return expand_dims(made, axes) if keepdims else made


# -- the condition


@override(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    r"""Return how many times a relative error of each matrix grows in its inverse, :math:`\|x\| \|x^{-1}\|`.

    Parameters
    ----------
    x : ArrayLike, shape (..., M, N)
        Square for `p` other than None, 2 and -2.
    p : {None, 2, -2, 1, -1, inf, -inf, "fro", "nuc"}
        In which norm; None is 2: the largest over the smallest singular value.

    Returns
    -------
    Tensor, shape (...)
        Infinite, with gradient 0, for singular matrices.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are empty, are not square and have to be, or have less than two axes.
    ValueError
        For another `p`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.cond(mg.tensor([[4.0, 0.0], [0.0, 2.0]]))
    Tensor(2.)
    """
    x = astensor(x)
    if x.ndim > 1 and 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError(f"cond of matrices of shape {x.shape[-2:]}: empty ones have no condition")
    if p in (None, 2, -2):
        s = svdvals(x)
        above, below = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        singular = below.data == 0
        return np.where(singular, np.inf, above / np.where(singular, 1, below))
    value = np.linalg.cond(x.data, 1)  # of singular matrices infinite in every norm
    singular = ~np.isfinite(value)
    x = np.where(np.expand_dims(singular, (-1, -2)), np.eye(x.shape[-1], dtype=x.dtype), x)
    product = norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
    return np.where(singular, np.asarray(value, product.dtype), product)
