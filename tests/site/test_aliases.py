"""Who it is that a line hears: unit 221 on the bus is the MIO with the serial number SY…, whoever speaks first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
C_METER = Device("m1c", Kind.CONSUMPTION_METER, "Consumption meter M1c", "M1c", via="zt1")


def listed(kind: Kind, serial: str, unit: int | None = None, interface: str | None = "ttymxc5") -> Device:
    """A device as a supervisor lists it."""
    return Device(
        serial.lower(),
        kind,
        default_name(kind, serial),
        serial,
        model="SunPower MIO",
        via="zt1",
        modbus_unit=unit,
        interface=interface if unit is not None else None,
    )


HUB = listed(Kind.HUB_PLUS, "SY0", 220)
MIO = listed(Kind.MIO, "SY1", 221)
DISCONNECT = listed(Kind.PV_DISCONNECT, "SY2", 230)
BMS = listed(Kind.BMS, "BC2", 230, "sunspec")
XW = listed(Kind.STORAGE_INVERTER, "00021D", 10, "sunspec")


def line(name: str = "cabinet", site: str = "site") -> Reading:
    device = Device(name, Kind.BUS, f"RS-485 line {name}", site=site)
    return Reading(device, {"line_state": "listening"}, f"rs485 {name}", AT, 0.0, 60.0)


def heard(
    unit: int,
    kind: Kind,
    name: str = "cabinet",
    interface: str = "rtu",
    site: str = "site",
    serial: str | None = None,
    when: datetime | None = AT,
    **values: Any,
) -> Reading:
    """What a line hears of a unit."""
    device = Device(
        f"{name}_{unit}",
        kind,
        default_name(kind, serial or f"{name} {unit}"),
        serial,
        manufacturer="SunPower",
        via=name,
        site=site,
        modbus_unit=unit,
        interface=interface,
    )
    return Reading(device, values, f"rs485 {name}", when, 0.0, 60.0)


def polled(*devices: Device, **values: Any) -> list[Reading]:
    return [
        Reading(PVS, {"uptime": 100.0}, "pvs a", AT, 0.0, 900.0),
        *(Reading(device, values or {"state": "working"}, "pvs a", AT, 0.0, 900.0) for device in devices),
    ]


def new_house(registry: Registry | None = None) -> House:
    house = House(registry or Registry())
    house.expect({"pvs a": "site"}, ["rs485 cabinet", "rs485 attic"])
    house.configure({}, [], 0)
    return house


@pytest.fixture
def house() -> House:
    return new_house()


def again(house: House, tmp_path: Path) -> House:
    """The house after a restart."""
    write_json(tmp_path / "devices.json", house.registry.document())
    return new_house(load(tmp_path / "devices.json"))


def gone(events: Iterable[Any]) -> list[str]:
    return [event.key for event in events if isinstance(event, DeviceGone)]


def states(events: Iterable[Any]) -> dict[str, DeviceState]:
    return {event.key: event for event in events if isinstance(event, DeviceState)}


def ids(house: House) -> set[str]:
    return {entry.device.id for entry in house.registry}


def test_what_is_heard_lands_on_the_device_that_was_listed_before(house: House) -> None:
    house.accept(polled(HUB, MIO, DISCONNECT), 0)
    found = states(house.accept([line(), heard(221, Kind.MIO, temperature=36.5)], 1))
    assert found["sy1"].values == {"temperature": 36.5, "state": "working"}
    assert found["sy1"].device == replace(MIO, manufacturer="SunPower")
    assert "cabinet_221" not in ids(house)


def test_what_was_heard_before_goes_on_under_the_serial_number(house: House) -> None:
    house.configure({"cabinet_221": "Cellar"}, [], 0)
    first = states(house.accept([line(), heard(221, Kind.MIO, temperature=36.5, humidity=20.0)], 0))
    assert first["cabinet_221"].device.name == "Cellar"
    assert first["cabinet_221"].device.via == "cabinet"
    events = house.accept(polled(HUB, MIO, DISCONNECT), 5)
    assert gone(events) == ["cabinet_221"]
    mio = states(events)["sy1"]
    assert mio.values == {"temperature": 36.5, "humidity": 20.0, "state": "working"}
    assert (mio.device.name, mio.device.serial, mio.device.via) == ("Cellar", "SY1", "zt1")
    assert "cabinet_221" not in ids(house)
    later = house.accept([heard(221, Kind.MIO, temperature=37.0)], 10)
    assert gone(later) == []
    assert states(later)["sy1"].values["temperature"] == 37.0


@pytest.mark.parametrize("bus_first", [True, False])
def test_it_survives_a_restart(house: House, tmp_path: Path, bus_first: bool) -> None:
    steps = [[line(), heard(221, Kind.MIO, temperature=36.5)], polled(MIO)]
    for step in steps if bus_first else reversed(steps):
        house.accept(step, 0)
    second = again(house, tmp_path)
    events = second.accept([line(), heard(221, Kind.MIO, temperature=37.0)], 0)
    assert gone(events) == []
    assert states(events)["sy1"].values["temperature"] == 37.0
    assert "cabinet_221" not in ids(second)


def test_an_older_list_of_devices_still_loads(tmp_path: Path) -> None:
    rows = [{"id": "sy1", "kind": "mio", "name": "ESS hub SY1", "serial": "SY1", "modbus_unit": 221}]
    rows[0] |= {"interface": "ttymxc5", "via": "zt1", "quantities": ["state"], "facts": {}}
    (tmp_path / "devices.json").write_text(json.dumps({"format": 1, "devices": rows}), "utf-8")
    house = new_house(load(tmp_path / "devices.json"))
    assert (
        states(house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 0))["sy1"].values["temperature"] == 1.0
    )


@pytest.mark.parametrize("bus_first", [True, False])
def test_unit_230_is_another_device_on_each_bus(house: House, bus_first: bool) -> None:
    steps: list[Sequence[Reading]] = [
        [line(), heard(230, Kind.PV_DISCONNECT, relay_mode=7)],
        polled(DISCONNECT, BMS),
    ]
    for step in steps if bus_first else reversed(steps):
        house.accept(step, 0)
    assert house.registry.heard_at("cabinet_230") == "sy2"
    assert "relay_mode" in house.registry["sy2"].quantities
    assert "relay_mode" not in house.registry["bc2"].quantities


def test_the_number_alone_is_not_enough_where_the_gateway_has_it(house: House) -> None:
    house.accept(polled(BMS), 0)
    events = house.accept([line(), heard(230, Kind.OTHER, relay_mode=7)], 1)
    assert "cabinet_230" in states(events)
    by_gateway = [line("attic"), heard(230, Kind.BMS, "attic", interface="tcp", state_of_charge=50.0)]
    assert "bc2" in states(house.accept(by_gateway, 2))


def test_of_two_devices_with_the_number_none_is_chosen(house: House) -> None:
    house.accept(polled(MIO, replace(listed(Kind.MIO, "SY9", 221), via="sy0")), 0)
    for now in (1, 2):
        assert "cabinet_221" in states(house.accept([line(), heard(221, Kind.MIO, temperature=1.0 + now)], now))


def test_a_kind_that_speaks_against_it_is_another_device(house: House) -> None:
    house.accept(polled(MIO), 0)
    assert "cabinet_221" in states(house.accept([line(), heard(221, Kind.INVERTER, power=1.0)], 1))


def test_a_kind_that_nobody_knows_speaks_against_nothing(house: House) -> None:
    house.accept(polled(MIO), 0)
    assert states(house.accept([line(), heard(221, Kind.OTHER, temperature=1.0)], 1))["sy1"].device.kind is Kind.MIO


@pytest.mark.parametrize("bus_first", [True, False])
def test_newer_firmware_tells_no_units_but_there_is_one_hub(house: House, tmp_path: Path, bus_first: bool) -> None:
    hub = listed(Kind.HUB_PLUS, "SY0")
    steps = [[line(), heard(220, Kind.HUB_PLUS, grid_voltage_l1=122.4)], polled(hub)]
    for step in steps if bus_first else reversed(steps):
        house.accept(step, 0)
    assert house.registry.heard_at("cabinet_220") == "sy0"
    assert "cabinet_220" not in ids(house)
    second = again(house, tmp_path)
    assert "sy0" in states(second.accept([line(), heard(220, Kind.HUB_PLUS, grid_voltage_l1=122.5)], 0))
    # Older firmware again: it says that this is another unit, so it was a mistake.
    second.accept(polled(replace(HUB, modbus_unit=225)), 1)
    assert "cabinet_220" in states(second.accept([heard(220, Kind.HUB_PLUS, grid_voltage_l1=122.6)], 2))


def test_of_two_hubs_without_units_neither_is_chosen(house: House) -> None:
    house.accept(polled(listed(Kind.HUB_PLUS, "SY0"), listed(Kind.HUB_PLUS, "SY9")), 0)
    assert "cabinet_220" in states(house.accept([line(), heard(220, Kind.HUB_PLUS, temperature=1.0)], 1))


def test_a_panel_is_not_on_the_bus_because_it_is_the_only_one(house: House) -> None:
    house.accept(polled(listed(Kind.INVERTER, "E1")), 0)
    assert "cabinet_3" in states(house.accept([line(), heard(3, Kind.INVERTER, power=1.0)], 1))


def test_a_hub_that_is_known_by_its_unit_is_not_taken_by_its_kind(house: House) -> None:
    house.accept(polled(HUB), 0)
    assert "cabinet_219" in states(house.accept([line(), heard(219, Kind.HUB_PLUS, temperature=1.0)], 1))


def test_a_device_stays_with_the_line_that_it_was_first_heard_on(house: House, tmp_path: Path) -> None:
    house.accept(polled(MIO), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 1)
    found = states(house.accept([line("attic"), heard(221, Kind.MIO, "attic", temperature=9.0)], 2))
    assert found["attic_221"].values == {"temperature": 9.0}
    assert house.tick(3) == []
    second = again(house, tmp_path)
    second.accept([line("attic"), heard(221, Kind.MIO, "attic", temperature=9.0)], 0)
    second.accept([line(), heard(221, Kind.MIO, temperature=2.0)], 1)
    second.accept(polled(MIO), 2)
    assert second.registry.heard_at("cabinet_221") == "sy1"
    assert second.registry.heard_at("attic_221") is None


def test_where_two_lines_have_the_number_none_is_chosen(house: House) -> None:
    for name in ("cabinet", "attic"):
        house.accept([line(name), heard(221, Kind.MIO, name, temperature=1.0)], 0)
    for now in (1, 2, 3):
        assert gone(house.accept(polled(MIO), now)) == []
        for name in ("cabinet", "attic"):
            house.accept([heard(221, Kind.MIO, name, temperature=1.0 + now)], now)
    assert {"cabinet_221", "attic_221", "sy1"} <= ids(house)
    assert house.registry["sy1"].quantities == {"state"}


def test_two_lines_in_two_houses_each_have_their_own(house: House) -> None:
    house.expect({"pvs a": "site", "pvs b": "site_cabin"}, ["rs485 cabinet", "rs485 attic"])
    other = replace(listed(Kind.MIO, "SY5", 221), via="zt2", site="site_cabin")
    house.accept([line(), line("attic", "site_cabin")], 0)
    house.accept([heard(221, Kind.MIO, temperature=1.0)], 0)
    house.accept([heard(221, Kind.MIO, "attic", site="site_cabin", temperature=2.0)], 0)
    house.accept(polled(MIO), 1)
    found = states(house.accept([Reading(other, {"state": "working"}, "pvs b", AT, 0.0, 900.0)], 2))
    assert found["sy5"].values["temperature"] == 2.0
    assert house.registry.heard_at("cabinet_221") == "sy1"


def test_when_a_line_is_gone_the_other_one_is_it(house: House) -> None:
    for name in ("cabinet", "attic"):
        house.accept([line(name), heard(221, Kind.MIO, name, temperature=1.0)], 0)
    house.accept(polled(MIO), 1)
    left = [event.key for event in house.expect({"pvs a": "site"}, ["rs485 attic"])]
    assert left == ["cabinet_221", "cabinet"]
    assert gone(house.accept([heard(221, Kind.MIO, "attic", temperature=2.0)], 2)) == ["attic_221"]
    assert house.registry.heard_at("attic_221") == "sy1"


def test_a_line_that_got_another_name_hears_the_same_devices(house: House, tmp_path: Path) -> None:
    house.accept(polled(MIO), 0)
    house.accept([line("cellar"), heard(221, Kind.MIO, "cellar", temperature=1.0)], 1)
    second = again(house, tmp_path)  # it knows of lines with other names only
    assert "cellar" not in ids(second)
    assert "sy1" in states(second.accept([line(), heard(221, Kind.MIO, temperature=2.0)], 0))


def test_lines_stay_where_nobody_says_which_sources_there_are(house: House) -> None:
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 0)
    assert house.expect({"pvs a": "site"}) == []
    assert {"cabinet", "cabinet_221"} <= ids(house)


def test_a_serial_number_that_is_told_on_the_line_is_the_same_device(house: House) -> None:
    house.accept(polled(XW), 0)
    house.accept([line(), heard(10, Kind.STORAGE_INVERTER, power=5.0)], 1)
    assert "cabinet_10" in ids(house)
    events = house.accept([heard(10, Kind.STORAGE_INVERTER, serial="00021D", frequency=60.0)], 2)
    assert gone(events) == ["cabinet_10"]
    assert states(events)["00021d"].values == {"power": 5.0, "frequency": 60.0, "state": "working"}
    assert states(events)["00021d"].device.via == "zt1"
    later = house.accept([heard(10, Kind.STORAGE_INVERTER, power=6.0)], 3)
    assert states(later)["00021d"].values["power"] == 6.0


def test_who_proved_it_is_there_again_when_its_line_comes_back(house: House) -> None:
    house.accept(polled(XW), 0)
    house.accept([line(), heard(10, Kind.STORAGE_INVERTER, serial="00021D", power=5.0)], 1)
    house.expect({"pvs a": "site"}, [])
    house.expect({"pvs a": "site"}, ["rs485 cabinet"])
    events = house.accept([line(), heard(10, Kind.STORAGE_INVERTER, power=6.0)], 2)  # its serial is not heard yet
    assert states(events)["00021d"].values["power"] == 6.0
    assert "cabinet_10" not in ids(house)


def test_a_serial_number_nobody_lists_makes_a_device_of_its_own(house: House, tmp_path: Path) -> None:
    house.accept([line(), heard(126, Kind.INVERTER, power=5.0)], 0)
    events = house.accept([heard(126, Kind.INVERTER, serial="SMA 77", power=6.0)], 1)
    assert gone(events) == ["cabinet_126"]
    found = states(events)["sma_77"].device
    assert (found.name, found.serial, found.via) == ("Inverter SMA 77", "SMA 77", "cabinet")
    second = again(house, tmp_path)
    second.accept([line()], 0)
    before = states(second.accept([heard(126, Kind.INVERTER, power=7.0)], 1))["sma_77"]  # model 1 is not heard yet
    after = states(second.accept([heard(126, Kind.INVERTER, serial="SMA 77", power=8.0)], 2))["sma_77"]
    assert before.device == after.device == found


def test_a_device_of_a_line_that_is_listed_later_moves_to_its_supervisor(house: House) -> None:
    house.accept([line(), heard(10, Kind.INVERTER, serial="00021D", power=5.0)], 0)
    events = house.accept(polled(XW), 1)
    assert gone(events) == []
    found = states(events)["00021d"].device
    assert (found.kind, found.via, found.interface) == (Kind.STORAGE_INVERTER, "zt1", "sunspec")
    assert not any(device_id.startswith("00021d_") for device_id in ids(house))
    back = states(house.accept([heard(10, Kind.INVERTER, serial="00021D", power=6.0)], 2))["00021d"]
    assert back.device == found
    assert back.values["power"] == 6.0


def test_a_supervisor_names_what_a_line_named_after_itself(house: House) -> None:
    reading = heard(10, Kind.STORAGE_INVERTER, serial="00021D", power=5.0)
    house.accept([line(), replace(reading, device=replace(reading.device, name="Storage inverter cabinet 10"))], 0)
    assert states(house.accept(polled(XW), 1))["00021d"].device.name == XW.name
    house.accept([reading], 2)
    assert house.registry["00021d"].device.name == XW.name


def test_one_serial_number_on_two_lines_is_one_device_and_nothing_flaps(house: House) -> None:
    house.accept([line(), line("attic")], 0)
    for now in range(4):
        for name in ("cabinet", "attic"):
            serial = "X1" if now else None
            house.accept([heard(10, Kind.INVERTER, name, serial=serial, power=1.0)], now)
    assert ids(house) == {"site", "cabinet", "attic", "x1"}
    learned = house.registry.changes
    for name in ("cabinet", "attic"):
        house.accept([heard(10, Kind.INVERTER, name, serial="X1", power=1.0)], 9)
        house.accept([heard(10, Kind.INVERTER, name, power=1.0)], 9)
    assert house.registry.changes == learned


def test_the_serial_number_goes_before_the_unit(house: House) -> None:
    house.accept(polled(MIO, listed(Kind.MIO, "SY9", 222)), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 1)
    assert house.registry.heard_at("cabinet_221") == "sy1"
    house.accept([heard(221, Kind.MIO, serial="SY9", temperature=2.0)], 2)
    assert house.registry.heard_at("cabinet_221") == "sy9"
    assert house.registry.places("sy1") == []


def test_a_board_that_was_exchanged_is_another_device(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.accept(polled(MIO), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 1)
    new = listed(Kind.MIO, "SY9", 221)
    house.accept(polled(new), 2)
    assert "ESS hub SY9 took the place of ESS hub SY1" in caplog.text
    assert "sy9" in states(house.accept([heard(221, Kind.MIO, temperature=2.0)], 3))


def test_what_is_heard_replaces_nobody(house: House) -> None:
    house.accept(polled(HUB, MIO, DISCONNECT), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 1)
    house.accept([heard(220, Kind.HUB_PLUS, temperature=1.0)], 2)
    for unit in (1, 2):
        house.accept([heard(unit, Kind.CONSUMPTION_METER, power=1.0)], 3)
    assert not any("replaced by" in entry.facts for entry in house.registry)


def test_a_device_whose_kind_is_learned_late_keeps_its_place(house: House) -> None:
    house.accept([line(), heard(9, Kind.OTHER, power=1.0)], 0)
    found = states(house.accept([heard(9, Kind.STORAGE_INVERTER, power=2.0)], 1))
    assert found["cabinet_9"].device.kind is Kind.STORAGE_INVERTER
    assert ids(house) == {"site", "cabinet", "cabinet_9"}


@pytest.mark.parametrize("serial", [None, "X9"])
def test_a_storage_inverter_of_which_less_is_heard_stays_one(house: House, serial: str | None) -> None:
    house.accept([line(), heard(9, Kind.STORAGE_INVERTER, serial=serial, power=1.0)], 0)
    found = house.accept([heard(9, Kind.INVERTER, serial=serial, power=2.0)], 1)
    assert [state.device.kind for state in states(found).values()] == [Kind.STORAGE_INVERTER]
    assert "Storage inverter" in next(iter(states(found).values())).device.name
    assert len(ids(house)) == 3


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_whatever_the_order_it_ends_the_same_and_nothing_moves_any_more(order: tuple[int, ...]) -> None:
    steps: list[Sequence[Reading]] = [
        [line()],
        [heard(220, Kind.HUB_PLUS, temperature=20.0), heard(221, Kind.MIO, temperature=21.0)],
        [heard(230, Kind.PV_DISCONNECT, relay_mode=0), heard(7, Kind.OTHER, power=1.0)],
        polled(HUB, MIO, DISCONNECT, BMS),
    ]
    house = new_house()
    for now, number in enumerate(order):
        house.accept(steps[number], now)
    for now in (10, 11):
        for step in steps:
            assert gone(house.accept(step, now)) == []
    assert ids(house) == {"site", "zt1", "sy0", "sy1", "sy2", "bc2", "cabinet", "cabinet_7"}
    shown = states(House(house.registry).configure({}, [], 0))
    assert (shown["cabinet_7"].device.via, shown["cabinet"].device.via) == ("cabinet", "bridge")
    assert shown["sy1"].device.via == "zt1"
    learned = house.registry.changes
    for step in steps:
        house.accept(step, 12)
    assert house.registry.changes == learned


def test_what_hung_on_a_place_hangs_on_the_device_that_is_there(house: House) -> None:
    battery = Reading(
        Device("b1", Kind.BATTERY, "Battery B1", "B1", via="cabinet_9"), {"voltage": 50.0}, "rs485 cabinet", AT, 0.0
    )
    house.accept([line(), heard(9, Kind.BMS, power=1.0), battery], 0)
    house.accept([heard(9, Kind.BMS, serial="BM1", power=1.0)], 1)
    assert house.registry["b1"].device.via == "bm1"
    house.accept([battery], 5000)
    assert house.registry["b1"].device.via == "bm1"


def test_names_of_units_are_not_called_misspelt(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.expect({}, ["rs485 cabinet"])
    house.configure({"cabinet_221": "Cellar", "cabinet_x": "Typo"}, [], 0)
    house.accept([line()], 0)
    assert "cabinet_221" not in caplog.text
    assert "cabinet_x" in caplog.text


# What the bus is to the house as a whole


def metered(power: float = 100.0) -> list[Reading]:
    return [
        *polled(),
        Reading(P_METER, {"power": power, "energy": 1000.0}, "pvs a", AT, 0.0, 900.0),
        Reading(C_METER, {"power": -60.0, "net_energy": 5.0}, "pvs a", AT, 0.0, 900.0),
    ]


def test_the_totals_do_not_wait_for_a_line(house: House) -> None:
    site = states(house.accept(metered(), 0))["site"]
    assert (site.values["pv_power"], site.values["load_power"]) == (100.0, 40.0)


def test_live_data_is_not_shared_with_a_line(house: House) -> None:
    house.accept([line()], 0)
    live = Reading(Device("site", Kind.SITE, "Solar site"), {"pv_power": 7.0}, "pvs a live", AT, 0.0, 90.0)
    assert states(house.accept([live], 1))["site"].values["pv_power"] == 7.0


def test_what_only_a_line_tells_of_is_no_part_of_the_totals(house: House) -> None:
    hub = Reading(HUB, {"grid_relay": "closed"}, "pvs a", AT, 0.0, 900.0)
    house.accept([*metered(), hub], 0)
    house.accept([line("attic")], 1)
    house.accept([heard(7, Kind.HUB_PLUS, "attic", grid_relay="open")], 1)
    house.accept([heard(8, Kind.BATTERY, "attic", state_of_charge=50.0)], 1)
    house.accept([heard(9, Kind.PRODUCTION_METER, "attic", power=9.0, energy=7.0)], 1)
    for now in (2, 500):
        house.tick(now)
        site = house._said["site"].values
        assert site["pv_power"] == 100.0
        assert site["grid_relay"] == "closed"
        assert "state_of_charge" not in site


def test_a_battery_that_only_a_line_hears_is_a_battery(house: House) -> None:
    house.accept([line(), heard(9, Kind.STORAGE_INVERTER, power=2000.0)], 0)
    site = states(house.accept(metered(), 1))["site"]
    assert "load_power" not in site.values


def test_a_line_is_no_device_of_the_house(house: House) -> None:
    events = states(house.accept([line()], 0))
    assert list(events) == ["cabinet"]
    assert events["cabinet"].device.via == "bridge"
    site = states(house.accept([heard(9, Kind.OTHER, power=1.0), line()], 1))["site"]
    assert site.values["devices_online"] == 1
    assert house.tick(70) != []
    assert not house._said["site"].online
    house.accept([line()], 80)
    assert not house._said["site"].online


def test_a_house_of_which_only_a_line_is_left_is_none(house: House) -> None:
    house.accept([line()], 0)
    house.accept(metered(), 0)
    moved = [replace(reading, device=replace(reading.device, site="site_cabin")) for reading in metered()]
    assert gone(house.accept(moved, 1)) == ["site"]


def test_a_unit_hangs_on_the_house_until_its_line_says_what_it_is(house: House) -> None:
    first = states(house.accept([heard(9, Kind.OTHER, power=1.0)], 0))
    assert first["cabinet_9"].device.via == "site"
    house.accept([line()], 1)
    assert states(house.accept([heard(9, Kind.OTHER, power=2.0)], 2))["cabinet_9"].device.via == "cabinet"


# Two sources of one device


def test_heard_goes_before_told_and_told_is_there_when_the_line_is_silent(house: House) -> None:
    at = AT
    house.accept(polled(MIO, temperature=30.0, humidity=20.0), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=31.0, when=at + timedelta(seconds=10))], 10)
    late = replace(polled(MIO)[1], values={"temperature": 30.5}, measured_at=at - timedelta(seconds=200), age=220.0)
    house.accept([late], 20)
    mio = house._said["sy1"]
    assert mio.values == {"temperature": 31.0, "humidity": 20.0}
    assert mio.measured_at == at + timedelta(seconds=10)
    assert mio.sources == ("pvs a", "rs485 cabinet")
    silent = states(house.tick(71))["sy1"]
    assert silent.values == {"temperature": 30.5, "humidity": 20.0}
    assert silent.online
    assert silent.measured_at == at + timedelta(seconds=10)


def test_a_device_is_online_while_one_source_measures_it(house: House) -> None:
    house.accept(polled(MIO), 0)
    house.accept([line(), heard(221, Kind.MIO, temperature=1.0)], 880)
    assert house._said["sy1"].online
    house.tick(910)
    assert house._said["sy1"].online
    house.tick(941)
    assert not house._said["sy1"].online
