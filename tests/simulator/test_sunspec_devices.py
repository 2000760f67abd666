"""Simulated SunSpec devices of several makers, walked by pysunspec2's own client."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers_modbus_tcp import NIGHT, NOON, Refused, Watch, connected, errors, layout, walk
from pymodbus.client import AsyncModbusSerialClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.rs485.traffic import house_of
from pvsmqtt.simulator.sunspec_devices import ABOUT
from pvsmqtt.simulator.sunspec_devices.kinds import KINDS
from pvsmqtt.simulator.sunspec_devices.simulator import SunSpecSimulator

HOUSE = house_of(1)
COMMON = (1, 40002, 66)


@asynccontextmanager
async def device(kind: str, watch: Watch | None = None, **settings: Any) -> AsyncIterator[SunSpecSimulator]:
    simulator = SunSpecSimulator(kind=kind, house=settings.pop("house", HOUSE), clock=watch or Watch(), **settings)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def values(model: int) -> Any:
    """Scaled values of a model by name, those that are implemented; a group under its name."""

    def read(device: Any) -> dict[str, Any]:
        found = device.models[model][0]
        told = {name: point.cvalue for name, point in found.points.items() if point.cvalue is not None}
        groups = {
            name: [
                {key: point.cvalue for key, point in part.points.items() if point.cvalue is not None}
                for part in group
            ]
            for name, group in found.groups.items()
        }
        return told | groups

    return read


CHAINS = [
    ("sma", {}, 126, [COMMON, (103, 40070, 50), (120, 40122, 26), (160, 40150, 48)]),
    ("sma", {"phases": 1}, 126, [COMMON, (101, 40070, 50), (120, 40122, 26), (160, 40150, 48)]),
    ("sma", {"unit": 7, "base": 0}, 7, [(1, 2, 66), (103, 70, 50), (120, 122, 26), (160, 150, 48)]),
    ("fronius", {}, 1, [COMMON, (103, 40070, 50), (120, 40122, 26), (160, 40150, 48)]),
    ("fronius", {"floats": True}, 1, [COMMON, (113, 40070, 60), (120, 40132, 26), (160, 40160, 48)]),
    ("fronius", {}, 240, [COMMON, (203, 40070, 105)]),
    ("fronius", {"floats": True}, 240, [COMMON, (213, 40070, 124)]),
    ("solaredge", {}, 1, [(1, 40002, 65), (103, 40069, 50)]),
    ("battery", {"base": 50000}, 1, [(1, 50002, 66), (802, 50070, 62), (803, 50134, 90)]),
    ("meter", {}, 1, [COMMON, (202, 40070, 105)]),
    ("meter", {"floats": True}, 1, [COMMON, (212, 40070, 124)]),
    ("der", {}, 1, [COMMON, (701, 40070, 153), (713, 40225, 7), (714, 40234, 18 + 2 * 25)]),
]


@pytest.mark.parametrize(("kind", "settings", "unit", "chain"), CHAINS)
async def test_pysunspec2_walks_it(kind: str, settings: dict[str, Any], unit: int, chain: list[Any]) -> None:
    async with device(kind, **settings) as simulator:
        assert await walk(simulator.port, unit, layout) == chain
        assert not await walk(simulator.port, unit, errors)
        common = await walk(simulator.port, unit, values(1))
        assert common["Mn"] == KINDS[kind].maker
        assert common["SN"].isdecimal()
        assert common["DA"] == unit
        assert simulator.writes == 0


@pytest.mark.parametrize(
    ("kind", "floats"), [("sma", False), ("fronius", False), ("fronius", True), ("solaredge", False)]
)
@pytest.mark.parametrize("phases", [1, 3])
async def test_an_inverter_gives_what_the_production_meter_sees(kind: str, floats: bool, phases: int) -> None:
    meter = HOUSE.at(NOON).production
    model = (111 if floats else 101) + phases - 1
    async with device(kind, floats=floats, phases=phases) as simulator:
        told = await walk(simulator.port, next(iter(KINDS[kind].units)), values(model))
    assert told["W"] == pytest.approx(meter.power * 1000, abs=0.51)
    assert told["WH"] == pytest.approx(meter.energy * 1000, rel=1e-6)
    assert told["Hz"] == pytest.approx(meter.frequency, abs=0.006)
    assert told["A"] == pytest.approx(sum(told[f"Aph{name}"] for name in "ABC"[:phases]), abs=0.16)
    assert ("AphB" in told) == ("PPVphAB" in told) == (phases == 3)
    assert phases * told["PhVphA"] * told["AphA"] == pytest.approx(told["VA"], rel=0.02)
    assert told["DCA"] * told["DCV"] == pytest.approx(told["DCW"], rel=0.02)
    assert told["DCW"] > told["W"]
    assert told["St"] == 4


async def test_strings_of_the_roof_add_up() -> None:
    async with device("sma") as simulator:
        whole, told = [await walk(simulator.port, 126, values(model)) for model in (103, 160)]
    assert told["N"] == len(told["module"]) == 2
    assert sum(part["DCW"] for part in told["module"]) == pytest.approx(whole["DCW"], abs=1)
    assert [part["IDStr"] for part in told["module"]] == ["String 1", "String 2"]


async def test_an_sma_is_read_within_one_model_or_not_at_all() -> None:
    async with device("sma") as simulator, connected(simulator.port) as client:
        for address, count in ((40000, 2), (40000, 3), (40002, 68), (40070, 2), (40072, 50), (40150, 50), (40200, 2)):
            assert len(await client.read(126, address, count)) == count
        for address, count in ((40000, 71), (40069, 2), (40085, 98), (40120, 3), (40199, 2), (40202, 1), (30000, 1)):
            with pytest.raises(Refused, match="2"):
                await client.read(126, address, count)
    async with device("fronius") as simulator, connected(simulator.port) as client:
        assert len(await client.read(1, 40069, 100)) == 100


async def test_an_sma_tells_little_in_the_dark_and_others_tell_zeros() -> None:
    watch = Watch(NIGHT)
    energy = pytest.approx(HOUSE.at(NIGHT).production.energy * 1000, abs=1)
    async with device("sma", watch) as simulator:
        told = await walk(simulator.port, 126, values(103))
        measured = {name for name in told if not name.endswith("_SF")} - {"ID", "L"}
        assert measured == {"WH", "St"}
        assert (told["WH"], told["St"]) == (energy, 2)
        strings = await walk(simulator.port, 126, values(160))
        assert all("DCW" not in part for part in strings["module"])
        async with connected(simulator.port) as client:
            assert await client.read(126, 40084) == [0x8000], "W"
            assert await client.read(126, 40072) == [0xFFFF], "A"
            watch.now = NOON
            assert (await client.read(126, 40084))[0] < 0x8000
    async with device("fronius", Watch(NIGHT)) as simulator:
        told = await walk(simulator.port, 1, values(103))
        assert (told["W"], told["WH"], told["St"]) == (0, energy, 2)
    async with device("sma", Watch(NIGHT), floats=True) as simulator:
        told = await walk(simulator.port, 126, values(113))
        assert "W" not in told
        async with connected(simulator.port) as client:
            assert await client.read(126, 40092, 2) == [0x7FC0, 0], "W is not a number"


async def test_scale_factors_of_a_solaredge_follow_the_values() -> None:
    watch, seen = Watch(NIGHT), {}
    async with device("solaredge", watch) as simulator, connected(simulator.port) as client:
        for _ in range(48):
            watch.forward(minutes=30)
            words = await client.read(1, 40071, 50)
            raw, scale = words[12], words[13] - (words[13] >> 15 << 16)
            seen[scale] = raw
            assert raw * 10**scale == pytest.approx(HOUSE.at(watch.now).production.power * 1000, abs=0.51 * 10**scale)
    assert set(seen) >= {-2, -1, 0}


async def test_a_meter_tells_the_grid() -> None:
    grid = HOUSE.at(NIGHT).consumption
    told = []
    for kind, unit, floats in (
        ("meter", 1, False),
        ("meter", 1, True),
        ("fronius", 240, False),
        ("fronius", 240, True),
    ):
        async with device(kind, Watch(NIGHT), floats=floats) as simulator:
            model = (212 if floats else 202) + (kind == "fronius")
            told.append(await walk(simulator.port, unit, values(model)))
    for one in told:
        assert one["W"] == pytest.approx(grid.power * 1000, abs=0.51)
        assert one["WphA"] + one["WphB"] == pytest.approx(one["W"], abs=1.1)
        assert one["TotWhImp"] == pytest.approx(grid.import_energy * 1000, rel=1e-6)
        assert one["TotWhExp"] == pytest.approx(grid.export_energy * 1000, rel=1e-6)
        assert one["PhVphA"] == pytest.approx(grid.leg_voltage[0], abs=0.051)


@pytest.mark.parametrize("when", [NOON, NIGHT])
async def test_a_battery_and_a_hybrid_tell_the_battery_of_the_house(when: Any) -> None:
    state = HOUSE.at(when)
    battery = state.battery
    assert battery is not None
    soc = pytest.approx(battery.state_of_charge * 100, abs=0.051)
    async with device("battery", Watch(when)) as simulator:
        base, bank = [await walk(simulator.port, 1, values(model)) for model in (802, 803)]
    async with device("der", Watch(when)) as simulator:
        ac, capacity, dc = [await walk(simulator.port, 1, values(model)) for model in (701, 713, 714)]
    assert base["SoC"] == soc
    assert [one["StrSoC"] for one in bank["string"]] == [soc, soc]
    assert sum(one["StrA"] for one in bank["string"]) == pytest.approx(base["A"], abs=0.11)
    assert capacity["SoC"] == soc
    assert capacity["WHAvail"] == pytest.approx(capacity["WHRtg"] * battery.state_of_charge, abs=10)
    assert ac["W"] == pytest.approx((state.production.power + battery.power) * 1000, abs=0.51)
    assert ac["TotWhInj"] == pytest.approx((state.production.energy + battery.discharge_energy) * 1000, abs=1)
    solar, stored = dc["Prt"]
    assert (solar["PrtTyp"], stored["PrtTyp"]) == (0, 1)
    assert stored["DCW"] == pytest.approx(base["W"], abs=1)
    assert dc["DCW"] == pytest.approx(solar["DCW"] + stored["DCW"], abs=1)
    assert (stored["DCW"] > 0) == (when == NIGHT)


async def test_model_701_takes_two_reads() -> None:
    async with device("der") as simulator, connected(simulator.port) as client:
        with pytest.raises(Refused, match="3"):
            await client.read(1, 40070, 155)
        assert len(await client.read(1, 40070, 125) + await client.read(1, 40195, 30)) == 155


def test_kinds_without_a_battery_need_none_and_others_say_so() -> None:
    house = House(4, 2)
    for kind in ("battery", "der"):
        with pytest.raises(ValueError, match="SunVault"):
            SunSpecSimulator(kind, house)
    assert SunSpecSimulator("sma", house).units.keys() == {126}
    assert list(ABOUT) == list(KINDS)


async def test_a_large_roof_fits_into_the_registers() -> None:
    house = House(400, 1, ess=True)
    for kind, unit in (("sma", 126), ("fronius", 1), ("solaredge", 1)):
        async with device(kind, house=house) as simulator:
            told = await walk(simulator.port, unit, values(103))
            assert told["W"] == pytest.approx(house.at(NOON).production.power * 1000, rel=1e-3)
            assert told["DCW"] > told["W"] > 60_000
    async with device("der", house=house) as simulator:
        told = await walk(simulator.port, 1, values(701))
        assert told["VA"] == abs(told["W"]) > 60_000
        assert (await walk(simulator.port, 1, values(714)))["DCW"] > 60_000


async def test_serial_numbers_are_those_of_the_house_or_given() -> None:
    async with device("meter") as simulator:
        first = (await walk(simulator.port, 1, values(1)))["SN"]
    async with device("meter", house=House(12, 2, ess=True)) as simulator:
        assert (await walk(simulator.port, 1, values(1)))["SN"] != first
    async with device("fronius", serial="12345") as simulator:
        assert (await walk(simulator.port, 1, values(1)))["SN"] == "12345"
        assert (await walk(simulator.port, 240, values(1)))["SN"] != "12345"


async def test_pymodbus_and_pysunspec2_are_masters_of_the_line(tmp_path: Path) -> None:
    link = tmp_path / "inverter"
    async with device("sma", pty=str(link), baudrate=19200) as simulator:
        assert simulator.url == f"serial://{link}"
        client = AsyncModbusSerialClient(str(link), baudrate=19200, timeout=5, retries=0)
        assert await client.connect()
        assert (await client.read_holding_registers(40000, count=2, device_id=126)).registers == [0x5375, 0x6E53]
        refused = await client.read_holding_registers(40085, count=98, device_id=126)
        assert refused.exception_code == 2
        client.close()

        def read() -> Any:
            master = SunSpecModbusClientDeviceRTU(126, str(link), 19200, timeout=5)
            try:
                master.scan()
                return layout(master), master.models[103][0].W.cvalue
            finally:
                master.close()

        chain, watts = await asyncio.to_thread(read)
        assert chain == [COMMON, (103, 40070, 50), (120, 40122, 26), (160, 40150, 48)]
        assert watts == pytest.approx(HOUSE.at(NOON).production.power * 1000, abs=0.51)
        assert {one.port for one in simulator.requests} == {"serial"}
        assert simulator.writes == 0
    assert not link.is_symlink()


async def test_other_units_of_a_line_are_left_to_others() -> None:
    async with device("meter", pty="", baudrate=19200) as simulator:
        line = os.open(simulator.url.removeprefix("serial://"), os.O_RDWR | os.O_NOCTTY)
        os.write(line, bytes.fromhex("05039C400002EA0B"))
        await simulator.until(lambda: bool(simulator.requests))
        os.write(line, bytes.fromhex("01039C400002EB8F"))
        heard = b""
        while len(heard) < 9:
            heard += await asyncio.to_thread(os.read, line, 9)
        os.close(line)
        assert heard == bytes.fromhex("01030453756E53") + heard[-2:]
    assert [(one.unit, one.address, one.count) for one in simulator.requests] == [(5, 40000, 2), (1, 40000, 2)]


async def test_faults_come_on_a_line_too() -> None:
    async with device("meter", pty="", baudrate=19200) as simulator:
        path = simulator.url.removeprefix("serial://")
        client = AsyncModbusSerialClient(path, baudrate=19200, timeout=5, retries=0)
        assert await client.connect()
        simulator.faults.add("busy", times=1)
        assert (await client.read_holding_registers(40000, count=2, device_id=1)).exception_code == 6
        assert (await client.read_holding_registers(40000, count=2, device_id=1)).registers == [0x5375, 0x6E53]
        client.close()


async def test_noise_on_a_line_is_thrown_away() -> None:
    async with device("meter", pty="", baudrate=19200) as simulator:
        path = simulator.url.removeprefix("serial://")
        line = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(line, b"\x01\x03\x9c\x40\x00")
        os.close(line)
        await simulator.until(lambda: simulator.log.noise > 0)
        client = AsyncModbusSerialClient(path, baudrate=19200, timeout=5, retries=0)
        assert await client.connect()
        assert (await client.read_holding_registers(40000, count=2, device_id=1)).registers == [0x5375, 0x6E53]
        client.close()
