"""NumPy's whole namespace: each function is differentiable, or answers for the values, or is refused."""

import io
import types

import numpy as np
import pytest

import mygrad as mg
from mygrad.autodiff.overrides import CONSTANT_ONLY, DISCRETE, FUNCTIONS, PLAIN, UFUNCS, late

late("everything that is filled in late")

REFUSED: dict[str, str] = {}
"""Name -> why there is nothing to do with a tensor."""


def public(path, namespace):
    return {f"{path}.{name}": getattr(namespace, name) for name in sorted(namespace.__all__)}


EVERYTHING = {
    name: each
    for path, namespace in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft))
    for name, each in public(path, namespace).items()
    if not isinstance(each, type | types.ModuleType)
}
UFUNC = {name: each for name, each in EVERYTHING.items() if isinstance(each, np.ufunc)}
OVERRIDDEN = {name: each for name, each in EVERYTHING.items() if hasattr(each, "_implementation")}


def test_the_namespace_is_large():
    assert len(UFUNC) > 80
    assert len(OVERRIDDEN) > 250


@pytest.mark.parametrize("name", UFUNC)
def test_every_ufunc_takes_tensors(name):
    ufunc = UFUNC[name]
    assert (ufunc in UFUNCS) + (ufunc in DISCRETE) + (ufunc in CONSTANT_ONLY) + (ufunc in FUNCTIONS) >= 1


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_every_function_takes_tensors(name):
    function = OVERRIDDEN[name]
    assert (function in FUNCTIONS) + (function in PLAIN) + (function in CONSTANT_ONLY) + (
        name in REFUSED
    ) == 1


# -- what has no gradient is NumPy's answer for the values

V = np.array([3.0, -1.0, 2.0, -1.0, 0.0])
M = np.array([[1.0, 0.0, 3.0], [2.0, 5.0, -4.0], [0.0, 7.0, 8.0]])
W = np.array([1, 4, 2])
DAYS = np.array(["2024-01-01", "2024-01-06"], "datetime64[D]")

CALLS = {
    np.all: [(M,)],
    np.allclose: [(M, M + 1e-12)],
    np.any: [(M,)],
    np.argmax: [(M, 1)],
    np.argmin: [(M, 1)],
    np.argpartition: [(V, 2)],
    np.argsort: [(V,)],
    np.argwhere: [(M,)],
    np.array2string: [(M,)],
    np.array_equal: [(M, M)],
    np.array_equiv: [(M, M[0])],
    np.array_repr: [(M,)],
    np.array_str: [(M,)],
    np.bincount: [(W,)],
    np.busday_count: [(DAYS[0], DAYS[1], [1, 1, 1, 1, 1, 0, 0])],
    np.busday_offset: [(DAYS[0], W)],
    np.can_cast: [("f4", "f8")],
    np.common_type: [(M, W)],
    np.count_nonzero: [(M, 0)],
    np.datetime_as_string: [(DAYS,)],
    np.diag_indices_from: [(M,)],
    np.digitize: [(V, [0.0, 1.0]), (0.3, V[1:3])],
    np.einsum_path: [("ij,jk", M, M)],
    np.flatnonzero: [(M,)],
    np.histogram: [(V, 3), (V, 2, None, True, M[0][[0, 0, 0, 0, 0]])],
    np.histogram2d: [(V, V[::-1], 2)],
    np.histogram_bin_edges: [(V, 3)],
    np.histogramdd: [(M, 2)],
    np.is_busday: [(DAYS,)],
    np.isclose: [(M, 1.0)],
    np.iscomplex: [(M,)],
    np.iscomplexobj: [(M,)],
    np.isin: [(V, M)],
    np.isneginf: [(V,)],
    np.isposinf: [(V,)],
    np.isreal: [(M,)],
    np.isrealobj: [(M,)],
    np.ix_: [(W, W)],
    np.lexsort: [((V, V[::-1]),)],
    np.may_share_memory: [(V, M)],
    np.min_scalar_type: [(W,)],
    np.nanargmax: [(M, 1)],
    np.nanargmin: [(M, 1)],
    np.ndim: [(M,)],
    np.nonzero: [(M,)],
    np.packbits: [(W.astype("u1"),)],
    np.ravel_multi_index: [((W, W), (5, 5))],
    np.result_type: [(M, "f4")],
    np.searchsorted: [(np.sort(V), M)],
    np.shape: [(M,)],
    np.shares_memory: [(V, M)],
    np.size: [(M, 0)],
    np.tril_indices_from: [(M,)],
    np.triu_indices_from: [(M,)],
    np.unpackbits: [(W.astype("u1"),)],
    np.unravel_index: [(W, (2, 3))],
}  # fmt: skip
SAVING = {np.save, np.savetxt, np.savez, np.savez_compressed}


def test_every_function_for_values_is_called():
    assert set(CALLS) | SAVING == PLAIN | {np.histogram, np.histogram2d, np.histogramdd}


def as_tensors(x):
    if isinstance(x, tuple):
        return tuple(map(as_tensors, x))
    return mg.tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind != "M" else x


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, (tuple, list)):
        for each, other in zip(a, b, strict=True):
            same(each, other)
    elif isinstance(a, str):
        assert a == b
    else:
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        pytest.param(f, args, id=f"{f.__name__}-{n}")
        for f, calls in CALLS.items()
        for n, args in enumerate(calls)
    ],
)
def test_values_are_numpys(function, args):
    if function in (np.histogram,) and len(args) == 5:
        args = (*args[:4], args[4])
        tensors = (*as_tensors(args[:4]), mg.tensor(args[4], constant=True))
        same(function(*tensors), function(*args))
        return
    same(function(*as_tensors(args)), function(*args))


@pytest.mark.parametrize("function", sorted(SAVING, key=lambda f: f.__name__))
def test_values_are_saved(function):
    files = io.BytesIO(), io.BytesIO()
    function(files[0], mg.tensor(M))
    function(files[1], M)
    assert len(files[0].getvalue()) == len(files[1].getvalue())
    files[0].seek(0)
    found = np.loadtxt(files[0]) if function is np.savetxt else np.load(files[0])
    np.testing.assert_array_equal(found if isinstance(found, np.ndarray) else found["arr_0"], M)


def test_weights_of_a_histogram_have_no_gradient():
    with pytest.raises(NotImplementedError, match=r"np.histogram .* weights.data"):
        np.histogram(V, weights=mg.tensor(V))


# -- functions that make arrays


@pytest.mark.parametrize(
    ("make", "args"),
    [
        (np.zeros, ((2, 3),)), (np.ones, (2, "f4")), (np.full, (2, 7.0)), (np.eye, (3,)), (np.identity, (2,)),
        (np.tri, (3,)), (np.arange, (1.0, 4.0)), (np.array, ([1.0, 2.0],)), (np.asarray, (M, "f4")),
        (np.asanyarray, (M,)), (np.ascontiguousarray, (M.T,)),
        (np.fromfunction, (lambda i: 2.0 * i, (3,))),
        (np.require, (M,)), (np.asfortranarray, (M,)),
    ],
)  # fmt: skip
def test_like_a_tensor(make, args):
    made = make(*args, like=mg.tensor(1.0))
    assert isinstance(made, mg.Tensor)
    same(made.data, np.asarray(make(*args)))
    assert made.dtype == make(*args).dtype


def test_like_a_tensor_keeps_the_gradient_of_a_tensor():
    x = mg.tensor(V)
    (np.asarray(x, like=x) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * V)
    with pytest.raises(TypeError, match="gradients are lost; join them"):
        np.array([x, x], like=x)


@pytest.mark.parametrize("convert", [np.asarray, np.array, np.asanyarray, np.ascontiguousarray])
def test_conversions_without_it_take_the_values(convert):
    assert type(convert(mg.tensor(V))) is np.ndarray
