"""Layers: convolution and pooling over any number of axes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from mygrad.aliases import below
from mygrad.nnet.convolution import conv_nd, conv_transpose_nd
from mygrad.nnet.normalization import batchnorm
from mygrad.nnet.pooling import adaptive_avg_pool, adaptive_max_pool, avg_pool, lp_pool, max_pool
from mygrad.nnet.recurrent import gru

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "batchnorm",
    "conv_nd",
    "conv_transpose_nd",
    "gru",
    "lp_pool",
    "max_pool",
]


__getattr__: Callable[[str], Any] = partial(below, __name__)
