"""Covariances and correlations, histograms, and NumPy 2's cumulated sums and products."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff.declare import cast
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import FUNCTIONS, any_variable, name_of, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import clip
from mygrad.functions.rearrangements import diagonal
from mygrad.functions.reductions import cumprod, cumsum
from mygrad.functions.reductions import sum as sum_of
from mygrad.functions.shapes import atleast_2d, concatenate, squeeze

__all__ = ["corrcoef", "cov", "cumulative_prod", "cumulative_sum"]


def _variables(m: Any, rowvar: bool) -> Any:
    """Return a matrix with a row of observations for each variable."""
    x = astensor(m)
    if x.ndim > 2:
        raise ValueError(f"cov: observations have at most 2 axes; got shape {x.shape}")
    return atleast_2d(x) if rowvar or x.ndim < 2 else x.T


@composition(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Tensor:  # fmt: skip
    """Return the covariances of the rows of `m`, and of `y`, whose columns are observations."""
    x = _variables(m, rowvar)
    x = x if y is None else concatenate([x, _variables(y, rowvar)])
    x = cast.run((x,), {"dtype": dtype or np.result_type(x.dtype, np.float64)})
    weights = [astensor(each) for each in (fweights, aweights) if each is not None]
    w = astensor(np.ones(x.shape[1], x.real.dtype), constant=True)
    for each in weights:
        w = w * each
    total, lost = sum_of(w), (0 if bias else 1) if ddof is None else ddof
    if aweights is not None and lost:
        lost = lost * sum_of(w * weights[-1]) / total
    count = total - lost
    if count.data <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        count = count * 0.0
    centred = x - sum_of(x * w, axis=1, keepdims=True) / total
    return squeeze(centred @ np.conj((centred * w).T) / count)


@composition(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Tensor:
    """Return the correlations of the variables in the rows of `x`, and of `y`."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    size = np.sqrt(diagonal(c).real)
    made = c / size[:, np.newaxis] / size
    return made if is_complex(made) else clip(made, -1, 1)


def _cumulated(x: Any, axis: int | None, dtype: Any, include_initial: bool, of: Any, neutral: int) -> Tensor:
    x = astensor(x)
    if axis is None and x.ndim != 1:
        raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
    axis = 0 if axis is None else axis
    made = of(x, axis=axis) if dtype is None else of(x, axis=axis, dtype=dtype)
    if not include_initial:
        return made
    shape = [1 if i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return concatenate([np.full(shape, neutral, made.dtype), made], axis=axis)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Tensor:
    """Return the running sums along `axis`, with the empty one before them if asked for."""
    return _cumulated(x, axis, dtype, include_initial, cumsum, 0)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Tensor:
    """Return the running products along `axis`, with the empty one before them if asked for."""
    return _cumulated(x, axis, dtype, include_initial, cumprod, 1)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    cumulative_sum = composition(np.cumulative_sum)(cumulative_sum)
    cumulative_prod = composition(np.cumulative_prod)(cumulative_prod)


def _counting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a histogram: counts have no gradient, and sums of weights have none here."""

    def counted(*args: Any, **keywords: Any) -> Any:
        weights = inspect.signature(function).bind(*args, **keywords).arguments.get("weights")
        if any_variable([weights]):
            raise NotImplementedError(
                f"{name_of(function)} of a tensor does not differentiate by its weights; pass weights.data, "
                "or add them up with np.add.at"
            )
        return function(*unwrapped(args), **unwrapped(keywords))

    counted.__name__ = function.__name__
    return counted


for _function in (np.histogram, np.histogram2d, np.histogramdd):
    FUNCTIONS[_function] = _counting(_function)
