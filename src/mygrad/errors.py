"""The exceptions that a user may want to catch."""

__all__ = [
    "DisconnectedView",
    "InvalidBackprop",
    "InvalidConvolution",
    "InvalidGradient",
    "MyGradException",
    "NotAnInteger",
]


class MyGradException(Exception):  # noqa: N818 - the name is public API
    """Root of the exceptions that only mygrad raises.

    Examples
    --------
    >>> from mygrad.errors import InvalidBackprop, MyGradException
    >>> issubclass(InvalidBackprop, MyGradException)
    True
    """


class InvalidGradient(MyGradException):
    """A rule returned something that cannot be a gradient.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.operation_base import Operation
    >>> class Forgetful(Operation):
    ...     def __call__(self, x):
    ...         self.variables = (x,)
    ...         return 3 * x.data
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return None
    >>> y = mg.execute_op(Forgetful, mg.tensor(1.0))
    >>> y.backward()
    Traceback (most recent call last):
        ...
    mygrad.errors.InvalidGradient: ...
    """


class InvalidBackprop(MyGradException):
    """Back-propagation reached a part of the graph that was cleared before.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor(1.0)
    >>> y, z = 2 * x, 3 * x
    >>> y.backward()  # clears the graph of y, and with it x, which z was computed from
    >>> z.backward()
    Traceback (most recent call last):
        ...
    mygrad.errors.InvalidBackprop: ...
    """


class DisconnectedView(MyGradException):
    """A view no longer belongs to the graph of its base.

    Nothing here raises it; code written for MyGrad 2.5 may catch it.

    Examples
    --------
    >>> from mygrad.errors import DisconnectedView, MyGradException
    >>> issubclass(DisconnectedView, MyGradException)
    True
    """


class InvalidConvolution(ValueError, AssertionError):  # noqa: N818
    """A stride, padding, dilation or grid that no convolution can have.

    It is a `ValueError`, and for code written for MyGrad 2.5 an `AssertionError` as well.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.errors import InvalidConvolution
    >>> from mygrad.nnet import conv_nd
    >>> try:
    ...     conv_nd(mg.ones((1, 1, 6)), mg.ones((1, 1, 3)), stride=2)
    ... except InvalidConvolution:
    ...     print("six elements do not fit")
    six elements do not fit
    """


class NotAnInteger(InvalidConvolution, TypeError):  # noqa: N818
    """A stride, padding, dilation or number of groups that is not a whole number.

    It is what MyGrad 2.5 raised for True, for 1.5 and for "a": `AssertionError`, `TypeError`, `ValueError`.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.errors import NotAnInteger
    >>> from mygrad.nnet import conv_nd
    >>> try:
    ...     conv_nd(mg.ones((1, 1, 6)), mg.ones((1, 1, 3)), stride=1.5)
    ... except NotAnInteger:
    ...     print("1 or 2?")
    1 or 2?
    """
