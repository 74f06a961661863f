"""Behaviour 13: operations written as a class."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.errors import InvalidGradient
from mygrad.operation import Operation, SkipGradient


class Product(Operation):
    def __call__(self, a, b, scale=1.0, *, returned=None):
        self.variables = (a, b)
        self.scale, self.returned = scale, returned
        return a.data * b.data * scale

    def backward_var(self, grad, index, **kwargs):
        if self.returned is SkipGradient:
            raise SkipGradient
        if self.returned is not None:
            return self.returned[0]
        return grad * self.variables[1 - index].data * self.scale


def test_gradients_and_creator():
    x, y = mg.tensor([1.0, 2.0]), mg.tensor(3.0)
    z = mg.execute_op(Product, x, y, op_args=(2.0,))
    assert type(z.creator) is Product
    assert z.creator.variables == (x, y) or z.creator.variables[0] is x
    z.backward()
    np.testing.assert_array_equal(x.grad, [6.0, 6.0])
    assert y.grad == 6.0


def test_inputs_that_are_no_tensors_and_out():
    out = mg.zeros(2, dtype=float)
    made = mg.execute_op(Product, np.ones(2), [1.0, 2.0], constant=False)
    assert made.creator.variables[0].constant
    del made
    with pytest.raises(TypeError):
        mg.execute_op(Product, np.ones(2), [1.0, 2.0], out=out)  # its __call__ takes no `out`


@pytest.mark.parametrize("returned", [[None], [[1.0]], [mg.tensor(1.0)], [1j]])
def test_what_is_no_gradient(returned):
    z = mg.execute_op(Product, mg.tensor(1.0), 2.0, op_kwargs={"returned": returned})
    with pytest.raises(InvalidGradient, match="Product"):
        z.backward()


def test_scalars_broadcasts_and_dtypes_are_fitted():
    x = mg.tensor([1.0, 2.0], dtype="f4")
    mg.execute_op(Product, x, 2.0, op_kwargs={"returned": [np.ones((5, 2))]}).backward()
    np.testing.assert_array_equal(x.grad, [5.0, 5.0])
    assert x.grad.dtype == np.float32
    z = mg.execute_op(Product, x, 2.0, op_kwargs={"returned": [1.0]})
    with pytest.raises(ValueError, match="shape"):
        z.backward()


def test_a_gradient_may_be_skipped():
    x = mg.tensor(1.0)
    z = mg.execute_op(Product, x, 2.0, op_kwargs={"returned": SkipGradient}) + x
    z.backward()
    assert x.grad == 1.0


def test_the_old_name_of_execute_op():
    x = mg.tensor([1.0, 2.0])
    mg.Tensor._op(Product, x, [3.0, 4.0]).backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_an_exception_unlocks():
    a = np.ones(2)
    with pytest.raises(ValueError, match="broadcast"):
        mg.execute_op(Product, a, np.ones(3))
    assert a.flags.writeable


def test_second_order_is_refused_by_name():
    with pytest.raises(NotImplementedError, match="Product"):
        mg.grad(mg.grad(lambda x: mg.execute_op(Product, x, x)))(1.0)


class Difference(Operation):
    """Of two tensors, which are differentiated in the order that `variables` says."""

    order: tuple[int, ...] = (0, 1)

    def __call__(self, *operands):
        self.variables = tuple(operands[i] for i in self.order)
        return operands[0].data - operands[1].data

    def backward_var(self, grad, index, **kwargs):
        return grad * (1, -1)[self.order[index]]


@pytest.mark.parametrize(("order", "expected"), [((0, 1), (1, -1)), ((1, 0), (1, -1)), ((1,), (None, -1))])
def test_index_counts_variables(order, expected):
    x, y = mg.tensor(5.0), mg.tensor(3.0)
    z = mg.execute_op(type("Ordered", (Difference,), {"order": order}), x, y)
    assert not x.data.flags.writeable
    z.backward()
    assert (x.grad, y.grad) == expected
    assert x.data.flags.writeable


def test_an_input_that_is_no_variable_makes_the_result_vary():
    x, y = mg.tensor(5.0), mg.tensor(3.0, constant=True)
    assert not mg.execute_op(type("Second", (Difference,), {"order": (1,)}), x, y).constant


def test_forgotten_variables():
    class Forgetful(Operation):
        def __call__(self, x):
            return 2 * x.data

        def backward_var(self, grad, index, **kwargs):
            return 2 * grad

    y = mg.execute_op(Forgetful, mg.tensor(1.0))
    with pytest.raises(AttributeError, match="variables"):
        y.backward()
