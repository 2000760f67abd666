"""Finding a broker: at places, and by what announces itself. Everything stays on the loopback network."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator

import pytest
from harness import free_port
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from pvsmqtt.broker import finding
from pvsmqtt.broker.finding import Found


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "INTERFACES", ("127.0.0.1",))
    monkeypatch.setattr(finding, "TYPES", {})
    monkeypatch.setattr(finding, "LISTEN", 0.0)


@pytest.fixture
async def listening() -> AsyncIterator[int]:
    """The port of something that listens and says nothing."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", free_port())
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def test_places(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    """Where nobody listens or no name leads is left out, and a second name of a place too."""
    names = [
        ("nowhere.invalid", listening),
        ("127.0.0.1", free_port()),
        ("127.0.0.1", listening),
        ("localhost", listening),
    ]
    monkeypatch.setattr(finding, "PLACES", tuple(names))
    assert await finding.find() == [Found("127.0.0.1", listening, "it answers")]


async def test_nothing_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PLACES", ())
    assert await finding.find() == []


async def test_announcements(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    """A broker announces its port; Home Assistant that of its pages, and the usual one is taken."""
    broker, home = (f"_m{uuid.uuid4().hex[:10]}._tcp.local." for _ in range(2))
    usual = free_port()
    monkeypatch.setattr(finding, "PLACES", ())
    monkeypatch.setattr(finding, "TYPES", {broker: None, home: usual})
    monkeypatch.setattr(finding, "LISTEN", 3.0)
    radio = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", usual)
    try:
        for kind, name, port in ((broker, "Mosquitto", listening), (home, "Home", 8123)):
            info = AsyncServiceInfo(
                kind, f"{name}.{kind}", port, server=f"{name}.local.", addresses=[socket.inet_aton("127.0.0.1")]
            )
            await (await radio.async_register_service(info, cooperating_responders=True))
        found: list[Found] = []
        async with asyncio.timeout(60):
            while len(found) < 2:
                found = await finding.find()
        assert {(one.host, one.port, one.how) for one in found} == {
            ("127.0.0.1", listening, "it announces itself as Mosquitto"),
            ("127.0.0.1", usual, "it announces itself as Home"),
        }
    finally:
        server.close()
        await radio.async_close()


async def test_a_machine_that_cannot_listen(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    monkeypatch.setattr(finding, "PLACES", (("127.0.0.1", listening),))
    monkeypatch.setattr(finding, "INTERFACES", ("203.0.113.9",))
    assert [one.port for one in await finding.find()] == [listening]
