"""Orthogonal and triangular factors."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.joint import custom_rule
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.functions.creation import astensor
from mygrad.functions.decompositions import on_diagonal
from mygrad.functions.linear_algebra import adjoint, turned

__all__ = ["qr"]


def _qr(g: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    r"""Differentiate: :math:`(\bar Q + Q\,\Psi(R \bar R^H - \bar Q^H Q)) R^{-H}`.

    Psi makes a matrix Hermitian by mirroring its lower triangle. Where there are more columns than rows, the
    others follow from q, on which they pull.
    """
    (gq, gr), (q, r) = g, y
    rank = min(a.shape[-2:])
    square, beyond = r[..., :rank, :rank], gr[..., :rank, rank:]
    if np.any(np.diagonal(plain(square), axis1=-2, axis2=-1) == 0):
        raise np.linalg.LinAlgError(
            f"qr of a matrix of shape {a.shape[-2:]} has no gradient: "
            f"its first {rank} columns are linearly dependent"
        )
    q, others = conjugated(q[..., :rank]), conjugated(q[..., rank:])
    gq, g_others = gq[..., :rank], adjoint(gq[..., rank:])
    gq = gq - np.matmul(others, np.matmul(g_others, q))
    gq = gq + np.matmul(conjugated(a[..., rank:]), adjoint(beyond))
    mirrored = np.matmul(conjugated(square), adjoint(gr[..., :rank, :rank])) - np.matmul(adjoint(gq), q)
    lower = np.tril(mirrored) - on_diagonal(np.diagonal(mirrored, axis1=-2, axis2=-1)) / 2
    gq = gq + np.matmul(q, lower + adjoint(lower))
    found = turned(np.linalg.solve(square, turned(gq)))
    return np.concatenate([found, np.matmul(q, beyond)], axis=-1)


def _r(g: Any, y: Any, a: Any, mode: str) -> Any:
    q, r = np.linalg.qr(a)
    return _qr((np.zeros(q.shape, q.dtype), g), (q, r), a)


_qr_of = custom_rule(_qr)(np.linalg.qr)
_r_of = Function(np.linalg.qr, _r, names="a mode")
_MODES = ("reduced", "complete", "r")


@override(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Decompose each matrix into ``q @ r``: orthonormal columns, and an upper triangle.

    Parameters
    ----------
    a : ArrayLike, shape (..., M, N)
    mode : {"reduced", "complete", "r"}
        Whether `q` has K = min(M, N) columns, or M, or is not computed.

    Returns
    -------
    QRResult or Tensor
        ``Q``, shape (..., M, K), and ``R``, shape (..., K, N), tensors; for "complete" with M in the place
        of K; for "r" only R.

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are less than two axes; and from the gradient, if the first K columns are linearly
        dependent, for then it does not exist.
    NotImplementedError
        For mode "raw", which returns LAPACK's own form.
    ValueError
        For another `mode`.

    Notes
    -----
    With the diagonal of R real, and signs as LAPACK chooses them, the factors are unique, so every function
    of them can be differentiated. Only what completes Q to a basis is defined up to a rotation; a
    function to differentiate must not depend on it.

    Formula: Walter and Lehmann (2013), *Algorithmic differentiation of linear algebra functions*; for wide
    and complex matrices Roberts and Roberts (2020), arXiv:2009.10071.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[3.0, 1.0], [4.0, 1.0]])
    >>> q, r = mg.linalg.qr(x)
    >>> abs(r[0, 0]).backward()
    >>> x.grad[:, 0]
    array([0.6, 0.8])
    """
    if mode in ("raw", "f", "full", "e", "economic"):
        raise NotImplementedError(f"qr of a tensor takes the modes {', '.join(_MODES)}; got {mode!r}")
    a = astensor(a)
    return _r_of(a, mode=mode) if mode == "r" else _qr_of(a, mode=mode)
