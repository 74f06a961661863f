"""
A blurred photograph
====================

A photograph was blurred by a filter that is known, and some noise was added. Which photograph gives
that when it is blurred? Gradient descent on the picture itself finds one: the data of the tensor
are the pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook

import mygrad as mg
from mygrad.nnet import conv_nd

rng = np.random.default_rng(0)
photo = plt.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
sharp = (photo[40:300, 130:390].mean(axis=2) / 255).astype(np.float32)

bell = np.exp(-(np.arange(-6, 7) ** 2) / 8)
blur = (np.outer(bell, bell) / bell.sum() ** 2).astype(np.float32)[None, None]


def blurred(picture):
    return conv_nd(picture[None, None], blur, stride=1, padding="same", padding_mode="edge")[0, 0]


seen = blurred(sharp).data + rng.normal(0, 0.005, sharp.shape).astype(np.float32)

# %%
# Large jumps between neighbours are made expensive, but not too expensive: a photograph has edges.
# The loss is minimized by gradient descent with momentum.

picture = mg.tensor(seen)
velocity = np.zeros_like(seen)
losses = []
for _ in range(150):
    jumps = (
        np.sqrt(np.diff(picture, axis=0) ** 2 + 1e-4).sum()
        + np.sqrt(np.diff(picture, axis=1) ** 2 + 1e-4).sum()
    )
    loss = ((blurred(picture) - seen) ** 2).sum() + 3e-4 * jumps
    loss.backward()
    velocity = 0.9 * velocity - 0.2 * picture.grad
    picture.data += velocity
    losses.append(loss.item())

fig, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for ax, shown, title in zip(axes, (sharp, seen, picture.data), ("sharp", "seen", "found"), strict=True):
    error = np.sqrt(np.mean((shown - sharp) ** 2))
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1)
    ax.set(title=f"{title}, error {error:.3f}" if error else title, xticks=[], yticks=[])
plt.show()

# %%
# The loss, step by step:

fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.semilogy(losses)
axes.set(xlabel="step", ylabel="loss")
plt.show()
