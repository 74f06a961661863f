"""
Down a curved valley
====================

Rosenbrock's function has its minimum in a long curved valley. Gradient descent crawls along it;
Newton's method, which uses the Hessian as well, takes a few steps.
"""

import matplotlib.pyplot as plt
import numpy as np

import mygrad as mg


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def descend(p, rate=0.001, steps=2000):
    for _ in range(steps + 1):
        yield p
        p = p - rate * mg.grad(rosenbrock)(p).data


def newton(p, steps=7):
    for _ in range(steps + 1):
        yield p
        p = p - np.linalg.solve(mg.hessian(rosenbrock)(p).data, mg.grad(rosenbrock)(p).data)


start = np.array([-1.2, 1.0])
paths = {"2000 steps of gradient descent": descend(start), "7 steps of Newton's method": newton(start)}

x, y = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-3.5, 2.2, 200))
fig, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.contourf(x, y, np.log(rosenbrock((x, y)) + 0.1), 20, cmap="Greys_r", alpha=0.6)
for color, (label, path) in zip(("C0", "C1"), paths.items(), strict=True):
    points = np.array(list(path))
    axes.plot(*points.T, ".-", color=color, label=f"{label}: f = {rosenbrock(points[-1]):.1e}")
axes.plot(1, 1, "k*", markersize=12)
axes.set(xlim=(-1.6, 1.6), ylim=(-3.5, 2.2))
axes.legend(loc="lower center")
plt.show()
