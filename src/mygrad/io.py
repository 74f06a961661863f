"""Tensors in files: NumPy's npz, as MyGrad 2.5 writes them. Nothing is unpickled, nothing half written."""

import os
from contextlib import suppress
from threading import get_ident
from typing import IO, Any

import numpy as np

from mygrad.autodiff.tensor import Tensor

__all__ = ["load", "save"]

File = str | os.PathLike[str] | IO[bytes]


def save(file: File, tensor: Tensor) -> None:
    """Save the data, the gradient and the constant-flag of a tensor; not its graph.

    Parameters
    ----------
    file : str, os.PathLike or binary file
        ".npz" is put behind the name of a path that does not end so. An existing file is replaced when
        the new one is complete.
    tensor : Tensor

    Raises
    ------
    TypeError
        If `tensor` is no tensor.

    Examples
    --------
    >>> import io
    >>> import mygrad as mg
    >>> file = io.BytesIO()
    >>> mg.save(file, mg.tensor([1.0, 2.0]))
    >>> _ = file.seek(0)
    >>> mg.load(file)
    Tensor([1., 2.])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"mygrad.save expects a tensor, got {type(tensor).__name__}")
    parts: dict[str, Any] = {"data": tensor.data, "constant": np.asarray(tensor.constant)}
    if tensor.grad is not None:
        parts["grad"] = tensor.grad
    if isinstance(file, str | os.PathLike):
        _replace(os.fspath(file), parts)
    else:
        np.savez(file, **parts)


def _replace(path: str, parts: dict[str, Any]) -> None:
    """Write beside the file that is to be, and put that in its place when all is written."""
    path = path if path.endswith(".npz") else f"{path}.npz"
    part = f"{path}.{os.getpid()}-{get_ident()}.part"
    try:
        with open(part, "xb") as file:
            np.savez(file, **parts)
        if os.path.exists(path):
            os.chmod(part, os.stat(path).st_mode & 0o777)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


class NoTensor(ValueError, KeyError):  # noqa: N818
    """A file is none that `save` wrote: in MyGrad 2.5 it was the key "data" that was missing."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # that of a KeyError shows a name, in quotes


def load(file: File) -> Tensor:
    """Load a tensor that `save` saved, here or in MyGrad 2.5.

    Parameters
    ----------
    file : str, os.PathLike or binary file
        The exact name.

    Returns
    -------
    Tensor
        With its gradient, if it had one.

    Raises
    ------
    ValueError
        If the file holds no tensor, which is a KeyError too, or objects that would have to be unpickled.

    Examples
    --------
    >>> from io import BytesIO
    >>> import mygrad as mg
    >>> file = BytesIO()  # or a name
    >>> mg.save(file, mg.tensor([1.0, 2.0]))
    >>> _ = file.seek(0)
    >>> mg.load(file)
    Tensor([1., 2.])
    """
    with np.load(file, allow_pickle=False) as parts:
        if not hasattr(parts, "files") or "data" not in parts.files:
            raise NoTensor(f"{file!r} holds no tensor: an npz file with an array named 'data' is expected")
        data = parts["data"]
        constant = bool(parts["constant"]) if "constant" in parts.files else None
        grad = parts["grad"] if "grad" in parts.files else None
    made = Tensor(data, constant=constant, copy=False)
    if grad is not None:
        if grad.shape != data.shape:
            raise ValueError(f"{file!r}: the gradient has shape {grad.shape}, the data {data.shape}")
        made._grad = grad.astype(data.dtype, copy=False)
    return made
