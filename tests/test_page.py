"""Every example of the documentation page of `conv_nd`, in its order, prints what the page prints.

Corrected here: in "typical usage" the page closes one parenthesis too many after `rand(10, 3, 32, 32)` and
`rand(5, 3, 2, 2)`; and the filter of the volume, whose comment says Wz=2, is written with 32 where 2 is
meant. The page's own photograph is replaced by one that matplotlib carries.
"""

import matplotlib.image as mpimg
import numpy as np
import pytest
from matplotlib import cbook
from numpy.testing import assert_array_equal

import mygrad as mg
import mygrad.nnet
import mygrad.nnet.layers


@pytest.fixture(params=[mygrad.nnet, mygrad.nnet.layers], ids=["nnet", "nnet.layers"])
def conv_nd(request: pytest.FixtureRequest):
    """The page imports it from both places."""
    return request.param.conv_nd


@pytest.fixture
def square_wave():
    x = mg.zeros((1, 1, 16))
    x[..., 5:11] = 1
    return x


def printed(text: str) -> str:
    """One line, so that a test does not depend on where a long row is broken."""
    return " ".join(text.split())


def test_square_wave_gives_a_triangle(conv_nd, square_wave):
    k = mg.ones((1, 1, 5))
    assert repr(conv_nd(square_wave, k, stride=1)) == (
        "Tensor([[[0., 1., 2., 3., 4., 5., 5., 4., 3., 2., 1., 0.]]], dtype=float32)"
    )


def test_back_propagation_through_the_summed_convolution(conv_nd, square_wave):
    k = mg.ones((1, 1, 5))
    conv_nd(square_wave, k, stride=1).sum().backward()
    assert printed(repr(square_wave.grad)) == (
        "array([[[1., 2., 3., 4., 5., 5., 5., 5., 5., 5., 5., 5., 4., 3., 2., 1.]]], dtype=float32)"
    )
    # The page prints this one without its dtype. MyGrad 2.5 itself prints float32, as it must: `mg.ones` is
    # float32, and a gradient has the dtype of its tensor.
    assert repr(k.grad) == "array([[[6., 6., 6., 6., 6.]]], dtype=float32)"


def test_edges_of_a_photograph(conv_nd):
    img = mpimg.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    x = img.transpose(2, 0, 1)[:, None, :, :]
    kernel = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    kernel = kernel.reshape(1, 1, *kernel.shape)
    processed = conv_nd(x, kernel, stride=(1, 1))
    processed = processed.data.squeeze().transpose(1, 2, 0)
    assert_array_equal(processed, nine_times_center_less_neighborhood(img.astype(int)))


def nine_times_center_less_neighborhood(img: np.ndarray) -> np.ndarray:
    """What the edge kernel computes, by shifting the picture instead of sliding a filter."""
    height, width = img.shape[0] - 2, img.shape[1] - 2
    neighborhood = sum(img[i : i + height, j : j + width] for i in range(3) for j in range(3))
    return 9 * img[1:-1, 1:-1] - neighborhood


def test_batch_of_color_images(conv_nd):
    x = mg.random.rand(10, 3, 32, 32)
    k = mg.random.rand(5, 3, 2, 2)
    assert conv_nd(x, k, stride=2).shape == (10, 5, 16, 16)


def test_volume(conv_nd):
    x = mg.random.rand(1, 1, 10, 12, 10)
    k = mg.random.rand(2, 1, 3, 1, 2)
    assert conv_nd(x, k, stride=1).shape == (1, 2, 8, 12, 9)
