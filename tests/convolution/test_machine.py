"""What is asked of the host: this one's answers, and those of others, told by files and flags of theirs."""

import os
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from mygrad.convolution import addresses, executor, jit, machine
from mygrad.nnet import conv_nd

CPUINFO = """processor	: 0
vendor_id	: {vendor}
cpu family	: {family}
cpu MHz		: 2000.000
flags		: fpu {flags}

processor	: 1
vendor_id	: Other
"""
AVX512 = "avx2 fma avx512f avx512vl avx512dq avx512bw"


@pytest.fixture
def host(monkeypatch):
    """Answer for files of a host that is not this one; what is not told is not there."""
    files = {}

    def read(path, *args, **keywords):
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    machine.this_machine.cache_clear()
    yield files
    monkeypatch.undo()
    machine.this_machine.cache_clear()


def described(**words):
    return CPUINFO.format(**({"vendor": "GenuineIntel", "family": "6", "flags": "sse2"} | words))


@pytest.mark.parametrize(
    ("flags", "name", "bits"),
    [(AVX512, "AVX-512", 512), ("avx2 fma", "AVX2", 256), ("avx2", "SSE2", 128), ("avx512f", "SSE2", 128)],
)
def test_vectors_are_what_the_flags_say(host, flags, name, bits):
    host["/proc/cpuinfo"] = described(flags=flags)
    found = machine.this_machine()
    assert (found.isa.name, found.isa.bits, found.datapath) == (name, bits, bits)
    assert found.hertz == pytest.approx(2000e6 * machine.BUSY_CLOCK)


def test_zen_4_computes_half_a_vector_at_a_time(host):
    host["/proc/cpuinfo"] = described(flags=AVX512, vendor="AuthenticAMD", family="25")
    assert (machine.this_machine().isa.bits, machine.this_machine().datapath) == (512, 256)
    machine.this_machine.cache_clear()
    host["/proc/cpuinfo"] = described(flags="avx2 fma", vendor="AuthenticAMD", family="25")
    assert machine.this_machine().datapath == 256


@pytest.mark.parametrize("name", ["arm64", "aarch64"])
def test_arm_has_neon_even_where_no_file_says_so(host, monkeypatch, name):
    monkeypatch.setattr(platform, "machine", lambda: name)
    assert machine.this_machine().isa.name == "NEON"


def test_without_any_file_the_least_is_assumed(host):
    found = machine.this_machine()
    assert found.isa.name == "SSE2"
    assert (found.l1, found.l2) == (32 << 10, 1 << 20)
    assert found.hertz == pytest.approx(3000e6 * machine.BUSY_CLOCK)


def cache(host, index, level, kind, size):
    folder = f"/sys/devices/system/cpu/cpu0/cache/index{index}"
    host[f"{folder}/level"], host[f"{folder}/type"], host[f"{folder}/size"] = f"{level}\n", f"{kind}\n", size


def test_caches_are_those_of_data(host):
    cache(host, 0, 1, "Instruction", "16K")
    cache(host, 1, 1, "Data", "48K")
    cache(host, 2, 2, "Unified", "2048K")
    cache(host, 3, 3, "Unified", "32M")
    assert (machine.this_machine().l1, machine.this_machine().l2) == (48 << 10, 2048 << 10)


def test_a_size_that_cannot_be_read_is_guessed(host):
    cache(host, 0, 1, "Data", "unknown")
    assert machine.this_machine().l1 == 32 << 10


def test_a_level_that_is_not_there_is_guessed(host):
    for index in range(4):
        cache(host, index, 1, "Data", "48K")
    assert machine.this_machine().l2 == 1 << 20


@pytest.mark.parametrize(
    ("quota", "usable"),
    [("max 100000", 8), ("150000 100000", 2), ("1000 100000", 1), ("900000 100000", 8), ("nonsense", 8)],
)
def test_processors_are_those_of_the_affinity_within_the_quota(host, monkeypatch, quota, usable):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    host["/sys/fs/cgroup/cpu.max"] = quota
    assert machine.usable_processors() == usable


@pytest.mark.parametrize(
    ("groups", "files", "usable"),
    [
        ("0::/system.slice/app.service\n", {"system.slice/app.service/cpu.max": "300000 100000"}, 3),
        ("0::/a/b/c\n", {"a/b/c/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2),
        ("4:memory:/x\n3:cpu,cpuacct:/x\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "250000\n"}, 3),
        ("3:cpu,cpuacct:/x\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "-1\n"}, 8),
        ("3:cpu,cpuacct:/x\n", {"cpu,cpuacct/cpu.cfs_quota_us": "400000\n"}, 4),
        ("4:memory:/x\n", {"memory/x/cpu.max": "100000 100000"}, 8),
        ("0::/\n", {"cpu.max": "100000 100000"}, 1),
    ],
)
def test_a_quota_is_that_of_the_groups_of_the_process(host, monkeypatch, groups, files, usable):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    host["/proc/self/cgroup"] = groups
    for name, text in files.items():
        host[f"/sys/fs/cgroup/{name}"] = text
        host[f"/sys/fs/cgroup/{name}".replace("quota", "period")] = text if "max" in name else "100000\n"
    assert machine.usable_processors() == usable


@pytest.mark.parametrize(("count", "usable"), [(6, 6), (None, 1)])
def test_without_an_affinity_all_processors_count(host, monkeypatch, count, usable):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert machine.usable_processors() == usable


# -- threads


@pytest.fixture
def number_of_threads(monkeypatch):
    executor._default.cache_clear()
    yield lambda text: monkeypatch.setenv("MYGRAD_NUM_THREADS", text)
    executor._default.cache_clear()


def test_the_environment_says_how_many_threads(number_of_threads):
    number_of_threads("3")
    assert executor.threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_no_number_of_threads(number_of_threads, text):
    number_of_threads(text)
    with pytest.raises(
        ValueError, match=f"MYGRAD_NUM_THREADS='{text}' must be a number of threads, 1 or more"
    ):
        executor.threads()


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_a_part_is_raised_when_all_have_ended(monkeypatch, count):
    monkeypatch.setattr(executor, "threads", lambda: count)
    done = []

    def part(number):
        if number == 1:
            raise RuntimeError("part 1")
        done.append(number)

    with pytest.raises(RuntimeError, match="part 1"):
        executor.run_parts(5, part)
    assert 0 in done
    done.clear()
    executor.run_parts(3, done.append)  # the threads go on working
    assert sorted(done) == [0, 1, 2]


def test_where_no_thread_can_be_started_the_caller_works_alone(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(executor, "_pool", executor.Pool())
    monkeypatch.setattr(executor.Thread, "start", refuse)
    monkeypatch.setattr(executor, "threads", lambda: 4)
    done = []
    executor.run_parts(5, done.append)
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert executor._pool.size == 0


# -- memory and kernels


def test_workspace_is_kept_within_bounds():
    lender = executor.Lender()
    for _ in range(3 * executor.KEPT_BUFFERS):
        lender.give(np.empty(1000, np.uint8))
    assert len(lender.free) == executor.KEPT_BUFFERS
    lender = executor.Lender()
    for _ in range(4):
        lender.give(np.empty(executor.KEPT_BYTES // 2, np.uint8))
    assert sum(each.size for each in lender.free) <= executor.KEPT_BYTES
    assert lender.take(1000) is not None
    assert len(lender.free) == 1


def test_the_address_of_data_is_found_with_and_without_its_place(monkeypatch):
    arrays = [np.arange(6.0)[2:], np.zeros((0, 3)), np.ones((2, 2), np.float32).T]
    expected = [each.__array_interface__["data"][0] for each in arrays]
    assert [addresses.address_of(each) for each in arrays] == expected
    monkeypatch.setattr(addresses, "PLACE", None)
    assert [addresses.address_of(each) for each in arrays] == expected


def test_a_place_that_nothing_confirms_is_none(monkeypatch):
    class Nowhere:
        value = None

        @staticmethod
        def from_address(address):
            return Nowhere

    monkeypatch.setattr(addresses.ctypes, "c_void_p", Nowhere)
    assert addresses._place_of_data() is None


def test_without_llvmlite_there_are_no_kernels(monkeypatch):
    jit.available.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    assert not jit.available()
    assert jit.version() == "not available"
    jit.available.cache_clear()
    monkeypatch.undo()
    assert jit.version().startswith("llvmlite ") or not jit.available()


def test_data_that_are_not_aligned_are_copied():
    shifted = np.zeros(8 * 6 + 1, np.uint8)[1:].view(np.float64).reshape(1, 1, 6)
    shifted[...] = np.arange(6.0)
    assert not shifted.flags.aligned
    w = np.array([[[1.0, -1.0]]])
    np.testing.assert_array_equal(conv_nd(shifted, w, stride=1).data, -np.ones((1, 1, 5)))
