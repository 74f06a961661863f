"""Functions that move elements without changing them: each rule moves the gradient back."""

import builtins
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.declare import Function, Joining, override
from mygrad.autodiff.dtypes import has_gradient
from mygrad.autodiff.overrides import FUNCTIONS, PUBLIC, unwrapped
from mygrad.autodiff.tensor import Tensor, stand_in
from mygrad.autodiff.views import Step, rearrange_gradient, views_of
from mygrad.autodiff.writes import show
from mygrad.functions.indexing import scatter

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_to", "concatenate", "expand_dims",
    "moveaxis", "ravel", "repeat", "reshape", "roll", "squeeze", "stack", "swapaxes", "transpose",
]  # fmt: skip

Array = np.ndarray[Any, Any]


def _inverse(axes: Any) -> tuple[int, ...] | None:
    return None if axes is None else tuple(np.argsort([i % len(axes) for i in axes]))


def _order(x: Any, order: Any) -> Any:
    """Return the order in which the elements of `x` were read: "C" or "F"."""
    return order if order in "CF" else "F" if np.isfortran(unwrapped(x)) else "C"


def _raveled(g: Any, y: Any, x: Any, order: Any = "C") -> Any:
    if order != "K":
        return np.reshape(g, x.shape, order=_order(x, order))
    number = np.empty_like(unwrapped(x), dtype=np.intp)  # which lies in memory as `x` does
    number[...] = np.arange(x.size).reshape(x.shape)
    return np.reshape(g[np.argsort(np.ravel(number, "K"))], x.shape)


def _reshaped(x: Any, shape: Any, order: Any = "C") -> Any:
    return np.reshape(x, shape, order=order)


_reshape = Function(
    _reshaped,
    lambda g, y, x, shape, order="C": np.reshape(g, x.shape, order=_order(x, order)),
    names="a shape order",
    numpy=np.reshape,
    view=True,
)
ravel: Final = Function(np.ravel, _raveled, names="a order", view=True).override()
squeeze: Final = Function(
    lambda a, axis=None: np.squeeze(a, axis)[...],  # NumPy returns `a` itself where nothing is squeezed
    lambda g, y, x, **_: np.reshape(g, x.shape),
    names="a axis",
    numpy=np.squeeze,
    view=True,
).override()
expand_dims: Final = Function(
    np.expand_dims, lambda g, y, x, **_: np.reshape(g, x.shape), names="a axis", view=True
).override()
moveaxis: Final = Function(
    np.moveaxis,
    lambda g, y, x, source, destination: np.moveaxis(g, destination, source),
    names="a source destination",
    view=True,
).override()
swapaxes: Final = Function(
    np.swapaxes,
    lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2),
    names="a axis1 axis2",
    view=True,
).override()
_transpose = Function(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, _inverse(axes)),
    names="a axes",
    view=True,
)
broadcast_to: Final = Function(
    lambda x, shape, subok=False: np.broadcast_to(x, shape),
    lambda g, y, x, **_: g,  # summed over the new axes, as every gradient of a broadcast input is
    names="a shape",
    also="subok",
    numpy=np.broadcast_to,
    view=True,
).override()
flatten: Final = Function(lambda x: x.flatten(), lambda g, y, x: np.reshape(g, x.shape))
flatten.name = "flatten"
PUBLIC["flatten"] = flatten


def _negated(shift: Any) -> Any:
    return tuple(-each for each in shift) if isinstance(shift, tuple) else -shift


roll: Final = Function(
    np.roll, lambda g, y, x, shift, axis=None: np.roll(g, _negated(shift), axis), names="a shift axis"
).override()


def _repeat(g: Any, y: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Add up the copies: element j of the result is a copy of element owner[j]."""
    axis = axis if x.ndim else None  # NumPy repeats a single number along axis 0 as well
    size = x.size if axis is None else x.shape[axis]
    owner = np.repeat(np.arange(size), repeats)
    lead = () if axis is None else (slice(None),) * (axis % x.ndim)
    shape = (size,) if axis is None else x.shape
    summed = scatter.either(np.ravel(g) if axis is None else g, index=(*lead, owner), shape=shape)
    return np.reshape(summed, x.shape)


repeat: Final = Function(np.repeat, _repeat, names="a repeats axis").override()


def _part(i: int, g: Any, y: Any, *xs: Any, axis: int | None = 0, **_: Any) -> Any:
    """Cut out of `g` what the i-th of the concatenated arrays contributed."""
    if axis is None:
        start = builtins.sum(x.size for x in xs[:i])
        return np.reshape(np.ravel(g)[start : start + xs[i].size], xs[i].shape)
    start = builtins.sum(x.shape[axis] for x in xs[:i])
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, start + xs[i].shape[axis]),)]


def _layer(i: int, g: Any, y: Any, *xs: Any, axis: int = 0, **_: Any) -> Any:
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


concatenate: Final = Joining(np.concatenate, _part, names="tensors axis out dtype", also="casting").override()
stack: Final = Joining(np.stack, _layer, names="tensors axis out", also="dtype casting").override()


@override(np.transpose)
def transpose(a: Any, *axes: Any, constant: bool | None = None) -> Tensor:
    """Permute the axes of `a`; reverse them if no order is given. The result is a view.

    Parameters
    ----------
    a : ArrayLike
    *axes : int, or one tuple of int, or None
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.transpose(mg.zeros((2, 3, 4)), 1, 0, 2).shape
    (3, 2, 4)
    """
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else (axes or None)
    return _transpose.run((a,), {"axes": order if order is None else tuple(order)}, constant)


def _transpose_numpy(a: Any, axes: Any = None) -> Tensor:
    return transpose(a, axes)


@override(np.reshape)
def reshape(
    a: Any,
    newshape: Any = None,
    order: Any = "C",
    *,
    shape: Any = None,
    copy: bool | None = None,
    constant: bool | None = None,
) -> Tensor:
    """Return the elements of `a` in another shape: a view where NumPy makes one.

    Parameters
    ----------
    a : ArrayLike
    newshape : int or tuple of int
        At most one entry may be -1: it is inferred. `shape` is NumPy's other name for it.
    order : {"C", "F", "A"}
        Elements are read and placed with the last index changing fastest ("C"), the first one ("F"), or the
        first one if `a` lies so in memory ("A").
    copy : bool, optional
        With True, the result is no view.
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.reshape(mg.arange(4.0), (2, 2))
    Tensor([[0., 1.],
            [2., 3.]])
    """
    params = {"shape": newshape if shape is None else shape}
    if order != "C":
        params["order"] = order
    made = _reshape.run((a,), params, constant)
    return +made if copy else made


def _atleast(dimensions: int, numpy: Callable[..., Any]) -> Callable[..., Any]:
    one = Function(lambda x: numpy(x), lambda g, y, x: np.reshape(g, x.shape), numpy=numpy, view=True)

    @override(numpy)
    def atleast(*tensors: Any, constant: bool | None = None) -> Any:
        made = [one.run((x,), {}, constant) for x in tensors]
        return made[0] if len(made) == 1 else made

    atleast.__name__ = atleast.__qualname__ = numpy.__name__
    atleast.__doc__ = f"View each input with at least {dimensions} axes; see `numpy.{numpy.__name__}`."
    return atleast


atleast_1d: Final = _atleast(1, np.atleast_1d)
atleast_2d: Final = _atleast(2, np.atleast_2d)
atleast_3d: Final = _atleast(3, np.atleast_3d)


def set_shape(x: Tensor, shape: Any) -> None:
    """Reshape `x` in place; its views keep showing the same elements."""
    old, value = x.shape, x._node.value
    if not modes.tracking():
        x._node.value = value.reshape(shape)
        return
    made = _reshape.run((stand_in(x._node),), {"shape": shape}, x.constant)
    if made.size and not np.may_share_memory(made._node.value, value):
        raise AttributeError("Incompatible shape for in-place modification: the elements would have to move")
    grad, view = x._grad, x._view
    if view is not None:
        view.path = (*view.path, Step(_reshape.either, {"shape": made.shape}))
        x._move(made._node)
    else:
        back = Step(_reshape.either, {"shape": old})
        for _, each in views_of(x):
            each.path = (back, *each.path)
        show(x, made._node)
    x._grad = grad
    if grad is not None:
        rearrange_gradient(x, grad.reshape(made.shape))


PUBLIC["set_shape"] = set_shape


def astype(
    x: Tensor, dtype: Any, casting: Any = "unsafe", copy: bool = True, *, constant: bool | None = None
) -> Tensor:
    """Return the values of `x` in another dtype, as a leaf."""
    value = x._node.value
    cast = value.astype(dtype, casting=casting, copy=copy)
    if cast is value and (constant is None or constant == x.constant):
        return x
    if constant is None:
        constant = not has_gradient(cast.dtype)
    return Tensor(cast, constant=constant, copy=False)


PUBLIC["astype"] = astype
FUNCTIONS[np.transpose] = _transpose_numpy
