"""batchnorm: its formula, gradients to second order, shapes, bad input."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.nnet import batchnorm
from tests.gradients import check_gradient

RNG = np.random.default_rng(5)
SHAPES = [(4, 3), (3, 2, 2), (2, 3, 2, 2), (1, 2, 3), (5,), ()]


def formula(x, eps):
    axes = tuple(i for i in range(x.ndim) if i != 1)
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def along_channels(scale, x):
    return scale.reshape(1, -1, *[1] * (x.ndim - 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_without_scales(shape):
    x = RNG.standard_normal(shape)
    np.testing.assert_allclose(batchnorm(x, eps=0.1), formula(x, 0.1), atol=1e-14)
    check_gradient(lambda x: batchnorm(x, eps=0.1), x)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) > 1])
@pytest.mark.parametrize("which", ["gamma", "beta", "both"])
def test_with_scales(shape, which):
    x, gamma, beta = (RNG.standard_normal(each) for each in (shape, shape[1], shape[1]))
    names = ["gamma", "beta"] if which == "both" else [which]
    scales = [{"gamma": gamma, "beta": beta}[name] for name in names]

    def f(x, *scales):
        return batchnorm(x, eps=0.1, **dict(zip(names, scales, strict=True)))

    expected = formula(x, 0.1)
    if "gamma" in names:
        expected = expected * along_channels(gamma, x)
    if "beta" in names:
        expected = expected + along_channels(beta, x)
    np.testing.assert_allclose(f(x, *scales), expected, atol=1e-14)
    check_gradient(f, x, *scales)


def test_scales_of_any_shape_with_as_many_elements():
    x = RNG.standard_normal((4, 3, 2))
    gamma = mg.tensor(np.ones((1, 3, 1)))
    batchnorm(x, gamma=gamma, beta=[1, 2, 3], eps=1e-3).backward()
    assert gamma.grad.shape == (1, 3, 1)


def test_a_shift_and_a_scaling_change_nothing():
    x = RNG.standard_normal((6, 3))
    np.testing.assert_allclose(batchnorm(5 * x + 2, eps=0), batchnorm(x, eps=0), atol=1e-13)


def test_three_variables():
    x, gamma = mg.tensor(np.ones((2, 3))), mg.tensor(np.ones(3))
    variables = batchnorm(x, gamma=gamma, eps=1).creator.variables
    assert variables[0] is x
    assert variables[1] is gamma
    assert variables[2].size == 0


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes_are_kept(dtype):
    x, gamma = (mg.tensor(RNG.standard_normal(s), dtype=dtype) for s in ((4, 3), 3))
    y = batchnorm(x, gamma=gamma, eps=1e-3)
    y.backward()
    assert y.dtype == x.grad.dtype == gamma.grad.dtype == np.dtype(dtype)
    assert batchnorm(np.arange(12).reshape(4, 3), eps=1e-3).dtype == np.float64


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3, 0)])
def test_empty(shape):
    x, gamma = mg.tensor(np.zeros(shape)), mg.tensor(np.ones(shape[1]))
    batchnorm(x, gamma=gamma, eps=1e-3).backward()
    assert x.grad.shape == shape
    np.testing.assert_array_equal(gamma.grad, np.zeros(shape[1]))


def test_nan_stays_in_its_channel():
    x = np.ones((3, 2))
    x[0, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(batchnorm(x, eps=1)), [[True, False]] * 3)


def test_constants():
    x = mg.tensor(np.ones((2, 3)))
    assert not batchnorm(x, eps=1).constant
    assert batchnorm(x, eps=1, constant=True).constant
    assert batchnorm(x.data, eps=1).constant


@pytest.mark.parametrize("name", ["gamma", "beta"])
@pytest.mark.parametrize(("shape", "scale"), [((4, 3), 2), ((4, 3), ()), ((4,), 4), ((), 1)])
def test_scales_that_do_not_fit(name, shape, scale):
    with pytest.raises(ValueError, match=name):
        batchnorm(np.ones(shape), eps=1, **{name: np.ones(scale)})


def test_eps_is_required_and_a_number():
    with pytest.raises(TypeError):
        batchnorm(np.ones((2, 3)))
    with pytest.raises(TypeError):
        batchnorm(np.ones((2, 3)), eps="a")
    with pytest.raises(TypeError):
        batchnorm(np.ones((2, 3)), np.ones(3), np.ones(3), eps=1)
