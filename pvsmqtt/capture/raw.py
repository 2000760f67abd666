r"""Our own format: JSON lines, one for each chunk as it was received, so that a better framer can try again.

::

    {"format": "pvsmqtt-capture/1", "line": "tcp://192.168.1.20:4196", "setting": "19200 8N1",
     "started_at": "2026-06-21T18:05:00Z", "anonymised": true, "note": "…"}          (one line)
    {"t": 0.0, "event": "opened"}
    {"t": 0.120512, "hex": "dc030000000c5d32"}
    {"t": 0.148817, "hex": "dc0318002000240426"}

``t``: seconds since ``started_at``, microseconds at best. A file may end anywhere (the power failed): what cannot be
read is counted, and the rest is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.capture.items import CaptureError, Chunk, Event, Faults, Header, Stream, Why
from pvsmqtt.model.times import iso

FORMAT = "pvsmqtt-capture/1"
LONGEST = 2**20
"""Bytes of a line. Longer ones are damaged: we write nothing of the kind."""
MAGIC = b'{"format": "pvsmqtt-capture/'
_KNOWN = {"t", "event"}


def header(what: Header) -> bytes:
    """The first line."""
    return _line(
        {
            "format": FORMAT,
            "line": what.line,
            "setting": what.setting,
            "started_at": iso(what.started_at),
            "anonymised": what.anonymised,
            "note": what.note,
        }
    )


def chunk(t: float, data: bytes) -> bytes:
    """The line of a chunk; ``t`` in seconds since the start."""
    return b'{"t": %.6f, "hex": "%s"}\n' % (t, data.hex().encode())


def event(what: Event) -> bytes:
    """The line of an event."""
    return _line({"t": round(what.t, 6), "event": what.name, **what.details})


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, default=str).encode() + b"\n"


def read_header(line: bytes) -> Header:
    """The first line of a file.

    Raises:
        CaptureError: when it is damaged, or of a later version.
    """
    try:
        document = json.loads(line)
        found = document["format"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise CaptureError(Why.UNREADABLE, "its first line is damaged: this is no recording any more") from None
    if found != FORMAT:
        raise CaptureError(Why.NEWER, f"it has the format {found!r}, this version reads {FORMAT!r}: update pvsmqtt")

    def text(key: str) -> str | None:
        return value if isinstance(value := document.get(key), str) else None

    anonymised = document.get("anonymised")
    return Header(
        text("line"),
        text("setting"),
        _moment(text("started_at")),
        anonymised if isinstance(anonymised, bool) else None,
        text("note"),
    )


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def items(stream: Stream, faults: Faults) -> Iterator[Chunk | Event]:
    """What follows the first line, in order; times never go back."""
    latest, number = 0.0, 1
    while line := stream.readline(LONGEST):
        number += 1
        if not line.endswith(b"\n") and len(line) == LONGEST:
            while (rest := stream.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            faults.damage(f"line {number} is longer than {LONGEST} bytes")
            continue
        item = _item(line)
        if item is None:
            if line.strip():
                faults.damage(f"line {number} is damaged")
            continue
        if item.t < latest:
            faults.backwards += 1
            item = item._replace(t=latest)
        latest = item.t
        yield item


def _item(line: bytes) -> Chunk | Event | None:
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or isinstance(document.get("t"), bool):
            return None
        t = float(document["t"])
        if not math.isfinite(t):
            return None
        if "hex" in document:
            data = bytes.fromhex(document["hex"])
            return Chunk(t, data) if data else None
        if isinstance(name := document.get("event"), str):
            return Event(t, name, {key: value for key, value in document.items() if key not in _KNOWN})
    except (ValueError, RecursionError, TypeError, KeyError, OverflowError):
        pass
    return None
