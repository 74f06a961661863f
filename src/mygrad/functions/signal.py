"""NumPy's convolution and correlation of two sequences, by the convolution engine."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import override
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.convolution import convolve as convolve_batch
from mygrad.functions.convolution import make_problem
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import conjugate
from mygrad.functions.shapes import reshape

__all__ = ["convolve", "correlate"]

_PADDINGS = {
    "full": lambda taps: (taps - 1, taps - 1),
    "same": lambda taps: (taps // 2, taps - 1 - taps // 2),
    "valid": lambda taps: (0, 0),
}


def _checked(function: str, name: str, x: Any) -> Tensor:
    x = x if isinstance(x, Tensor) else astensor(np.asarray(x))
    if x.ndim > 1:
        raise ValueError(f"{name} of {function} has {x.ndim} axes, shape {x.shape}; it is one sequence")
    if x.size == 0:
        raise ValueError(f"{name} of {function} cannot be empty")
    return reshape(x, (x.size,))


def _slide(a: Tensor, v: Tensor, mode: str, constant: bool | None) -> Tensor:
    """Return the sums of ``a[i + k] * v[k]``; `v` is not the longer one."""
    if mode not in _PADDINGS:
        raise ValueError(f"mode is 'full', 'same' or 'valid'; got {mode!r}")
    x, w = reshape(a, (1, 1, a.size)), reshape(v, (1, 1, v.size))
    problem = make_problem(x.shape, w.shape, stride=1, padding=[_PADDINGS[mode](v.size)])
    y = convolve_batch.run((x, w), {"problem": problem}, constant)
    return reshape(y, (y.size,))


@override(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full", *, constant: bool | None = None) -> Tensor:
    """Return the discrete convolution of two sequences: ``y[n] = sum(a[m] * v[n - m])``.

    Parameters
    ----------
    a, v : ArrayLike, shapes (M,) and (N,)
        Any dtype of numbers; the result has the one that NumPy promotes them to.
    mode : "full", "same" or "valid"
        All M + N - 1 elements; the middle max(M, N) of them; or those where the sequences overlap
        completely.
    constant : bool, optional

    Returns
    -------
    Tensor
        The algorithm is chosen by size: direct, or by Fourier transforms.

    Raises
    ------
    ValueError
        If a sequence is empty or no sequence, or there is no such mode.

    See Also
    --------
    mygrad.nnet.conv_nd : batches, channels, any number of axes, strides

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.convolve([1.0, 2.0, 3.0], [1.0, 10.0])
    Tensor([ 1., 12., 23., 30.])
    """
    a, v = _checked("convolve", "a", a), _checked("convolve", "v", v)
    if v.size > a.size:
        a, v = v, a
    return _slide(a, v[::-1], mode, constant)


@override(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid", *, constant: bool | None = None) -> Tensor:
    """Return the cross-correlation of two sequences: ``y[k] = sum(a[n + k] * conj(v[n]))``.

    Parameters
    ----------
    a, v : ArrayLike, shapes (M,) and (N,)
        Any dtype of numbers; the result has the one that NumPy promotes them to.
    mode : "valid", "same" or "full"
        As for `convolve`.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If a sequence is empty or no sequence, or there is no such mode.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.correlate([1.0, 2.0, 3.0], [1.0, 10.0])
    Tensor([21., 32.])
    """
    a, v = _checked("correlate", "a", a), _checked("correlate", "v", v)
    v = conjugate(v) if v.dtype.kind == "c" else v
    if v.size > a.size:
        return _slide(v, a, mode, constant)[::-1]
    return _slide(a, v, mode, constant)
