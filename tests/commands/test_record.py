"""``pvsmqtt record`` on real lines of this machine: a TCP server, a pseudo-terminal, a recording."""

import asyncio
import io
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness import free_port, pvsmqtt
from helpers_modbus import adu, read, registers

from pvsmqtt.capture import Event, raw
from pvsmqtt.capture import read as open_recording
from pvsmqtt.capture.items import Header
from pvsmqtt.capture.reading import Kind
from pvsmqtt.capture.replaying import Replay
from pvsmqtt.cli import main
from pvsmqtt.commands.record.progress import Progress, size

SERIAL = b"ZT184385000441E1569\0"
EXCHANGE = read(220, 0, 10) + adu(220, 3, bytes((20,)) + SERIAL)


@asynccontextmanager
async def server(*pieces: bytes, hang_up: bool = False) -> AsyncIterator[tuple[str, asyncio.Event, bytearray]]:
    """A serial server in transparent mode: its URL, that a client came, and what the client sent."""
    came, sent = asyncio.Event(), bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        came.set()
        if hang_up:
            writer.close()
            return
        sent.extend(await reader.read())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}", came, sent


def chunks(path: Path) -> bytes:
    with open_recording(path) as recording:
        return b"".join(chunk.data for chunk in recording)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_until_it_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    async with server(EXCHANGE, b"\xff\xff") as (url, came, sent):
        process = pvsmqtt("record", url, "-o", "-")
        await process.start()
        try:
            await came.wait()
            await process.out.until(
                lambda: next((text for text in process.out.items if '"hex"' in text), None), "a chunk"
            )
            process.signal(number)
            assert await process.exit() == 0
        finally:
            await process.kill()
    lines = [json.loads(line) for line in process.out.items]
    assert lines[0]["format"] == "pvsmqtt-capture/1"
    assert lines[0]["anonymised"] is True
    assert "127.0.0.1" not in process.out.items[0]
    assert lines[1] == {"t": lines[1]["t"], "event": "opened"}
    data = b"".join(bytes.fromhex(line["hex"]) for line in lines[2:] if "hex" in line)
    assert data.startswith(read(220, 0, 10) + adu(220, 3, bytes((20,)) + b"XX000000000000X0000\0"))
    assert data.endswith(b"\xff\xff")
    assert "2 frames" in process.log.items[0]
    assert "places where serial numbers were blanked: 1" in process.log.items[1]
    assert len(process.log.items) == 2
    assert sent == b""


async def test_for_so_many_seconds(tmp_path: Path) -> None:
    async with server(EXCHANGE) as (url, _, sent):
        status, out, _ = await pvsmqtt(
            "record", url, "-o", str(tmp_path / "x"), "--no-anonymise", "--seconds", "1"
        ).run()
        assert (status, out) == (0, "")
    assert chunks(tmp_path / "x") == EXCHANGE
    with open_recording(tmp_path / "x") as recording:
        assert recording.header.line == url
        assert recording.header.anonymised is False
        assert recording.header.started_at is not None
    assert sent == b""


async def test_a_line_that_is_lost_comes_back(tmp_path: Path) -> None:
    """What was half heard does not join with what comes after it."""
    patch = {"pvsmqtt.sources.rs485.tap.FIRST_PAUSE": 0.01, "pvsmqtt.sources.rs485.tap.LONGEST_PAUSE": 0.01}
    async with server(EXCHANGE[:20], hang_up=True) as (url, _, _):
        process = pvsmqtt("record", url, "-o", "-", patch=patch)
        await process.start()
        try:
            await process.out.until(
                lambda: True if str(process.out.items).count('"lost"') > 1 else None, "two losses"
            )
            process.signal(signal.SIGINT)
            assert await process.exit() == 0
        finally:
            await process.kill()
    (tmp_path / "x").write_text("\n".join(process.out.items) + "\n")
    with open_recording(tmp_path / "x") as recording:
        items = list(recording.items())
    names = [item.name for item in items if isinstance(item, Event)]
    assert names[:4] == ["opened", "lost", "opened", "lost"]
    assert [heard.frame.adu for heard in Replay(items)][:2] == [read(220, 0, 10)] * 2


async def test_a_serial_device(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        arguments = "record", os.ttyname(theirs), "-o", "-", "--baudrate", "9600", "--parity", "E"
        process = pvsmqtt(*arguments)
        await process.start()
        try:
            await process.out.until(
                lambda: next((text for text in process.out.items if "opened" in text), None), "the line opened"
            )
            os.write(ours, EXCHANGE)
            await process.out.until(
                lambda: next((text for text in process.out.items if "hex" in text), None), "a chunk"
            )
            process.signal(signal.SIGINT)
            assert await process.exit() == 0
        finally:
            await process.kill()
    finally:
        os.close(ours)
        os.close(theirs)
    assert json.loads(process.out.items[0])["setting"] == "9600 8E1"
    assert json.loads(process.out.items[1])["setting"] == "9600 8E1"
    assert read(220, 0, 10).hex() in "".join(process.out.items)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of somebody, with a serial number."""
    path = tmp_path / "old.jsonl"
    lines = [raw.header(Header(line="tcp://h:1", setting="9600 8N1"))]
    path.write_bytes(b"".join(lines) + b"".join(raw.chunk(n / 10, EXCHANGE[n : n + 3]) for n in range(0, 33, 3)))
    return path


class TestRecordingsOfRecordings:
    def test_anonymised_afterwards(self, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = recording.with_name("new")
        assert main(["record", f"file://{recording}?speed=0", "-o", str(path)]) == 0
        assert b"ZT18" not in chunks(path)
        with open_recording(path) as new, open_recording(recording) as old:
            assert [(chunk.t, len(chunk.data)) for chunk in new] == [(chunk.t, len(chunk.data)) for chunk in old]
            assert new.header.setting == "9600 8N1"
            assert new.header.line == "file://"
        out, err = capsys.readouterr()
        assert out == ""
        assert "33 bytes, 2 frames" in err

    def test_as_packets(self, recording: Path) -> None:
        path = recording.with_name("new")
        assert main(["record", f"file://{recording}?speed=0", "-o", str(path), "--pcap"]) == 0
        with open_recording(path) as new:
            assert (new.kind, new.link_type) == (Kind.PCAP, 250)
            assert [len(chunk.data) for chunk in new] == [8, 25]
        assert b"ZT18" not in path.read_bytes()

    def test_what_was_anonymised_stays_so(self, recording: Path) -> None:
        first, second = recording.with_name("1"), recording.with_name("2")
        assert main(["record", f"file://{recording}?speed=0", "-o", str(first)]) == 0
        assert main(["record", f"file://{first}?speed=0", "-o", str(second), "--no-anonymise"]) == 0
        with open_recording(second) as again, open_recording(first) as before:
            assert again.header.anonymised is True
            assert again.header.started_at == before.header.started_at
            assert list(again) == list(before)

    def test_rotation(self, tmp_path: Path) -> None:
        big = tmp_path / "big"
        with big.open("wb") as file:
            for n in range(40_000):
                file.write(read(220, n, 10) + registers(220, *range(10)))
        arguments = ["record", f"file://{big}?speed=0", "-o", str(tmp_path / "x"), "--size", "1", "--keep", "2"]
        assert main(arguments) == 0
        parts = [tmp_path / name for name in ("x.2", "x.1", "x")]
        assert sorted(tmp_path.glob("x*")) == sorted(parts)
        assert all(part.stat().st_size <= 1_000_000 for part in parts)
        assert big.read_bytes().endswith(b"".join(map(chunks, parts)))


async def test_a_reader_that_has_gone_before(tmp_path: Path) -> None:
    async with server(EXCHANGE) as (url, _, _):
        process = pvsmqtt("record", url, "-o", "-")
        readable, writable = os.pipe()
        os.close(readable)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=writable, stderr=asyncio.subprocess.PIPE
        )
        os.close(writable)
        _, said = await running.communicate()
    assert (running.returncode, said) == (0, b"")


class TestRefusals:
    def refused(self, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
        assert main(["record", *map(str, arguments)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        return err

    def test_a_line_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for line in ("/dev/no-such-adapter", f"tcp://127.0.0.1:{free_port()}", f"file://{tmp_path}/none"):
            assert line.removeprefix("file://") in self.refused(capsys, line, "-o", tmp_path / "x")
            assert not (tmp_path / "x").exists()

    def test_a_file_that_is_there_already(self, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = recording.read_bytes()
        why = self.refused(capsys, f"file://{recording}?speed=0", "-o", recording)
        assert "exists already: a recording is not overwritten" in why
        assert recording.read_bytes() == before

    def test_a_place_that_is_none(self, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        why = self.refused(capsys, f"file://{recording}?speed=0", "-o", tmp_path / "none" / "x")
        assert "cannot be written: no such file or directory" in why

    def test_a_full_disk(self, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "no space left on device" in self.refused(capsys, f"file://{recording}?speed=0", "-o", "/dev/full")

    def test_a_disk_that_fills_up(
        self, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], limited: Callable[[int], None]
    ) -> None:
        big = tmp_path / "big"
        big.write_bytes(EXCHANGE * 9000)
        limited(200_000)
        why = self.refused(capsys, f"file://{big}?speed=0", "-o", tmp_path / "x", "--no-anonymise")
        assert "cannot be written any further" in why
        assert "Heard until then" in why
        with open_recording(tmp_path / "x") as found:
            data = b"".join(chunk.data for chunk in found)
            assert found.faults.damaged == 0
        assert big.read_bytes().startswith(data)
        assert len(data) > 50_000

    @pytest.mark.parametrize("line", ["nonsense://x", "tcp://h", "x"])
    def test_a_line_that_is_none(self, capsys: pytest.CaptureFixture[str], line: str) -> None:
        with pytest.raises(SystemExit) as caught:
            main(["record", line, "-o", "x"])
        assert caught.value.code == 2
        assert "allowed: " in capsys.readouterr().err


@pytest.fixture
def limited() -> object:
    """Limit the size of files of this process: a write is cut short and the next fails, as on a full disk."""
    import resource

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


class TestProgress:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def test_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal := self.Terminal())
        progress = Progress()
        progress.show("a long line")
        progress.show("short")
        progress.end()
        progress.end()
        assert terminal.getvalue() == "\ra long line\rshort      \n"

    def test_in_a_pipe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
        progress = Progress()
        progress.show("x")
        progress.end()
        assert pipe.getvalue() == ""

    def test_sizes(self) -> None:
        assert list(map(size, (0, 999, 1234, 5_600_000, 7_000_000_000))) == [
            *("0 bytes", "999 bytes", "1.2 kB", "5.6 MB", "7.0 GB")
        ]
