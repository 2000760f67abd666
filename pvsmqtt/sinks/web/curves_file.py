"""Curves over a restart: ``curves.json`` in the state directory, written every hour and at the end.

The means of each curve stand in it as 288 floats (little-endian, compressed, Base64), oldest first::

    {"format": 1, "step": 300, "until": "2026-06-21T18:05:00Z", "curves": {"site": {"pv_power": "eJz…"}}}

A power cut costs the curves of an hour at most. A damaged file is set aside, never fatal.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
import struct
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.bus import Bus
from pvsmqtt.model.files import write_json
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.web.curves import Curves
from pvsmqtt.sinks.web.series import BUCKETS, STEP

FILE = "curves.json"
FORMAT = 1
EVERY = 3600.0
"""Seconds between two writes: with 40 panels a megabyte a day, for SD cards wear."""

_FLOATS = struct.Struct(f"<{BUCKETS}f")

_log = logging.getLogger("pvsmqtt.web")


def _now() -> datetime:
    return datetime.now(UTC)


class CurvesFile:
    """The file in a folder. Nothing that happens to it ends the curves."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._turn = threading.Lock()
        self._said = False

    def load(self, curves: Curves, wall: datetime, now: float) -> None:
        """Go on from what was written; from nothing where there is no file, or none that can be used."""
        try:
            document = json.loads(self._path.read_text("utf-8"))
            if (document["format"], document["step"]) != (FORMAT, STEP):
                raise ValueError(f"format {document['format']!r}")
            until = datetime.fromisoformat(document["until"])
            found = [
                ((str(device), str(key)), _unpacked(text))
                for device, rows in document["curves"].items()
                for key, text in rows.items()
            ]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
            self._set_aside(error)
            return
        for curve, means in found:
            curves.restore(curve, means, until, wall, now)

    def save(self, curves: Curves, wall: datetime, now: float) -> None:
        """Write them."""
        self._write(document(curves, wall, now))

    async def keep(
        self,
        curves: Curves,
        bus: Bus[Any],
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Feed the curves with what is on the bus, and write them now and then, until cancelled."""
        view = bus.subscribe()
        due = monotonic() + EVERY
        try:
            while True:
                try:
                    async with asyncio.timeout(max(0.0, due - monotonic())):
                        events = await view.changes()
                except TimeoutError:
                    events = []
                for event in events:
                    curves.take(event, wall(), monotonic())
                if monotonic() >= due:
                    due = monotonic() + EVERY
                    await asyncio.to_thread(self._write, document(curves, wall(), monotonic()))
        finally:
            bus.unsubscribe(view)
            self.save(curves, wall(), monotonic())

    def _write(self, what: dict[str, Any]) -> None:
        try:
            with self._turn:  # what is being written when the service stops comes first
                write_json(self._path, what)
            self._said = False
        except OSError as error:
            if not self._said:
                self._said = True
                _log.error(
                    "cannot save the curves of the status page: %s. All goes on, but after a restart they begin "
                    "anew. Make room in %s, and make it writable for this service",
                    error,
                    self._path.parent,
                )

    def _set_aside(self, error: Exception) -> None:
        _log.error(
            "%s cannot be used (%s); it is set aside as %s.bad, and the curves of the status page begin anew",
            self._path,
            error,
            FILE,
        )
        try:
            self._path.replace(self._path.with_name(f"{FILE}.bad"))
        except OSError as blocked:
            _log.error("it cannot be set aside either: %s", blocked)


def document(curves: Curves, wall: datetime, now: float) -> dict[str, Any]:
    """What is written; a curve of which nothing is known is left out."""
    packed: dict[str, dict[str, str]] = {}
    for (device, key), means in curves.kept(wall, now):
        if any(mean is not None for mean in means):
            packed.setdefault(device, {})[key] = _packed(means)
    return {"format": FORMAT, "step": STEP, "until": iso(wall), "curves": packed}


def _packed(means: list[float | None]) -> str:
    floats = _FLOATS.pack(*(math.nan if mean is None else mean for mean in means))
    return base64.b64encode(zlib.compress(floats)).decode("ascii")


def _unpacked(text: str) -> list[float | None]:
    """The means again.

    Raises:
        ValueError, TypeError, zlib.error: it is none of ours.
    """
    inflating = zlib.decompressobj()
    floats = inflating.decompress(base64.b64decode(text, validate=True), _FLOATS.size + 1)
    if len(floats) != _FLOATS.size or not inflating.eof:
        raise ValueError("a curve is too short or too long")
    return [mean if math.isfinite(mean) else None for mean in _FLOATS.unpack(floats)]
