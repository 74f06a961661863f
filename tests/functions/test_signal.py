"""np.convolve and np.correlate of tensors are NumPy's, and have gradients."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

RNG = np.random.default_rng(8)
LENGTHS = [(1, 1), (5, 1), (1, 4), (6, 2), (2, 6), (5, 3), (3, 5), (4, 4)]


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_as_numpys(name, lengths, mode):
    a, v = (RNG.standard_normal(n) for n in lengths)
    expected = getattr(np, name)(a, v, mode)
    ours = getattr(mg, name)(a, v, mode)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)
    by_numpy = getattr(np, name)(mg.tensor(a), v, mode=mode)
    assert isinstance(by_numpy, mg.Tensor)
    np.testing.assert_array_equal(by_numpy, ours)
    whole = [(10 * x).astype(int) for x in (a, v)]
    exact = getattr(mg, name)(*whole, mode)
    assert exact.constant
    np.testing.assert_array_equal(exact, getattr(np, name)(*whole, mode))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_gradients_to_second_order(name, mode):
    for lengths in ((5, 2), (2, 4)):
        a, v = (RNG.standard_normal(n) for n in lengths)
        check_gradient(lambda a, v: getattr(np, name)(a, v, mode) ** 2, a, v)


def test_defaults_scalars_and_dtypes():
    a, v = [1.0, 2.0, 3.0], [0.0, 1.0]
    np.testing.assert_array_equal(mg.convolve(a, v), np.convolve(a, v))
    np.testing.assert_array_equal(mg.correlate(a, v), np.correlate(a, v))
    np.testing.assert_array_equal(mg.convolve(a, 2.0), np.convolve(a, 2.0))
    assert mg.convolve(np.ones(3, "f4"), np.ones(2, "f2")).dtype == np.float32
    x = mg.tensor(np.arange(6.0))
    mg.convolve(x[::2], v).backward()
    np.testing.assert_array_equal(x.grad, [1, 0, 1, 0, 1, 0])
    assert mg.convolve(x, v, constant=True).constant


@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_errors(name):
    function = getattr(mg, name)
    for a, v in (([], [1.0]), ([1.0], [])):
        with pytest.raises(ValueError, match="cannot be empty"):
            function(a, v)
    with pytest.raises(ValueError, match="2 axes"):
        function(np.ones((2, 2)), [1.0])
    with pytest.raises(ValueError, match="got 'circular'"):
        function([1.0], [1.0], "circular")
