"""The convolutions that are measured, read from `conv_cases.json`, and what each of them costs."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One convolution: shapes of data and filters, and one stride, padding and dilation for all axes."""

    name: str
    x: list[int]
    w: list[int]
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def axes(self) -> int:
        return len(self.x) - 2

    @property
    def y(self) -> list[int]:
        """The shape of the output."""
        pairs = zip(self.x[2:], self.w[2:], strict=True)
        grid = [
            (size + 2 * self.padding - self.dilation * (taps - 1) - 1) // self.stride + 1
            for size, taps in pairs
        ]
        return [self.x[0], self.w[0], *grid]

    @property
    def flops(self) -> int:
        """Of forward and backward together: each gradient costs as much as the output."""
        return 3 * 2 * prod(self.y) * prod(self.w[1:])


def read_cases(wanted: str = "") -> list[Case]:
    """The cases whose name contains `wanted`."""
    rows = json.loads(Path(__file__).with_name("conv_cases.json").read_text())
    return [Case(**row) for row in rows if wanted in row["name"]]
