"""Losses: compositions of NumPy's functions."""

from numbers import Real
from typing import Any

import numpy as np

from mygrad.autodiff.overrides import unwrapped as plain
from mygrad.autodiff.tensor import Tensor
from mygrad.functions.elementwise import multiply, negative
from mygrad.functions.reductions import mean
from mygrad.nnet.activations import logsoftmax
from mygrad.nnet.operands import operand

__all__ = [
    "focal_loss", "margin_ranking_loss", "multiclass_hinge", "negative_log_likelihood",
    "softmax_crossentropy", "softmax_focal_loss",
]  # fmt: skip


def _checked_labels(
    x: Tensor, y_true: Any, x_name: str = "x", y_name: str = "y_true"
) -> np.ndarray[Any, Any]:
    """Return the labels as an array, one integer for each row of `x`."""
    labels = np.asarray(plain(y_true))
    if x.ndim != 2:
        raise ValueError(f"{x_name} has {x.ndim} axes, shape {x.shape}; it needs 2: (samples, classes)")
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{y_name} has dtype {labels.dtype}; class labels are integers.\n"
            f"{_as_labels(y_name, labels, x.shape)}"
        )
    if labels.shape != x.shape[:1]:
        raise ValueError(
            f"{y_name} has shape {labels.shape}; {x_name} of shape {x.shape} needs ({x.shape[0]},)"
        )
    return labels


def _as_labels(name: str, labels: np.ndarray[Any, Any], shape: tuple[int, ...]) -> str:
    if labels.shape == shape:
        return f"Rows with a one for the right class become labels by {name}.argmax(axis=1)."
    return f"Numbers that are whole become labels by np.asarray({name}, dtype=int)."


def softmax_crossentropy(x: Any, y_true: Any, *, constant: bool | None = None) -> Tensor:
    """Return the mean cross-entropy of softmax scores.

    Parameters
    ----------
    x : ArrayLike, shape (N, K)
        A score for each of K classes for each of N samples.
    y_true : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    constant : bool, optional

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If `x` has not 2 axes, or `y_true` not the shape (N,).
    TypeError
        If `y_true` is not of integers.
    IndexError
        If a label is out of range.

    Examples
    --------
    >>> from mygrad.nnet import softmax_crossentropy
    >>> softmax_crossentropy([[0.0, 0.0]], [1])
    Tensor(0.69314718)
    """
    x = operand(x)
    labels = _checked_labels(x, y_true)
    chosen = _of_label(logsoftmax(x), labels)
    return negative(np.mean(chosen), constant=constant)


def negative_log_likelihood(
    x: Any, y_true: Any, *, weights: Any = None, constant: bool | None = None
) -> Tensor:
    """Return the mean of the negated log-probabilities of the right classes.

    Parameters
    ----------
    x : ArrayLike, shape (N, K)
        The logarithm of the probability of each of K classes for each of N samples.
    y_true : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    weights : ArrayLike, shape (K,), optional
        What a sample of each class counts; 1 by default. No gradient.
    constant : bool, optional

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If `x` has not 2 axes, `y_true` not the shape (N,), or `weights` not the shape (K,).
    TypeError
        If `y_true` is not of integers.
    IndexError
        If a label is out of range.

    Examples
    --------
    >>> from mygrad.nnet import negative_log_likelihood
    >>> negative_log_likelihood([[-0.5, -1.0], [-2.0, -0.25]], [0, 1])
    Tensor(0.375)
    """
    x = operand(x)
    chosen = _of_label(x, _checked_labels(x, y_true))
    if weights is not None:
        chosen = chosen * _checked_weights(weights, x)[plain(y_true)]
    return negative(np.mean(chosen), constant=constant)


def _of_label(x: Tensor, labels: np.ndarray[Any, Any]) -> Tensor:
    """Return from each row of `x` the entry of its label."""
    try:
        return x[np.arange(len(labels)), labels]
    except IndexError as error:
        classes = x.shape[1]
        n = int(np.argmax((labels >= classes) | (labels < -classes)))
        error.add_note(
            f"The label of sample {n} is {labels[n]}; {classes} classes are numbered 0 to {classes - 1}. "
            "For labels that begin with 1, subtract 1."
        )
        raise


def _checked_weights(weights: Any, x: Tensor) -> np.ndarray[Any, Any]:
    """Return one weight for each column of `x`, in its dtype if that is a floating one."""
    array, classes = operand(weights).data, x.shape[1]
    if array.shape != (classes,):
        raise ValueError(f"weights has shape {array.shape}; {classes} classes need ({classes},)")
    return array.astype(x.dtype) if x.dtype.kind == "f" else array


def multiclass_hinge(x: Any, y_true: Any, hinge: float = 1.0, *, constant: bool | None = None) -> Tensor:
    r"""Return the mean over samples of :math:`\sum_{j \ne y} \max(0, x_j - x_y + hinge)`.

    Parameters
    ----------
    x : ArrayLike, shape (N, K)
        A score for each of K classes for each of N samples.
    y_true : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    hinge : float
        By how much the score of the right class is to exceed those of the others.
    constant : bool, optional

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If `x` has not 2 axes, or `y_true` not the shape (N,).
    TypeError
        If `y_true` is not of integers.
    IndexError
        If a label is out of range.

    Notes
    -----
    Weston and Watkins, *Support Vector Machines for Multi-Class Pattern Recognition*, 1999.

    Examples
    --------
    >>> from mygrad.nnet import multiclass_hinge
    >>> multiclass_hinge([[1.0, 1.5, -2.0]], [0])
    Tensor(1.5)
    """
    x = operand(x)
    labels = _checked_labels(x, y_true)
    right = np.reshape(_of_label(x, labels), (-1, 1))
    wrong = np.ones(x.shape, bool)
    wrong[np.arange(len(labels)), labels] = False
    excess = np.where(wrong, np.maximum(x - right + hinge, 0), 0)
    return mean(np.sum(excess, axis=1), constant=constant)


def margin_ranking_loss(x1: Any, x2: Any, y: Any, margin: float, *, constant: bool | None = None) -> Tensor:
    r"""Return the mean of :math:`\max(0, margin - y\,(x_1 - x_2))`.

    Parameters
    ----------
    x1, x2 : ArrayLike of floats, shape (N,) or (N, D)
    y : int or ArrayLike, shape () or (N,)
        1 where `x1` ought to be larger, -1 where `x2` ought to be. No gradient.
    margin : float
        By how much.
    constant : bool, optional

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If `x1` and `x2` differ in shape or have not 1 or 2 axes, if `y` is neither one number nor one
        for each row, or if `margin` is negative.
    TypeError
        If `x1` or `x2` is not of floats.

    Examples
    --------
    >>> from mygrad.nnet import margin_ranking_loss
    >>> margin_ranking_loss([1.0, 2.0], [0.0, 3.0], 1, 0.5)
    Tensor(0.75)
    """
    x1, x2 = operand(x1), operand(x2)
    _check_pair(x1, x2)
    if not isinstance(margin, Real) or margin < 0:
        raise ValueError(f"margin={margin!r}: it is a number that is not negative")
    signs = _checked_signs(y, x1)
    return mean(np.maximum(margin - signs * (x1 - x2), 0), constant=constant)


def _check_pair(x1: Tensor, x2: Tensor) -> None:
    if x1.ndim not in (1, 2):
        raise ValueError(f"x1 has {x1.ndim} axes, shape {x1.shape}; it needs 1 or 2: (N,) or (N, D)")
    if x1.shape != x2.shape:
        raise ValueError(f"x1 has shape {x1.shape}, x2 has shape {x2.shape}; they need the same")
    for name, x in (("x1", x1), ("x2", x2)):
        if x.dtype.kind != "f":
            raise TypeError(f"{name} has dtype {x.dtype}; it needs floats")


def _checked_signs(y: Any, x: Tensor) -> np.ndarray[Any, Any]:
    """Return `y` in the dtype of `x`, one number or one for each row of `x`."""
    signs = np.asarray(plain(y))
    if signs.dtype.kind not in "biuf":
        raise TypeError(f"y has dtype {signs.dtype}; it needs numbers, 1 or -1")
    signs = signs.astype(x.dtype)
    if signs.size == 1:
        return signs.reshape(())
    if signs.shape != x.shape[:1]:
        raise ValueError(f"y has shape {signs.shape}; x1 of shape {x.shape} needs () or ({x.shape[0]},)")
    return signs.reshape(-1, *[1] * (x.ndim - 1))


def focal_loss(
    class_probs: Any, targets: Any, *, alpha: Any = 1, gamma: float = 0, constant: bool | None = None
) -> Tensor:
    r"""Return :math:`-\alpha\,(1 - p)^\gamma \log p` for the probability p of each sample's right class.

    Parameters
    ----------
    class_probs : ArrayLike, shape (N, K)
        The probability of each of K classes for each of N samples.
    targets : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    alpha : float
        Scales the loss.
    gamma : float
        How much less the samples count that are right already; not negative.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (N,)

    Raises
    ------
    ValueError
        If `class_probs` has not 2 axes, `targets` not the shape (N,), or `gamma` is negative or no number.
    TypeError
        If `targets` is not of integers.
    IndexError
        If a label is out of range.

    Notes
    -----
    Lin et al., *Focal Loss for Dense Object Detection*, 2017, arXiv:1708.02002.

    Examples
    --------
    >>> from mygrad.nnet import focal_loss
    >>> focal_loss([[0.5, 0.5], [0.75, 0.25]], [1, 1], gamma=2)
    Tensor([0.1732868 , 0.77979058])
    """
    x = operand(class_probs)
    labels = _checked_labels(x, targets, "class_probs", "targets")
    p = _of_label(x, labels)
    return _focal(np.log(p), np.where(plain(p) > 1, 0, 1 - p), alpha, gamma, constant)


def softmax_focal_loss(
    scores: Any, targets: Any, *, alpha: Any = 1, gamma: float = 0, constant: bool | None = None
) -> Tensor:
    r"""Return the `focal_loss` of the softmax of scores, without overflow.

    Parameters
    ----------
    scores : ArrayLike, shape (N, K)
        A score for each of K classes for each of N samples.
    targets : ArrayLike of int, shape (N,)
        The right class of each sample, in [0, K).
    alpha : float
        Scales the loss.
    gamma : float
        How much less the samples count that are right already; not negative.
    constant : bool, optional

    Returns
    -------
    Tensor, shape (N,)

    Raises
    ------
    ValueError
        If `scores` has not 2 axes, `targets` not the shape (N,), or `gamma` is negative or no number.
    TypeError
        If `targets` is not of integers.
    IndexError
        If a label is out of range.

    Examples
    --------
    >>> from mygrad.nnet import softmax_focal_loss
    >>> softmax_focal_loss([[0.0, 0.0]], [1], gamma=2)
    Tensor([0.1732868])
    """
    x = operand(scores)
    labels = _checked_labels(x, targets, "scores", "targets")
    log_p = _of_label(logsoftmax(x), labels)
    return _focal(log_p, -np.expm1(log_p), alpha, gamma, constant)


def _focal(log_p: Any, miss: Any, alpha: Any, gamma: Any, constant: bool | None) -> Tensor:
    """Return ``-alpha * miss**gamma * log_p``, where `miss` is 1 - p.

    Where p is 1 a root of `miss` is steep but the loss is flat: 1 stands in for `miss` there.
    """
    if not isinstance(gamma, Real) or not float(gamma) >= 0:
        raise ValueError(f"`gamma` must be a non-negative number, got: {gamma!r}")
    if gamma % 1:
        solved = plain(miss) == 0
        miss, log_p = np.where(solved, 1, miss), np.where(solved, 0, log_p)
    loss = log_p * miss ** float(gamma) if gamma else log_p
    scale = -alpha if isinstance(alpha, (int, float)) else np.negative(plain(alpha))
    return multiply(loss, scale, constant=constant)
