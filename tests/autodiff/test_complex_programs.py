"""Random programs of writes to complex tensors, their parts and other views, against finite differences."""

import numpy as np
import pytest

import mygrad as mg
from tests.gradients import check_gradient


def is_complex(env, name):
    return env[name].dtype.kind == "c"


def real_of(env, name):
    return f"{name}.imag" if is_complex(env, name) else name


def random_line(rng, names, env, number):
    a, b = rng.choice(names), rng.choice(names)
    lines = [
        f"v{number} = {a}.real",
        f"v{number} = {real_of(env, a)}[:, ::-1]",
        f"v{number} = {a}.T[::-1]",
        f"v{number} = np.conj({a}) * np.abs({b})",
        f"{a}[0] = np.sin({b}[1]).real",
        f"{a} *= {b if is_complex(env, a) else real_of(env, b)}",
        f"{a}[...] = np.tanh({a}) + np.sum({b}).real * 0.1",
        f"{a}.real[1] += {real_of(env, b)}[0]",
    ]
    return rng.choice(lines)


def write_program(seed, length=8):
    """Return a start and the lines of a program on `z`, tried on arrays, and the names it makes."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))
    env, names, lines = {"np": np, "z": start}, ["z"], ["z = z * 1"]
    for number in range(length + 1):
        if number:
            lines.append(random_line(rng, names, env, number))
        exec(lines[-1], env)
        names = [name for name in env if name[0] in "zv"]
    return start, lines, names


def run(lines, names, z):
    env = {"np": np, "z": z}
    for line in lines:
        exec(line, env)
    parts = [np.sum(np.tanh(np.abs(env[name]) ** 2 + env[name].real)) for name in names]
    return sum(weight * part for weight, part in enumerate(parts, start=1))


@pytest.mark.parametrize("seed", range(60))
def test_gradients_of_programs(seed):
    start, lines, names = write_program(seed)
    np.testing.assert_allclose(run(lines, names, mg.tensor(start)), run(lines, names, start.copy()))
    order = 2 if seed % 5 == 0 else 1
    check_gradient(lambda z: run(lines, names, z), start, order=order, step=1e-5, tol=1e-5)


@pytest.mark.parametrize("seed", range(60, 90))
def test_gradients_of_views_are_views_of_gradients(seed):
    start, lines, names = write_program(seed)
    env = {"np": np, "z": mg.tensor(start)}
    for line in lines:
        exec(line, env)
    sum(np.sum(np.abs(env[name]) ** 2) for name in names).backward()
    for tensor in (env[name] for name in names):
        assert tensor.grad.dtype == tensor.dtype
        if tensor.base is not None:
            assert np.shares_memory(tensor.data, tensor.base.data)
            assert np.shares_memory(tensor.grad, tensor.base.grad)
