"""LLVM IR as text: a function being written, an instruction at a time.

Knows vectors of one width and loops with carried values; nothing of convolution.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import ClassVar

__all__ = ["LINE", "Callee", "Code", "Value", "Values", "Vectors"]

LINE = 64  # bytes of a cache line

Value = str | int
"""The name of an integer, or the integer itself where it is known while writing."""
Values = list[str]


class Code:
    """The body of a function: every method appends instructions and returns the name of the result."""

    count: int
    label: str
    lanes: int
    itemsize: int
    vector_bytes: int
    vector: str
    suffix: str

    def __init__(self, lanes: int, itemsize: int) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.label = "entry"
        self.lanes, self.itemsize, self.vector_bytes = lanes, itemsize, lanes * itemsize
        self.scalar = "float" if itemsize == 4 else "double"
        self.vector = f"<{lanes} x {self.scalar}>"
        self.suffix = f"v{lanes}f{itemsize * 8}"

    def put(self, text: str) -> str:
        """Append an instruction with a result."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def do(self, text: str) -> None:
        """Append an instruction without a result."""
        self.lines.append(f"  {text}")

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.label = label

    # -- integers and addresses

    def add(self, a: Value, b: Value) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return a if b == 0 else b if a == 0 else self.put(f"add i64 {a}, {b}")

    def subtract(self, a: Value, b: Value) -> Value:
        return self.put(f"sub i64 {a}, {b}")

    def multiply(self, a: Value, b: Value) -> Value:
        if 0 in (a, b) or (isinstance(a, int) and isinstance(b, int)):
            return 0 if 0 in (a, b) else int(a) * int(b)
        return a if b == 1 else b if a == 1 else self.put(f"mul i64 {a}, {b}")

    def divide(self, a: Value, b: int) -> tuple[Value, Value]:
        """Return the quotient and the remainder of what is not negative."""
        if isinstance(a, int):
            return divmod(a, b)
        quotient = self.put(f"udiv i64 {a}, {b}")
        return quotient, self.subtract(a, self.multiply(quotient, b))

    def smaller(self, a: Value, b: Value) -> str:
        return self.put(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def flag(self, relation: str, a: Value, b: Value) -> str:
        """Return 1 if a comparison holds, 0 if not."""
        return self.put(f"zext i1 {self.put(f'icmp {relation} i64 {a}, {b}')} to i64")

    def at(self, pointer: str, offset: Value) -> str:
        """Return an address; a frozen one where the offset varies.

        LLVM looks through sums of addresses for strength to reduce, loop by loop, which takes a third
        of the time to compile and more registers than it saves; it does not look through `freeze`.
        """
        if offset == 0:
            return pointer
        place = self.put(f"getelementptr i8, ptr {pointer}, i64 {offset}")
        return place if isinstance(offset, int) else self.put(f"freeze ptr {place}")

    def entry(self, table: str, number: Value, size: int = 8) -> str:
        """Return the address of one entry of a table."""
        return self.at(table, self.multiply(number, size))

    # -- memory

    def load(self, kind: str, pointer: str, align: int | None = None) -> str:
        return self.put(f"load {kind}, ptr {pointer}, align {align or self.itemsize}")

    def integer(self, pointer: str) -> str:
        return self.load("i64", pointer, 8)

    def offset(self, pointer: str) -> str:
        """Load an offset of four bytes."""
        return self.put(f"sext i32 {self.load('i32', pointer, 4)} to i64")

    def store(self, kind: str, value: str, pointer: str, align: int | None = None) -> None:
        self.do(f"store {kind} {value}, ptr {pointer}, align {align or self.itemsize}")

    def copy(self, target: str, source: str, size: Value) -> None:
        self.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def clear(self, target: str, size: Value) -> None:
        self.do(f"call void @llvm.memset.p0.i64(ptr {target}, i8 0, i64 {size}, i1 false)")

    def fetch(self, pointer: str, *, to_write: bool = True) -> None:
        """Bring a cache line near that will be written, or read."""
        self.do(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 {int(to_write)}, i32 3, i32 1)")

    def room(self, name: str, size: int) -> None:
        """Make room for `size` bytes that live as long as the call."""
        self.do(f"%{name} = alloca [{size} x i8], align 64")

    # -- vectors

    def vector_at(self, pointer: str, align: int | None = None) -> str:
        return self.load(self.vector, pointer, align)

    def spread(self, value: str) -> str:
        """Return a vector with `value` in every lane."""
        first = self.put(f"insertelement {self.vector} poison, {self.scalar} {value}, i64 0")
        return self.shuffle(first, "poison", [0] * self.lanes)

    def broadcast(self, pointer: str) -> str:
        return self.spread(self.load(self.scalar, pointer))

    def shuffle(self, a: str, b: str, lanes: Sequence[int]) -> str:
        return self.pick(self.vector, a, b, lanes)

    def pick(self, kind: str, a: str, b: str, lanes: Sequence[int]) -> str:
        """Return a vector of lanes of `a` and `b`, which are of any one kind."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.put(f"shufflevector {kind} {a}, {kind} {b}, <{len(lanes)} x i32> <{mask}>")

    def side_by_side(self, vectors: Sequence[str], lanes: int) -> tuple[str, str]:
        """Return the kind and the lanes 0 of all `vectors`, then their lanes 1, ..., in one wide vector."""
        turns = [r * lanes + q for q in range(lanes) for r in range(len(vectors))]
        kind, found = self._joined(f"<{lanes} x {self.scalar}>", lanes, vectors)
        mixed = self.pick(kind, found, "poison", turns) if len(turns) > lanes else found
        return f"<{len(turns)} x {self.scalar}>", mixed

    def apart(self, vectors: Sequence[str], lanes: int) -> Values:
        """Return the lanes 0, n, 2n, ... of n neighbouring vectors, then 1, n + 1, ..., a vector each."""
        count, kind = len(vectors), f"<{lanes} x {self.scalar}>"
        if count == 1:
            return list(vectors)
        if count % 2:
            wide, found = self._joined(kind, lanes, vectors)
            return [self.pick(wide, found, "poison", range(n, count * lanes, count)) for n in range(count)]
        pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
        even, odd = (
            self.apart([self.pick(kind, *pair, range(n, 2 * lanes, 2)) for pair in pairs], lanes)
            for n in range(2)
        )
        return [each for both in zip(even, odd, strict=True) for each in both]

    def _joined(self, kind: str, width: int, vectors: Sequence[str]) -> tuple[str, str]:
        """Return the kind and one wide vector of others, one after the other."""
        found = list(vectors)
        while len(found) > 1:
            odd = ["poison"] if len(found) % 2 else []
            pairs = zip(found[::2], [*found[1::2], *odd], strict=True)
            found = [self.pick(kind, a, b, range(2 * width)) for a, b in pairs]
            width *= 2
            kind = f"<{width} x {self.scalar}>"
        return kind, found[0]

    def fma(self, a: str, b: str, total: str) -> str:
        kind = self.vector
        return self.put(f"call {kind} @llvm.fmuladd.{self.suffix}({kind} {a}, {kind} {b}, {kind} {total})")

    def total(self, value: str) -> str:
        """Return the sum of all lanes."""
        zero, kind = f"{self.scalar} 0.0", f"{self.vector} {value}"
        return self.put(f"call reassoc {self.scalar} @llvm.vector.reduce.fadd.{self.suffix}({zero}, {kind})")

    def from_lane(self, first: Value) -> str:
        """Return the mask of the lanes from `first` on."""
        return self._lanes("sge", first)

    def below_lane(self, end: Value) -> str:
        """Return the mask of the lanes before `end`."""
        return self._lanes("slt", end)

    def _lanes(self, relation: str, first: Value) -> str:
        lanes = f"<{self.lanes} x i64>"
        start = self.put(f"insertelement {lanes} poison, i64 {first}, i64 0")
        zeros = ", ".join(["i32 0"] * self.lanes)
        starts = self.put(f"shufflevector {lanes} {start}, {lanes} poison, <{self.lanes} x i32> <{zeros}>")
        numbers = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        return self.put(f"icmp {relation} {lanes} <{numbers}>, {starts}")

    def masked(self, mask: str, value: str) -> str:
        """Return `value` with zeros where the mask is not set, whatever was there."""
        kind = self.vector
        return self.put(f"select <{self.lanes} x i1> {mask}, {kind} {value}, {kind} zeroinitializer")

    def masked_load(self, pointer: str, mask: str) -> str:
        """Load the lanes of a mask, zeros elsewhere; only those lanes are touched."""
        kind, flags = self.vector, f"<{self.lanes} x i1> {mask}"
        what = f"ptr {pointer}, i32 {self.itemsize}, {flags}, {kind} zeroinitializer"
        return self.put(f"call {kind} @llvm.masked.load.{self.suffix}.p0({what})")

    def put_vector(self, value: str, pointer: str, mask: str = "", scalar: str = "") -> None:
        """Store a vector, or its lanes of a mask if there is one."""
        kind = f"<{self.lanes} x {scalar or self.scalar}>"
        align = 4 if scalar else self.itemsize
        if not mask:
            self.store(kind, value, pointer, align)
            return
        suffix = f"v{self.lanes}{scalar}" if scalar else self.suffix
        what = f"{kind} {value}, ptr {pointer}, i32 {align}, <{self.lanes} x i1> {mask}"
        self.do(f"call void @llvm.masked.store.{suffix}.p0({what})")

    def between(self, first: Value, size: Value) -> str:
        """Return the mask of the lanes at positions from 0 to `size`, the first lane being at `first`."""
        lower, upper = self.from_lane(self.subtract(0, first)), self.below_lane(self.subtract(size, first))
        return self.put(f"and <{self.lanes} x i1> {lower}, {upper}")

    def sum(self, a: str, b: str) -> str:
        return self.put(f"fadd {self.vector} {a}, {b}")

    def difference(self, a: str, b: str) -> str:
        return self.put(f"fsub {self.vector} {a}, {b}")

    def product(self, a: str, b: str) -> str:
        return self.put(f"fmul {self.vector} {a}, {b}")

    def constant(self, value: float) -> str:
        """Return a vector of one number; it is rounded to what lanes have."""
        rounded = struct.unpack("f", struct.pack("f", value))[0] if self.itemsize == 4 else value
        bits = struct.unpack("<Q", struct.pack("<d", rounded))[0]
        return "<" + ", ".join([f"{self.scalar} 0x{bits:016X}"] * self.lanes) + ">"

    def negative(self, a: str) -> str:
        return self.put(f"fneg {self.vector} {a}")

    def half(self, value: str) -> str:
        halves = ", ".join([f"{self.scalar} 0.5"] * self.lanes)
        return self.put(f"fmul {self.vector} {value}, <{halves}>")

    # -- control

    def loop(
        self,
        count: Value,
        body: Callable[[str, Values], Values],
        carried: Sequence[str] = (),
        kind: str = "",
    ) -> Values:
        """For index in range(count): carried = body(index, carried)."""
        if count == 1:
            return body("0", list(carried))
        number, before = self.count, self.label
        head, inside, after = (f"{name}{number}" for name in ("head", "body", "after"))
        self.do(f"br label %{head}")
        self.begin(head)
        place = len(self.lines)
        index = self.put("")  # the phis are known when the body is
        values = [self.put("") for _ in carried]
        more = self.put(f"icmp slt i64 {index}, {count}")
        self.do(f"br i1 {more}, label %{inside}, label %{after}")
        self.begin(inside)
        results = body(index, values)
        following = self.add(index, 1)
        self.do(f"br label %{head}")
        phis = [("i64", index, "0", following)]
        phis += [(kind, *each) for each in zip(values, carried, results, strict=True)]
        for line, (what, name, first, later) in enumerate(phis, place):
            self.lines[line] = f"  {name} = phi {what} [ {first}, %{before} ], [ {later}, %{self.label} ]"
        self.begin(after)
        return values

    def take(self, counter: str, done: str, count: str, some: str, body: Callable[[str], None]) -> None:
        """While threads share `counter`: body(index) for each index below `count` that this one gets.

        A thread gets `some` at a time, and then adds to `done` how many they were.
        """
        number = self.count
        head, inside, after = (f"{name}{number}" for name in ("take", "taken", "none"))
        self.do(f"br label %{head}")
        self.begin(head)
        first = self.put(f"atomicrmw add ptr {counter}, i64 {some} seq_cst")
        self.do(f"br i1 {self.put(f'icmp slt i64 {first}, {count}')}, label %{inside}, label %{after}")
        self.begin(inside)
        number = self.smaller(some, self.subtract(count, first))
        self.each(number, lambda n: body(str(self.add(first, n))))
        self.do(f"atomicrmw add ptr {done}, i64 {number} seq_cst")
        self.do(f"br label %{head}")
        self.begin(after)

    def await_count(self, counter: str, count: str) -> None:
        """Wait until other threads have brought `counter` to `count`."""
        number = self.count
        head, after = f"wait{number}", f"go{number}"
        self.do(f"br label %{head}")
        self.begin(head)
        now = self.put(f"load atomic i64, ptr {counter} acquire, align 8")
        self.do(f"br i1 {self.put(f'icmp slt i64 {now}, {count}')}, label %{head}, label %{after}")
        self.begin(after)

    def each(self, count: Value, body: Callable[[str], None]) -> None:
        """For index in range(count): body(index)."""

        def inside(index: str, _: Values) -> Values:
            body(index)
            return []

        self.loop(count, inside)

    def when(
        self, flag: Value, body: Callable[[Values], Values], values: Sequence[str] = (), kind: str = ""
    ) -> Values:
        """If flag (0 or 1): values = body(values)."""
        if isinstance(flag, int):
            return body(list(values)) if flag else list(values)
        before, inside, after = self.label, f"then{self.count}", f"done{self.count}"
        self.do(f"br i1 {self.put(f'icmp ne i64 {flag}, 0')}, label %{inside}, label %{after}")
        self.begin(inside)
        results, end = body(list(values)), self.label
        self.do(f"br label %{after}")
        self.begin(after)
        pairs = zip(values, results, strict=True)
        return [self.put(f"phi {kind} [ {old}, %{before} ], [ {new}, %{end} ]") for old, new in pairs]

    def choose(
        self, flag: Value, body: Callable[[], Values], otherwise: Callable[[], Values], kind: str
    ) -> Values:
        """Return body() if flag (0 or 1), else otherwise()."""
        inside, outside, after = (f"{name}{self.count}" for name in ("then", "else", "done"))
        self.do(f"br i1 {self.put(f'icmp ne i64 {flag}, 0')}, label %{inside}, label %{outside}")
        found = []
        for label, each in ((inside, body), (outside, otherwise)):
            self.begin(label)
            found.append((each(), self.label))
            self.do(f"br label %{after}")
        self.begin(after)
        (some, here), (others, there) = found
        pairs = zip(some, others, strict=True)
        return [self.put(f"phi {kind} [ {a}, %{here} ], [ {b}, %{there} ]") for a, b in pairs]

    def do_when(self, flag: Value, body: Callable[[], None]) -> None:
        """If flag (0 or 1): body()."""

        def inside(_: Values) -> Values:
            body()
            return []

        self.when(flag, inside)


def declarations(code: Code, callees: "Sequence[Callee]" = ()) -> list[str]:
    """Return the intrinsics that instructions may call, and functions of other modules."""
    kind, flags = code.vector, f"<{code.lanes} x i1>"
    places = f"<{code.lanes} x i32>"
    return [
        f"declare {kind} @llvm.fmuladd.{code.suffix}({kind}, {kind}, {kind})",
        f"declare {code.scalar} @llvm.vector.reduce.fadd.{code.suffix}({code.scalar}, {kind})",
        "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
        "declare i64 @llvm.smin.i64(i64, i64)",
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
        "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)",
        f"declare {kind} @llvm.masked.load.{code.suffix}.p0(ptr, i32, {flags}, {kind})",
        f"declare void @llvm.masked.store.{code.suffix}.p0({kind}, ptr, i32, {flags})",
        f"declare void @llvm.masked.store.v{code.lanes}i32.p0({places}, ptr, i32, {flags})",
        *(each.declaration for each in callees),
    ]


def function(name: str, pointers: str, integers: str, code: Code) -> list[str]:
    """Return the lines of a function with its named arguments; no two pointers reach the same memory."""
    arguments = [f"ptr noalias %{each}" for each in pointers.split()]
    arguments += [f"i64 %{each}" for each in integers.split()]
    bits = code.vector_bytes * 8
    width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}" nounwind'
    return [
        f"define void @{name}({', '.join(arguments)}) {width} {{",
        "entry:",
        *code.lines,
        "  ret void",
        "}",
    ]


@dataclass(frozen=True)
class Vectors:
    """What every kernel is specialized on: vectors of `lanes` elements of `itemsize` bytes."""

    itemsize: int
    lanes: int

    @property
    def vector_bytes(self) -> int:
        return self.lanes * self.itemsize

    def code(self) -> Code:
        """Return an empty body that computes with such vectors."""
        return Code(self.lanes, self.itemsize)

    @property
    def callees(self) -> "tuple[Callee, ...]":
        """The functions of other modules that a kernel calls."""
        return ()


@dataclass(frozen=True)
class Callee(Vectors):
    """What the module of one function is specialized on, which many kernels call: it is compiled once."""

    pointers: ClassVar[str]
    integers: ClassVar[str] = ""

    @property
    def symbol(self) -> str:
        """A name of its own: modules share one space of names."""
        return ".".join(map(str, ("mygrad", type(self).__name__.lower(), *astuple(self))))

    @property
    def declaration(self) -> str:
        kinds = ["ptr"] * len(self.pointers.split()) + ["i64"] * len(self.integers.split())
        return f"declare void @{self.symbol}({', '.join(kinds)})"

    def call(self, code: Code, pointers: Sequence[str], integers: Sequence[Value] = ()) -> None:
        arguments = [f"ptr {each}" for each in pointers] + [f"i64 {each}" for each in integers]
        code.do(f"call void @{self.symbol}({', '.join(arguments)})")

    def module(self, code: Code) -> str:
        return "\n".join(function(self.symbol, self.pointers, self.integers, code))
