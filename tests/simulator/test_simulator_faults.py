"""Every fault as it looks on the wire, read with plain streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS, DEPTH, FAULTS, HUGE_SIZE, Fault, table

HOUSE = House(2)
LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
INFO = "/cgi-bin/dl_cgi/supervisor/info"


@pytest.fixture
async def simulator(caplog: pytest.LogCaptureFixture) -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=HOUSE)
    await simulator.start()
    yield simulator
    await simulator.stop()
    assert not caplog.records, "a fault is no reason to log"


@asynccontextmanager
async def asked(simulator: PvsSimulator, path: str = LIST) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which a request has been sent."""
    reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: pvs\r\nConnection: close\r\n\r\n".encode())
        yield reader
    finally:
        writer.transport.abort()


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = text.rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {name.lower(): value for name, value in headers.items()}


async def answer(simulator: PvsSimulator, path: str = LIST) -> tuple[int, str, bytes]:
    """Status, content type and a body of the announced length."""
    async with asked(simulator, path) as reader:
        status, headers = await head(reader)
        body = await reader.readexactly(int(headers["content-length"]))
        assert await reader.read() == b""
        return status, headers["content-type"], body


def not_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


COMPLETE: dict[str, tuple[int, str, Callable[[bytes], bool]]] = {
    "http-503": (503, "text/html", lambda body: b"503 - Service Not Available" in body),
    "http-403": (403, "application/json", lambda body: json.loads(body)["error"] == "Unauthorized"),
    "http-500": (500, "text/html", lambda body: b"500 - Internal Server Error" in body),
    "html": (200, "text/html", lambda body: b"password" in body and not_json(body)),
    "truncated": (200, "application/json", lambda body: b'"devices"' in body and not_json(body)),
    "mime-error": (
        200,
        "application/json",
        lambda body: json.loads(body)["msg"] == "Could not connect to mime.",
    ),
    "headers-in-body": (
        200,
        "application/json",
        lambda body: not_json(body) and len(json.loads(body[body.index(b"{") :])["devices"]) == 5,
    ),
    "deep": (200, "application/json", lambda body: len(body) > 2 * DEPTH and not_json(body)),
    "empty": (200, "application/json", lambda body: body == b""),
    "wrong-shape": (200, "application/json", lambda body: isinstance(json.loads(body)["devices"], dict)),
}


@pytest.mark.parametrize("name", COMPLETE)
async def test_faults_with_a_complete_reply(simulator: PvsSimulator, name: str) -> None:
    simulator.fault = name
    status, content_type, body = await answer(simulator)
    assert (status, content_type) == COMPLETE[name][:2]
    assert COMPLETE[name][2](body)


async def test_reset(simulator: PvsSimulator) -> None:
    simulator.fault = "reset"
    async with asked(simulator) as reader:
        with pytest.raises(ConnectionResetError):
            await reader.read()
    assert simulator.stats.device_lists == 1


async def test_refuse(simulator: PvsSimulator) -> None:
    simulator.fault = "refuse"
    reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert not simulator.stats.requests


async def test_refuse_on_a_connection_made_before(simulator: PvsSimulator) -> None:
    async with asked(simulator) as reader:
        simulator.fault = "refuse"
        assert await reader.read() == b""


async def test_half_closed(simulator: PvsSimulator) -> None:
    simulator.fault = "half-closed"
    async with asked(simulator) as reader:
        _, headers = await head(reader)
        body = await reader.read()
    assert 0 < len(body) == int(headers["content-length"]) // 2


async def test_huge(simulator: PvsSimulator) -> None:
    simulator.fault = "huge"
    received = last = b""
    size = 0
    async with asked(simulator) as reader:
        await head(reader)
        while last := await reader.read(1 << 20):
            size += len(last)
            received = received[-200:] + last
    assert size > HUGE_SIZE * 0.99
    assert b'"result":"succeed"}' in received


async def test_endless(simulator: PvsSimulator) -> None:
    simulator.fault = "endless"
    async with asked(simulator) as reader:
        await head(reader)
        for _ in range(64):
            await reader.readexactly(1 << 16)
    await simulator.wait_until(lambda stats: stats.in_flight == 0)


async def test_hang(simulator: PvsSimulator) -> None:
    simulator.fault = "hang"
    async with asked(simulator):
        await simulator.wait_until(lambda stats: stats.in_flight == 1)
    await simulator.wait_until(lambda stats: stats.in_flight == 0)


async def test_slow_loris(simulator: PvsSimulator) -> None:
    simulator.fault = "slow-loris"
    async with asked(simulator) as reader:
        await head(reader)
        assert await reader.readexactly(1) == b"{"
        assert simulator.stats.in_flight == 1
    await simulator.wait_until(lambda stats: stats.in_flight == 0)


@pytest.mark.parametrize("name", ["hang", "endless", "slow-loris"])
async def test_the_server_stops_in_the_middle_of_a_fault(name: str) -> None:
    simulator = PvsSimulator(house=HOUSE, fault=name)
    await simulator.start()
    async with asked(simulator) as reader:
        await simulator.wait_until(lambda stats: stats.in_flight == 1)
        await simulator.stop()
        with suppress(ConnectionResetError):
            while await reader.read(1 << 20):
                pass
    assert simulator.stats.in_flight == 0


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.list_only])
async def test_faults_of_the_list_leave_the_rest_alone(simulator: PvsSimulator, name: str) -> None:
    simulator.fault = name
    status, _, body = await answer(simulator, INFO)
    assert status == 200
    assert json.loads(body)["result"] == "succeed"


@pytest.mark.parametrize("name", FAULTS)
async def test_after_any_fault_the_house_is_back(simulator: PvsSimulator, name: str) -> None:
    simulator.fault = name
    async with asked(simulator) as reader:
        if name == "hang":
            await simulator.wait_until(lambda stats: stats.in_flight == 1)
        else:
            with suppress(ConnectionResetError):
                await reader.read(1)
    simulator.fault = None
    status, _, body = await answer(simulator)
    assert status == 200
    assert len(json.loads(body)["devices"]) == 5


@pytest.mark.parametrize(("name", "fault"), ALL_FAULTS.items())
def test_help_has_one_line_for_each(name: str, fault: Fault) -> None:
    assert "\n" not in fault.description
    lines = [line for line in table().splitlines() if line.split()[0] == name]
    assert len(lines) == 1
    assert fault.description in lines[0]
    assert len(lines[0]) < 80
