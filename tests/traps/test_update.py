"""A firmware update in mid-run: another interface, the same house."""

from datetime import timedelta

import pytest
from harness import Bench
from traps.tools import LEGACY, VARSERVER, at, plant
from traps.truth import announced


async def test_an_update_in_mid_run_changes_neither_entities_nor_counters(bench: Bench) -> None:
    it = await plant(bench, LEGACY)
    await it.go(at(18, 7))
    before = await it.health(lambda source: source["interface"])
    assert before["interface"]["generation"] == "legacy"
    await it.all_told()
    entities = announced(it.recorder.messages)
    it.pvs.firmware = VARSERVER
    down = it.pvs.begin_restart(0.7)
    await it.service.says("cannot connect")
    await down
    await it.service.says("it is read by varserver with login from now on")
    for minute in (12, 17, 22):
        await it.go(at(18, minute))
    after = await it.health()
    assert after["interface"]["generation"] == "varserver"
    assert after["interface"]["build"] == 61845
    assert after["interface"]["decided_at"] >= before["interface"]["decided_at"]
    assert "let us log in" in after["interface"]["reason"]
    await it.check()
    assert entities <= announced(it.recorder.messages)
    supervisor = await it.state(it.supervisor, lambda state: state["firmware"] == "2025.09.04.61845")
    assert supervisor["uptime"] is not None
    assert it.online(it.supervisor)
    assert all(it.online(panel) for panel in it.panels)


async def test_an_update_at_night_is_followed_and_nothing_is_lost(bench: Bench) -> None:
    """Panels sleep on both sides of it: their energies are those of the evening."""
    it = await plant(bench, LEGACY, when=at(0, 32))
    await it.go(at(5))
    evening = {panel: it.last(panel)["energy"] for panel in it.panels}
    it.pvs.firmware = VARSERVER
    await it.service.says("it is read by varserver with login from now on")
    await it.go(at(6))
    for panel, energy in evening.items():
        state = it.last(panel)
        assert state["energy"] == pytest.approx(energy, abs=0.1)
        assert (state["power"], state["availability"]) == (0, "asleep")
        assert it.online(panel)
    await it.go(at(15))
    assert all(it.online(panel) for panel in it.panels)
    await it.check()


async def test_an_update_while_the_service_is_away_is_seen_at_its_start(bench: Bench) -> None:
    it = await plant(bench, LEGACY)
    await it.service.stop()
    it.pvs.firmware = VARSERVER
    it.sun.now += timedelta(hours=1)
    since = it.recorder.mark()
    await it.service.start()
    await it.go(it.sun.now + timedelta(minutes=5))
    assert (await it.health(lambda source: source["interface"]))["interface"]["generation"] == "varserver"
    assert not [m for m in it.recorder.messages[since:] if m.topic.startswith("homeassistant/") and not m.payload]
    await it.check()
