"""One connection to equipment: every answer, and everything that is none."""

from __future__ import annotations

import asyncio
import logging
import socket
import termios
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from helpers_master import INPUT, counted, exception, registers, server, settled, tasks_left, turns

from pvsmqtt.sources.modbus_master.door import Door, Network
from pvsmqtt.sources.modbus_master.refusal import ADVICE, BROKEN, EXCEPTIONS, NO_DOOR, Refusal, Refused, of_error

LONG, SHORT = 20.0, 0.05


@pytest.fixture(autouse=True)
async def clean(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nothing is logged by anybody, no task is left."""
    yield
    await settled()
    assert not tasks_left()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def door_to(port: int, timeout: float = LONG, host: str = "127.0.0.1") -> Door:
    return Door(Network(host, port), timeout)


async def refusal(door: Door, unit: int = 1, address: int = 0, count: int = 2) -> Refused:
    with pytest.raises(Refused) as caught:
        await door.read(unit, address, count)
    return caught.value


async def test_registers_of_both_tables() -> None:
    async with server(counted) as there:
        door = door_to(there.port)
        assert await door.read(10, 64, 3) == (64, 65, 66)
        assert await door.read(10, 0, 125, INPUT) == tuple(range(125))
        assert await door.read(247, 65535, 1) == (65535,)
        assert there.connections == 1
        assert [one[7] for one in there.received] == [3, 4, 3]
        assert door.requests == 3
        assert door.bytes == (36, 9 * 3 + 2 * 129)
        await door.close()
        assert not door.is_open


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 99, 255])
async def test_every_exception_leaves_the_connection_open(code: int) -> None:
    answers = iter([code, None])

    def answer(request: bytes) -> bytes:
        refused = next(answers)
        return counted(request) if refused is None else exception(request, refused)

    async with server(answer) as there:
        door = door_to(there.port)
        refused = await refusal(door)
        assert refused.reason is EXCEPTIONS.get(code, Refusal.OTHER)
        assert f"exception {code}" in refused.detail
        assert await door.read(1, 5, 1) == (5,)
        assert there.connections == 1
        await door.close()


WRONG = {
    "transaction": lambda r: bytes([r[0], r[1] ^ 0xFF]) + registers(r, 1, 2)[2:],
    "unit": lambda r: registers(r[:6] + b"\x09" + r[7:], 1, 2),
    "function": lambda r: registers(r[:7] + b"\x04" + r[8:], 1, 2),
    "exception of another function": lambda r: exception(r[:7] + b"\x04" + r[8:], 2),
    "too few registers": lambda r: registers(r, 1),
    "too many registers": lambda r: registers(r, 1, 2, 3),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_an_answer_to_another_question_is_refused_at_once_and_the_next_one_is_right(wrong) -> None:
    answers = iter([wrong, counted])
    async with server(lambda request: next(answers)(request)) as there:
        door = door_to(there.port)
        refused = await refusal(door)
        assert refused.reason is Refusal.WRONG_TRANSACTION
        assert not door.is_open, "what comes next on it could be anything"
        assert await door.read(1, 7, 2) == (7, 8)
        assert there.connections == 2
        await door.close()


NONSENSE = {
    "http": b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/html\r\n\r\n",
    "a long page": b"HTTP/1.0 400 Bad Request\r\n\r\n" + b"x" * 3000,
    "a login": b"\xff\xfb\x01login: ",
    "noise": bytes(range(255, 0, -1)),
    "a length that cannot be": None,
    "a count beyond the answer": None,
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_what_is_no_modbus(what: str) -> None:
    def answer(request: bytes) -> bytes:
        if what == "a length that cannot be":
            return request[:4] + b"\xff\xff" + bytes(20)
        if what == "a count beyond the answer":
            return request[:4] + b"\0\5" + request[6:8] + b"\x80\0\1"
        return NONSENSE[what] or b""

    async with server(answer) as there:
        door = door_to(there.port)
        refused = await refusal(door)
        assert refused.reason in (Refusal.NOT_MODBUS, Refusal.WRONG_TRANSACTION)
        assert "page" not in what or refused.reason is Refusal.NOT_MODBUS
        assert not door.is_open


async def test_half_an_answer_and_then_the_end() -> None:
    async def answer(request: bytes) -> bytes | None:
        for writer in there.writers:
            writer.write(registers(request, 1, 2)[:9])
            await writer.drain()
        return None

    async with server(answer) as there:
        door = door_to(there.port)
        assert (await refusal(door)).reason is Refusal.CLOSED


async def test_half_an_answer_and_then_silence_is_bounded() -> None:
    async with server(lambda request: registers(request, 1, 2)[:9]) as there:
        door = door_to(there.port, SHORT)
        refused = await refusal(door)
        assert refused.reason is Refusal.TIMEOUT
        assert "no answer in 0.05 s" in refused.detail


async def test_silence_is_bounded_and_what_comes_late_answers_nobody() -> None:
    late = asyncio.Event()
    requests: list[bytes] = []

    async def answer(request: bytes) -> bytes:
        requests.append(request)
        if len(requests) == 1:
            await late.wait()
            return registers(request, 666, 666)
        late.set()
        return counted(request)

    async with server(answer) as there:
        door = door_to(there.port, 0.3)
        assert (await refusal(door)).reason is Refusal.TIMEOUT
        assert await door.read(1, 4, 2) == (4, 5)
        await door.close()


async def test_an_answer_in_crumbs() -> None:
    async def answer(request: bytes) -> bytes:
        whole = counted(request)
        for writer in there.writers:
            for at in range(len(whole) - 1):
                writer.write(whole[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0)
        return whole[-1:]

    async with server(answer) as there:
        door = door_to(there.port)
        assert await door.read(1, 40000, 4) == (40000, 40001, 40002, 40003)
        await door.close()


async def test_cancelled_in_mid_read_and_then_used_again() -> None:
    hold = asyncio.Event()
    first = True

    async def answer(request: bytes) -> bytes:
        nonlocal first
        if first:
            first = False
            await hold.wait()
            return registers(request, 666, 666)
        return counted(request)

    async with server(answer) as there:
        door = door_to(there.port)
        reading = asyncio.create_task(door.read(1, 0, 2))
        await there.news.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not door.is_open
        hold.set()
        assert await door.read(1, 3, 2) == (3, 4)
        await door.close()


async def test_cancelled_while_it_opens() -> None:
    with socket.socket() as full:  # its queue is full: who comes now hears nothing
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        crowd = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(full.getsockname())
            crowd.append(one)
        door = door_to(full.getsockname()[1])
        reading = asyncio.create_task(door.read(1, 0, 1))
        await settled()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not door.is_open
        quick = door_to(full.getsockname()[1], SHORT)
        refused = await refusal(quick)
        assert refused.reason is Refusal.UNREACHABLE
        assert "does not answer" in refused.detail
        for one in crowd:
            one.close()


async def test_a_server_that_hangs_up_between_requests() -> None:
    async with server(counted) as there:
        door = door_to(there.port)
        assert await door.read(1, 1, 1) == (1,)
        there.hang_up()
        await turns(lambda: not door.is_open)
        assert await door.read(1, 2, 1) == (2,)
        assert there.connections == 2
        await door.close()


async def test_bytes_that_nobody_asked_for_cost_a_connection_and_no_answer() -> None:
    async with server(counted) as there:
        door = door_to(there.port)
        assert await door.read(1, 1, 1) == (1,)
        for writer in there.writers:
            writer.write(b"\x12\x34 hello")
        await turns(lambda: door._guard.doubt)
        assert await door.read(1, 2, 1) == (2,)
        assert there.connections == 2
        await door.close()


async def test_an_answer_that_comes_twice_does_no_harm() -> None:
    async with server(lambda request: counted(request) * 2) as there:
        door = door_to(there.port)
        for at in range(5):
            assert await door.read(1, at, 1) == (at,)
        await door.close()


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused = await refusal(door_to(port))
    assert refused.reason is Refusal.REFUSED
    assert "Modbus TCP is switched on" in str(refused)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".local"])
async def test_a_name_that_is_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        if host == "no-such-host.invalid":
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert (await refusal(door_to(502, host=host))).reason is Refusal.NAME


async def test_a_host_with_several_addresses_of_which_none_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tells all errors as one text then."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in (1, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    assert (await refusal(door_to(port, host="both.example"))).reason is Refusal.REFUSED


async def test_ipv6() -> None:
    try:
        async with server(counted, "::1") as there:
            door = door_to(there.port, host="::1")
            assert door.name == f"[::1]:{there.port}"
            assert await door.read(1, 9, 1) == (9,)
            await door.close()
    except OSError:
        pytest.skip("no IPv6 here")


def test_every_reason_has_advice() -> None:
    assert ADVICE.keys() == set(Refusal)
    assert NO_DOOR < BROKEN
    assert not BROKEN & set(EXCEPTIONS.values())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), Refusal.UNREACHABLE),
        (OSError(113, "x"), Refusal.UNREACHABLE),
        (OSError(101, "x"), Refusal.UNREACHABLE),
        (ConnectionResetError(104, "x"), Refusal.CLOSED),
        (FileNotFoundError(2, "x"), Refusal.MISSING),
        (PermissionError(13, "x"), Refusal.DENIED),
        (OSError(16, "x"), Refusal.TAKEN),
        (OSError(11, "Could not exclusively lock port"), Refusal.TAKEN),
        (termios.error(22, "Invalid argument"), Refusal.SETTING),
        (ValueError("Not a valid baudrate: 51"), Refusal.SETTING),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 101] x"), Refusal.REFUSED),
    ],
)
def test_errors_of_the_system(error: Exception, reason: Refusal) -> None:
    refused = of_error(error, "there")
    assert refused.reason is reason
    assert refused.detail.startswith("there")
