"""The client against a real server on the loopback that does what a supervisor does, and worse."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers_pvs import FakePvs, any_certificate, client_of, place

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.faults import FAULTS
from pvsmqtt.sources.pvs.access import client as client_module
from pvsmqtt.sources.pvs.access.client import PvsClient, parse
from pvsmqtt.sources.pvs.access.requests import DEVICE_LIST, LOG_IN, SUPERVISOR_INFO, search
from pvsmqtt.sources.pvs.older.dl_cgi import decode
from pvsmqtt.sources.pvs.refusal import ADVICE, Refusal, Refused

READABLE = None
"""The reply can be used in spite of the fault."""

EXPECTED: dict[str, Refusal | None] = {
    "http-503": Refusal.BUSY,
    "http-403": Refusal.FORBIDDEN,
    "http-500": Refusal.SERVER_ERROR,
    "reset": Refusal.BROKEN_OFF,
    "refuse": Refusal.BROKEN_OFF,
    "half-closed": Refusal.BROKEN_OFF,
    "html": Refusal.HTML,
    "truncated": Refusal.NOT_JSON,
    "mime-error": Refusal.NOT_SUCCEED,
    "headers-in-body": READABLE,
    "huge": Refusal.TOO_LARGE,
    "endless": Refusal.TOO_LARGE,
    "hang": Refusal.TIMEOUT,
    "slow-loris": Refusal.TIMEOUT,
    "deep": Refusal.NOT_JSON,
    "empty": Refusal.EMPTY,
    "wrong-shape": Refusal.WRONG_SHAPE,
}
NEVER_END = {"hang", "slow-loris"}

PATIENCE = 30.0
"""Seconds after which a client that should have given up counts as hanging."""

LIST = b'{"devices": [{"SERIAL": "E1", "DEVICE_TYPE": "Inverter"}], "result": "succeed"}'

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=House(panels=2))
    await simulator.start()
    yield simulator
    await simulator.stop()


@asynccontextmanager
async def server(answer: Handler) -> AsyncIterator[str]:
    """A web server of a few lines: reads a request, then does as told, then closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"


def answering(body: bytes, head: str = "HTTP/1.1 200 OK", **headers: str) -> Handler:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [head, *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def client_at(url: str, longest: float = 20.0) -> PvsClient:
    return PvsClient(place(url), any_certificate(), longest)


async def get(url: str, total: float = 20.0) -> Any:
    async with asyncio.timeout(PATIENCE), client_at(url, total) as client:
        return await client.get(DEVICE_LIST)


async def refusal(url: str, total: float = 20.0) -> Refused:
    with pytest.raises(Refused) as refused:
        await get(url, total)
    return refused.value


def test_every_fault_of_the_simulator_has_an_expectation() -> None:
    assert EXPECTED.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_is_a_typed_refusal(simulator: PvsSimulator, fault: str) -> None:
    simulator.fault = fault
    total = 0.3 if fault in NEVER_END else 20.0
    expected = EXPECTED[fault]
    if expected is READABLE:
        assert decode(await get(simulator.url, total), "test").readings
        return
    with pytest.raises(Refused) as refused:
        decode(await get(simulator.url, total), "test")
    assert refused.value.reason is expected
    assert refused.value.advice == ADVICE[expected]
    assert str(refused.value) == f"{refused.value.detail}: {refused.value.advice}"


async def test_a_reply_is_read_whole(simulator: PvsSimulator) -> None:
    async with client_at(simulator.url) as client:
        assert len(decode(await client.get(DEVICE_LIST), "test").readings) == 5
        info = await client.get(SUPERVISOR_INFO)
    assert info["supervisor"]["MODEL"] == "PVS6"


async def test_one_request_is_in_flight(simulator: PvsSimulator) -> None:
    simulator.delay = 0.02
    async with client_at(simulator.url) as client:
        await asyncio.gather(*(client.get(DEVICE_LIST) for _ in range(4)))
    assert (simulator.stats.device_lists, simulator.stats.max_in_flight) == (4, 1)


async def test_after_a_refusal_the_next_request_is_a_new_one(simulator: PvsSimulator) -> None:
    async with client_at(simulator.url) as client:
        for fault in ("reset", "half-closed", "huge", "http-403"):
            simulator.fault = fault
            with pytest.raises(Refused):
                await client.get(DEVICE_LIST)
            simulator.fault = None
            assert decode(await client.get(DEVICE_LIST), "test").readings


async def test_a_half_closed_reply_that_holds_the_whole_document_is_taken() -> None:
    async with server(answering(LIST, Content_Length="100000")) as url:
        assert await get(url) == json.loads(LIST)


async def test_a_chunked_reply_without_its_end_is_taken() -> None:
    chunk = f"{len(LIST):x}\r\n".encode() + LIST + b"\r\n"
    async with server(answering(chunk, Transfer_Encoding="chunked")) as url:
        assert await get(url) == json.loads(LIST)


async def test_half_a_document_is_broken_off() -> None:
    async with server(answering(LIST[:40], Content_Length=str(len(LIST)))) as url:
        assert (await refusal(url)).reason is Refusal.BROKEN_OFF
    async with server(answering(b"", Content_Length=str(len(LIST)))) as url:
        assert (await refusal(url)).reason is Refusal.BROKEN_OFF


async def test_a_body_that_trickles_for_ever_is_bounded() -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with server(trickle) as url:
        assert (await refusal(url, total=0.2)).reason is Refusal.TIMEOUT


async def test_nothing_beyond_the_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST", len(LIST))
    async with server(answering(LIST)) as url:
        assert await get(url) == json.loads(LIST)
    async with server(answering(LIST + b" ")) as url:
        assert (await refusal(url)).reason is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (204, Refusal.STATUS),
        (301, Refusal.STATUS),
        (400, Refusal.BAD_REQUEST),
        (401, Refusal.FORBIDDEN),
        (404, Refusal.NOT_FOUND),
        (405, Refusal.NOT_FOUND),
        (429, Refusal.BUSY),
        (502, Refusal.SERVER_ERROR),
        (504, Refusal.BUSY),
    ],
)
async def test_other_statuses(status: int, reason: Refusal) -> None:
    async with server(answering(b"", f"HTTP/1.1 {status} Whatever", Content_Length="0")) as url:
        refused = await refusal(url)
    assert refused.reason is reason
    assert str(status) in refused.detail


@pytest.mark.parametrize(
    "head", ["\x00\x01\x02", "SSH-2.0-OpenSSH_9.2", "HTTP/1.1 OK 200", "HTTP/9.9 200 OK"], ids=repr
)
async def test_what_is_not_http(head: str) -> None:
    async with server(answering(b"", head)) as url:
        assert (await refusal(url)).reason is Refusal.BROKEN_OFF


async def test_enormous_headers() -> None:
    async with server(answering(b"", X_Much="x" * 100_000)) as url:
        assert (await refusal(url)).reason is Refusal.BROKEN_OFF


async def test_nobody_is_there() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but nobody listens: connections are refused
        refused = await refusal(f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert refused.reason is Refusal.UNREACHABLE
    assert "refused" in refused.detail


async def test_nothing_private_is_sent() -> None:
    heads: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with client_at(f"http://127.0.0.1:{port}") as client:
            assert [await client.get(DEVICE_LIST), await client.get(DEVICE_LIST)] == [{}, {}]
    assert len(heads) == 2
    for head in heads:
        assert head.startswith(b"GET /cgi-bin/dl_cgi?Command=DeviceList HTTP/1.1\r\n")
        assert b"cookie" not in head.lower()
        assert b"authorization" not in head.lower()


async def test_it_wants_to_be_entered() -> None:
    with pytest.raises(RuntimeError):
        await client_at("http://127.0.0.1").get(DEVICE_LIST)


async def test_401_ends_a_login_only_where_there_was_one() -> None:
    async with FakePvs().running() as pvs, client_of(pvs) as client:
        pvs.answer = lambda seen: (401, "")  # type: ignore[method-assign]
        for request, reason in (
            (search("/sys/devices/"), Refusal.LOGIN_ENDED),
            (LOG_IN, Refusal.FORBIDDEN),
            (DEVICE_LIST, Refusal.FORBIDDEN),
        ):
            with pytest.raises(Refused) as refused:
                await client.get(request)
            assert refused.value.reason is reason


async def test_a_redirection_is_not_followed() -> None:
    async with server(answering(LIST)) as elsewhere:
        head = answering(b"", "HTTP/1.1 301 Moved", Location=elsewhere + "/x", Content_Length="0")
        async with server(head) as url:
            assert (await refusal(url)).reason is Refusal.STATUS


async def test_a_request_goes_where_it_belongs_unless_told_otherwise() -> None:
    async with FakePvs().running() as plain, FakePvs().running() as secure:
        async with client_of(plain, secure) as client:
            for request, base in (
                (SUPERVISOR_INFO, None),
                (search("/sys/devices/"), None),
                (SUPERVISOR_INFO, secure.base),
            ):
                with pytest.raises(Refused):
                    await client.get(request, base)
            client.base = secure.base
            with pytest.raises(Refused):
                await client.get(DEVICE_LIST)
        assert plain.paths == [SUPERVISOR_INFO.path]
        assert secure.paths == [search("/sys/devices/").path, SUPERVISOR_INFO.path, DEVICE_LIST.path]


async def test_the_traffic_is_counted() -> None:
    async with FakePvs().running() as pvs, client_of(pvs) as client:
        pvs.answers[DEVICE_LIST.path] = (200, LIST.decode())
        await client.get(DEVICE_LIST)
        with pytest.raises(Refused):
            await client.get(SUPERVISOR_INFO)
        assert (client.traffic.requests, client.traffic.logins, client.traffic.bytes) == (2, 0, len(LIST))


async def test_a_reply_tells_its_cookies_and_the_clock_of_the_server() -> None:
    date = {"Date": "Mon, 21 Jul 2025 18:03:33 GMT"}
    answer = answering(b"{}", Set_Cookie="session=abc; HttpOnly; Secure", **date)
    async with server(answer) as url, client_at(url) as client:
        reply = await client.fetch(DEVICE_LIST)
    assert reply.cookies["session"].value == "abc"
    assert reply.sent_at == datetime(2025, 7, 21, 18, 3, 33, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Jul 2025 18:03:33 GMT", "Mon, 21 Jul 2025 18:03:33"])
async def test_a_date_that_makes_no_sense_is_none(date: str) -> None:
    async with server(answering(b"{}", Date=date)) as url, client_at(url) as client:
        assert (await client.fetch(DEVICE_LIST)).sent_at is None


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf \r\n{"a": 1}', {"a": 1}),
        (b'Content-Type: application/json\r\n\r\n{"a": 1}\r\n', {"a": 1}),
        (b'{"a": 1}{"a": 2}', {"a": 1}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
    ],
    ids=repr,
)
def test_the_document_in_a_body(body: bytes, document: object) -> None:
    assert parse(body) == document


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Refusal.EMPTY),
        (b" \r\n", Refusal.EMPTY),
        (b"<html>", Refusal.HTML),
        (b"succeed", Refusal.NOT_JSON),
        (b'{"a": 1', Refusal.NOT_JSON),
        (b'{"a": ' + b"9" * 5000 + b"}", Refusal.NOT_JSON),
        (b'{"a":' * 100_000, Refusal.NOT_JSON),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_body_without_a_document(body: bytes, reason: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        parse(body)
    assert refused.value.reason is reason
    assert "9999" not in str(refused.value)
