"""Serial servers on the network: connecting, being connected to, datagrams."""

import asyncio
import socket

import pytest

from pvsmqtt.sources.rs485 import sockets
from pvsmqtt.sources.rs485.line import LineLost, Loss, open_line, parse
from pvsmqtt.sources.rs485.network_line import HOLD, DatagramLine

EVER = 20.0
HERE = "127.0.0.1"


async def all_of(line, count):
    data = b""
    async with asyncio.timeout(EVER):
        while len(data) < count:
            data += await line.read(EVER)
    return data


class Gateway:
    """A serial server that waits for clients."""

    def __init__(self):
        self.listener = socket.create_server((HERE, 0))
        self.port = self.listener.getsockname()[1]
        self.client = None

    async def accept(self):
        self.client, _ = await asyncio.to_thread(self.listener.accept)
        return self.client

    def close(self):
        self.listener.close()
        if self.client:
            self.client.close()


@pytest.fixture
def gateway():
    one = Gateway()
    yield one
    one.close()


def a_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind((HERE, 0))
        return free.getsockname()[1]


async def test_bytes_of_a_serial_server(gateway):
    line = await open_line(parse(f"tcp://{HERE}:{gateway.port}"))
    client = await gateway.accept()
    assert await line.read(0.01) == b""
    client.sendall(bytes(range(256)) * 300)
    assert await all_of(line, 256 * 300) == bytes(range(256)) * 300
    assert (line.errors(), line.note(), line.clock) == ({}, "", None)
    await line.close()


async def test_it_notices_that_the_other_end_is_gone(gateway):
    line = await open_line(parse(f"tcp://{HERE}:{gateway.port}"))
    assert line._first.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert line._first.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    client = await gateway.accept()
    client.sendall(b"last")
    client.close()
    assert await all_of(line, 4) == b"last"
    with pytest.raises(LineLost) as lost:
        await line.read(EVER)
    assert lost.value.reason == "closed"
    assert "hung up" in str(lost.value)
    await line.close()
    await line.close()
    with pytest.raises(LineLost):
        await line.read(EVER)


async def test_connected_again_after_the_server_was_away(gateway):
    url = parse(f"tcp://{HERE}:{gateway.port}")
    for text in (b"one", b"two"):
        line = await open_line(url)
        (await gateway.accept()).sendall(text)
        assert await all_of(line, 3) == text
        gateway.client.close()
        with pytest.raises(LineLost):
            await line.read(EVER)
        await line.close()


async def test_nobody_there():
    with pytest.raises(LineLost) as lost:
        await open_line(parse(f"tcp://{HERE}:{a_port()}"))
    assert lost.value.reason == "refused"
    assert ": connection refused: " in str(lost.value)
    assert "TCP server" in str(lost.value)


async def test_a_name_that_nobody_knows(monkeypatch):
    async def unknown(*_args, **_keywords):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(LineLost) as lost:
        await open_line(parse("tcp://nowhere:4196"))
    assert lost.value.reason == "name"
    assert "name or service not known" in str(lost.value)


async def test_a_host_that_does_not_answer(monkeypatch):
    async def never(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(sockets, "CONNECT", 0.01)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    with pytest.raises(LineLost) as lost:
        await open_line(parse(f"tcp://{HERE}:4196"))
    assert lost.value.reason == "unreachable"


async def test_the_second_address_of_a_host_is_tried(gateway, monkeypatch):
    closed = a_port()

    async def two(*_args, **_keywords):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, port)) for port in (closed, gateway.port)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
    line = await open_line(parse("tcp://two:1"))
    (await gateway.accept()).sendall(b"x")
    assert await line.read(EVER) == b"x"
    await line.close()


@pytest.fixture
async def listening():
    port = a_port()
    line = await open_line(parse(f"tcp-listen://{HERE}:{port}"))
    line.port = port
    yield line
    await line.close()


def call(line):
    return socket.create_connection((HERE, line.port))


async def test_a_serial_server_that_connects_to_us(listening):
    assert "no serial server has connected" in listening.note()
    assert await listening.read(0.01) == b""
    with call(listening) as gateway:
        gateway.sendall(b"registered\xdc\x03")
        assert await all_of(listening, 12) == b"registered\xdc\x03"
        assert listening.note() == ""


async def test_a_serial_server_that_comes_back(listening):
    for text in (b"one", b"two", b"three"):
        with call(listening) as gateway:
            gateway.sendall(text)
            assert await all_of(listening, len(text)) == text
        assert await listening.read(EVER) == b""  # what follows is no continuation
        assert "hung up" in listening.note()
    assert listening.connections == 3


async def test_a_newer_connection_takes_the_place_of_the_older(listening):
    with call(listening) as older:
        older.sendall(b"old")
        assert await all_of(listening, 3) == b"old"
        older.sendall(b"rest")
        with call(listening) as newer:
            newer.sendall(b"new")
            heard = [await listening.read(EVER) for _ in range(3)]
            assert heard == [b"rest", b"", b"new"]
            older.settimeout(EVER)
            assert older.recv(1) == b""


async def test_listens_on_all_addresses():
    port = a_port()
    line = await open_line(parse(f"tcp-listen://:{port}"))
    with socket.create_connection((HERE, port)) as gateway:
        gateway.sendall(b"x")
        assert await all_of(line, 1) == b"x"
    await line.close()


@pytest.mark.parametrize(("scheme", "kind"), [("tcp-listen", socket.SOCK_STREAM), ("udp-listen", socket.SOCK_DGRAM)])
async def test_a_port_that_is_taken(scheme, kind):
    url = parse(f"{scheme}://{HERE}:{a_port(kind)}")
    line = await open_line(url)
    with pytest.raises(LineLost) as lost:
        await open_line(url)
    assert lost.value.reason == "port_taken"
    await line.close()
    await (await open_line(url)).close()


async def test_an_address_of_somebody_else():
    with pytest.raises(LineLost) as lost:
        await open_line(parse("udp-listen://192.0.2.1:24273"))
    assert lost.value.reason == "no_address"


@pytest.fixture
async def datagrams():
    port = a_port(socket.SOCK_DGRAM)
    line = await open_line(parse(f"udp-listen://{HERE}:{port}"))
    line.port = port
    yield line
    await line.close()


def sender(line):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.connect((HERE, line.port))
    return one


async def test_datagrams_in_order(datagrams):
    assert "has sent anything" in datagrams.note()
    assert await datagrams.read(0.01) == b""
    with sender(datagrams) as gateway:
        for text in (b"one", b"", b"two"):
            gateway.send(text)
        assert await all_of(datagrams, 6) == b"onetwo"
    assert datagrams.note() == ""
    assert datagrams.errors() == {}


async def test_who_sent_first_is_listened_to(datagrams):
    with sender(datagrams) as first, sender(datagrams) as second:
        first.send(b"a")
        assert await datagrams.read(EVER) == b"a"
        second.send(b"b")
        first.send(b"c")
        assert await datagrams.read(EVER) == b"c"
    assert datagrams.errors() == {"foreign": 1}


async def test_another_one_after_a_long_silence(datagrams):
    now = [0.0]
    line = DatagramLine(parse(f"udp-listen://{HERE}:{datagrams.port}"), datagrams._first, lambda: now[0])
    with sender(datagrams) as first, sender(datagrams) as second:
        first.send(b"a")
        assert await line.read(EVER) == b"a"
        now[0] += HOLD
        second.send(b"b")
        assert [await line.read(EVER), await line.read(EVER)] == [b"", b"b"]
    assert line.errors() == {}


def test_every_reason_has_its_advice():
    from pvsmqtt.sources.rs485.lost import ADVICE

    assert set(ADVICE) == set(Loss)
    assert str(LineLost(Loss.REFUSED, "x")).startswith("x: ")
