"""The gated recurrent unit: its equation in time, and the gradient that goes back through it."""

from typing import Any

import numpy as np

from mygrad.autodiff.declare import Function, fit
from mygrad.autodiff.graph import Gradients, Node
from mygrad.autodiff.tensor import Tensor
from mygrad.nnet.activations import sigmoid_of
from mygrad.nnet.operands import operand

__all__ = ["gru"]

Array = np.ndarray[Any, Any]


def _gates(s: Any, az: Any, ar: Any, ah: Any, Wz: Any, Wr: Any, Wh: Any) -> tuple[Any, Any, Any]:
    """Return update gate, reset gate and candidate at states `s`, of one time or of all times at once."""
    z = sigmoid_of(az + np.matmul(s, Wz))
    r = sigmoid_of(ar + np.matmul(s, Wr))
    return z, r, np.tanh(ah + np.matmul(r * s, Wh))


def _states(az: Array, ar: Array, ah: Array, *weights: Array, s0: Array, steps: int) -> Array:
    """Return the states s[0], ..., s[T], with s[t + 1] = (1 - z) h + z s[t]."""
    s = np.empty((len(az) + 1, *az.shape[1:]), np.result_type(az, s0, *weights))
    s[0] = s0
    for t, inputs in enumerate(zip(az, ar, ah, strict=True)):
        z, _, h = _gates(s[t], *inputs, *weights)
        s[t + 1] = (1 - z) * h + z * s[t]
    return s


class _Backward:
    """The gradient of one step, at one time or at all times: gates and weights are fixed.

    From the gradient `g` of a step's result, `gates` gives those of the arguments of the three
    nonlinearities and `state` that of the state before.
    """

    def __init__(self, s: Any, z: Any, r: Any, h: Any, weights: Any) -> None:
        self.s, self.z, self.r, self.h = s, z, r, h
        self.Wz, self.Wr, self.Wh = (np.swapaxes(w, 0, 1) for w in weights)

    def at(self, t: Any) -> "_Backward":
        part = _Backward.__new__(_Backward)
        part.s, part.z, part.r, part.h = self.s[t], self.z[t], self.r[t], self.h[t]
        part.Wz, part.Wr, part.Wh = self.Wz, self.Wr, self.Wh
        return part

    def gates(self, g: Any) -> tuple[Any, Any, Any]:
        z, r, h = self.z, self.r, self.h
        dz = g * (self.s - h) * z * (1 - z)
        dh = g * (1 - z) * (1 - h * h)
        return dz, np.matmul(dh, self.Wh) * self.s * r * (1 - r), dh

    def state(self, g: Any) -> Any:
        dz, dr, dh = self.gates(g)
        back = np.matmul(dz, self.Wz) + np.matmul(dr, self.Wr)
        return g * self.z + np.matmul(dh, self.Wh) * self.r + back


def _all_the_way(g: Any, step: _Backward) -> Any:
    """Return the gradient of each state after s[0], through all later ones."""
    total = [g[-1]]
    for t in range(len(g) - 1, 0, -1):
        total.append(g[t - 1] + step.at(t).state(total[-1]))
    return np.stack(total[::-1])


def _some_steps(g: Any, step: _Backward, steps: int) -> Any:
    """Return the gradient of each state after s[0], through as many later ones as `steps`."""
    later, total = step.at(slice(1, None)), g
    for _ in range(steps):
        back = later.state(g[1:])
        g = np.concatenate([back, np.zeros((1, *g.shape[1:]), g.dtype)])
        total = total + g
    return total


def _gradients(g: Any, y: Any, az: Any, ar: Any, ah: Any, *weights: Any, s0: Array, steps: int) -> list[Any]:
    """Return the gradients of `_states` in its array arguments."""
    if not len(az):
        return [np.zeros(x.shape, x.dtype) for x in (az, ar, ah, *weights)]
    s = y[:-1]
    z, r, h = _gates(s, az, ar, ah, *weights)
    step = _Backward(s, z, r, h, weights)
    g = g[1:]
    g = _all_the_way(g, step) if steps >= len(az) - 1 else _some_steps(g, step, steps)
    dz, dr, dh = step.gates(g)
    return [dz, dr, dh, _outer(s, dz), _outer(s, dr), _outer(r * s, dh)]


def _outer(s: Any, d: Any) -> Any:
    """Sum the products of states and gradients over times and data: the gradient of a matrix."""
    return np.einsum("tni,tnj->ij", s, d)


class _Recurrence(Function):
    """All gradients are made in one walk back through time."""

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        given = _gradients(g, gradients.see_output(node), *gradients.see(node.inputs), **node.params)
        for x, each in zip(node.inputs, given, strict=True):
            if type(x) is Node and not x.constant:
                gradients.give(x, fit(each, x.value))


_recurrence = _Recurrence(_states, *[_gradients] * 6, names="az ar ah Wz Wr Wh s0 steps")
_recurrence.name = "gru"


def gru(
    X: Any,
    Uz: Any,
    Wz: Any,
    bz: Any,
    Ur: Any,
    Wr: Any,
    br: Any,
    Uh: Any,
    Wh: Any,
    bh: Any,
    s0: Any = None,
    bp_lim: int | None = None,
    dropout: float = 0.0,
    constant: bool | None = None,
) -> Tensor:
    r"""Run a gated recurrent unit over sequences.

    .. math::
        z &= \sigma(x_t U_z + s_t W_z + b_z) \\
        r &= \sigma(x_t U_r + s_t W_r + b_r) \\
        h &= \tanh(x_t U_h + (r\,s_t) W_h + b_h) \\
        s_{t+1} &= (1 - z)\,h + z\,s_t

    Parameters
    ----------
    X : ArrayLike, shape (T, N, C)
        N sequences of T data of C features.
    Uz, Ur, Uh : ArrayLike, shape (C, D)
        Weights of the data.
    Wz, Wr, Wh : ArrayLike, shape (D, D)
        Weights of the state.
    bz, br, bh : ArrayLike, shape (D,)
        Biases.
    s0 : ArrayLike, shape (N, D), optional
        The first state; zeros by default. It has no gradient.
    bp_lim : int, optional
        How many steps a gradient goes back in time, from 0 to T - 1, which is all and the default.
    dropout : float
        The probability, from 0 to less than 1, with which each weight of the state, and each feature of the
        data on its way into a gate, is dropped. One choice holds for all times.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (T + 1, N, D)
        The states, `s0` first.

    Raises
    ------
    ValueError
        If X has not three axes, or `s0` is a variable.
    AssertionError
        If `bp_lim` or `dropout` is out of its range.

    Notes
    -----
    Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014, arXiv:1406.1078. Dropout
    as in Gal and Ghahramani, 2015, arXiv:1512.05287, and of weights as in Semeniuta et al., 2016.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.nnet import gru
    >>> U, W, b = mg.ones((3, 2)), mg.ones((2, 2)), mg.zeros(2)
    >>> gru(mg.ones((5, 1, 3)), U, W, b, U, W, b, U, W, b).shape
    (6, 1, 2)
    """
    X = operand(X)
    if X.ndim != 3:
        raise ValueError(f"X has {X.ndim} axes, shape {X.shape}; it needs 3: (times, sequences, features)")
    steps = _checked_steps(bp_lim, len(X))
    us, ws, bs = ([operand(each) for each in group] for group in ((Uz, Ur, Uh), (Wz, Wr, Wh), (bz, br, bh)))
    _check_dropout(dropout)
    first = _first_state(s0, X.shape[1], ws[0])
    data = [np.matmul(X, u) for u in us]
    if dropout:
        data = [x * _kept(dropout, (1, *x.shape[1:]), x.dtype) for x in data]
        ws = [w * _kept(dropout, w.shape, w.dtype) for w in ws]
    arguments = [x + b for x, b in zip(data, bs, strict=True)]
    return _recurrence.run((*arguments, *ws), {"s0": first, "steps": steps}, constant)


def _kept(dropout: float, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return zeros with probability `dropout`, else the factor that keeps the expected value."""
    kept = np.random.binomial(1, 1 - dropout, shape)  # noqa: NPY002 - seeded as all of mygrad
    return (kept / (1 - dropout)).astype(dtype)


def _checked_steps(bp_lim: Any, times: int) -> int:
    if bp_lim is None:
        return max(times - 1, 0)
    if not isinstance(bp_lim, (int, np.integer)) or not 0 <= bp_lim < times:
        raise AssertionError(
            f"bp_lim={bp_lim!r}: for {times} times it is an integer from 0 to {times - 1}, or None"
        )
    return int(bp_lim)


def _check_dropout(dropout: Any) -> None:
    if isinstance(dropout, (str, Tensor)):
        raise TypeError(f"dropout={dropout!r}: a probability is a number")
    if not 0 <= dropout < 1:
        raise AssertionError(f"dropout={dropout}: a probability from 0 to less than 1, such as 0.5")


def _first_state(s0: Any, sequences: int, weights: Tensor) -> Array:
    if s0 is None:
        return np.zeros((sequences, weights.shape[-1]), weights.dtype)
    if isinstance(s0, Tensor) and s0.constant:
        return s0.data
    if isinstance(s0, np.ndarray):
        return s0
    raise ValueError(
        f"s0 is a {type(s0).__name__}: the first state has no gradient, so it is an array or a constant "
        "tensor; pass s0.data, or np.asarray(s0)"
    )
