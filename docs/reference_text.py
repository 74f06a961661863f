"""The reference's own words on functions that carry NumPy's docstring, and the list of all public names.

`reference/entries.txt` has a block for each of them, `[mygrad.name]`: a line that says what it does, and an
example. Parameters are written from the signature, with the words of PARAMETERS.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
NUMPY = "https://numpy.org/doc/stable/reference/generated/numpy.{}.html"
MODULES = (
    "mygrad",
    "mygrad.nnet",
    "mygrad.linalg",
    "mygrad.fft",
    "mygrad.random",
    "mygrad.typing",
    "mygrad.errors",
    "mygrad.computational_graph",
    "mygrad.operation_base",
    "mygrad.ufuncs",
    "mygrad.convolution",
)
SENTENCES = HERE / "reference" / "parameters.txt"


def public_names() -> list[str]:
    """Every public name, with its module: no modules, no constants, no scalar types of NumPy."""
    found = []
    for path in MODULES:
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError:
            continue
        names = getattr(module, "__all__", None) or dir(module)
        found += [f"{path}.{name}" for name in names if _is_public(module, name)]
    return sorted(found)


def _is_public(module: Any, name: str) -> bool:
    member = getattr(module, name)
    imported = module.__name__ == "mygrad" and getattr(member, "__module__", "") == "typing"
    dtype = isinstance(member, type) and issubclass(member, np.generic)
    known = callable(member) or module.__name__ == "mygrad.typing"
    return known and not (name.startswith("_") or inspect.ismodule(member) or imported or dtype)


def listed_names() -> list[str]:
    """The names in the lists of the reference's pages."""
    return sorted(name for page in (HERE / "reference").glob("*.rst") for name in _listed_in(page))


def _listed_in(page: Path) -> Iterator[str]:
    module = ""
    listing = False
    for line in page.read_text().splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif line.startswith(".. autosummary::"):
            listing = True
        elif line and not line.startswith(" "):
            listing = False
        elif listing and line.strip() and not line.strip().startswith(":"):
            yield f"{module}.{line.strip()}"


@cache
def entries() -> dict[str, str]:
    """The blocks of entries.txt by name."""
    text = (HERE / "reference" / "entries.txt").read_text()
    _, *blocks = re.split(r"^\[(mygrad[\w.]+)\]\n", text, flags=re.MULTILINE)
    return {name: words.strip() for name, words in zip(blocks[::2], blocks[1::2], strict=True)}


@cache
def sentences() -> dict[str, tuple[str, str]]:
    """What parameters.txt says of each parameter, by name or by ``function.name``: type and sentence."""
    rows = (line.split("|") for line in SENTENCES.read_text().splitlines() if line)
    return {name.strip(): (kind.strip(), sentence.strip()) for name, kind, sentence in rows}


def document_from_entries(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put what an entry says in the place of a docstring, and parameters where there are none."""
    if what in ("function", "data", "class", "exception", "type"):
        name = name.replace("numpy.", "mygrad.")
        lines[:] = reference_text(name, obj, "\n".join(lines)).splitlines()


def reference_text(name: str, obj: Any, docstring: str) -> str:
    """The text of a function's page, in numpydoc's form."""
    if name in entries():
        return _of_entry(name, obj)
    if inspect.isfunction(obj) and "Examples\n---" in docstring and "Parameters\n-" not in docstring:
        words, example = docstring.split("Examples\n---", 1)
        return f"{words.strip()}\n\n{parameters(name, obj)}\n\nExamples\n---{example}"
    return _with_sentences(name.rpartition(".")[2], docstring)


def _of_entry(name: str, obj: Any) -> str:
    words, example = entries()[name].split("\n\n>>>", 1)
    example = f"Examples\n--------\n{_imports(example)}\n>>>{example}"
    given = "" if "Parameters\n-" in words else parameters(name, obj)
    return "\n\n".join(part for part in (words, given, _numpys(name, obj), example) if part)


def _with_sentences(function: str, docstring: str) -> str:
    """The docstring, with a sentence about each parameter that it only names."""
    before, heading, rest = docstring.partition("Parameters\n----------\n")
    section, blank, after = rest.partition("\n\n")
    lines = section.split("\n")
    for i in reversed(range(len(lines))):
        name = re.match(r"(\w+) : ", lines[i])
        if name and not "".join(lines[i + 1 : i + 2]).startswith(" "):
            said = sentences().get(f"{function}.{name[1]}") or sentences().get(name[1])
            lines[i + 1 : i + 1] = [f"    {said[1]}"] if said else []
    return before + heading + "\n".join(lines) + blank + after if heading else docstring


def _imports(example: str) -> str:
    return ">>> import mygrad as mg" + ("\n>>> import numpy as np" if "np." in example else "")


def twin_of(name: str) -> Any:
    """NumPy's function of this name, or None."""
    twin: Any = np
    for part in _path(name).split("."):
        twin = getattr(twin, part, None)
    return twin


def _path(name: str) -> str:
    return name.replace("mygrad.nnet.", "").removeprefix("mygrad.")


def _numpys(name: str, obj: Any) -> str:
    """What there is to say of a function that NumPy has too."""
    path, twin = _path(name), twin_of(name)
    if twin is None:
        return ""
    link = f"`numpy.{path} <{NUMPY.format(path)}>`__"
    if twin is obj:
        return _ITSELF.format(link)
    several = any(part in path for part in ("split", "unstack", "atleast"))
    return _TWIN.format(link, "\n    Or several, where NumPy returns several." if several else "")


_ITSELF = """Returns
-------
ndarray or scalar
    No tensor: nothing is differentiated.

Notes
-----
This is {} itself, whose page tells the details."""

_TWIN = """Returns
-------
Tensor{1}

Notes
-----
NumPy's function does the same with tensors: it calls this one. The page of {0} tells the details."""


def parameters(name: str, obj: Any) -> str:
    """The section about a function's parameters, from its signature."""
    if name.startswith("mygrad.typing."):
        return ""
    try:
        signature = inspect.signature(obj)
    except ValueError:  # some of NumPy's own have none
        return ""
    rows = [_row(name.rpartition(".")[2], p) for p in signature.parameters.values()]
    return "Parameters\n----------\n" + "\n".join(rows) if rows else ""


def _row(function: str, p: inspect.Parameter) -> str:
    known = sentences()
    kind, sentence = known.get(f"{function}.{p.name}") or known[p.name]
    stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    optional = "" if p.default is p.empty or stars else ", optional"
    return f"{stars}{p.name} : {kind}{optional}\n    {sentence}"
