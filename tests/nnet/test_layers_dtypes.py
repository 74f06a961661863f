"""Convolution and pooling in every dtype and every pair of them, and larger problems in single precision."""

from itertools import product

import numpy as np
import pytest

import mygrad as mg
from mygrad.convolution import ConvProblem, convolve, family, filter_gradient, input_gradient, reference
from mygrad.nnet import adaptive_avg_pool, adaptive_max_pool, avg_pool, conv_nd, lp_pool, max_pool

RNG = np.random.default_rng(9)
PROBLEM = ConvProblem.make((2, 4, 9, 7), (4, 2, 3, 2), stride=2, padding="same", groups=2)


def numbers(shape, dtype):
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


@pytest.mark.parametrize("dtypes", ["DD", "FF", "dD", "Ff", "Fd"])
def test_complex_members_are_the_sum(dtypes):
    p, (a, b) = PROBLEM, dtypes
    x, w, g = numbers(p.x_shape, a), numbers(p.w_shape, b), numbers(p.y_shape, a)
    tolerance = 1e-4 if "F" in dtypes else 1e-11
    for ours, sums in (
        (convolve(p, x, w), reference.convolve(p, x, w)),
        (input_gradient(p, g, w), reference.input_gradient(p, g, w)),
        (filter_gradient(p, x, g), reference.filter_gradient(p, x, g)),
    ):
        assert ours.dtype == sums.dtype
        np.testing.assert_allclose(ours, sums, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("dtypes", "count"), [("DD", 3), ("FF", 3), ("dD", 2), ("Fd", 2), ("dd", 1)])
def test_how_many_real_products_make_a_complex_one(monkeypatch, dtypes, count):
    p, found, compute = PROBLEM, [], family.compute

    def counted(problem, member, x, y):
        if "c" not in x.dtype.kind + y.dtype.kind:
            found.append(member)
        return compute(problem, member, x, y)

    monkeypatch.setattr(family, "compute", counted)
    a, b = dtypes
    convolve(p, numbers(p.x_shape, a), numbers(p.w_shape, b))
    input_gradient(p, numbers(p.y_shape, a), numbers(p.w_shape, b))
    filter_gradient(p, numbers(p.x_shape, a), numbers(p.y_shape, b))
    assert len(found) == 3 * count


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(1, -np.inf), complex(np.nan, 1), 1e308, 1e308j])
@pytest.mark.parametrize("position", range(2))
def test_complex_numbers_that_are_not_finite_go_where_the_sum_sends_them(value, position):
    """1e308 and 1e308j are finite, but the sum of their parts is not."""
    p = ConvProblem.make((1, 2, 7), (2, 2, 3), stride=1, padding=1)
    x, w = numbers(p.x_shape, "D"), numbers(p.w_shape, "D")
    (x, w)[position].flat[4] = value
    if np.isfinite(value):
        (x, w)[position].flat[4] += 1e308 + 1e308j - value
        (w, x)[position][...] /= 1e3
    with np.errstate(invalid="ignore"):
        ours, sums = convolve(p, x, w), reference.convolve(p, x, w)
    for a, b in ((ours.real, sums.real), (ours.imag, sums.imag)):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_complex_data_without_autodiff():
    x, w = numbers((1, 1, 5), "D"), numbers((1, 1, 2), "D")
    with mg.no_autodiff:
        y = conv_nd(x, w, stride=1)
    np.testing.assert_allclose(y.data[0, 0], x[0, 0, :-1] * w[0, 0, 0] + x[0, 0, 1:] * w[0, 0, 1])


def test_bfloat16_is_summed_in_single_and_rounded_once():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    p = PROBLEM
    x, w = numbers(p.x_shape, bfloat16), numbers(p.w_shape, bfloat16)
    single = convolve(p, x.astype("f4"), w.astype("f4"))
    y = convolve(p, x, w)
    assert y.dtype == bfloat16
    np.testing.assert_array_equal(y, single.astype(bfloat16))
    assert convolve(p, x, w.astype("f4")).dtype == np.float32


DTYPES = "?bBhHiIlLefdgFDG"


def any_numbers(shape, dtype):
    """Return numbers that use the range of integers, so that their products wrap around."""
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return RNG.integers(0, 2 if dtype.kind == "b" else np.iinfo(dtype).max, shape, dtype)
    return numbers(shape, dtype)


def by_sums(x, w):
    """Sum products of windows with stride 2, in the dtype NumPy promotes to; half precision in single."""
    dtype = np.result_type(x, w)
    inner = np.float32 if dtype == np.float16 else dtype
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(inner), w.shape[-1], axis=-1)[:, None, :, ::2]
    return (windows * w.astype(inner)[None, :, :, None]).sum(axis=(2, 4), dtype=inner).astype(dtype)


@pytest.mark.parametrize("pair", [a + b for a, b in product(DTYPES, DTYPES)])
def test_any_two_dtypes_promote_as_numpys(pair):
    x, w = (any_numbers(s, d) for s, d in zip(((2, 3, 7), (4, 3, 3)), pair, strict=True))
    if "e" in pair:  # half precision ends at 65504
        x, w = (a % 8 if a.dtype.kind in "iu" else a for a in (x, w))
    given_x, given_w = mg.tensor(x), mg.tensor(w)
    y, sums = conv_nd(given_x, given_w, stride=2), by_sums(x, w)
    assert y.dtype == sums.dtype
    if sums.dtype.kind in "biu":
        np.testing.assert_array_equal(y, sums)
        assert y.constant
        return
    scale = by_sums(abs(x), abs(w)).max()
    assert np.max(abs(y.data - sums)) <= 8 * np.finfo(sums.dtype).eps * scale
    y.backward(np.ones(y.shape))
    for t in (given_x, given_w):
        assert t.constant or t.grad.dtype == t.dtype


POOLINGS = {
    "max": lambda x: max_pool(x, (3,), 2, padding=1),
    "mean": lambda x: avg_pool(x, (3,), 2, padding=1),
    "mean of data": lambda x: avg_pool(x, (3,), 2, padding=1, count_padding=False),
    "2-norm": lambda x: lp_pool(x, (3,), 2),
    "3-norm": lambda x: lp_pool(x, (3,), 2, p=3),
    "largest": lambda x: lp_pool(x, (3,), 2, p=np.inf),
    "adaptive max": lambda x: adaptive_max_pool(x, (4,)),
    "adaptive mean": lambda x: adaptive_avg_pool(x, (4,)),
}


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_pooling_keeps_the_dtype_of_floats(kind, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x = mg.tensor(any_numbers((2, 9), dtype))
    y = POOLINGS[kind](x)
    if x.dtype.kind in "biu":
        assert y.dtype == (x.dtype if kind in ("max", "adaptive max") else np.float64)
        assert y.constant
        return
    assert y.dtype == (abs(x.data).dtype if "norm" in kind or kind == "largest" else x.dtype)
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == x.dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_pooling_in_half_precision_does_not_leave_its_range(dtype):
    """Squares and sums of 30000 are past 65504, the end of half precision."""
    dtype = pytest.importorskip("ml_dtypes").bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    x = np.full(7, 30000, dtype)
    for kind in ("mean", "mean of data", "adaptive mean", "largest"):
        assert POOLINGS[kind](x).data[1] == x[0]
    for p in (2, 3):
        t = mg.tensor(x[:6])
        y = lp_pool(t, (2,), 2, p=p)
        np.testing.assert_array_equal(y, (x[:3].astype("f4") * 2 ** (1 / p)).astype(dtype))
        y.backward(np.ones(3))
        np.testing.assert_array_equal(t.grad, np.full(6, 2 ** (1 / p - 1)).astype(dtype))


@pytest.mark.parametrize(
    ("x", "w", "keywords"),
    [
        ((2, 32, 20, 19), (32, 32, 3, 3), {"stride": 2, "padding": "same"}),
        ((2, 32, 20, 19), (48, 16, 3, 3), {"stride": 1, "groups": 2, "padding": ((2, 0), (-1, 1))}),
        ((2, 32, 33), (32, 1, 5), {"stride": 1, "groups": 32, "padding": "causal", "dilation": 3}),
        ((1, 16, 40, 41), (16, 16, 5, 4), {"stride": (3, 2), "fit": "floor"}),
        ((1, 8, 9, 10, 11), (16, 8, 3, 2, 3), {"stride": (2, 1, 3), "fit": "floor", "padding": "full"}),
    ],
)
def test_larger_problems_in_single_precision(x, w, keywords):
    p = ConvProblem.make(x, w, **keywords)
    x, w, g = (numbers(s, "f4") for s in (p.x_shape, p.w_shape, p.y_shape))
    for ours, sums in (
        (convolve(p, x, w), reference.convolve(p, x, w)),
        (input_gradient(p, g, w), reference.input_gradient(p, g, w)),
        (filter_gradient(p, x, g), reference.filter_gradient(p, x, g)),
    ):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, sums, rtol=1e-4, atol=1e-4 * np.abs(sums).max())
