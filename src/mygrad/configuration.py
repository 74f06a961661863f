"""What this host offers for convolution, and what is used."""

import platform
from typing import Any

import numpy as np

from mygrad.convolution.executor import threads
from mygrad.convolution.jit import version
from mygrad.convolution.machine import this_machine, usable_processors
from mygrad.convolution.planner import forced_algorithm

__all__ = ["show_config"]


def _configuration() -> dict[str, dict[str, Any]]:
    machine = this_machine()
    blas = np.show_config("dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    return {
        "Processor": {
            "architecture": platform.machine(),
            "instruction set": machine.isa.name,
            "vector width": f"{machine.isa.bits} bits, computed {machine.datapath} at a time",
            "vector registers": machine.isa.registers,
            "level 1 data cache": f"{machine.l1 >> 10} KiB",
            "level 2 cache": f"{machine.l2 >> 10} KiB",
            "processors of this process": usable_processors(),
        },
        "Convolution": {
            "kernels": version(),
            "threads": threads(),
            "algorithm": forced_algorithm() or "chosen for each problem",
        },
        "NumPy": {
            "version": np.__version__,
            "BLAS": f"{blas['name']} {blas['version']}",
        },
    }


def show_config() -> None:
    """Print what this host offers, and what mygrad uses of it, as `numpy.show_config` does.

    Examples
    --------
    >>> import mygrad as mg
    >>> mg.show_config()  # doctest: +ELLIPSIS
    Processor:
      architecture: ...
    """
    for section, entries in _configuration().items():
        print(f"{section}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")
