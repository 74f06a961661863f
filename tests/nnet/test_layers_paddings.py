"""conv_nd and conv_transpose_nd with every keyword, against the sum over data padded by NumPy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mygrad as mg
from mygrad.convolution import use_algorithm
from mygrad.convolution.planner import ALGORITHMS
from mygrad.errors import InvalidConvolution
from mygrad.nnet import conv_nd, conv_transpose_nd
from tests.gradients import check_gradient

MODES = ["zeros", "constant", "reflect", "symmetric", "edge", "wrap"]
RNG = np.random.default_rng(5)


def padded(x, pairs, mode, value):
    """Continue all data, then crop."""
    widths = [(0, 0), (0, 0), *((max(b, 0), max(a, 0)) for b, a in pairs)]
    options = {"constant_values": value} if mode in ("zeros", "constant") else {}
    x = np.pad(x, widths, mode="constant" if mode == "zeros" else mode, **options)
    inside = (slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape[2:], pairs, strict=True))
    return x[(slice(None), slice(None), *inside)]


def convolved(x, w, *, stride, pairs, dilation, groups=1, mode="zeros", value=0.0):
    """The sum, one output and one group after the other."""
    x = padded(x, pairs, mode, value)
    extents = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    outputs = [(n - e) // s + 1 for n, e, s in zip(x.shape[2:], extents, stride, strict=True)]
    y = np.zeros((len(x), len(w), *outputs))
    c, f = w.shape[1], len(w) // groups
    for group in range(groups):
        xs, ws = x[:, group * c : (group + 1) * c], w[group * f : (group + 1) * f]
        for o in product(*map(range, outputs)):
            at = (slice(s * i, s * i + e, d) for s, i, e, d in zip(stride, o, extents, dilation, strict=True))
            window = xs[(slice(None), slice(None), *at)].reshape(len(x), c, -1)
            into = (slice(None), slice(group * f, (group + 1) * f), *o)
            y[into] = np.einsum("nck,fck->nf", window, ws.reshape(f, c, -1))
    return y


@st.composite
def problems(draw):
    """Shapes and keywords of a convolution over one to four axes."""
    count = draw(st.integers(1, 4))
    axes = []
    for _ in range(count):
        taps, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        before, after = draw(st.integers(-1, 3)), draw(st.integers(-1, 3))
        least = max((taps - 1) * dilation + 1 - before - after, 1 + max(-before, 0) + max(-after, 0))
        size = draw(st.integers(least, least + 2))
        axes.append((size, taps, draw(st.integers(1, 3)), (before, after), dilation))
    sizes, taps, stride, pairs, dilation = zip(*axes, strict=True)
    groups, c, f = (draw(st.integers(1, 2)) for _ in range(3))
    shapes = (draw(st.integers(1, 2)), groups * c, *sizes), (groups * f, c, *taps)
    return *shapes, {"stride": stride, "dilation": dilation, "groups": groups}, pairs


names_of_algorithms = st.sampled_from(sorted({algorithm.name for algorithm in ALGORITHMS}))


@settings(max_examples=100, deadline=None)
@given(problems(), st.sampled_from(MODES), names_of_algorithms)
def test_convolutions_are_the_sum_and_so_are_their_gradients(problem, mode, algorithm):
    with use_algorithm(algorithm):
        check_convolution(problem, mode)


def check_convolution(problem, mode):
    x_shape, w_shape, keywords, pairs = problem
    value = 0.7 if mode == "constant" else 0.0
    x, w, dx, dw = (RNG.standard_normal(s) for s in 2 * [x_shape, w_shape])
    bias = RNG.standard_normal(w_shape[0])
    given_x, given_w, given_bias = map(mg.tensor, (x, w, bias))
    y = conv_nd(
        given_x, given_w, bias=given_bias, padding=pairs, padding_mode=mode, padding_value=value,
        fit="floor", **keywords,
    )  # fmt: skip
    spread = bias.reshape(-1, *(1,) * (x.ndim - 2))
    known = {**keywords, "pairs": pairs, "mode": mode}
    np.testing.assert_allclose(y, convolved(x, w, value=value, **known) + spread, rtol=1e-10, atol=1e-10)
    g = RNG.standard_normal(y.shape)
    (y * g).sum().backward()
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose((given_x.grad * dx).sum(), (g * convolved(dx, w, **known)).sum(), **close)
    along_w = (g * convolved(x, dw, value=value, **known)).sum()
    np.testing.assert_allclose((given_w.grad * dw).sum(), along_w, **close)
    np.testing.assert_allclose(given_bias.grad, g.sum(axis=(0, *range(2, g.ndim))), **close)


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(MODES))
def test_second_derivatives_are_sums_of_two_directions(problem, mode):
    """Along (dx, dw), then (u, v), ``(conv(x, w) * g).sum()`` changes by the sums of (u, dw) and (dx, v)."""
    x_shape, w_shape, keywords, pairs = problem
    x, w, dx, dw, u, v = (RNG.standard_normal(s) for s in 3 * [x_shape, w_shape])
    value = 0.7 if mode == "constant" else 0.0
    options = {"padding": pairs, "padding_mode": mode, "padding_value": value, "fit": "floor", **keywords}
    g = RNG.standard_normal(conv_nd(x, w, **options).shape)
    of_x, of_w = mg.hvp(lambda x, w: (conv_nd(x, w, **options) * g).sum(), (x, w), (dx, dw))
    known = {**keywords, "pairs": pairs, "mode": mode}
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose((of_x.data * u).sum(), (g * convolved(u, dw, **known)).sum(), **close)
    np.testing.assert_allclose((of_w.data * v).sum(), (g * convolved(dx, v, **known)).sum(), **close)


def left_over(problem):
    """Return the elements at the ends of the padded data that no placement reaches."""
    x_shape, w_shape, keywords, pairs = problem
    axes = zip(x_shape[2:], pairs, w_shape[2:], keywords["stride"], keywords["dilation"], strict=True)
    return tuple((n + b + a - (k - 1) * d - 1) % s for n, (b, a), k, s, d in axes)


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(["zeros", *MODES[2:]]))
def test_second_derivatives_of_transposed_convolutions(problem, mode):
    x_shape, w_shape, keywords, pairs = problem
    options = {"padding": pairs, "padding_mode": mode, **keywords}
    y_shape = conv_nd(np.zeros(x_shape), np.zeros(w_shape), fit="floor", **options).shape
    options["output_padding"] = left_over(problem)
    y, w, dy, dw, u, v = (RNG.standard_normal(s) for s in 3 * [y_shape, w_shape])
    x = RNG.standard_normal(x_shape)
    of_y, of_w = mg.hvp(lambda y, w: (conv_transpose_nd(y, w, **options) * x).sum(), (y, w), (dy, dw))
    known = {**keywords, "pairs": pairs, "mode": mode}
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose((of_y.data * u).sum(), (convolved(x, dw, **known) * u).sum(), **close)
    np.testing.assert_allclose((of_w.data * v).sum(), (convolved(x, v, **known) * dy).sum(), **close)


@settings(max_examples=100, deadline=None)
@given(problems(), st.sampled_from(["zeros", *MODES[2:]]), names_of_algorithms)
def test_a_transposed_convolution_is_the_transpose(problem, mode, algorithm):
    with use_algorithm(algorithm):
        check_transposition(problem, mode)


def check_transposition(problem, mode):
    x_shape, w_shape, keywords, pairs = problem
    x, w = RNG.standard_normal(x_shape), RNG.standard_normal(w_shape)
    forward = conv_nd(x, w, padding=pairs, padding_mode=mode, fit="floor", **keywords)
    g = RNG.standard_normal(forward.shape)
    given_g, given_w = mg.tensor(g), mg.tensor(w)
    bias = RNG.standard_normal(x_shape[1])
    back = conv_transpose_nd(
        given_g,
        given_w,
        padding=pairs,
        padding_mode=mode,
        output_padding=left_over(problem),
        bias=bias,
        **keywords,
    )
    assert back.shape == x_shape
    plain = back.data - bias.reshape(-1, *(1,) * (x.ndim - 2))
    np.testing.assert_allclose((plain * x).sum(), (forward.data * g).sum(), rtol=1e-9, atol=1e-9)
    (back * x).sum().backward()
    np.testing.assert_allclose(given_g.grad, forward.data, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((given_w.grad * w).sum(), (plain * x).sum(), rtol=1e-9, atol=1e-9)


# -- names of paddings

SAME = list(product((1, 2, 5, 8), (1, 2, 3, 4), (1, 2, 3), (1, 2)))


@pytest.mark.parametrize(("size", "taps", "stride", "dilation"), SAME)
def test_same_is_tensorflows(size, taps, stride, dilation):
    """The numbers of elements are those of tf.nn.convolution's documentation."""
    x, w = RNG.standard_normal((1, 1, size)), RNG.standard_normal((1, 1, taps))
    outputs = int(np.ceil(size / stride))
    total = max((outputs - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
    for name, before in (("same", total // 2), ("same_lower", total - total // 2)):
        known = convolved(x, w, stride=(stride,), pairs=[(before, total - before)], dilation=(dilation,))
        y = conv_nd(x, w, stride=stride, dilation=dilation, padding=name)
        assert y.shape == (1, 1, outputs)
        np.testing.assert_allclose(y, known, rtol=1e-12, atol=1e-12)
    up = conv_transpose_nd(x, w, stride=stride, dilation=dilation, padding="same")
    assert up.shape == (1, 1, size * stride)
    z = RNG.standard_normal(up.shape)
    there = conv_nd(z, w, stride=stride, dilation=dilation, padding="same")
    np.testing.assert_allclose((there.data * x).sum(), (up.data * z).sum())


def test_full_valid_and_causal():
    x, w = np.arange(1.0, 6.0)[None, None], np.array([[[1.0, 10.0, 100.0]]])
    full = conv_nd(x, w, stride=1, padding="full")[0, 0]
    np.testing.assert_array_equal(full, np.correlate(x[0, 0], w[0, 0], "full"))
    np.testing.assert_array_equal(conv_nd(x, w, stride=1, padding="valid")[0, 0], [321, 432, 543])
    causal = conv_nd(x, w, stride=1, padding="causal")[0, 0]
    np.testing.assert_array_equal(causal, [100, 210, 321, 432, 543])
    both = conv_nd(np.ones((1, 1, 5, 6)), np.ones((1, 1, 3, 3)), stride=1, padding=("causal", (0, 2)))
    assert both.shape == (1, 1, 5, 6)
    np.testing.assert_array_equal(both[0, 0, :, -1], [1, 2, 3, 3, 3])


def test_a_causal_output_sees_no_later_input():
    w = RNG.standard_normal((1, 1, 3))
    jacobian = mg.jacobian(lambda x: conv_nd(x[None, None], w, stride=1, dilation=2, padding="causal"))(
        np.zeros(7)
    )
    np.testing.assert_array_equal(np.triu(jacobian.data[0, 0], 1), 0)


def test_cropping_is_slicing():
    x, w = RNG.standard_normal((1, 2, 7, 6)), RNG.standard_normal((3, 2, 2, 2))
    cropped = conv_nd(x, w, stride=1, padding=((-2, 0), (-1, -1)))
    np.testing.assert_allclose(cropped, conv_nd(x[:, :, 2:, 1:-1], w, stride=1).data, rtol=1e-12)


# -- groups and bias


def test_groups_see_their_own_channels():
    x, w = RNG.standard_normal((2, 6, 5)), RNG.standard_normal((4, 3, 2))
    parts = [conv_nd(x[:, :3], w[:2], stride=1).data, conv_nd(x[:, 3:], w[2:], stride=1).data]
    np.testing.assert_allclose(conv_nd(x, w, stride=1, groups=2), np.concatenate(parts, axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    "keywords",
    [
        {"groups": 2, "padding": "same"},
        {"groups": 2, "padding": ((1, 2),), "padding_mode": "reflect"},
        {"groups": 2, "padding": ((2, -1),), "padding_mode": "wrap"},
        {"groups": 2, "padding": 1, "padding_mode": "constant", "padding_value": 2.0},
    ],
)
def test_keywords_to_second_order(keywords):
    x, w, b = (RNG.standard_normal(s) for s in ((1, 2, 4), (2, 1, 2), (2,)))
    check_gradient(lambda x, w, b: conv_nd(x, w, bias=b, stride=2, fit="floor", **keywords) ** 2, x, w, b)


@pytest.mark.parametrize("mode", ["zeros", "edge", "symmetric"])
def test_transposition_to_second_order(mode):
    x, w, b = (RNG.standard_normal(s) for s in ((1, 2, 3), (2, 1, 2), (2,)))
    keywords = {"stride": 2, "padding": ((1, 0),), "output_padding": 1, "groups": 2, "padding_mode": mode}
    check_gradient(lambda x, w, b: conv_transpose_nd(x, w, bias=b, **keywords) ** 2, x, w, b)


def test_dtypes_of_bias_and_result():
    x, w = np.ones((1, 1, 3), "f4"), np.ones((2, 1, 2), "f4")
    assert conv_nd(x, w, stride=1, bias=np.ones(2, "f4")).dtype == np.float32
    wide = conv_nd(x, w, stride=1, bias=np.array([1e-9, 0.0]))
    assert wide.dtype == np.float64
    assert wide[0, 0, 0] == 2 + 1e-9
    half = conv_nd(x.astype("f2"), w.astype("f2"), stride=1, bias=np.ones(2, "f2"))
    assert half.dtype == np.float16
    whole = conv_nd(x.astype(int), w.astype(int), stride=1, bias=[1, 2])
    assert whole.constant
    np.testing.assert_array_equal(whole[0, :, 0], [3, 4])


def test_half_precision_is_summed_in_single():
    x = np.ones((1, 1, 4096), "f2")
    assert conv_nd(x, x, stride=1).item() == 4096  # in half, 2048 + 1 is 2048
    assert conv_nd(x, np.full((1, 1, 4096), 1e-3, "f2"), stride=1).dtype == np.float16


def test_constant_flags():
    x, w = mg.tensor(np.ones((1, 1, 4))), np.ones((1, 1, 2))
    for keywords in ({}, {"bias": [1.0]}, {"padding": 1, "padding_mode": "edge"}):
        assert conv_nd(x, w, stride=1, constant=True, **keywords).constant
        assert not conv_nd(x, w, stride=1, **keywords).constant
        assert conv_transpose_nd(x, w, stride=1, constant=True, **keywords).constant
    assert conv_nd(x, w, stride=1).creator.variables[0] is x


# -- errors


X, W = np.ones((1, 4, 6, 5)), np.ones((6, 2, 3, 3))


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"groups": 1}, ValueError, "x has 4 channels"),
        (
            {"groups": 4},
            ValueError,
            "(?s)6 filters .* not 4 groups.*groups can be 1, 2",
        ),
        ({"groups": 0}, ValueError, "not 0 groups"),
        ({"groups": 2.0}, TypeError, "groups must be an integer; got 2.0"),
        ({"groups": True}, TypeError, "groups must be an integer"),
        ({"padding": "some"}, InvalidConvolution, "no padding 'some'; there are 'valid', 'same'"),
        ({"padding": ("same", "some")}, InvalidConvolution, "no padding 'some'"),
        ({"padding": ((1, 2, 3), 0)}, InvalidConvolution, "a pair"),
        ({"padding": -1}, InvalidConvolution, r"To crop, give a pair .*: \(\(-1, -1\), ...\)"),
        ({"stride": (1, 0)}, InvalidConvolution, "stride must be at least 1; got 0 along axis 1"),
        ({"padding": ((1, 1.5), 0)}, TypeError, "padding must be an integer"),
        ({"padding": ((-4, 0), 0)}, InvalidConvolution, "longer than the padded data"),
        ({"padding_mode": "circular"}, InvalidConvolution, "(?s)no padding_mode 'circular'.*='wrap'?"),
        ({"padding_mode": "replicate"}, InvalidConvolution, "Did you mean padding_mode='edge'?"),
        ({"padding_mode": "constant", "padding_value": [1, 2]}, TypeError, "must be a number; got"),
        ({"padding_mode": "constant", "padding_value": "a"}, TypeError, "must be a number; got 'a'"),
        (
            {"padding_mode": "constant", "padding_value": 1j},
            TypeError,
            "(?s)is complex128.*Convert x",
        ),
        ({"padding_value": 3.0}, InvalidConvolution, "needs padding_mode='constant'"),
        ({"fit": "ceil"}, InvalidConvolution, "no fit 'ceil'; there are 'exact', 'floor'"),
        ({"bias": [1.0]}, ValueError, r"bias has shape \(1,\).* needs \(6,\)"),
    ],
)
def test_keywords_that_cannot_be(keywords, error, text):
    with pytest.raises(error, match=text):
        conv_nd(X, W, **({"stride": 1, "groups": 2} | keywords))


@pytest.mark.parametrize(
    ("x", "keywords", "error", "text"),
    [
        ((1, 4, 3, 3), {}, ValueError, "there are 6 filters"),
        ((1, 6, 3, 3), {"output_padding": 1}, InvalidConvolution, "less than stride or dilation; got 1"),
        ((1, 6, 3, 3), {"output_padding": -1}, InvalidConvolution, "output_padding must be at least 0"),
        ((1, 6, 1, 3), {"padding": 2}, InvalidConvolution, "nothing is left along axis 0"),
        ((1, 6, 0, 3), {}, InvalidConvolution, "nothing is left along axis 0"),
        ((1, 6, 3, 3), {"padding_mode": "constant"}, InvalidConvolution, "no padding_mode 'constant'"),
        ((1, 6, 3, 3), {"groups": 5}, ValueError, "not 5 groups"),
    ],
)
def test_transpositions_that_cannot_be(x, keywords, error, text):
    with pytest.raises(error, match=text):
        conv_transpose_nd(np.ones(x), W, **({"stride": 1, "groups": 2} | keywords))


def test_the_error_of_a_transposition_has_a_table_and_a_padding_that_leaves_something():
    x, w = np.ones((1, 1, 2, 3)), np.ones((1, 1, 2, 3))
    with pytest.raises(InvalidConvolution) as raised:
        conv_transpose_nd(x, w, stride=1, padding=((3, 1), 0))
    first, *table, remedy = str(raised.value).splitlines()
    assert "along axis 0: output = (size - 1) * stride" in first
    assert [line.split("|")[-1].strip() for line in table] == ["output", "0  <-- nothing is left", "5"]
    assert remedy == "A padding of at most 2 in all along axis 0 would do."
    assert conv_transpose_nd(x, w, stride=1, padding=((1, 1), 0)).shape == (1, 1, 1, 5)
    with pytest.raises(InvalidConvolution, match="Give x at least one element along axis 1"):
        conv_transpose_nd(x[..., :0], w, stride=1)


def test_the_table_shows_what_names_stand_for_and_floor_needs_no_fit():
    x, w = np.ones((1, 1, 6)), np.ones((1, 1, 4))
    with pytest.raises(InvalidConvolution) as raised:
        conv_nd(x, w, stride=2, padding="causal")
    assert "3, 0" in str(raised.value)
    assert 'padding=((3, 1),) would fit; fit="floor"' in str(raised.value)
    assert conv_nd(x, w, stride=2, padding=((3, 1),)).shape == (1, 1, 4)
    assert conv_nd(x, w, stride=2, padding="causal", fit="floor").shape == (1, 1, 3)
    with pytest.raises(InvalidConvolution, match="longer than the padded data"):
        conv_nd(x, np.ones((1, 1, 9)), stride=2, fit="floor")


def test_a_pair_for_the_only_axis_is_one_entry():
    x, w = np.ones((1, 1, 6)), np.ones((1, 1, 4))
    with pytest.raises(InvalidConvolution, match=r"before and after the only axis: \(\(1, 2\),\)"):
        conv_nd(x, w, stride=1, padding=(1, 2))
    for padding in (((1, 2),), [[1, 2]], np.array([[1, 2]]), mg.tensor([[1, 2]])):
        assert conv_nd(x, w, stride=1, padding=padding).shape == (1, 1, 6)


@pytest.mark.parametrize("dtype", ["i1", "i8", "?"])
def test_whole_numbers_are_padded_with_what_the_result_can_hold(dtype):
    x, w = np.ones((1, 1, 2), dtype), np.ones((1, 1, 3), "f4")
    y = conv_nd(x, w, stride=1, padding=1, padding_mode="constant", padding_value=0.5)
    np.testing.assert_array_equal(y.data, [[[2.5, 2.5]]])
    assert y.dtype == np.result_type(x, w)
    with pytest.raises(TypeError, match=f"padding_value 0.5 is float64, .* {x.dtype}.\nConvert x"):
        conv_nd(x, np.ones((1, 1, 3), dtype), stride=1, padding=1, padding_mode="constant", padding_value=0.5)


@pytest.mark.parametrize("dtype", ["f4", "c16", "i4", "f2"])
def test_what_no_memory_can_hold_is_a_memory_error(dtype):
    x, w = np.ones((1, 1, 5), dtype), np.ones((1, 1, 3), dtype)
    for size in (10**14, 10**18, 10**30):
        with pytest.raises(MemoryError, match=r"Unable to allocate .* with shape \(1, 1, \d+\)"):
            conv_nd(x, w, stride=1, padding=size)
        with pytest.raises(MemoryError, match=r"Unable to allocate .* with shape \(1, 1, \d+\)"):
            conv_transpose_nd(x, w, stride=size)


@pytest.mark.parametrize("mode", ["zeros", *MODES[2:]])
@pytest.mark.parametrize("far", [{"dilation": 10**11}, {"stride": 10**10, "padding": 10**11, "fit": "floor"}])
def test_what_is_far_away_costs_nothing(mode, far):
    """A tap at position p of five numbers sees the one that the mode puts there."""
    x, w = np.arange(1.0, 6.0).reshape(1, 1, 5), np.array([[[1.0, 10.0, 100.0]]])
    y = conv_nd(x, w, **({"stride": 1, "padding": "same"} | far), padding_mode=mode).data.ravel()
    s, d = far.get("stride", 1), far.get("dilation", 1)
    before = far.get("padding", d)
    period = {"zeros": None, "edge": None, "wrap": 5, "reflect": 8, "symmetric": 10}[mode]
    there_and_back = np.pad(x[0, 0], (0, 5), mode=mode) if period else None

    def seen(p):
        if period:
            return there_and_back[p % period]
        return x[0, 0, min(max(p, 0), 4)] if mode == "edge" else (x[0, 0, p] if 0 <= p < 5 else 0.0)

    expected = [sum(w[0, 0, k] * seen(s * o + d * k - before) for k in range(3)) for o in range(len(y))]
    np.testing.assert_array_equal(y, expected)
