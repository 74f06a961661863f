"""Learn to read handwritten digits with a small convolutional network, and draw what it learned.

Trains on four fifths of the 1,797 digits that scikit-learn carries, tests on the held-out fifth, and writes
one figure: the loss, the learned filters, and a photograph with its edges. Fails below 97%.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import cbook
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from tqdm import tqdm

import mygrad as mg
from mygrad.nnet import conv_nd, max_pool, relu, softmax_crossentropy

mpl.use("agg")  # the figure goes to a file; no screen is needed
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

REQUIRED_ACCURACY = 0.97
BATCH = 32
INK, ACCENT, MUTED = "#22313f", "#c8502d", "#8a97a3"

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Digits:
    """Images of shape (N, 1, 8, 8) with ink from 0 to 1, and the digit that each one shows."""

    images: Array
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> "Digits":
        return Digits(self.images[rows], self.labels[rows])


def load(rng: np.random.Generator) -> tuple[Digits, Digits]:
    """The digits in random order: four fifths to train on, one fifth held out."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    digits = Digits(images, labels)[rng.permutation(len(labels))]
    held_out = len(digits) // 5
    return digits[held_out:], digits[:held_out]


def batches(digits: Digits, rng: np.random.Generator) -> Iterator[Digits]:
    """Every digit once, in a new order and with fresh noise, so that no image can be learned by heart."""
    order = rng.permutation(len(digits))
    noise = rng.normal(0, 0.1, digits.images.shape).astype(np.float32)
    noisy = Digits(digits.images + noise, digits.labels)
    for start in range(0, len(order), BATCH):
        yield noisy[order[start : start + BATCH]]


class Network:
    """Two convolutions, each followed by a pooling of 2x2, and one dense layer: 8x8 -> 4x4 -> 2x2 -> 10."""

    def __init__(self, rng: np.random.Generator, channels: tuple[int, int] = (16, 64)):
        first, second = channels
        self.parameters = [
            weights(rng, first, 1, 3, 3),
            mg.zeros((first, 1, 1)),
            weights(rng, second, first, 3, 3),
            mg.zeros((second, 1, 1)),
            weights(rng, second * 2 * 2, 10, inputs=second * 2 * 2),
            mg.zeros((10,)),
        ]

    def __call__(self, images: Array) -> mg.Tensor:
        """One score for each digit from 0 to 9, for each image."""
        filters1, bias1, filters2, bias2, dense, bias3 = self.parameters
        hidden = max_pool(relu(conv_nd(images, filters1, stride=1, padding=1) + bias1), (2, 2), 2)
        hidden = max_pool(relu(conv_nd(hidden, filters2, stride=1, padding=1) + bias2), (2, 2), 2)
        return hidden.reshape(len(images), -1) @ dense + bias3


def weights(rng: np.random.Generator, *shape: int, inputs: int | None = None) -> mg.Tensor:
    """Random weights of a size that keeps the signal's variance through a relu (He et al., 2015)."""
    spread = np.sqrt(2 / (inputs or np.prod(shape[1:])))
    return mg.tensor(rng.normal(0, spread, shape), dtype=np.float32)


class Momentum:
    """Gradient descent that remembers where it was going."""

    def __init__(self, parameters: Sequence[mg.Tensor], decay: float = 0.9):
        self.parameters = parameters
        self.decay = decay
        self.velocities = [np.zeros_like(parameter.data) for parameter in parameters]

    def step(self, rate: float) -> None:
        for parameter, velocity in zip(self.parameters, self.velocities, strict=True):
            assert parameter.grad is not None  # each of them took part in the loss
            velocity *= self.decay
            velocity -= rate * parameter.grad
            parameter.data += velocity


def accuracy(network: Network, digits: Digits) -> float:
    with mg.no_autodiff:
        scores = np.asarray(network(digits.images))
    return float(np.mean(scores.argmax(axis=1) == digits.labels))


def train(
    network: Network, digits: Digits, held_out: Digits, epochs: int, rng: np.random.Generator
) -> list[float]:
    """The loss of each step; the learning rate falls to zero along half a cosine."""
    optimizer = Momentum(network.parameters)
    losses: list[float] = []
    steps = epochs * -(-len(digits) // BATCH)
    with tqdm(total=steps, unit="step", desc="training") as progress:
        for _ in range(epochs):
            for batch in batches(digits, rng):
                loss = softmax_crossentropy(network(batch.images), batch.labels)
                loss.backward()
                optimizer.step(rate=0.025 * (1 + np.cos(np.pi * len(losses) / steps)))
                losses.append(loss.item())
                progress.update()
            progress.set_postfix(loss=f"{losses[-1]:.3f}", held_out=f"{accuracy(network, held_out):.1%}")
    return losses


def edges(photo: NDArray[np.uint8]) -> Array:
    """Filter each color of a (H, W, 3) photograph with the edge detector of `conv_nd`'s documentation."""
    kernel = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], dtype=np.float32)
    channels = (photo / np.float32(255)).transpose(2, 0, 1)[:, None]  # three grey images: (3, 1, H, W)
    response = conv_nd(channels, kernel[None, None], stride=1, constant=True)
    return np.asarray(response)[:, 0].transpose(1, 2, 0)


def draw(losses: Sequence[float], filters: Array, score: float, output: Path) -> None:
    photo = plt.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    with plt.rc_context(
        {
            "font.size": 10,
            "text.color": INK,
            "axes.titleweight": "bold",
            "axes.titlesize": 11,
            "axes.titlecolor": INK,
        }
    ):
        figure = plt.figure(figsize=(13, 5.2), layout="constrained")
        [[left, middle, right]] = figure.subfigures(1, 3, squeeze=False, width_ratios=(1.2, 1, 1))
        [[top], [bottom]] = left.subfigures(2, 1, squeeze=False, height_ratios=(2, 1))
        draw_losses(top.subplots(), losses, score)
        draw_filters(bottom, filters)
        draw_picture(middle.subplots(), photo, "A photograph")
        draw_picture(right.subplots(), np.clip(edges(photo), 0, 1), "Its edges, by conv_nd")
        figure.savefig(output, dpi=150)
        plt.close(figure)


def draw_losses(axes: Axes, losses: Sequence[float], score: float) -> None:
    window = min(45, len(losses))
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    axes.semilogy(losses, color=MUTED, linewidth=0.6, alpha=0.6, label="each step")
    axes.semilogy(
        np.arange(len(smooth)) + window - 1, smooth, color=ACCENT, linewidth=2, label=f"mean of {window}"
    )
    axes.set(
        title=f"Training loss ({score:.1%} of held-out digits read)", xlabel="step", xlim=(0, len(losses))
    )
    axes.set_ylabel("cross-entropy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def draw_filters(figure: SubFigure, filters: Array) -> None:
    """The filters of the first layer on one scale, where white is zero."""
    figure.suptitle("Learned filters (red +, blue −)", fontweight="bold", fontsize=11)
    limit = np.abs(filters).max()
    grid = figure.subplots(2, len(filters) // 2)
    for axes, taps in zip(grid.flat, filters[:, 0], strict=True):
        axes.imshow(taps, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(MUTED)


def draw_picture(axes: Axes, picture: NDArray[np.generic], title: str) -> None:
    axes.imshow(picture)
    axes.set_title(title)
    axes.set_axis_off()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a small convolutional network on real handwritten digits."
    )
    parser.add_argument("--epochs", type=int, default=20, help="passes over the digits (default: 20)")
    parser.add_argument(
        "--output", type=Path, default=Path("digits.png"), help="figure (default: digits.png)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the split, the weights and the order (default: 0)"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    rng = np.random.default_rng(options.seed)
    digits, held_out = load(rng)
    network = Network(rng)
    losses = train(network, digits, held_out, options.epochs, rng)
    score = accuracy(network, held_out)
    draw(losses, network.parameters[0].data, score, options.output)
    print(f"{score:.1%} of {len(held_out)} held-out digits read; figure in {options.output}")
    return int(score < REQUIRED_ACCURACY)


if __name__ == "__main__":
    sys.exit(main())
