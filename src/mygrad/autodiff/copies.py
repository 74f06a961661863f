"""Copies of tensors in a graph: `copy.deepcopy` copies all that is upstream, and what was recorded of it."""

import copy
from typing import Any

import numpy as np

from mygrad.autodiff.graph import Node, upstream
from mygrad.autodiff.overrides import METHODS
from mygrad.autodiff.tensor import Tensor, slots_of
from mygrad.autodiff.views import View, register, replay

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
        view = _view_of_copy(handle, memo)
        value = np.array(node.value) if view is None else replay(view.path, view.base._node.value)
        nodes[node] = Node(value, node.constant, node.operation, inputs, node.params)
        if handle is not None:
            memo[id(handle)] = made = _handle(handle, nodes[node], memo)
            if view is not None:
                made._view, made._grad = view, None
                register(view.base, made)
    return memo[id(tensor)]


def _view_of_copy(old: Tensor | None, memo: dict[int, Any]) -> View | None:
    """Return what makes the copy of a connected view a view of the copy of its base."""
    view = None if old is None else old._view
    if view is None or not view.connected or id(view.base) not in memo:
        return None
    return View(memo[id(view.base)], view.path)


def _handle(old: Tensor, node: Node, memo: dict[int, Any]) -> Tensor:
    made = type(old).__new__(type(old))
    made._hold(node)
    made._grad = None if old.grad is None else np.array(old.grad)
    made.__dict__.update(copy.deepcopy(old.__dict__, memo))
    for name, value in copy.deepcopy(slots_of(old), memo).items():
        object.__setattr__(made, name, value)
    return made


METHODS["deepcopy"] = deep_copy
