"""Random programs of views, writes and reads: their gradients against those of the same program on arrays."""

import numpy as np
import pytest

import mygrad as mg


def random_view(rng, names, env, lines):
    source = rng.choice(names)
    shape = env[source].shape
    kind = rng.integers(5)
    if kind == 0:
        return f"{source}[::-1]" if shape else f"{source}[...]"
    if kind == 1:
        return f"np.transpose({source})"
    if kind == 2:
        return f"np.reshape({source}, (-1,))"
    if kind == 3 and shape and shape[0] > 1:
        return f"{source}[1:]"
    return f"{source}[..., None]" if len(shape) < 4 else f"{source}[0]"


def random_write(rng, names, env, lines):
    target, value = rng.choice(names), rng.choice(names)
    shape = env[target].shape
    scalar = f"np.sum({value})"
    kind = rng.integers(8)
    if kind == 0 and shape and shape[0] > 0:
        return f"{target}[{rng.integers(shape[0])}] = {scalar}"
    if kind == 1:
        return f"{target}[...] = {target} * {scalar}"
    if kind == 2:
        return f"{target} *= {scalar} + 1.5"
    if kind == 3:
        return f"{target} += np.sin({target})"
    if kind == 4 and shape:
        return f"{target}[np.asarray({target}) > 0.1] = {scalar}"
    if kind == 5 and shape and shape[0] > 1:
        return f"{target}[[0, 1, 0]] = np.cos({target}[[1, 0, 0]])"
    if kind == 6 and shape:
        return f"np.multiply({target}, {scalar}, out={target}, where=np.arange({shape[-1]}) % 2 == 0)"
    if kind == 7 and shape and shape[0] > 0:
        return f"{target}[-1] += {scalar}"
    return f"{target} -= 0.25 * {target} ** 2"


def write_program(seed, length=9):
    """Return the lines of a program on `x`; each is tried on arrays, so all are valid."""
    rng = np.random.default_rng(seed)
    env = {"np": np, "x": np.tanh(rng.standard_normal(rng.integers(1, 4, rng.integers(1, 4))))}
    start = env["x"].copy()
    names, lines = ["x"], []
    for number in range(length):
        if rng.random() < 0.5:
            name = f"v{number}"
            line = f"{name} = {random_view(rng, names, env, lines)}"
            names.append(name)
        elif rng.random() < 0.3:
            name = f"y{number}"
            line = f"{name} = np.tanh({rng.choice(names)})"
            names.append(name)
        else:
            line = random_write(rng, names, env, lines)
        exec(line, env)
        lines.append(line)
    return start, lines, names


def run(lines, names, x):
    env = {"np": np, "x": x}
    for line in lines:
        exec(line, env)
    total = env["x"].sum()
    for weight, name in enumerate(names):
        total = total + (weight + 1) * np.sum(np.sin(env[name]))
    return total


def complex_step(lines, names, x):
    """Differentiate the program on arrays, exact to rounding: f(x + ih) = f(x) + ih f'(x) for a tiny h."""
    gradient = np.zeros_like(x)
    for position in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[position] += 1e-40j
        gradient[position] = complex(run(lines, names, moved)).imag / 1e-40
    return gradient


@pytest.mark.parametrize("seed", range(150))
def test_gradients_of_programs_that_write(seed):
    x, lines, names = write_program(seed)
    t = mg.tensor(x)
    leaf = t * 1.0  # the program writes to a result, so that the gradient of the leaf stays in sight
    total = run(lines, names, leaf)
    assert np.allclose(float(total), float(run(lines, names, x.copy())), rtol=1e-10), lines
    total.backward()
    expected = complex_step(lines, names, x)
    # both are sums of the same few hundred products in another order
    scale = 1 + np.max(np.abs(expected)) + abs(float(total))
    np.testing.assert_allclose(t.grad, expected, atol=1e-10 * scale, rtol=1e-8, err_msg="\n".join(lines))


@pytest.mark.parametrize("seed", range(150, 250))
def test_views_and_bases_show_the_same_gradient_and_data(seed):
    x, lines, names = write_program(seed)
    env, arrays = {"np": np, "x": mg.tensor(x)}, {"np": np, "x": x.copy()}
    for line in lines:
        exec(line, env)
        exec(line, arrays)
        for name in set(names) & set(env):
            np.testing.assert_allclose(env[name], arrays[name], rtol=1e-12, err_msg=line)
            base = env[name].base
            assert (base is None) or np.may_share_memory(env[name].data, base.data), lines
    sum((env[name] * env[name]).sum() for name in names).backward()
    for name in names:
        base = env[name].base
        if base is not None and base.grad is not None:
            assert np.may_share_memory(env[name].grad, base.grad)
            assert env[name].grad.shape == env[name].shape
