"""A door to a serial line: a slave on a pseudo-terminal, by hand and by pymodbus, and RTU through a serial server."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers_master import server, settled, tasks_left
from helpers_modbus import adu, exception, registers
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.modbus_master.door import Door, Network, Serial
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused

LONG, SHORT = 20.0, 0.05


@pytest.fixture(autouse=True)
async def clean(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    yield
    await settled()
    assert not tasks_left()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class Slave:
    """The other end of a pseudo-terminal. Answers each request as it is told."""

    def __init__(self) -> None:
        self.master, self.adapter = os.openpty()
        tty.setraw(self.adapter)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.adapter)
        self.received: list[bytes] = []
        self.news = asyncio.Event()
        self.answer: Callable[[bytes], bytes] = echo_addresses
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def _read(self) -> None:
        with suppress(OSError):
            heard = os.read(self.master, 1000)
            for at in range(0, len(heard), 8):
                request = heard[at : at + 8]
                self.received.append(request)
                self.news.set()
                os.write(self.master, self.answer(request))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        for end in (self.master, self.adapter):
            with suppress(OSError):
                os.close(end)


def echo_addresses(request: bytes) -> bytes:
    """Every register has its own address as value."""
    address, count = int.from_bytes(request[2:4]), int.from_bytes(request[4:6])
    return registers(request[0], *range(address, address + count), function=request[1])


@pytest.fixture
async def slave() -> AsyncIterator[Slave]:
    there = Slave()
    yield there
    there.close()


def door_to(path: str, timeout: float = LONG, setting: Setting = Setting(9600)) -> Door:  # noqa: B008
    return Door(Serial(path, setting), timeout)


async def refusal(door: Door) -> Refused:
    with pytest.raises(Refused) as caught:
        await door.read(1, 0, 2)
    return caught.value


@contextmanager
def same_files() -> Iterator[None]:
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_a_slave_is_read(slave: Slave) -> None:
    with same_files():
        door = door_to(slave.path, setting=Setting(19200, "N", 2))
        assert await door.read(126, 40000, 3) == (40000, 40001, 40002)
        assert await door.read(1, 0, 125) == tuple(range(125))
        assert slave.received[0] == adu(126, 3, bytes([0x9C, 0x40, 0, 3]))
        assert door.bytes == (16, 5 * 2 + 2 * 128)
        slave.answer = lambda request: exception(request[0], request[1], 2)
        assert (await refusal(door)).reason is Refusal.ADDRESS
        assert door.is_open
        await door.close()


@pytest.mark.parametrize("click", [b"\0", b"\xff", b"\xff\0\xff"])
async def test_the_click_of_a_line_that_is_handed_over_is_no_answer_of_another(slave: Slave, click: bytes) -> None:
    slave.answer = lambda request: click + echo_addresses(request)
    door = door_to(slave.path)
    for at in range(3):
        assert await door.read(1, at, 1) == (at,)
    assert door.connects == 1
    await door.close()


async def test_another_unit_answers(slave: Slave) -> None:
    slave.answer = lambda request: registers(7, 1, 2)
    door = door_to(slave.path)
    assert (await refusal(door)).reason is Refusal.WRONG_TRANSACTION
    slave.answer = echo_addresses
    assert await door.read(1, 5, 1) == (5,)
    await door.close()


@pytest.mark.parametrize("noise", [b"\1\3\4\0\1\0\2\xee\xee", b"\1\3", b"", b"\1\x83\2\0\0"])
async def test_a_damaged_answer_and_none_are_waited_for_no_longer_than_the_time_out(
    slave: Slave, noise: bytes
) -> None:
    slave.answer = lambda _: noise
    door = door_to(slave.path, SHORT)
    assert (await refusal(door)).reason is Refusal.TIMEOUT
    slave.answer = echo_addresses
    door._timeout = LONG
    assert await door.read(1, 5, 1) == (5,)
    await door.close()


async def test_the_adapter_is_pulled_out(slave: Slave) -> None:
    door = door_to(slave.path)
    assert await door.read(1, 5, 1) == (5,)
    slave.answer = lambda _: b""
    reading = asyncio.create_task(refusal(door))
    slave.news.clear()
    await slave.news.wait()
    slave.close()
    assert (await reading).reason is Refusal.CLOSED
    with pytest.raises(Refused) as caught:
        await door.read(1, 5, 1)
    assert caught.value.reason in (Refusal.MISSING, Refusal.SETTING, Refusal.UNREACHABLE)


async def test_an_adapter_that_is_not_there(tmp_path: Path) -> None:
    refused = await refusal(door_to(str(tmp_path / "ttyUSB0")))
    assert refused.reason is Refusal.MISSING
    assert "not plugged in" in str(refused)


async def test_an_adapter_that_another_program_has(slave: Slave) -> None:
    other = os.open(slave.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        assert (await refusal(door_to(slave.path))).reason is Refusal.TAKEN
    finally:
        os.close(other)


async def test_what_is_no_adapter(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert (await refusal(door_to(str(file)))).reason is Refusal.SETTING
    assert file.read_bytes() == b""


async def test_a_setting_that_the_adapter_does_not_have(slave: Slave, monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("Failed to set custom baud rate (7777): 22")

    monkeypatch.setattr(serial.Serial, "_reconfigure_port", refuse)
    refused = await refusal(door_to(slave.path, setting=Setting(7777)))
    assert refused.reason is Refusal.SETTING
    assert "correct baudrate" in str(refused)


async def test_cancelled_at_once_and_in_mid_read(slave: Slave) -> None:
    with same_files():
        door = door_to(slave.path)
        slave.answer = lambda request: b"" if request[5] == 2 else echo_addresses(request)
        for patience in range(8):
            reading = asyncio.create_task(door.read(1, 0, 2))
            for _ in range(patience):
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await settled()
        assert await door.read(1, 5, 1) == (5,)
        await door.close()
        await settled()


async def test_rtu_through_a_serial_server_of_pymodbus() -> None:
    data = [SimData(0, values=list(range(500)), datatype=DataType.REGISTERS)]
    there = ModbusTcpServer(SimDevice(5, simdata=data), address=("127.0.0.1", 0), framer=FramerType.RTU)
    await there.serve_forever(background=True)
    try:
        port = there.transport.sockets[0].getsockname()[1]
        door = Door(Network("127.0.0.1", port, rtu=True), LONG)
        assert await door.read(5, 100, 125) == tuple(range(100, 225))
        with pytest.raises(Refused) as caught:
            await door.read(5, 499, 2)
        assert caught.value.reason is Refusal.ADDRESS
        await door.close()
    finally:
        await there.shutdown()
        await settled()


async def test_modbus_tcp_of_pymodbus() -> None:
    data = [SimData(0, values=list(range(500)), datatype=DataType.REGISTERS)]
    there = ModbusTcpServer(SimDevice(5, simdata=data), address=("127.0.0.1", 0))
    await there.serve_forever(background=True)
    try:
        door = Door(Network("127.0.0.1", there.transport.sockets[0].getsockname()[1]), LONG)
        assert await door.read(5, 100, 125) == tuple(range(100, 225))
        with pytest.raises(Refused) as caught:
            await door.read(5, 499, 2)
        assert caught.value.reason is Refusal.ADDRESS
        await door.close()
    finally:
        await there.shutdown()
        await settled()


async def test_modbus_tcp_behind_a_serial_server_that_was_told_to_be_transparent() -> None:
    """Its bytes are Modbus TCP, and RTU was expected."""
    async with server(lambda request: b"\0\1\0\0\0\7\1\3\4\0\1\0\2") as there:
        door = Door(Network("127.0.0.1", there.port, rtu=True), SHORT)
        refused = await refusal(door)
        assert refused.reason in (Refusal.TIMEOUT, Refusal.WRONG_TRANSACTION, Refusal.NOT_MODBUS)
