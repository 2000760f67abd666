"""The maps of Conext equipment: held against the table that they come from, and values out of made images."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.mapfile import Entry, RegisterMap, decode, dump, facts, loads, of_product, shipped
from pvsmqtt.modbus.mapfile.parse import MAPS
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

TABLE = Path(__file__).parents[1] / "fixtures" / "conext" / "gateway.txt"
BY_NAME = {one.name: one for one in shipped("conext")}
GATEWAY, XW, MONITOR = BY_NAME["Conext Gateway"], BY_NAME["Conext XW Pro"], BY_NAME["Conext Battery Monitor"]
EVERY = pytest.mark.parametrize("found", BY_NAME.values(), ids=BY_NAME)
TYPES = {"s": "string", "u": "uint", "i": "int", "b": "bits"}


class Row(NamedTuple):
    """A row of the table of the source."""

    address: int
    topic: str
    type: str
    length: int
    scale: float
    offset: float
    live: bool


def rows() -> list[Row]:
    found = []
    for line in TABLE.read_text("utf-8").splitlines()[1:]:
        address, topic, kind, scale, offset, *live = line.split()
        size = int(kind[1:])
        name = TYPES[kind[0]]
        registers = size // 2 if name == "string" else size // 16
        name += kind[1:] if name in ("uint", "int") else ""
        found.append(Row(int(address, 16), topic, name, registers, float(scale), float(offset), live == ["*"]))
    return found


def snake(topic: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", topic).lower()


def named(found: RegisterMap) -> dict[str, Entry]:
    return {entry.name: entry for entry in found.entries}


def image(found: RegisterMap, order: str = ">", **raw: int | str) -> RegisterImage:
    """Registers that say this, by the names of the map."""
    known = RegisterImage()
    for name, value in raw.items():
        entry = named(found)[name]
        if isinstance(value, str):
            data = value.encode().ljust(2 * entry.length, b"\0")
        else:
            data = (value % (1 << 16 * entry.length)).to_bytes(2 * entry.length, "big")
        words = struct.unpack(f">{entry.length}H", data)
        known.put(entry.address, words[::-1] if order == "<" and isinstance(value, int) else words, 1.0)
    return known


def values(found: RegisterMap, known: RegisterImage, unit: int) -> dict[str, object]:
    decoded = decode([found], unit, Table.HOLDING_REGISTERS, known)
    return {row.entry.quantity or row.entry.name: row.value for row in decoded}


def one(found: RegisterMap, name: str, raw: int) -> object:
    (row,) = decode([found], named(found)[name].units[0], Table.HOLDING_REGISTERS, image(found, **{name: raw}))
    return row.value


def test_the_gateway_is_as_its_source_has_it() -> None:
    table = rows()
    assert (len(table), sum(row.live for row in table)) == (175, 55)
    assert [entry.address for entry in GATEWAY.entries] == [row.address for row in table]
    for entry, row in zip(GATEWAY.entries, table, strict=True):
        assert (entry.name, entry.type, entry.length) == (snake(row.topic), row.type, row.length)
        assert (abs(entry.scale), entry.offset, entry.live) == (row.scale, row.offset, row.live), row
        assert entry.word_order == "big"


TURNED = {"battery_power_net", "xw_battery_current"}
TURNED |= {f"battery_bank{n}_{what}" for n in range(1, 6) for what in ("current", "power")}


def test_only_what_is_plus_while_charging_is_turned_round() -> None:
    assert {entry.name for entry in GATEWAY.entries if entry.scale < 0} == TURNED
    assert {entry.name for entry in XW.entries if entry.scale < 0} == {"battery_current", "battery_power"}
    assert {entry.name for entry in MONITOR.entries if entry.scale < 0} == {"battery_current"}


def test_lines_have_no_maps_of_the_gateway() -> None:
    assert shipped() == shipped("rtu") == []


def test_all_maps_that_come_along_are_of_some_transport() -> None:
    assert len(list(MAPS.glob("*.toml"))) == len(shipped("rtu")) + len(shipped("conext")) == 3


@EVERY
def test_a_map_is_sound(found: RegisterMap) -> None:
    assert found.transport == "conext"
    assert found.source
    assert loads(dump(found)) == found
    told: set[str] = set()
    taken: dict[int, str] = {}
    for entry in found.entries:
        assert entry.table is Table.HOLDING_REGISTERS
        assert entry.kind is not None
        assert 0 <= entry.address <= entry.address + entry.length <= 0x10000
        for address in range(entry.address, entry.address + entry.length):
            assert taken.setdefault(address, entry.name) == entry.name, hex(address)
        if entry.quantity is not None:
            assert entry.quantity not in told
            told.add(entry.quantity)
            row = QUANTITIES[entry.quantity]
            assert entry.unit == row.unit
            if row.options:
                assert set(entry.enum.values()) == set(row.options), "every word can be said"
            if row.unit and row.unit != "kWh":
                assert entry.max is not None, entry.name


@EVERY
def test_32_bits_in_the_wrong_order_are_no_value(found: RegisterMap) -> None:
    """What a real installation says becomes nothing when its words are turned round, or the map's are."""
    likely = {"W": 2500, "VA": 2500, "V": 240_123, "A": 12_345, "%": 87, "Hz": 6001, "Ah": 200, "°C": 29_815}
    for entry in found.entries:
        if entry.length != 2 or entry.unit not in likely or entry.scale == 0.1:
            continue
        raw = 53_512 if "battery" in entry.name and entry.unit == "V" else likely[entry.unit]
        if entry.name.endswith("_voltage") and entry.max == 100:
            raw = 53_512
        known = image(found, "<", **{entry.name: raw})
        (row,) = decode([found], entry.units[0], Table.HOLDING_REGISTERS, known)
        assert row.value is None, entry.name
        (row,) = decode([found.with_word_order("little")], entry.units[0], Table.HOLDING_REGISTERS, known)
        assert row.value is not None, entry.name


XW_TABLE = """
0000 s8 1, 000A s10 1, 001E s10 1, 0028 u16 1, 002B s10 1, 0040 u16 1, 0042 b 1, 0043 b 1, 0044 b 1, 0045 b 1,
0046 b 1, 004B u16 1, 004C u16 1, 0050 u32 .001, 0052 i32 .001, 0054 i32 1, 0056 u16 .01, 0058 u32 .001, 005A u32 1,
005C u32 .001, 005E u32 1, 0060 u16 1, 0061 u16 .01, 0062 u32 .001, 0064 i32 .001, 0066 i32 1, 0068 u32 1,
006A u32 .001, 006C u32 1, 006E u32 .001, 0070 i32 .001, 0072 u32 .001, 0074 i32 .001, 007A u16 1, 007B u16 1,
007E u32 .001, 0080 u32 .001, 0082 u16 .01, 0084 u32 1, 008A u32 1, 008C u32 .001, 008E u32 .001, 0090 u32 .001,
0092 u32 .001, 0094 u32 .001, 0096 u32 .001, 0098 u16 .01, 009A u32 1, 00A0 u32 1, 00A2 u32 .001, 00AC u32 1,
00BA u32 1, 00BF u16 1, 0162 u16 1, 016C u16 1, 016F u16 1, 0178 u32 .001, 017A u32 .001, 01B3 u16 1, 01B4 u32 .001,
01B6 u32 .001, 01D4 u16 1
"""
"""Address, type (of texts the registers), scale; the energies stand from 0x00D0 to 0x015C, four apart."""


def test_the_xw_is_as_its_sources_have_it() -> None:
    expected = {}
    for item in XW_TABLE.replace("\n", " ").split(","):
        address, kind, scale = item.split()
        expected[int(address, 16)] = (kind, float(scale))
    energies = [*range(0xD0, 0xE5, 4), *range(0xE8, 0xFD, 4), *range(0x100, 0x15D, 4)]
    expected |= dict.fromkeys(energies, ("u32", 0.001))
    short = {"string": "s", "bits": "b"}
    found = {}
    for entry in XW.entries:
        kind = short.get(entry.type) or entry.type.replace("uint", "u").replace("int", "i")
        found[entry.address] = (f"s{entry.length}" if kind == "s" else kind, abs(entry.scale))
    assert found == expected
    assert {entry.name for entry in XW.entries if entry.offset} == {"battery_temperature"}


def test_a_sunvault_through_its_gateway() -> None:
    known = image(
        GATEWAY, device_name="Gateway", fga_number="865-0329", firmware_version="1.16.0",
        hardware_serial_number="AB12",
        system_wide_number_of_active_faults=0, system_wide_number_of_active_warnings=2,
        grid_voltage=241_234, grid_frequency=6001, grid_input_power=300, grid_output_power=0, grid_net_power=-1450,
        load_power=820, load_voltage=241_100, battery_voltage=53_512, battery_power_net=-1500,
        battery_bank1_current=-28_030, battery_bank1_temperature=29_815, battery_bank1_soc=87, battery_bank1_soh=99,
        battery_bank1_power=1500, battery_bank_total_inverting_power=1500, xw_battery_current=28_030,
        system_status=0x0101,
    )  # fmt: skip
    found = values(GATEWAY, known, 1)
    assert found == {
        "device_name": "Gateway", "fga_number": "865-0329", "firmware_version": "1.16.0",
        "hardware_serial_number": "AB12", "system_status": "grid_to_load, battery_to_load",
        "active_faults": 0, "active_warnings": 2,
        "grid_voltage": 241.234, "grid_frequency": 60.01, "grid_input_power": 300, "grid_output_power": 0,
        "grid_power": -1450, "load_power": 820, "load_voltage": 241.1, "battery_voltage": 53.512,
        "battery_power": 1500, "bank1_current": 28.03, "bank1_temperature": 25.15, "state_of_charge": 87,
        "state_of_health": 99, "bank1_power": -1500, "discharge_power": 1500, "storage_current": -28.03,
    }  # fmt: skip
    assert facts([GATEWAY], 1, known) == {"model": "865-0329", "sw_version": "1.16.0", "serial": "AB12"}
    assert values(GATEWAY, known, 201) == found, "a ComBox"
    assert values(GATEWAY, known, 10) == {}


def test_an_xw_pro() -> None:
    known = image(
        XW, fga_number="865-6848-21", hardware_serial_number="00BB5C0017", device_state=3, active_faults_flag=1,
        active_warnings_flag=0, inverter_status=1033, charger_status=773, battery_voltage=53_512,
        battery_current=-28_030, battery_power=-1500, battery_temperature=29_815, grid_ac_frequency=5999,
        grid_ac_voltage=241_000, grid_ac_power=-1450, grid_ac_current_l2=-6_040, grid_ac_voltage_l2=120_400,
        load_ac_power=820, load_ac_frequency=6000, energy_from_battery_lifetime=5_432_100,
        energy_to_battery_lifetime=4_987_654, grid_input_energy_lifetime=1_000_001, energy_to_battery_today=12_345,
        grid_support_voltage=49_600,
    )  # fmt: skip
    assert values(XW, known, 10) == {
        "fga_number": "865-6848-21", "hardware_serial_number": "00BB5C0017", "device_state": "operating",
        "fault_active": "on", "warning_active": "off", "inverter_status": "grid_tied", "charger_status": "float",
        "battery_voltage": 53.512, "storage_current": 28.03, "battery_power": 1500, "storage_temperature": 25.15,
        "grid_frequency": 59.99, "grid_voltage": 241.0, "grid_power": -1450, "grid_current_l2": -6.04,
        "grid_voltage_l2": 120.4, "load_power": 820, "load_frequency": 60.0, "charge_energy": 5432.1,
        "discharge_energy": 4987.654, "import_energy": 1000.001, "energy_to_battery_today": 12.345,
        "grid_support_voltage": 49.6,
    }  # fmt: skip
    assert facts([XW], 10, known) == {"model": "865-6848-21", "serial": "00BB5C0017"}


def test_a_battery_monitor() -> None:
    known = image(
        MONITOR, battery_voltage=52_000, battery_current=10_500, battery_soc=80, battery_state_of_health=0,
        battery_capacity_remaining=320, battery_capacity=400, battery_midpoint1_voltage=26_010,
    )  # fmt: skip
    assert values(MONITOR, known, 190) == {
        "voltage": 52.0, "current": -10.5, "state_of_charge": 80, "state_of_health": None, "remaining_charge": 320,
        "charge_capacity": 400, "midpoint1_voltage": 26.01,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "name", "raw", "value"),
    [
        (GATEWAY, "battery_bank1_temperature", 0, None),
        (GATEWAY, "battery_bank1_temperature", 27_300, 0.0),
        (GATEWAY, "battery_bank1_temperature", 0xFFFF_FFFF, None),
        (GATEWAY, "weather_station_temperature", 0, 0.0),
        (GATEWAY, "weather_station_temperature", -125, -12.5),
        (GATEWAY, "grid_voltage", 0, 0.0),
        (GATEWAY, "grid_voltage", 600_001, None),
        (GATEWAY, "battery_bank2_voltage", 0, None),
        (GATEWAY, "battery_bank1_soc", 101, None),
        (GATEWAY, "battery_bank1_soc", 0, 0),
        (GATEWAY, "battery_bank1_soh", 0, None),
        (GATEWAY, "battery_power_net", 0, 0),
        (GATEWAY, "battery_power_net", 1_000_000, None),
        (GATEWAY, "battery_power_net", 0x7FFF_FFFF, None),
        (GATEWAY, "battery_bank1_current", 0, 0.0),
        (XW, "device_state", 255, None),
        (XW, "device_state", 9, None),
        (XW, "inverter_status", 0, None),
        (XW, "battery_temperature", 0, None),
        (XW, "battery_temperature", 0xFFFF, None),
        (XW, "fault_bitmap_0", 0b101, "bit 0, bit 2"),
        (XW, "energy_from_battery_lifetime", 0xFFFF_FFFF, None),
    ],
)
def test_what_cannot_be_is_no_value(found: RegisterMap, name: str, raw: int, value: object) -> None:
    assert one(found, name, raw) == value


def test_nothing_that_makes_an_inverter_do_something_is_read() -> None:
    touchy = {0x0161, 0x0164, 0x0167, 0x0170}
    for entry in XW.entries:
        assert touchy.isdisjoint(range(entry.address, entry.address + entry.length)), entry.name


def test_kinds_units_and_products() -> None:
    assert {entry.kind for entry in GATEWAY.entries} == {Kind.GATEWAY}
    assert {entry.kind for entry in XW.entries} == {Kind.STORAGE_INVERTER}
    assert {entry.kind for entry in MONITOR.entries} == {Kind.BATTERY}
    assert {entry.units for entry in XW.entries} == {tuple(range(10, 30))}
    maps = shipped("conext")
    assert [one.name for one in of_product(maps, 41, "865-6848-21")] == ["Conext XW Pro"]
    assert [one.name for one in of_product(maps, 3, "865-1080-01")] == ["Conext Battery Monitor"]
    assert [one.name for one in of_product(maps, 10, "865-1032")] == ["Conext Gateway"], "which has no unit 10"
    assert {entry.units for entry in of_product(maps, 41, "865-6848-21")[0].entries} == {(41,)}
    assert of_product(maps, 10, None) == maps


def test_energies_of_the_xw_that_count_for_ever() -> None:
    lifetime = {entry.name: entry.quantity for entry in XW.entries if entry.name.endswith("_lifetime")}
    assert len(lifetime) == 6
    for key in lifetime.values():
        assert QUANTITIES[key or ""].state_class == "total_increasing"
    periods = [entry for entry in XW.entries if entry.name.endswith(("_hour", "_today", "_week", "_month", "_year"))]
    assert len(periods) == 30
    assert all(entry.quantity is None and entry.unit == "kWh" and not entry.live for entry in periods)
    assert [entry.address for entry in XW.entries if entry.name.startswith("generator_input")] == [
        0x148, 0x14C, 0x150, 0x154, 0x158, 0x15C,
    ]  # fmt: skip


registers = st.lists(st.integers(0, 0xFFFF), min_size=125, max_size=125)


@EVERY
@given(words=registers, data=st.data())
def test_any_registers_give_values_within_their_limits(
    found: RegisterMap, words: list[int], data: st.DataObject
) -> None:
    known = RegisterImage()
    start = data.draw(st.sampled_from(found.entries)).address
    known.put(start, words, 1.0)
    told = decode([found], found.entries[0].units[0], Table.HOLDING_REGISTERS, known)
    assert told
    for row in told:
        entry, value = row.entry, row.value
        if isinstance(value, int | float):
            assert entry.min is None or value >= entry.min
            assert entry.max is None or value <= entry.max
            assert abs(value) != float("inf")
        elif value is not None and entry.enum:
            assert value in entry.enum.values()
    facts([found], found.entries[0].units[0], known)
