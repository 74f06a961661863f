"""sliding_window_view: against loops, as a view, and what it refuses."""

import itertools

import numpy as np
import pytest

import mygrad as mg

X = np.arange(2 * 6 * 7.0).reshape(2, 6, 7)


@pytest.mark.parametrize("window", [(1,), (3,), (2, 3), (6, 7), (2, 2, 1)])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("dilation", [None, 1, 2])
def test_against_loops(window, step, dilation):
    d = dilation or 1
    if any(w * d > n for w, n in zip(window, X.shape[-len(window) :], strict=True)):
        pytest.skip("does not fit")
    view = mg.sliding_window_view(X, window, step, dilation)
    count = len(window)
    grid = view.shape[:count]
    assert grid == tuple(
        (n - (w - 1) * d - 1) // step + 1 for n, w in zip(X.shape[-count:], window, strict=True)
    )
    for position in itertools.product(*map(range, grid)):
        region = tuple(
            slice(p * step, p * step + (w - 1) * d + 1, d) for p, w in zip(position, window, strict=True)
        )
        np.testing.assert_array_equal(view[position], X[(..., *region)])


def test_one_number_for_each_axis():
    view = mg.sliding_window_view(X, [2, 2], np.array([1, 3]), (2, 1))
    np.testing.assert_array_equal(view[1, 1], X[:, 1:4:2, 3:5])


def test_view_is_read_only_and_shares_memory():
    view = mg.sliding_window_view(X, (2, 2), 1)
    assert np.shares_memory(view, X)
    assert not view.flags.writeable
    assert X.flags.writeable
    np.testing.assert_array_equal(mg.sliding_window_view(X.T, (2,), 1)[0], X.T[..., :2])


def test_empty_leading_axis():
    assert mg.sliding_window_view(np.zeros((0, 6)), (2,), 1).shape == (5, 0, 2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((2, 1), TypeError),
        (((2.0,), 1), TypeError),
        (((0,), 1), TypeError),
        (((-1,), 1), TypeError),
        (((2,), 1.0), TypeError),
        (((2,), None), TypeError),
        (((2,), 1, 1.0), TypeError),
        (((), 1), ValueError),
        (((1, 1, 1, 1), 1), ValueError),
        (((8,), 1), ValueError),
        (((2,), 0), ValueError),
        (((2,), -1), ValueError),
        (((2, 2), (1,)), ValueError),
        (((2, 2), (1.0, 1.0)), ValueError),
        (((2, 2), 1, (1,)), ValueError),
        (((2, 2), 1, 0), ValueError),
        (((2, 2), 1, (1, -1)), ValueError),
        (((2,), 1, 4), ValueError),  # 2 * 4 > 7, though the taps would fit
    ],
)
def test_what_is_refused(arguments, error):
    with pytest.raises(error):
        mg.sliding_window_view(X, *arguments)


@pytest.mark.parametrize("x", [mg.tensor([1.0, 2.0]), [1.0, 2.0]])
def test_arrays_only(x):
    with pytest.raises(AttributeError):
        mg.sliding_window_view(x, (1,), 1)
