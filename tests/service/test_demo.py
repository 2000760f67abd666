"""``pvsmqtt demo``: everything inside one process."""

import importlib.util
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import aiomqtt
import pytest
from harness import Process, free_port, pvsmqtt

from pvsmqtt.simulator.pvs.house.curve import Curve
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, House
from pvsmqtt.site import balance

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)

PAGE_PORT = "pvsmqtt.commands.demo.PAGE_PORT"
POLL = timedelta(minutes=10)
"""From one poll to the next, as time passes in the demo."""


def demo(page_port: int, seconds: int, panels: int = 3) -> Process:
    """Tests that run beside this one must not take the port."""
    return pvsmqtt("demo", "--seconds", str(seconds), "--panels", str(panels), patch={PAGE_PORT: page_port})


async def test_demo_shows_devices_and_readings() -> None:
    status, out, log = await demo(free_port(), seconds=4).run()
    assert (status, log) == (0, "")
    assert "Home Assistant would discover:" in out
    assert re.search(r"3 × Inverter +\d+ entities", out)
    assert re.search(r"1 × PV supervisor", out)
    readings = re.findall(r"^\d{4}-\d\d-\d\dT.*pv_power +(\d+) W", out, re.MULTILINE)
    assert len(set(readings)) > 1, "the simulated day passes"
    assert re.search(r"^\d+ states came through the broker", out, re.MULTILINE)


async def page_of(running: Process) -> str:
    await running.out.until(lambda: running.out.items[5:] or None, "word of the first devices")
    found = re.search(r"status page is at (\S+/)\.$", "\n".join(running.out.items), re.MULTILINE)
    assert found
    return found[1]


async def test_demo_shows_the_status_page_and_two_demos_do_not_disturb_each_other() -> None:
    port = free_port()
    demos = [demo(port, seconds=30) for _ in range(2)]
    try:
        pages = []
        for one in demos:
            await one.start()
            pages.append(await page_of(one))
            async with aiohttp.ClientSession() as session, session.get(f"{pages[-1]}api/events") as events:
                assert events.status == 200
                async for line in events.content:
                    if b'"kind":"inverter"' in line:
                        break
        assert pages[0] == f"http://127.0.0.1:{port}/"
        assert pages[1] != pages[0]
        assert not [one.log.items for one in demos if one.log.items], "what is logged is for the page"
    finally:
        for one in demos:
            await one.kill()


def second(when: datetime) -> float:
    return (when - COMMISSIONED).total_seconds()


def near(curve: Curve, when: datetime, polls: int) -> tuple[float, float]:
    """The least and the most power (W) in so many polls before and after a moment."""
    marks = range(int(second(when - polls * POLL)), int(second(when + polls * POLL)) + 1, 10)
    powers = [1000 * curve.value(mark) for mark in marks]
    return min(powers) - 1, max(powers) + 1


async def seen(port: int, days: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[float]]:
    """What was told in so much of a simulated day of the house and of its SunVault, and each time that health was
    told, how many simulated seconds the clock that it tells was ahead of the house."""
    site: list[dict[str, Any]] = []
    storage: list[dict[str, Any]] = []
    ahead: list[float] = []
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("pvsmqtt/home/#")
        async for message in client.messages:
            if not str(message.topic).endswith(("/state", "/health")):
                continue
            told = json.loads(bytes(message.payload))
            if str(message.topic) == "pvsmqtt/home/site/state":
                site.append(told | {"at": datetime.fromisoformat(told["measured_at"])})
                if site[-1]["at"] - site[0]["at"] > timedelta(days=days):
                    break
            elif "permission_to_operate" in told:
                storage.append(told | {"at": datetime.fromisoformat(told["measured_at"])})
            elif site and "sources" in told:
                clock = next(s["clock_ahead"] for s in told["sources"] if s["kind"] == "pvs")
                shown = datetime.fromisoformat(told["time"]) + timedelta(seconds=clock)
                ahead.append((shown - site[-1]["at"]).total_seconds())
    return site, storage, ahead


def astray(told: Sequence[dict[str, Any]], key: str, curve: Curve, polls: int = 1) -> list[tuple[datetime, float]]:
    """What is further from the truth than so many polls explain."""
    powers = [(one["at"], one[key], *near(curve, one["at"], polls)) for one in told if one.get(key) is not None]
    assert len(powers) > 10
    return [(at, power) for at, power, least, most in powers if not least <= power <= most]


async def test_what_the_demo_tells_of_its_house_adds_up_at_every_moment() -> None:
    running = demo(free_port(), seconds=120, panels=12)
    try:
        await running.start()
        await running.out.until(lambda: running.out.items[5:] or None, "word of its devices")
        found = re.search(r"mqtt://127\.0\.0\.1:(\d+)", running.out.items[0])
        assert found
        site, storage, ahead = await seen(int(found[1]), days=4 / 24)
    finally:
        await running.kill()
    house = House(12, ess=True)
    assert house.battery is not None
    # The first message of live data tells only what changed lately.
    whole = [told for told in site if told["at"] > site[0]["at"]]
    assert not [told for told in whole if told["load_power"] is None], "no hole in the curve of the home"
    assert not [told for told in whole if not balance.balanced(told)]
    assert not astray(whole, "battery_power", house.battery.power)
    assert not astray(whole, "load_power", house.load)
    # Its list of devices is polled before its storage report, for which another errand may stand in once.
    assert not astray(storage, "power", house.battery.power, polls=2), "the truth is what the SunVault says"
    begin, end = (second(told["at"]) for told in (whole[0], whole[-1]))
    a_poll = 5 / 6  # kWh, at full power
    charged = house.battery.power.below(end) - house.battery.power.below(begin)
    assert whole[-1]["battery_charge_energy"] == pytest.approx(charged, abs=1.5 * a_poll)
    assert max(map(abs, ahead)) < 6 * POLL.total_seconds(), "whoever tells ages by what health says is near the truth"
