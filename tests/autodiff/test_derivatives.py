"""Derivatives of every kind against values computed once by jax (see table.py), and how they compose."""

import json
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import mygrad as mg
from mygrad.functions import convolution
from mygrad.nnet import conv_nd
from tests.autodiff import table
from tests.gradients import check_gradient

EXPECTED = json.loads(table.EXPECTED.read_text())
A, B = np.array([0.3, -1.2, 0.7]), np.array([1.1, 0.4, -0.6])
Line = namedtuple("Line", "slope offset")


@pytest.mark.parametrize("name", table.TABLE)
def test_all_derivatives_agree_with_jax(name):
    found = table.derivatives(mg, np, name)
    assert found.keys() == EXPECTED[name].keys()
    for kind, values in EXPECTED[name].items():
        assert len(found[kind]) == len(values), kind
        for ours, theirs in zip(found[kind], values, strict=True):
            assert np.shape(ours) == np.shape(theirs), kind
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("name", table.TABLE)
def test_both_modes_of_the_jacobian_agree(name):
    f, args = table.TABLE[name]
    args, every = table.arrays(args), tuple(range(len(args)))
    rows, columns = (
        table.flat(mg.jacobian(lambda *args: f(np, *args), every, mode=mode)(*args))
        for mode in ("reverse", "forward")
    )
    for row, column in zip(rows, columns, strict=True):
        np.testing.assert_allclose(row, column, rtol=1e-12, atol=1e-13)


def test_hessian_vector_products_are_those_of_the_hessian():
    def f(x, p):
        return (np.exp(x[1:]) * x[:-1]).sum() * p["w"] ** 2

    directions = (np.array([1.0, 2.0, -1.0]), {"w": 0.5})
    (xx, xw), (wx, ww) = (
        mg.hessian(f, (0, 1))(A, {"w": 0.7})[0],
        mg.hessian(f, (0, 1))(A, {"w": 0.7})[1]["w"],
    )
    of_x, of_p = mg.hvp(f, (A, {"w": 0.7}), directions)
    np.testing.assert_allclose(of_x, xx.data @ directions[0] + xw["w"].data * 0.5)
    np.testing.assert_allclose(of_p["w"], wx.data @ directions[0] + ww["w"].data * 0.5)


# -- composition


def test_derivatives_nest_to_the_fifth_order():
    f = mg.sin
    for expected in (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos):
        f = mg.grad(f)
        np.testing.assert_allclose(f(0.3), expected(0.3))


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f, x: mg.jvp(f, (x,), (B,))[1],
        lambda f, x: mg.linearize(f, x)[1](B),
        lambda f, x: mg.vjp(f, x)[1](B)[0],
        lambda f, x: mg.jacobian(f)(x) @ B,
        lambda f, x: mg.jacobian(f, mode="forward")(x) @ B,
        lambda f, x: mg.hvp(lambda x: (B * f(x)).sum(), (x,), (A,))[0],
        lambda f, x: mg.checkpoint(f)(x),
    ],
)
def test_derivatives_can_be_differentiated(derivative):
    check_gradient(lambda x: derivative(lambda x: np.exp(x) * np.sin(x)[::-1], x), A)


def test_what_a_derivative_closes_over_can_be_differentiated():
    def f(w):
        return mg.jvp(lambda x: np.sin(w * x), (A,), (B,))[1] + mg.vjp(lambda x: w * x * x, A)[1](B)[0]

    check_gradient(f, B)


def test_the_vector_of_a_product_can_be_differentiated():
    check_gradient(lambda v: mg.jvp(np.sin, (A,), (v,))[1] ** 2, B)
    check_gradient(lambda v: mg.vjp(np.sin, A)[1](v)[0] ** 2, B)
    check_gradient(lambda v: mg.hvp(lambda x: (x**3).sum(), (A,), (v,))[0] ** 2, B)


def test_inner_and_outer_variables_are_not_confused():
    inner = mg.grad(lambda x: x * mg.grad(lambda y: x + y)(2.0))
    assert inner(1.0) == 1
    assert mg.jvp(lambda x: x * mg.jvp(lambda y: x * y, (3.0,), (1.0,))[1], (2.0,), (1.0,))[1] == 4


def test_convolutions_push_forward():
    rng = np.random.default_rng(0)
    x, w, dx, dw = (rng.standard_normal(s) for s in 2 * [(1, 2, 5, 4), (3, 2, 2, 3)])
    y, dy = mg.jvp(lambda x, w: conv_nd(x, w, stride=1, padding=1), (x, w), (dx, dw))
    expected = conv_nd(dx, w, stride=1, padding=1) + conv_nd(x, dw, stride=1, padding=1)
    np.testing.assert_allclose(dy, expected.data, rtol=1e-12, atol=1e-12)
    assert y.shape == dy.shape


@pytest.fixture
def convolutions(monkeypatch):
    """The names of the convolutions that the engine computed."""
    found, compute = [], convolution.compute
    monkeypatch.setattr(
        convolution,
        "compute",
        lambda problem, member, *args: found.append(member) or compute(problem, member, *args),
    )
    return found


def test_no_convolution_is_computed_twice(convolutions):
    """A gradient takes 3 a layer, and each has two gradients; what nobody asked for is not computed."""
    rng = np.random.default_rng(1)
    shapes = (1, 1, 9), (2, 1, 3), (1, 2, 3)
    args, directions = ([rng.standard_normal(s) for s in shapes] for _ in range(2))

    def network(x, v, w):
        return (conv_nd(np.tanh(conv_nd(x, v, stride=1)), w, stride=1) ** 2).sum()

    mg.grad(network, (0, 1, 2))(*args)
    assert len(convolutions) == 6
    convolutions.clear()
    mg.hvp(network, args, directions)
    assert len(convolutions) == 18
    convolutions.clear()
    _, push = mg.linearize(network, *args)
    once = len(convolutions)
    push(*directions)
    push(*directions)
    assert once == 6
    assert len(convolutions) - once == 2 * 4  # of each layer: one with dx, one with dw
    convolutions.clear()
    _, pull = mg.vjp(network, *args)
    assert len(convolutions) == 2
    pull(1.0)
    pull(1.0)
    assert len(convolutions) == 2 + 2 * 4
    convolutions.clear()
    mg.jvp(lambda v: network(args[0], v, args[2]), args[1:2], directions[1:2])
    assert len(convolutions) == 2 + 2 + 2
    convolutions.clear()
    weight = mg.tensor(args[2])
    mg.grad(lambda v: network(args[0], v, weight))(args[1])
    assert convolutions.count("filter gradient") == 1
    convolutions.clear()
    mg.grad(mg.checkpoint(network), (0, 1, 2))(*args)
    assert convolutions.count("forward") == 4  # one forward computation more
    assert len(convolutions) == 8


def test_a_gradient_is_recorded_only_for_somebody():
    assert mg.grad(np.sin)(0.5).creator is None
    assert mg.vjp(np.sin, 0.5)[0].creator is None
    x = mg.tensor(0.5)
    slope = mg.grad(np.sin)(x)
    slope.backward()
    np.testing.assert_allclose(x.grad, -np.sin(0.5))
    with mg.no_autodiff:
        assert mg.grad(np.sin)(x).creator is None
        assert mg.jvp(np.sin, (x,), (1.0,))[1].creator is None
    assert mg.grad(np.sin)(mg.tensor(0.5, constant=True)).creator is None


# -- arguments and results


def test_arguments_may_be_nested():
    p = OrderedDict(w=[A, (2.0, B)], none=None, line=Line(np.array(2.0), 3.0))
    p["numbers"] = [1.0, 2.0]

    def f(p):
        assert p["numbers"].shape == (2,)
        assert p["w"][1][0].shape == (2, 3)
        return (p["w"][0] * p["w"][1][0]).sum() * p["line"].slope + p["line"].offset + p["numbers"].sum()

    p["w"][1] = (np.stack([A, B]),)
    g = mg.grad(f)(p)
    assert type(g) is OrderedDict
    assert g["none"] is None
    assert type(g["line"]) is Line
    np.testing.assert_allclose(g["w"][0], 2 * (A + B))
    np.testing.assert_allclose(g["w"][1][0], 2 * np.stack([A, A]))
    np.testing.assert_array_equal(g["numbers"], [1, 1])
    assert g["line"].offset == 1


def test_a_list_of_arrays_is_nested_and_one_of_numbers_an_array():
    assert isinstance(mg.grad(lambda x: (x**2).sum())([1.0, 2.0]), mg.Tensor)
    made = mg.grad(lambda x: x[0] * x[1])([mg.tensor(2.0), 3.0])
    assert isinstance(made, list)
    assert made == [3, 2]
    assert isinstance(mg.grad(lambda x: x[0] * x[1])(Line(2.0, 3.0)), Line)


def test_an_argument_without_influence_has_zeros():
    unused, used = mg.grad(lambda x, y: y.sum(), (0, 1))(A.astype("f4"), B)
    assert unused.dtype == np.float32
    np.testing.assert_array_equal(unused, np.zeros(3))
    np.testing.assert_array_equal(used, np.ones(3))
    value, pull = mg.vjp(lambda x: (3, mg.arange(2), x), A)
    assert value[0] == 3
    np.testing.assert_array_equal(pull((1.0, [5.0, 5.0], A))[0], A)
    assert mg.jvp(lambda x: (x, 7), (A,), (B,))[1][1] == 0
    assert mg.grad(lambda p: mg.tensor(1.0))([]) == []


def test_the_result_shares_no_memory_that_could_be_written():
    value, pull = mg.vjp(lambda x: x, A)
    seed = np.ones(3)
    (g,) = pull(seed)
    assert not np.shares_memory(value.data, A)
    assert not np.shares_memory(g.data, seed)
    both = mg.grad(lambda x, y: (x + y).sum(), (0, 1))(A, B)
    assert not np.shares_memory(both[0].data, both[1].data)
    value, pull = mg.vjp(np.exp, A)
    with pytest.raises(ValueError, match="read-only"):
        value.data[0] = 9
    np.testing.assert_allclose(pull(seed)[0], np.exp(A))
    del pull
    value.data[0] = 9


def test_a_pull_back_can_be_called_again_and_again():
    _, pull = mg.vjp(lambda x: np.exp(x) * x, A)
    first, second = pull(B)[0], pull(B)[0]
    np.testing.assert_array_equal(first, second)
    _, push = mg.linearize(lambda x: np.exp(x) * x, A)
    np.testing.assert_array_equal(push(B), push(B))


def test_dtypes_are_those_of_the_arguments():
    x = A.astype("f4")
    for made in (mg.vjp(np.sin, x)[1](B)[0], mg.jvp(np.sin, (x,), (B,))[1], mg.jacobian(np.sin)(x)):
        assert made.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_scalars_and_empty_arrays(shape):
    x = np.full(shape, 0.5)
    assert mg.jacobian(np.sin)(x).shape == 2 * shape
    assert mg.jacobian(lambda x: np.concatenate([np.ravel(x), np.ones(2)]))(x).shape == (x.size + 2, *shape)
    assert mg.hessian(lambda x: (x**3).sum())(x).shape == 2 * shape
    assert mg.jvp(np.sin, (x,), (x,))[1].shape == shape


def test_infinite_slopes_raise_no_warnings_of_their_own():
    with np.errstate(divide="ignore"):
        assert mg.jvp(np.sqrt, (0.0,), (1.0,))[1] == np.inf
        assert mg.grad(np.sqrt)(0.0) == np.inf


# -- errors


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: mg.grad(lambda p: p["n"])({"n": 3}), TypeError, r"argument 0\['n'\] has dtype int64"),
        (lambda: mg.jvp(np.sin, (A,), ()), TypeError, "1 arguments, but 0 tangents"),
        (lambda: mg.jvp(np.sin, (A,), (1.0,)), ValueError, r"tangent 0 has shape \(\)"),
        (lambda: mg.vjp(np.sin, A)[1](A[:2]), ValueError, r"gradient has shape \(2,\)"),
        (lambda: mg.vjp(lambda x: {"a": x}, A)[1]({"b": A}), TypeError, r"a dict with the keys \['a'\]"),
        (lambda: mg.vjp(lambda x: [x, x], A)[1]([A]), TypeError, "a list of 2; got a list of 1"),
        (lambda: mg.vjp(lambda x: [x, x], A)[1](A), TypeError, "a list of 2; got ndarray"),
        (lambda: mg.hvp(lambda x: x, (A,), (A,)), TypeError, "returned shape"),
        (lambda: mg.jacobian(np.sin, mode="sideways"), ValueError, "sideways"),
        (lambda: mg.hessian(lambda x: x.data.sum())(A), TypeError, "not a tensor"),
    ],
)
def test_errors_say_where(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_list_of_numpy_numbers_is_a_nest_and_one_of_pythons_an_array():
    found = mg.grad(lambda p: p[0] ** 2 * p[1])([np.float64(2.0), np.float64(3.0)])
    assert [type(each) for each in found] == [mg.Tensor, mg.Tensor]
    assert [float(each) for each in found] == [12.0, 4.0]
    assert mg.grad(lambda p: p[0] ** 2 * p[1])([2.0, 3.0]).data.tolist() == [12.0, 4.0]


def test_without_recording_the_value_is_detached_from_other_variables():
    other = mg.tensor(3.0)
    with mg.no_autodiff:
        value, slope = mg.value_and_grad(lambda x: x**2 * other)(2.0)
    assert (float(value), float(slope)) == (12.0, 12.0)
    assert value.creator is None
    assert slope.creator is None
    value, _ = mg.value_and_grad(lambda x: x**2 * other)(2.0)
    value.backward()
    assert other.grad == 4.0
