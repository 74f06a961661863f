"""Base classes of operations: `Operation`, and those of ufuncs and of functions along axes.

`Function` and `Elementwise` are the forms in which mygrad's own functions are declared.
"""

from abc import abstractmethod
from typing import Any

import numpy as np

from mygrad.autodiff.declare import Elementwise, Function
from mygrad.autodiff.tensor import Tensor
from mygrad.operation import Operation, SkipGradient  # noqa: F401 - public here too

__all__ = ["BinaryUfunc", "Elementwise", "Function", "Operation", "Sequential", "Ufunc", "UnaryUfunc"]


class Ufunc(Operation):
    """An operation that is a NumPy ufunc, `numpy_ufunc`, and masks gradients by its `where`.

    Examples
    --------
    >>> from mygrad.operation_base import BinaryUfunc, Ufunc, UnaryUfunc
    >>> issubclass(UnaryUfunc, Ufunc), issubclass(BinaryUfunc, Ufunc)
    (True, True)
    """

    numpy_ufunc: np.ufunc


class UnaryUfunc(Ufunc):
    """A ufunc of one tensor: only `numpy_ufunc` and `backward_var` are to be given.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.operation_base import UnaryUfunc
    >>> class Exp(UnaryUfunc):
    ...     numpy_ufunc = np.exp
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return grad * np.exp(self.variables[0].data)
    >>> x = mg.tensor([0.0])
    >>> mg.execute_op(Exp, x).backward()
    >>> x.grad
    array([1.])
    """

    variables: tuple[Tensor, ...]
    where: Any

    def __call__(  # type: ignore[override]
        self, x1: Tensor, out: Any = None, *, where: Any = True, dtype: Any = None
    ) -> Any:
        self.variables, self.where = (x1,), where
        return self.numpy_ufunc(x1.data, out=_array(out), where=where, dtype=dtype)


class BinaryUfunc(Ufunc):
    """A ufunc of two tensors: only `numpy_ufunc` and `backward_var` are to be given.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.operation_base import BinaryUfunc
    >>> class Product(BinaryUfunc):
    ...     numpy_ufunc = np.multiply
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return grad * self.variables[1 - index].data
    >>> x = mg.tensor([1.0, 2.0])
    >>> mg.execute_op(Product, x, [3.0, 4.0]).backward()
    >>> x.grad
    array([3., 4.])
    """

    variables: tuple[Tensor, ...]
    where: Any

    def __call__(  # type: ignore[override]
        self, x1: Tensor, x2: Tensor, out: Any = None, *, where: Any = True, dtype: Any = None
    ) -> Any:
        self.variables, self.where = (x1, x2), where
        return self.numpy_ufunc(x1.data, x2.data, out=_array(out), where=where, dtype=dtype)


def _array(out: Any) -> Any:
    """Return `out`, which is no tensor: one too many was given, and must not be overwritten."""
    if isinstance(out, Tensor):
        raise TypeError("more tensors were given than the operation takes; for `out`, use that of execute_op")
    return out


class Sequential(Operation):
    """A NumPy function along axes: only `numpy_func`, a static method, and `backward_var` are to be given.

    For `backward_var` the parameters stay in `axis`, a tuple or None, `keepdims`, `initial` and `ddof`, and
    the shape of the result in `out_shape`.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.operation_base import Sequential
    >>> class Sum(Sequential):
    ...     numpy_func = staticmethod(np.sum)
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return np.broadcast_to(np.expand_dims(grad, self.axis), self.variables[index].shape)
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> y = mg.execute_op(Sum, x, op_kwargs={"axis": 0})
    >>> (y * [1.0, 10.0]).backward()
    >>> x.grad
    array([[ 1., 10.],
           [ 1., 10.]])
    """

    variables: tuple[Tensor, ...]
    where: Any
    axis: Any
    keepdims: Any
    initial: Any
    ddof: Any
    out_shape: tuple[int, ...]

    @staticmethod
    @abstractmethod
    def numpy_func(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Compute the result from an array."""

    def __call__(  # type: ignore[override]
        self,
        a: Tensor,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = np._NoValue,
        initial: Any = np._NoValue,
        *,
        where: Any = np._NoValue,
        ddof: Any = np._NoValue,
    ) -> Any:
        self.variables = (a,)
        self.axis = (axis,) if isinstance(axis, int) else axis
        self.keepdims, self.initial, self.ddof = keepdims, initial, ddof
        self.where = True if where is np._NoValue else where
        given = {
            "dtype": dtype,
            "keepdims": keepdims,
            "initial": initial,
            "where": where,
            "ddof": ddof,
            "out": out,
        }
        keywords = {n: v for n, v in given.items() if v is not None and v is not np._NoValue}
        result = type(self).numpy_func(a.data, axis=axis, **keywords)
        self.out_shape = np.shape(result)
        return result
