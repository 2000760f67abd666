"""What is remembered of a PVS over restarts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pvsmqtt.sources.pvs.memory import Memory


def test_it_lasts(tmp_path: Path) -> None:
    Memory(tmp_path / "state", "172.27.153.1").set("decision", {"build": 61846})
    again = Memory(tmp_path / "state", "172.27.153.1")
    assert again.get("decision") == {"build": 61846}
    assert again.get("certificate") is None


def test_each_pvs_has_its_own(tmp_path: Path) -> None:
    Memory(tmp_path, "a").set("x", 1)
    assert Memory(tmp_path, "b").get("x") is None
    assert Memory(tmp_path, "http://a/").get("x") is None


@pytest.mark.parametrize("host", ["http://[fd00::1]:8080/../../x", "auto", "ZT190585000549A6185"])
def test_its_file_stays_in_the_folder(tmp_path: Path, host: str) -> None:
    memory = Memory(tmp_path, host)
    memory.set("x", 1)
    assert memory.path is not None
    assert [memory.path] == list(tmp_path.iterdir())
    assert re.fullmatch(r"pvs-[a-z0-9_]+\.json", memory.path.name)


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "pvs")
    memory.set("x", 1)
    memory.set("x", None)
    assert memory.get("x") is None
    assert Memory(tmp_path, "pvs").get("x") is None
    assert memory.path is not None
    assert json.loads(memory.path.read_text()) == {}


def test_it_is_written_only_for_news(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "pvs")
    memory.set("x", None)
    assert list(tmp_path.iterdir()) == []
    memory.set("x", {"a": [1]})
    assert memory.path is not None
    memory.path.unlink()
    memory.set("x", {"a": [1]})
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_it_lasts_as_long_as_the_process() -> None:
    memory = Memory(None, "pvs")
    memory.set("x", 1)
    assert memory.get("x") == 1
    assert memory.path is None


def test_one_that_is_not_writable_reads_only(tmp_path: Path) -> None:
    Memory(tmp_path, "pvs").set("x", 1)
    memory = Memory(tmp_path, "pvs", writable=False)
    memory.set("x", 2)
    assert memory.get("x") == 2
    assert Memory(tmp_path, "pvs").get("x") == 1


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000], ids=lambda c: repr(c[:4])
)
def test_a_damaged_file_is_learned_anew(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pvs-pvs.json"
    path.write_bytes(content)
    memory = Memory(tmp_path, "pvs")
    assert memory.get("x") is None
    assert "learned anew" in caplog.text
    memory.set("x", 1)
    assert json.loads(path.read_text()) == {"x": 1}


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    memory = Memory(tmp_path / "state", "pvs")
    caplog.clear()
    for value in range(3):
        memory.set("x", value)
    assert memory.get("x") == 2
    assert caplog.text.count("cannot save") == 1


def test_its_id_stays_the_same(tmp_path: Path) -> None:
    first = Memory(tmp_path, "pvs").id
    assert re.fullmatch("[0-9a-f]{6}", first)
    assert Memory(tmp_path, "pvs").id == first
    assert Memory(tmp_path, "other").id != first
    passing = Memory(None, "pvs")
    assert passing.id == passing.id


def test_an_id_that_is_none_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "pvs-pvs.json").write_text('{"id": 7}')
    assert re.fullmatch("[0-9a-f]{6}", Memory(tmp_path, "pvs").id)
