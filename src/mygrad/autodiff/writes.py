"""Writes: what happens to a tensor, its base and all views when one of them is written."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.graph import Node
from mygrad.autodiff.guard import is_guarded
from mygrad.autodiff.hints import read_only
from mygrad.autodiff.overrides import PUBLIC
from mygrad.autodiff.tensor import Tensor, stand_in
from mygrad.autodiff.views import replay, separate, views_of

__all__ = ["show", "write"]


def write(target: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """Move `target` to what `compute` makes of its old self; its base and every view follow.

    Nothing has changed if `compute` raises.
    """
    value = target._node.value
    if not modes.tracking():
        if not value.flags.writeable:
            raise ValueError(read_only(value))
        value[...] = compute(target)._node.value
        return target
    if not (value.flags.writeable or is_guarded(value)):
        raise ValueError(read_only(value))
    view = target._view
    if view is not None and not view.connected:
        view = None
    source = stand_in(target._node)
    if view is not None and not np.may_share_memory(value, view.base._node.value):
        source = replay(view.path, stand_in(view.base._node))  # the base was given other data
    made = compute(source)
    base = target
    if view is None:
        separate(target)
    else:
        base = view.base
        made = PUBLIC["put"](stand_in(base._node), made, path=view.path, constant=base.constant)
    show(base, made._node)
    return target


def show(base: Tensor, node: Node) -> None:
    """Make `base` the handle on `node`, and derive its views again, each from the view it was made of."""
    base._move(node)
    shown: dict[Any, Node] = {(): node}
    for each, view in views_of(base):
        if view.connected:
            path = start = view.path
            while start not in shown:  # that view is gone
                start = start[:-1]
            again = replay(path[len(start) :], stand_in(shown[start]))._node
            again.constant = each.constant
            each._move(again)
            shown[path] = again
