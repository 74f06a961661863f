"""Reciprocal trigonometric and hyperbolic functions, and their inverses, which NumPy has not.

Formulas: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 4.3 to 4.6.
"""

from collections.abc import Callable
from inspect import Signature
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import PUBLIC
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.signatures import of_function

__all__ = [
    "arccot", "arccoth", "arccsc", "arccsch", "arcsec", "cot", "coth", "csc", "csch", "sec", "sech",
]  # fmt: skip

_DOCSTRING = """Return {formula}, element by element.

    Parameters
    ----------
    a : ArrayLike
        Any shape; integers give float64.
    constant : bool, optional

    Returns
    -------
    Tensor
        Of the shape of `a`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.{name}(2.0)
    Tensor({example:.8f})
    """


class _Named(Function):
    """A function of one array that NumPy has not: the tables know it by its name."""

    numpy: Any
    __name__: str

    def __init__(self, name: str, formula: str, value: Callable[[Any], Any], rule: Any) -> None:
        super().__init__(value, rule, names="a")
        self.name = self.__name__ = self.__qualname__ = self.numpy = name
        vars(self)["numpy_names"] = ["a"]
        self.__doc__ = _DOCSTRING.format(name=name, formula=formula, example=value(2.0))
        PUBLIC[name] = self

    @property
    def __signature__(self) -> Signature:
        return of_function(self.names, self.function)


def _floats(a: Any) -> Any:
    """Return whole numbers as the floats that NumPy's functions make of them: unsigned ones have no -|a|."""
    a = np.asarray(a)
    return a.astype(np.exp.resolve_dtypes((a.dtype, None))[1]) if a.dtype.kind in "biu" else a


def _sech(a: Any) -> Any:
    """Return 2 exp(-|a|) / (1 + exp(-2 |a|)): cosh would overflow."""
    if is_complex(a):
        return 1 / np.cosh(a)
    a = _floats(a)
    return 2 * np.exp(-np.abs(a)) / (1 + np.exp(-2 * np.abs(a)))


def _csch(a: Any) -> Any:
    """Return 2 exp(-|a|) / (1 - exp(-2 |a|)), with the sign of a: sinh would overflow."""
    if is_complex(a):
        return 1 / np.sinh(a)
    a = _floats(a)
    return 2 * np.exp(-np.abs(a)) / np.copysign(np.expm1(-2 * np.abs(a)), a)


def _arccot(a: Any) -> Any:
    """Return arctan(1 / a), which jumps from -pi/2 to pi/2 at 0."""
    return np.where(a == 0, np.pi / 2, np.arctan(1 / np.where(a == 0, 1, a)))


def _root(a: Any) -> Any:
    """Return sqrt(a**2 - 1) without overflow."""
    return np.sqrt(np.abs(a) - 1) * np.sqrt(np.abs(a) + 1)


def _arcsecant(g: Any, y: Any, a: Any) -> Any:
    """Differentiate the arcsecant: 0 at -1 and 1, where the derivative is infinite."""
    if is_complex(a):
        root = np.sqrt(-(1 / a - 1) * (1 / a + 1))
        return np.where(plain(a) ** 2 == 1, 0, g / (a * a * root))
    return np.where(np.abs(plain(a)) == 1, 0, g / (np.abs(a) * _root(a)))


def _arccosecant_h(g: Any, y: Any, a: Any) -> Any:
    if is_complex(a):
        return -g / (a * a * np.sqrt(1 + 1 / (a * a)))
    return -g / (np.abs(a) * np.sqrt(1 + a * a))


sec: Final = _Named("sec", "1 / cos(a)", lambda a: 1 / np.cos(a), lambda g, y, a: g * y * np.tan(a))
csc: Final = _Named("csc", "1 / sin(a)", lambda a: 1 / np.sin(a), lambda g, y, a: -g * y / np.tan(a))
cot: Final = _Named("cot", "1 / tan(a)", lambda a: 1 / np.tan(a), lambda g, y, a: -g * (1 + y * y))
sech: Final = _Named("sech", "1 / cosh(a)", _sech, lambda g, y, a: -g * y * np.tanh(a))
csch: Final = _Named("csch", "1 / sinh(a)", _csch, lambda g, y, a: -g * y / np.tanh(a))
coth: Final = _Named(
    "coth", "1 / tanh(a)", lambda a: 1 / np.tanh(a), lambda g, y, a: -g * csch.either(a) ** 2
)
arcsec: Final = _Named("arcsec", "arccos(1 / a)", lambda a: np.arccos(1 / a), _arcsecant)
arccsc: Final = _Named(
    "arccsc", "arcsin(1 / a)", lambda a: np.arcsin(1 / a), lambda g, y, a: -_arcsecant(g, y, a)
)
arccot: Final = _Named(
    "arccot", "arctan(1 / a), which is pi/2 at 0", _arccot, lambda g, y, a: -g / (1 + a * a)
)
arccsch: Final = _Named("arccsch", "arcsinh(1 / a)", lambda a: np.arcsinh(1 / a), _arccosecant_h)
arccoth: Final = _Named(
    "arccoth", "arctanh(1 / a)", lambda a: np.arctanh(1 / a), lambda g, y, a: g / ((1 - a) * (1 + a))
)
