"""Convolution of arrays over any number of axes: arrays in, arrays out."""

from mygrad.convolution.executor import use_threads
from mygrad.convolution.family import convolve, filter_gradient, input_gradient
from mygrad.convolution.planner import explain, use_algorithm
from mygrad.convolution.pooling import max_positions
from mygrad.convolution.problem import ConvProblem

__all__ = [
    "ConvProblem",
    "convolve",
    "explain",
    "filter_gradient",
    "input_gradient",
    "max_positions",
    "use_algorithm",
    "use_threads",
]
