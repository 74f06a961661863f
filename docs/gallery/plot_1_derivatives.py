"""
Derivatives of every order
==========================

``mg.grad`` of a function is a function again, so it can be nested as often as one likes.
"""

import matplotlib.pyplot as plt
import numpy as np

import mygrad as mg


def bump(x):
    return np.exp(-(x**2))


x = np.linspace(-3, 3, 121)
fig, axes = plt.subplots(figsize=(7, 4), layout="constrained")
derivative = bump
for order in range(4):
    axes.plot(x, [derivative(number) for number in x], label=f"order {order}")
    derivative = mg.grad(derivative)
axes.axhline(0, color="0.8", zorder=0)
axes.legend()
plt.show()

# %%
# A function of many numbers has a matrix of second derivatives. This is the Hessian of the energy of
# a chain: each spring couples two neighbours.


def energy(heights):
    return np.sum(np.sqrt(1 + np.diff(heights) ** 2))


fig, axes = plt.subplots(figsize=(4.4, 3.6), layout="constrained")
picture = axes.imshow(mg.hessian(energy)(np.linspace(0, 1, 12) ** 2).data, cmap="RdBu_r", vmin=-2, vmax=2)
fig.colorbar(picture)
plt.show()
