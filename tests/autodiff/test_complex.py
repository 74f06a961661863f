"""Complex tensors: every declared rule in both parts, to second order; what is public of their gradients.

The gradient of a real L with respect to z = x + iy is dL/dx + i dL/dy.
"""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import mygrad as mg
from mygrad.autodiff.overrides import CONSTANT_ONLY, UFUNCS
from mygrad.functions import trigonometric
from mygrad.operation import Operation
from tests.autodiff.test_random_programs import complex_step, run, write_program
from tests.functions import test_numpy_functions as functions
from tests.functions import test_rules as rules
from tests.gradients import check_gradient


def made_complex(x, seed=3):
    """Give `x` imaginary parts away from zero, where the cuts are."""
    rng, x = np.random.default_rng(seed), np.asarray(x, float)
    return x + 1j * rng.uniform(0.3, 1.0, x.shape) * rng.choice([-1, 1], x.shape)


Z = made_complex(np.random.default_rng(1).uniform(-1.5, 1.5, (2, 3)))


# -- every rule


def refused(ufunc):
    return not any(set(types.partition("->")[0]) & set("FD") for types in ufunc.types)


DIFFERENTIABLE = [u for u in sorted(UFUNCS, key=lambda u: u.__name__) if u.signature is None]
COMPLEX = [u for u in DIFFERENTIABLE if not refused(u)]
MIXED = [(u, mixed) for u in COMPLEX for mixed in [(1, 1), (0, 1), (1, 0)][: 3 if u.nin == 2 else 1]]


@pytest.mark.parametrize(("ufunc", "mixed"), MIXED, ids=lambda x: getattr(x, "__name__", None))
def test_ufuncs_to_second_order(ufunc, mixed):
    operands = [Z, Z[:1] * 1.1j]  # no ties
    check_gradient(ufunc, *(x if c else x.real for x, c in zip(operands, mixed[: ufunc.nin], strict=False)))


@pytest.mark.parametrize("ufunc", COMPLEX, ids=lambda u: u.__name__)
def test_ufuncs_in_single_precision(ufunc):
    single = [mg.tensor(Z, dtype="F"), mg.tensor(Z.imag, dtype="f")][: ufunc.nin]
    double = [mg.tensor(x) for x in (Z, Z.imag)][: ufunc.nin]
    for xs in (single, double):
        np.sum(np.abs(ufunc(*xs))).backward()
    for x, exact in zip(single, double, strict=True):
        assert x.grad.dtype == x.dtype
        assert_allclose(x.grad, exact.grad, atol=1e-4 * (1 + np.abs(exact.grad).max()))


@pytest.mark.parametrize("ufunc", sorted(filter(refused, UFUNCS), key=str), ids=lambda u: u.__name__)
def test_what_numpy_refuses_is_refused(ufunc):
    operands = [Z] * ufunc.nin
    with pytest.raises(TypeError) as theirs:
        ufunc(*operands)
    with pytest.raises(TypeError) as ours:
        ufunc(*map(mg.tensor, operands))
    assert str(ours.value) == str(theirs.value)


ONE = [(f, made_complex(rules.X)) for fs in rules.CASES.values() for f in fs] + [
    (f, made_complex(x))
    for name, cases in functions.ONE.items()
    for x, f in cases
    if name not in ("quantile", "percentile", "nanquantile", "nanpercentile", "unwrap", "linalg.cholesky")
]


@pytest.mark.parametrize(("f", "z"), ONE)
def test_functions_of_one_array_to_second_order(f, z):
    expected, got = f(np.array(z)), f(mg.tensor(z))
    assert got.dtype == expected.dtype
    assert not got.constant
    assert_allclose(got.data, expected, rtol=1e-11, atol=1e-11)
    if not np.isnan(z).any():
        check_gradient(f, z)


REAL = {"interp", "insert", "gradient at places", "cov of weights"}  # in one of their arguments at least
REAL |= {"copyto", "place", "putmask", "put", "put_along_axis"}  # of complex numbers into real ones
TWO = [case for name, cases in functions.TWO.items() if name not in REAL for case in cases]
TWO += [(*rules.sample(None, *shapes), np.matmul) for shapes in rules.MATRICES]
TWO += [
    (*rules.sample(None, *shapes), getattr(np, f)) for f, shapes in rules.VECTORS.items() if hasattr(np, f)
]


@pytest.mark.parametrize(("a", "b", "f"), TWO)
@pytest.mark.parametrize("mixed", [(1, 1), (0, 1), (1, 0)])
def test_functions_of_two_arrays_to_second_order(a, b, f, mixed):
    arrays = [made_complex(x, 7 + i) if mixed[i] else np.asarray(x, float) for i, x in enumerate((a, b))]
    expected, got = f(*arrays), f(*map(mg.tensor, arrays))
    assert got.dtype == expected.dtype
    assert_allclose(got.data, expected, rtol=1e-11, atol=1e-11)
    check_gradient(f, *arrays)


def hermitian(b):
    return b @ np.conjugate(np.swapaxes(b, -1, -2)) + np.eye(b.shape[-2])


PARTS = {
    "real": lambda z: np.real(z) ** 2,
    "imag": lambda z: z.imag**3,
    "conj": lambda z: np.conj(z) * z**2,
    "conjugate": lambda z: z.conjugate() + z.conj() ** 2,
    "angle": lambda z: np.angle(z),
    "degrees": lambda z: mg.angle(z, deg=True) / 90,
    "abs": lambda z: abs(z),
    "sign": lambda z: np.sign(z) * z,
    "real_if_close": lambda z: mg.real_if_close(z * np.conj(z)),
    "real_if_not_close": lambda z: np.real_if_close(z) ** 2,
    "vector norms": lambda z: np.linalg.norm(z, 3, axis=1),
    "cholesky": lambda z: np.linalg.cholesky(hermitian(z)),
    "phase": lambda z: np.linalg.slogdet(z @ z.T)[0],
    "where": lambda z: np.where(Z.real > 0, z, 2.0) * np.where(Z.real > 0, z.real, z.imag),
    "clip": lambda z: np.clip(z, -0.5, 0.5 + 0.1j) * z,
    "fp of interp": lambda z: np.interp([0.2, 1.7], [0.0, 1.0, 2.0], z[0]),
    "inserted": lambda z: np.insert(z, 1, z.real[:, 0], axis=1),
    "sequences": lambda z: mg.add_sequence(z, z.real, 1j) * mg.multiply_sequence(z, z.imag, 1j),
    "powers": lambda z: z**2 + z ** (1 + 2j) + 2.0**z + z**-1.5,
    "checkpoint": mg.checkpoint(lambda z: np.abs(np.sin(z) * z.real)),
    "custom": mg.custom_rule(lambda g, y, z: g * np.cos(z))(np.sin),
}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_not_holomorphic_to_second_order(name):
    check_gradient(PARTS[name], Z)


@pytest.mark.parametrize("name", trigonometric.__all__)
def test_reciprocal_functions_to_second_order(name):
    check_gradient(getattr(mg, name), Z * 1.3)


def test_on_the_cuts_the_derivative_is_that_of_the_side_numpy_takes():
    beyond = [2 + 0j, -2 + 0j]
    for f in (np.arcsin, np.arccos, np.arccosh, np.arctanh, np.log, np.sqrt):
        on, above = mg.tensor(beyond), mg.tensor(np.add(beyond, 1e-9j))
        for z in (on, above):
            np.abs(f(z) + 1).sum().backward()
        assert_allclose(on.grad, above.grad, rtol=1e-7)


# -- what is public


def test_the_gradient_points_uphill():
    z = mg.tensor(3 + 4j)
    np.abs(z - (1 + 1j)).backward()
    assert_allclose(z.grad, (2 + 3j) / abs(2 + 3j))
    assert type(z.grad) is np.ndarray
    for _ in range(60):
        loss = np.abs(z * z - 2j) ** 2
        loss.backward()
        z = mg.tensor(z.data - 0.02 * z.grad)
    assert_allclose(z.data, 1 + 1j, atol=1e-6)


def test_a_complex_end_needs_a_gradient():
    z = mg.tensor([1 + 2j, 3.0])
    with pytest.raises(TypeError, match=r"shape \(2,\) and dtype complex128 has no gradient.*np\.abs"):
        (z * z).backward()
    (z * z).backward([1.0, 1j])
    assert_allclose(z.grad, [2 * (1 - 2j), 1j * 6.0])  # as torch: v * conj(f')
    with pytest.raises(TypeError, match="float64 is real; got one of complex128"):
        np.abs(z).backward(1j)
    z.backward(1j)
    assert_array_equal(z.grad, [1j, 1j])


def test_data_and_flags():
    for dtype in ("F", "D", "G"):
        z = mg.tensor([1, 2j], dtype=dtype)
        assert (z.dtype, z.constant, mg.astensor(z) is z) == (np.dtype(dtype), False, True)
    assert mg.tensor(1j, constant=True).constant
    assert (2.0 * mg.tensor(1j, constant=True)).constant
    assert mg.zeros_like(z).constant is False
    assert z.astype("F").constant is False
    assert mg.ones(2, dtype=complex).dtype == complex
    assert complex(mg.tensor(1 + 2j)) == 1 + 2j
    assert np.iscomplexobj(z)
    assert np.isreal(z).tolist() == [True, False]
    with pytest.raises(TypeError):
        float(mg.tensor(1 + 2j))
    for again in (copy.copy(z), pickle.loads(pickle.dumps(z))):
        assert_array_equal(again.data, z.data)


def test_scalars_are_weak():
    x = mg.tensor([1.0, 2.0], dtype="f")
    y = 1j * x
    assert y.dtype == np.complex64
    np.abs(y).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [1.0, 1.0])


def test_parts_of_real_tensors():
    x = mg.tensor([1.0, -2.0])
    assert x.real is x
    assert np.conj(x).dtype == float
    assert_array_equal(x.imag, [0.0, 0.0])
    assert_allclose(np.angle(x), [0, np.pi])
    (x.imag + np.angle(x)).sum().backward()
    assert_array_equal(x.grad, [0.0, 0.0])
    with pytest.raises(TypeError, match="imaginary"):
        x.imag = 1.0


def test_parts_are_views_and_so_are_their_gradients():
    z = mg.tensor(Z)
    real, imag = z.real, np.imag(z)[:, 1:]
    assert real.base is z
    assert np.shares_memory(imag.data, z.data)
    (np.abs(z) ** 2 + z.real).sum().backward()
    assert_allclose(z.grad, 2 * Z + 1)
    assert_allclose(real.grad, 2 * Z.real + 1)
    assert_allclose(imag.grad, 2 * Z.imag[:, 1:])
    assert np.shares_memory(real.grad, z.grad)
    assert np.shares_memory(imag.grad, z.grad)


def write_real(z):
    z = +z
    z.real = z.imag**2
    return z * z


def write_imag(z):
    z = +z
    part = z[:, ::-1].imag
    part[0] *= np.abs(z[1])
    return z**2 + part


def write_in_place(z):
    z = z * 1
    z[0] = z[1].real
    z *= np.conj(z)
    z[[1, 1], [0, 2]] += 1j * z[0, 0]
    np.exp(z, out=z, where=[True, False, True])
    return z


@pytest.mark.parametrize("write", [write_real, write_imag, write_in_place])
def test_writes_to_second_order(write):
    expected = write(np.array(Z)) if write is not write_real else None
    if expected is not None:
        assert_allclose(write(mg.tensor(Z)).data, expected)
    check_gradient(write, Z)


@pytest.mark.parametrize("seed", range(40))
def test_programs_of_views_and_writes(seed):
    x, lines, names = write_program(seed)
    start = mg.tensor(x.astype(complex))
    total = run(lines, names, start * 1)
    total.real.backward()
    expected = complex_step(lines, names, x)  # the programs are holomorphic, and real on the real line
    scale = 1 + np.max(np.abs(expected)) + abs(complex(total))
    assert_allclose(start.grad, expected, atol=1e-10 * scale, rtol=1e-8, err_msg="\n".join(lines))


def test_real_tensors_cannot_become_complex():
    x = mg.tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        x *= 1j
    with pytest.raises(TypeError):
        x[0] = 1j
    assert_array_equal(x, [1.0, 2.0])


def test_at_zero():
    for f in (np.abs, np.angle, lambda z: np.linalg.norm(z), lambda z: np.sign(z).real):
        z = mg.tensor([0j, 1j])
        f(z).sum().backward()
        assert z.grad[0] == 0
        assert np.isfinite(z.grad).all()
    z = mg.tensor([0j, 3j])
    mg.abs(z, nan_to_num=False).sum().backward()
    assert np.isnan(z.grad[0])
    assert z.grad[1] == 1j


def test_empty_and_scalars():
    check_gradient(lambda z: np.abs(z) + z.real, np.zeros((0, 2), complex))
    check_gradient(lambda z: np.abs(z) * np.angle(z), np.array(1 + 2j))


def test_a_real_sign_is_still_a_constant():
    assert np.sign in CONSTANT_ONLY
    with pytest.raises(ValueError, match="cannot involve non-constant"):
        np.sign(mg.tensor(1.0))
    assert type(np.sign(mg.tensor([1, -2]))) is np.ndarray


class Inclined(Operation):
    """Takes a real tensor to a complex one, and returns more of a gradient than a real variable has."""

    def __call__(self, x):
        self.variables = (x,)
        return (1 + 2j) * x.data

    def backward_var(self, grad, index, **kwargs):
        return grad * (1 + 2j)


class Sine(Operation):
    """Holomorphic: its rule is the one for real numbers."""

    def __call__(self, z):
        self.variables = (z,)
        return np.sin(z.data)

    def backward_var(self, grad, index, **kwargs):
        return grad * np.cos(self.variables[0].data)


def test_operations_use_the_rule_for_real_numbers():
    z, same = mg.tensor(Z), mg.tensor(Z)
    np.abs(mg.execute_op(Sine, z)).sum().backward()
    np.abs(np.sin(same)).sum().backward()
    assert_allclose(z.grad, same.grad)
    x = mg.tensor([1.0, 3.0])
    np.imag(mg.execute_op(Inclined, x)).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float64, [2.0, 2.0])


# -- derivatives of functions


def energy(z):
    return np.sum(np.abs(np.sin(z)) ** 2 + np.real(z) ** 3)


def test_grad_is_what_backward_leaves():
    z = mg.tensor(Z)
    energy(z).backward()
    g = mg.grad(energy)(Z)
    assert g.creator is None
    assert_allclose(g.data, z.grad)
    assert_allclose(mg.value_and_grad(energy)(Z)[1].data, z.grad)
    with pytest.raises(TypeError, match=r"complex number, complex128.*np\.real"):
        mg.grad(np.sum)(Z)


def test_vjp_takes_and_returns_gradients_as_backward():
    z, v = mg.tensor(Z), made_complex(Z.real, 9)
    _, pull = mg.vjp(np.sin, Z)
    np.sin(z).backward(v)
    assert_allclose(pull(v)[0].data, z.grad)
    assert_allclose(z.grad, v * np.conj(np.cos(Z)))


def test_jvp_is_the_change_along_a_direction():
    t, h = made_complex(Z.imag, 4), 1e-6
    for f in (np.sin, lambda z: np.abs(z) * z, lambda z: z.real * 1j, lambda z: np.angle(z)):
        _, along = mg.jvp(f, (Z,), (t,))
        assert_allclose(along.data, (f(Z + h * t) - f(Z - h * t)) / (2 * h), rtol=1e-7, atol=1e-7)
    with pytest.raises(TypeError, match="tangent 0 is complex, complex128; what it belongs to is real"):
        mg.jvp(np.sin, (Z.real,), (t,))
    _, along = mg.jvp(lambda x: x * (1 + 2j), (Z.real,), (t.real,))
    assert_allclose(along.data, t.real * (1 + 2j))


def test_hvp_is_the_change_of_the_gradient():
    t, h = made_complex(Z.imag, 4), 1e-5
    (product,) = mg.hvp(energy, (Z,), (t,))
    gradient = mg.grad(energy)
    change = (gradient(Z + h * t).data - gradient(Z - h * t).data) / (2 * h)
    assert_allclose(product.data, change, rtol=1e-7, atol=1e-7)


def test_jacobian_of_a_real_value_has_gradients_for_rows():
    rows = mg.jacobian(lambda z: np.abs(z) ** 2)(Z[0])
    assert_allclose(rows.data, np.diag(2 * Z[0]))
    assert_allclose(mg.jacobian(lambda z: np.stack([z.real, z.imag]))(1j).data, [1, 1j])
    with pytest.raises(TypeError, match="holomorphic"):
        mg.jacobian(np.sin)(Z)
    with pytest.raises(TypeError, match="holomorphic"):
        mg.hessian(energy)(Z)
    with pytest.raises(ValueError, match="forward"):
        mg.jacobian(np.abs, mode="forward")(Z)


def test_second_order_of_a_recorded_gradient():
    z = mg.tensor(Z)
    slope = mg.grad(energy)(z)
    np.sum(np.abs(slope) ** 2).backward()
    check_gradient(lambda x: np.sum(np.abs(mg.grad(energy)(x)) ** 2), Z, order=1)
    assert_allclose(z.grad, mg.grad(lambda x: np.sum(np.abs(mg.grad(energy)(x)) ** 2))(Z).data)


def test_torch_agrees():
    """Values from torch 2.13: z = [1+2j, -0.5+0.25j], L = sum |z^2 + conj(z)| + real(exp(z))."""
    z = mg.tensor([1 + 2j, -0.5 + 0.25j])
    (np.abs(z**2 + np.conj(z)) + np.real(np.exp(z))).sum().backward()
    assert_allclose(z.grad, TORCH, rtol=1e-12)


TORCH = [-0.4240976025702661 + 1.0638072339279185j, 0.1636759383413786 + 1.8109379913896029j]


@pytest.mark.parametrize("dtype", [">c8", "<c8", ">c16", "<c16", ">f4", ">f8"])
def test_gradients_have_the_byte_order_of_what_they_belong_to(dtype):
    values = np.array([1.0, 2.0], dtype)
    x = mg.tensor(values)
    np.abs(x * x).sum().backward()
    assert x.grad.dtype == values.dtype
    np.testing.assert_allclose(x.grad, [2.0, 4.0])
    assert mg.grad(lambda x: np.abs(x * x).sum())(values).dtype == values.dtype
    assert mg.vjp(np.exp, values)[1](np.ones(2))[0].dtype == values.dtype
