"""Convolution of complex tensors, and of complex with real ones: values, gradients to second order."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mygrad as mg
from mygrad.nnet import avg_pool, conv_nd, conv_transpose_nd, lp_pool, sigmoid, softmax, tanh
from tests.gradients import check_gradient

RNG = np.random.default_rng(11)
MIXED = [(1, 1), (1, 0), (0, 1)]
ARGUMENTS = [
    ((1, 2, 5), (2, 2, 3), {"stride": 1, "padding": 1}),
    ((2, 2, 4), (2, 1, 2), {"stride": 2, "groups": 2}),
    ((1, 1, 3, 4), (1, 1, 2, 2), {"stride": (1, 2), "dilation": (1, 2), "padding": ((1, 0), (0, 1))}),
    ((1, 1, 4), (1, 1, 3), {"stride": 1, "padding": 2, "padding_mode": "reflect"}),
]


def numbers(shape, is_complex, dtype="D"):
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape)).astype(dtype) if is_complex else x.astype(dtype.lower())


def by_parts(f, x, w):
    """Compute a bilinear `f` of complex arrays by four of real ones."""
    imaginary = f(x.real, w.imag).data + f(x.imag, w.real).data
    return f(x.real, w.real).data - f(x.imag, w.imag).data + 1j * imaginary


@pytest.mark.parametrize("mixed", MIXED)
@pytest.mark.parametrize(("x", "w", "keywords"), ARGUMENTS)
def test_convolution_to_second_order(x, w, keywords, mixed):
    x, w = numbers(x, mixed[0]), numbers(w, mixed[1])

    def f(x, w):
        return conv_nd(x, w, **keywords)

    assert_allclose(f(x, w).data, by_parts(f, x, w), rtol=1e-12, atol=1e-12)
    check_gradient(f, x, w)


@pytest.mark.parametrize("mixed", MIXED)
def test_transposed_convolution_to_second_order(mixed):
    x, w = numbers((1, 2, 3), mixed[0]), numbers((2, 1, 3), mixed[1])

    def f(x, w):
        return conv_transpose_nd(x, w, stride=2, padding=1)

    assert_allclose(f(x, w).data, by_parts(f, x, w), rtol=1e-12, atol=1e-12)
    check_gradient(f, x, w)


@pytest.mark.parametrize("mixed", [(1, 1, 1), (1, 1, 0), (0, 0, 1)])
def test_bias(mixed):
    x, w, b = (numbers(shape, c) for shape, c in zip([(2, 1, 4), (3, 1, 2), (3,)], mixed, strict=True))
    check_gradient(lambda x, w, b: conv_nd(x, w, stride=1, bias=b), x, w, b)
    x, b = numbers((1, 3, 2), mixed[0]), b[:1]
    check_gradient(lambda x, w, b: conv_transpose_nd(x, w, stride=1, bias=b), x, w, b)


@pytest.mark.parametrize("mixed", MIXED)
def test_single_precision(mixed):
    x, w = numbers((2, 3, 9), mixed[0], "F"), numbers((4, 3, 3), mixed[1], "F")
    single = [mg.tensor(x), mg.tensor(w)]
    double = [mg.tensor(each, dtype=np.result_type(each, np.float64)) for each in (x, w)]
    for pair in (single, double):
        y = conv_nd(*pair, stride=1)
        assert y.dtype == (np.complex64 if pair is single else np.complex128)
        np.sum(np.abs(y) ** 2).backward()
    for ours, exact in zip(single, double, strict=True):
        assert ours.grad.dtype == ours.dtype
        assert_allclose(ours.grad, exact.grad, rtol=1e-4, atol=1e-3)


def test_sequences_conjugate_as_numpy():
    a, v = numbers(7, 1), numbers(3, 1)
    for mode in ("full", "same", "valid"):
        for left, right in ((a, v), (v, a), (a, v.real), (a.real, v)):
            assert_allclose(mg.convolve(left, right, mode).data, np.convolve(left, right, mode), atol=1e-12)
            assert_allclose(mg.correlate(left, right, mode).data, np.correlate(left, right, mode), atol=1e-12)
    check_gradient(lambda a, v: np.correlate(a, v, "same"), a, v)
    check_gradient(lambda v, a: np.correlate(v, a, "full"), v, a)


def test_pooling_and_activations():
    x = numbers((2, 2, 4), 1)
    powers = lp_pool(x, (2,), 2)
    assert_allclose(powers.data[..., 0], np.linalg.norm(x[..., :2], axis=-1))
    assert_allclose(sigmoid(x).data, 1 / (1 + np.exp(-x)))
    for f in (lambda x: lp_pool(x, (2,), 2), lambda x: avg_pool(x, (2,), 2), sigmoid, softmax, tanh):
        check_gradient(f, x)


def test_a_filter_is_found_by_descent():
    """The gradient is the direction of ascent: descending along it finds the complex filter."""
    x, w = numbers((1, 1, 40), 1), numbers((1, 1, 3), 1)
    target, guess = conv_nd(x, w, stride=1).data, mg.tensor(np.zeros_like(w))
    for _ in range(80):
        loss = np.mean(np.abs(conv_nd(x, guess, stride=1) - target) ** 2)
        loss.backward()
        guess = mg.tensor(guess.data - 0.15 * guess.grad)
    assert_allclose(guess.data, w, atol=1e-3)
