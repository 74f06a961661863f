"""The forms a differentiable function can take: what the rules of many functions share.

A rule is a plain NumPy expression in ``g, y, *inputs``: given arrays it returns an array, given tensors
a tensor that can itself be differentiated. The form does what the rule then need not know:
broadcasting, ``where=``, ``out=``, dtypes, keywords, and views.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from mygrad.autodiff import modes, signatures
from mygrad.autodiff.creators import Creator
from mygrad.autodiff.dtypes import has_gradient, is_bfloat16, is_number, refuse
from mygrad.autodiff.graph import LAZY, Gradients, Node
from mygrad.autodiff.guard import guard
from mygrad.autodiff.hints import explain
from mygrad.autodiff.masked import unmasked
from mygrad.autodiff.overrides import FUNCTIONS, PUBLIC, UFUNCS
from mygrad.autodiff.tensor import Tensor, leaf, mark_used, of_node, record
from mygrad.autodiff.views import Step, View, register
from mygrad.autodiff.writes import write
from mygrad.concurrency import once

__all__ = ["Elementwise", "Function", "Joining", "array_of", "cast", "fit", "override"]

Array = np.ndarray[Any, Any]
Rule = Callable[..., Any]
current_mode: Callable[[], modes.Mode] = modes.current.get
_UFUNC_KEYWORDS = {"out", "where", "dtype", "casting", "order", "subok"}  # axes= would need rules of its own
_MATMUL_KEYWORDS = _UFUNC_KEYWORDS - {"where"}
_NAMES = (("x", "x1"), ("y", "x2"))  # mygrad's and NumPy's
_PYTHON = (float, int, complex)
_SCALARS = (np.number, np.bool_)


def array_of(x: Any) -> Any:
    """Return the array of a tensor or array-like; scalars as they are, since they promote weakly."""
    if isinstance(x, Tensor):
        return x._node.value
    if isinstance(x, _PYTHON):
        return x
    if x.__class__ is not np.ndarray and not isinstance(x, _SCALARS):
        x = unmasked(x)
    if x.dtype.kind not in "fbiuc" and not is_number(x.dtype) and modes.tracking():
        refuse(x)
    return x


class Primitive:
    """A function with a rule for each input, called as ``rule(g, y, *inputs, **params)``."""

    name = "primitive"
    rules: tuple[Any, ...] = ()
    facts: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    """What `creator` tells, computed of the inputs and parameters."""

    def creator(self, node: Node) -> Any:
        return Creator(self, node)

    def __deepcopy__(self, memo: Any) -> "Primitive":
        return self

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        sources, wanted, params = node.inputs, gradients.wanted, node.params
        if gradients.lift is None:
            inputs, y = [x.value if type(x) is Node else x for x in sources], node.value
        else:
            inputs, y = gradients.see(sources), gradients.see_output(node)
        for i, x in enumerate(sources):
            if type(x) is Node and not x.constant and (wanted is None or x in wanted):
                given = self.gradient(i, g, y, inputs, params)
                if given is not None:
                    give(gradients, x, given)

    def gradient(self, i: int, g: Any, y: Any, inputs: list[Any], params: Any) -> Any:
        rule = self.rules[i]
        return None if rule is None else rule(g, y, *inputs, **params)


def fit(g: Any, like: Array) -> Any:
    """Sum `g` over the axes along which `like` was broadcast, and cast it to the dtype of `like`."""
    if g.shape != like.shape:
        if is_bfloat16(g.dtype):  # 256 + 1 is 256
            g = cast.either(g, dtype=np.float32)
        extra = g.ndim - like.ndim
        stretched = tuple(
            extra + i for i, size in enumerate(like.shape) if size == 1 and g.shape[extra + i] != 1
        )
        g = g.sum(axis=(*range(extra), *stretched), keepdims=True).reshape(like.shape)
    return g if g.dtype == like.dtype else cast.either(g, dtype=like.dtype)


def give(gradients: Gradients, node: Node, g: Any) -> None:
    """Add `g` to the gradient of `node`, in its shape and dtype."""
    value = node.value
    if g.shape != value.shape or g.dtype is not value.dtype:
        g = fit(g, value)
    if node in gradients:
        gradients.give(node, g)
    else:
        gradients[node] = g


class Elementwise(Primitive):
    """A ufunc with rules: from then on, it takes tensors.

    Rules see broadcast operands; sums over broadcast axes, ``where=``, ``out=`` and ``dtype=`` are done here.

    Parameters
    ----------
    ufunc : numpy.ufunc
        NumPy's, or anybody's: ``ufunc(tensor)`` is recorded in the whole process.
    *rules : callable
        One for each operand, called as ``rule(g, y, *operands)``: a NumPy expression that returns the
        gradient of the operand, given `g`, that of the result `y`; it is differentiated in turn.

    Examples
    --------
    >>> import mygrad as mg
    >>> import numpy as np
    >>> from mygrad.operation_base import Elementwise
    >>> from scipy.special import erf
    >>> error = Elementwise(erf, lambda g, y, x: g * 2 / np.sqrt(np.pi) * np.exp(-(x**2)))
    >>> error
    <mygrad-ufunc 'erf'>
    >>> mg.grad(erf)(0.0), mg.grad(mg.grad(erf))(1.0)
    (Tensor(1.12837917), Tensor(-0.83021499))
    """

    rules: tuple[Rule, ...]

    ufunc: Any
    name: str
    __name__: str

    def __init__(self, ufunc: Any, *rules: Rule) -> None:
        self.ufunc, self.rules = ufunc, rules
        self.name = self.__name__ = self.__qualname__ = ufunc.__name__
        self.__doc__ = ufunc.__doc__
        UFUNCS[ufunc] = PUBLIC[ufunc] = self

    def __repr__(self) -> str:
        return f"<mygrad-ufunc '{self.name}'>"

    def __getattr__(self, name: str) -> Any:  # nin, nout, identity, ...
        return getattr(self.ufunc, name)

    def __reduce__(self) -> Any:
        return _declared, (self.ufunc,)

    @property
    def __signature__(self) -> inspect.Signature:
        return signatures.of_ufunc(self.ufunc)

    @property
    def types(self) -> list[str]:
        return signatures.real_types(self.ufunc)

    @property
    def ntypes(self) -> int:
        return len(self.types)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords or len(args) != self.ufunc.nin:
            return self._with_keywords(args, **keywords)
        return self.apply(*args)

    def apply(self, *args: Any) -> Tensor:
        """Do what `record` does, for operands only: small programs spend their time here."""
        track, guarded, _ = current_mode()
        if guarded is None:
            guarded = modes._Process.guard
        values, inputs, holds, varies, used = [], [], None, False, False
        try:
            for x in args:
                if isinstance(x, Tensor):
                    used = used or x._grad is not None or x._view is not None
                    x = x._node
                    x.used = True
                    values.append(x.value)
                    varies = varies or not x.constant
                    lock = x.guard is None
                else:
                    if x.__class__ is not float:
                        x = array_of(x)
                    values.append(x)
                    lock = x.__class__ is np.ndarray
                inputs.append(x)
                if lock and guarded and track:
                    holds = [guard(values[-1]), holds]
            value = self.ufunc(*values)
        except BaseException as error:
            holds = None  # a traceback keeps this frame, which is not to keep arrays read-only
            explain(error, [*values, *args[len(values) :]])  # the first that is no array has no value yet
            raise
        if value.__class__ is not np.ndarray:
            value = np.asarray(value)
        if not track:
            return leaf(value, not has_gradient(value.dtype))
        if used:
            mark_used(args)
        return of_node(Node(value, not varies, self, inputs, None, LAZY if guarded else None, holds))

    def _with_keywords(self, args: Any, constant: bool | None = None, **keywords: Any) -> Any:
        nin = self.ufunc.nin
        for names in _NAMES[len(args) : nin]:
            args = (*args, keywords.pop(_given(self.name, names, keywords)))
        if len(args) > nin + 1:
            raise TypeError(f"{self.name}() takes {nin} operands and `out`; {len(args)} arguments were given")
        if len(args) > nin:
            keywords["out"], args = args[nin], args[:nin]
        if unknown := keywords.keys() - (_MATMUL_KEYWORDS if self.ufunc.signature else _UFUNC_KEYWORDS):
            raise TypeError(f"mygrad.{self.name}() does not take {', '.join(sorted(unknown))}")
        out = _single(keywords.pop("out", None))
        where = keywords.pop("where", True)
        mask = None if where is True else np.array(where, dtype=bool)  # somebody may write into theirs
        values = [array_of(x) for x in args]
        operands = [x if isinstance(x, Tensor) else v for x, v in zip(args, values, strict=True)]
        if isinstance(out, Tensor):
            return write(out, lambda old: self._onto(old, operands, values, mask, keywords))
        if mask is not None:
            keywords["where"] = mask
        if out is not None and modes.tracking() and modes.guarding() and any(x is out for x in values):
            raise ValueError(
                "output array is read-only: it is an input as well, which the graph needs as it is.\n"
                "Write a = a + x, which makes a tensor, or a += x.data for its values alone."
            )
        value = self._computed(values, out, keywords)
        made = record(self, operands, value, mask, constant)
        return _locked(made) if out is not None else made

    def _onto(self, old: Tensor, operands: Any, values: Any, mask: Any, keywords: dict[str, Any]) -> Tensor:
        """Compute into what was `old`; where the mask is false, `old` is one of the operands."""
        if mask is None:
            target = np.empty_like(old._node.value)
        else:
            target, operands = np.array(old._node.value), [*operands, old]
            keywords["where"] = mask
        self._computed(values, target, keywords)
        return record(self, operands, target, mask, old.constant)

    def _computed(self, values: Any, out: Any, keywords: dict[str, Any]) -> Any:
        try:
            return self.ufunc(*values, out=out, **keywords)
        except (ValueError, TypeError) as error:
            explain(error, [*values, *(x for x in (keywords.get("where"), out) if x is not None)])
            raise

    def pull(self, node: Node, g: Any, gradients: Gradients) -> None:
        """Do as every primitive does; the usual case, arrays and no mask, without a detour."""
        inputs = node.inputs
        if gradients.lift is not None or node.params is not None or gradients.wanted is not None:
            super().pull(node, g, gradients)
        elif len(inputs) == 1:
            (x,) = inputs
            if x.__class__ is Node and not x.constant:  # not so where the result was declared a variable
                give(gradients, x, self.rules[0](g, node.value, x.value))
        else:
            a, b = inputs
            left = a.value if a.__class__ is Node else a
            right = b.value if b.__class__ is Node else b
            if a.__class__ is Node and not a.constant:
                give(gradients, a, self.rules[0](g, node.value, left, right))
            if b.__class__ is Node and not b.constant:
                give(gradients, b, self.rules[1](g, node.value, left, right))

    def gradient(self, i: int, g: Any, y: Any, inputs: list[Any], params: Any) -> Any:
        nin = len(self.rules)
        if i == nin:
            return np.where(params, 0, g)
        if params is None:
            return self.rules[i](g, y, *inputs[:nin])
        with np.errstate(all="ignore"):  # where the mask is false, `y` is whatever was there
            return np.where(params, self.rules[i](g, y, *inputs[:nin]), 0)


def _declared(function: Any) -> Any:
    """Find again, when unpickled, what NumPy's function is to tensors."""
    return PUBLIC[function]


def _given(function: str, names: Sequence[str], keywords: dict[str, Any]) -> str:
    """Return the name under which an argument was given."""
    for name in names:
        if name in keywords:
            return name
    raise TypeError(f"{function}() is missing its argument {names[0]!r}")


def _plain(operands: Any, values: list[Any]) -> list[Any]:
    """Return tensors, and arrays where other array-likes were given."""
    return [x if isinstance(x, Tensor) else v for x, v in zip(operands, values, strict=True)]


def _shown(operand: Any, value: Any) -> bool:
    """Tell whether `value` is what was given: there are no views of a list."""
    return value is operand or isinstance(operand, Tensor)


def _single(out: Any) -> Any:
    if not isinstance(out, tuple):
        return out
    if len(out) != 1:
        raise ValueError(f"one `out` is expected, {len(out)} were given")
    return out[0]


def _locked(made: Tensor) -> Tensor:
    """Lock at once an array that somebody outside has already."""
    made._node.expose()
    return made


class Function(Primitive):
    """A NumPy function of one or several arrays, with parameters that have no gradient.

    Parameters
    ----------
    function
        Called with arrays and parameters.
    *rules
        One per array; None where there is no gradient.
    names : str
        mygrad's names of the arguments, in order, arrays first.
    also : str
        More parameters that the rules know, or that have no influence on them.
    numpy : callable, optional
        The NumPy function overridden by this one; `function` by default.
    view : bool
        Whether the result may share memory with the first array.

    Examples
    --------
    >>> import mygrad as mg
    >>> from mygrad.operation_base import Function
    >>> scaled = Function(lambda x, factor: x * factor, lambda g, y, x, factor: g * factor, names="x factor")
    >>> mg.grad(lambda x: scaled(x, factor=3.0))(2.0)
    Tensor(3.)
    """

    function: Any
    rules: tuple[Any, ...]
    view: bool
    names: list[str]
    known: set[str]
    numpy: Any
    name: str
    __name__: str

    def __init__(
        self,
        function: Any,
        *rules: Rule | None,
        names: str = "x",
        also: str = "",
        numpy: Any = None,
        view: bool = False,
    ) -> None:
        self.function, self.rules, self.view = function, rules, view
        self.names = names.split()
        self.known = {*self.names[len(rules) :], *also.split(), "dtype", "out"}
        self.numpy = function if numpy is None else numpy
        self.name = self.__name__ = self.__qualname__ = getattr(self.numpy, "__name__", function.__name__)
        self.__doc__ = getattr(self.numpy, "__doc__", function.__doc__)

    def override(self) -> "Function":
        """Be what NumPy's function does to tensors."""
        FUNCTIONS[self.numpy] = self.from_numpy
        PUBLIC[self.numpy] = self
        return self

    def __repr__(self) -> str:
        return f"<mygrad function '{self.name}'>"

    def __reduce__(self) -> Any:
        return _declared, (self.numpy,)

    @property
    def __signature__(self) -> inspect.Signature:
        return signatures.of_function(self.names, self.numpy)

    def __call__(self, *args: Any, constant: bool | None = None, **keywords: Any) -> Any:
        return self._bind(self.names, args, constant, keywords)

    @once
    def numpy_names(self) -> list[str]:
        try:
            return list(inspect.signature(self.numpy).parameters)
        except ValueError:  # before NumPy 2.4 functions in C showed none
            return self.names

    def from_numpy(self, *args: Any, constant: bool | None = None, **keywords: Any) -> Any:
        """Take arguments in NumPy's order and under NumPy's names.

        ``np.max(x, 0, True)`` could not mean ``out=True``: there it is mygrad's order, as in MyGrad 2.5.
        """
        theirs = len(args) > 2 and isinstance(args[2], int) and self.numpy_names[2] in ("dtype", "out")
        return self._bind(self.names if theirs else self.numpy_names, args, constant, keywords)

    def _bind(self, names: Sequence[str], args: Any, constant: bool | None, keywords: dict[str, Any]) -> Any:
        if len(args) > len(names):
            raise TypeError(f"{self.name}() takes at most {len(names)} positional arguments, got {len(args)}")
        count = len(self.rules)
        for i in range(len(args), count):
            args = (*args, keywords.pop(_given(self.name, (self.names[i], self.numpy_names[i]), keywords)))
        if len(args) > count:
            keywords = dict(zip(names[count:], args[count:], strict=False)) | keywords
        if keywords:
            keywords = {k: v for k, v in keywords.items() if v is not np._NoValue}
        return self.run(args[:count], keywords, constant)

    def either(self, *operands: Any, **params: Any) -> Any:
        """Return an array if all operands are arrays, a tensor if any is a tensor."""
        for x in operands:
            if isinstance(x, Tensor):
                return self.run(operands, params)
        return self.function(*operands, **params)

    def run(self, operands: Any, params: dict[str, Any], constant: bool | None = None) -> Any:
        """Apply the function and record it."""
        if not self.known.issuperset(params):
            self._check(params)
        out = _single(params.pop("out")) if "out" in params else None
        values = [x._node.value if isinstance(x, Tensor) else array_of(x) for x in operands]
        try:
            value = self.apply(values, params)
        except (ValueError, TypeError) as error:
            explain(error, values)
            raise
        if out is not None:
            return deliver(self, _plain(operands, values), value, params, out, constant)
        first, source = operands[0], values[0]
        if self.view and self.is_view(value, source) and _shown(first, source):
            return self._record_view(_plain(operands, values), value, params, constant)
        if value is source and first is not source and _shown(first, source) and constant is None:
            return first
        return record(self, operands, value, params, constant, values=values)

    def _check(self, params: dict[str, Any]) -> None:
        """Refuse a parameter that the rules do not know: their gradient would be wrong."""
        for name in params.keys() - self.known:
            if name not in self.numpy_names:
                raise TypeError(f"{self.name}() has no argument {name!r}")
            raise TypeError(f"np.{self.name} of a tensor does not take {name!r}")

    def apply(self, values: list[Any], params: dict[str, Any]) -> Any:
        return self.function(*values, **params)

    @staticmethod
    def is_view(value: Any, source: Any) -> bool:
        if value is source or value.__class__ is not np.ndarray or value.base is None:
            return False
        return value.base is source or value.base is getattr(source, "base", None)

    def _record_view(self, operands: list[Any], value: Array, params: Any, constant: bool | None) -> Tensor:
        source = operands[0]
        if not isinstance(source, Tensor):
            operands[0] = source = leaf(source, True)
        if constant is None:
            constant = source.constant
        made = record(self, operands, value, params, constant, as_view=True)
        if modes.tracking():
            of = source._view
            base, path = (source, ()) if of is None else (of.base, of.path)
            made._view = View(base, (*path, Step(self.either, params)), connected=of is None or of.connected)
            register(base, made)
        return made


class Joining(Function):
    """A function of a sequence of arrays. Its one rule is called as ``rule(i, g, y, *inputs, **params)``."""

    def _bind(self, names: Sequence[str], args: Any, constant: bool | None, keywords: dict[str, Any]) -> Any:
        params = dict(zip(names, args, strict=False)) | keywords
        arrays = params.pop(names[0]) if names[0] in params else params.pop(self.names[0])
        return self.run(list(arrays), params, constant)

    def apply(self, values: list[Any], params: dict[str, Any]) -> Any:
        return self.function(values, **params)

    def gradient(self, i: int, g: Any, y: Any, inputs: list[Any], params: Any) -> Any:
        return self.rules[0](i, g, y, *inputs, **params)  # type: ignore[misc]


def deliver(
    operation: Any, operands: Any, value: Array, params: Any, out: Any, constant: bool | None
) -> Tensor:
    """Put the result where `out=` says: into a tensor, as a write, or into an array that the result wraps."""

    def into(array: Array) -> Array:
        if array.shape != np.shape(value):
            raise ValueError(f"out has shape {array.shape}, the result {np.shape(value)}")
        np.copyto(array, value, casting="same_kind")
        return array

    if not isinstance(out, Tensor):
        return _locked(record(operation, operands, into(out), params, constant))
    return write(
        out,
        lambda old: record(operation, operands, into(np.empty_like(old._node.value)), params, old.constant),
    )


def override(*numpy_functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a plain function what NumPy's function does to tensors."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        for each in numpy_functions:
            FUNCTIONS[each] = PUBLIC[each] = function
        return function

    return declare


def _cast(x: Array, dtype: Any) -> Array:
    x = np.asarray(x)
    if x.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        x = x.real  # only that part of the gradient belongs to a real input
    return x.astype(dtype)


cast: Final = Function(_cast, lambda g, y, x, dtype: g, names="x dtype")
"""A change of dtype with a gradient: what mixed-precision rules need; `Tensor.astype` has none.

Between real and complex it is the real part, which is the transpose of its own inclusion."""
