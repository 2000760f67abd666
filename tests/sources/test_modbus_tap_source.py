"""Mirrored Modbus TCP as a source: what is told of a capture, in the clock of the capture or in ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers_packets import GATEWAY, Talk, capture, exception, frames, header, read, write_many
from sources.rs485_bench import Clock, turns

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.modbus_tap.inputs import CaptureLost, Input, Loss
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.modbus_tap.source import ModbusTapSource

MAP = """
name = "native"
source = "invented"
units = [10]
kind = "storage_inverter"
table = "holding"
registers = [
  { address = 80, name = "battery", type = "uint32", scale = 0.001, unit = "V", quantity = "battery_voltage" },
  { address = 84, name = "power", type = "int32", unit = "W", quantity = "power" },
]
"""

Item = bytes | float | CaptureLost


class Script:
    """A capture that is played: bytes come, seconds pass, it is lost; at its end it is silent."""

    def __init__(self, clock: Clock, *items: Item, live: bool = True) -> None:
        self.live = live
        self.ended = False
        self.done = False
        self.closed = False
        self._clock = clock
        self._items = list(items)

    async def read(self, patience: float) -> bytes:
        await asyncio.sleep(0)
        if not self._items:
            self.done, self.ended = True, not self.live
            return b""
        item = self._items.pop(0)
        if isinstance(item, CaptureLost):
            raise item
        if isinstance(item, bytes):
            return item
        if item > patience:
            self._items.insert(0, item - patience)
        self._clock.now += min(item, patience)
        return b""

    def close(self) -> None:
        self.closed = True


class Playing:
    """A source that hears scripts."""

    def __init__(self, folder: Path, clock: Clock, *scripts: Script | CaptureLost, **options: Any) -> None:
        self.clock = clock
        self.told: list[Reading] = []
        self.scripts = list(scripts)
        self.pauses: list[float] = []
        self.script: Script | None = None
        self.source = ModbusTapSource(
            ModbusTapOptions(**{"capture": "/run/x.pcap", **options}),
            folder / "state",
            wall=clock.wall,
            monotonic=clock.monotonic,
            opener=self._open,
            sleep=self._sleep,
            jitter=lambda: 1.0,
        )

    def _open(self, _: str) -> Input:
        found = self.scripts.pop(0)
        if isinstance(found, CaptureLost):
            raise found
        self.script = found
        return found

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if not self.scripts or seconds == self.source._options.interval:
            await asyncio.Event().wait()

    @property
    def done(self) -> bool:
        return self.script is not None and self.script.done and not self.scripts

    def deliver(self, readings: Sequence[Reading]) -> None:
        self.told += readings

    def of(self, device: str) -> list[Reading]:
        return [reading for reading in self.told if reading.device.id == device]

    def latest(self, device: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for reading in self.of(device):
            values |= reading.values
        return values

    @property
    def health(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.source.health.report(self.clock.now)))  # as the health topic has it


@asynccontextmanager
async def running(playing: Playing) -> AsyncIterator[None]:
    task = asyncio.create_task(playing.source.run(playing.deliver))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def play(folder: Path, *items: Item, live: bool = True, **options: Any) -> Playing:
    """What a source tells of a capture; at its end the tap is told of once more."""
    clock = Clock()
    playing = Playing(folder, clock, Script(clock, *items, live=live), **options)
    async with running(playing):
        await turns(lambda: playing.done)
        for _ in range(5):
            await asyncio.sleep(0)
        playing.source._judge()
        playing.source._tell_tap()
    return playing


def inverter(talk: Talk, power: int = 1500, unit: int = 10) -> Talk:
    """The poll of model 102 at 40070: power 1500 W, 240.5 V, and its scale factors."""
    values = [0] * 52
    values[0:2] = 102, 50
    values[2:7] = 62, 31, 31, 0xFFFF, 0xFFFF  # A, legs; scale factor at 6
    values[6] = 0xFFFF
    values[7:14] = 2405, 0xFFFF, 0xFFFF, 1202, 1203, 0xFFFF, 0xFFFF
    values[14:16] = power & 0xFFFF, 0
    return talk.poll(1, unit, 40070, *values)


def storage(talk: Talk) -> Talk:
    """Model 124 at 40208 as a whole: nothing is limited; shares in 0.01 %."""
    values = [0] * 26
    values[0:2] = 124, 24
    values[2] = 6000
    values[25] = 0xFFFE
    return talk.poll(2, 10, 40208, *values)


def native(talk: Talk, volts: int = 52100, power: int = 777) -> Talk:
    return talk.poll(5, 10, 80, 0, volts, 0, 0, 0, power)


def packets(*talks: Talk) -> bytes:
    return capture([packet for talk in talks for packet in talk.packets])


@pytest.fixture
def maps(tmp_path: Path) -> list[Path]:
    (tmp_path / "native.toml").write_text(MAP, encoding="utf-8")
    return [tmp_path / "native.toml"]


class TestReadings:
    async def test_units_of_a_sunvault(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk)
        talk.poll(3, 1, 40310, 0, 5).poll(4, 230, 40070, 802, 62)
        playing = await play(tmp_path, packets(talk), 1.0)
        kinds = {reading.device.id: reading.device.kind for reading in playing.told}
        assert kinds == {
            "modbus_tap": Kind.BUS,
            "modbus_tap_1": Kind.GATEWAY,
            "modbus_tap_10": Kind.STORAGE_INVERTER,
            "modbus_tap_230": Kind.BMS,
        }
        (reading,) = playing.of("modbus_tap_10")
        assert reading.values["power"] == 1500
        assert reading.values["voltage"] == 240.5
        assert (reading.device.modbus_unit, reading.device.interface) == (10, "tcp")
        assert reading.device.place == "modbus_tap_10"
        assert reading.age == pytest.approx(0.3, abs=0.01), "by our clock, whatever that of tcpdump says"
        assert reading.measured_at is not None

    async def test_what_the_pvs_commands(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk)
        storage(talk)
        before = packets(talk)
        done = len(talk.packets)
        talk.write(7, 10, 40220, 7550, 2500).write(8, 10, 40213, 3)
        playing = await play(tmp_path, before, 20.0, frames(talk.packets[done:]), 20.0)
        assert [r.values.get("commanded_discharge_limit") for r in playing.of("modbus_tap_10")] == [0, 75.5]
        told = playing.latest("modbus_tap_10")
        assert told["commanded_charge_limit"] == 25
        assert told["storage_limits"] is not None
        unit = playing.health["servers"][f"{GATEWAY}:502"]["units"]["10"]
        assert unit["written"] == {"holding 40220": [7550, 2500], "holding 40213": [3]}

    async def test_a_write_that_was_refused_commands_nothing(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk)
        storage(talk)
        talk.ask(write_many(7, 10, 40220, 1, 2)).answer(exception(7, 10, 16, 4))
        playing = await play(tmp_path, packets(talk), 5.0)
        assert playing.latest("modbus_tap_10")["commanded_discharge_limit"] == 0
        assert playing.latest("modbus_tap_10")["exceptions"] == 1

    async def test_two_ports_are_one_device_and_sunspec_has_the_last_word(
        self, tmp_path: Path, maps: list[Path]
    ) -> None:
        sunspec, other = Talk().open(), Talk(503, client_port=40002).open()
        inverter(sunspec)
        native(other)
        playing = await play(tmp_path, packets(other, sunspec), 1.0, maps=maps)
        told = playing.latest("modbus_tap_10")
        assert told["power"] == 1500
        assert told["battery_voltage"] == 52.1
        assert all(reading.values.get("power") != 777 for reading in playing.told)
        assert {reading.device.kind for reading in playing.of("modbus_tap_10")} == {Kind.STORAGE_INVERTER}

    async def test_the_map_speaks_where_sunspec_does_not_any_more(self, tmp_path: Path, maps: list[Path]) -> None:
        sunspec, other = Talk().open(), Talk(503, client_port=40002).open()
        inverter(sunspec)
        first = packets(sunspec)
        native(other)
        playing = await play(tmp_path, first, 300.0, frames(other.packets), 5.0, maps=maps, stale_after=120)
        assert playing.latest("modbus_tap_10")["power"] == 777

    async def test_registers_of_one_port_are_none_of_the_other(self, tmp_path: Path, maps: list[Path]) -> None:
        for port, power in ((503, None), (502, 1500)):
            talk = Talk(port).open().poll(1, 10, 40084, 1500, 0)
            playing = await play(tmp_path / str(port), packets(talk), 1.0, maps=maps)
            assert playing.latest("modbus_tap_10").get("power") == power, "pins stand on the SunSpec port alone"

    async def test_without_a_profile(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk)
        playing = await play(tmp_path, packets(talk), 1.0, profile="off")
        assert not playing.of("modbus_tap_10")
        talk.poll(3, 10, 40000, 0x5375, 0x6E53, 1, 66)
        playing = await play(tmp_path, packets(talk), 1.0, profile="off")
        assert not playing.of("modbus_tap_10")

    async def test_the_interval(self, tmp_path: Path) -> None:
        items: list[Item] = [header()]
        talk = Talk().open()
        for n in range(10):
            done = len(talk.packets)
            inverter(talk, power=n)
            items += [frames(talk.packets[done:] if n else talk.packets), 3.0]
        playing = await play(tmp_path, *items, interval=10)
        assert [r.values["power"] for r in playing.of("modbus_tap_10")] == [0, 3, 6]

    async def test_a_file_has_times_of_its_own(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk, power=5)
        talk.wait(30.0)
        inverter(talk, power=6)
        playing = await play(tmp_path, packets(talk), live=False)
        told = playing.of("modbus_tap_10")
        assert [r.values["power"] for r in told] == [5, 6]
        assert told[-1].measured_at is not None
        assert told[-1].measured_at.timestamp() == pytest.approx(talk.now, abs=1e-3)
        assert told[-1].age == 0
        assert playing.latest("modbus_tap")["line_state"] == "silent"
        assert playing.health["trouble"] is None, "a file that is at its end is no trouble"

    async def test_what_was_learned_is_remembered(self, tmp_path: Path) -> None:
        talk = Talk().open()
        talk.poll(3, 10, 40000, 0x5375, 0x6E53).poll(4, 10, 40002, 1, 66).poll(5, 10, 40070, 102, 50)
        await play(tmp_path, packets(talk), 1.0, profile="auto")
        again = Talk().open().poll(1, 10, 40084, 1234, 0)
        playing = await play(tmp_path, packets(again), 1.0, profile="auto")
        assert playing.latest("modbus_tap_10")["power"] == 1234
        files = {path.name for path in (tmp_path / "state").iterdir()}
        assert files == {"modbus_tap-modbus_tap.json", "modbus_tap_port-modbus_tap_502.json"}


class TestServers:
    async def test_another_server_does_not_count(self, tmp_path: Path) -> None:
        one, two = Talk().open(), Talk(server="172.27.153.61").open()
        inverter(one, power=5)
        inverter(two, power=6)
        playing = await play(tmp_path, packets(one, two), 1.0)
        assert [r.values["power"] for r in playing.of("modbus_tap_10")] == [5]
        assert playing.health["ignored_servers"] == {"172.27.153.61": 1}
        assert playing.health["server"] == GATEWAY
        playing = await play(tmp_path, packets(two, one), 1.0)
        assert playing.health["server"] == GATEWAY, "it is remembered"
        playing = await play(tmp_path / "x", packets(one, two), 1.0, server="172.27.153.61")
        assert [r.values["power"] for r in playing.of("modbus_tap_10")] == [6]

    async def test_a_new_address_is_taken_up(self, tmp_path: Path) -> None:
        one, two = Talk().open(), Talk(server="172.27.153.61").open()
        inverter(one, power=5)
        inverter(two, power=6)
        done = len(two.packets)
        inverter(two, power=7)
        items: list[Item] = [packets(one), 590.0, frames(two.packets[:done]), 20.0, frames(two.packets[done:]), 5.0]
        playing = await play(tmp_path, *items)
        assert [r.values["power"] for r in playing.of("modbus_tap_10")] == [5, 7]


class TestTrouble:
    @pytest.mark.parametrize(
        ("make", "reason", "text"),
        [
            (lambda: Talk(1502).open().poll(1, 1, 0, *range(9)), "no_modbus_port", "1502"),
            (lambda: _one_side(0), "one_direction", "no answer of a server"),
            (lambda: _one_side(1), "one_direction", "not what they are asked"),
            (lambda: Talk().open().ask(b"\x16\x03\x01" * 900), "no_modbus", "encrypted"),
        ],
    )
    async def test_what_a_person_can_mend(
        self, tmp_path: Path, make: Callable[[], Talk], reason: str, text: str
    ) -> None:
        talk = make()
        several = [
            (when + n, packet)
            for n in range(1 if reason != "no_modbus_port" else 20)
            for when, packet in talk.packets
        ]
        playing = await play(tmp_path, capture(several), 1.0)
        assert playing.health["trouble"] == reason
        assert text in playing.health["message"]

    async def test_cut_packets(self, tmp_path: Path) -> None:
        talk = Talk().open()
        for n in range(30):
            talk.poll(n, 10, 0, *range(60))
        playing = await play(tmp_path, capture(talk.packets, snaplen=96), 1.0)
        assert playing.health["trouble"] == "packets_cut"
        assert "-s 0" in playing.health["message"]

    async def test_no_packet_at_all(self, tmp_path: Path) -> None:
        playing = await play(tmp_path, header(), 250.0)
        assert playing.health["trouble"] is None
        playing = await play(tmp_path, header(), 350.0)
        assert playing.health["trouble"] == "no_packets"
        assert playing.latest("modbus_tap")["line_state"] == "silent"

    async def test_time_outs_are_told_with_their_unit(self, tmp_path: Path) -> None:
        talk = Talk().open()
        inverter(talk)
        done = len(talk.packets)
        talk.ask(read(2, 10, 0, 1))
        more = frames(talk.packets[done:])
        playing = await play(tmp_path, packets(_up_to(talk, done)), 11.0, more, 12.0, _again(talk), 11.0)
        assert playing.latest("modbus_tap_10")["timeouts"] == 1
        assert playing.latest("modbus_tap")["timeouts"] == 1

    async def test_a_pipe_whose_writer_comes_and_goes(self, tmp_path: Path) -> None:
        clock = Clock()
        one, two = Talk().open(), Talk(client_port=40002).open()
        inverter(one, power=5)
        inverter(two, power=6)
        gone = CaptureLost(Loss.WRITER_GONE, "nobody writes")
        scripts = [Script(clock, packets(one), 11.0, gone), gone, Script(clock, packets(two), 11.0)]
        playing = Playing(tmp_path, clock, *scripts)
        async with running(playing):
            await turns(lambda: playing.done)
            playing.source._judge()
            assert playing.health["trouble"] is None
        assert [r.values["power"] for r in playing.of("modbus_tap_10")] == [5, 6]
        assert playing.source.health.refused["capture_writer_gone"] == 2
        assert scripts[0].closed  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "data",
        [b"no capture at all, of any kind", header(147), b"\x0a\x0d\x0d\x0a" + bytes(50), header() + b"\xff" * 16],
    )
    async def test_what_is_no_capture_of_a_network(self, tmp_path: Path, data: bytes) -> None:
        clock = Clock()
        talk = Talk().open()
        inverter(talk)
        playing = Playing(tmp_path, clock, Script(clock, data), Script(clock, packets(talk), 1.0))
        async with running(playing):
            await turns(lambda: playing.done)
        assert playing.latest("modbus_tap_10")["power"] == 1500
        assert sum(playing.source.health.refused.values()) == 1

    async def test_a_bug_costs_only_what_it_was_about(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from pvsmqtt.sources.register_units.decoder import Decoder

        def broken(*_: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(Decoder, "take", broken)
        talk = Talk().open()
        inverter(talk)
        playing = await play(tmp_path, packets(talk), 1.0)
        assert playing.source.health.refused["bug"] == 1
        assert playing.latest("modbus_tap")["frames"] == 2


def _one_side(who: int) -> Talk:
    talk = Talk()
    talk.open()
    for n in range(40):
        talk.poll(n, 10, n, 5)
    talk.packets = [one for one in talk.packets if (one[1][12:16] == bytes((172, 27, 153, 1))) is (who == 0)]
    return talk


def _up_to(talk: Talk, count: int) -> Talk:
    made = Talk()
    made.packets = talk.packets[:count]
    return made


def _again(talk: Talk) -> bytes:
    done = len(talk.packets)
    inverter(talk)
    return frames(talk.packets[done:])
