"""Functions whose results have no gradient: arrays come out, whatever goes in."""

from typing import Any

import numpy as np

from mygrad.autodiff.overrides import unwrapped

__all__ = ["any", "argmax", "argmin"]


def any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Tell whether any element along `axis` is true.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        All by default.
    out : numpy.ndarray, optional
    keepdims : bool

    Returns
    -------
    numpy.ndarray or numpy.bool

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.any([[0.0, 1.0], [0.0, 0.0]], axis=1)
    array([ True, False])
    """
    return np.any(unwrapped(a), axis, out, keepdims)


def argmax(a: Any, axis: int | None = None, out: Any = None) -> Any:
    """Return the position of the first largest element along `axis`, or in the raveled array.

    Parameters
    ----------
    a : ArrayLike
    axis : int, optional
    out : numpy.ndarray, optional

    Returns
    -------
    numpy.ndarray of int, or int

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.argmax([[0.0, 1.0], [2.0, 0.0]], axis=1)
    array([1, 0])
    """
    return np.argmax(unwrapped(a), axis, out)


def argmin(a: Any, axis: int | None = None, out: Any = None) -> Any:
    """Return the position of the first smallest element along `axis`, or in the raveled array.

    Parameters
    ----------
    a : ArrayLike
    axis : int, optional
    out : numpy.ndarray, optional

    Returns
    -------
    numpy.ndarray of int, or int

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.argmin([[0.0, 1.0], [2.0, 0.0]], axis=1)
    array([0, 1])
    """
    return np.argmin(unwrapped(a), axis, out)
