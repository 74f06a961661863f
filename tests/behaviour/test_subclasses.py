"""Behaviour 1: subclasses of `Tensor` with slots, whose instances have another layout, and their copies."""

import copy
import pickle

import numpy as np
import pytest

import mygrad as mg


class Measured(mg.Tensor):
    """A subclass with a slot."""

    __slots__ = ("unit",)

    def __init__(self, x, *, unit="m", **keywords):
        super().__init__(x, **keywords)
        self.unit = unit


class Named(mg.Tensor):
    """A subclass with slots and no constructor."""

    __slots__ = ("__secret", "name")


@pytest.mark.parametrize("kind", [Measured, Named])
def test_a_subclass_may_have_slots(kind):
    x = kind([1.0, 2.0])
    for made in (
        x + 1,
        1 - x,
        -x,
        x**2,
        x**3,
        x @ x,
        x[0],
        x[:1],
        x.T,
        x[None].T,
        x.astype("f4"),
        next(iter(x)),
    ):
        assert type(made) is kind
        assert getattr(made, "unit", "m") == "m"
    view = x[:1]
    assert view.base is x
    loss = (x * x).sum() + (view * 3).sum()
    assert loss.creator.variables[1].creator.variables[0].creator.variables == (view, 3)
    loss.backward()
    np.testing.assert_array_equal(x.grad, [5, 4])
    doubled = x * 2
    doubled.backward()
    np.testing.assert_array_equal(doubled.grad, [1, 1])
    assert not kind([1, 2]).astype(float).constant
    with mg.no_autodiff:
        assert type(x + 1) is kind


def test_writes_reach_views_of_a_subclass_with_slots():
    x = Measured([1.0, 2.0])
    view = x[1:]
    x[...] = 7
    assert view == 7
    view *= 2
    np.testing.assert_array_equal(x, [7, 14])
    assert type(x) is type(view) is Measured


def test_copies_have_what_the_slots_hold():
    x = Measured([1.0], unit="cm")
    x.more = [1]
    for made in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.deepcopy(x + 0)):
        assert type(made) is Measured
    assert copy.deepcopy(x).unit == pickle.loads(pickle.dumps(x)).unit == "cm"
    assert copy.deepcopy(x).more == pickle.loads(pickle.dumps(x)).more == [1]
    assert not hasattr(copy.deepcopy(Named(1.0)), "name")
    y = Named(1.0)
    y._Named__secret = 3
    assert pickle.loads(pickle.dumps(y))._Named__secret == copy.deepcopy(y)._Named__secret == 3


def test_astype_keeps_the_subclass():
    made = Measured([1.0], unit="cm").astype("f4")
    assert type(made) is Measured
    assert made.dtype == "f4"
    assert made.creator is None


class HandingOn(mg.Tensor):
    """A subclass that hands on all that the constructor of MyGrad 2.5 took."""

    def __init__(self, x, *, dtype=None, constant=None, copy=True, ndmin=0, _creator=None, _base=None):
        super().__init__(
            x, dtype=dtype, constant=constant, copy=copy, ndmin=ndmin, _creator=_creator, _base=_base
        )
        self.handed = True


def test_a_subclass_may_hand_on_private_arguments():
    x = HandingOn([1.0, 2.0])
    y = x * x
    assert type(y) is HandingOn
    assert y.handed
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
