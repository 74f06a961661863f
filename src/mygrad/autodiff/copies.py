"""Copies of tensors in a graph: `copy.deepcopy` copies all that is upstream, and what was recorded of it."""

import copy
from typing import Any

import numpy as np

from mygrad.autodiff.graph import Node, upstream
from mygrad.autodiff.overrides import METHODS
from mygrad.autodiff.tensor import Tensor, slots_of

__all__ = ["deep_copy"]


def deep_copy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Return a copy of `tensor` in a copy of its graph; `memo` knows the tensors that were copied before."""
    nodes: dict[Node, Node] = {}
    for node in reversed(upstream(tensor._node)):
        handle = node.handle()
        if handle is not None and id(handle) in memo:
            nodes[node] = memo[id(handle)]._node
            continue
        inputs = [nodes[x] if type(x) is Node else copy.copy(x) for x in node.inputs]
        nodes[node] = Node(np.array(node.value), node.constant, node.operation, inputs, node.params)
        if handle is not None:
            memo[id(handle)] = _handle(handle, nodes[node], memo)
    return memo[id(tensor)]


def _handle(old: Tensor, node: Node, memo: dict[int, Any]) -> Tensor:
    made = type(old).__new__(type(old))
    made._hold(node)
    made._grad = None if old.grad is None else np.array(old.grad)
    made.__dict__.update(copy.deepcopy(old.__dict__, memo))
    for name, value in copy.deepcopy(slots_of(old), memo).items():
        object.__setattr__(made, name, value)
    return made


METHODS["deepcopy"] = deep_copy
