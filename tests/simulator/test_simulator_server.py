"""The server on a real socket: what is asked, what is answered, what is counted."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older.dl_cgi import device_list
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
HOUSE = House(4)
LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
LIST_PATHS = [LIST, "/cgi-bin/dl_cgi/devices/list"]
INFO = "/cgi-bin/dl_cgi/supervisor/info"


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def http(simulator: PvsSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.url) as session:
        yield session


async def get_json(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as reply:
        assert reply.status == 200
        return await reply.json()


@pytest.mark.parametrize("path", LIST_PATHS)
async def test_the_house_is_served(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as reply:
        assert reply.status == 200
        assert reply.content_type == "application/json"
        assert reply.headers["Server"] == "lighttpd/1.4.51"
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert await reply.read() == device_list(HOUSE, NOON)


@pytest.mark.parametrize("path", LIST_PATHS)
async def test_a_payload_is_served_byte_for_byte(
    simulator: PvsSimulator, http: aiohttp.ClientSession, path: str
) -> None:
    simulator.payload = b'\xef\xbb\xbf {"devices" :\r\n[ ]}\x00\n'
    async with http.get(path) as reply:
        assert await reply.read() == simulator.payload


async def test_supervisor_info_is_that_of_the_house(http: aiohttp.ClientSession) -> None:
    info = await get_json(http, INFO)
    assert info["supervisor"]["SERIAL"] == HOUSE.serials.supervisor


async def test_info_follows_the_payload(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    other = House(1, seed=9)
    simulator.payload = device_list(other, NOON)
    info = await get_json(http, INFO)
    assert info["supervisor"]["SERIAL"] == other.serials.supervisor


@pytest.mark.parametrize("query", ["", "?Command=StartDiscovery", "?Command=devicelist"])
async def test_other_commands_are_unknown(http: aiohttp.ClientSession, query: str) -> None:
    assert await get_json(http, f"/cgi-bin/dl_cgi{query}") == {"result": "unknown command"}


async def test_other_paths_do_not_exist(http: aiohttp.ClientSession) -> None:
    async with http.get("/vars?name=/sys/info/sw_rev") as reply:
        assert reply.status == 404


async def test_waiting_requests_are_counted(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    simulator.delay = 3600
    waiting = [asyncio.create_task(http.get(LIST)) for _ in range(2)]
    await simulator.wait_until(lambda stats: stats.in_flight == 2)
    for task in waiting:
        task.cancel()
    await simulator.wait_until(lambda stats: stats.in_flight == 0)
    assert (simulator.stats.device_lists, simulator.stats.max_in_flight) == (2, 2)
    assert [request.path for request in simulator.stats.requests] == [LIST, LIST]


async def test_only_the_list_is_delayed(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    simulator.delay = 3600
    assert await get_json(http, INFO)
    simulator.delay = 0.01
    assert await get_json(http, LIST)


async def test_a_crash_in_a_handler_is_a_500_and_no_more(
    simulator: PvsSimulator, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> datetime:
        raise RuntimeError("the clock has stopped")

    simulator.clock = broken
    async with http.get(LIST) as reply:
        assert reply.status == 500
    assert "the clock has stopped" in caplog.text
    simulator.clock = None
    assert await get_json(http, LIST)


async def test_faults_are_switched_over_http(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    assert await get_json(http, "/simulator/fault/empty") == {"fault": "empty"}
    async with http.get(LIST) as reply:
        assert await reply.read() == b""
    async with http.post("/simulator/fault/none") as reply:
        assert await reply.json() == {"fault": None}
    assert await get_json(http, LIST)


async def test_an_unknown_fault_is_answered_with_the_known_ones(
    simulator: PvsSimulator, http: aiohttp.ClientSession
) -> None:
    async with http.get("/simulator/fault/earthquake") as reply:
        assert reply.status == 404
        known = (await reply.json())["known"]
    assert set(known.split(", ")) == {"none", *ALL_FAULTS}
    assert simulator.fault is None


async def test_a_fault_can_end_by_itself(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    assert await get_json(http, "/simulator/fault/hang?seconds=0") == {"fault": "hang"}
    assert await get_json(http, LIST)
    assert simulator.fault is None
    async with http.get("/simulator/fault/hang?seconds=soon") as reply:
        assert reply.status == 400


async def test_statistics_over_http(http: aiohttp.ClientSession) -> None:
    await get_json(http, LIST)
    stats = await get_json(http, "/simulator/stats")
    assert (stats["device_lists"], stats["in_flight"], stats["max_in_flight"]) == (1, 0, 1)
    assert [request["path"] for request in stats["requests"]] == [LIST]
    assert stats["now"] == NOON.isoformat()


async def test_simulated_time_starts_where_it_is_told_and_runs_faster() -> None:
    simulator = PvsSimulator(house=HOUSE, start_at=NOON, speed=1e6)
    await simulator.start()
    try:
        first = simulator.now()
        await asyncio.sleep(0)
        assert NOON <= first < simulator.now()
    finally:
        await simulator.stop()


def test_without_settings_the_simulated_time_is_the_real_one() -> None:
    before = datetime.now(UTC)
    assert before <= PvsSimulator(house=HOUSE).now() <= before + timedelta(minutes=1)


async def test_a_port_in_use_is_an_error(simulator: PvsSimulator) -> None:
    other = PvsSimulator(house=HOUSE, port=simulator.port)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await other.stop()


async def test_a_house_of_400_panels_is_one_valid_document(
    simulator: PvsSimulator, http: aiohttp.ClientSession
) -> None:
    simulator.house = House(400, ess=True)
    async with http.get(LIST) as reply:
        assert len(json.loads(await reply.read())["devices"]) == 3 + 400 + 9
