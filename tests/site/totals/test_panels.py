"""Houses without a production meter, and panels that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from site_days import MIDNIGHT, Change, Days, without

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.retired import RETIRED
from pvsmqtt.site.totals.basis import PV
from pvsmqtt.site.totals.ledger import COUNT, Ledger

AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
PANELS = [Device(f"e{n}", Kind.INVERTER, f"Inverter E{n}", f"E{n}", via="zt1") for n in range(1, 5)]
NEW = replace(PANELS[0], id="e9", serial="E9", name="Inverter E9")
DAY = 86400.0


def wall(now: float) -> datetime:
    return AT + timedelta(seconds=now)


def new_house(registry: Registry | None = None) -> House:
    return House(registry or Registry(), ledger=Ledger(wall))


def told(now: float, panels: Iterable[Device], energy: float = 100.0, power: float = 200.0) -> list[Reading]:
    rows: list[tuple[Device, dict[str, Any]]] = [(PVS, {"uptime": now})]
    rows += [(panel, {"power": power, "energy": energy}) for panel in panels]
    return [Reading(device, values, "pvs a", wall(now), 0.0, 900.0) for device, values in rows]


def site(house: House) -> dict[str, Any]:
    state = house._said["site"]
    assert isinstance(state, DeviceState)
    return dict(state.values)


def test_without_a_production_meter_the_panels_are_the_production() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (800.0, 400.0)
    state = house._said["site"]
    assert state.marks[PV] == {"certainty": "measured", "basis": "4 inverters"}
    assert state.feeds[PV] == "pvs a"


def test_an_inverter_that_the_supervisor_does_not_list_is_no_panel_of_its() -> None:
    """A production meter would not count it either: the total must not change by what it is made of."""
    house = new_house()
    house.accept(told(0, PANELS), 0)
    old = Device("sma_2000123456", Kind.INVERTER, "Inverter 2000123456", "2000123456", manufacturer="SMA")
    house.accept([Reading(old, {"power": 3000.0, "energy": 9000.0}, "yasdi solar", wall(10), 0.0, 300.0)], 10)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (800.0, 400.0)
    assert house._said["site"].marks[PV] == {"certainty": "measured", "basis": "4 inverters"}


def test_at_sunrise_the_sum_is_that_of_all_panels_and_the_power_that_of_those_awake() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    house.accept(told(3600, PANELS, power=0.4), 3600)  # dusk
    night = 8 * 3600.0
    house.accept(told(night, []), night)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (0.0, 400.0)
    house.accept(told(night + 300, PANELS[:1], 100.1, 50.0), night + 300)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (50.0, 400.1)


def test_a_panel_that_is_late_makes_the_power_unknown_and_a_lost_one_does_not() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    known = []
    for now in range(300, 10_000, 300):  # the first one falls silent at noon
        house.accept(told(now, PANELS[1:]), now)
        known.append(site(house)["pv_power"])
    assert known[0] == 800.0
    assert None in known
    assert known[-1] == 600.0


def test_when_the_supervisor_is_silent_the_power_is_not_known() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    house.tick(1000)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (None, 400.0)


def test_after_a_restart_a_panel_that_is_silent_counts_with_what_it_had() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    document = house.ledger.document(0)
    again = House(Registry.of(house.registry.document()), ledger=Ledger(wall))
    again.ledger.adopt(document, None)
    again.configure({}, [], 300)
    again.accept(told(300, PANELS[:1], 100.5), 300)
    assert site(again)["pv_energy"] == 400.5


def test_a_meter_that_is_fitted_later_takes_over_without_a_jump() -> None:
    house = new_house()
    meter = Device("m1p", Kind.PRODUCTION_METER, "Production meter", "M1p", via="zt1")
    energy = 0.0
    for number in range(8):
        now, energy = 300.0 * number, 100 + number / 10
        reading = Reading(meter, {"power": 700.0, "energy": 4 * number / 10}, "pvs a", wall(now), 0.0, 900.0)
        house.accept([*told(now, PANELS, energy), *([reading] if number else [])], now)
    assert house.ledger.basis("site", PV) == "meter"
    assert site(house)["pv_energy"] == pytest.approx(4 * energy)
    assert house.ledger.report()["site"][PV]["counts"] == {"switches": 1}


def days_with_a_new_one(house: House, count: int) -> None:
    house.accept(told(0, PANELS), 0)
    for day in range(1, count + 1):
        house.accept(told(day * DAY, [*PANELS[1:], NEW], 100.0 + day, 100.0), day * DAY)


def test_a_replaced_panel_is_found_out_and_its_energy_stays(caplog: pytest.LogCaptureFixture) -> None:
    house = new_house()
    days_with_a_new_one(house, 2)
    assert RETIRED not in house.registry["e1"].facts
    house = new_house()
    days_with_a_new_one(house, 5)
    assert RETIRED in house.registry["e1"].facts
    assert "Inverter E1 has been silent since 2026-06-21" in caplog.text
    assert site(house)["pv_energy"] >= 400.0 + 3 * 5


def test_a_retired_panel_that_speaks_is_back() -> None:
    house = new_house()
    days_with_a_new_one(house, 5)
    house.accept(told(6 * DAY, PANELS, 106.0), 6 * DAY)
    assert RETIRED not in house.registry["e1"].facts


def test_a_panel_that_is_broken_but_not_replaced_is_not_retired() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    for day in range(1, 9):
        house.accept(told(day * DAY, PANELS[1:], 100.0 + day), day * DAY)
    assert RETIRED not in house.registry["e1"].facts


def test_a_silent_winter_retires_nobody() -> None:
    house = new_house()
    house.accept(told(0, PANELS), 0)
    for day in range(1, 9):
        house.accept(told(day * DAY, []), day * DAY)
    house.accept(told(9 * DAY, [*PANELS[1:], NEW]), 9 * DAY)
    assert not any(RETIRED in entry.facts for entry in house.registry)


def test_a_total_does_not_wait_for_who_is_retired() -> None:
    registry = new_house()
    registry.accept(told(0, PANELS), 0)
    house = House(Registry.of(registry.registry.document()), ledger=Ledger(wall))
    house.configure({}, [], 0, retire=["E1"])
    house.accept(told(300, PANELS[1:]), 300)
    assert site(house)["pv_energy"] == 300.0
    waiting = House(Registry.of(registry.registry.document()), ledger=Ledger(wall))
    waiting.configure({}, [], 0)
    waiting.accept(told(300, PANELS[1:]), 300)
    assert site(waiting).get("pv_energy") is None


def test_a_panel_that_is_replaced_at_dusk_did_not_speak_while_it_slept() -> None:
    days = Days(5)
    days.house.ledger.wall = lambda now: AT.replace(hour=6) + timedelta(seconds=now - 1000)
    old, new = days.panels[0], days.panels[-1]
    days.changes.append(lambda readings, when: without(old if days.at >= 41.6 else new)(readings, when))
    days.until(6 * 24 + 15)
    assert "asleep" in days.seen(old)[-3:]
    assert RETIRED in days.house.registry[old].facts


def test_nobody_misses_a_retired_panel() -> None:
    days = Days(4)
    gone = days.panels[0]
    days.changes.append(from_noon(without(gone)))
    days.until(15)
    site = days.state("site")
    assert (days.state(gone).values["problem"], site.values["panels_lost"]) == ("on", 1)
    days.configure(retire=[gone])
    site = days.state("site")
    assert (days.state(gone).values["problem"], site.values["panels_lost"]) == ("off", 0)
    assert (days.state(gone).values["availability"], days.state(gone).online) == ("lost", False)


def test_a_house_without_energies_has_no_count_that_could_be_missed() -> None:
    """Else every start after a kill would say that energy.json is gone."""
    house = House(Registry(), ledger=Ledger(wall, bounded=True))
    for now in (0, 300):
        house.accept([Reading(PVS, {"uptime": now}, "pvs a", wall(now), 0.0, 900.0)], now)
    assert COUNT not in house.registry["site"].facts
    house.accept(told(600, PANELS), 600)
    assert house.registry["site"].facts[COUNT] == house.ledger.epoch


def test_a_meter_that_is_dead_gives_way_with_its_power_too() -> None:
    """A current transformer that came off: its counter stands still, and its power is 0."""
    days = Days(12)
    days.house.ledger.wall = lambda now: AT.replace(hour=6) + timedelta(seconds=now - 1000)
    held: list[float] = []

    def dead(reading: Reading) -> Reading:
        held.append(reading.values["energy"])
        return replace(reading, values={**reading.values, "power": 0.0, "energy": held[0]})

    days.changes.append(
        lambda readings, _: [
            dead(r) if r.device.kind is Kind.PRODUCTION_METER and days.at >= 9 else r for r in readings
        ]
    )
    days.until(14)
    assert days.house.ledger.basis("site", PV) == "panels"
    values = days.state("site").values
    assert values["pv_power"] == pytest.approx(sum(days.all("power")))
    assert values["pv_power"] > 1000
    assert values["load_power"] == pytest.approx(values["pv_power"] + values["grid_power"])


def from_noon(change: Change) -> Change:
    return lambda readings, when: change(readings, when) if when >= MIDNIGHT + timedelta(hours=12) else readings


def test_a_large_array_is_counted_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """160 kW: more than any house that is no farm, but nothing that its meter would not show."""
    house, meter = new_house(), Device("m1", Kind.PRODUCTION_METER, "Production meter M1", "M1", via="zt1")
    for minutes in range(0, 120, 5):
        now = 60.0 * minutes
        values = {"power": 160_000.0, "energy": 50_000.0 + 160.0 * minutes / 60}
        house.accept([*told(now, []), Reading(meter, values, "pvs a", wall(now), 0.0, 900.0)], now)
        assert site(house)["pv_energy"] == pytest.approx(values["energy"])
    assert not caplog.records


def test_a_retired_meter_does_not_keep_the_powers_unknown() -> None:
    house = new_house()
    meter = Device("m2p", Kind.PRODUCTION_METER, "Production meter", "M2p", via="zt2")
    one = replace(meter, id="m1p", serial="M1p", via="zt1")
    both = [Reading(m, {"power": 500.0, "energy": 50.0}, "pvs a", wall(0), 0.0, 900.0) for m in (meter, one)]
    house.accept([*told(0, PANELS), *both], 0)
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (1000.0, 100.0)
    later = [Reading(one, {"power": 600.0, "energy": 51.0}, "pvs a", wall(2000), 0.0, 900.0)]
    house.accept(later, 2000)
    assert site(house)["pv_power"] is None
    house.configure({}, [], 2001, retire=["M2p"])
    assert (site(house)["pv_power"], site(house)["pv_energy"]) == (600.0, 101.0)
