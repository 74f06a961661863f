"""Products that sum over axes of two arrays: each is a matrix product of what was reshaped."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import override
from mygrad.autodiff.dtypes import conjugated
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import multiply
from mygrad.functions.products import matmul
from mygrad.functions.rearrangements import diagonal
from mygrad.functions.reductions import sum as sum_of
from mygrad.functions.shapes import moveaxis, ravel, reshape, transpose

__all__ = ["cross", "dot", "inner", "kron", "outer", "tensordot", "trace", "vdot"]


def _axes(axes: Any, a: Any, b: Any) -> tuple[list[int], list[int]]:
    """Return the summed axes of both arrays, as numbers from 0."""
    if isinstance(axes, int | np.integer):
        left, right = list(range(-int(axes), 0)), list(range(int(axes)))
    else:
        left, right = ([each] if isinstance(each, int | np.integer) else list(each) for each in axes)
    left, right = [i % max(a.ndim, 1) for i in left], [i % max(b.ndim, 1) for i in right]
    sizes = [a.shape[i] for i in left], [b.shape[i] for i in right]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"tensordot: axes {left} of an array of shape {a.shape} have sizes {sizes[0]}, "
            f"axes {right} of one of shape {b.shape} have {sizes[1]}; they must be the same"
        )
    return left, right


@override(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2, *, constant: bool | None = None) -> Any:
    """Sum products of elements over axes of both arrays.

    Parameters
    ----------
    a, b : ArrayLike
    axes : int or (axes of a, axes of b)
        An integer N takes the last N axes of `a` and the first N of `b`.
    constant : bool, optional

    Returns
    -------
    Tensor
        The axes of `a` that are left, then those of `b`.

    Raises
    ------
    ValueError
        If the summed axes have different sizes.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.tensordot(mg.ones((2, 3, 4)), mg.ones((3, 4, 5))).shape
    (2, 5)
    """
    a, b = astensor(a), astensor(b)
    left, right = _axes(axes, a, b)
    rows = [i for i in range(a.ndim) if i not in left]
    columns = [i for i in range(b.ndim) if i not in right]
    count = int(np.prod([a.shape[i] for i in left], dtype=np.intp))
    shape = tuple(a.shape[i] for i in rows), tuple(b.shape[i] for i in columns)
    sizes = [int(np.prod(each, dtype=np.intp)) for each in shape]
    matrix = matmul(
        reshape(transpose(a, (*rows, *left)), (sizes[0], count)),
        reshape(transpose(b, (*right, *columns)), (count, sizes[1])),
        constant=constant,
    )
    return reshape(matrix, (*shape[0], *shape[1]))


@override(np.dot)
def dot(a: Any, b: Any, *, constant: bool | None = None) -> Any:
    """Sum over the last axis of `a` and the last but one of `b` (the only one, of a vector)."""
    a, b = astensor(a), astensor(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b, constant=constant)
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else -1]:
        raise ValueError(f"shapes {a.shape} and {b.shape} not aligned for dot")
    return tensordot(a, b, ((-1,), (-2 if b.ndim > 1 else -1,)), constant=constant)


@override(np.inner)
def inner(a: Any, b: Any, /, *, constant: bool | None = None) -> Any:
    """Sum over the last axes of both."""
    a, b = astensor(a), astensor(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b, constant=constant)
    return tensordot(a, b, ((-1,), (-1,)), constant=constant)


@override(np.outer)
def outer(a: Any, b: Any, *, constant: bool | None = None) -> Any:
    """Multiply every element of `a` with every element of `b`, both raveled."""
    return multiply(reshape(ravel(a), (-1, 1)), ravel(b), constant=constant)


@override(np.vdot)
def vdot(a: Any, b: Any, /, *, constant: bool | None = None) -> Any:
    """Sum the products of the elements of both, raveled; those of `a` conjugated."""
    return matmul(conjugated(ravel(a)), ravel(b), constant=constant)


@override(np.kron)
def kron(a: Any, b: Any, *, constant: bool | None = None) -> Any:
    """Replace each element of `a` by its product with `b`."""
    a, b = astensor(a), astensor(b)
    ndim = max(a.ndim, b.ndim)
    left, right = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    spread = [size for each in left for size in (each, 1)], [size for each in right for size in (1, each)]
    product = multiply(reshape(a, tuple(spread[0])), reshape(b, tuple(spread[1])), constant=constant)
    return reshape(product, tuple(m * n for m, n in zip(left, right, strict=True)))


@override(np.trace)
def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    *,
    constant: bool | None = None,
) -> Any:
    """Sum the elements of a diagonal."""
    return sum_of(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, constant=constant)


@override(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None,
    *, constant: bool | None = None,
) -> Any:  # fmt: skip
    """Return the vector at right angles to both, of vectors with three components."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"cross: vectors have 3 components; these have {a.shape[-1]} and {b.shape[-1]}")
    following, last = [1, 2, 0], [2, 0, 1]
    made = a[..., following] * b[..., last] - a[..., last] * b[..., following]
    return multiply(moveaxis(made, -1, axisc), 1, constant=constant)
