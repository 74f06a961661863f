"""Every kind of index that NumPy takes, and the gradients of reading and writing there."""

import array
import collections

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

X = np.arange(6.0).reshape(2, 3) + 1
INDICES = {
    "repeated in a tuple": ((0, 0),),
    "tuples": ((0, 0), (1, 1)),
    "a tuple beside a slice": (slice(None), (0, 0)),
    "a deque": collections.deque([0, 0]),
    "an array of the standard library": array.array("l", [1, 1]),
    "a range": (range(2), 0),
    "a list": [1, 1],
    "lists of lists": ([[0, 0], [1, 1]],),
    "an empty list": [],
    "an empty list beside a slice": (slice(None), []),
    "empty lists": ([], []),
    "nested empty lists": [[], []],
    "an empty tuple": (),
    "tensors": [mg.tensor(0), mg.tensor(0)],
    "a tensor": (mg.tensor([0, 0]), 1),
    "a mask in a list": [True, False],
    "a mask in a tuple": ((True, False),),
    "a NumPy boolean": np.bool_(True),
    "a NumPy integer": np.uint8(1),
    "an ellipsis": (..., 1),
    "a new axis": (None, slice(None, None, -1)),
}


@pytest.mark.parametrize("name", INDICES)
def test_reading_and_writing(name):
    index = INDICES[name]
    plain = tuple(map(of_arrays, index)) if isinstance(index, tuple) else of_arrays(index)
    np.testing.assert_array_equal(mg.tensor(X)[index], X[plain], strict=True)
    check_gradient(lambda x: x[index] ** 3 + np.sum(x) ** 3, X)

    def written(x, value):
        y = 1 * mg.astensor(x, constant=False)
        y[index] = value
        return y**3 + x**3 + np.sum(value) ** 3

    check_gradient(written, X, np.arange(1.0, 1 + X[plain].size).reshape(X[plain].shape))


def of_arrays(index):
    """What NumPy takes for the same index without tensors."""
    if isinstance(index, mg.Tensor):
        return index.data
    return (
        [int(each) for each in index]
        if index and type(index) is list and type(index[0]) is mg.Tensor
        else index
    )


@pytest.mark.parametrize("index", [(), ...])
def test_numbers_that_are_read_more_than_once(index):
    x = mg.tensor(3.0)
    y = 2 * x
    (y * y + y * y + y[index] * y[index]).backward()
    assert x.grad == 72


@pytest.mark.parametrize("index", [1.0, "a", b"a", {}, [0.5], ["a"], np.array([]), 7, (0, 0, 0), [5], 1j])
def test_what_numpy_refuses(index):
    for act in (lambda x: x[index], lambda x: x.__setitem__(index, 1.0)):
        with pytest.raises(IndexError):
            act(mg.tensor(X))
