"""What `numpy.linalg` has, of tensors: products, decompositions, solutions, norms; and `einsum`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from mygrad.aliases import below
from mygrad.functions.decompositions import eig, eigh, eigvals, eigvalsh, svd, svdvals
from mygrad.functions.factors import qr
from mygrad.functions.inverses import lstsq, matrix_rank, pinv, tensorinv, tensorsolve
from mygrad.functions.linear_algebra import cholesky, det, inv, matrix_power, multi_dot, slogdet, solve
from mygrad.functions.matrices import (
    cross,
    diagonal,
    matmul,
    matrix_transpose,
    outer,
    tensordot,
    trace,
    vecdot,
)
from mygrad.functions.norms import cond, matrix_norm, norm, vector_norm
from mygrad.functions.products import einsum

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "einsum", "inv",
    "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm",
    "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve",
    "trace", "vecdot", "vector_norm",
]  # fmt: skip

__getattr__: Callable[[str], Any] = partial(below, __name__)
