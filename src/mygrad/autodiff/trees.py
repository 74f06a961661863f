"""Nested tuples, lists and dicts of arrays: their leaves in order, and the same nest around other leaves.

A list of Python's numbers only, however deep, is an array as everywhere in NumPy and so a leaf; None holds
no leaf.
"""

import copy
from collections.abc import Iterable, Iterator
from itertools import repeat
from numbers import Number
from typing import Any

import numpy as np

__all__ = ["leaves", "leaves_like", "nest", "paths", "rebuild"]


def _is_numbers(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return len(x) > 0 and not hasattr(x, "_fields") and all(_is_numbers(each) for each in x)
    return isinstance(x, Number) and not isinstance(x, np.generic)


def _children(tree: Any) -> list[tuple[Any, Any]] | None:
    """Return the key and the value of each entry; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return list(tree.items())
    if isinstance(tree, (list, tuple)) and not _is_numbers(tree):
        return list(enumerate(tree))
    return None


def paths(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf after where it is, as ``name['w'][0]``."""
    inner = _children(tree)
    if inner is None:
        yield name, tree
    else:
        for key, child in inner:
            yield from paths(child, f"{name}[{key!r}]")


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of `tree`, in order."""
    return [leaf for _, leaf in paths(tree)]


def rebuild(tree: Any, made: Iterable[Any]) -> Any:
    """Return a nest like `tree` with the leaves `made`."""
    return _rebuild(tree, iter(made))


def nest(tree: Any) -> Any:
    """Return a nest like `tree` that does not hold its leaves."""
    return rebuild(tree, repeat(...))


def _rebuild(tree: Any, made: Iterator[Any]) -> Any:
    inner = _children(tree)
    if inner is None:
        return next(made)
    parts = [_rebuild(child, made) for _, child in inner]
    if tree is None:
        return None
    if isinstance(tree, dict):
        filled = copy.copy(tree)  # an OrderedDict remains one
        filled.update(zip(tree, parts, strict=True))
        return filled
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def leaves_like(tree: Any, other: Any, name: str) -> list[tuple[str, Any]]:
    """Return the leaves of `other`, each after its place, in the order of `tree`; both must be nested alike.

    Raises
    ------
    TypeError
        If a key or an entry is missing, or is too many.
    """
    inner = _children(tree)
    if inner is None:
        return [(name, other)]
    if isinstance(tree, dict):
        alike = isinstance(other, dict) and other.keys() == tree.keys()
    else:
        alike = len(inner) == (0 if other is None else _length(other))
    if not alike:
        raise TypeError(f"{name} must be nested as {_outline(tree)}; got {_outline(other)}")
    entries = other or {}  # of None there are none
    found = [leaves_like(child, entries[key], f"{name}[{key!r}]") for key, child in inner]
    return [each for part in found for each in part]


def _length(x: Any) -> int:
    return len(x) if isinstance(x, (list, tuple)) else -1


def _outline(tree: Any) -> str:
    """Describe a nest by its outermost keys."""
    if isinstance(tree, dict):
        return f"a dict with the keys {list(tree)}"
    if isinstance(tree, (list, tuple)):
        return f"a {type(tree).__name__} of {len(tree)}"
    return type(tree).__name__
