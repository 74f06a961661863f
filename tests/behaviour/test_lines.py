"""Every line of what was observed of MyGrad 2.5 has its tests: `lines.txt` says which.

The tests of lines that no other module is about are below.
"""

import ast
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mygrad as mg
from mygrad.nnet.layers import conv_nd
from mygrad.operation_base import Operation

HERE = Path(__file__).parent
SECTIONS = 18


def read(text):
    """Return the lines of each section: what each says, and the names of its tests."""
    sections = {}
    for row in text.splitlines():
        if heading := re.match(r"(\d+) \S", row):
            lines = sections[int(heading[1])] = []
        elif row.startswith("- "):
            lines.append((row[2:], []))
        else:
            lines[-1][1].extend(row.split())
    return sections


LINES = read((HERE / "lines.txt").read_text())


@cache
def functions_in(path):
    tree = ast.parse(path.read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def exists(test):
    """Tell whether ``module::function``, here, or ``tests/path.py::function`` is a test."""
    module, _, name = test.partition("::")
    path = HERE.parents[1] / module if module.endswith(".py") else HERE / f"test_{module}.py"
    return path.is_file() and name in functions_in(path)


def test_every_section_has_lines():
    assert list(LINES) == list(range(1, SECTIONS + 1))
    assert all(LINES.values())


@pytest.mark.parametrize("section", LINES)
def test_every_line_has_tests_that_exist(section):
    for line, tests in LINES[section]:
        assert tests, line
        assert [test for test in tests if not exists(test)] == []


def test_the_check_finds_what_is_missing():
    assert read("1 A\n- says\n    a::b c::d\n- more") == {1: [("says", ["a::b", "c::d"]), ("more", [])]}
    assert exists("lines::test_the_check_finds_what_is_missing")
    assert not exists("lines::test_of_nothing")
    assert not exists("nothing::test_of_nothing")


# -- 1


def test_like_functions_take_four_arguments():
    x = mg.tensor([1.0])
    with pytest.raises(TypeError):
        np.zeros_like(x, order="C")


# -- 6


def test_a_constant_view_shows_the_gradient_of_its_base():
    x = mg.tensor([1.0, 2.0, 3.0])
    v = mg.reshape(x, (3, 1), constant=True)
    assert v.constant
    (x * x).backward()
    assert_array_equal(v.grad, [[2.0], [4.0], [6.0]])
    assert v.grad.base is x.grad


def test_a_cleared_view_is_one_until_it_is_used():
    x = mg.tensor([1.0, 2.0, 3.0])
    v = x[:2]
    v.backward()
    assert v.base is x
    assert_array_equal(v.grad, [1.0, 1.0])
    _ = v * 2
    assert (v.base, v.grad) == (None, None)


def test_a_cleared_view_writes_into_memory_of_its_own():
    x = mg.tensor([1.0, 2.0, 3.0])
    v = x[:2]
    v.backward()
    v[0] = 10.0
    assert_array_equal(v, [10.0, 2.0])
    assert_array_equal(x, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("memory", ["C", "F"])
def test_a_cleared_view_shows_no_later_gradient_of_its_base(memory):
    x = mg.tensor(np.ones((2, 3), order=memory), copy=False)
    v, w = x[:1], (x if memory == "C" else x.T).reshape(-1)
    (v.sum() + 2 * w.sum()).backward()
    assert_array_equal(np.sort(w.grad), [2.0, 2.0, 2.0, 3.0, 3.0, 3.0])
    assert_array_equal(v.grad, [[3.0, 3.0, 3.0]])
    v.null_grad()
    assert v.grad is None
    (x * x).backward()
    assert (v.grad, w.grad) == (None, None)
    w.clear_graph()
    assert w.grad is None


def test_a_view_of_a_cleared_base_writes_into_memory_of_its_own():
    x = mg.tensor([1.0, 2.0, 3.0])
    v = x[:2]
    x.backward()
    assert v.base is x
    v[0] = 10.0
    assert_array_equal(v, [10.0, 2.0])
    assert_array_equal(x, [1.0, 2.0, 3.0])


# -- 12


@pytest.mark.parametrize("text", ["{:.2f}", "{:5}"])
def test_format_specs(text):
    with pytest.raises(TypeError):
        text.format(mg.tensor(1.0))
    assert f"{mg.tensor(1.0)}" == "Tensor(1.)"


# -- 13


def test_constants_are_not_asked():
    class Sum(Operation):
        asked: list[int]

        def __call__(self, x, y, z):
            self.variables = (x, y, z)
            self.asked = []
            return x.data + y.data + z.data

        def backward_var(self, grad, index, **kwargs):
            self.asked.append(index)
            return grad

    x, y = mg.tensor([1.0]), mg.tensor([2.0])
    z = mg.execute_op(Sum, x, 3.0, y)
    again = mg.execute_op(Sum, x, 3.0, y)
    operation = z.creator
    assert type(operation) is Sum
    assert operation is not again.creator
    z.backward()
    assert operation.asked == [0, 2]
    assert operation.variables[0] is x
    assert operation.variables[1].constant


# -- 15


@pytest.mark.parametrize("value", [[1.0], np.ones(2), 1.0])
def test_only_tensors_are_saved(tmp_path, value):
    with pytest.raises(TypeError):
        mg.save(tmp_path / "x", value)
    assert list(tmp_path.iterdir()) == []


# -- 16


def test_a_convolution_is_new_memory_of_its_two_inputs():
    x, w = mg.tensor(np.ones((2, 1, 5))), mg.tensor(np.ones((3, 1, 2)))
    y = conv_nd(x, w, stride=1)
    assert y.data.flags.c_contiguous
    assert y.base is None
    assert [a is b for a, b in zip(y.creator.variables, (x, w), strict=True)] == [True, True]


def test_nan_and_infinity_go_through_all_products():
    x = np.array([[[1.0, np.nan, 0.0, np.inf, 1.0]]])
    y = conv_nd(x, np.array([[[0.0, 1.0]]]), stride=1)
    assert_array_equal(y, [[[np.nan, np.nan, np.inf, np.nan]]])


def test_a_convolution_locks_its_arrays():
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 2))
    y = conv_nd(x, mg.tensor(w, copy=False), stride=1)
    assert not any(each.flags.writeable for each in (x, w, y.data))
    y.backward()
    assert x.flags.writeable
    assert w.flags.writeable
    assert y.data.flags.writeable


# -- 18

A = np.arange(1.0, 7.0).reshape(2, 3)
B = np.arange(1.0, 13.0).reshape(3, 4)
EINSUMS = {
    "product": (lambda a, b: mg.einsum("ij,jk", a, b), (A, B), (np.tile(B.sum(1), (2, 1)), None)),
    "lists": (
        lambda a, b: mg.einsum(a, [0, 1], b, [1, 2], [0, 2]),
        (A, B),
        (np.tile(B.sum(1), (2, 1)), None),
    ),
    "trace": (lambda a: mg.einsum("ii", a), (B[:, :3],), (np.eye(3),)),
    "diagonal": (lambda a: mg.einsum("ii->i", a), (B[:, :3],), (np.eye(3),)),
    "repeated": (lambda a: mg.einsum("i,i,i->", a, a, a), (A[0],), (3 * A[0] ** 2,)),
    "size 1": (lambda a, b: mg.einsum("i,i->i", a, b), (A[0], np.array([2.0])), (np.full(3, 2.0), [6.0])),
    "ellipsis": (lambda a: mg.einsum("...i->...", a), (A,), (np.ones((2, 3)),)),
}


@pytest.mark.parametrize("name", EINSUMS)
def test_forms_of_einsum(name):
    f, arrays, gradients = EINSUMS[name]
    tensors = [mg.tensor(x) for x in arrays]
    f(*tensors).backward()
    for x, expected in zip(tensors, gradients, strict=True):
        if expected is not None:
            assert_array_equal(x.grad, expected)


def test_arguments_of_shape_functions():
    x = mg.tensor(A)
    flat = mg.concatenate([x, 2 * x], axis=None)
    flat.backward()
    assert flat.shape == (12,)
    assert_array_equal(x.grad, np.full((2, 3), 3.0))
    assert mg.concatenate([x, x], -1).shape == (2, 6)
    assert mg.concatenate([x, x], dtype="f4").dtype == np.float32
    for axis in (mg.cumsum, mg.cumprod):
        with pytest.raises(TypeError):
            axis(x, axis=(0, 1))
    for axes in ((), (1, 0), ((1, 0),), (None,)):
        assert x.transpose(*axes).shape == mg.transpose(x, *axes).shape == (3, 2)
    for shape in ((3, 2), ((3, 2),), ([3, 2],), (3, -1)):
        assert x.reshape(*shape).shape == (3, 2)
    with pytest.raises(TypeError):
        mg.reshape(x, 3, 2)
