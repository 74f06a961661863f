"""Reading and writing parts of a tensor.

`getitem` and `scatter` are each other's gradients; `put`, the write, has itself for a gradient.
"""

import operator
from typing import Any, Final

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.declare import Function, array_of, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.graph import Gradients, Node
from mygrad.autodiff.overrides import PUBLIC, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.autodiff.views import replay, same_region
from mygrad.autodiff.writes import write

__all__ = ["getitem", "put", "scatter", "setitem", "where"]

Array = np.ndarray[Any, Any]


def plain_index(index: Any) -> Any:
    """Return `index` with arrays of its own in place of tensors, arrays and other sequences."""
    return tuple(_plain_part(each) for each in index) if isinstance(index, tuple) else _plain_part(index)


def _plain_part(index: Any) -> Any:
    if isinstance(index, (int, slice, str)) or index is None or index is ...:
        return index
    if isinstance(index, (Tensor, np.ndarray)):
        if isinstance(index, Tensor) and not index.ndim and index.dtype.kind in "iu":
            return int(index)  # which makes a view, as an array of no axes would not
        return np.array(unwrapped(index))
    if not hasattr(index, "__len__"):  # a number, in NumPy's eyes or in its own
        return index
    array = np.array(unwrapped(index))
    return array if array.size else array.astype(np.intp)


def is_basic(index: Any) -> bool:
    """Tell whether a plain `index` selects every element at most once by slices and integers."""
    parts = index if type(index) is tuple else (index,)
    return not any(isinstance(each, (np.ndarray, bool, np.bool_)) for each in parts)


def _has_integers(index: Any) -> bool:
    parts = index if type(index) is tuple else (index,)
    return any(isinstance(each, np.ndarray) and each.dtype.kind in "iu" and each.ndim for each in parts)


def _getitem(x: Array, index: Any) -> Any:
    return x[index]


def _scatter(g: Array, index: Any, shape: tuple[int, ...]) -> Array:
    whole = np.zeros(shape, g.dtype)
    if _has_integers(index):
        np.add.at(whole, index, g)
    else:
        whole[index] = g
    return whole


class _GetItem(Function):
    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        return super().run(operands, {"index": plain_index(params["index"])}, constant)

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        (x,), index = node.inputs, node.params["index"]
        if gradients.lift is None and type(x) is Node and is_basic(index):
            gradients.region(x, index, g)
        else:
            super().pull(node, g, gradients)


getitem: Final = _GetItem(
    _getitem, lambda g, y, x, index: scatter.either(g, index=index, shape=x.shape), names="x index", view=True
)
"""``x[index]``"""
scatter: Final = Function(_scatter, lambda g, y, x, index, shape: g[index], names="g index shape")
"""Zeros of `shape` to which `g` is added at `index`, repeated positions more than once."""


def _put(x: Array, value: Any, path: Any = (), index: Any = ...) -> Array:
    whole = np.array(x)
    region = replay(path, whole)
    if np.may_share_memory(region, whole) or region.size == 0:
        region[index] = value
        return whole
    # `path` is a view in the memory order of the base, but not in that of `x`: go by positions
    positions = replay(path, np.arange(whole.size).reshape(whole.shape))[index]
    flat = whole.ravel()
    flat[positions] = value
    return flat.reshape(whole.shape)


def _last_write(shape: tuple[int, ...], index: Any) -> Any:
    """Tell which of the elements written at `index` were not overwritten by a later one."""
    target = np.empty(shape, dtype=np.intp)
    order = np.arange(target[index].size).reshape(target[index].shape)
    target[index] = order
    return target[index] == order


def _written(g: Any, y: Any, x: Any, value: Any, path: Any = (), index: Any = ...) -> Any:
    region = conjugated(replay(path, conjugated(g)))  # gradients of views are views as users see them
    part = region[index]
    part = np.reshape(part, (1,) * (np.ndim(value) - part.ndim) + part.shape)  # x[0] = [[1.0]] is allowed
    return np.where(_last_write(region.shape, index), part, 0) if _has_integers(index) else part


put: Final = Function(
    _put,
    lambda g, y, x, value, path=(), index=...: put.either(g, 0, path=path, index=index),
    _written,
    names="x value path index",
)
"""`x` with `value` written at `index` of the region that `path` leads to."""
PUBLIC["put"] = lambda x, value, path, constant: put.run((x, value), {"path": path}, constant)


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """Write ``x[index] = value``; what was computed from the old values stays differentiable."""
    index = plain_index(index)
    if not modes.tracking():
        x._node.value[index] = array_of(value)
        return
    if isinstance(value, Tensor) and value is not x and is_basic(index):
        part = x._node.value[index]  # ``x[index] += 1`` ends by writing the view onto itself
        if isinstance(part, np.ndarray) and part.size and same_region(value._node.value, part):
            return
    write(x, lambda old: put.run((old, value), {"index": index}, x.constant))


@override(operator.getitem)
def _tensor_getitem(x: Tensor, index: Any) -> Tensor:
    return getitem.run((x,), {"index": index})


override(operator.setitem)(setitem)

_where = Function(
    lambda condition, x, y: np.where(condition, x, y),
    None,
    lambda g, out, condition, x, y: np.where(condition, g, 0),
    lambda g, out, condition, x, y: np.where(condition, 0, g),
    names="condition x y",
    numpy=np.where,
)


@override(np.where)
def where(condition: Any, x: Any = np._NoValue, y: Any = np._NoValue, *, constant: bool | None = None) -> Any:
    """Choose elements from `x` where `condition` is true, and from `y` elsewhere.

    Parameters
    ----------
    condition, x, y : ArrayLike
        Broadcast together. Without `x` and `y`: the indices where `condition` is true.
    constant : bool, optional
        Whether the result is a constant.

    Returns
    -------
    Tensor, or a tuple of arrays of integers

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.where([True, False], mg.tensor([1.0, 2.0]), 0.0)
    Tensor([1., 0.])
    """
    condition = np.array(condition, dtype=bool)  # somebody may write into theirs
    if x is np._NoValue and y is np._NoValue:
        return np.where(condition)
    if x is np._NoValue or y is np._NoValue:
        raise ValueError("either both or neither of x and y should be given")
    return _where.run((condition, x, y), {}, constant)
