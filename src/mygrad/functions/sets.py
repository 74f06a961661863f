"""Arrays as sets: the values that are kept are elements, and have their gradients."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import override
from mygrad.autodiff.overrides import FUNCTIONS, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.compositions import composition
from mygrad.functions.creation import astensor
from mygrad.functions.rearrangements import sort
from mygrad.functions.shapes import concatenate, ravel

__all__: list[str] = []


@override(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **keywords: Any,
) -> Any:
    """Return each value once; the gradient is that of its first occurrence."""
    x = astensor(ar)
    _, first, *rest = np.unique(x.data, True, return_inverse, return_counts, axis, **keywords)
    values = ravel(x)[first] if axis is None else x[(slice(None),) * (axis % x.ndim) + (first,)]
    found = (values, *([first] if return_index else []), *rest)
    return values if len(found) == 1 else found


def _with_values(name: str, *order: str) -> None:
    """Declare a function that returns a named tuple with the field `values`, or the values alone."""
    function = getattr(np, name)

    def found(x: Any, /) -> Any:
        made = function(unwrapped(x))
        values = unique(x, equal_nan=False)
        return made._replace(values=values) if hasattr(made, "_replace") else values

    FUNCTIONS[function] = found


for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    _with_values(_name)


@composition(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Tensor:
    """Return the values that are in either array, sorted."""
    return unique(concatenate([astensor(ar1), astensor(ar2)], axis=None))


@composition(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """Return the values that are in both arrays, sorted; their gradients are those of the first array's."""
    _, first, second = np.intersect1d(unwrapped(ar1), unwrapped(ar2), assume_unique, return_indices=True)
    values = ravel(ar1)[first]
    return (values, first, second) if return_indices else values


@composition(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Tensor:
    """Return the values of the first array that are not in the second."""
    values = ravel(ar1) if assume_unique else unique(ar1)
    return values[~np.isin(values.data, unwrapped(ar2))]


@composition(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Tensor:
    """Return the values that are in one of the arrays only, sorted."""
    return sort(concatenate([setdiff1d(ar1, ar2, assume_unique), setdiff1d(ar2, ar1, assume_unique)]))
