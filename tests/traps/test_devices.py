"""Devices that are renumbered, missing, doubled, replaced, invented."""

import pytest
from harness import ROOT, Bench, device_ids, is_online
from traps.tools import BOTH, LEGACY, VARSERVER, house, plant
from traps.truth import announced


async def test_indices_and_cached_sets_that_are_lost_cost_nothing(bench: Bench) -> None:
    """A boot without a pause, many times over: other indices, no sets, no sessions."""
    it = await plant(bench, VARSERVER)
    for _ in range(3):
        it.pvs.boot()
        await it.go(it.sun.now + it.step)
    await it.check()
    assert it.pvs.stats.boots == 3
    statuses = [m for m in it.recorder.messages if m.topic.endswith("/status")]
    assert all(is_online(m) for m in statuses[-len(device_ids(it.pvs)) :])
    assert (await it.health())["refused"] == {}


async def test_sets_that_are_lost_without_a_boot_are_filled_again(bench: Bench) -> None:
    it = await plant(bench, VARSERVER)
    it.pvs._vars.clear()
    await it.go(it.sun.now + it.step)
    assert (await it.health())["refused"] == {}
    await it.check()


@pytest.mark.parametrize("firmware", BOTH)
async def test_devices_that_are_missing_stay_known_and_come_back(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    before = it.last(it.panels[0])
    await it.all_told()
    entities = announced(it.recorder.messages)
    it.pvs.traps.add("no-inverters")
    site = await it.go(it.sun.now + it.step)
    assert site["pv_energy"] > before["energy"]
    if firmware == VARSERVER:
        assert (await it.health(lambda source: source["devices"] == 3))["devices_missing"] is True
    it.pvs.traps.clear()
    await it.go(it.sun.now + it.step)
    for panel in it.panels:
        state = await it.state(panel, lambda state: state["measured_at"] > before["measured_at"])
        assert state["power"] > 10
    await it.check()
    assert announced(it.recorder.messages) == entities


@pytest.mark.parametrize("firmware", BOTH)
async def test_ghosts_and_doubles_are_no_devices(bench: Bench, firmware: str) -> None:
    """A double is told last and wins, also with a counter of 1 kWh: that is not believed."""
    it = await plant(bench, firmware)
    it.pvs.traps |= {"ghost", "duplicate"}
    it.pvs.boot()
    await it.go(it.sun.now + it.step)
    left_out = (await it.health(lambda source: source["left_out"]))["left_out"]
    assert left_out["no_serial"] == 1
    assert left_out["duplicate_serial"] == 1
    known = {entry["id"] for entry in it.recorder.last(f"{ROOT}/devices").json}
    assert known == {"bridge", "site", *device_ids(it.pvs)}
    await it.check()


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_replaced_inverter_is_another_device(bench: Bench, firmware: str) -> None:
    """The old one keeps its energy, the new one counts from nothing, and the total of the house goes on."""
    it = await plant(bench, firmware)
    old, new = it.panels[0], "e00122699000001"
    before, site = it.last(old)["energy"], it.last("site")["pv_energy"]
    it.pvs.replaced[0] = new.upper()
    it.truth.besides.add((new, "energy"))
    await it.go(it.sun.now + it.step)
    await it.go(it.sun.now + 6 * it.step)
    assert (await it.state(new, lambda state: state["energy"]))["energy"] < 1
    assert it.last(old)["energy"] == pytest.approx(before, abs=0.1)
    assert it.last("site")["pv_energy"] >= site
    await it.recorder.fence()
    problems = [m for m in it.recorder.on(f"{ROOT}/{old}/state") if m.json["energy"] == 0]
    assert not problems


@pytest.mark.parametrize("firmware", BOTH)
async def test_ten_thousand_devices_are_refused_and_the_next_poll_works(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    it.pvs.traps.add("many-devices")
    it.pvs.boot()
    health = await it.health(lambda source: source["state"] == "failing")
    assert health["trouble"] == "too_large"
    assert "larger than 4 MiB" in health["message"]
    it.pvs.traps.clear()
    await it.health(lambda source: source["state"] == "ok")
    await it.go(it.sun.now + it.step)
    known = {entry["id"] for entry in it.recorder.last(f"{ROOT}/devices").json}
    assert known == {"bridge", "site", *device_ids(it.pvs)}
    await it.check()


@pytest.mark.parametrize("firmware", [LEGACY, VARSERVER])
async def test_two_supervisors_on_one_site(bench: Bench, firmware: str) -> None:
    """Their meters add up from when both are there, and nobody's panels are mixed up."""
    it = await plant(bench, firmware)
    other = await bench.pvs(house=house(3, seed=2), firmware=VARSERVER, https=True, clock=it.sun)
    table = {"host": other.https_url, "live": "off", "interval": 0.3}
    await it.service.reload(pvs=[*it.service.settings["pvs"], table])
    since = it.recorder.mark()
    await it.recorder.have(*device_ids(other), since=since)
    joined = other.told.at(it.sun.now).production.energy
    it.sun.now += it.step
    made = [one.told.at(it.sun.now).production.energy for one in (it.pvs, other)]
    both = sum(made) - joined
    powers = [1000 * one.told.at(it.sun.now).production.power for one in (it.pvs, other)]
    site = await it.state("site", lambda state: (state["pv_power"] or 0) > sum(powers) - 1)
    assert site["pv_energy"] == pytest.approx(both, abs=0.5), "no jump by what the second one had counted before"
    assert site["devices_online"] == len(device_ids(it.pvs)) + len(device_ids(other))
    parents = {entry["id"]: entry["via"] for entry in it.recorder.last(f"{ROOT}/devices").json}
    for pvs in (it.pvs, other):
        for panel in device_ids(pvs)[3:]:
            assert parents[panel] == pvs.house.serials.supervisor.lower()
