"""Functions to differentiate, written once for every library that has NumPy's functions.

`python -m tests.autodiff.table`, run by a Python that has jax, writes derivatives.json, the expected values.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

EXPECTED = Path(__file__).with_name("derivatives.json")
X = [0.3, -1.2, 0.7]
Y = [1.1, 0.4, -0.6]
M = [[0.2, -0.5, 0.9], [1.3, 0.1, -0.4]]
POSITIVE = [0.5, 2.0, 1.5]


def softmax(np: Any, x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def network(np: Any, p: Any, x: Any) -> Any:
    hidden = np.tanh(np.matmul(p["layers"][0], x) + p["bias"])
    return np.matmul(p["layers"][1], hidden)


TABLE: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "trigonometric": (lambda np, x: np.sin(x) * np.cos(x * x), (X,)),
    "hyperbolic": (lambda np, x: np.tanh(x) / np.cosh(x), (X,)),
    "logarithm": (lambda np, x: np.log(x) * np.log1p(x) + np.sqrt(x), (POSITIVE,)),
    "power": (lambda np, x, y: x**y, (POSITIVE, Y)),
    "cube": (lambda np, x: x**3, (X,)),
    "arctangent": (lambda np, x, y: np.arctan2(x, y), (X, Y)),
    "hypotenuse": (lambda np, x, y: np.hypot(x, y), (X, Y)),
    "logaddexp": (lambda np, x, y: np.logaddexp(x, y), (X, Y)),
    "maximum": (lambda np, x, y: np.maximum(x, y) * x, (X, Y)),
    "where": (lambda np, x, y: np.where(np.array([True, False, True]), x * y, np.sin(y)), (X, Y)),
    "broadcast": (lambda np, m, x: m * x + x**2, (M, X)),
    "matrix and vector": (lambda np, m, x: np.matmul(m, np.exp(x)), (M, X)),
    "matrix product": (lambda np, a, b: np.matmul(a, np.transpose(b)) ** 2, (M, [X, Y])),
    "einsum": (lambda np, m, x: np.einsum("ij,j,kj->ik", m, x, m), (M, X)),
    "softmax": (softmax, (X,)),
    "variance": (lambda np, m: np.var(m * m, axis=1), (M,)),
    "standard deviation": (lambda np, m: np.std(m, axis=0), (M,)),
    "product": (lambda np, x: np.prod(x), ([0.5, 0.0, 2.0],)),
    "cumulated": (lambda np, x: np.cumsum(x) * np.cumprod(x), (X,)),
    "extremes": (lambda np, m: np.max(m * m, axis=1) - np.min(m, axis=1), (M,)),
    "indices": (lambda np, m: m[:, [0, 2, 0]] * m[::-1, 1:2], (M,)),
    "shapes": (lambda np, m: np.reshape(np.transpose(m), (2, 3)) * m, (M,)),
    "joined": (lambda np, x, y: np.concatenate([x * y, np.stack([x[0], y[1]])]), (X, Y)),
    "rolled": (lambda np, x: np.roll(x, 1) * x * np.repeat(x[:1], 3), (X,)),
    "rosenbrock": (lambda np, x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), (X,)),
    "convolution": (lambda np, x, y: np.convolve(np.exp(x), np.sin(y)), ([*X, 0.4, -0.2], Y)),
    "correlation": (lambda np, x, y: np.correlate(x * x, y, "same"), ([*X, 0.4, -0.2], Y)),
    "constant": (lambda np, x, y: np.sum(y**2), (X, Y)),
    "nested arguments": (network, ({"bias": 0.3, "layers": [numpy.array(M), [[0.5, -1.0]]]}, X)),
    "nested values": (lambda np, x, s: {"a": x * s, "b": (np.sum(x), [s**2])}, (X, 0.7)),
}


def arrays(tree: Any, make: Callable[[Any], Any] = numpy.asarray) -> Any:
    """The same nest with an array for each list of numbers."""
    if isinstance(tree, dict):
        return {key: arrays(x, make) for key, x in tree.items()}
    if isinstance(tree, tuple) or (isinstance(tree, list) and any(hasattr(x, "shape") for x in tree)):
        return type(tree)(arrays(x, make) for x in tree)
    return make(numpy.asarray(tree, dtype=float))


def like(tree: Any, seed: int) -> Any:
    """Numbers for each element of a nest of arrays."""
    rng = numpy.random.default_rng(seed)
    return _map(lambda x: rng.uniform(-1, 1, numpy.shape(x)).round(3), tree)


def _map(f: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _map(f, tree[key]) for key in tree}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_map(f, x) for x in tree)
    return f(tree)


def flat(tree: Any) -> list[Any]:
    """The leaves of a nest as nested lists of numbers."""
    found: list[Any] = []
    _map(lambda x: found.append(numpy.asarray(x).tolist()), tree)
    return found


def derivatives(library: Any, np: Any, name: str, tree: Callable[[Any], Any] = arrays) -> dict[str, Any]:
    """Every kind of derivative of one function, computed by `library`, as leaves."""
    f, args = TABLE[name]
    args = tree(arrays(args))
    every = tuple(range(len(args)))

    def function(*args: Any) -> Any:
        return f(np, *args)

    value, pull = library.vjp(function, *args)
    weights, directions = tree(like(value, 1)), tree(like(args, 2))

    def scalar(*args: Any) -> Any:
        parts: list[Any] = []
        values: list[Any] = []
        _map(values.append, function(*args))
        _map(parts.append, weights)
        return sum(np.sum(a * b * b) for a, b in zip(parts, values, strict=True))

    gradient = library.grad(scalar, every)
    deep = composed(library, scalar, args, directions, every)
    return {
        "value": flat(value),
        "vjp": flat(pull(weights)),
        "jvp": flat(library.jvp(function, args, directions)[1]),
        "linearized": flat(library.linearize(function, *args)[1](*directions)),
        "jacobian": flat(library.jacobian(function, every)(*args)),
        "gradient": flat(gradient(*args)),
        "hessian": flat(library.hessian(scalar, every)(*args)),
        "hvp": flat(library.jvp(gradient, args, directions)[1]),
        **{kind: flat(value) for kind, value in deep.items()},
    }


def composed(library: Any, scalar: Any, args: Any, directions: Any, every: Any) -> dict[str, Any]:
    """Derivatives of derivatives of derivatives of a function with one value."""

    def along(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: library.jvp(f, args, directions)[1]

    def back(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: library.vjp(f, *args)[1](directions)

    def linear(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: library.linearize(f, *args)[1](*directions)

    def gradient(f: Callable[..., Any]) -> Callable[..., Any]:
        return library.grad(f, every)

    def half(*args: Any) -> Any:
        return scalar(*args) * library.stop_gradient(scalar(*args))

    kept = library.checkpoint
    return {
        "grad of jvp of checkpoint": gradient(along(kept(scalar)))(*args),
        "checkpoint of jvp of grad of linearize": kept(along(gradient(linear(scalar))))(*args),
        "vjp of grad of jvp": back(gradient(along(scalar)))(*args),
        "linearize of vjp of checkpoint of grad": linear(back(kept(gradient(scalar))))(*args),
        "jvp of jvp of jvp of jvp": along(along(along(along(scalar))))(*args),
        "grad of jvp of stop_gradient": gradient(along(half))(*args),
    }


def main() -> None:
    import jax

    jax.config.update("jax_enable_x64", True)

    def tree(nested: Any) -> Any:
        return _map(jax.numpy.asarray, nested)

    jax.stop_gradient = jax.lax.stop_gradient
    found = {name: derivatives(jax, jax.numpy, name, tree) for name in TABLE}
    EXPECTED.write_text(json.dumps(found).replace('}, "', '},\n"') + "\n")


if __name__ == "__main__":
    main()
