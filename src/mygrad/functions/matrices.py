"""The names in `numpy.linalg` of what NumPy has elsewhere too; matrices are in the last two axes here."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import override
from mygrad.autodiff.tensor import Tensor
from mygrad.functions import contractions, products, rearrangements
from mygrad.functions.contractions import cross, tensordot
from mygrad.functions.creation import astensor
from mygrad.functions.products import matmul
from mygrad.functions.rearrangements import matrix_transpose
from mygrad.functions.shapes import moveaxis

__all__ = [
    "cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot",
]  # fmt: skip

override(np.linalg.cross)(cross)
override(np.linalg.matmul)(matmul)
override(np.linalg.matrix_transpose)(matrix_transpose)
override(np.linalg.tensordot)(tensordot)


@override(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0, constant: bool | None = None) -> Tensor:
    """Return a diagonal of each matrix.

    Parameters
    ----------
    x : ArrayLike, shape (..., M, N)
    offset : int
        Which one: above the main diagonal if positive, below it if negative.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., K)

    Raises
    ------
    ValueError
        If there are less than two axes.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.diagonal([[1.0, 2.0], [3.0, 4.0]])
    Tensor([1., 4.])
    """
    return rearrangements.diagonal(x, offset, -2, -1, constant=constant)


@override(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None, constant: bool | None = None) -> Tensor:
    """Return the sum of a diagonal of each matrix.

    Parameters
    ----------
    x : ArrayLike, shape (..., M, N)
    offset : int
        Which one: above the main diagonal if positive, below it if negative.
    dtype : DTypeLike, optional
        In which to add.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        If there are less than two axes.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.trace([[1.0, 2.0], [3.0, 4.0]])
    Tensor(5.)
    """
    return contractions.trace(x, offset, -2, -1, dtype, constant=constant)


@override(np.linalg.outer)
def outer(x1: Any, x2: Any, /, *, constant: bool | None = None) -> Tensor:
    """Multiply every element of one vector with every element of another.

    Parameters
    ----------
    x1 : ArrayLike, shape (M,)
    x2 : ArrayLike, shape (N,)
    constant : bool, optional

    Returns
    -------
    Tensor, shape (M, N)

    Raises
    ------
    ValueError
        If one is no vector; `mygrad.outer` ravels it.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.outer([1.0, 2.0], [3.0, 4.0])
    Tensor([[3., 4.],
            [6., 8.]])
    """
    x1, x2 = astensor(x1), astensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"linalg.outer takes two vectors; got the shapes {x1.shape} and {x2.shape}. "
            "mygrad.outer ravels them"
        )
    return contractions.outer(x1, x2, constant=constant)


@override(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, constant: bool | None = None) -> Tensor:
    """Sum the products of vectors along an axis; the first ones are conjugated.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Broadcast but for `axis`.
    axis : int
        Where the vectors lie, in both.
    constant : bool, optional

    Returns
    -------
    Tensor
        Without that axis.

    Raises
    ------
    ValueError
        If the vectors have different sizes.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linalg.vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    Tensor([21., 43.])
    """
    return products.vecdot(moveaxis(x1, axis, -1), moveaxis(x2, axis, -1), constant=constant)
