"""Norms and conditions, against NumPy and finite differences; zeros; what is refused."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.random.default_rng(4).uniform(0.3, 2.0, (2, 3, 4)) * np.where(np.arange(4) % 2, 1, -1)
ORDERS = [None, 1, 2, 2.5, 3, -1, 0.5, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("axis", [0, 1, -1, (2,)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_along_an_axis(ord, axis, keepdims):
    def norm(x):
        return mg.linalg.norm(x, ord, axis, keepdims)

    np.testing.assert_allclose(norm(X), np.linalg.norm(X, ord, axis, keepdims), rtol=1e-14)
    if axis != (2,):
        check_gradient(norm, X[:, :, :2], tol=1e-5)


@pytest.mark.parametrize("keepdims", [False, True])
def test_of_all_elements(keepdims):
    np.testing.assert_allclose(
        mg.linalg.norm(X, keepdims=keepdims), np.linalg.norm(X, keepdims=keepdims), rtol=1e-15
    )
    check_gradient(lambda x: mg.linalg.norm(x, keepdims=keepdims), X)
    check_gradient(mg.linalg.norm, -3.0)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, np.inf, -np.inf])
def test_gradient_of_zeros_is_zero(ord):
    x = mg.tensor([[0.0, 0.0], [3.0, 0.0]])
    mg.linalg.norm(x, ord, axis=1).backward()
    np.testing.assert_array_equal(x.grad[0], 0.0)
    assert np.all(np.isfinite(x.grad))


@pytest.mark.parametrize("ord", [None, 1, 2, 3])
def test_gradient_of_zeros_is_nan_on_request(ord):
    x = mg.tensor([[0.0, 0.0], [3.0, 0.0]])
    mg.linalg.norm(x, ord, axis=1, nan_to_num=False).backward()
    np.testing.assert_array_equal(np.isnan(x.grad), [[True, True], [False, True]])
    assert x.grad[1, 0] == pytest.approx(1.0)


def test_ties_of_infinite_order_go_to_the_first():
    x = mg.tensor([1.0, -1.0, 0.5])
    mg.linalg.norm(x, np.inf).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 0.0, 0.0])


def test_numpys_function_is_this_one():
    x = mg.tensor([3.0, 4.0])
    y = np.linalg.norm(x)
    assert isinstance(y, mg.Tensor)
    y.backward()
    np.testing.assert_allclose(x.grad, [0.6, 0.8])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_dtypes(dtype):
    x = mg.tensor([3.0, 4.0], dtype=dtype)
    for ord in (None, 1, 3, np.inf):
        y = mg.linalg.norm(x, ord)
        y.backward()
        assert y.dtype == x.grad.dtype == np.dtype(dtype)
    assert mg.linalg.norm([3, 4]).dtype == np.float64
    assert mg.linalg.norm([3, 4]).constant
    assert mg.linalg.norm(x, constant=True).constant


def test_empty():
    assert mg.linalg.norm(np.zeros(0)) == 0
    with pytest.raises(ValueError, match="zero-size"):
        mg.linalg.norm(np.zeros(0), np.inf)


def test_without_autodiff():
    with mg.no_autodiff:
        assert mg.linalg.norm(mg.tensor([3.0, -4.0]), np.inf) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ord": 0, "axis": 1}, NotImplementedError),
        ({"ord": 3, "axis": (0, 1)}, ValueError),
        ({"ord": 0, "axis": (0, 1)}, ValueError),
        ({"ord": 2, "axis": (0, 0)}, ValueError),
        ({"axis": (0, 0)}, ValueError),
        ({"axis": (0, 1, 2)}, ValueError),
        ({"ord": 2, "axis": (0, 5)}, np.exceptions.AxisError),
        ({"ord": "fro", "axis": 1}, ValueError),
        ({"ord": "bad", "axis": 1}, ValueError),
        ({"ord": 2}, ValueError),  # three axes, and none named
        ({"ord": np.inf}, ValueError),
        ({"axis": 5}, np.exceptions.AxisError),
        ({"axis": 1.0}, TypeError),
    ],
)
def test_what_is_refused(arguments, error):
    with pytest.raises(error):
        mg.linalg.norm(X, **arguments)


def test_words_of_refusal():
    with pytest.raises(ValueError, match="3 is no order of a matrix; there are 'fro', 'nuc', 1"):
        mg.linalg.norm(X[0], 3)


# -- matrices

MATRIX_ORDERS = [None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf]
Z = X + 1j * np.random.default_rng(5).normal(size=X.shape)


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("axis", [(0, 1), (-1, 0), (2, 1)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrices_along_axes(ord, axis, keepdims):
    for x in (X, Z):
        ours, theirs = (f(x, ord, axis, keepdims) for f in (mg.linalg.norm, np.linalg.norm))
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("x", [X, Z], ids=["real", "complex"])
def test_gradients_of_matrix_norms(ord, x):
    check_gradient(lambda x: np.linalg.norm(x, ord, (2, 1)), x[:, :2, :3], tol=1e-5)
    check_gradient(lambda x: np.linalg.norm(x, ord), x[0])


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_one_matrix_needs_no_axis(ord):
    np.testing.assert_allclose(mg.linalg.norm(X[0], ord), np.linalg.norm(X[0], ord), rtol=1e-14)
    if ord is not None:
        x = mg.tensor(Z)
        np.testing.assert_allclose(np.linalg.matrix_norm(x, ord=ord), np.linalg.matrix_norm(Z, ord=ord))
        assert np.linalg.matrix_norm(x, ord=ord, keepdims=True).shape == (2, 1, 1)


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_zero_matrices_are_flat(ord):
    x = mg.tensor(np.zeros((2, 3, 4)))
    np.linalg.norm(x, ord, (1, 2)).sum().backward()
    np.testing.assert_array_equal(x.grad, 0.0)


def test_frobenius_norm_can_tell_its_zeros():
    x = mg.tensor([[0.0, 3.0], [4.0, 0.0]])
    mg.linalg.norm(x, "fro", nan_to_num=False).backward()
    np.testing.assert_array_equal(x.grad, [[np.nan, 0.6], [0.8, np.nan]])


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, 2, np.inf])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3), (0, 2, 3)], ids=str)
def test_norms_of_empty_matrices_are_zero(ord, shape):
    x = mg.tensor(np.zeros(shape))
    y = mg.linalg.matrix_norm(x, ord=ord)
    np.testing.assert_array_equal(y, np.zeros(shape[:-2]), strict=True)
    y.sum().backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("ord", ["fro", "nuc", 1, 2, np.inf])
def test_dtypes_of_matrix_norms(ord, dtype):
    x = mg.tensor(Z[0].astype(dtype) if dtype[0] == "c" else X[0].astype(dtype))
    y = mg.linalg.norm(x, ord)
    y.backward()
    assert y.dtype == x.real.dtype
    assert x.grad.dtype == np.dtype(dtype)
    assert mg.linalg.norm(x, ord, constant=True).constant
    whole = mg.linalg.norm([[3, 0], [0, 4]], ord)
    assert whole.dtype == np.float64
    assert whole.constant
    assert mg.linalg.norm([3, 4], np.inf).dtype == np.float64


# -- vectors over several axes


@pytest.mark.parametrize("ord", [2, 1, 3, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [None, 1, -1, (0, 2), (-1, 0), ()], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_norm(ord, axis, keepdims):
    if axis == () and not keepdims:
        axis = (1,)
    expected = np.linalg.vector_norm(X, axis=axis or None, keepdims=keepdims, ord=ord)
    got = np.linalg.vector_norm(mg.tensor(X), axis=axis or None, keepdims=keepdims, ord=ord)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    check_gradient(
        lambda x: mg.linalg.vector_norm(x, axis=axis or None, keepdims=keepdims, ord=ord),
        X[:, :2, :2],
        tol=1e-5,
    )


def test_vector_norm_of_a_number_and_of_bad_axes():
    check_gradient(mg.linalg.vector_norm, -3.0)
    with pytest.raises(np.exceptions.AxisError):
        mg.linalg.vector_norm(X, axis=3)
    with pytest.raises(NotImplementedError, match="ord=0"):
        mg.linalg.vector_norm(X, ord=0)


# -- conditions

CONDITIONS = [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"]


@pytest.mark.parametrize("p", CONDITIONS)
def test_condition(p):
    for x in (X[:, :, :3] + 2 * np.eye(3), Z[:, :, :3]):
        y = np.linalg.cond(mg.tensor(x), p)
        np.testing.assert_allclose(y, np.linalg.cond(x, p), rtol=1e-12)
        check_gradient(lambda x: np.log(mg.linalg.cond(x, p)), x[1], tol=1e-5)


@pytest.mark.parametrize("p", CONDITIONS)
def test_condition_of_singular_matrices_is_infinite_and_flat(p):
    singular = np.diag([1.0, 0.0, 2.0])
    x = mg.tensor(np.stack([singular, X[0, :, :3]]))
    y = mg.linalg.cond(x, p)
    np.testing.assert_allclose(y[1], np.linalg.cond(x.data[1], p))
    y.sum().backward()
    if p != -2:  # the smallest over the largest singular value
        assert y.data[0] == np.inf
        np.testing.assert_array_equal(x.grad[0], 0.0)
    assert np.abs(x.grad[1]).max() > 0
    assert np.isfinite(x.grad).all()


def test_condition_of_other_shapes():
    np.testing.assert_allclose(mg.linalg.cond(X), np.linalg.cond(X))
    assert mg.linalg.cond(mg.tensor(X[0, :, :3], dtype="f4"), 1).dtype == np.float32
    assert mg.linalg.cond(mg.tensor(X[0], dtype="f4")).dtype == np.float32
    for x, p, words in ((X, 1, "square"), (np.zeros((0, 0)), None, "empty"), (X[0, 0], None, "dimension")):
        with pytest.raises(np.linalg.LinAlgError, match=words):
            mg.linalg.cond(mg.tensor(x), p)
    with pytest.raises(ValueError, match="order"):
        mg.linalg.cond(mg.tensor(X[:, :, :3]), 7)


@pytest.mark.parametrize("zero", [0.0, 0j])
def test_norms_have_no_second_derivative_at_an_element_that_is_zero(zero):
    x = np.array([zero, 3.0, 4.0])
    (product,) = mg.hvp(lambda x: mg.linalg.norm(x, ord=3), (x,), (np.ones_like(x),))
    assert product[0] == 0
    assert abs(product[1]) > 0.01
