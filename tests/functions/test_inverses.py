"""Pseudo-inverses, least squares, ranks, tensors as matrices, and the names that NumPy has twice."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mygrad as mg
from tests.gradients import check_gradient

KINDS = pytest.mark.parametrize("kind", ["f", "c"])
SHAPES = [(3, 3), (4, 2), (2, 4)]


def sample(shape, kind="f", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if kind == "c" else x


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


# -- pseudo-inverses


@KINDS
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 2)], ids=str)
def test_pinv(shape, kind):
    x = sample(shape, kind)
    assert_allclose(np.linalg.pinv(mg.tensor(x)).data, np.linalg.pinv(x), atol=1e-14)
    check_gradient(np.linalg.pinv, x, tol=1e-4)


@KINDS
def test_pinv_at_constant_rank(kind):
    """Products of thin matrices keep their rank, and so have a gradient."""
    left, right = sample((4, 2), kind), sample((2, 3), kind, 1)
    check_gradient(lambda a, b: np.linalg.pinv(a @ b, rtol=1e-8), left, right, tol=1e-4)


@KINDS
def test_pinv_of_equal_singular_values(kind):
    check_gradient(np.linalg.pinv, 2 * np.linalg.qr(sample((3, 3), kind)).Q, tol=1e-5)


@KINDS
def test_pinv_of_hermitian_matrices(kind):
    check_gradient(lambda x: np.linalg.pinv(x + adjoint(x), hermitian=True), sample((3, 3), kind), tol=1e-4)
    x = mg.tensor(np.tril(sample((3, 3), kind)).real)
    y = mg.linalg.pinv(x, hermitian=True)
    y[0, 0].backward()
    whole = mg.tensor(x.data + np.tril(x.data, -1).T)
    mg.linalg.pinv(whole)[0, 0].backward()
    assert_allclose(x.grad, (whole.grad + whole.grad.T) / 2, atol=1e-12)


def test_pinv_cuts_what_it_is_told_to_cut():
    a = np.diag([1.0, 1e-3])
    for keywords in ({"rcond": 1e-2}, {"rtol": 1e-2}, {"rcond": np.array(1e-2)}):
        x = mg.tensor(a)
        y = np.linalg.pinv(x, **keywords)
        assert_array_equal(y.data, [[1, 0], [0, 0]])
        y.sum().backward()
        assert_array_equal(x.grad, np.linalg.pinv(a, **keywords) * -1 + [[0, 1], [1, 0]])
    assert np.linalg.pinv(mg.tensor(a), rtol=None).data[1, 1] == 1000
    with pytest.raises(ValueError, match="both"):
        np.linalg.pinv(mg.tensor(a), 1e-2, rtol=1e-2)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.pinv(mg.tensor([1.0, 2.0]))
    assert mg.linalg.pinv(mg.tensor(a), constant=True).constant


# -- least squares


@KINDS
@pytest.mark.parametrize("columns", [(), (2,)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lstsq(shape, columns, kind):
    a, b = sample(shape, kind), sample((shape[0], *columns), kind, 1)
    expected = np.linalg.lstsq(a, b)
    x, residuals, rank, s = np.linalg.lstsq(mg.tensor(a), mg.tensor(b))
    assert x.shape == expected[0].shape
    assert residuals.shape == expected[1].shape
    for ours, theirs in zip((x.data, residuals.data, rank, s), expected, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
    check_gradient(lambda a, b: np.linalg.lstsq(a, b)[0], a, b, tol=1e-4)
    if residuals.size:
        check_gradient(lambda a, b: np.linalg.lstsq(a, b)[1], a, b, tol=1e-4)


def test_lstsq_without_full_rank():
    left, right, b = sample((4, 2)), sample((2, 3), seed=1), sample((4,), seed=2)
    check_gradient(lambda c, d, b: np.linalg.lstsq(c @ d, b, rcond=1e-8)[0], left, right, b, tol=1e-4)
    assert np.linalg.lstsq(mg.tensor(left @ right), b)[1].shape == (0,)


@pytest.mark.parametrize("rcond", [None, -1, 1e-2])
def test_lstsq_cuts_as_numpys(rcond):
    a = np.diag([1.0, 1e-3])
    x = mg.linalg.lstsq(a, mg.tensor([1.0, 1.0]), rcond)[0]
    assert_allclose(x.data, np.linalg.lstsq(a, [1.0, 1.0], rcond)[0])
    b = mg.tensor([1.0, 1.0])
    mg.linalg.lstsq(a, b, rcond)[0].sum().backward()
    assert_allclose(b.grad, [1, 0 if rcond == 1e-2 else 1000])


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_dtypes(dtype):
    a, b = (mg.tensor(sample(shape).astype(dtype)) for shape in ((4, 3), (4,)))
    x, residuals, _, s = np.linalg.lstsq(a, b)
    (np.sum(np.abs(x)) + np.sum(np.abs(np.linalg.pinv(a))) + np.sum(residuals)).backward()
    assert x.dtype == a.grad.dtype == b.grad.dtype == np.dtype(dtype)
    assert residuals.dtype == s.dtype == a.real.dtype
    assert not x.constant
    assert mg.linalg.lstsq([[1, 0], [0, 2]], [1, 1])[0].constant


@pytest.mark.parametrize(
    ("a", "b"), [((3, 2), (2,)), ((3,), (3,)), ((3, 2), ()), ((3, 2), (3, 1, 1)), ((1, 3, 2), (3,))]
)
def test_lstsq_refuses_what_numpy_refuses(a, b):
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.lstsq(mg.tensor(np.ones(a)), np.ones(b))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty(shape):
    a, b = mg.tensor(np.zeros(shape)), mg.tensor(np.ones((shape[0], 2)))
    x = np.linalg.lstsq(a, b)[0]
    assert_array_equal(x.data, np.zeros((shape[1], 2)), strict=True)
    y = np.linalg.pinv(a)
    assert y.shape == shape[::-1]
    (x.sum() + y.sum()).backward()
    assert a.grad.shape == shape
    assert_array_equal(b.grad, np.zeros(b.shape))


def test_matrix_rank_is_a_number():
    x = np.stack([np.eye(3), np.diag([1.0, 1.0, 1e-3])])
    for keywords in ({}, {"tol": 1e-2}, {"rtol": 1e-2}, {"hermitian": True}, {"tol": mg.tensor([1e-2, 2.0])}):
        got = np.linalg.matrix_rank(mg.tensor(x), **keywords)
        assert type(got) is np.ndarray
        assert got.dtype.kind == "i"
        plain = {name: np.asarray(each) if name == "tol" else each for name, each in keywords.items()}
        assert_array_equal(got, np.linalg.matrix_rank(x, **plain))
    assert mg.linalg.matrix_rank([1.0, 0.0]) == 1
    with pytest.raises(ValueError, match="both"):
        mg.linalg.matrix_rank(x, 1.0, rtol=1.0)


# -- tensors as matrices


@KINDS
def test_tensorinv_and_tensorsolve(kind):
    a, b = sample((4, 6, 8, 3), kind), sample((4, 6), kind)
    assert_allclose(np.linalg.tensorinv(mg.tensor(a)).data, np.linalg.tensorinv(a))
    assert_allclose(np.linalg.tensorsolve(mg.tensor(a), b).data, np.linalg.tensorsolve(a, b))
    moved = np.moveaxis(a, 3, 0)
    assert_allclose(
        np.linalg.tensorsolve(mg.tensor(moved), b, axes=(0,)).data, np.linalg.tensorsolve(a, b), rtol=1e-12
    )
    small = sample((4, 2, 2), kind)
    check_gradient(lambda x: np.linalg.tensorinv(x, ind=1), small, tol=1e-4)
    check_gradient(lambda x, y: np.linalg.tensorsolve(x, y), small, sample((4,), kind), tol=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: np.linalg.tensorinv(x, 0), ValueError, "1 or more; got 0"),
        (lambda x: np.linalg.tensorinv(x, 1), np.linalg.LinAlgError, "4 elements, the others 6"),
        (lambda x: np.linalg.tensorinv(mg.tensor(np.zeros((2, 2)))), np.linalg.LinAlgError, "1"),
        (lambda x: np.linalg.tensorsolve(x, np.ones(4)), np.linalg.LinAlgError, "maps 6 elements"),
        (lambda x: np.linalg.tensorsolve(np.zeros((2, 2)), x[:2, 0, 0]), np.linalg.LinAlgError, "Singular"),
    ],
)
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(mg.tensor(np.ones((4, 2, 3))))


# -- names that NumPy has twice

T, U = sample((2, 3, 3), "c"), sample((2, 3, 3), "c", 1)
TWINS = [
    ("cross", (T, U), {}),
    ("cross", (T, U), {"axis": 1}),
    ("diagonal", (T,), {}),
    ("diagonal", (T,), {"offset": -1}),
    ("matmul", (T, U), {}),
    ("matmul", (T, U[0, 0]), {}),
    ("matrix_transpose", (T,), {}),
    ("outer", (T[0, 0], U[0, 1]), {}),
    ("tensordot", (T, U[0]), {}),
    ("tensordot", (T, U), {"axes": ((1, 2), (2, 1))}),
    ("trace", (T,), {}),
    ("trace", (T,), {"offset": 1, "dtype": np.complex64}),
    ("vecdot", (T, U), {}),
    ("vecdot", (T, U), {"axis": 0}),
]


@pytest.mark.parametrize(("name", "arrays", "keywords"), TWINS, ids=lambda x: x if isinstance(x, str) else "")
def test_twins_in_linalg(name, arrays, keywords):
    ours, theirs = getattr(mg.linalg, name), getattr(np.linalg, name)
    expected = theirs(*arrays, **keywords)
    for made in (ours(*arrays, **keywords), theirs(*map(mg.tensor, arrays), **keywords)):
        assert isinstance(made, mg.Tensor)
        assert made.dtype == expected.dtype
        assert_allclose(made.data, expected, rtol=1e-13)
    if "dtype" not in keywords:
        check_gradient(lambda *xs: theirs(*xs, **keywords), *arrays, order=1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.linalg.outer(x, x), "two vectors"),
        (lambda x: np.linalg.cross(x, x), "3 components"),
        (lambda x: np.linalg.trace(x[0]), "two"),
        (lambda x: np.linalg.diagonal(x[0]), "two"),
        (lambda x: np.linalg.vecdot(x, x[0, :1]), "size"),
    ],
)
def test_twins_refuse(call, words):
    with pytest.raises(ValueError, match=words):
        call(mg.tensor(np.ones((2, 2))))
