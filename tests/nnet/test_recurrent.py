"""gru: the equations written as a loop over tensors, truncated gradients, dropout, bad input."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.nnet import gru, sigmoid
from tests.gradients import check_gradient

T, N, C, D = 4, 2, 3, 2


def arguments(seed=6, times=T):
    rng = np.random.default_rng(seed)
    shapes = [(times, N, C), *[(C, D), (D, D), (D,)] * 3]
    return [rng.standard_normal(shape) for shape in shapes]


def unrolled(X, Uz, Wz, bz, Ur, Wr, br, Uh, Wh, bh, s0=None, limit=None):
    """The states, each from a chain of at most ``limit + 1`` steps that gradients can go back."""
    s = [mg.zeros((N, D), dtype=float) if s0 is None else mg.astensor(s0)]

    def step(s, x):
        z = sigmoid(x @ Uz + s @ Wz + bz)
        r = sigmoid(x @ Ur + s @ Wr + br)
        return (1 - z) * np.tanh(x @ Uh + (r * s) @ Wh + bh) + z * s

    for t in range(len(X)):
        start = max(0, t - limit) if limit is not None else 0
        state = s[start] if limit is None else mg.tensor(s[start].data, constant=True)
        for x in X[start : t + 1]:
            state = step(state, x)
        s.append(state)
    return np.stack(s)


def gradients(f, arrays, **keywords):
    tensors = [mg.tensor(x) for x in arrays]
    y = f(*tensors, **keywords)
    y.backward(np.random.default_rng(0).standard_normal(y.shape))
    return [x.grad for x in tensors]


@pytest.mark.parametrize("first", [None, "array", "constant"])
def test_states_and_gradients(first):
    s0 = None if first is None else np.random.default_rng(1).standard_normal((N, D))
    s0 = mg.tensor(s0, constant=True) if first == "constant" else s0
    xs = arguments()
    y = gru(*xs, s0=s0)
    assert y.shape == (T + 1, N, D)
    np.testing.assert_allclose(y, unrolled(*xs, s0=s0), rtol=1e-13)
    np.testing.assert_array_equal(y[0], np.zeros((N, D)) if s0 is None else s0)
    for ours, theirs in zip(gradients(gru, xs, s0=s0), gradients(unrolled, xs, s0=s0), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_to_second_order():
    X, *weights = arguments(times=2)
    check_gradient(lambda X: gru(X, *weights), X)
    for i in (0, 1, 2, 4, 7):  # Uz, Wz, bz, Wr, Wh

        def f(w, i=i):
            return gru(X, *weights[:i], w, *weights[i + 1 :])

        check_gradient(f, weights[i])


@pytest.mark.parametrize("limit", range(T))
def test_gradients_go_back_so_many_steps(limit):
    xs = arguments()
    expected = gradients(unrolled, xs, limit=limit)
    for ours, theirs in zip(gradients(gru, xs, bp_lim=limit), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_limit_matters():
    xs = arguments()
    full, truncated = gradients(gru, xs), gradients(gru, xs, bp_lim=1)
    assert not np.allclose(full[0], truncated[0])
    for ours, theirs in zip(gradients(gru, xs, bp_lim=T - 1), full, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_dropout_is_of_the_state_weights_and_of_the_data_in_each_gate():
    xs = arguments()
    np.random.seed(7)
    y = gru(*xs, dropout=0.5)
    np.random.seed(7)
    data = [np.random.binomial(1, 0.5, (1, N, D)) / 0.5 for _ in range(3)]
    state = [np.random.binomial(1, 0.5, (D, D)) / 0.5 for _ in range(3)]
    X, groups = xs[0], [xs[1:4], xs[4:7], xs[7:]]
    s = np.zeros((N, D))
    for t in range(T):
        parts = [(X[t] @ U) * m[0] + b for (U, _, b), m in zip(groups, data, strict=True)]
        Wz, Wr, Wh = (W * m for (_, W, _), m in zip(groups, state, strict=True))
        z, r = (1 / (1 + np.exp(-(part + s @ W))) for part, W in zip(parts, (Wz, Wr), strict=False))
        s = (1 - z) * np.tanh(parts[2] + (r * s) @ Wh) + z * s
        np.testing.assert_allclose(y[t + 1], s, rtol=1e-12)


def test_dropout_to_second_order():
    X, *weights = arguments(times=2)

    def f(X):
        np.random.seed(1)
        return gru(X, *weights, dropout=0.3)

    check_gradient(f, X)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dtypes_are_kept(dtype):
    xs = [mg.tensor(x, dtype=dtype) for x in arguments()]
    y = gru(*xs, dropout=0.2)
    y.backward()
    assert {y.dtype, *(x.grad.dtype for x in xs)} == {np.dtype(dtype)}


def test_large_arguments_do_not_overflow():
    xs = [mg.tensor(1e3 * x) for x in arguments()]
    gru(*xs).backward()
    assert all(np.all(np.isfinite(x.grad)) for x in xs)


@pytest.mark.parametrize(("times", "sequences"), [(0, N), (T, 0), (0, 0)])
def test_empty(times, sequences):
    _, *weights = arguments()
    xs = [mg.tensor(x) for x in (np.zeros((times, sequences, C)), *weights)]
    y = gru(*xs)
    y.backward()
    assert y.shape == (times + 1, sequences, D)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(xs[1].grad, np.zeros((C, D)))


def test_lists_and_constants():
    xs = arguments()
    y = gru(*[x.tolist() for x in xs])
    assert y.constant
    np.testing.assert_array_equal(y, gru(*xs))
    assert gru(*map(mg.tensor, xs), constant=True).constant


def test_memory_is_guarded_and_released():
    xs = arguments()
    y = gru(mg.tensor(xs[0], copy=False), *xs[1:])
    assert not xs[0].flags.writeable
    del y
    assert xs[0].flags.writeable


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"s0": mg.Tensor(np.zeros((N, D)))}, ValueError),
        ({"s0": [[0.0] * D] * N}, ValueError),
        ({"bp_lim": -1}, AssertionError),
        ({"bp_lim": T}, AssertionError),
        ({"bp_lim": 1.0}, AssertionError),
        ({"dropout": -0.1}, AssertionError),
        ({"dropout": 1.0}, AssertionError),
        ({"dropout": "a"}, TypeError),
        ({"dropout": mg.Tensor(0.5)}, TypeError),
    ],
)
def test_what_is_refused(keywords, error):
    with pytest.raises(error):
        gru(*arguments(), **keywords)


def test_data_without_an_axis_of_times():
    X, *weights = arguments()
    with pytest.raises(ValueError, match="times, sequences, features"):
        gru(X[0], *weights)
