"""Behaviour 9 and 10: the memory guard, no_autodiff, and their switches."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import mygrad as mg


@pytest.fixture
def guard_default():
    yield
    mg.turn_memory_guarding_on()


def test_inputs_their_bases_and_outputs_are_read_only():
    base = np.ones(4)
    a, b = base[:2], np.ones(2)
    y = mg.add(a, b)
    for array in (a, b, base, y.data):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    del y, array
    assert a.flags.writeable
    assert b.flags.writeable
    assert base.flags.writeable


def test_an_array_is_released_with_its_last_use():
    a = np.ones(3)
    x, y = mg.tensor(1.0) * a, mg.tensor(2.0) * a
    x.backward()
    assert not a.flags.writeable
    y.clear_graph()
    assert a.flags.writeable


def test_views_wait_for_their_base():
    base = np.ones(4)
    view = base[:2]
    y, z = mg.tensor(1.0) * view, mg.tensor(1.0) * base
    y.backward()
    assert not view.flags.writeable
    z.backward()
    assert view.flags.writeable
    assert base.flags.writeable


def test_views_made_of_locked_memory_are_released():
    x = mg.tensor(np.ones(4))
    y = x * 2
    v = x[:2]
    y.backward()
    del y
    v.clear_graph()
    assert x.data.flags.writeable
    assert v.data.flags.writeable


def test_read_only_from_the_start_stays_so():
    a = np.ones(3)
    a.flags.writeable = False
    (mg.tensor([1.0, 2.0, 3.0]) * a).backward()
    assert not a.flags.writeable


def test_an_operation_that_fails_releases_at_once():
    a = np.ones(3)
    with pytest.raises(ValueError, match="broadcast"):
        mg.tensor([1.0, 2.0]) * a
    assert a.flags.writeable


def test_siblings_are_free():
    base = np.ones(4)
    left, right = base[:2], base[2:]
    y = mg.tensor(1.0) * left
    assert right.flags.writeable
    del y


def test_constants_are_guarded_too():
    a = np.ones(2)
    y = mg.add(a, a, constant=True)
    assert not a.flags.writeable
    del y
    assert a.flags.writeable


def test_an_array_that_was_taken_while_locked_counts_as_locked():
    y = mg.tensor([1.0, 2.0]) * 2
    a = y.data
    z = mg.tensor([1.0, 1.0]) * a
    y.backward()
    assert not a.flags.writeable
    z.backward()
    assert a.flags.writeable


def test_rows_of_locked_memory_are_released_with_it():
    rows, w = np.ones((3, 2)), mg.tensor([1.0, 2.0])
    total = mg.tensor(0.0)
    for row in rows:  # all but the first are born read-only
        total = total + (w * row).sum()
    total.backward()
    assert rows.flags.writeable
    row[0] = 5.0
    assert rows[-1, 0] == 5.0


def test_array_plus_equals_tensor():
    a = np.ones(2)
    t = mg.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="output array is read-only"):
        a += t
    np.testing.assert_array_equal(a, [1, 1])
    with mg.mem_guard_off:
        a += t
    assert isinstance(a, mg.Tensor)
    b = np.ones(2)
    with mg.no_autodiff:
        b -= t
    assert isinstance(b, mg.Tensor)
    np.testing.assert_array_equal(b, [0, -1])


@pytest.mark.parametrize(
    "fails",
    [
        lambda x: x + None,
        lambda x: "a" * x,
        lambda x: x + np.ones(3),
        lambda x: mg.add(x, np.ones(3)),
        lambda x: mg.add(x, x, where=[True, False, True]),
        lambda x: x @ mg.tensor(2.0),
    ],
)
def test_an_error_that_is_kept_keeps_no_lock(fails):
    x = mg.tensor([1.0, 2.0])
    with pytest.raises((TypeError, ValueError)) as caught:
        fails(x)
    assert caught.value.__traceback__ is not None
    assert x.data.flags.writeable


def test_turning_it_off_or_on_in_a_context_ends_with_the_context(guard_default):
    with mg.mem_guard_off:
        mg.turn_memory_guarding_on()
        assert mg.mem_guard_active()
        assert mg.mem_guard_off
    assert mg.mem_guard_active()
    with mg.mem_guard_on:
        mg.turn_memory_guarding_off()
        assert not mg.mem_guard_active()
    assert mg.mem_guard_active()


def test_off_on_nested_and_as_decorators(guard_default):
    assert mg.mem_guard_active() is True
    with mg.mem_guard_off as value:
        assert value is None
        assert not mg.mem_guard_off
        with mg.mem_guard_on:
            assert mg.mem_guard_active()
        assert not mg.mem_guard_active()
        assert mg.mem_guard_on(mg.mem_guard_active)()
    assert mg.mem_guard_active()
    mg.turn_memory_guarding_off()
    assert not mg.mem_guard_active()
    mg.turn_memory_guarding_on()
    with pytest.raises(RuntimeError), mg.mem_guard_off:
        raise RuntimeError
    assert mg.mem_guard_active()


def test_locks_taken_before_are_still_released():
    a = np.ones(2)
    y = mg.tensor(1.0) * a
    with mg.mem_guard_off:
        y.backward()
        assert a.flags.writeable
        z = mg.tensor(1.0) * a
        assert a.flags.writeable
    assert z.data.flags.writeable


@pytest.mark.parametrize(
    ("text", "active"), [("False", "False"), ("0", "False"), ("1", "True"), ("true", "True")]
)
def test_the_environment_variable(text, active):
    code = "import mygrad as mg; print(mg.mem_guard_active())"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MYGRAD_MEM_GUARD": text},
        capture_output=True,
        text=True,
    )
    assert out.stdout.strip() == active


def test_a_wrong_environment_variable_warns():
    code = "import mygrad as mg; print(mg.mem_guard_active())"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MYGRAD_MEM_GUARD": "si"},
        capture_output=True,
        text=True,
    )
    assert out.stdout.strip() == "True"
    assert "UserWarning" in out.stderr


def test_no_autodiff_records_nothing():
    x = mg.tensor([1.0, 2.0])
    x.backward()
    with mg.no_autodiff as value:
        assert value is None
        assert not mg.no_autodiff
        y, v = x * 2, x[:1]
        y.backward()
    assert (y.creator, y.base, y.constant, y.grad, v.base) == (None, None, False, None, None)
    assert np.shares_memory(v, x)
    assert x.data.flags.writeable
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_the_flag_in_no_autodiff_is_that_of_the_dtype():
    c = mg.tensor([1.0], constant=True)
    with mg.no_autodiff:
        assert [(c * 2).constant, (c + c).sum().constant, mg.add(1.0, 2.0).constant] == [False] * 3
        integers = [mg.tensor([1]), mg.arange(3) * 2, mg.add(1, 2), mg.tensor([1, 2]).sum()]
        assert [each.constant for each in integers] == [True] * 4
        assert mg.add(1.0, 2.0, constant=True).constant
        assert not mg.tensor([1], constant=False).constant


def test_no_autodiff_as_a_decorator():
    @mg.no_autodiff
    def double(x):
        """Twice."""
        return x * 2

    assert (double.__doc__, double.__name__) == ("Twice.", "double")
    assert double(mg.tensor(1.0)).creator is None
    assert type(mg.no_autodiff(double, to_numpy=True)(mg.tensor([1.0]))) is np.ndarray
    assert type(mg.no_autodiff(double, to_numpy=True)(2)) is np.ndarray
    with pytest.raises(ZeroDivisionError), mg.no_autodiff:
        raise ZeroDivisionError
    assert mg.no_autodiff


def test_no_autodiff_takes_any_dtype():
    with mg.no_autodiff:
        assert mg.tensor(1j).dtype == complex
        assert mg.tensor(1, constant=False).constant is False
    y = mg.tensor(1.0) * 2
    with mg.no_autodiff:
        y.clear_graph()
    assert y.creator is None


@pytest.mark.parametrize("switch", [mg.no_autodiff, mg.mem_guard_off])
def test_threads_do_not_see_each_others_switches(switch):
    inside, done, seen = threading.Event(), threading.Event(), []

    def other():
        with switch:
            inside.set()
            done.wait(10)
            seen.append(bool(switch))

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    assert bool(switch) is True
    y = mg.tensor([1.0]) * 2
    assert y.creator is not None
    assert not y.data.flags.writeable
    done.set()
    thread.join()
    assert seen == [False]


def test_threads_share_tensors():
    x = mg.tensor(np.arange(100.0))
    results, errors = [], []

    def work(scale):
        try:
            for _ in range(50):
                results.append(float((x * scale).sum().data) == 4950 * scale)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(results) == 400
    assert all(results)
    assert x.data.flags.writeable


def test_what_a_sliding_window_sees_is_guarded():
    """NumPy's `as_strided` puts an object between a view and the array that it views."""
    a = np.arange(5.0)
    y = mg.tensor(2.0) * np.lib.stride_tricks.sliding_window_view(a, 3)
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 1.0
    del y
    a[0] = 1.0
