"""A tensor's operators and methods: each is the NumPy function of that name, found in the tables."""

import operator
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mygrad.autodiff.overrides import PUBLIC, UFUNCS, Overrides, any_variable, late, unwrapped

if TYPE_CHECKING:
    from mygrad.autodiff.tensor import Tensor

__all__ = ["Methods", "Operators"]


def _as_class_of(self: Any, result: Any) -> Any:
    """Keep the class of a tensor whose operator made `result`, with what its constructor sets by default."""
    kind = type(self)
    if type(result) is not kind:
        if kind.__basicsize__ != type(result).__basicsize__:  # it has slots of its own
            return result._moved_to(kind(result._node.value, constant=result.constant, copy=False))
        if kind.__init__ is not type(result).__init__:
            result.__dict__.update(vars(kind(result._node.value, constant=result.constant, copy=False)))
        result.__class__ = kind
    return result


def _binary(ufunc: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        result = UFUNCS[ufunc].apply(self, other)
        return result if type(result) is type(self) else _as_class_of(self, result)

    return operator


def _reflected(ufunc: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        result = UFUNCS[ufunc].apply(other, self)
        return result if type(result) is type(self) else _as_class_of(self, result)

    return operator


def _inplace(ufunc: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return UFUNCS[ufunc](self, other, out=self)

    return operator


def _unary(ufunc: Any) -> Callable[[Any], Any]:
    def operator(self: Any) -> Any:
        return _as_class_of(self, UFUNCS[ufunc](self))

    return operator


def _comparison(of_arrays: Any) -> Callable[[Any, Any], Any]:
    def compare(self: Any, other: Any) -> Any:
        return of_arrays(self._node.value, unwrapped(other))

    return compare


def _of_constants(ufunc: Any, *, reflected: bool = False) -> Callable[[Any, Any], Any]:
    """Return an operator from which arrays come, as from ``//``."""
    return (lambda self, other: ufunc(other, self)) if reflected else (lambda self, other: ufunc(self, other))


def _remainder(a: Any, b: Any) -> Any:
    """Return ``a % b`` of constants; variables are refused as by a class that has no such operator."""
    try:
        return np.remainder(a, b)
    except ValueError as error:
        if any_variable((a, b)):
            raise TypeError(*error.args) from None
        raise


def _is_number(x: Any, number: int) -> bool:
    if isinstance(x, (int, float, np.number)) or (type(x) is np.ndarray and x.ndim == 0):
        return bool(x == number)
    return False


def _power(self: Any, other: Any, **out: Any) -> Any:
    """``x ** 1`` and ``x ** 2`` are cheaper, and exact, as what they are."""
    if _is_number(other, 1):
        return UFUNCS[np.positive](self, **out)
    if _is_number(other, 2):
        return UFUNCS[np.square](self, **out)
    return UFUNCS[np.power](self, other, **out)


Operator = Callable[..., Any]
Method = Callable[..., "Tensor"]


class Operators(Overrides):  # noqa: PLW1641 - a tensor has none
    """Python's operators."""

    __slots__ = ()

    __add__: ClassVar[Operator] = _binary(np.add)
    __radd__: ClassVar[Operator] = _reflected(np.add)
    __iadd__: ClassVar[Operator] = _inplace(np.add)
    __sub__: ClassVar[Operator] = _binary(np.subtract)
    __rsub__: ClassVar[Operator] = _reflected(np.subtract)
    __isub__: ClassVar[Operator] = _inplace(np.subtract)
    __mul__: ClassVar[Operator] = _binary(np.multiply)
    __rmul__: ClassVar[Operator] = _reflected(np.multiply)
    __imul__: ClassVar[Operator] = _inplace(np.multiply)
    __truediv__: ClassVar[Operator] = _binary(np.divide)
    __rtruediv__: ClassVar[Operator] = _reflected(np.divide)
    __itruediv__: ClassVar[Operator] = _inplace(np.divide)
    __matmul__: ClassVar[Operator] = _binary(np.matmul)
    __rmatmul__: ClassVar[Operator] = _reflected(np.matmul)
    __rpow__: ClassVar[Operator] = _reflected(np.power)
    __neg__: ClassVar[Operator] = _unary(np.negative)
    __pos__: ClassVar[Operator] = _unary(np.positive)
    __abs__: ClassVar[Operator] = _unary(np.absolute)
    __eq__: ClassVar[Operator] = _comparison(operator.eq)  # type: ignore[assignment]
    __ne__: ClassVar[Operator] = _comparison(operator.ne)  # type: ignore[assignment]
    __lt__: ClassVar[Operator] = _comparison(operator.lt)
    __le__: ClassVar[Operator] = _comparison(operator.le)
    __gt__: ClassVar[Operator] = _comparison(operator.gt)
    __ge__: ClassVar[Operator] = _comparison(operator.ge)

    def __pow__(self, other: Any) -> Any:
        return _as_class_of(self, _power(self, other))

    def __ipow__(self, other: Any) -> Any:
        return _power(self, other, out=self)

    def __imatmul__(self, other: Any) -> Any:
        raise TypeError("In-place matrix multiplication is not supported; write x = x @ y")

    def __floordiv__(self, other: Any) -> Any:
        return np.floor_divide(self, other)  # type: ignore[call-overload]

    def __rfloordiv__(self, other: Any) -> Any:
        return np.floor_divide(other, self)  # type: ignore[call-overload]

    __mod__: Callable[[Any, Any], Any] = _of_constants(_remainder)
    __rmod__: Callable[[Any, Any], Any] = _of_constants(_remainder, reflected=True)
    __imod__: Callable[[Any, Any], Any] = _of_constants(_remainder)
    __and__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_and)
    __rand__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_and, reflected=True)
    __iand__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_and)
    __or__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_or)
    __ror__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_or, reflected=True)
    __ior__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_or)
    __xor__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_xor)
    __rxor__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_xor, reflected=True)
    __ixor__: Callable[[Any, Any], Any] = _of_constants(np.bitwise_xor)
    __lshift__: Callable[[Any, Any], Any] = _of_constants(np.left_shift)
    __rlshift__: Callable[[Any, Any], Any] = _of_constants(np.left_shift, reflected=True)
    __ilshift__: Callable[[Any, Any], Any] = _of_constants(np.left_shift)
    __rshift__: Callable[[Any, Any], Any] = _of_constants(np.right_shift)
    __rrshift__: Callable[[Any, Any], Any] = _of_constants(np.right_shift, reflected=True)
    __irshift__: Callable[[Any, Any], Any] = _of_constants(np.right_shift)

    def __invert__(self) -> Any:
        return np.invert(self)  # type: ignore[call-overload]

    def __getitem__(self, index: Any) -> Any:
        return _as_class_of(self, PUBLIC[operator.getitem](self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        PUBLIC[operator.setitem](self, index, value)


def _method(name: str) -> Callable[..., "Tensor"]:
    function = getattr(np, name)

    def method(self: Any, *args: Any, **keywords: Any) -> "Tensor":
        return PUBLIC[function](self, *args, **keywords)

    method.__name__ = name
    method.__doc__ = f"Call `mygrad.{name}` on this tensor."
    return method


class _NoMatrix(ValueError, AttributeError):  # noqa: N818
    """NumPy's error, and that of a missing attribute: `hasattr` and `inspect.getmembers` pass over it."""


class Methods:
    """The methods of `numpy.ndarray` that have a derivative."""

    __slots__ = ()

    @property
    def T(self) -> "Tensor":  # noqa: N802 - NumPy's name
        """The tensor with its axes reversed: a view."""
        return _as_class_of(self, PUBLIC[np.transpose](self))

    @property
    def mT(self) -> "Tensor":  # noqa: N802 - the array API's name
        """The tensor with its last two axes exchanged: a view."""
        if self._node.value.ndim < 2:  # type: ignore[attr-defined]
            raise _NoMatrix(f"mT exchanges the last two axes; the shape {self.shape} has fewer")
        return np.matrix_transpose(self)  # type: ignore[call-overload,return-value]

    @property
    def device(self) -> str:
        """Where the elements are: "cpu"."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> "Tensor":
        """Return the tensor itself: "cpu" is the only device."""
        if device != "cpu" or stream is not None:
            raise ValueError(f'the only device is "cpu", without streams; got {device!r}, stream={stream!r}')
        return self  # type: ignore[return-value]

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return the array API standard's functions of tensors."""
        return late("namespace")(api_version)

    def __dlpack__(self, **keywords: Any) -> Any:
        """Hand the values to another library, without their gradient; copied while they are locked.

        Locked memory can be shared with libraries that know version 1 of DLPack.
        """
        array = self.data  # type: ignore[attr-defined]
        if (
            not array.flags.writeable
            and not keywords.get("max_version")
            and keywords.get("copy") is not False
        ):
            array = array.copy()
        return array.__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()  # type: ignore[attr-defined]

    @property
    def real(self) -> "Tensor":
        """The real part: a view, and the tensor itself if it is real. What is assigned is written to it."""
        return np.real(self)  # type: ignore[call-overload,return-value]

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value  # type: ignore[index]

    @property
    def imag(self) -> "Tensor":
        """The imaginary part: a view, or zeros if the tensor is real. What is assigned is written to it."""
        return np.imag(self)  # type: ignore[call-overload,return-value]

    @imag.setter
    def imag(self, value: Any) -> None:
        if self._node.value.dtype.kind != "c":  # type: ignore[attr-defined]
            raise TypeError("tensor does not have imaginary part to set")
        self.imag[...] = value  # type: ignore[index]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes. Assigning reshapes in place; views of the tensor stay views."""
        return self._node.value.shape  # type: ignore[attr-defined]

    @shape.setter
    def shape(self, shape: Any) -> None:
        PUBLIC["set_shape"](self, shape)

    def reshape(self, *shape: Any, order: Any = "C", constant: bool | None = None) -> "Tensor":
        """Return the same elements in another shape: a view where NumPy makes one."""
        if not shape:
            raise TypeError("reshape() takes at least one argument: the new shape")
        return PUBLIC[np.reshape](self, shape[0] if len(shape) == 1 else shape, order, constant=constant)

    def flatten(self, *, constant: bool | None = None) -> "Tensor":
        """Return a copy of the elements along one axis."""
        return PUBLIC["flatten"](self, constant=constant)

    def astype(
        self, dtype: Any, casting: Any = "unsafe", copy: bool = True, *, constant: bool | None = None
    ) -> "Tensor":
        """Return a leaf with the values cast to `dtype`. Nothing is recorded: gradients end here."""
        return _as_class_of(self, PUBLIC["astype"](self, dtype, casting, copy, constant=constant))

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Tell whether any element along `axis` is true."""
        return np.any(self.data, axis, out, keepdims)  # type: ignore[attr-defined]

    def argmax(self, axis: int | None = None, out: Any = None) -> Any:
        """Return the position of the first largest element along `axis`."""
        return np.argmax(self.data, axis, out)  # type: ignore[attr-defined]

    def argmin(self, axis: int | None = None, out: Any = None) -> Any:
        """Return the position of the first smallest element along `axis`."""
        return np.argmin(self.data, axis, out)  # type: ignore[attr-defined]

    def null_gradients(self, clear_graph: bool = True) -> None:
        """Do nothing: gradients are reset by themselves. Deprecated."""
        warnings.warn("gradients are reset by themselves; null_gradients() does nothing", FutureWarning, 2)

    clip: ClassVar[Method] = _method("clip")
    conj: ClassVar[Method] = _method("conj")
    conjugate: ClassVar[Method] = _method("conjugate")
    cumprod: ClassVar[Method] = _method("cumprod")
    cumsum: ClassVar[Method] = _method("cumsum")
    max: ClassVar[Method] = _method("max")
    mean: ClassVar[Method] = _method("mean")
    min: ClassVar[Method] = _method("min")
    moveaxis: ClassVar[Method] = _method("moveaxis")
    prod: ClassVar[Method] = _method("prod")
    ravel: ClassVar[Method] = _method("ravel")
    repeat: ClassVar[Method] = _method("repeat")
    squeeze: ClassVar[Method] = _method("squeeze")
    std: ClassVar[Method] = _method("std")
    sum: ClassVar[Method] = _method("sum")
    swapaxes: ClassVar[Method] = _method("swapaxes")
    transpose: ClassVar[Method] = _method("transpose")
    var: ClassVar[Method] = _method("var")
