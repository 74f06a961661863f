"""An algorithm in two steps: what depends on sizes only, then the arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.convolution.problem import ConvProblem

__all__ = ["Run", "prepare", "prepared"]

Array = np.ndarray[Any, Any]
Run = Callable[[Array, Array], Array]


class prepared:  # noqa: N801  # a decorator
    """Make an algorithm, called with a problem and arrays, of its first step, ``make(problem, dtype)``."""

    def __init__(self, make: Callable[[ConvProblem, Any], Run]) -> None:
        self.make: Callable[[ConvProblem, Any], Run] = make
        self.__doc__ = make.__doc__

    def __call__(self, problem: ConvProblem, a: Array, b: Array) -> Array:
        return self.make(problem, a.dtype)(a, b)


def prepare(algorithm: Any, problem: ConvProblem, dtype: Any) -> Run:
    """Take the first step of an algorithm, if it has one."""
    if isinstance(algorithm, prepared):
        return algorithm.make(problem, dtype)
    return lambda a, b: algorithm(problem, a, b)
