"""The bus in time: what a listener at each end is given, held against what the simulator says it gave."""

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485.simulator import BusSimulator
from pvsmqtt.simulator.rs485.traffic import START, stream
from pvsmqtt.simulator.rs485.wire import Damage, TrueFrame

FAST = 400.0
"""Bus seconds per second."""


@asynccontextmanager
async def running(simulator: BusSimulator) -> AsyncIterator[BusSimulator]:
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


@contextmanager
def opened(path: str, baudrate: int | None = 19200) -> Iterator[int]:
    """A pseudo-terminal as a listener opens a serial port; file descriptor."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        set_speed(port, baudrate)
        yield port
    finally:
        os.close(port)


def set_speed(port: int, baudrate: int | None) -> None:
    tty.setraw(port, termios.TCSANOW)  # without throwing away what has come already
    if baudrate is not None:
        settings = termios.tcgetattr(port)
        settings[4] = settings[5] = getattr(termios, f"B{baudrate}")
        termios.tcsetattr(port, termios.TCSANOW, settings)


async def hear(port: int, simulator: BusSimulator) -> bytes:
    """Everything until the simulator is through with its bursts."""
    loop, heard, more = asyncio.get_running_loop(), bytearray(), asyncio.Event()

    def readable() -> None:
        heard.extend(os.read(port, 4096))
        more.set()

    loop.add_reader(port, readable)
    try:
        await simulator.finished()
        while len(heard) < len(simulator.given):
            more.clear()
            await more.wait()
    finally:
        loop.remove_reader(port)
    return bytes(heard)


async def read_all(reader: asyncio.StreamReader, simulator: BusSimulator) -> bytes:
    await simulator.finished()
    return await reader.readexactly(len(simulator.given))


def agrees(heard: bytes, truth: list[TrueFrame]) -> None:
    for frame in truth:
        if frame.intact:
            assert heard[frame.offset : frame.offset + len(frame.adu)] == frame.adu


async def test_a_pseudo_terminal_with_a_link(tmp_path: Path) -> None:
    link = tmp_path / "bus"
    async with running(BusSimulator(at=f"pty:{link}", speed=FAST, bursts=4, start_at=START)) as simulator:
        assert simulator.url == f"serial://{link}"
        with opened(str(link)) as port:
            heard = await hear(port, simulator)
    assert heard == stream(1, 4)[0], "what the generator says, in the same order"
    assert [frame.adu for frame in simulator.truth] == [frame.adu for frame in stream(1, 4)[1]]
    assert all(frame.intact for frame in simulator.truth)
    agrees(heard, simulator.truth)
    assert not simulator.written
    assert not os.path.lexists(link)


async def test_a_link_never_replaces_a_file(tmp_path: Path) -> None:
    file = tmp_path / "bus"
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        await BusSimulator(at=f"pty:{file}").start()
    assert file.read_text() == "mine"


async def test_a_tcp_port_and_damage() -> None:
    damage = Damage(0.01, 0.05, True)
    simulator = BusSimulator(at="listen:127.0.0.1:0", speed=FAST, bursts=6, damage=damage, start_at=START)
    async with running(simulator):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
        heard = await read_all(reader, simulator)
        writer.close()
    agrees(heard, simulator.truth)
    share = sum(frame.intact for frame in simulator.truth) / len(simulator.truth)
    assert 0.5 < share < 0.95
    assert any(frame.echo for frame in simulator.truth)


async def test_a_client_registers_beats_and_comes_again() -> None:
    came: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *both: came.put_nowait(both), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    simulator = BusSimulator(
        at=f"connect:127.0.0.1:{port}", speed=FAST, registration=b"dtu-1", prefix=b"\xfe", heartbeat=(b"beat!", 20.0)
    )
    async with running(simulator):
        assert simulator.url == f"tcp-listen://127.0.0.1:{port}"
        for number in (1, 2):
            reader, writer = await came.get()
            assert await reader.readexactly(5) == b"dtu-1"
            await reader.readuntil(b"beat!")
            await until_heard(simulator, number)
            writer.close()
    server.close()


async def test_a_prefix_within_a_frame_is_damage() -> None:
    simulator = BusSimulator(
        at="listen:127.0.0.1:0", speed=FAST, bursts=3, adapter="fifo", prefix=b"\xfe\xfe", start_at=START
    )
    async with running(simulator):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
        heard = await read_all(reader, simulator)
        writer.close()
    agrees(heard, simulator.truth)
    assert {frame.intact for frame in simulator.truth if len(frame.adu) > 32} == {False}
    assert {frame.intact for frame in simulator.truth if len(frame.adu) <= 32} == {True}


async def test_the_speed_that_a_listener_sets_is_the_speed_it_hears(tmp_path: Path) -> None:
    """Wrong at first, right later: as while a speed is searched for."""
    link = tmp_path / "bus"
    simulator = BusSimulator(at=f"pty:{link}", speed=FAST, line=Setting(9600), bursts=8, start_at=START)
    async with running(simulator):
        with opened(str(link), 38400) as port:
            hearing = asyncio.create_task(hear(port, simulator))
            await simulator.until(lambda: len(simulator.truth) >= 20)
            wrong = len(simulator.truth)
            assert not any(frame.intact for frame in simulator.truth)
            set_speed(port, 9600)
            heard = await hearing
    agrees(heard, simulator.truth)
    late = simulator.truth[wrong + 30 :]
    assert late
    assert all(frame.intact for frame in late)


async def test_a_listener_that_sets_nothing_hears_the_bus(tmp_path: Path) -> None:
    link = tmp_path / "bus"
    async with running(BusSimulator(at=f"pty:{link}", speed=FAST, line=Setting(9600), bursts=2)) as simulator:
        with opened(str(link), None) as port:
            await hear(port, simulator)
    assert simulator.truth
    assert all(frame.intact for frame in simulator.truth)


async def test_a_serial_server_that_is_set_wrongly() -> None:
    simulator = BusSimulator(at="listen:127.0.0.1:0", speed=FAST, bursts=3, heard_at=Setting(115200), start_at=START)
    async with running(simulator):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(simulator.url.rpartition(":")[2]))
        heard = await read_all(reader, simulator)
        writer.close()
    assert heard
    assert not any(frame.intact for frame in simulator.truth)
    assert PassiveFramer().feed(heard, 0.0) == []


@pytest.mark.parametrize("kind", ["pty", "tcp"])
async def test_it_can_be_unplugged(kind: str, tmp_path: Path) -> None:
    """The listener sees its line end; the line comes back at the same address."""
    at = f"pty:{tmp_path / 'bus'}" if kind == "pty" else "listen:127.0.0.1:0"
    async with running(BusSimulator(at=at, speed=FAST)) as simulator:
        url = simulator.url
        if kind == "pty":
            with opened(str(tmp_path / "bus")) as port:
                await simulator.until(lambda: bool(simulator.given))
                await simulator.unplug(0.0)
                with contextlib.suppress(BlockingIOError):
                    os.read(port, 65536)
                with pytest.raises(OSError, match="Input/output error"):
                    os.write(port, b"")
            with opened(str(tmp_path / "bus")) as port:
                await until_heard(simulator)
        else:
            reader, _ = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            await reader.readexactly(1)
            await simulator.unplug(0.0)
            await reader.read()
            assert reader.at_eof()
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            await until_heard(simulator)
            writer.close()
        assert simulator.url == url


async def until_heard(simulator: BusSimulator, listener: int = 2) -> None:
    await simulator.until(lambda: any(frame.listener == listener and frame.intact for frame in simulator.truth))


async def test_what_a_listener_writes_is_noticed(tmp_path: Path) -> None:
    link = tmp_path / "bus"
    async with running(BusSimulator(at=f"pty:{link}", speed=FAST, bursts=2)) as simulator:
        with opened(str(link)) as port:
            os.write(port, b"\x01\x03")
            await hear(port, simulator)
    assert simulator.written == b"\x01\x03"


async def test_nobody_listens_and_the_bus_goes_on() -> None:
    simulator = BusSimulator(at="listen:127.0.0.1:0", speed=1e6, bursts=3, waits=False)
    async with running(simulator):
        await simulator.finished()
    assert simulator.truth
    assert not any(frame.intact for frame in simulator.truth)
    assert not simulator.given


async def test_memory_is_bounded_when_nothing_is_kept() -> None:
    simulator = BusSimulator(at="listen:127.0.0.1:0", speed=1e6, bursts=3, waits=False, keeps=False)
    async with running(simulator):
        await simulator.finished()
    assert not simulator.truth


@pytest.mark.parametrize("at", ["", "serial", "listen:4196", "listen:host:x", "connect::1", "listen:h:65536"])
def test_an_end_that_is_none(at: str) -> None:
    with pytest.raises(ValueError, match="none of pty"):
        BusSimulator(at=at)
