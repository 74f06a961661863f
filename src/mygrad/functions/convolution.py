"""The convolution family on tensors: three bilinear functions, each other's gradients, and pooling.

With ``T(x, w, g) = sum y[x, w] g``, `convolve` is the gradient of T in g, `input_gradient` in x and
`filter_gradient` in w; so the rules of each are the other two, and every order of derivative is free.
"""

from typing import Any, Final

import numpy as np

from mygrad import convolution
from mygrad.autodiff.declare import Function, array_of
from mygrad.autodiff.dtypes import is_complex
from mygrad.autodiff.tensor import Tensor, record
from mygrad.convolution import pooling
from mygrad.convolution.family import compute
from mygrad.convolution.problem import FILTER, FORWARD, INPUT
from mygrad.functions.reductions import sum as sum_of

Array = np.ndarray

make_problem: Final = convolution.ConvProblem.make


class Member(Function):
    """One of the three, of two arrays or tensors and their problem."""

    def __init__(self, member: str, *rules: Any, names: str) -> None:
        super().__init__(lambda a, b, problem: compute(problem, member, a, b), *rules, names=names)
        self.member = member

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Tensor:
        """Record a product: there are no keywords to check, and no views."""
        a, b = values = [x._node.value if isinstance(x, Tensor) else array_of(x) for x in operands]
        value = compute(params["problem"], self.member, a, b)
        return record(self, operands, value, params, constant, values=values)

    def either(self, a: Any, b: Any, problem: Any) -> Any:
        """Do what every function does, in the fewest steps."""
        if a.__class__ is b.__class__ is Array:
            return compute(problem, self.member, a, b)
        return self.run((a, b), {"problem": problem})


def _gradient(x: Any, member: Member, a: Any, b: Any, problem: Any) -> Any:
    """Return the gradient of `x`, a product of `a` and `b`; of a real `x` only the real part is computed."""
    if a.__class__ is b.__class__ is Array and a.dtype is b.dtype is x.dtype:
        return compute(problem, member.member, a, b)
    if x.dtype.kind == "c" or (a.dtype.kind != "c" and b.dtype.kind != "c"):
        return member.either(a, b, problem)
    product = member.either(np.real(a), np.real(b), problem)
    if is_complex(a) and is_complex(b):
        product = product - member.either(np.imag(a), np.imag(b), problem)
    return product


convolve: Final = Member(
    FORWARD,
    lambda g, y, x, w, problem: _gradient(x, input_gradient, g, w, problem),
    lambda g, y, x, w, problem: _gradient(w, filter_gradient, x, g, problem),
    names="x w problem",
)
input_gradient: Final = Member(
    INPUT,
    lambda u, gx, g, w, problem: _gradient(g, convolve, u, w, problem),
    lambda u, gx, g, w, problem: _gradient(w, filter_gradient, u, g, problem),
    names="g w problem",
)
filter_gradient: Final = Member(
    FILTER,
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


convolve_plus: Final = Function(
    lambda x, w, bias, problem: _plus(compute(problem, FORWARD, x, w), bias),
    lambda g, y, x, w, bias, problem: _gradient(x, input_gradient, g, w, problem),
    lambda g, y, x, w, bias, problem: _gradient(w, filter_gradient, x, g, problem),
    lambda g, y, x, w, bias, problem: _summed(g),
    names="x w bias problem",
)
"""`convolve`, and a number added to each channel of the result, in one pass."""
convolve.name = convolve_plus.name = "conv_nd"
input_gradient_plus: Final = Function(
    lambda g, w, bias, problem: _plus(compute(problem, INPUT, g, w), bias),
    lambda u, gx, g, w, bias, problem: _gradient(g, convolve, u, w, problem),
    lambda u, gx, g, w, bias, problem: _gradient(w, filter_gradient, u, g, problem),
    lambda u, gx, g, w, bias, problem: _summed(u),
    names="g w bias problem",
)
input_gradient.name = input_gradient_plus.name = "conv_transpose_nd"
filter_gradient.name = "filter_gradient"


take: Final = Function(
    lambda x, windows, places: pooling.take(x, windows, places),
    lambda g, y, x, windows, places: spread.either(g, windows=windows, places=places),
    names="x windows places",
)
"""The elements of `x` at places in the planes that are pooled: what maxima are once they have been found."""
take.name = "max_pool"
spread: Final = Function(
    lambda g, windows, places: pooling.spread(g, windows, places),
    lambda u, y, g, windows, places: take.either(u, windows=windows, places=places),
    names="g windows places",
)


def maxima(x: Tensor, windows: Any, constant: bool | None) -> Tensor:
    """Return the maximum of each window over the last axes of `x`."""
    values, places = pooling.maxima(x._node.value, windows)
    return record(take, (x,), values, {"windows": windows, "places": places}, constant)


sums: Final = Function(
    lambda x, windows, divisor: pooling.sums(x, windows, divisor),
    lambda g, y, x, windows, divisor: spread_sums.either(g, windows=windows, divisor=divisor),
    names="x windows divisor",
)
"""The sum of each window over the last axes of `x`, divided by a number."""
sums.name = "avg_pool"
spread_sums: Final = Function(
    lambda g, windows, divisor: pooling.spread_sums(g, windows, divisor),
    lambda u, y, g, windows, divisor: sums.either(u, windows=windows, divisor=divisor),
    names="g windows divisor",
)
