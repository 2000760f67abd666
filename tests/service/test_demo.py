"""``pvsmqtt demo``: everything inside one process."""

import importlib.util
import re

import pytest
from harness import pvsmqtt


@pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)
async def test_demo_shows_devices_and_readings() -> None:
    status, out, log = await pvsmqtt("demo", "--seconds", "4", "--panels", "3").run()
    assert (status, log) == (0, "")
    assert "Home Assistant would discover:" in out
    assert re.search(r"3 × Inverter +\d+ entities", out)
    assert re.search(r"1 × PV supervisor", out)
    readings = re.findall(r"^\d{4}-\d\d-\d\dT.*pv_power +(\d+) W", out, re.MULTILINE)
    assert len(set(readings)) > 1, "the simulated day passes"
    assert re.search(r"^\d+ states came through the broker", out, re.MULTILINE)
