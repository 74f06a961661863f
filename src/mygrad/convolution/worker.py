"""What every thread of a call runs, as LLVM IR: take packs, wait for all of them, take tasks.

One call from Python does it all, so that threads do not wait for the interpreter between tasks. It is the
same for all kernels, and compiled once: a job has the addresses of the functions `pack` and `block`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from mygrad.convolution.addresses import PLACE
from mygrad.convolution.ir import Code
from mygrad.convolution.jit import emits

__all__ = ["JOB_FIELDS", "JOB_SIZE", "STACK_BYTES", "Worker"]

# The counters that threads share have a cache line each; a job is JOB_SIZE numbers of eight bytes.
COUNTERS = ("worker", "next_pack", "packs_done", "next_task", "tasks_done")
JOB_FIELDS = {name: 8 * n for n, name in enumerate(COUNTERS)} | {
    name: 8 * len(COUNTERS) + n
    for n, name in enumerate((
        "packs", "pack_parameters", "pack_size", "tasks", "task_table", "call_size",
        "x", "w", "packed", "workspace", "y", "workspace_size", "sums_size", "some_packs", "some_tasks",
        "pack", "block",
    ))
}  # fmt: skip
JOB_SIZE = 8 * (len(COUNTERS) + 3)  # whole cache lines
STACK_BYTES = 1 << 14


class Work:
    """Write ``work(job, wait)``; with `wait` it returns when all is done, by whatever thread."""

    code: Code
    sums: str
    copies: str
    x: str
    y: str
    packed: str
    table: str
    size: str
    block: str

    def __init__(self) -> None:
        self.code = code = Code(2, 4)
        worker = code.put(f"atomicrmw add ptr {self._place('worker')}, i64 1 seq_cst")
        room = code.multiply(worker, self._field("workspace_size"))
        self.sums = code.at(self._pointer("workspace"), room)
        self.copies = code.at(self.sums, self._field("sums_size"))
        self.x, self.y, self.packed = (self._pointer(name) for name in ("x", "y", "packed"))
        code.do_when(code.smaller(self._field("packs"), 1), self._packs)
        self.block = self._pointer("block")
        count, done = self._field("tasks"), self._place("tasks_done")
        self.table, self.size = self._pointer("task_table"), self._field("call_size")
        code.take(self._place("next_task"), done, count, self._field("some_tasks"), self._task)
        code.do_when("%wait", lambda: code.await_count(done, count))

    def _place(self, name: str) -> str:
        return self.code.at("%job", 8 * JOB_FIELDS[name])

    def _field(self, name: str) -> str:
        return self.code.integer(self._place(name))

    def _pointer(self, name: str) -> str:
        return self.code.load("ptr", self._place(name), 8)

    def _packs(self) -> None:
        code, w, pack = self.code, self._pointer("w"), self._pointer("pack")
        count, parameters, size = (
            self._field("packs"),
            self._pointer("pack_parameters"),
            self._field("pack_size"),
        )

        def one(index: str) -> None:
            place = code.at(parameters, code.multiply(index, size))
            code.do(f"call void {pack}(ptr {place}, ptr {w}, ptr {self.packed})")

        done = self._place("packs_done")
        code.take(self._place("next_pack"), done, count, self._field("some_packs"), one)
        code.await_count(done, count)

    def _task(self, index: str) -> None:
        """Make the calls of one task: the table has the address of their parameters, and their number."""
        code = self.code
        entry = code.entry(self.table, index, 16)
        first, calls = code.load("ptr", entry, 8), code.integer(code.at(entry, 8))

        def call(number: str) -> None:
            arrays = f"ptr {self.x}, ptr {self.packed}, ptr {self.y}, ptr {self.copies}, ptr {self.sums}"
            code.do(
                f"call void {self.block}(ptr {code.at(first, code.multiply(number, self.size))}, {arrays})"
            )

        code.each(calls, call)


class Call:
    """Write ``call(template, x, w, y, room)``, a function of Python's own: to call it takes least.

    It works on a copy of the template, to whose offsets it adds the addresses of the arrays, lets go of the
    interpreter lock meanwhile, and returns y. Room for a small job is on the stack.
    """

    code: Code

    def __init__(self) -> None:
        self.code = code = Code(2, 4)
        code.room("job", 8 * JOB_SIZE)
        code.room("stack", STACK_BYTES)
        code.copy("%job", self._data(0), 8 * JOB_SIZE)
        given = code.subtract("%count", 4)
        (room,) = code.when(given, lambda _: [self._data(4)], ["%stack"], "ptr")
        packs = code.smaller(code.integer(code.at("%job", 8 * JOB_FIELDS["packs"])), 1)
        w = self._data(2)
        (packed,) = code.when(packs, lambda _: [room], [w], "ptr")
        arrays = {"x": self._data(1), "w": w, "y": self._data(3), "workspace": room, "packed": packed}
        for name, address in arrays.items():
            place = code.at("%job", 8 * JOB_FIELDS[name])
            code.store("ptr", code.at(address, code.integer(place)), place, 8)
        state = code.put("call ptr @PyEval_SaveThread()")
        code.do("call void @work(ptr %job, i64 1)")
        code.do(f"call void @PyEval_RestoreThread(ptr {state})")
        y = self._argument(3)
        code.do(f"call void @Py_IncRef(ptr {y})")
        code.do(f"ret ptr {y}")

    def _argument(self, number: int) -> str:
        return self.code.load("ptr", self.code.entry("%arguments", number), 8)

    def _data(self, number: int) -> str:
        return self.code.load("ptr", self.code.at(self._argument(number), PLACE or 0), 8)


@dataclass(frozen=True)
class Worker:
    """The kind of the one module that has `work` and `call`."""

    callees: ClassVar[tuple[Any, ...]] = ()


@emits(Worker)
def emit_worker(_: Worker) -> str:
    """Return the module of `work`, and of a `call` of it."""
    return "\n".join(
        [
            "declare i64 @llvm.smin.i64(i64, i64)",
            "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
            "define void @work(ptr %job, i64 %wait) nounwind {",
            "entry:",
            *Work().code.lines,
            "  ret void",
            "}",
            "declare ptr @PyEval_SaveThread()",
            "declare void @PyEval_RestoreThread(ptr)",
            "declare void @Py_IncRef(ptr)",
            "define ptr @call(ptr %self, ptr %arguments, i64 %count) nounwind {",
            "entry:",
            *Call().code.lines,
            "}",
        ]
    )
