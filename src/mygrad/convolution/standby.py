"""Threads that have just worked stand by for a while: the next job meets them awake.

To wake a thread takes as long as a small convolution. Those who stand by read a board in memory, outside of
the interpreter. It shows one job at a time, and whoever sees it comes:

    owner | open      | inside    | standing    | called    | work, job      a cache line each
    0, 1  | may still | have come | by, in all  | a counter | addresses
          | come      |           |             |           |
"""

import ctypes
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from mygrad.convolution import jit

__all__ = ["Board", "Native"]

TURNS = 4000  # that a thread stands by: 60 us, where a pause takes 15 ns
LINE = 8  # numbers of a cache line
PLACES = {name: LINE * n for n, name in enumerate(("owner", "open", "inside", "standing", "called", "work"))}
PLACES["job"] = PLACES["work"] + 1
PAUSES: dict[str, tuple[str, str]] = dict.fromkeys(("x86_64", "amd64", "i686"), ("x86.sse2.pause", ""))
PAUSES |= dict.fromkeys(("aarch64", "arm64"), ("aarch64.isb", "i32 15"))

TEXT = """
define void @stand_by(ptr %board, i64 %known) nounwind {{
entry:
{places}
  atomicrmw add ptr %standing, i64 1 seq_cst
  br label %look
look:
  %turn = phi i64 [ 0, %entry ], [ %following, %rest ], [ 0, %leave ]
  %wanted = load atomic i64, ptr %open acquire, align 8
  %some = icmp sgt i64 %wanted, 0
  br i1 %some, label %come, label %rest
come:
  atomicrmw add ptr %inside, i64 1 seq_cst
  %fewer = sub i64 %wanted, 1
  %pair = cmpxchg ptr %open, i64 %wanted, i64 %fewer seq_cst seq_cst
  %first = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %first, label %help, label %leave
help:
  %function = load ptr, ptr %work, align 8
  %data = load ptr, ptr %job, align 8
  call void %function(ptr %data, i64 0)
  br label %leave
leave:
  atomicrmw sub ptr %inside, i64 1 seq_cst
  br label %look
rest:
  {pause}
  %following = add i64 %turn, 1
  %now = load atomic i64, ptr %called acquire, align 8
  %same = icmp eq i64 %now, %known
  %early = icmp slt i64 %following, {turns}
  %longer = and i1 %same, %early
  br i1 %longer, label %look, label %end
end:
  atomicrmw sub ptr %standing, i64 1 seq_cst
  ret void
}}

define i64 @offer(ptr %board, ptr %function, ptr %data, i64 %wanted) nounwind {{
entry:
{places}
  %pair = cmpxchg ptr %owner, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %free, label %show, label %taken
taken:
  ret i64 0
show:
  store ptr %function, ptr %work, align 8
  store ptr %data, ptr %job, align 8
  store atomic i64 %wanted, ptr %open seq_cst, align 8
  call void %function(ptr %data, i64 1)
  store atomic i64 0, ptr %open seq_cst, align 8
  br label %wait
wait:
  %left = load atomic i64, ptr %inside seq_cst, align 8
  %none = icmp eq i64 %left, 0
  br i1 %none, label %end, label %rest
rest:
  {pause}
  br label %wait
end:
  store atomic i64 0, ptr %owner seq_cst, align 8
  ret i64 1
}}
"""


def module(processor: str) -> str:
    """Return the LLVM IR of both functions, for a processor as `platform.machine` names it."""
    places = "\n".join(f"  %{name} = getelementptr i64, ptr %board, i64 {n}" for name, n in PLACES.items())
    kind, arguments = PAUSES.get(processor.lower(), ("", ""))
    pause = f"call void @llvm.{kind}({arguments})" if kind else ""
    declared = f"declare void @llvm.{kind}({arguments.split(' ')[0]})" if kind else ""
    return declared + TEXT.format(places=places, pause=pause, turns=TURNS)


class Functions(NamedTuple):
    """What the board needs, and the engine in which they live."""

    stand_by: Callable[[int, int], None]
    offer: Callable[[int, Any, int, int], int]
    engine: Any


@lru_cache(maxsize=1)
def _functions() -> Functions:
    engine = jit.engine_of(module(platform.machine()))
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    stand_by = ctypes.CFUNCTYPE(None, pointer, number)(engine.get_function_address("stand_by"))
    offer = ctypes.CFUNCTYPE(number, pointer, pointer, pointer, number)(engine.get_function_address("offer"))
    return Functions(stand_by, offer, engine)


@dataclass(frozen=True)
class Native:
    """A job that is a function of a kernel; `kept` lies at the address, for threads that come late."""

    work: jit.Work
    address: int
    kept: Any

    def __call__(self, wait: int) -> None:
        self.work(self.address, wait)


class Board:
    """What those who stand by look at."""

    def __init__(self) -> None:
        self.numbers = np.zeros(LINE * (len(PLACES) + 1), np.int64)
        start = -self.numbers.ctypes.data // self.numbers.itemsize % LINE
        self.numbers, self.functions = self.numbers[start:], _functions()
        self.address = self.numbers.ctypes.data

    def standing(self) -> int:
        """Return how many stand by, or help: they do not see what waits in a queue."""
        return int(self.numbers[PLACES["standing"]])

    def called(self) -> int:
        """Return what changes with each `call`."""
        return int(self.numbers[PLACES["called"]])

    def call(self) -> None:
        """Send away all who stand by."""
        self.numbers[PLACES["called"]] += 1

    def stand_by(self, called: int) -> None:
        """Help with what is offered, until nothing is for a while or `called` is no longer this."""
        self.functions.stand_by(self.address, called)

    def offer(self, job: Native, wanted: int) -> bool:
        """Call ``job(1)``, and have as many as are `wanted` of those who stand by call ``job(0)``.

        Returns when none of them is at it any more; or False, at once, while another job is on the board.
        """
        return bool(self.functions.offer(self.address, job.work, job.address, wanted))
