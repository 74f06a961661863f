"""Initializers: the distributions they say, NumPy's stream, shapes, dtypes, bad input."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.nnet import initializers
from mygrad.nnet.initializers import (
    constant,
    dirac,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    normal,
    uniform,
)

WEIGHTS = [he_normal, he_uniform, glorot_normal, glorot_uniform, dirac]
RANDOM = [normal, uniform, *WEIGHTS[:4]]
every_random = pytest.mark.parametrize("f", RANDOM)
every_weight = pytest.mark.parametrize("f", WEIGHTS)


def test_all_are_public():
    assert {f.__name__ for f in (*WEIGHTS, normal, uniform, constant)} | {"identity"} == set(
        initializers.__all__
    )
    assert initializers.identity is mg.identity


def standard(shape, kind):
    """What NumPy draws from the same seed: standard normal, or uniform from -1 to 1."""
    mg.random.seed(11)
    return np.random.normal(size=shape) if kind == "normal" else np.random.uniform(-1, 1, shape)


@pytest.mark.parametrize(
    ("f", "shape", "scale"),
    [
        (he_normal, (4, 2), (1 / 2) ** 0.5),
        (he_normal, (4, 2, 5, 3), (1 / 30) ** 0.5),
        (he_uniform, (4, 2), (2 / 3) ** 0.5),
        (he_uniform, (4, 2, 5, 3), (2 / 45) ** 0.5),
        (glorot_normal, (4, 2), (2 / 6) ** 0.5),
        (glorot_normal, (4, 2, 5), (2 / 30) ** 0.5),
        (glorot_normal, (4, 2, 5, 3), (2 / 18) ** 0.5),  # as in MyGrad 2.5, the last axis only
        (glorot_uniform, (4, 2), 1.0),
        (glorot_uniform, (4, 2, 5, 3), (6 / 90) ** 0.5),
    ],
)
@pytest.mark.parametrize("gain", [1, 1.5, mg.Tensor(2.0)])
def test_scales(f, shape, scale, gain):
    expected = float(gain) * scale * standard(shape, "normal" if "normal" in f.__name__ else "uniform")
    mg.random.seed(11)
    np.testing.assert_allclose(f(*shape, gain=gain, dtype=float), expected, rtol=1e-12)


def test_normal_and_uniform():
    shape = (40, 50)
    expected = 3 + 2 * standard(shape, "normal")
    mg.random.seed(11)
    np.testing.assert_allclose(normal(shape, mean=3, std=2, dtype=float), expected)
    expected = 1 + 2 * (standard(shape, "uniform") + 1)
    mg.random.seed(11)
    np.testing.assert_allclose(uniform(shape, lower_bound=1, upper_bound=5, dtype=float), expected)
    assert np.all(normal(3, mean=2, std=0).data == 2)


@pytest.mark.parametrize("f", [*RANDOM, dirac, constant])
def test_shapes_as_numbers_or_as_a_sequence(f):
    for shape in [(2, 3), ((2, 3),), ([2, 3],), (np.int64(2), mg.tensor(3))]:
        assert f(*shape).shape == (2, 3)
    assert f(0, 2).shape == (0, 2)
    assert f(2, 0).shape == (2, 0)


@pytest.mark.parametrize("f", [normal, uniform, constant])
def test_any_number_of_axes(f):
    assert f(2).shape == (2,)
    assert f((2,)).shape == (2,)
    assert f().shape == f(()).shape == ()


@every_random
def test_dtypes(f):
    assert f(2, 3).dtype == np.float32
    for dtype in ("f2", np.float64):
        assert f(2, 3, dtype=dtype).dtype == np.dtype(dtype)
    for dtype in (int, bool, complex):
        with pytest.raises(ValueError, match="floating"):
            f(2, 3, dtype=dtype)


@pytest.mark.parametrize("f", [*RANDOM, dirac, constant])
def test_constants(f):
    assert not f(2, 3).constant
    assert f(2, 3, constant=True).constant
    assert f(2, 3).creator is None


@every_weight
def test_weights_have_two_axes(f):
    with pytest.raises(TypeError, match=f"write {f.__name__}"):
        f(2)
    for shape in [((2,),), ((),), ()]:
        with pytest.raises(ValueError, match="two axes"):
            f(*shape)


@pytest.mark.parametrize("f", [*RANDOM, dirac, constant])
def test_bad_shapes(f):
    with pytest.raises(ValueError):
        f(-1, 2)
    for shape in [(2.0, 3), (2, (3,)), ((2, 3), 4)]:
        with pytest.raises(TypeError):
            f(*shape)


@pytest.mark.parametrize("f", WEIGHTS[:4])
def test_bad_gain(f):
    with pytest.raises(TypeError, match="gain"):
        f(2, 3, gain="a")
    with pytest.raises(ValueError):
        f(2, 3, gain=-1)


def test_bad_parameters():
    with pytest.raises(ValueError, match="negative"):
        normal(2, std=-1)
    for low, high in [(1, 1), (2, 1)]:
        with pytest.raises(ValueError, match="less than"):
            uniform(2, lower_bound=low, upper_bound=high)


def test_dirac_passes_channels_on():
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 5))
    y = mg.nnet.conv_nd(x, dirac(3, 2, 3, 3, dtype=float), stride=1, padding=1)
    np.testing.assert_array_equal(y[:, :2], x)
    np.testing.assert_array_equal(y[:, 2], 0)


@pytest.mark.parametrize("dtype", [int, bool])
def test_dirac_of_integers(dtype):
    np.testing.assert_array_equal(dirac(2, 3, dtype=dtype), np.eye(2, 3, dtype=dtype))
    assert dirac(2, 3, dtype=dtype).constant


def test_constant_is_full():
    assert constant(2, 3).dtype == np.float64
    np.testing.assert_array_equal(constant(2, 3, value=[1.0, 2.0, 3.0]), [[1.0, 2.0, 3.0]] * 2)
    assert constant(2, value=2).constant  # integers
    assert constant(2, value=2, dtype="f4").dtype == np.float32
    with pytest.raises(ValueError, match="Integer"):
        constant(2, value=1, constant=False)
    with pytest.raises(TypeError):
        constant(2, value="a")
