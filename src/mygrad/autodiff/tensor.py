"""`Tensor`: a mutable handle on an immutable node, and NumPy's protocols.

It knows no particular function: operators, methods and NumPy's overrides all look in the tables of
`overrides`.
"""

import sys
import weakref
from collections.abc import Callable, Iterator
from types import MemberDescriptorType
from typing import Any

import numpy as np

from mygrad.autodiff import graph, modes
from mygrad.autodiff.conversions import CONVERTING, converted
from mygrad.autodiff.dtypes import conjugated, has_gradient, is_number, refuse
from mygrad.autodiff.graph import LAZY, Gradients, Node
from mygrad.autodiff.guard import guard
from mygrad.autodiff.hints import explain
from mygrad.autodiff.masked import InMaskedArrays
from mygrad.autodiff.operators import Methods, Operators
from mygrad.autodiff.overrides import PUBLIC, late
from mygrad.autodiff.views import View, register, views_of
from mygrad.errors import InvalidBackprop

__all__ = ["Tensor", "record"]

Array = np.ndarray[Any, Any]
_mode: Callable[[], modes.Mode] = modes.current.get


def checked_constant(array: Array, constant: bool | None) -> bool:
    """Decide the flag of a new tensor; refuse data that no tensor can have."""
    if constant is not None and not isinstance(constant, bool):
        raise TypeError(f"`constant` must be True, False or None; got {constant!r}")
    if has_gradient(array.dtype) or not modes.tracking():
        return not has_gradient(array.dtype) if constant is None else constant
    if not is_number(array.dtype):
        refuse(array)
    if constant is False:
        raise ValueError(
            "Integer-valued tensors must be treated as constants.\n"
            f"Only floats have a gradient, and these data are {array.dtype}: pass dtype=float."
        )
    return True


class Tensor(Methods, Operators, InMaskedArrays):
    """A NumPy-like array that knows how it was computed.

    Parameters
    ----------
    x : ArrayLike
        Any shape; floating, complex, integer or boolean data.
    dtype : DTypeLike, optional
        The type of the elements; that of `x` by default.
    constant : bool, optional
        A constant takes part in computations but has no gradient. Integers and booleans always are.
    copy : bool
        Whether to copy `x`, which shares its memory otherwise where it can.
    ndmin : int
        Least number of axes; missing ones of size 1 are put in front.

    Raises
    ------
    TypeError
        For data that is not floating, complex, integer or boolean, and a `constant` that is not a bool.
    ValueError
        For integers with ``constant=False``.

    Examples
    --------
    >>> import mygrad as mg
    >>> x = mg.tensor([1.0, 2.0, 3.0])
    >>> y = (x**2).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ("__dict__", "__weakref__", "_grad", "_node", "_view", "_views")
    __array_priority__: float = 15.0
    __hash__ = None  # type: ignore[assignment]

    _node: Node
    _grad: Array | None
    _view: View | None
    _views: list[Any] | None

    def __init__(
        self,
        x: Any,
        *,
        dtype: Any = None,
        constant: bool | None = None,
        copy: bool = True,
        ndmin: int = 0,
        _creator: None = None,
        _base: None = None,
    ) -> None:
        # subclasses hand on the last two, which the constructor of MyGrad 2.5 had and nobody needs
        source = x._node.value if isinstance(x, Tensor) else x
        try:
            array = np.array(source, dtype=dtype, copy=copy or None, ndmin=max(ndmin, 0), subok=False)
        except ValueError as error:
            explain(error, (source,))
            raise
        self._hold(Node(array, checked_constant(array, constant)))

    def _hold(self, node: Node) -> None:
        self._node = node
        self._grad = None
        self._view = None
        self._views = None
        graph.attach(node, self)

    # -- what it is ---------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The array of values. It is read-only while the tensor is part of a graph."""
        return self._node.expose()

    @data.setter
    def data(self, array: Any) -> None:
        old = self._node
        array = np.asarray(array)
        if array is not old.value:  # what was computed from the old values keeps them, and its gradient
            self._node = old.with_value(array)
            graph.attach(self._node, self)

    @property
    def constant(self) -> bool:
        """Whether the tensor has no gradient."""
        return self._node.constant

    @property
    def grad(self) -> Array | None:
        """The gradient that the last `backward` left here, or None; of the tensor's shape and dtype.

        That of a real L with respect to a complex z = x + iy is dL/dx + i dL/dy, the direction of steepest
        ascent: ``z -= rate * z.grad`` descends.
        """
        return self._grad if self._view is None else self._view.gradient()

    @property
    def creator(self) -> Any:
        """The operation that made this tensor, with its `variables` and parameters; None for a leaf."""
        node = self._node
        if node.operation is None or node.operation is graph.CLEARED:
            return None
        return node.operation.creator(node)  # type: ignore[attr-defined]

    @property
    def base(self) -> "Tensor | None":
        """The tensor whose memory this one views, or None."""
        return None if self._view is None else self._view.base

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._node.value.dtype

    @property
    def ndim(self) -> int:
        return self._node.value.ndim

    @property
    def size(self) -> int:
        return self._node.value.size

    # -- the calculus -------------------------------------------------------------------------

    def backward(self, grad: Any = None) -> None:
        """Compute the gradient of this tensor with respect to everything it was computed from.

        Afterwards every variable tensor upstream has its `.grad`, and the graph is cleared.

        Parameters
        ----------
        grad : ArrayLike, optional
            The gradient to start from, broadcast to this tensor's shape; ones by default, so a
            tensor that is not a scalar is differentiated as if summed. For a complex tensor it must be
            given: dL/dx + i dL/dy of the real L that is differentiated.

        Raises
        ------
        TypeError
            For a complex tensor without `grad`, and a real one with a complex `grad`.
        ValueError
            If `grad` does not broadcast to the shape of the tensor.
        InvalidBackprop
            If part of the graph was cleared by an earlier `backward` or `clear_graph`.

        Examples
        --------
        >>> import mygrad as mg
        >>> x = mg.tensor([1.0, 2.0])
        >>> (3 * x).backward([1.0, 10.0])
        >>> x.grad
        array([ 3., 30.])
        """
        if not _mode().track:
            return
        node = self._node
        if node.constant:
            self.clear_graph()
            return
        nodes = graph.upstream(node)
        gradients = Gradients()
        gradients[node] = seed(self, grad)
        try:
            graph.pull_back(nodes, gradients)
        except InvalidBackprop:
            forget(nodes)
            self._grad = gradients.get(node)
            raise
        store(gradients)
        graph.clear(nodes)

    @classmethod
    def _op(cls, Op: Any, *input_vars: Any, **keywords: Any) -> "Tensor":
        """Do what `mygrad.execute_op` does: the name that it had for long."""
        return PUBLIC["execute_op"](Op, *input_vars, **keywords)

    def clear_graph(self) -> None:
        """Forget how this tensor, and everything upstream of it, was computed."""
        graph.clear(graph.upstream(self._node))

    def null_grad(self) -> "Tensor":
        """Set the gradient to None, and return the tensor."""
        self._grad = None
        if self._view is not None:
            self._view.last = None
        return self

    def _cleared(self, leaf: Node) -> None:
        if leaf.value is not self._node.value:  # it was given other data since
            leaf = Node(self._node.value, leaf.constant)
        leaf.handle = self._node.handle
        self._node = leaf
        if self._view is not None:
            self._view.finish()
        if self._views is not None:
            for _, view in views_of(self):
                view.connected = False

    def _used(self, *, as_view: bool) -> None:
        """Enter an operation: old gradients go, and a view whose graph was cleared is one no more."""
        if self._view is not None and self._view.over:
            self._view, self._grad = None, self._view.gradient()
        if not as_view:
            self._grad = None

    def _move(self, node: Node) -> None:
        """Make this the handle on `node`, the result of a write."""
        self._node.handle = graph.nobody
        self._node = node
        self._grad = None
        graph.attach(node, self)

    def _moved_to(self, other: "Tensor") -> "Tensor":
        """Make `other` the handle on the node of this tensor, which was just made and which nobody holds."""
        other._node, other._view = self._node, self._view
        graph.attach(self._node, other)
        if self._view is not None:
            register(self._view.base, other)
        return other

    # -- NumPy's protocols --------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        try:
            if _frame(1).f_globals.get("__name__") in CONVERTING:
                return np.array(converted(self, _frame(1)), dtype=dtype, copy=copy, subok=True)
        except ValueError as error:
            if "call stack" not in str(error):
                raise
        if dtype is None and not copy:
            return self._node.expose()
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return repr(self._node.value).replace("array(", "Tensor(", 1).replace("\n", "\n ")

    def _repr_html_(self) -> str:
        return late("html")(self)

    def __len__(self) -> int:
        return len(self._node.value)

    def __bool__(self) -> bool:
        return bool(self._node.value)

    def __contains__(self, item: Any) -> bool:
        return (item._node.value if isinstance(item, Tensor) else item) in self._node.value

    def __index__(self) -> int:
        return self._node.value.__index__()

    def __float__(self) -> float:
        return float(self._only())

    def __int__(self) -> int:
        return int(self._only())

    def __complex__(self) -> complex:
        return complex(self._only())

    def _only(self) -> Any:
        if self.size > 1:
            raise TypeError(_NOT_ONE.format(self.shape))
        return self._node.value.item()

    def item(self) -> Any:
        """Return the one element of a tensor of size 1 as a Python number."""
        if self.size != 1:
            raise ValueError(_NOT_ONE.format(self.shape))
        return self._node.value.item()

    def __iter__(self) -> Iterator["Tensor"]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> Any:
        extra = {**self.__dict__, **slots_of(self)}
        return _restore, (type(self), self._node.value, self.constant, self._grad, extra)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be the tensor that a pickle of MyGrad 2.5 describes."""
        self._hold(Node(np.asarray(state.pop("data")), state.pop("_constant")))
        self._grad = state.pop("_grad")
        self.__dict__.update({name: value for name, value in state.items() if name not in _GRAPH_OF_2})

    def __deepcopy__(self, memo: Any) -> "Tensor":
        return late("deepcopy")(self, memo)

    def copy(self, *, constant: bool | None = None) -> "Tensor":
        """Return a leaf with a copy of the data and of the gradient."""
        flag = self.constant if constant is None else constant
        made = Tensor(self._node.value, constant=flag)
        made._grad = None if self.grad is None else np.array(self.grad)
        return made

    def __copy__(self) -> "Tensor":
        return self.copy()


def _restore(cls: type[Tensor], array: Array, constant: bool, grad: Array | None, extra: Any) -> Tensor:
    made = cls.__new__(cls)
    made._hold(Node(array, constant))
    made._grad = grad
    for name, value in extra.items():
        if isinstance(getattr(cls, name, None), MemberDescriptorType):
            object.__setattr__(made, name, value)
        else:
            made.__dict__[name] = value
    return made


def slots_of(tensor: Tensor) -> dict[str, Any]:
    """Return what the slots hold that a subclass of `Tensor` has of its own."""
    own = [vars(kind) for kind in type(tensor).__mro__ if issubclass(kind, Tensor) and kind is not Tensor]
    names = [n for each in own for n, slot in each.items() if isinstance(slot, MemberDescriptorType)]
    return {name: getattr(tensor, name) for name in names if hasattr(tensor, name)}


Tensor.__module__ = "mygrad.tensor_base"  # its path since MyGrad 2, by which pickles find it
_GRAPH_OF_2 = {"_creator", "_ops", "_base", "_view_children", "_view_grad"}
_NOT_ONE = (
    "can only convert a tensor of size 1 to a Python scalar; this one has the shape {}.\n"
    "Choose an element, as x[0] does, or reduce to one, as x.sum() does. For functions of math, use NumPy's."
)
_COMPLEX_END = (
    "a tensor of shape {} and dtype {} has no gradient to start from: complex numbers have no order, so only "
    "a real one can be made smaller or larger. Go back from one, such as np.abs(y).sum() or "
    "np.real(y).sum(), or pass backward(grad)"
)


def seed(tensor: Tensor, grad: Any) -> Array:
    """Return the gradient to start from: an array of the tensor's shape and dtype."""
    value = tensor._node.value
    if grad.__class__ is np.ndarray and grad.dtype is value.dtype and grad.shape == value.shape:
        return np.asarray(conjugated(grad))
    if grad is None:
        if value.dtype.kind == "c":
            raise TypeError(_COMPLEX_END.format(value.shape, value.dtype))
        return np.ones(value.shape, value.dtype) if value.ndim else np.array(1, value.dtype)
    given = np.asarray(grad._node.value if isinstance(grad, Tensor) else grad)
    if given.dtype.kind == "c" and value.dtype.kind != "c":
        raise TypeError(f"the gradient of a tensor of dtype {value.dtype} is real; got one of {given.dtype}")
    given = np.asarray(conjugated(given.astype(value.dtype, copy=False)))
    if given.shape == value.shape:
        return given
    try:
        return np.array(np.broadcast_to(given, value.shape))
    except ValueError:
        raise ValueError(
            f"backward(grad) of a tensor of shape {value.shape} was given a grad of shape {given.shape}, "
            f"which does not broadcast to it.\nPass one of shape {value.shape}, or one number for all."
        ) from None


def forget(nodes: list[Node]) -> None:
    """Reset the gradients of all tensors on a way that turned out to be cut."""
    for node in nodes:
        handle = node.handle()
        if handle is not None:
            handle._grad = None


def store(gradients: Gradients) -> None:
    """Hand each gradient to its tensor; no two tensors get the same memory, nobody gets locked memory."""
    taken: dict[int, Array] = {}
    for node, g in gradients.items():
        handle = node.handle()
        if handle is not None and (handle._view is None or not handle._view.connected):
            if g.__class__ is not np.ndarray or g.dtype.kind == "c":
                g = np.asarray(conjugated(np.asarray(g)))
            if g.dtype is not node.value.dtype:  # NumPy's results are in the byte order of the host
                g = g.astype(node.value.dtype, copy=False)
            if id(g) in taken or (taken and (g.base is not None or not g.flags.writeable)):
                g = np.array(g)
            handle._grad = g
        # else nobody looks, or it is seen through the gradient of the base
        taken[id(g)] = g


def record(
    operation: Any,
    args: Any,
    value: Any,
    params: Any = None,
    constant: bool | None = None,
    as_view: bool = False,
    values: Any = None,
) -> Tensor:
    """Return the tensor of `value`, the result of `operation` on `args`, connected to its inputs.

    `values` are the arrays and scalars of `args`, where those that are no tensors may be anything.
    """
    track, guarded, _ = _mode()
    if value.__class__ is not np.ndarray:
        value = np.asarray(value)
    if not track:
        return leaf(value, checked_constant(value, constant))
    if guarded is None:
        guarded = modes._Process.guard
    inputs, holds, varies = [], [], False
    for x, plain in zip(args, args if values is None else values):  # noqa: B905 - checking takes 100 ns
        if isinstance(x, Tensor):
            if as_view or x._view is not None:
                x._used(as_view=as_view)
            else:
                x._grad = None
            plain = x._node
            plain.used = True
            varies = varies or not plain.constant
            if guarded and plain.guard is None:
                holds.append(guard(plain.value))
        elif guarded and plain.__class__ is np.ndarray:
            holds.append(guard(plain))
        inputs.append(plain)
    if constant is not None or value.dtype.kind not in "fc":
        varies = not checked_constant(value, True if constant is None and not varies else constant)
    lock = None if not guarded else guard(value, ours=True) if as_view else LAZY
    return of_node(Node(value, not varies, operation, inputs, params, lock, holds))


def mark_used(args: Any) -> None:
    """Tell the tensors among `args` that an operation, no view, has used them."""
    for x in args:
        if isinstance(x, Tensor):
            x._used(as_view=False)


_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
_new: Callable[[type[Tensor]], Tensor] = object.__new__
_reference: Callable[[Tensor], Callable[[], Tensor | None]] = weakref.ref


def of_node(node: Node) -> Tensor:
    """Return a new handle that `node` knows."""
    made = _new(Tensor)
    made._node, made._grad, made._view, made._views = node, None, None, None
    node.handle = _reference(made)
    return made


def leaf(value: Array, constant: bool) -> Tensor:
    return of_node(Node(value, constant))


def stand_in(node: Node) -> Tensor:
    """Return a handle that `node` does not know: to compute with it leaves the real one as it is."""
    made = Tensor.__new__(Tensor)
    made._node, made._grad, made._view, made._views = node, None, None, None
    return made
