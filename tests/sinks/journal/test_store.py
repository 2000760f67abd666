"""The file: what was written is there after a kill, within limits; a bad file is told from a disk that refuses."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from pvsmqtt.sinks.mqtt.journal.batch import Batch
from pvsmqtt.sinks.mqtt.journal.store import SCHEMA, Limits, Store
from pvsmqtt.sinks.mqtt.journal.trouble import IN_USE, READ_ONLY, Trouble, Unusable

ROOMY = Limits(10**8, 10**6)


def batches(stream: str, first: int, count: int, size: int = 100, at: float = 0.0) -> list[Batch]:
    return [Batch(n, stream, 10 * n, 10, at, bytes(size)) for n in range(first, first + count)]


def killed(path: Path, folder: Path) -> Path:
    """The files as a killed process leaves them."""
    folder.mkdir()
    for file in path.parent.glob("journal.db*"):
        shutil.copy(file, folder / file.name)
    return folder / path.name


def test_what_was_written_survives_a_kill_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = Store(path)
    stream = store.contents().stream
    assert store.contents().following == 1
    store.write(batches(stream, 1, 3), 0, 40, 5.0, ROOMY)
    store.write(batches(stream, 4, 1, at=6.0), 2, 50, 6.0, ROOMY)
    again = Store(killed(path, tmp_path / "a"))
    assert again.contents().stream == stream
    assert again.contents().following == 50
    assert again.contents().readings == 20
    assert again.contents().clock == 6.0
    assert again.read(0, 9) == [*batches(stream, 3, 1), *batches(stream, 4, 1, at=6.0)]
    assert again.read(3, 9) == batches(stream, 4, 1, at=6.0)
    assert store.write([], 4, 50, 7.0, ROOMY).oldest is None
    last = Store(killed(path, tmp_path / "b"))
    assert (last.contents().following, last.contents().readings, last.contents().clock) == (50, 0, 7.0)


def test_batches_of_another_stream_do_not_count_in_the_numbers(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    store.write(batches("another", 1, 3), 0, 1, 0.0, ROOMY)
    assert store.contents().following == 1
    assert store.contents().last == 3


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    some = batches("x", 1, 3)
    store.write(some, 0, 1, 0.0, ROOMY)
    store.write(some[1:], 0, 1, 0.0, ROOMY)
    assert store.read(0, 9) == some


def test_the_oldest_are_dropped_when_there_are_too_many(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    limits = Limits(200_000, 10**6)
    dropped = gone = 0
    for number in range(1, 400):
        written = store.write(batches("x", number, 1, size=1000), 0, 1, 0.0, limits)
        assert written.bytes <= limits.bytes
        dropped += written.dropped["size"]
        gone = max(gone, written.gone)
    left = store.read(0, 1000)
    assert left[-1].position == 399
    assert left[0].position == gone + 1
    assert dropped == 10 * gone > 0
    assert len(left) > 50
    store.close()
    assert (tmp_path / "journal.db").stat().st_size < 250_000


def test_what_is_too_old_is_dropped(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    limits = Limits(10**8, 60.0)
    store.write(batches("x", 1, 2, at=0.0), 0, 1, 0.0, limits)
    store.write(batches("x", 3, 1, at=30.0), 0, 1, 30.0, limits)
    written = store.write([], 0, 1, 61.0, limits)
    assert (written.dropped, written.gone, written.oldest) == ({"age": 20}, 2, 30.0)


def test_another_process_has_it(tmp_path: Path) -> None:
    Store(tmp_path / "journal.db")
    with pytest.raises(Trouble) as caught:
        Store(tmp_path / "journal.db")
    assert caught.value.reason is IN_USE


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(Trouble) as caught:
        Store(tmp_path / "state" / "journal.db")
    assert caught.value.reason is READ_ONLY


@pytest.mark.parametrize("junk", [b"SQLite format 3\0" + bytes(1000), b"something else" * 100, b"\xff" * 5000])
def test_what_is_no_database(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "journal.db").write_bytes(junk)
    with pytest.raises(Unusable):
        Store(tmp_path / "journal.db")


def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("CREATE TABLE other (a)")
    db.close()
    with pytest.raises(Unusable, match="no journal of ours"):
        Store(tmp_path / "journal.db")


def test_a_later_schema(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={SCHEMA + 1}")
    db.close()
    with pytest.raises(Unusable, match="schema"):
        Store(path)


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    assert Store(tmp_path / "journal.db").contents().readings == 0


def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = Store(path)
    store.write(batches("x", 1, 200, size=500), 0, 1, 0.0, ROOMY)
    store.close()
    content = bytearray(path.read_bytes())
    content[3000:60_000] = b"\xa5" * 57_000
    path.write_bytes(content)
    with pytest.raises(Unusable):
        Store(path)


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "journal.db")
    store.write(batches("x", 1, 1), 0, 1, 0.0, ROOMY)
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
