"""The names used in annotations: what a function accepts where it says ``ArrayLike``."""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, SupportsIndex, TypeAlias, Union

import numpy as np
import numpy.typing as npt

__all__ = ["ArrayLike", "DTypeLike", "DTypeLikeReals", "Index", "Mask", "Real", "Shape"]

Real: TypeAlias = Union[int, float, np.integer, np.floating]  # noqa: UP007 - Sphinx describes no other
"""A number; without parameters of its types, so that `isinstance` takes it."""
ArrayLike: TypeAlias = Any
"""A tensor, or whatever `numpy.asarray` makes a numeric array of."""
DTypeLike: TypeAlias = npt.DTypeLike
DTypeLikeReals: TypeAlias = npt.DTypeLike
Shape: TypeAlias = Sequence[SupportsIndex]
Mask: TypeAlias = Any
_OneIndex: TypeAlias = SupportsIndex | slice | EllipsisType | npt.ArrayLike | None
Index: TypeAlias = _OneIndex | tuple[_OneIndex, ...]
