"""Convolution and transposed convolution over any number of axes."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from mygrad.autodiff.dtypes import is_number
from mygrad.autodiff.overrides import unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.convolution import ConvProblem
from mygrad.convolution.arguments import PLAIN, is_plain, no_such
from mygrad.convolution.borders import BORDERS
from mygrad.errors import InvalidConvolution
from mygrad.functions.convolution import convolve, convolve_plus, input_gradient, input_gradient_plus
from mygrad.functions.creation import astensor
from mygrad.functions.rearrangements import pad
from mygrad.nnet.operands import operand

__all__ = ["conv_nd", "conv_transpose_nd"]

Numbers = int | tuple[int, ...]
Padding = str | int | Sequence[str | int | tuple[int, int]]


def _problem(x: Any, w: Any, *arguments: Any) -> ConvProblem:
    """Return the problem of a convolution: the one made before if there is one."""
    if PLAIN.issuperset(map(type, arguments)) or all(map(is_plain, arguments)):
        return _kept_problem(x, w, *arguments)
    return _new_problem(x, w, *unwrapped(arguments))


def _new_problem(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any, fit: Any, border: str = "zeros"
) -> ConvProblem:
    options = {"padding": padding, "dilation": dilation, "groups": groups, "fit": fit, "border": border}
    return ConvProblem.make(x, w, stride=stride, **options)


_kept_problem = lru_cache(maxsize=1024)(_new_problem)


def conv_nd(
    x: Any,
    filter_bank: Any,
    *,
    stride: Numbers,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    bias: Any = None,
    padding_mode: str = "zeros",
    padding_value: float = 0,
    fit: str = "exact",
    constant: bool | None = None,
) -> Tensor:
    r"""Convolve filters over a batch of data with any number of axes.

    The filters are not flipped: what is called a convolution in neural networks is a correlation,

    .. math:: y_{n,f,o} = \sum_{c,k} x_{n,\,c,\,s\,o + d\,k - p} \; w_{f,c,k}

    along every axis, with stride s, dilation d, padding p, and zeros outside of x. Only placements in
    which a filter lies completely within the padded data count.

    Parameters
    ----------
    x : ArrayLike, shape (N, C, X0, ...)
        A batch of N data of C channels; any dtype of numbers, complex ones and bfloat16 too. Computed in
        the dtype NumPy promotes `x` and `filter_bank` to.
    filter_bank : ArrayLike, shape (F, C / groups, W0, ...)
        F filters.
    stride : int or tuple of int
        Distance between neighbouring placements, along each axis or along all.
    padding : int or str, or a tuple with one for each axis
        Number of elements put at both ends of an axis; in a tuple also a pair (before, after), which may be
        negative, to crop. Or a name:

        - "valid": none;
        - "same": so many that there are ``ceil(X / stride)`` outputs, the odd one after the data
          (TensorFlow's rule), "same_lower": before the data;
        - "full": so many that each placement with any overlap counts;
        - "causal": all before the data, so that an output sees nothing later than its own position.
    dilation : int or tuple of int
        Distance between neighbouring taps of a filter.
    groups : int
        Channels and filters fall into so many groups, and a filter sees only the channels of its own;
        with as many groups as channels, the convolution is called depthwise.
    bias : ArrayLike, shape (F,), optional
        A number added to all outputs of each filter.
    padding_mode : "zeros", "constant", "reflect", "symmetric", "edge" or "wrap"
        What is put at the ends, under the names of `numpy.pad`. "constant" takes a padded copy of `x`, the
        others where the algorithm needs one.
    padding_value : float
        What is put there with "constant"; a constant itself, no gradient goes there.
    fit : "exact" or "floor"
        Whether the last placement has to end where the padded data does, or what is left over is ignored.
    constant : bool, optional
        Whether the result is a constant. Integer results always are.

    Returns
    -------
    Tensor, shape (N, F, G0, ...)
        ``G = (X + 2 padding - ((W - 1) dilation + 1)) / stride + 1`` along each axis.

    Raises
    ------
    ValueError
        If the shapes do not go together, or the placements do not fit the padded data exactly
        (`mygrad.errors.InvalidConvolution`, whose text tells the axis and a padding that fits).
    TypeError
        If a stride, padding, dilation or number of groups is not an integer, or `padding_value` is no number
        that the result's dtype can hold.
    MemoryError
        If the result cannot be allocated; before anything is computed.

    See Also
    --------
    conv_transpose_nd : the way back

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import conv_nd
    >>> x = mg.tensor([[[0.0, 1.0, 1.0, 0.0]]])
    >>> w = mg.tensor([[[1.0, -1.0]]])
    >>> conv_nd(x, w, stride=1)
    Tensor([[[-1.,  0.,  1.]]])
    >>> conv_nd(x, w, stride=2, padding="same", padding_mode="wrap", bias=[10.0])
    Tensor([[[ 9., 11.]]])
    """
    x, w = operand(x), operand(filter_bank)
    arguments = stride, padding, dilation, groups, fit
    problem = _problem(x._node.value.shape, w._node.value.shape, *arguments)
    if padding_mode != "zeros" or padding_value:
        _check_mode(padding_mode, padding_value, "constant")
        if padding_mode != "constant":
            problem = _problem(x.shape, w.shape, *arguments, padding_mode)
        elif padding_value:
            x, problem = _padded(x, w, problem, padding_value)
    if bias is None:
        return convolve.run((x, w), {"problem": problem}, constant)
    b = _checked_bias(bias, problem.y_shape[1], w.shape)
    return convolve_plus.run((x, w, b), {"problem": problem}, constant)


def _check_mode(mode: str, value: Any, *more: str) -> None:
    modes = ["zeros", *more, *BORDERS]
    if mode not in modes:
        raise InvalidConvolution(no_such("padding_mode", mode, modes))
    if mode != "constant" and value:
        raise InvalidConvolution(f"a padding_value, {value!r}, needs padding_mode='constant', not {mode!r}")


def _checked_bias(bias: Any, channels: int, shape: tuple[int, ...]) -> Tensor:
    b = operand(bias)
    if b.shape != (channels,):
        raise ValueError(
            f"bias has shape {b.shape}; with a filter_bank of shape {shape} it needs ({channels},), "
            "one number for each channel of the result"
        )
    return b


_WIDER = {"f": 1, "V": 1, "c": 2}  # than whole numbers; "V" are the additional types of ml_dtypes


def _padded(x: Tensor, w: Tensor, problem: ConvProblem, value: Any) -> tuple[Tensor, ConvProblem]:
    """Return data padded with `value`, and the problem of convolving them."""
    given, dtype = np.asarray(value), np.result_type(x.dtype, w.dtype)
    if given.ndim or not is_number(given.dtype):
        raise TypeError(f"padding_value must be a number; got {value!r}")
    kinds = [_WIDER.get(each.kind, 0) for each in (given.dtype, x.dtype, dtype)]
    if kinds[0] > kinds[2]:
        raise TypeError(
            f"padding_value {value!r} is {given.dtype}, but {x.dtype} convolved with {w.dtype} is {dtype}.\n"
            f"Convert x, to {np.result_type(given.dtype, dtype)} for example."
        )
    if kinds[0] > kinds[1]:
        x = astensor(x, dtype)
    widths, longer = problem.continued
    return pad.run((x,), {"pad_width": widths, "mode": "constant", "constant_values": value}), longer


def conv_transpose_nd(
    x: Any,
    filter_bank: Any,
    *,
    stride: Numbers,
    padding: Padding = 0,
    output_padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    bias: Any = None,
    padding_mode: str = "zeros",
    constant: bool | None = None,
) -> Tensor:
    r"""Spread each element of `x` by a filter, and add up: a convolution with its direction reversed.

    .. math:: y_{n,c,i} = \sum_{f,k,o} x_{n,f,o} \; w_{f,c,k} \qquad s\,o + d\,k - p = i

    is, as a function of x, the transpose (adjoint) of what `conv_nd` does to y with the same filters and
    the same arguments, and so its gradient; not its inverse. With a stride it makes data larger.

    Parameters
    ----------
    x : ArrayLike, shape (N, F, G0, ...)
        A batch of N data with a channel for each filter; any dtype of numbers.
    filter_bank : ArrayLike, shape (F, C / groups, W0, ...)
        The filters, as `conv_nd` takes them.
    stride, padding, dilation, groups
        Those of the convolution that is transposed. With padding "same" the result has ``stride``
        times as many elements as `x` along each axis.
    output_padding : int or tuple of int
        Number of elements more at the end of the result: a convolution takes data of ``stride`` different
        sizes to the same size, and back there is only one.
    bias : ArrayLike, shape (C,), optional
        A number added to each channel of the result.
    padding_mode : "zeros", "reflect", "symmetric", "edge" or "wrap"
        That of the convolution that is transposed: what is spread to where it padded is added to the
        element that it put there, or, with "zeros", is dropped.
    constant : bool, optional
        Whether the result is a constant. Integer results always are.

    Returns
    -------
    Tensor, shape (N, C, X0, ...)
        ``X = (G - 1) stride + (W - 1) dilation + 1 - 2 padding + output_padding`` along each axis.

    Raises
    ------
    ValueError
        If the shapes do not go together, or nothing is left (`mygrad.errors.InvalidConvolution`).
    TypeError
        If a stride, padding, dilation or number of groups is not an integer.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import conv_transpose_nd
    >>> conv_transpose_nd([[[1.0, 10.0]]], [[[1.0, 2.0, 3.0]]], stride=2)
    Tensor([[[ 1.,  2., 13., 20., 30.]]])
    """
    g, w = operand(x), operand(filter_bank)
    _check_mode(padding_mode, 0)
    sizes = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
    options = unwrapped(sizes | {"groups": groups})
    problem = ConvProblem.make_transposed(g.shape, w.shape, border=padding_mode, **options)
    if bias is None:
        return input_gradient.run((g, w), {"problem": problem}, constant)
    b = _checked_bias(bias, problem.x_shape[1], w.shape)
    return input_gradient_plus.run((g, w, b), {"problem": problem}, constant)
