"""What is measured, read from `conv_cases.json` and `family_cases.json`, and what each of it costs."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One layer: shapes of data and filters (or a window); one stride, padding and dilation for all axes."""

    name: str
    x: list[int]
    w: list[int]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    of: str = "conv"
    """conv, transposed, max or avg."""

    @property
    def pools(self) -> bool:
        return self.of in ("max", "avg")

    @property
    def axes(self) -> int:
        return len(self.x) - 2

    @property
    def inputs(self) -> list[list[int]]:
        """The shapes of what has a gradient."""
        return [self.x] if self.pools else [self.x, self.w]

    @property
    def y(self) -> list[int]:
        """The shape of the output."""
        taps = self.w if self.pools else self.w[2:]
        extents = [self.dilation * (each - 1) + 1 for each in taps]
        pairs = list(zip(self.x[2:], extents, strict=True))
        if self.of == "transposed":
            grid = [(size - 1) * self.stride + extent - 2 * self.padding for size, extent in pairs]
            return [self.x[0], self.groups * self.w[1], *grid]
        grid = [(size + 2 * self.padding - extent) // self.stride + 1 for size, extent in pairs]
        return [self.x[0], self.x[1] if self.pools else self.w[0], *grid]

    @property
    def flops(self) -> int:
        """Of forward and backward together: each gradient costs as much as the output."""
        where = self.x if self.of == "transposed" else self.y
        return 3 * 2 * prod(where) * prod(self.w[1:])


def read_cases(file: str, wanted: str = "", of: str = "") -> list[Case]:
    """The cases of a file whose name contains `wanted`; of those of the family, the kinds in `of`."""
    rows = json.loads(Path(__file__).with_name(f"{file}_cases.json").read_text())
    cases = [Case(**row) for row in rows if wanted in row["name"]]
    return [case for case in cases if not of or case.of in of.split()]
