"""Functions that choose and place elements: each rule lets NumPy do the same to the elements' numbers.

Elements are numbered from 1; 0 is a zero that the function put in. What NumPy makes of the numbers says
where every element went, so that the gradient can be brought back.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.overrides import unwrapped
from mygrad.functions.creation import astensor
from mygrad.functions.shapes import atleast_1d, atleast_2d, atleast_3d, concatenate, reshape

__all__ = [
    "append", "array_split", "column_stack", "compress", "delete", "diag", "diagflat", "diagonal",
    "dsplit", "dstack", "extract", "flip", "fliplr", "flipud", "hsplit", "hstack", "insert",
    "matrix_transpose", "pad", "partition", "resize", "rollaxis", "rot90", "sort", "split", "take",
    "take_along_axis", "tile", "tril", "triu", "unstack", "vsplit", "vstack",
]  # fmt: skip

Array = np.ndarray[Any, Any]


def _select(x: Array, positions: Array) -> Array:
    numbered = np.zeros(x.size + 1, x.dtype)
    numbered[1:] = np.ravel(x)
    return numbered[positions]


def _return(g: Array, positions: Array, shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape, dtype=np.intp))
    total = np.zeros(size + 1, g.dtype)
    np.add.at(total, np.ravel(positions), np.ravel(g))
    return total[1:].reshape(shape)


selected: Final = Function(
    _select,
    lambda g, y, x, positions: returned.either(g, positions=positions, shape=x.shape),
    names="x positions",
)
"""The elements of `x` with these numbers; 0 for the number 0."""
returned: Final = Function(
    _return,
    lambda u, y, g, positions, shape: selected.either(u, positions=positions),
    names="g positions shape",
)
"""Add up `g` at the elements with these numbers."""


def numbers(shape: tuple[int, ...]) -> Array:
    """Return the number of each element of an array."""
    return np.arange(1, int(np.prod(shape, dtype=np.intp)) + 1).reshape(shape)


class _Moving(Function):
    """What says where elements go may be a tensor, of which the values count."""

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        plain = {name: x if name == "out" else unwrapped(x) for name, x in params.items()}
        return super().run(operands, plain, constant)


def _moving(function: Callable[..., Any], *, view: bool = False, also: str = "") -> Function:
    """Declare a function that moves elements by where they are, not by what they are."""

    def rule(g: Any, y: Any, x: Any, **params: Any) -> Any:
        return returned.either(g, positions=function(numbers(x.shape), **params), shape=x.shape)

    parameters = inspect.signature(function).parameters.values()
    names = " ".join(each.name for each in parameters if each.kind is not each.VAR_KEYWORD)
    return _Moving(function, rule, names=names, also=also, view=view).override()


flip: Final = _moving(np.flip, view=True)
fliplr: Final = _moving(np.fliplr, view=True)
flipud: Final = _moving(np.flipud, view=True)
rot90: Final = _moving(np.rot90, view=True)
rollaxis: Final = _moving(np.rollaxis, view=True)
matrix_transpose: Final = _moving(np.matrix_transpose, view=True)
diagonal: Final = _moving(np.diagonal)
diag: Final = _moving(np.diag)
diagflat: Final = _moving(np.diagflat)
tril: Final = _moving(np.tril)
triu: Final = _moving(np.triu)
take: Final = _moving(np.take)
take_along_axis: Final = _moving(np.take_along_axis)
delete: Final = _moving(np.delete)
tile: Final = _moving(np.tile)
resize: Final = _moving(np.resize)
_MOVING_PADS: dict[Any, Any] = {each: each for each in ("constant", "edge", "reflect", "symmetric", "wrap")}
_MOVING_PADS["empty"] = "constant"


def _pad(g: Any, y: Any, x: Any, pad_width: Any, mode: str = "constant", **params: Any) -> Any:
    if not isinstance(mode, str) or mode not in _MOVING_PADS or params.get("reflect_type") == "odd":
        raise NotImplementedError(f"np.pad of a tensor has no gradient for mode={mode!r}")
    if _MOVING_PADS[mode] == "constant" and not isinstance(pad_width, dict):
        widths = np.broadcast_to(pad_width, (x.ndim, 2))
        return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))]
    params.pop("constant_values", None)
    where: Any = np.pad(numbers(x.shape), pad_width, mode=_MOVING_PADS[mode], **params)
    return returned.either(g, positions=where, shape=x.shape)


pad: Final = Function(
    np.pad,
    _pad,
    names="array pad_width mode",
    also="constant_values reflect_type stat_length end_values",
).override()


def _chosen(x: Any, where: Callable[[Array], Array], constant: bool | None) -> Any:
    """Return the elements that `where` makes of their numbers."""
    x = astensor(x)
    return selected(x, where(numbers(x.shape)), constant=constant)


@override(np.sort)
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, *, constant: bool | None = None, **stable: Any
) -> Any:
    """Return `a` with the elements along `axis` in ascending order; the gradient follows each element.

    Parameters
    ----------
    a : ArrayLike
    axis : int or None
        None sorts all elements of the raveled array.
    kind : str, optional
        As NumPy's.
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.sort(mg.tensor([3.0, 1.0, 2.0]))
    Tensor([1., 2., 3.])
    """
    return _ordered(a, axis, lambda values, along: np.argsort(values, along, kind, **stable), constant)


@override(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", *, constant: bool | None = None
) -> Any:
    """Return `a` with the `kth` element along `axis` where it were if sorted, smaller ones before it."""
    return _ordered(a, axis, lambda values, along: np.argpartition(values, kth, along, kind), constant)  # type: ignore[call-overload]


def _ordered(a: Any, axis: int | None, order: Callable[[Array, int], Array], constant: bool | None) -> Any:
    a = astensor(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    places = order(a.data, axis)
    return _chosen(a, lambda each: np.take_along_axis(each, places, axis), constant)


@override(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, *, constant: bool | None = None) -> Any:
    """Return the slices of `a` along `axis` for which `condition` holds."""
    return _chosen(a, lambda each: np.compress(unwrapped(condition), each, axis), constant)


@override(np.extract)
def extract(condition: Any, arr: Any, *, constant: bool | None = None) -> Any:
    """Return the elements of `arr` for which `condition` holds."""
    return _chosen(arr, lambda each: np.extract(unwrapped(condition), each), constant)


# -- joining and splitting


@override(np.hstack)
def hstack(tup: Sequence[Any], *, constant: bool | None = None) -> Any:
    """Join arrays along their second axis, or along the first if they have but one."""
    parts = [atleast_1d(each) for each in tup]
    return concatenate(parts, axis=0 if parts and parts[0].ndim == 1 else 1, constant=constant)


@override(np.vstack)
def vstack(tup: Sequence[Any], *, constant: bool | None = None) -> Any:
    """Join arrays along their first axis; vectors are rows."""
    return concatenate([atleast_2d(each) for each in tup], axis=0, constant=constant)


@override(np.dstack)
def dstack(tup: Sequence[Any], *, constant: bool | None = None) -> Any:
    """Join arrays along their third axis."""
    return concatenate([atleast_3d(each) for each in tup], axis=2, constant=constant)


@override(np.column_stack)
def column_stack(tup: Sequence[Any], *, constant: bool | None = None) -> Any:
    """Join vectors, as columns, and matrices side by side."""
    parts = [astensor(each) for each in tup]
    columns = [reshape(each, (-1, 1)) if each.ndim < 2 else each for each in parts]
    return concatenate(columns, axis=1, constant=constant)


@override(np.append)
def append(arr: Any, values: Any, axis: int | None = None, *, constant: bool | None = None) -> Any:
    """Join `values` to the end of `arr`; both raveled if there is no axis."""
    return concatenate([astensor(arr), astensor(values)], axis=axis, constant=constant)


@override(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None, *, constant: bool | None = None) -> Any:
    """Return `arr` with `values` before the positions `obj` along `axis`."""
    arr, values = astensor(arr), astensor(values)
    whole = numbers(arr.shape)
    new = numbers(values.shape) + whole.size
    places = np.insert(whole, unwrapped(obj), new, axis)
    return selected(concatenate([arr, values], axis=None), places, constant=constant)


def _pieces(x: Any, axis: int, ends: Sequence[Array]) -> list[Any]:
    """Return the views of `x` that begin and end with these positions."""
    lead = (slice(None),) * (axis % x.ndim)
    return [x[(*lead, slice(part[0], part[-1] + 1) if len(part) else slice(0, 0))] for part in ends]


@override(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Split along `axis` into views; the first ones are larger if it does not come out even."""
    x = astensor(ary)
    return _pieces(x, axis, np.array_split(np.arange(x.shape[axis]), unwrapped(indices_or_sections)))


@override(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Split along `axis` into equal parts, or at indices; the parts are views."""
    x = astensor(ary)
    return _pieces(x, axis, np.split(np.arange(x.shape[axis]), unwrapped(indices_or_sections)))


@override(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the second axis, or along the only one."""
    x = astensor(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def _splitting(function: Any, axis: int, least: int) -> Callable[..., list[Any]]:
    def along(ary: Any, indices_or_sections: Any) -> list[Any]:
        x = astensor(ary)
        if x.ndim < least:
            raise ValueError(f"{function.__name__} only works on arrays of {least} or more dimensions")
        return split(x, indices_or_sections, axis)

    along.__name__ = along.__qualname__ = function.__name__
    along.__doc__ = f"Split along axis {axis}."
    return override(function)(along)


vsplit: Final = _splitting(np.vsplit, 0, 2)
dsplit: Final = _splitting(np.dsplit, 2, 3)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return the layers of `x` along `axis`, as views."""
    x = astensor(x)
    lead = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*lead, n)] for n in range(x.shape[axis]))


if hasattr(np, "unstack"):  # NumPy 2.1
    override(np.unstack)(unstack)
