"""How a notebook shows a tensor: what it is, its numbers, a small picture, the gradient folded away."""

import struct
import zlib
from base64 import b64encode
from html import escape
from typing import Any

import numpy as np

from mygrad.autodiff.overrides import METHODS
from mygrad.autodiff.tensor import Tensor

__all__ = ["html"]

Array = np.ndarray[Any, Any]
SIDE = 64  # pixels of a picture, and points of a line, at most
SHOWN = 200  # elements that are printed in full
READ = 1 << 20  # elements that the numbers are taken from, at most


def html(x: Tensor) -> str:
    """Return what ``_repr_html_`` of a tensor does: HTML without scripts, for light and dark pages.

    Of more than a million elements every n-th is looked at, which is said.
    """
    array, grad = x.data, x.grad
    flag = ", constant" if x.constant else ""
    title = f"<strong>Tensor</strong> {escape(str(array.shape))} {escape(array.dtype.name)}{flag}"
    parts = [f"<div>{title}", _numbers(array), _picture(array), f"<pre>{_values(array)}</pre>"]
    if grad is not None:
        gradient = f"{_numbers(grad)}{_picture(grad)}<pre>{_values(grad)}</pre>"
        parts.append(f"<details><summary>grad</summary>{gradient}</details>")
    return "\n".join([*parts, "</div>"])


def _values(array: Array) -> str:
    return escape(np.array2string(array, threshold=SHOWN, separator=", "))


def _real(array: Array) -> Array:
    """Return floats to count and to draw: magnitudes of complex numbers."""
    return np.abs(array) if array.dtype.kind == "c" else array.astype(np.float64)


def _numbers(array: Array) -> str:
    """Return the least, mean and largest of the finite elements, and how many are not finite."""
    every = -(-array.size // READ) if array.size else 1
    values = _real(array.ravel()[::every] if every > 1 else array.ravel())
    finite = values[np.isfinite(values)]
    words = (
        [f"min {finite.min():.4g}, mean {finite.mean():.4g}, max {finite.max():.4g}"] if finite.size else []
    )
    if array.dtype.kind == "c" and words:
        words[0] = f"magnitudes: {words[0]}"
    counts = {"nan": np.isnan(values).sum(), "inf": np.isinf(values).sum()}
    words += [f"{count} {name}" for name, count in counts.items() if count]
    if every > 1:
        words.append(f"of every {every}th element")
    return f"<div>{escape('; '.join(words))}</div>" if words else ""


def _picture(array: Array) -> str:
    """Return a line for one axis, an image for two, that of the first elements of the others for more."""
    if array.ndim == 0 or array.size < 2:
        return ""
    flat = array[(0,) * (array.ndim - 2)] if array.ndim > 2 else array
    steps = tuple(slice(None, None, -(-size // SIDE)) for size in flat.shape)
    values = _real(flat[steps])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ""
    low, span = finite.min(), np.ptp(finite) or 1.0
    scaled = np.clip((np.nan_to_num(values, nan=low, posinf=low + span, neginf=low) - low) / span, 0, 1)
    return _line(scaled) if scaled.ndim == 1 else _image(scaled)


def _line(heights: Array) -> str:
    width = 3 * len(heights)
    points = " ".join(f"{3 * n},{42 - 40 * h:.1f}" for n, h in enumerate(heights))
    line = f'<polyline points="{points}" fill="none" stroke="currentColor"/>'
    return f'<svg width="{width}" height="44" role="img" aria-label="values">{line}</svg>'


def _image(shades: Array) -> str:
    """Return a PNG of eight bits (ISO/IEC 15948), black for the least and white for the largest."""
    rows, columns = shades.shape
    pixels = np.zeros((rows, columns + 1), np.uint8)  # each row begins with its filter: none
    pixels[:, 1:] = np.rint(255 * shades)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels.tobytes())), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    scale = max(1, 128 // max(rows, columns))
    size = f'width="{scale * columns}" height="{scale * rows}" style="image-rendering: pixelated"'
    return f'<img alt="values" {size} src="data:image/png;base64,{b64encode(png).decode()}">'


METHODS["html"] = html
