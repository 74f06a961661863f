"""Derivatives along a direction: `linearize`, `jvp` and `hvp`.

Pulling back is linear in the gradient that is pulled, so the pull back of a pull back is a push forward:
every rule there is serves both ways, and no function needs a second one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.derivatives import Trace, between, fitted, grad, pull, varying_node
from mygrad.autodiff.tensor import Tensor, leaf
from mygrad.autodiff.trees import leaves, rebuild

__all__ = ["hvp", "jvp", "linearize"]


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return ``f(*primals)`` and its derivative there: the linear function that approximates `f`.

    Parameters
    ----------
    f : callable
        Takes and returns tensors, or nested tuples, lists and dicts of them, of any shape.
    *primals : ArrayLike, or nested tuples, lists and dicts of them
        The point at which to approximate; floats.

    Returns
    -------
    value
        What `f` returned.
    push : callable
        Takes as many tangents as there are arguments, in their shapes, and returns the tangent of the
        value: the product of the Jacobian with a vector. Each call costs about one gradient; `f` is not
        called again.

    Raises
    ------
    TypeError
        If an argument is an integer, or, from `push`, a tangent is not nested as its argument.
    ValueError
        From `push`: if a tangent has another shape than its argument.

    Examples
    --------
    >>> import mygrad as mg
    >>> value, push = mg.linearize(mg.square, [1.0, 2.0])
    >>> push([1.0, 0.0]), push([0.0, 1.0])
    (Tensor([2., 0.]), Tensor([0., 4.]))
    """
    trace = Trace(f, primals, tuple(range(len(primals))))
    push = Push(trace)

    def pushed(*tangents: Any) -> Any:
        return rebuild(trace.result, push(_fitted_tangents(primals, tangents)))

    return trace.value(), pushed


def _fitted_tangents(primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    if len(primals) != len(tangents):
        raise TypeError(f"there are {len(primals)} arguments, but {len(tangents)} tangents")
    pairs = enumerate(zip(primals, tangents, strict=True))
    return [each for i, (x, t) in pairs for each in fitted(x, t, f"tangent {i}")]


class Push:
    """What pushes tangents of the sources of a trace to its outputs.

    `duals` stand for gradients of the outputs; pulled back, they are the gradients of the sources, which
    depend on them linearly. Pulling a tangent back through that goes forward.
    """

    duals: "list[Tensor | None]"
    pulled: "list[Tensor]"
    ends: list[Any]
    nodes: list[Any]
    others: bool

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.duals = [leaf(np.zeros_like(x.value), False) if x else None for x in trace.outputs]
        with np.errstate(all="ignore"):  # 0 / 0 here says nothing about the tangents to come
            self.pulled = trace.pull(self.duals, record=True)
        self.ends = [x._node for x in self.duals if x is not None]
        self.nodes, self.others = between([x._node for x in self.pulled], self.ends)

    def __call__(self, tangents: Sequence[Any]) -> list[Tensor]:
        closed = self.trace.closed or not modes.tracking()
        seeds = [(x._node, t) for x, t in zip(self.pulled, tangents, strict=True)]
        again = not closed or any(map(varying_node, tangents))
        made = iter(pull(self.nodes, seeds, self.ends, again, self.others))
        pairs = zip(self.duals, leaves(self.trace.result), strict=True)
        return [next(made) if dual is not None else _no_tangent(x) for dual, x in pairs]


def _no_tangent(x: Any) -> Tensor:
    return leaf(np.zeros_like(np.asarray(x)), True)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return ``f(*primals)`` and its derivative along `tangents`.

    Parameters
    ----------
    f : callable
        Takes and returns tensors, or nested tuples, lists and dicts of them, of any shape.
    primals : sequence
        The arguments of `f`; floats.
    tangents : sequence
        How fast each argument changes; nested and shaped as `primals`.

    Returns
    -------
    value, tangent
        Nested alike: the product of the Jacobian with the tangents, at the cost of about two gradients.

    Raises
    ------
    TypeError, ValueError
        As `linearize` and its function do.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (Tensor(6.), Tensor(23.))
    """
    value, push = linearize(f, *primals)
    return value, push(*tangents)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Return the product of the Hessian of `f` with a vector, without making the Hessian.

    Parameters
    ----------
    f : callable
        Returns a tensor with one element.
    primals : sequence
        The arguments of `f`; floats, or nested tuples, lists and dicts of them.
    tangents : sequence
        The vector; nested and shaped as `primals`.

    Returns
    -------
    tuple
        One product for each argument, nested and shaped as that, at the cost of two to four gradients.

    Raises
    ------
    TypeError, ValueError
        If `f` has no gradient at `primals`, or `tangents` do not match them.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.hvp(lambda x: (x**3).sum(), ([1.0, 2.0],), ([1.0, 10.0],))
    (Tensor([  6., 120.]),)
    """
    seeds = _fitted_tangents(primals, tangents)
    every = tuple(range(len(primals)))
    trace = Trace(grad(f, every), primals, every)
    return trace.as_arguments(trace.gradients(seeds))
