"""A capture of a network: who asks whom, every request and answer, and what is known of each server's units."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.capture import mirror, pcap
from pvsmqtt.capture.connection import Endpoint
from pvsmqtt.capture.reading import Recording
from pvsmqtt.capture.replaying import Heard
from pvsmqtt.commands.replay import frames as frame_view
from pvsmqtt.commands.replay import registers as register_view
from pvsmqtt.commands.replay import summary as summary_view
from pvsmqtt.commands.replay.meaning import Meaning
from pvsmqtt.modbus.mapfile import RegisterMap, shipped
from pvsmqtt.model.times import iso
from pvsmqtt.sources.register_units.conext import NATIVE_PORT

_OF_LINES = ("offset", "length", "echo")
_CLIENTS = 10


class Replayed:
    """Iterate it, once; meanwhile and afterwards ``mirror`` tells what was heard."""

    def __init__(self, packets: Iterable[pcap.Record], link_type: int, ports: Collection[int]) -> None:
        self.mirror = mirror.Mirror(ports)
        self.began: float | None = None
        """Seconds since 1970 of the first packet."""
        self._packets = packets
        self._link_type = link_type

    def __iter__(self) -> Iterator[mirror.Spoken]:
        for packet in self._packets:
            if self.began is None:
                self.began = packet.when
            yield from self.mirror.take(packet, self._link_type)
        yield from self.mirror.finish()


def document(spoken: mirror.Spoken, began: float) -> dict[str, Any]:
    """A request or answer with everything it says, as `frames.document` has it; ``packet`` counts from 1."""
    found = frame_view.document(_heard(spoken, began), timed=True)
    of_network = {
        "packet": spoken.told.frame.offset,
        "client": str(spoken.client),
        "server": str(spoken.server.endpoint),
        "transaction": spoken.told.transaction,
    }
    return of_network | {key: value for key, value in found.items() if key not in _OF_LINES}


def line(spoken: mirror.Spoken, began: float) -> str:
    """The same for people: time, packet, unit and what is said, then who speaks with whom, and the transaction."""
    said = frame_view.line(_heard(spoken, began), timed=True)
    return f"{said}   [{spoken.client} -> {spoken.server.endpoint} #{spoken.told.transaction}]"


def print_frames(replayed: Replayed, as_json: bool) -> None:
    """Each at once."""
    for spoken in replayed:
        began = replayed.began or 0.0
        text = json.dumps(document(spoken, began)) if as_json else line(spoken, began)
        sys.stdout.write(text + "\n")


def _heard(spoken: mirror.Spoken, began: float) -> Heard:
    frame = spoken.told.frame
    return Heard(frame._replace(when=frame.when - began), spoken.told.request, spoken.told.block)


def maps_at(port: int, maps: Sequence[RegisterMap]) -> list[RegisterMap]:
    """The maps that count at a port: at the native one of a Conext Gateway also those that come with pvsmqtt."""
    return [*(shipped("conext") if port == NATIVE_PORT else ()), *maps]


class Spoken:
    """Everything that was said, by server."""

    def __init__(self, replayed: Replayed, maps: Sequence[RegisterMap]) -> None:
        self._meanings: dict[Endpoint, Meaning] = {}
        self._talks: dict[Endpoint, summary_view.Talk] = {}
        self._clients: dict[Endpoint, set[str]] = {}
        for spoken in replayed:
            at = spoken.server.endpoint
            if at not in self._talks:
                self._talks[at] = summary_view.Talk()
                self._meanings[at] = Meaning(spoken.server.images, maps_at(at.port, maps))
                self._clients[at] = set()
            self._clients[at].add(spoken.client.address)
            self._talks[at].take(_heard(spoken, 0.0))
            if spoken.told.block is not None:
                self._meanings[at].take(spoken.told.block)
        self.mirror = replayed.mirror

    def registers(self) -> list[dict[str, Any]]:
        """The final images, as `registers.document` has them, each with its server."""
        return [
            {"server": str(at)} | table
            for at, meaning in self._meanings.items()
            for table in register_view.document(self.mirror.servers[at].images, meaning, timed=True)
        ]

    def register_lines(self) -> Iterator[str]:
        """The same for people."""
        for at, meaning in self._meanings.items():
            yield f"server {at}"
            yield from register_view.lines(self.mirror.servers[at].images, meaning)

    def summary(self, recording: Recording) -> dict[str, Any]:
        """What a person wants to know first. Durations in seconds."""
        heard = self.mirror
        duration = heard.span[1] - heard.span[0] if heard.span else None
        return {
            "file": recording.name,
            "kind": str(recording.kind),
            "link_type": recording.link_type,
            "started_at": iso(datetime.fromtimestamp(heard.span[0], UTC)) if heard.span else None,
            "duration": None if duration is None else round(duration, 6),
            "packets": heard.packets,
            "segments": heard.segments,
            "bytes": heard.bytes,
            "passed": dict(heard.passed),
            "foreign": dict(heard.foreign.most_common(10)),
            "servers": [self._server(at, duration) for at in heard.servers],
            "faults": asdict(recording.faults),
        }

    def _server(self, at: Endpoint, duration: float | None) -> dict[str, Any]:
        server = self.mirror.servers[at]
        talk, meaning = self._talks.get(at), self._meanings.get(at)
        tally = {name: count for name, count in asdict(server.tally).items() if isinstance(count, int)}
        return {
            "server": str(at),
            "clients": sorted(self._clients.get(at, ()))[:_CLIENTS],
            "connections": server.connections,
            **tally,
            "timeouts": server.tally.timeouts.total(),
            "exceptions": server.tally.exceptions.total(),
            "malformed": server.asked.malformed + server.told.malformed,
            "junk_bytes": server.asked.junk_bytes + server.told.junk_bytes,
            "repeated_packets": server.flows.repeated,
            "missing_packets": server.flows.gaps,
            "units": summary_view.units(talk, server.tally.timeouts, duration) if talk else [],
            "tables": summary_view.tables(server.images, meaning, duration) if meaning else [],
        }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The summary for people."""
    yield f"{found['file']}: pcap of a network, link type {found['link_type']}"
    told = {
        "started": found["started_at"],
        "duration": summary_view.duration_text(found["duration"]),
        "packets": f"{found['packets']}, {found['segments']} of them of Modbus connections",
    }
    for name, value in told.items():
        if value is not None:
            yield f"  {name:12s}{value}"
    yield from summary_view.fault_lines(found["faults"])
    if not found["servers"]:
        ports = ", ".join(map(str, found["foreign"]))
        seen = f" There are TCP packets of port {ports}: name it with --port." if ports else ""
        yield f"No Modbus connection is in it.{seen}"
    for server in found["servers"]:
        yield from _server_lines(server)


def _server_lines(server: dict[str, Any]) -> Iterator[str]:
    clients = ", ".join(server["clients"]) or "nobody"
    yield ""
    yield f"server {server['server']}, asked by {clients} on {server['connections']} connections"
    yield (
        f"  {'answers':12s}{server['paired']} paired with their request, {server['unpaired']} not; "
        f"{server['timeouts']} time-outs, {server['exceptions']} exceptions"
    )
    if server["missing_packets"] or server["repeated_packets"]:
        yield (
            f"  {'packets':12s}{server['repeated_packets']} came twice, {server['missing_packets']} gaps "
            f"({server['spoiled']} requests of which nobody knows whether they were answered)"
        )
    if server["junk_bytes"] or server["malformed"]:
        yield f"  {'junk':12s}{server['junk_bytes']} bytes, {server['malformed']} malformed"
    for unit in server["units"]:
        tables = [one | {"sunspec": one["sunspec"] | {"guesses": []}} for one in server["tables"]]
        yield from summary_view.unit_lines(unit, [one for one in tables if one["unit"] == unit["unit"]])
