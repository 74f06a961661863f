"""Gradients of functions, to any order: `grad` and `value_and_grad`.

The gradient of an inner function is recorded only if an outer one may ask for it: if a variable other
than the arguments themselves takes part.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.declare import Function
from mygrad.autodiff.graph import Gradients, Node, pull_back
from mygrad.autodiff.tensor import Tensor, leaf, stand_in

__all__ = ["grad", "value_and_grad"]

_same = Function(lambda x: x.view(), lambda g, y, x: g)
"""The identity: a node of its own for an argument that is differentiated."""


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes ``f(*args)`` and its gradient.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors; returns a tensor with one element.
    argnums : int or tuple of int
        The positional arguments to differentiate.

    Returns
    -------
    callable
        Returns the value of `f` and its gradient, each a tensor: one gradient for an int, a tuple of
        them for a tuple. A gradient has the shape and dtype of its argument.

    Raises
    ------
    TypeError
        If an argument is an integer, or the result of `f` is not a tensor with one element.

    Examples
    --------
    >>> import mygrad as mg
    >>> value, slope = mg.value_and_grad(lambda x: x**3)(2.0)
    >>> value, slope
    (Tensor(8.), Tensor(12.))
    """
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)

    @functools.wraps(f)
    def differentiated(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        arguments = list(args)
        for i in chosen:
            arguments[i] = _variable(args[i], i)
        sources = [arguments[i]._node for i in chosen]  # before `f` can write to them
        with modes.recording:
            value = f(*arguments, **keywords)
        _check_scalar(value)
        value, gradients = _differentiate(value, sources)
        return value, gradients if isinstance(argnums, tuple) else gradients[0]

    return differentiated


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors; returns a tensor with one element.
    argnums : int or tuple of int
        The positional arguments to differentiate.

    Returns
    -------
    callable
        Returns a tensor for an int, a tuple of tensors for a tuple of `argnums`.

    See Also
    --------
    value_and_grad : the value of the function as well

    Examples
    --------
    >>> import mygrad as mg
    >>> third = mg.grad(mg.grad(mg.grad(mg.sin)))
    >>> third(0.0)
    Tensor(-1.)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, **keywords: Any) -> Any:
        return both(*args, **keywords)[1]

    return gradient


def _variable(x: Any, position: int) -> Tensor:
    """Return `x` as a tensor with a node of its own."""
    if isinstance(x, Tensor):
        if x.dtype.kind == "f":
            return _same.run((x,), {}, constant=False)
    elif np.asarray(x).dtype.kind == "f":
        return Tensor(x, constant=False, copy=False)
    raise TypeError(
        f"argument {position} has dtype {np.asarray(x).dtype}; only floats have a gradient. "
        f"Pass it as float, for example np.asarray(x, float)"
    )


def _check_scalar(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"the function to differentiate returned a {type(value).__name__}, not a tensor: "
            "compute with its arguments by NumPy or mygrad functions, without .data or float()"
        )
    if value.size != 1:
        raise TypeError(
            f"the function to differentiate returned shape {value.shape}; a gradient needs one element: "
            "return for example its .sum()"
        )


def _differentiate(value: Tensor, sources: list[Node]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return `value` and its gradients with respect to `sources`, recorded if somebody may ask for more."""
    nodes, closed = between(value._node, sources)
    closed = closed or not modes.tracking()
    gradients = Gradients(None if closed else stand_in)
    ones = np.ones(value.shape, value.dtype)
    gradients[value._node] = ones if closed else leaf(ones, True)
    with modes.no_autodiff if closed else modes.recording:
        pull_back(nodes, gradients)
    if closed:
        value = Tensor(value._node.value, copy=False)
    return value, tuple(_given(gradients.get(node), node) for node in sources)


def _given(g: Any, node: Node) -> Tensor:
    if g is None:
        return Tensor(np.zeros_like(node.value))
    return g if isinstance(g, Tensor) else Tensor(g)


def between(terminal: Node, sources: list[Node]) -> tuple[list[Node], bool]:
    """Return the nodes on the ways from `sources` to `terminal`, and whether no other variable leads there.

    What is older than every source cannot depend on one, so the search ends there.
    """
    oldest = min(node.serial for node in sources)
    seen, pending = {terminal}, [terminal]
    while pending:
        for x in pending.pop().inputs:
            if type(x) is Node and x not in seen and not x.constant:
                seen.add(x)
                if x.serial >= oldest:
                    pending.append(x)
    depends = set(sources)
    closed = all(node.operation is None for node in sources)
    for node in sorted(seen, key=lambda node: node.serial):
        if node in depends:
            continue
        if any(x in depends for x in node.inputs if type(x) is Node):
            depends.add(node)
        elif not node.constant:
            closed = False
    on_the_way = [node for node in seen if node in depends and node not in sources]
    return sorted(on_the_way, key=lambda node: -node.serial), closed
