"""NumPy's functions that write into their argument: into a tensor, they are writes like ``x[index] = value``.

What the function does to the numbers of the values says which value went where.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function
from mygrad.autodiff.graph import Node
from mygrad.autodiff.overrides import FUNCTIONS, any_variable, name_of, unwrapped
from mygrad.autodiff.tensor import Tensor
from mygrad.autodiff.writes import write
from mygrad.functions.rearrangements import numbers, returned

__all__: list[str] = []

Array = np.ndarray[Any, Any]
WRITES: dict[Any, tuple[str, str]] = {
    np.copyto: ("dst src casting where", "src"),
    np.fill_diagonal: ("a val wrap", "val"),
    np.place: ("arr mask vals", "vals"),
    np.put: ("a ind v mode", "v"),
    np.put_along_axis: ("arr indices values axis", "values"),
    np.putmask: ("a mask values", "values"),
}
"""NumPy's function -> the names of its arguments, and which of them is written."""


def _placing(function: Any, values: str) -> Function:
    """Declare the array that a function would have written."""

    def placed(x: Array, value: Any, params: dict[str, Any]) -> Array:
        whole = np.array(x)
        function(whole, **params, **{values: value})
        return whole

    def origin(x: Any, value: Any, params: dict[str, Any]) -> Array:
        """Return the number of the value at each place, 0 where there was none written."""
        return placed(np.zeros(x.shape, np.intp), numbers(np.shape(value)), params)

    def of_values(g: Any, y: Any, x: Any, value: Any, params: dict[str, Any]) -> Any:
        return returned.either(g, positions=origin(x, value, params), shape=np.shape(value))

    return Function(
        placed,
        lambda g, y, x, value, params: np.where(origin(x, value, params) > 0, 0, g),
        of_values,
        names="x value params",
        numpy=function,
    )


def _is_free(node: Node) -> bool:
    """Tell whether nothing was computed from a leaf: as in MyGrad 2.5, `copyto` goes into its own array."""
    return node.operation is None and not node.used and node.value.flags.writeable


def _writing(function: Any) -> Callable[..., None]:
    names, values = WRITES[function][0].split(), WRITES[function][1]
    placing = _placing(function, values)

    def into(*args: Any, **keywords: Any) -> None:
        params = dict(zip(names, args, strict=False)) | keywords
        target, value = params.pop(names[0]), params.pop(values)
        params = unwrapped(params)
        if isinstance(target, Tensor):
            if function is not np.copyto or any_variable([value]) or not _is_free(target._node):
                write(target, lambda old: placing.run((old, value), {"params": params}, target.constant))
                return
            target = target._node.value
        if any_variable([value]) and function is not np.copyto:  # which MyGrad 2.5 lets pass
            raise TypeError(
                f"{name_of(function)} would write a tensor into an array, where its gradient is lost; write "
                "into mygrad.tensor(array), or take the values alone, x.data"
            )
        function(target, **params, **{values: unwrapped(value)})

    into.__name__ = function.__name__
    return into


for _function in WRITES:
    FUNCTIONS[_function] = _writing(_function)
