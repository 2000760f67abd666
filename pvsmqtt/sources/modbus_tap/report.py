"""What is told of a tap itself: its device, and the details for the health topic. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from pvsmqtt.capture.connection import Server
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Value
from pvsmqtt.model.times import iso
from pvsmqtt.sources.modbus_tap.tap import State, Tap
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder
from pvsmqtt.sources.register_units.details import MOST_UNITS, unit_details
from pvsmqtt.sources.register_units.stats import UnitStats

SILENT_AFTER = 60.0
"""Seconds without a packet after which a capture counts as silent."""
LABEL = "Modbus TCP tap"

_STATES = {
    State.STARTING: "searching",
    State.LISTENING: "listening",
    State.LOST: "lost",
    State.ENDED: "silent",
}


def device_of(name: str, site: str, capture: str) -> Device:
    """The tap as a device."""
    called = LABEL if name == "modbus_tap" else f"{LABEL} {name}"
    return Device(name, Kind.BUS, called, manufacturer="pvsmqtt", model=capture, site=site)


def state_of(tap: Tap) -> str:
    """What the tap does, in the words of the quantity ``line_state``."""
    return "silent" if tap.state is State.LISTENING and is_silent(tap) else _STATES[tap.state]


def is_silent(tap: Tap) -> bool:
    """Whether no packet comes, and none has for a while."""
    last = tap.stats.last_byte
    return last is None or tap.now - last >= SILENT_AFTER


def values_of(tap: Tap, decoders: Collection[Decoder]) -> dict[str, Value]:
    """How the tap does; counters count from the start of this service."""
    stats, now = tap.count(), tap.now
    registers = [decoder.known() for decoder in decoders]
    return {
        "line_state": state_of(tap),
        "frame_rate": 0.0 if tap.state is State.ENDED else round(stats.frames_per_second(now), 2),
        "frames": stats.totals["frames"],
        "junk_bytes": stats.totals["junk_bytes"],
        "timeouts": stats.totals["timeouts"],
        "exceptions": stats.totals["exceptions"],
        "units_heard": len({unit for decoder in decoders for unit in decoder.units}),
        "known_registers": sum(known for known, _ in registers),
        "unknown_registers": sum(unknown for _, unknown in registers),
    }


def counts_of(tap: Tap, number: int) -> dict[str, Value]:
    """How often a unit did not answer, and how often it refused, over all ports."""
    unit = tap.count().unit(number)
    return {"timeouts": unit.timeouts, "exceptions": unit.exceptions}


def details_of(
    tap: Tap, decoded: Mapping[int, tuple[Server, Decoder, Chains]], chosen: str, others: Mapping[str, int]
) -> dict[str, Any]:
    """The tap in the health topic. ``decoded``: what is heard of the server that counts, by port."""
    mirror, last = tap.mirror, tap.stats.last_byte
    silent = tap.state is State.LISTENING and is_silent(tap)
    since = last if last is not None else tap.since if tap.live else None
    return {
        "capture": tap.name,
        "line_state": state_of(tap),
        "silent_since": iso(tap.moment(since).replace(microsecond=0)) if silent and since is not None else None,
        "server": chosen or None,
        "ignored_servers": dict(others),
        "counters": {
            "packets": mirror.packets,
            "segments": mirror.segments,
            "bytes": mirror.bytes,
            "passed": dict(mirror.passed),
            "foreign": dict(mirror.foreign.most_common(10)),
            "damaged": tap.faults.damaged,
            "cut": tap.faults.cut,
            "forgotten": mirror.forgotten,
            "refused": mirror.refused,
        },
        "servers": {
            str(server.endpoint): {**of_server(server), "units": _units(tap, *decoded[server.endpoint.port])}
            if server.endpoint.port in decoded and decoded[server.endpoint.port][0] is server
            else of_server(server)
            for server in mirror.servers.values()
        },
    }


def of_server(server: Server) -> dict[str, Any]:
    """What was heard of one port of one server."""
    tally = {name: count for name, count in asdict(server.tally).items() if isinstance(count, int)}
    return {
        "connections": server.connections,
        **tally,
        "timeouts": sum(server.tally.timeouts.values()),
        "exceptions": sum(server.tally.exceptions.values()),
        "junk_bytes": server.asked.junk_bytes + server.told.junk_bytes,
        "malformed": server.asked.malformed + server.told.malformed,
        "repeated_packets": server.flows.repeated,
        "missing_packets": server.flows.gaps,
        "refused_blocks": server.images.refused,
    }


def _units(tap: Tap, server: Server, decoder: Decoder, chains: Chains) -> dict[str, Any]:
    numbers = sorted(decoder.units.keys() | server.tally.timeouts.keys())[:MOST_UNITS]
    return {
        str(number): unit_details(number, _stats(server, decoder, number), decoder, chains, server.images, tap.now)
        for number in numbers
    }


def _stats(server: Server, decoder: Decoder, number: int) -> UnitStats:
    """Of one unit at this port."""
    heard = decoder.units.get(number)
    found = UnitStats(timeouts=server.tally.timeouts[number], heard=heard.last if heard else None)
    found.responses = heard.answers if heard else 0
    for (unit, code), count in server.tally.exceptions.items():
        if unit == number:
            found.codes[code] += count
            found.exceptions += count
            found.responses += count
    return found
