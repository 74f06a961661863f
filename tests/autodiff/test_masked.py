"""Masked arrays and tensors: no gradient and no mask is lost without a word."""

import numpy as np
import pytest

import mygrad as mg

VALUES = np.array([1.0, 2.0, 3.0])
HIDDEN = np.ma.masked_array(VALUES, mask=[False, True, False])


def variable():
    return mg.tensor([10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    "compute",
    [
        lambda m, x: m + x,
        lambda m, x: m - x[0],
        lambda m, x: m / x,
        lambda m, x: m**x,
        lambda m, x: np.ma.masked * x,
        lambda m, x: np.ma.add(x, m),
        lambda m, x: np.ma.sqrt(x),
        lambda m, x: np.ma.concatenate([m, x]),
    ],
)
def test_a_variable_does_not_lose_its_gradient_in_a_masked_array(compute):
    x = variable()
    with pytest.raises(AttributeError, match=r"masked array has no gradient.*\n?.*x\.data"):
        compute(HIDDEN, x)
    for plain in (x.copy(constant=True), mg.tensor([10, 20, 30])):
        np.testing.assert_array_equal(compute(HIDDEN, plain), compute(HIDDEN, plain.data), strict=True)
    with mg.no_autodiff:
        np.testing.assert_array_equal(compute(HIDDEN, x), compute(HIDDEN, x.data), strict=True)
    x += 1  # nothing keeps it locked


def test_what_has_no_gradient_is_of_the_values():
    x = variable()
    assert isinstance(HIDDEN.__lt__(x), np.ma.MaskedArray)
    np.testing.assert_array_equal(np.ma.masked_less(x, 15).mask, [True, False, False])
    np.testing.assert_array_equal(np.ma.masked_array(x, [0, 1, 0]).sum(), 40)
    m = HIDDEN.copy()
    m[0] = x[2]
    assert m[0] == 30
    assert not hasattr(x, "view")


def test_numbers_keep_their_gradient():
    x = mg.tensor(3.0)
    np.ma.multiply(np.ma.masked_array(2.0), x).backward()
    assert x.grad == 2


@pytest.mark.parametrize(
    "compute",
    [
        lambda m, x: x + m,
        lambda m, x: x @ m,
        lambda m, x: m @ x,
        lambda m, x: np.add(m, x),
        lambda m, x: mg.multiply(x, m, out=mg.zeros(3)),
        lambda m, x: mg.sum(m),
        lambda m, x: mg.stack([x, m]),
    ],
)
def test_masked_elements_do_not_take_part_unseen(compute):
    x = variable()
    with pytest.raises(TypeError, match=r"1 elements of this MaskedArray are masked.*\n.*filled\(value\)"):
        compute(HIDDEN, x)
    shown = np.ma.masked_array(VALUES)
    np.testing.assert_array_equal(compute(shown, x), compute(VALUES, x))
    with pytest.raises(TypeError, match="MaskedConstant"):
        compute(np.ma.masked, x)


def test_the_remedies():
    x = variable()
    (x + HIDDEN.filled(0)).sum(where=~HIDDEN.mask).backward()
    np.testing.assert_array_equal(x.grad, [1, 0, 1])
    total = np.multiply(x, HIDDEN.data, where=~HIDDEN.mask, out=mg.zeros(3))
    total.backward()
    np.testing.assert_array_equal(total, [10, 0, 90])
    np.testing.assert_array_equal(x.grad, [1, 0, 3])
