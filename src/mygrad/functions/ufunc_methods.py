"""Methods of NumPy's ufuncs, as ``np.add.reduce``, of tensors: compositions of functions that have rules.

A reduction that no function is the name of applies the ufunc to one layer after the other.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, cast
from mygrad.autodiff.overrides import METHODS, UFUNCS, any_variable, unwrapped
from mygrad.autodiff.tensor import Tensor, leaf
from mygrad.autodiff.writes import write
from mygrad.functions import elementwise  # noqa: F401 - it fills the tables
from mygrad.functions.compositions import copy
from mygrad.functions.creation import astensor
from mygrad.functions.indexing import getitem, put, scatter, where
from mygrad.functions.reductions import axes_of, cumprod, cumsum, prod
from mygrad.functions.reductions import max as max_of
from mygrad.functions.reductions import min as min_of
from mygrad.functions.reductions import sum as sum_of
from mygrad.functions.shapes import broadcast_to, concatenate, expand_dims, moveaxis, reshape, stack

__all__: list[str] = []

Array = np.ndarray[Any, Any]


def _log_of_sum(ufunc: Any, power: Any) -> Function:
    """Declare the sum of numbers given by their logarithms."""
    return Function(
        lambda x, axis: ufunc.reduce(x, axis=axis),
        lambda g, y, x, axis: np.expand_dims(g, axis) * power(x - np.expand_dims(y, axis)),
        names="x axis",
    )


def _running(ufunc: Any) -> Callable[..., Tensor]:
    """Declare a running maximum or minimum; the first of equal elements has the gradient."""

    def running(x: Tensor, axis: int) -> Tensor:
        so_far = ufunc.accumulate(x.data, axis=axis)
        before, after = (
            so_far.take(range(x.shape[axis] - 1), axis),
            so_far.take(range(1, x.shape[axis]), axis),
        )
        places = np.arange(1, x.shape[axis]).reshape(-1, *(1,) * (x.ndim - axis % x.ndim - 1))
        changes = np.where((after != before) & ~np.isnan(before), places, 0)
        first = np.zeros_like(changes, shape=so_far.take([0], axis).shape)
        chosen = np.maximum.accumulate(np.concatenate([first, changes], axis), axis)
        return +np.take_along_axis(x, chosen, axis)  # type: ignore[call-overload,return-value]

    return running


REDUCTIONS: dict[Any, Any] = {
    np.add: sum_of,
    np.multiply: prod,
    np.maximum: max_of,
    np.minimum: min_of,
    np.logaddexp: _log_of_sum(np.logaddexp, np.exp),
    np.logaddexp2: _log_of_sum(np.logaddexp2, np.exp2),
}
ACCUMULATIONS: dict[Any, Any] = {
    np.add: cumsum,
    np.multiply: cumprod,
    np.maximum: _running(np.maximum),
    np.minimum: _running(np.minimum),
}
OPPOSITES: dict[Any, Any] = {np.subtract: (np.add, np.negative), np.divide: (np.multiply, np.reciprocal)}
"""``a - b - c`` is ``a + (-b) + (-c)``."""


def _opposite(ufunc: Any, layers: Tensor) -> tuple[Any, Tensor]:
    if ufunc not in OPPOSITES or not layers.shape[0]:
        return ufunc, layers
    ufunc, invert = OPPOSITES[ufunc]
    return ufunc, concatenate([layers[:1], UFUNCS[invert](layers[1:])])


def _chain(ufunc: Any, layers: Tensor) -> list[Any]:
    """Return what the ufunc makes of the first layer, of the first two, and so on."""
    made = [layers[0]]
    for layer in layers[1:]:
        made.append(UFUNCS[ufunc](made[-1], layer))
    return made


def _layers(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Bring the axes together as the first one."""
    moved = moveaxis(x, axes, range(len(axes)))
    return reshape(
        moved, (int(np.prod([x.shape[i] for i in axes], dtype=np.intp)), *moved.shape[len(axes) :])
    )


def reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Tensor:
    """Do what ``ufunc.reduce`` does."""
    x, axes = array, axes_of(array, axis)
    if len(axes) > 1 and ufunc not in REDUCTIONS:
        raise ValueError(
            f"reduction operation '{ufunc.__name__}' is not reorderable, so at most one axis may be specified"
        )
    if where is not True:
        x = _masked(ufunc, x, where, initial)
    layers = _layers(x, axes)
    if initial is not np._NoValue and initial is not None:
        first = broadcast_to(astensor(initial, dtype=layers.dtype), (1, *layers.shape[1:]))
        layers = concatenate([first, layers])
    made = _reduced(ufunc, layers)
    return expand_dims(made, axes) if keepdims else made


def _masked(ufunc: Any, x: Tensor, mask: Any, initial: Any) -> Tensor:
    """Put what does not count in the place of what the mask leaves out."""
    neutral = OPPOSITES[ufunc][0].identity if ufunc in OPPOSITES else ufunc.identity
    if neutral is None and ufunc in REDUCTIONS:
        neutral = initial
    if neutral is None or neutral is np._NoValue or (ufunc in OPPOSITES and initial is np._NoValue):
        raise ValueError(
            f"np.{ufunc.__name__}.reduce of a tensor does not know what `where` should leave instead; give "
            "initial=, or choose the elements first: np.where(mask, x, value)"
        )
    return where(unwrapped(mask), x, astensor(neutral, dtype=x.dtype))


def _reduced(ufunc: Any, layers: Tensor) -> Tensor:
    ufunc, layers = _opposite(ufunc, layers)
    if layers.shape[0] == 0:
        if ufunc.identity is None:
            raise ValueError(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
        return astensor(np.full(layers.shape[1:], ufunc.identity, layers.dtype))
    return REDUCTIONS[ufunc](layers, axis=0) if ufunc in REDUCTIONS else _chain(ufunc, layers)[-1]


def accumulate(ufunc: Any, array: Any, axis: int = 0) -> Tensor:
    """Do what ``ufunc.accumulate`` does."""
    ufunc, layers = _opposite(ufunc, moveaxis(array, axis, 0))
    if not layers.shape[0]:
        return +array
    of = ACCUMULATIONS.get(ufunc)
    return moveaxis(stack(_chain(ufunc, layers)) if of is None else of(layers, axis=0), 0, axis)


def reduceat(ufunc: Any, array: Any, indices: Any, axis: int = 0) -> Tensor:
    """Do what ``ufunc.reduceat`` does: reduce from each index to the next, or take but one element."""
    layers, starts = moveaxis(array, axis, 0), np.asarray(unwrapped(indices))
    ends = np.append(starts[1:], layers.shape[0])
    if np.any((starts < 0) | (starts >= layers.shape[0])):
        raise IndexError(
            f"np.{ufunc.__name__}.reduceat: indices along axis {axis} go from 0 to {layers.shape[0] - 1}; "
            f"got {starts.tolist()}"
        )
    ends = np.maximum(ends, starts + 1)
    if ufunc is np.add:
        made = _sums(layers, starts, ends - starts)
    else:
        made = stack([_reduced(ufunc, layers[i:j]) for i, j in zip(starts, ends, strict=True)])
    return moveaxis(made, 0, axis)


def _sums(layers: Tensor, starts: Array, lengths: Array) -> Tensor:
    """Add up many parts, which may overlap, at once."""
    part = np.repeat(np.arange(starts.size), lengths)
    place = np.arange(part.size) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return scatter.either(layers[place], index=part, shape=(starts.size, *layers.shape[1:]))


def outer(ufunc: Any, a: Any, b: Any, **keywords: Any) -> Tensor:
    """Apply a ufunc to every pair of elements."""
    a, b = (x if isinstance(x, Tensor) else astensor(x) for x in (a, b))
    return UFUNCS[ufunc](reshape(a, a.shape + (1,) * b.ndim), b, **keywords)


# -- in place


def _add_at(x: Array, values: Any, index: Any) -> Array:
    whole = np.array(x)
    np.add.at(whole, index, values)
    return whole


added: Final = Function(
    _add_at, lambda g, y, x, values, index: g, lambda g, y, x, values, index: g[index], names="x values index"
)
"""`x` to which `values` are added at `index`, repeated positions more than once."""


def at(ufunc: Any, array: Any, indices: Any, *values: Any) -> None:
    """Do what ``ufunc.at`` does, as a write: `array` goes on as what was computed."""
    if not isinstance(array, Tensor):
        if any_variable(values):
            raise TypeError(
                f"np.{ufunc.__name__}.at would write a tensor into an array, where its gradient is lost; "
                "write into mygrad.tensor(array), or take the values alone, x.data"
            )
        ufunc.at(array, unwrapped(indices), *unwrapped(values))
        return
    index = unwrapped(indices)
    write(array, lambda old: _written(ufunc, old, index, *values))


def _written(ufunc: Any, x: Tensor, index: Any, *values: Any) -> Tensor:
    if x.constant:
        whole = np.array(x._node.value)
        ufunc.at(whole, index, *unwrapped(values))
        return leaf(whole, True)
    _refuse(ufunc, "at")
    if ufunc is np.add or ufunc is np.subtract:
        (value,) = values
        return added(x, value if ufunc is np.add else np.negative(value), index)
    places = np.arange(x.size).reshape(x.shape)[index]
    operands = [np.ravel(np.broadcast_to(each, places.shape)) for each in values]  # type: ignore[call-overload]
    return _in_turns(ufunc, x, places.ravel(), operands)


def _in_turns(ufunc: Any, x: Tensor, places: Array, operands: list[Any]) -> Tensor:
    """Write to every place once, then to those that have a second turn, and so on."""
    flat = reshape(x, (-1,))
    order = np.argsort(places, kind="stable")
    turns = np.empty_like(places)
    turns[order] = np.arange(places.size) - np.searchsorted(places[order], places[order])
    for turn in range(turns.max(initial=-1) + 1):
        mine = np.flatnonzero(turns == turn)
        value = UFUNCS[ufunc](getitem(flat, places[mine]), *(each[mine] for each in operands))
        flat = put(flat, value, index=places[mine])
    return reshape(flat, x.shape)


FORMS = {each.__name__: each for each in (reduce, accumulate, reduceat, outer)}


def method_of(ufunc: Any, method: str, *args: Any, **keywords: Any) -> Any:
    """Call a method of a ufunc with tensors: of constants it is NumPy's."""
    if method == "at":
        return at(ufunc, *args)
    out, dtype = keywords.pop("out", None), keywords.get("dtype")
    if not any_variable((*args, keywords.get("initial"))):
        made = getattr(ufunc, method)(*unwrapped(args), **unwrapped(keywords))
        made = astensor(made, constant=True) if ufunc in UFUNCS else made
    elif ufunc.nin != 2 or ufunc.signature is not None:
        return getattr(ufunc, method)(*unwrapped(args), **keywords)  # raises what NumPy does
    else:
        _refuse(ufunc, method)
        if method != "outer":
            args, _ = (_as(astensor(args[0]), keywords.pop("dtype", None)), *args[1:]), dtype
        made = FORMS[method](ufunc, *args, **keywords)
    return made if out is None else copy.run((made,), {"out": out})


def _refuse(ufunc: Any, method: str) -> None:
    if ufunc not in UFUNCS:
        raise NotImplementedError(
            f"np.{ufunc.__name__}.{method} of a tensor that is not constant: np.{ufunc.__name__} has no "
            "derivative. For the values alone pass x.data"
        )


def _as(x: Tensor, dtype: Any) -> Tensor:
    return x if dtype is None else cast.run((x,), {"dtype": dtype})


METHODS["ufunc"] = method_of
