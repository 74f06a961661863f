"""Discrete Fourier transforms: linear functions, whose rules are transforms of the gradient.

The matrix of a complex transform is symmetric, so its rule is itself. A real transform keeps half of the
spectrum: it and its inverse are each other's rules, but for a weight, 2, of the frequencies that the whole
spectrum has twice, and for a conjugate. As matrices they carry the other one's factor 1/n.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Function, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.creation import astensor
from mygrad.functions.shapes import roll

__all__: Final = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Axes = tuple[int, ...]
Rule = Callable[..., Any]
_OPPOSITE: dict[Any, Any] = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The `norm` of the transform in the other direction that has the same factor."""


def _axes(ndim: int, s: Any, axes: Any) -> Axes:
    """Return the transformed axes as numbers from 0, as `numpy.fft.fftn` takes them."""
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    found = tuple(axis % ndim for axis in axes)
    if len(set(found)) < len(found):
        raise NotImplementedError(f"transforms of a tensor go along each axis once; got axes={tuple(axes)}")
    return found


class _OverAxes(Function):
    """A transform along several axes."""

    def apply(self, values: list[Any], params: dict[str, Any]) -> Any:
        value = super().apply(values, params)
        if params.get("axes") is not None:
            _axes(np.ndim(values[0]), None, params["axes"])
        return value


def _resized(g: Any, shape: tuple[int, ...]) -> Any:
    """Cut off of `g` what the transform had padded, and put zeros for what it had cut off."""
    if g.shape == shape:
        return g
    g = g[tuple(slice(n) for n in shape)]
    missing = [(0, n - have) for n, have in zip(shape, g.shape, strict=True)]
    return np.pad(g, missing) if any(n for _, n in missing) else g


def _counts(spectrum: Any, n: int, axis: int) -> Any:
    """Return how often each frequency of half a spectrum is in the whole one of `n`."""
    counts = np.full(n // 2 + 1, 2, np.finfo(spectrum.dtype).dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape(-1, *(1,) * (spectrum.ndim - axis - 1))


def _itself(transform: Callable[..., Any]) -> Rule:
    def rule(g: Any, y: Any, x: Any, s: Any, axes: Axes, norm: Any) -> Any:
        return _resized(transform(g, axes=axes, norm=norm), x.shape)

    return rule


def _of_real(g: Any, y: Any, x: Any, s: Any, axes: Axes, norm: Any) -> Any:
    last = axes[-1]
    n = x.shape[last] if s is None or s[-1] in (None, -1) else s[-1]
    sizes = [*(y.shape[axis] for axis in axes[:-1]), n]
    halved = np.conjugate(g) / _counts(g, n, last)
    return _resized(np.fft.irfftn(halved, sizes, axes, _OPPOSITE[norm]), x.shape)


def _to_real(g: Any, y: Any, x: Any, s: Any, axes: Axes, norm: Any) -> Any:
    spectrum = np.conjugate(np.fft.rfftn(g, axes=axes, norm=_OPPOSITE[norm]))
    return _resized(spectrum * _counts(spectrum, y.shape[axes[-1]], axes[-1]), x.shape)


def _one(rule: Rule) -> Rule:
    def along(g: Any, y: Any, x: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        return rule(g, y, x, None if n is None else (n,), (axis % x.ndim,), norm)

    return along


def _several(rule: Rule, default: Axes | None) -> Rule:
    def along(g: Any, y: Any, x: Any, s: Any = None, axes: Any = default, norm: Any = None) -> Any:
        return rule(g, y, x, s, _axes(x.ndim, s, axes), norm)

    return along


def _family(numpy: Sequence[Any], rule: Rule) -> list[Function]:
    """Declare a transform along one axis, along two and along several."""
    one, two, several = numpy
    return [
        Function(one, _one(rule), names="a n axis norm").override(),
        _OverAxes(two, _several(rule, (-2, -1)), names="a s axes norm").override(),
        _OverAxes(several, _several(rule, None), names="a s axes norm").override(),
    ]


fft: Function
fft2: Function
fftn: Function
ifft: Function
ifft2: Function
ifftn: Function
rfft: Function
rfft2: Function
rfftn: Function
irfft: Function
irfft2: Function
irfftn: Function
fft, fft2, fftn = _family([np.fft.fft, np.fft.fft2, np.fft.fftn], _itself(np.fft.fftn))
ifft, ifft2, ifftn = _family([np.fft.ifft, np.fft.ifft2, np.fft.ifftn], _itself(np.fft.ifftn))
rfft, rfft2, rfftn = _family([np.fft.rfft, np.fft.rfft2, np.fft.rfftn], _of_real)
irfft, irfft2, irfftn = _family([np.fft.irfft, np.fft.irfft2, np.fft.irfftn], _to_real)


def _opposite(norm: Any) -> str:
    if norm not in _OPPOSITE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return _OPPOSITE[norm]


@override(np.fft.hfft)
def hfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, *, constant: bool | None = None
) -> Tensor:
    """Transform half of a signal that is Hermitian, ``a[-t] == conj(a[t])``, to its real spectrum.

    Parameters
    ----------
    a : ArrayLike
    n : int, optional
        Length of the result along `axis`; ``2 (m - 1)`` by default, of m elements.
    axis : int
    norm : {"backward", "ortho", "forward"}, optional
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.hfft([1.0, 2.0, 3.0])
    Tensor([ 8., -2.,  0., -2.])
    """
    return irfft(conjugated(astensor(a)), n, axis, _opposite(norm), constant=constant)


@override(np.fft.ihfft)
def ihfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, *, constant: bool | None = None
) -> Tensor:
    """Transform a real spectrum back to the half of the signal: the inverse of `hfft`.

    Parameters
    ----------
    a : ArrayLike
        Real.
    n : int, optional
        Number of elements of `a` along `axis` that are used.
    axis : int
    norm : {"backward", "ortho", "forward"}, optional
    constant : bool, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.ihfft([8.0, -2.0, 0.0, -2.0]).real
    Tensor([1., 2., 3.])
    """
    return conjugated(rfft(astensor(a), n, axis, _opposite(norm), constant=constant))


def _rolled(x: Any, axes: Any, half: Callable[[int], int]) -> Tensor:
    x = astensor(x)
    axes = range(x.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    return roll(x, tuple(half(x.shape[axis]) for axis in axes), tuple(axes))


@override(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Tensor:
    """Roll frequency 0 from the start to the middle, along some axes or all.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.fftshift([0.0, 1.0, 2.0, -2.0, -1.0])
    Tensor([-2., -1.,  0.,  1.,  2.])
    """
    return _rolled(x, axes, lambda n: n // 2)


@override(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Tensor:
    """Roll frequency 0 from the middle to the start: the inverse of `fftshift`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.ifftshift([-2.0, -1.0, 0.0, 1.0, 2.0])
    Tensor([ 0.,  1.,  2., -2., -1.])
    """
    return _rolled(x, axes, lambda n: -(n // 2))


def fftfreq(n: int, d: float = 1.0, *, constant: bool | None = None) -> Tensor:
    """Return the frequencies of the elements that `fft` makes of `n` samples at distances `d`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.fftfreq(4, d=0.5)
    Tensor([ 0. ,  0.5, -1. , -0.5])
    """
    return Tensor(np.fft.fftfreq(n, d), constant=constant, copy=False)


def rfftfreq(n: int, d: float = 1.0, *, constant: bool | None = None) -> Tensor:
    """Return the frequencies of the elements that `rfft` makes of `n` samples at distances `d`.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.fft.rfftfreq(4, d=0.5)
    Tensor([0. , 0.5, 1. ])
    """
    return Tensor(np.fft.rfftfreq(n, d), constant=constant, copy=False)
