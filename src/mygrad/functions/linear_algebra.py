"""Matrices as a whole: inverses, solutions, determinants, factors. Rules as in Giles (2008), NA-08-01."""

from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated, is_complex
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.products import matmul, multi_matmul

__all__ = [
    "adjoint", "cholesky", "det", "inv", "matrix_power", "multi_dot", "slogdet", "solve", "turned",
]  # fmt: skip


def turned(x: Any) -> Any:
    """Return the transpose of each matrix."""
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """Return the conjugate of the transpose of each matrix."""
    return conjugated(turned(x))


def _scaled(g: Any, y: Any) -> Any:
    """Give a number of each matrix two axes, to multiply the matrix by."""
    return np.expand_dims(g * y, (-1, -2))


inv: Final = Function(
    np.linalg.inv,
    lambda g, y, a: -np.matmul(turned(y), np.matmul(g, turned(y))),
    names="a",
).override()
det: Final = Function(
    np.linalg.det,
    lambda g, y, a: _scaled(g, y) * turned(np.linalg.inv(a)),
    names="a",
).override()
_logdet = Function(
    lambda a: np.linalg.slogdet(a)[1],
    lambda g, y, a: np.expand_dims(g, (-1, -2)) * turned(np.linalg.inv(a)),
    names="a",
    numpy=np.linalg.slogdet,
)


_direction = Function(
    lambda a: np.linalg.slogdet(a)[0],
    lambda g, y, a: np.expand_dims(np.imag(g * y) * 1j, (-1, -2)) * turned(np.linalg.inv(a)),
    names="a",
    numpy=np.linalg.slogdet,
)
"""The determinant of complex matrices, divided by its magnitude."""


def _solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    back = _solve_right(g, y, a, b)
    if b.ndim == 1:
        return -np.expand_dims(back, -1) * np.expand_dims(y, -2)
    return -np.matmul(back, turned(y))


def _solve_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    return np.linalg.solve(turned(a), g)


solve: Final = Function(np.linalg.solve, _solve_left, _solve_right, names="a b").override()


def _cholesky(g: Any, y: Any, a: Any, **_: Any) -> Any:
    r"""Differentiate: :math:`L^{-H} \Phi(L^H \bar L) L^{-1}`, of which the Hermitian part counts."""
    lower = np.tril(np.matmul(adjoint(y), conjugated(g)))
    lower = lower - np.expand_dims(np.diagonal(lower, axis1=-2, axis2=-1), -1) * np.eye(y.shape[-1]) / 2
    inverse = np.linalg.inv(y)
    found = np.matmul(adjoint(inverse), np.matmul(lower, inverse))
    return conjugated(found + adjoint(found)) / 2


cholesky: Final = Function(np.linalg.cholesky, _cholesky, names="a").override()


@override(np.linalg.slogdet)
def slogdet(a: Any) -> tuple[Any, Tensor]:
    """Return the sign of the determinant and the logarithm of its magnitude.

    The sign of a real one has no gradient; that of a complex one is det / abs(det), a tensor.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, M)

    Returns
    -------
    tuple of (numpy.ndarray or Tensor, Tensor)

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.functions.linear_algebra import slogdet
    >>> sign, logarithm = slogdet(mg.tensor([[1.0, 0.0], [0.0, 1.0]]))
    >>> float(sign), float(logarithm)
    (1.0, 0.0)
    """
    a = astensor(a)
    return _direction(a) if is_complex(a) else np.linalg.slogdet(a.data)[0], _logdet(a)


@override(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Tensor:
    """Multiply a matrix n times by itself, by repeated squaring."""
    a = astensor(a)
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        return a * 0 + np.eye(a.shape[-1], dtype=a.dtype)
    half = matrix_power(a, n // 2) if n > 1 else None
    if half is None:
        return +a
    squared = matmul(half, half)
    return matmul(squared, a) if n % 2 else squared


@override(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Tensor:
    """Multiply several matrices in the order that takes the fewest products."""
    return multi_matmul(list(arrays))
