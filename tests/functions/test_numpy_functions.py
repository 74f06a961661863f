"""NumPy's functions on tensors: NumPy's values, and gradients to second order."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg
from tests.gradients import check_gradient

RNG = np.random.default_rng(0)
V = RNG.standard_normal(6)
M = RNG.standard_normal((3, 4))
T = RNG.standard_normal((2, 3, 4))
SQUARE = RNG.standard_normal((2, 3, 3)) + 3 * np.eye(3)
GAPS = np.where(M > 0.8, np.nan, M)


def written(function, x, *args, **keywords):
    """A copy of `x` after `function` has written into it."""
    x = x + 0.0 * sum(np.sum(each) for each in args if isinstance(each, mg.Tensor))
    function(x, *args, **keywords)
    return x


ONE = {
    "flip": [(V, np.flip), (T, lambda x: np.flip(x, (0, 2)))],
    "fliplr": [(M, np.fliplr)],
    "flipud": [(M, np.flipud)],
    "rot90": [(M, np.rot90), (T, lambda x: np.rot90(x, 3, (1, 2)))],
    "rollaxis": [(T, lambda x: np.rollaxis(x, 2))],
    "matrix_transpose": [(T, np.matrix_transpose)],
    "diagonal": [(M, np.diagonal), (T, lambda x: np.diagonal(x, 1, 0, 2))],
    "diag": [(V, np.diag), (M, lambda x: np.diag(x, -1))],
    "diagflat": [(M, np.diagflat)],
    "tril": [(T, np.tril), (M, lambda x: np.tril(x, -1))],
    "triu": [(T, lambda x: np.triu(x, k=1))],
    "take": [(V, lambda x: np.take(x, [0, 0, 5])), (T, lambda x: np.take(x, [[1, -1], [0, 1]], axis=2))],
    "take_along_axis": [(M, lambda x: np.take_along_axis(x, np.argsort(M, 1), 1))],
    "delete": [(V, lambda x: np.delete(x, [1, 2])), (M, lambda x: np.delete(x, 1, axis=0))],
    "tile": [(M, lambda x: np.tile(x, 2)), (V, lambda x: np.tile(x, (2, 3)))],
    "resize": [(M, lambda x: np.resize(x, (5, 3)))],
    "pad": [
        (M, lambda x: np.pad(x, 1)),
        (M, lambda x: np.pad(x, (1, 2))),
        (M, lambda x: np.pad(x, [[1], [2]])),
        (M, lambda x: np.pad(x, ((1, 2), (0, 3)), constant_values=7.0)),
        *((M, lambda x, mode=mode: np.pad(x, 2, mode)) for mode in ("edge", "reflect", "symmetric", "wrap")),
    ],
    "sort": [(V, np.sort), (T, lambda x: np.sort(x, axis=1)), (M, lambda x: np.sort(x, axis=None))],
    "partition": [(V, lambda x: np.partition(x, 3))],
    "compress": [(M, lambda x: np.compress([True, False, True], x, axis=0))],
    "extract": [(M, lambda x: np.extract(M > 0, x))],
    "array_split": [(V, lambda x: np.array_split(x, 4)[1] ** 2)],
    "split": [(T, lambda x: np.split(x, [1, 3], axis=2)[1]), (V, lambda x: np.split(x, 3)[2])],
    "hsplit": [(M, lambda x: np.hsplit(x, 2)[1])],
    "vsplit": [(M, lambda x: np.vsplit(x, [1])[1])],
    "dsplit": [(T, lambda x: np.dsplit(x, 2)[0])],
    "trace": [(SQUARE[0], np.trace), (T, lambda x: np.trace(x, 1, 2, 1))],
    "ptp": [(V, np.ptp), (T, lambda x: np.ptp(x, axis=1))],
    "average": [
        (M, np.average),
        (M, lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 0.5, 3.0])),
        (M, lambda x: np.average(x, 1, [1.0, 2.0, 0.5, 3.0], returned=True)[0]),
    ],
    "median": [
        (V, np.median),
        (T, lambda x: np.median(x, axis=(0, 2))),
        (M, lambda x: np.median(x, 1, keepdims=True)),
    ],
    "quantile": [
        (M, lambda x: np.quantile(x, [0.1, 0.5, 0.9], axis=1)),
        *(
            (V, lambda x, m=m, q=q: np.quantile(x, q, method=m))
            for q in (0.3, [0.3, 0.6], np.float64(0.3))
            for m in ("lower", "higher", "nearest", "midpoint", "weibull", "hazen", "averaged_inverted_cdf")
        ),
        (M, lambda x: np.quantile(x, [0.2, 0.7], axis=1, weights=[1, 2, 0, 3], method="inverted_cdf")),
        (M, lambda x: np.quantile(x, 0.6, weights=np.exp(M), method="inverted_cdf")),
    ],
    "percentile": [(M, lambda x: np.percentile(x, 30, axis=0, keepdims=True))],
    "diff": [
        (V, np.diff),
        (T, lambda x: np.diff(x, 2, axis=1)),
        (M, lambda x: np.diff(x, prepend=0.0, axis=0)),
    ],
    "ediff1d": [(M, lambda x: np.ediff1d(x, to_end=[1.0], to_begin=2.0))],
    "trapezoid": [(M, np.trapezoid), (M, lambda x: np.trapezoid(x, [0.0, 1.0, 3.0], axis=0))],
    "unwrap": [(4 * V, np.unwrap)],
    "nan_to_num": [(GAPS, lambda x: np.nan_to_num(x, nan=3.0))],
    "nansum": [(GAPS, np.nansum), (GAPS, lambda x: np.nansum(x, axis=0))],
    "nanprod": [(GAPS, lambda x: np.nanprod(x, axis=1))],
    "nanmax": [(GAPS, lambda x: np.nanmax(x, axis=1))],
    "nanmin": [(GAPS, np.nanmin)],
    "nancumsum": [(GAPS, lambda x: np.nancumsum(x, axis=1))],
    "nancumprod": [(GAPS, lambda x: np.nancumprod(x, axis=0))],
    "nanmean": [
        (GAPS, np.nanmean),
        (GAPS, lambda x: np.nanmean(x, axis=1)),
        (M, lambda x: np.nanmean(x, axis=0, where=M > -1)),
    ],
    "nanvar": [(GAPS, lambda x: np.nanvar(x, axis=1, ddof=1)), (M, lambda x: np.nanvar(x, where=M > 0))],
    "nanstd": [(GAPS, np.nanstd), (M, lambda x: np.nanstd(x, axis=1, where=[True, False, True, True]))],
    "nanmedian": [(GAPS, np.nanmedian), (GAPS, lambda x: np.nanmedian(x, axis=1, keepdims=True))],
    "nanquantile": [(GAPS, lambda x: np.nanquantile(x, [[0.1], [0.9]], axis=0))],
    "nanpercentile": [(GAPS, lambda x: np.nanpercentile(x, 30, axis=(0, 1), keepdims=True))],
    "copy": [(M.T, np.copy)],
    "piecewise": [
        (V, lambda x: np.piecewise(x, [x < -0.3, x > 0.3], [lambda x: x**2, np.exp, -1.0])),
        (M, lambda x: np.piecewise(x, [M > 0], [lambda x, n, m=1: m * x**n, 7.0], 3, m=2)),
    ],
    "meshgrid": [
        (V, lambda x: np.meshgrid(x, [1.0, 2.0])[0]),
        (V, lambda x: np.meshgrid(x, x[:2], [1.0], indexing="ij")[1]),
        (V, lambda x: np.meshgrid(x, x[:2], sparse=True, copy=False)[1]),
    ],
    "apply_along_axis": [
        (M, lambda x: np.apply_along_axis(lambda v: v[:2] * v[1], 0, x)),
        (T, lambda x: np.apply_along_axis(np.prod, 1, x)),
        (M, lambda x: np.apply_along_axis(np.outer, 0, x, [1.0, 2.0])),
    ],
    "apply_over_axes": [(T, lambda x: np.apply_over_axes(np.prod, x, [0, -1]))],
    "gradient": [
        (V, np.gradient),
        (V, lambda x: np.gradient(x, 0.1, edge_order=2)),
        (M, lambda x: np.gradient(x, 2.0, [0.0, 1.0, 1.5, 3.0], edge_order=2)[1]),
        (M, lambda x: np.gradient(x, [0.0, 1.0, 3.0], axis=0)),
        (T, lambda x: np.gradient(x, 1.0, 2.0, axis=(2, 1))[1]),
    ],
    "cov": [
        (M, np.cov),
        (M, lambda x: np.cov(x, rowvar=False, bias=True)),
        (M, lambda x: np.cov(x, x[:1] ** 2, ddof=2)),
        (M, lambda x: np.cov(x, fweights=[1, 2, 1, 3], aweights=[1.0, 0.5, 2.0, 1.0])),
        (V, np.cov),
    ],
    "cumulative_sum": [
        (T, lambda x: np.cumulative_sum(x, axis=1)),
        (V, lambda x: np.cumulative_sum(x, include_initial=True)),
    ],
    "cumulative_prod": [(M, lambda x: np.cumulative_prod(x, axis=-1, include_initial=True))],
    "corrcoef": [(M, lambda x: np.corrcoef(x)[0, 1:])],
    "polyder": [(V, np.polyder), (V, lambda x: np.polyder(x, 2))],
    "polyint": [(V, np.polyint), (V, lambda x: np.polyint(x, 2, [3.0, 1.0]))],
    "poly": [(V[:4], np.poly), (SQUARE[0], np.poly)],
    "roots": [(np.array([1.0, -3.0, -6.0, 8.0]), lambda x: np.roots(x).real)],
    "vander": [(V[:3], np.vander), (V[:3], lambda x: np.vander(x, 5, increasing=True))],
    "unique": [(np.array([3.0, 1.0, 2.0]), np.unique), (M, lambda x: np.unique(x, axis=0))],
    "unique_values": [(np.array([3.0, 1.0, 2.0]), lambda x: np.sort(np.unique_values(x)))],
    "unique_all": [(np.array([3.0, 1.0, 2.0]), lambda x: np.unique_all(x).values)],
    "unique_counts": [(np.array([3.0, 1.0, 2.0]), lambda x: np.unique_counts(x).values)],
    "unique_inverse": [(np.array([3.0, 1.0, 2.0]), lambda x: np.unique_inverse(x)[0])],
    "fill_diagonal": [(M, lambda x: written(np.fill_diagonal, x, 2.0))],
    "linalg.inv": [(SQUARE, np.linalg.inv)],
    "linalg.det": [(SQUARE, np.linalg.det), (SQUARE[0], np.linalg.det)],
    "linalg.slogdet": [(SQUARE, lambda x: np.linalg.slogdet(x)[1])],
    "linalg.cholesky": [(SQUARE, lambda x: np.linalg.cholesky(x @ np.swapaxes(x, 1, 2)))],
    "linalg.matrix_power": [
        (SQUARE[0], lambda x, n=n: np.linalg.matrix_power(x, n)) for n in (-1, 0, 1, 2, 5)
    ],
    "linalg.trace": [(SQUARE, lambda x: np.linalg.trace(x, offset=1))] if hasattr(np.linalg, "trace") else [],
}
TWO = {
    "tensordot": [
        (T, M, lambda a, b: np.tensordot(a, b, ((1, 2), (0, 1)))),
        (T, M.T, lambda a, b: np.tensordot(a, b, 1)),
    ],
    "dot": [(V, V + 1, np.dot), (T, M.T, np.dot), (M, V[:4], np.dot), (M, 2.0, np.dot)],
    "inner": [(T, M, np.inner), (V, V, np.inner)],
    "outer": [(M, V, np.outer)],
    "vdot": [(M, M + 1, np.vdot)],
    "kron": [(M, V, np.kron), (T, M, np.kron)],
    "cross": [(M.T, M.T + 1, np.cross), (M, M - 2, lambda a, b: np.cross(a, b, axis=0))],
    "hstack": [(M, M[:, :2], lambda a, b: np.hstack([a, b])), (V, V[:2], lambda a, b: np.hstack((a, b)))],
    "vstack": [(M, V[:4], lambda a, b: np.vstack([a, b]))],
    "dstack": [(M, M + 1, lambda a, b: np.dstack([a, b]))],
    "column_stack": [(M, V[:3], lambda a, b: np.column_stack([a, b]))],
    "append": [(M, V, np.append), (M, M[:1], lambda a, b: np.append(a, b, axis=0))],
    "insert": [
        (V, V[:2], lambda a, b: np.insert(a, [1, 3], b)),
        (M, V[:3], lambda a, b: np.insert(a, 1, b, axis=1)),
    ],
    "interp": [
        (
            np.array([-0.5, 0.3, 1.7, 2.2]),
            np.array([1.0, -1.0, 4.0]),
            lambda x, fp: np.interp(x, [0.0, 1.0, 2.0], fp),
        )
    ],
    "average": [(M, np.exp(M), lambda a, w: np.average(a, axis=0, weights=w))],
    "choose": [(V, V[::-1], lambda a, b: np.choose([0, 1, 1, 0, 1, 0], [a, b * b]))],
    "select": [
        (V, V[::-1], lambda a, b: np.select([[True, False] * 3, V > 0], [a * b, b], a)),
        (M, V[:4], lambda a, b: np.select([M > 1, M > 0], [a, b])),
    ],
    "block": [(M, V[:3], lambda a, b: np.block([[a, b[:, None]], [np.ones((1, 5))]]))],
    "broadcast_arrays": [(M, V[:4], lambda a, b: np.multiply(*np.broadcast_arrays(a, b)))],
    "linspace": [
        (V[:2], V[2:4], lambda a, b: np.linspace(a, b, 5)),
        (0.3, 2.0, lambda a, b: np.linspace(a, b, 5, endpoint=False)),
        (M, 2.0, lambda a, b: np.linspace(a, b, 3, axis=-1)),
    ],
    "logspace": [
        (0.3, 1.5, lambda a, b: np.logspace(a, b, 4)),
        (0.3, 2.0, lambda a, b: np.logspace(a, 1, 3, base=b)),
    ],
    "geomspace": [
        (0.3, 20.0, lambda a, b: np.geomspace(a, b, 4)),
        (np.array([-2.0]), -9.0, lambda a, b: np.geomspace(a, b, 3)),
    ],
    "gradient at places": [(V, np.cumsum(np.exp(V)), lambda f, x: np.gradient(f, x, edge_order=2))],
    "cov of weights": [(M, np.exp(V[:4]), lambda a, w: np.cov(a, aweights=w))],
    "polyval": [(V, M, np.polyval)],
    "polyadd": [(V, V[:2], np.polyadd)],
    "polysub": [(V[:2], V, np.polysub)],
    "polymul": [(V, V[:2], np.polymul)],
    "polydiv": [
        (V, V[:3] + 2, lambda a, b: np.polydiv(a, b)[0]),
        (V, V[:3] + 2, lambda a, b: np.polydiv(a, b)[1]),
    ],
    "polyfit": [
        (V, V[::-1] ** 2, lambda x, y: np.polyfit(x, y, 2)),
        (V, V[::-1] ** 2, lambda x, y: np.polyfit(x, y, 1, full=True)[1]),
        (V, V[::-1] ** 2, lambda x, y: np.polyfit(x, y, 1, cov=True)[1]),
        (V, np.stack([V**2, np.sin(V)], 1), lambda x, y: np.polyfit(x, y, 1, cov=True)[1]),
        (V, V[::-1] ** 2, lambda x, y: np.polyfit(x, y, 1, cov="unscaled")[1] * y[0]),
        (np.arange(4.0), M.T, lambda x, y: np.polyfit(x, y, 1, w=[1.0, 2.0, 1.0, 0.5])),
    ],
    "union1d": [(V, V + 0.01, np.union1d)],
    "copyto": [(M, V[:4], lambda x, v: written(np.copyto, x, v, where=M > 0))],
    "place": [(M, V[:3], lambda x, v: written(np.place, x, M > 0, v))],
    "putmask": [(M, V, lambda x, v: written(np.putmask, x, M > 0, v))],
    "put": [(M, V[:3], lambda x, v: written(np.put, x, [3, 0, 3, -1, 5], v))],
    "put_along_axis": [
        (M, V[:3, None], lambda x, v: written(np.put_along_axis, x, np.argmax(M, 1)[:, None], v, 1))
    ],
    "linalg.solve": [(SQUARE, T[:, :, :2], np.linalg.solve), (SQUARE[0], V[:3], np.linalg.solve)],
    "linalg.multi_dot": [(M, M.T, lambda a, b: np.linalg.multi_dot([a, b, a]))],
}
CASES = [
    pytest.param(case[-1], case[:-1], id=f"{name}-{n}")
    for table in (ONE, TWO)
    for name, cases in table.items()
    for n, case in enumerate(cases)
]
CASES = [each for each in CASES if hasattr(np, "cumulative_sum") or "cumulative" not in each.id]  # NumPy 2.1


@pytest.mark.parametrize(("function", "arrays"), CASES)
def test_values_are_numpys(function, arrays):
    result = function(*(mg.tensor(each) for each in arrays))
    assert isinstance(result, mg.Tensor)
    assert not result.constant
    expected = function(*(np.array(each) for each in arrays))
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("function", "arrays"), CASES)
def test_gradients_to_second_order(function, arrays):
    if any(np.isnan(each).any() for each in arrays):
        arrays = [np.array(each)[~np.isnan(each)].reshape(1, -1) for each in arrays]
    check_gradient(function, *map(np.array, arrays))


@pytest.mark.parametrize(("function", "arrays"), [each for each in CASES if "linalg" not in each.id])
def test_dtypes_are_numpys(function, arrays):
    xs = [mg.tensor(np.asarray(each, "f4")) for each in arrays]
    result = function(*xs)
    assert result.dtype == function(*(np.asarray(each, "f4") for each in arrays)).dtype
    result.sum().backward()
    assert all(x.grad is not None and x.grad.dtype == np.float32 for x in xs)


WHOLE = [each for each in CASES if not each.id.startswith("linalg.matrix_power")]


@pytest.mark.parametrize(("function", "arrays"), WHOLE)
@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_whole_numbers_are_numpys(function, arrays, dtype):
    """Some functions of whole numbers have fractions for results, and some have not."""
    whole = [(3 * np.nan_to_num(each)).astype(dtype) for each in arrays]
    try:
        with np.errstate(all="ignore"):
            expected = np.asarray(function(*map(np.array, whole)))
    except (TypeError, ValueError, np.linalg.LinAlgError):
        return  # not for whole numbers, or none of these
    with np.errstate(all="ignore"):
        result = function(*map(mg.tensor, whole))
    assert result.constant
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-12)


def test_gradients_do_not_flow_through_nan():
    x = mg.tensor(GAPS)
    np.nansum(x).backward()
    np.testing.assert_array_equal(x.grad, ~np.isnan(GAPS))


def test_a_nan_makes_the_median_a_nan():
    assert np.isnan(np.median(mg.tensor([1.0, np.nan, 2.0])).item())


@pytest.mark.parametrize("split", [np.split, np.array_split])
def test_pieces_are_views(split):
    x = mg.tensor(V)
    first, second = split(x, 2)
    assert first.base is x
    first[...] = 0.0
    np.testing.assert_array_equal(x.data[:3], 0)
    second.sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0, 1, 1, 1])


def test_flips_are_views():
    x = mg.tensor(V)
    y = np.flip(x)
    assert y.base is x
    y[0] = 9.0
    assert x.data[-1] == 9.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: np.tensordot(mg.tensor(M), mg.tensor(T)), ValueError, "sizes"),
        (lambda: np.dot(mg.tensor(M), mg.tensor(M)), ValueError, "not aligned"),
        (lambda: np.cross(mg.tensor(M), mg.tensor(M)), ValueError, "3 components"),
        (lambda: np.quantile(mg.tensor(V), 2.0), ValueError, r"\[0, 1\]"),
        (lambda: np.percentile(mg.tensor(V), 200), ValueError, r"\[0, 100\]"),
        (lambda: np.diff(mg.tensor(V), -1), ValueError, "non-negative"),
        (lambda: np.diff(mg.tensor(1.0)), ValueError, "one dimensional"),
        (lambda: np.quantile(mg.tensor(V), 0.5, method="nothing"), ValueError, "nothing"),
        (
            lambda: np.quantile(mg.tensor(M), 0.5, weights=[1.0], method="inverted_cdf"),
            TypeError,
            r"shape \(1,\) do not fit axis None",
        ),
        (
            lambda: np.quantile(mg.tensor(V), 0.5, weights=mg.tensor(V**2), method="inverted_cdf"),
            TypeError,
            "no gradient",
        ),
        (lambda: np.quantile(mg.tensor(V), 0.5, weights=V**2), ValueError, "inverted_cdf"),
        (lambda: np.average(mg.tensor(M), weights=[1.0]), ValueError, "weights"),
        (lambda: np.hsplit(mg.tensor(1.0), 1), ValueError, "1 or more"),
        (lambda: np.dsplit(mg.tensor(M), 1), ValueError, "3 or more"),
        (lambda: np.split(mg.tensor(V), 4), ValueError, "equal division"),
        (lambda: np.linalg.inv(mg.tensor(M)), np.linalg.LinAlgError, "square"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_padding_whose_gradient_is_not_known_says_so():
    with pytest.raises(NotImplementedError, match="linear_ramp"):
        np.pad(mg.tensor(V), 1, "linear_ramp").sum().backward()


def test_unstack():
    layers = mg.unstack(mg.tensor(T), axis=1)
    assert [each.shape for each in layers] == [(2, 4)] * 3
    np.testing.assert_array_equal(layers[2].data, T[:, 2])


# -- arguments that cannot be


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: mg.quantile(mg.tensor([1j, 2j]), 0.5), TypeError, "real numbers"),
        (lambda: mg.quantile(mg.tensor([1.0, 2.0]), 1.5), ValueError, r"in the range \[0, 1\]"),
        (lambda: mg.interp(mg.tensor([1j]), [0.0, 1.0], [0.0, 1.0]), TypeError, "complex128 and float64"),
        (lambda: mg.interp([0.5], mg.tensor([0j, 1.0]), [0.0, 1.0]), TypeError, "float64 and complex128"),
        (lambda: mg.einsum("ij,j", mg.ones((2, 3))), ValueError, "2 operands, 1 were given"),
        (lambda: mg.where([True], mg.ones(1)), ValueError, "both or neither"),
        (lambda: mg.ones(3).reshape(), TypeError, "at least one argument"),
    ],
)
def test_arguments_that_cannot_be(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_where_with_a_condition_alone_gives_positions():
    (positions,) = mg.where(mg.tensor([False, True, True]))
    assert_array_equal(positions, [1, 2])


def test_einsum_of_lists_with_and_without_those_of_the_result():
    a, b = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 10.0])
    assert_array_equal(mg.einsum(a, [0, 1], b, [1]).data, [21, 43])
    assert_array_equal(mg.einsum(a, [0, 1], b, [1], [0]).data, [21, 43])


def test_inner_of_a_number_is_a_product():
    x = mg.tensor(2.0)
    y = np.inner(x, [1.0, 2.0])
    assert_array_equal(y.data, [2, 4])
    y.backward()
    assert x.grad == 3


def test_diff_with_a_number_before_each_row():
    x = mg.tensor([[1.0, 3.0], [6.0, 10.0]])
    y = np.diff(x, prepend=5.0, axis=0)
    assert_array_equal(y.data, [[-4, -2], [5, 7]])
    y.backward([[1.0, 1.0], [10.0, 10.0]])
    assert_array_equal(x.grad, [[-9, -9], [10, 10]])


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_product_of_nothing_has_a_gradient_without_elements(axis):
    x = mg.ones((0, 3))
    y = np.prod(x, axis=axis)
    assert_array_equal(y.data, np.prod(np.ones((0, 3)), axis=axis))
    y.backward()
    assert x.grad.shape == (0, 3)


def test_at_a_point_interp_has_the_slope_of_the_piece_after_it():
    """At the last point that of the piece before it: there is none after."""
    xp, fp = [0.0, 1.0, 3.0], [0.0, 1.0, 7.0]
    slopes = mg.grad(lambda x: np.interp(x, xp, fp).sum())(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(slopes, [0.0, 1.0, 1.0, 3.0, 3.0, 3.0, 0.0])


def test_functions_that_show_no_signature(monkeypatch):
    """`np.concatenate` was one before NumPy 2.4."""
    signature = inspect.signature

    def of_python(function, **keywords):
        if function is np.concatenate:
            raise ValueError("no signature found for builtin")
        return signature(function, **keywords)

    monkeypatch.setattr(inspect, "signature", of_python)
    monkeypatch.setitem(vars(mg.concatenate), "numpy_names", None)
    del vars(mg.concatenate)["numpy_names"]
    x = mg.tensor([[1.0, 2.0]])
    for joined in (np.concatenate([x, x], 1), np.concatenate((x, x), axis=1)):
        np.testing.assert_array_equal(joined, [[1, 2, 1, 2]])
    assert np.concatenate([x, x]).shape == (2, 2)
    parameters = signature(mg.concatenate).parameters
    assert [p.default for p in parameters.values()][1:] == [0, None, None, None]
