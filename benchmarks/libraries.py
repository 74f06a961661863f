"""What each library is asked to do, in its own words, so that the work is the same for all.

A library is imported only by the process that measures it; `LIBRARIES` holds their names.
"""

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from math import prod
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
        self.nnet = import_module("mygrad.nnet")
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.tanh, self.module.exp

    def run(self, function: Function, arrays: Sequence[Array]) -> Call:
        """A call that runs `function` forward, on what has gradients."""
        tensors = [self.module.tensor(array) for array in arrays]
        return lambda: function(*tensors)

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        """A call that runs `function` forward and pulls `seed` back to all of its arguments."""
        tensors = [self.module.tensor(array) for array in arrays]

        def call() -> list[Array]:
            function(*tensors).backward(seed)
            return [tensor.grad for tensor in tensors]

        return call

    def layer(self, case: Case) -> Function:
        names = ("padding", "dilation", "groups")
        options = {name: getattr(case, name) for name in names if getattr(case, name) != getattr(Case, name)}
        if self.module.__version__ >= "3" and case.of != "transposed":
            options["fit"] = "floor"
        if case.pools:
            pool = getattr(self.nnet, f"{case.of}_pool")
            return lambda x: pool(x, tuple(case.w), case.stride, **options)
        convolve = self.nnet.conv_nd if case.of == "conv" else self.nnet.conv_transpose_nd
        return lambda x, w: convolve(x, w, stride=case.stride, **options)


class Torch:
    def __init__(self) -> None:
        self.module = import_module("torch")
        self.module.set_num_threads(THREADS)
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.tanh, self.module.exp

    def run(self, function: Function, arrays: Sequence[Array]) -> Call:
        tensors = [self.module.tensor(array, requires_grad=True) for array in arrays]
        return lambda: function(*tensors)

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        tensors = [self.module.tensor(array, requires_grad=True) for array in arrays]
        gradient = self.module.tensor(seed)

        def call() -> list[Any]:
            for tensor in tensors:
                tensor.grad = None
            function(*tensors).backward(gradient)
            return [tensor.grad for tensor in tensors]

        return call

    def layer(self, case: Case) -> Function:
        if case.axes > 3:
            raise NotImplementedError("torch convolves over at most three axes")
        names = {"conv": "conv", "transposed": "conv_transpose", "max": "max_pool", "avg": "avg_pool"}
        function = getattr(self.module.nn.functional, f"{names[case.of]}{case.axes}d")
        options = {"stride": case.stride, "padding": case.padding}
        if case.pools:
            return lambda x: function(x, case.w, **options)
        return lambda x, w: function(x, w, **options, dilation=case.dilation, groups=case.groups)


class Jax:
    """Compiled as a whole, as its users would; the compilation is not timed."""

    def __init__(self) -> None:
        self.module = import_module("jax")
        self.module.config.update("jax_enable_x64", True)
        self.version = self.module.__version__
        self.tanh, self.exp = self.module.numpy.tanh, self.module.numpy.exp

    def run(self, function: Function, arrays: Sequence[Array]) -> Call:
        compiled = self.module.jit(function)
        inputs = [self.module.numpy.asarray(array) for array in arrays]
        return lambda: self.module.block_until_ready(compiled(*inputs))

    def differentiate(self, function: Function, arrays: Sequence[Array], seed: Array) -> Call:
        def forward_and_back(gradient: Any, *tensors: Any) -> Any:
            y, pull_back = self.module.vjp(function, *tensors)
            return y, pull_back(gradient)

        compiled = self.module.jit(forward_and_back)
        inputs = [self.module.numpy.asarray(array) for array in (seed, *arrays)]
        return lambda: self.module.block_until_ready(compiled(*inputs))

    def layer(self, case: Case) -> Function:
        n, lax = case.axes, self.module.lax
        padding = ((case.padding,) * 2,) * n
        if case.pools:
            window, strides = (1, 1, *case.w), (1, 1, *(case.stride,) * n)
            start, reduce = (-np.inf, lax.max) if case.of == "max" else (0.0, lax.add)
            number = 1 if case.of == "max" else prod(case.w)
            pads = ((0, 0), (0, 0), *padding)
            return lambda x: lax.reduce_window(x, x.dtype.type(start), reduce, window, strides, pads) / number
        if case.of == "transposed":
            return self._transposed(case)
        options = {
            "window_strides": (case.stride,) * n,
            "padding": padding,
            "rhs_dilation": (case.dilation,) * n,
        }
        return lambda x, w: lax.conv_general_dilated(x, w, **options, feature_group_count=case.groups)

    def _transposed(self, case: Case) -> Function:
        """The gradient of a convolution, as jax writes it: of spread data, with turned filters."""
        if case.groups > 1:
            raise NotImplementedError("jax has no transposed convolution in groups")
        n = case.axes
        pads = tuple((size - 1 - case.padding,) * 2 for size in case.w[2:])
        turned = tuple(range(2, 2 + n))
        options = {"window_strides": (1,) * n, "padding": pads, "lhs_dilation": (case.stride,) * n}

        def convolve(x: Any, w: Any) -> Any:
            filters = self.module.numpy.flip(w, turned).swapaxes(0, 1)
            return self.module.lax.conv_general_dilated(x, filters, **options)

        return convolve


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
