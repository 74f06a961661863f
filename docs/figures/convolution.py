"""Draws the figures of docs/design/paddings.md; run it, and it writes them beside itself.

Every line from an input to an output is one solution of the equation that the engine solves.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mygrad.convolution import ConvProblem

CELL, GAP, LEFT = 26, 62, 210
INK, DATA, PADDING, CROPPED, OUTPUT = "#333", "#cfe3f7", "#ffffff", "#eeeeee", "#d9f0d3"
TAPS = ("#c0392b", "#2471a3", "#b7950b", "#7d3c98")
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" '
    'font-family="sans-serif" font-size="12" fill="{2}">\n<rect width="{0}" height="{1}" fill="white"/>\n'
)


def _text(x: float, y: float, content: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{content}</text>'


def _cell(x: float, y: float, content: object, fill: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 2"' if dashed else ""
    box = f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="{INK}"{dash}/>'
    return box + _text(x + CELL / 2, y + CELL / 2 + 4, str(content), "middle")


def _line(x0: float, y0: float, x1: float, y1: float, color: str) -> str:
    return f'<path d="M{x0:g} {y0:g}L{x1:g} {y1:g}" stroke="{color}" stroke-width="1.4"/>'


def _column(position: float) -> float:
    return LEFT + CELL * position


def _row_of(label: str, problem: ConvProblem, top: float) -> Iterator[str]:
    """One axis of a convolution: data above, outputs below, and which tap takes what where."""
    (axis,) = problem.axes
    low, high = axis.reach()
    first, last = min(low, 0), max(high, axis.i)
    shift = 4  # room for padding before the data
    yield _text(8, top + CELL / 2 + 4, label)
    for i in range(first, last):
        inside, seen = 0 <= i < axis.i, low <= i < high
        fill = (DATA if seen else CROPPED) if inside else PADDING
        yield _cell(_column(i + shift), top, i if inside else 0, fill, dashed=not inside)
    for o in range(axis.o):
        centre = (axis.stride * o - axis.before + axis.dilation * (axis.k - 1) / 2) + shift
        for k in range(axis.k):
            i = axis.stride * o + axis.dilation * k - axis.before + shift
            x = _column(i) + CELL / 2
            yield _line(x, top + CELL, _column(centre) + CELL / 2, top + GAP, TAPS[k % len(TAPS)])
        yield _cell(_column(centre), top + GAP, o, OUTPUT)


def _rows(*cases: tuple[str, ConvProblem]) -> str:
    """Convolutions along one axis, one below the other."""
    height = GAP + CELL + 22
    drawn = [part for n, (label, p) in enumerate(cases) for part in _row_of(label, p, 12 + n * height)]
    width = _column(4 + max(max(axis.i, axis.reach()[1]) for _, p in cases for axis in p.axes)) + 12
    return _svg(width, len(cases) * height + 8, drawn)


def _svg(width: float, height: float, parts: list[str]) -> str:
    return HEAD.format(f"{width:g}", f"{height:g}", INK) + "\n".join(parts) + "\n</svg>\n"


def _problem(size: int, taps: int, **keywords: object) -> ConvProblem:
    keywords = {"stride": 1} | keywords
    return ConvProblem.make((1, 1, size), (1, 1, taps), **keywords)  # type: ignore[arg-type]


def paddings() -> str:
    """Draw what each name of a padding stands for."""
    names = ("valid", "same", "same_lower", "full", "causal")
    named = [(f'padding="{name}"', _problem(6, 4, padding=name)) for name in names]
    pair = ("padding=((1, -2),)", _problem(6, 4, padding=((1, -2),)))
    return _rows(*named, ("padding=1", _problem(6, 4, padding=1)), pair)


def strides() -> str:
    """Draw strides and dilations."""
    return _rows(
        ("stride=2", _problem(7, 3, stride=2)),
        ('stride=2, fit="floor"', _problem(8, 3, stride=2, fit="floor")),
        ('stride=2, padding="same"', _problem(8, 3, stride=2, padding="same")),
        ("stride=1, dilation=2", _problem(7, 3, dilation=2)),
        ("stride=3, dilation=2", _problem(8, 3, stride=3, dilation=2)),
    )


def modes() -> str:
    """Draw what stands beyond the ends of a, b, c, d."""
    data, drawn = np.array(list("abcd")), []
    for n, name in enumerate(("zeros", "constant", "reflect", "symmetric", "edge", "wrap")):
        top, options = 12 + n * (CELL + 12), {"constant_values": "0" if name == "zeros" else "v"}
        keywords = options if name in ("zeros", "constant") else {}
        mode = "constant" if name == "zeros" else name
        around = np.pad(data, 3, mode=mode, **keywords)  # type: ignore[call-overload]
        drawn.append(_text(8, top + CELL / 2 + 4, f'padding_mode="{name}"'))
        for i, content in enumerate(around):
            inside = 3 <= i < 7
            drawn.append(_cell(_column(i), top, content, DATA if inside else PADDING, not inside))
    return _svg(_column(10) + 12, 6 * (CELL + 12) + 12, drawn)


def groups() -> str:
    """Draw which channels each filter sees."""
    drawn, left = [], 20.0
    for label, count, filters in (
        ("groups=1", 1, 4),
        ("groups=2", 2, 4),
        ("groups=4: depthwise, two filters a channel", 4, 8),
    ):
        drawn.append(_text(left, 20, label))
        drawn += _panel(left, 34, count, filters)
        left += filters * 1.4 * CELL + 50
    return _svg(left - 20, 34 + GAP + 2 * CELL, drawn)


def _panel(left: float, top: float, count: int, filters: int, channels: int = 4) -> Iterator[str]:
    width = filters * 1.4 * CELL
    for f in range(filters):
        to = left + (f + 0.5) * width / filters
        for c in range(channels):
            start = left + (c + 0.5) * width / channels
            if c * count // channels == f * count // filters:
                yield _line(start, top + CELL, to, top + GAP + 10, TAPS[c * count // channels])
            yield _cell(start - CELL / 2, top, c, DATA)
        yield _cell(to - CELL / 2, top + GAP + 10, f, OUTPUT)


def transposed() -> str:
    """Draw each input spread over as many outputs as the filter has taps."""
    drawn: list[str] = []
    cases = (
        ("stride=2", {"stride": 2}),
        ("stride=2, padding=1", {"stride": 2, "padding": 1}),
        ("stride=2, padding=1,\noutput_padding=1", {"stride": 2, "padding": 1, "output_padding": 1}),
        ('stride=2, padding="same"', {"stride": 2, "padding": "same"}),
        ("stride=1, dilation=2", {"stride": 1, "dilation": 2}),
        ('stride=1, padding=1,\npadding_mode="wrap"', {"stride": 1, "padding": 1}),
    )
    for n, (label, keywords) in enumerate(cases):
        top = 12 + n * (GAP + CELL + 22)
        made = ConvProblem.make_transposed((1, 1, 3), (1, 1, 3), **keywords)
        drawn += [_text(8, top + 16 * (1 + m), part) for m, part in enumerate(label.split("\n"))]
        drawn += _spread(made, top, wraps="wrap" in label)
    return _svg(_column(10) + 12, len(cases) * (GAP + CELL + 22) + 8, drawn)


def _spread(problem: ConvProblem, top: float, *, wraps: bool) -> Iterator[str]:
    """One axis of a transposed convolution; what leaves the data is grey, unless it wraps around."""
    (axis,) = problem.axes
    for o in range(axis.o):
        centre = axis.stride * o - axis.before + axis.dilation * (axis.k - 1) / 2 + 2
        for k in range(axis.k):
            i = axis.stride * o + axis.dilation * k - axis.before
            inside = wraps or 0 <= i < axis.i
            to = _column((i % axis.i if wraps else i) + 2) + CELL / 2
            yield _line(
                _column(centre) + CELL / 2, top + CELL, to, top + GAP, TAPS[k] if inside else "#cccccc"
            )
        yield _cell(_column(centre), top, o, DATA)
    yield from (_cell(_column(i + 2), top + GAP, i, OUTPUT) for i in range(axis.i))


def pooling() -> str:
    """Draw which elements the windows of pooling see; padding is never the maximum."""
    x = np.array([3, 1, 4, 1, 5, 9, 2])
    axes = [
        ("max_pool(x, (3,), 2)", 2, 1, 0),
        ("max_pool(x, (3,), 2, padding=1)", 2, 1, 1),
        ("max_pool(x, (3,), 1, dilation=2)", 1, 2, 0),
    ]
    seen: list[tuple[str, list[list[int]]]] = []
    for label, stride, dilation, padding in axes:
        (axis,) = _problem(len(x), 3, stride=stride, dilation=dilation, padding=padding).axes
        starts = [stride * o - axis.before for o in range(axis.o)]
        windows = [[s + dilation * k for k in range(3) if 0 <= s + dilation * k < len(x)] for s in starts]
        seen.append((label, windows))
    adaptive = [list(range(o * len(x) // 5, -(-(o + 1) * len(x) // 5))) for o in range(5)]
    seen.append(("adaptive_max_pool(x, (5,))", adaptive))
    height = GAP + CELL + 22
    drawn = [part for n, (label, w) in enumerate(seen) for part in _maxima(label, x, w, 12 + n * height)]
    return _svg(_column(8) + 60, len(seen) * height + 8, drawn)


def _maxima(label: str, x: np.ndarray, windows: list[list[int]], top: float) -> Iterator[str]:
    yield _text(8, top + CELL / 2 + 4, label)
    yield from (_cell(_column(i + 1), top, each, DATA) for i, each in enumerate(x))
    for window in windows:
        centre, first = (window[0] + window[-1]) / 2 + 1, window[int(np.argmax(x[window]))]
        for i in window:
            color = TAPS[0] if i == first else "#bbbbbb"
            yield _line(_column(i + 1) + CELL / 2, top + CELL, _column(centre) + CELL / 2, top + GAP, color)
        yield _cell(_column(centre), top + GAP, x[first], OUTPUT)


FIGURES: dict[str, Callable[[], str]] = {
    "paddings": paddings,
    "strides": strides,
    "modes": modes,
    "groups": groups,
    "transposed": transposed,
    "pooling": pooling,
}


def main() -> None:
    """Write all figures."""
    for name, draw in FIGURES.items():
        Path(__file__).with_name(f"{name}.svg").write_text(draw())


if __name__ == "__main__":
    main()
