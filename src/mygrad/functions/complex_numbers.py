"""Parts and directions of complex numbers. They are not holomorphic: each rule says what becomes of ``g``.

In a graph `g` is dL/dx - i dL/dy (see `autodiff.dtypes`); of a real input the real part counts, which the
forms take by themselves.
"""

from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.functions.creation import astensor

__all__ = ["angle", "imag", "real", "real_if_close"]

real: Final = Function(np.real, lambda g, y, x: g, names="val", view=True).override()
imag: Final = Function(
    np.imag, lambda g, y, x: g * -1j if is_complex(x) else g * 0, names="val", view=True
).override()


def _angle(g: Any, y: Any, z: Any, deg: bool = False) -> Any:
    """Differentiate the imaginary part of log(z): 0 at 0, and along the real numbers."""
    if not is_complex(z):
        return g * 0
    zero = plain(z) == 0
    slope = np.where(zero, 0, -1j / np.where(zero, 1, z))
    return g * (slope * (180 / np.pi) if deg else slope)


angle: Final = Function(np.angle, _angle, names="z deg").override()


@override(np.real_if_close)
def real_if_close(a: Any, tol: float = 100, *, constant: bool | None = None) -> Any:
    """Return the real part of `a` if all imaginary parts are close to zero, and `a` itself if not.

    Parameters
    ----------
    a : ArrayLike
    tol : float
        Of an imaginary part; above 1 in units of the rounding of the dtype.
    constant : bool, optional

    Returns
    -------
    Tensor
        The real part is a view.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.real_if_close(mg.tensor([1 + 1e-16j, 2.0]))
    Tensor([1., 2.])
    """
    a = astensor(a)
    return real(a, constant=constant) if np.isrealobj(np.real_if_close(a.data, tol)) else a
