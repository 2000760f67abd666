"""Files of a limited size, written in batches."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.capture.rotate import BATCH, LARGEST_BATCH, Exists, RotatingFile

HEAD = b"head\n"


def test_files_follow_each_other(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x", HEAD, limit=20, keep=2)
    for number in range(10):
        file.write(b"line %d\n" % number, float(number))
    file.close()
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert files == {
        "x": HEAD + b"line 8\nline 9\n",
        "x.1": HEAD + b"line 6\nline 7\n",
        "x.2": HEAD + b"line 4\nline 5\n",
    }
    assert file.rotations == 4


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(6, 80), st.integers(0, 40))
def test_no_record_is_divided_and_none_lost(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int, keep: int
) -> None:
    path = tmp_path_factory.mktemp("rotate") / "x"
    file = RotatingFile(path, HEAD, limit=limit, keep=keep)
    records = [bytes((65 + n,)) * size for n, size in enumerate(sizes)]
    for record in records:
        file.write(record, 0.0)
    file.close()
    files = [p for n in range(keep, 0, -1) if (p := path.with_name(f"x.{n}")).exists()] + [path]
    bodies = [p.read_bytes() for p in files]
    assert all(body.startswith(HEAD) for body in bodies)
    assert all(len(body) <= max(limit, len(HEAD) + max(sizes, default=0)) for body in bodies)
    kept = b"".join(body.removeprefix(HEAD) for body in bodies)
    assert b"".join(records).endswith(kept)
    if file.rotations <= keep:
        assert kept == b"".join(records)
    assert len(files) == min(file.rotations, keep) + 1


def test_what_a_second_brings_is_written_at_once(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x", HEAD)
    file.write(b"a", 10.0)
    file.write(b"b", 10.0 + BATCH / 2)
    assert (tmp_path / "x").read_bytes() == HEAD
    file.tick(10.0 + BATCH)
    assert (tmp_path / "x").read_bytes() == HEAD + b"ab"
    file.write(b"c" * LARGEST_BATCH, 20.0)
    assert (tmp_path / "x").stat().st_size == len(HEAD) + 2 + LARGEST_BATCH
    file.write(b"d", 20.0)
    file.close()
    assert (tmp_path / "x").read_bytes().endswith(b"cd")
    file.close()


@pytest.mark.parametrize("taken", ["x", "x.1"])
def test_a_recording_is_never_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    with pytest.raises(Exists, match=f"{taken} exists already"):
        RotatingFile(tmp_path / "x", HEAD, limit=10, keep=1)
    assert (tmp_path / taken).read_bytes() == b"precious"


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RotatingFile(tmp_path / "none" / "x", HEAD)


def test_nothing_is_recorded_to_a_serial_port() -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(OSError, match="goes out on its line"):
            RotatingFile(Path(os.ttyname(slave)), HEAD)
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)


def test_a_full_device() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No space left"):
        RotatingFile(Path("/dev/full"), HEAD)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture
def limited() -> Iterator[int]:
    """A file of this process may have so many bytes: like a full disk, a write is cut short and the next fails."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield 100
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_no_file_is_left_that_could_not_be_begun(tmp_path: Path, limited: int) -> None:
    with pytest.raises(OSError, match="too large"):
        RotatingFile(tmp_path / "x", b"a" * (limited + 1))
    assert not (tmp_path / "x").exists()


def test_a_disk_that_fills_up_leaves_whole_records(tmp_path: Path, limited: int) -> None:
    file = RotatingFile(tmp_path / "x", HEAD)
    file.write(b"a" * 59 + b"\n", 0.0)
    file.tick(5.0)
    with pytest.raises(OSError, match="too large"):
        file.write(b"b" * LARGEST_BATCH, 6.0)
    file.close()
    assert (tmp_path / "x").read_bytes() == HEAD + b"a" * 59 + b"\n"
