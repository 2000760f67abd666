"""Registers for people who look at them: of a line that is heard, of a capture, of equipment that is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers_master import Clock, FakeDoor, FakeUnit, native, reader_of, the_map
from helpers_packets import Talk
from sources.rs485_bench import poll
from sources.test_modbus_tap_source import inverter, packets
from sources.test_modbus_tap_source import maps as _tap_maps
from sources.test_modbus_tap_source import native as native_talk
from sources.test_modbus_tap_source import play as play_capture
from sources.test_rs485_source import CHAIN, SILENCE, W, play, text
from sources.test_rs485_source import maps as _line_maps

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile.entry import Entry, RegisterMap
from pvsmqtt.sources.memory import Memory
from pvsmqtt.sources.modbus_tap.source import ModbusTapSource
from pvsmqtt.sources.register_units import registers
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Place

line_maps, tap_maps = _line_maps, _tap_maps
START = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)


class _Memory(Memory):
    prefix, whose = "test", "the test"


class Line:
    """A line of which blocks are heard."""

    def __init__(self, *maps: RegisterMap) -> None:
        self.images = Images()
        self.chains = Chains(self.images, _Memory(None, "x"))
        self.decoder = Decoder(Place("rs485 x", "x", "site", 600.0), self.images, maps, self.chains, {})

    def hear(self, unit: int, address: int, *values: int, when: float = 0.0, table: Table = Table.HOLDING_REGISTERS):
        block = RegisterBlock(unit, table, address, values, when)
        image = self.images.take(block)
        self.decoder.take(block, image.changed if image else ())
        return self

    def told(self) -> dict[str, Any]:
        found = registers.line(
            "rs485 x", self.images, self.decoder, self.chains, lambda when: START + timedelta(seconds=when)
        )
        return json.loads(json.dumps(found))

    def rows(self, unit: int) -> dict[int, dict[str, Any]]:
        (found,) = (one for one in self.told()["units"] if one["unit"] == unit)
        return {row["address"]: row for row in found["registers"]}


def a_map(*entries: Entry) -> RegisterMap:
    return RegisterMap("m", "invented", entries)


def entry(address: int, name: str, **what: Any) -> Entry:
    what = {"type": "uint16", "table": Table.HOLDING_REGISTERS, **what}
    return Entry(units=(5,), address=address, name=name, **what)


def test_value_and_times_of_each_register() -> None:
    line = Line().hear(5, 10, 1, 2).hear(5, 10, 1, 3, when=60).hear(5, 10, 1, 3, when=90.7)
    assert line.told()["name"] == "rs485 x"
    assert line.rows(5) == {
        10: {
            "table": "holding",
            "address": 10,
            "value": 1,
            "name": None,
            "reading": None,
            "changed_at": None,
            "seen_at": "2026-06-21T18:01:30Z",
        },
        11: {
            "table": "holding",
            "address": 11,
            "value": 3,
            "name": None,
            "reading": None,
            "changed_at": "2026-06-21T18:01:00Z",
            "seen_at": "2026-06-21T18:01:30Z",
        },
    }


def test_units_and_tables_come_in_order() -> None:
    line = Line().hear(9, 1, 1).hear(2, 1, 1, table=Table.COILS)
    line.hear(2, 7, 1, table=Table.INPUT_REGISTERS).hear(2, 0, 0, table=Table.DISCRETE_INPUTS).hear(2, 3, 3)
    assert [unit["unit"] for unit in line.told()["units"]] == [2, 9]
    assert [row["table"] for row in line.told()["units"][0]["registers"]] == ["holding", "input", "coil", "discrete"]


def test_names_and_readings_of_a_map() -> None:
    line = Line(
        a_map(
            entry(10, "volts", type="uint32", length=2, scale=0.001, unit="V"),
            entry(12, "mode", enum={3: "charging"}),
            entry(13, "relay", type="bool", bit=0, length=1),
            entry(13, "fan", type="bool", bit=1, length=1),
            entry(14, "absent", missing=(0xFFFF,)),
            entry(15, "flags", type="bits", bits={0: "hot", 1: "full"}),
        )
    ).hear(5, 10, 0, 52100, 3, 2, 0xFFFF, 3)
    rows = line.rows(5)
    assert [(rows[at]["name"], rows[at]["reading"]) for at in (10, 11, 12, 13, 14, 15)] == [
        ("volts", "52.1 V"),
        (None, None),
        ("mode", "charging"),
        ("relay, fan", "relay 0, fan 1"),
        ("absent", "none"),
        ("flags", "hot, full"),
    ]


async def test_an_rs485_line(tmp_path: Path, line_maps: list[str]) -> None:
    talk = [*poll(221, 100, 250, 12000), *poll(221, 100, 251, 12000), *CHAIN, *W, *SILENCE]
    playing = await play(tmp_path, *talk, maps=line_maps)
    assert playing.source.health.registers is not None
    (line,) = playing.source.health.registers()
    assert line["name"] == "rs485 rs485"
    units = {unit["unit"]: unit for unit in line["units"]}
    assert [unit["device"] for unit in units.values()] == ["rs485_5", "rs485_221"]
    rows = {row["address"]: row for row in units[221]["registers"]}
    assert (rows[100]["name"], rows[100]["reading"], rows[100]["value"]) == ("temperature", "251 °C", 251)
    assert rows[100]["changed_at"] is not None
    assert (rows[101]["reading"], rows[101]["changed_at"]) == ("12 V", None)
    assert rows[101]["seen_at"].startswith("2026-06-21T18:00:0")
    power = next(row for row in units[5]["registers"] if row["address"] == 40084)
    assert (power["name"], power["reading"]) == ("101 W", "3456 W")


async def test_a_capture_tells_each_port_for_itself(tmp_path: Path, tap_maps: list[Path]) -> None:
    talk, other = Talk().open(), Talk(port=503).open()
    inverter(talk)
    native_talk(other)
    playing = await play_capture(tmp_path, packets(talk, other), 1.0, maps=tap_maps)
    assert isinstance(playing.source, ModbusTapSource)
    assert playing.source.health.registers is not None
    lines = playing.source.health.registers()
    assert [line["name"] for line in lines] == ["modbus_tap modbus_tap port 502", "modbus_tap modbus_tap port 503"]
    rows = [{row["address"]: row for row in line["units"][0]["registers"]} for line in lines]
    assert rows[0][40084]["reading"] == "1500 W"
    assert (rows[1][80]["name"], rows[1][80]["reading"]) == ("battery", "52.1 V")
    assert {line["units"][0]["device"] for line in lines} == {"modbus_tap_10"}


async def test_equipment_that_is_asked(tmp_path: Path) -> None:
    clock = Clock()
    door = FakeDoor({1: FakeUnit(native())}, clock=clock)
    reader = reader_of(door, clock, maps=[the_map()])
    await reader.cycle(clock.moment)
    line = registers.line("modbus_tcp x", reader.images, reader.decoder, reader.chains, clock.moment)
    named = [row for row in line["units"][0]["registers"] if row["name"]]
    assert line["units"][0]["unit"] == 1
    assert named


def test_what_is_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "MOST_OF_UNIT", 5)
    monkeypatch.setattr(registers, "MOST", 8)
    line = Line().hear(1, 0, *range(7)).hear(2, 0, *range(7)).hear(3, 0, 1)
    told = [(unit["unit"], len(unit["registers"]), unit["left_out"]) for unit in line.told()["units"]]
    assert told == [(1, 5, 2), (2, 3, 4), (3, 0, 1)]


def test_what_sunspec_says_of_a_network_is_nobodys_business() -> None:
    line = Line().hear(5, 40000, 0x5375, 0x6E53)
    line.hear(
        5, 40002, 1, 66, *text("Maker", 16), *text("Box", 16), *text("", 8), *text("1", 8), *text("SN1", 16), 5, 0
    )
    mac = (0xB4, 0x2E, 0x99, 0x01, 0x02, 0x03)
    line.hear(5, 40070, 11, 13, 0, 0, 0, *(a << 8 | b for a, b in zip(mac[::2], mac[1::2], strict=True)), 0, *[0] * 6)
    line.hear(5, 40085, 14, 52, *[0] * 26, *text("geheim", 12), *[0] * 14)
    line.hear(5, 40139, 0xFFFF, 0)
    found = json.dumps(line.told())
    assert "SN1" in found
    assert "geheim" not in found
    assert str(0xB42E) not in found
    assert 40139 in line.rows(5)
    assert not [at for at in line.rows(5) if 40070 <= at < 40139]


def test_a_text_of_the_equipment_is_bounded_and_printable() -> None:
    line = Line(a_map(entry(10, "said", type="string", length=100)))
    line.hear(5, 10, *[0x4142] * 50, *[0x0141] * 50)
    reading = line.rows(5)[10]["reading"]
    assert len(reading) == registers.LONGEST
    assert reading.isprintable()


def test_nothing_heard_is_an_empty_line() -> None:
    assert Line().told() == {"name": "rs485 x", "units": []}
