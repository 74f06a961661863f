"""What is imported when it is asked for: the table of `mygrad.late` is true, and nothing needs it earlier."""

import subprocess
import sys
from importlib import import_module

import pytest

import mygrad as mg
from mygrad import late


@pytest.mark.parametrize("path", late.MODULES)
def test_table_names_what_the_module_offers(path: str):
    module = import_module(f"mygrad.{path}")
    names = set(late.MODULES[path].split())
    offered = set(module.__all__)
    assert names == offered if path.startswith("functions.") else names <= offered
    for name in names:
        assert getattr(mg, name) is getattr(module, name)


def test_dir_shows_late_names():
    assert {"nnet", "linalg", "grad", "tensordot", "add"} <= set(dir(mg))


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_leaves_late_modules_out():
    listed = run("import sys, mygrad; print(*sys.modules)").split()
    late_modules = {f"mygrad.{path}" for path in [*late.MODULES, *late.NAMESPACES]}
    assert late_modules & set(listed) == set()
    assert not {"scipy", "llvmlite", "matplotlib", "dask"} & set(listed)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("np.tensordot(t, t)", "Tensor(14.)"),
        ("np.linalg.norm(t[0])", "Tensor(1.)"),
        ("np.median(t)", "Tensor(1.5)"),
        ("np.fft.rfft(t[0])", "Tensor([ 1.+0.j, -1.+0.j])"),
        ("(t * 1j).imag[1]", "Tensor([2., 3.])"),
        ("mygrad.nnet.layers.conv.conv_nd is mygrad.nnet.conv_nd", "True"),
        ("mygrad.linalg.funcs.norm is mygrad.linalg.norm", "True"),
        ("mygrad.math.misc.funcs.sqrt is mygrad.sqrt", "True"),
    ],
)
def test_first_use_finds(expression: str, shown: str):
    program = f"import numpy as np, mygrad; t = mygrad.tensor([[0.0, 1], [2, 3]]); print(repr({expression}))"
    assert run(program) == shown


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mygrad' has no attribute 'tensordott'"):
        mg.tensordott


def test_a_star_import_brings_no_names_of_typing():
    given: dict[str, object] = {}
    exec("from mygrad import *", given)
    assert "Tensor" in given
    assert given.keys() & {"Any", "TYPE_CHECKING"} == set()
