"""``pvsmqtt demo``: everything inside one process."""

import importlib.util
import re

import aiohttp
import pytest
from harness import Process, free_port, pvsmqtt

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)

PAGE_PORT = "pvsmqtt.commands.demo.PAGE_PORT"


def demo(page_port: int, seconds: int) -> Process:
    """Tests that run beside this one must not take the port."""
    return pvsmqtt("demo", "--seconds", str(seconds), "--panels", "3", patch={PAGE_PORT: page_port})


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
