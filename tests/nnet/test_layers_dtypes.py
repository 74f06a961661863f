"""Convolution in complex numbers and in bfloat16, and larger problems in single precision."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.convolution import ConvProblem, convolve, filter_gradient, input_gradient, reference
from mygrad.nnet import conv_nd

RNG = np.random.default_rng(9)
PROBLEM = ConvProblem.make((2, 4, 9, 7), (4, 2, 3, 2), stride=2, padding="same", groups=2)


def numbers(shape, dtype):
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


@pytest.mark.parametrize("dtypes", ["DD", "FF", "dD", "Ff", "Fd"])
def test_complex_members_are_the_sum(dtypes):
    p, (a, b) = PROBLEM, dtypes
    x, w, g = numbers(p.x_shape, a), numbers(p.w_shape, b), numbers(p.y_shape, a)
    tolerance = 1e-4 if "F" in dtypes else 1e-11
    for ours, sums in (
        (convolve(p, x, w), reference.convolve(p, x, w)),
        (input_gradient(p, g, w), reference.input_gradient(p, g, w)),
        (filter_gradient(p, x, g), reference.filter_gradient(p, x, g)),
    ):
        assert ours.dtype == sums.dtype
        np.testing.assert_allclose(ours, sums, rtol=tolerance, atol=tolerance)


def test_complex_data_without_autodiff():
    x, w = numbers((1, 1, 5), "D"), numbers((1, 1, 2), "D")
    with mg.no_autodiff:
        y = conv_nd(x, w, stride=1)
    np.testing.assert_allclose(y.data[0, 0], x[0, 0, :-1] * w[0, 0, 0] + x[0, 0, 1:] * w[0, 0, 1])


def test_bfloat16_is_summed_in_single_and_rounded_once():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    p = PROBLEM
    x, w = numbers(p.x_shape, bfloat16), numbers(p.w_shape, bfloat16)
    single = convolve(p, x.astype("f4"), w.astype("f4"))
    y = convolve(p, x, w)
    assert y.dtype == bfloat16
    np.testing.assert_array_equal(y, single.astype(bfloat16))
    assert convolve(p, x, w.astype("f4")).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "w", "keywords"),
    [
        ((2, 32, 20, 19), (32, 32, 3, 3), {"stride": 2, "padding": "same"}),
        ((2, 32, 20, 19), (48, 16, 3, 3), {"stride": 1, "groups": 2, "padding": ((2, 0), (-1, 1))}),
        ((2, 32, 33), (32, 1, 5), {"stride": 1, "groups": 32, "padding": "causal", "dilation": 3}),
        ((1, 16, 40, 41), (16, 16, 5, 4), {"stride": (3, 2), "fit": "floor"}),
        ((1, 8, 9, 10, 11), (16, 8, 3, 2, 3), {"stride": (2, 1, 3), "fit": "floor", "padding": "full"}),
    ],
)
def test_larger_problems_in_single_precision(x, w, keywords):
    p = ConvProblem.make(x, w, **keywords)
    x, w, g = (numbers(s, "f4") for s in (p.x_shape, p.w_shape, p.y_shape))
    for ours, sums in (
        (convolve(p, x, w), reference.convolve(p, x, w)),
        (input_gradient(p, g, w), reference.input_gradient(p, g, w)),
        (filter_gradient(p, x, g), reference.filter_gradient(p, x, g)),
    ):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, sums, rtol=1e-4, atol=1e-4 * np.abs(sums).max())
