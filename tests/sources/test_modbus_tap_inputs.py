"""Captures that come and go: real FIFOs, files that grow, standard input."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from helpers_packets import Talk, capture, frames, header
from sources.rs485_bench import turns

from pvsmqtt.capture.mirror import Spoken
from pvsmqtt.sources.modbus_tap.check import check
from pvsmqtt.sources.modbus_tap.inputs import CaptureLost, File, Loss, Pipe, open_input
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.modbus_tap.tap import Hear, State, Tap

PATIENCE = 20


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "mirror.pcap"
    os.mkfifo(path)
    return path


@pytest.fixture
def writer(fifo: Path) -> Iterator[int]:
    """Somebody who writes; opened for both directions, so that nobody waits."""
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


class TestPipes:
    async def test_a_fifo_without_a_writer_opens_at_once_and_is_silent(self, fifo: Path) -> None:
        source = open_input(str(fifo))
        assert isinstance(source, Pipe)
        assert await source.read(0.01) == b""
        assert await source.read(0.01) == b"", "it has not ended: nobody has begun"
        descriptor = os.open(fifo, os.O_WRONLY)
        assert await source.read(0.01) == b""
        os.write(descriptor, b"abc")
        assert await source.read(PATIENCE) == b"abc"
        os.close(descriptor)
        with pytest.raises(CaptureLost) as lost:
            await source.read(PATIENCE)
        assert lost.value.reason is Loss.WRITER_GONE
        source.close()

    async def test_a_fifo_has_one_reader(self, fifo: Path) -> None:
        source = open_input(str(fifo))
        with pytest.raises(CaptureLost, match="another program reads") as lost:
            open_input(str(fifo))
        assert lost.value.reason is Loss.BUSY
        source.close()
        open_input(str(fifo)).close()

    async def test_a_fifo_that_was_made_anew(self, fifo: Path) -> None:
        source = open_input(str(fifo))
        fifo.rename(fifo.with_name("old"))
        assert await source.read(0.01) == b""
        os.mkfifo(fifo)
        with pytest.raises(CaptureLost) as lost:
            await source.read(0.01)
        assert lost.value.reason is Loss.REPLACED
        source.close()

    def test_what_cannot_be_opened(self, tmp_path: Path) -> None:
        for path, reason in ((tmp_path / "nothing", Loss.MISSING), (tmp_path, Loss.NO_FILE)):
            with pytest.raises(CaptureLost) as lost:
                open_input(str(path))
            assert lost.value.reason is reason
            assert str(path) in str(lost.value)


class TestFiles:
    async def test_a_file_that_grows(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcap"
        path.write_bytes(b"abc")
        source = open_input(str(path))
        assert isinstance(source, File)
        assert await source.read(0.01) == b"abc"
        assert await source.read(0.01) == b""
        assert not source.ended
        with path.open("ab") as more:
            more.write(b"def")
        assert await source.read(0.01) == b"def"
        await source.read(0.01)
        os.utime(path, (1, 1))
        assert source.ended
        source.close()

    @pytest.mark.parametrize("how", ["replaced", "cut"])
    async def test_a_file_that_begins_anew(self, tmp_path: Path, how: str) -> None:
        path = tmp_path / "x.pcap"
        path.write_bytes(b"abcdef")
        source = open_input(str(path))
        await source.read(0.01)
        if how == "replaced":
            (tmp_path / "y").write_bytes(b"abcdefgh")
            (tmp_path / "y").rename(path)
        else:
            os.truncate(path, 2)
        with pytest.raises(CaptureLost) as lost:
            await source.read(0.01)
        assert lost.value.reason is Loss.REPLACED
        source.close()


class Notes(Hear):
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.states: list[State] = []
        self.lost: list[Loss] = []

    def on_spoken(self, spoken: Spoken) -> None:
        if spoken.told.block:
            self.numbers.append(spoken.told.transaction)

    def on_state(self, state: State, said: str, lost: CaptureLost | None) -> None:
        self.states.append(state)
        if lost:
            self.lost.append(lost.reason)


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[tuple[Tap, Notes]]:
    async def soon(seconds: float) -> None:
        await asyncio.sleep(0)

    tap, notes = Tap(str(path), sleep=soon), Notes()
    task = asyncio.create_task(tap.run(notes))
    try:
        yield tap, notes
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition: object) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class TestTap:
    async def test_writers_come_and_go(self, fifo: Path) -> None:
        async with listening(fifo) as (_, notes):
            for n in range(1, 4):
                talk = Talk(client_port=40000 + n).open().poll(n, 10, 100, 5)
                await until(lambda: notes.states[-1:] == [State.LISTENING])
                descriptor = await asyncio.to_thread(os.open, fifo, os.O_WRONLY)
                os.write(descriptor, capture(talk.packets))
                await until(lambda n=n: notes.numbers[-1:] == [n])  # type: ignore[misc]
                os.close(descriptor)
                await until(lambda n=n: notes.lost.count(Loss.WRITER_GONE) >= n)  # type: ignore[misc]
        assert notes.numbers == [1, 2, 3]

    async def test_a_header_in_pieces(self, fifo: Path, writer: int) -> None:
        talk = Talk().open().poll(1, 10, 100, 5)
        async with listening(fifo) as (tap, notes):
            await until(lambda: tap.state is State.LISTENING)
            for byte in capture(talk.packets):
                os.write(writer, bytes((byte,)))
                await turns(lambda: True)
            await until(lambda: notes.numbers == [1])

    async def test_a_file_ends_and_goes_on(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcap"
        talk = Talk().open().poll(1, 10, 100, 5)
        path.write_bytes(capture(talk.packets))
        os.utime(path, (1, 1))
        done = len(talk.packets)
        async with listening(path) as (tap, notes):
            await until(lambda: tap.state is State.ENDED)
            assert notes.numbers == [1]
            assert notes.lost == []
            with path.open("ab") as more:
                more.write(frames(talk.poll(2, 10, 100, 6).poll(3, 10, 100, 7).packets[done:]))
            await until(lambda: notes.numbers == [1, 2, 3])
            assert tap.state is State.LISTENING

    async def test_a_packet_that_cannot_be(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcap"
        path.write_bytes(header() + b"\xff" * 40)
        async with listening(path) as (tap, notes):
            await until(lambda: Loss.DAMAGED in notes.lost)
            talk = Talk().open().poll(1, 10, 100, 5)
            (tmp_path / "y").write_bytes(capture(talk.packets))
            (tmp_path / "y").rename(path)
            await until(lambda: notes.numbers == [1])
            assert tap.lost is None


class TestCheck:
    async def test_what_is_heard(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcap"
        talk = Talk().open()
        for n in range(6):
            talk.poll(n, 10, 40070, 5)
        path.write_bytes(capture(talk.packets))
        findings = await check(ModbusTapOptions(capture=str(path)), tmp_path)
        assert all(finding.ok for finding in findings)
        assert findings[-1].text == "units 10 (Storage inverter)"

    async def test_a_fifo_that_the_service_reads(self, fifo: Path) -> None:
        source = open_input(str(fifo))
        (finding,) = await check(ModbusTapOptions(capture=str(fifo)))
        assert finding.ok
        assert "If that is the pvsmqtt service" in finding.text
        source.close()

    async def test_what_is_wrong(self, tmp_path: Path, fifo: Path) -> None:
        (finding,) = await check(ModbusTapOptions(capture=str(tmp_path / "nothing")))
        assert not finding.ok
        assert "mkfifo" in finding.advice
        *_, finding = await check(ModbusTapOptions(capture=str(fifo)), listen=0.01)
        assert not finding.ok
        assert "tcpdump" in finding.advice
        talk = Talk().open()
        for n in range(40):
            talk.poll(n, 10, n, 5)
        path = tmp_path / "x.pcap"
        path.write_bytes(capture(one for one in talk.packets if one[1][12:16] == bytes((172, 27, 153, 1))))
        os.utime(path, (1, 1))
        *_, finding = await check(ModbusTapOptions(capture=str(path)))
        assert not finding.ok
        assert "one direction" in finding.advice


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"capture": ""}, "it is empty"),
        ({"capture": "tcp://x:1"}, "is no path"),
        ({"capture": "x", "ports": []}, "one to eight"),
        ({"capture": "x", "ports": [502, 502]}, "one to eight"),
        ({"capture": "x", "ports": [70000]}, "one to eight"),
        ({"capture": "x", "name": "Tap"}, "part of a topic"),
        ({"capture": "x", "server": "gateway"}, "is no address"),
        ({"capture": "x", "interval": 0.5}, "minimum of 1"),
        ({"capture": "x", "interval": 60, "stale_after": 100}, "twice the interval"),
        ({"capture": "x", "profile": "x"}, "conext"),
    ],
)
def test_options_say_what_is_allowed(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ModbusTapOptions.model_validate(options)
