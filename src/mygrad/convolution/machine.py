"""What this host offers: vector width, registers, caches, processors.

A table of instruction sets, and questions to the operating system; knows no problem.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path

from mygrad.convolution.ir import LINE

__all__ = ["ISAS", "Isa", "Machine", "this_machine", "usable_processors"]

GROUPS = Path("/sys/fs/cgroup")
WAITS = 1.25
BUSY_CLOCK = 1.25  # of the clock that the system reports


@dataclass(frozen=True)
class Isa:
    """Vector registers of an instruction set, and the flags by which a processor shows that it has it.

    A register less where a product needs one before it is added.
    """

    name: str
    bits: int
    registers: int
    flags: frozenset[str]


@dataclass(frozen=True)
class Machine:
    """An instruction set on a processor.

    `datapath` is the bits that one unit computes in a cycle, `l1` and `l2` the bytes of a core's caches.
    """

    isa: Isa
    datapath: int
    l1: int
    l2: int
    hertz: float

    def peak(self, itemsize: int) -> float:
        """Return the products per second of one core."""
        return 2 * self.datapath / (8 * itemsize) * self.hertz

    def cycles(self, bits: int) -> float:
        """Return the cycles of one multiply-add, or one load: there are two units of each."""
        return max(1.0, bits / self.datapath) / 2

    @property
    def crossing(self) -> float:
        """How many loads one load from any address costs: what units load at once may lie in two lines."""
        return 1 + self.datapath / 8 / LINE

    @property
    def waits(self) -> float:
        """How many times as long takes what waits for caches: units of 512 bits outpace them."""
        return WAITS if self.datapath > 256 else 1.0


ISAS = (
    Isa("AVX-512", 512, 32, frozenset({"avx512f", "avx512vl", "avx512dq", "avx512bw"})),
    Isa("AVX2", 256, 16, frozenset({"avx2", "fma"})),
    Isa("NEON", 128, 32, frozenset({"asimd"})),
    Isa("SSE2", 128, 15, frozenset()),
)


def _cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _cache(level: int, otherwise: int) -> int:
    """Return the bytes of the data cache of one core at a level."""
    for index in range(4):
        folder = Path(f"/sys/devices/system/cpu/cpu0/cache/index{index}")
        try:
            if folder.joinpath("level").read_text().strip() != str(level):
                continue
            if folder.joinpath("type").read_text().strip() != "Instruction":
                return int(folder.joinpath("size").read_text().strip().removesuffix("K")) << 10
        except (OSError, ValueError):
            break
    return otherwise


def _isa(info: dict[str, str]) -> Isa:
    flags = set((info.get("flags") or info.get("Features") or "").split())
    if platform.machine().lower() in ("arm64", "aarch64"):
        flags.add("asimd")
    return next(isa for isa in ISAS if isa.flags <= flags)


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """Return what this host offers."""
    info = _cpuinfo()
    isa = _isa(info)
    halved = info.get("vendor_id") == "AuthenticAMD" and info.get("cpu family") == "25"  # Zen 4
    datapath = min(isa.bits, 256) if halved else isa.bits
    hertz = float(info.get("cpu MHz") or 3000) * 1e6 * BUSY_CLOCK
    return Machine(isa, datapath, _cache(1, 32 << 10), _cache(2, 1 << 20), hertz)


def _control_groups() -> Iterator[Path]:
    """Yield the folders of the control groups that this process is in, of both versions."""
    yield GROUPS
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if not controllers or "cpu" in controllers.split(","):
            folder = GROUPS / controllers / path.lstrip("/")
            yield from (each for each in (folder, *folder.parents) if each.is_relative_to(GROUPS))


def _quota(folder: Path) -> float:
    """Return how many processors a control group may keep busy."""
    for names in ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"):
        with suppress(OSError, ValueError):
            quota, period = " ".join(folder.joinpath(name).read_text() for name in names).split()
            return float(quota) / float(period) if float(quota) > 0 else inf
    return inf


def usable_processors() -> int:
    """Return the processors that this process may use: affinity and quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(count, *map(_quota, _control_groups())) + 0.5))
