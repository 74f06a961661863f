"""What a notebook shows of a tensor."""

import re
import struct
import zlib
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest

import mygrad as mg


class Balanced(HTMLParser):
    """Fails at a tag that closes what is not open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass


def shown(x):
    text = x._repr_html_()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return text


def pixels(text):
    png = b64decode(re.search(r"base64,([^\"]+)", text).group(1))
    assert png.startswith(b"\x89PNG")
    columns, rows = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[start - 4 : start])
    data = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + size]), np.uint8)
    return data.reshape(rows, columns + 1)[:, 1:]


def test_what_is_said():
    text = shown(mg.tensor([1.0, np.nan, 4.0, np.inf, -2.0], dtype="float32", constant=True))
    for words in ("(5,) float32, constant", "min -2, mean 1, max 4", "1 nan; 1 inf", "<polyline", "nan"):
        assert words in text
    assert "grad" not in text


def test_the_picture_of_a_matrix_and_of_the_first_of_many():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(pixels(shown(mg.tensor(x))), np.rint(x * 51))
    np.testing.assert_array_equal(pixels(shown(mg.tensor(np.stack([x, -x])))), np.rint(x * 51))
    assert max(pixels(shown(mg.zeros((1000, 130)))).shape) <= 64


def test_the_gradient_is_folded_away():
    x = mg.tensor([1.0, 2.0])
    (3 * x).sum().backward()
    text = shown(x)
    assert "min 3, mean 3, max 3" in text.split("<summary>grad</summary>")[1]
    assert repr(x) == "Tensor([1., 2.])"
    np.testing.assert_array_equal(x.grad, [3, 3])


@pytest.mark.parametrize(
    "data",
    [2.0, np.zeros((0, 3)), [True, False], [1, 2], [1j, 3 + 4j], [[np.nan, np.nan]], np.ones((2, 2, 2, 2))],
)
def test_anything_can_be_shown(data):
    assert "Tensor" in shown(mg.tensor(data))


def test_large_tensors_cost_little():
    text = shown(mg.tensor(np.arange(3 << 20, dtype=np.float32)))
    assert "of every 3th element" in text
    assert len(text) < 10_000
