"""Do conv_nd, conv_transpose_nd and pooling compute what torch and jax compute? To the second derivative.

``python -m benchmarks.agreement --torch PYTHON --jax PYTHON``, each a Python that has the library, prints for
every case the largest difference of values, gradients and Hessian-vector products, relative to the largest
element, in float64; or the shapes, where they differ. A star: the peer has no second derivatives there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

CASES: dict[str, dict[str, Any]] = {
    "strided": {"of": "conv", "x": (2, 3, 9, 8), "w": (4, 3, 3, 2), "stride": (2, 3), "padding": (1, 2)},
    "dilated, 3 axes": {"of": "conv", "x": (1, 2, 7, 6, 5), "w": (3, 2, 2, 3, 1), "dilation": (2, 1, 3)},
    "depthwise": {"of": "conv", "x": (2, 4, 10), "w": (8, 1, 3), "groups": 4, "padding": (1,)},
    "groups and bias": {"of": "conv", "x": (2, 4, 6, 6), "w": (6, 2, 3, 3), "groups": 2, "bias": True},
    "floor": {"of": "conv", "x": (1, 1, 10, 9), "w": (2, 1, 3, 3), "stride": (2, 4)},
    "same": {"of": "conv", "x": (1, 2, 8, 7), "w": (2, 2, 4, 3), "padding": "same"},
    "same strided": {"of": "conv", "x": (1, 1, 8, 9), "w": (2, 1, 4, 2), "stride": (3, 2), "padding": "same"},
    "same_lower": {"of": "conv", "x": (1, 2, 8), "w": (2, 2, 4), "padding": "same_lower", "stride": (3,)},
    "one side": {"of": "conv", "x": (1, 2, 8), "w": (2, 2, 3), "padding": ((2, 0),)},
    "cropped": {"of": "conv", "x": (1, 2, 8, 8), "w": (2, 2, 3, 3), "padding": ((-1, 2), (0, -2))},
    "reflect": {"of": "conv", "x": (1, 2, 8, 7), "w": (2, 2, 3, 3), "padding": (2, 1), "mode": "reflect"},
    "edge": {"of": "conv", "x": (1, 2, 8, 7), "w": (2, 2, 3, 3), "padding": (2, 1), "mode": "edge"},
    "wrap": {"of": "conv", "x": (1, 2, 8, 7), "w": (2, 2, 3, 3), "padding": (2, 1), "mode": "wrap"},
    "symmetric": {"of": "conv", "x": (1, 2, 8, 7), "w": (2, 2, 3, 3), "padding": (2, 1), "mode": "symmetric"},
    "edge, one side": {"of": "conv", "x": (1, 2, 9), "w": (2, 2, 3), "padding": ((0, 4),), "mode": "edge"},
    "depthwise, 3 axes": {
        "of": "conv", "x": (1, 3, 7, 5, 6), "w": (6, 1, 3, 2, 2), "groups": 3, "stride": (2, 1, 2),
        "padding": (1, 0, 1), "bias": True,
    },
    "large filters": {"of": "conv", "x": (1, 2, 40, 33), "w": (2, 2, 17, 15), "padding": (8, 7)},
    "complex": {"of": "conv", "x": (2, 3, 9, 8), "w": (4, 3, 3, 2), "stride": (2, 3), "complex": True},
    "complex in groups": {"of": "conv", "x": (2, 4, 9), "w": (4, 2, 3), "groups": 2, "complex": True},
    "4 axes": {"of": "conv", "x": (1, 2, 4, 3, 5, 4), "w": (3, 2, 2, 2, 3, 2), "padding": (0, 1, 0, 1)},
    "4 axes in groups": {
        "of": "conv", "x": (1, 4, 4, 3, 5, 4), "w": (4, 2, 2, 2, 3, 2), "groups": 2, "stride": (1, 2, 1, 2),
        "dilation": (2, 1, 1, 1), "padding": (1, 1, 0, 0),
    },
    "transposed": {"of": "transpose", "x": (2, 3, 4, 5), "w": (3, 2, 3, 3), "stride": (2, 3)},
    "transposed, padding": {"of": "transpose", "x": (2, 3, 4, 5), "w": (3, 2, 3, 3), "padding": (1, 0)},
    "transposed, output_padding": {
        "of": "transpose", "x": (1, 4, 5), "w": (4, 1, 3), "groups": 2, "bias": True,
        "stride": (3,), "output_padding": (2,),
    },
    "transposed, dilated": {"of": "transpose", "x": (1, 2, 4, 4), "w": (2, 2, 2, 3), "dilation": (3, 2)},
    "transposed, stride 8": {"of": "transpose", "x": (1, 4, 9), "w": (4, 3, 16), "stride": (8,)},
    "transposed, 3 axes": {
        "of": "transpose", "x": (1, 4, 3, 2, 3), "w": (4, 1, 3, 2, 2), "groups": 2, "stride": (2, 1, 3),
        "padding": (1, 0, 0), "output_padding": (1, 0, 2),
    },
    "transposed, 4 axes": {
        "of": "transpose", "x": (1, 2, 3, 2, 3, 2), "w": (2, 2, 3, 2, 2, 2), "stride": (2, 1, 3, 1),
        "padding": (1, 0, 0, 1),
    },
    "maximum": {"of": "max", "x": (2, 3, 7, 8), "pool": (3, 2), "stride": (2, 2), "padding": (1, 0)},
    "maximum, dilated": {"of": "max", "x": (2, 9), "pool": (3,), "stride": (1,), "dilation": (2,)},
    "mean": {"of": "avg", "x": (2, 3, 7, 8), "pool": (3, 2), "stride": (2, 2), "padding": (1, 1)},
    "mean of data": {
        "of": "avg", "x": (2, 3, 7, 8), "pool": (3, 2), "stride": (2, 2), "padding": (1, 1), "count": False,
    },
    "maximum, 3 axes": {"of": "max", "x": (2, 1, 5, 6, 4), "pool": (2, 3, 2), "stride": (1, 2, 2)},
    "maximum, 4 axes": {"of": "max", "x": (2, 4, 5, 3, 4), "pool": (2, 3, 2, 1), "stride": (1, 2, 1, 3)},
    "mean, 4 axes": {"of": "avg", "x": (2, 4, 5, 3, 4), "pool": (2, 3, 2, 1), "stride": (1, 2, 1, 3)},
    "norm": {"of": "lp", "x": (2, 3, 7, 8), "pool": (3, 2), "stride": (2, 2)},
    "adaptive maximum": {"of": "adaptive_max", "x": (2, 3, 7, 8), "output": (3, 5)},
    "adaptive mean": {"of": "adaptive_avg", "x": (2, 3, 7, 8), "output": (3, 5)},
}  # fmt: skip


def arrays(case: dict[str, Any]) -> list[Array]:
    """The variables of a case: x, and filters and bias if it has them."""
    rng = np.random.default_rng(7)
    found = [rng.standard_normal(case["x"])]
    if "w" in case:
        found.append(rng.standard_normal(case["w"]))
    if case.get("bias"):
        channels = case["w"][1] * case["groups"] if case["of"] == "transpose" else case["w"][0]
        found.append(rng.standard_normal(channels))
    if case.get("complex"):
        return [x + 1j * rng.standard_normal(x.shape) for x in found]
    return found


def energy(f: Callable[..., Any]) -> Callable[..., Any]:
    """A sum of squares: a scalar whose second derivatives have those of `f` and products of its first."""
    return lambda *xs: (f(*xs) ** 2).sum()


def directions(xs: Sequence[Array]) -> list[Array]:
    return [np.sin(1 + np.arange(x.size, dtype=float)).reshape(x.shape) for x in xs]


def differentiable_twice(xs: Sequence[Array]) -> bool:
    """Whether libraries agree on what a second derivative is: of complex numbers they do not."""
    return not any(np.iscomplexobj(x) for x in xs)


def defaults(case: dict[str, Any]) -> dict[str, Any]:
    count = len(case["w"]) - 2 if "w" in case else len(case.get("pool", ()))
    ones = {"stride": (1,) * count, "dilation": (1,) * count, "padding": (0,) * count}
    return ones | {"groups": 1, "mode": "zeros", "output_padding": (0,) * count, "count": True} | case


def by_mygrad(case: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., list[Any]]]:
    """The function of a case, and what returns its value and its gradients for a gradient of ones."""
    import mygrad as mg
    from mygrad import nnet

    c = defaults(case)
    conv = {k: c[k] for k in ("stride", "padding", "dilation", "groups")}
    pool = {"padding": c["padding"], "fit": "floor"}
    functions: dict[str, Callable[..., Any]] = {
        "conv": lambda x, w, b=None: nnet.conv_nd(x, w, bias=b, padding_mode=c["mode"], fit="floor", **conv),
        "transpose": lambda x, w, b=None: nnet.conv_transpose_nd(
            x, w, bias=b, output_padding=c["output_padding"], **conv
        ),
        "max": lambda x: nnet.max_pool(x, c["pool"], c["stride"], dilation=c["dilation"], **pool),
        "avg": lambda x: nnet.avg_pool(x, c["pool"], c["stride"], count_padding=c["count"], **pool),
        "lp": lambda x: nnet.lp_pool(x, c["pool"], c["stride"], p=3, **pool),
        "adaptive_max": lambda x: nnet.adaptive_max_pool(x, c["output"]),
        "adaptive_avg": lambda x: nnet.adaptive_avg_pool(x, c["output"]),
    }

    def run(f: Callable[..., Any], *xs: Array) -> list[Any]:
        value, pull = mg.vjp(f, *xs)
        second = mg.hvp(energy(f), xs, directions(xs)) if differentiable_twice(xs) else ()
        return [value, *pull(weights(value.shape)), *second]

    return functions[c["of"]], run


def weights(shape: Any) -> Array:
    return np.cos(np.arange(np.prod(shape, dtype=int), dtype=float)).reshape(shape)


def by_torch(case: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., list[Any]]]:
    torch: Any = import_module("torch")
    f = torch.nn.functional
    c = defaults(case)
    n = len(c["x"]) - 2 if "w" in c else len(c.get("pool", c.get("output", ())))
    modes = {"edge": "replicate", "wrap": "circular"}
    if n > 3:
        raise NotImplementedError("torch convolves and pools over at most three axes")

    def conv(x: Any, w: Any, b: Any = None) -> Any:
        padding = c["padding"]
        if padding in ("same", "same_lower") and (max(c["stride"]) > 1 or padding == "same_lower"):
            raise NotImplementedError("torch has 'same' for stride 1 only")
        if isinstance(padding[0], tuple) or c["mode"] != "zeros":
            pairs = [p if isinstance(p, tuple) else (p, p) for p in reversed(padding)]
            if c["mode"] == "symmetric":
                raise NotImplementedError("torch has no such padding")
            mode = "constant" if c["mode"] == "zeros" else modes.get(c["mode"], c["mode"])
            x, padding = f.pad(x, [p for pair in pairs for p in pair], mode=mode), 0
        run = getattr(f, f"conv{n}d")
        return run(x, w, b, stride=c["stride"], padding=padding, dilation=c["dilation"], groups=c["groups"])

    def transpose(x: Any, w: Any, b: Any = None) -> Any:
        names = ("stride", "padding", "output_padding", "groups", "dilation")
        return getattr(f, f"conv_transpose{n}d")(x, w, b, **{name: c[name] for name in names})

    def pool(name: str, **more: Any) -> Callable[..., Any]:
        return lambda x: getattr(f, f"{name}_pool{n}d")(
            x, kernel_size=c["pool"], stride=c["stride"], padding=c["padding"], **more
        )

    functions: dict[str, Callable[..., Any]] = {
        "conv": conv,
        "transpose": transpose,
        "max": lambda x: pool("max", dilation=c["dilation"])(x),
        "avg": lambda x: pool("avg", count_include_pad=c["count"])(x),
        "lp": lambda x: getattr(f, f"lp_pool{n}d")(x.abs(), 3, c["pool"], c["stride"]),
        "adaptive_max": lambda x: getattr(f, f"adaptive_max_pool{n}d")(x, c["output"]),
        "adaptive_avg": lambda x: getattr(f, f"adaptive_avg_pool{n}d")(x, c["output"]),
    }

    def run(f: Callable[..., Any], *xs: Array) -> list[Any]:
        variables = [torch.tensor(x, requires_grad=True) for x in xs]
        value = f(*variables)
        value.backward(torch.tensor(weights(value.shape)).to(value.dtype))
        found = [value.detach(), *(x.grad for x in variables)]
        if differentiable_twice(xs):
            along = tuple(map(torch.tensor, directions(xs)))
            inputs = tuple(map(torch.tensor, xs))
            with suppress(RuntimeError):  # with output_padding torch has no second derivatives
                found += torch.autograd.functional.hvp(energy(f), inputs, along)[1]
        return found

    return functions[c["of"]], run


def by_jax(case: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., list[Any]]]:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    np_, c = jax.numpy, defaults(case)
    names = {"same": "SAME", "same_lower": "SAME_LOWER"}

    def conv(x: Any, w: Any, b: Any = None) -> Any:
        padding = names.get(c["padding"]) if isinstance(c["padding"], str) else None
        pairs = padding or [p if isinstance(p, tuple) else (p, p) for p in c["padding"]]
        if c["mode"] != "zeros":
            x, pairs = np_.pad(x, [(0, 0), (0, 0), *pairs], mode=c["mode"]), [(0, 0) for _ in pairs]
        y = jax.lax.conv_general_dilated(
            x, w, c["stride"], pairs, rhs_dilation=c["dilation"], feature_group_count=c["groups"]
        )
        return y if b is None else y + b.reshape(-1, *(1,) * (x.ndim - 2))

    def transpose(g: Any, w: Any, b: Any = None) -> Any:
        sizes = (
            g.shape[2:],
            w.shape[2:],
            *(c[name] for name in ("stride", "dilation", "padding", "output_padding")),
        )
        grid = [(o - 1) * s + (k - 1) * d + 1 - 2 * p + m for o, k, s, d, p, m in zip(*sizes, strict=True)]
        like = np_.zeros((g.shape[0], c["groups"] * w.shape[1], *grid))
        (y,) = jax.linear_transpose(lambda x: conv(x, w), like)(g)
        return y if b is None else y + b.reshape(-1, *(1,) * (y.ndim - 2))

    def window(x: Any, start: float, combine: Any) -> Any:
        lead = (1,) * (x.ndim - len(c["pool"]))
        pairs = [(0, 0)] * len(lead) + [(p, p) for p in c["padding"]]
        sizes, strides = (*lead, *c["pool"]), (*lead, *c["stride"])
        return jax.lax.reduce_window(
            x, start, combine, sizes, strides, pairs, window_dilation=(*lead, *c["dilation"])
        )

    def mean(x: Any) -> Any:
        count = float(np.prod(c["pool"])) if c["count"] else window(np_.ones_like(x), 0.0, jax.lax.add)
        return window(x, 0.0, jax.lax.add) / count

    functions: dict[str, Callable[..., Any]] = {
        "conv": conv,
        "transpose": transpose,
        "max": lambda x: window(x, -np_.inf, jax.lax.max),
        "avg": mean,
        "lp": lambda x: window(abs(x) ** 3, 0.0, jax.lax.add) ** (1 / 3),
    }

    def run(f: Callable[..., Any], *xs: Array) -> list[Any]:
        value, pull = jax.vjp(f, *xs)
        found = [value, *(g.conj() for g in pull(np_.asarray(weights(value.shape), value.dtype)))]
        if differentiable_twice(xs):
            gradient = jax.grad(energy(f), tuple(range(len(xs))))
            found += jax.jvp(gradient, tuple(xs), tuple(directions(xs)))[1]
        return found

    if c["of"] not in functions:
        raise NotImplementedError(f"jax has no {c['of']}")
    return functions[c["of"]], run


LIBRARIES = {"mygrad": by_mygrad, "torch": by_torch, "jax": by_jax}


def parts(x: Any) -> Any:
    """Nested lists of numbers, the real and the imaginary parts of complex ones."""
    x = np.asarray(x)
    return (np.stack([x.real, x.imag]) if np.iscomplexobj(x) else x).tolist()


def compute(library: str, path: Path) -> None:
    """Write what `library` computes for every case that it can do."""
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        try:
            function, run = LIBRARIES[library](case)
            found[name] = [parts(x) for x in run(function, *arrays(case))]
        except NotImplementedError as error:
            found[name] = str(error)
    path.write_text(json.dumps(found))


def asked(library: str, python: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{library}.json"
    subprocess.run([python, "-m", "benchmarks.agreement", "--compute", library, str(path)], check=True)
    return json.loads(path.read_text())


def difference(ours: Any, theirs: Any) -> str:
    """The largest difference; a star where the peer has no second derivatives."""
    if isinstance(theirs, str):
        return "-"
    worst = 0.0
    for a, b in zip(map(np.asarray, ours), map(np.asarray, theirs), strict=False):
        if a.shape != b.shape:
            return f"{a.shape} {b.shape}"
        worst = max(worst, float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    return f"{worst:.1e}{'' if len(ours) == len(theirs) else '*'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compute", nargs=2, metavar=("LIBRARY", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--torch", metavar="PYTHON")
    parser.add_argument("--jax", metavar="PYTHON")
    options = parser.parse_args()
    if options.compute:
        compute(options.compute[0], Path(options.compute[1]))
        return
    pythons = {"mygrad": sys.executable, "torch": options.torch, "jax": options.jax}
    with tempfile.TemporaryDirectory() as folder:
        found = {k: asked(k, v, Path(folder)) for k, v in pythons.items() if v}
    peers = [name for name in found if name != "mygrad"]
    print(f"{'case':28}" + "".join(f"{name:>12}" for name in peers))
    for name, ours in found["mygrad"].items():
        print(f"{name:28}" + "".join(f"{difference(ours, found[peer][name]):>12}" for peer in peers))


if __name__ == "__main__":
    main()
