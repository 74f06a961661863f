"""The arguments of layers, activations and losses."""

from typing import Any

from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor

__all__ = ["operand"]


def operand(x: Any) -> Tensor:
    """Return `x` as a tensor: what is none yet is a constant, sharing memory if it can."""
    return x if isinstance(x, Tensor) else astensor(x, constant=True)
