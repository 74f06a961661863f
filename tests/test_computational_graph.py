"""Pictures of graphs: every tensor and operation once, in order, as text and as a picture."""

import sys
import types
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import mygrad as mg
from mygrad.computational_graph import Graph, build_graph


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
    assert len(build_graph(x, {}).operations) == 1000


@pytest.mark.parametrize(
    "call",
    [
        lambda z: build_graph(z.data),
        lambda z: build_graph(z, [z]),
        lambda z: build_graph(z, render=1),
        lambda z: build_graph(z, dims="yes"),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(AssertionError):
        call(example()[-1])
