"""The convolution family on tensors: three bilinear functions, each other's gradients, and pooling.

With ``T(x, w, g) = sum y[x, w] g``, `convolve` is the gradient of T in g, `input_gradient` in x and
`filter_gradient` in w; so the rules of each are the other two, and every order of derivative is free.
"""

import math
from typing import Any

import numpy as np

from mygrad import convolution
from mygrad.autodiff.declare import Function
from mygrad.autodiff.dtypes import is_complex
from mygrad.functions.reductions import sum as sum_of

Array = np.ndarray[Any, Any]

make_problem = convolution.ConvProblem.make


def _gradient(x: Any, member: Function, a: Any, b: Any, problem: Any) -> Any:
    """Return the gradient of `x`, a product of `a` and `b`; of a real `x` only the real part is computed."""
    if is_complex(x) or not (is_complex(a) or is_complex(b)):
        return member.either(a, b, problem=problem)
    product = member.either(np.real(a), np.real(b), problem=problem)
    if is_complex(a) and is_complex(b):
        product = product - member.either(np.imag(a), np.imag(b), problem=problem)
    return product


convolve = Function(
    lambda x, w, problem: convolution.convolve(problem, x, w),
    lambda g, y, x, w, problem: _gradient(x, input_gradient, g, w, problem),
    lambda g, y, x, w, problem: _gradient(w, filter_gradient, x, g, problem),
    names="x w problem",
)
input_gradient = Function(
    lambda g, w, problem: convolution.input_gradient(problem, g, w),
    lambda u, gx, g, w, problem: _gradient(g, convolve, u, w, problem),
    lambda u, gx, g, w, problem: _gradient(w, filter_gradient, u, g, problem),
    names="g w problem",
)
filter_gradient = Function(
    lambda x, g, problem: convolution.filter_gradient(problem, x, g),
    lambda u, gw, x, g, problem: _gradient(x, input_gradient, g, u, problem),
    lambda u, gw, x, g, problem: _gradient(g, convolve, x, u, problem),
    names="x g problem",
)


def _plus(y: Array, bias: Array) -> Array:
    """Add a number for each channel, into `y` where its dtype can hold the sum."""
    bias = np.reshape(bias, (-1, *(1,) * (y.ndim - 2)))
    return np.add(y, bias, out=y if np.result_type(y, bias) == y.dtype else None)


def _summed(g: Any) -> Any:
    return sum_of.either(g, axis=(0, *range(2, g.ndim)))


convolve_plus = Function(
    lambda x, w, bias, problem: _plus(convolution.convolve(problem, x, w), bias),
    lambda g, y, x, w, bias, problem: _gradient(x, input_gradient, g, w, problem),
    lambda g, y, x, w, bias, problem: _gradient(w, filter_gradient, x, g, problem),
    lambda g, y, x, w, bias, problem: _summed(g),
    names="x w bias problem",
)
"""`convolve`, and a number added to each channel of the result, in one pass."""
input_gradient_plus = Function(
    lambda g, w, bias, problem: _plus(convolution.input_gradient(problem, g, w), bias),
    lambda u, gx, g, w, bias, problem: _gradient(g, convolve, u, w, problem),
    lambda u, gx, g, w, bias, problem: _gradient(w, filter_gradient, u, g, problem),
    lambda u, gx, g, w, bias, problem: _summed(u),
    names="g w bias problem",
)


def _gather(x: Array, positions: Array) -> Array:
    return x.ravel()[positions]


def _spread(g: Array, positions: Array, shape: tuple[int, ...]) -> Array:
    """Add `g` at flat `positions` of zeros; bincount adds fastest, but in float64 and reals only."""
    size = math.prod(shape)
    if g.dtype == np.float64:
        whole = np.bincount(positions.ravel(), g.ravel(), minlength=size) if g.size else np.zeros(size)
    else:
        whole = np.zeros(size, g.dtype)
        np.add.at(whole, positions.ravel(), g.ravel())
    return whole.reshape(shape)


gather = Function(
    _gather,
    lambda g, y, x, positions: spread.either(g, positions=positions, shape=x.shape),
    names="x positions",
)
"""The elements of `x` at flat positions: what pooling by the maximum does once it has found them."""
spread = Function(
    _spread,
    lambda u, y, g, positions, shape: gather.either(u, positions=positions),
    names="g positions shape",
)
