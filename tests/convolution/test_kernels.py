"""Code for processors that this one may not be: looked at, and run where the processor can."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mygrad.convolution import (
    direct,
    filter_dots,
    group_blocks,
    grouped,
    grouped_filter,
    jit,
    reference,
    winograd,
    winograd_blocks,
    winograd_filter,
    winograd_shared,
)
from mygrad.convolution.machine import ISAS, Machine, this_machine
from mygrad.convolution.problem import ConvProblem
from mygrad.convolution.schedule import best_tile
from mygrad.convolution.tile import Tile
from mygrad.convolution.transposition import Square
from mygrad.convolution.turning import Bring, PutBack

llvm = pytest.importorskip("llvmlite.binding")
TARGETS = {
    "AVX-512": ("x86_64-unknown-linux-gnu", "skylake-avx512", "", r"vfmadd\d+p[sd].*%[xyz]mm"),
    "AVX2": ("x86_64-unknown-linux-gnu", "haswell", "", r"vfmadd\d+p[sd].*%[xy]mm"),
    "SSE2": ("x86_64-unknown-linux-gnu", "x86-64", "", r"mulp[sd].*%xmm"),
    "NEON": ("aarch64-unknown-linux-gnu", "cortex-a76", "", r"fmla\s+v\d+\.[24][sd]"),
}
ISA = {isa.name: isa for isa in ISAS}
PROBLEMS = {
    "many filters": ConvProblem.make((1, 16, 14, 14), (64, 16, 3, 3), stride=1),
    "one filter": ConvProblem.make((1, 1, 64, 64), (1, 1, 3, 3), stride=1),
    "three filters": ConvProblem.make((2, 4, 33, 35), (3, 4, 5, 5), stride=1, padding=2),
    "strided": ConvProblem.make((2, 4, 33, 35), (2, 4, 5, 5), stride=2, padding=2),
}


def made_anew(*caches):
    """Return a fixture: what is in the caches is made anew, and forgotten afterwards."""

    @pytest.fixture
    def fresh():
        for cache in caches:
            cache.cache_clear()
        yield
        for cache in caches:
            cache.cache_clear()

    return fresh


def machine(name):
    isa = ISA[name]
    return Machine(isa, isa.bits, 32 << 10, 1 << 20, 3e9)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("name", TARGETS)
def test_code_for_every_instruction_set(name, problem, itemsize):
    triple, cpu, features, multiply_add = TARGETS[name]
    for tile in (
        best_tile(problem, itemsize, machine(name))[1],
        filter_dots.best_tile(problem, itemsize, machine(name)),
    ):
        assert tile.vector_bytes * 8 <= ISA[name].bits
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        found = len(re.findall(multiply_add, code))
        sums = getattr(tile, "sums", None) or tile.filters * tile.taps
        assert found >= sums
        widest = {512: "%zmm", 256: "%ymm", 128: r"%xmm|\bv\d"}[tile.vector_bytes * 8]
        assert re.search(widest, code)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("kind", [Square, Bring, PutBack])
@pytest.mark.parametrize("name", TARGETS)
def test_functions_that_kernels_share_for_every_instruction_set(name, kind, itemsize):
    """Squares are exchanged in registers: a shuffle at least for each vector."""
    triple, cpu, features, _ = TARGETS[name]
    callee = kind(itemsize, ISA[name].bits // 8 // itemsize)
    code = jit.assembly(jit.module_of(callee), triple, cpu, features)
    assert f"{callee.symbol}:" in code
    shuffles = r"(?m)^\s*(v?unpck|v?shuf|v?perm|vinsert|v?movlhps|v?movhlps|zip|trn|uzp|ext\s|mov\s+v\d+\.)"
    assert len(re.findall(shuffles, code)) >= callee.lanes


def test_a_shared_function_is_compiled_once(monkeypatch):
    compiled = []
    engine_of = jit.engine_of
    monkeypatch.setattr(jit, "engine_of", lambda module: compiled.append(module) or engine_of(module))
    tiles = [Tile(4, 2, 1, rows=1, columns=columns) for columns in (2, 3)]  # no machine has such vectors
    for tile in tiles:
        jit.compiled(tile)
    (square,) = tiles[0].callees
    assert [f"define void @{square.symbol}" in module for module in compiled] == [True, False, False]


POINTWISE = ConvProblem.make((4, 64, 56, 56), (256, 64, 1, 1), stride=1).merged()
LOOPS = [
    pytest.param(lambda machine: best_tile(PROBLEMS["many filters"], 4, machine)[1], id="direct-4"),
    pytest.param(lambda machine: best_tile(PROBLEMS["many filters"], 8, machine)[1], id="direct-8"),
    pytest.param(lambda machine: filter_dots.best_tile(POINTWISE, 4, machine), id="dots-4"),
]  # of doubles 2 x 6 sums are the fastest, though code for a Haswell keeps one of them in memory


@pytest.mark.parametrize("tile_of", LOOPS)
@pytest.mark.parametrize("name", TARGETS)
def test_sums_stay_in_registers(name, tile_of):
    """The innermost loop stores nothing: no sum is spilled."""
    triple, cpu, features, multiply_add = TARGETS[name]
    tile = tile_of(machine(name))
    code = jit.assembly(jit.module_of(tile), triple, cpu, features)
    inner = min((turn for turn in turns(code) if re.search(multiply_add, turn)), key=len)
    store = r"(?m)^\s*(v?mov[au]p[sd]\s+%[xyz]mm\d+, .*\(|st[rp]\s+q)"
    assert not re.search(store, inner)


def turns(code):
    """Return what every loop without branches inside repeats."""
    blocks = re.split(r"(?m)^(\.L\w+):", code)
    for label, block in zip(blocks[1::2], blocks[2::2], strict=True):
        inside, branch, _ = block.partition(f"{label}\n")
        if branch and not re.search(r"(?m)^\s+(j|b\.|cb|tb).*\n.*\n", inside):
            yield inside


def runs_here(name):
    mine = this_machine().isa
    order = [isa.name for isa in ISAS]
    return mine.name == name or (
        mine.name in ("AVX-512", "AVX2") and order.index(name) >= order.index(mine.name) and name != "NEON"
    )


WINOGRAD_CACHES = (winograd._forward, winograd._backward, winograd._shape, winograd_filter._plans)
WINOGRAD_SHAPES = (winograd_blocks, winograd_shared)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shapes", WINOGRAD_SHAPES)
@pytest.mark.parametrize("name", TARGETS)
def test_minimal_filtering_for_every_instruction_set(name, shapes, dtype, monkeypatch):
    """The code has the multiply-adds of its tile; it is run where the processor can."""
    triple, cpu, features, multiply_add = TARGETS[name]
    problem = ConvProblem.make((2, 20, 11, 13), (24, 20, 3, 3), stride=1, padding=1)
    for module in (winograd, winograd_filter, *WINOGRAD_SHAPES):
        monkeypatch.setattr(module, "this_machine", lambda: machine(name))
    monkeypatch.setattr(winograd, "SHAPES", [shapes])
    for cache in WINOGRAD_CACHES:
        cache.cache_clear()
    plan = winograd._forward(problem, int(dtype[1]), 1)
    filters, *_ = winograd_filter._plans(problem, int(dtype[1]), 1)
    for tile in (plan.tile, filters.tile):
        assert tile.vector_bytes * 8 == ISA[name].bits
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        assert len(re.findall(multiply_add, code)) >= tile.sums
    if runs_here(name):
        rng = np.random.default_rng(0)
        shapes = problem.x_shape, problem.w_shape, problem.y_shape
        x, w, g = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        allowed = {"rtol": 0, "atol": 5000 * np.finfo(dtype).eps}
        for module, function, a, b in (
            (winograd, "convolve", x, w),
            (winograd, "input_gradient", g, w),
            (winograd_filter, "filter_gradient", x, g),
        ):
            expected = getattr(reference, function)(problem, a, b)
            np.testing.assert_allclose(getattr(module, function)(problem, a, b), expected, **allowed)
    for cache in WINOGRAD_CACHES:
        cache.cache_clear()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("name", TARGETS)
def test_narrow_kernels_are_right(name, problem, dtype, monkeypatch):
    if not runs_here(name):
        pytest.skip(f"this processor has no {name}")
    narrow = replace(machine(name), hertz=this_machine().hertz)
    for module in (direct, filter_dots):
        monkeypatch.setattr(module, "this_machine", lambda: narrow)
    for cache in (direct.plan, direct._forward, direct._phases, direct._backward, filter_dots._plan):
        cache.cache_clear()
    rng = np.random.default_rng(0)
    x, w, g = (
        rng.standard_normal(s).astype(dtype) for s in (problem.x_shape, problem.w_shape, problem.y_shape)
    )
    allowed = {"rtol": 0, "atol": 5000 * np.finfo(dtype).eps}
    np.testing.assert_allclose(direct.convolve(problem, x, w), reference.convolve(problem, x, w), **allowed)
    expected = reference.input_gradient(problem, g, w)
    np.testing.assert_allclose(direct.input_gradient(problem, g, w), expected, **allowed)
    expected = reference.filter_gradient(problem, x, g)
    np.testing.assert_allclose(direct.filter_gradient(problem, x, g), expected, **allowed)
    np.testing.assert_allclose(filter_dots.filter_gradient(problem, x, g), expected, **allowed)
    for cache in (direct.plan, direct._forward, direct._phases, direct._backward, filter_dots._plan):
        cache.cache_clear()


GROUPS = {
    "depthwise": ConvProblem.make((2, 21, 33, 35), (21, 1, 3, 3), stride=1, padding=1, groups=21),
    "strided": ConvProblem.make((3, 40, 13, 9), (60, 2, 5, 3), stride=2, padding=1, groups=20),
    "signal": ConvProblem.make((1, 17, 4000), (17, 1, 9), stride=1, padding=4, groups=17),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("problem", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("name", TARGETS)
def test_groups_for_every_instruction_set(name, problem, dtype, monkeypatch):
    """The code has the multiply-adds of its tile; it is run where the processor can."""
    triple, cpu, features, multiply_add = TARGETS[name]
    size, narrow = np.dtype(dtype).itemsize, replace(machine(name), hertz=this_machine().hertz)
    for tiles in (grouped, grouped_filter):
        _, tile = tiles.best_tile(problem, size, narrow)
        assert tile.vector_bytes * 8 <= ISA[name].bits
        code = jit.assembly(jit.module_of(tile), triple, cpu, features)
        assert len(re.findall(multiply_add, code)) >= tile.sums
    if not runs_here(name):
        pytest.skip(f"this processor has no {name}")
    for module in (grouped, grouped_filter, group_blocks):
        monkeypatch.setattr(module, "this_machine", lambda: narrow)
    for plan in (grouped._plan, grouped_filter._plan):
        monkeypatch.setattr(plan.__module__ + "." + plan.__name__, plan.__wrapped__)  # not kept
    rng = np.random.default_rng(0)
    x, w, g = (
        rng.standard_normal(s).astype(dtype) for s in (problem.x_shape, problem.w_shape, problem.y_shape)
    )
    allowed = {"rtol": 0, "atol": 500 * np.finfo(dtype).eps}
    np.testing.assert_allclose(grouped.convolve(problem, x, w), reference.convolve(problem, x, w), **allowed)
    expected = reference.input_gradient(problem, g, w)
    np.testing.assert_allclose(grouped.input_gradient(problem, g, w), expected, **allowed)
    expected = reference.filter_gradient(problem, x, g)
    allowed["atol"] *= problem.axes[0].o
    np.testing.assert_allclose(grouped_filter.filter_gradient(problem, x, g), expected, **allowed)


def test_the_machine_is_known():
    found = this_machine()
    assert found.isa in ISAS
    assert 16 <= found.l1 >> 10 <= 1024
    assert found.l2 >= found.l1
    assert 5e8 < found.hertz < 2e10
