"""Several sources of one device: whose word counts, whose name is told, and counters that never fall or jump."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.house import House
from pvsmqtt.site.precedence import Precedence
from pvsmqtt.site.registry import Registry

XW = Device("00021d", Kind.STORAGE_INVERTER, "Storage inverter 00021D", "00021D", via="zt1")
AT = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
PVS, STORAGE, TCP, TAP, RTU = "pvs a", "pvs a storage", "modbus_tcp conext", "modbus_tap conext", "rs485 cabinet"
LASTS = {PVS: 900.0, STORAGE: 180.0, TCP: 45.0, TAP: 120.0, RTU: 120.0}
HEARD = {TCP, TAP, RTU}


def tell(latest: Latest, source: str, now: float, valid_for: float | None = None, **values: Any) -> None:
    lasts = LASTS[source] if valid_for is None else valid_for
    reading = Reading(XW, values, source, AT + timedelta(seconds=now), 0.0, lasts)
    latest.accept(reading, now, heard=source in HEARD)


def power(latest: Latest, now: float) -> tuple[Any, str | None]:
    return latest.values(["power"], now)["power"], latest.feeds(["power"], now).get("power")


def test_direct_goes_before_told_then_what_is_refreshed_more_often_then_the_name() -> None:
    latest = Latest()
    for number, source in enumerate((PVS, RTU, TAP, TCP)):
        tell(latest, source, 0, power=float(number))
    assert power(latest, 1) == (3.0, TCP)
    assert power(latest, 46) == (2.0, TAP), "modbus_tap stands before rs485"
    assert power(latest, 121) == (0.0, PVS)
    assert power(latest, 901) == (None, PVS), "who told it last stays its source"
    tell(latest, TCP, 1000, power=7.0)
    tell(latest, TAP, 1000, power=8.0)
    tell(latest, TCP, 1001, power=None)
    assert power(latest, 1002) == (8.0, TAP)


@given(st.permutations([PVS, RTU, TAP, TCP]), st.permutations([PVS, RTU, TAP, TCP]))
def test_the_order_of_arrival_decides_nothing(first: list[str], second: list[str]) -> None:
    latest = Latest()
    for now, order in enumerate((first, second)):
        for source in order:
            tell(latest, source, now, power=float(sorted(LASTS).index(source)))
        assert power(latest, now)[1] == TCP


def test_times_that_differ_a_little_from_reading_to_reading_change_nothing() -> None:
    latest = Latest()
    tell(latest, TAP, 0, 118.0, power=1.0)
    tell(latest, RTU, 0, 119.0, power=2.0)
    for now, (tap, rtu) in enumerate([(119.5, 118.0), (117.0, 120.0), (120.0, 117.0)], start=1):
        tell(latest, TAP, now, tap, power=1.0)
        tell(latest, RTU, now, rtu, power=2.0)
        assert power(latest, now) == (1.0, TAP)


def test_the_owner_puts_others_first() -> None:
    latest = Latest(Precedence(["pvs", "rs485 cabinet"]))
    for number, source in enumerate((RTU, TCP, TAP, PVS)):
        tell(latest, source, 0, power=float(number))
    assert power(latest, 1) == (3.0, PVS)
    tell(latest, PVS, 2, power=None)
    assert power(latest, 3) == (0.0, RTU)
    latest.order.are(["modbus_tcp"])
    assert power(latest, 3) == (1.0, TCP)


def test_a_kind_or_a_name_is_meant_as_a_whole() -> None:
    order = Precedence(["pvs a"])
    assert order.place("pvs a") == order.place("pvs a storage") == 0
    assert order.place("pvs ab") == 1


def test_errands_of_one_source_are_one_word() -> None:
    latest = Latest()
    tell(latest, STORAGE, 0, power=1.0)
    tell(latest, PVS, 1, power=2.0)
    assert power(latest, 2) == (2.0, PVS)
    assert latest.feeds(["power"], 2) == {"power": "pvs a"}


def energy(latest: Latest, now: float) -> Any:
    return latest.values(["energy"], now)["energy"]


def test_a_counter_of_something_else_never_stands_in() -> None:
    latest = Latest()
    tell(latest, PVS, 0, energy=1000.0)
    tell(latest, TCP, 1, energy=1100.0)
    assert energy(latest, 2) == 1000.0
    tell(latest, TCP, 5000, energy=1101.0)
    assert energy(latest, 5001) == 1000.0, "the supervisor is silent, and its counter holds"
    tell(latest, PVS, 5010, energy=1000.5)
    assert energy(latest, 5011) == 1000.5


def test_two_net_counters_are_one_until_they_part() -> None:
    latest = Latest()
    tell(latest, PVS, 0, net_energy=100.0)
    tell(latest, TCP, 1, net_energy=99.0)
    assert latest.values(["net_energy"], 2) == {"net_energy": 99.0}
    tell(latest, TCP, 3, net_energy=90.0)
    assert latest.values(["net_energy"], 4) == {"net_energy": 100.0}


def test_who_was_shown_first_goes_on_unless_the_owner_says_otherwise() -> None:
    latest = Latest()
    tell(latest, TCP, 0, energy=1100.0)
    tell(latest, PVS, 1, energy=1000.0)
    assert energy(latest, 2) == 1100.0
    latest.order.are(["pvs"])
    tell(latest, PVS, 3, energy=1000.1)
    assert energy(latest, 4) == 1000.1


def test_a_source_that_is_not_configured_any_more_hands_over_its_counter() -> None:
    latest = Latest()
    tell(latest, PVS, 0, energy=1000.0)
    tell(latest, TCP, 1, energy=1100.0)
    latest.order.configured([TCP])
    tell(latest, TCP, 2, energy=1100.1)
    assert energy(latest, 3) == 1100.1


@pytest.mark.parametrize("first", [PVS, TCP])
def test_a_counter_that_really_starts_anew_does_so_whoever_told_the_old_one(first: str) -> None:
    latest = Latest()
    tell(latest, first, 0, energy=1000.0)
    tell(latest, TCP if first == PVS else PVS, 1, energy=1000.1)
    for now in range(2, 6):
        tell(latest, TCP, now, energy=0.1 * now)
    assert energy(latest, 6) == 0.5
    tell(latest, PVS, 300, energy=1000.0)  # it is minutes late
    assert energy(latest, 301) == 0.5
    for now in range(600, 1600, 300):
        tell(latest, TCP, now, energy=2.0 + now / 1000)
        tell(latest, PVS, now + 1, energy=1.0 + now / 1000)
    assert energy(latest, 1600) == 3.5


_events = st.lists(
    st.tuples(st.sampled_from(sorted(LASTS)), st.floats(0.1, 400), st.floats(0, 0.5), st.floats(0, 200)), max_size=60
)


@given(_events)
def test_no_energy_ever_falls_or_jumps_whoever_speaks_when(events: list[tuple[str, float, float, float]]) -> None:
    """Two counters: AC, told some minutes late by the supervisor, and DC, told on the bus."""
    latest, now, counted, shown = Latest(), 1000.0, 500.0, None
    history: list[tuple[float, float]] = [(now, counted)]
    told: dict[str, float] = {}
    for source, gap, more, late in events:
        now, counted = now + gap, counted + more
        history.append((now, counted))
        ac = source != RTU
        then = max((value for when, value in history if when <= now - (late if source == PVS else 0)), default=500.0)
        told[source] = max(told.get(source, 0.0), then if ac else then * 1.1)
        tell(latest, source, now, energy=told[source])
        value = energy(latest, now)
        if shown is not None:
            assert value >= shown
            assert value - shown < 45, "it never goes over to the other counter"
        shown = value


# The house


def reading(source: str, device: Device, valid_for: float, now: float = 0.0, **values: Any) -> Reading:
    return Reading(device, values, source, AT + timedelta(seconds=now), 0.0, valid_for)


@pytest.fixture
def house() -> House:
    house = House(Registry())
    house.expect({"pvs a": "site"}, [TCP])
    house.configure({}, [], 0)
    return house


SUPERVISOR = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
LISTED = Device("00021d", XW.kind, XW.name, XW.serial, via="zt1", modbus_unit=10, interface="sunspec")
READ = Device("conext_10", XW.kind, "Storage inverter conext 10", via="conext", modbus_unit=10, interface="tcp")


def states(events: Any) -> dict[str, DeviceState]:
    return {event.key: event for event in events if isinstance(event, DeviceState)}


def test_a_state_says_who_feeds_it_and_changes_only_when_another_takes_over(house: House) -> None:
    house.accept([reading(PVS, SUPERVISOR, 900, uptime=5.0), reading(PVS, LISTED, 900, power=1.0, voltage=240.0)], 0)
    house.accept([reading(TCP, READ, 45, 1, power=2.0)], 1)
    seen = []
    for now in (15, 30, 45):
        seen.append(states(house.accept([reading(TCP, READ, 45, now, power=float(now))], now))["00021d"].feeds)
    assert seen == [{"power": TCP, "voltage": PVS}] * 3
    fallen = states(house.tick(91))["00021d"]
    assert (fallen.values["power"], fallen.feeds["power"]) == (1.0, PVS)
    back = states(house.accept([reading(TCP, READ, 45, 100, power=5.0)], 100))["00021d"]
    assert back.feeds["power"] == TCP


def test_precedence_takes_effect_when_it_is_configured(house: House) -> None:
    house.accept([reading(PVS, SUPERVISOR, 900, uptime=5.0), reading(PVS, LISTED, 900, power=1.0)], 0)
    house.accept([reading(TCP, READ, 45, power=2.0)], 1)
    changed = states(house.configure({}, [], 2, ["pvs"]))["00021d"]
    assert (changed.values["power"], changed.feeds["power"]) == (1.0, PVS)


def test_a_name_that_is_no_source_is_said_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    house.configure({}, [], 0, ["pvs", "modbus_tpc"])
    for _ in range(2):
        house.expect({"pvs a": "site"}, [TCP])
    assert caplog.text.count("'modbus_tpc'") == 1
    assert "modbus_tcp conext, pvs a" in caplog.text
    assert "'pvs'" not in caplog.text
