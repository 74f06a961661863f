"""Check gradients against finite differences, to any order."""

from collections.abc import Callable
from typing import Any

import numpy as np

import mygrad as mg


def numerical_gradient(f: Callable[..., Any], xs: list[np.ndarray], i: int, step: float) -> np.ndarray:
    """Differentiate the scalar function `f` by central differences of fourth order.

    The gradient with respect to a complex number x + iy is df/dx + i df/dy.
    """
    gradient = np.zeros_like(xs[i])
    units = (1, 1j) if gradient.dtype.kind == "c" else (1,)
    for position in np.ndindex(xs[i].shape):
        for unit in units:

            def at(offset: float, position: Any = position, unit: complex = unit) -> float:
                moved = [np.array(x) for x in xs]
                moved[i][position] += offset * unit
                return float(np.asarray(f(*moved)))

            near, far = at(step) - at(-step), at(2 * step) - at(-2 * step)
            gradient[position] += (8 * near - far) / (12 * step) * unit
    return gradient


def double(x: Any) -> np.ndarray:
    """Return `x` in double precision, complex if it is complex."""
    return np.asarray(x, np.complex128 if np.iscomplexobj(x) else np.float64)


def check_gradient(
    f: Callable[..., Any], *xs: Any, order: int = 2, step: float = 1e-3, tol: float = 1e-6
) -> None:
    """Compare the gradients of `f`, of the gradients, and so on, with central differences.

    Complex arguments are moved in both parts; of complex results a real combination of both is taken.
    Rounding leaves about ``eps / step``, 2e-13, of the values in a difference and the fourth-order formula
    ``step**4 f''''' / 30``; `tol` is relative to the largest entry and leaves room for derivatives of 1e5.
    """
    arrays = [double(x) for x in xs]
    y = np.asarray(f(*[mg.tensor(x) for x in arrays]))
    rng = np.random.default_rng(0)
    weights: Any = rng.uniform(0.5, 1.5, y.shape)
    if y.dtype.kind == "c":
        weights = weights + 1j * rng.uniform(0.5, 1.5, y.shape)

    def scalar(*args: Any) -> Any:
        total = np.sum(weights * f(*args))
        return np.real(total) if y.dtype.kind == "c" else total

    for i in range(len(arrays)):
        gradient = mg.grad(scalar, i)
        exact = np.asarray(gradient(*arrays))
        expected = numerical_gradient(
            lambda *args: np.asarray(scalar(*map(mg.tensor, args))), arrays, i, step
        )
        assert exact.shape == arrays[i].shape
        scale = max(1.0, np.max(np.abs(expected), initial=0.0))
        np.testing.assert_allclose(exact, expected, rtol=tol, atol=tol * scale)
        if order > 1:
            check_gradient(gradient, *arrays, order=order - 1, step=step, tol=10 * tol)
