"""Behaviour 11, 12, 14 and 18: NumPy's protocols, scalars, copies, conventions of gradients."""

import base64
import copy
import math
import pickle
import weakref
import zlib

import numpy as np
import pytest

import mygrad as mg

X = np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -6.0]])


def gradient(f, *xs):
    ts = [mg.tensor(x) for x in xs]
    f(*ts).backward()
    return [t.grad for t in ts] if len(ts) > 1 else ts[0].grad


def test_reflected_operators():
    t = mg.tensor([1.0, 2.0])
    for y in (np.ones(2) + t, np.float32(2) * t, np.ones(2) / t, np.ones((2, 2)) @ t, 2**t):
        assert isinstance(y, mg.Tensor)


@pytest.mark.parametrize("f", [np.equal, np.less, np.logical_and])
def test_boolean_functions_give_arrays(f):
    t = mg.tensor([1.0, 2.0])
    assert type(f(t, 1)) is np.ndarray
    np.testing.assert_array_equal(f(t, 1), f(t.data, 1))


def test_functions_of_constants_only():
    x, c = mg.tensor([1.5]), mg.tensor([1.5], constant=True)
    for f in (np.floor, np.sign, np.rint, np.trunc, np.ceil):
        assert type(f(c)) is np.ndarray
        with pytest.raises(ValueError, match="cannot involve non-constant mygrad tensors"):
            f(x)


def test_functions_that_we_do_not_have_are_named():
    """As one that a later NumPy may have: it asks the tensor so."""

    def of_tomorrow(x):
        raise AssertionError("never called")

    x = mg.tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"of_tomorrow of a tensor; .* pass x\.data"):
        x.__array_function__(of_tomorrow, (mg.Tensor,), (x,), {})


def test_ufuncs_and_methods_that_we_do_not_have_are_named():
    x = mg.tensor([1.0, 2.0])
    twice = np.frompyfunc(lambda x: 2 * x, 1, 1)
    with pytest.raises(TypeError, match=r"of a tensor is not implemented.*\(x.data\)"):
        twice(x)
    for call in (np.fmod.reduce, np.fmod.accumulate):
        with pytest.raises(NotImplementedError, match=r"fmod\."):
            call(x)


def test_keywords_of_numpy_and_of_mygrad():
    x = mg.tensor(X)
    for y in (np.mean(a=x, axis=0), mg.mean(x=x, axis=0), mg.mean(x, 0, False), np.mean(x, 0, None)):
        np.testing.assert_array_equal(y, X.mean(0))
    assert np.sum(x, dtype=np.float32).dtype == np.float32
    assert np.sum(x, 0, np.float32).dtype == np.float32
    assert mg.add(x=x, y=1.0).shape == mg.add(x1=x, x2=1.0).shape
    assert mg.add(x, 1, casting="same_kind").shape == (2, 3)
    with pytest.raises(TypeError):
        mg.sum(x, banana=1)
    with pytest.raises(TypeError):
        mg.add(x)


def test_tensors_as_indices_and_numbers():
    i = mg.tensor(2)
    assert list(range(i)) == [0, 1]
    assert np.arange(5)[i] == 2
    assert np.zeros(i).shape == (2,)
    assert mg.tensor([1.0, 2.0, 3.0])[i] == 3
    assert math.sin(mg.tensor(1.0)) == math.sin(1.0)
    assert sum(mg.tensor([1.0, 2.0])) == 3
    assert max(mg.tensor([1.0, 2.0])) == 2


def test_truth_is_numpys():
    assert bool(mg.tensor([1.0]))
    assert not mg.tensor(0.0)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(mg.tensor([1.0, 2.0]))


def test_scalars():
    assert (float(mg.tensor([[2.5]])), int(mg.tensor(2.5)), mg.tensor([2.5]).item()) == (2.5, 2, 2.5)
    for convert in (float, int):
        with pytest.raises(TypeError, match="can only convert a tensor of size 1"):
            convert(mg.tensor([1.0, 2.0]))
        with pytest.raises(ValueError):
            convert(mg.tensor([]))
    with pytest.raises(ValueError):
        mg.tensor([1.0, 2.0]).item()
    with pytest.raises(TypeError, match="unhashable"):
        hash(mg.tensor(1.0))
    with pytest.raises(TypeError):
        len(mg.tensor(1.0))


def test_comparisons_are_arrays():
    t = mg.tensor([1.0, 2.0])
    assert type(t == t) is np.ndarray
    assert type(mg.tensor(1.0) < 2) is np.bool
    with pytest.raises(ValueError):
        t == mg.tensor([1.0, 2.0, 3.0])
    assert not np.any(t == None)  # noqa: E711
    np.testing.assert_array_equal(t == "a", [False, False])
    np.testing.assert_array_equal(t != "a", [True, True])
    with pytest.raises(TypeError):
        t < "a"


def test_iteration():
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(mg.tensor(1.0))
    x = mg.tensor(X)
    assert [row.base is x for row in x] == [True, True]
    assert [e.base for e in mg.tensor([1.0])] == [None]
    assert 3.0 in x
    assert 7.0 not in x


def test_repr_is_numpys():
    assert repr(mg.tensor([[1.0, 2.0], [3.0, 4.0]])) == "Tensor([[1., 2.],\n        [3., 4.]])"
    assert str(mg.tensor(1.0)) == "Tensor(1.)"


def test_copies():
    x = mg.tensor([1.0], constant=False)
    x.backward()
    for made in (x.copy(), copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert made.grad is not x.grad
        np.testing.assert_array_equal(made.grad, [1.0])
        assert made.creator is None
    y = x * 2
    for made in (copy.copy(y), pickle.loads(pickle.dumps(y))):
        np.testing.assert_array_equal(made, [2.0])
        assert made.data.flags.writeable
    assert pickle.loads(pickle.dumps(mg.tensor(1.0, constant=True))).constant
    assert weakref.ref(y)() is y


OF_2_5 = (
    b"c-l>n!AiqG5QdZ5R$FQ<9{LRRlCuZFLQfjVp$ML2*(6&NOg3e+vE)$DL$!qg5B+^l-$1un5$CYO&dz@S%>UB<+_+8?be`9bipQQ7"
    b"vMdw}c_~2MyXJ;HE?%+5gictb1lOh%P&?+DgT}JTm$k>DLJ2RgGM#dzcnumbC89!>T2+xY2<kMQpko=^mOXrDgP9xR9dk^4*Kci*"
    b"^r;i;dMOTHT8m5Uw)XXi+$#h@aQkhdIebSW+|5RIg|BOyoheM2daM!WQe#IQc32KcFBu#pli`2C@gKsO+BC9=HY=7TKFs9SkAQ~k"
    b"ITb4wC21BbAwj3Vwy{d5SqVD37yM~17B^Zb9%jN?7p#$VA5gv-Xx}25d5npY=f-Gvg(~!Z091*UTL"
)
"""What MyGrad 2.5 pickled for a tensor of 1 and 2, with the gradient of its squares, named "w"."""


def test_pickles_of_mygrad_2():
    x = pickle.loads(zlib.decompress(base64.b85decode(OF_2_5)))
    assert type(x) is mg.Tensor
    assert (type(x).__module__, x.constant, x.creator, vars(x)) == (
        "mygrad.tensor_base",
        False,
        None,
        {"name": "w"},
    )
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])
    (3 * x).backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_a_deep_copy_has_a_graph_of_its_own():
    x = mg.tensor([1.0, 2.0])
    w = x * x
    y = 3 * w
    made_w, made = copy.deepcopy([w, y])
    made_x = made_w.creator.variables[0]
    assert made.creator.variables[1] is made_w
    made.backward()
    np.testing.assert_array_equal(made_x.grad, [6.0, 12.0])
    np.testing.assert_array_equal(made_w.grad, [3.0, 3.0])
    assert (x.grad, w.grad, made.creator) == (None, None, None)
    y.backward()
    np.testing.assert_array_equal(x.grad, [6.0, 12.0])
    assert not np.shares_memory(x, made_x)


def test_deep_copies_of_views_are_views_of_the_copy():
    x = mg.tensor([1.0, 2.0, 3.0])
    view = x[:2]
    back = view[::-1]
    made_back, made, made_view = copy.deepcopy([back, x, view])
    assert made_view.base is made_back.base is made
    made[0] = 9
    np.testing.assert_array_equal(made_back, [2, 9])
    made_view *= 2
    np.testing.assert_array_equal(made, [18, 4, 3])
    np.testing.assert_array_equal(x, [1, 2, 3])
    (made * made_back.sum()).sum().backward()
    np.testing.assert_array_equal(made.grad, [22 + 25, 22 + 25, 22])
    np.testing.assert_array_equal(made_view.grad, [47, 47])
    assert x.grad is view.grad is None
    made = copy.deepcopy(view)
    made[0] = 5
    np.testing.assert_array_equal(made.base, [5, 2, 3])


def test_a_deep_copy_of_a_subclass_copies_its_attributes():
    x = type("Named", (mg.Tensor,), {})([1.0])
    x.labels = ["a"]
    made = copy.deepcopy({"x": x, "same": x})
    assert made["x"] is made["same"]
    assert type(made["x"]) is type(x)
    assert made["x"].labels == ["a"]
    assert made["x"].labels is not x.labels


def test_the_third_argument_of_a_reduction_may_be_mygrads():
    x = mg.tensor([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(np.max(x, 1, True), [[2], [5]])
    np.testing.assert_array_equal(np.mean(x, 0, True), [[2, 3.5]])
    np.testing.assert_array_equal(np.sum(x, 0, False), [4, 7])
    np.testing.assert_array_equal(np.var(x, 0, 1, True), [[2, 4.5]])
    assert np.sum(x, 0, np.float32).dtype == np.float32


def test_ties_and_bounds():
    a, b = gradient(np.maximum, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    np.testing.assert_array_equal(a, [0, 0, 1])
    np.testing.assert_array_equal(b, [0, 1, 0])
    np.testing.assert_array_equal(gradient(lambda x: np.clip(x, 0, 1), [0.0, 0.5, 1.0]), [0, 1, 0])
    np.testing.assert_array_equal(gradient(np.max, [1.0, 2.0, 2.0]), [0, 1, 0])
    np.testing.assert_array_equal(
        gradient(lambda x: np.min(x, axis=(0, 1)), np.zeros((2, 2))), [[1, 0], [0, 0]]
    )


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("largest", [np.maximum, np.minimum])
def test_where_one_is_not_a_number_the_second_has_the_gradient(largest, dtype):
    nan = np.nan
    for a, b in ((nan, 1.0), (1.0, nan), (nan, nan), ([nan, 2.0], [0.0, nan])):
        x, y = mg.tensor(a, dtype=dtype), mg.tensor(b, dtype=dtype)
        (2 * largest(x, y)).backward()
        np.testing.assert_array_equal(x.grad, np.zeros(x.shape, dtype), strict=True)
        np.testing.assert_array_equal(y.grad, np.full(y.shape, 2, dtype), strict=True)
        assert gradient(lambda y, a=a: largest(a, y).sum(), np.array(b, dtype)).all()
        assert not gradient(lambda x, b=b: largest(x, b).sum(), np.array(a, dtype)).any()
    np.testing.assert_array_equal(gradient(lambda x: np.clip(x, 0, 1), [nan, 0.5, 2.0]), [1, 1, 0])
    x = mg.tensor([nan, 0.5])
    assert mg.clip(x, 0, None).creator.variables[1] is x


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_absolute_value_of_what_is_no_number_is_flat(dtype):
    for x in (np.nan, [np.nan, -2.0, np.inf, -np.nan]):
        x = np.array(x, dtype)
        for absolute in (np.abs, np.fabs, lambda x: mg.abs(x, nan_to_num=False)):
            expected = np.where(np.isnan(x), 0, np.sign(x))
            np.testing.assert_array_equal(gradient(absolute, x), expected.astype(dtype))
    assert gradient(lambda x: np.abs(x + 1j * 0).real, np.array(-3.0)) == -1


def test_logaddexp_of_infinities():
    inf = np.inf
    for add in (np.logaddexp, np.logaddexp2):
        a, b = gradient(add, [inf, 2.0, -inf, 3.0, inf], [1.0, inf, 0.0, -inf, -inf])
        np.testing.assert_array_equal(a, [1, 0, 0, 1, 1])
        np.testing.assert_array_equal(b, [0, 1, 1, 0, 0])


def test_at_singular_points():
    assert gradient(np.absolute, 0.0) == 0
    assert np.isnan(gradient(lambda x: mg.absolute(x, nan_to_num=False), 0.0))
    for f, x in ((np.sqrt, 0.0), (np.cbrt, 0.0), (np.log, 0.0), (np.arccosh, 1.0), (np.arctanh, 1.0)):
        with pytest.warns(RuntimeWarning):
            assert np.isinf(gradient(f, x))
    for f in (np.arcsin, np.arccos):
        with pytest.warns(RuntimeWarning):
            assert gradient(f, 1.0) == 0
    with pytest.warns(RuntimeWarning):
        assert np.all(np.isnan(gradient(np.arctan2, 0.0, 0.0)))
    assert gradient(np.sinc, 0.0) == 0


def test_powers_of_and_to_zero():
    assert gradient(np.power, 0.0, 0.0) == [0, 0]
    assert gradient(np.power, 0.0, 2.0) == [0, 0]
    with pytest.warns(RuntimeWarning):
        assert np.isnan(gradient(np.power, -1.0, 2.0)[1])


@pytest.mark.parametrize("strange", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("function", "expected"), [(mg.prod, [np.nan, 2.0, np.nan]), (mg.cumprod, [np.nan, 3.0, np.nan])]
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_gradient_of_what_is_not_finite_in_a_product(function, expected, strange):
    """It has the products of the others only; theirs have what is not finite."""
    x = mg.tensor([1.0, strange, 2.0])
    function(x).sum().backward()
    np.testing.assert_array_equal(np.where(np.isfinite(x.grad), x.grad, np.nan), expected)


def test_products_with_zeros():
    np.testing.assert_array_equal(gradient(np.prod, [0.0, 2.0, 3.0]), [6, 0, 0])
    np.testing.assert_array_equal(gradient(np.prod, [0.0, 0.0, 3.0]), [0, 0, 0])
    np.testing.assert_array_equal(gradient(np.cumprod, [2.0, 0.0, 3.0]), [1, 8, 0])


def test_variances():
    with pytest.warns(RuntimeWarning):
        assert np.all(np.isnan(gradient(np.std, [1.0, 1.0])))
    with pytest.warns(RuntimeWarning), pytest.raises(ZeroDivisionError):
        gradient(lambda x: np.var(x, ddof=1), [1.0])
    np.testing.assert_array_equal(gradient(lambda x: np.var(x, axis=()), [1.0, 2.0]), [0, 0])


def test_variances_along_an_axis_with_too_few_elements():
    with pytest.warns(RuntimeWarning):
        given = gradient(lambda x: np.var(x, axis=0, ddof=2), [[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(given, [[-np.inf, -np.inf], [np.inf, np.inf]])
