"""The module paths of MyGrad 2.5, which code written for it imports from.

Each is a module object without a file, with the names that its line in a table says. New code takes them
from `mygrad` itself.
"""

import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np

from mygrad import linalg, nnet, numpy_names, random, windows
from mygrad.autodiff.overrides import FUNCTIONS
from mygrad.autodiff.tensor import Tensor
from mygrad.functions import (
    creation,
    elementwise,
    indexing,
    nondifferentiable,
    products,
    reductions,
    shapes,
    trigonometric,
)

__all__ = ["implements_numpy_override"]


class implements_numpy_override:  # noqa: N801 - public API
    """Decorate a function to make it what a NumPy function does to tensors.

    Parameters
    ----------
    numpy_func : callable, optional
        By default NumPy's function with the name of the decorated one.

    Raises
    ------
    AttributeError
        If no function is given and NumPy has none of that name.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.tensor_base import implements_numpy_override
    >>> @implements_numpy_override(np.hstack)  # doctest: +SKIP
    ... def hstack(tensors):
    ...     return mg.concatenate(tensors, axis=-1)
    >>> np.hstack([mg.tensor([1.0]), mg.tensor([2.0])])  # doctest: +SKIP
    Tensor([1., 2.])
    """

    def __init__(self, numpy_func: Callable[..., Any] | None = None) -> None:
        self.numpy_func = numpy_func

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[getattr(np, func.__name__) if self.numpy_func is None else self.numpy_func] = func
        return func


_HOMES: tuple[Any, ...] = (
    elementwise, trigonometric, products, reductions, shapes, creation, indexing, nondifferentiable,
    numpy_names, linalg, random, windows, nnet,
)  # fmt: skip
"""Where the names of the tables are found; the first that has a name gives it."""

PATHS = {
    "indexing_routines.funcs": "where",
    "linalg.funcs": "einsum norm",
    "math.arithmetic.funcs": (
        "add add_sequence divide multiply multiply_sequence negative positive power reciprocal square "
        "subtract true_divide"
    ),
    "math.consts": "e euler_gamma inf nan newaxis pi",
    "math.exp_log.funcs": "exp exp2 expm1 log log10 log1p log2 logaddexp logaddexp2",
    "math.hyperbolic_trig.funcs": ("arccosh arccoth arccsch arcsinh arctanh cosh coth csch sech sinh tanh"),
    "math.misc.funcs": "abs absolute cbrt clip matmul maximum minimum multi_matmul sqrt",
    "math.nondifferentiable": "any argmax argmin",
    "math.sequential.funcs": "amax amin cumprod cumsum max mean min prod std sum var",
    "math.trigonometric.funcs": (
        "arccos arccot arccsc arcsec arcsin arctan arctan2 cos cot csc sec sin sinc tan"
    ),
    "nnet.layers.batchnorm": "batchnorm",
    "nnet.layers.conv": "conv_nd",
    "nnet.layers.gru": "gru",
    "nnet.layers.pooling": "max_pool sliding_window_view",
    "nnet.layers.utils": "sliding_window_view",
    "no_grad_funcs": (
        "allclose bincount can_cast ceil copyto divmod equal floor floor_divide fmod greater "
        "greater_equal isclose isfinite isinf isnan isnat less less_equal logical_and logical_not "
        "logical_or logical_xor may_share_memory min_scalar_type mod not_equal remainder "
        "result_type rint shape shares_memory sign signbit trunc"
    ),
    "random.funcs": "rand randint randn random random_sample ranf sample seed",
    "tensor_creation.funcs": (
        "arange empty empty_like eye full full_like geomspace identity linspace logspace ones ones_like "
        "zeros zeros_like"
    ),
    "tensor_manip.array_shape.funcs": (
        "atleast_1d atleast_2d atleast_3d broadcast_to expand_dims ravel reshape squeeze"
    ),
    "tensor_manip.tensor_joining.funcs": "concatenate stack",
    "tensor_manip.tiling.funcs": "repeat",
    "tensor_manip.transpose_like.funcs": "moveaxis roll swapaxes transpose",
}
"""Module path below `mygrad` -> its public names."""


def _named(names: Iterable[str]) -> dict[str, Any]:
    return {name: next(vars(home)[name] for home in _HOMES if name in vars(home)) for name in names}


def _module(path: str) -> ModuleType:
    """Return the module of that path, made if need be, as an attribute of the one above it."""
    module = sys.modules.get(path)
    if module is None:
        above, _, name = path.rpartition(".")
        module = sys.modules[path] = ModuleType(path, f"Names of `{path}` in MyGrad 2.5.")
        module.__path__ = []  # its submodules are found in sys.modules
        vars(_module(above)).setdefault(name, module)
    return module


def _add(path: str, names: dict[str, Any]) -> None:
    module = _module(f"mygrad.{path}")
    module.__dict__.update(names, __all__=sorted(names))


for _path, _names in PATHS.items():
    _add(_path, _named(_names.split()))
_add("tensor_base", {
    "Tensor": Tensor, "implements_numpy_override": implements_numpy_override,
    **_named(["asarray", "astensor"]),
})  # fmt: skip
_add("nnet.layers", _named(["batchnorm", "conv_nd", "gru", "max_pool"]))
