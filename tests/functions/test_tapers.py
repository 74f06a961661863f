"""Windows are NumPy's, and Kaiser's has a gradient by its shape."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

FIXED = ["bartlett", "blackman", "hamming", "hanning"]
COUNTS = [-1, 0, 1, 2, 3, 8, 51, np.int8(6), mg.tensor(6)]


@pytest.mark.parametrize("points", COUNTS)
@pytest.mark.parametrize("name", FIXED)
def test_as_numpys(name, points):
    window = getattr(mg, name)(points)
    np.testing.assert_array_equal(window, getattr(np, name)(int(points)), strict=True)
    assert isinstance(window, mg.Tensor)
    assert window.creator is None
    assert not window.constant
    assert getattr(mg, name)(points, constant=True).constant


@pytest.mark.parametrize("points", COUNTS)
@pytest.mark.parametrize("beta", [0, 5.0, -8.6, np.float32(2.5)])
def test_kaisers_is_numpys(points, beta):
    expected = np.kaiser(int(points), beta)
    for given in (beta, mg.tensor(beta), mg.tensor(beta, dtype=float)):
        np.testing.assert_array_equal(mg.kaiser(points, given), expected, strict=True)
    for given in (beta, mg.tensor(beta, dtype=float)):
        assert not mg.kaiser(points, given).constant
        assert mg.kaiser(points, given, constant=True).constant
    assert mg.kaiser(points, mg.tensor(beta, dtype=float, constant=True)).constant


@pytest.mark.parametrize("points", [1, 2, 7, 8])
def test_kaisers_gradients_to_second_order(points):
    for beta in (0.0, 1.5, -3.0, 9.0):
        check_gradient(lambda beta: mg.kaiser(points, beta) ** 2, beta)


def test_gradient_in_the_dtype_of_beta():
    for dtype in ("f2", "f4", ">f4", "f8"):
        beta = mg.tensor(2.0, dtype=dtype)
        mg.kaiser(5, beta).sum().backward()
        assert beta.grad.dtype == np.dtype(dtype)
        np.testing.assert_allclose(beta.grad, -0.83952897, rtol=1e-3 if dtype == "f2" else 1e-6)


def test_no_points_and_no_number():
    beta = mg.tensor(2.0)
    mg.kaiser(0, beta).backward()
    assert beta.grad == 0
    with np.errstate(all="ignore"):
        assert np.isnan(mg.kaiser(4, mg.tensor(np.nan))).all()


def test_one_number_is_asked_for():
    with pytest.raises(ValueError, match=r"shape \(2,\).*\n.*beta\[0\].*mg.stack"):
        mg.kaiser(5, mg.tensor([1.0, 2.0]))


def test_numpys_own_give_arrays():
    assert type(np.hanning(mg.tensor(5))) is np.ndarray
    assert type(np.kaiser(5, mg.tensor(2.0, constant=True))) is np.ndarray
