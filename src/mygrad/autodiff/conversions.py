"""NumPy's functions that make arrays of what they are given, and ask no tensor: gradients would be lost.

NumPy hands a tensor to `overrides` where it declared a function for that. Some it did not: they call
`np.array`, which calls `Tensor.__array__`, and who called can be seen there alone, in the frames of Python.
Users' own `np.array`, `np.asarray` and the like are asked for in so many words, and stay as they are.
"""

from types import FrameType
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.overrides import late

__all__ = ["CONVERTING", "converted"]

_REMEDIES = {
    "kaiser": "write mg.kaiser(M, beta)",
    "vectorize": "call the function itself, or write mg.stack([f(each) for each in x])",
    "bmat": "write mg.block",
    "as_strided": "write slices, or mg.reshape",
    "numpy.polynomial": "write mg.polyval, mg.polyfit and their like",
    "numpy.ma": "leave elements out by where=, as in x.sum(where=~m.mask)",
}

_LOSING = {
    "numpy.lib._function_base_impl": {
        "kaiser": "kaiser",
        "_get_ufunc_and_otypes": "vectorize",
        "_vectorize_call": "vectorize",
        "_vectorize_call_with_signature": "vectorize",
    },
    "numpy.lib._stride_tricks_impl": {"as_strided": "as_strided"},
    "numpy.matrixlib.defmatrix": {"bmat": "bmat"},
    "numpy.polynomial._polybase": {},
    "numpy.polynomial.chebyshev": {},
    "numpy.polynomial.hermite": {},
    "numpy.polynomial.hermite_e": {},
    "numpy.polynomial.laguerre": {},
    "numpy.polynomial.legendre": {},
    "numpy.polynomial.polynomial": {},
    "numpy.polynomial.polyutils": {},
}
"""Module -> the functions in it, as their code is named, and what users call; all of `numpy.polynomial`."""

_OF_VALUES = {
    "all", "allclose", "allequal", "alltrue", "any", "argmax", "argmin", "argsort", "array", "asanyarray",
    "asarray", "clump_masked", "clump_unmasked", "common_fill_value", "copy", "count", "count_masked",
    "default_fill_value", "empty_like", "equal", "filled", "fix_invalid", "flatnotmasked_contiguous",
    "flatnotmasked_edges", "flatten_mask", "getdata", "getmask", "getmaskarray", "greater", "greater_equal",
    "harden_mask", "ids", "in1d", "isMA", "isMaskedArray", "is_mask", "is_masked", "isarray", "isin",
    "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "make_mask",
    "make_mask_descr", "mask_cols", "mask_or", "mask_rowcols", "mask_rows", "masked_all_like",
    "masked_equal", "masked_greater", "masked_greater_equal", "masked_inside", "masked_invalid",
    "masked_less", "masked_less_equal", "masked_not_equal", "masked_object", "masked_outside",
    "masked_values", "masked_where", "maximum_fill_value", "minimum_fill_value", "ndenumerate", "ndim",
    "nonzero", "not_equal", "notmasked_contiguous", "notmasked_edges", "ones_like", "put", "putmask",
    "set_fill_value", "shape", "size", "soften_mask", "sometrue", "zeros_like",
}  # fmt: skip
"""Functions of `numpy.ma` that ask for values, or make a masked array in so many words."""

_JOINING = "numpy.lib._index_tricks_impl"
CONVERTING = frozenset({*_LOSING, _JOINING, "numpy.ma.core", "numpy.ma.extras"})
"""Modules whose calls of `__array__` are looked at."""


def converted(tensor: Any, frame: FrameType) -> Any:
    """Return the array that one of NumPy's functions, running in `frame`, takes `tensor` for.

    Raises
    ------
    TypeError
        If the gradient of `tensor` would be lost.
    """
    module = frame.f_globals["__name__"]
    if module == _JOINING:
        return late("joined")(tensor, frame)
    if tensor.constant or not modes.tracking():
        return tensor.data
    name, family = _masked(tensor, frame) if module.startswith("numpy.ma.") else _plain(module, frame)
    if name:
        shown = f"{family}.{name}".replace("numpy", "np", 1)
        raise lost(shown, _REMEDIES.get(name) or _REMEDIES[family])
    return tensor.data


def lost(function: str, remedy: str) -> TypeError:
    """Return the error that says that `function` is not differentiated, and what is."""
    return TypeError(
        f"no implementation found for {function}: "
        f"NumPy makes an array of a tensor that is not constant, and the gradient would be lost.\n"
        f"For the values alone pass x.data. For the gradient, {remedy}."
    )


def _outermost(frame: FrameType, package: str) -> FrameType:
    """Return the frame of the function of `package` that was called from outside."""
    while (back := frame.f_back) is not None and str(back.f_globals.get("__name__")).startswith(package):
        frame = back
    return frame


def _plain(module: str, frame: FrameType) -> tuple[str | None, str]:
    family = module.rpartition(".")[0]
    if family == "numpy.polynomial":
        called = _outermost(frame, family)
        name = called.f_code.co_name
        return type(called.f_locals["self"]).__name__ if name.startswith("__") else name, family
    names, called = _LOSING[module], frame
    while called.f_code.co_name.startswith("<") and called.f_back is not None:  # a comprehension's own frame
        called = called.f_back
    if called.f_code.co_name not in names and called.f_back is not None:  # bmat calls matrix
        called = called.f_back
    return names.get(called.f_code.co_name), "numpy"


def _masked(tensor: Any, frame: FrameType) -> tuple[str | None, str]:
    """Find the name of a function of `np.ma`, many of which are one function with another in its closure."""
    frame = _outermost(frame, "numpy.ma")
    known = frame.f_locals
    function = known.get("npfunc") or known.get("self")
    name = known.get("methodname") or getattr(function, "__name__", None) or frame.f_code.co_name
    chooses = tensor is known.get("condition") or tensor is known.get("indices")
    public = name in np.ma.__all__ and name not in _OF_VALUES
    return (name if public and not chooses else None), "numpy.ma"
