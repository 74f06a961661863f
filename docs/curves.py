"""The curves on the reference's pages: functions of one number, their derivatives, windows, their spectra."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

import mygrad as mg
from mygrad import nnet

ACTIVATIONS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "elu": {"elu(x, alpha=1)": lambda x: nnet.elu(x, 1.0)},
    "glu": {f"a = {a}": lambda x, a=a: nnet.glu(pairs(a * mg.ones_like(x), x))[:, 0] for a in (-1, 1, 2)},
    "hard_tanh": {"hard_tanh(x)": nnet.hard_tanh},
    "leaky_relu": {"leaky_relu(x, slope=0.1)": lambda x: nnet.leaky_relu(x, 0.1)},
    "logsoftmax": {"logsoftmax([x, 0])[0]": lambda x: nnet.logsoftmax(pairs(x, 0 * x))[:, 0]},
    "relu": {"relu(x)": nnet.relu},
    "selu": {"selu(x)": nnet.selu},
    "sigmoid": {"sigmoid(x)": nnet.sigmoid},
    "soft_sign": {"soft_sign(x)": nnet.soft_sign},
    "softmax": {"softmax([x, 0])[0]": lambda x: nnet.softmax(pairs(x, 0 * x))[:, 0]},
    "tanh": {"tanh(x)": nnet.tanh},
}
FIRST = 0  # the right class of every sample
LOSSES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "softmax_crossentropy": {"loss": lambda x: each(nnet.softmax_crossentropy, pairs(x, 0 * x))},
    "negative_log_likelihood": {
        "loss": lambda p: each(nnet.negative_log_likelihood, pairs(mg.log(p), mg.log(1 - p)))
    },
    "focal_loss": {
        f"gamma = {gamma}": lambda p, gamma=gamma: nnet.focal_loss(
            pairs(p, 1 - p), np.full(len(p), FIRST), gamma=gamma
        )
        for gamma in (0, 1, 2, 5)
    },
    "softmax_focal_loss": {
        f"gamma = {gamma}": lambda x, gamma=gamma: nnet.softmax_focal_loss(
            pairs(x, 0 * x), np.full(len(x), FIRST), gamma=gamma
        )
        for gamma in (0, 1, 2, 5)
    },
    "multiclass_hinge": {
        f"hinge = {hinge}": lambda x, hinge=hinge: each(nnet.multiclass_hinge, pairs(x, 0 * x), hinge=hinge)
        for hinge in (0.5, 1.0, 2.0)
    },
    "margin_ranking_loss": {
        f"y = {y}": lambda x, y=y: mg.stack(
            [nnet.margin_ranking_loss(x[i : i + 1], np.zeros(1), y, 1.0) for i in range(len(x))]
        )
        for y in (1, -1)
    },
}
OF_PROBABILITY = {"negative_log_likelihood", "focal_loss"}
LEADS = dict.fromkeys(LOSSES, "lead of the right class's score") | {
    "focal_loss": "probability of the right class",
    "negative_log_likelihood": "probability of the right class",
    "margin_ranking_loss": "x1 - x2, with margin = 1",
    "glu": "b, of glu([a, b])",
}

POINTS = 51
WINDOWS: dict[str, dict[str, Callable[[int], Any]]] = {
    "bartlett": {"bartlett(51)": mg.bartlett},
    "blackman": {"blackman(51)": mg.blackman},
    "hamming": {"hamming(51)": mg.hamming},
    "hanning": {"hanning(51)": mg.hanning},
    "kaiser": {
        f"beta = {beta}": lambda points, beta=beta: mg.kaiser(points, beta) for beta in (0, 5, 8.6, 14)
    },
}

RANGES = [
    (-3.0, 3.0, "square cbrt negative positive absolute abs fabs exp exp2 expm1 sinc"),
    (-3.0, 3.0, "arctan sinh cosh tanh arcsinh sech arccot i0"),
    (0.05, 4.0, "sqrt log log2 log10 reciprocal csch coth arccsch"),
    (-0.95, 4.0, "log1p"),
    (-0.99, 0.99, "arcsin arccos arctanh"),
    (1.02, 4.0, "arccosh arcsec arccsc arccoth"),
    (-6.0, 6.0, "sin cos"),
    (-1.4, 1.4, "tan sec"),
    (0.15, 3.0, "csc cot"),
]
UFUNCS = {name: (start, stop) for start, stop, names in RANGES for name in names.split()}

NAMES = [f"mygrad.nnet.{name}" for name in (*ACTIVATIONS, *LOSSES)]
NAMES += [f"mygrad.{name}" for name in (*UFUNCS, *WINDOWS)]


def pairs(first: Any, second: Any) -> Any:
    """Two scores for each sample."""
    return mg.stack([first, second], axis=1)


def each(loss: Callable[..., Any], scores: Any, **keywords: Any) -> Any:
    """The loss of each sample alone, of losses that return a mean."""
    rows = (scores[i : i + 1] for i in range(len(scores)))
    return mg.stack([loss(row, [FIRST], **keywords) for row in rows])


def curves_of(path: str) -> tuple[tuple[float, float], dict[str, Callable[[Any], Any]]]:
    """Where to draw the function with this name, and what to draw with which label."""
    home, _, name = path.rpartition(".")
    if home == "mygrad":
        return UFUNCS[name], {f"{name}(x)": getattr(mg, name)}
    ends = (0.02, 0.98) if "probability" in LEADS.get(name, "") else (-4.0, 4.0)
    return ends, ACTIVATIONS[name] if name in ACTIVATIONS else LOSSES[name]


def draw(path: str) -> None:
    """Draw the function with this name, and its derivative; or the window, and what it lets through."""
    name = path.rpartition(".")[2]
    if name in WINDOWS:
        draw_window(name)
    else:
        draw_function(path, name)


def draw_window(name: str) -> None:
    """Draw a window, and what it lets through beside its frequency, in bins of the transform and decibels."""
    _, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.9))
    padded = 64 * POINTS  # zeros behind the window show the spectrum between the bins, too
    for label, window in WINDOWS[name].items():
        y = window(POINTS).data
        gain = np.abs(np.fft.rfft(y, padded)) / y.sum()
        left.plot(y, label=label)
        right.plot(
            np.arange(len(gain)) * POINTS / padded, 20 * np.log10(np.maximum(gain, 1e-9)), label=label, lw=1
        )
    left.set(title=name, xlabel="n", ylim=(-0.05, 1.05))
    right.set(title="its gain in dB", xlabel="bins away", xlim=(0, 12), ylim=(-130, 5))
    if len(WINDOWS[name]) > 1:
        right.set_ylim(-130, 50)
        right.legend(loc="upper right", ncols=2)


def draw_function(path: str, name: str) -> None:
    """Draw a function of one number, and its derivative."""
    ends, functions = curves_of(path)
    x = mg.tensor(np.linspace(*ends, 200))
    _, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.9))
    for label, function in functions.items():
        y = function(x)
        y.backward()
        left.plot(x.data, y.data, label=label)
        right.plot(x.data, x.grad, label=label)
    left.set_title(name)
    right.set_title("its derivative")
    if len(functions) > 1:
        left.legend()
    for axes in (left, right):
        axes.set_xlabel(LEADS.get(name, "x"))
