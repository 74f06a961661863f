"""How good are the planner's choices? ``python -m benchmarks.choices`` times what else it could have chosen.

For each case and member of the family, every algorithm whose prediction is near that of the first is timed,
in turns, and the shortest time counts. A row shows the times, that of the choice first, how many times the
shortest it is, and the share of it that was predicted; the last line has the geometric means. BLAS has
threads of its own: with ``--threads 1`` set OPENBLAS_NUM_THREADS=1.
"""

import argparse
from dataclasses import dataclass
from functools import partial
from statistics import geometric_mean

import numpy as np

from benchmarks.cases import Case, read_cases
from benchmarks.figures import number, table
from benchmarks.roofline import problem_of
from benchmarks.worker import arrays, repeats, settle_memory
from mygrad.convolution import ConvProblem, planner
from mygrad.convolution.executor import use_threads

NEAR = 3.0  # times the least prediction


@dataclass(frozen=True)
class Choice:
    """Seconds of the algorithms of a member, the chosen one first."""

    case: str
    member: str
    seconds: dict[str, float]
    predicted: dict[str, float]

    @property
    def chosen(self) -> str:
        return next(iter(self.seconds))

    @property
    def fastest(self) -> str:
        return min(self.seconds, key=lambda name: self.seconds[name])

    @property
    def longer(self) -> float:
        return self.seconds[self.chosen] / self.seconds[self.fastest]

    @property
    def foreseen(self) -> float:
        return self.predicted[self.chosen] / self.seconds[self.chosen]

    @property
    def row(self) -> list[str]:
        pairs = ((name, t, self.predicted[name]) for name, t in self.seconds.items())
        all_times = ", ".join(f"{name} {number(t, 1e3)} ({number(p, 1e3)})" for name, t, p in pairs)
        return [self.case, self.member, all_times, f"{self.longer:.2f}", f"{self.foreseen:.2f}"]


def choice(name: str, problem: ConvProblem, member: str, dtype: str, rounds: int, least: float) -> Choice:
    char = np.dtype(dtype).char
    ranked = planner.candidates(problem, member, char)
    predicted = {each.name: each.predicted(problem, char) for each in ranked}
    near = [each for each in ranked if predicted[each.name] <= NEAR * predicted[ranked[0].name]]
    first, second, _ = problem.shapes[member]
    given = arrays([list(first), list(second)], dtype)
    runs = {each.name: each.ready(problem, np.dtype(dtype)) for each in near}
    for run in runs.values():
        run(*given)
    turns = [
        {key: min(repeats(partial(run, *given), least, 1)) for key, run in runs.items()}
        for _ in range(rounds)
    ]
    return Choice(name, member, {key: min(turn[key] for turn in turns) for key in runs}, predicted)


def choices(case: Case, dtype: str, rounds: int, least: float) -> list[Choice]:
    problem = problem_of(case)
    return [choice(case.name, problem, member, dtype, rounds, least) for member in planner.MEMBERS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choices", description=__doc__)
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--files", nargs="+", default=["conv", "other", "family"], help="of cases")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=1, help="predictions rank for all processors")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.01, help="for each algorithm in a round")
    options = parser.parse_args()
    settle_memory()
    cases = [case for file in options.files for case in read_cases(file, options.cases, "conv transposed")]
    columns = ["case", "member", "ms, measured (predicted); the chosen one first", "longer", "foreseen"]
    for dtype in options.dtypes:
        with use_threads(options.threads):
            found = [each for case in cases for each in choices(case, dtype, options.rounds, options.seconds)]
        worst = sorted(found, key=lambda each: -each.longer)
        print(table(f"Choices, {dtype}", columns, [each.row for each in worst]))
        print(
            f"\ngeometric means: {geometric_mean([each.longer for each in found]):.3f} times the fastest, ",
            end="",
        )
        print(f"{geometric_mean([each.foreseen for each in found]):.2f} of the time foreseen\n")


if __name__ == "__main__":
    main()
