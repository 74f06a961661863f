"""Functions that choose among the elements of several arrays, or apply a function to parts of one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from mygrad.autodiff.declare import array_of, cast, override
from mygrad.autodiff.dtypes import is_number
from mygrad.autodiff.overrides import unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.rearrangements import numbers, selected, sort
from mygrad.functions.shapes import broadcast_to, concatenate, expand_dims, moveaxis, reshape, stack

__all__ = [
    "apply_along_axis", "apply_over_axes", "block", "broadcast_arrays", "choose", "meshgrid", "piecewise",
    "select", "trim_zeros",
]  # fmt: skip

Array = np.ndarray[Any, Any]


def of_many(pick: Callable[[list[Array]], Any], arrays: Sequence[Any], dtype: Any = None) -> Tensor:
    """Choose among the elements of several arrays as `pick` chooses among their numbers; 0 is a zero."""
    tensors = [x if isinstance(x, Tensor) else astensor(x, constant=True) for x in arrays]
    if dtype is not None:
        tensors = [cast.run((x,), {"dtype": dtype}) for x in tensors]
    firsts = np.cumsum([0, *(x.size for x in tensors)])
    numbered = [numbers(x.shape) + first for x, first in zip(tensors, firsts, strict=False)]
    return selected(concatenate(tensors, axis=None), np.asarray(pick(numbered)))


@composition(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    """Take each element from the one of `choices` that `a` tells the number of."""
    made = of_many(lambda each: np.choose(unwrapped(a), each, mode=mode), list(choices))
    return made if out is None else np.copy(made, out=out)  # type: ignore[call-overload]


@composition(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Take each element from the first of `choicelist` whose condition holds there, else `default`."""
    dtype = np.result_type(*(array_of(x) for x in (*choicelist, default)))
    conditions = [np.asarray(unwrapped(each)) for each in condlist]
    return of_many(lambda each: np.select(conditions, each[:-1], each[-1]), [*choicelist, default], dtype)


@override(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Tensor:
    """Apply to each element the function, or take the value, whose condition holds last."""
    x, conditions = astensor(x), np.asarray(unwrapped(condlist), dtype=bool)
    if conditions.ndim <= x.ndim and (conditions.ndim == 0 or conditions.shape == x.shape):
        conditions = conditions[np.newaxis]
    if len(conditions) == len(funclist) - 1:
        conditions = np.concatenate([conditions, ~conditions.any(axis=0, keepdims=True)])
    if len(conditions) != len(funclist):
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} "
            f"functions are expected; got {len(funclist)}"
        )
    pieces = [
        f(x[where], *args, **kw) if callable(f) else f for where, f in zip(conditions, funclist, strict=True)
    ]

    def pick(numbered: list[Array]) -> Array:
        made = np.zeros(x.shape, np.intp)
        for where, each in zip(conditions, numbered, strict=True):
            made[where] = each
        return made

    return of_many(pick, pieces, x.dtype)


def _leaves(nested: Any) -> Iterator[Any]:
    if type(nested) is list:
        for each in nested:
            yield from _leaves(each)
    else:
        yield nested


def _with_leaves(nested: Any, leaves: Iterator[Any]) -> Any:
    return [_with_leaves(each, leaves) for each in nested] if type(nested) is list else next(leaves)


@composition(np.block)
def block(arrays: Any) -> Tensor:
    """Join nested lists of blocks: the innermost along the last axis, those around along the one before."""
    return of_many(lambda each: np.block(_with_leaves(arrays, iter(each))), list(_leaves(arrays)))


@override(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Return views of all arrays in the shape that they are broadcast to: tensors, if they hold numbers."""
    arrays = [x if isinstance(x, Tensor) else np.asarray(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_to(x, shape) if is_number(x.dtype) else np.broadcast_to(x, shape) for x in arrays)


@override(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid from those along its axes; see `numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = 1, 0
    lines = [
        reshape(x, tuple(-1 if n == axis else 1 for n in range(len(xi))))
        for x, axis in zip(xi, axes, strict=True)
    ]
    grid = tuple(lines) if sparse else broadcast_arrays(*lines)
    return tuple(np.copy(x) for x in grid) if copy else grid  # type: ignore[misc]


@override(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Tensor:
    """Return the view of `filt` without the zeros at its front, back, or both."""
    x = astensor(filt)
    if not trim or set(trim.lower()) - set("fb"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    places = np.argwhere(x.data)
    first, end = (places.min(0), places.max(0) + 1) if len(places) else (np.zeros(x.ndim, int),) * 2
    index = [slice(None)] * x.ndim
    for i in axes:
        front = first[i] if "f" in trim.lower() else None
        index[i] = slice(front, end[i] if "b" in trim.lower() or not len(places) else None)
    return x[tuple(index)]


@override(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Apply a function of vectors to each vector along `axis`; its result takes the place of that axis."""
    moved = moveaxis(arr, axis, -1)
    lead, axis = moved.shape[:-1], axis % moved.ndim
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    made = stack([astensor(func1d(moved[i], *args, **kwargs)) for i in np.ndindex(lead)])
    made = reshape(made, (*lead, *made.shape[1:]))
    inner = made.ndim - len(lead)
    return moveaxis(made, range(-inner, 0), range(axis, axis + inner))


@override(np.apply_over_axes)
def apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: Any) -> Tensor:
    """Apply ``func(a, axis)`` for one axis after the other; axes that it reduces stay, with size 1."""
    x = astensor(a)
    for axis in np.atleast_1d(axes):
        axis = int(axis) % x.ndim
        made = func(x, axis)
        x = made if made.ndim == x.ndim else expand_dims(made, axis)
    return x


@composition(np.sort_complex)
def sort_complex(a: Any) -> Tensor:
    """Return the elements sorted by real part, then imaginary part, as complex numbers."""
    ordered = sort(a)
    return cast.run((ordered,), {"dtype": np.sort_complex(np.empty(0, ordered.dtype)).dtype})


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """Return `x` in another dtype. Unlike with the method of tensors, the gradient goes on through it."""
    x = astensor(x)
    return x if x.dtype == dtype and not copy else cast.run((x,), {"dtype": np.dtype(dtype)})


if hasattr(np, "astype"):  # NumPy 2.1
    override(np.astype)(astype)
