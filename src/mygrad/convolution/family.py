"""The three members of the family on arrays: what comes in is made plain, what goes out is promoted.

Sums in half precision, bfloat16 included, are computed in single and rounded once; a complex product is
made of three real ones.
"""

from math import isfinite, prod
from typing import Any, NoReturn

import numpy as np

from mygrad.convolution import planner
from mygrad.convolution.arguments import check_room
from mygrad.convolution.executor import chosen_threads
from mygrad.convolution.prepared import Run
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import all_meet

__all__ = ["compute", "convolve", "filter_gradient", "input_gradient"]

Array = np.ndarray[Any, Any]
NAMES = {planner.FORWARD: "xw", planner.INPUT: "gw", planner.FILTER: "xg"}
SINGLE_OR_DOUBLE = np.dtype(np.float64), np.dtype(np.float32)
IN_PLACE = 0x0001 | 0x0100  # NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED
TINY = 16  # elements: Python is quicker than NumPy
FEW = 4096  # elements: BLAS is quick, but with more starts threads, which spin on and take processors


def _plain(array: Array, dtype: Any) -> Array:
    """Return a contiguous, aligned array in native byte order."""
    array = np.ascontiguousarray(array, dtype=dtype)
    return array if array.flags.aligned else array.copy()


def _refuse(member: str, given: tuple[Array, Array], shapes: Any) -> NoReturn:
    named = zip(NAMES[member], given, shapes, strict=False)
    name, array, shape = next(each for each in named if each[1].shape != each[2])
    raise ValueError(f"{name} has shape {array.shape}; the problem needs {shape}")


def _finite(array: Array) -> bool:
    if array.dtype.kind != "f":
        return True
    # a finite sum has finite terms; one that is not may have overflowed
    if array.size <= TINY:
        return isfinite(sum(array.ravel().tolist())) or bool(np.isfinite(array).all())
    if array.size <= FEW:
        return isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())
    rows = array.reshape(-1)[: array.size // FEW * FEW].reshape(-1, FEW)
    rest = array.reshape(-1)[rows.size :]
    with np.errstate(all="ignore"):
        total = np.add.reduce(np.vecdot(rows, rows)) + np.vdot(rest, rest)
        return isfinite(total) or bool(np.isfinite(array).all())


def _alters(algorithm: planner.Algorithm, problem: ConvProblem, member: str) -> bool:
    """Tell whether the products with padding are not those of the defining sum: 0 * nan would be seen.

    To gather an input gradient pads g with zeros; other sums may leave out what meets padding only.
    """
    return (algorithm.pads and member == planner.INPUT) or algorithm.skips(problem)


def _faithful(algorithm: planner.Algorithm, problem: ConvProblem, member: str, b: Array) -> bool:
    """Tell whether NaN and infinity in `b` will be where the defining sum has them."""
    return not algorithm.spreads and (_finite(b) or not _alters(algorithm, problem, member))


def _careful(problem: ConvProblem, member: str, dtype: Any) -> Run:
    """Return what computes as the chosen algorithm does, and by another one where it would spoil more."""
    chosen = planner.choose(problem, member, dtype.char)
    run = chosen.ready(problem, dtype)

    def other(a: Array, b: Array) -> Array:
        ranked = planner.candidates(problem, member, dtype.char)
        faithful = next(each for each in ranked if _faithful(each, problem, member, b))
        return faithful.ready(problem, dtype)(a, b)

    def transformed(a: Array, b: Array) -> Array:
        with np.errstate(all="ignore"):
            y = run(a, b)
        return y if _finite(y) else other(a, b)

    turned = problem.merged().for_filter() if member == planner.FILTER else problem.merged()
    some = chosen.skips(problem) and not all_meet(turned)

    def padded(a: Array, b: Array) -> Array:
        if some or b.size <= prod(problem.shapes[member][2]):
            return run(a, b) if _finite(b) else other(a, b)
        with np.errstate(all="ignore"):
            y = run(a, b)
        return y if _finite(y) or _finite(b) else other(a, b)  # all of b is in some sum

    if chosen.spreads:
        return transformed
    return padded if _alters(chosen, problem, member) else run


def _ready(problem: ConvProblem, member: str, dtype: Any, key: Any) -> Run:
    """Return what computes a member, and keep it with the problem."""
    shape = problem.shapes[member][2]
    check_room(shape, dtype)
    run = _careful(problem, member, dtype) if not problem.empty else lambda a, b: np.zeros(shape, dtype)
    problem.plans[key] = run
    return run


def _inner(a: Array, b: Array) -> tuple[Any, Any]:
    """Return the dtype of the result, and that of the sums if they are real."""
    dtype = a.dtype
    if dtype is not b.dtype or not dtype.isnative:
        dtype = np.result_type(a, b)
        dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
    half = dtype.itemsize < 4 and dtype.kind in "fV"  # "V": the additional types of ml_dtypes
    return dtype, np.dtype(np.float32) if half else dtype


def compute(problem: ConvProblem, member: str, a: Any, b: Any) -> Array:
    """Return a member of the family of any two arrays."""
    a, b = np.asarray(a), np.asarray(b)
    first, second, _ = shapes = problem.shapes[member]
    if a.shape != first or b.shape != second:
        _refuse(member, (a, b), shapes)
    inner = dtype = a.dtype
    if dtype is not b.dtype or dtype not in SINGLE_OR_DOUBLE:
        dtype, inner = _inner(a, b)
        if dtype.kind == "c":
            return _run_parts(problem, member, a, b, dtype)
        a, b = _plain(a, inner), _plain(b, inner)
    elif a.flags.num & b.flags.num & IN_PLACE != IN_PLACE:
        a, b = _plain(a, inner), _plain(b, inner)
    key = member, inner.char, chosen_threads(), planner._forced.get()
    run = None if planner._measured else problem.plans.get(key)  # what was measured may change the choice
    y = (run or _ready(problem, member, inner, key))(a, b)
    return y if y.dtype is dtype else y.astype(dtype, copy=False)


def _parts(array: Array, dtype: Any) -> tuple[Array, Array | None]:
    """Return the real and the imaginary part, None for that of a real array."""
    imaginary = array.imag.astype(dtype) if array.dtype.kind == "c" else None
    return array.real.astype(dtype), imaginary


def _run_parts(problem: ConvProblem, member: str, a: Array, b: Array, dtype: Any) -> Array:
    """Compute a complex result by real ones: three, or two if `a` or `b` is real."""
    check_room(problem.shapes[member][2], dtype)
    part = np.empty(0, dtype).real.dtype
    (ar, ai), (br, bi) = _parts(a, part), _parts(b, part)

    def run(left: Array, right: Array) -> Array:
        return compute(problem, member, left, right)

    y = np.empty(problem.shapes[member][2], dtype)
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
    return compute(problem, planner.FORWARD, x, w)


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
    return compute(problem, planner.INPUT, g, w)


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
    return compute(problem, planner.FILTER, x, g)
