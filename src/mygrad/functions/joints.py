"""``np.r_[...]`` and ``np.c_[...]`` of tensors, which NumPy joins without asking them.

It calls `np.array` for each item, moves the axes of what comes and joins all by `np.concatenate`. So an item
is an array that remembers its tensor until then.
"""

from types import FrameType
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.conversions import lost
from mygrad.autodiff.overrides import METHODS
from mygrad.functions.shapes import concatenate, reshape

__all__: list[str] = []


class _Item(np.ndarray[Any, Any]):
    """The values of a tensor, which is what `np.concatenate` joins."""

    tensor: Any

    def __array_finalize__(self, source: Any) -> None:
        self.tensor = getattr(source, "tensor", None)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if function is not np.concatenate:
            return super().__array_function__(function, types, args, keywords)
        parts = [reshape(x.tensor, x.shape) if isinstance(x, _Item) else x for x in args[0]]
        return concatenate(parts, dtype=self.dtype, **keywords)  # NumPy has given all items one dtype


def _item(tensor: Any) -> _Item:
    item = tensor.data.view(_Item)
    item.tensor = tensor
    return item


_NAMES = {"RClass": "np.r_", "CClass": "np.c_", "mr_class": "np.ma.mr_"}


def _joined(tensor: Any, frame: FrameType) -> Any:
    """Return what `np.r_` and its like take for `tensor`; their method runs in `frame`."""
    while frame.f_code.co_name.startswith("<") and frame.f_back is not None:  # a comprehension's own frame
        frame = frame.f_back
    known = frame.f_locals
    form = _NAMES.get(type(known.get("self")).__name__)
    if form is None or any(tensor is known.get(end) for end in ("start", "stop", "step")):
        return tensor.data  # the points of a slice are numbers, as those of np.arange are
    masked = form == "np.ma.mr_"
    if not (masked or known["matrix"]) and _is_item(tensor, known):
        return _item(tensor)
    if not tensor.constant and modes.tracking():
        raise _lost(form, known)
    return tensor.data


def _is_item(tensor: Any, known: dict[str, Any]) -> bool:
    """Tell whether a tensor is to be joined itself, and not an element of a list."""
    return tensor is known.get("item") or any(tensor is each for each in known["objs"])


def _lost(form: str, known: dict[str, Any]) -> TypeError:
    if form == "np.ma.mr_":
        return lost(form, "join by mg.concatenate, and leave elements out by where=")
    if known["matrix"]:
        return lost(f"{form} that makes a matrix", f"leave 'r' and 'c' out of {form}[...]")
    if isinstance(known.get("item"), slice):
        return lost(f"{form} with an end of a slice", "write mg.linspace")
    return lost(f"{form} with a list", f"give each tensor an item of its own, as in {form}[x, y]")


METHODS["joined"] = _joined
