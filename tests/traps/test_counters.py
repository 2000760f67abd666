"""Counters that slip, texts that break the JSON, times and numbers that are none."""

import json

import pytest
from harness import ROOT, Bench, device_ids
from traps.tools import BOTH, LEGACY, VARSERVER, at, plant
from traps.truth import states


@pytest.mark.parametrize("firmware", [*BOTH, "61840"])
async def test_a_counter_that_reads_0_once_never_reaches_a_state(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    it.truth.besides |= {("site", "load_energy")}
    before = it.last("site")["pv_energy"]
    it.pvs.traps.add("counter-blip")
    await it.service.says("the old value stands until that is confirmed")
    for _ in range(3):
        await it.go(it.sun.now + it.step)
    assert "counter-blip" not in it.pvs.traps, "it is over"
    site = await it.state("site", lambda state: state["pv_energy"] > before)
    assert site["pv_energy"] - before < 2
    await it.check()


async def test_a_counter_that_stays_low_is_believed_in_the_end(bench: Bench) -> None:
    """Only after it was measured low several times: then it does count anew."""
    it = await plant(bench, VARSERVER)
    it.pvs.traps.add("duplicate")
    it.pvs.boot()
    panel = it.panels[0]
    for _ in range(4):
        await it.go(it.sun.now + it.step)
    assert (await it.state(panel, lambda state: state["energy"] == 1.0))["power"] > 10
    assert any("it counts anew" in line for line in it.service.log.items)


async def test_a_quote_in_a_name_is_a_refusal_and_no_more(bench: Bench) -> None:
    it = await plant(bench, VARSERVER)
    it.pvs.traps.add("bad-quote")
    health = await it.health(lambda source: source["state"] == "failing")
    assert health["trouble"] == "not_json"
    assert "damaged" in health["message"]
    it.pvs.traps.clear()
    await it.go(it.sun.now + it.step)
    assert (await it.health())["state"] == "ok"
    await it.check()


@pytest.mark.parametrize("firmware", BOTH)
async def test_numbers_that_are_none_are_unknown(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    it.pvs.traps.add("not-a-number")
    await it.go(it.sun.now + it.step)
    for panel in it.panels:
        await it.state(panel, lambda state: state["power"] is None)
    it.pvs.traps.clear()
    await it.go(it.sun.now + it.step)
    await it.recorder.fence()
    for device, state in states(it.recorder.messages):
        if device in it.panels:
            assert state["power"] is None or state["power"] > 10
            assert state["energy"] is None or state["energy"] > 1000


@pytest.mark.parametrize("firmware", BOTH)
async def test_times_that_are_none_stay_unknown(bench: Bench, firmware: str) -> None:
    """Never the present in their place, which would hide that a device is silent. Where the meter can be believed
    (old firmware says that it works), the panels are known to sleep; where nothing can, nothing is known."""
    it = await plant(bench, firmware, traps={"no-times"}, when=at(5), ready=False)
    await it.recorder.have(it.supervisor)
    for panel in it.panels:
        state = await it.state(panel)
        assert state["measured_at"] is None
        sleeps = firmware == LEGACY
        assert (state["power"], state["availability"]) == ((0, "asleep") if sleeps else (None, "stale"))
        assert it.online(panel) == sleeps

    return at(5)


async def test_counters_without_a_time_of_measurement_are_not_0(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, traps={"no-times", "counter-blip"}, ready=False)
    await it.recorder.have(it.supervisor)
    await it.polled()
    found = [state for device, state in states(it.recorder.messages) if device in device_ids(it.pvs)]
    assert found
    assert not [state for state in found if state.get("energy") == 0]
    assert it.recorder.on(f"{ROOT}/{it.supervisor}/state")


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_blip_in_just_the_first_poll_after_a_restart(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    await it.polled()
    await it.service.stop()
    assert it.panels[0] in json.loads((it.service.state_dir / "counters.json").read_text())["devices"]
    since = it.recorder.mark()
    it.pvs.traps.add("counter-blip")
    it.sun.now += it.step
    said = len(it.service.log.items)
    await it.service.start()
    await it.service.says("the old value stands until that is confirmed", said)
    await it.polled(2)
    told = [state["energy"] for device, state in states(it.recorder.messages[since:]) if device == it.panels[0]]
    assert [energy for energy in told if energy is not None]
    assert all(energy is None or energy > 1000 for energy in told)
