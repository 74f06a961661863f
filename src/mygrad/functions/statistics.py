"""Averages, orders and differences: compositions of the functions that have rules."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import any_variable, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions import reductions
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.indexing import where
from mygrad.functions.rearrangements import sort, take_along_axis
from mygrad.functions.reductions import axes_of
from mygrad.functions.shapes import concatenate, moveaxis, reshape

__all__ = [
    "average", "diff", "ediff1d", "interp", "median", "nan_to_num", "nancumprod", "nancumsum", "nanmax",
    "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum",
    "nanvar", "percentile", "ptp", "quantile", "trapezoid", "unwrap",
]  # fmt: skip


@composition(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tensor:
    """Return the largest minus the smallest element along `axis`."""
    return reductions.max(a, axis=axis, keepdims=keepdims) - reductions.min(a, axis=axis, keepdims=keepdims)


@composition(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Return the mean along `axis`, weighted if there are weights; both may have gradients.

    With `returned`, the sum of the weights follows, in the same shape.
    """
    a = astensor(a)
    if weights is None and not returned:
        return reductions.mean(a, axis=axis, keepdims=keepdims)
    weights = np.ones(a.shape, a.dtype) if weights is None else weights
    weights = astensor(weights)
    if weights.shape != a.shape:
        if not isinstance(axis, int) or weights.shape != (a.shape[axis],):
            raise ValueError(f"average: weights of shape {weights.shape} do not fit axis {axis} of {a.shape}")
        weights = reshape(weights, (-1, *(1,) * (a.ndim - axis % a.ndim - 1)))
    total = reductions.sum(weights * np.ones(a.shape, a.dtype), axis=axis, keepdims=keepdims)
    mean = reductions.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


def _last(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Bring the axes together as the last one; return that, and the shape with them kept."""
    axes = axes_of(x, axis)
    kept = tuple(1 if i in axes else size for i, size in enumerate(x.shape))
    moved = moveaxis(x, axes, range(-len(axes), 0))
    return reshape(moved, (*moved.shape[: x.ndim - len(axes)], -1)), kept


@composition(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: Any = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Tensor:  # fmt: skip
    """Return the value below which a share `q` of the elements along `axis` lies, interpolated linearly.

    Parameters
    ----------
    a : ArrayLike
    q : float or array of floats, from 0 to 1
        Several come first in the shape of the result.
    axis : int or tuple of int, optional
    out : Tensor or numpy.ndarray, optional
    overwrite_input : bool
        Without influence: the input is never overwritten.
    method : str
        One of those of `numpy.quantile`; "linear" by default.
    keepdims : bool
    weights : array, optional
        How often each element counts, of the shape of `a` or of its one `axis`; no gradient. They need
        method="inverted_cdf".

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.quantile(mg.tensor([4.0, 1.0, 3.0]), 0.25)
    Tensor(2.)
    """
    return _quantile(*_checked(a, q), axis, method, keepdims, weights=weights)


def _checked(a: Any, q: Any) -> tuple[Tensor, Any]:
    x, shares = astensor(a), np.asarray(unwrapped(q), dtype=float)
    if is_complex(x):
        raise TypeError("a must be an array of real numbers")  # in NumPy's words
    if np.any((shares < 0) | (shares > 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    return x, q


def _quantile(
    x: Any, q: Any, axis: Any, method: Any, keepdims: bool, *, skip_nan: bool = False, weights: Any = None
) -> Tensor:
    shares = np.asarray(unwrapped(q), dtype=float)
    flat, kept = _last(x, axis)
    ordered = sort(flat, axis=-1)  # NaN comes last
    missing = np.isnan(ordered.data)
    counts = np.sum(~missing if skip_nan else np.ones_like(missing), axis=-1)
    if weights is None:
        place = _places(shares.reshape(-1), counts, method)
    else:
        given = _last(_weights(weights, x, axis), axis)[0].data
        given = np.where(missing, 0, np.take_along_axis(given, np.argsort(flat.data, -1, kind="stable"), -1))
        ranks = np.broadcast_to(np.arange(given.shape[-1]), given.shape)
        place = np.moveaxis(np.quantile(ranks, shares.reshape(-1), -1, method=method, weights=given), 0, -1)
    low = np.floor(place).astype(np.intp)
    high = np.clip(low + 1, 0, np.maximum(counts[..., None] - 1, 0))
    exact = method in DISCRETE or type(q) in (int, float)
    part = (place - low).astype(x.dtype if exact else np.result_type(x.dtype, np.asarray(unwrapped(q))))
    found = take_along_axis(ordered, low, -1) * (1 - part) + take_along_axis(ordered, high, -1) * part
    if not skip_nan and missing.any():  # a NaN makes every order a NaN
        found = where(missing[..., -1:], np.nan, found)
    return reshape(moveaxis(found, -1, 0), (*shares.shape, *(kept if keepdims else flat.shape[:-1])))


DISCRETE = {"closest_observation", "higher", "inverted_cdf", "lower", "nearest"}
"""Methods whose results are elements."""


def _places(shares: Any, counts: Any, method: Any) -> Any:
    """Return the place among n sorted numbers of each share: the quantile of the places 0 to n - 1."""
    places = {n: np.quantile(np.arange(max(n, 1)), shares, method=method) for n in set(counts.flat)}
    return np.array([places[n] for n in counts.flat]).reshape(*counts.shape, -1)


def _weights(weights: Any, x: Any, axis: Any) -> Tensor:
    if any_variable([weights]):
        raise TypeError("the weights of a quantile have no gradient; pass their values, weights.data")
    weights = np.asarray(unwrapped(weights))
    if weights.shape != x.shape:
        if not isinstance(axis, int) or weights.shape != (x.shape[axis],):
            raise TypeError(f"weights of shape {weights.shape} do not fit axis {axis} of {x.shape}")
        weights = np.broadcast_to(weights.reshape(-1, *(1,) * (x.ndim - axis % x.ndim - 1)), x.shape)
    return astensor(weights, constant=True)


def _in_percent(q: Any) -> Any:
    shares = q / 100 if type(q) in (int, float) else np.asarray(unwrapped(q)) / 100
    if np.any((shares < 0) | (shares > 1)):
        raise ValueError("Percentiles must be in the range [0, 100]")
    return shares


@composition(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: Any = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Tensor:  # fmt: skip
    """Return quantiles for shares in percent."""
    return quantile(a, _in_percent(q), axis, method=method, keepdims=keepdims, weights=weights)


@composition(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Tensor:
    """Return the middle element along `axis`, or the mean of the two in the middle."""
    return _quantile(astensor(a), 0.5, axis, "linear", keepdims)


# -- differences


@composition(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Return the n-th differences of neighbours along `axis`."""
    x = astensor(a)
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    ends = [each if each is None else _end(each, x, axis) for each in (prepend, append)]
    if n and (ends[0] is not None or ends[1] is not None):
        x = concatenate([each for each in (ends[0], x, ends[1]) if each is not None], axis=axis)
    lead = (slice(None),) * (axis % x.ndim)
    for _ in range(n):
        x = x[(*lead, slice(1, None))] - x[(*lead, slice(None, -1))]
    return x


def _end(values: Any, x: Any, axis: int) -> Any:
    values = astensor(values)
    if values.ndim:
        return values
    return values + np.zeros([1 if i == axis % x.ndim else size for i, size in enumerate(x.shape)], x.dtype)


@composition(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """Return the differences of neighbours of the raveled array, with what is to be before and after."""
    between = diff(astensor(ary).reshape(-1))
    ends = [each if each is None else astensor(each, dtype=between.dtype) for each in (to_begin, to_end)]
    parts = [ends[0], between, ends[1]]
    return concatenate([each.reshape(-1) for each in parts if each is not None])


@composition(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """Integrate along `axis` by the trapezoidal rule."""
    y = astensor(y)
    if x is not None:
        x = astensor(x)
        dx = (
            diff(x, axis=axis) if x.ndim > 1 else reshape(diff(x), (-1, *(1,) * (y.ndim - axis % y.ndim - 1)))
        )
    lead = (slice(None),) * (axis % y.ndim)
    return reductions.sum(dx * (y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]) / 2, axis=axis)


@composition(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Tensor:
    """Add whole periods where neighbours jump by more than half of one; they have no gradient."""
    p = astensor(p)
    return p + (np.unwrap(p.data, discont, axis, period=period) - p.data)


@composition(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Tensor:
    """Interpolate linearly between the points (xp, fp); all but `left` and `right` may have gradients.

    At a point itself the slope is that of the piece after it; outside, the result is constant.
    """
    x, xp, fp = astensor(x), astensor(xp), astensor(fp)
    if is_complex(x) or is_complex(xp):
        raise TypeError(f"interp: x and xp are real numbers; got {x.dtype} and {xp.dtype}")
    low = np.clip(np.searchsorted(xp.data, x.data, side="right") - 1, 0, xp.size - 2)
    start, end = xp[low], xp[low + 1]
    inside = fp[low] + (fp[low + 1] - fp[low]) * (x - start) / (end - start)
    inside = where(x.data < xp.data[0], fp[0] if left is None else left, inside)
    return where(x.data > xp.data[-1], fp[-1] if right is None else right, inside)


# -- without NaN


@composition(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Replace NaN and infinities by numbers; they have no gradient then."""
    x = astensor(x)
    if is_complex(x):
        real, imag = (nan_to_num(part, copy, nan, posinf, neginf) for part in (x.real, x.imag))
        return real + imag * 1j
    return where(np.isfinite(x.data), x, np.nan_to_num(x.data, nan=nan, posinf=posinf, neginf=neginf))


def _ignoring(
    function: Callable[..., Any], reduction: Callable[..., Any], value: float
) -> Callable[..., Any]:
    """Declare a reduction that takes NaN for `value`."""

    def of_numbers(a: Any, axis: Any = None, **keywords: Any) -> Any:
        x = astensor(a)
        return reduction(where(np.isnan(x.data), value, x), axis=axis, **keywords)

    of_numbers.__name__ = of_numbers.__qualname__ = function.__name__
    of_numbers.__doc__ = f"As `{reduction.__name__}`, with {value:g} in place of NaN."
    return composition(function)(of_numbers)


nansum: Final = _ignoring(np.nansum, reductions.sum, 0.0)
nanprod: Final = _ignoring(np.nanprod, reductions.prod, 1.0)
nanmax: Final = _ignoring(np.nanmax, reductions.max, -np.inf)
nanmin: Final = _ignoring(np.nanmin, reductions.min, np.inf)
nancumsum: Final = _ignoring(np.nancumsum, reductions.cumsum, 0.0)
nancumprod: Final = _ignoring(np.nancumprod, reductions.cumprod, 1.0)


@composition(np.nanmean)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Tensor:
    """Return the mean of what is not NaN."""
    x, chosen = astensor(a), np.asarray(unwrapped(where), dtype=bool)
    count = np.sum(~np.isnan(x.data) & chosen, axis=axis, keepdims=keepdims)
    return nansum(x, axis, keepdims=keepdims, where=chosen) / count.astype(x.dtype)


@composition(np.nanvar)
def nanvar(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Tensor:
    """Return the variance of what is not NaN."""
    x = astensor(a)
    valid = ~np.isnan(x.data) & np.asarray(unwrapped(where), dtype=bool)
    centred = np.where(valid, x - nanmean(x, axis, keepdims=True, where=valid), 0.0)
    count = (np.sum(valid, axis=axis, keepdims=keepdims) - ddof).astype(x.real.dtype)
    square = np.real(centred * np.conj(centred)) if is_complex(centred) else centred**2
    return reductions.sum(square, axis=axis, keepdims=keepdims) / count


@composition(np.nanstd)
def nanstd(a: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Tensor:
    """Return the standard deviation of what is not NaN."""
    return np.sqrt(nanvar(a, axis, ddof=ddof, keepdims=keepdims, where=where))


@composition(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: Any = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Tensor:  # fmt: skip
    """Return the quantiles of what is not NaN."""
    return _quantile(*_checked(a, q), axis, method, keepdims, skip_nan=True, weights=weights)


@composition(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: Any = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Tensor:  # fmt: skip
    """Return the quantiles of what is not NaN, for shares in percent."""
    return nanquantile(a, _in_percent(q), axis, method=method, keepdims=keepdims, weights=weights)


@composition(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Tensor:
    """Return the middle of the elements along `axis` that are not NaN."""
    return _quantile(astensor(a), 0.5, axis, "linear", keepdims, skip_nan=True)
