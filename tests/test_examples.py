"""The examples run as a reader runs them: a process of their own, from any folder."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(example: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / example), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
def test_digits_are_learned_and_drawn(tmp_path: Path):
    result = run("digits.py", "--output", "figure.png", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "held-out digits read" in result.stdout
    assert "100%" in result.stderr  # the live progress line got to its end
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_digits_fails_when_it_has_not_learned(tmp_path: Path):
    assert run("digits.py", "--epochs", "1", folder=tmp_path).returncode == 1


@pytest.mark.slow
def test_benchmarks_print_a_table_of_each_figure():
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--seconds", "0.01", "--cases", "seed"]
    result = subprocess.run(
        command, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=240, check=True
    )
    assert (
        result.stdout.count("**\n\n|") == 7
    )  # small, import, million; conv and first calls, in float32 and in float64
    assert "cannot" not in result.stdout
