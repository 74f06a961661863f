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
    "FUNCTIONS",
    "LATE",
    "METHODS",
    "PLAIN",
    "PUBLIC",
    "UFUNCS",
    "Overrides",
    "late",
    "unwrapped",
]

UFUNCS: dict[Any, Any] = {}
"""NumPy's ufunc -> its differentiable form."""
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""NumPy's function -> what to call with NumPy's arguments."""
METHODS: dict[Any, Callable[..., Any]] = {}
"""(NumPy's ufunc, name of its method), or the name of a method of tensors -> what to call."""
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
CONSTANT_ONLY: set[Any] = {
    np.ceil,
    np.divmod,
    np.floor,
    np.floor_divide,
    np.fmod,
    np.remainder,
    np.rint,
    np.sign,
    np.trunc,
}
"""Derivatives are zero or undefined: arrays come out, and no variable may go in."""
PLAIN: set[Any] = {
    np.all,
    np.allclose,
    np.any,
    np.argmax,
    np.argmin,
    np.argsort,
    np.array_equal,
    np.array_repr,
    np.array_str,
    np.array2string,
    np.bincount,
    np.can_cast,
    np.copyto,
    np.count_nonzero,
    np.isclose,
    np.iscomplex,
    np.iscomplexobj,
    np.isreal,
    np.isrealobj,
    np.may_share_memory,
    np.min_scalar_type,
    np.ndim,
    np.nonzero,
    np.result_type,
    np.shape,
    np.shares_memory,
    np.size,
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


def _any_variable(args: Any) -> bool:
    return any(isinstance(x, Overrides) and not x.constant for x in args)  # type: ignore[attr-defined]


def late(function: Any) -> Any:
    """Return an entry of `FUNCTIONS` or `METHODS`, or None; the modules that fill them last are imported."""
    for module in LATE:
        import_module(module)
    return FUNCTIONS.get(function) or METHODS.get(function)


def _method(ufunc: Any, method: str) -> Callable[..., Any]:
    """Return what a method of a ufunc does to tensors."""
    found = METHODS.get((ufunc, method)) or late((ufunc, method))
    if found is None:
        raise NotImplementedError(f"np.{ufunc.__name__}.{method} of a tensor is not implemented")
    return found


class Overrides:
    """NumPy's functions, called with a tensor, arrive here."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **keywords: Any) -> Any:
        if ufunc in BOOLEAN:
            return getattr(ufunc, method)(*unwrapped(args), **unwrapped(keywords))
        if method != "__call__":
            return _method(ufunc, method)(*args, **keywords)
        differentiable = UFUNCS.get(ufunc)
        if differentiable is not None:
            return differentiable(*args, **keywords)
        if ufunc not in CONSTANT_ONLY:
            raise TypeError(
                f"np.{ufunc.__name__} of a tensor is not implemented; "
                f"for its values alone write np.{ufunc.__name__}(x.data)"
            )
        if _any_variable(args):
            raise ValueError(
                f"{ufunc} cannot involve non-constant mygrad tensors.\n"
                f"Its derivative is 0 or undefined; for its values alone write np.{ufunc.__name__}(x.data)."
            )
        return ufunc(*unwrapped(args), **unwrapped(keywords))

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if function in PLAIN:
            return function(*unwrapped(args), **unwrapped(keywords))
        differentiable = FUNCTIONS.get(function) or late(function)
        if differentiable is not None:
            return differentiable(*args, **keywords)
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
        raise TypeError(f"no implementation found for {name} of a tensor; for its values alone pass x.data")
