"""Initial values of weights, drawn from NumPy's global generator: `mygrad.random.seed` makes them repeat.

A shape is given as integers or as one sequence of them. Weights have the shape (out, in, ...): the axes
from the third on are those of a filter.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from mygrad.autodiff.overrides import unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import full, identity

__all__ = [
    "constant", "dirac", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "normal",
    "uniform",
]  # fmt: skip

Flag = bool | None


def _shape_of(shape: Sequence[Any]) -> list[int]:
    return list(shape[0]) if len(shape) == 1 and np.iterable(shape[0]) else list(shape)


def _weights_of(name: str, shape: Sequence[Any]) -> list[int]:
    """Return the shape of weights, which have an axis for the outputs and one for the inputs."""
    if len(shape) == 1 and not np.iterable(shape[0]):
        raise TypeError(f"{name}({shape[0]!r}) is not the shape of weights; write {name}(out, in, ...)")
    whole = _shape_of(shape)
    if len(whole) < 2:
        raise ValueError(f"{name} of shape {tuple(whole)}: weights have two axes or more, (out, in, ...)")
    return whole


def _floating(name: str, dtype: Any) -> np.dtype[Any]:
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise ValueError(f"{name} draws real numbers; dtype {dtype} has to be a floating one, as float32")
    return dtype


def _tensor(values: Any, dtype: Any, flag: Flag) -> Tensor:
    return Tensor(np.asarray(values, dtype), constant=flag, copy=False)


def normal(
    *shape: Any, mean: Any = 0, std: Any = 1, dtype: Any = np.float32, constant: Flag = None
) -> Tensor:
    """Draw from a normal distribution.

    Parameters
    ----------
    *shape : int, or one sequence of int
    mean, std : float
        Mean and standard deviation.
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `std` is negative, or `dtype` is not floating.

    Examples
    --------
    >>> from mygrad.nnet.initializers import normal
    >>> normal(2, 3, std=0.1).shape
    (2, 3)
    """
    dtype = _floating("normal", dtype)
    if std < 0:
        raise ValueError(f"normal(std={std}): a standard deviation is not negative")
    values = np.random.normal(unwrapped(mean), unwrapped(std), _shape_of(shape))  # noqa: NPY002
    return _tensor(values, dtype, constant)


def uniform(
    *shape: Any,
    lower_bound: Any = 0,
    upper_bound: Any = 1,
    dtype: Any = np.float32,
    constant: Flag = None,
) -> Tensor:
    """Draw from a uniform distribution over ``[lower_bound, upper_bound)``.

    Parameters
    ----------
    *shape : int, or one sequence of int
    lower_bound, upper_bound : float
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the bounds leave nothing between them, or `dtype` is not floating.

    Examples
    --------
    >>> from mygrad.nnet.initializers import uniform
    >>> uniform(2, 3, lower_bound=-1).shape
    (2, 3)
    """
    dtype = _floating("uniform", dtype)
    if lower_bound >= upper_bound:
        raise ValueError(
            f"uniform: the lower bound {lower_bound} has to be less than the upper bound {upper_bound}"
        )
    values = np.random.uniform(unwrapped(lower_bound), unwrapped(upper_bound), _shape_of(shape))  # noqa: NPY002
    return _tensor(values, dtype, constant)


def constant(*shape: Any, value: Any = 0.0, dtype: Any = None, constant: Flag = None) -> Tensor:
    """Return `value` everywhere.

    Parameters
    ----------
    *shape : int, or one sequence of int
    value : ArrayLike
        Broadcast to the shape.
    dtype : DTypeLike, optional
        That of `value` by default.
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from mygrad.nnet.initializers import constant
    >>> constant(2, value=0.5)
    Tensor([0.5, 0.5])
    """
    return full(_shape_of(shape), value, dtype, constant=constant)


def dirac(*shape: Any, dtype: Any = np.float32, constant: Flag = None) -> Tensor:
    """Return filters that pass a channel on: filter i is 1 at the centre of channel i, and 0 elsewhere.

    Parameters
    ----------
    *shape : int, or one sequence of int
        Number of filters, number of channels, sizes of a filter.
    dtype : DTypeLike
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two axes.

    Examples
    --------
    >>> from mygrad.nnet.initializers import dirac
    >>> dirac(2, 2, 3)
    Tensor([[[0., 1., 0.],
             [0., 0., 0.]],
            [[0., 0., 0.],
             [0., 1., 0.]]], dtype=float32)
    """
    filters = np.zeros(_weights_of("dirac", shape), dtype)
    each = np.arange(min(filters.shape[:2]))
    filters[(each, each, *(size // 2 for size in filters.shape[2:]))] = 1
    return Tensor(filters, constant=constant, copy=False)


def he_normal(*shape: Any, gain: Any = 1, dtype: Any = np.float32, constant: Flag = None) -> Tensor:
    r"""Draw weights with standard deviation :math:`gain / \sqrt{inputs}`.

    Parameters
    ----------
    *shape : int, or one sequence of int
        Outputs, inputs, sizes of a filter.
    gain : float
        :math:`\sqrt 2` for layers followed by a `relu`.
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two axes, or `dtype` is not floating.

    Notes
    -----
    He et al., *Delving Deep into Rectifiers*, 2015, arXiv:1502.01852. An input of a filter counts once
    for each of its taps.

    Examples
    --------
    >>> from mygrad.nnet.initializers import he_normal
    >>> he_normal(8, 3, 5, 5, gain=2**0.5).shape
    (8, 3, 5, 5)
    """
    whole = _weights_of("he_normal", shape)
    inputs = _some(prod(whole[1:]))
    return normal(*whole, std=_number(gain) / sqrt(inputs), dtype=dtype, constant=constant)


def he_uniform(*shape: Any, gain: Any = 1, dtype: Any = np.float32, constant: Flag = None) -> Tensor:
    r"""Draw weights from ``[-bound, bound)`` with :math:`bound = gain / \sqrt{3\,taps / inputs}`.

    Parameters
    ----------
    *shape : int, or one sequence of int
        Outputs, inputs, sizes of a filter.
    gain : float
        Greater than 0.
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two axes, or `dtype` is not floating.

    Notes
    -----
    This is the bound of MyGrad 2.5, on which trained models rely. That of He et al. (2015),
    arXiv:1502.01852, is :math:`gain\,\sqrt{3 / (inputs\,taps)}`: for it, draw with `uniform`.

    Examples
    --------
    >>> from mygrad.nnet.initializers import he_uniform
    >>> he_uniform(4, 3).shape
    (4, 3)
    """
    whole = _weights_of("he_uniform", shape)
    bound = _number(gain) / sqrt(3 / _some(whole[1]) * _some(prod(whole[2:])))
    return uniform(*whole, lower_bound=-bound, upper_bound=bound, dtype=dtype, constant=constant)


def glorot_normal(*shape: Any, gain: Any = 1, dtype: Any = np.float32, constant: Flag = None) -> Tensor:
    r"""Draw weights with standard deviation :math:`gain\,\sqrt{2 / (taps\,(inputs + outputs))}`.

    Parameters
    ----------
    *shape : int, or one sequence of int
        Outputs, inputs, sizes of a filter.
    gain : float
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two axes, or `dtype` is not floating.

    Notes
    -----
    Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010.
    As in MyGrad 2.5 the taps are counted along the last axis of a filter only.

    Examples
    --------
    >>> from mygrad.nnet.initializers import glorot_normal
    >>> glorot_normal(4, 3).shape
    (4, 3)
    """
    whole = _weights_of("glorot_normal", shape)
    taps = whole[-1] if len(whole) > 2 else 1
    std = _number(gain) * sqrt(2 / _some((whole[0] + whole[1]) * taps))
    return normal(*whole, std=std, dtype=dtype, constant=constant)


def glorot_uniform(*shape: Any, gain: Any = 1, dtype: Any = np.float32, constant: Flag = None) -> Tensor:
    r"""Draw from ``[-bound, bound)`` with :math:`bound = gain\,\sqrt{6 / (taps\,(inputs + outputs))}`.

    Parameters
    ----------
    *shape : int, or one sequence of int
        Outputs, inputs, sizes of a filter.
    gain : float
        Greater than 0.
    dtype : DTypeLike
        A floating one.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two axes, or `dtype` is not floating.

    Notes
    -----
    Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010.

    Examples
    --------
    >>> from mygrad.nnet.initializers import glorot_uniform
    >>> glorot_uniform(4, 3).shape
    (4, 3)
    """
    whole = _weights_of("glorot_uniform", shape)
    bound = _number(gain) * sqrt(6 / _some((whole[0] + whole[1]) * prod(whole[2:])))
    return uniform(*whole, lower_bound=-bound, upper_bound=bound, dtype=dtype, constant=constant)


def _some(count: Any) -> int:
    """Return a number to divide by: empty weights are drawn from any distribution."""
    return max(int(count), 1)


def _number(gain: Any) -> float:
    if isinstance(gain, str):
        raise TypeError(f"gain is a number, not {gain!r}")
    return float(gain)
