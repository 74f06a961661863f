"""
Where was the string plucked?
=============================

A string is held at both ends. A microphone records one point of it for a while. The simulation
writes in place, as one would in NumPy, and is differentiated as it stands; so the shape at the
start can be fitted to the record.
"""

import matplotlib.pyplot as plt
import numpy as np

import mygrad as mg


def record(start, steps=160, place=20):
    """The height at one place over time."""
    now, before = +start, +start
    heard = []
    for _ in range(steps):
        after = 2 * now - before
        after[1:-1] += 0.5 * (now[2:] - 2 * now[1:-1] + now[:-2])
        after[[0, -1]] = 0.0
        now, before = after, now
        heard.append(now[place])
    return mg.stack(heard)


x = np.linspace(0, 1, 61)
truth = np.minimum(x / 0.7, (1 - x) / 0.3)
heard = record(mg.tensor(truth, constant=True)).data

# %%
# The shape is fitted by gradient descent with momentum, from a flat string.

shape = mg.tensor(np.zeros(61))
velocity = np.zeros(61)
history = []
for step in range(150):
    if step in (5, 20, 149):
        history.append((step, shape.data.copy()))
    loss = ((record(shape) - heard) ** 2).mean()
    loss.backward()
    velocity = 0.9 * velocity - 1.5 * shape.grad
    shape.data += velocity

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(heard)
left.set(title="what was heard", xlabel="time")
right.plot(x, truth, "k", linewidth=3, alpha=0.3, label="truth")
for step, found in history:
    right.plot(x, found, label=f"after {step} steps")
right.set(title="the shape at the start", xlabel="place")
right.legend()
plt.show()
