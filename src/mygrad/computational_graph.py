"""Pictures of graphs: DOT and Mermaid as text, SVG by a layered layout of our own; no program is needed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mygrad.autodiff.creators import class_name
from mygrad.autodiff.graph import CLEARED, Node
from mygrad.autodiff.tensor import Tensor
from mygrad.repetitions import representatives

__all__ = ["Graph", "build_graph"]

Array = np.ndarray[Any, Any]
SMALL = 50  # operations, which are all drawn
BOX = 150, 46  # pixels of a box
GAP = 24, 40  # between boxes, and between layers


@dataclass
class Graph:
    """Boxes, for tensors and operations, and arrows between them, from the inputs to the output.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.computational_graph import build_graph
    >>> x = mg.tensor(2.0)
    >>> graph = build_graph(3 * x)
    >>> len(graph.operations)
    1
    """

    labels: dict[str, str] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    edges: list[tuple[str, str]] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The graph in the DOT language of Graphviz."""
        lines = ["strict digraph {"]
        for name, label in self.labels.items():
            style = " style=filled fillcolor=red shape=box" if name in self.operations else ""
            text = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'  {name} [label="{text}"{style}]')
        return "\n".join([*lines, *(f"  {a} -> {b}" for a, b in self.edges), "}"])

    def mermaid(self) -> str:
        """Return the graph in the language of Mermaid."""
        lines = ["graph TD"]
        for name, label in self.labels.items():
            text = escape(label, quote=True).replace("\n", "<br>")
            lines.append(f'  {name}["{text}"]' if name in self.operations else f'  {name}(["{text}"])')
        return "\n".join([*lines, *(f"  {a} --> {b}" for a, b in self.edges)])

    def _layers(self) -> list[list[str]]:
        """Put each box below all that it depends on, near the middle of them."""
        depth = dict.fromkeys(self.labels, 0)
        sources: dict[str, list[str]] = {name: [] for name in self.labels}
        for a, b in self.edges:
            sources[b].append(a)
        for name in self.labels:  # inputs come before outputs
            depth[name] = 1 + max((depth[each] for each in sources[name]), default=-1)
        layers: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=0))]
        place: dict[str, float] = {}
        for name in self.labels:
            layers[depth[name]].append(name)
        for layer in layers:
            layer.sort(key=lambda n: np.mean([place[s] for s in sources[n]]) if sources[n] else 0.0)
            place |= {name: n for n, name in enumerate(layer)}
        return layers

    def svg(self) -> str:
        """Return the graph as a picture."""
        layers = self._layers()
        step = BOX[0] + GAP[0], BOX[1] + GAP[1]
        width = max(map(len, layers)) * step[0] + GAP[0]
        place = {
            name: (width / 2 + (n - (len(layer) - 1) / 2) * step[0], GAP[1] + row * step[1])
            for row, layer in enumerate(layers)
            for n, name in enumerate(layer)
        }
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {len(layers) * step[1] + GAP[1]}" '
            f'width="{width}" font-family="sans-serif" font-size="12" text-anchor="middle">'
        ]
        parts += [_line(place[a], place[b]) for a, b in self.edges]
        parts += [_box(place[name], label, name in self.operations) for name, label in self.labels.items()]
        return "\n".join([*parts, "</svg>"])

    def _repr_svg_(self) -> str:
        return self.svg()

    def save(self, path: str | Path) -> None:
        """Write the picture, or the text, that the ending of the name says: .svg, .dot or .mmd."""
        forms = {".svg": self.svg, ".dot": lambda: self.source, ".mmd": self.mermaid}
        path = Path(path)
        if path.suffix not in forms:
            raise ValueError(f"{path.name}: a name ends with {', '.join(forms)}")
        path.write_text(forms[path.suffix]())


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    tip = end[1] - 3
    way = f"M{start[0]:.0f} {start[1] + BOX[1]:.0f} L{end[0]:.0f} {tip:.0f}"
    return (
        f'<path d="{way}" stroke="gray" fill="none"/>'
        f'<path d="M{end[0] - 4:.0f} {tip - 6:.0f} l4 8 l4 -8 z" fill="gray"/>'
    )


def _box(place: tuple[float, float], label: str, operation: bool) -> str:
    x, y = place
    fill, radius = ("#ff8a80", 2) if operation else ("#e3f2fd", 20)
    lines = label.split("\n")[:3]
    first = y + BOX[1] / 2 + 4 - 13 * (len(lines) - 1) / 2
    text = "".join(
        f'<text x="{x:.0f}" y="{first + 13 * n:.0f}">{escape(line[:24])}</text>'
        for n, line in enumerate(lines)
    )
    return (
        f'<rect x="{x - BOX[0] / 2:.0f}" y="{y:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="{radius}" '
        f'fill="{fill}" stroke="black"/>{text}'
    )


def _name_of(value: Array, tensor: Tensor | None, names: dict[str, Any] | None) -> str | None:
    """Return the name that the user gave to a tensor, or to an array, which is a constant."""
    for name, thing in (names or {}).items():
        if tensor is not None and thing is tensor:
            return name
        if thing is value or (isinstance(thing, np.ndarray) and np.shares_memory(thing, value)):
            return f"{name}\n*Constant*"
    return None


def _label(x: Any, names: dict[str, Any] | None, details: dict[str, bool]) -> str:
    value = np.asarray(x.value if isinstance(x, Node) else x)
    tensor = x.handle() if isinstance(x, Node) else None
    constant = not isinstance(x, Node) or x.constant
    label = _name_of(value, tensor, names)
    if label is None and names is None:
        label = repr(value).replace("array(", "Tensor(" if isinstance(x, Node) else "array(", 1)
    if label is None:
        label = str(value) if value.ndim == 0 else "*Constant*" if constant else "Intermediary Tensor"
    if details["dims"] and value.ndim:
        label += f"\nDims: {value.shape}"
    if details["dtypes"]:
        label += f"\nDtype: {value.dtype}"
    if details["sum_stats"] and value.size > 1:
        found = {"Min": np.min, "Median": np.median, "Mean": np.mean, "Max": np.max}
        label += "\n" + " ".join(f"{name}: {of(value):.3g}" for name, of in found.items())
    return label


def _upstream(fin: Tensor) -> list[Node]:
    """Return the nodes that `fin` was computed from, inputs first, itself last."""
    pending, order = [fin._node], {}
    while pending:
        node = pending.pop()
        order[node.serial] = node
        pending += [x for x in node.inputs if isinstance(x, Node) and x.serial not in order]
    return [node for _, node in sorted(order.items())]


def _folded(made: list[Node], names: dict[str, Any] | None) -> list[int]:
    """Return for each node the one drawn in its place; what has a name of its own is always drawn."""
    number = {id(node): n for n, node in enumerate(made)}

    def described(x: Any) -> tuple[tuple[Any, ...], str | None]:
        node = x if isinstance(x, Node) else None
        value = np.asarray(x if node is None else node.value)
        return (value.shape, value.dtype), _name_of(value, node and node.handle(), names)

    def source(x: Any) -> int:
        if id(x) not in number and described(x)[1] is not None:
            number[id(x)] = -len(made) - len(number)
        return number.get(id(x), -1)

    kinds = [
        (class_name(node.operation), described(node), *(described(x)[0] for x in node.inputs))
        for node in made
    ]
    return representatives(kinds, [tuple(source(x) for x in node.inputs) for node in made])


def _crowds(made: list[Node], stands: Sequence[int]) -> dict[int, set[int]]:
    """Return all that each drawn node, and each input of one, stands for: by their ids."""
    crowds: dict[int, set[int]] = {}
    ours = set(map(id, made))
    for node, n in zip(made, stands, strict=True):
        crowds.setdefault(id(made[n]), set()).add(id(node))
        for drawn, x in zip(made[n].inputs, node.inputs, strict=True):
            if id(x) not in ours and id(drawn) not in ours:
                crowds.setdefault(id(drawn), set()).add(id(x))
    return crowds


def _graph(fin: Tensor, names: dict[str, Any] | None, details: dict[str, bool], fold: bool | None) -> Graph:
    nodes = _upstream(fin)
    made = [node for node in nodes if node.operation is not None and node.operation is not CLEARED]
    folds = len(made) > SMALL if fold is None else fold
    stands = _folded(made, names) if folds else range(len(made))
    place = {id(node): made[n] for node, n in zip(made, stands, strict=True)}
    crowds = _crowds(made, stands)
    graph, known = Graph(), {}

    def box(x: Any) -> str:
        x = place.get(id(x), x)
        if id(x) not in known:
            known[id(x)] = f"t{len(known)}"
            graph.labels[known[id(x)]] = _times(_label(x, names, details), crowds.get(id(x), ()))
        return known[id(x)]

    for node in nodes:
        if place.get(id(node)) is node:
            inputs = [box(x) for x in node.inputs]
            operation = f"op{node.serial}"
            graph.labels[operation] = _times(class_name(node.operation), crowds[id(node)])
            graph.operations.add(operation)
            graph.edges += [(each, operation) for each in inputs]
            graph.edges.append((operation, box(node)))
        elif id(node) in crowds or not made:
            box(node)
    return graph


def _times(label: str, crowd: Collection[int]) -> str:
    """Say in the second line of a label how many the box stands for, if they are several."""
    first, *rest = label.split("\n")
    return "\n".join([first, f"x {len(crowd)}", *rest]) if len(crowd) > 1 else label


def _digraph(graph: Graph, graphviz: Any) -> Any:
    made = graphviz.Digraph(strict=True)
    for name, label in graph.labels.items():
        style = {"style": "filled", "fillcolor": "red", "shape": "box"} if name in graph.operations else {}
        made.node(name=name, label=label, **style)
    made.edges(graph.edges)
    return made


def build_graph(
    fin: Tensor,
    names: dict[str, Any] | None = None,
    *,
    render: bool = True,
    save: bool = False,
    dims: bool = False,
    dtypes: bool = False,
    sum_stats: bool = False,
    fold: bool | None = None,
) -> Any:
    """Draw the graph that a tensor was computed by.

    Parameters
    ----------
    fin : Tensor
    names : dict of str to Tensor or numpy.ndarray, optional
        What tensors are to be called; a local namespace will do. Without it they show their values.
    render : bool
        Whether to return the picture.
    save : bool
        Whether to write it: ``computational_graph.pdf`` where Graphviz and its Python package are installed,
        ``computational_graph.svg`` elsewhere.
    dims, dtypes, sum_stats : bool
        Whether to show shapes, dtypes, and the least, median, mean and largest element.
    fold : bool, optional
        Whether to draw equal blocks that follow each other, three or more, once: the first, marked with
        "x" and their number. By default only if there are more than 50 operations. What has one of
        `names` is never left out.

    Returns
    -------
    graphviz.Digraph, Graph or None
        A `Graph` where the package graphviz is not installed: it has `svg`, `mermaid` and `source` (DOT),
        and a notebook shows it.

    Raises
    ------
    AssertionError
        If `fin` is no tensor, or another argument has the wrong type.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.computational_graph import build_graph
    >>> x = mg.tensor(3.0)
    >>> graph = build_graph(x * 2, {"x": x})

    Five equal layers:

    >>> y = mg.ones(3)
    >>> for _ in range(5):
    ...     y = np.tanh(mg.ones((3, 3)) @ y)
    >>> [" ".join(label.split()) for label in build_graph(y, {}, fold=True).labels.values()]
    ['Intermediary Tensor', 'Intermediary Tensor x 5', 'MatMul x 5', 'Intermediary Tensor x 5', 'Tanh x 5',
     'Intermediary Tensor x 5']
    """
    flags = {"render": render, "save": save, "dims": dims, "dtypes": dtypes, "sum_stats": sum_stats}
    if not isinstance(fin, Tensor):
        raise AssertionError(f"build_graph draws the graph of a tensor, got {type(fin).__name__}")
    if names is not None and not isinstance(names, dict):
        raise AssertionError(f"`names` is a dict of names and tensors, got {type(names).__name__}")
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise AssertionError(f"`{name}` is True or False, got {flag!r}")
    if fold is not None and not isinstance(fold, bool):
        raise AssertionError(f"`fold` is True, False or None, got {fold!r}")
    graph = _graph(fin, names, flags, fold)
    try:
        graphviz = import_module("graphviz")
    except ImportError:
        graphviz = None
    picture: Any = graph if graphviz is None else _digraph(graph, graphviz)
    if save and graphviz is None:
        graph.save("computational_graph.svg")
    elif save:
        picture.render(filename="computational_graph", cleanup=True, format="pdf")
    return picture if render else None
