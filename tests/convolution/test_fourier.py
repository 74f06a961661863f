"""Convolution by Fourier transforms: every way, cut and instruction set, against the defining sum."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mygrad.convolution import fft_passes, fourier, fourier_parts, jit, reference
from mygrad.convolution.executor import use_threads
from mygrad.convolution.fft_passes import Pass, radices
from mygrad.convolution.fourier_kernels import ProductsTile, ReductionsTile, TransformsTile
from mygrad.convolution.machine import this_machine
from mygrad.convolution.problem import ConvProblem
from tests.convolution.test_kernels import ISA, TARGETS, machine, made_anew, runs_here

llvm = pytest.importorskip("llvmlite.binding")
make = ConvProblem.make
PROBLEMS = {
    "a signal": make((3, 1, 700), (2, 1, 65), stride=1, padding=7),
    "dilated": make((2, 3, 300), (5, 3, 9), stride=1, padding=(4,), dilation=3),
    "an image": make((2, 5, 40, 37), (7, 5, 5, 6), stride=1, padding=(2, 3)),
    "many filters": make((1, 4, 21, 23), (37, 4, 4, 3), stride=1),
    "many channels": make((2, 41, 12, 11), (3, 41, 3, 5), stride=1, padding=1),
    "groups": make((2, 6, 19, 20), (4, 3, 5, 5), stride=1, padding=2, groups=2),
    "a volume": make((1, 2, 9, 10, 11), (3, 2, 3, 4, 3), stride=1, padding=1),
    "four axes": make((1, 2, 5, 6, 5, 6), (2, 2, 2, 3, 2, 3), stride=1),
}
MEMBERS = ["convolve", "input_gradient", "filter_gradient"]
CACHES = (fourier_parts.best, fourier_parts.calls_of)


fresh = made_anew(*CACHES)


ALLOWED = {"f4": 40, "f8": 150}  # roundings of the root mean square; the reference, in double, has as many


def check(problem, dtype):
    """Compare all members."""
    rng = np.random.default_rng(0)
    x, w, g = (
        rng.standard_normal(s).astype(dtype) for s in (problem.x_shape, problem.w_shape, problem.y_shape)
    )
    for member, a, b in zip(MEMBERS, (x, g, x), (w, w, g), strict=True):
        expected = getattr(reference, member)(problem, a.astype("f8"), b.astype("f8"))
        result = getattr(fourier, member)(problem, a, b)
        unit = np.finfo(dtype).eps * np.sqrt((expected**2).mean())
        np.testing.assert_allclose(result, expected, rtol=0, atol=ALLOWED[dtype] * unit)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_it_is_the_defining_sum(problem, dtype):
    check(problem, dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_parts_that_fit_a_small_memory(problem, dtype, fresh, monkeypatch):
    """Filters, samples and rows of tiles are cut where the least memory is that any tiles fit."""
    size = int(dtype[1])
    for budget in (1 << n for n in range(12, 30)):
        monkeypatch.setattr(fourier_parts, "_budget", lambda *_, budget=budget: budget)
        fourier_parts.best.cache_clear()
        both = all(fourier.applies(each, size) for each in (problem, problem.for_input()))
        if both and fourier.applies(problem, size, of_filter=True):
            break
    check(problem, dtype)


def test_cuts_of_every_kind(fresh, monkeypatch):
    problem = make((4, 6, 40, 40), (20, 6, 5, 5), stride=1)
    monkeypatch.setattr(fourier_parts, "_budget", lambda *_: 1 << 20)
    most = fourier_parts.fitting(problem, 4, of_filter=False)
    whole = fourier_parts.best(problem, 4, this_machine(), of_filter=False)
    assert most.bytes <= 1 << 20
    assert most.filters < whole.filters or most.samples < whole.samples
    check(problem, "f4")


def test_parts_of_different_sizes_read_the_same_spectra_of_filters(fresh, monkeypatch):
    """Three samples have more pairs of tiles than two; filters are laid out for both."""
    problem = make((5, 3, 300), (8, 3, 9), stride=1)
    whole = fourier_parts.best(problem, 4, this_machine(), of_filter=False)
    tiling = fourier_parts.Tiling.made_of(problem, (16,))
    whole = replace(whole, tiling=tiling)
    monkeypatch.setattr(fourier_parts, "best", lambda *_, **__: whole)
    monkeypatch.setattr(fourier_parts, "fitting", lambda *_, **__: replace(whole, samples=3))
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype("f4") for shape in (problem.x_shape, problem.w_shape))
    expected = reference.convolve(problem, x.astype("f8"), w.astype("f8"))
    np.testing.assert_allclose(fourier.convolve(problem, x, w), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("problem", "way"),
    [
        (make((2, 1, 3000), (1, 1, 129), stride=1), "reduced"),
        (make((2, 64, 40, 40), (8, 64, 5, 5), stride=1), "channels"),
        (make((2, 8, 40, 40), (64, 8, 5, 5), stride=1), "filters"),
    ],
    ids=["reduced", "channels", "filters"],
)
def test_lanes_of_filter_gradients(problem, way):
    part = fourier_parts.best(problem, 4, this_machine(), of_filter=True)
    assert way == ("reduced" if part.reduced else "filters" if part.swapped else "channels")
    check(problem, "f4")


@pytest.mark.parametrize("member", MEMBERS)
def test_the_same_bits_for_any_number_of_threads(member, fresh):
    problem = make((3, 17, 50, 48), (19, 17, 7, 5), stride=1, padding=2)
    rng = np.random.default_rng(0)
    shapes = {"convolve": "xw", "input_gradient": "yw", "filter_gradient": "xy"}[member]
    a, b = (rng.standard_normal(getattr(problem, f"{name}_shape")).astype("f4") for name in shapes)
    results = []
    for count in (1, 2, 7):
        with use_threads(count):
            results.append(getattr(fourier, member)(problem, a, b))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", TARGETS)
def test_every_instruction_set(name, dtype, fresh, monkeypatch):
    """The code has the multiply-adds of its tiles; it is run where the processor can."""
    triple, cpu, features, multiply_add = TARGETS[name]
    size = int(dtype[1])
    lanes = ISA[name].bits // 8 // size
    for tile, least in (
        (Pass(size, lanes, 4, inverse=False), 3),
        (Pass(size, lanes, 3, inverse=True), 2),
        (ProductsTile(size, lanes, 2), 4),
        (ReductionsTile(size, lanes), 2),
        (TransformsTile(size, lanes), 0),
    ):
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        assert len(re.findall(multiply_add, code)) >= least
    if runs_here(name):
        narrow = replace(machine(name), hertz=this_machine().hertz)
        for module in (fourier, fourier_parts, fft_passes):
            monkeypatch.setattr(module, "this_machine", lambda: narrow)
        for problem in ("a signal", "an image", "many channels"):
            check(PROBLEMS[problem], dtype)


@pytest.mark.parametrize("registers", [16, 32])
def test_radices(registers):
    for n in range(1, 200):
        found = radices(n, registers)
        assert np.prod(found, dtype=int) == n or not found
        assert max(found, default=1) <= (8 if registers > 16 else 4)
    assert radices(5 * 16) == []
    assert radices(6144) == [8, 8, 8, 4, 3]


def test_functions_of_modules_have_names_of_their_own():
    kinds = [Pass(size, lanes, radix, inverse) for size, lanes in ((4, 8), (8, 4)) for radix in (2, 3, 4, 8)
             for inverse in (False, True)]  # fmt: skip
    assert len({kind.symbol for kind in kinds}) == len(kinds)
