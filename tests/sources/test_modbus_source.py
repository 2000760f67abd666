"""The whole source against a simulated Conext Gateway and SunSpec devices, over real connections."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers_conext import LIVE, write_maps
from helpers_master import Clock, FakeDoor, FakeUnit, chain, common, inverter, native, settled, tasks_left, the_map
from helpers_modbus_tcp import NOON

from pvsmqtt.modbus import mapfile
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.modbus_server.faults import CODES
from pvsmqtt.simulator.sunspec_devices.simulator import SunSpecSimulator
from pvsmqtt.sources.modbus_master import report
from pvsmqtt.sources.modbus_master.source import MasterSource, Setup
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions
from pvsmqtt.sources.modbus_tcp.setup import Memory, setup
from pvsmqtt.sources.register_units.decoder import Place

UNITS = {1, 10, 230}
FAULTS = sorted({*CODES, "half", "drop", "transaction", "wrong-unit", "garbage"})


@pytest.fixture(autouse=True)
def only_our_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapfile, "shipped", lambda *_: [])


@pytest.fixture
async def gateway() -> AsyncIterator[ConextSimulator]:
    there = ConextSimulator(clock=lambda: NOON)
    await there.start()
    yield there
    await there.stop()
    assert there.writes == 0


class Bench:
    """A source and its clock."""

    def __init__(self, folder: Path, ports: Sequence[int], state: Path | None = None, **options: Any) -> None:
        self.clock = Clock()
        options = {"host": "127.0.0.1", "ports": list(ports), "timeout": 20, **options}
        if options.get("profile", "conext") == "conext":
            options["maps"] = write_maps(folder)
        self.options = ModbusTcpOptions(**options)
        known = Memory(state, self.options.called)
        clock = self.clock
        self.source = MasterSource(
            setup(self.options, known), known, clock.wall, clock.monotonic, clock.sleep, lambda: 0.5
        )

    async def cycle(self) -> dict[int, Reading]:
        """What units told, by their number."""
        self.clock.now += 15
        readings = await self.source.cycle()
        return {reading.device.modbus_unit: reading for reading in readings if reading.device.modbus_unit is not None}

    async def settle(self) -> dict[int, Reading]:
        for _ in range(10):
            told = await self.cycle()
        return told

    async def until_all(self, units: set[int] = UNITS) -> dict[int, Reading]:
        for _ in range(30):
            told = await self.cycle()
            if told.keys() >= units and self.source.health.trouble is None:
                return told
        raise AssertionError(self.source.health.report(self.clock.now))


@pytest.fixture
async def bench(gateway: ConextSimulator, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, [gateway.sunspec_port, gateway.native_port])
    yield made
    await made.source.close()
    await settled()


async def test_both_ports_are_one_reading_for_each_device(bench: Bench) -> None:
    told = await bench.cycle()
    assert told.keys() == UNITS
    assert {unit: reading.device.kind for unit, reading in told.items()} == {
        1: Kind.GATEWAY,
        10: Kind.STORAGE_INVERTER,
        230: Kind.BMS,
    }
    assert told[1].device.id == "conext_1"
    assert told[1].device.manufacturer == "SchneiderElectric"
    assert told[1].device.interface == "tcp"
    assert told[1].values["battery_voltage"] is not None, "of the native port"
    assert told[10].values["power"] is not None, "of SunSpec"
    assert told[230].values["state_of_charge"] is not None
    assert bench.source.health.trouble is None
    for reading in told.values():
        assert reading.measured_at is not None
        assert 0 <= reading.age <= bench.clock.now - 1000
        assert (bench.clock.wall() - reading.measured_at).total_seconds() == pytest.approx(reading.age, abs=0.001)


async def test_the_live_values_cost_few_requests_where_gaps_are_borne(tmp_path: Path) -> None:
    gateway = ConextSimulator(clock=lambda: NOON, gaps=True)
    await gateway.start()
    bench = Bench(tmp_path, [gateway.native_port], units=[1])
    await bench.cycle()
    mark = len(gateway.requests)
    await bench.cycle()
    asked = gateway.requests[mark:]
    assert len(LIVE) == 55
    assert len(asked) <= 9
    covered = {at for one in asked for at in range(one.address, one.address + one.count)}
    assert all({entry.address, entry.address + entry.length - 1} <= covered for entry in LIVE)
    await bench.source.close()
    await gateway.stop()


async def test_a_read_that_was_refused_is_never_repeated(
    bench: Bench, gateway: ConextSimulator, tmp_path: Path
) -> None:
    await bench.settle()
    refused = Counter(
        (one.port, one.unit, one.address, one.count)
        for one in gateway.requests
        if one.refused in (2, 3) and one.address not in (0, 40000, 50000)
    )
    assert refused
    assert max(refused.values()) == 1
    mark = len(gateway.requests)
    for _ in range(5):
        await bench.cycle()
    assert not [one for one in gateway.requests[mark:] if one.refused]
    bench.source.doors.clear()


async def test_a_restart_asks_nothing_that_was_refused(gateway: ConextSimulator, tmp_path: Path) -> None:
    ports = [gateway.sunspec_port, gateway.native_port]
    first = Bench(tmp_path, ports, tmp_path)
    await first.settle()
    await first.source.close()
    refused = {(one.port, one.unit, one.address, one.count) for one in gateway.requests if one.refused == 2}
    mark = len(gateway.requests)
    again = Bench(tmp_path, ports, tmp_path)
    assert (await again.cycle()).keys() == UNITS
    after = {(one.port, one.unit, one.address, one.count) for one in gateway.requests[mark:]}
    looking = {one for one in after if one[2] in (0, 40000, 50000)}
    assert not (after - looking) & refused
    await again.source.close()


async def test_one_port_alone(gateway: ConextSimulator, tmp_path: Path) -> None:
    for port, units in ((gateway.sunspec_port, UNITS), (gateway.native_port, {1, 10})):
        bench = Bench(tmp_path, [port])
        assert (await bench.cycle()).keys() == units
        assert bench.source.health.trouble is None
        await bench.source.close()


async def test_a_port_that_nobody_named_may_be_shut(
    gateway: ConextSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pvsmqtt.sources.modbus_tcp import options

    monkeypatch.setitem(options.PORTS, "conext", (gateway.sunspec_port, 9))
    bench = Bench(tmp_path, [])
    for _ in range(9):
        assert (await bench.cycle()).keys() == UNITS
    assert bench.source.health.trouble is None
    assert bench.source.doors[1].connects == 3, "every fourth cycle"
    await bench.source.close()
    named = Bench(tmp_path, [gateway.sunspec_port, 9])
    assert (await named.cycle()).keys() == UNITS
    assert named.source.health.trouble == "refused"
    await named.source.close()


@pytest.mark.parametrize(
    "kind",
    ["busy", "failure", "no-address", "away", "no-path", "half", "drop", "transaction", "wrong-unit", "garbage"],
)
async def test_a_fault_of_one_unit_leaves_the_others_alone(bench: Bench, gateway: ConextSimulator, kind: str) -> None:
    await bench.settle()
    fault = gateway.faults.add(kind, unit=10)
    for _ in range(4):
        told = await bench.cycle()
        assert told.keys() == {1, 230}
        assert bench.source.health.trouble is not None
        assert "unit 10" in (bench.source.health.message or "")
    assert fault.happened
    gateway.faults.clear()
    told = await bench.until_all()
    assert told[10].values["power"] is not None


@pytest.mark.parametrize("kind", ["busy", "away", "half", "drop", "transaction", "wrong-unit", "garbage"])
async def test_a_fault_that_passes_is_over_soon(bench: Bench, gateway: ConextSimulator, kind: str) -> None:
    await bench.settle()
    gateway.faults.add(kind, times=4)
    await bench.cycle()
    await bench.until_all()


async def test_who_is_silent_is_waited_for_once(gateway: ConextSimulator, tmp_path: Path) -> None:
    bench = Bench(tmp_path, [gateway.sunspec_port], timeout=1)
    await bench.settle()
    fault = gateway.faults.add("silent", unit=10)
    assert (await bench.cycle()).keys() == {1, 230}
    assert fault.happened == 1
    assert bench.source.health.trouble == "timeout"
    gateway.faults.clear()
    await bench.until_all()
    await bench.source.close()


async def test_the_gateway_goes_and_comes_back_and_that_is_said_once(
    bench: Bench, gateway: ConextSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await bench.settle()
    await gateway.stop()
    for _ in range(5):
        assert await bench.cycle() == {}
        assert bench.source.health.trouble == "refused"
    await gateway.start()
    assert (await bench.cycle()).keys() == UNITS
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "nothing listens at this port" in caplog.messages[0]
    assert "works again" in caplog.messages[1]


async def test_a_reboot_in_mid_read(bench: Bench, gateway: ConextSimulator) -> None:
    await bench.settle()
    gateway.faults.add("slow", seconds=1000, times=1)
    seen = len(gateway.requests)
    bench.clock.now += 15
    reading = asyncio.create_task(bench.source.cycle())
    await gateway.until(lambda: len(gateway.requests) > seen)
    await gateway.stop()
    await reading
    assert bench.source.health.trouble is not None
    await gateway.start()
    await bench.until_all()


async def test_who_closes_idle_connections_is_no_trouble(bench: Bench, gateway: ConextSimulator) -> None:
    await bench.settle()
    for _ in range(3):
        for port in gateway.ports:
            for writer in list(port._open):  # type: ignore[attr-defined]
                writer.close()
        await settled()
        assert (await bench.cycle()).keys() == UNITS
        assert bench.source.health.trouble is None


async def test_a_long_time_with_every_fault_and_nothing_is_written(bench: Bench, gateway: ConextSimulator) -> None:
    kinds = [
        "busy",
        "failure",
        "no-address",
        "away",
        "no-path",
        "half",
        "drop",
        "transaction",
        "wrong-unit",
        "garbage",
    ]
    for kind in kinds:
        gateway.faults.add(kind, share=0.02)
    for _ in range(60):
        await bench.cycle()
    gateway.faults.clear()
    await bench.until_all()
    assert gateway.writes == 0
    assert {one.function for one in gateway.requests} == {3}
    assert max(one.count for one in gateway.requests) <= 125


async def test_a_cancelled_run_leaves_nothing_behind(gateway: ConextSimulator, tmp_path: Path) -> None:
    before = tasks_left()
    delivered: asyncio.Queue[Sequence[Reading]] = asyncio.Queue()
    for patience in (None, 0, 3, 10, 50):
        bench = Bench(tmp_path, [gateway.sunspec_port, gateway.native_port])
        running = asyncio.create_task(bench.source.run(delivered.put_nowait))
        if patience is None:
            assert await delivered.get()
        else:
            for _ in range(patience):
                await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await gateway.until(lambda: gateway.connected == 0)
        await settled()
    assert tasks_left() <= before


async def test_the_connection_is_a_device(bench: Bench) -> None:
    bench.clock.now += 15
    readings = await bench.source.cycle()
    (line,) = [reading for reading in readings if reading.device.kind is Kind.BUS]
    assert line.device.id == "conext"
    assert line.values["line_state"] == "connected"
    assert line.values["units_heard"] == 3
    assert line.values["requests"] > 10
    report = bench.source.health.report(bench.clock.now)
    doors = report["doors"]
    assert {door["language"] for door in doors.values()} == {"sunspec", "native"}
    assert all(door["open"] and door["bytes_received"] > door["requests"] for door in doors.values())
    assert sum(len(door["units"]) for door in doors.values()) == 5


async def test_nobody_is_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [9])
    for _ in range(7):
        assert await bench.cycle() == {}
    assert bench.source.health.trouble == "refused"
    rests = []
    for _ in range(3):
        bench.source._in_vain += 1
        rests.append(bench.source._rest(0.0))
    assert max(rests) <= bench.options.interval


@pytest.mark.parametrize("kind", ["sma", "fronius", "solaredge", "battery", "meter", "der"])
async def test_devices_of_other_makers(kind: str, tmp_path: Path) -> None:
    device = SunSpecSimulator(kind=kind, clock=lambda: NOON)
    await device.start()
    bench = Bench(tmp_path, [device.port], profile="sunspec")
    try:
        told = await bench.cycle()
        assert told.keys() == device.units.keys()
        for reading in told.values():
            known = {key: value for key, value in reading.values.items() if value is not None}
            assert len(known) > 3, known
            assert reading.device.serial
        mark = len(device.requests)
        assert (await bench.cycle()).keys() == device.units.keys()
        assert not [one for one in device.requests[mark:] if one.refused]
        assert bench.source.health.trouble is None
    finally:
        await bench.source.close()
        await device.stop()
    assert device.writes == 0


@pytest.mark.parametrize("first", ["502", "503"])
async def test_what_a_unit_says_of_itself_counts_more_than_the_registers_of_its_maker(first: str) -> None:
    clock = Clock()
    doors = [
        FakeDoor({1: FakeUnit(chain(common(), inverter(1234)))}, "127.0.0.1:502", clock),
        FakeDoor({1: FakeUnit(native())}, "127.0.0.1:503", clock),
    ]
    doors.sort(key=lambda door: not door.name.endswith(first))
    wanted = Wanted((), (1,), (Language.SUNSPEC, Language.NATIVE), (the_map(),))

    async def locate() -> list[Any]:
        return [(door, wanted) for door in doors]

    place = Place("modbus_tcp x", "x", "site", 90.0, interface="tcp")
    device = report.device_of("x", "site", "Modbus connection", "somewhere")
    what = Setup("modbus_tcp x", place, 15.0, 0.05, device, locate)
    source = MasterSource(what, Memory(None, "x"), clock.wall, clock.monotonic, clock.sleep)
    told = next(reading for reading in await source.cycle() if reading.device.modbus_unit == 1)
    assert told.values["power"] == 1234
    assert told.values["battery_voltage"] == 52.1, "what it does not say of itself"
    assert told.device.serial == "A1"
    assert told.device.sw_version == "1"
