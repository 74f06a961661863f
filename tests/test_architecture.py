"""The layers and the sizes of docs/design, held by reading the source; nothing is imported.

Imports point one way: errors, typing, concurrency < convolution, autodiff < functions < the rest < __init__.
Each check returns what it finds wrong, and is shown below to find it in a small source made wrong.
"""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import mean

import pytest

SOURCE = Path(__file__).parents[1] / "src"
LAYER = {"errors": 0, "typing": 0, "concurrency": 0, "convolution": 1, "autodiff": 1, "functions": 2, "": 4}
THE_REST = 3
DOOR = "mygrad.functions.convolution"  # the only function that sees the engine
STRANGERS = {"convolution", "autodiff"}  # neither knows the other
HOMES = {
    "llvmlite": {"mygrad.convolution.emitter", "mygrad.convolution.jit"},
    "dask": {"mygrad.convolution.chunks"},
}
FILE_LIMIT, FUNCTION_LIMIT, MEAN_LIMIT = 400, 40, 10

Modules = dict[str, str]
"""The source of each module by its dotted name; a package stands for its `__init__`."""


def read(root: Path = SOURCE) -> Modules:
    paths = sorted((root / "mygrad").rglob("*.py"))
    names = [".".join(path.relative_to(root).with_suffix("").parts) for path in paths]
    return {name.removesuffix(".__init__"): path.read_text() for name, path in zip(names, paths, strict=True)}


# -- imports


def imports(module: str, modules: Modules, *, types: bool = True) -> set[str]:
    """What a module imports anywhere in it; without `types`, not what only a type checker would."""
    found = set()
    for node in statements(ast.parse(modules[module]), types):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name if name in modules else str(node.module) for name in full)
    return found


def statements(tree: ast.AST, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if types or not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            yield node
            yield from statements(node, types)


def part(module: str) -> str:
    """The part of the package that a module belongs to: `autodiff` for `mygrad.autodiff.graph`."""
    return (module + "..").split(".")[1]


def allowed(importer: str, imported: str) -> bool:
    a, b = part(importer), part(imported)
    if a == b:
        return True
    if b == "convolution" and a == "functions":
        return importer == DOOR
    return {a, b} != STRANGERS and LAYER.get(b, THE_REST) <= LAYER.get(a, THE_REST)


def upward_imports(modules: Modules) -> list[str]:
    pairs = ((a, b) for a in modules for b in imports(a, modules) if b.split(".")[0] == "mygrad")
    return [f"{a} imports {b}" for a, b in pairs if not allowed(a, b)]


def cycles(modules: Modules) -> list[str]:
    graph = {name: (imports(name, modules, types=False) & set(modules)) - {name} for name in modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def strangers_from_outside(modules: Modules) -> list[str]:
    return [
        f"{module} imports {name}"
        for module in modules
        for name in imports(module, modules)
        if module not in HOMES.get(name.split(".")[0], {module})
    ]


# -- sizes


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code: neither blank, nor comment, nor docstring."""
    empty = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {n for t in tokens if t.type not in empty for n in range(t.start[0], t.end[0] + 1)}
    texts = [node.value for node in ast.walk(ast.parse(source)) if is_text(node)]
    return lines.difference(*(range(text.lineno, text.end_lineno + 1) for text in texts))


def is_text(node: ast.AST) -> bool:
    """A string that stands alone: a docstring of a module, class, function or name."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def functions(source: str) -> dict[str, int]:
    """The number of code lines of each function, by its name and line."""
    code = code_lines(source)
    found = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {f"{f.name}:{f.lineno}": len(code & set(range(f.lineno, f.end_lineno + 1))) for f in found}


def long_files(modules: Modules) -> list[str]:
    sizes = {name: len(code_lines(source)) for name, source in modules.items()}
    return [f"{name} has {size} code lines" for name, size in sizes.items() if size > FILE_LIMIT]


def long_functions(modules: Modules) -> list[str]:
    sizes = {f"{name}.{f}": size for name, source in modules.items() for f, size in functions(source).items()}
    return [f"{name} has {size} code lines" for name, size in sizes.items() if size > FUNCTION_LIMIT]


def long_mean(modules: Modules) -> list[str]:
    size = mean([size for source in modules.values() for size in functions(source).values()] or [0])
    return [f"the mean function has {size:.1f} code lines"] if size >= MEAN_LIMIT else []


# -- the checks, on the package and on sources made wrong

CHECKS = [upward_imports, cycles, strangers_from_outside, long_files, long_functions, long_mean]


@pytest.mark.parametrize("check", CHECKS)
def test_package_keeps(check: Callable[[Modules], list[str]]):
    assert check(read()) == []


def function_of(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


WRONG: list[tuple[Callable[[Modules], list[str]], Modules, str]] = [
    (
        upward_imports,
        {"mygrad.errors": "import mygrad.typing\nimport mygrad.functions"},
        "imports mygrad.functions",
    ),
    (
        upward_imports,
        {"mygrad.autodiff.graph": "from mygrad.convolution import planner"},
        "mygrad.convolution",
    ),
    (upward_imports, {"mygrad.convolution.gemm": "import mygrad.autodiff.graph"}, "mygrad.autodiff.graph"),
    (
        upward_imports,
        {"mygrad.functions.shapes": "from mygrad.convolution import conv"},
        "mygrad.convolution",
    ),
    (upward_imports, {"mygrad.functions.shapes": "def f():\n    import mygrad.nnet"}, "mygrad.nnet"),
    (upward_imports, {"mygrad.nnet.layers": "from mygrad import exp"}, "mygrad.nnet.layers imports mygrad"),
    (
        cycles,
        {"mygrad.a": "import mygrad.b", "mygrad.b": "from mygrad import a"},
        "mygrad.a imports mygrad.b",
    ),
    (strangers_from_outside, {"mygrad.convolution.planner": "import llvmlite.ir"}, "imports llvmlite.ir"),
    (strangers_from_outside, {"mygrad.convolution.jit": "from dask import array"}, "imports dask"),
    (long_files, {"mygrad.io": "x = 1\n" * 401}, "401 code lines"),
    (long_functions, {"mygrad.io": function_of(41)}, "mygrad.io.f:1 has 41"),
    (long_mean, {"mygrad.io": function_of(9) + function_of(11)}, "10.0 code lines"),
]


@pytest.mark.parametrize(("check", "modules", "finding"), WRONG)
def test_check_finds(check: Callable[[Modules], list[str]], modules: Modules, finding: str):
    (found,) = check(modules)
    assert finding in found


RIGHT: list[tuple[Callable[[Modules], list[str]], Modules]] = [
    (upward_imports, {"mygrad.functions.convolution": "from mygrad.convolution import conv"}),
    (upward_imports, {"mygrad.nnet.layers": "import numpy\nfrom mygrad.functions.products import matmul"}),
    (upward_imports, {"mygrad": "from mygrad.nnet import relu"}),
    (cycles, {"mygrad.a": "import mygrad.b", "mygrad.b": "if TYPE_CHECKING:\n    import mygrad.a"}),
    (
        strangers_from_outside,
        {"mygrad.convolution.jit": "import llvmlite", "mygrad.convolution.chunks": "import dask"},
    ),
    (long_files, {"mygrad.io": '"""Two\nlines."""\n\n# why\n' * 100 + "x = 1\n" * 300}),
    (long_functions, {"mygrad.io": function_of(40) + "    # why\n\n"}),
    (long_mean, {"mygrad.io": ""}),
]


@pytest.mark.parametrize(("check", "modules"), RIGHT)
def test_check_lets_pass(check: Callable[[Modules], list[str]], modules: Modules):
    assert check(modules) == []
