"""From one noon to the next: night, the nightly restart, and panels that come one by one."""

from datetime import timedelta

import pytest
from harness import ROOT, Bench, device_ids, is_offline
from traps.tools import BOTH, LEGACY, VARSERVER, at, house, plant
from traps.truth import announced


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_night_with_a_restart_and_a_sunrise_panel_by_panel(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware, when=at(23, 32), house=house(12), traps={"lost-at-restart"})
    await it.all_told()
    entities = announced(it.recorder.messages)
    for hour in (1, 2, 4, 8):
        await it.go(at(hour, 32 if hour < 8 else 2, days=1))
    for panel in it.panels:
        state = await it.state(panel, lambda state: state["availability"] == "asleep")
        assert state["energy"] > 1000
        assert (state["power"], state["dc_power"], state["voltage"]) == (0, 0, None)
        assert it.online(panel), "its energy is to be seen at night as well"

    # The nightly restart: nobody answers, then other indices, no sessions, no cached sets, no inverters.
    down = it.pvs.begin_restart(0.7)
    since = len(it.service.log.items)
    await it.service.says("cannot connect", since)
    it.sun.now = at(8, 17, days=1)
    await down
    await it.service.says("works again", since)
    for hour in (9, 11):
        site = await it.go(at(hour, days=1))
        assert site["pv_power"] == 0, "the production meter says so"
        assert site["pv_energy"] > 1000
    assert (await it.state(it.supervisor, lambda state: state.get("reboots")))["reboots"] == 1

    # Long after sunrise: still nothing but the meters, and then one panel after the other.
    it.pvs.traps.clear()
    it.pvs.inverters_missing_until = at(15, 1, days=1)
    site = await it.go(at(14, 2, days=1))
    assert site["pv_power"] > 100
    assert site["devices_online"] == 3
    it.pvs.traps.add("one-by-one")
    it.sun.now = at(15, 0, 0, days=1)
    it.pvs.boot()
    seen = []
    for minutes in (6, 11, 16):
        await it.go(at(15, minutes, days=1))
        await it.polled(1)
        seen.append(it.last("site")["devices_online"] - 3)
    assert 0 < seen[0] < seen[1] <= seen[2] == len(it.panels)
    await it.recorder.have(*device_ids(it.pvs))
    await it.check()
    assert announced(it.recorder.messages) == entities, "no entity came or went"
    assert not [m for m in it.recorder.messages if m.topic.endswith("/state") and m.json.get("problem") == "on"]


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_production_meter_below_zero_at_night(bench: Bench, firmware: str) -> None:
    """Raw on the meter, 0 on the site."""
    it = await plant(bench, firmware, when=at(0, 32))
    it.truth.besides |= {(it.production, "power"), ("site", "load_power")}
    it.pvs.traps.add("negative-at-night")
    site = await it.go(at(5, 2))
    assert (await it.state(it.production, lambda state: state["power"] < 0))["power"] == pytest.approx(-15)
    assert site["pv_power"] == 0
    assert site["load_power"] == pytest.approx(site["grid_power"])
    await it.check()
    assert not [m for m in it.recorder.on(f"{ROOT}/site/state") if (m.json.get("pv_power") or 0) < 0]


async def test_last_powers_do_not_stand_for_ever_when_the_pvs_is_gone(bench: Bench) -> None:
    """Counters stay, powers become unknown, devices go offline; then everything is as before."""
    quick = {"interval": 0.1, "stale_after": 2.0}
    it = await plant(bench, VARSERVER, when=at(18, 0, 1), table=quick)
    powers = it.last(it.production)["power"]
    assert powers > 0
    since = it.recorder.mark()
    await it.pvs.stop()
    for device in device_ids(it.pvs):
        await it.recorder.wait(f"{ROOT}/{device}/status", is_offline, since)
    site = await it.state("site", lambda state: state["pv_power"] is None, since)
    assert site["grid_power"] is None
    assert site["pv_energy"] > 1000
    await it.state(it.production, lambda state: state["power"] is None, since)
    await it.check()


async def test_the_supervisor_reboots_are_counted(bench: Bench) -> None:
    it = await plant(bench, LEGACY)
    assert it.last(it.supervisor)["uptime"] > 3600
    for number in (1, 2):
        it.pvs.boot()
        state = await it.state(it.supervisor, lambda state, number=number: state["reboots"] == number)
        assert state["uptime"] < 3600
        since = it.recorder.mark()
        it.sun.now += timedelta(hours=3)
        await it.state(it.supervisor, lambda state: state["uptime"] > 3600, since)
