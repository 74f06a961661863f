"""`ufunc`, the type that every differentiable ufunc is found by, and ufuncs made of operations."""

from collections.abc import Callable
from typing import Any

from mygrad.autodiff.declare import Elementwise
from mygrad.autodiff.tensor import Tensor
from mygrad.operation import Operation, execute_op

__all__ = ["MyGradBinaryUfunc", "MyGradUnaryUfunc", "ufunc_creator"]


class _Kind(type):
    """Finds ufuncs by their number of inputs. MyGrad 2.5's ufuncs were classes, so `issubclass` does too."""

    nin: tuple[int, ...] = (1, 2)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Elementwise) and instance.nin in cls.nin

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return subclass is cls or cls.__instancecheck__(subclass)


class ufunc(metaclass=_Kind):  # noqa: N801 - NumPy's name
    """What `mygrad.add`, `mygrad.exp` and the like are.

    It cannot be derived from: to make a differentiable ufunc of your own, derive from
    `mygrad.operation_base.UnaryUfunc` or `BinaryUfunc` and apply `mygrad.ufuncs.ufunc_creator`.

    Examples
    --------
    >>> import mygrad as mg
    >>> isinstance(mg.add, mg.ufunc), isinstance(mg.sum, mg.ufunc)
    (True, False)
    >>> mg.add.nin, mg.add.identity
    (2, 0)
    """

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'mygrad.ufunc' is not an acceptable base type")


class MyGradUnaryUfunc(metaclass=_Kind):
    """What ufuncs of one array are.

    Examples
    --------
    >>> import mygrad as mg
    >>> isinstance(mg.exp, mg.ufuncs.MyGradUnaryUfunc)
    True
    """

    nin: tuple[int, ...] = (1,)


class MyGradBinaryUfunc(metaclass=_Kind):
    """What ufuncs of two arrays are.

    Examples
    --------
    >>> import mygrad as mg
    >>> isinstance(mg.add, mg.ufuncs.MyGradBinaryUfunc)
    True
    """

    nin: tuple[int, ...] = (2,)


class _OfOperation(Elementwise):
    """A ufunc whose gradient is that of an operation."""

    def __init__(self, operation: type[Operation], function: Callable[..., Any]) -> None:
        self.operation, self.ufunc = operation, operation.numpy_ufunc  # type: ignore[attr-defined]
        self.name = self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__qualname__ = function.__qualname__

    def __reduce__(self) -> Any:
        return self.__qualname__

    def __call__(self, *args: Any, out: Any = None, constant: bool | None = None, **keywords: Any) -> Tensor:
        if len(args) > self.nin:
            args, (out,) = args[: self.nin], args[self.nin :]
        return execute_op(self.operation, *args, op_kwargs=keywords, constant=constant, out=out)


class ufunc_creator:  # noqa: N801 - public API
    """Decorate a function of which only the name and the docstring count, to make a ufunc of an operation.

    Parameters
    ----------
    mygrad_op : type
        Derived from `mygrad.operation_base.UnaryUfunc` or `BinaryUfunc`.
    at_op, accumulate_op, outer_op, reduce_op, reduceat_op
        Operations for the methods of a ufunc; accepted, and not used.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.operation_base import UnaryUfunc
    >>> class Negate(UnaryUfunc):
    ...     numpy_ufunc = np.negative
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return -grad
    >>> @mg.ufuncs.ufunc_creator(Negate)
    ... def negate(x, out=None, *, where=True, dtype=None, constant=None):
    ...     "Return -x."
    >>> negate(mg.tensor(2.0))
    Tensor(-2.)
    """

    def __init__(
        self,
        mygrad_op: type[Operation],
        *,
        at_op: Any = None,
        accumulate_op: Any = None,
        outer_op: Any = None,
        reduce_op: Any = None,
        reduceat_op: Any = None,
    ) -> None:
        self.operation = mygrad_op

    def __call__(self, decorated_func: Callable[..., Any]) -> Any:
        return _OfOperation(self.operation, decorated_func)
