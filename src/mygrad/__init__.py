"""Automatic differentiation for NumPy, with a fast N-dimensional convolution at its heart."""

from typing import TYPE_CHECKING, Any

from mygrad import aliases, errors, late, random, typing, ufuncs
from mygrad.autodiff.modes import (
    mem_guard_active,
    mem_guard_off,
    mem_guard_on,
    no_autodiff,
    turn_memory_guarding_off,
    turn_memory_guarding_on,
)
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import *
from mygrad.functions.elementwise import *
from mygrad.functions.indexing import where
from mygrad.functions.methods import *
from mygrad.functions.nondifferentiable import *
from mygrad.functions.products import add_sequence, einsum, matmul, multi_matmul, multiply_sequence
from mygrad.functions.reductions import *
from mygrad.functions.shapes import *
from mygrad.functions.trigonometric import *
from mygrad.numpy_names import *
from mygrad.operation import execute_op
from mygrad.ufuncs import ufunc

if TYPE_CHECKING:
    from mygrad import array_api, computational_graph, fft, linalg, nnet, operation_base
    from mygrad.array_api import from_dlpack
    from mygrad.autodiff.derivatives import grad, value_and_grad, vjp
    from mygrad.autodiff.joint import custom_rule, stop_gradient
    from mygrad.autodiff.matrices import hessian, jacobian
    from mygrad.autodiff.recompute import checkpoint
    from mygrad.autodiff.tangents import hvp, jvp, linearize
    from mygrad.configuration import show_config
    from mygrad.convolution import use_algorithm, use_threads
    from mygrad.functions.complex_numbers import *
    from mygrad.functions.contractions import *
    from mygrad.functions.rearrangements import *
    from mygrad.functions.signal import *
    from mygrad.functions.statistics import *
    from mygrad.functions.tapers import *
    from mygrad.io import load, save
    from mygrad.windows import sliding_window_view

__version__ = "3.0.0"


def __getattr__(name: str) -> Any:
    """Import what most programs never use when it is asked for."""
    found = globals()[name] = late.find(name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *late.NAMES} - {"Any", "TYPE_CHECKING"})


__all__ = [name for name in __dir__() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
