"""Norms of vectors; products of matrices are in `mygrad` itself."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import absolute
from mygrad.functions.products import einsum
from mygrad.functions.reductions import axes_of, kept
from mygrad.functions.reductions import max as largest
from mygrad.functions.reductions import min as smallest

__all__ = ["einsum", "norm"]


def _p_norm(x: Any, ord: float, axis: Any, keepdims: bool, nan_to_num: bool) -> Any:
    return np.linalg.norm(x if axis is not None else np.ravel(x), ord, axis, keepdims) if x.ndim else np.abs(x)


def _norm_rule(
    g: Any, y: Any, x: Any, ord: float, axis: Any, keepdims: bool, nan_to_num: bool
) -> Any:
    r"""Differentiate the norm: :math:`\mathrm{sign}(x_i)\,(|x_i| / y)^{p-1}`."""
    g, y = kept(g, x, axis), kept(y, x, axis)
    flat = plain(x) == 0
    if ord == 2:
        slope = x / np.where(plain(y) == 0, 1, y)
    else:  # a power of 0 has no derivatives of higher order: 1 stands in
        size = np.where(flat, 1, np.abs(x)) / np.where(plain(y) == 0, 1, y)
        slope = np.where(flat, 0, np.sign(plain(x)) * size ** (ord - 1))
    return g * slope if nan_to_num else g * np.where(flat, np.nan, slope)
