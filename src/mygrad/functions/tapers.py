"""Window functions, which taper a signal towards its ends: NumPy's values, and a gradient by Kaiser's shape.

NumPy hands none of them on to tensors: ``np.kaiser(M, beta)`` of a variable `beta` is a TypeError.
"""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import cast
from mygrad.autodiff.overrides import unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.floats import i0

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def bartlett(M: int, *, constant: bool | None = None) -> Tensor:
    """Return the triangle of `M` points that is 0 at both ends and 1 in the middle.

    In float64: ``1 - abs(2*n / (M-1) - 1)`` for n from 0 to M - 1.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.bartlett(5)
    Tensor([0. , 0.5, 1. , 0.5, 0. ])
    """
    return astensor(np.bartlett(unwrapped(M)), constant=constant)


def blackman(M: int, *, constant: bool | None = None) -> Tensor:
    """Return Blackman's window of `M` points, a sum of three cosines: wide, with little leakage.

    In float64: ``0.42 - 0.5*cos(2*pi*n / (M-1)) + 0.08*cos(4*pi*n / (M-1))`` for n from 0 to M - 1.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.blackman(7)[3]
    Tensor(1.)
    """
    return astensor(np.blackman(unwrapped(M)), constant=constant)


def hamming(M: int, *, constant: bool | None = None) -> Tensor:
    """Return Hamming's window of `M` points, a raised cosine that is 0.08 at both ends.

    In float64: ``0.54 - 0.46*cos(2*pi*n / (M-1))`` for n from 0 to M - 1.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.hamming(5)
    Tensor([0.08, 0.54, 1.  , 0.54, 0.08])
    """
    return astensor(np.hamming(unwrapped(M)), constant=constant)


def hanning(M: int, *, constant: bool | None = None) -> Tensor:
    """Return von Hann's window of `M` points, a raised cosine that is 0 at both ends.

    In float64: ``0.5 - 0.5*cos(2*pi*n / (M-1))`` for n from 0 to M - 1.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.hanning(5)
    Tensor([0. , 0.5, 1. , 0.5, 0. ])
    """
    return astensor(np.hanning(unwrapped(M)), constant=constant)


def kaiser(M: int, beta: Any, *, constant: bool | None = None) -> Tensor:
    """Return Kaiser's window of `M` points, which is differentiable by its shape `beta`.

    Parameters
    ----------
    M : int
        The number of points; none if it is 0 or less.
    beta : float or Tensor, shape ()
        The larger, the narrower the window and the less it leaks: 0 is a rectangle, 5 about Hamming's, 6
        von Hann's, 8.6 Blackman's. Above 700 the Bessel function overflows, as NumPy's does.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (M,)
        In float64: ``i0(beta * sqrt(1 - x**2)) / i0(beta)`` for M points x from -1 to 1. [1]_

    Raises
    ------
    ValueError
        If `beta` is a tensor that has axes.

    See Also
    --------
    i0 : the Bessel function

    References
    ----------
    .. [1] J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function",
       IEEE Symposium on Circuits and Systems, 1974.

    Examples
    --------
    >>> import mygrad as mg
    >>> beta = mg.tensor(2.0)
    >>> window = mg.kaiser(5, beta)
    >>> window
    Tensor([0.43867628, 0.83476143, 1.        , 0.83476143, 0.43867628])
    >>> window.sum().backward()
    >>> beta.grad
    array(-0.83952897)
    """
    points = unwrapped(M)
    if not isinstance(beta, Tensor):
        return astensor(np.kaiser(points, beta), constant=constant)
    if beta.ndim:
        raise ValueError(
            f"beta of kaiser is one number; this tensor has the shape {beta.shape}.\n"
            "Choose an element, as beta[0] does; several windows: mg.stack([mg.kaiser(M, b) for b in beta])."
        )
    middle = (points - 1) / 2
    x = (np.arange(points) - middle) / (middle or 1)  # a window of one point is its middle
    wide = cast.either(beta, dtype=np.float64)
    return astensor(i0(wide * np.sqrt(1 - x**2)) / i0(wide), constant=constant)
