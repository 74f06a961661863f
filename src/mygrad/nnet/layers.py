"""Layers: convolution and pooling over any number of axes."""

from mygrad.nnet.convolution import conv_nd, conv_transpose_nd
from mygrad.nnet.pooling import adaptive_avg_pool, adaptive_max_pool, avg_pool, lp_pool, max_pool

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "conv_nd",
    "conv_transpose_nd",
    "lp_pool",
    "max_pool",
]
