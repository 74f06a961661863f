"""Functions that choose, apply and write: what the table of NumPy's functions does not show."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient

V = np.array([3.0, -1.0, 2.0, 0.5])
M = np.arange(6.0).reshape(2, 3)


def test_trimmed_zeros():
    x = mg.tensor([0.0, 0.0, 1.0, 0.0, 2.0, 0.0])
    for trim in ("fb", "f", "b", "FB"):
        np.testing.assert_array_equal(np.trim_zeros(x, trim), np.trim_zeros(x.data, trim))
    assert np.trim_zeros(x).base is x
    assert np.trim_zeros(0 * x).shape == (0,)
    (np.trim_zeros(x) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)
    with pytest.raises(ValueError, match="trim"):
        np.trim_zeros(x, "x")


def test_sorted_complex_numbers():
    y = np.sort_complex(mg.tensor(V))
    np.testing.assert_array_equal(y, np.sort_complex(V))
    assert y.dtype == np.complex128
    check_gradient(lambda x: np.sort_complex(x).real ** 2, V)


@pytest.mark.parametrize(
    "keywords", [{}, {"return_index": True}, {"return_inverse": True, "return_counts": True}]
)
def test_unique(keywords):
    x = mg.tensor([2.0, 1.0, 2.0, 3.0])
    got, expected = np.unique(x, **keywords), np.unique(x.data, **keywords)
    if keywords:
        for a, b in zip(got[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(a, b)
        got, expected = got[0], expected[0]
    np.testing.assert_array_equal(got, expected)
    (got * [10.0, 20.0, 30.0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [20, 10, 0, 30])


def test_sets():
    a, b = mg.tensor([4.0, 1.0, 1.0, 2.0]), mg.tensor([2.0, 5.0, 4.0])
    for function in (np.intersect1d, np.union1d, np.setdiff1d, np.setxor1d):
        np.testing.assert_array_equal(function(a, b), function(a.data, b.data))
    values, first, second = np.intersect1d(a, b, return_indices=True)
    np.testing.assert_array_equal(a.data[first], b.data[second])
    (values * [1.0, 10.0]).sum().backward()
    np.testing.assert_array_equal(a.grad, [10, 0, 0, 1])
    np.setxor1d(a, b).sum().backward()
    np.testing.assert_array_equal(a.grad, [0, 1, 0, 0])
    np.testing.assert_array_equal(b.grad, [0, 1, 0])


def test_zeros_of_polynomials_at_zero():
    for p in ([0.0, 1.0, -3.0, 2.0, 0.0, 0.0], [2.0, 0.0], [5.0], [0.0, 0.0]):
        np.testing.assert_allclose(np.sort(np.roots(mg.tensor(p)).data), np.sort(np.roots(p)), atol=1e-15)


def test_division_by_a_longer_polynomial():
    u = mg.tensor([1.0, 2.0])
    quotient, rest = np.polydiv(u, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(quotient, [0.0])
    np.testing.assert_array_equal(rest, u)


def test_astype_goes_on_unlike_the_method():
    if not hasattr(np, "astype"):
        pytest.skip("NumPy 2.1 or later has it")
    x = mg.tensor(V, dtype="f4")
    y = np.astype(x, np.float64)
    assert y.dtype == np.float64
    (y**2).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)
    assert np.astype(x, np.int64).constant
    assert np.astype(x, np.float32, copy=False) is x


def test_steps_between_tensors():
    a = mg.tensor(1.0)
    values, step = np.linspace(a, 3.0, 5, retstep=True)
    assert step == 0.5
    step.backward()
    assert a.grad == -0.25
    assert np.linspace(a, 3.0, 1).shape == (1,)
    assert mg.linspace(a, 3, 4, constant=True).constant
    assert values[-1] == 3.0


def test_out():
    x, out = mg.tensor(V), mg.tensor(0.0)
    assert np.median(x, 0, out) is out
    out.backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0.5, 0.5])
    array = np.zeros(())
    np.quantile(x, 0.5, out=array)
    assert array == 1.25


def test_constants_stay_constant():
    c = mg.tensor(V, constant=True)
    for y in (np.median(c), mg.gradient(V), np.select([V > 0], [c]), np.piecewise(c, [V > 0], [1.0, np.exp])):
        assert y.constant


def test_no_degrees_of_freedom_warn_as_numpy_does():
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        assert np.isnan(np.cov(mg.tensor([[1.0]])).item())


# -- writes

WRITES = [
    (np.copyto, lambda x, v: (x, v), {"where": V > 0}),
    (np.put, lambda x, v: (x, [0, -1], v), {}),
    (np.place, lambda x, v: (x, V > 0, v), {}),
    (np.putmask, lambda x, v: (x, V > 0, v), {}),
    (np.put_along_axis, lambda x, v: (x, np.array([0, 2]), v, 0), {}),
    (np.fill_diagonal, lambda x, v: (x.reshape(2, 2), v), {}),
]


@pytest.mark.parametrize(("function", "args", "keywords"), WRITES, ids=[each[0].__name__ for each in WRITES])
def test_views_follow_writes(function, args, keywords):
    x, expected = mg.tensor(V), V.copy()
    view, old = x[:2], x * 1.0
    function(*args(x, 7.0), **keywords)
    function(*args(expected, 7.0), **keywords)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(view, expected[:2])
    np.testing.assert_array_equal(old, V)
    x.sum().backward()


# NumPy does not ask the value that fill_diagonal writes, nor does MyGrad 2.5 that of copyto
@pytest.mark.parametrize(
    ("function", "args", "keywords"), WRITES[1:-1], ids=lambda x: getattr(x, "__name__", "")
)
def test_arrays_take_no_variables(function, args, keywords):
    array = V.copy()
    with pytest.raises(TypeError, match=rf"np.{function.__name__} .* gradient is lost"):
        function(*args(array, mg.tensor(7.0)), **keywords)
    np.testing.assert_array_equal(array, V)
    function(*args(array, mg.tensor(7.0, constant=True)), **keywords)
    assert (array == 7.0).any()


def test_copyto_writes_values_into_arrays():
    array = np.zeros(4)
    np.copyto(array, mg.tensor(V))
    np.testing.assert_array_equal(array, V)


def test_copyto_a_leaf_goes_into_its_own_array_as_in_mygrad_2():
    x = mg.tensor(V)
    array = x.data
    np.copyto(x, 7.0)
    assert x.data is array
    assert x.creator is None
    y = x * x
    np.copyto(x, 1.0)  # a write: `y` needs the values as they were
    y.backward()
    np.testing.assert_array_equal(y.grad, np.ones(4))
    np.testing.assert_array_equal(array, np.full(4, 7.0))


def test_a_write_that_fails_changes_nothing():
    x = mg.tensor(M)
    with pytest.raises(IndexError):
        np.put(x, [9], 1.0)
    with pytest.raises(TypeError, match="Cannot cast"):
        np.copyto(x, 1j)
    np.testing.assert_array_equal(x, M)
    assert x.creator is None


def test_writes_without_tracking():
    x = mg.tensor(V)
    with mg.no_autodiff:
        np.put(x, [0], 9.0)
        np.add.at(x, [1, 1], 1.0)
    np.testing.assert_array_equal(x, [9, 1, 2, 0.5])
    assert x.creator is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: np.gradient(mg.tensor([1.0])), ValueError, "1 elements along axis 0.*= 2 are required"),
        (lambda: np.gradient(mg.tensor(M), 1.0, 2.0, 3.0), TypeError, "each of the 2 axes; got 3"),
        (lambda: np.gradient(mg.tensor(V), [0.0, 1.0]), ValueError, r"shape \(4,\); got \(2,\)"),
        (lambda: np.gradient(mg.tensor(V), edge_order=3), ValueError, "1 or 2; got 3"),
        (lambda: np.piecewise(mg.tensor(V), [V > 0], [1.0, 2.0, 3.0]), ValueError, "either 1 or 2 functions"),
        (lambda: np.meshgrid(mg.tensor(V), indexing="ab"), ValueError, "'xy' and 'ij'"),
        (lambda: np.apply_along_axis(np.sum, 0, mg.zeros((3, 0))), ValueError, "iteration dimensions are 0"),
        (lambda: np.polyfit(mg.tensor(V[:2]), V[:2], 1, cov=True), ValueError, "must exceed order"),
        (lambda: np.polyfit(mg.tensor(V), V[:2], 1), ValueError, r"got \(4,\) and \(2,\)"),
        (lambda: np.cov(mg.zeros((2, 2, 2), dtype=float)), ValueError, "at most 2 axes"),
        (lambda: np.geomspace(mg.tensor(0.0), 1.0), ValueError, "cannot include zero"),
        (lambda: np.vander(mg.tensor(M)), ValueError, "one-dimensional"),
        (lambda: np.polyder(mg.tensor(V), -1), ValueError, "positive"),
        (lambda: np.polyint(mg.tensor(V), 2, [1.0, 2.0, 3.0][:0]), ValueError, "k must be"),
        (lambda: np.poly(mg.tensor(M)), ValueError, "square 2d"),
        (lambda: np.block([[mg.tensor(V)], mg.tensor(V)]), ValueError, "depth"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_broadcasting_beside_what_is_no_number():
    """Matplotlib does so for bars."""
    x = mg.tensor([1.0, 2.0])
    wide, none, words, array = np.broadcast_arrays(x, None, "ab", np.ones((2, 1)))
    assert none.tolist() == [[None, None]] * 2
    assert words.tolist() == [["ab", "ab"]] * 2
    assert array.constant
    wide.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
