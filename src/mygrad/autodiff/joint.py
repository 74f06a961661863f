"""Operations with several outputs, and those whose gradient is not the one of what they computed.

`custom_rule` replaces the gradient of a function, `stop_gradient` removes it. A node has one output; so an
operation with several records a node of no elements, the joint, and one node for each output. The joint
collects their gradients, and its operation gives them to the inputs at once.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.creators import Creator
from mygrad.autodiff.declare import Function, array_of, fit
from mygrad.autodiff.graph import Gradients, Node, Operation
from mygrad.autodiff.overrides import unwrapped
from mygrad.autodiff.tensor import Tensor, record
from mygrad.autodiff.trees import leaves, leaves_like, nest, rebuild

__all__ = ["Collected", "custom_rule", "joined", "stop_gradient"]

Array = np.ndarray[Any, Any]


class Collected:
    """Gradients of some of the outputs of one operation, by their number; the others are zero."""

    __slots__ = ("parts",)

    parts: dict[int, Any]

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: "Collected") -> "Collected":
        parts = dict(self.parts)
        for k, g in other.parts.items():
            parts[k] = parts[k] + g if k in parts else g
        return Collected(parts)


class _Output:
    """The operation of one output: it only hands its gradient to the joint."""

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        gradients.give(node.inputs[0], Collected({self.number: g}))

    def creator(self, node: Node) -> Creator:
        return Creator(self, node.inputs[0])


def joined(operation: Operation, name: str, inputs: Sequence[Any], params: Any, values: Any) -> list[Tensor]:
    """Record arrays that `operation` computed together; its `pull` gets their gradients `Collected`."""
    joint = record(operation, inputs, np.empty(0), params)
    return _outputs(joint, name, values)


def _outputs(joint: Tensor, name: str, values: Any) -> list[Tensor]:
    return [record(_Output(k, name), (joint,), value) for k, value in enumerate(values)]


def custom_rule(*rules: Callable[..., Any] | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function a gradient of its own: for speed, for stability, or because it has none.

    Parameters
    ----------
    *rules : callable or None
        One for each positional argument, called as ``rule(g, y, *args, **keywords)``: returns the
        gradient of that argument given `g`, that of the value `y`. Nested values and arguments come
        nested, and a nested argument has a nested gradient. Written in NumPy functions and operators,
        a rule can itself be differentiated. None: no gradient. For complex numbers x + iy, `g` and what a
        rule returns are dL/dx - i dL/dy, the conjugate of what `Tensor.grad` shows, so that ``g * f'(z)``
        is the rule of a holomorphic function as it is for real numbers.

    Returns
    -------
    callable
        A decorator for a function of arrays, or of nested tuples, lists and dicts of them, that returns
        such. The decorated function takes and returns tensors; keywords are handed on.

    Raises
    ------
    TypeError
        When called with another number of arguments than there are rules, or if a gradient is not
        nested as its argument.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> @mg.custom_rule(lambda g, y, x: g / (1 + np.exp(-x)))
    ... def softplus(x):
    ...     return np.logaddexp(0, x)
    >>> mg.grad(softplus)(0.0), mg.grad(mg.grad(softplus))(0.0)
    (Tensor(0.5), Tensor(0.25))
    """

    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        operation = _Custom(f, rules)

        @functools.wraps(f)
        def function(*args: Any, **keywords: Any) -> Any:
            return operation(args, keywords)

        return function

    return decorate


class _Call(NamedTuple):
    """One call of a function with rules: how its arguments and its value are nested."""

    args: list[Any]
    keywords: dict[str, Any]
    value: Any
    arrays: list[Array]


class _Custom:
    """A function of arrays, and the rules that it was given."""

    def __init__(self, f: Callable[..., Any], rules: Sequence[Any]) -> None:
        self.f, self.rules, self.name = f, rules, getattr(f, "__name__", type(f).__name__)

    def __call__(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if len(args) != len(self.rules):
            raise TypeError(f"{self.name}() has rules for {len(self.rules)} arguments, got {len(args)}")
        inputs = [x if isinstance(x, Tensor) else array_of(x) for each in args for x in leaves(each)]
        plain = [rebuild(each, [unwrapped(x) for x in leaves(each)]) for each in args]
        with modes.no_autodiff:
            value = self.f(*plain, **keywords)
        arrays = [np.asarray(unwrapped(x)) for x in leaves(value)]
        call = _Call([nest(each) for each in args], keywords, nest(value), arrays)
        return rebuild(value, joined(self, self.name, inputs, call, arrays))

    def pull(self, node: Node, g: Collected, gradients: Gradients) -> None:
        call: _Call = node.params
        inputs, nodes = iter(gradients.see(node.inputs)), iter(node.inputs)
        args = [rebuild(each, inputs) for each in call.args]
        outputs = call.arrays
        if gradients.lift is not None:
            outputs = _outputs(gradients.lift(node), self.name, call.arrays)
        given = [g.parts.get(k, np.zeros_like(y)) for k, y in enumerate(call.arrays)]
        nested = rebuild(call.value, given), rebuild(call.value, outputs)
        for rule, arg in zip(self.rules, call.args, strict=True):
            mine = [next(nodes) for _ in leaves(arg)]
            if rule is not None and any(map(_varies, mine)):
                found = leaves_like(arg, rule(*nested, *args, **call.keywords), "gradient")
                self._give(mine, found, gradients)

    def _give(self, nodes: list[Any], found: list[tuple[str, Any]], gradients: Gradients) -> None:
        for x, (place, g) in zip(nodes, found, strict=True):
            if not _varies(x):
                continue
            g = g if isinstance(g, Tensor) else np.asarray(g)
            if not _covers(g.shape, x.value.shape):
                raise ValueError(
                    f"a rule of {self.name}() returned a {place} of shape {g.shape} "
                    f"for an argument of shape {x.value.shape}"
                )
            gradients.give(x, fit(g, x.value))

    def creator(self, node: Node) -> Creator:
        return Creator(self, node)


def _covers(shape: tuple[int, ...], part: tuple[int, ...]) -> bool:
    """Tell whether an array of shape `part` broadcasts to `shape`."""
    last = shape[len(shape) - len(part) :]
    return len(part) <= len(shape) and all(b in (a, 1) for a, b in zip(last, part, strict=True))


def _varies(x: Any) -> bool:
    return type(x) is Node and not x.constant


_stopped = Function(lambda x: x.view(), None)


def stop_gradient(x: Any) -> Any:
    """Return the same values as constants: gradients end here.

    Parameters
    ----------
    x : Tensor, or nested tuples, lists and dicts of them
        What is no tensor is returned as it is.

    Returns
    -------
    Tensor, or nested as `x`
        Shares the memory of `x`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.grad(lambda x: x * mg.stop_gradient(x))(3.0)
    Tensor(3.)
    """
    stopped = [_stopped.run((each,), {}, True) if isinstance(each, Tensor) else each for each in leaves(x)]
    return rebuild(x, stopped)
