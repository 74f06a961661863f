"""The figures of docs/design/paddings.md are what the program draws now."""

import runpy
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[2] / "docs" / "figures"
DRAW = runpy.run_path(str(FIGURES / "convolution.py"))["FIGURES"]


@pytest.mark.parametrize("name", DRAW)
def test_the_figure_is_current_and_shown(name):
    assert (FIGURES / f"{name}.svg").read_text() == DRAW[name]()
    assert f"figures/{name}.svg" in (FIGURES.parent / "design" / "paddings.md").read_text()
