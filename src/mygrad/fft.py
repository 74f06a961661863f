"""Discrete Fourier transforms of tensors, to every order: the names of `numpy.fft`, which calls them too.

Gradients of complex numbers x + iy are dL/dx + i dL/dy; single precision stays single.

Examples
--------
>>> import mygrad as mg
>>> import numpy as np
>>> x = mg.tensor([1.0, 2.0, 3.0, 4.0])
>>> np.sum(np.abs(np.fft.rfft(x)[1:]) ** 2).backward()
>>> x.grad
array([-8.,  0.,  0.,  8.])
"""

from mygrad.functions.fourier import (
    fft,
    fft2,
    fftfreq,
    fftn,
    fftshift,
    hfft,
    ifft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftfreq,
    rfftn,
)

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip
