"""Opens the journal's file; one that cannot be used is set aside, never fatal and never deleted."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pvsmqtt.sinks.mqtt.journal.store import Contents, Store
from pvsmqtt.sinks.mqtt.journal.trouble import FAILING, Trouble, Unusable, sorted_out

MOST_ASIDE = 3
"""Files set aside that are kept; the oldest go, so that a dying disk is not filled by them."""

_log = logging.getLogger("pvsmqtt.journal")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, what is in it, and how many were set aside for it."""

    store: Store
    contents: Contents
    set_aside: int


def open_store(path: Path) -> Opened:
    """Open the file, or a new one where that is unusable.

    Raises:
        Trouble: when there is no way now.
    """
    try:
        return Opened(*_read(path), 0)
    except Unusable as error:
        set_aside(path, error)
    try:
        return Opened(*_read(path), 1)
    except Unusable as error:
        raise Trouble(FAILING, f"a new file is damaged at once: {error}") from None


def _read(path: Path) -> tuple[Store, Contents]:
    store = Store(path)
    try:
        return store, store.contents()
    except BaseException:
        store.close()
        raise


def set_aside(path: Path, why: Unusable) -> Path:
    """Rename a file that is unusable, with its write-ahead log: ``journal.db.bad-20260621T180500Z``.

    Raises:
        Trouble: when the folder does not allow it.
    """
    aside = path.with_name(f"{path.name}.bad-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with sorted_out():
        path.replace(aside)
        with contextlib.suppress(FileNotFoundError):
            _log_of(path).replace(_log_of(aside))
        old = sorted(path.parent.glob(f"{path.name}.bad-*Z"))
        for file in old[:-MOST_ASIDE]:
            file.unlink()
            _log_of(file).unlink(missing_ok=True)
    _log.error(
        "the journal %s cannot be used (%s). It is set aside as %s, and a new one is begun; readings in it that were "
        "not published yet are lost",
        path,
        why,
        aside.name,
    )
    return aside


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
