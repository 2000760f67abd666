"""Small files survive a power cut: the old document or the new one, never a part."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.model.files import Rest, write_json


def test_a_document_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "file.json"
    document = {"name": "Küche", "list": [1, 2.5, None], "empty": {}}
    write_json(path, document)
    assert json.loads(path.read_text(encoding="utf-8")) == document
    write_json(path, [])
    assert json.loads(path.read_text(encoding="utf-8")) == []
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_what_cannot_be_written_leaves_the_old_document(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"old": True})
    with pytest.raises(TypeError):
        write_json(path, {"new": [1, 2, object()]})
    assert json.loads(path.read_text()) == {"old": True}
    write_json(path, {"new": True})
    assert json.loads(path.read_text()) == {"new": True}


def test_a_full_disk_leaves_the_old_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"old": True})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"new": True})
    assert json.loads(path.read_text()) == {"old": True}


def test_the_new_document_is_on_the_disk_before_it_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, happened = tmp_path / "file.json", []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        happened.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def note_replace(self: Path, target: Any) -> Path:
        happened.append(("replace", self.parent == tmp_path))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_json(path, {"a": 1})
    assert happened == [("fsync", len('{"a":1}')), ("replace", True)]


def test_a_file_in_the_place_of_the_folder_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(OSError):
        write_json(tmp_path / "folder" / "file.json", {})


def test_a_large_file_rests_after_it_was_written() -> None:
    now = 0.0
    rest = Rest(lambda: now)
    for took, until in ((0.05, 0.0), (2.0, 100.0)):
        assert rest.over
        rest.begin()
        now += took
        rest.end()
        assert rest.over is not bool(until)
        now += until - 0.1 if until else 0.0
        assert rest.over is not bool(until)
        now += 0.2
