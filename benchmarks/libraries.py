"""What each library is asked to do, in its own words, so that the work is the same for all.

A library is imported only by the process that measures it; `LIBRARIES` holds their names.
"""

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.cases import Case

THREADS = 2

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
Call = Callable[[], Any]


class MyGrad:
    """Ours and MyGrad 2.5: the same program runs on both."""

    def __init__(self) -> None:
        self.module = import_module("mygrad")
        self.conv_nd = import_module("mygrad.nnet").conv_nd
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.tanh, self.module.exp

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        """A call that runs `function` forward and pulls `seed` back to all of its arguments."""
        tensors = [self.module.tensor(array) for array in arrays]

        def call() -> list[Array]:
            function(*tensors).backward(seed)
            return [tensor.grad for tensor in tensors]

        return call

    def conv(self, case: Case) -> Function:
        options = {"stride": case.stride, "padding": case.padding, "dilation": case.dilation}
        return lambda x, w: self.conv_nd(x, w, **options)


class Torch:
    def __init__(self) -> None:
        self.module = import_module("torch")
        self.module.set_num_threads(THREADS)
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.tanh, self.module.exp

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        tensors = [self.module.tensor(array, requires_grad=True) for array in arrays]
        gradient = self.module.tensor(seed)

        def call() -> list[Any]:
            for tensor in tensors:
                tensor.grad = None
            function(*tensors).backward(gradient)
            return [tensor.grad for tensor in tensors]

        return call

    def conv(self, case: Case) -> Function:
        if case.axes > 3:
            raise NotImplementedError("torch convolves over at most three axes")
        convolve = getattr(self.module.nn.functional, f"conv{case.axes}d")
        options = {"stride": case.stride, "padding": case.padding, "dilation": case.dilation}
        return lambda x, w: convolve(x, w, **options)


class Jax:
    """Compiled as a whole, as its users would; the compilation is not timed."""

    def __init__(self) -> None:
        self.module = import_module("jax")
        self.module.config.update("jax_enable_x64", True)
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.numpy.tanh, self.module.numpy.exp

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        def forward_and_back(gradient: Any, *tensors: Any) -> Any:
            y, pull_back = self.module.vjp(function, *tensors)
            return y, pull_back(gradient)

        compiled = self.module.jit(forward_and_back)
        inputs = [self.module.numpy.asarray(array) for array in (seed, *arrays)]
        return lambda: self.module.block_until_ready(compiled(*inputs))

    def conv(self, case: Case) -> Function:
        n = case.axes
        options = {
            "window_strides": (case.stride,) * n,
            "padding": ((case.padding,) * 2,) * n,
            "rhs_dilation": (case.dilation,) * n,
        }
        return lambda x, w: self.module.lax.conv_general_dilated(x, w, **options)


class NumPy:
    """No gradients of its own: it measures the matrix product and what one would write by hand."""

    version = np.__version__


LIBRARIES: dict[str, Callable[[], Any]] = {
    "mygrad": MyGrad,
    "mygrad25": MyGrad,
    "torch": Torch,
    "jax": Jax,
    "numpy": NumPy,
}

LABELS = {
    "mygrad": "mygrad",
    "mygrad25": "MyGrad 2.5",
    "torch": "torch",
    "jax": "jax",
    "numpy": "NumPy by hand",
}


def two_threads() -> dict[str, str]:
    """The environment variables by which NumPy's BLAS and the peers learn how many threads to use."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict(os.environ) | dict.fromkeys(names, str(THREADS))
