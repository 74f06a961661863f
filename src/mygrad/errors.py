"""The exceptions that a user may want to catch."""

__all__ = [
    "DisconnectedView",
    "InvalidBackprop",
    "InvalidConvolution",
    "InvalidGradient",
    "MyGradException",
]


class MyGradException(Exception):  # noqa: N818 - the name is public API
    """Root of the exceptions that only mygrad raises."""


class InvalidGradient(MyGradException):
    """A rule returned something that cannot be a gradient."""


class InvalidBackprop(MyGradException):
    """Back-propagation reached a part of the graph that was cleared before."""


class DisconnectedView(MyGradException):
    """A view no longer belongs to the graph of its base."""


class InvalidConvolution(ValueError, AssertionError):  # noqa: N818
    """A stride, padding, dilation or grid that no convolution can have.

    It is a `ValueError`, and for code written for MyGrad 2.5 an `AssertionError` as well.
    """
