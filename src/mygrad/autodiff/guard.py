"""The memory guard: an array that a live graph needs is read-only.

A `Guard` locks one array for as long as anything holds the guard: reference counting is the only
counter there is. The registry finds the guard of an array by its address, which no other array can
have meanwhile, because the entry keeps the array.
"""

import weakref
from typing import Any

import numpy as np

from mygrad.concurrency import fork_safe_lock

__all__ = ["Guard", "guard", "is_guarded"]

Array = np.ndarray[Any, Any]


class Guard:
    """Holding it keeps one array (and, through `owner`, the memory it views) read-only."""

    __slots__ = ("__weakref__", "owner")

    owner: "Guard | None"


class _Entry(weakref.ref[Guard]):
    """The registry's side: unlocks its array once the guard is gone.

    A weak reference is cleared before its callback runs, so no other thread can revive a guard
    that is about to be released.
    """

    __slots__ = ("array", "owner", "views")

    array: Array
    owner: "_Entry | None"
    views: list[Array]


_entries: dict[int, _Entry] = {}
_lock = fork_safe_lock()
_acquire, _unlock = _lock.acquire, _lock.release  # `with` takes three times as long, of every leaf


def _release(entry: _Entry) -> None:
    array, key = entry.array, id(entry.array)
    _acquire()
    try:
        if _entries.get(key) is not entry:
            return  # another guard has taken over while this one was going
        del _entries[key]
        if entry.owner is not None:  # a view cannot be writeable before its base is
            entry.owner.views += [array, *entry.views]
            return
        for each in (array, *entry.views) if entry.views else (array,):
            try:  # noqa: SIM105 - contextlib.suppress takes a microsecond, of every leaf of every graph
                each.setflags(True)  # pyright: ignore[reportCallIssue]
            except ValueError:  # its owner has made the memory read-only since
                pass
    finally:
        _unlock()


def guard(array: Array, *, ours: bool = False) -> Guard | None:
    """Lock `array` and the array it views; return what keeps it so, or None if nothing needs to.

    Parameters
    ----------
    array
        Any array; one that is read-only by nature stays so for ever.
    ours
        The array is a view that mygrad has just made of memory locked already: it was born
        read-only and is to become writeable together with its base.
    """
    key = id(array)
    old = _entries.get(key)
    found = old and old()  # needs no lock: it is one that lives, or None
    if found is not None:
        return found
    _acquire()
    try:
        old = _entries.get(key)
        found = old and old()
        if found is not None:
            return found
        base = array.base
        if base is not None and not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # NumPy's `as_strided` puts an object of its own between
        ours = ours or id(base) in _entries  # a view that somebody has taken of locked memory, and uses now
        owner = None if base is None or not isinstance(base, np.ndarray) else guard(base)
        if old is None and not array.flags.writeable and not (ours and owner is not None):
            return owner
        made = Guard()
        made.owner = owner
        entry = _Entry(made, _release)
        entry.array, entry.views = array, [] if old is None else old.views
        entry.owner = None if owner is None else _entries.get(id(base))
        array.setflags(False)  # pyright: ignore[reportCallIssue]  # by name it takes twice the time
        _entries[key] = entry
        return made
    finally:
        _unlock()


def is_guarded(array: Array) -> bool:
    """Tell whether `array` is read-only because of a guard, its own or its owner's, not by nature."""
    if id(array) in _entries:
        return True
    owner = _entries.get(id(array.base))
    return owner is not None and any(view is array for view in owner.views)
