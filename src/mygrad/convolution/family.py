"""The three members of the family on arrays: what comes in is made plain, what goes out is promoted.

Sums in half precision, bfloat16 included, are computed in single and rounded once; a complex product is
made of three real ones.
"""

from math import isfinite
from typing import Any

import numpy as np

from mygrad.convolution import planner
from mygrad.convolution.problem import ConvProblem

__all__ = ["convolve", "filter_gradient", "input_gradient"]

Array = np.ndarray[Any, Any]


def _plain(array: Array, dtype: Any) -> Array:
    """Return a contiguous, aligned array in native byte order."""
    flags = array.flags
    if array.dtype is dtype and flags.c_contiguous and flags.aligned:
        return array
    array = np.ascontiguousarray(array, dtype=dtype)
    return array if array.flags.aligned else array.copy()


def _checked(name: str, array: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(array)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; the problem needs {shape}")
    return array


def _finite(array: Array) -> bool:
    if array.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):  # a finite sum has finite terms; one that is not may have overflowed
        return isfinite(np.add.reduce(array, axis=None)) or bool(np.isfinite(array).all())


def _faithful(algorithm: planner.Algorithm, member: str, b: Array) -> bool:
    """Tell whether NaN and infinity in `b` will be where the defining sum has them.

    To gather an input gradient pads g with zeros, and 0 * nan would be a product that the sum has not.
    """
    return not (algorithm.pads and member == planner.INPUT) or _finite(b)


def _transformed(algorithm: planner.Algorithm, problem: ConvProblem, a: Array, b: Array) -> Array | None:
    """Return the result of an algorithm that spreads what is not finite, if all of it is finite."""
    with np.errstate(all="ignore"):
        y = algorithm.run(problem, a, b)
    return y if _finite(y) else None


def _inner(a: Array, b: Array) -> tuple[Any, Any]:
    """Return the dtype of the result, and that of the sums if they are real."""
    dtype = a.dtype
    if dtype is not b.dtype or not dtype.isnative:
        dtype = np.result_type(a, b)
        dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
    half = dtype.itemsize < 4 and dtype.kind in "fV"  # "V": the additional types of ml_dtypes
    return dtype, np.dtype(np.float32) if half else dtype


def _run(problem: ConvProblem, member: str, a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    dtype, inner = _inner(a, b)
    if problem.empty:
        return np.zeros(shape, dtype)
    if dtype.kind == "c":
        return _run_parts(problem, member, a, b, shape, dtype)
    a, b = _plain(a, inner), _plain(b, inner)
    algorithm = planner.choose(problem, member, inner.char)
    y = _transformed(algorithm, problem, a, b) if algorithm.spreads else None
    if y is None:
        if algorithm.spreads or not _faithful(algorithm, member, b):
            ranked = planner.candidates(problem, member, inner.char)
            algorithm = next(each for each in ranked if not each.spreads and _faithful(each, member, b))
        y = algorithm.run(problem, a, b)
    return y if y.dtype is dtype else y.astype(dtype, copy=False)


def _parts(array: Array, dtype: Any) -> tuple[Array, Array | None]:
    """Return the real and the imaginary part, None for that of a real array."""
    imaginary = array.imag.astype(dtype) if array.dtype.kind == "c" else None
    return array.real.astype(dtype), imaginary


def _run_parts(problem: ConvProblem, member: str, a: Array, b: Array, shape: Any, dtype: Any) -> Array:
    """Compute a complex result by real ones: three, or two if `a` or `b` is real."""
    part = np.empty(0, dtype).real.dtype
    (ar, ai), (br, bi) = _parts(a, part), _parts(b, part)

    def run(left: Array, right: Array) -> Array:
        return _run(problem, member, left, right, shape)

    y = np.empty(shape, dtype)
    y.real = run(ar, br)
    if ai is None:
        y.imag = 0 if bi is None else run(ar, bi)
    elif bi is None:
        y.imag = run(ai, br)
    elif not _run_three(y, run, (ar, ai), (br, bi)):
        y.real = run(ar, br) - run(ai, bi)
        y.imag = run(ar, bi) + run(ai, br)
    return y


def _run_three(y: Array, run: Any, a: tuple[Array, Array], b: tuple[Array, Array]) -> bool:
    """Complete `y`, whose real part is ``ar * br``, by two products more; tell whether all of it is finite.

    Gauss: the imaginary part is ``(ar + ai) * (br + bi) - ar * br - ai * bi``. What is not finite would get
    from one part into the other.
    """
    with np.errstate(all="ignore"):
        product = run(a[1], b[1])
        y.imag = run(a[0] + a[1], b[0] + b[1]) - (y.real + product)
        y.real -= product
    return _finite(y.real) and _finite(y.imag)


def convolve(problem: ConvProblem, x: Any, w: Any) -> Array:
    """Return the convolution of `x` with the filters `w`.

    Parameters
    ----------
    problem : ConvProblem
    x, w : array_like, of shapes ``problem.x_shape`` and ``problem.w_shape``
        Any layout, any dtype of numbers; the additional ones of ml_dtypes too.

    Returns
    -------
    numpy.ndarray, of shape ``problem.y_shape``
        New and C-contiguous, in the dtype that NumPy promotes `x` and `w` to.

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import ConvProblem, convolve
    >>> x, w = np.ones((1, 1, 4)), np.ones((1, 1, 2))
    >>> convolve(ConvProblem.make(x.shape, w.shape, stride=2), x, w)
    array([[[2., 2.]]])
    """
    x, w = _checked("x", x, problem.x_shape), _checked("w", w, problem.w_shape)
    return _run(problem, planner.FORWARD, x, w, problem.y_shape)


def input_gradient(problem: ConvProblem, g: Any, w: Any) -> Array:
    """Return the gradient with respect to x, given `g`, that of y.

    Parameters
    ----------
    problem : ConvProblem
    g, w : array_like, of shapes ``problem.y_shape`` and ``problem.w_shape``

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import ConvProblem, input_gradient
    >>> problem = ConvProblem.make((1, 1, 4), (1, 1, 2), stride=1)
    >>> input_gradient(problem, np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    array([[[1., 2., 2., 1.]]])
    """
    g, w = _checked("g", g, problem.y_shape), _checked("w", w, problem.w_shape)
    return _run(problem, planner.INPUT, g, w, problem.x_shape)


def filter_gradient(problem: ConvProblem, x: Any, g: Any) -> Array:
    """Return the gradient with respect to w, given `g`, that of y.

    Parameters
    ----------
    problem : ConvProblem
    x, g : array_like, of shapes ``problem.x_shape`` and ``problem.y_shape``

    Examples
    --------
    >>> import numpy as np
    >>> from mygrad.convolution import ConvProblem, filter_gradient
    >>> problem = ConvProblem.make((1, 1, 4), (1, 1, 2), stride=1)
    >>> filter_gradient(problem, np.ones((1, 1, 4)), np.ones((1, 1, 3)))
    array([[[3., 3.]]])
    """
    x, g = _checked("x", x, problem.x_shape), _checked("g", g, problem.y_shape)
    return _run(problem, planner.FILTER, x, g, problem.w_shape)
