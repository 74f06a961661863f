"""The module paths of MyGrad 2.5, which code written for it imports from.

Each is a module object without a file, with the names that its line in a table says. New code takes them
from `mygrad` itself.
"""

import sys
from collections.abc import Callable, MutableSequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from mygrad.autodiff.overrides import FUNCTIONS

__all__ = ["below", "implements_numpy_override"]


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


class WeakRefIterable:
    """What pickles of MyGrad 2.5 hold beside the values; nothing is done with it."""


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
PATHS |= {
    f"nnet.{module}.{name}": name
    for module, names in {
        "activations": "elu glu hard_tanh leaky_relu relu selu sigmoid soft_sign",
        "initializers": "constant dirac glorot_normal glorot_uniform he_normal he_uniform normal uniform",
        "losses": "margin_ranking_loss multiclass_hinge negative_log_likelihood softmax_crossentropy",
    }.items()
    for name in names.split()
}  # as attributes of their module these are the functions, as they were
PATHS["nnet.activations.softmax"] = "logsoftmax softmax"
PATHS["nnet.losses.focal_loss"] = "focal_loss softmax_focal_loss"


REAL = ("linalg", "nnet.activations", "nnet.initializers", "nnet.layers", "nnet.losses", "random")
"""Modules with a file, and modules of MyGrad 2.5 below them, which they find by `below`."""
HOMES = {"linalg.funcs": "mygrad.linalg", "nnet": "mygrad.nnet", "random": "mygrad.random"}
"""Where the names of a path, or of a path's first part, are; in `mygrad` if nowhere else."""


class Alias(ModuleType):
    """A module whose names are looked up in another when they are asked for."""

    def __init__(self, path: str, names: str) -> None:
        super().__init__(f"mygrad.{path}", f"Names of `mygrad.{path}` in MyGrad 2.5.")
        self.__path__: MutableSequence[str] = []  # its submodules are found in sys.modules
        self.__all__ = names.split()
        self._home = HOMES.get(path) or HOMES.get(path.split(".", maxsplit=1)[0]) or "mygrad"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.__all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        home = import_module(self._home)
        found = getattr(home if hasattr(home, name) else sys.modules["mygrad"], name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *self.__all__})

    def __reduce__(self) -> Any:
        return import_module, (self.__name__,)  # dill and cloudpickle know how to with real modules only


def _add(path: str, names: str = "") -> ModuleType:
    """Return the module of that path, made if need be, as an attribute of the one above it."""
    module = sys.modules.get(f"mygrad.{path}")
    if module is None:
        above, _, name = path.rpartition(".")
        module = sys.modules[f"mygrad.{path}"] = Alias(path, names)
        if above not in REAL:
            setattr(_add(above) if above else sys.modules["mygrad"], name, module)
    return module


def below(module: str, name: str) -> ModuleType:
    """Return the alias of that name below a module with a file, whose ``__getattr__`` this is."""
    found = sys.modules.get(f"{module}.{name}")
    if found is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return found


for _path, _names in PATHS.items():
    _add(_path, _names)
_add("tensor_base", "Tensor asarray astensor tensor implements_numpy_override")
vars(sys.modules["mygrad.tensor_base"])["implements_numpy_override"] = implements_numpy_override
vars(_add("_utils"))["WeakRefIterable"] = WeakRefIterable
