"""Normalization of the channels of a batch."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.reductions import count
from mygrad.nnet.operands import operand

__all__ = ["batchnorm"]


def _axes(x: Any) -> tuple[int, ...]:
    """Return all axes but that of the channels, over which each channel is normalized."""
    return tuple(i for i in range(x.ndim) if i != 1)


def _mean(x: Any) -> Any:
    """Return the mean of each channel; 0 for none, where NumPy would warn."""
    return np.sum(x, axis=_axes(x), keepdims=True) / max(count(x, _axes(x)), 1)


def _per_channel(scale: Any, x: Any) -> Any:
    """Shape one number per channel for broadcasting against `x`; 1 if there are none."""
    return np.reshape(scale, [n if i == 1 else 1 for i, n in enumerate(x.shape)]) if scale.size else 1


def _standardized(x: Any, eps: Any) -> tuple[Any, Any]:
    """Return `x` with mean 0 and variance 1 along each channel, and the factor that made it so."""
    centred = x - _mean(x)
    factor = 1 / np.sqrt(_mean(centred * centred) + eps)
    return centred * factor, factor


def _value(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    y = _standardized(x, eps)[0]
    y = y * _per_channel(gamma, x) if gamma.size else y
    return y + _per_channel(beta, x) if beta.size else y


def _rule_of_x(g: Any, y: Any, x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    """Take out of the gradient what a shift and a scaling of the channel would undo."""
    standard, factor = _standardized(x, eps)
    g = g * _per_channel(gamma, x)
    return factor * (g - _mean(g) - standard * _mean(g * standard))


def _rule_of_gamma(g: Any, y: Any, x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    return np.reshape(np.sum(g * _standardized(x, eps)[0], axis=_axes(x)), gamma.shape)


def _rule_of_beta(g: Any, y: Any, x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    return np.reshape(np.sum(g, axis=_axes(x)), beta.shape)


_batchnorm = Function(_value, _rule_of_x, _rule_of_gamma, _rule_of_beta, names="x gamma beta eps")
_batchnorm.name = "batchnorm"
_batchnorm.facts = {  # from which code takes its running averages
    "mean": lambda x, *_, eps: np.ravel(_mean(x)),
    "var": lambda x, *_, eps: np.ravel(_mean((x - _mean(x)) ** 2)),
}


def batchnorm(
    x: Any, *, gamma: Any = None, beta: Any = None, eps: float, constant: bool | None = None
) -> Tensor:
    r"""Shift and scale each channel of a batch to mean 0 and variance 1, then by `gamma` and `beta`.

    .. math:: y = \gamma\,\frac{x - E[x]}{\sqrt{Var[x] + \epsilon}} + \beta

    with the mean and the variance of a channel over all data of the batch and all positions.

    Parameters
    ----------
    x : ArrayLike, shape (N, C, ...)
        A batch of N data of C channels.
    gamma, beta : ArrayLike, C elements, optional
        Scale and shift of each channel.
    eps : float
        Added to the variances, which could be 0.
    constant : bool, optional

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    ValueError
        If `gamma` or `beta` have not C elements.

    Notes
    -----
    Ioffe and Szegedy, *Batch Normalization*, 2015, arXiv:1502.03167.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import batchnorm
    >>> batchnorm(mg.tensor([[1.0, 5.0], [3.0, 7.0]]), eps=0.0)
    Tensor([[-1., -1.],
            [ 1.,  1.]])
    """
    x = operand(x)
    absent = np.empty(0, x.dtype)
    scales = [absent if each is None else operand(each) for each in (gamma, beta)]
    for name, each in zip(("gamma", "beta"), scales, strict=True):
        if each is not absent and (x.ndim < 2 or each.size != x.shape[1]):
            raise ValueError(
                f"{name} has {each.size} elements, shape {each.shape}; x of shape {x.shape} has "
                f"{x.shape[1] if x.ndim > 1 else 'no'} channels, along axis 1"
            )
    return _batchnorm.run((x, *scales), {"eps": eps}, constant)
