r"""Matrices in factors: eigenvalues and eigenvectors, singular values and singular vectors.

Vectors are defined up to a phase, and those that complete a basis up to a rotation. The rules move them in
no such direction, so they are right for every function that does not depend on the choice. Where
eigenvalues or singular values agree up to rounding, their vectors do not mix: sums over all of an equal group
are differentiated correctly, its single vectors have no derivative, and nothing is ever divided by 0.

In a graph gradients are dL/dx - i dL/dy: :math:`U^T g` stands here where papers, which write dL/dx + i dL/dy,
have the conjugate of :math:`U^H \bar U`.
"""

from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.joint import custom_rule
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.linear_algebra import adjoint, turned

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "on_diagonal", "svd", "svdvals"]


def _row(x: Any) -> Any:
    """Give numbers that belong to the columns of a matrix an axis, to multiply the matrix by."""
    return np.expand_dims(x, -2)


def _column(x: Any) -> Any:
    return np.expand_dims(x, -1)


def on_diagonal(x: Any) -> Any:
    """Return the diagonal matrix of some numbers."""
    return _column(x) * np.eye(x.shape[-1], dtype=x.dtype)


def _rounding(values: Any, size: int) -> Any:
    """Return the error of the eigenvalues or singular values of matrices, shape (..., 1, 1)."""
    largest = np.max(np.abs(plain(values)), axis=-1, initial=0)
    return np.expand_dims(largest * size * np.finfo(values.dtype).eps, (-1, -2))


def _reciprocal(x: Any, rounding: Any) -> Any:
    """Return 1 / x, but 0 where x is nothing but rounding."""
    hidden = np.abs(plain(x)) <= rounding
    return np.where(hidden, 0, 1 / np.where(hidden, 1, x))


def _gaps(values: Any) -> Any:
    """Return one over the difference of the j-th and the i-th value; 0 for equal ones."""
    return _reciprocal(_row(values) - _column(values), _rounding(values, values.shape[-1]))


# -- Hermitian matrices


def _hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def _eigh(g: Any, y: Any, a: Any, UPLO: str) -> Any:
    r"""Differentiate: :math:`\mathrm d\lambda_i = P_{ii}` with :math:`P = V^H \mathrm dA\,V`.

    And :math:`(V^H \mathrm dV)_{ij} = P_{ij} / (\lambda_j - \lambda_i)`.
    """
    (g_values, g_vectors), (values, v) = g, y
    inner = _gaps(values) * np.matmul(turned(v), g_vectors) + on_diagonal(g_values)
    return _hermitian(np.matmul(conjugated(v), np.matmul(inner, turned(v))))


_eigh_of = custom_rule(_eigh)(np.linalg.eigh)


@override(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    r"""Return the eigenvalues, in ascending order, and the eigenvectors of each Hermitian matrix.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, M)
        Hermitian; one triangle is read.
    UPLO : {"L", "U"}
        Whether that is the lower or the upper one. The gradient is that of Hermitian matrices, so it is
        Hermitian itself: a step along it needs no symmetrizing.

    Returns
    -------
    EighResult
        ``eigenvalues``, a tensor of real numbers, shape (..., M), and ``eigenvectors``, a tensor of the dtype
        of `a`, shape (..., M, M), whose columns have norm 1: ``a @ v == v * w``.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square, or eigenvalues do not converge.
    ValueError
        For another `UPLO`.
    TypeError
        For float16, as in NumPy.

    Notes
    -----
    The sign, or phase, of each vector is whatever LAPACK returns; a function to differentiate must not
    depend on it, as ``abs(v)`` and ``v @ f(w) @ v.T`` do not. Its derivative is taken with
    :math:`(V^H \mathrm dV)_{ii} = 0`.

    Eigenvalues that agree up to rounding, ``M * eps * max(abs(w))``, share a space of eigenvectors, within
    which vectors are not told apart: their mixing counts as 0. So sums over all of an equal group,
    of eigenvalues or projections ``v @ v.T``, have their exact gradients. A function such as a matrix
    exponential, computed as ``v @ exp(w) @ v.T``, would need the mixing: there its gradient lacks a part, and
    so may gradients of gradients of any function.

    Formula: Giles (2008), *An extended collection of matrix derivative results*, NA-08-01, 3.1.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[2.0, 1.0], [1.0, 2.0]])
    >>> w, v = mg.linalg.eigh(x)
    >>> w
    Tensor([1., 3.])
    >>> w[1].backward()
    >>> x.grad
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    return _eigh_of(astensor(a), UPLO=UPLO)


def _eigvalsh(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    _, v = np.linalg.eigh(a, UPLO)
    return np.matmul(conjugated(v) * _row(g), turned(v))


eigvalsh: Final = Function(np.linalg.eigvalsh, _eigvalsh, names="a UPLO").override()


# -- matrices of any shape


def _beyond(g: Any, q: Any, rank: int) -> Any:
    r"""Return the part of `g` that moves the first columns of `q` out of the space that they span.

    The other columns, if there are any, give way: :math:`Q_1^H\mathrm dQ_2 = -(Q_2^H\mathrm dQ_1)^H`.
    """
    first, others = conjugated(q[..., :rank]), conjugated(q[..., rank:])
    mine = g[..., :rank] - np.matmul(first, np.matmul(adjoint(first), g[..., :rank]))
    return mine - np.matmul(others, np.matmul(adjoint(g[..., rank:]), first))


def _svd(g: Any, y: Any, a: Any, full_matrices: bool) -> Any:
    r"""Differentiate: :math:`\mathrm ds_i = \mathrm{Re}\,P_{ii}` with :math:`P = U^H \mathrm dA\,V`.

    The sum of :math:`U^H\mathrm dU` and :math:`V^H\mathrm dV` is :math:`(P + P^H)_{ij} / (s_j - s_i)`, their
    difference :math:`(P - P^H)_{ij} / (s_j + s_i)`. Kept apart, gaps do no harm to :math:`UV^H`.
    """
    (gu, gs, gvh), (u, s, vh) = g, y
    rank, gv, v = s.shape[-1], adjoint(gvh), adjoint(vh)
    rounding = _rounding(s, max(a.shape[-2:]))
    turn_u, turn_v = (np.matmul(turned(q[..., :rank]), gq[..., :rank]) for q, gq in ((u, gu), (v, gv)))
    turn_u, turn_v = turn_u - adjoint(turn_u), turn_v - adjoint(turn_v)
    together = (turn_u + turn_v) * _reciprocal(_row(s) - _column(s), rounding)
    against = (turn_u - turn_v) * _reciprocal(_row(s) + _column(s), rounding)
    inner = on_diagonal(np.where(plain(s) == 0, 0, gs)) + (together + against) / 2
    left, right, per = conjugated(u[..., :rank]), vh[..., :rank, :], _reciprocal(_row(s), rounding)
    found = np.matmul(left, np.matmul(inner, conjugated(right)))
    if a.shape[-2] > rank:
        found = found + np.matmul(_beyond(gu, u, rank) * per, conjugated(right))
    if a.shape[-1] > rank:
        found = found + np.matmul(left * per, adjoint(_beyond(gv, v, rank)))
    return found


_svd_of = custom_rule(_svd)(np.linalg.svd)


@override(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    r"""Decompose each matrix into ``u @ diag(s) @ vh``: rotations, and singular values in descending order.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, N)
    full_matrices : bool
        Whether to complete the singular vectors to a basis; if not, there are as many as
        singular values, K = min(M, N).
    compute_uv : bool
        Whether to return the vectors; if not, this is `svdvals`.
    hermitian : bool
        Whether `a` is Hermitian, which is faster; its lower triangle is read.

    Returns
    -------
    SVDResult or Tensor
        ``U``, shape (..., M, M) or (..., M, K), ``S``, real, shape (..., K), and ``Vh``, shape (..., N, N) or
        (..., K, N), all tensors; without `compute_uv` only the singular values.

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are less than two axes, if singular values do not converge, or if `hermitian` matrices
        are not square.
    TypeError
        For float16, as in NumPy.

    Notes
    -----
    Each pair of vectors is defined up to a common sign, or phase, and those that complete a basis up to a
    rotation; a function to differentiate must not depend on that choice, as ``u * s @ vh`` and
    ``abs(u)`` do not.

    Singular values that agree up to rounding, ``max(M, N) * eps * max(s)``, do not mix their vectors: sums
    over all of an equal group, and the polar factor ``u @ vh``, have their exact gradients, single vectors
    none. Gradients of gradients may lack a part there, as told in `eigh`. A singular value 0 has derivative
    0, as ``abs`` at 0, and its vectors stay in their space.

    Formula: Townsend (2016), *Differentiating the singular value decomposition*; for complex numbers Wan and
    Zhang (2019), arXiv:1909.02659.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    >>> u, s, vh = mg.linalg.svd(x, full_matrices=False)
    >>> s
    Tensor([3., 2.])
    >>> s.sum().backward()
    >>> abs(x.grad)
    array([[1., 0.],
           [0., 1.],
           [0., 0.]])
    """
    a = astensor(a)
    if hermitian:
        return _svd_of_hermitian(a) if compute_uv else np.sort(np.abs(eigvalsh(a)))[..., ::-1]
    return _svd_of(a, full_matrices=bool(full_matrices)) if compute_uv else svdvals(a)


def _svd_of_hermitian(a: Tensor) -> Any:
    """Take singular values from eigenvalues: their signs go to the right vectors."""
    values, u = eigh(a)
    order = np.argsort(np.abs(values.data), axis=-1)[..., ::-1]
    values = np.take_along_axis(values, order, axis=-1)
    u = np.take_along_axis(u, _row(order), axis=-1)
    return _SVDResult(u, np.abs(values), adjoint(u * _row(np.copysign(1, values.data))))


_SVDResult: Any = type(np.linalg.svd(np.empty((0, 0))))  # NumPy names its types in a private module only


def _svdvals(g: Any, y: Any, a: Any) -> Any:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return np.matmul(conjugated(u) * _row(np.where(plain(y) == 0, 0, g)), conjugated(vh))


svdvals: Final = Function(
    lambda x: np.linalg.svd(x, compute_uv=False), _svdvals, names="x", numpy=np.linalg.svdvals
).override()


# -- square matrices


def _eig(g: Any, y: Any, a: Any) -> Any:
    r"""Differentiate: :math:`\mathrm dV = VC`, with a diagonal of C that keeps the norm of each vector."""
    (g_values, g_vectors), (values, v) = g, y
    turn = np.matmul(turned(v), g_vectors)
    turn = turn - np.matmul(turned(v), conjugated(v)) * _row(np.diagonal(turn, axis1=-2, axis2=-1))
    inner = _gaps(values) * turn + on_diagonal(g_values)
    return np.linalg.solve(turned(v), np.matmul(inner, turned(v)))


_eig_of = custom_rule(_eig)(np.linalg.eig)


@override(np.linalg.eig)
def eig(a: Any) -> Any:
    r"""Return the eigenvalues, in no order, and the eigenvectors of each square matrix.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, M)

    Returns
    -------
    EigResult
        ``eigenvalues``, a tensor of shape (..., M), and ``eigenvectors``, one of shape (..., M, M), whose
        columns have norm 1: ``a @ v == v * w``. Of real matrices they are complex if NumPy's are: before
        NumPy 2.5 if any eigenvalue of any of the matrices is complex, from then on always. The gradient
        of a real `a` is real.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square, hold inf or nan, or eigenvalues do not converge.
    TypeError
        For float16, as in NumPy.

    Notes
    -----
    The phase of each vector is whatever LAPACK returns; a function to differentiate must not depend on
    it. Its derivative is taken with norms kept, and :math:`(V^H \mathrm dV)_{ii} = 0`.

    Distinct eigenvalues have gradients. Those that agree up to rounding, ``M * eps * max(abs(w))``, do not
    mix their vectors: the sum of an equal group has its exact gradient if the eigenvectors are a basis. If
    they are none, as of ``[[0, 1], [0, 0]]``, there is no gradient: huge numbers come out, or
    `numpy.linalg.LinAlgError` is raised.

    Formula: Giles (2008), NA-08-01, 3.1; for complex numbers and norms Boeddeker et al. (2017),
    arXiv:1701.00392.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[0.0, 2.0], [-2.0, 0.0]])
    >>> w, v = mg.linalg.eig(x)
    >>> w
    Tensor([0.+2.j, 0.-2.j])
    >>> (abs(w)**2).sum().backward()
    >>> float(x.grad[0, 1].round(12)), float(x.grad[1, 0].round(12))
    (4.0, -4.0)
    """
    return _eig_of(astensor(a))


@override(np.linalg.eigvals)
def eigvals(a: Any) -> Tensor:
    """Return the eigenvalues of each square matrix, in no order.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, M)

    Returns
    -------
    Tensor
        Shape (..., M). Complex or real as in `eig`, which computes them: the gradient needs the vectors.

    Raises
    ------
    numpy.linalg.LinAlgError
        As `eig`.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[1.0, 5.0], [0.0, 2.0]])
    >>> w = mg.real(mg.linalg.eigvals(x))  # real by itself before NumPy 2.5
    >>> w
    Tensor([1., 2.])
    >>> w[1].backward()
    >>> abs(x.grad.round(12))
    array([[0., 0.],
           [5., 1.]])
    """
    return eig(a).eigenvalues
