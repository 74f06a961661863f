"""Tensors in bfloat16, of the optional ml_dtypes: 8 significant bits, NumPy's promotion, sums in single."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mygrad as mg
from mygrad.autodiff.overrides import CONSTANT_ONLY, UFUNCS
from mygrad.nnet import conv_nd, max_pool, softmax

ml_dtypes = pytest.importorskip("ml_dtypes")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
X = np.random.default_rng(0).uniform(0.3, 0.8, (2, 3)).astype(BFLOAT16)
ELEMENTWISE = [u for u in UFUNCS if u.signature is None and u not in {*CONSTANT_ONLY, np.ldexp}]


def gradients(f, *arrays):
    tensors = [mg.tensor(x) for x in arrays]
    f(*tensors).backward()
    return [x.grad for x in tensors]


def check(f, *arrays, tol=0.03):
    """Compare with double precision; a gradient is a few roundings of 2**-8 away."""
    result = f(*map(mg.tensor, arrays))
    expected = f(*(mg.tensor(x.astype(float)) for x in arrays))
    assert_allclose(result.data.astype(float), expected.data, rtol=tol, atol=tol)
    exact = gradients(f, *(x.astype(float) for x in arrays))
    for ours, theirs in zip(gradients(f, *arrays), exact, strict=True):
        assert ours.dtype == BFLOAT16
        assert ours.shape == theirs.shape
        assert_allclose(ours.astype(float), theirs, rtol=tol, atol=tol)


def test_data_and_flags():
    x = mg.tensor(X)
    assert (x.dtype, x.constant, mg.astensor(x) is x) == (BFLOAT16, False, True)
    assert mg.tensor(X, constant=True).constant
    assert mg.tensor([1.0, 2.0], dtype=BFLOAT16).dtype == BFLOAT16
    assert mg.zeros(2, dtype=BFLOAT16).dtype == mg.zeros_like(x).dtype == BFLOAT16
    assert x.astype(np.float32).constant is False
    with pytest.raises(TypeError, match="Tensor data must be"):
        mg.tensor(np.zeros(2, "V2"))
    with pytest.raises(TypeError, match="Tensor data must be"):
        mg.tensor(np.zeros(2, ml_dtypes.int4))


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_ufuncs(ufunc):
    x = X + np.array(1, BFLOAT16) if ufunc is np.arccosh else X
    arrays = [x, X.T[:1, :1] / 2][: ufunc.nin]
    assert ufunc(*map(mg.tensor, arrays)).dtype == ufunc(*arrays).dtype  # NumPy's promotion
    check(ufunc, *arrays)


FUNCTIONS = {
    "sum": lambda x: np.sum(x, axis=0),
    "mean": lambda x: np.mean(x, axis=1),
    "var": np.var,
    "std": np.std,
    "prod": np.prod,
    "cumsum": np.cumsum,
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "max": lambda x: np.max(x, axis=1),
    "matmul": lambda x: x @ x.T,
    "matrix and vector": lambda x: np.matmul(x, x[0]),
    "index": lambda x: x[[0, 0], 1] * x[:, 1:].T,
    "mask": lambda x: np.where(X > 0.5, x, 0) * 2,
    "join": lambda x: np.concatenate([x, x * x]),
    "sort": np.sort,
    "pad": lambda x: np.pad(x, 1),
    "norm": np.linalg.norm,
    "python scalars": lambda x: (x / 2 + 1) ** 2 * 0.5,
    "softmax": softmax,
    "single": lambda x: x * np.linspace(0, 1, 3, dtype=np.float32),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check(FUNCTIONS[name], X)


def test_writes():
    def f(x):
        y = +x
        y[0] = y[1] * y[0]
        y += 1
        y *= y
        return y

    check(f, X)


def test_sums_do_not_stop_at_256():
    ones = np.ones((1000, 2), BFLOAT16)
    assert np.sum(ones, axis=0)[0] == 256  # what NumPy makes of it
    for f, value in ((np.sum, 2000), (np.mean, 1), (lambda x: np.cumsum(x)[-1], 2000), (np.var, 0)):
        assert f(mg.tensor(ones)) == value
    scale = mg.tensor(np.ones(2, BFLOAT16))
    (scale * ones).sum().backward()
    assert_array_equal(scale.grad, np.array([1000, 1000], BFLOAT16))
    (g,) = gradients(np.cumsum, ones[:, 0])
    assert_allclose(g.astype(float), np.arange(1000, 0, -1), rtol=2**-8)


def test_convolution_is_summed_in_single():
    x = np.random.default_rng(1).standard_normal((2, 3, 300)).astype(BFLOAT16)
    w = np.random.default_rng(2).standard_normal((4, 3, 5)).astype(BFLOAT16)
    bias = np.ones(4, BFLOAT16)

    def f(x, w, bias):
        return conv_nd(x, w, stride=1, padding=2, bias=bias)

    single = gradients(f, *(each.astype(np.float32) for each in (x, w, bias)))
    for ours, theirs in zip(gradients(f, x, w, bias), single, strict=True):
        assert ours.dtype == BFLOAT16
        assert_array_equal(ours, theirs.astype(BFLOAT16))
    assert max_pool(mg.tensor(x), (2,), 2).dtype == BFLOAT16


def test_gradients_of_gradients():
    second = mg.grad(lambda x: np.sum(mg.grad(lambda x: np.sum(np.sin(x) * x))(x) ** 2))(X)
    exact = mg.grad(lambda x: np.sum(mg.grad(lambda x: np.sum(np.sin(x) * x))(x) ** 2))(X.astype(float))
    assert second.dtype == BFLOAT16
    assert_allclose(second.data.astype(float), exact.data, rtol=0.05)


def test_ml_dtypes_is_not_imported():
    code = "import sys, mygrad as mg; mg.tensor([1.0]).sum().backward(); sys.exit('ml_dtypes' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
