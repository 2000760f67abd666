"""``pvsmqtt discover --modbus``: which equipment answers Modbus TCP, what it is, and how it is written into the
configuration. Addresses are tried one after the other; nothing but reads is sent."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from pvsmqtt.sources.register_units.conext import NATIVE_PORT, SUNSPEC_PORT

Profile = Literal["conext", "sunspec"]
ANSWER = 3.0
"""Seconds that an answer may take."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit that told what it is."""

    unit: int
    kind: str
    model: str | None
    serial: str | None
    values: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """Equipment at an address."""

    host: str
    profile: str
    ports: dict[int, str]
    """What is spoken at each."""
    units: list[_Unit]


def search(hosts: Sequence[str], as_json: bool) -> int:
    """Print what was found and a configuration for it. Exit status 1 when nothing answers."""
    seen, trouble = asyncio.run(_look(hosts))
    if as_json:
        print(json.dumps({"found": [asdict(one) for one in seen], "configuration": _configuration(seen)}, indent=2))  # noqa: T201
    else:
        for text in _as_text(seen):
            print(text)  # noqa: T201
    if not seen:
        print(f"pvsmqtt: {trouble}", file=sys.stderr)  # noqa: T201
    return 0 if seen else 1


async def _look(hosts: Sequence[str]) -> tuple[list[_Seen], str]:
    from pvsmqtt.sources.modbus_tcp import finding
    from pvsmqtt.sources.modbus_tcp.options import PORTS

    if not hosts and finding.own_address() is None:
        where = f"{finding.ADDRESSES[0]} to {finding.ADDRESSES[-1]}"
        return [], (
            f"this machine has no address in {finding.NETWORK}, where a PVS has its gateway ({where}): connect it to "
            "that network, or name an address with --host"
        )
    tell = sys.stderr.isatty()

    def progress(host: str) -> None:
        if tell:
            print(f"\rtrying {host} … ", end="", file=sys.stderr)  # noqa: T201

    ports = PORTS["conext"]
    targets = list(hosts) or list(finding.ADDRESSES)
    found = []
    for host, port in map(_address, targets):
        found += await finding.search(ports if port is None else [port], [host], progress)
    if tell:
        print("\r", end="", file=sys.stderr)  # noqa: T201
    seen = [await _describe(host, found) for host in dict.fromkeys(one.host for one in found)]
    tried = ", ".join(hosts) if hosts else f"{targets[0]} to {targets[-1]}"
    return seen, (
        f"nothing answers Modbus at {tried} (ports {' and '.join(map(str, ports))} unless another is named): check "
        "power and network, and whether Modbus TCP is switched on in the equipment"
    )


def _address(text: str) -> tuple[str, int | None]:
    """Host, and port where one is written behind it."""
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdecimal() and ":" not in host else (text, None)


async def _describe(host: str, found: Sequence[object]) -> _Seen:
    from pvsmqtt.model.device import Kind
    from pvsmqtt.sources.modbus_master.checking import WORDS
    from pvsmqtt.sources.modbus_master.survey import Language
    from pvsmqtt.sources.modbus_tcp.finding import Found
    from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions
    from pvsmqtt.sources.modbus_tcp.setup import USUAL, source

    here = [one for one in found if isinstance(one, Found) and one.host == host]
    native = any(one.unit is not None and one.unit.language is Language.NATIVE for one in here)
    profile: Profile = "conext" if native or any(one.port == NATIVE_PORT for one in here) else "sunspec"
    ports = [one.port for one in here]
    usual = list(dict.fromkeys(number for numbers in USUAL.values() for number in numbers))
    options = ModbusTcpOptions(host=host, profile=profile, ports=ports, units=usual, timeout=ANSWER)
    asked = source(options, None)
    try:
        readings = await asked.cycle()
    finally:
        await asked.close()
    units = [
        _Unit(
            reading.device.modbus_unit or 0,
            reading.device.kind.value,
            _plain(reading.device.model),
            _plain(reading.device.serial),
            sum(value is not None for value in reading.values.values()),
        )
        for reading in readings
        if reading.device.kind is not Kind.BUS
    ]
    spoken = {
        one.port: WORDS[reader.language] if reader.language else "Modbus, but nothing that is known"
        for one, reader in zip(here, asked.readers, strict=True)
    }
    return _Seen(host, profile, spoken, units)


def _as_text(seen: Sequence[_Seen]) -> list[str]:
    lines = []
    for one in seen:
        lines.append(f"{'Conext Gateway' if one.profile == 'conext' else 'Modbus equipment'} at {one.host}")
        lines += [f"  port {port:<5} {words}" for port, words in one.ports.items()]
        lines += [
            f"  unit {unit.unit:<5} {unit.kind.replace('_', ' ')}, {unit.model or 'unknown model'}, "
            f"serial number {unit.serial or 'unknown'}, {unit.values} values"
            for unit in one.units
        ]
        lines.append("")
    if seen:
        lines += ["For the configuration file:", "", _configuration(seen)]
    return lines


def _configuration(seen: Sequence[_Seen]) -> str:
    return "\n\n".join(
        "\n".join(
            [
                "[[modbus_tcp]]",
                f"host = {json.dumps(one.host)}",
                *([] if set(one.ports) <= {SUNSPEC_PORT, NATIVE_PORT} else [f"ports = {list(one.ports)}"]),
                *([] if one.profile == "conext" else [f'profile = "{one.profile}"']),
                *([f"units = {sorted(unit.unit for unit in one.units)}"] if one.profile == "sunspec" else []),
            ]
        )
        for one in seen
    )


def _plain(text: str | None) -> str | None:
    """Text from the network without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text) if text else text
