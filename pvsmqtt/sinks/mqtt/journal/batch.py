"""What is written together: a batch of readings, packed. Pure.

A packed batch is its readings as JSON objects, one a line, compressed with zlib: the readings of one cycle are much
alike, and 43 of them take about 3 kB. Stream and sequence number are not part of it; the row says them.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pvsmqtt.model.accepted import Accepted
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.mqtt.topics import dumps

MOST = 500
"""Readings in one batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of the journal. ``position`` is its place in the order of everything; ``stream`` and ``first`` say which
    numbers its ``count`` readings have; ``at`` is when it came, in seconds of the journal's own clock."""

    position: int
    stream: str
    first: int
    count: int
    at: float
    body: bytes


class Damaged(Exception):
    """A packed batch is not what was packed."""


def pack(readings: Sequence[Accepted]) -> bytes:
    """The readings of a batch as they are kept."""
    return zlib.compress("\n".join(_line(reading) for reading in readings).encode())


def payloads(batch: Batch) -> list[str]:
    """What is published of a batch: a JSON object for each reading.

    Raises:
        Damaged: when its body is not what was packed.
    """
    unpacking = zlib.decompressobj()
    try:
        lines = unpacking.decompress(batch.body).decode().split("\n")
    except (zlib.error, UnicodeDecodeError) as error:
        raise Damaged(str(error)) from None
    if not unpacking.eof or unpacking.unused_data:
        raise Damaged("a part of it is missing, or of another")
    if len(lines) != batch.count or not all(line.startswith("{") for line in lines):
        raise Damaged(f"{len(lines)} readings in place of {batch.count}")
    head = f'{{"stream":{json.dumps(batch.stream)},"sequence":'
    return [f"{head}{batch.first + number},{line[1:]}" for number, line in enumerate(lines)]


def _line(reading: Accepted) -> str:
    values = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in reading.values.items()
    }
    return dumps(
        {
            "device": reading.device,
            "source": reading.source,
            "measured_at": iso(reading.measured_at),
            "accepted_at": iso(reading.accepted_at),
            "values": values,
        }
    )
