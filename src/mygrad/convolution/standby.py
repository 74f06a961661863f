"""Threads that have just worked stand by for a while: the next job meets them awake.

To wake a thread takes as long as a small convolution. Those who stand by read a board in memory, outside of
the interpreter. It shows one job at a time, and whoever sees it comes:

    owner | standing    | open          | inside    | called    | work, job      a cache line each
    0, 1  | stand by    | are wanted    | have come | a counter | addresses
          | without job | and have not  |           |           |
          |             | come yet      |           |           |

Who shows a job moves as many as it wants from `standing` to `open`, and only who stands may leave; so
whoever was counted on comes.
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
PLACES = {name: LINE * n for n, name in enumerate(("owner", "standing", "open", "inside", "called", "work"))}
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
  %turn = phi i64 [ 0, %entry ], [ 0, %late ], [ %following, %rest ], [ %following, %stay ]
  %wanted = load atomic i64, ptr %open acquire, align 8
  %some = icmp sgt i64 %wanted, 0
  br i1 %some, label %come, label %rest
come:
  atomicrmw add ptr %inside, i64 1 seq_cst
  %fewer = sub i64 %wanted, 1
  %pair = cmpxchg ptr %open, i64 %wanted, i64 %fewer seq_cst seq_cst
  %first = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %first, label %help, label %late
help:
  %function = load ptr, ptr %work, align 8
  %data = load ptr, ptr %job, align 8
  call void %function(ptr %data, i64 0)
  atomicrmw add ptr %standing, i64 1 seq_cst
  br label %late
late:
  atomicrmw sub ptr %inside, i64 1 seq_cst
  br label %look
rest:
  {pause}
  %following = add i64 %turn, 1
  %now = load atomic i64, ptr %called acquire, align 8
  %same = icmp eq i64 %now, %known
  %early = icmp slt i64 %following, {turns}
  %longer = and i1 %same, %early
  br i1 %longer, label %look, label %leave
leave:
  %all = load atomic i64, ptr %standing seq_cst, align 8
  %one = icmp sgt i64 %all, 0
  br i1 %one, label %go, label %stay
stay:
  br label %look
go:
  %others = sub i64 %all, 1
  %gone = cmpxchg ptr %standing, i64 %all, i64 %others seq_cst seq_cst
  %alone = extractvalue {{ i64, i1 }} %gone, 1
  br i1 %alone, label %end, label %stay
end:
  ret void
}}

define void @finish(ptr %board, ptr %function, ptr %data) nounwind {{
entry:
{places}
  call void %function(ptr %data, i64 1)
  %unmet = atomicrmw xchg ptr %open, i64 0 seq_cst
  atomicrmw add ptr %standing, i64 %unmet seq_cst
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
  ret void
}}

define i64 @offer(ptr %board, ptr %function, ptr %data, i64 %wanted) nounwind {{
entry:
{places}
  %pair = cmpxchg ptr %owner, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %free, label %count, label %none
count:
  %all = load atomic i64, ptr %standing seq_cst, align 8
  %few = icmp slt i64 %all, %wanted
  %some = select i1 %few, i64 %all, i64 %wanted
  %any = icmp sgt i64 %some, 0
  br i1 %any, label %move, label %nobody
nobody:
  store atomic i64 0, ptr %owner seq_cst, align 8
  br label %none
none:
  ret i64 0
move:
  %others = sub i64 %all, %some
  %moved = cmpxchg ptr %standing, i64 %all, i64 %others seq_cst seq_cst
  %mine = extractvalue {{ i64, i1 }} %moved, 1
  br i1 %mine, label %show, label %count
show:
  store ptr %function, ptr %work, align 8
  store ptr %data, ptr %job, align 8
  store atomic i64 %some, ptr %open seq_cst, align 8
  br i1 %few, label %end, label %all_come
all_come:
  call void @finish(ptr %board, ptr %function, ptr %data)
  br label %end
end:
  ret i64 %some
}}
"""


def module(processor: str) -> str:
    """Return the LLVM IR of the three functions, for a processor as `platform.machine` names it."""
    places = "\n".join(f"  %{name} = getelementptr i64, ptr %board, i64 {n}" for name, n in PLACES.items())
    kind, arguments = PAUSES.get(processor.lower(), ("", ""))
    pause = f"call void @llvm.{kind}({arguments})" if kind else ""
    declared = f"declare void @llvm.{kind}({arguments.split(' ')[0]})" if kind else ""
    return declared + TEXT.format(places=places, pause=pause, turns=TURNS)


class Functions(NamedTuple):
    """What the board needs, and the engine in which they live."""

    stand_by: Callable[[int, int], None]
    offer: Callable[[int, Any, int, int], int]
    finish: Callable[[int, Any, int], None]
    engine: Any


@lru_cache(maxsize=1)
def _functions() -> Functions:
    engine = jit.engine_of(module(platform.machine()))
    pointer, number = ctypes.c_void_p, ctypes.c_int64

    def function(name: str, *kinds: Any) -> Any:
        return ctypes.CFUNCTYPE(*kinds)(engine.get_function_address(name))

    stand_by = function("stand_by", None, pointer, number)
    offer = function("offer", number, pointer, pointer, pointer, number)
    return Functions(stand_by, offer, function("finish", None, pointer, pointer, pointer), engine)


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

    numbers: np.ndarray[Any, Any]
    functions: Functions
    address: int

    def __init__(self) -> None:
        self.numbers = np.zeros(LINE * (len(PLACES) + 1), np.int64)
        start = -self.numbers.ctypes.data // self.numbers.itemsize % LINE
        self.numbers, self.functions = self.numbers[start:], _functions()
        self.address = self.numbers.ctypes.data

    def called(self) -> int:
        """Return what changes with each `call`."""
        return int(self.numbers[PLACES["called"]])

    def call(self) -> None:
        """Send away all who stand by."""
        self.numbers[PLACES["called"]] += 1

    def stand_by(self, called: int) -> None:
        """Help with what is offered, until nothing is for a while or `called` is no longer this."""
        self.functions.stand_by(self.address, called)

    def offer(self, job: Native, wanted: int) -> int:
        """Show a job; as many as are `wanted` of those who stand by call ``job(0)``. Return how many come.

        If all do, ``job(1)`` has been called too, and none is at it any more. If only some do, `finish` must
        follow. None comes while another job is on the board.
        """
        return self.functions.offer(self.address, job.work, job.address, wanted)

    def finish(self, job: Native) -> None:
        """Call ``job(1)`` and wait until no one is at it any more."""
        self.functions.finish(self.address, job.work, job.address)
