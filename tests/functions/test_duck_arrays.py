"""Rules are plain NumPy: given arrays of another library they return arrays of that library."""

import numpy as np
import pytest

from mygrad.autodiff.overrides import FUNCTIONS, UFUNCS
from tests.functions.test_rules import ELEMENTWISE, sample


class Duck(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that NumPy's functions see only through its two protocols."""

    def __init__(self, array):
        self.array = np.asarray(array)

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    dtype = property(lambda self: self.array.dtype)

    def __getitem__(self, index):
        return Duck(self.array[index])

    def __array_ufunc__(self, ufunc, method, *args, **keywords):
        return Duck(getattr(ufunc, method)(*map(bare, args), **keywords))

    def __array_function__(self, function, types, args, keywords):
        return Duck(function(*map(bare, args), **{name: bare(x) for name, x in keywords.items()}))


def bare(x):
    if isinstance(x, Duck):
        return x.array
    return type(x)(map(bare, x)) if isinstance(x, (list, tuple)) else x


def assert_same(rule, *arguments, **params):
    expected = rule(*arguments, **params)
    result = rule(*(Duck(x) for x in arguments), **params)
    assert isinstance(result, Duck)
    np.testing.assert_array_equal(result.array, expected)


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_elementwise_rules(ufunc):
    xs = sample(ufunc, (2, 3), (2, 3))[: ufunc.nin]
    y = ufunc(*xs)
    for rule in UFUNCS[ufunc].rules:
        assert_same(rule, np.ones_like(y), y, *xs)


REDUCTIONS = {
    np.sum: {"axis": 1},
    np.mean: {"axis": None},
    np.var: {"axis": 0, "ddof": 1},
    np.std: {"axis": (0, 1)},
}
MOVES = {
    np.transpose: {"axes": (1, 0)}, np.ravel: {}, np.squeeze: {},
    np.moveaxis: {"source": 0, "destination": 1},
    np.swapaxes: {"axis1": 0, "axis2": 1}, np.expand_dims: {"axis": 0}, np.roll: {"shift": 2, "axis": 1},
    np.cumsum: {"axis": 1}, np.broadcast_to: {"shape": (2, 3)},
}  # fmt: skip


@pytest.mark.parametrize(("function", "params"), [*REDUCTIONS.items(), *MOVES.items()])
def test_rules_of_functions(function, params):
    from mygrad.functions import shapes

    (x,) = sample(None, (2, 3))
    y = np.asarray(function(x, **params))
    primitive = shapes._transpose if function is np.transpose else FUNCTIONS[function].__self__
    assert_same(lambda g, y, x: primitive.rules[0](g, y, x, **params), np.ones_like(y), y, x)
