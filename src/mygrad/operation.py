"""Operations written as a class: `__call__` computes, `backward_var` returns one gradient.

First order only, as the class computes with arrays; a rule in NumPy (see `autodiff.declare`) has every order.
"""

from abc import ABC, abstractmethod
from numbers import Number, Real
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.creators import Creator
from mygrad.autodiff.declare import Function, array_of, cast
from mygrad.autodiff.graph import Gradients, Node
from mygrad.autodiff.overrides import PUBLIC
from mygrad.autodiff.tensor import Tensor, record
from mygrad.autodiff.views import Step, View, register
from mygrad.autodiff.writes import write
from mygrad.errors import InvalidGradient

__all__ = ["Operation", "SkipGradient", "execute_op"]


class SkipGradient(Exception):  # noqa: N818 - the name is public API
    """Raised by `Operation.backward_var` to contribute nothing to a gradient."""


class Operation(ABC):
    """A differentiable function, one instance for each time it is applied.

    `__call__` must set `self.variables`, the tuple of input tensors, and return an array;
    `backward_var` returns the gradient with respect to one of them.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.operation import Operation
    >>> class Triple(Operation):
    ...     def __call__(self, x):
    ...         self.variables = (x,)
    ...         return 3 * x.data
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return 3 * grad
    >>> x = mg.tensor([1.0, 2.0])
    >>> mg.execute_op(Triple, x).backward()
    >>> x.grad
    array([3., 3.])
    """

    can_return_view = False
    variables: tuple[Tensor, ...]
    where: Any = True
    _pulling: tuple[Node, Gradients] | None = None

    def __init__(self) -> None:
        self.replay_args: Any = None
        self.replay_kwargs: Any = None
        self.replay_force_constant: bool | None = None
        self.where = True

    @abstractmethod
    def __call__(self, *input_vars: Tensor, **kwargs: Any) -> Any:
        """Compute the result from tensors, and set `self.variables`."""

    @abstractmethod
    def backward_var(self, grad: np.ndarray[Any, Any], index: int, **kwargs: Any) -> Any:
        """Return the gradient with respect to ``self.variables[index]``, given that of the result.

        Both are, for complex numbers x + iy, dL/dx - i dL/dy: the conjugate of what `Tensor.grad` shows. So
        the rule ``grad * f'(z)`` of a holomorphic function is that for real numbers. Of what is returned
        for a real variable, the real part counts.
        """

    def backward(self, grad: np.ndarray[Any, Any], **kwargs: Any) -> None:
        """Give each variable the gradient that `backward_var` makes; a class may do more before or after."""
        assert self._pulling is not None, "backward of an operation is called by that of a tensor"
        node, gradients = self._pulling
        for index, x in enumerate(node.inputs[: len(self.variables)]):
            if type(x) is Node and not x.constant:
                self._give(x, grad, index, gradients, kwargs)

    @staticmethod
    def grad_post_process_fn(grad: np.ndarray[Any, Any], var_shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Sum a gradient over the axes along which a variable of shape `var_shape` was broadcast."""
        extra = grad.ndim - len(var_shape)
        if extra < 0:
            raise ValueError(
                f"a gradient of shape {grad.shape} has fewer axes than its variable, {var_shape}"
            )
        grad = grad.sum(axis=tuple(range(extra)))
        stretched = tuple(i for i, n in enumerate(var_shape) if n == 1 != grad.shape[i])
        return grad.sum(axis=stretched, keepdims=True) if stretched else grad

    @property
    def name(self) -> str:
        return type(self).__name__

    def creator(self, node: Node) -> "Operation":
        return self

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        if gradients.lift is not None:
            raise NotImplementedError(
                f"{self.name} has a gradient of first order only: it is a class of its own"
            )
        self._pulling = node, gradients
        try:
            self.backward(np.asarray(g))
        finally:
            self._pulling = None

    def _give(
        self, x: Node, g: np.ndarray[Any, Any], index: int, gradients: Gradients, kwargs: dict[str, Any]
    ) -> None:
        try:
            given = self.backward_var(g, index, **kwargs)
        except SkipGradient:
            return
        given = _checked(given, self, index, Number if x.value.dtype.kind == "c" else Real)
        if self.where is not True:
            given = np.where(self.where, given, 0)
        fitted = self.grad_post_process_fn(given, x.value.shape)
        fitted = np.array(cast.either(fitted, dtype=x.value.dtype))
        if fitted.shape != x.value.shape:
            raise AssertionError(
                f"{self.name}.backward_var returned shape {given.shape} "
                f"for input {index} of shape {x.value.shape}; a gradient has the shape of its input"
            )
        gradients.give(x, fitted)


Operation.register(Creator)  # what `Tensor.creator` shows of mygrad's own functions


def _checked(given: Any, operation: Operation, index: int, number: type) -> np.ndarray[Any, Any]:
    if isinstance(given, (np.ndarray, np.number, number)):
        return np.asarray(given)
    raise InvalidGradient(
        f"{operation.name}.backward_var(grad, index={index}) returned {type(given).__name__}; "
        "a gradient is an array or a number.\nRaise SkipGradient for an input that has none."
    )


def _recorded_view(
    operation: Operation, tensors: tuple[Tensor, ...], value: Any, constant: bool | None, again: Step
) -> Tensor:
    """Record a result that shares the memory of the first tensor; `again` derives it after a write."""
    source = tensors[0]
    flag = source.constant if constant is None else constant
    made = record(operation, tensors, value, None, flag, as_view=True)
    if modes.tracking():
        of = source._view
        base, path = (source, ()) if of is None else (of.base, of.path)
        made._view = View(base, (*path, again), connected=of is None or of.connected)
        register(base, made)
    return made


def _replay(x: Any, Op: type[Operation], args: Any, kwargs: dict[str, Any]) -> Any:
    """Apply an operation that returns a view once more, to a tensor or to an array."""
    if isinstance(x, Tensor):
        return execute_op(Op, x, op_args=args, op_kwargs=kwargs)
    return Op()(Tensor(x, constant=True, copy=False), *(args or ()), **kwargs)


def execute_op(
    Op: type[Operation],
    *input_vars: Any,
    op_args: Any = None,
    op_kwargs: Any = None,
    constant: bool | None = None,
    out: Any = None,
) -> Tensor:
    """Apply an operation to tensors and record it.

    Parameters
    ----------
    Op : type
        A class derived from `Operation`; a new instance of it does the work.
    *input_vars : ArrayLike
        What is not a tensor becomes a constant one.
    op_args, op_kwargs : tuple and dict, optional
        More arguments for ``Op.__call__``.
    constant : bool, optional
        Whether the result is a constant.
    out : Tensor or numpy.ndarray, optional
        Where to put the result.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.operation_base import Operation
    >>> class Product(Operation):
    ...     def __call__(self, x, y):
    ...         self.variables = (x, y)
    ...         return x.data * y.data
    ...     def backward_var(self, grad, index, **kwargs):
    ...         x, y = self.variables
    ...         return grad * (y.data if index == 0 else x.data)
    >>> x = mg.tensor([1.0, 2.0])
    >>> mg.execute_op(Product, x, [3.0, 4.0]).backward()
    >>> x.grad
    array([3., 4.])
    """
    if not isinstance(Op, type):
        raise TypeError(f"execute_op takes a class, {type(Op).__name__}, and not an instance of it")
    operation = Op()
    tensors = tuple(
        x if isinstance(x, Tensor) else Tensor(array_of(x), constant=True, copy=False) for x in input_vars
    )
    keywords = dict(op_kwargs or {})

    def compute(target: Any, flag: bool | None) -> Tensor:
        extra = {} if target is None else {"out": target}
        value = np.asarray(operation(*tensors, *(op_args or ()), **keywords, **extra))
        variables = getattr(operation, "variables", ())  # perhaps not all, or in another order
        used = (*variables, *(x for x in tensors if not any(x is each for each in variables)))
        if Op.can_return_view and Function.is_view(value, tensors[0].data):
            again = Step(_replay, {"Op": Op, "args": op_args, "kwargs": keywords})
            return _recorded_view(operation, used, value, flag, again)
        made = record(operation, used, value, None, flag)
        if modes.guarding():
            made._node.expose()  # the operation may keep the array
        return made

    def onto(old: Tensor) -> Tensor:
        made, mask = compute(np.empty_like(old._node.value), old.constant), getattr(operation, "where", True)
        return made if mask is True else PUBLIC[np.where](mask, made, old, constant=old.constant)

    return write(out, onto) if isinstance(out, Tensor) else compute(out, constant)


PUBLIC["execute_op"] = execute_op
