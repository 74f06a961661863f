"""Classes of operations, ufuncs made of them, and functions made overrides of NumPy's."""

import pickle

import numpy as np
import pytest

import mygrad as mg
from mygrad.autodiff.overrides import FUNCTIONS
from mygrad.operation_base import BinaryUfunc, Operation, Sequential, Ufunc, UnaryUfunc
from mygrad.tensor_base import implements_numpy_override
from mygrad.ufuncs import ufunc_creator


class FirstTwo(Operation):
    can_return_view = True

    def __call__(self, x, count=2):
        self.variables = (x,)
        return x.data[:count]

    def backward_var(self, grad, index, **kwargs):
        whole = np.zeros_like(self.variables[0].data)
        whole[: len(grad)] = grad
        return whole


class CopyOfFirstTwo(FirstTwo):
    can_return_view = False


# -- operations that return views


def test_view_and_base_see_each_others_writes():
    x = mg.tensor([1.0, 2.0, 3.0])
    view = mg.execute_op(FirstTwo, x)
    assert view.base is x
    x[0] = 10.0
    view[1] = 7.0
    np.testing.assert_array_equal(view, [10.0, 7.0])
    np.testing.assert_array_equal(x, [10.0, 7.0, 3.0])
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(view.grad, [2.0, 2.0])
    assert view.grad.base is x.grad


def test_parameters_of_a_view_are_kept():
    x = mg.tensor([1.0, 2.0, 3.0])
    view = mg.execute_op(FirstTwo, x, op_kwargs={"count": 1})
    x *= 2
    np.testing.assert_array_equal(view, [2.0])


def test_gradient_through_a_view():
    x = mg.tensor([1.0, 2.0, 3.0])
    view = mg.execute_op(FirstTwo, x[::-1])
    (view * [1.0, 10.0]).sum().backward()
    assert view.base is x
    np.testing.assert_array_equal(x.grad, [0.0, 10.0, 1.0])


def test_constants_give_constant_views():
    x = mg.tensor([1.0, 2.0], constant=True)
    assert mg.execute_op(FirstTwo, x).constant
    assert mg.execute_op(FirstTwo, np.ones(3)).constant


def test_without_the_flag_there_is_no_view():
    x = mg.tensor([1.0, 2.0, 3.0])
    part = mg.execute_op(CopyOfFirstTwo, x)
    assert part.base is None
    part.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0, 0.0])


def test_no_view_without_autodiff():
    with mg.no_autodiff:
        assert mg.execute_op(FirstTwo, mg.tensor([1.0, 2.0])).base is None


# -- what a class may do and must do


def test_backward_may_be_extended():
    class Tripled(CopyOfFirstTwo):
        def backward(self, grad, **kwargs):
            super().backward(3 * grad, **kwargs)

    x = mg.tensor([1.0, 2.0, 3.0])
    mg.execute_op(Tripled, x).backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0, 0.0])


def test_a_class_with_its_own_init():
    class Own(CopyOfFirstTwo):
        def __init__(self):
            self.mine = 1

    x = mg.tensor([1.0, 2.0, 3.0])
    mg.execute_op(Own, x).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0, 0.0])


def test_attributes_of_an_instance():
    operation = FirstTwo()
    assert operation.where is True
    assert operation.replay_args is operation.replay_kwargs is operation.replay_force_constant is None


def test_wrong_shape_of_a_gradient():
    class Wrong(CopyOfFirstTwo):
        def backward_var(self, grad, index, **kwargs):
            return np.ones(5)

    with pytest.raises(AssertionError, match=r"Wrong.*\(5,\).*\(3,\)"):
        mg.execute_op(Wrong, mg.tensor([1.0, 2.0, 3.0])).backward()


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 1), (3, 2), ()])
def test_gradients_are_summed_to_the_shape_of_a_variable(shape):
    grad = np.arange(24.0).reshape(4, 3, 2)
    fitted = Operation.grad_post_process_fn(grad, shape)
    assert fitted.shape == shape
    np.testing.assert_array_equal(np.broadcast_to(fitted, shape).sum(), grad.sum())


def test_gradient_with_too_few_axes():
    with pytest.raises(ValueError, match="fewer axes"):
        Operation.grad_post_process_fn(np.ones(2), (3, 2))


@pytest.mark.parametrize("base", [Operation, Ufunc, UnaryUfunc, BinaryUfunc, Sequential])
def test_base_classes_are_abstract(base):
    with pytest.raises(TypeError, match="abstract"):
        base()


# -- ufuncs


class Product(BinaryUfunc):
    numpy_ufunc = np.multiply

    def backward_var(self, grad, index, **kwargs):
        return grad * self.variables[1 - index].data


class Exp(UnaryUfunc):
    numpy_ufunc = np.exp

    def backward_var(self, grad, index, **kwargs):
        return grad * np.exp(self.variables[0].data)


@ufunc_creator(Product)
def product(x, y, out=None, *, where=True, dtype=None, constant=None):
    """Multiply."""


def test_mask_stops_gradients():
    x = mg.tensor([1.0, 2.0, 3.0])
    mask = np.array([True, False, True])
    mg.execute_op(Exp, x, op_kwargs={"where": mask}).backward()
    np.testing.assert_allclose(x.grad, np.where(mask, np.exp(x.data), 0))


def test_created_ufunc():
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([[3.0], [4.0]])
    z = product(x, y)
    z.backward()
    assert isinstance(z.creator, Product) or z.creator is None
    np.testing.assert_array_equal(z, [[3.0, 6.0], [4.0, 8.0]])
    np.testing.assert_array_equal(x.grad, [7.0, 7.0])
    np.testing.assert_array_equal(y.grad, [[3.0], [3.0]])
    assert product.__doc__ == "Multiply."


def test_created_ufunc_is_a_ufunc():
    assert issubclass(product, mg.ufunc)
    assert isinstance(product, mg.ufuncs.MyGradBinaryUfunc)
    assert (product.nin, product.identity) == (2, 1)
    assert repr(product) == "<mygrad-ufunc 'product'>"


def test_created_ufunc_leaves_numpys_alone():
    x = mg.tensor(2.0)
    assert not isinstance((x * x).creator, Product)


def test_created_ufunc_with_keywords():
    x = mg.tensor([1.0, 2.0])
    out = mg.tensor([0.0, 0.0])
    assert product(x, x, out) is out
    np.testing.assert_array_equal(out, [1.0, 4.0])
    assert product(x, x, dtype="f4").dtype == np.float32
    assert product(x, x, constant=True).constant
    with pytest.raises(TypeError):
        product(x, x, banana=1)


def test_created_ufunc_can_be_pickled_where_it_is_found(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, product.__module__, sys.modules[__name__])
    assert pickle.loads(pickle.dumps(product)) is product


# -- functions along axes


class Sum(Sequential):
    numpy_func = staticmethod(np.sum)

    def backward_var(self, grad, index, **kwargs):
        x = self.variables[0].data
        if self.axis is not None and self.keepdims is not True:
            grad = np.expand_dims(grad, self.axis)
        return np.broadcast_to(grad, x.shape)


@pytest.mark.parametrize("keywords", [{}, {"axis": 1}, {"axis": (0, -1)}, {"axis": -1, "keepdims": True}])
def test_sequential(keywords):
    x = mg.tensor(np.arange(6.0).reshape(2, 3))
    y = mg.execute_op(Sum, x, op_kwargs=keywords)
    np.testing.assert_array_equal(y, np.sum(x.data, **keywords))
    assert y.creator.out_shape == y.shape
    y.backward()
    np.testing.assert_array_equal(x.grad, np.ones((2, 3)))


def test_sequential_with_mask_and_initial():
    x = mg.tensor([1.0, 2.0, 3.0])
    mask = np.array([True, False, True])
    y = mg.execute_op(Sum, x, op_kwargs={"where": mask, "initial": 10.0})
    y.backward()
    assert y.data == 14.0
    np.testing.assert_array_equal(x.grad, mask)


# -- overrides of NumPy's functions


def test_a_function_becomes_numpys(monkeypatch):
    def trapezoid(y):
        return mg.sum(y[1:] + y[:-1]) / 2

    for decorate, numpy in ((implements_numpy_override(np.trapezoid), np.trapezoid),):
        monkeypatch.setitem(FUNCTIONS, numpy, None)
        assert decorate(trapezoid) is trapezoid
        assert numpy(mg.tensor([1.0, 3.0])).data == 2.0


def test_the_name_finds_numpys_function(monkeypatch):
    def trapezoid(y):
        return y

    monkeypatch.setitem(FUNCTIONS, np.trapezoid, None)
    implements_numpy_override()(trapezoid)
    assert FUNCTIONS[np.trapezoid] is trapezoid


def test_numpy_has_no_such_function():
    with pytest.raises(AttributeError):
        implements_numpy_override()(test_numpy_has_no_such_function)


def test_where_the_mask_of_an_operation_is_false_out_keeps_its_value_and_its_gradient():
    class Cube(UnaryUfunc):
        numpy_ufunc = np.positive

        def __call__(self, x1, out=None, *, where=True, dtype=None):
            self.variables, self.where = (x1,), where
            return np.power(x1.data, 3, out=out, where=where)

        def backward_var(self, grad, index, **kwargs):
            return 3 * grad * self.variables[index].data ** 2

    mask = np.array([True, False, True])
    x, old = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([5.0, 6.0, 7.0])
    out = 10 * old
    assert mg.execute_op(Cube, x, op_kwargs={"where": mask}, out=out) is out
    np.testing.assert_array_equal(out, [1, 60, 27])
    (out * [1.0, 2.0, 3.0]).backward()
    np.testing.assert_array_equal(x.grad, [3, 0, 81])
    np.testing.assert_array_equal(old.grad, [0, 20, 0])
    np.testing.assert_array_equal(out.grad, [1, 2, 3])


def test_a_tensor_too_many_is_not_written_to():
    class Hypot(BinaryUfunc):
        numpy_ufunc = np.hypot

        def backward_var(self, grad, index, **kwargs):
            return grad

    x = mg.tensor([3.0])
    with pytest.raises(TypeError, match="more tensors were given"):
        mg.execute_op(Hypot, x, x, x)
    np.testing.assert_array_equal(x, 3)
