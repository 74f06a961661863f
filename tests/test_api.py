"""Every public name of MyGrad 2.5 is here, at its path, with its parameters, and is what it was.

`api.txt` is what introspection of MyGrad 2.5.0 said, one name to a line: what it is, its path, and what is
promised of it. What a module only imported for its own use is no name of it.
"""

import copy
import importlib
import inspect
import pickle
from collections import Counter
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import mygrad as mg
from mygrad import typing
from mygrad.autodiff.overrides import BOOLEAN, CONSTANT_ONLY, FUNCTIONS, PLAIN, PUBLIC, UFUNCS

LINES = Path(__file__).with_name("api.txt").read_text().splitlines()
KINDS = {
    "abstract": 5, "all": 28, "boolean": 15, "class": 16, "constant": 6, "constant_only": 9, "dunder": 44,
    "function": 109, "member": 11, "method": 27, "module": 62, "numpy": 53, "object": 7, "override": 74,
    "property": 9, "same": 222, "switch": 3, "ufunc": 39, "unwrapped": 10,
}  # fmt: skip


def of_kind(kind: str) -> Any:
    rests = [line.split(" ", 1)[1] for line in LINES if line.split(" ", 1)[0] == kind]
    return pytest.mark.parametrize("line", rests)


def found(path: str) -> Any:
    """What is at a path: what `from parent import name` finds."""
    parent, _, name = path.rpartition(".")
    if not parent:
        return importlib.import_module(path)
    try:
        home = importlib.import_module(parent)
    except ModuleNotFoundError:
        home = found(parent)
    return getattr(home, name)


def signature_in(line: str) -> tuple[str, inspect.Signature]:
    """The path and the signature of a line such as ``mygrad.sum(x, axis=None)``."""
    path, _, parameters = line.partition("(")
    names = {"numpy": np, "_NoValue": np._NoValue}
    exec(f"def f({parameters}: pass", names)
    return path, inspect.signature(names["f"])  # type: ignore[arg-type]


def broken_promises(theirs: inspect.Signature, ours: inspect.Signature) -> list[str]:
    """How a call that fits their signature could fail with ours, or mean something else."""
    old = [p for p in theirs.parameters.values() if not p.name.startswith("_")]
    new = ours.parameters
    wrong = [f"{p.name} is missing" for p in old if p.name not in new]
    for p in (p for p in old if p.name in new):
        mine = new[p.name]
        if mine.kind is not p.kind:
            wrong.append(f"{p.name} is {mine.kind.description}, was {p.kind.description}")
        if p.default is not p.empty and not same_default(mine.default, p.default):
            wrong.append(f"{p.name} defaults to {mine.default}, did to {p.default}")
    places = [p.name for p in old if p.kind is p.POSITIONAL_OR_KEYWORD]
    if [p.name for p in new.values() if p.kind is p.POSITIONAL_OR_KEYWORD][: len(places)] != places:
        wrong.append(f"the order is not {places}")
    known = {p.name for p in old}
    wrong += [
        f"{p.name} is new and required"
        for p in new.values()
        if p.name not in known and p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return wrong


def same_default(mine: Any, theirs: Any) -> bool:
    return mine is theirs or (type(mine) is type(theirs) and mine == theirs)


def test_no_line_is_missing_or_unread():
    assert Counter(line.split(" ", 1)[0] for line in LINES) == KINDS


@of_kind("module")
def test_module(line):
    assert inspect.ismodule(importlib.import_module(line))


@of_kind("all")
def test_star_import_gives_the_same_names(line):
    path, *names = line.split()
    given: dict[str, Any] = {}
    exec(f"from {path} import *", given)
    assert set(names) <= set(given)


@of_kind("same")
def test_alias(line):
    alias, path = line.split()
    assert found(alias) is found(path)


@of_kind("numpy")
def test_numpy_object(line):
    path, numpy_path = line.split()
    assert found(path) is found(numpy_path)


@of_kind("constant")
def test_constant(line):
    path, value = line.split()
    assert repr(found(path)) == value


@of_kind("class")
def test_class(line):
    assert inspect.isclass(found(line))


def test_constructor():
    _, theirs = signature_in("Tensor(x, *, dtype=None, constant=None, copy=True, ndmin=0)")
    assert broken_promises(theirs, inspect.signature(mg.Tensor)) == []
    assert mg.Tensor.__array_priority__ == 15.0
    assert mg.Tensor.__hash__ is None


@of_kind("object")
def test_object(line):
    assert found(line) is not None


@of_kind("switch")
def test_switch_is_a_context_and_a_decorator(line):
    switch = found(line)
    with switch:
        assert switch(lambda: 7)() == 7
    assert switch.__doc__.startswith("Context manager and decorator")


@of_kind("function")
def test_function(line):
    path, theirs = signature_in(line)
    function = found(path)
    assert broken_promises(theirs, inspect.signature(function)) == []
    assert function.__qualname__.split(".")[-1] == function.__name__


@of_kind("method")
def test_method(line):
    """Of a method's own parameter, and of what collects the others, no call knows the name."""
    path, theirs = signature_in(line)
    ours = inspect.signature(found(path))
    assert broken_promises(bound(theirs), bound(ours)) == []


def bound(signature: inspect.Signature) -> inspect.Signature:
    _, *others = signature.parameters.values()
    named = [p.replace(name="args") if p.kind is p.VAR_POSITIONAL else p for p in others]
    return inspect.Signature(named)


@of_kind("property")
def test_property(line):
    assert isinstance(inspect.getattr_static(mg.Tensor, line.rpartition(".")[2]), property)


@of_kind("dunder")
def test_dunder(line):
    assert hasattr(mg.Tensor, line.rpartition(".")[2])


@of_kind("abstract")
def test_abstract_methods(line):
    path, *names = line.split()
    assert found(path).__abstractmethods__ == set(names)


@of_kind("member")
def test_member(line):
    assert callable(found(line)) or line.endswith("can_return_view")


# -- ufuncs


@of_kind("ufunc")
def test_ufunc(line):
    call, counts, types = line.split(" | ")
    path, theirs = signature_in(call)
    ufunc = found(path)
    nin, nout, identity, signature = counts.split()
    assert broken_promises(theirs, inspect.signature(ufunc)) == []
    assert (ufunc.nin, ufunc.nout, ufunc.nargs) == (int(nin), int(nout), int(nin) + int(nout))
    assert (str(ufunc.identity), str(ufunc.signature)) == (identity, signature)
    assert ufunc.types == types.split()
    assert ufunc.ntypes == len(ufunc.types)
    assert isinstance(ufunc, mg.ufunc)
    assert issubclass(ufunc, mg.ufunc)
    assert repr(ufunc) == f"<mygrad-ufunc '{ufunc.__name__}'>"


@of_kind("ufunc")
def test_ufunc_has_the_methods_of_numpys(line):
    ufunc = found(line.partition("(")[0])
    assert all(callable(getattr(ufunc, name)) for name in ("at", "accumulate", "reduce", "reduceat", "outer"))
    dtypes = ufunc.resolve_dtypes((np.dtype("f4"),) * ufunc.nin + (None,))
    assert dtypes == (np.dtype("f4"),) * (ufunc.nin + 1)


@of_kind("ufunc")
def test_operands_have_mygrads_and_numpys_names(line):
    ufunc = found(line.partition("(")[0])
    x = np.full((2, 2), 0.5) + (ufunc is mg.arccosh)
    expected = np.asarray(ufunc(*[x] * ufunc.nin))
    for names in ("xy", ("x1", "x2")):
        operands = dict(zip(names[: ufunc.nin], [x, x], strict=False))
        np.testing.assert_array_equal(ufunc(**operands), expected)


def test_unary_and_binary_are_told_apart():
    assert isinstance(mg.exp, mg.ufuncs.MyGradUnaryUfunc)
    assert not isinstance(mg.exp, mg.ufuncs.MyGradBinaryUfunc)
    assert issubclass(mg.add, mg.ufuncs.MyGradBinaryUfunc)
    assert not issubclass(mg.add, mg.ufuncs.MyGradUnaryUfunc)


@pytest.mark.parametrize("other", [np.add, mg.sum, int, mg.Tensor, mg.Tensor(1.0)])
def test_nothing_else_is_a_ufunc(other):
    assert not isinstance(other, mg.ufunc)
    assert not issubclass(other, mg.ufunc)


def test_ufunc_cannot_be_derived_from():
    with pytest.raises(TypeError, match="base type"):
        type("Mine", (mg.ufunc,), {})


@of_kind("function")
def test_functions_survive_copies_and_pickles(line):
    survives(found(line.partition("(")[0]))


@of_kind("ufunc")
def test_ufuncs_survive_copies_and_pickles(line):
    survives(found(line.partition("(")[0]))


def survives(function: Any) -> None:
    assert copy.deepcopy(function) is function
    assert pickle.loads(pickle.dumps(function)) is function


# -- NumPy's overrides


@of_kind("override")
def test_override(line):
    numpy_path, path = line.split()
    function, ours = found(numpy_path), found(path)
    assert function in UFUNCS or function in FUNCTIONS or function in PLAIN
    if function not in PLAIN:
        assert PUBLIC[function] is ours or PUBLIC[function].rules == ours.rules


@of_kind("boolean")
def test_boolean_results(line):
    assert found(line) in BOOLEAN


@of_kind("constant_only")
def test_constants_only(line):
    assert found(line) in CONSTANT_ONLY


@of_kind("unwrapped")
def test_unwrapped(line):
    assert found(line) in PLAIN or found(line) is np.copyto  # which is a write, and recorded


# -- the check itself finds what is wrong


@pytest.mark.parametrize(
    ("ours", "finding"),
    [
        (lambda x, axis=None, *, constant=None: 0, []),
        (lambda x, axis=None, extra=1, *, constant=None, more=2: 0, []),
        (lambda x, axis=None: 0, ["constant is missing"]),
        (lambda x, axis=0, *, constant=None: 0, ["axis defaults to 0, did to None"]),
        (lambda x, axis=None, constant=None: 0, ["constant is positional or keyword, was keyword-only"]),
        (lambda x, extra=1, axis=None, *, constant=None: 0, ["the order is not ['x', 'axis']"]),
        (lambda x, axis=None, *, constant=None, more: 0, ["more is new and required"]),
    ],
)
def test_signatures_are_compared(ours, finding):
    _, theirs = signature_in("f(x, axis=None, *, constant=None)")
    assert broken_promises(theirs, inspect.signature(ours)) == finding


def test_names_for_annotations_can_be_resolved_and_checked():
    """Whoever looks at annotations, as `dataclasses` and many validators do, finds no name missing."""

    def function(
        x: typing.ArrayLike, shape: typing.Shape, index: typing.Index = 0, r: typing.Real = 1
    ) -> None:
        """Say what the arguments are."""

    assert set(get_type_hints(function)) == {"x", "shape", "index", "r", "return"}
    assert isinstance(np.float32(1), typing.Real)
    assert not isinstance("1", typing.Real)


def test_modules_can_be_pickled_in_the_globals_of_a_function():
    """Which is what dill and cloudpickle do with real modules."""
    module = importlib.import_module("mygrad.math.misc.funcs")
    assert pickle.loads(pickle.dumps(module)) is module
