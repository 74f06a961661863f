"""`mygrad.array_api` against the standard: the oracle is array-api-strict where there is one, else NumPy."""

import importlib.util
import inspect
import subprocess
import sys

import numpy as np
import pytest

import mygrad as mg
from mygrad import array_api as xp

STRICT = importlib.util.find_spec("array_api_strict") is not None
oracle = importlib.import_module("array_api_strict") if STRICT else np

A = np.array([[0.5, -0.25, 0.75], [0.1, 0.9, -0.6]])
S = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 5.0]])
DTYPES = [
    "float32", "float64", "complex64", "complex128", "int8", "int32", "int64", "uint8", "uint64", "bool",
]  # fmt: skip
ONE = [
    "abs", "acos", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj", "cos", "cosh",
    "exp", "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log1p", "logical_not", "negative",
    "positive", "real", "round", "sign", "signbit", "sin", "sinh", "square", "tan", "tanh", "trunc",
]  # fmt: skip
LARGE = [
    "acosh", "log", "log10", "log2", "reciprocal", "sqrt",
]  # fmt: skip
TWO = [
    "add", "atan2", "bitwise_and", "bitwise_or", "bitwise_xor", "copysign", "divide", "equal",
    "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal", "logaddexp",
    "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "nextafter",
    "not_equal", "pow", "remainder", "subtract",
]  # fmt: skip
SHIFTS = [
    "bitwise_left_shift", "bitwise_right_shift",
]  # fmt: skip
ALONG = [
    "all", "any", "argmax", "argmin", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff",
    "max", "mean", "min", "prod", "std", "sum", "var", "argsort", "sort", "flip",
]  # fmt: skip


def same(got, expected):
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected)
        for each, other in zip(got, expected, strict=True):
            same(each, other)
        return
    assert isinstance(got, mg.Tensor)
    assert got.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(
        got, np.asarray(expected), rtol=1e-6 if got.dtype.itemsize < 8 else 1e-12, atol=1e-12
    )


def converted(make, x):
    if isinstance(x, np.ndarray):
        return make(x)
    return type(x)(converted(make, each) for each in x) if isinstance(x, (list, tuple)) else x


def agrees(call, *args):
    """Both give the same, unless the standard leaves the call undefined, which the oracle may refuse."""
    with np.errstate(all="ignore"):
        try:
            expected = call(oracle, *converted(oracle.asarray, args))
        except TypeError:
            return
        got = call(xp, *converted(xp.asarray, args))
    same(got, expected)


def function(namespace, name):
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


def typed(x, dtype):
    if dtype == "bool":
        return x > 0
    x = 3 * x if "int" in dtype else x
    return np.abs(x).astype(dtype) if dtype[0] == "u" else x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*ONE, *LARGE])
def test_of_one_array(name, dtype):
    agrees(lambda ns, x: function(ns, name)(x), typed(A + 2 if name in LARGE else A, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*TWO, *SHIFTS])
def test_of_two_arrays(name, dtype):
    a, b = typed(np.abs(A) if name == "pow" else A, dtype), typed(np.abs(A[1]) + 0.4, dtype)
    agrees(lambda ns, a, b: function(ns, name)(a, b), a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("axis", [0, -1])
def test_along_an_axis(name, dtype, axis):
    agrees(lambda ns, x: function(ns, name)(x, axis=axis), typed(A, dtype))


CALLS = {
    "astype": [lambda ns, x: ns.astype(x, ns.float32), lambda ns, x: ns.astype(x, ns.int64, copy=False)],
    "asarray": [
        lambda ns, x: ns.asarray(x, copy=True),
        lambda ns, x: ns.asarray([1.0, 2.0], dtype=ns.float32),
    ],
    "broadcast_arrays": [lambda ns, x: list(ns.broadcast_arrays(x, x[0, :]))],
    "broadcast_to": [lambda ns, x: ns.broadcast_to(x, (4, 2, 3))],
    "clip": [lambda ns, x: ns.clip(x, 0.0, 0.6), lambda ns, x: ns.clip(x, max=0.6), lambda ns, x: ns.clip(x)],
    "concat": [lambda ns, x: ns.concat([x, x], axis=1), lambda ns, x: ns.concat([x, x], axis=None)],
    "cumulative_sum": [lambda ns, x: ns.cumulative_sum(x, axis=1, include_initial=True)],
    "cumulative_prod": [lambda ns, x: ns.cumulative_prod(x, axis=0, include_initial=True, dtype=ns.float64)],
    "expand_dims": [lambda ns, x: ns.expand_dims(x, axis=1)],
    "flip": [lambda ns, x: ns.flip(x), lambda ns, x: ns.flip(x, axis=(0, 1))],
    "matmul": [lambda ns, x: ns.matmul(x, x.T)],
    "matrix_transpose": [lambda ns, x: ns.matrix_transpose(x), lambda ns, x: x.mT],
    "max": [lambda ns, x: ns.max(x, axis=(0, 1), keepdims=True)],
    "meshgrid": [lambda ns, x: list(ns.meshgrid(x[0, :], x[1, :], indexing="ij"))],
    "moveaxis": [lambda ns, x: ns.moveaxis(x, 0, 1)],
    "nonzero": [lambda ns, x: ns.nonzero(x > 0)],
    "permute_dims": [lambda ns, x: ns.permute_dims(x, (1, 0))],
    "repeat": [lambda ns, x: ns.repeat(x, 2, axis=1), lambda ns, x: ns.repeat(x, ns.asarray([1, 3]), axis=0)],
    "reshape": [lambda ns, x: ns.reshape(x, (3, -1)), lambda ns, x: ns.reshape(x, (6,), copy=True)],
    "roll": [lambda ns, x: ns.roll(x, 1), lambda ns, x: ns.roll(x, (1, -1), axis=(0, 1))],
    "searchsorted": [lambda ns, x: ns.searchsorted(ns.sort(x[0, :]), x[1, :], side="right")],
    "sort": [lambda ns, x: ns.sort(x, descending=True), lambda ns, x: ns.sort(x, axis=0, stable=False)],
    "argsort": [
        lambda ns, x: ns.argsort(x, descending=True),
        lambda ns, x: ns.argsort(x * 0, descending=True),
    ],
    "squeeze": [lambda ns, x: ns.squeeze(x[:1, :], axis=0)],
    "stack": [lambda ns, x: ns.stack([x, 2 * x], axis=1)],
    "std": [lambda ns, x: ns.std(x, axis=1, correction=1.0, keepdims=True)],
    "var": [lambda ns, x: ns.var(x, correction=1.0)],
    "sum": [lambda ns, x: ns.sum(x, dtype=ns.float64), lambda ns, x: ns.sum(x, axis=(0, 1))],
    "prod": [lambda ns, x: ns.prod(x, axis=1, keepdims=True)],
    "mean": [lambda ns, x: ns.mean(x)],
    "take": [lambda ns, x: ns.take(x, ns.asarray([2, 0]), axis=1)],
    "take_along_axis": [lambda ns, x: ns.take_along_axis(x, ns.argsort(x, axis=1), axis=1)],
    "tensordot": [
        lambda ns, x: ns.tensordot(x, x.T, axes=1),
        lambda ns, x: ns.tensordot(x, x, axes=((0, 1), (0, 1))),
    ],
    "tile": [lambda ns, x: ns.tile(x, (2, 1))],
    "tril": [lambda ns, x: ns.tril(x, k=-1)],
    "triu": [lambda ns, x: ns.triu(x, k=1)],
    "unique_all": [lambda ns, x: ns.unique_all(x)],
    "unique_counts": [lambda ns, x: ns.unique_counts(x)],
    "unique_inverse": [lambda ns, x: ns.unique_inverse(x)],
    "unique_values": [lambda ns, x: ns.sort(ns.unique_values(x))],
    "unstack": [lambda ns, x: ns.unstack(x, axis=1)],
    "vecdot": [lambda ns, x: ns.vecdot(x, x), lambda ns, x: ns.vecdot(x, x, axis=-2)],
    "where": [lambda ns, x: ns.where(x > 0, x, -x), lambda ns, x: ns.where(x > 0, x, 0.0)],
    "arange": [lambda ns, x: ns.arange(4), lambda ns, x: ns.arange(1.0, stop=2.0, step=0.25)],
    "empty": [lambda ns, x: 0 * ns.zeros_like(ns.empty((2, 3)))],
    "empty_like": [lambda ns, x: ns.zeros_like(ns.empty_like(x, dtype=ns.float32))],
    "eye": [lambda ns, x: ns.eye(3, 4, k=1, dtype=ns.float32)],
    "full": [lambda ns, x: ns.full((2,), 3.0), lambda ns, x: ns.full(2, 3)],
    "full_like": [lambda ns, x: ns.full_like(x, 2.0)],
    "linspace": [
        lambda ns, x: ns.linspace(0.0, 1.0, 5),
        lambda ns, x: ns.linspace(0, 4, num=4, endpoint=False),
    ],
    "ones": [lambda ns, x: ns.ones((2, 3)), lambda ns, x: ns.ones(2, dtype=ns.int64, device=x.device)],
    "ones_like": [lambda ns, x: ns.ones_like(x)],
    "zeros": [lambda ns, x: ns.zeros((2, 3))],
    "zeros_like": [lambda ns, x: ns.zeros_like(x, device=x.device)],
    "linalg.cholesky": [lambda ns, s: ns.linalg.cholesky(s)],
    "linalg.cross": [lambda ns, s: ns.linalg.cross(s, s[::-1, :])],
    "linalg.det": [lambda ns, s: ns.linalg.det(s)],
    "linalg.diagonal": [lambda ns, s: ns.linalg.diagonal(s, offset=1)],
    "linalg.eigh": [lambda ns, s: ns.linalg.eigh(s).eigenvalues],
    "linalg.eigvalsh": [lambda ns, s: ns.linalg.eigvalsh(s)],
    "linalg.inv": [lambda ns, s: ns.linalg.inv(s)],
    "linalg.matmul": [lambda ns, s: ns.linalg.matmul(s, s)],
    "linalg.matrix_norm": [
        lambda ns, s: ns.linalg.matrix_norm(s),
        lambda ns, s: ns.linalg.matrix_norm(s, ord="nuc"),
    ],
    "linalg.matrix_power": [lambda ns, s: ns.linalg.matrix_power(s, -2)],
    "linalg.matrix_rank": [lambda ns, s: ns.linalg.matrix_rank(s)],
    "linalg.matrix_transpose": [lambda ns, s: ns.linalg.matrix_transpose(s)],
    "linalg.outer": [lambda ns, s: ns.linalg.outer(s[0, :], s[1, :])],
    "linalg.pinv": [lambda ns, s: ns.linalg.pinv(s), lambda ns, s: ns.linalg.pinv(s, rtol=1e-10)],
    "linalg.qr": [lambda ns, s: ns.linalg.qr(s), lambda ns, s: ns.linalg.qr(s, mode="complete").R],
    "linalg.slogdet": [lambda ns, s: ns.linalg.slogdet(s)],
    "linalg.solve": [lambda ns, s: ns.linalg.solve(s, s[:, :1])],
    "linalg.svd": [lambda ns, s: ns.linalg.svd(s, full_matrices=False).S],
    "linalg.svdvals": [lambda ns, s: ns.linalg.svdvals(s)],
    "linalg.tensordot": [lambda ns, s: ns.linalg.tensordot(s, s, axes=1)],
    "linalg.trace": [lambda ns, s: ns.linalg.trace(s, offset=-1)],
    "linalg.vecdot": [lambda ns, s: ns.linalg.vecdot(s, s, axis=-2)],
    "linalg.vector_norm": [
        lambda ns, s: ns.linalg.vector_norm(s, axis=1),
        lambda ns, s: ns.linalg.vector_norm(s, ord=1),
    ],
    **{
        f"fft.{name}": [lambda ns, x, name=name: getattr(ns.fft, name)(x + 0j)]
        for name in ("fft", "ifft", "fftn", "ifftn", "hfft")
    },
    **{
        f"fft.{name}": [lambda ns, x, name=name: getattr(ns.fft, name)(x)]
        for name in ("rfft", "rfftn", "ihfft", "fftshift", "ifftshift")
    },
    **{
        f"fft.{name}": [lambda ns, x, name=name: getattr(ns.fft, name)(x + 0j)]
        for name in ("irfft", "irfftn")
    },
    **{
        f"fft.{name}": [lambda ns, x, name=name: getattr(ns.fft, name)(6, d=0.5)]
        for name in ("fftfreq", "rfftfreq")
    },
}
EACH = [
    pytest.param(call, name, id=f"{name}-{n}")
    for name, calls in CALLS.items()
    for n, call in enumerate(calls)
]


@pytest.mark.parametrize(("call", "name"), EACH)
def test_call(call, name):
    if name in ("sort", "argsort") and not STRICT:
        pytest.skip("NumPy does not sort in descending order")
    agrees(call, S if name.startswith("linalg") else A)


TYPES = [
    "bool", "complex64", "complex128", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
    "uint16", "uint32", "uint64",
]  # fmt: skip
OF_DTYPES = [
    "broadcast_shapes", "isin", "can_cast", "finfo", "iinfo", "isdtype", "result_type",
    "__array_namespace_info__",
]  # fmt: skip


def test_every_name_is_called():
    called = {
        *ONE,
        *LARGE,
        *TWO,
        *SHIFTS,
        *ALONG,
        *CALLS,
        *TYPES,
        *OF_DTYPES,
        "e",
        "inf",
        "nan",
        "newaxis",
        "pi",
    }
    extensions = {f"linalg.{name}" for name in dir(xp.linalg)} | {f"fft.{name}" for name in dir(xp.fft)}
    assert called | {"from_dlpack", "fft", "linalg"} == set(dir(xp)) | extensions


@pytest.mark.skipif(not STRICT, reason="array-api-strict is not installed")
def test_names_are_those_of_the_standard():
    named = {name for name in oracle.__all__ if not name.startswith("__")} - {"Device"}
    assert {name for name in named if "flag" not in name.lower()} <= set(dir(xp))
    for extension in ("linalg", "fft"):
        assert set(getattr(oracle, extension).__all__) - set(dir(getattr(xp, extension))) == set()


def test_isin_and_shapes():
    same(xp.isin(xp.asarray(A), xp.asarray([0.5])), np.isin(A, [0.5]))
    assert xp.broadcast_shapes((2, 1), (3,)) == (2, 3)


def test_dtypes():
    x = xp.asarray(A, dtype=xp.float32)
    assert xp.finfo(x).bits == 32
    assert xp.iinfo(xp.int8).max == 127
    assert xp.isdtype(x.dtype, "real floating")
    assert not xp.isdtype(x.dtype, (xp.float64, "integral"))
    assert xp.result_type(x, xp.float64) == np.float64
    assert xp.can_cast(x, xp.float64)
    assert xp.__array_namespace_info__().default_dtypes()["real floating"] == np.float64
    assert xp.newaxis is None
    assert (xp.pi, xp.e, xp.inf) == (np.pi, np.e, np.inf)
    assert np.isnan(xp.nan)


# -- tensors


def test_the_namespace_of_a_tensor():
    x = mg.tensor(A)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match=r"'2020.1' is not supported; the newest is '2024.12'"):
        x.__array_namespace__(api_version="2020.1")
    with pytest.raises(AttributeError, match=r"no 'relu' in its numpy"):
        xp.relu
    with pytest.raises(AttributeError, match=r"no 'lstsq' in its numpy\.linalg"):
        xp.linalg.lstsq


def test_a_program_for_any_array_library_is_differentiated():
    def logistic(x, w):
        ns = x.__array_namespace__()
        z = ns.vecdot(x, w)
        loss = ns.logaddexp(ns.zeros_like(z), -z) + 0.1 * ns.std(w, correction=1)
        return ns.mean(ns.sort(loss, descending=True)[:1]) + ns.sum(ns.astype(w, ns.float32) ** 2)

    x, w = mg.tensor(A, constant=True), mg.tensor([0.3, -0.2, 0.5])
    logistic(x, w).backward()
    step = 1e-6
    for i in range(3):
        moved = [w.data + s * step * np.eye(3)[i] for s in (1, -1)]
        slope = [float(logistic(x, mg.tensor(m))) for m in moved]
        np.testing.assert_allclose(w.grad[i], (slope[0] - slope[1]) / (2 * step), rtol=0.1, atol=0.1)


def test_what_has_no_derivative_is_constant():
    x = mg.tensor(A)
    for y in (
        xp.floor(x),
        xp.sign(x),
        xp.remainder(x, 0.5),
        x.__array_namespace__().argsort(x),
        xp.less(x, 0),
    ):
        assert isinstance(y, mg.Tensor)
        assert y.constant
    assert not xp.exp(x).constant
    assert not xp.zeros(2).constant


def test_asarray():
    x = mg.tensor(A)
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=True) is not x
    y = xp.asarray(x, dtype=xp.float32)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, 1)
    with pytest.raises(ValueError, match="float64 cannot become one of float32 without a copy"):
        xp.asarray(x, dtype=xp.float32, copy=False)


def test_device_and_transpose():
    x = mg.tensor(np.zeros((2, 3, 4)))
    assert x.mT.shape == (2, 4, 3)
    assert x.mT.base is x
    line = mg.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"the shape \(2,\) has fewer"):
        line.mT
    assert not hasattr(line, "mT")
    assert "T" in dict(inspect.getmembers(line))
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match=r"only device is .*got 'cuda'"):
        x.to_device("cuda")


def test_dlpack():
    x = mg.tensor(A)
    assert x.__dlpack_device__() == (1, 0)
    assert np.shares_memory(np.from_dlpack(x), x.data)
    y = x * 2  # x and y are locked
    np.testing.assert_array_equal(np.from_dlpack(y), 2 * A)
    np.testing.assert_array_equal(np.from_dlpack(x), A)
    assert x.__dlpack__() is not None  # for a library that knows no read-only memory: a copy
    shared = mg.from_dlpack(A)
    assert np.shares_memory(shared.data, A)
    assert not shared.constant
    assert not np.shares_memory(mg.from_dlpack(x, copy=True).data, x.data)
    y.sum().backward()


def test_operators():
    x, f = mg.tensor([6, 3]), mg.tensor([6.5, 3.0], constant=True)
    for got, expected in [
        (x & 2, [2, 2]), (x | 1, [7, 3]), (x ^ 1, [7, 2]), (x << 1, [12, 6]), (x >> 1, [3, 1]),
        (~x, [-7, -4]),
        (2 & x, [2, 2]), (1 | x, [7, 3]), (1 ^ x, [7, 2]), (1 << x, [64, 8]), (64 >> x, [1, 8]),
        (7 % x, [1, 1]),
        (f % 4, [2.5, 3.0]), (x % 4, [2, 3]),
    ]:  # fmt: skip
        np.testing.assert_array_equal(got, expected)
    with pytest.raises(TypeError, match="cannot involve non-constant"):
        mg.tensor([1.0]) % 2


def test_nothing_of_it_is_imported_before_it_is_used():
    code = "import sys, mygrad; sys.exit('mygrad.array_api' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
