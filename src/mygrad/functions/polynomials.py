"""Polynomials as NumPy's first functions have them: coefficients from the highest power down."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import cast
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.choices import trim_zeros
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.decompositions import eigvals
from mygrad.functions.inverses import lstsq
from mygrad.functions.linear_algebra import inv
from mygrad.functions.rearrangements import diag, vstack
from mygrad.functions.shapes import atleast_1d, concatenate, ravel, reshape
from mygrad.functions.signal import convolve

__all__ = [
    "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots",
    "vander",
]  # fmt: skip


@composition(np.polyval)
def polyval(p: Any, x: Any) -> Tensor:
    """Return the value of a polynomial at each element of `x`, by Horner's rule."""
    p, x = astensor(p), astensor(x)
    value = astensor(np.zeros(x.shape, x.dtype), constant=True)
    for coefficient in p:
        value = value * x + coefficient
    return value


def _same_length(a: Any, b: Any) -> list[Tensor]:
    a, b = atleast_1d(a), atleast_1d(b)
    size = max(a.size, b.size)
    return [concatenate([np.zeros(size - x.size, x.dtype), x]) for x in (a, b)]


@composition(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Tensor:
    """Return the sum of two polynomials."""
    a, b = _same_length(a1, a2)
    return a + b


@composition(np.polysub)
def polysub(a1: Any, a2: Any) -> Tensor:
    """Return the difference of two polynomials."""
    a, b = _same_length(a1, a2)
    return a - b


def _significant(p: Any) -> Tensor:
    """Leave leading zeros out, but one coefficient in."""
    p = atleast_1d(p)
    kept = trim_zeros(p, "f")
    return kept if kept.size else p[-1:]


@composition(np.polymul)
def polymul(a1: Any, a2: Any) -> Tensor:
    """Return the product of two polynomials."""
    return convolve(_significant(a1), _significant(a2))


@composition(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    """Return quotient and remainder of two polynomials."""
    u, v = atleast_1d(u) + 0.0, atleast_1d(v) + 0.0
    rest = cast.run((u,), {"dtype": (u[0] + v[0]).dtype}, constant=False)  # it is written with what varies
    quotient, scale = [] if u.size >= v.size else [u[0] * 0.0], 1.0 / v[0]
    for k in range(u.size - v.size + 1):
        quotient.append(scale * rest[k])
        rest[k : k + v.size] -= quotient[-1] * v
    first = 0
    while first < rest.size - 1 and np.allclose(rest.data[first], 0, rtol=1e-14):
        first += 1
    return concatenate([reshape(q, (1,)) for q in quotient]), rest[first:]


@composition(np.polyder)
def polyder(p: Any, m: int = 1) -> Tensor:
    """Return the m-th derivative of a polynomial."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = astensor(p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@composition(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    """Return the m-th antiderivative of a polynomial; `k` are the constants of integration."""
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = atleast_1d(np.zeros(m) if k is None else k)
    if constants.size == 1 and m > 1:
        constants = constants * np.ones(m)
    if constants.size < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    p = astensor(p)
    for i in range(int(m)):
        p = concatenate([p / np.arange(p.size, 0, -1), constants[i : i + 1]])
    return p


@composition(np.poly)
def poly(seq_of_zeros: Any) -> Tensor:
    """Return the polynomial with these zeros, or the characteristic polynomial of a matrix."""
    zeros = atleast_1d(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.size:
        zeros = eigvals(zeros)
    elif zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    zeros = cast.run((zeros,), {"dtype": np.mintypecode(zeros.dtype.char)})
    made = astensor(np.ones(1, zeros.dtype), constant=True)
    for zero in zeros:
        made = convolve(made, concatenate([np.ones(1, zeros.dtype), reshape(-zero, (1,))]))
    pairs = np.sort(zeros.data)
    return made.real if is_complex(zeros) and np.all(pairs == np.sort(pairs.conjugate())) else made


@composition(np.roots)
def roots(p: Any) -> Tensor:
    """Return the zeros of a polynomial: the eigenvalues of its companion matrix."""
    p = atleast_1d(p)
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    kept = trim_zeros(p) * 1.0
    at_zero = np.zeros(p.size - trim_zeros(p, "b").size if kept.size else 0, kept.dtype)
    if kept.size < 2:
        return astensor(at_zero)
    below = diag(np.ones(kept.size - 2, kept.dtype), -1)
    companion = vstack([reshape(-kept[1:] / kept[0], (1, -1)), below[1:]])
    return concatenate([eigvals(companion), at_zero])


@composition(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of each element of `x`, one power for each column."""
    x = astensor(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    powers = np.arange(x.size if N is None else N)
    return reshape(x, (-1, 1)) ** (powers if increasing else powers[::-1])


@composition(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Return the polynomial of degree `deg` with the least squared distance from points, weighted by `w`.

    `x` and `y` may have gradients, and so may the weights. With `full`, the sum of squared distances follows,
    and the rank, the singular values and `rcond`, which have no gradient; with `cov`, the covariance of the
    coefficients, scaled by the distances unless it is "unscaled".
    """
    x, y = astensor(x) + 0.0, astensor(y) + 0.0
    if x.ndim != 1 or y.ndim not in (1, 2) or y.shape[0] != x.size or not x.size:
        raise ValueError(f"polyfit: x has shape (M,), y (M,) or (M, K), M > 0; got {x.shape} and {y.shape}")
    left = vander(x, int(deg) + 1)
    if w is not None:
        weights = reshape(ravel(w), (-1, 1))
        left, y = left * weights, y * (weights if y.ndim == 2 else weights[:, 0])
    scale = np.sqrt(np.sum(left**2, axis=0))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    found, distances, rank, singular = lstsq(left / scale, y, rcond)
    found = (found.T / scale).T
    if full:
        return found, distances, rank, singular, rcond
    return (found, _covariance(left, y, found, cov)) if cov else found


def _covariance(left: Tensor, y: Tensor, found: Tensor, cov: Any) -> Tensor:
    """Return the covariance of the coefficients that were found, of each column of `y`."""
    made = inv(left.T @ left)
    if isinstance(cov, str) and cov == "unscaled":
        return made if y.ndim == 1 else made[..., np.newaxis]
    freedom = left.shape[0] - left.shape[1]
    if freedom <= 0:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    distance = y - left @ found
    factor = np.sum(np.real(distance * np.conj(distance)), axis=0) / freedom
    return made * factor if y.ndim == 1 else made[..., np.newaxis] * factor
