"""Products of two and more arrays: matmul, einsum, and the convolution family.

Each is linear in every operand, so each rule is a product of the same kind.
"""

import itertools
import operator
from functools import reduce
from typing import Any, Final

import numpy as np

from mygrad.autodiff.declare import Elementwise, Function, Joining, override
from mygrad.autodiff.dtypes import conjugated
from mygrad.autodiff.tensor import Tensor
from mygrad.autodiff.views import Step
from mygrad.functions.indexing import put

Array = np.ndarray[Any, Any]


def _transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, _transposed(b))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if b.ndim > 1 else np.expand_dims(g, -1) * a
    if b.ndim == 1:
        return np.matmul(_transposed(a), np.expand_dims(g, -1))[..., 0]
    return np.matmul(_transposed(a), g)


matmul: Final = Elementwise(np.matmul, _matmul_left, _matmul_right)

vecdot: Final = Elementwise(
    np.vecdot,  # conjugates its first operand, as vecmat does
    lambda g, y, a, b: conjugated(np.expand_dims(g, -1) * b),
    lambda g, y, a, b: np.expand_dims(g, -1) * conjugated(a),
)
if hasattr(np, "matvec"):  # NumPy 2.2
    matvec: Final = Elementwise(
        np.matvec,
        lambda g, y, a, b: np.expand_dims(g, -1) * np.expand_dims(b, -2),
        lambda g, y, a, b: np.vecmat(conjugated(g), a),
    )
    vecmat: Final = Elementwise(
        np.vecmat,
        lambda g, y, a, b: conjugated(np.matvec(b, g)),
        lambda g, y, a, b: np.expand_dims(conjugated(a), -1) * np.expand_dims(g, -2),
    )


def _einsum_rule(i: int, g: Any, inputs: list[Any], subscripts: str, optimize: Any) -> Any:
    """Contract `g` with all operands but the i-th, to the labels of that one.

    A label that only the i-th operand has was summed: its gradient is spread along it. A label that
    it has twice was a diagonal: its gradient is written onto one.
    """
    terms, result = subscripts.split("->")
    labels = terms.split(",")
    mine, others = labels[i], labels[:i] + labels[i + 1 :]
    x = inputs[i]
    size = dict(zip(mine, x.shape, strict=True))
    unique = "".join(dict.fromkeys(mine))
    known = "".join(each for each in unique if each in result or any(each in other for other in others))
    rest = [each for k, each in enumerate(inputs) if k != i]
    part = np.einsum(f"{','.join([result, *others])}->{known}", g, *rest, optimize=optimize)
    part = np.reshape(part, [part.shape[known.index(each)] if each in known else 1 for each in unique])
    full = [max(n, size[each]) for n, each in zip(part.shape, unique, strict=True)]
    part = np.broadcast_to(part, full)
    if unique == mine:
        return part
    diagonal = Step(einsum_of.either, {"subscripts": f"{mine}->{unique}"})
    return put.either(np.zeros(x.shape, part.dtype), part, path=(diagonal,))


class _Einsum(Function):
    def gradient(self, i: int, g: Any, y: Any, inputs: list[Any], params: Any) -> Any:
        return _einsum_rule(i, g, inputs, params["subscripts"], params.get("optimize", False))


def _einsum(*operands: Any, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


einsum_of: Final = _Einsum(_einsum, names="subscripts optimize", numpy=np.einsum, view=True)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _from_lists(operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Turn ``einsum(a, [0, 1], b, [1], [0])`` into subscripts and arrays."""

    def letters(labels: Any) -> str:
        return "".join("..." if each is Ellipsis else _LETTERS[each] for each in labels)

    arrays = operands[: len(operands) // 2 * 2 : 2]
    subscripts = ",".join(letters(each) for each in operands[1::2])
    if len(operands) % 2:
        subscripts += "->" + letters(operands[-1])
    return subscripts, arrays


def _explicit(subscripts: str, arrays: tuple[Any, ...]) -> str:
    """Write out the ellipses and the implied result of `subscripts`."""
    terms, arrow, result = subscripts.replace(" ", "").partition("->")
    free = [each for each in _LETTERS if each not in subscripts]
    counts = [np.ndim(x) - len(t.replace("...", "")) for t, x in zip(terms.split(","), arrays, strict=False)]
    most = max([n for n, t in zip(counts, terms.split(","), strict=False) if "..." in t], default=0)
    dots = "".join(free[:most])
    written = [
        t.replace("...", dots[len(dots) - n :]) if n > 0 else t.replace("...", "")
        for t, n in zip(terms.split(","), counts, strict=False)
    ]
    if not arrow:
        once = [
            each for each in sorted(set("".join(written)) - set(dots)) if "".join(written).count(each) == 1
        ]
        result = "..." + "".join(once) if "..." in terms else "".join(once)
    return ",".join(written) + "->" + result.replace("...", dots)


@override(np.einsum)
def einsum(*operands: Any, optimize: Any = False, out: Any = None, constant: bool | None = None) -> Any:
    """Evaluate Einstein's summation convention.

    Parameters
    ----------
    *operands
        Subscripts and arrays, or arrays interleaved with lists of labels, as `numpy.einsum` takes them.
    optimize : bool or str
        Whether, and how, to choose the order of contraction.
    out : Tensor or numpy.ndarray, optional
    constant : bool, optional

    Returns
    -------
    Tensor
        A view of the operand where NumPy's einsum gives a view, as for a diagonal.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.einsum("ii->i", x)
    Tensor([1., 4.])
    """
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], operands[1:]
    else:
        subscripts, arrays = _from_lists(operands)
    counted = len(subscripts.partition("->")[0].split(","))
    if counted != len(arrays):
        raise ValueError(f"einsum: {subscripts!r} has {counted} operands, {len(arrays)} were given")
    arrays = tuple(x if hasattr(x, "ndim") else np.asarray(x) for x in arrays)
    params = {"subscripts": _explicit(subscripts, arrays), "optimize": optimize}
    if out is not None:
        params["out"] = out
    return einsum_of.run(arrays, params, constant)


def _all_but(i: int, g: Any, y: Any, *xs: Any) -> Any:
    """Multiply `g` with all factors but the i-th: never divide, so zeros do no harm."""
    return reduce(operator.mul, xs[:i] + xs[i + 1 :], g)


_sum_of = Joining(lambda xs: reduce(np.add, xs), lambda i, g, y, *xs: g, names="variables")
_product_of = Joining(lambda xs: reduce(np.multiply, xs), _all_but, names="variables")
_sum_of.name, _product_of.name = "add_sequence", "multiply_sequence"


def _several(function: str, operands: Any) -> list[Any]:
    if len(operands) < 2:
        raise ValueError(f"{function} takes two or more operands, got {len(operands)}")
    return list(operands)


def add_sequence(*variables: Any, constant: bool | None = None) -> Tensor:
    """Add up two or more arrays in one step of the graph.

    Parameters
    ----------
    *variables : ArrayLike
        Broadcast against each other.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.add_sequence(1.0, [2.0, 3.0], 4.0)
    Tensor([7., 8.])
    """
    return _sum_of.run(_several("add_sequence", variables), {}, constant)


def multiply_sequence(*variables: Any, constant: bool | None = None) -> Tensor:
    """Multiply two or more arrays in one step of the graph; gradients are exact where factors are 0.

    Parameters
    ----------
    *variables : ArrayLike
        Broadcast against each other.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.multiply_sequence(2.0, [2.0, 3.0], 4.0)
    Tensor([16., 24.])
    """
    return _product_of.run(_several("multiply_sequence", variables), {}, constant)


def multi_matmul(tensors: Any, *, constant: bool | None = None) -> Tensor:
    """Multiply a chain of matrices in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of ArrayLike
        Two or more, each of 2 axes; the first and the last may be vectors, which count as a row and as
        a column.
    constant : bool, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are less than two, if one has not 1 or 2 axes, or if neighbouring sizes differ.

    Notes
    -----
    The order is found by dynamic programming: Cormen et al., *Introduction to Algorithms*, "Matrix-chain
    multiplication".

    Examples
    --------
    >>> import mygrad as mg
    >>> a, b, x = mg.ones((2, 3)), mg.ones((3, 4)), mg.ones(4)
    >>> mg.multi_matmul([a, b, x])
    Tensor([12., 12.], dtype=float32)
    """
    operands = [x if hasattr(x, "ndim") else np.asarray(x) for x in _several("multi_matmul", tensors)]
    for i, x in enumerate(operands):
        if x.ndim not in (1, 2):
            raise ValueError(f"multi_matmul: operand {i} has {x.ndim} axes, shape {x.shape}; it needs 1 or 2")
    if any(x.ndim == 1 for x in operands[1:-1]):  # it could be a row or a column: go from the left
        return _in_order(operands, reduce(lambda left, i: (left, i), range(len(operands))), constant)
    return _in_order(operands, _cheapest_order(_sizes([x.shape for x in operands])), constant)


def _sizes(shapes: list[tuple[int, ...]]) -> list[int]:
    """Return n such that matrix i of the chain has the shape (n[i], n[i + 1])."""
    first, last = shapes[0], shapes[-1]
    shapes = [
        first if len(first) == 2 else (1, *first),
        *shapes[1:-1],
        last if len(last) == 2 else (*last, 1),
    ]
    for i, (left, right) in enumerate(itertools.pairwise(shapes)):
        if left[1] != right[0]:
            raise ValueError(
                f"multi_matmul: operand {i} has {left[1]} columns, operand {i + 1} has {right[0]} rows; "
                "they need as many"
            )
    return [shapes[0][0], *(shape[1] for shape in shapes)]


def _cheapest_order(sizes: list[int]) -> Any:
    """Return nested pairs of positions: how to multiply matrices of shapes (sizes[i], sizes[i + 1])."""
    count = len(sizes) - 1
    best: dict[tuple[int, int], tuple[int, Any]] = {(i, i): (0, i) for i in range(count)}
    for i, k in ((i, i + length) for length in range(1, count) for i in range(count - length)):
        ways = [
            (best[i, j][0] + best[j + 1, k][0] + sizes[i] * sizes[j + 1] * sizes[k + 1], j)
            for j in range(i, k)
        ]
        cost, j = min(ways)
        best[i, k] = cost, (best[i, j][1], best[j + 1, k][1])
    return best[0, count - 1][1]


def _in_order(operands: list[Any], order: Any, constant: bool | None) -> Any:
    if isinstance(order, int):
        return operands[order]
    return matmul(*(_in_order(operands, each, constant) for each in order), constant=constant)
