"""RFC 2217 against the server side of pyserial, and against serial servers that are none."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from pvsmqtt.sources.rs485 import rfc2217_line
from pvsmqtt.sources.rs485.line import LineLost, Setting, open_line, parse

EVER = 20.0


class Port:
    """What the server side of pyserial takes for its serial port."""

    def __init__(self):
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.rts = self.dtr = self.cts = self.dsr = self.ri = self.cd = True
        self.xonxoff = self.rtscts = self.break_condition = False

    def reset_input_buffer(self):
        pass

    reset_output_buffer = reset_input_buffer


class Server:
    """Serves one client after another. ``to_bus``: bytes that it would have sent to the bus."""

    def __init__(self, refuses=False):
        self.port = Port()
        self.to_bus = bytearray()
        self.refuses = refuses
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = parse(f"rfc2217://127.0.0.1:{self.listener.getsockname()[1]}")
        self.managed = None
        self.client = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        from serial.rfc2217 import PortManager

        while True:
            try:
                self.client, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.managed = PortManager(self.port, self)
                while data := self.client.recv(1024):
                    self.to_bus += b"".join(self.managed.filter(data))
            except OSError:
                pass
            self.client.close()

    def write(self, data):
        if self.refuses and data[:4] == b"\xff\xfa\x2c\x65":  # "the baud rate is now …": another one
            data = b"\xff\xfa\x2c\x65\x00\x00\x00\x01\xff\xf0"
        self.client.sendall(data)

    def hear(self, data):
        """From the bus."""
        self.client.sendall(b"".join(self.managed.escape(data)))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()
        self.thread.join(5)

    def hang_up(self):
        if self.client:
            with contextlib.suppress(OSError):
                self.client.shutdown(socket.SHUT_RDWR)


def wait_until(condition):
    end = time.monotonic() + EVER
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(rfc2217_line, "PAUSE", 0.0)


@pytest.fixture
def server():
    one = Server()
    yield one
    one.close()


async def test_speed_is_set_and_every_byte_is_heard(server):
    line = await open_line(server.url, Setting(19200, "E", 2))
    assert (server.port.baudrate, server.port.parity, server.port.stopbits) == (19200, "E", 2)
    sent = bytes(range(256)) + b"\xff" * 20
    await asyncio.to_thread(server.hear, sent)
    heard = b""
    async with asyncio.timeout(EVER):
        while len(heard) < len(sent):
            heard += await line.read(EVER)
    assert heard == sent
    assert await line.read(0.01) == b""
    assert (line.errors(), line.note()) == ({}, "")
    await line.close()
    await line.close()
    assert not server.to_bus
    assert server.port.break_condition is False


async def test_the_server_hangs_up(server):
    line = await open_line(server.url, Setting(9600))
    server.hang_up()
    with pytest.raises(LineLost) as lost:
        await line.read(EVER)
    assert lost.value.reason == "closed"
    await line.close()


async def test_what_nobody_reads_is_bounded(server, monkeypatch):
    monkeypatch.setattr(rfc2217_line, "MOST", 10)
    line = await open_line(server.url, Setting(9600))
    await asyncio.to_thread(server.hear, bytes(30))
    await asyncio.to_thread(wait_until, lambda: line.errors() == {"overrun": 20})  # pyserial loses at the end
    await asyncio.to_thread(server.hang_up)
    await asyncio.to_thread(line._thread.join, EVER)
    assert line.errors() == {"overrun": 20}
    assert await line.read(EVER) == bytes(10)
    await line.close()


class Transparent:
    """A serial server that passes everything on to the bus."""

    def __init__(self, greeting):
        self.received = b""
        self.greeting = greeting
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = parse(f"rfc2217://127.0.0.1:{self.listener.getsockname()[1]}")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        client, _ = self.listener.accept()
        with client:
            client.sendall(self.greeting)
            try:
                while data := client.recv(1024):
                    self.received += data
            except OSError:
                pass


@pytest.mark.parametrize(
    "greeting", [b"", b"\xdc", b"\xdc\x03\x04", b"\xff\xff\xff", b"\xff\xfb\x7e", b"\xff\x03\x00"]
)
async def test_a_transparent_server_receives_no_byte(greeting, monkeypatch):
    monkeypatch.setattr(rfc2217_line, "GREETING", 0.3)
    server = Transparent(greeting)
    with pytest.raises(LineLost) as lost:
        await open_line(server.url, Setting(9600))
    assert lost.value.reason == "not_rfc2217"
    assert "tcp://" in str(lost.value)
    server.thread.join(5)
    server.listener.close()
    assert server.received == b""


async def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LineLost) as lost:
        await open_line(parse(f"rfc2217://127.0.0.1:{port}"), Setting(9600))
    assert lost.value.reason == "refused"


async def test_silence_is_not_told_before_its_time(server):
    line = await open_line(server.url, Setting(19200))
    try:
        server.hear(b"a")
        wait_until(lambda: line._waiting)  # the loop has no turn, so it has yet to hear of what is read at once
        assert await line.read(EVER) == b"a"
        later = asyncio.create_task(line.read(EVER))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not later.done()
        server.hear(b"b")
        assert await later == b"b"
    finally:
        await line.close()
