"""Writing the files, and taking them back. What was there before is kept, and what is ours is known by its checksum.

``record.json`` lists what was written before it is written, so that an interrupted run can be taken back too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from network.plan import File

PLACE = "var/lib/pvsmqtt-network"


@dataclass
class Record:
    """What was written on this machine, for whom, and what had stood there."""

    root: Path
    manager: str = ""
    wired: str = ""
    wifi: str | None = None
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By path: ``sum`` of what was written, and ``before``, the name of a copy of what had been there."""

    @property
    def place(self) -> Path:
        """The folder with the record and the copies."""
        return self.root / PLACE

    @classmethod
    def load(cls, root: Path) -> Record | None:
        """The record of this machine, if anything was ever written."""
        try:
            known = json.loads((root / PLACE / "record.json").read_text())
        except FileNotFoundError:
            return None
        return cls(root, known["manager"], known["wired"], known["wifi"], known["written"])

    def save(self) -> None:
        """Keep it, whole or not at all."""
        known = {"manager": self.manager, "wired": self.wired, "wifi": self.wifi, "written": self.written}
        self.place.mkdir(parents=True, exist_ok=True)
        _write(self.place / "record.json", json.dumps(known, indent=1) + "\n", 0o600)

    def changes(self, files: tuple[File, ...]) -> tuple[File, ...]:
        """The files that are not there as they should be."""
        return tuple(file for file in files if not _same(self.root / file.path, file))

    def write(self, files: tuple[File, ...]) -> None:
        """Write them; what others had written there is copied first."""
        for file in files:
            path = self.root / file.path
            known = self.written.get(file.path)
            before = known["before"] if known else None
            if path.exists() and (known is None or not self._ours(file.path)):
                before = file.path.replace("/", "_")
                self.place.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, self.place / before)
            self.written[file.path] = {"sum": _sum(file.text.encode()), "before": before}
            self.save()
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, file.text, file.mode)

    def undo(self) -> list[str]:
        """Take back what was written; a line for each thing that was done."""
        said = []
        for name in list(self.written):
            path, before = self.root / name, self.written[name]["before"]
            if path.exists() and not self._ours(name):
                changed = self.place / f"{name.replace('/', '_')}.changed"
                shutil.copy2(path, changed)
                said.append(f"/{name} was changed since: a copy is kept as /{PLACE}/{changed.name}")
            if before is not None and (self.place / before).exists():
                temporary = path.with_name(f".{path.name}.new")
                shutil.copy2(self.place / before, temporary)
                temporary.replace(path)
                (self.place / before).unlink()
                said.append(f"/{name}: as it was before")
            else:
                path.unlink(missing_ok=True)
                said.append(f"/{name}: removed")
            del self.written[name]
            self.save()
        (self.place / "record.json").unlink(missing_ok=True)
        if not any(self.place.iterdir()):
            self.place.rmdir()
        return said

    def _ours(self, name: str) -> bool:
        try:
            return bool(_sum((self.root / name).read_bytes()) == self.written[name]["sum"])
        except OSError:
            return False


def _same(path: Path, file: File) -> bool:
    try:
        return path.read_text() == file.text and path.stat().st_mode & 0o777 == file.mode
    except (OSError, UnicodeDecodeError):
        return False


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, text: str, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
