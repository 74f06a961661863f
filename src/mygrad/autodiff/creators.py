"""What `Tensor.creator` shows: an instance of a class named after the operation, as in MyGrad 2.5."""

import functools
from typing import Any

import numpy as np

from mygrad.autodiff.graph import Node
from mygrad.autodiff.tensor import Tensor, leaf, of_node

__all__ = ["Creator", "class_name"]

_NAMES = {
    "absolute": "Abs",
    "amax": "Max",
    "amin": "Min",
    "atleast_1d": "AtLeast1D",
    "atleast_2d": "AtLeast2D",
    "atleast_3d": "AtLeast3D",
    "batchnorm": "BatchNorm",
    "conv_nd": "ConvND",
    "cumprod": "CumProd",
    "cumsum": "CumSum",
    "einsum": "EinSum",
    "elu": "ELU",
    "getitem": "GetItem",
    "gru": "GRUnit",
    "matmul": "MatMul",
    "max_pool": "MaxPoolND",
    "moveaxis": "MoveAxis",
    "put": "SetItem",
    "relu": "ReLu",
    "std": "StdDev",
    "swapaxes": "SwapAxes",
    "var": "Variance",
}
"""Where a name in capitals is not simply that of the function."""


def class_name(operation: Any) -> str:
    """Return the name of an operation's class: ``Multiply``, ``ExpandDims``, or what 2.5 had for it."""
    own = type(operation).__name__
    name = getattr(operation, "name", own).strip("_")
    if name == own:  # a class of the user's
        return own
    return _NAMES.get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class Creator:
    """An operation and the tensors it was applied to; its parameters, and its `facts`, are attributes."""

    variables: "tuple[Tensor, ...]"
    where: Any

    def __new__(cls, operation: Any, node: Node) -> "Creator":
        return object.__new__(_class(class_name(operation)))

    def __init__(self, operation: Any, node: Node) -> None:
        self.operation = operation
        self.variables = tuple(_shown(x) for x in node.inputs)
        given = node.params  # a ufunc's is its mask
        self._params = given if isinstance(given, dict) else {} if given is None else {"where": given}
        self._inputs = node.inputs
        self.where = self._params.get("where", True)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._params:
            return self._params[name]
        if name.startswith("_") or name not in self.operation.facts:
            raise AttributeError(f"the operation {type(self).__name__} has no attribute {name!r}")
        values = (x.value if type(x) is Node else x for x in self._inputs)
        return self.operation.facts[name](*values, **self._params)

    def __repr__(self) -> str:
        return f"<{self.operation.name} of {len(self.variables)} tensors>"


@functools.cache
def _class(name: str) -> type[Creator]:
    return type(name, (Creator,), {})


def _shown(x: Any) -> Tensor:
    if type(x) is not Node:
        return leaf(np.asarray(x), True)
    handle = x.handle()
    return of_node(x) if handle is None else handle
