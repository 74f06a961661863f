"""Activations: compositions of NumPy's functions, and rules where those would be slow or inexact."""

from numbers import Real
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.elementwise import divide, exp, maximum, minimum, multiply, positive, tanh
from mygrad.functions.reductions import sum as sum_of
from mygrad.nnet.operands import operand

__all__ = [
    "elu", "glu", "hard_tanh", "leaky_relu", "logsoftmax", "relu", "selu", "sigmoid", "soft_sign", "softmax",
    "tanh",
]  # fmt: skip

_relu = Function(
    lambda x: np.maximum(x, False),  # the zero of every dtype, of booleans too
    lambda g, y, x: g * (plain(x) > 0),
)


def _sigmoid_value(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), with the exponential of a number whose real part is not positive."""
    x = np.asarray(x)
    if x.dtype.kind in "biu":  # -x of unsigned numbers is not negative
        x = x.astype(float)
    e = np.exp(np.where(x.real < 0, x, -x) if is_complex(x) else -np.abs(x))
    return np.where(x.real < 0, e, 1) / (1 + e)


_sigmoid = Function(_sigmoid_value, lambda g, y, x: g * y * (1 - y))
sigmoid_of: Final = _sigmoid.either
"""The sigmoid of an array or a tensor, as rules use it."""


def _elu_rule(g: Any, y: Any, x: Any, alpha: Any) -> Any:
    return np.where(plain(x) < 0, g * (alpha * np.exp(np.minimum(x, 0))), g)


def _leaky_rule(g: Any, y: Any, x: Any, slope: Any) -> Any:
    return np.where(plain(x) > 0, g, np.where(plain(x) < 0, g * slope, 0))


_elu = Function(
    lambda x, alpha: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x), _elu_rule, names="x alpha"
)
_leaky = Function(lambda x, slope: np.where(x > 0, x, slope * x), _leaky_rule, names="x slope")


def _logsoftmax_value(x: Any, axis: Any) -> Any:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(sum_of.either(np.exp(shifted), axis=axis, keepdims=True))


_logsoftmax = Function(
    _logsoftmax_value,
    lambda g, y, x, axis: g - np.exp(y) * sum_of.either(g, axis=axis, keepdims=True),
    names="x axis",
)
_relu.name, _sigmoid.name, _logsoftmax.name = "relu", "sigmoid", "logsoftmax"
_elu.name, _leaky.name = "elu", "leaky_relu"


def _floats(x: Tensor) -> Tensor:
    """Return `x`; whole numbers, which have no gradient, in double precision: differences may be negative."""
    return x.astype(float, constant=True) if x.dtype.kind in "biu" else x


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _scalar(name: str, x: Any) -> Any:
    """Return a parameter as a Python number, which leaves the dtype of a tensor as it is."""
    number = x.item() if isinstance(x, (Tensor, np.ndarray, np.generic)) else x
    if isinstance(number, Real):
        return number
    raise TypeError(f"`{name}` must be a real number, got {x!r} ({type(x).__name__})")


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
    x = _floats(operand(x))
    if x.size == 0:
        return positive(x, constant=constant)
    return _logsoftmax.run((x,), {"axis": axis}, constant)


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


def elu(x: Any, alpha: float, *, constant: bool | None = None) -> Tensor:
    r"""Return x where it is not negative, and :math:`\alpha (e^x - 1)` elsewhere.

    Parameters
    ----------
    x : ArrayLike
    alpha : float
        A number, or a tensor or array of one; it has no gradient.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If `alpha` is not a real number.

    Notes
    -----
    Clevert et al., *Fast and Accurate Deep Network Learning by Exponential Linear Units*, 2015,
    arXiv:1511.07289. The derivative at 0 is 1.

    Examples
    --------
    >>> from mygrad.nnet import elu
    >>> elu([-1.0, 2.0], 0.5)
    Tensor([-0.31606028,  2.        ])
    """
    return _elu.run((x,), {"alpha": _scalar("alpha", alpha)}, constant)


def selu(x: Any, *, constant: bool | None = None) -> Tensor:
    r"""Return an `elu` whose results tend to mean 0 and variance 1.

    Parameters
    ----------
    x : ArrayLike
    constant : bool, optional

    Returns
    -------
    Tensor

    Notes
    -----
    :math:`1.0507\,elu(x, 1.6733)`: Klambauer et al., *Self-Normalizing Neural Networks*, 2017,
    arXiv:1706.02515.

    Examples
    --------
    >>> from mygrad.nnet import selu
    >>> selu([-1.0, 1.0])
    Tensor([-1.11133074,  1.05070099])
    """
    return multiply(_elu.run((x,), {"alpha": SELU_ALPHA}, constant), SELU_SCALE, constant=constant)


def leaky_relu(x: Any, slope: float, *, constant: bool | None = None) -> Tensor:
    """Return x where it is positive, and ``slope * x`` elsewhere; the gradient at 0 is 0.

    Parameters
    ----------
    x : ArrayLike
    slope : float
        A number, or a tensor or array of one; it has no gradient.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If `slope` is not a real number.

    Examples
    --------
    >>> from mygrad.nnet import leaky_relu
    >>> leaky_relu([-2.0, 2.0], 0.1)
    Tensor([-0.2,  2. ])
    """
    return _leaky.run((x,), {"slope": _scalar("slope", slope)}, constant)


def hard_tanh(
    x: Any, *, lower_bound: float = -1, upper_bound: float = 1, constant: bool | None = None
) -> Tensor:
    """Limit x to an interval; the gradient is 0 at and outside its ends.

    Parameters
    ----------
    x : ArrayLike
    lower_bound, upper_bound : float
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If a bound is not a real number.

    Examples
    --------
    >>> from mygrad.nnet import hard_tanh
    >>> hard_tanh([-2.0, 0.5, 2.0])
    Tensor([-1. ,  0.5,  1. ])
    """
    x = operand(x)
    if x.dtype.kind == "u":
        x = x.astype(int)  # where -1 is a number
    low, high = _scalar("lower_bound", lower_bound), _scalar("upper_bound", upper_bound)
    return maximum(minimum(x, high), low, constant=constant)


def soft_sign(x: Any, *, constant: bool | None = None) -> Tensor:
    """Return ``x / (1 + |x|)``.

    Parameters
    ----------
    x : ArrayLike
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from mygrad.nnet import soft_sign
    >>> soft_sign([-1.0, 3.0])
    Tensor([-0.5 ,  0.75])
    """
    x = operand(x)
    return divide(x, 1 + np.abs(x), constant=constant)


def glu(x: Any, axis: int = -1, *, constant: bool | None = None) -> Tensor:
    """Return the first half of x times the sigmoid of the second half: a gated linear unit.

    Parameters
    ----------
    x : ArrayLike, shape (..., 2 n, ...)
    axis : int
        The axis that is split into halves.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (..., n, ...)

    Raises
    ------
    TypeError
        If `axis` is not an integer.
    IndexError
        If `x` has not that axis.
    ValueError
        If the size of the axis is odd.

    Notes
    -----
    Dauphin et al., *Language Modeling with Gated Convolutional Networks*, 2016, arXiv:1612.08083.

    Examples
    --------
    >>> from mygrad.nnet import glu
    >>> glu([1.0, 2.0, 0.0, 0.0])
    Tensor([0.5, 1. ])
    """
    x = operand(x)
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"`axis` must be an integer, got {axis!r} ({type(axis).__name__})")
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"glu: axis {axis} of x, which has {x.ndim} axes, shape {x.shape}")
    half, odd = divmod(x.shape[axis], 2)
    if odd:
        raise ValueError(
            f"glu: axis {axis} of x has {2 * half + 1} elements, shape {x.shape}; halves need an even number"
        )
    before = (slice(None),) * (axis % x.ndim)
    first, second = x[(*before, slice(half))], x[(*before, slice(half, None))]
    return multiply(first, sigmoid(second, constant=constant), constant=constant)
