"""The processes that measure, one for each library, and the environments of the peers."""

import json
import subprocess
import sys
import venv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.libraries import two_threads

ROOT = Path(__file__).parents[1]
REQUIREMENTS = {"mygrad25": "mygrad==2.5.0", "torch": "torch==2.13.0", "jax": "jax>=0.10"}
OURS = ("numpy", "mygrad")


def make(folder: Path) -> dict[str, str]:
    """The Python of each peer in an environment of its own, made under `folder` where it is missing."""
    return {
        name: make_one(folder.resolve() / name, requirement) for name, requirement in REQUIREMENTS.items()
    }


def make_one(folder: Path, requirement: str) -> str:
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {requirement} in {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "numpy>=2.0", requirement]
        subprocess.run(command, check=True)
    return str(python)


def environment(library: str) -> dict[str, str]:
    """Two threads; ours is the working tree, and no peer sees it; as if installed, bytecode is kept."""
    variables = two_threads()
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        variables.pop(name, None)
    return variables | ({"PYTHONPATH": str(ROOT / "src")} if library in OURS else {})


class Worker:
    """A running `benchmarks.worker`, asked one thing at a time."""

    def __init__(self, library: str, python: str, stack: ExitStack):
        self.python = python
        self.process = stack.enter_context(
            subprocess.Popen(
                [python, "-m", "benchmarks.worker", library],
                cwd=ROOT,
                env=environment(library),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self.version: str = self.answer()["version"]

    def ask(self, task: str, seconds: float, **options: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        print(
            json.dumps({"task": task, "seconds": seconds, "options": options}),
            file=self.process.stdin,
            flush=True,
        )
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.python} ended: {self.process.wait()}")
        return json.loads(line)


def import_seconds(library: str, python: str) -> float:
    """What `import` of a library takes in a fresh process that has imported NumPy already."""
    module = "mygrad" if library == "mygrad25" else library
    program = f"import numpy, time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    command = [python, "-c", program]
    result = subprocess.run(command, env=environment(library), capture_output=True, text=True, check=True)
    return float(result.stdout)
