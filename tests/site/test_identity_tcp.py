"""The gateway of a SunVault, read over the network: its units are the devices that the supervisor lists behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.model.device import Device, Kind, default_name
from pvsmqtt.model.files import write_json
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry, load

AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
TCP, TAP = "modbus_tcp conext", "modbus_tap conext"


def listed(kind: Kind, serial: str, unit: int, interface: str = "sunspec") -> Device:
    name = default_name(kind, serial)
    return Device(serial.lower(), kind, name, serial, via="zt1", modbus_unit=unit, interface=interface)


GATEWAY = listed(Kind.GATEWAY, "BC1234006789", 1)
XW = listed(Kind.STORAGE_INVERTER, "00001ABC1234", 10)
BMS = listed(Kind.BMS, "BC123400678933751040", 230)
DISCONNECT = listed(Kind.PV_DISCONNECT, "SY2", 230, "ttymxc5")
LISTED = {"zt1", "bc1234006789", "00001abc1234", "bc123400678933751040", "sy2"}


def polled(*devices: Device) -> list[Reading]:
    devices = devices or (GATEWAY, XW, BMS, DISCONNECT)
    return [Reading(d, {"state": "working"}, "pvs a", AT, 0.0, 900.0) for d in (PVS, *devices)]


def line(name: str = "conext", source: str = TCP) -> Reading:
    return Reading(Device(name, Kind.BUS, name), {"line_state": "listening"}, source, AT, 0.0, 60.0)


def read(
    unit: int,
    kind: Kind,
    serial: str | None = None,
    name: str = "conext",
    source: str = TCP,
    interface: str = "tcp",
    **values: Any,
) -> Reading:
    device = Device(
        f"{name}_{unit}",
        kind,
        default_name(kind, serial or f"{name} {unit}"),
        serial,
        via=name,
        modbus_unit=unit,
        interface=interface,
    )
    return Reading(device, values or {"power": 5.0}, source, AT, 0.0, 60.0)


def cycle(serials: Sequence[str | None] = (None,) * 3, name: str = "conext", source: str = TCP) -> list[Reading]:
    """What a poll of the gateway brings, with the serial numbers that its units tell."""
    kinds = ((1, Kind.GATEWAY), (10, Kind.STORAGE_INVERTER), (230, Kind.BMS))
    return [line(name, source), *(read(u, k, s, name, source) for (u, k), s in zip(kinds, serials, strict=True))]


def new_house(registry: Registry | None = None) -> House:
    house = House(registry or Registry())
    expect(house)
    house.configure({}, [], 0)
    return house


def expect(house: House, *beside: str) -> list[DeviceGone]:
    beside = beside or (TAP, "modbus_tap mirror", "rs485 cabinet")
    return house.expect({"pvs a": "site", TCP: "site"}, beside, single=[TCP])


@pytest.fixture
def house() -> House:
    return new_house()


def again(house: House, folder: Path) -> House:
    write_json(folder / "devices.json", house.registry.document())
    return new_house(load(folder / "devices.json"))


def gone(events: Iterable[Any]) -> list[str]:
    return [event.key for event in events if isinstance(event, DeviceGone)]


def states(events: Iterable[Any]) -> dict[str, DeviceState]:
    return {event.key: event for event in events if isinstance(event, DeviceState)}


def ids(house: House) -> set[str]:
    return {entry.device.id for entry in house.registry} - {"site"}


OWN = ("BC1234006789", "00001ABC1234", "BC123400678933751040")
SHORT = (None, "ABC1234", "33751040")
OTHER = ("G-77", "X-88", "B-99")


@pytest.mark.parametrize("told", [(None, None, None), OWN, SHORT, OTHER], ids=["none", "own", "short", "other"])
@pytest.mark.parametrize("order", list(permutations(range(5))), ids=str)
def test_whatever_is_told_in_whatever_order_each_is_one_device(
    order: tuple[int, ...], told: tuple[str | None, ...], tmp_path: Path
) -> None:
    steps: list[Sequence[Reading]] = [
        polled(),
        cycle(),
        cycle(told),
        cycle(name="mirror", source="modbus_tap mirror"),
        [line("cabinet", "rs485 cabinet"), read(230, Kind.PV_DISCONNECT, None, "cabinet", "rs485 cabinet", "rtu")],
    ]
    house = new_house()
    for now, number in enumerate(order):
        house.accept(steps[number], now)
        if now == 2:
            house = again(house, tmp_path)
    for now in (10, 11):
        for step in steps:
            house.accept(step, now)
    assert ids(house) == {*LISTED, "conext", "mirror", "cabinet"}
    assert house.registry.heard_at("cabinet_230") == "sy2"
    for place in ("conext", "mirror"):
        assert house.registry.heard_at(f"{place}_10") == "00001abc1234"
        assert house.registry.heard_at(f"{place}_230") == "bc123400678933751040"
    learned = house.registry.changes
    for step in steps:
        assert gone(house.accept(step, 12)) == []
    assert house.registry.changes == learned
    for entry in house.registry:
        assert entry.device.serial in (None, "ZT1", "SY2", *OWN), "the list of devices says how it is spelt"


def test_who_told_another_name_is_known_by_it_after_a_restart(house: House, tmp_path: Path) -> None:
    house.accept(polled(), 0)
    house.accept(cycle(SHORT), 1)
    second = again(house, tmp_path)
    found = states(second.accept([read(10, Kind.STORAGE_INVERTER, "ABC1234", power=7.0)], 0))
    assert found["00001abc1234"].values["power"] == 7.0
    assert found["00001abc1234"].device.serial == "00001ABC1234"
    # Behind another name of the line, too.
    elsewhere = states(second.accept([read(10, Kind.STORAGE_INVERTER, "ABC1234", "cellar", power=8.0)], 1))
    assert elsewhere["00001abc1234"].values["power"] == 8.0


def test_what_was_told_before_the_list_goes_on_and_keeps_its_counters(house: House) -> None:
    first = states(house.accept([line(), read(10, Kind.INVERTER, "ABC1234", energy=500.0)], 0))
    assert first["abc1234"].device.via == "conext"
    events = house.accept(polled(), 1)
    assert gone(events) == ["abc1234"]
    assert states(events)["00001abc1234"].values == {"energy": 500.0, "state": "working"}
    slipped = states(house.accept([read(10, Kind.STORAGE_INVERTER, "ABC1234", energy=0.0, power=1.0)], 2))
    assert slipped["00001abc1234"].values["energy"] == 500.0


def test_a_serial_number_that_another_listed_device_bears_goes_before_the_unit(house: House) -> None:
    second = listed(Kind.STORAGE_INVERTER, "00001ABC9999", 11)
    house.accept(polled(XW, second), 0)
    house.accept([line(), read(10, Kind.STORAGE_INVERTER, power=1.0)], 1)
    assert house.registry.heard_at("conext_10") == "00001abc1234"
    house.accept([read(10, Kind.STORAGE_INVERTER, "00001ABC9999", power=2.0)], 2)
    assert house.registry.heard_at("conext_10") == "00001abc9999"
    assert house.registry.places("00001abc1234") == []


def test_a_bms_that_tells_the_serial_number_of_its_gateway_is_the_bms(house: House) -> None:
    house.accept(polled(), 0)
    house.accept([line(), read(230, Kind.BMS, "BC1234006789", state_of_charge=50.0)], 1)
    assert house.registry.heard_at("conext_230") == "bc123400678933751040"
    assert ids(house) == {*LISTED, "conext"}


def test_a_told_serial_number_that_contradicts_the_one_before_is_an_exchanged_device(
    house: House, tmp_path: Path
) -> None:
    house.accept(polled(), 0)
    house.accept(cycle((None, "ABC1234", None)), 1)
    events = house.accept([read(10, Kind.STORAGE_INVERTER, "NEW5678", power=9.0)], 2)
    assert states(events)["new5678"].values == {"power": 9.0}
    assert house.registry.heard_at("conext_10") == "new5678"
    for now in (3, 4):
        assert gone(house.accept(cycle((None, "NEW5678", None)), now)) == []
    house = again(house, tmp_path)
    house.accept(cycle((None, "NEW5678", None)), 0)
    assert "new5678" in ids(house)
    # The supervisor lists the new one: it is that.
    new = listed(Kind.STORAGE_INVERTER, "00001NEW5678X", 10)
    assert gone(house.accept(polled(GATEWAY, new, BMS), 5)) == ["new5678"]
    found = states(house.accept([read(10, Kind.STORAGE_INVERTER, "NEW5678", power=10.0)], 6))
    assert found["00001new5678x"].values["power"] == 10.0


@pytest.mark.parametrize("with_list", [True, False])
def test_two_registers_of_one_place_may_spell_it_in_two_ways(house: House, with_list: bool) -> None:
    """SunSpec and the native map of one gateway, read by two sources under one name."""
    house.accept(polled() if with_list else polled(DISCONNECT), 0)
    for now in range(1, 5):
        house.accept([read(10, Kind.STORAGE_INVERTER, "ABC1234")], now)
        house.accept([read(10, Kind.STORAGE_INVERTER, "N-7", source=TAP)], now)
    assert ("abc1234" in ids(house)) is not with_list
    assert "n_7" not in ids(house)
    learned = house.registry.changes
    house.accept([read(10, Kind.STORAGE_INVERTER, "ABC1234")], 9)
    house.accept([read(10, Kind.STORAGE_INVERTER, "N-7", source=TAP)], 9)
    assert house.registry.changes == learned


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_of_two_places_that_tell_different_names_at_most_one_is_the_listed_device(order: tuple[int, ...]) -> None:
    steps = [
        polled(),
        [line(), read(10, Kind.STORAGE_INVERTER, "ABC1234")],
        [line("barn", "modbus_tcp barn"), read(10, Kind.STORAGE_INVERTER, "SMA 77", "barn", "modbus_tcp barn")],
    ]
    house = new_house()
    house.expect({"pvs a": "site", TCP: "site", "modbus_tcp barn": "site"}, [], single=[TCP, "modbus_tcp barn"])
    for now, number in enumerate(order):
        house.accept(steps[number], now)
    at = house.registry.heard_at("conext_10"), house.registry.heard_at("barn_10")
    assert at[0] != at[1]
    for step in steps:
        house.accept(step, 9)
    learned = house.registry.changes
    for step in steps:
        assert gone(house.accept(step, 10)) == []
    assert house.registry.changes == learned


def test_what_tells_no_name_is_neither_of_two_that_told_different_ones(house: House) -> None:
    house.accept(polled(), 0)
    house.accept(cycle((None, "ABC1234", None)), 1)
    house.accept(cycle((None, "SMA 77", None), "barn", "modbus_tcp barn"), 2)
    assert house.registry.heard_at("barn_10") == "sma_77"
    house.accept(cycle(name="mirror", source="modbus_tap mirror"), 3)
    assert house.registry.heard_at("mirror_10") is None
    assert house.registry.heard_at("mirror_230") == "bc123400678933751040"


def test_without_a_list_two_places_stay_two_devices(house: House) -> None:
    house.accept(cycle(), 0)
    house.accept(cycle(name="mirror", source="modbus_tap mirror"), 1)
    assert {"conext_10", "mirror_10"} <= ids(house)


def test_of_two_listed_devices_with_the_unit_none_is_chosen(house: House) -> None:
    house.accept(polled(XW, replace(listed(Kind.STORAGE_INVERTER, "00001ABC9999", 10), via="zt2")), 0)
    house.accept(cycle((None, "ABC1234", None)), 1)
    assert "abc1234" in ids(house)


def test_an_inverter_of_another_maker_at_the_unit_of_the_gateway_is_not_the_gateway(house: House) -> None:
    house.accept(polled(), 0)
    events = house.accept([line("roof"), read(1, Kind.INVERTER, "FRO 1", "roof", "modbus_tcp roof")], 1)
    assert "fro_1" in states(events)


def test_a_line_that_two_sources_share_stays_while_one_of_them_is_left(house: House) -> None:
    house.accept(cycle(), 0)
    house.accept(cycle(source=TAP), 0)
    learned = house.registry.changes
    house.accept(cycle(), 1)
    house.accept(cycle(source=TAP), 1)
    assert house.registry.changes == learned
    assert house.expect({"pvs a": "site"}, [TAP]) == []
    assert "conext_10" in ids(house)
    assert {event.key for event in house.expect({"pvs a": "site"}, [])} == {
        "conext_1",
        "conext_10",
        "conext_230",
        "conext",
    }


def test_a_place_that_is_gone_from_the_configuration_is_forgotten_and_the_other_one_stays(house: House) -> None:
    house.accept(polled(), 0)
    house.accept(cycle(), 1)
    house.accept(cycle(name="mirror", source="modbus_tap mirror"), 2)
    assert house.registry.places("00001abc1234") == ["conext_10", "mirror_10"]
    assert [event.key for event in expect(house, TAP)] == ["mirror"]
    assert house.registry.places("00001abc1234") == ["conext_10"]


def test_one_inverter_that_two_sources_read_at_two_units_does_not_move_to_and_fro(house: House) -> None:
    two = [
        read(126, Kind.INVERTER, "SMA 77"),
        read(3, Kind.INVERTER, "SMA 77", "cabinet", "rs485 cabinet", "rtu"),
    ]
    for now in (0, 1):
        house.accept(two, now)
    learned = house.registry.changes
    for reading in two:
        house.accept([reading], 2)
    assert house.registry.changes == learned
