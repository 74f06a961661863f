"""What several threads and a forked child share safely."""

import os
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

__all__ = ["fork_safe_lock", "once"]

T = TypeVar("T")


def fork_safe_lock() -> Any:
    """Return a lock that a forked child finds free, and what it protects whole: a fork waits for it.

    A fork takes the lock that was made last first; so who holds one may ask for those made before.
    """
    lock = RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


class once(Generic[T]):  # noqa: N801  # a decorator
    """A property that is kept when it has been computed; of what several threads compute, all get the first.

    `functools.cached_property` has, before Python 3.12, a lock that a forked child may find locked for ever.
    """

    make: Callable[[Any], T]
    name: str

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]
        return instance.__dict__.setdefault(self.name, self.make(instance))

    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: T) -> None: ...
