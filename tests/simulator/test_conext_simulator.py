"""The simulated Conext Gateway, read by clients that are not ours: the registers tell the story of the house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from helpers_modbus_tcp import NIGHT, NOON, Refused, Watch, connected, errors, layout, walk
from pymodbus.client import AsyncModbusTcpClient

from pvsmqtt.simulator.conext.gateway_map import GATEWAY as GATEWAY_MAP
from pvsmqtt.simulator.conext.simulator import ConextSimulator, Serials
from pvsmqtt.simulator.conext.xw_map import PERIODS
from pvsmqtt.simulator.conext.xw_map import XW_PRO as XW_PRO_MAP
from pvsmqtt.simulator.pvs.house.battery import CAPACITY, EFFICIENCY
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.rs485.traffic import house_of

HOUSE = house_of(1)
SERIALS = HOUSE.serials.storage


@asynccontextmanager
async def gateway(watch: Watch | None = None, **settings: Any) -> AsyncIterator[ConextSimulator]:
    simulator = ConextSimulator(house=HOUSE, clock=watch or Watch(), **settings)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


async def test_pysunspec2_finds_the_chains_where_they_were_seen() -> None:
    async with gateway() as simulator:
        port = simulator.sunspec_port
        common = [(1, 40002, 66)]
        assert await walk(port, 1, layout) == [*common, (102, 40070, 50)]
        inverter = [(102, 40070, 50), (120, 40122, 26), (121, 40150, 30), (123, 40182, 24), (124, 40208, 24)]
        assert [one for one in await walk(port, 10, layout) if one[0] != 20001] == common + inverter
        assert await walk(port, 230, layout) == [*common, (802, 40070, 62), (803, 40134, 26 + 2 * 32)]
        for unit in (1, 230):
            assert not await walk(port, unit, errors)
        async with connected(port) as client:
            assert await client.read(10, 40234, 2) == [20001, 18]
            assert await client.read(10, 40254, 2) == [0xFFFF, 0]
        assert simulator.writes == 0


@pytest.mark.parametrize("when", [NOON, NIGHT])
async def test_pysunspec2_reads_the_battery_of_the_house(when: Any) -> None:
    battery = HOUSE.at(when).battery
    assert battery is not None

    def inverter(device: Any) -> tuple[Any, ...]:
        ac, control = device.models[102][0], device.models[124][0]
        return ac.W.cvalue, ac.PPVphAB.cvalue, ac.WH.cvalue, control.ChaState.cvalue, control.ChaSt.value

    def pack(device: Any) -> tuple[Any, ...]:
        base, bank = device.models[802][0], device.models[803][0]
        return base.SoC.cvalue, base.V.cvalue, base.W.cvalue, bank.NStr.value, bank.ModTmpMax.cvalue, bank.string

    async with gateway(Watch(when)) as simulator:
        watts, volts, energy, charge, status = await walk(simulator.sunspec_port, 10, inverter)
        assert (await walk(simulator.sunspec_port, 1, inverter_power))[0] == watts
        soc, dc_volts, dc_watts, strings, hottest, string = await walk(simulator.sunspec_port, 230, pack)
    assert watts == pytest.approx(battery.power * 1000, abs=0.5)
    assert volts == pytest.approx(sum(battery.leg_voltage), abs=0.06)
    assert energy == pytest.approx(battery.discharge_energy * 1000, abs=1)
    assert charge == pytest.approx(battery.state_of_charge * 100, abs=0.051)
    assert status == (3 if battery.power > 0 else 4)
    assert soc == charge
    assert dc_volts == pytest.approx(battery.battery_voltage, abs=0.006)
    loss = 1 / EFFICIENCY if battery.power > 0 else EFFICIENCY
    assert dc_watts == pytest.approx(battery.power * 1000 * loss, abs=0.6)
    assert strings == len(string) == len(SERIALS.batteries)
    assert hottest == pytest.approx(battery.cell_temperature[1], abs=0.051)
    assert string[1].StrSoC.cvalue == soc


def inverter_power(device: Any) -> tuple[Any, ...]:
    return (device.models[102][0].W.cvalue,)


async def test_day_and_night_have_the_battery_at_both_signs() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        assert await client.number(1, 0x0158, signed=True) > 100, "charging"
    async with gateway(Watch(NIGHT)) as simulator, connected(simulator.native_port) as client:
        assert await client.number(1, 0x0158, signed=True) < -100, "inverting"


async def test_power_is_conserved_all_day_by_the_registers_of_both_ports() -> None:
    watch = Watch(NIGHT)
    signs = set()
    async with (
        gateway(watch) as simulator,
        connected(simulator.native_port) as native,
        connected(simulator.sunspec_port) as sunspec,
    ):
        for _ in range(24 * 12):
            watch.forward(minutes=5, seconds=7)
            grid = await native.number(1, 0x03F8, signed=True)
            solar = await native.number(1, 0x0168)
            load = await native.number(1, 0x0066, signed=True)
            net = await native.number(1, 0x0158, signed=True)
            (raw,), (scale,) = await sunspec.read(10, 40084), await sunspec.read(10, 40085)
            assert scale == 0
            inverter = raw - 0x10000 if raw >> 15 else raw
            assert load > 0
            assert solar + grid + inverter == pytest.approx(load, rel=0.01)
            assert net == pytest.approx(-inverter * (1 / EFFICIENCY if inverter > 0 else EFFICIENCY), abs=1.2)
            assert (await native.number(1, 0x0052), await native.number(1, 0x0058)) == (max(0, grid), max(0, -grid))
            assert await native.number(10, 0x009A) == load
            assert await native.number(10, 0x0066, signed=True) == grid
            assert await native.number(10, 0x0054, signed=True) == net
            signs |= {grid > 0, net > 0, solar > 0}
            signs |= {f"import {grid > 0}", f"charging {net > 0}", f"sun {solar > 0}"}
    assert len(signs) == 2 + 6, "a day has both of everything"


async def test_pymodbus_reads_the_native_map() -> None:
    state = HOUSE.at(NOON)
    battery = state.battery
    assert battery is not None
    async with gateway() as simulator:
        client = AsyncModbusTcpClient("127.0.0.1", port=simulator.native_port)
        await client.connect()
        kinds = client.DATATYPE

        async def value(address: int, count: int, kind: Any, unit: int = 1) -> Any:
            answer = await client.read_holding_registers(address, count=count, device_id=unit)
            assert not answer.isError()
            return client.convert_from_registers(answer.registers, kind)

        assert await value(0x0000, 8, kinds.STRING) == "Conext Gateway"
        assert await value(0x002B, 8, kinds.STRING) == SERIALS.gateway
        assert await value(0x0028, 1, kinds.UINT16) == 1
        assert await value(0x004C, 2, kinds.UINT32) * 0.001 == pytest.approx(sum(battery.leg_voltage), abs=0.001)
        assert await value(0x004E, 2, kinds.UINT32) * 0.01 == pytest.approx(state.consumption.frequency, abs=0.005)
        assert await value(0x009C, 2, kinds.UINT32) * 0.001 == pytest.approx(battery.battery_voltage, abs=0.001)
        temperature = await value(0x0204, 2, kinds.UINT32) * 0.01 - 273
        assert battery.cell_temperature[0] < temperature < battery.cell_temperature[1]
        assert await value(0x03C8, 2, kinds.UINT32) == round(battery.state_of_charge * 100)
        assert await value(0x041E, 2, kinds.UINT32) == 100
        ampere_hours = CAPACITY * battery.state_of_charge * 1000 / battery.battery_voltage
        assert await value(0x03CA, 2, kinds.UINT32) == pytest.approx(ampere_hours, abs=0.5)
        assert await value(0x000A, 10, kinds.STRING, 10) == "865-6848-01"
        assert await value(0x0056, 1, kinds.UINT16, 10) * 0.01 - 273 == pytest.approx(temperature, abs=0.01)
        assert await value(0x007A, 1, kinds.UINT16, 10) == 1034
        assert await value(0x007B, 1, kinds.UINT16, 10) == 769
        assert await value(0x0061, 1, kinds.UINT16, 10) * 0.01 == pytest.approx(60, abs=0.03)
        assert await value(0x006E, 2, kinds.UINT32, 10) * 0.001 == pytest.approx(battery.leg_voltage[0], abs=0.001)
        assert await value(0x0072, 2, kinds.UINT32, 10) * 0.001 == pytest.approx(battery.leg_voltage[1], abs=0.001)
        client.close()


async def test_all_entries_answer_and_only_those_that_live_move() -> None:
    watch = Watch(NIGHT)
    seen: dict[str, set[tuple[int, ...]]] = {entry.name: set() for entry in GATEWAY_MAP}
    async with gateway(watch) as simulator, connected(simulator.native_port) as client:
        for _ in range(8):
            watch.forward(hours=2, minutes=50)
            for entry in GATEWAY_MAP:
                seen[entry.name].add(tuple(await client.read(1, entry.address, entry.length)))
    assert len(seen) == 175
    assert sum(entry.live for entry in GATEWAY_MAP) == 55
    assert all(seen[entry.name] == {(0,) * entry.length} for entry in GATEWAY_MAP if not entry.live)
    still = {entry.name for entry in GATEWAY_MAP if entry.live and len(seen[entry.name]) == 1}
    assert still == {
        "deviceName",
        "fgaNumber",
        "firmwareVersion",
        "modbusAddress",
        "hardwareSerialNumber",
        "maintenanceStatus",
        "systemWideNumberOfActiveFaults",
        "systemWideNumberOfActiveWarnings",
        "comBoxMode",
        "externalContactorStatus",
        "batteryBank1TimeUntilRecharge",
        "batteryBank1LastRechargeTime",
        "batteryBank1SOH",
    }


def energy(name: str, period: str) -> int:
    """The address, as the reference has it: steps of 4 in the order of periods."""
    first = {"from": 0xD0, "to": 0xE8, "import": 0x100, "export": 0x118, "load": 0x130}[name]
    return first + 4 * PERIODS.index(period)


async def test_energies_are_those_of_the_house_and_start_anew_when_their_period_does() -> None:
    watch = Watch(NOON + timedelta(hours=11, minutes=59))  # a minute before midnight of a Sunday in the house
    async with gateway(watch) as simulator, connected(simulator.native_port) as client:
        battery, meter = HOUSE.at(watch.now).battery, HOUSE.at(watch.now).consumption
        assert battery is not None
        life = {name: await client.number(10, energy(name, "Life")) for name in ("from", "to", "import", "export")}
        assert life["from"] == pytest.approx(battery.charge_energy * 1000, abs=1), "the names are wrong"
        assert life["to"] == pytest.approx(battery.discharge_energy * 1000, abs=1)
        assert life["import"] == pytest.approx(meter.import_energy * 1000, abs=1)
        assert life["export"] == pytest.approx(meter.export_energy * 1000, abs=1)
        before = [await client.number(10, energy("load", period)) for period in PERIODS]
        assert before == sorted(before)
        assert before[0] > 0
        watch.forward(minutes=3)
        after = [await client.number(10, energy("load", period)) for period in PERIODS]
        assert all(now < then / 5 for now, then in zip(after[:3], before[:3], strict=True)), "hour, day and week"
        assert all(now > then for now, then in zip(after[3:], before[3:], strict=True))


async def test_energies_are_the_sum_of_the_powers() -> None:
    watch = Watch(NIGHT)
    powers = {"import": 0x0052, "export": 0x0058, "load": 0x0066}
    sums = dict.fromkeys(powers, 0.0)
    async with gateway(watch) as simulator, connected(simulator.native_port) as client:
        begun = {name: await client.number(10, energy(name, "Life")) for name in powers}
        for _ in range(24 * 60):
            watch.forward(minutes=1)
            for name, address in powers.items():
                sums[name] += await client.number(1, address) / 60
        for name, total in sums.items():
            assert await client.number(10, energy(name, "Life")) - begun[name] == pytest.approx(total, rel=0.02)
            assert total > 100


async def test_reads_that_touch_a_gap_are_refused_or_told_as_zeros() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        assert len(await client.read(1, 0x0046, 0x009E - 0x0046)) == 0x58
        for address, count in ((0x0000, 0x44), (0x0012, 1), (0x009E, 3), (0x0420, 125), (0x1000, 1)):
            with pytest.raises(Refused, match="2"):
                await client.read(1, address, count)
        assert [one.refused for one in simulator.requests] == [None, 2, 2, 2, 2, 2]
    async with gateway(gaps=True) as simulator, connected(simulator.native_port) as client:
        words = await client.read(1, 0x0000, 0x44)
        assert words[0x12:0x1E] == [0] * 12
        assert any(words[:8])
        assert await client.read(1, 0x1000) == [0]


async def test_a_serial_number_is_refused_by_an_xw_plus() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        with pytest.raises(Refused, match="4"):
            await client.read(10, 0x002B, 10)
        with pytest.raises(Refused, match="4"):
            await client.read(10, 0x002B, 1)
    async with gateway(serial_refused=False) as simulator, connected(simulator.native_port) as client:
        assert text(await client.read(10, 0x002B, 10)) == SERIALS.storage_inverter


def text(words: list[int]) -> str:
    return b"".join(word.to_bytes(2) for word in words).rstrip(b"\0").decode()


async def test_serial_numbers_of_the_pvs_or_others_or_none() -> None:
    def serial(device: Any) -> Any:
        return device.models[1][0].SN.value

    async with gateway() as simulator:
        told = [await walk(simulator.sunspec_port, unit, serial) for unit in (1, 10, 230)]
    assert told == [SERIALS.gateway, SERIALS.storage_inverter, SERIALS.bms]
    async with gateway(serials=Serials("a", "", "c")) as simulator:
        assert [await walk(simulator.sunspec_port, unit, serial) for unit in (1, 10, 230)] == ["a", None, "c"]


async def test_the_low_word_comes_first_if_it_is_so_set_and_text_stays_text() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        high_first = await client.read(1, 0x004C, 2)
        simulator.faults.word_order = "little"
        assert await client.read(1, 0x004C, 2) == high_first[::-1]
        assert text(await client.read(1, 0, 8)) == "Conext Gateway"
        simulator.faults.clear()
        assert await client.read(1, 0x004C, 2) == high_first
    async with gateway(word_order="little") as simulator, connected(simulator.native_port) as client:
        assert await client.read(1, 0x004C, 2) == high_first[::-1]
        assert await client.read(10, 0x0061, 1) == [6002]


async def test_a_battery_monitor_is_there_if_wanted() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        with pytest.raises(Refused, match="11"):
            await client.read(190, 0x0046, 2)
    async with gateway(battery_monitor=190) as simulator, connected(simulator.native_port) as client:
        assert text(await client.read(190, 0x000A, 10)) == "865-1080-01"
        assert await client.number(190, 0x0046) == await client.number(1, 0x009C)
        assert await client.number(190, 0x004C) == await client.number(1, 0x03C8)
        assert await client.number(190, 0x004E) == 0
        capacity = (await client.read(190, 0x0092))[0]
        assert await client.number(190, 0x0058) + await client.number(190, 0x005A) == pytest.approx(capacity, abs=1)


async def test_both_tables_answer_and_nothing_is_written() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as client:
        assert await client.read(1, 0x004C, 2, function=4) == await client.read(1, 0x004C, 2)
        for function in (1, 5, 6, 8, 17, 43, 66):
            client.ask(1, 0x004C, 1, function)
            assert (await client.answer())[2] == bytes([function | 0x80, 1])
        assert simulator.writes == 7
        assert [one.function for one in simulator.requests] == [4, 3, 1, 5, 6, 8, 17, 43, 66]


async def test_the_log_says_who_asked_what() -> None:
    async with gateway() as simulator:
        async with connected(simulator.sunspec_port) as first, connected(simulator.native_port) as second:
            await first.read(10, 40070, 52)
            await second.read(1, 0x0158, 2)
            assert simulator.connected == 2
        seen = [
            (one.port, one.connection, one.unit, one.function, one.address, one.count) for one in simulator.requests
        ]
        assert seen == [("sunspec", 1, 10, 3, 40070, 52), ("native", 2, 1, 3, 0x0158, 2)]
        assert simulator.connections == 2


async def test_time_goes_on_by_itself_and_so_do_the_values() -> None:
    simulator = ConextSimulator(house=HOUSE, start_at=NOON, speed=100_000)
    await simulator.start()
    try:
        async with connected(simulator.native_port) as client:
            first = await client.number(1, 0x0066)
            while await client.number(1, 0x0066) == first:
                pass
    finally:
        await simulator.stop()


def test_a_house_without_a_battery_has_no_gateway() -> None:
    with pytest.raises(ValueError, match="SunVault"):
        ConextSimulator(house=House(4, 1))


async def test_too_many_and_none_are_refused_by_value() -> None:
    async with gateway(gaps=True) as simulator, connected(simulator.native_port) as client:
        for count in (0, 126):
            with pytest.raises(Refused, match="3"):
                await client.read(1, 0, count)


async def test_bytes_that_are_no_modbus_end_the_connection_and_nothing_else() -> None:
    async with gateway() as simulator, connected(simulator.native_port) as good:
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\1\1", b"\0\1\0\0\1\0" + b"\0" * 256):
            async with connected(simulator.native_port) as bad:
                bad.writer.write(junk)
                assert await bad.reader.read() == b""
        assert await good.read(1, 0x0028) == [1]


def test_addresses_of_the_maps_do_not_overlap() -> None:
    for entries in (GATEWAY_MAP, XW_PRO_MAP):
        taken = [address for entry in entries for address in range(entry.address, entry.address + entry.length)]
        assert len(taken) == len(set(taken))
