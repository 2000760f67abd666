"""Many houses in one service: each is looked at for itself, and none costs the others anything."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.site import house as house_module
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.ledger import Ledger

AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)


def readings(name: str, panels: int = 3, power: float = 200.0, when: datetime = AT) -> list[Reading]:
    """What the PVS of a house tells."""
    site, source = f"site_{name}", f"pvs {name}"
    pvs = Device(f"zt{name}", Kind.SUPERVISOR, f"PVS {name}", f"ZT{name}", site=site)
    meter = Device(f"m{name}p", Kind.PRODUCTION_METER, f"Meter {name}", f"M{name}p", via=pvs.id, site=site)
    roof = [
        Device(f"e{name}_{n}", Kind.INVERTER, f"Inverter {name} {n}", f"E{name}_{n}", via=pvs.id, site=site)
        for n in range(panels)
    ]
    values: list[tuple[Device, dict[str, Any]]] = [
        (pvs, {"uptime": 5.0}),
        (meter, {"power": power * panels, "energy": 10.0}),
        *((panel, {"power": power, "energy": 3.0}) for panel in roof),
    ]
    return [Reading(device, told, source, when, 0.0, 900.0) for device, told in values]


def a_house(*names: str) -> House:
    house = House(Registry())
    house.expect({f"pvs {name}": f"site_{name}" for name in names})
    for name in names:
        house.accept(readings(name), 0.0)
    return house


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the state of a device was made, by its house."""
    counted: Counter[str] = Counter()
    real = House._state

    def state(self: House, entry: Any, now: float) -> DeviceState:
        counted[entry.device.site] += 1
        return real(self, entry, now)

    monkeypatch.setattr(House, "_state", state)
    return counted


def test_news_of_one_house_is_no_work_for_the_others(looked: Counter[str]) -> None:
    house = a_house("a", "b", "c")
    looked.clear()
    states = house.accept(readings("b", power=210.0, when=AT + timedelta(minutes=5)), 300.0)
    assert {state.device.site for state in states} == {"site_b"}
    assert looked == {"site_b": 5}
    looked.clear()
    assert house.tick(305.0) == []
    assert not looked


def test_what_is_too_old_in_one_house_is_told_though_the_others_are_fresh(looked: Counter[str]) -> None:
    house = a_house("a", "b")
    house.accept(readings("b", when=AT + timedelta(minutes=10)), 600.0)
    looked.clear()
    states = {state.key: state for state in house.tick(901.0)}
    assert looked.keys() == {"site_a"}
    assert not states["map"].online
    assert states["ea_0"].values["power"] is None
    assert not [state for state in states.values() if state.device.site == "site_b"]
    # Nor does it take somebody who waits: news of one house brings what is due in another.
    house = a_house("a", "b")
    told = house.accept(readings("b", when=AT + timedelta(minutes=16)), 960.0)
    assert {state.key for state in told} >= {"map", "ea_0"}


def test_a_flow_that_was_held_back_is_told_of_its_house_alone(looked: Counter[str]) -> None:
    ledger = Ledger()
    house = House(Registry(), ledger=ledger)
    for name in ("a", "b"):
        house.accept(readings(name), 0.0)
    looked.clear()
    ledger.freed.add("site_b")
    house.tick(1.0)
    assert looked.keys() == {"site_b"}
    assert not ledger.freed


def test_serial_numbers_that_are_invented_fill_their_own_house_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(house_module, "MOST_DEVICES", 20)
    house = a_house("a")
    for number in range(5):
        house.accept(_of_a(readings(f"a{number}x", panels=10)), 1.0)
    assert len(house.registry.of_site("site_a")) == 20
    states = house.accept(readings("b", panels=15), 2.0)
    assert len([state for state in states if isinstance(state, DeviceState)]) == 18
    complaints = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in complaints] == [
        "20 devices of site_a are known, and more are left out: no house has so many"
    ]


def _of_a(told: list[Reading]) -> list[Reading]:
    return [replace(one, device=replace(one.device, site="site_a"), source="pvs a") for one in told]


def test_a_house_without_devices_goes_and_the_others_stay() -> None:
    house = a_house("a", "b")
    moved = [replace(one, device=replace(one.device, site="site_new"), source="pvs a") for one in readings("a")]
    events = house.accept(moved, 300.0)
    assert [event.key for event in events if isinstance(event, DeviceGone)] == ["site_a"]
    assert {entry.device.id for entry in house.registry.sites()} == {"site_b", "site_new"}
    assert {entry.device.id for entry in house.registry.of_site("site_new")} >= {"zta", "ea_0", "map"}
    # What it left is not asked for when it is due.
    assert {state.device.site for state in house.tick(1300.0)} == {"site_b", "site_new"}


KINDS = (Kind.INVERTER, Kind.SITE, Kind.SUPERVISOR, Kind.OTHER)
DEVICES = st.builds(
    Device,
    st.sampled_from("abcdef"),
    st.sampled_from(KINDS),
    st.just("x"),
    st.sampled_from([None, "S1", "S2"]),
    via=st.sampled_from([None, "a", "line"]),
    site=st.sampled_from(["site", "site_2"]),
    modbus_unit=st.sampled_from([None, 7]),
    interface=st.sampled_from([None, "rtu"]),
)


@given(st.lists(st.one_of(DEVICES, st.sampled_from("abcdef"))))
def test_what_the_registry_finds_is_what_a_look_at_all_of_it_finds(steps: list[Device | str]) -> None:
    registry = Registry()
    for step in steps:
        if isinstance(step, Device):
            registry.admit(step, ())
        elif step in registry:
            registry.forget(step)
    for known in (registry, Registry.of(registry.document())):
        everything = list(known)
        assert set(known.site_ids()) == {entry.device.site for entry in everything}
        for site in ("site", "site_2"):
            assert list(known.of_site(site)) == [e for e in everything if e.device.site == site]
        for via in (None, "a", "line"):
            found = {entry.device.id for entry in known.hanging_on(via)}
            assert found == {entry.device.id for entry in everything if entry.device.via == via}
        placed = {entry.device.id for entry in everything if entry.device.place is not None}
        assert {entry.device.id for entry in known.at_places()} == placed
        houses = {entry.device.id for entry in everything if entry.device.kind is Kind.SITE}
        assert {entry.device.id for entry in known.sites()} == houses
