"""What the documentation shows runs, and every public name has a page with an example.

The site itself is built by `.ci/run`, with warnings as errors.
"""

import doctest
import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mygrad import nnet
from mygrad.functions import tapers

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    path
    for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.rst"))
    if not {"_build", "generated", "examples", "_templates"} & set(path.relative_to(DOCS).parts)
)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


text = loaded("reference_text")


def found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def page_of(path: str) -> str:
    docstring = inspect.getdoc(found(path)) or ""
    return text.reference_text(path, found(path), docstring)


def failures(source: str, name: str) -> list[str]:
    """What the examples of a text print other than they say."""
    said: list[str] = []
    test = doctest.DocTestParser().get_doctest(source, {}, name, name, 0)
    doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=said.append)
    return said


def python_blocks(page: str) -> str:
    """The blocks marked as Python in their order; one without prompts is one step, whatever it prints."""
    blocks = re.findall(r"```python\n(.*?)\n```", page, flags=re.DOTALL)
    return "\n\n".join(block if block.startswith(">>>") else _STEP.format(block) for block in blocks)


_STEP = ">>> import contextlib, io\n>>> with contextlib.redirect_stdout(io.StringIO()): exec({!r})\n"


# -- the reference


def test_every_public_name_has_a_page():
    public, listed = set(text.public_names()), text.listed_names()
    assert len(listed) == len(set(listed))
    assert public - set(listed) == set(), "put them on a list in docs/reference/*.rst"
    assert set(listed) - public == set(), "not public: take them off docs/reference/*.rst"


def test_every_entry_is_of_a_public_name():
    assert set(text.entries()) - set(text.public_names()) == set()


@pytest.mark.parametrize("path", text.public_names())
def test_page_is_complete(path: str):
    """A page has an example, the parameters, and no words of NumPy's."""
    page, member = page_of(path), found(path)
    assert ">>>" in page, "write an example into its docstring, or into docs/reference/entries.txt"
    if callable(member) and not inspect.isclass(member) and not path.startswith("mygrad.typing."):
        assert "Parameters\n-" in page or not text.parameters(path, member)
    assert page != inspect.getdoc(text.twin_of(path)), f"[{path}] belongs into docs/reference/entries.txt"


@pytest.mark.parametrize("path", text.entries())
def test_example_of_entry_runs(path: str):
    assert failures(page_of(path), path) == []


def test_every_activation_loss_and_window_has_its_curve():
    """All are on a list in `curves.py`, which the pages' template draws."""
    curves = loaded("curves")
    assert set(nnet.activations.__all__) == set(curves.ACTIVATIONS)
    assert set(nnet.losses.__all__) == set(curves.LOSSES)
    assert set(tapers.__all__) == set(curves.WINDOWS)


# -- the pages


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_page_runs(path: Path):
    page = path.read_text()
    source = python_blocks(page) if path.suffix == ".md" else page
    assert failures(source, path.stem) == []


def test_the_tutorials_do_run_something():
    for name in ("gradients", "views", "convolution", "operations", "performance", "mistakes"):
        assert python_blocks((DOCS / "tutorials" / f"{name}.md").read_text()).count(">>>") > 5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_what_is_included_is_there(path: Path):
    """A page that includes a part of another file names where that begins and ends."""
    for target, options in re.findall(r"```\{include\} (\S+)\n((?::.*\n)*)", path.read_text()):
        included = (path.parent / target).read_text()
        for mark in re.findall(r'-(?:after|before): "(.*)"', options):
            assert mark in included


# -- the check itself finds what is wrong


def test_wrong_output_is_found():
    assert failures(">>> 1 + 1\n3\n", "wrong")
    assert not failures(">>> 1 + 1\n2\n", "right")


def test_only_blocks_of_python_are_run():
    page = "```sh\n>>> not this\n```\n\n```python\n>>> 1\n1\n```\n"
    assert python_blocks(page) == ">>> 1\n1"


def test_blocks_without_prompts_are_run():
    page = "```python\nx = 1\nprint(x)\n```\n\n```python\n>>> x\n1\n```\n"
    assert failures(python_blocks(page), "right") == []
    assert failures(python_blocks(page.replace("x = 1", "y = 1")), "wrong")
