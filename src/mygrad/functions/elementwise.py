"""Functions of one element at a time: each line is a ufunc and its partial derivatives.

In the rules `g` is the gradient of the output, `y` the output, `x` or `a, b` the inputs. What is not
differentiated again, a sign or a comparison, is taken of the plain array.
"""

from inspect import Signature
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Elementwise as elementwise  # noqa: N813 - reads as a declaration
from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.signatures import of_ufunc

__all__ = [
    "abs", "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "clip",
    "conj", "conjugate", "copysign",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "divide",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "float_power",
    "fmax",
    "fmin",
    "hypot",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "power",
    "rad2deg",
    "radians",
    "reciprocal",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh", "true_divide",
]  # fmt: skip

LN2 = float(np.log(2))
LN10 = float(np.log(10))

positive: Final = elementwise(np.positive, lambda g, y, x: g)
negative: Final = elementwise(np.negative, lambda g, y, x: -g)
add: Final = elementwise(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract: Final = elementwise(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply: Final = elementwise(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
true_divide: Final = elementwise(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
divide: Final = true_divide
reciprocal: Final = elementwise(np.reciprocal, lambda g, y, x: -g * y * y)
square: Final = elementwise(np.square, lambda g, y, x: g * x * 2)
sqrt: Final = elementwise(np.sqrt, lambda g, y, x: g / (2 * y))
cbrt: Final = elementwise(np.cbrt, lambda g, y, x: g / (3 * y * y))
hypot: Final = elementwise(np.hypot, lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y)


def _power_of_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float, complex)):  # keeps the dtype of a
        return g * (b * a ** (b - 1)) if b else g * 0
    zero = plain(b) == 0  # 0 ** 0 is flat in its base
    return g * np.where(zero, 0, b * a ** np.where(zero, 1, b - 1))


def _power_of_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    base = np.where(plain(a) == 0, 1, a)
    return g * y * np.log(base + 0j if is_complex(y) and not is_complex(a) else base)


power: Final = elementwise(np.power, _power_of_base, _power_of_exponent)
float_power: Final = elementwise(np.float_power, _power_of_base, _power_of_exponent)

exp: Final = elementwise(np.exp, lambda g, y, x: g * y)
exp2: Final = elementwise(np.exp2, lambda g, y, x: g * y * LN2)
expm1: Final = elementwise(np.expm1, lambda g, y, x: g * (y + 1))
log: Final = elementwise(np.log, lambda g, y, x: g / x)
log2: Final = elementwise(np.log2, lambda g, y, x: g / (x * LN2))
log10: Final = elementwise(np.log10, lambda g, y, x: g / (x * LN10))
log1p: Final = elementwise(np.log1p, lambda g, y, x: g / (1 + x))


def _behind(y: Any, a: Any, b: Any) -> Any:
    """Return ``a - y``; it is 0 where `a` is all of `y`, though both may be infinite."""
    all_of_it = (plain(a) == plain(y)) & (plain(a) != plain(b))
    return np.where(all_of_it, 0, a) - np.where(all_of_it, 0, y)


logaddexp: Final = elementwise(
    np.logaddexp,
    lambda g, y, a, b: g * np.exp(_behind(y, a, b)),
    lambda g, y, a, b: g * np.exp(_behind(y, b, a)),
)
logaddexp2: Final = elementwise(
    np.logaddexp2,
    lambda g, y, a, b: g * np.exp2(_behind(y, a, b)),
    lambda g, y, a, b: g * np.exp2(_behind(y, b, a)),
)

sin: Final = elementwise(np.sin, lambda g, y, x: g * np.cos(x))
cos: Final = elementwise(np.cos, lambda g, y, x: -g * np.sin(x))
tan: Final = elementwise(np.tan, lambda g, y, x: g * (1 + y * y))
sinh: Final = elementwise(np.sinh, lambda g, y, x: g * np.cosh(x))
cosh: Final = elementwise(np.cosh, lambda g, y, x: g * np.sinh(x))
tanh: Final = elementwise(np.tanh, lambda g, y, x: g - g * y * y)
arctan: Final = elementwise(np.arctan, lambda g, y, x: g / (1 + x * x))
arcsinh: Final = elementwise(np.arcsinh, lambda g, y, x: g / np.sqrt(1 + x * x))
arccosh: Final = elementwise(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
arctanh: Final = elementwise(np.arctanh, lambda g, y, x: g / ((1 - x) * (1 + x)))
arctan2: Final = elementwise(
    np.arctan2, lambda g, y, a, b: g * b / (a * a + b * b), lambda g, y, a, b: -g * a / (a * a + b * b)
)


def _arcsine(g: Any, y: Any, x: Any) -> Any:
    """Differentiate the arcsine: 0 at the ends, where the derivative is infinite.

    Complex numbers x > 1 lie on a cut: in ``1 - x`` the zero in their imaginary part would lose its sign.
    """
    return np.where(plain(x) ** 2 == 1, 0, g / np.sqrt(-(x - 1) * (x + 1)))


arcsin: Final = elementwise(np.arcsin, _arcsine)
arccos: Final = elementwise(np.arccos, lambda g, y, x: -_arcsine(g, y, x))


def _larger(a: Any, b: Any) -> Any:
    return plain(a) > plain(b)


def _not_larger(a: Any, b: Any) -> Any:
    """Tell where `a` is less than `b`, or one of them is not a number."""
    return np.logical_not(plain(a) >= plain(b))


# Of equal arguments neither has a gradient; where one is not a number, the second has it, as in MyGrad 2.5.
maximum: Final = elementwise(
    np.maximum, lambda g, y, a, b: g * _larger(a, b), lambda g, y, a, b: g * _not_larger(a, b)
)
minimum: Final = elementwise(
    np.minimum, lambda g, y, a, b: g * _larger(b, a), lambda g, y, a, b: g * _not_larger(b, a)
)


def _chosen(mine: Any, other: Any, *, largest: bool) -> Any:
    """Tell where fmax or fmin took `mine`: it beat `other`, or `other` is not a number."""
    mine, other = plain(mine), plain(other)
    return (mine > other if largest else mine < other) | (np.isnan(other) & ~np.isnan(mine))


fmax: Final = elementwise(
    np.fmax,
    lambda g, y, a, b: g * _chosen(a, b, largest=True),
    lambda g, y, a, b: g * _chosen(b, a, largest=True),
)
fmin: Final = elementwise(
    np.fmin,
    lambda g, y, a, b: g * _chosen(a, b, largest=False),
    lambda g, y, a, b: g * _chosen(b, a, largest=False),
)


class _Absolute(elementwise):
    """``nan_to_num=False`` makes the derivative at 0 nan instead of 0."""

    def __call__(self, *args: Any, nan_to_num: bool = True, **keywords: Any) -> Any:
        chosen = super() if nan_to_num else super(_Absolute, _absolute_strict)
        return chosen.__call__(*args, **keywords)

    @property
    def __signature__(self) -> Signature:
        return of_ufunc(self.ufunc, nan_to_num=True)


def direction(x: Any, size: Any) -> Any:
    """Return the derivative of ``size = abs(x)``: the sign, of complex numbers its conjugate; 0 at 0."""
    if not is_complex(x):
        return np.sign(plain(x))
    return np.conjugate(x) / np.where(plain(size) == 0, 1, size)


def _absolute(g: Any, y: Any, x: Any) -> Any:
    """Differentiate the absolute value of a real number that is none as that of 0, which MyGrad 2.5 does."""
    return g * (direction(x, y) if is_complex(x) else np.where(np.isnan(plain(x)), 0, direction(x, y)))


def _strict(g: Any, y: Any, x: Any) -> Any:
    return np.where(plain(x) == 0, g * np.nan, _absolute(g, y, x))


_absolute_strict = _Absolute(np.absolute, _strict)
absolute: Final = _Absolute(np.absolute, _absolute)
abs: Final = absolute


def _sign(g: Any, y: Any, x: Any) -> Any:
    """Differentiate z / |z|, which moves at right angles to itself only."""
    zero = plain(x) == 0
    return np.where(zero, 0, (g - np.conjugate(g * y * y)) / (2 * np.where(zero, 1, np.abs(x))))


class _Sign(elementwise):
    """Of complex numbers z / |z|; of real ones a constant array, and no variable may go in."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if any(is_complex(x) for x in args):
            return super().__call__(*args, **keywords)
        if any(not getattr(x, "constant", True) for x in args):
            raise ValueError(f"{self.ufunc} cannot involve non-constant mygrad tensors.")
        return self.ufunc(*plain(args), **plain(keywords))


_Sign(np.sign, _sign)
fabs: Final = elementwise(np.fabs, _absolute)
copysign: Final = elementwise(
    np.copysign,
    lambda g, y, a, b: g * np.copysign(1, plain(a)) * np.copysign(1, plain(b)),
    lambda g, y, a, b: g * 0,
)
conjugate: Final = elementwise(np.conjugate, lambda g, y, x: np.conjugate(g))
conj: Final = conjugate
deg2rad: Final = elementwise(np.deg2rad, lambda g, y, x: np.deg2rad(g))
rad2deg: Final = elementwise(np.rad2deg, lambda g, y, x: np.rad2deg(g))
radians: Final = elementwise(np.radians, lambda g, y, x: np.radians(g))
degrees: Final = elementwise(np.degrees, lambda g, y, x: np.degrees(g))


def _sinc(g: Any, y: Any, x: Any) -> Any:
    """Differentiate sin(pi x) / (pi x), by its series where the quotient cancels."""
    near = np.abs(plain(x)) < 0.3
    z, small, series = np.pi * np.where(near, 1, x), np.pi * np.where(near, x, 0), 1
    for n in range(9, 0, -1):
        series = 1 - small**2 * series / (2 * n * (2 * n + 3))
    exact = (np.cos(z) - np.sin(z) / z) / z
    return g * np.pi * np.where(near, -small / 3 * series, exact)


sinc: Final = Function(np.sinc, _sinc, names="a").override()


@override(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    constant: bool | None = None,
) -> Any:
    """Limit the elements of `a` to an interval; the gradient is 0 at and outside its ends.

    Parameters
    ----------
    a : ArrayLike
    a_min, a_max : ArrayLike or None
        The ends, broadcast against `a`; `min` and `max` are NumPy's other names for them.
    out : Tensor or numpy.ndarray, optional
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.clip(mg.tensor([-1.0, 0.5, 3.0]), 0, 1)
    Tensor([0. , 0.5, 1. ])
    """
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    steps = [(f, end) for f, end in ((maximum, low), (minimum, high)) if end is not None]
    for i, (function, end) in enumerate(steps):
        last = {"out": out} if out is not None and i == len(steps) - 1 else {}
        a = function(end, a, constant=constant, **last)
    return a if steps else positive(a, out=out, constant=constant) if out is not None else a
