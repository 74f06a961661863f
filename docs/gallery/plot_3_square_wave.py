"""
A square wave
=============

A filter of five ones slides over a square wave; what comes out is a triangle with a flat top. Going
back, each element's gradient is the number of placements that see it.
"""

import matplotlib.pyplot as plt

import mygrad as mg
from mygrad.nnet import conv_nd

x = mg.zeros((1, 1, 16))
x[..., 5:11] = 1
y = conv_nd(x, mg.ones((1, 1, 5)), stride=1)
y.sum().backward()

fig, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.step(range(16), x.data[0, 0], where="mid", label="x")
axes.plot(range(2, 14), y.data[0, 0], "o-", label="y")
axes.plot(range(16), x.grad[0, 0], "x--", label="gradient of y.sum() by x")
axes.set_xlabel("position")
axes.legend()
plt.show()
