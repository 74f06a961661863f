"""The ways to compute a convolution and its gradients: a table, with what each is predicted to take.

The prediction counts what limits each algorithm, in nanoseconds of an ordinary core: it ranks, it does
not promise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, prod
from typing import Any

import numpy as np

from mygrad.convolution import (
    direct,
    filter_dots,
    fourier,
    gemm,
    grouped,
    grouped_filter,
    indexed,
    jit,
    panel_filter,
    panels,
    phases,
    reference,
    subpixel,
    winograd,
    winograd_filter,
    winograd_phases,
)
from mygrad.convolution.borders import extend, fold
from mygrad.convolution.executor import threads
from mygrad.convolution.machine import this_machine
from mygrad.convolution.prepared import Run, prepare
from mygrad.convolution.problem import FILTER, FORWARD, INPUT, ConvProblem
from mygrad.convolution.schedule import PACKED, PACKED_APART, calls, cycles, least_copy, met, packed_bytes

__all__ = ["ALGORITHMS", "Algorithm"]

Array = np.ndarray[Any, Any]
Member = Callable[[ConvProblem, Array, Array], Array]
BLAS_SHARE = 0.35  # of the peak of all cores: 0.8, but its threads spin on and take processors from others
PRODUCT_NS_ELSE = 2.0  # no BLAS
MOVE_NS = 0.8  # to gather or to add back one element of patches
PLACE_NS = 0.06  # to put one byte of a phase between those of others
PLACED_LATER = 1.15  # times as long takes a convolution whose results move again
PLACED_PRODUCT = 1.25  # likewise a product of panels, and what puts it together
LONG_SUM = 220  # products, of which a sum in float32 has the errors of transforms
EXTEND_NS = 0.13  # to continue one byte of x past its ends, or to fold one back
CHECK_NS = 0.03  # to see whether a byte of the result is finite, on one thread
CALL_NS = 1500.0  # one NumPy call
CALLS = 20  # to gather patches, or to add them back
MOST_CALLS = 1000
SPARE_BYTES = 1 << 20
MOST_COPIED = 1 << 28  # bytes; what a tap is apart must fit an offset of 32 bits


@dataclass(frozen=True)
class Algorithm:
    """One way to compute one member of the family, with its predicted cost."""

    name: str
    member: str
    run: Member
    seconds: Callable[[ConvProblem, str], float]
    workspace: Callable[[ConvProblem, int], int]
    applies: Callable[[ConvProblem, str], bool]
    pads: bool = False
    """Whether an input gradient adds products with padding that the defining sum does not have."""
    spreads: bool = False
    """Whether what is not finite spoils more than the sums that it is in, but none of it is lost."""
    skips: Callable[[ConvProblem], bool] = lambda problem: False
    """Whether it leaves out products with padding that the defining sum has."""
    borders: bool = False
    """Whether it looks up what stands in the padding; others get a copy of x that is continued."""

    def ready(self, problem: ConvProblem, dtype: Any) -> Run:
        """Return what computes a problem, with any border."""
        if self.borders or problem.border == "zeros":
            return prepare(self.run, problem, dtype)
        (widths, longer), border = problem.continued, problem.border
        run = prepare(self.run, longer, dtype)
        if self.member == INPUT:
            return lambda g, w: fold(run(g, w), widths, border)
        return lambda x, b: run(extend(x, widths, border), b)

    def predicted(self, problem: ConvProblem, dtype: str) -> float:
        """Return the seconds that it will take, with any border."""
        size = np.dtype(dtype).itemsize
        checked = size * prod(problem.shapes[self.member][2]) if self.spreads else 0
        moved = EXTEND_NS * self._copied(problem, size) + CHECK_NS * checked
        return self.seconds(problem, dtype) + 1e-9 * moved

    def needed(self, problem: ConvProblem, itemsize: int) -> int:
        """Return the bytes that it needs beside its arguments and result."""
        return self.workspace(problem, itemsize) + self._copied(problem, itemsize)

    def _copied(self, problem: ConvProblem, itemsize: int) -> int:
        if self.borders or problem.border == "zeros":
            return 0
        return itemsize * prod(problem.continued[1].x_shape)


def _products(problem: ConvProblem, dtype: str) -> float:
    """Return the nanoseconds of the products alone."""
    if dtype not in "fd":
        return problem.products * PRODUCT_NS_ELSE
    peak = this_machine().peak(np.dtype(dtype).itemsize) * threads()
    return problem.products / peak / BLAS_SHARE * 1e9


def _taps(problem: ConvProblem) -> int:
    return prod(axis.k for axis in problem.axes)


def _patches(problem: ConvProblem) -> int:
    return problem.products // max(problem.filters, 1)


def _patch_blocks(problem: ConvProblem) -> float:
    return 1 + _patches(problem) * 8 / gemm.BLOCK_BYTES


def _gather(problem: ConvProblem, dtype: str) -> float:
    moved = _patches(problem) + prod(problem.y_shape)
    return 1e-9 * (_products(problem, dtype) + MOVE_NS * moved + CALLS * CALL_NS * _patch_blocks(problem))


def _gather_input(problem: ConvProblem, dtype: str) -> float:
    gathered = sum(_gather(phase, dtype) for _, _, phase in problem.merged().for_input().phases())
    return gathered + 1e-9 * MOVE_NS * prod(problem.w_shape)  # filters are turned around first


def _scatter(problem: ConvProblem, dtype: str) -> float:
    if gemm.is_whole(problem):
        return 1e-9 * (_products(problem, dtype) + 3 * CALL_NS)
    calls = CALLS + 3 * _taps(problem) * _patch_blocks(problem)
    moved = 2 * _patches(problem) + prod(problem.y_shape)
    return 1e-9 * (_products(problem, dtype) + MOVE_NS * moved + CALL_NS * calls)


def _sum(problem: ConvProblem, dtype: str) -> float:
    return 1e-9 * (2.0 * problem.products + 20 * CALL_NS * _taps(problem))


def _block(problem: ConvProblem, itemsize: int) -> int:
    """Return the bytes of padded data, one block of patches and its product."""
    data = problem.batch * problem.groups * problem.channels
    for axis in problem.axes:
        start, stop = axis.reach()
        data *= stop - start
    column = problem.groups * (problem.channels * _taps(problem) + problem.filters) * itemsize
    return data * itemsize + max(gemm.BLOCK_BYTES, 64 * column)


def _block_input(problem: ConvProblem, itemsize: int) -> int:
    return max((_block(phase, itemsize) for _, _, phase in problem.merged().for_input().phases()), default=0)


def _whole(problem: ConvProblem, itemsize: int) -> int:
    return itemsize * (prod(problem.x_shape) + prod(problem.y_shape))


def _blas(problem: ConvProblem, dtype: str) -> bool:
    return all(axis.up == 1 for axis in problem.axes)


def _few(problem: ConvProblem, dtype: str) -> bool:
    return dtype in "fd" and _blas(problem, dtype) and 0 < _patches(problem) <= indexed.MOST_POSITIONS


def _lookup(problem: ConvProblem, dtype: str) -> float:
    return 1e-9 * (_products(problem, dtype) + 3 * MOVE_NS * _patches(problem) + 5 * CALL_NS)


def _positions(problem: ConvProblem, itemsize: int) -> int:
    return _patches(problem) * (itemsize + np.dtype(np.intp).itemsize)


def _generated(problem: ConvProblem, dtype: str) -> bool:
    if dtype not in "fd" or not jit.available() or not _blas(problem, dtype):
        return False
    return least_copy(problem, np.dtype(dtype).itemsize) <= MOST_COPIED


def _packable(problem: ConvProblem, dtype: str) -> bool:
    """Tell whether the gradient of y can be packed as filters are, in bounded memory and calls."""
    if not _generated(problem, dtype):
        return False
    size, machine, turned = np.dtype(dtype).itemsize, this_machine(), problem.merged().for_filter()
    room = _whole(problem, size) + SPARE_BYTES
    return calls(turned, size, machine) <= MOST_CALLS and packed_bytes(turned, size, machine) <= room


def _kernel(problem: ConvProblem, dtype: str, packed: float = PACKED) -> float:
    machine = this_machine()
    return cycles(problem.merged(), np.dtype(dtype).itemsize, machine, packed) / machine.hertz / threads()


def _kernel_input(problem: ConvProblem, dtype: str) -> float:
    needed = phases.cycles(problem.merged().for_input(), np.dtype(dtype).itemsize)
    return needed / this_machine().hertz / threads()


def _placing(problem: ConvProblem, dtype: str) -> float:
    """Return the seconds in which phases are put together."""
    return 1e-9 * PLACE_NS * prod(problem.x_shape) * np.dtype(dtype).itemsize / threads()


def _kernel_filter(problem: ConvProblem, dtype: str) -> float:
    return _kernel(problem.merged().for_filter(), dtype, PACKED_APART)


def _dots(problem: ConvProblem, dtype: str) -> float:
    seconds = filter_dots.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz
    return seconds / threads()


def _rows(problem: ConvProblem, dtype: str) -> bool:
    return _generated(problem, dtype) and filter_dots.applies(problem, np.dtype(dtype).itemsize)


def _many_groups(problem: ConvProblem, dtype: str) -> bool:
    return _generated(problem, dtype) and grouped.applies(problem.merged(), np.dtype(dtype).itemsize)


def _many_groups_input(problem: ConvProblem, dtype: str) -> bool:
    turned = problem.merged().for_input()
    return _generated(problem, dtype) and grouped.applies(turned, np.dtype(dtype).itemsize)


def _lanes(problem: ConvProblem, dtype: str) -> float:
    return grouped.cycles(problem.merged(), np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _lanes_input(problem: ConvProblem, dtype: str) -> float:
    return _lanes(problem.merged().for_input(), dtype)


def _lanes_filter(problem: ConvProblem, dtype: str) -> float:
    return grouped_filter.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _blocks_filter(problem: ConvProblem, itemsize: int) -> int:
    return direct.workspace(problem.merged().for_filter(), itemsize)


def _phased(problem: ConvProblem, dtype: str) -> bool:
    return subpixel.applies(problem) and _generated(subpixel.as_forward(problem), dtype)


def _subpixel(problem: ConvProblem, dtype: str) -> float:
    forward, size = subpixel.as_forward(problem), np.dtype(dtype).itemsize
    if subpixel.one_tap(problem, size):
        product = panels.cycles(forward, size, packed=True) / this_machine().hertz / threads()
        return PLACED_PRODUCT * (product + _placing(problem, dtype))
    filters = 2 * MOVE_NS * prod(problem.w_shape) + 6 * CALL_NS
    placed = _kernel(forward, dtype) + _placing(problem, dtype)
    return PLACED_LATER * placed + 1e-9 * filters


def _minimal_filter(problem: ConvProblem, dtype: str) -> bool:
    """Tell whether minimal filtering applies."""
    return dtype in "fd" and jit.available() and winograd.applies(problem, np.dtype(dtype).itemsize)


def _minimal(problem: ConvProblem, dtype: str) -> bool:
    """Tell whether it does in bounded memory, with errors about as small as those of direct sums."""
    exact = max((axis.k for axis in problem.axes), default=0) > 2
    return exact and _minimal_filter(problem, dtype) and winograd.fits(problem, np.dtype(dtype).itemsize)


def _minimal_input(problem: ConvProblem, dtype: str) -> bool:
    return _minimal(problem.for_input(), dtype)


def _fewest(problem: ConvProblem, dtype: str) -> float:
    return winograd.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _fewest_input(problem: ConvProblem, dtype: str) -> float:
    return _fewest(problem.for_input(), dtype)


def _fewest_filter(problem: ConvProblem, dtype: str) -> float:
    return winograd_filter.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _minimal_phases(problem: ConvProblem, dtype: str) -> bool:
    return _generated(problem, dtype) and winograd_phases.applies(problem, np.dtype(dtype).itemsize)


def _fewest_phases(problem: ConvProblem, dtype: str) -> float:
    needed = winograd_phases.cycles(problem, np.dtype(dtype).itemsize)
    return needed / this_machine().hertz / threads() + _placing(problem, dtype)


def _transforms_input(problem: ConvProblem, itemsize: int) -> int:
    return winograd.workspace(problem.for_input(), itemsize)


def _transformable(problem: ConvProblem, dtype: str, *, of_filter: bool = False) -> bool:
    known = dtype in "fd" and jit.available()
    return known and fourier.applies(problem, np.dtype(dtype).itemsize, of_filter=of_filter)


def _transformable_input(problem: ConvProblem, dtype: str) -> bool:
    return _transformable(problem.for_input(), dtype)


def _short(problem: ConvProblem) -> bool:
    """Tell whether sums round less than transforms do, which are 1.2 to 1.6 units off on average."""
    return problem.channels * _taps(problem) < LONG_SUM


def _tiles(problem: ConvProblem, dtype: str, *, of_filter: bool = False) -> float:
    if dtype == "f" and not of_filter and _short(problem):
        return inf
    cycles = fourier.cycles(problem, np.dtype(dtype).itemsize, of_filter=of_filter)
    return cycles / this_machine().hertz / threads()


def _tiles_input(problem: ConvProblem, dtype: str) -> float:
    return _tiles(problem.for_input(), dtype)


def _spectra(problem: ConvProblem, itemsize: int) -> int:
    return fourier.workspace(problem.for_input(), itemsize)


def _panelled(problem: ConvProblem, dtype: str) -> bool:
    return _generated(problem, dtype) and panels.applies(problem.merged(), np.dtype(dtype).itemsize)


def _panelled_input(problem: ConvProblem, dtype: str) -> bool:
    return _panelled(problem.for_input(), dtype)


def _columns(problem: ConvProblem, dtype: str) -> float:
    return panels.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _columns_input(problem: ConvProblem, dtype: str) -> float:
    needed = panels.cycles(problem.for_input(), np.dtype(dtype).itemsize, packed=True)
    return needed / this_machine().hertz / threads()


def _panelled_filter(problem: ConvProblem, dtype: str) -> bool:
    return _generated(problem, dtype) and panel_filter.applies(problem.merged(), np.dtype(dtype).itemsize)


def _columns_filter(problem: ConvProblem, dtype: str) -> float:
    return panel_filter.cycles(problem, np.dtype(dtype).itemsize) / this_machine().hertz / threads()


def _skipping(problem: ConvProblem) -> bool:
    return met(problem.merged()) < 1


def _skipping_filter(problem: ConvProblem) -> bool:
    return _skipping(problem.merged().for_filter())


def _padded(problem: ConvProblem) -> bool:
    return any(any(axis.outside) for axis in problem.axes)


def _always(problem: ConvProblem, dtype: str) -> bool:
    return True


ALGORITHMS = (
    Algorithm("indexed", FORWARD, indexed.convolve, _lookup, _positions, _few, borders=True),
    Algorithm("indexed", INPUT, indexed.input_gradient, _lookup, _positions, _few, borders=True),
    Algorithm("indexed", FILTER, indexed.filter_gradient, _lookup, _positions, _few, borders=True),
    Algorithm(
        "direct",
        FORWARD,
        direct.convolve,
        _kernel,
        direct.workspace,
        _generated,
        borders=True,
        skips=_skipping,
    ),
    Algorithm("panels", FORWARD, panels.convolve, _columns, panels.workspace, _panelled),
    Algorithm(
        "panels",
        INPUT,
        panels.input_gradient,
        _columns_input,
        panels.input_workspace,
        _panelled_input,
        pads=True,
    ),
    Algorithm(
        "panels",
        FILTER,
        panel_filter.filter_gradient,
        _columns_filter,
        panel_filter.workspace,
        _panelled_filter,
        skips=_padded,
    ),
    Algorithm("winograd", FORWARD, winograd.convolve, _fewest, winograd.workspace, _minimal, spreads=True),
    Algorithm(
        "winograd",
        INPUT,
        winograd.input_gradient,
        _fewest_input,
        _transforms_input,
        _minimal_input,
        spreads=True,
    ),
    Algorithm(
        "direct", INPUT, direct.input_gradient, _kernel_input, direct.input_workspace, _generated, pads=True
    ),
    Algorithm("grouped", FORWARD, grouped.convolve, _lanes, grouped.workspace, _many_groups),
    Algorithm(
        "grouped",
        INPUT,
        grouped.input_gradient,
        _lanes_input,
        grouped.workspace_input,
        _many_groups_input,
        pads=True,
    ),
    Algorithm(
        "grouped",
        FILTER,
        grouped_filter.filter_gradient,
        _lanes_filter,
        grouped_filter.workspace,
        _many_groups,
    ),
    Algorithm(
        "winograd",
        INPUT,
        winograd_phases.input_gradient,
        _fewest_phases,
        winograd_phases.workspace,
        _minimal_phases,
        spreads=True,
    ),
    Algorithm(
        "subpixel", INPUT, subpixel.input_gradient, _subpixel, subpixel.workspace, _phased, spreads=True
    ),
    Algorithm(
        "direct",
        FILTER,
        direct.filter_gradient,
        _kernel_filter,
        _blocks_filter,
        _packable,
        borders=True,
        skips=_skipping_filter,
    ),
    Algorithm("dots", FILTER, filter_dots.filter_gradient, _dots, filter_dots.workspace, _rows, borders=True),
    Algorithm(
        "winograd",
        FILTER,
        winograd_filter.filter_gradient,
        _fewest_filter,
        winograd_filter.workspace,
        _minimal_filter,
        spreads=True,
    ),
    Algorithm("fft", FORWARD, fourier.convolve, _tiles, fourier.workspace, _transformable, spreads=True),
    Algorithm(
        "fft", INPUT, fourier.input_gradient, _tiles_input, _spectra, _transformable_input, spreads=True
    ),
    Algorithm(
        "fft",
        FILTER,
        fourier.filter_gradient,
        partial(_tiles, of_filter=True),
        partial(fourier.workspace, of_filter=True),
        partial(_transformable, of_filter=True),
        spreads=True,
    ),
    Algorithm("gemm", FORWARD, gemm.convolve, _gather, _block, _blas),
    Algorithm("gemm", INPUT, gemm.gather_input_gradient, _gather_input, _block_input, _blas, pads=True),
    Algorithm("gemm-scatter", INPUT, gemm.scatter_input_gradient, _scatter, _block, _blas),
    Algorithm("gemm", FILTER, gemm.filter_gradient, _gather, _block, _blas),
    Algorithm("reference", FORWARD, reference.convolve, _sum, _whole, _always),
    Algorithm("reference", INPUT, reference.input_gradient, _sum, _whole, _always),
    Algorithm("reference", FILTER, reference.filter_gradient, _sum, _whole, _always),
)
