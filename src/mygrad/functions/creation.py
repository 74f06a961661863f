"""New tensors: NumPy's creation functions with a `constant` flag."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff.declare import override
from mygrad.autodiff.dtypes import has_gradient
from mygrad.autodiff.overrides import FUNCTIONS, any_variable, name_of, unwrapped
from mygrad.autodiff.tensor import Tensor

__all__ = [
    "arange", "asarray", "astensor", "empty", "empty_like", "eye", "full", "full_like", "geomspace",
    "identity", "linspace", "logspace", "ones", "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def tensor(
    arr_like: Any, dtype: Any = None, *, constant: bool | None = None, copy: bool = True, ndmin: int = 0
) -> Tensor:
    """Make a tensor of an array-like.

    Parameters
    ----------
    arr_like : ArrayLike
        Any shape.
    dtype : DTypeLike, optional
    constant : bool, optional
        Whether the tensor has no gradient; integers and booleans never have one.
    copy : bool
        With False, a tensor that is as asked for is returned itself, and an array is shared.
    ndmin : int
        Least number of axes.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.tensor([1, 2], dtype=float)
    Tensor([1., 2.])
    """
    if isinstance(arr_like, Tensor) and not copy and _as_asked(arr_like, dtype, constant):
        if not isinstance(ndmin, (int, np.integer)):
            raise TypeError(f"`ndmin` must be an integer; got {ndmin!r}")
        missing = ndmin - arr_like.ndim
        return arr_like[(np.newaxis,) * missing + (...,)] if missing > 0 else arr_like
    return Tensor(arr_like, dtype=dtype, constant=constant, copy=copy, ndmin=ndmin)


def _as_asked(x: Tensor, dtype: Any, constant: bool | None) -> bool:
    return (constant is None or constant == x.constant) and (dtype is None or np.dtype(dtype) == x.dtype)


def astensor(t: Any, dtype: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return `t` as a tensor: itself if it is one of that dtype and flag, else sharing memory if it can.

    Examples
    --------
    >>> import mygrad as mg
    >>> t = mg.tensor([1.0])
    >>> mg.astensor(t) is t
    True
    """
    return tensor(t, dtype, constant=constant, copy=False)


def asarray(a: Any, dtype: Any = None, order: Any = None) -> np.ndarray[Any, Any]:
    """Return the array of a tensor or array-like, without a copy where none is needed.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.asarray(mg.tensor([1.0]))
    array([1.])
    """
    return np.asarray(unwrapped(a), dtype=dtype, order=order)


def _new(array: Any, constant: bool | None) -> Tensor:
    return astensor(array, constant=constant)  # a tensor already, if the ends that it is spaced between are


def empty(shape: Any, dtype: Any = np.float32, *, constant: bool | None = None) -> Tensor:
    """Return a tensor of `shape` with whatever is in its memory.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.empty((2, 3)).shape
    (2, 3)
    """
    return _new(np.empty(shape, dtype), constant)


def zeros(shape: Any, dtype: Any = np.float32, *, constant: bool | None = None) -> Tensor:
    """Return a tensor of zeros, float32 unless said otherwise.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.zeros(2)
    Tensor([0., 0.], dtype=float32)
    """
    return _new(np.zeros(shape, dtype), constant)


def ones(shape: Any, dtype: Any = np.float32, *, constant: bool | None = None) -> Tensor:
    """Return a tensor of ones, float32 unless said otherwise.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.ones(2)
    Tensor([1., 1.], dtype=float32)
    """
    return _new(np.ones(shape, dtype), constant)


def full(shape: Any, fill_value: Any, dtype: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return a tensor of `shape` filled with `fill_value`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.full(2, 7.0)
    Tensor([7., 7.])
    """
    return _new(np.full(shape, unwrapped(fill_value), dtype), constant)


def eye(
    N: int, M: int | None = None, k: int = 0, dtype: Any = float, *, constant: bool | None = None
) -> Tensor:
    """Return ones on the k-th diagonal of an (N, M) tensor.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.eye(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    return _new(np.eye(N, M, k, dtype), constant)


def identity(n: int, dtype: Any = float, *, constant: bool | None = None) -> Tensor:
    """Return the (n, n) identity.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.identity(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    return _new(np.identity(n, dtype), constant)


def arange(*args: Any, constant: bool | None = None, **kwargs: Any) -> Tensor:
    """Return evenly spaced values in ``[start, stop)``; arguments as `numpy.arange` takes them.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.arange(0.0, 1.0, 0.25)
    Tensor([0.  , 0.25, 0.5 , 0.75])
    """
    return _new(np.arange(*args, **kwargs), constant)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
) -> Tensor:
    """Return `num` evenly spaced values from `start` to `stop`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.linspace(0, 1, 3)
    Tensor([0. , 0.5, 1. ])
    """
    return _new(np.linspace(start, stop, num, endpoint, dtype=dtype, axis=axis), constant)


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10,
    dtype: Any = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
) -> Tensor:
    """Return `num` values from ``base**start`` to ``base**stop``, evenly spaced on a log scale.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.logspace(0, 2, 3)
    Tensor([  1.,  10., 100.])
    """
    return _new(np.logspace(start, stop, num, endpoint, base, dtype, axis), constant)


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
) -> Tensor:
    """Return `num` values from `start` to `stop` in geometric progression.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.geomspace(1, 100, 3)
    Tensor([  1.,  10., 100.])
    """
    return _new(np.geomspace(start, stop, num, endpoint, dtype, axis), constant)


def _like(make: Any, other: Any, constant: bool | None) -> Tensor:
    """A result is constant unless `other` is a variable tensor."""
    array = make(unwrapped(other))
    if constant is None and has_gradient(array.dtype):
        constant = not (isinstance(other, Tensor) and not other.constant)
    return _new(array, constant)


@override(np.empty_like)
def empty_like(other: Any, dtype: Any = None, shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return an uninitialised tensor of the shape and dtype of `other`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.empty_like([1.0, 2.0]).shape
    (2,)
    """
    return _like(lambda x: np.empty_like(x, dtype, shape=shape), other, constant)


@override(np.zeros_like)
def zeros_like(other: Any, dtype: Any = None, shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return zeros of the shape and dtype of `other`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.zeros_like([1.0, 2.0])
    Tensor([0., 0.])
    """
    return _like(lambda x: np.zeros_like(x, dtype, shape=shape), other, constant)


@override(np.ones_like)
def ones_like(other: Any, dtype: Any = None, shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return ones of the shape and dtype of `other`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.ones_like([1.0, 2.0])
    Tensor([1., 1.])
    """
    return _like(lambda x: np.ones_like(x, dtype, shape=shape), other, constant)


@override(np.full_like)
def full_like(
    other: Any, fill_value: Any, dtype: Any = None, shape: Any = None, constant: bool | None = None
) -> Tensor:
    """Return `fill_value` everywhere, in the shape and dtype of `other`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.full_like([1.0, 2.0], 3)
    Tensor([3., 3.])
    """
    return _like(lambda x: np.full_like(x, unwrapped(fill_value), dtype, shape=shape), other, constant)


def _in_likeness(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare what NumPy's function makes with ``like=tensor``: a tensor."""

    def made(*args: Any, **keywords: Any) -> Tensor:
        if args and isinstance(args[0], Tensor):
            return astensor(args[0], *args[1:2], **keywords)
        if any_variable(args):
            raise TypeError(
                f"{name_of(function)} would take tensors out of a list, where their gradients are lost; join "
                "them by np.stack or np.block"
            )
        return astensor(function(*unwrapped(args), **unwrapped(keywords)))

    made.__name__ = function.__name__
    return made


IN_LIKENESS = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "asfortranarray",
    "empty",
    "eye",
    "fromfunction",
    "fromstring",
    "full",
    "genfromtxt",
    "identity",
    "loadtxt",
    "ones",
    "require",
    "tri",
    "zeros",
]
"""NumPy's functions with `like`; not fromiter and frombuffer, where NumPy 2.4.6 frees what is returned."""
for _name in IN_LIKENESS:
    FUNCTIONS[getattr(np, _name)] = _in_likeness(getattr(np, _name))
