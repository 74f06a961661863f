"""Tensors and functions go to processes that begin anew, where kernels and threads are not inherited."""

import copy
import functools
import multiprocessing

import numpy as np
import pytest

import mygrad as mg
from mygrad.nnet import conv_nd


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_tensors_and_functions_go_to_other_processes_and_back(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork server")
    x, w = mg.tensor(np.arange(75.0).reshape(1, 3, 5, 5)), mg.ones((2, 3, 3, 3))
    y = conv_nd(x, w, stride=2)  # the pool of this process is at work, and x is in a graph
    y.backward()
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply(functools.partial(conv_nd, stride=2), (x, w))
        again, vector = pool.apply(copy.deepcopy, ([x, mg.exp],))
    np.testing.assert_array_equal(there, y, strict=True)
    np.testing.assert_array_equal(again.grad, x.grad, strict=True)
    assert vector is mg.exp
