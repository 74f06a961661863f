"""Operations written as a class: `__call__` computes, `backward_var` returns one gradient.

First order only, as the class computes with arrays; a rule in NumPy (see `autodiff.declare`) has every order.
"""

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any

import numpy as np

from mygrad.autodiff import modes
from mygrad.autodiff.declare import array_of, fit, write
from mygrad.autodiff.graph import Gradients, Node
from mygrad.autodiff.tensor import Tensor, record
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

    @abstractmethod
    def __call__(self, *input_vars: Tensor, **kwargs: Any) -> Any:
        """Compute the result from tensors, and set `self.variables`."""

    @abstractmethod
    def backward_var(self, grad: np.ndarray[Any, Any], index: int, **kwargs: Any) -> Any:
        """Return the gradient with respect to ``self.variables[index]``, given that of the result."""

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
        for index, x in enumerate(node.inputs):
            if type(x) is Node and not x.constant:
                self._give(x, np.asarray(g), index, gradients)

    def _give(self, x: Node, g: np.ndarray[Any, Any], index: int, gradients: Gradients) -> None:
        try:
            given = self.backward_var(g, index)
        except SkipGradient:
            return
        given = _checked(given, self, index)
        if self.where is not True:
            given = np.where(self.where, given, 0)
        if given.ndim < x.value.ndim:
            raise ValueError(
                f"{self.name}.backward_var returned shape {given.shape} "
                f"for input {index} of shape {x.value.shape}"
            )
        gradients.give(x, np.array(fit(given, x.value)))


def _checked(given: Any, operation: Operation, index: int) -> np.ndarray[Any, Any]:
    if isinstance(given, (np.ndarray, np.number, Real)):
        return np.asarray(given)
    raise InvalidGradient(
        f"{operation.name}.backward_var(grad, index={index}) returned {type(given).__name__}; "
        "a gradient is an array or a real number"
    )


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
    """
    operation = Op()
    tensors = tuple(
        x if isinstance(x, Tensor) else Tensor(array_of(x), constant=True, copy=False) for x in input_vars
    )
    keywords = dict(op_kwargs or {})

    def compute(target: Any, flag: bool | None) -> Tensor:
        extra = {} if target is None else {"out": target}
        value = np.asarray(operation(*tensors, *(op_args or ()), **keywords, **extra))
        made = record(operation, tensors, value, None, flag)
        if modes.guarding():
            made._node.expose()  # the operation may keep the array
        return made

    if isinstance(out, Tensor):
        return write(out, lambda old: compute(np.empty_like(old._node.value), old.constant))
    return compute(out, constant)
