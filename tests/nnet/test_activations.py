"""Activations: values from their formulas, gradients to second order, conventions at kinks, bad input."""

import numpy as np
import pytest

import mygrad as mg
from mygrad import nnet
from tests.gradients import check_gradient

X = np.array([[-3.0, -0.9, -0.2], [0.3, 0.8, 2.5]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


CASES = {
    "elu": (lambda x: nnet.elu(x, 0.7), lambda x: np.where(x < 0, 0.7 * (np.exp(x) - 1), x)),
    "selu": (
        nnet.selu,
        lambda x: 1.0507009873554805 * np.where(x < 0, 1.6732632423543772 * (np.exp(x) - 1), x),
    ),
    "leaky_relu": (lambda x: nnet.leaky_relu(x, 0.1), lambda x: np.where(x < 0, 0.1 * x, x)),
    "relu": (nnet.relu, lambda x: np.where(x < 0, 0, x)),
    "hard_tanh": (nnet.hard_tanh, lambda x: np.clip(x, -1, 1)),
    "hard_tanh(bounds)": (
        lambda x: nnet.hard_tanh(x, lower_bound=-0.5, upper_bound=2),
        lambda x: np.clip(x, -0.5, 2),
    ),
    "sigmoid": (nnet.sigmoid, sigmoid),
    "soft_sign": (nnet.soft_sign, lambda x: x / (1 + np.abs(x))),
    "softmax": (nnet.softmax, softmax),
    "softmax(axis)": (lambda x: nnet.softmax(x, (0, 1)), lambda x: softmax(x, (0, 1))),
    "logsoftmax": (nnet.logsoftmax, lambda x: np.log(softmax(x))),
    "logsoftmax(axis)": (lambda x: nnet.logsoftmax(x, None), lambda x: np.log(softmax(x, None))),
    "tanh": (nnet.tanh, np.tanh),
    "glu": (
        lambda x: nnet.glu(x, 0) if x.ndim == 2 else x,
        lambda x: x[:1] * sigmoid(x[1:]) if x.ndim == 2 else x,
    ),
}
every_case = pytest.mark.parametrize(("f", "formula"), CASES.values(), ids=CASES)


def test_every_activation_has_a_case():
    assert {name.split("(")[0] for name in CASES} == set(nnet.activations.__all__)


@every_case
def test_values(f, formula):
    np.testing.assert_allclose(f(mg.tensor(X)), formula(X), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(f(X.T[:, ::-1].T), formula(X.T[:, ::-1].T), rtol=1e-14, atol=1e-15)


@every_case
def test_gradients_to_second_order(f, formula):
    check_gradient(f, X)


@every_case
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes_are_kept(f, formula, dtype):
    x = mg.tensor(X, dtype=dtype)
    y = f(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.dtype(dtype)
    scale = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, formula(x.data.astype("f8")), rtol=scale, atol=scale)


@every_case
def test_empty(f, formula):
    x = mg.tensor(np.zeros((0, 3)))
    f(x).backward()
    assert x.grad.shape == (0, 3)


ELEMENTWISE = sorted(set(CASES) - {"glu", "softmax(axis)", "logsoftmax(axis)"})


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_scalars(name):
    x = mg.tensor(0.5)
    CASES[name][0](x).backward()
    assert x.grad.shape == ()
    if "softmax" in name:
        assert x.grad == 0


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_stays_nan(name):
    assert np.all(np.isnan(CASES[name][0](mg.tensor([np.nan]))))


def test_infinities():
    x = [-np.inf, np.inf]
    np.testing.assert_array_equal(nnet.elu(x, 0.5), [-0.5, np.inf])
    np.testing.assert_array_equal(nnet.relu(x), [0, np.inf])
    np.testing.assert_array_equal(nnet.leaky_relu(x, 0.5), x)
    np.testing.assert_array_equal(nnet.hard_tanh(x), [-1, 1])
    np.testing.assert_array_equal(nnet.sigmoid(x), [0, 1])
    np.testing.assert_array_equal(nnet.softmax([-np.inf, 0.0]), [0, 1])


def test_large_arguments_do_not_overflow():
    x = mg.tensor([-1e4, 1e4])
    for f in (lambda x: nnet.elu(x, 1.0), nnet.selu, nnet.sigmoid, nnet.soft_sign, nnet.softmax):
        f(x).backward()
        assert np.all(np.isfinite(x.grad))
    np.testing.assert_array_equal(nnet.logsoftmax([0.0, 1e4]), [-1e4, 0])


@pytest.mark.parametrize(
    ("f", "at_zero"),
    [
        (nnet.relu, 0),
        (lambda x: nnet.leaky_relu(x, 0.5), 0),
        (lambda x: nnet.elu(x, 0.5), 1),
        (nnet.selu, 1.0507009873554805),
        (nnet.soft_sign, 1),
        (nnet.sigmoid, 0.25),
    ],
)
def test_derivative_at_zero(f, at_zero):
    x = mg.tensor(0.0)
    f(x).backward()
    assert x.grad == at_zero


def test_hard_tanh_is_flat_at_its_ends():
    x = mg.tensor([-1.0, 1.0, 0.5])
    nnet.hard_tanh(x).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])


def test_lower_bound_wins():
    np.testing.assert_array_equal(nnet.hard_tanh([0.0, 3.0], lower_bound=1, upper_bound=-1), 1)


@pytest.mark.parametrize("f", [lambda x: nnet.leaky_relu(x, 2), nnet.relu, nnet.hard_tanh])
def test_integers_stay_integers(f):
    y = f([-3, 1])
    assert y.dtype == np.int64
    assert y.constant


@pytest.mark.parametrize("f", [nnet.selu, nnet.soft_sign, nnet.sigmoid, nnet.softmax, nnet.logsoftmax])
def test_integers_become_float64(f):
    assert f([-3, 1]).dtype == np.float64


@every_case
def test_constants(f, formula):
    assert not f(mg.tensor(X)).constant
    assert f(mg.tensor(X, constant=True)).constant


@pytest.mark.parametrize("name", nnet.activations.__all__)
def test_constant_on_request(name):
    more = {"elu": [0.1], "leaky_relu": [0.1]}.get(name, [])
    x = mg.tensor([[1.0, 2.0]])
    assert getattr(nnet, name)(x, *more, constant=True).constant


@pytest.mark.parametrize("f", [nnet.elu, nnet.leaky_relu])
class TestParameter:
    @pytest.mark.parametrize(
        "given", [0.5, np.float32(0.5), np.array([0.5]), mg.Tensor(0.5), mg.Tensor([[0.5]])]
    )
    def test_one_number(self, f, given):
        x = mg.tensor([-1.0, 1.0], dtype="f4")
        np.testing.assert_array_equal(f(x, given), f(x, 0.5))
        assert f(x, given).dtype == np.float32

    @pytest.mark.parametrize("given", ["a", None, 1j, [0.5]])
    def test_no_number(self, f, given):
        with pytest.raises(TypeError, match="must be a real number"):
            f(mg.tensor([1.0]), given)

    def test_several_numbers(self, f):
        with pytest.raises(ValueError):
            f(mg.tensor([1.0]), np.array([0.5, 0.5]))

    def test_is_required(self, f):
        with pytest.raises(TypeError):
            f(mg.tensor([1.0]))


@pytest.mark.parametrize("bound", ["a", None, [1.0]])
@pytest.mark.parametrize("name", ["lower_bound", "upper_bound"])
def test_bounds_are_numbers(bound, name):
    with pytest.raises(TypeError, match=name):
        nnet.hard_tanh([0.0], **{name: bound})
    with pytest.raises(TypeError):
        nnet.hard_tanh([0.0], -1, 1)  # keywords only


@pytest.mark.parametrize("axis", [-1, 1, np.int64(-1)])
def test_glu_along_an_axis(axis):
    x = np.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(nnet.glu(x, axis), x[:, :2] * sigmoid(x[:, 2:]))
    check_gradient(lambda x: nnet.glu(x, axis), x / 4)


@pytest.mark.parametrize(
    ("axis", "error"),
    [(1.0, TypeError), (None, TypeError), ((0,), TypeError), (5, IndexError), (1, ValueError)],
)
def test_glu_refuses(axis, error):
    with pytest.raises(error, match=r"axis"):
        nnet.glu(mg.zeros((2, 3)), axis)


@pytest.mark.parametrize("f", [nnet.softmax, nnet.logsoftmax])
@pytest.mark.parametrize(
    ("axis", "error"), [(1.0, TypeError), ("a", TypeError), (3, np.exceptions.AxisError)]
)
def test_softmax_refuses(f, axis, error):
    with pytest.raises(error):
        f(X, axis)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i8", "u8"])
@pytest.mark.parametrize("name", ["sigmoid", "softmax", "logsoftmax", "glu"])
def test_whole_numbers_are_computed_in_double_precision(name, dtype):
    x = np.array([[0, 1, 1, 0]], dtype)
    made = getattr(nnet, name)(mg.tensor(x))
    assert (made.dtype, made.constant) == (np.float64, True)
    np.testing.assert_allclose(made, getattr(nnet, name)(x.astype(float)))


@pytest.mark.parametrize("dtype", ["?", "u1", "i2"])
def test_relu_of_whole_numbers_keeps_their_dtype(dtype):
    x = np.array([0, 1], dtype)
    made = nnet.relu(mg.tensor(x))
    assert (made.dtype, made.constant) == (x.dtype, True)
    np.testing.assert_array_equal(made, x)


def test_hard_tanh_of_unsigned_numbers():
    np.testing.assert_array_equal(nnet.hard_tanh(np.array([0, 1, 7], "u1")), [0, 1, 1])
