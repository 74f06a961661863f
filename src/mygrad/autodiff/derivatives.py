"""Gradients of functions, to any order: `grad`, `value_and_grad`, and `vjp`, which both are made of.

The gradient of an inner function is recorded only if an outer one may ask for it: if a variable other
than the arguments themselves takes part.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.declare import Function, cast
from mygrad.autodiff.dtypes import conjugated, has_gradient, is_complex
from mygrad.autodiff.graph import Gradients, Node, pull_back
from mygrad.autodiff.tensor import Tensor, leaf, stand_in
from mygrad.autodiff.trees import leaves, leaves_like, paths, rebuild

__all__ = ["Trace", "between", "grad", "pull", "value_and_grad", "variable", "vjp"]

Array = np.ndarray[Any, Any]
Argnums = int | tuple[int, ...]

_same = Function(lambda x: x.view(), lambda g, y, x: g)
"""The identity: a node of its own for an argument that is differentiated."""


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes ``f(*args)`` and its gradient.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors, or nested tuples, lists and dicts of them; returns a tensor with one
        real element.
    argnums : int or tuple of int
        The positional arguments to differentiate.

    Returns
    -------
    callable
        Returns the value of `f` and its gradient, each a tensor: one gradient for an int, a tuple of
        them for a tuple. A gradient has the shape and dtype of its argument, and is nested as that is.
        For a complex argument x + iy it is df/dx + i df/dy, as `Tensor.grad`.

    Raises
    ------
    TypeError
        If an argument is an integer, or the result of `f` is not a tensor with one real element.

    Examples
    --------
    >>> import mygrad as mg
    >>> value, slope = mg.value_and_grad(lambda x: x**3)(2.0)
    >>> value, slope
    (Tensor(8.), Tensor(12.))
    >>> line = {"slope": 2.0, "offset": 1.0}
    >>> mg.grad(lambda p: 3 * p["slope"] + p["offset"])(line)
    {'slope': Tensor(3.), 'offset': Tensor(1.)}
    """

    @functools.wraps(f)
    def differentiated(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        trace = Trace(f, args, argnums, keywords)
        _check_scalar(trace.result)
        gradients = trace.gradients([np.ones(trace.result.shape, trace.result.dtype)])
        return trace.value(), trace.as_arguments(gradients)

    return differentiated


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    Parameters
    ----------
    f : callable
        Takes arrays or tensors, or nested tuples, lists and dicts of them; returns a tensor with one
        element.
    argnums : int or tuple of int
        The positional arguments to differentiate.

    Returns
    -------
    callable
        Returns a tensor for an int, a tuple of tensors for a tuple of `argnums`; nested as the argument.

    See Also
    --------
    value_and_grad : the value of the function as well
    jacobian : the derivative of a function with more than one element

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


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return ``f(*primals)`` and a function that pulls a gradient of it back to the arguments.

    Parameters
    ----------
    f : callable
        Takes and returns tensors, or nested tuples, lists and dicts of them, of any shape.
    *primals : ArrayLike, or nested tuples, lists and dicts of them
        The arguments, all differentiated; floats.

    Returns
    -------
    value
        What `f` returned.
    pull : callable
        Takes a gradient for each element of `value`, nested as that is; returns a tuple with one
        gradient for each argument: the product of a vector with the Jacobian. May be called again and
        again; arrays that it needs are read-only while it lives. Gradients of complex numbers are
        dL/dx + i dL/dy, what goes in and what comes out, as in `Tensor.backward`.

    Raises
    ------
    TypeError
        If an argument is an integer, or, from `pull`, a gradient is not nested as the value.
    ValueError
        From `pull`: if a gradient has another shape than its value.

    Examples
    --------
    >>> import mygrad as mg
    >>> value, pull = mg.vjp(mg.multiply, [1.0, 2.0], 3.0)
    >>> pull([1.0, 10.0])
    (Tensor([ 3., 30.]), Tensor(21.))
    """
    trace = Trace(f, primals, tuple(range(len(primals))))

    def pulled(gradient: Any) -> tuple[Any, ...]:
        return trace.as_arguments(trace.gradients(fitted(trace.result, gradient, "gradient")))

    return trace.value(), pulled


class Trace:
    """A function applied once to arguments with nodes of their own, and the way back through it.

    Attributes
    ----------
    result
        What the function returned; `outputs` are its leaves.
    sources : list of Node
        The leaves of the arguments that are differentiated.
    others : bool
        Whether other variables take part.
    closed : bool
        Whether nobody can differentiate what is computed here again.
    """

    alone: bool
    chosen: list[Any]
    sources: list[Any]
    result: Any
    outputs: "list[Node | None]"
    nodes: "list[Node]"
    others: bool
    closed: bool

    def __init__(self, f: Any, args: Any, argnums: Argnums, keywords: Any = None) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else argnums
        self.alone, self.chosen = isinstance(argnums, int), [args[i] for i in numbers]
        arguments, variables = list(args), []
        for i in numbers:
            made = [variable(x, f"argument {i}{place}") for place, x in paths(args[i])]
            arguments[i] = rebuild(args[i], made)
            variables += made
        self.sources = [x._node for x in variables]  # before `f` can write to them
        with modes.recording:
            self.result = f(*arguments, **(keywords or {}))
        self.outputs = [varying_node(x) for x in leaves(self.result)]
        self.nodes, self.others = between([node for node in self.outputs if node], self.sources)
        self.closed = not (self.others and modes.tracking())

    def value(self) -> Any:
        """Return the result; detached, and locked while this trace lives, if nobody asks for more."""
        if not self.closed:
            return self.result
        return rebuild(self.result, [_detached(x) for x in leaves(self.result)])

    def pull(self, seeds: Sequence[Any], record: bool = False) -> list[Tensor]:
        """Pull one gradient for each output back to each of the sources."""
        again = record or not (self.closed or not modes.tracking()) or any(map(varying_node, seeds))
        seeded = [(node, g) for node, g in zip(self.outputs, seeds, strict=True) if node]
        return pull(self.nodes, seeded, self.sources, again, self.others)

    def gradients(self, seeds: Sequence[Any]) -> list[Tensor]:
        """Do what `pull` does with gradients as users see them, of complex numbers the conjugates."""
        return [_ascending(g) for g in self.pull([conjugated(g) for g in seeds])]

    def as_arguments(self, made: Iterable[Any]) -> Any:
        """Nest `made`, one for each source, as the arguments are that are differentiated."""
        made = iter(made)
        nests = tuple(rebuild(x, made) for x in self.chosen)
        return nests[0] if self.alone else nests


def variable(x: Any, name: str) -> Tensor:
    """Return `x` as a tensor with a node of its own."""
    if isinstance(x, Tensor) and has_gradient(x.dtype):
        if not x.constant:
            return _same.run((x,), {}, constant=False)
        return Tensor(x.data, constant=False, copy=False)
    if not isinstance(x, Tensor) and has_gradient(np.asarray(x).dtype):
        return Tensor(x, constant=False, copy=False)
    raise TypeError(
        f"{name} has dtype {np.asarray(x).dtype}; only floats and complex numbers have a gradient. "
        f"Pass it as float, for example np.asarray(x, float)"
    )


def _ascending(g: Tensor) -> Tensor:
    """Conjugate a gradient; what was not recorded is not recorded here."""
    if g._node.operation is None and g.dtype.kind == "c":
        return Tensor(np.conjugate(g._node.value), dtype=g.dtype, constant=g.constant, copy=False)
    return conjugated(g)


def varying_node(x: Any) -> Node | None:
    """Return the node of `x` if it is a variable tensor."""
    return x._node if isinstance(x, Tensor) and not x.constant else None


def _detached(x: Any) -> Any:
    """Return a leaf that shares the memory of `x`, unless that is an argument's."""
    return Tensor(x.data, copy=x._node.operation is None) if isinstance(x, Tensor) else x


def _check_scalar(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"the function to differentiate returned a {type(value).__name__}, not a tensor: "
            "compute with its arguments by NumPy or mygrad functions, without .data or float()"
        )
    if value.size != 1:
        raise TypeError(
            f"the function to differentiate returned shape {value.shape}; a gradient needs one element: "
            "return for example its .sum(), or use mygrad.jacobian"
        )
    if value.dtype.kind == "c":
        raise TypeError(
            f"the function to differentiate returned a complex number, {value.dtype}; a gradient is that of "
            "a real one: return for example its np.real() or np.abs(), or use mygrad.vjp"
        )


def fitted(result: Any, given: Any, name: str) -> list[Any]:
    """Return the leaves of `given`, each in the shape and dtype of its counterpart in `result`."""
    pairs = zip(leaves(result), leaves_like(result, given, name), strict=True)
    return [_fit(like, place, x) for like, (place, x) in pairs]


def _fit(like: Any, place: str, x: Any) -> Any:
    value = np.asarray(like)
    kept = x if isinstance(x, Tensor) else np.asarray(x)
    if kept.shape != value.shape:
        raise ValueError(f"{place} has shape {kept.shape}; what it belongs to has shape {value.shape}")
    if is_complex(kept) and not is_complex(value):
        raise TypeError(f"{place} is complex, {kept.dtype}; what it belongs to is real, {value.dtype}")
    return kept if kept.dtype == value.dtype else cast.either(kept, dtype=value.dtype)


def pull(
    nodes: list[Node], seeds: Iterable[tuple[Node, Any]], sources: list[Node], record: bool, others: bool
) -> list[Tensor]:
    """Pull the gradients `seeds` back through `nodes`, and return those of `sources`.

    If `others`, there are more variables along the way, whose gradients nobody asked for.
    """
    gradients = Gradients(stand_in if record else None, {*nodes, *sources} if others else None)
    seen = _as_tensor if record else _as_array
    given = [(node, seen(g)) for node, g in seeds]
    taken = {id(g) for _, g in given} | {id(node.value) for node in nodes}
    with modes.recording if record else modes.no_autodiff:
        for node, g in given:
            gradients.give(node, g)
        pull_back(nodes, gradients)
        return [_given(gradients.get(node), node, taken) for node in sources]


def _as_tensor(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else leaf(np.asarray(g), True)


def _as_array(g: Any) -> Array:
    return g._node.value if isinstance(g, Tensor) else g


def _given(g: Any, node: Node, taken: set[int]) -> Tensor:
    """Return `g` as a tensor; another one, or a copy, if somebody else may hold it."""
    if g is None:
        return leaf(np.zeros_like(node.value), False)
    shared = id(g) in taken
    taken.add(id(g))
    if isinstance(g, Tensor):
        return _same.run((g,), {}) if shared else g
    g = np.asarray(g)
    copy = shared or g.base is not None or not g.flags.writeable
    return Tensor(g, dtype=node.value.dtype, copy=copy)


def between(terminals: list[Node], sources: list[Node]) -> tuple[list[Node], bool]:
    """Return the nodes on the ways from `sources` to `terminals`, and whether other variables lead there.

    What is older than every source cannot depend on one, so the search ends there.
    """
    oldest = min((node.serial for node in sources), default=np.inf)
    seen, pending = set(terminals), list(terminals)
    while pending:
        for x in pending.pop().inputs:
            if type(x) is Node and x not in seen and not x.constant:
                seen.add(x)
                if x.serial >= oldest:
                    pending.append(x)
    depends = set(sources)
    others = any(node.operation is not None for node in sources)
    for node in sorted(seen, key=lambda node: node.serial):
        if node in depends:
            continue
        if any(x in depends for x in node.inputs if type(x) is Node):
            depends.add(node)
        elif not node.constant:
            others = True
    on_the_way = seen & depends - set(sources)
    return sorted(on_the_way, key=lambda node: -node.serial), others
