"""Convolution of arrays over any number of axes: arrays in, arrays out.

What computes is imported when it is used first: most programs that import mygrad convolve nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mygrad.convolution.problem import ConvProblem

if TYPE_CHECKING:
    from mygrad.convolution.executor import use_threads
    from mygrad.convolution.family import convolve, filter_gradient, input_gradient
    from mygrad.convolution.planner import explain, use_algorithm

__all__ = [
    "ConvProblem",
    "convolve",
    "explain",
    "filter_gradient",
    "input_gradient",
    "use_algorithm",
    "use_threads",
]

_HOMES = {
    "convolve": "family",
    "explain": "planner",
    "filter_gradient": "family",
    "input_gradient": "family",
    "use_algorithm": "planner",
    "use_threads": "executor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
