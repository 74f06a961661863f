"""Losses: compositions of NumPy's functions."""

from typing import Any

import numpy as np

from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import negative
from mygrad.nnet.activations import logsoftmax

__all__ = ["softmax_crossentropy"]


def _checked_labels(x: Tensor, y_true: Any) -> np.ndarray[Any, Any]:
    """Return the labels as an array, one integer for each row of `x`."""
    labels = np.asarray(plain(y_true))
    if x.ndim != 2:
        raise ValueError(f"x has {x.ndim} axes, shape {x.shape}; it needs 2: (samples, classes)")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y_true has dtype {labels.dtype}; class labels are integers")
    if labels.shape != x.shape[:1]:
        raise ValueError(f"y_true has shape {labels.shape}; x of shape {x.shape} needs ({x.shape[0]},)")
    return labels


def softmax_crossentropy(x: Any, y_true: Any, *, constant: bool | None = None) -> Tensor:
    """Return the mean cross-entropy of softmax scores.

    Parameters
    ----------
    x : ArrayLike, shape (N, K)
        A score for each of K classes for each of N samples.
    y_true : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    constant : bool, optional

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If `x` has not 2 axes, or `y_true` not the shape (N,).
    TypeError
        If `y_true` is not of integers.
    IndexError
        If a label is out of range.

    Examples
    --------
    >>> from mygrad.nnet import softmax_crossentropy
    >>> softmax_crossentropy([[0.0, 0.0]], [1])
    Tensor(0.69314718)
    """
    x = astensor(x)
    labels = _checked_labels(x, y_true)
    chosen = logsoftmax(x)[np.arange(len(labels)), labels]
    return negative(np.mean(chosen), constant=constant)
