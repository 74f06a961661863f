"""Random tensors from NumPy's global generator: `mygrad.random.seed` is `numpy.random.seed`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from mygrad.aliases import below
from mygrad.autodiff.tensor import Tensor

__all__ = ["rand", "randint", "randn", "random", "random_sample", "ranf", "sample", "seed"]


def rand(*shape: int, constant: bool | None = None) -> Tensor:
    """Return uniform values in [0, 1), float64, of the given shape.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.rand(2, 3).shape
    (2, 3)
    """
    return Tensor(np.random.rand(*shape), constant=constant, copy=False)


def randn(*shape: int, constant: bool | None = None) -> Tensor:
    """Return standard normal values, float64, of the given shape.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.randn(2, 3).shape
    (2, 3)
    """
    return Tensor(np.random.randn(*shape), constant=constant, copy=False)


def randint(low: int, high: int | None = None, shape: Any = None, dtype: Any = int) -> Tensor:
    """Return integers from [low, high), or from [0, low) without `high`: a constant.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.randint(5, shape=(2,)).constant
    True
    """
    return Tensor(np.random.randint(low, high, shape, dtype), copy=False)


def random_sample(shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return uniform values in [0, 1), float64.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.random((2, 3)).shape
    (2, 3)
    """
    return Tensor(np.random.random_sample(shape), constant=constant, copy=False)


def random(shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return uniform values in [0, 1); the same as `random_sample`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.random((2, 3)).shape
    (2, 3)
    """
    return random_sample(shape, constant=constant)


def ranf(shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return uniform values in [0, 1); the same as `random_sample`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.ranf((2, 3)).shape
    (2, 3)
    """
    return random_sample(shape, constant=constant)


def sample(shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Return uniform values in [0, 1); the same as `random_sample`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.sample((2, 3)).shape
    (2, 3)
    """
    return random_sample(shape, constant=constant)


def seed(seed_number: Any) -> None:
    """Seed NumPy's global generator.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.random.seed(0)
    >>> first = mg.random.rand()
    >>> mg.random.seed(0)
    >>> first == mg.random.rand()
    np.True_
    """
    np.random.seed(seed_number)


__getattr__: Callable[[str], Any] = partial(below, __name__)
