"""Who of the silent sleeps, and who is lost: scenarios of simulated days, and random days against a simple truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from site_days import HOUR, POLL, Days, frozen, no, scaled, without

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.daylight import Daylight, Light, Panel
from pvsmqtt.site.freshness import WAKING
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

WELL = ["asleep", "live", "asleep", "live"]
"""From midnight to noon of the next day."""


def from_hour(begin: float, change):
    """A change that happens at an hour."""
    began = []

    def later(readings, when):
        now = (when - _midnight()).total_seconds() / HOUR
        if now < begin:
            return readings
        began.append(now)
        return change(readings, when)

    return later


def between(begin: float, end: float, change):
    later = from_hour(begin, change)
    return lambda readings, when: (
        readings if (when - _midnight()).total_seconds() / HOUR >= end else later(readings, when)
    )


def _midnight():
    from site_days import MIDNIGHT

    return MIDNIGHT


def test_two_days_from_midnight_to_noon() -> None:
    days = Days(4)
    days.until(36)
    for panel in days.panels:
        assert days.seen(panel) == WELL
        assert days.seen(panel, "problem") == ["off"]


def test_asleep_means_no_power_held_energy_and_an_entity_that_is_there() -> None:
    days = Days(4)
    days.until(23)
    state = days.state(days.panels[0])
    assert state.online
    values = state.values
    assert (values["power"], values["current"], values["dc_power"], values["dc_current"]) == (0, 0, 0, 0)
    assert (values["voltage"], values["temperature"], values["dc_voltage"]) == (None, None, None)
    assert values["energy"] > 1
    site = days.state("site").values
    assert (site["panels_live"], site["panels_asleep"], site["panels_lost"], site["devices_online"]) == (0, 4, 0, 3)
    assert site["pv_power"] == 0


@pytest.mark.parametrize("silence", [without, frozen])
def test_one_panel_fails_at_noon(silence) -> None:
    days = Days(12)
    dead, *others = days.panels
    days.changes.append(from_hour(12, silence(dead)))
    days.until(13)
    state = days.state(dead)
    assert (state.values["availability"], state.values["problem"], state.values["power"]) == ("stale", "off", None)
    assert not state.online
    days.until(14)
    assert days.state(dead).values["problem"] == "off"
    days.until(14.7)
    state = days.state(dead)
    assert (state.values["availability"], state.values["problem"], state.values["power"]) == ("lost", "on", None)
    assert not state.online
    assert state.values["energy"] > 1
    days.until(36)
    assert days.seen(dead) == ["asleep", "live", "stale", "lost"], "once lost it does not sleep"
    for panel in others:
        assert days.seen(panel) == WELL
    site = days.state("site").values
    assert (site["panels_live"], site["panels_lost"]) == (11, 1)
    days.changes.clear()
    days.until(37)
    assert (days.state(dead).values["availability"], days.state(dead).values["problem"]) == ("live", "off")


def test_how_long_is_up_to_the_owner() -> None:
    days = Days(4, lost_after=5 * HOUR)
    days.changes.append(from_hour(9, without(days.panels[0])))
    days.until(14)
    assert days.state(days.panels[0]).values["problem"] == "off"
    days.until(14.7)
    assert days.state(days.panels[0]).values["problem"] == "on"


def test_a_panel_that_does_not_wake() -> None:
    days = Days(12)
    days.until(24)
    dead = days.panels[3]
    days.changes.append(without(dead))
    days.until(36)
    assert days.seen(dead) == ["asleep", "live", "asleep", "stale", "lost"]
    since = [at for at, state in days.history if state.device.id == dead and state.values["problem"] == "on"]
    assert 32 < since[0] < 34, "2 hours with light"


def test_a_panel_that_dies_before_dusk_is_found_the_next_morning() -> None:
    days = Days(12)
    dead = days.panels[3]
    days.changes.append(from_hour(18.5, without(dead)))
    days.until(34)
    assert days.seen(dead)[-1] == "lost"
    assert days.seen(dead, "problem") == ["off", "on"]


def test_short_days_add_up_for_a_panel_that_never_wakes() -> None:
    """Light only from 11:30 to 12:45: no panel has two hours of it in a row."""
    days = Days(6)
    dead = days.panels[0]
    days.until(16)
    days.changes.append(scaled(lambda hour: 1.0 if 11.5 < hour % 24 < 12.75 else 0.0))
    days.changes.append(lambda readings, _: [r for r in readings if r.device.id != dead])
    days.until(100)
    assert days.seen(dead)[-1] == "lost"
    assert all(days.seen(panel, "problem") == ["off"] for panel in days.panels[1:])


def test_the_whole_panel_network_fails() -> None:
    days = Days(6)
    days.changes.append(between(11, 30, without(*days.panels)))
    days.until(15)
    assert days.all() == ["lost"] * 6, "the meter shows that they produce"
    days.until(36)
    assert days.all() == ["live"] * 6
    assert days.all("problem") == ["off"] * 6


def test_panels_that_wake_up_to_an_hour_apart_are_not_lost() -> None:
    days = Days(6)
    for number, panel in enumerate(days.panels):
        days.changes.append(lambda readings, when, panel=panel, wakes=30.4 + 0.2 * number: (
            without(panel)(readings, when) if 20 < (when - _midnight()).total_seconds() / HOUR < wakes else readings
        ))  # fmt: skip
    days.until(36)
    assert [days.seen(panel) for panel in days.panels] == [WELL] * 6


def test_snow_on_all_panels_is_no_loss() -> None:
    days = Days(6)
    days.until(22)
    days.changes += [scaled(lambda _: 0.0), without(*days.panels)]
    days.until(24 * 5)
    assert days.all() == ["asleep"] * 6
    assert days.all("problem") == ["off"] * 6
    days.changes.clear()
    days.until(24 * 5 + 12)
    assert days.all() == ["live"] * 6


def test_an_eclipse() -> None:
    """The sun goes and comes within two hours; for half an hour no panel answers."""
    days = Days(6)
    days.changes.append(scaled(lambda hour: min(1.0, abs(hour - 36)) if 35 < hour < 37 else 1.0))
    days.changes.append(between(35.9, 36.4, without(*days.panels)))
    days.until(40)
    assert all("lost" not in days.seen(panel) for panel in days.panels)
    assert days.all() == ["live"] * 6


def test_a_polar_night_and_a_midnight_sun() -> None:
    days = Days(4)
    days.until(20)
    days.changes += [scaled(lambda _: 0.0), without(*days.panels)]
    days.until(20 + 24 * 20)
    assert days.all() == ["asleep"] * 4
    days.changes[:] = [_always_light]
    days.until(days.at + 24 * 4)
    assert [days.seen(panel) for panel in days.panels] == [["asleep", "live", "asleep", "live"]] * 4
    days.changes.append(without(days.panels[0]))
    days.until(days.at + 3)
    assert days.all() == ["lost", "live", "live", "live"]


def _always_light(readings: list[Reading], _: datetime) -> list[Reading]:
    return [
        replace(r, age=60.0, valid_for=840.0, values={**r.values, "power": 100.0 if _panel(r) else 390.0})
        if _panel(r) or r.device.kind is Kind.PRODUCTION_METER
        else r
        for r in readings
    ]


def _panel(reading: Reading) -> bool:
    return reading.device.kind is Kind.INVERTER


@pytest.mark.parametrize("meter", [True, False])
def test_one_panel_alone(meter: bool) -> None:
    """It sleeps when it has faded, and is lost when it falls silent at work."""
    days = Days(1)
    if not meter:
        days.changes.append(no(Kind.PRODUCTION_METER))
    days.until(36)
    (panel,) = days.panels
    assert days.seen(panel) == WELL
    days.changes.append(without(panel))
    if meter:
        days.changes.append(scaled(lambda _: 0.0))
    days.until(37)
    assert days.state(panel).values["availability"] == "stale"
    days.until(39)
    assert (days.state(panel).values["availability"], days.state(panel).values["problem"]) == ("lost", "on")


def test_without_a_meter_the_panels_that_answer_tell_of_the_light() -> None:
    days = Days(6)
    dead = days.panels[0]
    days.changes += [no(Kind.PRODUCTION_METER), from_hour(35, without(dead))]
    days.until(48)
    assert days.seen(dead) == ["asleep", "live", "asleep", "live", "stale", "lost"]
    for panel in days.panels[1:]:
        assert days.seen(panel) == ["asleep", "live", "asleep", "live", "asleep"]


def test_a_pvs_that_is_gone_makes_nobody_lost() -> None:
    days = Days(6)
    days.until(12)
    days.gone = True
    days.until(20)
    assert days.all() == ["stale"] * 6
    assert not any(days.state(panel).online for panel in days.panels)
    days.until(22)
    days.gone = False
    days.until(23)
    assert days.all() == ["asleep"] * 6
    assert days.all("problem") == ["off"] * 6


def test_a_pvs_that_restarts_at_night_and_forgets_its_panels() -> None:
    days = Days(6)
    days.until(26)
    days.gone = True
    days.until(26.2)
    days.gone = False
    days.changes.append(without(*days.panels))
    days.until(30)
    days.changes.clear()
    days.until(36)
    assert [days.seen(panel) for panel in days.panels] == [WELL] * 6


@pytest.mark.parametrize("listed", [True, False])
def test_a_restart_of_this_service_at_night(listed: bool) -> None:
    days = Days(4)
    days.until(26)
    if not listed:
        days.changes.append(without(*days.panels))
    days.restart()
    assert days.all() == ["stale"] * 4, "nobody has told anything yet"
    days.until(26.2)
    assert days.all() == ["asleep"] * 4
    assert days.all("power") == [0.0] * 4


def test_after_a_start_at_night_without_a_meter_the_supervisor_says_who_does_not_answer() -> None:
    days = Days(4)
    days.changes.append(no(Kind.PRODUCTION_METER))
    days.changes.append(lambda readings, _: [
        replace(r, values={**r.values, "state": "error", "power": None}, valid_for=0.0) if _panel(r) else r
        for r in readings
    ])  # fmt: skip
    days.until(1)
    assert days.all() == ["asleep"] * 4


def test_lost_outlives_a_restart() -> None:
    days = Days(6)
    dead = days.panels[0]
    days.changes.append(from_hour(10, without(dead)))
    days.until(14)
    days.restart()
    assert days.state(dead).values["problem"] == "on"
    days.until(15)
    assert days.state(dead).values["problem"] == "on"
    days.changes.clear()
    days.until(15.2)
    assert days.state(dead).values["problem"] == "off"


def test_a_blind_meter_puts_no_panel_to_sleep() -> None:
    """Of a meter without current transformers nothing follows while panels produce."""
    days = Days(6)
    dead = days.panels[0]
    days.changes += [scaled(lambda _: 0.0, [Kind.PRODUCTION_METER]), from_hour(11, without(dead))]
    days.until(15)
    assert days.seen(dead)[-2:] == ["stale", "lost"]


def test_an_outage_of_the_grid_at_noon_loses_nobody() -> None:
    """The meter says 0 at once, and no panel answers; the last that they told was much."""
    days = Days(6)
    days.until(12)
    days.changes += [scaled(lambda _: 0.0), without(*days.panels)]
    days.until(17)
    assert days.all("problem") == ["off"] * 6
    assert days.all() == ["asleep"] * 6


def test_what_was_silent_in_the_evening_has_all_the_next_morning_to_wake() -> None:
    """A PVS forgets its panels in the afternoon, and knows them again an hour after sunrise."""
    days = Days(4)
    days.changes.append(between(17.8, 31.3, without(*days.panels)))
    days.until(36)
    assert [days.seen(panel) for panel in days.panels] == [["asleep", "live", "stale", "asleep", "live"]] * 4


def test_a_replaced_panel_is_no_problem() -> None:
    house = House(Registry())
    pvs = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
    old, new = (
        Device(f"e{n}", Kind.INVERTER, f"Inverter E{n}", f"E{n}", via="zt1", modbus_unit=5, interface="tty1")
        for n in (1, 2)
    )
    at = datetime(2026, 6, 21, 18, tzinfo=UTC)
    for now in range(0, 20000, 300):
        panel = old if now < 1000 else new
        readings = [Reading(d, v, "pvs a", at, 0.0, 900.0) for d, v in ((pvs, {}), (panel, {"power": 250.0}))]
        events = house.accept(readings, now)
        said = {event.device.id: event for event in events if isinstance(event, DeviceState)}
        assert all(state.values.get("problem") in (None, "off") for state in said.values())


def test_an_inverter_that_tells_of_itself() -> None:
    """Nobody else would tell of it; faded it sleeps, at work it is lost."""
    house = House(Registry())
    sma = Device("sma_1", Kind.INVERTER, "Inverter 1", "1")

    def tell(power: float, now: float) -> None:
        house.accept([Reading(sma, {"power": power, "energy": 100.0}, "yasdi a", None, 0.0, 300.0)], now)

    def state(now: float) -> object:
        house.tick(now)
        (told,) = (s for s in house.configure({"1": f"{now}"}, [], now) if s.device.id == "sma_1")
        assert isinstance(told, DeviceState)
        return told.values["availability"], told.values["power"], told.online

    tell(4000.0, 0)
    tell(9.0, 300)
    assert state(700) == ("asleep", 0.0, True)
    assert state(40000) == ("asleep", 0.0, True)
    tell(4000.0, 40001)
    assert state(40400) == ("stale", None, False)
    assert state(48000) == ("lost", None, False)


powers = st.floats(0, 5000)


@given(
    st.none() | powers, st.lists(st.tuples(st.booleans(), st.none() | st.floats(-20, 400)), min_size=1, max_size=12)
)
def test_more_light_is_never_less_light(metered: float | None, panels: list[tuple[bool, float | None]]) -> None:
    order = {None: 1, Light.DARK: 0, Light.DIM: 1, Light.BRIGHT: 2}
    array = [Panel(300.0, answers, power) for answers, power in panels]
    brighter = [replace(one, power=None if one.power is None else one.power + 50) for one in array]
    more = None if metered is None else metered + 500
    assert order[Daylight().look(more, brighter)] >= order[Daylight().look(metered, array)]


day = st.tuples(
    st.floats(0.0, 1.0), st.lists(st.tuples(st.integers(0, 3), st.floats(6, 20), st.floats(0, 14)), max_size=2)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(day, min_size=1, max_size=3), st.booleans())
def test_random_days_against_a_simple_truth(
    told: list[tuple[float, list[tuple[int, float, float]]]], meter: bool
) -> None:
    """Panels in a sky of any clouds, silent at random. A panel is a problem only if it was silent for as long as it
    takes by day, and always if it was silent for four bright hours; it is no problem when it answers."""
    house = House(Registry())
    house.expect({"pvs a": "site"})
    pvs = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
    production = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
    panels = [Device(f"e{n}", Kind.INVERTER, f"Inverter E{n}", f"E{n}", via="zt1") for n in range(4)]
    states: dict[str, DeviceState] = {}
    silent = dict.fromkeys(range(4), 0.0)
    bright = dict.fromkeys(range(4), 0.0)
    lit = dict.fromkeys(range(4), 0.0)
    for number, (sky, outages) in enumerate(told):
        for poll in range(round(24 * HOUR / POLL)):
            hour = poll * POLL / HOUR
            now = number * 24 * HOUR + hour * HOUR
            light = max(0.0, 1 - abs(hour - 13) / 7) * sky
            power = 300.0 * light
            off = {panel for panel, begin, length in outages if begin <= hour < begin + length}
            answering = [n for n in range(4) if n not in off and power > 3.0]
            readings = [Reading(pvs, {}, "pvs a", None, 0.0, 900.0)]
            if meter:
                made = power * 4 or -15.0
                readings.append(Reading(production, {"power": made, "energy": 5.0}, "pvs a", None, 0.0, 900.0))
            readings += [Reading(panels[n], {"power": power}, "pvs a", None, 0.0, 900.0) for n in answering]
            events = [*house.accept(readings, now), *house.tick(now + POLL / 2)]
            states |= {event.device.id: event for event in events if isinstance(event, DeviceState)}
            others = meter or len(answering) > 0
            for n in range(4):
                known = n in answering
                silent[n] = 0.0 if known else silent[n] + POLL
                lit[n] = 0.0 if known else lit[n] + POLL * (light > 0.03)
                bright[n] = 0.0 if known else bright[n] + POLL * (light > 0.1 and others)
                if f"e{n}" not in states:
                    continue
                values = states[f"e{n}"].values
                assert values["availability"] in ("live", "stale", "asleep", "lost")
                assert states[f"e{n}"].online == (values["availability"] in ("live", "asleep"))
                if known:
                    assert (values["availability"], values["problem"]) == ("live", "off")
                if values["problem"] == "on":
                    assert silent[n] >= 7200.0
                    assert lit[n] > 0 or not meter
                if bright[n] > 7200.0 + WAKING + 900.0 + 2 * POLL and meter and n in off and hour < 19:
                    assert values["problem"] == "on", (number, hour)
                if values["availability"] == "asleep":
                    assert values["power"] == 0.0
