"""Fourier transforms of tensors: NumPy's values and dtypes, and gradients to second order."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mygrad as mg
from tests.gradients import check_gradient

RNG = np.random.default_rng(2)
REAL = RNG.standard_normal((2, 3, 4))
COMPLEX = REAL + 1j * RNG.standard_normal((2, 3, 4))
ONE = {
    name: [{}, {"n": 3}, {"n": 5, "axis": 0}, {"axis": 1, "norm": "ortho"}, {"n": 6, "norm": "forward"}]
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
}
MANY = {
    name: [
        {},
        {"s": (3, 6)},
        {"s": (2, -1), "axes": (2, 0)},
        {"axes": (0, 1), "norm": "ortho"},
        {"s": (7, 3), "axes": (1, -1), "norm": "forward"},
    ]
    for name in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
}
for cases in (MANY[name] for name in ("fftn", "ifftn", "rfftn", "irfftn")):
    cases[1] = {"s": (3, 6), "axes": (0, 2)}  # NumPy 2 deprecates s without axes
    cases.append({"axes": (1,)})
SHIFTS = {name: [{}, {"axes": 1}, {"axes": (0, -1)}] for name in ("fftshift", "ifftshift")}
CASES = [
    (name, x, keywords)
    for name, cases in (ONE | MANY | SHIFTS).items()
    for keywords in cases
    for x in ((REAL,) if name.startswith(("rfft", "ihfft")) else (REAL, COMPLEX))
]


@pytest.mark.parametrize(("name", "x", "keywords"), CASES)
def test_values_are_numpys_and_gradients_hold_to_second_order(name, x, keywords):
    function, expected = getattr(np.fft, name), getattr(np.fft, name)(x, **keywords)
    got = function(mg.tensor(x), **keywords)
    assert isinstance(got, mg.Tensor)
    assert got.dtype == expected.dtype
    assert_allclose(got.data, expected, rtol=1e-14, atol=1e-14)
    assert_allclose(getattr(mg.fft, name)(x, **keywords).data, expected, rtol=1e-14, atol=1e-14)
    check_gradient(lambda z: function(z, **keywords) ** 2, x)  # the rule has a rule, too


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["fft", "rfft", "irfft", "hfft", "ihfft"])
def test_short_transforms_to_second_order(name, n):
    """The sum of squares has a second derivative; there are no other frequencies than 0, or just one."""
    x = REAL[0, 0, :n] if name in ("rfft", "ihfft") else COMPLEX[0, 0, :n]
    size = 1 if name in ("irfft", "hfft") and n == 1 else None
    check_gradient(lambda z: np.abs(getattr(np.fft, name)(z, size)) ** 2, x)


@pytest.mark.parametrize("name", [*ONE, *MANY])
def test_single_precision_stays_single(name):
    x = mg.tensor(REAL, dtype="f")
    y = getattr(np.fft, name)(x)
    assert y.dtype in (np.float32, np.complex64)
    np.sum(np.abs(y)).backward()
    assert x.grad.dtype == np.float32
    double = mg.tensor(REAL)
    np.sum(np.abs(getattr(np.fft, name)(double))).backward()
    assert_allclose(x.grad, double.grad, rtol=1e-3, atol=1e-4)


def test_a_filter_in_the_spectrum():
    """Differentiate through a convolution by the convolution theorem."""
    x, w = RNG.standard_normal(8), RNG.standard_normal(3)

    def filtered(x, w):
        return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(w, 8), 8)

    circular = sum(w[k] * np.roll(x, k) for k in range(3))
    assert_allclose(filtered(mg.tensor(x), mg.tensor(w)).data, circular, atol=1e-14)
    check_gradient(lambda x, w: filtered(x, w) ** 2, x, w)


def test_roundtrip_has_the_identity_as_its_derivative():
    z, v = mg.tensor(COMPLEX), COMPLEX[::-1] * 1j
    np.fft.ifftn(np.fft.fftn(z)).backward(v)
    assert_allclose(z.grad, v, atol=1e-14)


def test_frequencies():
    for n in (5, 6):
        assert_allclose(mg.fft.fftfreq(n, 0.5).data, np.fft.fftfreq(n, 0.5))
        assert_allclose(mg.fft.rfftfreq(n).data, np.fft.rfftfreq(n))
    assert mg.fft.fftfreq(4, constant=True).constant


def test_constants_and_out():
    assert mg.fft.fft([1, 2, 3]).constant
    assert mg.fft.fft(mg.tensor([1.0, 2.0]), constant=True).constant
    out = mg.tensor(np.zeros(3, complex))
    x = mg.tensor([1.0, 2.0, 4.0])
    np.fft.fft(x, out=out)
    np.abs(out).sum().backward()
    assert_allclose(out.data, np.fft.fft([1.0, 2.0, 4.0]))
    assert x.grad is not None


def test_wrong_arguments_are_numpys_errors():
    x = mg.tensor(REAL)
    for call in (
        lambda x: np.fft.fft(x, 0),
        lambda x: np.fft.hfft(x, norm="other"),
        lambda x: np.fft.rfft(x, norm="other"),
        lambda x: np.fft.fftn(x, (1, 2), (0,)),
    ):
        with pytest.raises(ValueError) as theirs:
            call(REAL)
        with pytest.raises(ValueError) as ours:
            call(x)
        assert str(ours.value).split(";")[0] == str(theirs.value).split(";")[0]
    for f in (np.fft.rfft, np.fft.ihfft, np.fft.rfftn):
        with pytest.raises(TypeError):
            f(mg.tensor(COMPLEX))
    with pytest.raises(NotImplementedError, match="once"):
        np.fft.fftn(x, axes=(0, 0))
    with pytest.raises(IndexError):
        np.fft.fft(x, axis=3)


def test_the_namespace_has_every_transform_of_numpy():
    assert set(mg.fft.__all__) == {name for name in np.fft.__all__ if not name.startswith("_")}
