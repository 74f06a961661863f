"""From a tile to functions that Python calls: compiled once per process, under a lock.

A call lets go of the interpreter lock, so that threads run at the same time.
"""

import ctypes
import importlib.util
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any

from mygrad.convolution.emitter import emit
from mygrad.convolution.tile import Tile

__all__ = ["Functions", "assembly", "available", "compiled"]

_lock = Lock()
Functions = tuple[Callable[..., None], Callable[..., None]]


@lru_cache(maxsize=1)
def available() -> bool:
    """Tell whether kernels can be generated here; nothing is imported for it."""
    return importlib.util.find_spec("llvmlite") is not None


def _target_machine(triple: str, cpu: str, features: str) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(triple).create_target_machine(cpu, features, opt=2)


@lru_cache(maxsize=1)
def _host() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(llvm.get_host_cpu_name(), features, opt=2)


@lru_cache(maxsize=256)
def _engine(tile: Tile) -> Any:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(emit(tile)), _host())
    engine.finalize_object()
    return engine


@lru_cache(maxsize=256)
def _compiled(tile: Tile) -> Functions:
    engine = _engine(tile)  # kept for ever by its own cache: the code must not go away
    pack, block = (ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * count) for count in (3, 6))
    return pack(engine.get_function_address("pack")), block(engine.get_function_address("block"))


def compiled(tile: Tile) -> Functions:
    """Return `pack` and `block` of a tile."""
    with _lock:
        return _compiled(tile)


def assembly(tile: Tile, triple: str, cpu: str = "", features: str = "") -> str:
    """Return the assembly of a tile for any target: what a test can inspect without the processor."""
    import llvmlite.binding as llvm

    with _lock:
        return _target_machine(triple, cpu, features).emit_assembly(llvm.parse_assembly(emit(tile)))
