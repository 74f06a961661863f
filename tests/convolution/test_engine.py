"""The generated kernels as a system: threads, processes, layouts, values that are not finite, memory."""

import concurrent.futures
import ctypes
import os
import subprocess
import sys
import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mygrad as mg
from mygrad.convolution import (
    ConvProblem,
    convolve,
    explain,
    filter_gradient,
    input_gradient,
    jit,
    planner,
    use_algorithm,
    use_threads,
)
from mygrad.convolution.emitter import BLOCK_FIELDS
from mygrad.convolution.layout import strides_of
from mygrad.convolution.machine import this_machine
from mygrad.convolution.parameters import Parameters
from mygrad.convolution.problem import Axis
from mygrad.convolution.schedule import best_tile, blocks, copied_by, schedule
from mygrad.convolution.tile import Tile

make = ConvProblem.make
PROBLEMS = {
    "wide": make((2, 32, 20, 21), (48, 32, 3, 3), stride=1, padding=1),
    "thin": make((3, 1, 200, 130), (1, 1, 3, 3), stride=1, padding=1),
    "strided": make((2, 5, 61, 47), (6, 5, 5, 3), stride=(2, 2), padding=1),
    "signal": make((1, 1, 30000), (3, 1, 65), stride=1),
    "depthwise": make((2, 24, 40, 40), (24, 1, 3, 3), stride=1, padding=1, groups=24),
    "groups": make((3, 38, 15, 13), (57, 2, 3, 3), stride=2, padding=1, groups=19),
    "four axes": make((1, 3, 7, 8, 9, 10), (4, 3, 2, 3, 2, 3), stride=1, padding=1),
    "pointwise": make((2, 40, 17, 19), (24, 40, 1, 1), stride=1),
    "dilated": make((2, 8, 33, 33), (16, 8, 3, 3), stride=1, padding=4, dilation=4),
    "long sums": make((2, 300, 9, 9), (20, 300, 3, 3), stride=1),
}
MEMBERS = {
    "forward": (convolve, "x", "w"),
    "input": (input_gradient, "g", "w"),
    "filter": (filter_gradient, "x", "g"),
}
each_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
each_member = pytest.mark.parametrize("member", MEMBERS)


def arrays(problem, dtype="f4", seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"x": problem.x_shape, "w": problem.w_shape, "g": problem.y_shape}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def compute(member, problem, data):
    function, a, b = MEMBERS[member]
    return function(problem, data[a], data[b])


def exact(member, problem, data):
    with use_algorithm("reference"):
        return compute(member, problem, {name: value.astype("f8") for name, value in data.items()})


def terms(member, problem):
    """Return how many products each sum has at most."""
    total = problem.products // problem.groups
    outputs = {"forward": problem.y_shape, "input": problem.x_shape, "filter": problem.w_shape}[member]
    return max(1, total * problem.groups // max(1, int(np.prod(outputs))))


# -- numbers


@each_member
@each_problem
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "algorithm",
    ["direct", "dots", "fft", "gemm", "grouped", "panels", "subpixel", "winograd", None],
)
def test_real_sizes(problem, member, dtype, algorithm):
    """Compare with the sum in float64, in units of rounding of a sum of n standard normal products.

    Rounding errors of n additions grow as n / 2 units at the very worst, sqrt(n) as a rule; sums are
    about sqrt(n): 4 n eps is far above what is found and far below any mistake.
    """
    data = arrays(problem, dtype)
    expected = exact(member, problem, data)
    if algorithm is None:
        result = compute(member, problem, data)
    else:
        with use_algorithm(algorithm):
            result = compute(member, problem, data)
    n = terms(member, problem)
    np.testing.assert_allclose(result, expected, rtol=0, atol=4 * (n + 16) * np.finfo(dtype).eps)


PHASED = {
    "rows end within a tile": make((2, 20, 31, 37), (6, 20, 4, 5), stride=2, padding=1, fit="floor"),
    "few channels": make((2, 3, 40, 67), (6, 3, 3, 3), stride=2, padding=1, fit="floor"),
    "depthwise": make((2, 6, 40, 99), (6, 1, 3, 3), stride=3, padding=1, groups=6, fit="floor"),
    "some meet no tap": make((2, 20, 12, 33), (6, 20, 1, 2), stride=(2, 3), fit="floor"),
    "rows only": make((2, 20, 13, 35), (6, 20, 3, 3), stride=(2, 1), fit="floor"),
    "vectors": make((1, 24, 808), (20, 24, 16), stride=8, fit="floor"),
    "elements": make((1, 24, 651), (20, 24, 24), stride=11, fit="floor"),
    "dilated": make((1, 5, 41, 43), (6, 5, 3, 3), stride=(2, 6), dilation=(3, 4), fit="floor"),
    "several chunks": make((2, 20, 9, 33), (700, 20, 3, 4), stride=2, padding=1, fit="floor"),
    "all of x at once": make((5, 4, 4, 3), (20, 2, 4, 3), stride=3, groups=2),
    "shorter than the stride": make((2, 4, 2, 3), (5, 4, 2, 1), stride=4, fit="floor"),
    "fewer products": make((2, 32, 63, 64), (40, 32, 4, 4), stride=2, padding=1, fit="floor"),
    "fewer products in groups": make((1, 64, 400), (64, 32, 11), stride=3, groups=2, fit="floor"),
    "one tap each": make((2, 2 * 5, 25, 48), (2 * 30, 5, 3, 4), stride=(3, 4), groups=2, fit="floor"),
    "three axes": make((1, 4, 9, 8, 21), (6, 4, 3, 2, 3), stride=2, padding=1, fit="floor"),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("algorithm", ["direct", "winograd", "subpixel", "gemm-scatter"])
@pytest.mark.parametrize("problem", PHASED.values(), ids=PHASED)
def test_phases_are_put_side_by_side(problem, algorithm, dtype):
    """As exact as sums of other kernels, and the same bits for any number of threads."""
    data = arrays(problem, dtype)
    with use_algorithm(algorithm):
        result = compute("input", problem, data)
        for threads in (1, 3):
            with mg.use_threads(threads):
                np.testing.assert_array_equal(compute("input", problem, data), result)
    n = terms("input", problem)
    atol = 4 * (n + 16) * np.finfo(dtype).eps
    np.testing.assert_allclose(result, exact("input", problem, data), rtol=0, atol=atol)


@each_member
@each_problem
def test_errors_are_those_of_sums_in_blocks(problem, member):
    """The mean error is below that of adding the terms one after the other in float32.

    Sums of i terms are about sqrt(i), each addition rounds by 0.29 units of that (uniform errors), and the
    squares add up: 0.29 n / sqrt(2) units of rounding, of which the mean is 0.8.
    """
    data = arrays(problem)
    expected = exact(member, problem, data)
    error = np.abs(compute(member, problem, data) - expected)
    n = terms(member, problem)
    assert error.mean() <= (0.16 * n + np.sqrt(n)) * np.finfo("f4").eps


@each_member
@pytest.mark.parametrize("algorithm", sorted({a.name for a in planner.ALGORITHMS} - {"reference"}))
@pytest.mark.parametrize("name", ["wide", "strided", "signal", "dilated", "depthwise", "groups"])
def test_what_is_not_finite_goes_where_the_sum_sends_it(algorithm, name, member):
    problem = PROBLEMS[name]
    data = arrays(problem, "f8")
    rng = np.random.default_rng(1)
    for value, where in ((np.nan, "x"), (np.inf, "g"), (-np.inf, "x")):
        data[where].ravel()[rng.integers(data[where].size, size=2)] = value
    with np.errstate(invalid="ignore"), use_algorithm("reference"):
        expected = compute(member, problem, data)
    with np.errstate(invalid="ignore"), use_algorithm(algorithm):
        result = compute(member, problem, data)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(result), np.isinf(expected))
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("filters", [1, 8], ids=["few", "more than the result has elements"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_filters_that_are_not_finite_do_not_meet_padding_in_the_input_gradient(filters, value):
    problem = make((1, 1, 6), (filters, 1, 3), stride=1)
    g, w = np.ones(problem.y_shape), np.ones(problem.w_shape)
    w[-1, 0, 0] = value
    expected = [value] * 4 + [2.0 * filters, 1.0 * filters]
    np.testing.assert_array_equal(input_gradient(problem, g, w).ravel(), expected)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize(("size", "filters"), [(7, 16), (7, 4), (1, 16)], ids=["many", "few", "one row"])
def test_what_is_not_finite_meets_padding_where_the_sum_has_it(size, filters, value):
    """Taps in the padding are left out, but not where 0 * inf is part of the sum."""
    problem = make((1, 16, size, 7), (filters, 16, 3, 3), stride=1, padding=1)
    data = arrays(problem, "f8")
    data["w"][3, 2, 0, 1] = data["g"][0, 1, 0, 0] = value
    for member in ("forward", "filter"):
        with np.errstate(invalid="ignore"), use_algorithm("reference"):
            expected = compute(member, problem, data)
        for count in (1, 2):
            with np.errstate(invalid="ignore"), use_algorithm("direct"), use_threads(count):
                result = compute(member, problem, data)
            np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
            np.testing.assert_array_equal(np.isinf(result), np.isinf(expected))


@pytest.mark.parametrize("large", [np.finfo("f8").max, 1e200])
def test_large_filters_are_finite_though_their_sum_is_not(large):
    problem = make((1, 1, 6), (1, 1, 3), stride=1)
    w = np.array([[[large, large, 1.0]]])
    result = input_gradient(problem, np.eye(1, 4)[None], w)
    np.testing.assert_array_equal(result.ravel(), [large, large, 1, 0, 0, 0])


# -- layouts


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("width", [9, 16, 31, 32, 33, 70])
def test_rows_of_any_width_and_stride(width, stride, dtype):
    """What is a stride apart is copied by wide vectors, by ever narrower ones, and one by one."""
    problem = make((2, 2, 5, width), (3, 2, 3, 4), stride=stride, padding=((1, 0), (2, 1)), fit="floor")
    data = arrays(problem, dtype)
    with use_algorithm("reference"):
        expected = [compute(member, problem, data) for member in ("forward", "filter")]
    for algorithm in ("direct", "dots"):
        with use_algorithm(algorithm):
            result = [compute(member, problem, data) for member in ("forward", "filter")]
        for made, sought in zip(result, expected, strict=True):
            np.testing.assert_allclose(made, sought, rtol=0, atol=500 * np.finfo(dtype).eps)


def stored(array, layout):
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "swapped":
        return array.astype(array.dtype.newbyteorder())
    if layout == "strided":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    if layout == "unaligned":
        raw = np.zeros(array.nbytes + 1, np.uint8)
        raw[1:] = np.frombuffer(array.tobytes(), np.uint8)
        return raw[1:].view(array.dtype).reshape(array.shape)
    array = array.copy()
    array.flags.writeable = False
    return array


@each_member
@pytest.mark.parametrize("layout", ["fortran", "swapped", "strided", "reversed", "unaligned", "read-only"])
@pytest.mark.parametrize("name", ["wide", "thin", "strided"])
def test_any_layout(name, layout, member):
    problem = PROBLEMS[name]
    data = arrays(problem)
    expected = compute(member, problem, data)
    result = compute(member, problem, {key: stored(value, layout) for key, value in data.items()})
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.float32
    assert result.dtype.isnative
    assert result.flags.c_contiguous


def test_overlapping_windows_as_input():
    signal = np.random.default_rng(0).standard_normal(500)
    x = np.lib.stride_tricks.sliding_window_view(signal, 100)[None, ::40]
    problem = make(x.shape, (3, x.shape[1], 7), stride=1)
    w = np.random.default_rng(1).standard_normal(problem.w_shape)
    np.testing.assert_array_equal(convolve(problem, x, w), convolve(problem, x.copy(), w))


# -- threads and processes


@each_member
@each_problem
def test_any_number_of_threads_gives_the_same_bits(problem, member):
    data = arrays(problem)
    results = []
    for count in (1, 2, 5):
        with use_threads(count):
            results.append(compute(member, problem, data))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_many_callers_at_once():
    jobs = [(member, problem) for member in MEMBERS for problem in PROBLEMS.values()] * 3
    data = {id(problem): arrays(problem) for problem in PROBLEMS.values()}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda job: compute(*job, data[id(job[1])]), jobs))
    for (member, problem), result in zip(jobs, results, strict=True):
        np.testing.assert_array_equal(result, compute(member, problem, data[id(problem)]))


def test_a_kernel_is_compiled_once(monkeypatch):
    compiled = []
    compile_one = jit._compile
    monkeypatch.setattr(jit, "_kernels", {})
    monkeypatch.setattr(jit, "_compile", lambda module: compiled.append(module) or compile_one(module))
    tile = direct_tile()
    gate = threading.Barrier(6)

    def get(_):
        gate.wait()
        return jit.compiled(tile)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert len(set(map(id, pool.map(get, range(6))))) == 1
    assert len(compiled) == 1


def direct_tile():
    return best_tile(PROBLEMS["wide"], 4, this_machine())[1]


def run_python(source, **environment):
    """Run a script in a fresh process; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COMPUTE = """
import numpy as np
import mygrad as mg
from mygrad.nnet.layers import conv_nd

def compute():
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal((4, 8, 40, 40)))
    w = mg.tensor(rng.standard_normal((16, 8, 3, 3)))
    conv_nd(x, w, stride=1, padding=1).backward()
    return float(x.grad.sum()), float(w.grad.sum())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_computes_with_threads_of_its_own():
    output = run_python(
        COMPUTE
        + """
import os, sys, warnings
warnings.simplefilter("ignore")
with mg.use_threads(3):
    before = compute()
    child = os.fork()
    if child == 0:
        os._exit(0 if compute() == before else 1)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), compute() == before)
"""
    )
    assert output.split() == ["0", "True"]


def test_without_llvmlite_everything_works():
    script = "import sys; sys.modules['llvmlite'] = None\n" + COMPUTE + "print(*compute())\n"
    plain = [float(value) for value in run_python(COMPUTE + "print(*compute())\n").split()]
    assert [float(value) for value in run_python(script).split()] == pytest.approx(plain, rel=1e-9)
    names = run_python(
        "import sys; sys.modules['llvmlite'] = None\n"
        "from mygrad.convolution import ConvProblem, explain\n"
        "print(explain(ConvProblem.make((1, 1, 99), (1, 1, 5), stride=1)))\n"
        "import mygrad; mygrad.show_config()"
    )
    assert "direct" not in names
    assert "gemm" in names
    assert "kernels: not available" in names


def test_an_llvmlite_that_cannot_be_loaded_is_done_without(tmp_path):
    broken = tmp_path / "llvmlite"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('libllvmlite.so: cannot open')")
    output = run_python(COMPUTE + "print(*compute())", PYTHONPATH=str(tmp_path))
    assert len(output.split()) == 2


def test_nothing_heavy_is_imported_before_it_is_used():
    output = run_python("import mygrad, sys; print('llvmlite' in sys.modules, 'numpy.fft' in sys.modules)")
    assert output.split()[0] == "False"


# -- the choice


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@each_problem
def test_explain_shows_the_choice_first(problem, dtype):
    text = explain(problem, dtype).splitlines()
    for member in (planner.FORWARD, planner.INPUT, planner.FILTER):
        mine = [line for line in text if f" {member} " in line]
        assert "->" in mine[0]
        assert all("->" not in line for line in mine[1:])
        assert planner.choose(problem, member, np.dtype(dtype).char).name in mine[0].split()
        assert all("predicted" in line and "MB" in line and "% of peak" in line for line in mine)


def test_what_was_measured_is_what_is_chosen(monkeypatch):
    monkeypatch.setattr(planner, "_measured", {})
    problem = make((1, 2, 50, 50), (3, 2, 5, 5), stride=1)
    text = explain(problem, "f4", measure=True)
    assert "measured" in text
    seconds = planner._measured[problem, planner.FORWARD, "f"]
    assert planner.choose(problem, planner.FORWARD, "f").name == min(seconds, key=seconds.__getitem__)
    planner._measured[problem, planner.FORWARD, "f"] = {"reference": 1e-9}
    assert planner.choose(problem, planner.FORWARD, "f").name == "reference"
    assert "measured" in explain(problem, "f4")


def test_what_was_measured_is_kept_within_bounds(monkeypatch):
    monkeypatch.setattr(planner, "_measured", {})
    monkeypatch.setattr(planner, "MOST_MEASURED", 4)
    for size in (3, 4, 5):
        explain(make((1, 1, size), (1, 1, 2), stride=1), "f4", measure=True)
    assert len(planner._measured) == 4


def test_the_environment_forces_an_algorithm_and_threads():
    source = "import mygrad; mygrad.show_config()"
    output = run_python(source, MYGRAD_CONV_ALGORITHM="gemm", MYGRAD_NUM_THREADS="7")
    assert "algorithm: gemm" in output
    assert "threads: 7" in output


@pytest.mark.parametrize(
    ("name", "value"),
    [("MYGRAD_CONV_ALGORITHM", "magic"), ("MYGRAD_NUM_THREADS", "0"), ("MYGRAD_NUM_THREADS", "x")],
)
def test_an_environment_that_makes_no_sense_is_an_error(name, value):
    source = "import mygrad\ntry: mygrad.show_config()\nexcept ValueError as error: print(error)"
    assert name in run_python(source, **{name: value})


@pytest.mark.parametrize("count", [0, -1])
def test_a_bad_number_of_threads(count):
    with pytest.raises(ValueError, match="1 thread or more"), use_threads(count):
        pass


def test_the_configuration_is_printed(capsys):
    mg.show_config()
    text = capsys.readouterr().out
    for entry in ("instruction set", "vector width", "level 2 cache", "threads", "llvmlite", "BLAS"):
        assert entry in text


# -- memory


@each_member
@pytest.mark.parametrize(
    "problem",
    [
        make((8, 32, 96, 96), (32, 32, 3, 3), stride=1, padding=1),
        make((4, 1, 700, 700), (1, 1, 5, 5), stride=1),
        make((1, 1, 2_000_000), (4, 1, 2049), stride=1),
        make((16, 32, 64, 64), (32, 32, 31, 31), stride=1, padding=15),
        make((2, 64, 16000), (64, 64, 512), stride=1),
        make((2, 5, 301, 301), (7, 5, 7, 7), stride=2),
        make((2, 96, 91, 91), (96, 1, 5, 5), stride=2, padding=2, groups=96),
        make((8, 128, 64, 64), (96, 128, 1, 1), stride=1),
        make((4, 40, 128, 128), (72, 40, 3, 3), stride=2, padding=1, fit="floor"),
    ],
    ids=["wide", "thin", "long", "large", "long filters", "strided", "depthwise", "pointwise", "panels"],
)
def test_the_workspace_is_no_larger_than_the_arrays(problem, member):
    data = arrays(problem)
    compute(member, problem, data)
    sizes = [value.nbytes for value in data.values()]
    output = {"forward": "g", "input": "x", "filter": "w"}[member]
    tracemalloc.start()
    try:
        compute(member, problem, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - data[output].nbytes <= sum(sizes)


@settings(max_examples=30, deadline=None)
@given(stride=st.integers(1, 10**6), dilation=st.integers(1, 10**6), taps=st.integers(1, 3))
def test_huge_strides_and_dilations_cost_what_they_meet(stride, dilation, taps):
    size = dilation * (taps - 1) + 1 + stride
    x = np.zeros((1, 1, size))
    x[..., ::stride] = 1.0
    problem = make(x.shape, (1, 1, taps), stride=stride, dilation=dilation)
    y = convolve(problem, x, np.ones(problem.w_shape))
    expected = [sum(x[0, 0, stride * o + dilation * k] for k in range(taps)) for o in range(2)]
    np.testing.assert_array_equal(y.ravel(), expected)
    g = filter_gradient(problem, x, np.ones_like(y))
    np.testing.assert_array_equal(g.ravel(), x[0, 0, ::dilation][:taps] + x[0, 0, stride::dilation][:taps])
    assert input_gradient(problem, y, np.ones(problem.w_shape)).sum() == pytest.approx(taps * y.sum())


@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 200), st.integers(1, 3000)),
    channels=st.sampled_from([1, 16, 64]),
    parts=st.sampled_from([1, 8, 64]),
    least=st.tuples(st.integers(1, 8), st.integers(1, 32)),
)
def test_blocks_are_whole_tiles_and_cover_the_outputs_once(sizes, channels, parts, least):
    batch, *outputs = sizes
    problem = ConvProblem.make((batch, channels, *outputs), (1, channels, 1, 1), stride=1)
    found = blocks(problem, ((0, channels), (0, 1), (0, 1)), 4, this_machine(), parts, least)
    counts = np.zeros(sizes, int)
    for ranges in found:
        counts[tuple(slice(*each) for each in ranges)] += 1
        for (start, stop), size, unit in zip(ranges, sizes, (1, *least), strict=True):
            assert start % unit == 0
            assert stop % unit == 0 or stop == size
    assert (counts == 1).all()


def test_what_blocks_copy_twice_is_counted():
    """Taps far apart: every block of outputs reaches most of x, which its neighbours copy too."""
    problem = ConvProblem.make((1, 1, 280, 280), (1, 1, 34, 34), stride=1, dilation=8)
    whole = ((0, 1), (0, 16), (0, 16))
    halves = [((0, 1), part, (0, 16)) for part in ((0, 8), (8, 16))]
    assert copied_by(problem, 8, [whole]) == 8 * 280 * 280
    assert copied_by(problem, 8, halves) == 2 * 8 * (280 - 8) * 280


def test_a_block_is_not_cut_where_both_halves_copy_nearly_all_of_it():
    """Outputs next to each other meet taps 16 apart: half of them reach nearly all of x."""
    problem = ConvProblem.make((3, 4, 224, 224), (1, 4, 14, 14), stride=1, dilation=16)
    everything = ((0, 4), (0, 14), (0, 14))
    found = blocks(problem, everything, 8, replace(this_machine(), l2=1 << 20), 8)
    assert copied_by(problem, 8, found) == 8 * 3 * 4 * 224 * 224


def test_filters_larger_than_the_data_are_read_by_few_tasks():
    machine = replace(this_machine(), l2=1 << 20)
    shapes = (
        ((1, 512, 7, 7), (512, 512, 3, 3)),
        ((4, 256, 14, 14), (256, 256, 3, 3)),
        ((4, 64, 56, 56), (64, 64, 3, 3)),
    )
    plans = [schedule(make(*shape, stride=1, padding=1), 4, machine, 2) for shape in shapes]
    assert [plan.packs_own for plan in plans] == [True, False, False]
    assert [len(plan.blocks) < 4 for plan in plans] == [True, True, False]
    assert [plan.filter_parts >= 4 for plan in plans] == [True, True, False]


@settings(max_examples=50, deadline=None)
@given(
    i=st.integers(1, 9),
    k=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(-3, 3).filter(bool),
    before=st.integers(-3, 6),
)
def test_the_taps_that_meet_x_are_known(i, k, stride, dilation, before):
    axis = Axis(i, k, 5, stride, dilation, before)
    first, last = axis.met(np.arange(axis.o))
    for o in range(axis.o):
        meeting = [n for n in range(k) if 0 <= stride * o + dilation * n - before < i]
        assert list(range(first[o], last[o])) == meeting


def numbers_at(kind, address, count):
    return np.array((kind * int(count)).from_address(int(address)))


def test_taps_in_the_padding_are_left_out():
    """Of an input gradient without padding, the sums at both ends of an axis have fewer taps."""
    problem = make((1, 8, 6, 6, 6), (16, 8, 3, 3, 3), stride=1).for_input()
    machine = this_machine()
    x, w, y = strides_of(problem, 8)
    plan = replace(schedule(problem, 8, machine, 1), tile=Tile(8, machine.isa.bits // 64, 1, 1, 6))
    made = Parameters(problem, plan, x, w, y)
    taps = 0
    for call in np.concatenate(made.tasks):
        fields = dict(zip(BLOCK_FIELDS, call, strict=True))
        table = numbers_at(ctypes.c_int64, fields["taps"], 3 * fields["row_tiles"]).reshape(-1, 3)
        last = sum(int(numbers_at(ctypes.c_int32, ends, after + 1)[-1]) for _, ends, after in table)
        taps += last * int(fields["filter_blocks"])
    lines = [min(o + 1, 3, 6 - o) for o in range(6)]
    assert taps == 16 * sum(a * b * 3 for a in lines for b in lines) * made.filter_blocks
