"""A Conext Gateway is searched for where a PVS puts it, gently, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from helpers_conext import write_maps
from helpers_master import Clock, counted, exception, server, settled, tasks_left
from helpers_modbus_tcp import NOON

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.source import MasterSource
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_tcp import finding
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions
from pvsmqtt.sources.modbus_tcp.setup import LONGEST_SEARCH, Memory, setup

HOSTS = [f"127.0.0.{last}" for last in range(50, 56)]


@pytest.fixture
async def gateway() -> AsyncIterator[ConextSimulator]:
    there = ConextSimulator(clock=lambda: NOON, host=HOSTS[2])
    await there.start()
    yield there
    await there.stop()
    assert there.writes == 0


@pytest.fixture
def nearby(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "ADDRESSES", tuple(HOSTS))
    monkeypatch.setattr(finding, "own_address", lambda: "127.0.0.1")
    monkeypatch.setattr(finding.search, "__defaults__", (tuple(HOSTS), *finding.search.__defaults__[1:-1], 0.0))


def test_only_the_addresses_that_a_pvs_uses() -> None:
    assert finding.ADDRESSES[0] == "172.27.153.50"
    assert finding.ADDRESSES[-1] == "172.27.153.99"
    assert len(finding.ADDRESSES) == 50
    assert all(ip_address(address) in finding.NETWORK for address in finding.ADDRESSES)


async def test_what_answers_is_found_at_both_ports_and_little_is_asked(gateway: ConextSimulator) -> None:
    tried: list[str] = []
    ports = (gateway.sunspec_port, gateway.native_port)
    found = await finding.search(ports, HOSTS, tried.append, 0.0)
    assert tried == HOSTS
    assert [(one.host, one.port) for one in found] == [(HOSTS[2], port) for port in ports]
    assert [one.unit and one.unit.language for one in found] == [Language.SUNSPEC, Language.NATIVE]
    assert len(gateway.requests) <= 5
    assert {one.unit for one in gateway.requests} == {1}
    await settled()
    assert not tasks_left() or all("TcpPort" in repr(task) for task in tasks_left())


async def test_what_speaks_something_else_is_not_found() -> None:
    async with server(lambda _: b"HTTP/1.0 400 Bad Request\r\n\r\n") as web:
        assert await finding.search([web.port], ["127.0.0.1"], pause=0.0) == []


async def test_modbus_without_a_gateway_is_seen_and_not_taken(nearby: None) -> None:
    async with server(lambda request: exception(request, 2)) as other:
        (found,) = await finding.search([other.port], ["127.0.0.1"], pause=0.0)
        assert found.unit is None
    async with server(counted, HOSTS[0]) as other:
        with pytest.raises(Refused) as caught:
            await finding.locate(None, [other.port])
        assert caught.value.reason is Refusal.NOT_FOUND


async def test_nothing_is_tried_from_another_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("an address was tried")

    monkeypatch.setattr(finding, "own_address", lambda: None)
    monkeypatch.setattr(asyncio, "open_connection", never)
    with pytest.raises(Refused) as caught:
        await finding.locate("172.27.153.60", (502, 503))
    assert caught.value.reason is Refusal.NOT_FOUND
    assert "no address in 172.27.153.0/24" in str(caught.value)


def test_the_own_address_is_found_without_a_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe(socket.socket):
        own = "172.27.153.7"

        def connect(self, address: Any) -> None:
            assert address[0] in finding.ADDRESSES

        def getsockname(self) -> Any:
            return (self.own, 1)

    monkeypatch.setattr(socket, "socket", Probe)
    assert finding.own_address() == "172.27.153.7"
    Probe.own = "192.168.1.4"
    assert finding.own_address() is None


async def test_it_is_found_and_remembered(nearby: None, gateway: ConextSimulator) -> None:
    ports = (gateway.sunspec_port, gateway.native_port)
    assert await finding.locate(None, ports) == HOSTS[2]
    asked = gateway.connections
    assert await finding.locate(HOSTS[2], ports) == HOSTS[2]
    assert gateway.connections - asked <= 4
    for junk in (5, "192.168.1.1", "127.0.0.1", ["x"], HOSTS[4]):
        assert await finding.locate(junk, ports) == HOSTS[2]


async def test_two_gateways_are_not_guessed_about(nearby: None, gateway: ConextSimulator) -> None:
    other = ConextSimulator(clock=lambda: NOON, host=HOSTS[4], sunspec_port=gateway.sunspec_port)
    await other.start()
    try:
        with pytest.raises(Refused) as caught:
            await finding.locate(None, [gateway.sunspec_port])
        assert caught.value.reason is Refusal.AMBIGUOUS
        assert f"{HOSTS[2]}, {HOSTS[4]}" in str(caught.value)
    finally:
        await other.stop()


async def test_a_source_that_searches(nearby: None, gateway: ConextSimulator, tmp_path: Path) -> None:
    clock = Clock()
    ports = [gateway.sunspec_port, gateway.native_port]
    options = ModbusTcpOptions(host="auto", ports=ports, maps=write_maps(tmp_path), timeout=20)
    known = Memory(tmp_path, options.called)
    source = MasterSource(setup(options, known), known, clock.wall, clock.monotonic, clock.sleep, lambda: 1.0)

    async def units() -> int:
        clock.now += 15
        return sum(reading.device.modbus_unit is not None for reading in await source.cycle())

    await gateway.stop()
    rests = []
    for _ in range(10):
        assert await units() == 0
        assert source.health.trouble == "not_found"
        rests.append(source._rest(0.0))
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_SEARCH
    await gateway.start()
    assert await units() == 3
    assert known.get("host") == HOSTS[2]
    assert Memory(tmp_path, options.called).get("host") == HOSTS[2]
    await gateway.stop()
    for _ in range(6):
        assert await units() == 0
    gateway.host = HOSTS[3]
    for port in gateway.ports:
        port.host = HOSTS[3]  # type: ignore[attr-defined]
    await gateway.start()
    assert await units() == 3, "it has another address since"
    assert known.get("host") == HOSTS[3]
    await source.close()
