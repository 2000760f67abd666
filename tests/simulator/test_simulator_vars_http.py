"""``/vars`` on a real socket: methods, content types, and one request after another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
HOUSE = House(3, ess=True)


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON, firmware="61846")
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def http(simulator: PvsSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.url) as session:
        yield session


async def test_a_query_is_a_query_string_or_a_body(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    async with http.get("/vars?name=/sys/info/sw_rev&fmt=obj") as reply:
        assert reply.content_type == "application/json"
        told = await reply.read()
    async with http.post("/vars", data="name=/sys/info/sw_rev&fmt=obj") as reply:
        assert await reply.read() == told
    async with http.post("/vars", data="name=" + "x" * 1020) as reply:
        assert reply.status == 413
    async with http.put("/vars", data="name=/sys/info/sw_rev") as reply:
        assert reply.status == 405
    assert [request.body for request in simulator.stats.requests][1] == "name=/sys/info/sw_rev&fmt=obj"


async def test_the_content_type_is_not_reliable(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    simulator.firmware = "61840"
    async with http.get("/vars?name=/sys/info/sw_rev") as reply:
        assert reply.content_type == "text/html"
    simulator.content_type = "text/plain"
    async with http.get("/vars?name=/sys/info/sw_rev") as reply:
        assert reply.content_type == "text/plain"


async def test_requests_are_served_one_after_another(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    async with simulator.one_at_a_time:
        asked = [asyncio.create_task(http.get("/vars?name=/sys/info/sw_rev")) for _ in range(3)]
        await simulator.wait_until(lambda stats: stats.in_flight == 3)
        assert not any(task.done() for task in asked)
    for reply in await asyncio.gather(*asked):
        assert reply.status == 200
        reply.release()
    traffic = simulator.stats.kinds["vars"]
    assert (traffic.requests, traffic.max_in_flight, simulator.stats.max_in_flight) == (3, 3, 3)
    async with http.get("/simulator/stats") as reply:
        told = await reply.json()
    assert told["kinds"]["vars"]["bytes_sent"] == told["bytes_sent"] > 0
    assert told["kinds"]["vars"]["requests"] == 3
