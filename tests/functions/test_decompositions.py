"""Eigenvectors, singular vectors, QR: against NumPy and finite differences, equal values, what is refused.

Functions that are differentiated depend on no sign or phase of a vector.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mygrad as mg
from tests.gradients import check_gradient

DTYPES = ["f4", "f8", "c8", "c16"]
KINDS = pytest.mark.parametrize("kind", ["f", "c"])
SHAPES = pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)], ids=str)


def sample(shape, kind="f", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if kind == "c" else x


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


def sizes(x):
    """Return a number that depends on every element of `x`, but on no phase of a column."""
    weights = sample((x.shape[-2], x.shape[-2]), "c", 5)
    return np.sum(np.abs(weights @ x) ** 2 * np.arange(1.0, x.shape[-1] + 1))


def parts(x):
    """Return a real number that depends on both parts of every element of `x`."""
    return np.sum(np.sin(np.real(x))) + np.sum(np.imag(x) ** 2)


def of_eigh(x, UPLO="L"):
    w, v = np.linalg.eigh(x + adjoint(x), UPLO)
    return np.sum(np.sin(w)) + sizes(v) + parts(v * np.exp(w / 4)[..., None, :] @ adjoint(v))


def of_eig(x):
    w, v = np.linalg.eig(x)
    return np.sum(np.abs(w) ** 3) + parts(w) + sizes(v)


def of_svd(x, full_matrices):
    u, s, vh = np.linalg.svd(x, full_matrices)
    k = s.shape[-1]
    rest = sizes(u[..., k:] @ adjoint(u[..., k:])) + sizes(adjoint(vh[..., k:, :]) @ vh[..., k:, :])
    low_rank = (u[..., :k] * np.sin(s)[..., None, :]) @ vh[..., :k, :]
    return sizes(u[..., :k]) + sizes(adjoint(vh[..., :k, :])) + parts(low_rank) + rest


def of_qr(x, mode):
    q, r = np.linalg.qr(x, mode)
    k = min(x.shape[-2:])
    return parts(r) + parts(q[..., :k] ** 2) + parts(q[..., k:] @ adjoint(q[..., k:]))


# -- gradients


@KINDS
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_eigh(kind, UPLO):
    check_gradient(lambda x: of_eigh(x, UPLO), sample((3, 3), kind))
    check_gradient(lambda x: np.linalg.eigvalsh(x + adjoint(x), UPLO) ** 2, sample((3, 3), kind))


@KINDS
def test_eig(kind):
    check_gradient(of_eig, sample((3, 3), kind, 1), tol=1e-5)
    check_gradient(lambda x: np.abs(np.linalg.eigvals(x)) ** 3, sample((3, 3), kind, 1), tol=1e-5)


def test_eig_of_real_eigenvalues():
    x = np.diag([1.0, 3.0, 5.0]) + sample((3, 3)) / 8
    assert np.linalg.eig(mg.tensor(x)).eigenvectors.dtype == np.linalg.eig(x).eigenvectors.dtype
    check_gradient(of_eig, x)


@KINDS
@SHAPES
@pytest.mark.parametrize("full_matrices", [True, False])
def test_svd(kind, shape, full_matrices):
    check_gradient(lambda x: of_svd(x, full_matrices), sample(shape, kind), tol=1e-5)


@KINDS
@SHAPES
def test_svdvals(kind, shape):
    check_gradient(lambda x: np.linalg.svdvals(x) ** 3, sample(shape, kind))
    check_gradient(lambda x: np.sin(np.linalg.svd(x, compute_uv=False)), sample(shape, kind))


@KINDS
@SHAPES
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(kind, shape, mode):
    check_gradient(lambda x: of_qr(x, mode), sample(shape, kind), tol=1e-5)


@KINDS
@SHAPES
def test_r_alone(kind, shape):
    check_gradient(lambda x: parts(np.linalg.qr(x, "r")), sample(shape, kind), tol=1e-5)


BATCHED = {
    "eigh": of_eigh,
    "eigvalsh": lambda x: np.sum(np.linalg.eigvalsh(x + adjoint(x)) ** 3),
    "eig": of_eig,
    "svd": lambda x: of_svd(x, True),
    "svdvals": lambda x: np.sum(np.linalg.svdvals(x) ** 3),
    "qr": lambda x: of_qr(x, "complete"),
    "r": lambda x: parts(np.linalg.qr(x, "r")),
}


@KINDS
@pytest.mark.parametrize("name", BATCHED)
def test_batches_are_matrices_side_by_side(name, kind):
    gradient, x = mg.grad(BATCHED[name]), np.swapaxes(sample((2, 2, 3, 3), kind, 1), -1, -2)  # not contiguous
    alone = [gradient(each).data for each in x.reshape(-1, 3, 3)]
    assert_allclose(gradient(x).data.reshape(-1, 3, 3), np.stack(alone), rtol=1e-9, atol=1e-9)


def test_one_output_alone_has_its_gradient():
    """The others count as zero, however many of them live."""
    a = sample((3, 3))
    check_gradient(lambda x: np.abs(np.linalg.svd(x).Vh[0]), a, order=1)
    x = mg.tensor(a + a.T)
    w, v = np.linalg.eigh(x)
    (w.sum() + 0 * v.sum()).backward()
    assert_allclose(x.grad, np.eye(3), atol=1e-14)


def test_push_forward():
    x, t = sample((3, 3)), sample((3, 3), seed=2)
    for f in (lambda x: np.linalg.eigh(x + x.T).eigenvalues, lambda x: np.linalg.qr(x).R, np.linalg.svdvals):
        step = 1e-6
        expected = (f(mg.tensor(x + step * t)).data - f(mg.tensor(x - step * t)).data) / (2 * step)
        assert_allclose(mg.jvp(f, (x,), (t,))[1].data, expected, atol=1e-7)


# -- values, dtypes, shapes

CALLS = {
    "eigh": np.linalg.eigh,
    "eigh U": lambda x: np.linalg.eigh(x, UPLO="U"),
    "eigvalsh": np.linalg.eigvalsh,
    "eigvalsh U": lambda x: np.linalg.eigvalsh(x, "U"),
    "eig": np.linalg.eig,
    "eigvals": np.linalg.eigvals,
    "svd": np.linalg.svd,
    "thin svd": lambda x: np.linalg.svd(x, full_matrices=False),
    "svd of Hermitian": lambda x: np.linalg.svd(x, hermitian=True),
    "values of Hermitian": lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True),
    "svdvals": np.linalg.svdvals,
    "qr": np.linalg.qr,
    "complete qr": lambda x: np.linalg.qr(x, mode="complete"),
    "r": lambda x: np.linalg.qr(x, "r"),
}


def outputs(result):
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_values_and_dtypes_are_numpys(name, dtype):
    x = sample((2, 3, 3), np.dtype(dtype).kind).astype(dtype)
    expected, t = CALLS[name](x), mg.tensor(x)
    got = CALLS[name](t)
    assert type(got) is (type(expected) if isinstance(expected, tuple) else mg.Tensor)
    for ours, theirs in zip(outputs(got), outputs(expected), strict=True):
        assert ours.dtype == theirs.dtype
        assert_allclose(ours.data, theirs, atol=1e-5 if x.real.dtype == np.float32 else 1e-12)
    mg.add_sequence(0.0, *(np.sum(np.abs(each)) for each in outputs(got))).backward()
    assert t.grad.dtype == x.dtype
    assert np.isfinite(t.grad).all()


def needs_square(name):
    return "eig" in name or "Hermitian" in name


EMPTY_SQUARES = [(0, 0), (2, 0, 0), (0, 3, 3)]
EMPTY = [(name, shape) for name in CALLS for shape in EMPTY_SQUARES]
EMPTY += [(name, shape) for name in CALLS if not needs_square(name) for shape in [(0, 3), (3, 0), (2, 0, 3)]]


@pytest.mark.parametrize(("name", "shape"), EMPTY, ids=str)
def test_empty(name, shape):
    x = mg.tensor(np.zeros(shape))
    expected, got = outputs(CALLS[name](x.data)), outputs(CALLS[name](x))
    assert [each.shape for each in got] == [each.shape for each in expected]
    sum((np.real(each) ** 2).sum() for each in got).backward()
    assert_array_equal(x.grad, np.zeros(shape))


def test_lists_and_integers_are_constants():
    for name in ("eigh", "eig", "svd", "qr"):
        found, expected = (getattr(module.linalg, name)([[2, 1], [1, 3]]) for module in (mg, np))
        assert all(each.constant for each in found)
        assert [each.dtype for each in found] == [each.dtype for each in expected]
    assert mg.linalg.eigvalsh([[2, 1], [1, 3]]).constant
    with mg.no_autodiff:
        assert_allclose(mg.linalg.eigh(mg.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues.data, [1, 3])


@KINDS
def test_one_triangle_is_read_and_the_gradient_is_hermitian(kind):
    x = sample((3, 3), kind)
    np.fill_diagonal(x, x.diagonal().real)
    lower, upper = np.tril(x) + adjoint(np.tril(x, -1)), np.triu(x) + adjoint(np.triu(x, 1))
    for vectors, hermitian in (
        (lambda x: np.linalg.eigh(x).eigenvectors, lower),
        (lambda x: np.linalg.eigh(x, "U").eigenvectors, upper),
        (lambda x: np.linalg.svd(x, hermitian=True).U, lower),
        (lambda x: np.linalg.eigvalsh(x)[None], lower),
        (lambda x: np.linalg.eigvalsh(x, "U")[None], upper),
    ):
        value, gradient = mg.value_and_grad(lambda x, f=vectors: np.sum(np.abs(f(x)) ** 3))(x)
        same_value, same = mg.value_and_grad(lambda x, f=vectors: np.sum(np.abs(f(x)) ** 3))(hermitian)
        assert_allclose(value.data, same_value.data, rtol=1e-12)
        assert_allclose(gradient.data, same.data, atol=1e-11)
        assert_allclose(gradient.data, adjoint(gradient.data), atol=1e-11)


@KINDS
def test_svd_of_hermitian_matrices(kind):
    def f(x, hermitian):
        a = x + adjoint(x)
        u, s, vh = np.linalg.svd(a, hermitian=hermitian)
        alone = np.linalg.svd(a, compute_uv=False, hermitian=hermitian)
        return sizes(u) + sizes(adjoint(vh)) + parts(u * np.sin(s) @ vh) + np.sum(alone**3)

    x = sample((3, 3), kind)
    for order in (f, lambda x, flag: np.sum(np.abs(mg.grad(f)(x, flag)) ** 2)):
        assert_allclose(
            mg.grad(order)(mg.tensor(x), True).data,
            mg.grad(order)(mg.tensor(x), False).data,
            rtol=1e-9,
            atol=1e-9,
        )


# -- equal values


def test_sum_of_equal_eigenvalues():
    for a in (np.eye(3), np.zeros((3, 3)), np.diag([2.0, 2.0, 5.0])):
        for eigenvalues in (
            lambda x: np.linalg.eigh(x)[0],
            np.linalg.eigvalsh,
            lambda x: np.real(np.linalg.eig(x)[0]),
        ):
            gradient = mg.grad(lambda x, f=eigenvalues: np.sum(f(x)))
            assert_allclose(gradient(a).data, np.eye(3), atol=1e-14)
            assert_allclose(mg.grad(lambda x, g=gradient: np.sum(g(x) ** 2))(a).data, 0, atol=1e-13)


@KINDS
def test_spaces_of_equal_eigenvalues(kind):
    """Two of three are equal but for rounding: their sum, and their projection, have gradients."""
    q = np.linalg.qr(sample((3, 3), kind)).Q
    a = q * [1.0, 1.0, 2.0] @ adjoint(q) / 2

    def f(x):
        w, v = np.linalg.eigh(x + adjoint(x))
        return parts(v[:, :2] @ adjoint(v[:, :2])) + np.sum(w[:2]) ** 2 + np.sin(w[2])

    check_gradient(f, a, order=1)


@KINDS
def test_polar_factor_of_equal_singular_values(kind):
    a = 2 * np.linalg.qr(sample((3, 3), kind)).Q

    def f(x):
        u, s, vh = np.linalg.svd(x)
        return parts(u @ vh) + np.sum(s**2)

    check_gradient(f, a, order=1)


def test_singular_values_of_0_are_flat_as_sizes_are():
    for f in (np.linalg.svdvals, lambda x: np.linalg.svd(x).S):
        x = mg.tensor([[2.0, 0.0], [0.0, 0.0]])
        f(x).sum().backward()
        assert_array_equal(x.grad, [[1, 0], [0, 0]])


@pytest.mark.parametrize("name", ["eigh", "svd", "thin svd", "eig"])
@pytest.mark.parametrize(
    "a", [np.zeros((3, 3)), np.eye(3), np.diag([1.0, 1.0, 0.0])], ids=["0", "1", "projection"]
)
def test_nothing_is_divided_by_0(name, a):
    weights = [sample((3, 3)), sample((3, 3), seed=1), sample((3, 3), seed=2)]

    def f(x):
        return mg.add_sequence(
            0.0, *(np.sum(w * np.real(each)) for w, each in zip(weights, CALLS[name](x), strict=False))
        )

    gradient = mg.grad(f)
    assert np.isfinite(gradient(a).data).all()
    assert np.isfinite(mg.grad(lambda x: np.sum(np.cos(gradient(x))))(a).data).all()


def test_small_gaps_that_can_be_told_apart_count():
    """The eigenvectors of two eigenvalues 1e-6 apart turn a million times as fast."""
    x = mg.tensor([[1.0, 0.0], [0.0, 1.0 + 1e-6]])
    _, v = np.linalg.eigh(x)
    (v[0, 0] * v[1, 0]).backward()
    assert_allclose(x.grad, [[0, -5e5], [-5e5, 0]], rtol=1e-6)


# -- what is refused


@pytest.mark.parametrize("name", CALLS)
def test_what_numpy_refuses(name):
    f = CALLS[name]
    wrong = [np.ones(3), np.ones((2, 2), "f2")] + [np.ones((2, 3))] * needs_square(name)
    for x in wrong:
        with pytest.raises((np.linalg.LinAlgError, TypeError)) as theirs:
            f(x)
        with pytest.raises(theirs.type) as ours:
            f(mg.tensor(x))
        assert type(ours.value) is type(theirs.value)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: np.linalg.eigh(x, "X"), ValueError, "UPLO"),
        (lambda x: np.linalg.eigvalsh(x, "X"), ValueError, "UPLO"),
        (lambda x: np.linalg.qr(x, "bad"), ValueError, "Unrecognized mode"),
        (lambda x: np.linalg.qr(x, "raw"), NotImplementedError, "reduced, complete, r; got 'raw'"),
        (lambda x: np.linalg.qr(x, "economic"), NotImplementedError, "economic"),
        (lambda x: np.linalg.eig(x * np.nan), np.linalg.LinAlgError, "infs or NaNs"),
        (lambda x: np.linalg.qr(x * 0).R.sum().backward(), np.linalg.LinAlgError, "first 2 columns"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
