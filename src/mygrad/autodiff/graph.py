"""Nodes and the one loop that pulls a gradient back through them.

A node is a value, the operation that made it and the inputs of that operation. Nothing here knows
tensors: a node knows its handle, if it is alive, by a weak reference only.
"""

import itertools
import operator
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from mygrad.autodiff.guard import Guard, guard
from mygrad.errors import InvalidBackprop

__all__ = ["Node", "clear", "pull_back", "upstream"]

Array = np.ndarray[Any, Any]
Lift = Callable[["Node"], Any]
"""What a rule sees of a node: its array, or a tensor when the gradient is to be differentiated."""

next_serial: Callable[[], int] = itertools.count().__next__


class Operation(Protocol):
    """What the graph asks of an operation: to give each of its inputs that varies a gradient."""

    def pull(self, node: "Node", g: Any, gradients: "Gradients") -> None: ...


class Handle(Protocol):
    _node: "Node"

    def _cleared(self, leaf: "Node") -> None: ...


class _Cleared:
    """Stands for the operation of a node whose graph is gone.

    The gradient goes to what its tensor is now, if that has been used, and if nobody holds a variable that
    it was made of since: such a one would need its share, perhaps after it has passed on all that it has.
    """

    def pull(self, node: "Node", g: Any, gradients: "Gradients") -> None:
        handle = node.handle()
        now = _last_leaf(node) if handle is None else handle._node
        if now is not None and now.used and _is_the_only_one_held(now, handle):
            gradients.pop(node, None)
            gradients.give(now, g)
            return
        raise InvalidBackprop(
            f"A tensor of shape {np.shape(node.value)}, on the way of this back-propagation, was cleared "
            "by an earlier backward() or clear_graph().\n"
            "Compute the result again before calling backward(), or call backward() once on the sum of "
            "all results that share it."
        )


CLEARED = _Cleared()


def _last_leaf(node: "Node | None") -> "Node | None":
    """Return the leaf that a tensor was when it went, after one or more times that it was cleared."""
    while node is not None and node.operation is CLEARED:
        node = None if node.params is None else node.params()
    return node


def _is_the_only_one_held(node: "Node", handle: "Handle | None") -> bool:
    """Tell whether somebody would see the gradients of no other variable than `handle` upstream of `node`."""
    handles = (x.handle() for x in upstream(node) if not x.constant)
    return all(each is None or each is handle for each in handles)


LAZY = Guard()  # "lock the array when somebody can first see it"


class Node:
    """A value in a graph. `inputs` are nodes or plain arrays and scalars, as the operation got them."""

    __slots__ = (
        "__weakref__",
        "constant",
        "guard",
        "handle",
        "holds",
        "inputs",
        "operation",
        "params",
        "serial",
        "used",
        "value",
    )

    value: Array
    handle: Callable[[], Any]

    constant: bool
    operation: "Operation | None"
    inputs: Any
    params: Any
    holds: Any
    serial: int
    used: bool
    guard: "Guard | None"

    def __init__(
        self,
        value: Array,
        constant: bool,
        operation: Operation | None = None,
        inputs: Any = (),
        params: Any = None,
        guard: Guard | None = None,
        holds: Any = None,
    ) -> None:
        self.value = value
        self.constant = constant
        self.operation = operation
        self.inputs = inputs
        self.params = params
        self.guard = guard
        self.holds = holds  # guards of the leaves and arrays among the inputs
        self.handle = nobody
        self.used = False  # whether another node was computed from this one
        self.serial = next_serial()

    def with_value(self, value: Array) -> "Node":
        """Return a node computed as this one was, with another value, which is somebody's and not locked."""
        node = Node(value, self.constant, self.operation, self.inputs, self.params)
        node.holds = self.holds
        return node

    def expose(self) -> Array:
        """Return the array to somebody outside; from now on it is locked while the graph lives."""
        if self.guard is LAZY:
            self.guard = guard(self.value)
        return self.value


def nobody() -> None:
    """The handle of a node that no tensor holds."""


class Gradients(dict[Node, Any]):
    """The gradients of one back-propagation.

    An array is added to in place once it was made here; what a rule returned may be shared and is not.
    `wanted` are the nodes that need one; None stands for all.
    """

    lift: "Lift | None"
    wanted: "set[Node] | None"

    def __init__(self, lift: Lift | None = None, wanted: set[Node] | None = None) -> None:
        self.lift, self.wanted = lift, wanted
        self.own: set[Node] = set()

    def give(self, node: Node, g: Any) -> None:
        """Add `g` to the gradient of `node`."""
        so_far = self.get(node)
        if so_far is None:
            self[node] = g
        elif node in self.own:
            self[node] += g
        else:
            self[node] = so_far + g
            if self.lift is None:
                self.own.add(node)

    def region(self, node: Node, index: Any, g: Any) -> None:
        """Add the array `g` to a part of the gradient of `node`, without making the whole of it anew."""
        if node not in self.own or self[node].__class__ is not np.ndarray:  # sums of no axes are scalars
            self[node] = np.array(self[node]) if node in self else np.zeros_like(node.value)
            self.own.add(node)
        self[node][index] += g

    def see(self, inputs: tuple[Any, ...]) -> list[Any]:
        """Return what a rule is to see of `inputs`."""
        if self.lift is None:
            return [x.value if type(x) is Node else x for x in inputs]
        return [self.lift(x) if type(x) is Node else x for x in inputs]

    def see_output(self, node: Node) -> Any:
        return node.value if self.lift is None else self.lift(node)


_serial = operator.attrgetter("serial")


def upstream(terminal: Node) -> list[Node]:
    """Return every node that `terminal` was computed from, itself first, outputs before inputs."""
    found, seen = [terminal], {terminal}
    for node in found:  # which grows
        for x in node.inputs:
            if type(x) is Node and x not in seen:
                seen.add(x)
                found.append(x)
    found.sort(key=_serial, reverse=True)
    return found


def pull_back(nodes: Iterable[Node], gradients: Gradients) -> Gradients:
    """Carry the gradients already in `gradients` through `nodes`, outputs before inputs.

    A gradient that no tensor will show is dropped as soon as it has been passed on.
    """
    for node in nodes:
        operation = node.operation
        if operation is None or node.constant:
            continue
        g = gradients.get(node)
        if g is not None:
            if node.handle() is None:
                del gradients[node]
            operation.pull(node, g, gradients)
    return gradients


def clear(nodes: Iterable[Node]) -> None:
    """Forget how `nodes` were computed; their tensors go on as leaves.

    Somebody may still hold a result computed from one that was used, so the old node remains, marked, and
    the tensor gets a new one: to go back through the old is an error, unless the tensor is used again.
    The old node refers to the new one by its `params`, weakly: chains of them would keep all that were.
    """
    for node in nodes:
        if node.operation is CLEARED:
            continue
        handle = node.handle()
        operation, later = CLEARED, None
        if handle is not None and node.used:
            if node.guard is LAZY:
                node.expose()  # a consumer that lives on still needs the array as it is
            leaf = Node(node.value, node.constant)
            later = weakref.ref(leaf)
            handle._cleared(leaf)
        elif handle is not None:
            handle._cleared(node)
            operation = node.guard = None
        node.operation, node.inputs, node.params, node.holds = operation, (), later, None


def attach(node: Node, handle: Any) -> None:
    node.handle = weakref.ref(handle)
