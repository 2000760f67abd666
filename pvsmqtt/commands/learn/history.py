"""What was heard on the line and what the PVS told, each with its time: in memory, and as JSON lines.

A file begins with a header (so does each run that continues it), then one line per read and per reading::

    {"format": "pvsmqtt-learn/1", "started_at": "2026-06-21T18:05:00Z", "line": "serial:///dev/ttyUSB0"}
    {"t": 1782065100.2, "unit": 221, "table": "holding", "address": 100, "registers": [36, 20, 1143]}
    {"t": 1782065115.2, "unit": 221, "table": "holding", "address": 100, "count": 3}
    {"t": 1782065103.9, "device": "sy01", "kind": "mio", "modbus_unit": 221, "interface": "ttymxc5", "values": {…}}

``count`` in place of ``registers`` says that they hold what the last line of this range said. A damaged line (power
cut while it was written) is skipped and counted.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pvsmqtt.commands.learn.series import Place, Series
from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading, Value

FORMAT = "pvsmqtt-learn/1"

UNITS: dict[Kind, int] = {Kind.HUB_PLUS: 220, Kind.MIO: 221, Kind.PV_DISCONNECT: 230}
"""The devices of the RS-485 bus, and the unit that a single one of its kind has."""

Range = tuple[int, Table, int, int]


@dataclass(frozen=True, slots=True)
class Subject:
    """A device as the PVS tells of it."""

    id: str
    kind: Kind
    modbus_unit: int | None = None
    interface: str | None = None


@dataclass(slots=True)
class Told:
    """The values that the PVS told of one quantity, in the order of their times."""

    times: list[float] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


class History:
    """Takes blocks and readings, gives the line to write for each; `read` takes such lines again."""

    def __init__(self) -> None:
        self.registers: dict[Place, Series[int]] = defaultdict(Series)
        self.subjects: dict[str, Subject] = {}
        self.told: dict[tuple[str, str], Told] = defaultdict(Told)
        """By device id and quantity key."""
        self.counters: Counter[str] = Counter()
        """``reads``, ``readings``, ``damaged``."""
        self._held: dict[Range, tuple[int, ...]] = {}

    def take(self, block: RegisterBlock, when: float) -> list[str]:
        """Registers that were heard at ``when`` (wall clock, in place of ``block.when``)."""
        lines = []
        part: RegisterBlock | None = block
        while part is not None:
            spot: Range = (part.unit, part.table, part.address, len(part.registers))
            line: dict[str, Any] = {"t": round(when, 3), "unit": part.unit, "table": part.table}
            line["address"] = part.address
            if self._held.get(spot) == part.registers:
                line["count"] = len(part.registers)
            else:
                line["registers"] = list(part.registers)
            self._put(spot, part.registers, when)
            lines.append(_line(line))
            part = part.also
        return lines

    def tell(self, reading: Reading, when: float) -> list[str]:
        """A reading that arrived at ``when``: its values are as old as it says. Only devices of the bus count."""
        device = reading.device
        if device.kind not in UNITS or not reading.values:
            return []
        subject = Subject(device.id, device.kind, device.modbus_unit, device.interface)
        when -= reading.age or 0.0
        if not self._tell(subject, reading.values, when):
            return []
        line: dict[str, Any] = {"t": round(when, 3), "device": device.id, "kind": device.kind}
        line |= {"modbus_unit": device.modbus_unit, "interface": device.interface, "values": dict(reading.values)}
        return [_line(line)]

    def read(self, lines: Iterable[str]) -> None:
        """Take what a file says."""
        for text in lines:
            try:
                self._read(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError):
                self.counters["damaged"] += 1

    def forget_ranges(self) -> None:
        """Another run begins to write: the first line of each range tells its registers again."""
        self._held.clear()

    def _read(self, line: dict[str, Any]) -> None:
        if "format" in line:
            if line["format"] != FORMAT:
                raise ValueError("another format")
            self.forget_ranges()
            return
        when = float(line["t"])
        if not math.isfinite(when):
            raise ValueError("no time")
        if "device" in line:
            subject = Subject(str(line["device"]), Kind(line["kind"]), line["modbus_unit"], line["interface"])
            if subject.kind in UNITS:
                self._tell(subject, dict(line["values"]), when)
            return
        held = tuple(line["registers"]) if "registers" in line else None
        unit, address = int(line["unit"]), int(line["address"])
        spot = (unit, Table(line["table"]), address, int(line["count"]) if held is None else len(held))
        held = self._held[spot] if held is None else held
        if not all(isinstance(value, int) and 0 <= value <= 0xFFFF for value in held):
            raise ValueError("no registers")
        self._put(spot, held, when)

    def _put(self, spot: Range, registers: tuple[int, ...], when: float) -> None:
        unit, table, address, _ = spot
        self._held[spot] = registers
        self.counters["reads"] += 1
        for number, value in enumerate(registers):
            self.registers[Place(unit, table, address + number)].put(when, when, value)

    def _tell(self, subject: Subject, values: Any, when: float) -> bool:
        """Whether it is news: the PVS tells the same measurement until it has another."""
        self.subjects[subject.id] = subject
        news = False
        for key, value in values.items():
            told = self.told[subject.id, str(key)]
            usable = isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))
            if usable and (not told.times or when - told.times[-1] >= 1):
                told.times.append(when)
                told.values.append(value)
                news = True
        self.counters["readings"] += news
        return news


def header(started_at: str, line: str) -> str:
    """The first line of a run."""
    return _line({"format": FORMAT, "started_at": started_at, "line": line})


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
