"""`custom_rule`, `stop_gradient` and `checkpoint`."""

import numpy as np
import pytest

import mygrad as mg
from mygrad.errors import InvalidBackprop
from mygrad.nnet import conv_nd
from tests.gradients import check_gradient

A, B = np.array([0.3, -1.2, 0.7]), np.array([1.1, 0.4, -0.6])


# -- rules


@mg.custom_rule(lambda g, y, x: g / (1 + np.exp(-x)))
def softplus(x):
    assert type(x) is np.ndarray
    return np.logaddexp(0, x)


def test_a_rule_has_every_order():
    check_gradient(softplus, A, order=3)
    np.testing.assert_allclose(mg.jvp(softplus, (A,), (B,))[1], B / (1 + np.exp(-A)))


def test_a_rule_replaces_the_gradient():
    clipped = mg.custom_rule(lambda g, y, x: np.clip(g, -1, 1))(lambda x: x)
    x = mg.tensor(A)
    (clipped(x) * [5.0, -0.5, -7.0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, -0.5, -1])


def test_a_rule_may_use_the_value():
    @mg.custom_rule(lambda g, y, x: g * y)
    def exponential(x):
        return np.exp(x)

    check_gradient(exponential, A, order=3)


def test_nested_arguments_and_values_of_a_rule():
    def of_p(g, y, p, x, *, scale):
        product, total = g["product"], g["total"][0]
        return {"a": product * x * scale, "b": [total * np.ones(3)]}

    @mg.custom_rule(of_p, lambda g, y, p, x, *, scale: g["product"] * p["a"] * scale)
    def f(p, x, *, scale):
        return {"product": p["a"] * x * scale, "total": (np.sum(p["b"][0]),)}

    def loss(a, b, x):
        y = f({"a": a, "b": [b]}, x, scale=3)
        return y["product"] ** 2 * y["total"][0]

    check_gradient(loss, A, B, A + B)
    only_one = mg.grad(lambda a: f({"a": a, "b": [B]}, B, scale=2)["total"][0])(A)
    np.testing.assert_array_equal(only_one, np.zeros(3))


def test_a_value_of_numpy_scalars_is_nested_too():
    extremes = mg.custom_rule(lambda g, y, x: g[0] * (x == y[0]) + g[1] * (x == y[1]))(
        lambda x: (np.min(x), np.max(x))
    )
    low, high = extremes(mg.tensor(A))
    assert (low, high) == (-1.2, 0.7)
    np.testing.assert_array_equal(mg.grad(lambda x: 2 * extremes(x)[1])(A), [0, 0, 2])


def test_an_argument_without_a_rule_has_no_gradient():
    scaled = mg.custom_rule(lambda g, y, x, k: g * k, None)(lambda x, k: x * k)
    x, k = mg.tensor(A), mg.tensor(2.0)
    scaled(x, k).backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])
    assert k.grad is None or not np.any(k.grad)
    assert scaled(A, 3).constant


def test_gradients_of_broadcast_arguments_are_summed():
    add = mg.custom_rule(lambda g, y, a, b: g, lambda g, y, a, b: g)(lambda a, b: a + b)
    check_gradient(lambda a, b: add(a, b) ** 2, np.stack([A, B]), B)


def test_errors_of_rules():
    one = mg.custom_rule(lambda g, y, x: g[:2])(lambda x: x)
    with pytest.raises(TypeError, match="rules for 1 arguments, got 2"):
        one(A, B)
    with pytest.raises(ValueError, match=r"shape \(2,\) for an argument of shape \(3,\)"):
        mg.grad(lambda x: one(x).sum())(A)
    nested = mg.custom_rule(lambda g, y, x: [g])(lambda x: x["a"])
    with pytest.raises(TypeError, match=r"a dict with the keys \['a'\]; got a list"):
        mg.grad(lambda x: nested({"a": x}).sum())(A)


def test_no_autodiff_and_the_creator_of_a_rule():
    x = mg.tensor(A)
    y = softplus(x)
    assert y.creator.variables[0] is x
    with mg.no_autodiff:
        assert softplus(x).creator is None


def test_gradients_stop():
    x = mg.tensor(A)
    stopped = mg.stop_gradient({"a": [x, 3], "b": x * x})
    assert stopped["a"][1] == 3
    assert stopped["b"].constant
    (stopped["b"] * x).backward()
    np.testing.assert_allclose(x.grad, A * A)
    assert mg.jvp(lambda x: mg.stop_gradient(x) * 2, (A,), (B,))[1].data.any() == np.False_


# -- checkpoints


def block(x, w):
    return np.tanh(np.exp(x * w) * w)


def test_a_checkpoint_changes_no_derivative():
    check_gradient(mg.checkpoint(block), A, B, order=3)
    f, same = (lambda x: block(x, B) * x), (lambda x: mg.checkpoint(mg.checkpoint(block))(x, B) * x)
    np.testing.assert_allclose(mg.jacobian(same)(A), mg.jacobian(f)(A))
    np.testing.assert_allclose(mg.jvp(same, (A,), (B,))[1], mg.jvp(f, (A,), (B,))[1])


def test_a_checkpoint_computes_again_and_only_then():
    calls = []

    @mg.checkpoint
    def f(x, *, times):
        calls.append(times)
        return np.sin(x) * times

    x = mg.tensor(A)
    y = f(x, times=3)
    assert calls == [3]
    y.backward()
    assert calls == [3, 3]
    np.testing.assert_allclose(x.grad, 3 * np.cos(A))
    with mg.no_autodiff:
        f(x, times=1)
    assert calls == [3, 3, 1]


def nodes(tensor):
    """The sizes of everything that a graph keeps."""
    seen, pending = {}, [tensor._node]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen[id(node)] = node.value.size
            pending += [x for x in node.inputs if hasattr(x, "inputs")]
    return sum(seen.values())


def test_a_checkpoint_keeps_no_intermediate_results():
    def deep(x):
        for _ in range(20):
            x = np.sin(x)
        return x

    x = mg.tensor(A)
    assert nodes(deep(x)) == 3 * 21
    assert nodes(mg.checkpoint(deep)(x)) == 3 * 2


def test_nested_arguments_values_and_other_objects():
    @mg.checkpoint
    def f(p, mode, x, *, flag):
        assert mode == "sum"
        assert flag is None
        assert type(x) is np.ndarray
        assert isinstance(p["c"], mg.Tensor)
        return {"y": [p["w"] * x * p["c"], "text"], "n": 3}

    p = {"w": mg.tensor(A), "c": mg.tensor([1, 2, 3])}
    result = f(p, "sum", B, flag=None)
    assert result["y"][1] == "text"
    assert result["n"] == 3
    with pytest.raises(ValueError, match="read-only"):
        B[0] = 1
    p["c"] += 1
    result["y"][0].backward()
    np.testing.assert_allclose(p["w"].grad, B * [1, 2, 3])
    assert B.flags.writeable


def test_what_a_checkpoint_closes_over_has_its_gradient():
    w = mg.tensor(B)
    x = mg.tensor(A)
    outer = w * 2
    y = mg.checkpoint(lambda x: block(x, outer) + w)(x)
    y.backward()
    given = x.grad, w.grad
    (block(x, w * 2) + w).backward()
    np.testing.assert_allclose(given[0], x.grad)
    np.testing.assert_allclose(given[1], w.grad)
    check_gradient(lambda x, w: mg.checkpoint(lambda x: block(x, w * w))(x), A, B)


def test_a_write_to_what_a_checkpoint_closes_over_is_an_error():
    w, x = mg.tensor(B), mg.tensor(A)
    y = mg.checkpoint(lambda x: x * w)(x)
    w += 1
    with pytest.raises(InvalidBackprop, match="written or cleared"):
        y.backward()


def test_a_write_to_an_argument_of_a_checkpoint_is_none():
    x = mg.tensor(A)
    before = +x
    y = mg.checkpoint(np.sin)(before)
    before += 100
    y.backward()
    np.testing.assert_allclose(x.grad, np.cos(A))


def test_random_numbers_are_the_same_again():
    @mg.checkpoint
    def dropout(x):
        return x * (mg.random.rand(1000) > 0.5)

    x = mg.tensor(np.ones(1000))
    y = dropout(x)
    drawn = np.random.get_state()[2]
    y.backward()
    np.testing.assert_array_equal(x.grad, y.data)
    assert np.random.get_state()[2] == drawn


def test_a_constant_or_unchanged_argument():
    assert mg.checkpoint(mg.sin)(A).constant
    x = mg.tensor(A)
    y = mg.checkpoint(lambda x: (x, x * 2))(x)
    (y[0] * y[1]).backward()
    np.testing.assert_allclose(x.grad, 4 * A)


def test_checkpointed_convolutions():
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((1, 1, 5)), rng.standard_normal((2, 1, 2))
    check_gradient(mg.checkpoint(lambda x, w: np.tanh(conv_nd(x, w, stride=1))), x, w)


def test_a_result_knows_what_made_it():
    x = mg.tensor([1.0, 2.0])
    doubled = mg.custom_rule(lambda g, y, x: 2 * g)(lambda x: 2 * x)
    for made in (doubled(x), mg.checkpoint(lambda x: 2 * x)(x)):
        assert [each is x for each in made.creator.variables] == [True]
        made.clear_graph()
        assert made.creator is None
