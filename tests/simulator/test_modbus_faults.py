"""Every fault does what it says, seen by a client that hides nothing; and nothing else goes wrong with it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from helpers_modbus_tcp import Refused, Watch, connected

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.modbus_server.answers import Asked
from pvsmqtt.simulator.modbus_server.faults import KINDS, Fault, Faults
from pvsmqtt.simulator.rs485.traffic import house_of

HERE = (1, 0x004C, 2)
"""A read that is answered."""


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[ConextSimulator]:
    simulator = ConextSimulator(house=house_of(1), clock=Watch())
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.mark.parametrize(
    ("kind", "code"), [("busy", 6), ("failure", 4), ("no-address", 2), ("away", 11), ("no-path", 10)]
)
async def test_exceptions(simulator: ConextSimulator, kind: str, code: int) -> None:
    simulator.faults.add(kind, times=2)
    async with connected(simulator.native_port) as client:
        for _ in range(2):
            with pytest.raises(Refused, match=f"^{code}$"):
                await client.read(*HERE)
        assert len(await client.read(*HERE)) == 2
    assert [(one.refused, one.fault) for one in simulator.requests] == [(code, kind), (code, kind), (None, None)]
    assert simulator.log.refused == 2


async def test_a_fault_meets_only_what_it_names(simulator: ConextSimulator) -> None:
    simulator.faults.add("busy", unit=10)
    simulator.faults.add("failure", address=0x0053)
    simulator.faults.add("away", port="sunspec")
    async with connected(simulator.native_port) as native, connected(simulator.sunspec_port) as sunspec:
        assert await native.read(1, 0x0054, 2)
        assert await native.read(1, 0x0050, 2)
        with pytest.raises(Refused, match="4"):
            await native.read(1, 0x0050, 4)
        with pytest.raises(Refused, match="6"):
            await native.read(10, 0x0050, 2)
        with pytest.raises(Refused, match="11"):
            await sunspec.read(1, 40000, 2)


async def test_a_share_is_a_share_and_always_the_same_one(simulator: ConextSimulator) -> None:
    simulator.faults.add("busy", share=0.25)
    async with connected(simulator.native_port) as client:
        for _ in range(400):
            with contextlib.suppress(Refused):
                await client.read(*HERE)
    first = [one.refused for one in simulator.requests]
    assert 60 < first.count(6) < 140
    unit, address, count = HERE
    asked, faults = Asked(unit, 3, address, count, 1, None), Faults(simulator.seed)
    faults.add("busy", share=0.25)
    again = [6 if list(faults.meeting("native", asked)) else None for _ in range(400)]
    assert again == first


async def test_faults_are_taken_back_and_cleared(simulator: ConextSimulator) -> None:
    busy, failure = simulator.faults.add("busy"), simulator.faults.add("failure")
    async with connected(simulator.native_port) as client:
        for expected, off in (("6", busy), ("4", failure)):
            with pytest.raises(Refused, match=expected):
                await client.read(*HERE)
            simulator.faults.remove(off)
        assert await client.read(*HERE)
        simulator.faults.add("silent")
        simulator.faults.clear()
        assert await client.read(*HERE)
    assert (busy.happened, failure.happened) == (1, 1)


async def test_slow_waits_and_lets_the_next_fault_have_its_turn(
    simulator: ConextSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("pvsmqtt.simulator.modbus_server.station.asyncio.sleep", sleep)
    simulator.faults.add("slow", seconds=37, times=2)
    simulator.faults.add("busy", times=1)
    async with connected(simulator.native_port) as client:
        with pytest.raises(Refused, match="6"):
            await client.read(*HERE)
        assert await client.read(*HERE)
        assert await client.read(*HERE)
    assert waited == [37, 37]


async def test_a_slow_answer_holds_nobody_else_up_and_can_be_ended(simulator: ConextSimulator) -> None:
    simulator.faults.add("slow", seconds=3600, unit=10)
    async with connected(simulator.native_port) as slow, connected(simulator.native_port) as other:
        slow.ask(10, 0x0050, 2)
        await slow.writer.drain()
        await simulator.until(lambda: any(one.fault == "slow" for one in simulator.requests))
        assert await other.read(*HERE)
        await simulator.stop()
        with pytest.raises((EOFError, OSError)):
            await slow.answer()


async def test_silence_is_silence_for_that_request_alone(simulator: ConextSimulator) -> None:
    simulator.faults.add("silent", times=1)
    async with connected(simulator.native_port) as client:
        client.ask(*HERE)
        client.ask(*HERE)
        transaction, _, _ = await client.answer()
        assert transaction == 2
    assert [one.fault for one in simulator.requests] == ["silent", None]


async def test_half_an_answer_and_none_then_the_connection_is_closed(simulator: ConextSimulator) -> None:
    simulator.faults.add("half", times=1)
    simulator.faults.add("drop", times=1)
    async with connected(simulator.native_port) as client:
        whole = 7 + 2 + 4
        client.ask(*HERE)
        got = await client.reader.read()
        assert len(got) == whole // 2
        assert got[:2] == b"\0\1"
    async with connected(simulator.native_port) as client:
        client.ask(*HERE)
        assert await client.reader.read() == b""
    async with connected(simulator.native_port) as client:
        assert await client.read(*HERE)
    assert simulator.connections == 3


async def test_another_transaction_and_another_unit(simulator: ConextSimulator) -> None:
    simulator.faults.add("transaction", times=1)
    simulator.faults.add("wrong-unit", times=1)
    async with connected(simulator.native_port) as client:
        client.ask(*HERE)
        first = await client.answer()
        client.ask(*HERE)
        second = await client.answer()
        right = await client.read(*HERE)
    assert first[0] != 1
    assert first[1] == 1
    assert second[0] == 2
    assert second[1] != 1
    assert first[2] == second[2] == b"\3\4" + b"".join(word.to_bytes(2) for word in right)


async def test_garbage_is_as_long_as_the_answer_and_is_none(simulator: ConextSimulator) -> None:
    simulator.faults.add("garbage", times=1)
    async with connected(simulator.native_port) as client:
        client.ask(*HERE)
        junk = await client.reader.readexactly(13)
        assert junk[:6] != b"\0\1\0\0\0\7"
        assert await client.read(*HERE)


async def test_a_second_client_is_refused_while_there_is_a_first(simulator: ConextSimulator) -> None:
    simulator.faults.add("one-client")
    async with connected(simulator.native_port) as first:
        assert await first.read(*HERE)
        async with connected(simulator.native_port) as second:
            with pytest.raises((EOFError, OSError)):
                await second.read(*HERE)
        async with connected(simulator.sunspec_port) as elsewhere:
            assert await elsewhere.read(1, 40000, 2)
        assert await first.read(*HERE)
    await simulator.until(lambda: not simulator.connected)
    async with connected(simulator.native_port) as third:
        assert await third.read(*HERE)
    assert simulator.connections == 4


async def test_a_reboot_ends_connections_refuses_new_ones_and_is_over(
    simulator: ConextSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, back = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        assert seconds == 40
        away.set()
        await back.wait()

    ports = simulator.native_port, simulator.sunspec_port
    async with connected(simulator.native_port) as client:
        assert await client.read(*HERE)
        monkeypatch.setattr("pvsmqtt.simulator.modbus_server.served.asyncio.sleep", sleep)
        reboot = asyncio.create_task(simulator.reboot(40))
        await away.wait()
        with pytest.raises((EOFError, OSError)):
            await client.read(*HERE)
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
    back.set()
    await reboot
    assert (simulator.native_port, simulator.sunspec_port) == ports
    async with connected(simulator.native_port) as client:
        assert await client.read(*HERE)


async def test_a_port_that_is_taken_leaves_the_other_one_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        busy, other = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        simulator = ConextSimulator(house=house_of(1), sunspec_port=other, native_port=busy)
        with pytest.raises(OSError, match="in use"):
            await simulator.start()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", other)


def test_a_fault_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'bsy' is no fault: busy, "):
        Fault("bsy")
    with pytest.raises(TypeError):
        Faults().add("busy", seldom=True)
    assert all(Fault(kind) for kind in KINDS)
