"""conv_nd and max_pool on tensors: derivatives of every order, dtypes, and errors that help."""

import re
from ast import literal_eval

import numpy as np
import pytest

import mygrad as mg
from mygrad.errors import InvalidConvolution
from mygrad.nnet.layers import conv_nd, conv_transpose_nd, max_pool
from tests.gradients import check_gradient

CASES = [
    ((2, 2, 7), (3, 2, 3), {"stride": 2}),
    ((1, 1, 6), (1, 1, 2), {"stride": 1, "padding": 2, "dilation": 3}),
    ((1, 2, 4, 5), (2, 2, 2, 3), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)}),
    ((1, 1, 3, 2, 3), (2, 1, 2, 1, 2), {"stride": 1, "padding": (0, 1, 0)}),
    ((1, 1, 2, 2, 2, 2), (1, 1, 2, 1, 2, 1), {"stride": 1}),
]


def random(*shapes):
    rng = np.random.default_rng(2)
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize(("x", "w", "arguments"), CASES)
def test_convolution_to_second_order(x, w, arguments):
    check_gradient(lambda a, b: conv_nd(a, b, **arguments) ** 2, *random(x, w))


def test_convolution_to_third_order():
    check_gradient(lambda a, b: conv_nd(a, b, stride=1) ** 2, *random((1, 1, 3), (1, 1, 2)), order=3)


@pytest.mark.parametrize("windows", [((2, 3), (2, 1)), ((3,), 1), ([2, 2], [1, 1])])
def test_pooling_to_second_order(windows):
    (x,) = random((1, 2, 4, 4))
    check_gradient(lambda a: max_pool(a, *windows) ** 2, x)


@pytest.mark.parametrize("dtypes", [("f4", "f4"), ("f8", "f4"), ("f2", "f2"), ("i4", "f4"), ("g", "f4")])
def test_dtypes_promote_and_gradients_keep_theirs(dtypes):
    x, w = (mg.tensor(np.ones(s), dtype=d) for s, d in zip(((1, 1, 4), (1, 1, 2)), dtypes, strict=True))
    y = conv_nd(x, w, stride=1)
    assert y.dtype == np.result_type(*dtypes)
    assert y.creator.variables == (x, w) or y.creator.variables[0] is x
    y.backward()
    for t in (x, w):
        assert t.constant or t.grad.dtype == t.dtype


@pytest.mark.parametrize("dtype", [int, "i1", bool])
def test_integers_are_constant_and_wrap_around_as_numpys(dtype):
    y = conv_nd(np.full((1, 1, 3), 100, dtype), np.full((1, 1, 2), 1, dtype), stride=1)
    assert y.constant
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.data[0, 0], np.full(2, 200 if dtype is int else -56).astype(dtype))
    with pytest.raises(ValueError, match="Integer-valued"):
        conv_nd(np.ones((1, 1, 3), int), np.ones((1, 1, 2), int), stride=1, constant=False)


def test_lists_views_and_shared_memory():
    np.testing.assert_array_equal(conv_nd([[[1.0, 2.0, 3.0]]], [[[1.0, 1.0]]], stride=1), [[[3.0, 5.0]]])
    x = mg.tensor(random((1, 1, 6))[0])
    y = conv_nd(x[..., ::2], x[..., :2], stride=1)
    assert not x.data.flags.writeable
    y.backward()
    assert x.grad.shape == x.shape
    assert x.data.flags.writeable


@pytest.mark.parametrize(
    ("x", "w", "text"),
    [((4, 4), (1, 4), "2 axes"), ((1, 1, 4), (1, 1, 2, 2), "as many"), ((1, 3, 4), (1, 2, 2), "3 channels")],
)
def test_shapes_that_do_not_go_together(x, w, text):
    with pytest.raises(ValueError, match=text):
        conv_nd(np.ones(x), np.ones(w), stride=1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"stride": 0}, "stride must be at least 1; got"),
        ({"stride": 1, "padding": -1}, "padding must be at least 0; got -1"),
        ({"stride": 1, "dilation": (1, 0)}, "dilation must be at least 1"),
        ({"stride": (1, 1, 1)}, "stride has 3 entries"),
        ({"stride": 3}, "does not fit"),
        ({"stride": 1, "dilation": 9}, "longer than the padded data"),
    ],
)
def test_arguments_that_cannot_be(arguments, text):
    for kind in (ValueError, AssertionError, InvalidConvolution):
        with pytest.raises(kind, match=text):
            conv_nd(np.ones((1, 1, 6, 5)), np.ones((1, 1, 2, 2)), **arguments)


@pytest.mark.parametrize("name", ["stride", "padding", "dilation"])
@pytest.mark.parametrize("value", [1.0, None, True, (1.7, 1), np.array(1.5), 1j])
def test_arguments_that_are_no_integers(name, value):
    for kind in (TypeError, ValueError, AssertionError):
        with pytest.raises(kind, match=name):
            conv_nd(np.ones((1, 1, 6, 5)), np.ones((1, 1, 2, 2)), **({"stride": 1} | {name: value}))


def test_arguments_may_be_arrays_and_tensors():
    x, w = np.ones((1, 1, 7, 6)), np.ones((1, 1, 2, 2))
    for kind in (np.array, mg.tensor, list):
        y = conv_nd(x, w, stride=kind([2, 1]), padding=kind([0, 1]), dilation=kind([2, 1]))
        assert y.shape == (1, 1, 3, 7)
    assert conv_transpose_nd(x, w, stride=mg.tensor([2, 1])).shape == (1, 1, 14, 7)


def test_the_stride_is_required_and_by_keyword():
    with pytest.raises(TypeError, match="stride"):
        conv_nd(np.ones((1, 1, 3)), np.ones((1, 1, 1)))
    with pytest.raises(TypeError):
        conv_nd(np.ones((1, 1, 3)), np.ones((1, 1, 1)), 1)


def test_the_error_has_a_table_and_a_padding_that_fits():
    x, w = np.ones((1, 1, 8, 7)), np.ones((1, 1, 3, 4))
    with pytest.raises(InvalidConvolution) as raised:
        conv_nd(x, w, stride=(1, 2))
    text = str(raised.value)
    assert "along axis 1 the last placement does not end at the end of the padded data" in text
    marked = [line for line in text.splitlines() if "<-- does not fit" in line]
    assert marked[0].split("|")[1].strip() == "7"
    assert len(marked) == 1
    assert text.endswith('padding=(0, (0, 1)) would fit; fit="floor" would leave out what is left over.')
    assert conv_nd(x, w, stride=(1, 2), padding=(0, (0, 1))).shape == (1, 1, 6, 3)
    assert conv_nd(x, w, stride=(1, 2), fit="floor").shape == (1, 1, 6, 2)
    with pytest.raises(InvalidConvolution, match=r"padding=\(2, 0\) would fit"):
        conv_nd(x, w, stride=(3, 1))
    assert conv_nd(x, w, stride=(3, 1), padding=(2, 0)).shape == (1, 1, 4, 4)


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("taps", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_every_remedy_works(size, taps, stride):
    x, w = np.ones((1, 1, size)), np.ones((1, 1, taps))
    try:
        conv_nd(x, w, stride=stride)
    except InvalidConvolution as error:
        remedy = re.match(r"padding=(.*) would fit", str(error).splitlines()[-1])
        assert remedy
        conv_nd(x, w, stride=stride, padding=literal_eval(remedy[1]))


def test_a_dilated_filter_that_fits_exactly():
    assert conv_nd(np.ones((1, 1, 5)), np.ones((1, 1, 3)), stride=1, dilation=2).shape == (1, 1, 1)


@pytest.mark.parametrize("x", [(0, 2, 5), (1, 0, 5)])
def test_empty_batches_and_channels(x):
    x, w = mg.ones(x), mg.ones((3, x[1], 2))
    conv_nd(x, w, stride=1).backward()
    assert not np.any(w.grad)


@pytest.mark.parametrize(
    ("pool", "stride", "error"),
    [
        (2, 1, AssertionError), ("a", 1, AssertionError), ((0,), 1, AssertionError),
        ((1.5,), 1, AssertionError),
        ((1, 1, 1), 1, AssertionError), ((2,), 0, AssertionError), ((2,), True, AssertionError),
        ((2,), (1, 1), AssertionError), ((2,), 1.5, TypeError), ((2,), None, TypeError),
        ((2,), 2, ValueError), ((9,), 1, ValueError), ((), 1, ValueError),
    ],
)  # fmt: skip
def test_pools_that_cannot_be(pool, stride, error):
    with pytest.raises(error):
        max_pool(np.ones((2, 5)), pool, stride)


def test_pooling_conventions():
    x = mg.tensor([[1.0, 1.0, np.nan, 5.0]])
    y = max_pool(x, (2,), 2)
    np.testing.assert_array_equal(y, [[1.0, np.nan]])
    y.backward()
    np.testing.assert_array_equal(x.grad, [[1, 0, 1, 0]])
    assert max_pool([[1, 2], [3, 4]], (2, 2), 1).dtype == int
    assert max_pool(np.array([True, False]), (2,), 1).dtype == bool
    x = mg.tensor([3.0, 1.0, 2.0])
    max_pool(x, (2,), 1).backward()
    np.testing.assert_array_equal(x.grad, [1, 0, 1])
    empty = mg.zeros((0, 4))
    max_pool(empty, (2,), 2).backward()
    assert empty.grad.shape == (0, 4)
