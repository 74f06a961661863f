"""From a tile to functions that Python calls: compiled once per process, under a lock.

A call lets go of the interpreter lock, so that threads run at the same time.
"""

import ctypes
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from mygrad.concurrency import fork_safe_lock

__all__ = [
    "Kernel",
    "Work",
    "address_of_function",
    "assembly",
    "available",
    "compiled",
    "emits",
    "engine_of",
    "module_of",
    "version",
]

_lock = fork_safe_lock()


@lru_cache(maxsize=1)
def available() -> bool:
    """Tell whether kernels can be generated here: whether llvmlite is there and can be loaded."""
    with _lock:  # a fork waits for what is being imported
        try:
            import llvmlite.binding  # noqa: F401
        except (ImportError, OSError):
            return False
    return True


def version() -> str:
    """Return the name and version of what generates kernels, if anything does."""
    if not available():
        return "not available"
    import llvmlite

    return f"llvmlite {llvmlite.__version__}"


def _target_machine(triple: str, cpu: str, features: str) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(triple).create_target_machine(cpu, features, opt=2)


@lru_cache(maxsize=1)
def _host() -> tuple[str, str]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


Work = Callable[[int, int], None]
Emitter = Callable[[Any], str]


class Method(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Kernel(NamedTuple):
    """The functions of a module; it keeps what they live in."""

    work: Work
    """``work(job, wait)``, where `job` is an address."""
    call: Callable[..., Any] | None
    """``call(template, x, w, y, room)``, where the module has one."""
    pack: int
    """The addresses of what a worker calls, 0 where the module has none."""
    block: int
    kept: Any


_emitters: dict[type[Any], Emitter] = {}  # filled while modules are imported
_kernels: dict[Any, Kernel] = {}
FASTCALL = 0x80  # METH_FASTCALL: (self, array of arguments, their number)
CALLED = "PyEval_SaveThread", "PyEval_RestoreThread", "Py_IncRef"


def engine_of(module: str) -> Any:
    """Compile a module and return the engine that has its functions, for as long as it is kept."""
    import llvmlite.binding as llvm

    with _lock:
        cpu, features = _host()
        for name in CALLED:
            llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
        machine = llvm.Target.from_default_triple().create_target_machine(cpu, features, opt=2)
        engine = llvm.create_mcjit_compiler(
            llvm.parse_assembly(module), machine
        )  # which owns both from now on
        engine.finalize_object()
        return engine


@cache
def _found(kind: Any) -> tuple[Any, int]:
    """Compile a function that modules call by its symbol; return what it lives in, and its address."""
    import llvmlite.binding as llvm

    with _lock:
        engine = engine_of(module_of(kind))
        address = engine.get_function_address(kind.symbol)
        llvm.add_symbol(kind.symbol, address)
        return engine, address


def address_of_function(kind: Any) -> int:
    """Return the address of a function that has a module of its own."""
    return _found(kind)[1]


def _compile(module: str) -> Kernel:
    engine = engine_of(module)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
    address = engine.get_function_address("call")
    method = Method(b"call", address, FASTCALL, None)
    call = _function(method) if address else None
    work, pack, block = map(engine.get_function_address, ("work", "pack", "block"))
    return Kernel(kind(work), call, pack, block, (engine, method))


def _function(method: Method) -> Any:
    """Return the function of Python's own that a method describes."""
    kind: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return kind(("PyCFunction_NewEx", ctypes.pythonapi))(ctypes.addressof(method), None, None)


def emits(kind: type[Any]) -> Callable[[Emitter], Emitter]:
    """Make a function what writes the LLVM IR of a kind of tile: what a kernel is specialized on."""

    def register(emitter: Emitter) -> Emitter:
        _emitters[kind] = emitter
        return emitter

    return register


def compiled(tile: Any) -> Kernel:
    """Return the kernel of a tile."""
    kernel = _kernels.get(tile)
    if kernel is None:
        with _lock:
            kernel = _kernels.get(tile)
            if kernel is None:
                for each in tile.callees:
                    _found(each)
                kernel = _kernels[tile] = _compile(module_of(tile))
    return kernel


def module_of(tile: Any) -> str:
    """Return the LLVM IR of a tile."""
    return _emitters[type(tile)](tile)


def assembly(module: str, triple: str, cpu: str = "", features: str = "") -> str:
    """Return the assembly of a module for any target: what can be inspected without the processor."""
    import llvmlite.binding as llvm

    with _lock:
        return _target_machine(triple, cpu, features).emit_assembly(llvm.parse_assembly(module))
