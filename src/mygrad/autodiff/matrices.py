"""Whole matrices of derivatives: `jacobian` and `hessian`, row by row or column by column."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.derivatives import Argnums, Trace, grad
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.tangents import Push
from mygrad.autodiff.tensor import Tensor
from mygrad.autodiff.trees import leaves, rebuild

__all__ = ["hessian", "jacobian"]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, *, mode: str | None = None) -> Callable[..., Any]:
    """Return a function that computes the derivative of each element of ``f(*args)`` by each of an argument.

    Parameters
    ----------
    f : callable
        Takes and returns tensors, or nested tuples, lists and dicts of them, of any shape.
    argnums : int or tuple of int
        The positional arguments to differentiate.
    mode : "reverse" or "forward", optional
        Row by row, one pull back for each element of the value, or column by column, one push forward
        for each element of the arguments. By default whichever takes fewer; "reverse" for complex
        arguments, whose derivatives are df/dx + i df/dy as in `mygrad.grad`.

    Returns
    -------
    callable
        Returns a tensor of shape ``value.shape + argument.shape``. Where values or arguments are nested:
        a nest as the value, with a nest as the arguments in place of each leaf.

    Raises
    ------
    TypeError
        If an argument is an integer, or the value is complex.
    ValueError
        If there is no such mode, or an argument is complex and the mode "forward".

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.jacobian(lambda x: x**2)([1.0, 2.0])
    Tensor([[2., 0.],
            [0., 4.]])
    """
    if mode not in (None, "reverse", "forward"):
        raise ValueError(f"mode is 'reverse', 'forward' or None; got {mode!r}")

    @functools.wraps(f)
    def matrix(*args: Any, **keywords: Any) -> Any:
        trace = Trace(f, args, argnums, keywords)
        rows, columns = [np.shape(x) for x in leaves(trace.result)], [x.value.shape for x in trace.sources]
        by_columns = _complex_free(trace, mode) and mode is None and _total(columns) < _total(rows)
        forward = mode == "forward" or by_columns
        blocks = (_by_columns if forward else _by_rows)(trace, rows, columns)
        return rebuild(trace.result, [trace.as_arguments(row) for row in blocks])

    return matrix


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes all second derivatives of `f`.

    Parameters
    ----------
    f : callable
        Returns a tensor with one element.
    argnums : int or tuple of int
        The positional arguments to differentiate.

    Returns
    -------
    callable
        Returns a tensor of shape ``argument.shape + argument.shape``. Where arguments are nested: a nest
        as the arguments, with another in place of each leaf.

    Raises
    ------
    TypeError
        If an argument is an integer, or the result of `f` is not a tensor with one element.

    See Also
    --------
    hvp : the product of this matrix with a vector, for large arguments

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.hessian(lambda x: x[0] ** 2 * x[1])([1.0, 3.0])
    Tensor([[6., 2.],
            [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def _complex_free(trace: Trace, mode: str | None) -> bool:
    """Tell whether no argument is complex; refuse what has no one matrix."""
    if any(is_complex(x) for x in leaves(trace.result)):
        raise TypeError(
            "the function to differentiate returned complex numbers; one matrix is their derivative only if "
            "it is holomorphic: return np.real() and np.imag() of them, or use mygrad.vjp or mygrad.jvp"
        )
    real = not any(is_complex(node.value) for node in trace.sources)
    if mode == "forward" and not real:
        raise ValueError("mode='forward' is for real arguments, and one is complex: use 'reverse' or None")
    return real


def _total(shapes: list[Shape]) -> int:
    return sum(int(np.prod(shape, dtype=np.intp)) for shape in shapes)


def _units(shapes: list[Shape], dtypes: list[Any]) -> Iterator[tuple[int, list[Array]]]:
    """Yield arrays of `shapes` with a single one, at each position in turn, and which of them has it."""
    for i, shape in enumerate(shapes):
        for position in np.ndindex(shape):
            arrays = [np.zeros(each, dtype) for each, dtype in zip(shapes, dtypes, strict=True)]
            arrays[i][position] = 1
            yield i, arrays


def _by_rows(trace: Trace, rows: list[Shape], columns: list[Shape]) -> list[list[Tensor]]:
    """Return a block of derivatives for each output and each source: one pull back a row."""
    dtypes = [np.asarray(x).dtype for x in leaves(trace.result)]
    found: list[list[list[Tensor]]] = [[] for _ in rows]
    for i, seeds in _units(rows, dtypes):
        found[i].append(trace.gradients(seeds))
    return [
        [_joined([row[j] for row in found[i]], 0, shape + column) for j, column in enumerate(columns)]
        for i, shape in enumerate(rows)
    ]


def _by_columns(trace: Trace, rows: list[Shape], columns: list[Shape]) -> list[list[Tensor]]:
    """Return the same blocks: one push forward a column."""
    push = Push(trace)
    found: list[list[list[Tensor]]] = [[] for _ in columns]
    for j, tangents in _units(columns, [x.value.dtype for x in trace.sources]):
        found[j].append(push(tangents))
    return [
        [_joined([each[i] for each in found[j]], -1, shape + column) for j, column in enumerate(columns)]
        for i, shape in enumerate(rows)
    ]


def _joined(parts: list[Tensor], axis: int, shape: Shape) -> Tensor:
    """Stack `parts` along a new axis and reshape; recorded if one of them was."""
    if not parts:
        return Tensor(np.zeros(shape))
    if modes.tracking() and any(x._node.operation is not None for x in parts):
        return np.reshape(np.stack(parts, axis=axis), shape)  # type: ignore[call-overload,return-value]
    return Tensor(np.stack([x._node.value for x in parts], axis=axis).reshape(shape), copy=False)
