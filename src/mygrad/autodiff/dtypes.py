"""Which numbers a tensor can hold, which of them have a gradient, and what complex ones need beyond real.

In a graph the gradient of a real L with respect to z = x + iy is kept as the plain transpose,
dL/dx - i dL/dy: so ``g * f'(z)`` is the rule of every holomorphic f, as for real numbers. What a user sees or
gives is `conjugated`: dL/dx + i dL/dy, the direction of steepest ascent (docs/design/complex.md).
"""

from numbers import Number
from typing import Any, NoReturn

import numpy as np

__all__ = ["conjugated", "has_gradient", "is_bfloat16", "is_complex", "is_number", "refuse"]


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Tell whether `dtype` is bfloat16, of ml_dtypes, which need not be installed."""
    return dtype.kind == "V" and dtype.name == "bfloat16"


def has_gradient(dtype: np.dtype[Any]) -> bool:
    """Tell whether tensors of `dtype` can vary: floats, complex numbers and bfloat16."""
    return dtype.kind in "fc" or is_bfloat16(dtype)


def is_number(dtype: np.dtype[Any]) -> bool:
    """Tell whether tensors can hold `dtype`."""
    return dtype.kind in "biu" or has_gradient(dtype)


def refuse(array: Any) -> NoReturn:
    """Raise the error for data that no tensor can hold, in the words of MyGrad 2.5."""
    text = (
        f"Tensor data must be of an floating type, integer type, or boolean type, received {array.dtype.type}"
    )
    for index in np.ndindex(array.shape):
        if not isinstance(array[index], Number):
            where = f"The element at {index}" if index else "What was given"
            raise TypeError(f"{text}\n{where}, {array[index]!r:.60}, is not a number.")
    raise TypeError(f"{text}\nConvert them first: np.asarray(x, dtype=float).")


def is_complex(x: Any) -> bool:
    """Tell whether an array, tensor or scalar is of a complex type."""
    dtype = getattr(x, "dtype", None)
    return isinstance(x, complex) if dtype is None else dtype.kind == "c"


def conjugated(x: Any) -> Any:
    """Return the complex conjugate; real numbers as they are, not copied."""
    return np.conjugate(x) if x.dtype.kind == "c" else x
