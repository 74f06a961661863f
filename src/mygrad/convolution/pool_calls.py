"""Pooling by kernels: what they are told, and which part of the work each thread does."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from struct import Struct, pack, unpack
from typing import Any

import numpy as np

from mygrad.convolution import jit
from mygrad.convolution.addresses import address_of
from mygrad.convolution.executor import borrow, give_back, run_parts, threads
from mygrad.convolution.machine import this_machine
from mygrad.convolution.pool_kernels import POOL_FIELDS, SEGMENT_FIELDS, UNROLLED, PoolTile, slack
from mygrad.convolution.pool_windows import Windows

__all__ = ["can", "maxima", "spread", "spread_sums", "sums"]

Array = np.ndarray[Any, Any]
KINDS = (np.dtype(np.float32), np.dtype(np.float64))
ADDRESSES = Struct("5q")  # the first fields: wide, narrow, places, and two rows of the workspace
PART = 1 << 16  # elements of x that are worth a thread


def can(dtype: Any, size: int, windows: Windows) -> bool:
    """Tell whether there is a kernel: places in a plane are numbers of four bytes."""
    return (
        dtype in KINDS and size > 0 and windows.positions > 0 and windows.plane < 1 << 30 and jit.available()
    )


def _tile(kind: str, windows: Windows, itemsize: int) -> PoolTile:
    span, lanes = windows.spans[-1], this_machine().isa.bits // 8 // itemsize
    if kind == "spread":
        return PoolTile(itemsize, lanes, kind)
    taps = span.taps if isinstance(span.taps, int) and span.taps <= UNROLLED else 0
    return PoolTile(itemsize, lanes, kind, taps, span.stride or 1, span.step)


@dataclass(frozen=True)
class Plan:
    """A kernel and its parameters, one array for each part of the work, but for the addresses of the data."""

    work: jit.Work
    parts: list[Array]
    row_bytes: int
    windows: Windows  # which has the tables that parameters point to

    def __call__(self, wide: Array, narrow: Array, places: Array | None = None) -> None:
        def part(number: int) -> None:  # which keeps the arrays for threads that outlive an interrupt
            parameters = self.parts[number].copy()
            rows, offsets = borrow(2 * self.row_bytes), parameters[:3].tolist()
            data = address_of(wide), address_of(narrow), 0 if places is None else address_of(places)
            begin = [place + offset for place, offset in zip(data, offsets, strict=True)]
            room = address_of(rows)
            ADDRESSES.pack_into(parameters.data, 0, *begin, room, room + self.row_bytes)
            self.work(address_of(parameters), 1)
            give_back(rows)

        if len(self.parts) == 1:
            part(0)
        else:
            run_parts(len(self.parts), part)


@lru_cache(maxsize=1024)
def _plan(kind: str, windows: Windows, itemsize: int, planes: int, divisor: float, workers: int) -> Plan:
    tile = _tile(kind, windows, itemsize)
    fields = {
        "planes": planes,
        "wide_plane": windows.plane * itemsize,
        "narrow_plane": windows.positions * itemsize,
        "places_plane": windows.positions * 4,
        "positions": windows.positions,
        "divisor": unpack("q", pack("d", divisor))[0],
    }
    row = 0
    if kind != "spread":
        fields |= windows.table_fields()
        row = (windows.row + slack(tile)) * itemsize
    count = min(4 * workers, planes * windows.plane // PART) if workers > 1 else 1
    parts = [
        np.array([part.get(name, 0) for name in POOL_FIELDS], np.int64)
        for part in _parts(kind, fields, count)
    ]
    return Plan(jit.compiled(tile).work, parts, row, windows)


def _parts(kind: str, fields: dict[str, int], count: int) -> list[dict[str, int]]:
    """Cut the planes into parts; if these are few, rows or segments, unless they overlap, as gradients do."""
    if count < 2:
        return [fields]
    axes = ("planes",) if kind.startswith("spread") else ("planes", "rows", "segments")
    axis = next((name for name in axes if fields[name] >= count), max(axes, key=lambda name: fields[name]))
    ends = [fields[axis] * n // count for n in range(count + 1)]
    return [_part(fields, axis, a, b) for a, b in pairwise(ends) if b > a]


def _part(fields: dict[str, int], axis: str, start: int, stop: int) -> dict[str, int]:
    """Return the fields of a part: as many as it has, and how far its first one is."""
    each = {
        "planes": {name: fields[f"{name}_plane"] for name in ("wide", "narrow", "places")},
        "rows": {"row_table": 16, "first_row": 1},
        "segments": {"segment_table": 8 * len(SEGMENT_FIELDS)},
    }[axis]
    moved = {name: fields.get(name, 0) + start * step for name, step in each.items()}
    return fields | moved | {axis: stop - start}


def _run(kind: str, windows: Windows, wide: Array, narrow: Array, places: Any = None, by: float = 1) -> None:
    plan = _plan(kind, windows, wide.dtype.itemsize, wide.size // windows.plane, float(by), threads())
    plan(wide, narrow, places)


def maxima(x: Array, windows: Windows) -> tuple[Array, Array]:
    """Return the maximum of each window, and its place in the plane."""
    shape = windows.output_shape(x.shape)
    y, places = np.empty(shape, x.dtype), np.empty(shape, np.int32)
    _run("max", windows, np.ascontiguousarray(x), y, places)
    return y, places


def sums(x: Array, windows: Windows, divisor: float) -> Array:
    """Return the sum of each window, divided."""
    y = np.empty(windows.output_shape(x.shape), x.dtype)
    _run("sums", windows, np.ascontiguousarray(x), y, by=divisor)
    return y


def spread_sums(g: Array, windows: Windows, divisor: float) -> Array:
    """Return the gradient of what `sums` took."""
    gx = np.empty(windows.input_shape(g.shape), g.dtype)
    _run("spread_sums", windows, gx, np.ascontiguousarray(g), by=divisor)
    return gx


def spread(g: Array, windows: Windows, places: Array) -> Array:
    """Return the gradient of what `maxima` took."""
    gx = np.empty(windows.input_shape(g.shape), g.dtype)
    _run("spread", windows, gx, np.ascontiguousarray(g), np.ascontiguousarray(places, np.int32))
    return gx
