"""What every thread of a call runs, as LLVM IR: take packs, wait for all of them, take tasks.

One call from Python does it all, so that threads do not wait for the interpreter between tasks.
"""

from mygrad.convolution.addresses import PLACE
from mygrad.convolution.ir import Code, Value

__all__ = ["JOB_FIELDS", "JOB_SIZE", "emit_call", "emit_work"]

# The counters that threads share have a cache line each; a job is JOB_SIZE numbers of eight bytes.
COUNTERS = ("worker", "next_pack", "packs_done", "next_task", "tasks_done")
JOB_FIELDS = {name: 8 * n for n, name in enumerate(COUNTERS)} | {
    name: 8 * len(COUNTERS) + n
    for n, name in enumerate((
        "packs", "pack_parameters", "pack_size", "tasks", "task_table", "call_size",
        "x", "w", "packed", "workspace", "y", "workspace_size", "sums_size", "some_packs", "some_tasks",
    ))
}  # fmt: skip
JOB_SIZE = 8 * len(COUNTERS) + 16


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

    def __init__(self, *, packs: bool) -> None:
        self.code = code = Code(2, 4)
        worker = code.put(f"atomicrmw add ptr {self._place('worker')}, i64 1 seq_cst")
        room = code.multiply(worker, self._field("workspace_size"))
        self.sums = code.at(self._pointer("workspace"), room)
        self.copies = code.at(self.sums, self._field("sums_size"))
        self.x, self.y, self.packed = (self._pointer(name) for name in ("x", "y", "packed"))
        if packs:
            self._packs()
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
        code, w = self.code, self._pointer("w")
        count, parameters, size = (
            self._field("packs"),
            self._pointer("pack_parameters"),
            self._field("pack_size"),
        )

        def one(index: str) -> None:
            place = code.at(parameters, code.multiply(index, size))
            code.do(f"call void @pack(ptr {place}, ptr {w}, ptr {self.packed})")

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
            code.do(f"call void @block(ptr {code.at(first, code.multiply(number, self.size))}, {arrays})")

        code.each(calls, call)


def emit_work(*, packs: bool) -> list[str]:
    """Return the lines of `work`, and of a `call` of it."""
    code = Work(packs=packs).code
    lines = ["define void @work(ptr %job, i64 %wait) nounwind {", "entry:", *code.lines, "  ret void", "}"]
    return lines + emit_call(JOB_FIELDS["x"])


def emit_call(first: int) -> list[str]:
    """Return the lines of ``call(template, *arrays)``, a function of Python's own, which has least to do.

    It works on a copy of the template, adds the addresses of the arrays to its words from `first` on, and
    returns the last array.
    """
    code = Code(2, 4)
    code.room("job", 8 * JOB_SIZE)

    def data(number: Value) -> tuple[str, str]:
        array = code.load("ptr", code.entry("%arguments", number), 8)
        return array, code.load("ptr", code.at(array, PLACE or 0), 8)

    def add(index: str) -> None:
        place = code.at("%job", code.add(code.multiply(index, 8), 8 * first))
        address = code.put(f"ptrtoint ptr {data(code.add(index, 1))[1]} to i64")
        code.store("i64", code.put(f"add i64 {code.integer(place)}, {address}"), place, 8)

    code.copy("%job", data("0")[1], 8 * JOB_SIZE)
    count = code.subtract("%count", 1)
    code.each(count, add)
    state = code.put("call ptr @PyEval_SaveThread()")
    code.do("call void @work(ptr %job, i64 1)")
    code.do(f"call void @PyEval_RestoreThread(ptr {state})")
    last = data(count)[0]
    code.do(f"call void @Py_IncRef(ptr {last})")
    return [
        "declare ptr @PyEval_SaveThread()",
        "declare void @PyEval_RestoreThread(ptr)",
        "declare void @Py_IncRef(ptr)",
        "define ptr @call(ptr %self, ptr %arguments, i64 %count) nounwind {",
        "entry:",
        *code.lines,
        f"  ret ptr {last}",
        "}",
    ]
