"""Methods of NumPy's ufuncs, as ``np.add.reduce``, of tensors: names of functions that exist.

They are found by (ufunc, method) in the table of methods.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from mygrad.autodiff.overrides import FUNCTIONS, METHODS, UFUNCS
from mygrad.autodiff.tensor import Tensor
from mygrad.functions import elementwise, reductions  # noqa: F401 - they fill the tables
from mygrad.functions.creation import astensor
from mygrad.functions.shapes import reshape

__all__: list[str] = []

REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
ACCUMULATIONS = {np.add: np.cumsum, np.multiply: np.cumprod}


def _along_first(
    function: Callable[..., Any], array: Any, axis: Any = 0, *others: Any, **keywords: Any
) -> Any:
    """Call a function whose axis is 0 unless given, as that of a method is."""
    names = dict(zip(("dtype", "out"), others, strict=False)) | keywords
    return FUNCTIONS[function](array, axis=axis, **{k: v for k, v in names.items() if v is not None})


def _outer(ufunc: Any, a: Any, b: Any, **keywords: Any) -> Tensor:
    """Apply a ufunc to every pair of elements."""
    a, b = (x if isinstance(x, Tensor) else astensor(x) for x in (a, b))
    return UFUNCS[ufunc](reshape(a, a.shape + (1,) * b.ndim), b, **keywords)


for _ufunc, _function in REDUCTIONS.items():
    METHODS[_ufunc, "reduce"] = partial(_along_first, _function)
for _ufunc, _function in ACCUMULATIONS.items():
    METHODS[_ufunc, "accumulate"] = partial(_along_first, _function)
for _ufunc in UFUNCS:
    if _ufunc.nin == 2 and _ufunc.signature is None:
        METHODS[_ufunc, "outer"] = partial(_outer, _ufunc)
