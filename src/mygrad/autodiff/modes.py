"""Two switches, recording and the memory guard, held in one context variable.

Every thread and every asyncio task sees its own; `turn_memory_guarding_off` and `on` set what the
process does where no context says otherwise.
"""

import functools
import os
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import numpy as np

__all__ = [
    "mem_guard_active",
    "mem_guard_off",
    "mem_guard_on",
    "no_autodiff",
    "turn_memory_guarding_off",
    "turn_memory_guarding_on",
]

P = ParamSpec("P")
R = TypeVar("R")


class Mode(NamedTuple):
    """One setting of the switches; `outer` is the setting to return to."""

    track: bool = True
    guard: bool | None = None  # None: as the process default says
    outer: "Mode | None" = None


current: ContextVar[Mode] = ContextVar("mygrad_mode", default=Mode())  # noqa: B039 - immutable


def _guard_from_environment() -> bool:
    text = os.environ.get("MYGRAD_MEM_GUARD", "True")
    if text not in {"True", "true", "1", "False", "false", "0"}:
        warnings.warn(
            f"MYGRAD_MEM_GUARD is {text!r}; it should be one of True, true, 1, False, false, 0. "
            "The memory guard is on.",
            stacklevel=2,
        )
    return text not in {"False", "false", "0"}


class _Process:
    """The process-wide default; one attribute, assigned atomically."""

    guard = _guard_from_environment()


def guarding() -> bool:
    guard = current.get().guard
    return _Process.guard if guard is None else guard


def tracking() -> bool:
    return current.get().track


class _Switch:
    """A context manager and decorator that can be nested and shared between threads."""

    def __init__(self, doc: str, *, track: bool | None = None, guard: bool | None = None) -> None:
        self.__doc__, self._track, self._guard = doc, track, guard

    def __enter__(self) -> None:
        mode = current.get()
        track = mode.track if self._track is None else self._track
        guard = mode.guard if self._guard is None else self._guard
        current.set(Mode(track, guard, mode))

    def __exit__(self, *exception: object) -> None:
        current.set(current.get().outer or Mode())

    def __call__(self, func: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(func)
        def switched(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return func(*args, **kwargs)

        return switched


class _MemoryGuard(_Switch):
    def __bool__(self) -> bool:
        return mem_guard_active()


class _NoAutodiff(_Switch):
    def __bool__(self) -> bool:
        return tracking()

    def __call__(self, func: Callable[..., Any], to_numpy: bool = False) -> Callable[..., Any]:
        switched = super().__call__(func)
        if not to_numpy:
            return switched

        @functools.wraps(func)
        def as_array(*args: Any, **kwargs: Any) -> Any:
            return np.asarray(switched(*args, **kwargs))

        return as_array


mem_guard_off: Final = _MemoryGuard(
    "Context manager and decorator: arrays are not locked; writing to one may corrupt gradients.", guard=False
)
mem_guard_on: Final = _MemoryGuard(
    "Context manager and decorator: arrays in a live graph are read-only.", guard=True
)
no_autodiff: Final = _NoAutodiff(
    "Context manager and decorator: nothing is recorded, operations cost what they cost in NumPy.",
    track=False,
)
recording: Final = _Switch("Context manager: operations are recorded.", track=True)


def mem_guard_active() -> bool:
    """Tell whether arrays that enter a graph are locked.

    Examples
    --------
    >>> import mygrad as mg
    >>> with mg.mem_guard_off:
    ...     mg.mem_guard_active()
    False
    """
    return guarding()


def _turn(guard: bool) -> None:
    mode = current.get()
    if mode.guard is None:
        _Process.guard = guard
    else:
        current.set(mode._replace(guard=guard))


def turn_memory_guarding_off() -> None:
    """Make unguarded memory the default of the process; within `mem_guard_on` or `off`, until its end."""
    _turn(False)


def turn_memory_guarding_on() -> None:
    """Make guarded memory the default of the process; within `mem_guard_on` or `off`, until its end."""
    _turn(True)
