"""For pipes: a line or a JSON object for each frame, as ``pvsmqtt replay --frames`` writes them; and a summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from pvsmqtt.capture.replaying import Heard
from pvsmqtt.commands.replay import frames
from pvsmqtt.commands.sniff.picture import Picture
from pvsmqtt.modbus.frame import Frame


def line(frame: Frame, request: Frame | None, began: float, as_json: bool) -> str:
    """One frame; its time counts from ``began``."""
    heard = Heard(frame._replace(when=frame.when - began), request, None)
    return json.dumps(frames.document(heard, timed=True)) if as_json else frames.line(heard, timed=True)


def summary(picture: Picture, speed: str, seconds: float) -> Iterator[str]:
    """What was heard in all."""
    totals = picture.stats.totals
    total, unknown = picture.registers()
    duration = timedelta(seconds=round(seconds))
    yield f"heard for {duration} at {speed}: {totals['bytes']} bytes, {totals['frames']} frames"
    for number, talk in sorted(picture.talks.items()):
        missed = picture.stats.units[number].timeouts if number in picture.stats.units else 0
        refused = sum(talk.exceptions.values())
        asked = f"{talk.requests} requests, {talk.responses} answers"
        yield f"unit {number}: {asked}, {missed} time-outs, {refused} refused"
    yield f"{total} registers, {picture.changed()} of them changed, {unknown} of unknown meaning"
    bad = [f"{totals[name]} {text}" for name, text in _ERRORS if totals[name]]
    yield f"errors: {', '.join(bad) or 'none'}"


_ERRORS = (
    ("crc_failures", "damaged frames"),
    ("junk_bytes", "bytes of junk"),
    ("echoes", "echoes"),
    ("timeouts", "time-outs"),
)
