"""Activations: compositions of NumPy's functions."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.elementwise import exp, positive, subtract, tanh

__all__ = ["logsoftmax", "relu", "sigmoid", "softmax", "tanh"]

_relu = Function(lambda x: np.maximum(x, 0), lambda g, y, x: g * (plain(x) > 0))
_sigmoid = Function(
    lambda x: np.exp(-np.logaddexp(0, -np.asarray(x))).astype(np.result_type(x, np.float16)),
    lambda g, y, x: g * y * (1 - y),
)


def relu(x: Any, *, constant: bool | None = None) -> Tensor:
    """Return ``max(x, 0)``; its gradient at 0 is 0.

    Parameters
    ----------
    x : ArrayLike
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import relu
    >>> relu(mg.tensor([-1.0, 2.0]))
    Tensor([0., 2.])
    """
    return _relu.run((x,), {}, constant)


def sigmoid(x: Any, *, constant: bool | None = None) -> Tensor:
    """Return ``1 / (1 + exp(-x))``, without overflow.

    Parameters
    ----------
    x : ArrayLike
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from mygrad.nnet import sigmoid
    >>> sigmoid([0.0, 1000.0])
    Tensor([0.5, 1. ])
    """
    return _sigmoid.run((x,), {}, constant)


def logsoftmax(x: Any, axis: Any = -1, *, constant: bool | None = None) -> Tensor:
    """Return the logarithm of `softmax`, without overflow.

    Parameters
    ----------
    x : ArrayLike
    axis : int, tuple of int or None
        The axes along which the exponentials sum to 1; None for all.
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from mygrad.nnet import logsoftmax
    >>> logsoftmax([0.0, 0.0])
    Tensor([-0.69314718, -0.69314718])
    """
    x = astensor(x)
    if x.size == 0:
        return positive(x, constant=constant)
    shifted = x - np.max(plain(x), axis=axis, keepdims=True)
    return subtract(shifted, np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)), constant=constant)


def softmax(x: Any, axis: Any = -1, *, constant: bool | None = None) -> Tensor:
    """Return exponentials scaled to sum to 1 along `axis`.

    Parameters
    ----------
    x : ArrayLike
    axis : int, tuple of int or None
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from mygrad.nnet import softmax
    >>> softmax([1.0, 1.0])
    Tensor([0.5, 0.5])
    """
    return exp(logsoftmax(x, axis, constant=constant), constant=constant)
