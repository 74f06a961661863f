"""Check gradients against finite differences, to any order."""

from collections.abc import Callable
from typing import Any

import numpy as np

import mygrad as mg


def numerical_gradient(f: Callable[..., Any], xs: list[np.ndarray], i: int, step: float) -> np.ndarray:
    """Differentiate the scalar function `f` by central differences of fourth order."""
    gradient = np.empty_like(xs[i])
    for position in np.ndindex(xs[i].shape):

        def at(offset: float, position: tuple[int, ...] = position) -> float:
            moved = [np.array(x) for x in xs]
            moved[i][position] += offset
            return float(np.asarray(f(*moved)))

        near, far = at(step) - at(-step), at(2 * step) - at(-2 * step)
        gradient[position] = (8 * near - far) / (12 * step)
    return gradient


def check_gradient(
    f: Callable[..., Any], *xs: Any, order: int = 2, step: float = 1e-3, tol: float = 1e-6
) -> None:
    """Compare the gradients of `f`, of the gradients, and so on, with central differences.

    Rounding leaves about ``eps / step``, 2e-13, of the values in a difference and the fourth-order formula
    ``step**4 f''''' / 30``; `tol` is relative to the largest entry and leaves room for derivatives of 1e5.
    """
    arrays = [np.asarray(x, dtype=np.float64) for x in xs]
    y = np.asarray(f(*[mg.tensor(x) for x in arrays]))
    weights = np.random.default_rng(0).uniform(0.5, 1.5, y.shape)

    def scalar(*args: Any) -> Any:
        return np.sum(weights * f(*args))

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
