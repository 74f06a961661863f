"""The tables in which NumPy's functions find their differentiable form, and NumPy's two protocols.

Whatever stands in no table is refused by name: a tensor is never silently turned into an array.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

__all__ = [
    "BOOLEAN",
    "CONSTANT_ONLY",
    "DISCRETE",
    "FUNCTIONS",
    "LATE",
    "METHODS",
    "PLAIN",
    "PUBLIC",
    "UFUNCS",
    "Overrides",
    "any_variable",
    "late",
    "name_of",
    "unwrapped",
]

UFUNCS: dict[Any, Any] = {}
"""NumPy's ufunc -> its differentiable form."""
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""NumPy's function -> what to call with NumPy's arguments."""
METHODS: dict[Any, Callable[..., Any]] = {}
"""The name of a method of tensors, or "ufunc" for the methods of NumPy's ufuncs -> what to call."""
PUBLIC: dict[Any, Callable[..., Any]] = {}
"""NumPy's function -> what to call with mygrad's arguments."""
LATE: list[str] = []
"""Modules that fill the tables when they are imported, which a function found in no table asks for."""

BOOLEAN: set[Any] = {
    np.equal,
    np.greater,
    np.greater_equal,
    np.isfinite,
    np.isinf,
    np.isnan,
    np.isnat,
    np.less,
    np.less_equal,
    np.logical_and,
    np.logical_not,
    np.logical_or,
    np.logical_xor,
    np.not_equal,
    np.signbit,
}
"""Results are arrays of booleans; nothing is recorded."""
DISCRETE: set[Any] = BOOLEAN | {
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.gcd,
    np.invert,
    np.lcm,
    np.left_shift,
    np.right_shift,
    *([np.bitwise_count] if hasattr(np, "bitwise_count") else ()),
}
"""So are those of functions of whole numbers, which have no gradient; of others NumPy raises a TypeError."""
CONSTANT_ONLY: set[Any] = {
    np.around,
    np.ceil,
    np.divmod,
    np.fix,
    np.floor,
    np.floor_divide,
    np.fmod,
    np.remainder,
    np.rint,
    np.round,
    np.sign,
    np.spacing,
    np.trunc,
}
"""Derivatives are zero or undefined: arrays come out, and no variable may go in."""
PLAIN: set[Any] = {
    np.all,
    np.allclose,
    np.any,
    np.argmax,
    np.argmin,
    np.argpartition,
    np.argsort,
    np.argwhere,
    np.array2string,
    np.array_equal,
    np.array_equiv,
    np.array_repr,
    np.array_str,
    np.bincount,
    np.busday_count,
    np.busday_offset,
    np.can_cast,
    np.common_type,
    np.count_nonzero,
    np.datetime_as_string,
    np.diag_indices_from,
    np.digitize,
    np.einsum_path,
    np.flatnonzero,
    np.histogram_bin_edges,
    np.is_busday,
    np.isclose,
    np.iscomplex,
    np.iscomplexobj,
    np.isin,
    np.isneginf,
    np.isposinf,
    np.isreal,
    np.isrealobj,
    np.ix_,
    np.lexsort,
    np.may_share_memory,
    np.min_scalar_type,
    np.nanargmax,
    np.nanargmin,
    np.ndim,
    np.nonzero,
    np.packbits,
    np.ravel_multi_index,
    np.result_type,
    np.save,
    np.savetxt,
    np.savez,
    np.savez_compressed,
    np.searchsorted,
    np.shape,
    np.shares_memory,
    np.size,
    np.tril_indices_from,
    np.triu_indices_from,
    np.unpackbits,
    np.unravel_index,
}
"""Functions of arrays that tensors enter as arrays."""


def unwrapped(x: Any) -> Any:
    """Return `x` with every tensor in it, however deep, replaced by its array."""
    if isinstance(x, Overrides):
        return x.data  # type: ignore[attr-defined]
    if type(x) in (list, tuple):
        return type(x)(unwrapped(each) for each in x)
    if type(x) is dict:
        return {name: unwrapped(each) for name, each in x.items()}
    return x


def any_variable(args: Any) -> bool:
    """Tell whether a tensor with a gradient is among `args`, or in a list among them."""
    return any(
        not x.constant  # type: ignore[attr-defined]
        if isinstance(x, Overrides)
        else type(x) in (list, tuple) and any_variable(x)
        for x in args
    )


def name_of(function: Any) -> str:
    """Return how users write a function of NumPy."""
    return f"{getattr(function, '__module__', 'numpy')}.{function.__name__}".replace("numpy", "np", 1)


def late(function: Any) -> Any:
    """Return an entry of the tables, or None; the modules that fill them last are imported."""
    for module in LATE:
        import_module(module)
    return FUNCTIONS.get(function) or UFUNCS.get(function) or METHODS.get(function)


def _without_variables(function: Any, args: Any, keywords: Any) -> Any:
    if any_variable(args):
        name = name_of(function)
        shown = function if isinstance(function, np.ufunc) else name
        raise ValueError(
            f"{shown} cannot involve non-constant mygrad tensors.\n"
            f"Its derivative is 0 or undefined; for its values alone write {name}(x.data)."
        )
    return function(*unwrapped(args), **unwrapped(keywords))


class Overrides:
    """NumPy's functions, called with a tensor, arrive here."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **keywords: Any) -> Any:
        if ufunc in DISCRETE and method != "at":
            return getattr(ufunc, method)(*unwrapped(args), **unwrapped(keywords))
        if method != "__call__":
            return (METHODS.get("ufunc") or late("ufunc"))(ufunc, method, *args, **keywords)
        differentiable = UFUNCS.get(ufunc)
        if differentiable is not None:
            return differentiable(*args, **keywords)
        if ufunc in CONSTANT_ONLY:
            return _without_variables(ufunc, args, keywords)
        found = late(ufunc)
        if found is not None:
            return found(*args, **keywords)
        raise TypeError(
            f"np.{ufunc.__name__} of a tensor is not implemented; "
            f"for its values alone write np.{ufunc.__name__}(x.data)"
        )

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if function in PLAIN:
            return function(*unwrapped(args), **unwrapped(keywords))
        differentiable = FUNCTIONS.get(function) or late(function)
        if differentiable is not None:
            return differentiable(*args, **keywords)
        if function in CONSTANT_ONLY:
            return _without_variables(function, args, keywords)
        raise TypeError(
            f"no implementation found for {name_of(function)} of a tensor; for its values alone pass x.data"
        )
