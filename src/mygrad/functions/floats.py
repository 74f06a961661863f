"""Steps, and what floating-point numbers are made of; the Bessel function that has a name in NumPy."""

from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Elementwise, Function, override
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor

__all__ = ["frexp", "heaviside", "i0", "ldexp", "modf", "nextafter"]

Array = np.ndarray[Any, Any]

heaviside: Final = Elementwise(np.heaviside, lambda g, y, a, b: g * 0, lambda g, y, a, b: g * (plain(a) == 0))
nextafter: Final = Elementwise(np.nextafter, lambda g, y, a, b: g, lambda g, y, a, b: g * 0)
ldexp: Final = Elementwise(np.ldexp, lambda g, y, a, b: np.ldexp(g, plain(b)), lambda g, y, a, b: None)
_fraction = Function(lambda x: np.modf(x)[0], lambda g, y, x: g)
_mantissa = Function(lambda x: np.frexp(x)[0], lambda g, y, x: np.ldexp(g, -np.frexp(plain(x))[1]))


@override(np.modf)
def modf(x: Any, /, *, constant: bool | None = None) -> tuple[Tensor, Any]:
    """Return the fractional part of each element, whose derivative is 1, and the whole part, an array.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.modf(mg.tensor([1.25, -2.5]))
    (Tensor([ 0.25, -0.5 ]), array([ 1., -2.]))
    """
    return _fraction(x, constant=constant), np.modf(plain(x))[1]


@override(np.frexp)
def frexp(x: Any, /, *, constant: bool | None = None) -> tuple[Tensor, Any]:
    """Return mantissas, 0.5 to 1 in size, and an array of exponents: ``x == mantissa * 2**exponent``.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.frexp(mg.tensor([3.0, -0.25]))
    (Tensor([ 0.75, -0.5 ]), array([ 2, -1], dtype=int32))
    """
    return _mantissa(x, constant=constant), np.frexp(plain(x))[1]


def _moment(x: Array, n: int) -> Array:
    """Return the n-th derivative of i0: the mean of ``cos(t)**n * exp(x cos(t))`` over a period.

    Equally spaced points integrate a period exactly but for the Bessel functions of higher order than their
    number: with ``2 sqrt(19 max|x|) + 30`` of them less than rounding is left. [1]_

    References
    ----------
    .. [1] L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule",
       SIAM Review 56, 2014.
    """
    half = 15 + int(np.sqrt(19 * np.abs(x, where=np.isfinite(x), out=np.zeros(x.shape)).max(initial=0.0)))
    cosine = np.cos(np.pi * (np.arange(half) + 0.5) / (2 * half))  # the other half differs in sign only
    even_or_odd = np.sinh if n % 2 else np.cosh
    return np.mean(cosine**n * even_or_odd(x[..., np.newaxis] * cosine), axis=-1).astype(x.dtype)


moment: Final = Function(_moment, lambda g, y, x, n: g * moment.either(x, n=n + 1), names="x n")
i0: Final = Function(np.i0, lambda g, y, x: g * moment.either(x, n=1)).override()
