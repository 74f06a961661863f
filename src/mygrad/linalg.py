"""Norms of vectors. Products of matrices are in `mygrad` itself."""

import operator
from functools import partial
from typing import Any

import numpy as np

from mygrad.aliases import below
from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.elementwise import absolute, direction
from mygrad.functions.linear_algebra import cholesky, det, inv, matrix_power, multi_dot, slogdet, solve
from mygrad.functions.products import einsum
from mygrad.functions.reductions import kept, max, min

__all__ = [
    "cholesky", "det", "einsum", "inv", "matrix_power", "multi_dot", "norm", "slogdet", "solve",
]  # fmt: skip


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


def _refuse_matrices(ndim: int, ord: Any, axis: Any) -> None:
    """Raise an error if what is asked for is no norm of vectors."""
    matrix = len(axis) == 2 if isinstance(axis, tuple) else axis is None and ord is not None and ndim == 2
    if matrix:
        raise NotImplementedError(
            f"mygrad.linalg.norm(x, ord={ord!r}, axis={axis}) of {ndim} axes is a norm of matrices; "
            "only those of vectors are implemented: give one axis, as in axis=-1"
        )
    if not isinstance(ord, str) and ord == 0:
        raise NotImplementedError("mygrad.linalg.norm(..., ord=0) counts elements: it is not differentiable")


@override(np.linalg.norm)
def norm(
    x: Any,
    ord: Any = None,
    axis: int | tuple[int] | None = None,
    keepdims: bool = False,
    *,
    nan_to_num: bool = True,
    constant: bool | None = None,
) -> Tensor:
    r"""Return norms of vectors, :math:`(\sum_i |x_i|^p)^{1/p}`.

    Parameters
    ----------
    x : ArrayLike
    ord : float, optional
        The order p, 2 by default; inf and -inf give the largest and the smallest size of an element.
    axis : int, optional
        The axis along which the vectors lie. Without it `x` has to be one vector; with no `ord` either,
        all elements make up one vector.
    keepdims : bool
        Whether to keep that axis, with size 1.
    nan_to_num : bool
        Where an element is 0 the derivative of its size does not exist: 0 if true, nan if not. Always 0 for
        infinite orders.
    constant : bool, optional

    Returns
    -------
    Tensor
        The shape of `x` without `axis`. For infinite orders the first extreme element gets the gradient.

    Raises
    ------
    NotImplementedError
        For norms of matrices, and for order 0.
    ValueError
        For an order that NumPy does not know, and for an order without an axis where `x` is no vector.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.norm([[3.0, 4.0], [6.0, 8.0]], axis=1)
    Tensor([ 5., 10.])
    """
    x = x if isinstance(x, Tensor) else np.asarray(x)
    axis = axis if axis is None or isinstance(axis, tuple) else operator.index(axis)
    _refuse_matrices(x.ndim, ord, axis)
    if isinstance(ord, str) or ord is None or not np.isinf(ord) or (axis is None and x.ndim != 1):
        params = {"ord": ord, "axis": axis, "keepdims": keepdims, "nan_to_num": nan_to_num}
        return _norm.run((x,), params, constant)
    extreme = max if ord > 0 else min
    return extreme(absolute(x, constant=constant), axis, keepdims, constant=constant)


__getattr__ = partial(below, __name__)
