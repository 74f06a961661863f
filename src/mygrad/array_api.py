"""The array API standard's namespace of tensors: NumPy's functions of those names, whose results are tensors.

Where NumPy's function has a derivative, so has that of this namespace; what has none is constant. The design
and what does not conform is in docs/design/array_api.md.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import CONSTANT_ONLY, METHODS, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.choices import astype as cast_to
from mygrad.functions.creation import tensor

__all__ = ["argsort", "asarray", "astype", "fft", "from_dlpack", "linalg", "sort", "vecdot"]

__array_api_version__ = "2024.12"
NAMES = """
e inf nan newaxis pi bool complex64 complex128 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32
uint64 abs acos acosh add all any arange argmax argmin asin asinh atan atan2 atanh bitwise_and
bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor broadcast_arrays
broadcast_shapes broadcast_to can_cast ceil clip concat conj copysign cos cosh count_nonzero
cumulative_prod cumulative_sum diff divide empty empty_like equal exp expand_dims expm1 eye finfo flip
floor floor_divide full full_like greater greater_equal hypot iinfo imag isdtype isfinite isin isinf
isnan less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply negative
nextafter nonzero not_equal ones ones_like permute_dims positive pow prod real reciprocal remainder
repeat reshape result_type roll round searchsorted sign signbit sin sinh sqrt square squeeze stack std
subtract sum take take_along_axis tan tanh tensordot tile tril triu trunc unique_all unique_counts
unique_inverse unique_values unstack var where zeros zeros_like __array_namespace_info__
"""
LINALG = """
cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""
FFT = "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift"


def _in_tensors(made: Any, constant: bool | None) -> Any:
    """Return the arrays in a result as tensors; flags, dtypes and the like as they are."""
    if isinstance(made, (np.ndarray, np.generic)):
        return tensor(made, constant=constant, copy=False)
    if isinstance(made, (tuple, list)):
        parts = [_in_tensors(each, constant) for each in made]
        return made._make(parts) if hasattr(made, "_make") else type(made)(parts)  # type: ignore[attr-defined]
    return made


def _of_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return NumPy's function with tensors for results."""

    def called(*args: Any, **keywords: Any) -> Any:
        if keywords.get("device") in (None, "cpu"):
            keywords.pop("device", None)
        given = [
            x
            for each in (*args, *keywords.values())
            for x in (each if isinstance(each, (list, tuple)) else [each])
        ]
        tensors = [x for x in given if isinstance(x, Tensor)]
        rounds = function in CONSTANT_ONLY and not (function is np.sign and any(map(is_complex, tensors)))
        if rounds:
            args, keywords = unwrapped(args), unwrapped(keywords)
        return _in_tensors(function(*args, **keywords), True if tensors else None)

    called.__name__ = called.__qualname__ = function.__name__
    called.__doc__ = f"Call ``numpy.{function.__name__}``; the results are tensors."
    return called


def _found(numpy: Any, name: str) -> Any:
    found = getattr(numpy, name)
    kinds = (type, np.dtype)
    return (
        found
        if name.startswith("__") or not callable(found) or isinstance(found, kinds)
        else _of_tensors(found)
    )


class _Names:
    """The functions of `numpy`, `numpy.linalg` or `numpy.fft` that are in the standard."""

    def __init__(self, numpy: Any, names: str) -> None:
        self._numpy, self._names = numpy, frozenset(names.split())

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise AttributeError(f"the array API has no {name!r} in its {self._numpy.__name__}")
        found = _found(self._numpy, name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted(self._names)


_main: Final = _Names(np, NAMES)
linalg: Final = _Names(np.linalg, LINALG)
fft: Final = _Names(np.fft, FFT)
vecdot: Callable[..., Any] = _of_tensors(np.linalg.vecdot)  # which takes an axis of tensors


def __getattr__(name: str) -> Any:
    return getattr(_main, name)  # kept there: the standard's `any` and `bool` are not this module's


def __dir__() -> list[str]:
    return sorted({*dir(_main), *__all__})


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a tensor of an array-like; a tensor itself if it is as asked for, and its gradient goes on."""
    if not isinstance(obj, Tensor):
        return tensor(np.array(unwrapped(obj), dtype=dtype, copy=copy), copy=False)
    made = obj if dtype is None else cast_to(obj, dtype, copy=False)
    if copy is False and made is not obj:
        raise ValueError(
            f"a tensor of dtype {obj.dtype} cannot become one of {np.dtype(dtype)} without a copy"
        )
    return np.copy(made) if copy and made is obj else made  # type: ignore[return-value]


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """Return `x` in another dtype; between floating dtypes the gradient goes on."""
    return cast_to(x, dtype, copy=copy)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Make a tensor of the array of another library, sharing its memory where it can.

    Parameters
    ----------
    x : object with ``__dlpack__`` and ``__dlpack_device__``
        An array of any library that follows the DLPack protocol: of torch, jax, cupy, ...
    device : str, optional
        "cpu" is the only one.
    copy : bool, optional
        True copies in any case, False never; by default only where memory cannot be shared.

    Returns
    -------
    Tensor
        A leaf; floating numbers are variable.

    Raises
    ------
    BufferError
        If `x` cannot be exported, is not in memory of the CPU, or could only be copied and ``copy=False``.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> array = np.array([1.0, 2.0])
    >>> x = mg.from_dlpack(array)
    >>> np.shares_memory(x, array)
    True
    """
    options = {"device": device, "copy": copy}
    asked = {name: value for name, value in options.items() if value is not None}
    return tensor(np.from_dlpack(x, **asked), copy=False)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return the order of the elements along `axis`; equal ones stay in theirs."""
    values = np.asarray(unwrapped(x))
    if not descending:
        return tensor(np.argsort(values, axis=axis, kind="stable"), constant=True)
    order = np.argsort(np.flip(values, axis), axis=axis, kind="stable")
    return tensor(values.shape[axis] - 1 - np.flip(order, axis), constant=True)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return the elements along `axis` in order; the gradient follows each of them."""
    return np.take_along_axis(x, argsort(x, axis=axis, descending=descending).data, axis)  # type: ignore[return-value]


def _namespace(api_version: str | None = None) -> Any:
    import sys

    if api_version is not None and api_version not in (
        "2021.12",
        "2022.12",
        "2023.12",
        __array_api_version__,
    ):
        raise ValueError(
            f"api_version {api_version!r} is not supported; the newest is {__array_api_version__!r}"
        )
    return sys.modules[__name__]


METHODS["namespace"] = _namespace
