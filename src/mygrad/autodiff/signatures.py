"""What declared functions show of themselves: `inspect.signature`, and a ufunc's table of types.

Built when somebody asks; no function is called through any of it.
"""

import inspect
from collections.abc import Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any

import numpy as np

__all__ = ["of_function", "of_method", "of_ufunc", "real_types"]

_NOT_REAL = frozenset("FDGMmO")
_FIRST_IS_X1 = {"exp", "exp2", "expm1", "log", "log10", "log1p", "log2"}  # as in MyGrad 2.5


def real_types(ufunc: Any) -> list[str]:
    """Return the types of a ufunc, such as ``dd->d``, without complex numbers, dates and objects."""
    return [each for each in ufunc.types if not _NOT_REAL.intersection(each)]


def of_ufunc(ufunc: Any, **more: Any) -> Signature:
    """Return the signature of a differentiable ufunc; `more` are further keywords and their defaults."""
    first = ("x1", "x2") if ufunc.nin == 2 else ("x1" if ufunc.__name__ in _FIRST_IS_X1 else "x",)
    keywords = {"where": True, "dtype": None, "constant": None, **more}
    if ufunc.signature is not None:  # a product of matrices has no elements to mask
        del keywords["where"]
    operands = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in first]
    out = Parameter("out", Parameter.POSITIONAL_OR_KEYWORD, default=None)
    return Signature([*operands, out, *_keywords(keywords)])


def _keywords(defaults: dict[str, Any]) -> list[Parameter]:
    return [Parameter(name, Parameter.KEYWORD_ONLY, default=value) for name, value in defaults.items()]


def of_function(names: Iterable[str], numpy: Any) -> Signature:
    """Return the signature with parameters `names`, which have the defaults of NumPy's function."""
    theirs = _parameters(numpy)
    ours = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=_default(theirs.get(name))) for name in names
    ]
    return Signature([*ours, *_keywords({"constant": None})])


def _parameters(numpy: Any) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(numpy).parameters
    except ValueError:  # before NumPy 2.4 functions in C showed none; np.concatenate is the one that is asked
        defaults = {"axis": 0, "out": None, "dtype": None}
        return {parameter.name: parameter for parameter in _keywords(defaults)}


def _default(parameter: Parameter | None) -> Any:
    """Return the default of NumPy's parameter; where that says "not given", it means False."""
    if parameter is None:
        return Parameter.empty
    return False if parameter.default is np._NoValue else parameter.default


def of_method(function: Any) -> Signature:
    """Return the signature of the method that calls `function` with the tensor as its first argument."""
    _, *parameters = inspect.signature(function).parameters.values()
    return Signature([Parameter("self", Parameter.POSITIONAL_OR_KEYWORD), *parameters])
