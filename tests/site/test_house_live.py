"""The house with live data: what it tells between the polls, and when that falls silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

SITE = Device("site", Kind.SITE, "Solar site")
PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)


@pytest.fixture
def house() -> House:
    house = House(Registry())
    house.expect({"pvs a": "site"})
    return house


def poll(power: float = 1000.0, energy: float = 500.0, at: datetime = AT) -> list[Reading]:
    return [
        Reading(PVS, {"uptime": 100.0}, "pvs a", at, 0.0, 900.0),
        Reading(P_METER, {"power": power, "energy": energy}, "pvs a", at, 0.0, 900.0),
    ]


def live(at: datetime | None = AT, source: str = "pvs a live", site: str = "site", **values: Any) -> list[Reading]:
    return [Reading(replace(SITE, id=site, site=site), values, source, at, 0.0, 90.0)]


def states(events: list[Any]) -> dict[str, DeviceState]:
    assert not any(isinstance(event, DeviceGone) for event in events)
    return {event.key: event for event in events}


def test_live_data_goes_before_what_the_meters_told(house: House) -> None:
    house.accept(poll(), 0)
    site = states(house.accept(live(AT + timedelta(seconds=5), pv_power=1500.0, grid_power=-200.0), 5))["site"]
    assert site.values["pv_power"] == 1500.0
    assert site.values["grid_power"] == -200.0
    assert site.values["pv_energy"] == 500.0
    assert site.measured_at == AT + timedelta(seconds=5)
    later = states(house.accept(poll(1100.0, 500.1, AT + timedelta(seconds=8)), 8))
    assert "site" not in later or later["site"].values["pv_power"] == 1500.0
    assert later["m1p"].values["power"] == 1100.0


def test_only_the_site_changes_with_live_data(house: House) -> None:
    house.accept(poll(), 0)
    assert list(states(house.accept(live(pv_power=1500.0), 5))) == ["site"]
    assert house.accept(live(pv_power=1500.0), 6) == []


def test_when_live_data_falls_silent_the_meters_count_again(house: House) -> None:
    house.accept(poll(), 0)
    house.accept(live(pv_power=1500.0, load_power=300.0), 5)
    assert house.tick(94) == []
    site = states(house.tick(95))["site"]
    assert site.values["pv_power"] == 1000.0
    assert site.values["load_power"] is None
    assert site.online


def test_live_data_that_is_unknown_leaves_the_word_to_the_meters(house: House) -> None:
    house.accept(poll(), 0)
    site = states(house.accept(live(pv_power=None, grid_power=-5.0), 5))["site"]
    assert site.values["pv_power"] == 1000.0


def test_an_energy_of_live_data_stays_true_where_no_meter_tells_it(house: House) -> None:
    house.accept(poll(), 0)
    house.accept(live(battery_net_energy=-7.5, load_energy=80.0, pv_energy=500.2), 5)
    site = states(house.tick(5000))["site"]
    assert not site.online
    assert site.values["load_energy"] == 80.0
    assert site.values["pv_energy"] == 500.0, "that is counted by the meter, and by nothing else"


def test_a_total_has_one_counter_whoever_else_tells_of_it(house: House) -> None:
    house.accept(poll(), 0)
    house.accept(live(AT + timedelta(seconds=200), pv_energy=500.6), 200)
    site = states(house.accept(poll(1000.0, 500.3, AT + timedelta(seconds=300)), 300))["site"]
    assert site.values["pv_energy"] == 500.3
    site = states(house.accept(poll(1000.0, 500.9, AT + timedelta(seconds=600)), 600))["site"]
    assert site.values["pv_energy"] == 500.9


def test_a_counter_of_live_data_that_slips_is_counted_and_said(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    house.accept(live(pv_energy=500.0, grid_net_energy=90.0), 0)
    house.accept(live(AT + timedelta(seconds=5), pv_energy=0.0, grid_net_energy=0.0), 5)
    assert house.refused_values == {"pvs a": {"pv_energy": {"fell": 1}, "grid_net_energy": {"fell": 1}}}
    assert [record.args[1] for record in caplog.records if "fell from" in record.msg] == ["grid net energy"]


def test_live_data_alone_keeps_the_site_online(house: House) -> None:
    house.accept(poll(), 0)
    site = states(house.accept(live(AT + timedelta(seconds=2000), pv_power=1.0), 2000))["site"]
    assert site.online
    assert site.values["devices_online"] == 0
    assert site.values["pv_power"] == 1.0


def test_live_data_may_come_before_the_first_device(house: House) -> None:
    site = states(house.accept(live(pv_power=1500.0), 0))["site"]
    assert site.values["pv_power"] == 1500.0
    assert site.online
    again = states(house.accept(live(pv_power=1600.0), 5))
    assert list(again) == ["site"]
    everything = states(house.accept(poll(), 6))
    assert everything["site"].values["pv_power"] == 1600.0
    assert everything["site"].values["pv_energy"] == 500.0
    assert everything["zt1"].device.via == "site"


def test_a_house_that_got_another_name_leaves_no_ghost_behind_its_live_data(house: House) -> None:
    house.accept(poll(), 0)
    house.accept(live(pv_power=1500.0), 1)
    again = House(Registry.of(house.registry.document()))
    again.expect({"pvs a": "site_cabin"})
    events = again.accept([replace(r, device=replace(r.device, site="site_cabin")) for r in poll()], 0)
    assert [event.key for event in events if isinstance(event, DeviceGone)] == ["site"]
    cabin = states(again.accept(live(site="site_cabin", pv_power=1.0), 1))
    assert cabin["site_cabin"].values["pv_power"] == 1.0


def test_of_several_sources_none_knows_the_whole_house(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.expect({"pvs a": "site", "pvs b": "site"})
    second = [replace(r, device=replace(r.device, id=f"x{r.device.id}", serial=None), source="pvs b") for r in poll()]
    house.accept([*poll(), *second], 0)
    for now in (1, 2, 3):
        assert house.accept(live(pv_power=7.0 + now), now) == []
    assert house.accept(live(source="pvs b live", pv_power=9.0), 4) == []
    assert caplog.text.count("several sources measure site") == 2


def test_each_house_has_live_data_of_its_own(house: House) -> None:
    house.expect({"pvs a": "site", "pvs b": "site_cabin"})
    house.accept(poll(), 0)
    found = states(
        house.accept([*live(pv_power=1.0), *live(source="pvs b live", site="site_cabin", pv_power=2.0)], 1)
    )
    assert {key: state.values["pv_power"] for key, state in found.items()} == {"site": 1.0, "site_cabin": 2.0}


def test_a_site_that_is_ignored_says_nothing(house: House) -> None:
    house.configure({}, ["site"], 0)
    house.accept(poll(), 0)
    assert house.accept(live(pv_power=1.0), 1) == []


def test_what_live_data_told_is_known_after_a_restart_but_has_no_value(house: House) -> None:
    house.accept(poll(), 0)
    house.accept(live(battery_power=50.0), 1)
    again = House(Registry.of(house.registry.document()))
    again.expect({"pvs a": "site"})
    site = {event.key: event for event in again.configure({}, [], 0) if isinstance(event, DeviceState)}["site"]
    assert site.values["battery_power"] is None
    assert not site.online


def test_restarts_of_a_supervisor_are_counted(house: House) -> None:
    assert states(house.accept(poll(), 0))["zt1"].values["reboots"] == 0
    reading = Reading(PVS, {"uptime": 5.0}, "pvs a", AT + timedelta(seconds=300), 0.0, 900.0)
    assert states(house.accept([reading], 300))["zt1"].values["reboots"] == 1
    assert states(house.accept([replace(reading, values={"uptime": 305.0})], 600))["zt1"].values["reboots"] == 1


def test_an_uptime_without_a_time_of_its_own_is_as_of_the_last_measurement(house: House) -> None:
    house.accept(poll(), 0)
    told = Reading(PVS, {"uptime": 90.0}, "pvs a diagnostics", None, None, 0.0, 900.0)
    assert states(house.accept([told], 1))["zt1"].values["reboots"] == 1
    assert house.registry["zt1"].facts["booted at"] == "2026-06-21T18:03:30Z"


def test_a_lifetime_energy_that_slips_is_put_right_and_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    house.accept(poll(), 0)
    for number in (1, 2):
        told = states(house.accept(poll(1000.0 + number, 0.0, AT + timedelta(minutes=5 * number)), 300 * number))
        assert told["m1p"].values["energy"] == 500.0
        assert house.ledger.published("site")["pv_energy"] == 500.0
    assert caplog.text.count("the old value stands") == 1
    told = states(house.accept(poll(1003.0, 0.1, AT + timedelta(minutes=15)), 900))
    assert told["m1p"].values["energy"] == 0.1
    assert caplog.text.count("it counts anew") == 1
    # The total looks for itself, and goes on from where it was.
    for number in (4, 5, 6):
        told = states(
            house.accept(poll(1000.0 + number, 0.1 * number, AT + timedelta(minutes=5 * number)), 300 * number)
        )
    assert told["site"].values["pv_energy"] == 500.6
    assert "went from 500.00 to 0.50 kWh; the total goes on" in caplog.text
