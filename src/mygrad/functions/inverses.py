"""Inverses and solutions for what is no square matrix: other shapes, missing rank, tensors of many axes."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor, record
from mygrad.functions.creation import astensor
from mygrad.functions.linear_algebra import adjoint, inv, solve, turned
from mygrad.functions.shapes import ravel, reshape, transpose

__all__ = ["lstsq", "matrix_rank", "pinv", "tensorinv", "tensorsolve"]


def _of_triangle(a: Any) -> Any:
    """Return the Hermitian matrix of which the lower triangle is read."""
    return np.tril(a) + adjoint(np.tril(a, -1))


def _pinv(g: Any, y: Any, a: Any, hermitian: bool = False, **_: Any) -> Any:
    r"""Differentiate, at constant rank: :math:`-P\,dA\,P + PP^H dA^H (1 - AP) + (1 - PA)\,dA^H P^HP`."""
    a, p, h = turned(_of_triangle(a) if hermitian else a), turned(y), adjoint(g)
    left = np.matmul(h - np.matmul(p, np.matmul(a, h)), np.matmul(conjugated(y), p))
    right = np.matmul(np.matmul(p, conjugated(y)), h - np.matmul(np.matmul(h, a), p))
    found = left + right - np.matmul(p, np.matmul(g, p))
    return (found + adjoint(found)) / 2 if hermitian else found


_pinv_of = Function(np.linalg.pinv, _pinv, names="a rcond hermitian", also="rtol")


@override(np.linalg.pinv)
def pinv(
    a: Any,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    rtol: Any = np._NoValue,
    constant: bool | None = None,
) -> Tensor:
    r"""Return the pseudo-inverse (Moore-Penrose) of each matrix.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, N)
    rcond : ArrayLike of float, shape (...), optional
        Singular values up to `rcond` times the largest one count as 0; 1e-15 by default.
    hermitian : bool
        Whether `a` is Hermitian; its lower triangle is read, and the gradient is Hermitian too.
    rtol : ArrayLike of float, optional
        NumPy's newer name for `rcond`; None for ``max(M, N) * eps``.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., N, M)

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are less than two axes, or singular values do not converge.
    ValueError
        If both `rcond` and `rtol` are given.

    Notes
    -----
    The gradient is that at constant rank: where the rank changes, the pseudo-inverse jumps. Equal singular
    values do no harm.

    Formula: Golub and Pereyra (1973), *The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate*, SIAM Journal on Numerical Analysis 10, 4.12.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[3.0], [4.0]])
    >>> y = mg.linalg.pinv(x)
    >>> y
    Tensor([[0.12, 0.16]])
    >>> y.sum().backward()
    >>> x.grad
    array([[-0.0272],
           [-0.0496]])
    """
    params = {"rcond": rcond, "hermitian": bool(hermitian)} | ({} if rtol is np._NoValue else {"rtol": rtol})
    return _pinv_of.run((astensor(a),), params, constant)


# -- least squares


def _inverse_of(a: Any, rcond: Any) -> Any:
    """Return the pseudo-inverse that cuts where LAPACK's least squares do."""
    eps = np.finfo(float).eps
    cut = eps * max(a.shape) if rcond is None else eps if rcond < 0 else rcond
    return np.linalg.pinv(a, cut)


def _lstsq_left(g: Any, y: Any, a: Any, b: Any, rcond: Any) -> Any:
    """Differentiate ``pinv(a) @ b`` without a product of two pseudo-inverses."""
    inverse = _inverse_of(a, rcond)
    p, residual = turned(inverse), b - np.matmul(a, y)
    back = np.matmul(p, g)
    outside = g - np.matmul(turned(a), back)
    found = np.matmul(conjugated(residual), adjoint(np.matmul(conjugated(inverse), back)))
    return found + np.matmul(np.matmul(p, conjugated(y)), adjoint(outside)) - np.matmul(back, turned(y))


_solution = Function(
    np.linalg.lstsq,
    _lstsq_left,
    lambda g, y, a, b, rcond: np.matmul(turned(_inverse_of(a, rcond)), g),
    names="a b rcond",
)


@override(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Tensor, Any, int, Any]:
    r"""Return the solution of ``a @ x = b`` with the least squares, and of these the shortest.

    Parameters
    ----------
    a : ArrayLike, shape (M, N)
    b : ArrayLike, shape (M,) or (M, K)
    rcond : float, optional
        Singular values of `a` up to `rcond` times the largest one count as 0; ``max(M, N) * eps``, of
        double precision, by default, and ``eps`` if it is negative.

    Returns
    -------
    x : Tensor, shape (N,) or (N, K)
    residuals : Tensor, shape (1,), (K,) or (0,)
        The sum of squares of ``b - a @ x`` for each column of `b`, differentiable; empty if the rank of `a`
        is below N or M is not above N.
    rank : int
        The rank of `a`; no gradient.
    s : numpy.ndarray, shape (min(M, N),)
        The singular values of `a`; no gradient. Those of `svdvals` have one.

    Raises
    ------
    numpy.linalg.LinAlgError
        If `a` has not two axes, `b` not one or two, if their M differ, or if singular values do not converge.

    Notes
    -----
    The gradient of x is that at constant rank, of full rank or not: where the rank changes, x jumps.

    Formula: Golub and Pereyra (1973), as for `pinv`, of which x is the product with `b`.

    Examples
    --------
    >>> import mygrad as mg
    >>> heights = mg.tensor([1.0, 2.0, 2.0])
    >>> line, residuals, rank, _ = mg.linalg.lstsq([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], heights)
    >>> line.data.round(6), int(rank)
    (array([0.5     , 1.166667]), 2)
    >>> line[0].backward()
    >>> heights.grad[[0, 2]]
    array([-0.5,  0.5])
    """
    a, b = astensor(a), astensor(b)
    columns = reshape(b, (-1, 1)) if b.ndim == 1 else b
    x, squares, rank, values = np.linalg.lstsq(a.data, columns.data, rcond)
    x = record(_solution, (a, columns), x, {"rcond": rcond})
    errors = columns - np.matmul(a, x)
    residuals = np.sum(np.real(conjugated(errors) * errors), axis=0)
    residuals = residuals if squares.size else residuals[:0]
    return (x[:, 0] if b.ndim == 1 else x), residuals, rank, values


@override(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Return how many singular values of each matrix are not 0 but for rounding.

    Parameters
    ----------
    A : ArrayLike, shape (..., M, N), or with less than two axes
    tol : ArrayLike of float, optional
        Up to which value they count as 0; ``max(s) * max(M, N) * eps`` by default.
    hermitian : bool
        Whether `A` is Hermitian, which is faster.
    rtol : ArrayLike of float, optional
        The same, relative to the largest of them.

    Returns
    -------
    numpy.ndarray of int, or int
        Shape (...): no tensor, since ranks are constant wherever they have a derivative.

    Raises
    ------
    ValueError
        If both `tol` and `rtol` are given.

    Examples
    --------
    >>> import mygrad as mg
    >>> int(mg.linalg.matrix_rank(mg.tensor([[1.0, 2.0], [2.0, 4.0]])))
    1
    """
    more = {} if rtol is None else {"rtol": plain(rtol)}
    return np.linalg.matrix_rank(plain(A), plain(tol), hermitian, **more)


# -- tensors as matrices


@override(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Tensor:
    """Return the inverse of a linear map of tensors: ``tensordot(tensorinv(a, k), a, k)`` is the identity.

    Parameters
    ----------
    a : ArrayLike
        The map, which sums over its last axes. The product of the first `ind` sizes is that of the others.
    ind : int
        How many axes belong to the result of the map, 1 or more.

    Returns
    -------
    Tensor
        Shape ``a.shape[ind:] + a.shape[:ind]``.

    Raises
    ------
    ValueError
        If `ind` is not positive.
    numpy.linalg.LinAlgError
        If `a` is singular, or the products of sizes differ.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> a = np.reshape(2 * np.eye(6), (6, 2, 3))
    >>> mg.linalg.tensorinv(a, ind=1).shape
    (2, 3, 6)
    """
    a = astensor(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is the number of leading axes of the result, 1 or more; got {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    count = int(np.prod(rows, dtype=np.intp)), int(np.prod(columns, dtype=np.intp))
    if count[0] != count[1]:
        raise np.linalg.LinAlgError(
            f"tensorinv: the first {ind} axes of shape {a.shape} have {count[0]} elements, "
            f"the others {count[1]}; they need as many"
        )
    return reshape(inv(reshape(a, count)), columns + rows)


@override(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Tensor:
    """Return the solution of ``tensordot(a, x, x.ndim) == b``.

    Parameters
    ----------
    a : ArrayLike
        Shape ``b.shape + x.shape``; both have as many elements.
    b : ArrayLike
    axes : tuple of int, optional
        The axes of `a` to move to the end first.

    Returns
    -------
    Tensor
        x, of the shape of the last axes of `a`.

    Raises
    ------
    numpy.linalg.LinAlgError
        If `a` is singular, or the numbers of elements differ.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> a = np.reshape(2 * np.eye(6), (2, 3, 6))
    >>> mg.linalg.tensorsolve(a, np.ones((2, 3)))
    Tensor([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """
    a, b = astensor(a), astensor(b)
    if axes is not None:
        last = [axis % a.ndim for axis in axes]
        a = transpose(a, (*(i for i in range(a.ndim) if i not in last), *last))
    shape = a.shape[b.ndim :]
    count = int(np.prod(shape, dtype=np.intp))
    if a.size != count**2 or b.size != count:
        raise np.linalg.LinAlgError(
            f"tensorsolve: a of shape {a.shape} maps {count} elements, of shape {shape}, to {b.size}, "
            f"of shape {b.shape}; both need as many, and a their product"
        )
    return reshape(solve(reshape(a, (count, count)), ravel(b)), shape)
