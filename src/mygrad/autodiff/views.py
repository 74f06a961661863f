"""Views: what leads from a base to each of them, and how long.

A view is its base and a path, the view functions that lead from one to the other. A write makes a new
node, ``put(base, value, path)``, moves the base's handle to it and derives every view again.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mygrad.autodiff.tensor import Tensor

__all__ = ["Step", "View", "rearrange_gradient", "register", "replay", "same_region", "separate", "views_of"]

Array = np.ndarray[Any, Any]


class Step:
    """One view function with its parameters, for arrays and tensors alike."""

    __slots__ = ("function", "params")

    function: Callable[..., Any]
    params: dict[str, Any]

    def __init__(self, function: Callable[..., Any], params: dict[str, Any]) -> None:
        self.function, self.params = function, params

    def __call__(self, x: Any) -> Any:
        return self.function(x, **self.params)


Path = tuple[Callable[[Any], Any], ...]


class View:
    """What makes a tensor a view; `connected` until a graph of its base is cleared, `over` with its own.

    Once it is over, a view shows its part of the gradient that the base had then, and of no later one.
    """

    __slots__ = ("base", "connected", "last", "over", "path", "seen")

    base: "Tensor"
    path: "Path"
    connected: bool
    over: bool

    def __init__(self, base: "Tensor", path: Path, connected: bool = True) -> None:
        self.base, self.path = base, path
        self.connected, self.over = connected, False
        self.last: Array | None = None
        self.seen: tuple[Array, Array] | None = None  # a gradient of the base, and its part

    def gradient(self) -> Array | None:
        """Return this part of the base's gradient, sharing its memory."""
        whole = self.base._grad
        if whole is None or (self.over and whole is not self.last):
            return None
        if self.seen is None or self.seen[0] is not whole:
            part = replay(self.path, whole)
            if part.size and not np.may_share_memory(part, whole):
                whole = rearrange_gradient(self.base, _laid_out_like(self.base._node.value, whole))
                part = replay(self.path, whole)
            self.seen = whole, part
        return self.seen[1]

    def finish(self) -> None:
        """Be over: the graph of the view is cleared."""
        if not self.over:
            self.connected, self.over, self.last = False, True, self.base._grad


def _laid_out_like(array: Array, values: Array) -> Array:
    """Copy `values` into the memory order of `array`, where the same path gives a view."""
    copy = np.empty_like(array, subok=False)
    copy[...] = values
    return copy


def replay(path: Sequence[Callable[[Any], Any]], x: Any) -> Any:
    """Follow `path` from a base: an array gives an array sharing its memory, a tensor a tensor."""
    for step in path:
        x = step(x)
    return x


def register(base: "Tensor", view: "Tensor") -> None:
    """Let writes to `base` find `view` for as long as somebody holds it."""
    views = base._views or []
    if len(views) & (len(views) - 1) == 0:  # at 1, 2, 4, 8, ...: drop those that are gone
        views = [each for each in views if each() is not None]
    views.append(weakref.ref(view))
    base._views = views


def views_of(base: "Tensor") -> "Iterator[tuple[Tensor, View]]":
    """Yield the views of `base` that somebody holds, each after the one that it was made of."""
    for reference in base._views or ():
        each = reference()
        if each is not None and each._view is not None and each._view.base is base:
            yield each, each._view


def rearrange_gradient(base: "Tensor", grad: Array) -> Array:
    """Put `grad`, the same numbers in another shape or order, in place of the gradient of `base`."""
    for _, view in views_of(base):
        if view.last is base._grad:
            view.last = grad
    base._grad = grad
    return grad


def separate(tensor: "Tensor") -> None:
    """Part a view from its base, whose graph was cleared; views made of it become its own."""
    old, tensor._view = tensor._view, None
    if old is None or old.over:
        return
    depth = len(old.path)
    for each, view in views_of(old.base):
        if view.path[:depth] == old.path and len(view.path) > depth and not view.over:
            each._view = View(tensor, view.path[depth:])
            register(tensor, each)


def same_region(value: Array, target: Array) -> bool:
    """Tell whether both arrays are the very same elements of memory."""
    return (
        value.__array_interface__["data"][0] == target.__array_interface__["data"][0]
        and value.strides == target.strides
        and value.shape == target.shape
        and value.dtype == target.dtype
    )
