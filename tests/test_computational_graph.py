"""Pictures of graphs: every tensor and operation once, in order, as text and as a picture."""

import doctest
import sys
import types
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import mygrad as mg
from mygrad.computational_graph import Graph, build_graph
from mygrad.repetitions import representatives


@pytest.fixture(autouse=True)
def _without_graphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)


def example():
    x, w = mg.tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = x * w
    return x, w, y, (y + x).sum()


def test_all_that_is_connected_is_drawn_once():
    x, w, y, z = example()
    graph = build_graph(z, {"x": x, "w": w, "y": y, "z": z})
    assert isinstance(graph, Graph)
    labels = list(graph.labels.values())
    assert sorted(labels) == sorted(
        ["x", "w\n*Constant*", "Multiply", "y", "Add", "Intermediary Tensor", "Sum", "z"]
    )
    at = {label: name for name, label in graph.labels.items()}
    assert set(graph.edges) == {
        (at["x"], at["Multiply"]), (at["w\n*Constant*"], at["Multiply"]), (at["Multiply"], at["y"]),
        (at["y"], at["Add"]), (at["x"], at["Add"]), (at["Add"], at["Intermediary Tensor"]),
        (at["Intermediary Tensor"], at["Sum"]), (at["Sum"], at["z"]),
    }  # fmt: skip


def test_the_picture_is_xml_with_every_box():
    *_, z = example()
    graph = build_graph(z, {"<&>": z})
    picture = ET.fromstring(graph._repr_svg_())
    boxes = [each for each in picture.iter() if each.tag.endswith("rect")]
    assert len(boxes) == len(graph.labels)
    assert "<&>" in [each.text for each in picture.iter() if each.tag.endswith("text")]
    places = [float(each.attrib["y"]) for each in boxes]
    rows = dict(zip(graph.labels, places, strict=True))
    assert all(rows[a] < rows[b] for a, b in graph.edges)
    assert len({(each.attrib["x"], each.attrib["y"]) for each in boxes}) == len(boxes)


def test_texts():
    x, _, y, z = example()
    graph = build_graph(z, {'say "x"': x, "y": y})
    assert graph.source.startswith("strict digraph {")
    assert r"say \"x\"" in graph.source
    assert graph.source.count("->") == graph.mermaid().count("-->") == len(graph.edges)
    assert "&quot;x&quot;" in graph.mermaid()


def test_details():
    x, *_, z = example()
    labels = build_graph(z, {"x": x}, dims=True, dtypes=True, sum_stats=True).labels.values()
    mine = next(each for each in labels if each.startswith("x"))
    assert mine == "x\nDims: (2,)\nDtype: float64\nMin: 1 Median: 1.5 Mean: 1.5 Max: 2"


def test_values_are_shown_without_names():
    labels = build_graph(mg.tensor(2.0) * 3.0).labels.values()
    assert "Tensor(2.)" in labels


def test_a_leaf_and_a_finished_graph():
    assert list(build_graph(mg.tensor(1.0), {}).labels.values()) == ["1.0"]
    *_, z = example()
    z.backward()
    assert len(build_graph(z, {}).labels) == 1


def test_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *_, z = example()
    assert build_graph(z, render=False, save=True) is None
    ET.parse(tmp_path / "computational_graph.svg")
    graph = build_graph(z)
    graph.save(tmp_path / "a.dot")
    graph.save("b.mmd")
    assert (tmp_path / "a.dot").read_text() == graph.source
    assert (tmp_path / "b.mmd").read_text() == graph.mermaid()
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.mmd"):
        graph.save("c.jpg")


def test_graphviz_is_used_where_it_is(monkeypatch, tmp_path):
    calls = []

    class Digraph:
        def __init__(self, strict):
            assert strict

        def node(self, **keywords):
            calls.append(keywords)

        def edges(self, edges):
            calls.append(edges)

        def render(self, **keywords):
            calls.append(keywords)

    monkeypatch.setitem(sys.modules, "graphviz", types.SimpleNamespace(Digraph=Digraph))
    *_, z = example()
    assert isinstance(build_graph(z, save=True), Digraph)
    assert {"filename": "computational_graph", "cleanup": True, "format": "pdf"} in calls
    assert sum("label" in each for each in calls if isinstance(each, dict)) == 8


def test_a_thousand_operations():
    x = mg.tensor(1.0)
    for _ in range(1000):
        x = x * 2
    assert len(build_graph(x, {}, fold=False).operations) == 1000
    assert len(build_graph(x, {}).operations) == 1


# -- equal blocks


def lines(graph):
    return [" ".join(label.split()) for label in graph.labels.values()]


def operations(graph):
    return [" ".join(graph.labels[each].split()) for each in graph.labels if each in graph.operations]


def layer(x, size=3):
    return np.tanh(mg.ones((size, size)) @ x + 1.0)


def deep(count, x=None, of=layer):
    x = mg.ones(3) if x is None else x
    for _ in range(count):
        x = of(x)
    return x


def test_equal_layers_are_drawn_once():
    x = mg.ones(3)
    y = deep(5, x)
    loss = (y**2).sum()
    graph = build_graph(loss, {"x": x, "y": y, "loss": loss}, fold=True)
    # the last is named, so it is drawn
    assert operations(graph) == [
        "MatMul x 4",
        "Add x 4",
        "Tanh x 4",
        "MatMul",
        "Add",
        "Tanh",
        "Square",
        "Sum",
    ]
    assert lines(build_graph(loss, {}, fold=True)) == [
        "Intermediary Tensor", "Intermediary Tensor x 5", "MatMul x 5", "Intermediary Tensor x 5", "1.0",
        "Add x 5", "Intermediary Tensor x 5", "Tanh x 5", "Intermediary Tensor x 5", "Square",
        "Intermediary Tensor", "Sum", str(loss.data),
    ]  # fmt: skip


def test_what_follows_the_block_hangs_on_it():
    graph = build_graph(deep(4) * 2.0, {}, fold=True)
    at = {label: name for name, label in graph.labels.items()}
    targets = dict(graph.edges)
    block_end = targets[at["Tanh\nx 4"]]
    assert graph.labels[block_end] == "Intermediary Tensor\nx 4"
    assert (block_end, at["Multiply"]) in graph.edges
    ET.fromstring(graph.svg())
    assert "Tanh\\nx 4" in graph.source


def test_only_large_graphs_are_folded_by_default():
    assert len(build_graph(deep(16), {}).operations) == 48
    assert len(build_graph(deep(17), {}).operations) == 3
    assert len(build_graph(deep(16), {}, fold=True).operations) == 3
    assert len(build_graph(deep(2), {}, fold=True).operations) == 6  # two are no chain


def test_blocks_within_blocks():
    def residual(x):
        return deep(4, x) + x

    graph = build_graph(deep(3, of=residual), {}, fold=True)
    assert operations(graph) == ["MatMul x 12", "Add x 12", "Tanh x 12", "Add x 3"]


def test_layers_of_other_shapes_or_dtypes_are_other_layers():
    x = deep(3)
    y = deep(3, np.concatenate([x, x]), of=lambda x: layer(x, 6))
    assert operations(build_graph(y, {}, fold=True)) == [
        "MatMul x 3", "Add x 3", "Tanh x 3", "Concatenate", "MatMul x 3", "Add x 3", "Tanh x 3"
    ]  # fmt: skip
    single = mg.ones((), dtype=np.float32)
    for dtype in (np.float32, np.float64, np.float64):
        single = np.multiply(single, 2.0, dtype=dtype)
    assert operations(build_graph(single, {}, fold=True)) == ["Multiply"] * 3


def test_a_shared_weight_is_one_and_an_own_one_is_many():
    w = mg.ones((3, 3))
    graph = build_graph(deep(4, of=lambda x: w @ x), {"w": w}, fold=True)
    assert "w" in lines(graph)
    own = build_graph(deep(4, of=lambda x: mg.ones((3, 3)) @ x), {}, fold=True)
    assert lines(own).count("Intermediary Tensor x 4") == 2


def test_what_is_named_is_drawn():
    weights = [mg.ones((3, 3)) for _ in range(9)]
    x = mg.ones(3)
    for w in weights:
        x = w @ x
    drawn = operations(build_graph(x, {"fifth": weights[4]}, fold=True))
    assert drawn == ["MatMul x 4", "MatMul", "MatMul x 4"]
    assert "fifth" in lines(build_graph(x, {"fifth": weights[4]}, fold=True))
    all_named = {f"w{n}": w for n, w in enumerate(weights)}
    assert operations(build_graph(x, all_named, fold=True)) == ["MatMul"] * 9


def test_all_blocks_may_continue_the_same_result():
    memory = np.exp(mg.ones(3))
    graph = build_graph(deep(5, of=lambda x: x * memory), {}, fold=True)
    assert operations(graph) == ["Exp", "Multiply x 5"]


def test_the_same_functions_otherwise_wired_are_no_chain():
    x = [np.exp(mg.ones(3))]
    for back in (1, 1, 2, 3, 1, 4, 2, 5):
        x.append(np.add(x[-1], x[-back]))
    assert operations(build_graph(x[-1], {}, fold=True)) == ["Exp", *["Add"] * 8]
    for _ in range(4):
        x.append(np.add(x[-1], x[-2]))
    # from here on all take the two before; the first two of them took what they took
    assert operations(build_graph(x[-1], {}, fold=True)) == ["Exp", *["Add"] * 6, "Add x 3", "Add x 3"]


def test_steps_of_a_chain_stand_for_themselves_or_the_first():
    kinds = ["in", *"ab" * 4, "out"]
    chain = [(), *((n,) for n in range(9))]
    assert representatives(kinds, chain) == [0, 1, 2, 1, 2, 1, 2, 1, 2, 9]
    apart = [(), *((-1,) for _ in range(9))]
    assert representatives(kinds, apart) == [0, 1, 2, 1, 2, 1, 2, 1, 2, 9]
    crossed = [*chain[:6], (2,), *chain[7:]]  # one "b" that takes the "b" before it
    assert representatives(kinds, crossed) == list(range(10))
    assert representatives([], []) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda z: build_graph(z.data),
        lambda z: build_graph(z, [z]),
        lambda z: build_graph(z, render=1),
        lambda z: build_graph(z, dims="yes"),
        lambda z: build_graph(z, fold=1),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(AssertionError):
        call(example()[-1])


def test_the_picture_of_the_page_is_that_of_its_program():
    docs = Path(__file__).parents[1] / "docs"
    page = (docs / "reference" / "more" / "mygrad.computational_graph.build_graph.rst").read_text()
    names = {}
    for example in doctest.DocTestParser().get_examples(page)[:-1]:
        exec(example.source, names)
    assert (docs / "figures" / "graph.svg").read_text() == names["graph"].svg() + "\n"


def test_the_first_block_stands_for_others_only_if_all_take_the_same():
    """Steps B take the A of their own block; or, in all blocks but the first, the B of the one before."""
    kinds, before = list("AB" * 6), [2 * (n // 2) - 1 for n in range(12)]
    of_its_own = [(before[n] if n % 2 == 0 else n - 1,) for n in range(12)]
    assert representatives(kinds, of_its_own) == [0, 1] * 6
    but_the_first = [(-1,), (0,), *((before[n],) for n in range(2, 12))]
    assert representatives(kinds, but_the_first) == [0, 1] + [2, 3] * 5
