"""An RS-485 line as a source."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers_modbus import exception, read, registers, write_many, written
from sources.rs485_bench import START, Clock, Item, Openings, ScriptedLine, poll, turns, until

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.register_units.listening import EVERY
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.source import Rs485Source
from pvsmqtt.sources.rs485.tap import State

MAP = """
name = "test"
source = "invented"
units = [221, 7]
kind = "mio"
table = "holding"
registers = [
  { address = 100, name = "temperature", type = "int16", unit = "°C", quantity = "temperature" },
  { address = 101, name = "supply", type = "uint16", scale = 0.001, unit = "V", quantity = "supply_voltage" },
  { address = 200, name = "humidity", type = "uint16", unit = "%", quantity = "humidity" },
]
"""
FAULTS = [read(221, 0, 1), 9.0, read(221, 0, 1), 0.01, exception(221, 3, 2)]
SILENCE: list[Item] = [5.0]


class Ticks:
    """What sleeps goes on when it is told to."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._event.wait()

    async def tick(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()
        for _ in range(5):
            await asyncio.sleep(0)


class Playing:
    """A source that hears a script."""

    def __init__(self, folder: Path, *lines: ScriptedLine | LineLost, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.told: list[list[Reading]] = []
        self.openings = Openings(*lines)
        self.sleep = Ticks()
        self.source = Rs485Source(
            Rs485Options(**{"line": "tcp://127.0.0.1:4196", **options}),
            folder / "state",
            wall=clock.wall,
            monotonic=clock.monotonic,
            opener=self.openings,
            sleep=self.sleep,
            jitter=lambda: 1.0,
        )

    def deliver(self, readings: Sequence[Reading]) -> None:
        self.told.append(list(readings))

    @property
    def units(self) -> list[Reading]:
        return [reading for told in self.told for reading in told if reading.device.kind is not Kind.BUS]

    @property
    def lines(self) -> list[Reading]:
        """How the line did."""
        return [reading for told in self.told for reading in told if reading.device.kind is Kind.BUS]

    @property
    def line(self) -> Reading:
        """How the line did the last time."""
        return self.lines[-1]

    @property
    def health(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.source.health.report(self.clock.now)))  # as the health topic has it


@asynccontextmanager
async def running(playing: Playing) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(playing.source.run(playing.deliver))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def play(folder: Path, *script: Item, **options: Any) -> Playing:
    """What a source tells of a script; at its end the line is told of once more."""
    clock = Clock()
    line = ScriptedLine(clock, *script)
    playing = Playing(folder, line, clock=clock, **options)
    async with running(playing) as task:
        await until(line.done, task)
        for _ in range(EVERY):
            await playing.sleep.tick()
    return playing


@pytest.fixture
def maps(tmp_path: Path) -> list[str]:
    (tmp_path / "test.toml").write_text(MAP, encoding="utf-8")
    return [str(tmp_path / "test.toml")]


# Units


@pytest.mark.parametrize(
    ("unit", "kind", "name"),
    [
        (220, Kind.HUB_PLUS, "HUB+ rs485 220"),
        (221, Kind.MIO, "ESS hub rs485 221"),
        (229, Kind.MIO, "ESS hub rs485 229"),
        (230, Kind.PV_DISCONNECT, "PV disconnect rs485 230"),
    ],
)
async def test_units_of_a_sunvault_are_known_by_their_number(
    tmp_path: Path, unit: int, kind: Kind, name: str
) -> None:
    playing = await play(tmp_path, *poll(unit, 1000, 1), *poll(unit, 1000, 2), *SILENCE)
    ((device),) = (reading.device for reading in playing.units)
    assert (device.id, device.kind, device.name) == (f"rs485_{unit}", kind, name)
    assert (device.modbus_unit, device.interface, device.via) == (unit, "rtu", "rs485")
    assert device.place == f"rs485_{unit}"


async def test_nobody_in_particular_is_no_device(tmp_path: Path) -> None:
    playing = await play(tmp_path, *poll(5, 1000, 1), *poll(5, 1000, 2), *poll(5, 1000, 3), *SILENCE)
    assert playing.units == []
    assert playing.line.values["units_heard"] == 1
    assert playing.health["units"]["5"]["unknown"] == {"holding": ["1000"]}


async def test_one_answer_makes_no_unit(tmp_path: Path) -> None:
    playing = await play(tmp_path, *poll(220, 1000, 1), *SILENCE)
    assert playing.units == []
    assert playing.line.values["units_heard"] == 0


async def test_a_unit_that_only_is_asked_is_no_device(tmp_path: Path) -> None:
    playing = await play(tmp_path, *[read(220, 1000, 1), 6.0] * 4)
    assert playing.units == []
    assert playing.health["units"]["220"]["timeouts"] >= 2, "but it is told of"


async def test_the_owner_may_say_what_a_unit_is(tmp_path: Path) -> None:
    script = [*poll(5, 1000, 1), *poll(5, 1000, 2), *poll(230, 1000, 1), *poll(230, 1000, 2), *SILENCE]
    playing = await play(tmp_path, *script, units={"5": "inverter", "230": "bms"})
    assert {r.device.modbus_unit: r.device.kind for r in playing.units} == {5: Kind.INVERTER, 230: Kind.BMS}


# Values


async def test_values_of_a_map(tmp_path: Path, maps: list[str]) -> None:
    script = [*poll(221, 100, 36, 11375), *poll(221, 200, 20), *SILENCE]
    (reading,) = (await play(tmp_path, *script, maps=maps)).units
    assert reading.values == {
        "temperature": 36,
        "supply_voltage": 11.375,
        "humidity": 20,
        "timeouts": 0,
        "exceptions": 0,
    }
    assert reading.measured_at is not None
    assert (reading.measured_at - START).total_seconds() == pytest.approx(0.04, abs=1e-3)
    assert reading.valid_for == 120
    assert reading.source == "rs485 rs485"


async def test_a_map_makes_a_device_of_a_unit(tmp_path: Path, maps: list[str]) -> None:
    (reading,) = (await play(tmp_path, *poll(7, 100, 36, 11375), *poll(7, 200, 20), *SILENCE, maps=maps)).units
    assert (reading.device.id, reading.device.kind) == ("rs485_7", Kind.MIO)


async def test_a_later_map_has_the_last_word(tmp_path: Path, maps: list[str]) -> None:
    other = tmp_path / "other.toml"
    other.write_text(MAP.replace("0.001", "0.01").replace('"mio"', '"hub_plus"'), encoding="utf-8")
    script = [*poll(7, 100, 36, 1137), *poll(7, 200, 20), *SILENCE]
    (reading,) = (await play(tmp_path, *script, maps=[*maps, str(other)])).units
    assert reading.values["supply_voltage"] == 11.37
    assert reading.device.kind is Kind.HUB_PLUS


async def test_only_news_is_told(tmp_path: Path, maps: list[str]) -> None:
    first = [*poll(221, 100, 36, 11375), *poll(221, 200, 20)]
    script = [*first, 15.0, *poll(221, 200, 21), *SILENCE]
    one, two = (await play(tmp_path, *script, maps=maps)).units
    assert set(one.values) == {"temperature", "supply_voltage", "humidity", "timeouts", "exceptions"}
    assert two.values == {"humidity": 21, "timeouts": 0, "exceptions": 0}


async def test_a_burst_is_told_once_as_a_whole(tmp_path: Path, maps: list[str]) -> None:
    burst = [*poll(221, 100, 36, 11375), 0.1, *poll(220, 0, 1), 0.1, *poll(220, 0, 1), 0.1, *poll(221, 200, 20)]
    playing = await play(tmp_path, *burst, 15.0, *burst, *SILENCE, maps=maps)
    units = [told for told in playing.told if told[0].device.kind is not Kind.BUS]
    assert [sorted(r.device.modbus_unit or 0 for r in told) for told in units] == [[220, 221]] * 2


async def test_no_more_often_than_the_interval(tmp_path: Path, maps: list[str]) -> None:
    polls = [*poll(221, 100, 36, 11375), 1.0] * 100
    playing = await play(tmp_path, *polls, *SILENCE, maps=maps, interval=20)
    assert len(playing.units) == 6
    playing = await play(tmp_path, *polls, *SILENCE, maps=maps, interval=1)
    assert len(playing.units) >= 95


async def test_a_line_that_is_never_idle_is_told_of_too(tmp_path: Path, maps: list[str]) -> None:
    playing = await play(tmp_path, *[*poll(221, 100, 36, 11375), 0.03] * 800, maps=maps)
    assert len(playing.units) == 4, "40 s of talk, told every 10 s and 2 s late"


async def test_refusals_and_time_outs_of_a_unit(tmp_path: Path) -> None:
    script = [*FAULTS, *poll(221, 0, 1), *poll(221, 0, 1), *SILENCE]
    playing = await play(tmp_path, *script)
    assert playing.units[-1].values == {"timeouts": 1, "exceptions": 1}
    assert (playing.line.values["timeouts"], playing.line.values["exceptions"]) == (1, 1)
    assert playing.health["units"]["221"]["exceptions"] == {"2": 1}


async def test_what_the_master_commands_is_shown(tmp_path: Path, maps: list[str]) -> None:
    command = [write_many(221, 200, 55), 0.01, written(221, 200, 1)]
    playing = await play(tmp_path, *poll(221, 100, 36, 11375), *command, *SILENCE, maps=maps)
    assert playing.health["units"]["221"]["written"] == {"holding 200": [55]}
    assert playing.units[0].values["humidity"] == 55


async def test_what_is_not_known_is_counted_and_shown(tmp_path: Path, maps: list[str]) -> None:
    script = [*poll(221, 99, 1, 36, 11375, 5), *poll(221, 0, 1, 2, 3, function=4), *SILENCE]
    playing = await play(tmp_path, *script, maps=maps)
    assert (playing.line.values["known_registers"], playing.line.values["unknown_registers"]) == (2, 5)
    unit = playing.health["units"]["221"]
    assert unit["unknown"] == {"holding": ["99", "102"], "input": ["0-2"]}
    assert unit["unknown_registers"] == 5


# SunSpec


def text(content: str, count: int) -> list[int]:
    raw = content.encode().ljust(2 * count, b"\0")
    return list(struct.unpack(f">{count}H", raw))


COMMON = [1, 66, *text("Maker", 16), *text("XW", 16), *text("", 8), *text("1.2", 8), *text("SN123", 16), 5, 0x8000]
INVERTER_HEADER = [101, 50]
POWER = [3456, 0]
CHAIN: list[Item] = [
    *poll(5, 40000, 0x5375, 0x6E53),
    *poll(5, 40002, *COMMON),
    *poll(5, 40070, *INVERTER_HEADER),
    *poll(5, 40122, 0xFFFF, 0),
]
W: list[Item] = poll(5, 40084, *POWER)


async def test_a_unit_that_describes_itself(tmp_path: Path) -> None:
    playing = await play(tmp_path, *CHAIN, *W, *SILENCE)
    reading = playing.units[-1]
    assert reading.values["power"] == 3456
    device = reading.device
    assert (device.kind, device.serial, device.manufacturer, device.model, device.sw_version) == (
        Kind.INVERTER,
        "SN123",
        "Maker",
        "XW",
        "1.2",
    )
    assert "101 at 40070 (confirmed)" in playing.health["units"]["5"]["sunspec"]


FACTS = """
name = "Facts"
source = "test"
units = 5
table = "holding"
registers = [
    { address = 100, name = "serial", type = "string", length = 4, fact = "serial" },
    { address = 104, name = "board", type = "string", length = 4, fact = "hw_version" },
]
"""


async def test_a_map_tells_who_a_unit_is_and_sunspec_knows_better(tmp_path: Path) -> None:
    file = tmp_path / "facts.toml"
    file.write_text(FACTS, encoding="utf-8")
    told = poll(5, 100, *text("MAP77", 4), *text("B2", 4))
    (reading,) = (await play(tmp_path, *told, *told, *SILENCE, maps=[str(file)], units={"5": "mio"})).units
    device = reading.device
    assert (device.serial, device.hw_version, device.model) == ("MAP77", "B2", None)
    playing = await play(tmp_path, *told, *CHAIN, *W, *SILENCE, maps=[str(file)])
    device = playing.units[-1].device
    assert (device.serial, device.hw_version, device.model) == ("SN123", "B2", "XW")


async def test_a_chain_is_remembered(tmp_path: Path) -> None:
    await play(tmp_path, *CHAIN, *W, *SILENCE)
    playing = await play(tmp_path, *W, *W, *SILENCE)
    reading = playing.units[-1]
    assert (reading.values["power"], reading.device.kind) == (3456, Kind.INVERTER)
    assert "101 at 40070 (provisional)" in playing.health["units"]["5"]["sunspec"]


async def test_without_a_chain_there_are_no_values(tmp_path: Path) -> None:
    assert (await play(tmp_path, *W, *W, *SILENCE)).units == []


async def test_sunspec_may_be_off(tmp_path: Path) -> None:
    assert (await play(tmp_path, *CHAIN, *W, *SILENCE, sunspec="off")).units == []


async def test_a_model_may_be_pinned(tmp_path: Path) -> None:
    playing = await play(tmp_path, *W, *W, *SILENCE, sunspec_pins=["5:40070=101"])
    assert playing.units[-1].values["power"] == 3456
    assert playing.health["units"]["5"]["sunspec"] == ["101 at 40070 (profile)"]


async def test_what_it_tells_no_more_becomes_unknown(tmp_path: Path) -> None:
    hertz = poll(5, 40086, 6001, 0xFFFE)
    script = [*CHAIN, *W, *hertz, 100.0, *hertz, 100.0, *hertz, *SILENCE]
    playing = await play(tmp_path, *script, stale_after=120)
    assert [reading.values.get("power", "-") for reading in playing.units] == [3456, 3456, None]
    assert playing.units[-1].values["frequency"] == 60.01


# The line


async def test_the_line_is_a_device(tmp_path: Path) -> None:
    playing = await play(tmp_path, *poll(220, 0, 1), *poll(220, 0, 1), *SILENCE, name="cabinet", site="Beach house")
    device = playing.line.device
    assert (device.id, device.kind, device.name) == ("cabinet", Kind.BUS, "RS-485 line cabinet")
    assert device.site == playing.source.site == "site_beach_house"
    assert playing.units[0].device.via == "cabinet"
    assert playing.units[0].device.site == "site_beach_house"


async def test_how_the_line_does(tmp_path: Path) -> None:
    damaged = bytearray(registers(220, 5))
    damaged[3] ^= 0xFF
    script = [*poll(220, 0, 1), read(220, 0, 1), bytes(damaged), 1.0, *poll(220, 0, 1), *SILENCE]
    playing = await play(tmp_path, *script, baudrate=9600)
    values = playing.line.values
    assert (values["frames"], values["units_heard"], values["baud_rate"]) == (5, 1, 9600)
    answers = playing.health["answers"]
    assert (answers["paired"], answers["unpaired"], answers["ambiguous"], answers["retries"]) == (2, 0, 0, 1)
    assert values["junk_bytes"] == len(damaged)
    assert values["line_state"] == "listening"
    assert isinstance(values["bus_load"], float)
    assert values["bus_load"] > 0


async def test_the_line_is_told_of_now_and_then_and_at_once_when_it_changes(tmp_path: Path) -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 0, 1), *SILENCE)
    playing = Playing(tmp_path, line, clock=clock)
    async with running(playing) as task:
        await until(line.done, task)
        told = []
        for turn in range(2 * EVERY):
            clock.now += 100.0 * (turn == EVERY + 1)
            await playing.sleep.tick()
            told.append(len(playing.lines))
    assert told[EVERY - 2] < told[EVERY - 1] == told[EVERY] < told[EVERY + 1] == told[-2] < told[-1]
    assert playing.line.values["line_state"] == "silent"


async def test_a_silent_line_is_no_trouble(tmp_path: Path) -> None:
    playing = await play(tmp_path, *poll(220, 0, 1), *poll(220, 0, 1), 5000.0)
    assert playing.line.values["line_state"] == "silent"
    assert playing.health["state"] == "ok"
    assert playing.health["silent_since"] == "2026-06-21T18:00:00Z"


async def test_a_line_that_was_never_heard_is_trouble(tmp_path: Path) -> None:
    playing = await play(tmp_path, 200.0)
    assert playing.health["trouble"] is None
    playing = await play(tmp_path, 1000.0)
    assert playing.health["trouble"] == "silence"
    assert "A and B" in playing.health["message"]


async def test_a_line_that_spoke_before_the_restart_may_be_silent(tmp_path: Path) -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 0, 1), *SILENCE)
    playing = Playing(tmp_path, line, clock=clock)
    async with running(playing) as task:
        await until(line.done, task)
        await playing.sleep.tick()
    assert (await play(tmp_path, 1000.0)).health["trouble"] is None


async def test_a_lost_line_is_trouble_and_told(tmp_path: Path) -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 0, 1), *poll(220, 0, 1), LineLost(Loss.UNPLUGGED, "the adapter is gone"))
    again = ScriptedLine(clock, *poll(220, 0, 2), *SILENCE)
    playing = Playing(tmp_path, line, again, clock=clock)
    async with running(playing) as task:
        await turns(lambda: playing.source.health.trouble)
        assert playing.health["trouble"] == "line_unplugged"
        assert "check the plug" in playing.health["message"]
        await playing.sleep.tick()
        await until(again.done, task)
        await playing.sleep.tick()
        assert playing.health["state"] == "ok"
        assert playing.line.values["line_state"] == "listening"
        assert playing.health["refused"]["line_unplugged"] >= 1


async def test_a_line_that_is_back_is_well_though_it_is_silent(tmp_path: Path) -> None:
    clock = Clock()
    lost = LineLost(Loss.CLOSED, "the serial server hung up")
    line, again = ScriptedLine(clock, *poll(220, 0, 1), lost), ScriptedLine(clock, *SILENCE)
    playing = Playing(tmp_path, line, again, clock=clock)
    async with running(playing) as task:
        await turns(lambda: playing.source.health.trouble)
        await playing.sleep.tick()
        await until(again.done, task)
        await playing.sleep.tick()
        assert playing.health["trouble"] is None


async def test_what_comes_and_goes_is_not_said_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = Clock()
    lost = LineLost(Loss.CLOSED, "the serial server hung up")
    playing = Playing(tmp_path, *[ScriptedLine(clock, *poll(220, 0, 1), lost) for _ in range(10)], clock=clock)
    async with running(playing):
        while not playing.openings.done.is_set():
            await playing.sleep.tick()
    said = [record.message for record in caplog.records]
    assert sum("listens to" in line for line in said) == 1
    assert sum("hung up" in line for line in said) == 1


async def test_the_wrong_speed_is_trouble(tmp_path: Path) -> None:
    junk: list[Item] = [bytes((0xE0, 0x00, 0x80, 0xF0)) * 16, 1.0] * 200
    playing = await play(tmp_path, *junk)
    assert playing.health["trouble"] == "no_frames"
    assert "in the serial server" in playing.health["message"]


async def test_requests_without_answers_are_trouble(tmp_path: Path) -> None:
    playing = await play(tmp_path, *[read(220, 0, 1), 6.0, read(221, 0, 1), 6.0] * 15)
    assert playing.health["trouble"] == "no_answers"
    assert "only one side" in playing.health["message"]


async def test_a_recording_ends_and_the_source_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    ended = LineLost(Loss.ENDED, "the end")
    line = ScriptedLine(clock, *CHAIN, *W, ended)
    line.clock = lambda: clock.now - 990  # a recording has its own time
    playing = Playing(tmp_path, line, clock=clock, line="file:///tmp/x")
    async with running(playing) as task:
        await turns(lambda: playing.source.tap.state is State.ENDED)
        await playing.sleep.tick()
        assert not task.done()
        (reading,) = playing.units
        assert reading.values["power"] == 3456
        assert playing.line.values["line_state"] == "silent"


# Memory


async def test_the_speed_is_remembered(tmp_path: Path) -> None:
    clock = Clock()
    serial = "serial:///dev/ttyUSB0"
    talk = [*poll(220, 0, 1, 2, 3), 1.0]
    first = ScriptedLine(clock, *talk)
    playing = Playing(tmp_path, first, ScriptedLine(clock, *talk), clock=clock, line=serial, parity="N")
    async with running(playing) as task:
        await turns(lambda: playing.source.tap.dialogue.counters.paired)
        await playing.sleep.tick()
    assert playing.openings.asked == [Setting(115200)] * 2, "found, then heard"
    line = ScriptedLine(clock, *talk)
    playing = Playing(tmp_path, line, clock=clock, line=serial)
    async with running(playing) as task:
        await until(line.done, task)
    assert playing.openings.asked == [Setting(115200)]
    for other in ({"line": "serial:///dev/ttyUSB1"}, {"line": serial, "parity": "E"}):
        playing = Playing(tmp_path, clock=clock, **other)
        assert playing.source.tap.setting is None, "another line, or ordered otherwise"


async def test_memory_is_written_only_when_something_was_learned(tmp_path: Path) -> None:
    await play(tmp_path, *CHAIN, *W, *SILENCE)
    file = tmp_path / "state" / "rs485-rs485.json"
    before = file.stat().st_ino
    await play(tmp_path, *CHAIN, *W, *SILENCE, *W, 15.0, *W, *SILENCE)
    assert file.stat().st_ino == before, "each writing makes a new file"


@pytest.mark.parametrize("content", ["", "[]", '{"sunspec": 5, "kinds": [1], "setting": "x", "heard": {}}', "\0"])
async def test_a_damaged_memory_is_no_harm(tmp_path: Path, content: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "rs485-rs485.json").write_text(content)
    playing = await play(tmp_path, *CHAIN, *W, *SILENCE)
    assert playing.units[-1].values["power"] == 3456


@pytest.mark.parametrize("where", ["take", "reading", "deliver"])
async def test_a_bug_costs_one_unit_not_the_line(
    tmp_path: Path, maps: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    from pvsmqtt.sources.register_units.decoder import Decoder

    if where == "deliver":
        real = Playing.deliver

        def deliver(self: Playing, readings: Sequence[Reading]) -> None:
            if any(reading.device.modbus_unit == 220 for reading in readings):
                raise RuntimeError("a bug")
            real(self, readings)

        monkeypatch.setattr(Playing, "deliver", deliver)
    else:
        good = getattr(Decoder, where)

        def bad(self: Decoder, about: Any, *rest: Any) -> Any:
            if getattr(about, "unit", about) == 220:
                raise RuntimeError("a bug")
            return good(self, about, *rest)

        monkeypatch.setattr(Decoder, where, bad)
    burst: list[Item] = [*poll(220, 0, 1), *poll(220, 0, 1), 4.0, *poll(221, 100, 36), *poll(221, 100, 36), 15.0]
    told = await play(tmp_path, *burst, *burst, maps=maps)
    assert len([reading for reading in told.units if reading.values.get("temperature") == 36]) == 2
    assert told.line.values["line_state"] == "listening"
    assert told.openings.asked == [None], "the line was not opened again"
    assert told.health["refused"]["bug"] >= 2
    assert sum("Please report" in record.message for record in caplog.records) == 1
