"""Writes the configuration and, beside it, the password in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

READABLE, PRIVATE, FOLDER = 0o644, 0o600, 0o755
"""Whatever the umask: the service is another user, and must read the configuration."""


def may_write(path: Path) -> bool:
    """Whether this user may put a file there."""
    nearest = next((one for one in path.absolute().parents if one.exists()), Path("/"))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def backup_name(path: Path, now: datetime) -> Path:
    """Where the file that is replaced goes: ``pvsmqtt.toml.20260621-180500``."""
    return path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}")


def write(path: Path, text: str, password_path: Path, password: str | None, backup: Path | None) -> None:
    """Both files; the old configuration goes to ``backup``. ``password`` None: there is none, and a file that says
    otherwise is set aside.

    Raises:
        OSError: when it is not possible; then what was there stands as it was.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        path.parent.chmod(FOLDER)
    mode = READABLE
    if backup is not None:
        mode = path.stat().st_mode & 0o777
        _put(backup, path.read_bytes(), mode, like=path)
    if password is not None:
        _put(password_path, f"{password}\n".encode(), PRIVATE)
    elif password_path.exists() and password_path.stat().st_size > 1:
        password_path.replace(password_path.with_name(f"{password_path.name}.unused"))
    _put(path, text.encode(), mode, like=path)


def _put(path: Path, content: bytes, mode: int, like: Path | None = None) -> None:
    """Write a file as a whole: afterwards it holds the old content or the new one, never a part."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            if like is not None and like.exists() and os.geteuid() == 0:
                os.fchown(file.fileno(), like.stat().st_uid, like.stat().st_gid)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
