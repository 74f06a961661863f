"""Losses: values from loops, gradients to second order, extremes, bad input."""

import numpy as np
import pytest

import mygrad as mg
from mygrad import nnet
from mygrad.nnet import (
    focal_loss,
    margin_ranking_loss,
    multiclass_hinge,
    negative_log_likelihood,
    softmax_crossentropy,
    softmax_focal_loss,
)
from tests.gradients import check_gradient

SCORES = np.array([[1.0, -0.4, 2.3], [0.2, 1.5, 0.6], [-1.0, 0.1, 0.9], [2.0, 0.3, -0.7]])
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
LABELS = np.array([2, 0, 1, 0])
WEIGHTS = np.array([0.5, 2.0, 3.0])
RIGHT = PROBABILITIES[np.arange(4), LABELS]


def hinge(scores, gap):
    return np.mean([
        sum(max(0.0, s - row[label] + gap) for j, s in enumerate(row) if j != label)
        for row, label in zip(scores, LABELS, strict=True)
    ])  # fmt: skip


CASES = {
    "softmax_crossentropy": (softmax_crossentropy, SCORES, -np.mean(np.log(RIGHT))),
    "negative_log_likelihood": (negative_log_likelihood, np.log(PROBABILITIES), -np.mean(np.log(RIGHT))),
    "negative_log_likelihood(weights)": (
        lambda x, y: negative_log_likelihood(x, y, weights=WEIGHTS),
        np.log(PROBABILITIES),
        -np.mean(WEIGHTS[LABELS] * np.log(RIGHT)),
    ),
    "multiclass_hinge": (multiclass_hinge, SCORES, hinge(SCORES, 1.0)),
    "multiclass_hinge(hinge)": (lambda x, y: multiclass_hinge(x, y, 0.25), SCORES, hinge(SCORES, 0.25)),
    "focal_loss": (focal_loss, PROBABILITIES, -np.log(RIGHT)),
    "focal_loss(1, 2)": (
        lambda x, y: focal_loss(x, y, gamma=2),
        PROBABILITIES,
        -((1 - RIGHT) ** 2) * np.log(RIGHT),
    ),
    "focal_loss(0.3, 1.5)": (
        lambda x, y: focal_loss(x, y, alpha=0.3, gamma=1.5),
        PROBABILITIES,
        -0.3 * (1 - RIGHT) ** 1.5 * np.log(RIGHT),
    ),
    "softmax_focal_loss": (softmax_focal_loss, SCORES, -np.log(RIGHT)),
    "softmax_focal_loss(0.3, 0.5)": (
        lambda x, y: softmax_focal_loss(x, y, alpha=0.3, gamma=0.5),
        SCORES,
        -0.3 * (1 - RIGHT) ** 0.5 * np.log(RIGHT),
    ),
}
every_case = pytest.mark.parametrize(("f", "x", "expected"), CASES.values(), ids=CASES)
every_loss = pytest.mark.parametrize("f", [f for name, (f, *_) in CASES.items() if "(" not in name])


def test_every_loss_has_a_case():
    assert {name.split("(")[0] for name in CASES} | {"margin_ranking_loss"} == set(nnet.losses.__all__)


@every_case
def test_values(f, x, expected):
    for labels in (
        LABELS,
        LABELS.tolist(),
        LABELS.astype("u1"),
        mg.tensor(LABELS),
        LABELS - 3 * (LABELS == 2),
    ):
        np.testing.assert_allclose(f(x, labels), expected, rtol=1e-13)
    np.testing.assert_allclose(f(x.tolist(), LABELS), expected, rtol=1e-13)


@every_case
def test_gradients_to_second_order(f, x, expected):
    check_gradient(lambda x: f(x, LABELS), x, step=3e-4, tol=1e-5)


@every_case
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_dtypes_are_kept(f, x, expected, dtype):
    x = mg.tensor(x, dtype=dtype)
    y = f(x, LABELS)
    y.backward()
    assert y.dtype == x.grad.dtype == np.dtype(dtype)
    np.testing.assert_allclose(y, expected, rtol=50 * np.finfo(dtype).eps)


@every_case
def test_constants(f, x, expected):
    assert not f(mg.tensor(x), LABELS).constant
    assert f(x, LABELS).constant


@every_loss
@pytest.mark.parametrize(
    ("x", "labels", "error"),
    [
        (SCORES[0], LABELS, ValueError),
        (SCORES[None], LABELS, ValueError),
        (SCORES, LABELS == 0, TypeError),
        (SCORES, LABELS.astype(float), TypeError),
        (SCORES, LABELS[:3], ValueError),
        (SCORES, LABELS[:, None], ValueError),
        (SCORES, LABELS + 1, IndexError),
        (SCORES, LABELS - 5, IndexError),
    ],
)
def test_bad_labels(f, x, labels, error):
    with np.errstate(all="ignore"), pytest.raises(error):
        f(x, labels)


@every_loss
def test_constant_on_request(f):
    assert f(mg.tensor(PROBABILITIES), LABELS, constant=True).constant


@pytest.mark.parametrize("f", [focal_loss, softmax_focal_loss])
class TestFocal:
    @pytest.mark.parametrize("gamma", [-1, "a", None, np.array(1.0), mg.Tensor(1.0)])
    def test_gamma_is_a_number_not_negative(self, f, gamma):
        with pytest.raises(ValueError, match="gamma"):
            f(PROBABILITIES, LABELS, gamma=gamma)

    def test_keywords_only(self, f):
        with pytest.raises(TypeError):
            f(PROBABILITIES, LABELS, 1, 2)

    def test_alpha_of_each_sample(self, f):
        alpha = np.array([1.0, 2.0, 3.0, 4.0])
        expected = alpha * f(PROBABILITIES, LABELS, gamma=1).data
        np.testing.assert_allclose(f(PROBABILITIES, LABELS, alpha=alpha, gamma=1), expected)
        np.testing.assert_allclose(f(PROBABILITIES, LABELS, alpha=mg.tensor(alpha), gamma=1), expected)

    def test_alpha_is_a_number(self, f):
        with pytest.raises(TypeError):
            f(PROBABILITIES, LABELS, alpha="a")

    def test_no_samples(self, f):
        assert f(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)


@pytest.mark.parametrize(("gamma", "slope"), [(0, -1.0), (0.5, 0.0), (1.0, 0.0), (1.5, 0.0), (2, 0.0)])
def test_focal_loss_of_a_certain_sample(gamma, slope):
    x = mg.tensor([[1.0, 0.0]])
    loss = focal_loss(x, [0], gamma=gamma)
    loss.backward()
    assert loss.data == 0
    np.testing.assert_array_equal(x.grad, [[slope, 0.0]])


def test_focal_loss_of_a_certain_sample_to_second_order():
    check_gradient(lambda x: focal_loss(x, [0], gamma=2), [[1.0 - 1e-2, 0.0]])
    curvature = mg.grad(lambda x: mg.grad(lambda x: focal_loss(x, [0], gamma=1).sum())(x).sum())
    np.testing.assert_allclose(curvature(np.array([[1.0, 0.0]])), [[2.0, 0.0]])


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_softmax_focal_loss_does_not_overflow(gamma):
    x = mg.tensor([[0.0, 1000.0], [1000.0, 0.0]])
    loss = softmax_focal_loss(x, [0, 0], gamma=gamma)
    loss.backward()
    np.testing.assert_array_equal(loss, [1000.0, 0.0])
    np.testing.assert_array_equal(x.grad, [[-1.0, 1.0], [0.0, 0.0]])


def test_crossentropy_does_not_overflow():
    x = mg.tensor([[0.0, 1000.0]])
    loss = softmax_crossentropy(x, [0])
    loss.backward()
    assert loss.data == 1000.0
    np.testing.assert_array_equal(x.grad, [[-1.0, 1.0]])


def test_hinge_is_flat_where_it_is_met_exactly():
    x = mg.tensor([[1.0, 0.0, 0.5]])
    multiclass_hinge(x, [0]).backward()
    np.testing.assert_array_equal(x.grad, [[-1.0, 0.0, 1.0]])


@pytest.mark.parametrize("weights", [WEIGHTS[:2], 2.0, WEIGHTS[:, None]])
def test_weights_are_one_for_each_class(weights):
    with pytest.raises(ValueError, match="3 classes need"):
        negative_log_likelihood(SCORES, LABELS, weights=weights)


def test_weights_have_no_gradient():
    weights = mg.tensor(WEIGHTS)
    negative_log_likelihood(mg.tensor(SCORES), LABELS, weights=weights).backward()
    assert weights.grad is None


# -- margin_ranking_loss

A, B = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 2.4])


@pytest.mark.parametrize(
    "y", [1, -1, [1, -1, 1], np.array([1.0, 1.0, -1.0]), mg.tensor([1, 1, 1]), np.array([1])]
)
@pytest.mark.parametrize("columns", [0, 1, 2])
def test_margin_ranking(y, columns):
    a, b = (np.stack([x, x[::-1]][:columns], axis=1) if columns else x for x in (A, B))
    signs = np.broadcast_to(np.reshape(np.asarray(y), (-1, *[1] * (a.ndim - 1))), a.shape)
    expected = np.mean(
        [max(0, 0.5 - s * (p - q)) for s, p, q in zip(signs.flat, a.flat, b.flat, strict=True)]
    )
    np.testing.assert_allclose(margin_ranking_loss(a, b, y, 0.5), expected)
    check_gradient(lambda a, b: margin_ranking_loss(a, b, y, 0.5), a, b)


def test_margin_ranking_keeps_single_precision():
    x = mg.tensor(A, dtype="f4")
    assert margin_ranking_loss(x, B.astype("f4"), np.array([1, -1, 1]), 0.5).dtype == np.float32


def test_margin_ranking_of_lists():
    assert margin_ranking_loss(A.tolist(), B.tolist(), 1, 0).data == pytest.approx(1 / 3)
    assert margin_ranking_loss(mg.tensor(A), B, 1, 0.5, constant=True).constant


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((A[:2], B, 1, 0.5), ValueError),
        ((A[0], B[0], 1, 0.5), ValueError),
        ((A[None, None], B[None, None], 1, 0.5), ValueError),
        ((A.astype(int), B, 1, 0.5), TypeError),
        ((A, B.astype(int), 1, 0.5), TypeError),
        ((A, B, [1, -1], 0.5), ValueError),
        ((A[:, None], B[:, None], [[1], [1], [1]], 0.5), ValueError),
        ((A, B, "a", 0.5), TypeError),
        ((A, B, 1, -0.5), ValueError),
        ((A, B, 1, "a"), ValueError),
        ((A, B, 1, None), ValueError),
        ((A, B, 1, np.array([0.5])), ValueError),
        ((A, B, 1), TypeError),
    ],
)
def test_margin_ranking_refuses(arguments, error):
    with pytest.raises(error):
        margin_ranking_loss(*arguments)
