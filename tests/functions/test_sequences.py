"""Sums, products and chains of many operands."""

import itertools

import numpy as np
import pytest

import mygrad as mg
from mygrad.functions.products import _cheapest_order
from tests.gradients import check_gradient


def random(*shapes, seed=3):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2.0, shape) for shape in shapes]


SHAPES = [((), ()), ((3,), (2, 3), (2, 1)), ((0, 2), (2,)), ((2, 2), (2, 2), (2, 2), ())]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(("f", "formula"), [(mg.add_sequence, sum), (mg.multiply_sequence, np.prod)])
def test_sequences(f, formula, shapes):
    xs = random(*shapes)
    np.testing.assert_allclose(f(*xs), formula(list(np.broadcast_arrays(*xs)), *([0] * (formula is np.prod))))
    check_gradient(f, *xs)


def test_products_are_exact_with_zeros():
    check_gradient(mg.multiply_sequence, [0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [3.0, 4.0, 0.0])


def test_one_tensor_several_times():
    check_gradient(lambda x: mg.multiply_sequence(x, x, 2.0, x), [1.5, 0.5])
    check_gradient(lambda x: mg.add_sequence(x, x, x), [1.5])


@pytest.mark.parametrize("f", [mg.add_sequence, mg.multiply_sequence])
def test_one_step_of_the_graph(f):
    x, y = mg.tensor([1.0, 2.0]), mg.tensor(3.0)
    variables = f(x, y, [1, 1]).creator.variables
    assert variables[0] is x
    assert variables[1] is y
    assert variables[2].constant
    assert f(x, y, constant=True).constant
    assert f(1, [2, 3]).dtype == np.int64


@pytest.mark.parametrize("f", [mg.add_sequence, mg.multiply_sequence])
@pytest.mark.parametrize("count", [0, 1])
def test_less_than_two_operands(f, count):
    with pytest.raises(ValueError, match=f"two or more operands, got {count}"):
        f(*[1.0] * count)


def test_single_precision_stays():
    assert mg.multiply_sequence(mg.tensor([1.0], dtype="f4"), 2.0, 3).dtype == np.float32


CHAINS = [
    ((2, 3), (3, 4)), ((2, 3), (3, 4), (4, 2)), ((3,), (3, 2), (2, 4)), ((2, 3), (3, 2), (2,)), ((3,), (3,)),
    ((3,), (3, 2), (2,)), ((2, 3), (3, 1), (1, 4), (4, 2)), ((2, 0), (0, 3), (3, 2)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", CHAINS)
def test_multi_matmul(shapes):
    xs = random(*shapes)
    expected = xs[0]
    for x in xs[1:]:
        expected = expected @ x
    np.testing.assert_allclose(mg.multi_matmul(xs), expected)
    check_gradient(lambda *xs: mg.multi_matmul(xs), *xs)


def test_vector_in_the_middle():
    a, x, b = random((3, 3), (3,), (3, 2))
    np.testing.assert_allclose(mg.multi_matmul([a, x, b]), (a @ x) @ b)


def test_one_tensor_of_matrices_and_lists():
    x = mg.tensor(random((3, 2, 2))[0])
    mg.multi_matmul(x).backward()
    assert x.grad.shape == (3, 2, 2)
    np.testing.assert_array_equal(mg.multi_matmul([[[1.0, 2.0]], [[3.0], [4.0]]]), [[11.0]])


def cost(order, sizes):
    """The number of multiplications, and the rows and columns of the product."""
    if isinstance(order, int):
        return 0, sizes[order], sizes[order + 1]
    (a, rows, inner), (b, _, columns) = (cost(each, sizes) for each in order)
    return a + b + rows * inner * columns, rows, columns


def orders(first, last):
    if first == last:
        return [first]
    splits = range(first, last)
    return [(a, b) for k in splits for a, b in itertools.product(orders(first, k), orders(k + 1, last))]


@pytest.mark.parametrize("seed", range(5))
def test_order_is_the_cheapest_of_all(seed):
    sizes = [int(n) for n in np.random.default_rng(seed).integers(1, 50, 7)]
    assert cost(_cheapest_order(sizes), sizes)[0] == min(cost(each, sizes)[0] for each in orders(0, 5))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3),), "two or more operands, got 1"),
        (((2, 2, 3), (3, 4)), "operand 0 has 3 axes"),
        (((2, 3), ()), "operand 1 has 0 axes"),
        (((2, 3), (2, 3)), "operand 0 has 3 columns, operand 1 has 2 rows"),
    ],
)
def test_chains_that_do_not_fit(shapes, message):
    with pytest.raises(ValueError, match=message):
        mg.multi_matmul(random(*shapes))


def test_constant_chain():
    a = mg.ones((2, 2))
    assert mg.multi_matmul([a, a, a], constant=True).constant
    assert not mg.multi_matmul([a, a, a]).constant
