"""Every rule in the tables, to second order, against finite differences; each dtype; odd shapes."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.autodiff.overrides import CONSTANT_ONLY, FUNCTIONS, UFUNCS
from mygrad.functions.creation import IN_LIKENESS
from tests.functions.test_numpy_functions import ONE, TWO
from tests.gradients import check_gradient

POSITIVE = (0.3, 2.0)
DOMAINS = {
    np.arccosh: (1.3, 3.0),
    np.arcsin: (-0.8, 0.8),
    np.arccos: (-0.8, 0.8),
    np.arctanh: (-0.8, 0.8),
    **dict.fromkeys([np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.power], POSITIVE),
    **dict.fromkeys([np.float_power, np.reciprocal, np.divide, np.hypot, np.arctan2], POSITIVE),
    np.tan: (-1.0, 1.0),
}
ELEMENTWISE = sorted(
    (u for u in UFUNCS if u.signature is None and u not in CONSTANT_ONLY | {np.ldexp}),
    key=lambda u: u.__name__,
)


def sample(ufunc, *shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(*DOMAINS.get(ufunc, (-2.0, 2.0)), shape) for shape in shapes]


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
@pytest.mark.parametrize("shapes", [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0, 2), (2,))])
def test_elementwise_to_second_order(ufunc, shapes):
    check_gradient(ufunc, *sample(ufunc, *shapes[: ufunc.nin]))


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
def test_gradients_have_the_dtype_and_shape_of_their_tensor(ufunc, dtype):
    xs = [mg.tensor(x.astype(dtype)) for x in sample(ufunc, (2, 3), (3,))[: ufunc.nin]]
    ufunc(*xs).backward()
    for x in xs:
        assert x.grad.dtype == x.dtype
        assert x.grad.shape == x.shape


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_single_precision_agrees_with_double(ufunc):
    doubles = sample(ufunc, (5,), (5,))[: ufunc.nin]
    for dtype, rounding in (("f4", 2.0**-23), ("f2", 2.0**-10)):
        xs = [mg.tensor(x.astype(dtype)) for x in doubles]
        exact = [mg.tensor(x.data.astype("f8")) for x in xs]
        ufunc(*xs).backward()
        ufunc(*exact).backward()
        for x, reference in zip(xs, exact, strict=True):
            scale = 1 + np.abs(reference.grad)
            # a dozen roundings in a rule, on operands that are at most 20 times the result
            assert np.all(np.abs(x.grad - reference.grad) < 300 * rounding * scale)


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_where_lets_gradients_through_at_true_only(ufunc):
    xs = [mg.tensor(x) for x in sample(ufunc, (4,), (4,))[: ufunc.nin]]
    mask = np.array([True, False, True, False])
    ufunc(*xs, where=mask).backward()
    masked = [x.grad for x in xs]
    ufunc(*xs).backward()
    for got, x in zip(masked, xs, strict=True):
        np.testing.assert_array_equal(got, np.where(mask, x.grad, 0))


X = np.random.default_rng(1).uniform(0.5, 2.0, (2, 3, 4))
ZEROS = np.where(X > 1.4, 0.0, X)
MASK = X > 0.8
CASES = {
    "sum": [
        lambda x: np.sum(x),
        lambda x: np.sum(x, axis=1),
        lambda x: np.sum(x, axis=(0, -1), keepdims=True),
        lambda x: np.sum(x, axis=1, where=MASK, initial=3.0),
    ],
    "mean": [
        lambda x: np.mean(x),
        lambda x: np.mean(x, axis=(0, 2)),
        lambda x: np.mean(x, -1, keepdims=True),
        lambda x: np.mean(x, axis=(0, 2), where=MASK),
        lambda x: np.mean(x, where=mg.tensor(MASK[0])),
    ],
    "var": [
        lambda x: np.var(x),
        lambda x: np.var(x, axis=1, ddof=1),
        lambda x: np.var(x, axis=(0, 1)),
        lambda x: np.var(x, axis=(0, 2), where=MASK, ddof=1),
        lambda x: np.var(x, where=MASK[0]),
    ],
    "std": [
        lambda x: np.std(x),
        lambda x: np.std(x, axis=2, ddof=1, keepdims=True),
        lambda x: np.std(x, axis=(0, 1), where=MASK),
    ],
    "max": [
        lambda x: np.max(x),
        lambda x: np.max(x, axis=1),
        lambda x: np.max(x, axis=(2, 0), keepdims=True),
        lambda x: np.max(x, axis=1, where=MASK, initial=1.3),
        lambda x: np.amax(x, initial=0.0),
    ],
    "min": [
        lambda x: np.min(x),
        lambda x: np.min(x, axis=-1),
        lambda x: np.min(x, axis=0, where=MASK, initial=1.1),
    ],
    "prod": [
        lambda x: np.prod(x),
        lambda x: np.prod(x, axis=1),
        lambda x: np.prod(x, axis=(0, 2)),
        lambda x: np.prod(x, axis=1, where=MASK, initial=3.0),
    ],
    "cumsum": [lambda x: np.cumsum(x), lambda x: np.cumsum(x, axis=1)],
    "cumprod": [lambda x: np.cumprod(x), lambda x: np.cumprod(x, axis=1)],
    "reshape": [
        lambda x: np.reshape(x, (4, 6)),
        lambda x: x.reshape(-1) ** 2,
        lambda x: np.reshape(x, (4, 6), order="F") ** 2,
        lambda x: np.reshape(x.T, (4, 6), order="A") ** 2,
    ],
    "ravel": [
        lambda x: np.ravel(x) ** 2,
        *(lambda x, order=order: np.ravel(np.swapaxes(x, 0, 1), order) ** 2 for order in "FAK"),
    ],
    "transpose": [lambda x: np.transpose(x) ** 2, lambda x: np.transpose(x, (1, 2, 0)) ** 2],
    "moveaxis": [lambda x: np.moveaxis(x, (0, 1), (-1, 0)) ** 2],
    "swapaxes": [lambda x: np.swapaxes(x, 0, 2) ** 2],
    "squeeze": [lambda x: np.squeeze(x[:, :1] ** 2), lambda x: np.squeeze(x[:, :1] ** 2, axis=1)],
    "expand_dims": [lambda x: np.expand_dims(x, (0, -1)) ** 2],
    "broadcast_to": [lambda x: np.broadcast_to(x[:1], (5, 2, 3, 4)) ** 2],
    "roll": [lambda x: np.roll(x, 1) ** 2, lambda x: np.roll(x, (1, -2), (0, 2)) ** 2],
    "repeat": [lambda x: np.repeat(x, 2) ** 2, lambda x: np.repeat(x, [1, 0, 3], axis=1) ** 2],
    "stack": [lambda x: np.stack([x, x * x], axis=1), lambda x: np.stack([x, x**3], axis=-1)],
    "concatenate": [
        lambda x: np.concatenate([x, x * x], axis=1),
        lambda x: np.concatenate([x, x**2], axis=None),
    ],
    "atleast": [lambda x: np.atleast_1d(x[0, 0, 0] ** 2), lambda x: np.atleast_3d(x[0] ** 2)],
    "where": [lambda x: np.where(X > 1, x**2, x[0]), lambda x: np.where(X > 1, 3.0, x**2)],
    "clip": [lambda x: np.clip(x, 0.8, 1.5) ** 2],
    "norm": [
        lambda x: np.linalg.norm(x),
        lambda x: np.linalg.norm(x, axis=1),
        lambda x: np.linalg.norm(x, 3, -1, True),
        lambda x: np.linalg.norm(x, np.inf, axis=2),
    ],
    "sinc": [lambda x: np.sinc(x), lambda x: np.sinc(x * 1e-3)],
    "getitem": [
        lambda x: x[0, 1:, ::2] ** 2,
        lambda x: x[[0, 1, 1], :, [0, 0, 0]] ** 2,
        lambda x: x[X > 1] ** 2,
        lambda x: x[..., None, 0] ** 2,
    ],
    "matmul": [
        lambda x: x[0] @ x[1].T,
        lambda x: x @ x[0, 0],
        lambda x: x[0, 0] @ x[:, 0].T,
        lambda x: x @ np.moveaxis(x, 1, 2)[..., :2],
    ],
    "einsum": [
        lambda x: np.einsum("ijk,ljk->il", x, x),
        lambda x: np.einsum("...k,k", x, x[0, 0]),
        lambda x: np.einsum("ii->i", x[0, :, :3]) ** 2,
        lambda x: np.einsum("ii", x[0, :, :3] ** 2),
        lambda x: np.einsum("iij->j", x[:, :2] ** 2),
        lambda x: np.einsum("ijk->", x**2),
        lambda x: np.einsum("ijk,ilk->jl", x[:, :1], x),
        lambda x: np.einsum(x, [0, 1, 2], x, [0, 1, 3], [2, 3]),
        lambda x: np.einsum("ijk->kji", x) ** 2,
    ],
}


@pytest.mark.parametrize(("name", "f"), [(name, f) for name, fs in CASES.items() for f in fs])
def test_functions_to_second_order(name, f):
    check_gradient(f, X)


@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_are_exact_with_zeros(name):
    for f in CASES[name]:
        check_gradient(f, ZEROS)


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
@pytest.mark.parametrize("a", [X, np.asfortranarray(X), X.transpose(1, 0, 2), X[::-1]])
def test_order_of_memory(a, order):
    x = mg.tensor(a, copy=False)
    for f in (lambda a: np.ravel(a, order), lambda a: np.reshape(a, (6, 4), order.replace("K", "F"))):
        y, expected = f(x), f(a)
        np.testing.assert_array_equal(y, expected)
        y.backward(expected)
        np.testing.assert_array_equal(x.grad, a)
    assert (np.ravel(x, order).base is x) == np.shares_memory(np.ravel(a, order), a)
    np.testing.assert_array_equal(x.reshape(4, 6, order="F"), a.reshape(4, 6, order="F"))


def test_the_first_value_of_a_maximum_counts_before_equal_elements():
    x = mg.tensor([1.0, 3.0, 3.0, np.nan])
    for initial, expected in ((3.0, [0, 0, 0]), (2.0, [0, 1, 0])):
        np.max(x, where=[True, True, True, False], initial=initial).backward()
        np.testing.assert_array_equal(x.grad, [*expected, 0])
    np.max(x, initial=5.0).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0, 1])


@pytest.mark.parametrize("f", [np.mean, np.var, np.sum, np.prod])
def test_what_a_mask_leaves_out_may_be_anything(f):
    x = mg.tensor([1.0, 2.0, 4.0, np.nan, np.inf])
    f(x, where=[True, True, True, False, False]).backward()
    y = mg.tensor([1.0, 2.0, 4.0])
    f(y).backward()
    np.testing.assert_allclose(x.grad, [*y.grad, 0, 0])


MATRICES = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((3,), (5, 3, 2)), ((5, 1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)),
]  # fmt: skip


def test_a_single_number_is_repeated_along_axis_0_as_well():
    check_gradient(lambda x: np.repeat(x, 3, axis=0) ** 2, np.array(1.5))


@pytest.mark.parametrize("shapes", MATRICES)
def test_matmul_to_second_order(shapes):
    a, b = sample(None, *shapes)
    check_gradient(np.matmul, a, b)


VECTORS = {"vecdot": ((4, 2, 3), (3,)), "matvec": ((4, 2, 3), (3,)), "vecmat": ((4, 2), (2, 3))}


@pytest.mark.parametrize("name", VECTORS)
def test_products_of_vectors_to_second_order(name):
    if not hasattr(np, name):
        pytest.skip("NumPy 2.2 or later has it")
    check_gradient(getattr(np, name), *sample(None, *VECTORS[name]))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.mean(x, initial=2.0), TypeError),
        (lambda x: np.max(x, initial=x[0, 0, 0]), TypeError),
        (lambda x: np.squeeze(x, order="F"), TypeError),
        (lambda x: np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)]), TypeError),
        (lambda x: np.sum(x, banana=1), TypeError),
    ],
)
def test_parameters_that_rules_do_not_know_are_refused(call, error):
    with pytest.raises(error):
        call(mg.tensor(X))


def test_every_overridden_function_has_a_case():
    tested = set(CASES) | {"amax", "amin", "atleast_1d", "atleast_2d", "atleast_3d"}
    elsewhere = {name.removeprefix("linalg.") for name in [*ONE, *TWO]}
    tested |= elsewhere | {"unstack", "convolve", "correlate"}  # the last two are in test_signal
    tested |= {"real", "imag", "angle", "real_if_close"}  # in autodiff/test_complex
    tested |= {"frexp", "modf", "i0"}  # in test_floats
    tested |= {
        "astype",
        "trim_zeros",
        "sort_complex",
        "intersect1d",
        "setdiff1d",
        "setxor1d",
    }  # in test_choices
    tested |= {"histogram", "histogram2d", "histogramdd"}  # in test_namespace, as is what makes arrays
    tested |= set(mg.fft.__all__)  # in test_fourier
    tested |= set(mg.linalg.__all__)  # in test_decompositions, test_inverses and test_linalg
    creation = {"empty_like", "zeros_like", "ones_like", "full_like", *IN_LIKENESS}
    assert {f.__name__ for f in FUNCTIONS} - {"setitem"} <= tested | creation
