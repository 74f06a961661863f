"""The mistakes of docs/tutorials/mistakes.md: each has its error, of MyGrad 2.5's type, and a remedy.

`test_docs.py` runs the page, so what is printed there is what is said.
"""

import copy
import re
import traceback
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mygrad as mg
from mygrad.errors import InvalidBackprop, InvalidConvolution, InvalidGradient
from mygrad.nnet import avg_pool, conv_nd, max_pool, negative_log_likelihood, softmax_crossentropy
from mygrad.operation_base import Operation

PAGE = Path(__file__).parents[1] / "docs" / "tutorials" / "mistakes.md"


def ones(*shape):
    return mg.ones(shape)


def second_backward():
    x = mg.tensor(1.0)
    y, z = 2 * x, 3 * x
    y.backward()
    z.backward()


def write_to_a_locked_array():
    a = np.ones(2)
    y = mg.tensor([1.0, 2.0]) * a
    a += y


def write_without_a_graph():
    x = ones(2)
    y = 2 * x
    with mg.no_autodiff:
        x += 1
    return y


def write_to_read_only_memory():
    x = mg.tensor(np.broadcast_to(1.0, (2,)), copy=False)
    x += 1


def result_of(gradient):
    class Identity(Operation):
        def __call__(self, x):
            self.variables = (x,)
            return np.array(x.data)

        def backward_var(self, grad, index, **kwargs):
            return gradient

    return lambda: mg.execute_op(Identity, ones(3)).backward()


def onto(x, value):
    x += value


MISTAKES = {
    "stride that does not fit": (
        lambda: conv_nd(ones(1, 1, 6), ones(1, 1, 3), stride=2),
        InvalidConvolution,
        "along axis 0 the last placement",
        r"padding=\(\(0, 1\),\) would fit",
    ),
    "filter longer than the data": (
        lambda: conv_nd(ones(1, 1, 6, 6), ones(1, 1, 3, 9), stride=1),
        InvalidConvolution,
        "along axis 1 the filter is longer",
        r"padding=\(0, 2\) would fit\.$",
    ),
    "channels last": (
        lambda: conv_nd(ones(10, 32, 32, 3), ones(5, 3, 2, 2), stride=2),
        ValueError,
        r"x has 32 channels \(axis 1 of",
        r"np\.moveaxis\(x, -1, 1\), of shape \(10, 3, 32, 32\)",
    ),
    "channels for groups": (
        lambda: conv_nd(ones(1, 4, 9), ones(2, 2, 3), stride=1),
        ValueError,
        "x has 4 channels",
        "pass groups=2",
    ),
    "channels of other filters": (
        lambda: conv_nd(ones(1, 4, 9), ones(2, 3, 3), stride=1),
        ValueError,
        "x has 4 channels",
        r"Filters of shape \(2, 4, 3\) would fit",
    ),
    "channels of other data": (
        lambda: conv_nd(ones(1, 5, 9), ones(2, 3, 3), stride=1, groups=2),
        ValueError,
        "3 for each of 2 groups",
        r"Data of shape \(1, 6, 9\) would fit",
    ),
    "no axis for the batch": (
        lambda: conv_nd(ones(3, 32, 32), ones(5, 3, 2, 2), stride=1),
        ValueError,
        "x has 3 axes, .* and filter_bank 4",
        r"x\[None\] has shape \(1, 3, 32, 32\)",
    ),
    "no axes for the filters": (
        lambda: conv_nd(ones(1, 1, 32, 32), ones(2, 2), stride=1),
        ValueError,
        "filter_bank 2",
        r"filter_bank\[None, None\] has shape \(1, 1, 2, 2\)",
    ),
    "a picture alone": (
        lambda: conv_nd(ones(28, 28), ones(3, 3), stride=1),
        ValueError,
        "x has 2 axes",
        r"x\[None, None\], of shape \(1, 1, 28, 28\)",
    ),
    "stride of no integer": (
        lambda: conv_nd(ones(1, 1, 6), ones(1, 1, 3), stride=1.5),
        TypeError,
        "stride must be an integer .* got 1.5",
        "Write 1 or 2; ",
    ),
    "strides of too many axes": (
        lambda: conv_nd(ones(1, 1, 6), ones(1, 1, 3), stride=(1, 1)),
        InvalidConvolution,
        r"stride has 2 entries, \(1, 1\); the number of convolved axes is 1",
        "one integer for all",
    ),
    "padding of no name": (
        lambda: conv_nd(ones(1, 1, 6), ones(1, 1, 3), stride=1, padding="SAME"),
        InvalidConvolution,
        "there is no padding 'SAME'",
        r"Did you mean padding='same'\?",
    ),
    "algorithm of no name": (
        lambda: mg.use_algorithm("FFT").__enter__(),
        ValueError,
        "there is no algorithm 'FFT'",
        r"Did you mean algorithm='fft'\?",
    ),
    "windows that do not fit": (
        lambda: max_pool(ones(1, 5, 7), (2, 2), 2),
        InvalidConvolution,
        "along axis 0 the last placement",
        r"padding=\(\(0, 1\), \(0, 1\)\) would fit",
    ),
    "one number for windows": (
        lambda: max_pool(ones(4, 4), 2, 2),
        AssertionError,
        "got 2",
        r"write \(2, 2\)",
    ),
    "gradient for integers": (
        lambda: mg.tensor([1, 2], constant=False),
        ValueError,
        r"Integer-valued tensors must be treated as constants\.",
        "these data are int64: pass dtype=float",
    ),
    "rows of unequal lengths": (
        lambda: mg.tensor([[1.0, 2.0], [3.0]]),
        ValueError,
        "inhomogeneous shape",
        r"Row 0 has the shape \(2,\), row 1 \(1,\)",
    ),
    "rows of unequal lengths as an operand": (
        lambda: np.exp(mg.tensor([1.0])) + mg.exp([[1.0, 2.0], [3.0]]),
        ValueError,
        "inhomogeneous shape",
        r"Row 0 has the shape \(2,\), row 1 \(1,\)",
    ),
    "rows of unequal lengths as another operand": (
        lambda: mg.tensor([[1.0, 2.0]]) * [[1.0, 2.0], [3.0]],
        ValueError,
        "inhomogeneous shape",
        r"Row 0 has the shape \(2,\), row 1 \(1,\)",
    ),
    "rows of unequal depths": (
        lambda: mg.tensor([[[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]]]),
        ValueError,
        "inhomogeneous shape",
        "All rows must have as many elements",
    ),
    "None": (
        lambda: mg.tensor([1.0]) * None,
        TypeError,
        "received <class 'numpy.object_'>",
        "What was given, None, is not a number",
    ),
    "texts": (
        lambda: mg.tensor([1.0]) + ["3", "4"],
        TypeError,
        "received <class 'numpy.str_'>",
        r"element at \(0,\), .*'3'.*, is not a number",
    ),
    "numbers as objects": (
        lambda: mg.tensor(np.array([1, 2.5], object)),
        TypeError,
        "received <class 'numpy.object_'>",
        r"np\.asarray\(x, dtype=float\)",
    ),
    "shapes that do not broadcast": (
        lambda: ones(2, 3) + ones(2),
        ValueError,
        r"shapes \(2,3\) \(2,\)",
        r"Along axis -1 they have [23] and [23] elements.*\n.*reshape it to \(2, 1\)",
    ),
    "shapes of as many axes": (
        lambda: ones(4, 3) + ones(2, 3),
        ValueError,
        "could not be broadcast",
        "Along axis -2 they have [24] and [24] elements, which have to be equal.$",
    ),
    "matrices that do not match": (
        lambda: ones(5, 3) @ ones(2, 3),
        ValueError,
        "matmul",
        r"np\.swapaxes\(y, -1, -2\), of shape \(3, 2\), would fit",
    ),
    "matrices the other way": (
        lambda: ones(3, 5) @ ones(3, 2),
        ValueError,
        "matmul",
        r"np\.swapaxes\(x, -1, -2\), of shape \(5, 3\), would fit",
    ),
    "matrix and vector": (
        lambda: ones(2, 3) @ ones(4),
        ValueError,
        "the one of y, 4",
        r"A y of shape \(3,\) would fit",
    ),
    "matrix and number": (
        lambda: ones(2, 3) @ mg.tensor(2.0),
        ValueError,
        "matmul",
        r"written x \* y",
    ),
    "axis that is not there": (
        lambda: ones(2, 3).sum(axis=2),
        np.exceptions.AxisError,
        "axis 2 is out of bounds",
        r"Of shape \(2, 3\), it has the axes 0 to 1, or -1 to -2",
    ),
    "axis of a number": (
        lambda: mg.tensor(1.0).max(axis=2),
        np.exceptions.AxisError,
        "axis 2 is out of bounds",
        r"shape \(\), and so no axis",
    ),
    "truth of many": (lambda: bool(ones(3)), ValueError, "truth value", r"Use a\.any\(\) or a\.all\(\)"),
    "float of many": (lambda: float(ones(3)), TypeError, r"shape \(3,\)", r"x\[0\]"),
    "item of many": (lambda: ones(3).item(), ValueError, r"shape \(3,\)", r"x\.sum\(\)"),
    "gradient of another shape": (
        lambda: mg.tensor([1.0, 2.0]).backward([1.0, 2.0, 3.0]),
        ValueError,
        r"shape \(2,\) was given a grad of shape \(3,\)",
        r"Pass one of shape \(2,\)",
    ),
    "second backward": (second_backward, InvalidBackprop, "cleared by", "Compute the result again"),
    "write to a locked array": (
        write_to_a_locked_array,
        ValueError,
        "output array is read-only",
        r"Write a = a \+ x",
    ),
    "write without a graph": (
        write_without_a_graph,
        ValueError,
        "read-only: results that are still in a graph",
        r"after backward\(\) or clear_graph\(\)",
    ),
    "write to read-only memory": (
        write_to_read_only_memory,
        ValueError,
        "output array is read-only: its memory was so before",
        r"x\.copy\(\)",
    ),
    "write of more": (
        lambda: onto(ones(3), ones(2, 3)),
        ValueError,
        "non-broadcastable output",
        r"write x = x \+ y",
    ),
    "write of floats to integers": (
        lambda: onto(mg.tensor([1, 2]), 1.5),
        TypeError,
        "Cannot cast",
        r"write x = x \+ y",
    ),
    "gradient of an operation, of another shape": (
        result_of(np.ones(7)),
        AssertionError,
        r"returned shape \(7,\) for input 0 of shape \(3,\)",
        "the shape of its input",
    ),
    "gradient of an operation, None": (
        result_of(None),
        InvalidGradient,
        "returned NoneType",
        "an array or a number",
    ),
    "operation that is no class": (
        lambda: mg.execute_op(object(), ones(3)),
        TypeError,
        "takes a class",
        "not an instance",
    ),
    "gradient of many numbers": (
        lambda: mg.grad(lambda x: x**2)([1.0, 2.0]),
        TypeError,
        r"returned shape \(2,\)",
        r"\.sum\(\), or use mygrad\.jacobian",
    ),
    "function without a derivative": (
        lambda: np.floor_divide.reduce(ones(3)),
        NotImplementedError,
        r"np\.floor_divide has no derivative",
        r"For the values alone pass x\.data",
    ),
    "function of constants": (
        lambda: np.floor(ones(3)),
        ValueError,
        "cannot involve non-constant mygrad tensors",
        r"np\.floor\(x\.data\)",
    ),
    "class that is not there": (
        lambda: softmax_crossentropy(ones(2, 3), [1, 3]),
        IndexError,
        "index 3 is out of bounds",
        "label of sample 1 is 3; 3 classes are numbered 0 to 2",
    ),
    "class below all": (
        lambda: negative_log_likelihood(ones(2, 3), [-4, 1]),
        IndexError,
        "index -4 is out of bounds",
        "label of sample 0 is -4",
    ),
    "rows for classes": (
        lambda: softmax_crossentropy(ones(2, 3), np.eye(3)[:2]),
        TypeError,
        "y_true has dtype float64",
        r"y_true\.argmax\(axis=1\)",
    ),
    "floats for classes": (
        lambda: softmax_crossentropy(ones(2, 3), [0.0, 1.0]),
        TypeError,
        "y_true has dtype float64",
        r"np\.asarray\(y_true, dtype=int\)",
    ),
}  # fmt: skip


def said(error: BaseException) -> str:
    """What a user reads: the message, and the notes below."""
    return "".join(traceback.format_exception_only(error)).rstrip()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_and_mended(mistake):
    call, error, what, mend = MISTAKES[mistake]
    with pytest.raises(error) as raised:
        call()
    assert re.search(what, said(raised.value))
    assert re.search(mend, said(raised.value))


def test_the_page_lists_them_in_order():
    numbers = re.findall(r"^### (\d+)\. ", PAGE.read_text(), flags=re.MULTILINE)
    assert [int(each) for each in numbers] == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 20
    sections = PAGE.read_text().split("\n### ")[1:]
    assert [each.split("\n")[0] for each in sections if "Traceback" not in each] == []


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=2),
    taps=st.integers(1, 4),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
)
@settings(deadline=None, max_examples=200)
def test_the_padding_in_the_message_fits(sizes, taps, stride, dilation, before, after):
    padding = ((before, after),) * len(sizes)
    x, w = np.ones((1, 1, *sizes)), np.ones((1, 1, *(taps,) * len(sizes)))
    arguments = {"stride": stride, "dilation": dilation}
    try:
        conv_nd(x, w, padding=padding, **arguments)
    except InvalidConvolution as error:
        found = re.search(r"^padding=(.*?) would fit", str(error), flags=re.MULTILINE)
        assert found
        fitting = literal_eval(found[1])
        conv_nd(x, w, padding=fitting, **arguments)
        avg_pool(x, (taps,) * len(sizes), padding=fitting, **arguments)
        if 'fit="floor" would' in str(error):
            conv_nd(x, w, padding=padding, fit="floor", **arguments)


def test_the_table_marks_the_rows_that_do_not_fit():
    with pytest.raises(InvalidConvolution) as raised:
        conv_nd(ones(1, 1, 6, 7, 8), ones(1, 1, 2, 3, 9), stride=(3, 2, 1), dilation=(1, 2, 1))
    head, *rows = [line for line in str(raised.value).splitlines() if " | " in line]
    assert [cell.strip() for cell in head.split("|")] == [
        "axis", "size", "padding", "dilated filter", "stride", "output"
    ]  # fmt: skip
    assert [row.endswith("<-- does not fit") for row in rows] == [True, False, True]
    assert [cell.strip() for cell in rows[1].split("|")] == ["1", "7", "0", "5", "2", "2"]


def test_a_name_unlike_any_gets_no_suggestion():
    with pytest.raises(InvalidConvolution) as raised:
        conv_nd(ones(1, 1, 6), ones(1, 1, 3), stride=1, padding="xyz")
    assert "Did you mean" not in str(raised.value)


def test_nothing_has_changed_after_a_mistake():
    x = mg.tensor([1.0, 2.0])
    for wrong in (lambda: x + ones(3), lambda: x @ ones(3), lambda: onto(x, ones(3)), lambda: x.sum(axis=3)):
        before = copy.copy(x.data)
        with pytest.raises(ValueError):
            wrong()
        np.testing.assert_array_equal(x.data, before)
        assert x.data.flags.writeable
