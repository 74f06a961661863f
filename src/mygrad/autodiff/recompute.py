"""`checkpoint`: keep what went into a function, not what it computed on the way, and compute it again."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff import graph, modes
from mygrad.autodiff.creators import Creator
from mygrad.autodiff.derivatives import between, pull, variable, varying_node
from mygrad.autodiff.graph import Gradients, Node
from mygrad.autodiff.joint import Collected, joined
from mygrad.autodiff.tensor import Tensor, leaf, stand_in
from mygrad.autodiff.trees import leaves, nest, rebuild
from mygrad.errors import InvalidBackprop

__all__ = ["checkpoint"]

VARIABLE, CONSTANT, ARRAY = "variable", "constant", "array"
_CHANGED = (
    "A tensor that the checkpointed {}() uses, but did not get as an argument, was written or cleared since "
    "it was called. Give it as an argument, or go back before writing."
)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does what `f` does, and keeps no intermediate results for its gradient.

    They are computed again when the gradient is, and freed after: a network of n layers in segments of
    sqrt(n) needs memory for about 2 sqrt(n) of them, and time for one forward computation more (T. Chen
    et al., "Training deep nets with sublinear memory cost", 2016).

    Parameters
    ----------
    f : callable
        Takes and returns tensors, or nested tuples, lists and dicts of them; other arguments are handed
        on. It may use other tensors, which get their gradients. It must compute the same again, and
        write to no tensor that it did not make. Random numbers of `numpy.random` and `mygrad.random`
        are the same again; other generators have to be given their seed within `f`.

    Returns
    -------
    callable
        What it returns can be differentiated to every order, and be checkpointed again.

    Raises
    ------
    InvalidBackprop
        From the back-propagation: if a tensor that `f` uses, and did not get as an argument, was written
        or cleared since.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([0.0, 1.0])
    >>> mg.checkpoint(lambda x: mg.exp(mg.sin(x)))(x).sum().backward()
    >>> x.grad
    array([1.        , 1.25338077])
    """

    @functools.wraps(f)
    def checkpointed(*args: Any, **keywords: Any) -> Any:
        if not modes.tracking():
            return f(*args, **keywords)
        return _Segment(f, (args, keywords)).run()

    return checkpointed


class _Segment:
    """One call. Its leaves that are tensors or arrays are its inputs, then what `f` used `besides`."""

    outputs: list[int]
    besides: list[Node]

    def __init__(self, f: Callable[..., Any], call: Any) -> None:
        self.f, self.call, self.leaves = f, nest(call), leaves(call)
        self.name = getattr(f, "__name__", type(f).__name__)
        self.random = np.random.get_state()  # noqa: NPY002 - the generator of mygrad.random
        self.places = [i for i, x in enumerate(self.leaves) if isinstance(x, (Tensor, np.ndarray))]
        self.kinds = [_kind(self.leaves[i]) for i in self.places]

    def run(self) -> Any:
        """Compute, keep the values, and let go of the graph that made them."""
        since = graph.next_serial()
        inputs = [self.leaves[i] for i in self.places]
        for i in self.places:
            self.leaves[i] = None  # nodes hold them, which no write moves
        result = self._compute([np.asarray(x) for x in inputs])
        outputs = leaves(result)
        self.outputs = [i for i, x in enumerate(outputs) if varying_node(x)]
        terminals = [outputs[i]._node for i in self.outputs]
        self.besides = _older(terminals, since)
        inputs += map(stand_in, self.besides)
        made = joined(self, self.name, inputs, None, [node.value for node in terminals])
        for i, x in zip(self.outputs, made, strict=True):
            outputs[i] = x
        return rebuild(nest(result), outputs)

    def _compute(self, inputs: list[Any]) -> Any:
        filled = list(self.leaves)
        for i, kind, x in zip(self.places, self.kinds, inputs, strict=True):
            filled[i] = _as(kind, x)
        args, keywords = rebuild(self.call, filled)
        with modes.recording:
            return self.f(*args, **keywords)

    def pull(self, node: Node, g: Collected, gradients: Gradients) -> None:
        with modes.recording:
            seen = gradients.see(node.inputs)[: len(self.places)]
            inputs = [variable(x, self.name) if kind == VARIABLE else x for kind, x in self._pairs(seen)]
        sources = [x._node for kind, x in self._pairs(inputs) if kind == VARIABLE] + self.besides
        since = graph.next_serial()
        outputs = leaves(self._again(inputs))
        terminals = [outputs[i]._node for i in self.outputs]
        if not set(_older(terminals, since)) <= set(sources):
            raise InvalidBackprop(_CHANGED.format(self.name))
        nodes, others = between(terminals, sources)
        seeds = [(terminals[k], part) for k, part in g.parts.items()]
        pulled = pull(nodes, seeds, sources, gradients.lift is not None, others)
        targets = [x for kind, x in self._pairs(node.inputs) if kind == VARIABLE] + self.besides
        for x, given in zip(targets, pulled, strict=True):
            gradients.give(x, given if gradients.lift is not None else given._node.value)

    def _pairs(self, inputs: Any) -> list[tuple[str, Any]]:
        return list(zip(self.kinds, inputs, strict=False))

    def _again(self, inputs: list[Any]) -> Any:
        """Compute with the random numbers of the first time; then go on with those of now."""
        now = np.random.get_state()  # noqa: NPY002
        np.random.set_state(self.random)  # noqa: NPY002
        try:
            return self._compute(inputs)
        finally:
            np.random.set_state(now)  # noqa: NPY002

    def creator(self, node: Node) -> Creator:
        return Creator(self, node)


def _kind(x: Any) -> str:
    if isinstance(x, Tensor):
        return CONSTANT if x.constant else VARIABLE
    return ARRAY


def _as(kind: str, x: Any) -> Any:
    """Return what `f` is to see of an input: what it saw the first time."""
    if kind == ARRAY:
        return x if isinstance(x, np.ndarray) else x.data
    return x if isinstance(x, Tensor) else leaf(x, kind == CONSTANT)


def _older(terminals: list[Node], since: int) -> list[Node]:
    """Return the variables made before `since` from which `terminals` were computed after it."""
    seen, pending, found = set(terminals), list(terminals), []
    while pending:
        node = pending.pop()
        if node.serial < since:
            found.append(node)
            continue
        new = {x for x in node.inputs if type(x) is Node and not x.constant and x not in seen}
        seen |= new
        pending += new
    return found
