"""Live data: over the WebSocket, by polling where there is none, and nothing of it for longer than it is true."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from harness import ROOT, Bench
from traps.tools import BOTH, LEGACY, LIVE, MARK, VARSERVER, Code, Plant, at, house, plant
from traps.truth import falls

from pvsmqtt.simulator.pvs.newer.names import ENABLE
from pvsmqtt.simulator.pvs.web.live import GARBAGE, live_values

STALE = 1.5
PACE = "stale={stale}, first_retry=0.05, longest_retry=0.2, first_return=0.3, longest_return=0.3, tick=0.05, few=2"
AT_ONCE = {
    "pvsmqtt.sources.pvs.live.of_house.STALE": STALE,
    "pvsmqtt.sources.pvs.live.feed.Pace": Code(
        f"__import__('functools').partial(m.Pace, {PACE.format(stale=STALE)}, few_away=2)"
    ),
}
"""Silence of 1.5 s in place of 90 s, retries at once."""

SPEED = 60.0
POWERS = {"pv_power": "pv_p", "grid_power": "net_p", "load_power": "site_load_p"}


@pytest.fixture
async def checked(bench: Bench) -> AsyncIterator[list[Plant]]:
    """Plants of which everything that they published about their site is held against the house at the end."""
    plants: list[Plant] = []
    yield plants
    for it in plants:
        await it.recorder.fence()
        wrong = [*lies(it), *falls(it.recorder.messages)]
        assert not wrong, "\n".join(wrong[:10])


async def sunny(bench: Bench, checked: list[Plant], firmware: str, **how: Any) -> Plant:
    """A minute is a second; live data several times a second."""
    it = await plant(bench, firmware, patch=AT_ONCE, speed=SPEED, **{"live": True, "ready": False, **how})
    if it.pvs.live is not None:
        it.pvs.live.period = 0.1
    checked.append(it)
    await it.recorder.have("site", it.production, it.consumption)
    return it


def lies(it: Plant) -> Iterator[str]:
    """Powers of the site that the house did not have about the time that goes with them, live or metered."""
    for message in it.recorder.on(f"{ROOT}/site/state"):
        state = message.json
        if state["measured_at"] is None:
            continue
        told_at = datetime.fromisoformat(state["measured_at"])
        around = [told_at + timedelta(seconds=second) for second in range(-330, 91, 10)]
        known = [live_values(it.pvs.house, moment) for moment in around]
        for key, parameter in POWERS.items():
            if (said := state.get(key)) is not None:
                values = [moment[parameter] * 1000 for moment in known]
                if not min(values) - 20 <= said <= max(values) + 20:
                    yield f"{key} was {said} at {told_at}, between {min(values):.0f} and {max(values):.0f}"


async def follows(it: Plant, times: int = 2) -> None:
    """So many states of the site, each measured later than the one before, and of the last few seconds. Its energy is
    that of the production meter, which is told anew with every mark."""
    for _ in range(times):
        since, now = it.recorder.mark(), it.pvs.now()
        state = await it.state("site", lambda s, now=now: datetime.fromisoformat(s["measured_at"]) > now, since)
        truth = live_values(it.pvs.house, datetime.fromisoformat(state["measured_at"]))
        assert state["pv_power"] == pytest.approx(truth["pv_p"] * 1000, abs=100)
        least = live_values(it.pvs.house, datetime.fromisoformat(state["measured_at"]) - 2 * MARK)["pv_en"]
        assert least - 0.02 <= state["pv_energy"] <= truth["pv_en"] + 0.1


@pytest.mark.parametrize("firmware", BOTH)
async def test_the_site_follows_the_websocket_when_it_closes_and_returns(
    bench: Bench, checked: list[Plant], firmware: str
) -> None:
    it = await sunny(bench, checked, firmware)
    await follows(it)
    assert (await it.health())["live"]["mode"] == "websocket"
    live = it.pvs.live
    assert live is not None
    for _ in range(3):
        connections = live.stats.connections
        await live.close_all()
        await live.wait_until(lambda stats, known=connections: stats.connections > known)
        await follows(it, times=1)
    meter = await it.state(it.production, lambda s: s["energy"])
    assert it.last("site")["pv_energy"] == pytest.approx(meter["energy"], abs=0.5), "live data and meters agree"


async def test_a_websocket_that_is_switched_off_is_switched_on(bench: Bench, checked: list[Plant]) -> None:
    pvs_settings = {ENABLE: "0"}
    it = await sunny(bench, checked, VARSERVER, settings=pvs_settings)
    await follows(it)
    assert it.pvs.settings[ENABLE] == "1"
    assert (await it.health())["live"]["mode"] == "websocket"


async def test_a_silent_websocket_is_replaced_by_polling_until_it_speaks(bench: Bench, checked: list[Plant]) -> None:
    it = await sunny(bench, checked, VARSERVER)
    await follows(it)
    assert it.pvs.live is not None
    it.pvs.live.silent = True
    await it.health(lambda source: source["live"]["mode"] == "polled")
    await follows(it)
    it.pvs.live.silent = False
    await it.health(lambda source: source["live"]["mode"] == "websocket")
    await follows(it)


async def test_without_anything_live_the_site_shows_what_the_meters_say(bench: Bench, checked: list[Plant]) -> None:
    """Old firmware cannot be polled: live power goes when it is too old."""
    it = await sunny(bench, checked, LEGACY)
    await follows(it, times=1)
    assert it.pvs.live is not None
    it.pvs.live.silent = True
    await it.health(lambda source: source["live"]["mode"] == "off")
    since = it.recorder.mark()
    for _ in range(2):
        state = await it.state("site", since=since)
        metered = await it.state(it.production, lambda s, at=state["measured_at"]: s["measured_at"] == at)
        assert state["pv_power"] == metered["power"]
        since = it.recorder.mark()


async def test_garbage_on_the_websocket_is_ignored(bench: Bench, checked: list[Plant]) -> None:
    it = await sunny(bench, checked, VARSERVER)
    assert it.pvs.live is not None
    # A frame that is binary is read as text, so what is well-formed in one is believed.
    it.pvs.live._rubbish = cycle([one for one in GARBAGE if not (isinstance(one, bytes) and b"pv_p" in one)])
    it.pvs.live.garbage = True
    await it.health(lambda source: source["live"] and source["live"]["ignored"] >= 15)
    await it.health(lambda source: source["live"] and sum(source["live"]["closes"].values()) >= 2)
    await follows(it)
    assert not [m for m in it.recorder.on(f"{ROOT}/site/state") if (m.json.get("pv_power") or 0) > 50_000]


@pytest.mark.parametrize("firmware", BOTH)
async def test_live_data_that_are_null_are_unknown(bench: Bench, checked: list[Plant], firmware: str) -> None:
    """What the meters know is still told, and no energy falls back to what they said last."""
    it = await sunny(bench, checked, firmware, house=house(12, seed=1, ess=True))
    await it.state("site", lambda state: state.get("backup_time") is not None)
    it.pvs.traps.add("null-live-data")
    since = it.recorder.mark()
    await it.state("site", lambda state: state["backup_time"] is None, since)
    await it.polled(4)
    for message in it.recorder.on(f"{ROOT}/site/state", since):
        assert message.json["pv_power"] is None or message.json["pv_power"] > 0
    assert it.last("site")["backup_time"] is None
    since = it.recorder.mark()
    it.pvs.traps.clear()
    await it.state("site", lambda state: state["backup_time"] is not None, since)


async def test_a_pvs5_has_no_websocket_and_is_polled(bench: Bench, checked: list[Plant]) -> None:
    it = await sunny(bench, checked, "pvs5-5412", live=False, table=LIVE)
    await follows(it)
    live = (await it.health())["live"]
    assert live["mode"] == "polled"
    assert live["connections"] == 0
    assert not it.pvs.stats.writes


async def test_an_old_pvs5_has_no_live_data_at_all(bench: Bench) -> None:
    it = await plant(bench, "pvs5-4990", table=LIVE)
    it.truth.estimated |= {"grid_import_energy", "grid_export_energy"}  # its meter has a net register alone
    assert (await it.health())["live"] is None
    site = await it.go(it.sun.now + it.step)
    assert site["pv_power"] > 100
    await it.check()


async def test_live_data_without_current_transformers_are_no_measurement(bench: Bench, checked: list[Plant]) -> None:
    """A site with dead ones sends time and battery alone: nothing else is made of it."""
    it = await sunny(bench, checked, LEGACY, when=at(18), house=house(12, seed=1, ess=True), traps=set())
    assert it.pvs.live is not None
    it.pvs.live.partial_only = {"time", "soc", "ess_p", "ess_en"}
    await it.pvs.live.close_all()
    since = it.recorder.mark()
    state = await it.state("site", lambda state: state.get("battery_net_energy") is not None, since)
    assert state["battery_power"] is not None
