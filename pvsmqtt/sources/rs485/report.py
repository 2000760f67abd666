"""What is told of a line itself: its device, and the details for the health topic. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pvsmqtt.model.device import LABELS, Device, Kind
from pvsmqtt.model.reading import Value
from pvsmqtt.model.times import iso
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder
from pvsmqtt.sources.register_units.details import MOST_UNITS, unit_details
from pvsmqtt.sources.register_units.stats import UnitStats
from pvsmqtt.sources.rs485.tap import State, Tap
from pvsmqtt.sources.rs485.units import ENOUGH

SILENT_AFTER = 60.0
"""Seconds without a byte after which a line counts as silent."""

_STATES = {
    State.STARTING: "searching",
    State.SEARCHING: "searching",
    State.LISTENING: "listening",
    State.LOST: "lost",
    State.ENDED: "silent",
}


def device_of(line: str, site: str, url: str) -> Device:
    """The line as a device."""
    name = LABELS[Kind.BUS] if line == "rs485" else f"{LABELS[Kind.BUS]} {line}"
    return Device(line, Kind.BUS, name, manufacturer="pvsmqtt", model=url, site=site)


def values_of(tap: Tap, decoder: Decoder) -> dict[str, Value]:
    """How the line does; counters count from the start of this service."""
    stats, now = tap.count(), tap.now
    load = None if tap.state is State.ENDED else stats.load(now)
    known, unknown = decoder.known()
    return {
        "line_state": state_of(tap),
        "baud_rate": tap.setting.baudrate if tap.setting else None,
        "bus_load": None if load is None else round(load, 2),
        "frame_rate": 0.0 if tap.state is State.ENDED else round(stats.frames_per_second(now), 2),
        "frames": stats.totals["frames"],
        "crc_failures": stats.totals["crc_failures"],
        "junk_bytes": stats.totals["junk_bytes"],
        "timeouts": stats.totals["timeouts"],
        "exceptions": stats.totals["exceptions"],
        "units_heard": sum(unit.answers >= ENOUGH for unit in decoder.units.values()),
        "known_registers": known,
        "unknown_registers": unknown,
    }


def details_of(tap: Tap, decoder: Decoder, chains: Chains) -> dict[str, Any]:
    """The line in the health topic: what a person wants to see who asks why a value is missing."""
    stats, now = tap.count(), tap.now
    numbers = sorted(decoder.units.keys() | {number for number, unit in stats.units.items() if _matters(unit)})
    return {
        "line": str(tap.url),
        "line_state": state_of(tap),
        "setting": str(tap.setting) if tap.setting else None,
        "note": tap.note or None,
        "silent_since": silent_since(tap),
        "counters": {**stats.totals, "refused_blocks": tap.images.refused},
        "answers": _answers(tap),
        "driver": tap.errors,
        "units": {
            str(number): unit_details(number, stats.units.get(number), decoder, chains, tap.images, now)
            for number in numbers[:MOST_UNITS]
        },
    }


def _answers(tap: Tap) -> dict[str, int]:
    """What became of requests and responses: only what was paired beyond doubt tells values."""
    counters = asdict(tap.dialogue.counters)
    return {name: count for name, count in counters.items() if isinstance(count, int)}


def counts_of(tap: Tap, number: int) -> dict[str, Value]:
    """How often a unit did not answer, and how often it refused."""
    unit = tap.count().unit(number)
    return {"timeouts": unit.timeouts, "exceptions": unit.exceptions}


def state_of(tap: Tap) -> str:
    """What the line does, in the words of the quantity ``line_state``."""
    return "silent" if tap.state is State.LISTENING and is_silent(tap) else _STATES[tap.state]


def is_silent(tap: Tap) -> bool:
    """Whether nothing comes, and has not for a while."""
    return tap.now - (tap.stats.last_byte if tap.stats.last_byte is not None else tap.since) >= SILENT_AFTER


def silent_since(tap: Tap) -> str | None:
    """Since when nothing comes; None while something does, and while the line is not there."""
    if tap.state is not State.LISTENING or not is_silent(tap):
        return None
    last = tap.stats.last_byte
    return iso(tap.moment(tap.since if last is None else last).replace(microsecond=0))


def _matters(unit: UnitStats) -> bool:
    """Whether more than a slip was heard of a unit, or it is asked in vain."""
    return unit.responses >= ENOUGH or unit.timeouts >= ENOUGH
