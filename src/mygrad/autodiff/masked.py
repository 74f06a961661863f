"""NumPy's masked arrays know of no gradient, and tensors of no mask: neither is lost without a word."""

from typing import Any, ClassVar

import numpy as np

from mygrad.autodiff import modes

__all__ = ["InMaskedArrays", "unmasked"]


def unmasked(x: Any) -> np.ndarray[Any, Any]:
    """Return the array of an array-like that hides no elements: as operands they would all take part.

    Raises
    ------
    TypeError
        If elements are masked.
    """
    mask = getattr(x, "_mask", None)
    if mask is not None and np.any(mask):
        raise TypeError(
            f"{np.count_nonzero(mask)} elements of this {type(x).__name__} are masked, and a tensor has no "
            "mask: they would take part.\n"
            "Pass m.filled(value) to say what they count as, or put where=~m.mask into the function."
        )
    return np.asarray(x)


class _Values:
    """Where `np.ma` finds what to compute with: a variable itself, whose gradient would be lost otherwise."""

    def __get__(self, tensor: Any, owner: Any) -> Any:
        return tensor.data if tensor.constant or not modes.tracking() else tensor


class _View:
    """What `np.ma` asks the result of a computation for, unless that is a comparison."""

    def __get__(self, tensor: Any, owner: Any) -> Any:
        raise AttributeError(
            "a tensor has no view(). Another shape is reshape(); a NumPy masked array has no gradient: for "
            "values alone compute with x.data, or leave elements out by where=, as in x.sum(where=~m.mask)"
        )


class InMaskedArrays:
    """How `np.ma` sees a tensor."""

    __slots__ = ()

    _data: ClassVar[Any] = _Values()
    view: ClassVar[Any] = _View()
