"""A PVS whose clock is wrong: what it tells is published as it tells it, and freshness is judged by its clock."""

from datetime import UTC, datetime, timedelta

import pytest
from harness import Bench
from traps.tools import BOTH, plant


@pytest.mark.parametrize("offset", [7200.0, -7200.0, 86400.0 * 200])
@pytest.mark.parametrize("firmware", BOTH)
async def test_a_clock_that_is_off_is_told_and_keeps_nothing_from_being_read(
    bench: Bench, firmware: str, offset: float
) -> None:
    now = datetime.now(UTC).replace(hour=18, minute=2, second=30)
    it = await plant(bench, firmware, when=now, clock_offset=offset)
    assert await it.service.says("this machine's clock: one of them is wrong")
    health = await it.health(lambda source: "clock_ahead" in source)
    assert abs(health["clock_ahead"] - offset) < 86400 + 60
    told = it.last(it.production)
    measured_at = datetime.fromisoformat(told["measured_at"])
    assert abs(measured_at - now - timedelta(seconds=offset)) < timedelta(minutes=6)
    it.sun.now += it.step
    state = await it.state(it.production, lambda state: datetime.fromisoformat(state["measured_at"]) > measured_at)
    assert state["power"] > 0
    assert all(it.online(panel) for panel in it.panels)


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_clock_that_jumps_in_mid_run(bench: Bench, firmware: str) -> None:
    """Without a time server it comes up with any time, and is put right later."""
    it = await plant(bench, firmware)
    for offset in (7200.0, 0.0):
        it.pvs.clock_offset = offset
        when = it.pvs.told_now()
        since = it.recorder.mark()
        it.sun.now += it.step
        site = await it.state(
            "site", lambda state, when=when: datetime.fromisoformat(state["measured_at"]) > when - it.step, since
        )
        assert site["pv_power"] > 100
    assert (await it.health())["state"] == "ok"
    assert all(it.online(panel) for panel in it.panels)
