"""Behaviour 5, 15: what made a tensor is an instance of a class named after the operation."""

import numpy as np
import pytest

import mygrad as mg
from mygrad import nnet
from mygrad.operation_base import Operation

X, Y = mg.tensor([0.5, 0.25]), mg.tensor([3.0, 4.0])
M = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
FILTER = mg.ones((1, 1, 2))


def written():
    x = +X
    x[0] = 1.0
    return x


@pytest.mark.parametrize(
    ("name", "compute"),
    [
        ("Add", lambda: X + Y),
        ("Multiply", lambda: 2 * X),
        ("Power", lambda: X**Y),
        ("Square", lambda: X**2),
        ("Positive", lambda: X**1),
        ("Abs", lambda: mg.abs(X)),
        ("Logaddexp2", lambda: mg.logaddexp2(X, Y)),
        ("MatMul", lambda: X @ Y),
        ("Sum", lambda: X.sum()),
        ("Variance", lambda: X.var()),
        ("StdDev", lambda: X.std()),
        ("CumSum", lambda: X.cumsum()),
        ("CumProd", lambda: mg.cumprod(X)),
        ("Max", lambda: mg.amax(X)),
        ("Max", lambda: np.amax(X)),
        ("Min", lambda: np.amin(X)),
        ("GetItem", lambda: X[0]),
        ("SetItem", written),
        ("Reshape", lambda: X.reshape(2, 1)),
        ("Flatten", lambda: X.flatten()),
        ("ExpandDims", lambda: mg.expand_dims(X, 0)),
        ("BroadcastTo", lambda: mg.broadcast_to(X, (2, 2))),
        ("MoveAxis", lambda: mg.moveaxis(M, 0, 1)),
        ("SwapAxes", lambda: M.swapaxes(0, 1)),
        ("Transpose", lambda: M.transpose()),
        ("AtLeast2D", lambda: mg.atleast_2d(X)),
        ("AtLeast3D", lambda: mg.atleast_3d(X)),
        ("EinSum", lambda: mg.einsum("i,i", X, Y)),
        ("AddSequence", lambda: mg.add_sequence(X, Y)),
        ("MultiplySequence", lambda: mg.multiply_sequence(X, Y)),
        ("Where", lambda: mg.where([True, False], X, Y)),
        ("Arccsch", lambda: mg.arccsch(X)),
        ("Sinc", lambda: np.sinc(X)),
        ("ReLu", lambda: nnet.relu(X)),
        ("Sigmoid", lambda: nnet.sigmoid(X)),
        ("ELU", lambda: nnet.elu(X, 1.0)),
        ("ConvND", lambda: nnet.conv_nd(X.reshape(1, 1, 2), FILTER, stride=1)),
        ("ConvND", lambda: nnet.conv_nd(X.reshape(1, 1, 2), FILTER, stride=1, bias=[1.0])),
        ("MaxPoolND", lambda: nnet.max_pool(X, (2,), 1)),
        ("BatchNorm", lambda: nnet.batchnorm(M, eps=0.1)),
    ],
)
def test_the_class_has_the_name_of_the_operation(name, compute):
    made = compute()
    assert type(made.creator).__name__ == name
    assert type(made.creator) is type(compute().creator)
    assert all(isinstance(each, mg.Tensor) for each in made.creator.variables)


def test_different_operations_have_different_classes():
    assert not isinstance((X + Y).creator, type((X * Y).creator))


def test_a_graph_can_be_walked():
    x = mg.tensor(2.0)
    names, pending = [], [mg.exp(3.0 * x) + x]
    while pending:
        creator = pending.pop().creator
        if creator is not None:
            names.append(type(creator).__name__)
            pending += creator.variables
    assert names == ["Add", "Exp", "Multiply"]


def test_parameters_are_attributes():
    assert mg.sum(M, axis=(0,), keepdims=True).creator.axis == (0,)
    assert M[0].creator.index == 0
    assert nnet.elu(X, 0.5).creator.alpha == 0.5
    assert mg.exp(X).creator.where is True
    assert mg.sum(X).creator.where is True
    mask = np.array([True, False])
    np.testing.assert_array_equal(mg.add(X, Y, where=mask).creator.where, mask)
    with pytest.raises(AttributeError, match="the operation Exp has no attribute 'axis'"):
        mg.exp(X).creator.axis
    assert isinstance(mg.sum(M, axis=0).creator, Operation)


def test_running_averages_are_taken_from_the_creator_of_a_batchnorm():
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 2))
    creator = nnet.batchnorm(mg.tensor(x), gamma=mg.ones(3), eps=0.1).creator
    np.testing.assert_allclose(creator.mean, x.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(creator.var, x.var(axis=(0, 2, 3)), rtol=1e-12)
    assert creator.eps == 0.1
    assert len(creator.variables) == 3
