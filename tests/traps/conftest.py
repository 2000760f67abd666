"""A bench with real processes, and what every simulated PVS has the right to expect when a test is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench

from pvsmqtt.simulator.pvs.newer.names import ENABLE
from pvsmqtt.simulator.pvs.web.stats import Write

ONLY_WRITE = Write(ENABLE, "1", accepted=True)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    async with bench.open():
        yield bench
    for pvs in bench.simulators:
        assert set(pvs.stats.writes) <= {ONLY_WRITE}, "nothing is ever written but the switch for live data"
        assert {request.method for request in pvs.stats.requests} <= {"GET"}
