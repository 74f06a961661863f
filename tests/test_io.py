"""Files: what is saved is loaded, MyGrad 2.5's files are read, and nothing is half written or unpickled."""

import io
import stat

import numpy as np
import pytest

import mygrad as mg


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "?", ">f8"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_round_trip(tmp_path, dtype, shape):
    x = mg.tensor(np.ones(shape, dtype))
    mg.save(tmp_path / "x", x)
    y = mg.load(tmp_path / "x.npz")
    np.testing.assert_array_equal(y.data, x.data)
    assert y.dtype == x.dtype
    assert y.constant is x.constant
    assert y.grad is None
    assert y.data.flags.writeable


@pytest.mark.parametrize("constant", [True, False])
def test_gradient_and_flag_are_kept(tmp_path, constant):
    x = mg.tensor([1.0, 2.0], constant=constant)
    (x * [3.0, 4.0]).backward()
    mg.save(str(tmp_path / "x.npz"), x)
    y = mg.load(str(tmp_path / "x.npz"))
    assert y.constant is constant
    assert (y.grad is None) if constant else np.array_equal(y.grad, [3.0, 4.0])


def test_files_of_the_original_load():
    file = io.BytesIO()
    np.savez(file, data=np.array([1.0, 2.0]), grad=np.array([5.0, 6.0]))
    file.seek(0)
    x = mg.load(file)
    np.testing.assert_array_equal(x.grad, [5.0, 6.0])
    assert not x.constant


def test_the_original_finds_what_it_looks_for(tmp_path):
    x = mg.tensor([1.0])
    (2 * x).backward()
    mg.save(tmp_path / "x", x)
    with np.load(tmp_path / "x.npz") as parts:
        np.testing.assert_array_equal(parts["data"], [1.0])
        np.testing.assert_array_equal(parts["grad"], [2.0])


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    mg.save(path, mg.tensor([1.0]))

    def fail(file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        mg.save(path, mg.tensor([2.0]))
    monkeypatch.undo()
    assert mg.load(path).item() == 1.0
    assert [each.name for each in tmp_path.iterdir()] == ["x.npz"]


def test_permissions_stay(tmp_path):
    path = tmp_path / "x.npz"
    mg.save(path, mg.tensor([1.0]))
    path.chmod(0o640)
    mg.save(path, mg.tensor([2.0]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "x.npz", data=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        mg.load(tmp_path / "x.npz")


def test_files_that_hold_no_tensor(tmp_path):
    np.savez(tmp_path / "a.npz", other=np.ones(2))
    for kind in (ValueError, KeyError):
        with pytest.raises(kind, match=r"a\.npz'\) holds no tensor: an npz file with an array named 'data'"):
            mg.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", data=np.ones(2), grad=np.ones(3))
    with pytest.raises(ValueError, match="shape"):
        mg.load(tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError):
        mg.load(tmp_path / "none.npz")
    with pytest.raises(TypeError, match="expects a tensor"):
        mg.save(tmp_path / "c", np.ones(2))  # type: ignore[arg-type]
