"""``replay`` and ``sniff`` of captures of a network."""

from __future__ import annotations

import asyncio
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from harness import PATIENCE, pvsmqtt
from helpers_packets import GATEWAY, PVS, Talk, capture, exception, header, read, registers
from rich.console import Console

from pvsmqtt.cli import main
from pvsmqtt.commands.sniff.network import Sniffing
from pvsmqtt.commands.sniff.screen import render_servers
from pvsmqtt.sources.modbus_tap.tap import Tap

AT = f"{GATEWAY}:502"


def conversation() -> Talk:
    """Five polls with writes, a refusal, a request without an answer, and its end."""
    talk = Talk().open()
    for n in range(5):
        talk.poll(n, 10, 40070, 102, 50, *range(50)).write(100 + n, 10, 40220, n, 2).wait(15)
    return talk.ask(read(4, 230, 5, 2)).answer(exception(4, 230, 3, 2)).ask(read(5, 230, 5, 2)).close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    one = conversation()
    two = Talk(503, client_port=40002, now=one.now).open().poll(1, 10, 80, 0, 52100)
    path = tmp_path / "mirror.pcap"
    path.write_bytes(capture(one.packets + two.packets))
    os.utime(path, (1, 1))  # nobody writes to it any more
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


class TestReplay:
    def test_frames(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        found = [json.loads(line) for line in run(capsys, "replay", file, "--frames", "--json").splitlines()]
        assert len(found) == 25
        first, answer = found[:2]
        assert (first["packet"], first["direction"], first["transaction"]) == (4, "request", 0)
        assert (first["client"], first["server"], first["unit"]) == (f"{PVS}:40001", AT, 10)
        assert (answer["address"], answer["count"], answer["registers"][:3]) == (40070, 52, [102, 50, 0])
        assert answer["when"] == pytest.approx(0.024, abs=1e-3)
        assert [one["exception"] for one in found if one["unit"] == 230] == [None, 2, None]
        assert found[-1]["server"] == f"{GATEWAY}:503"
        lines = run(capsys, "replay", file, "--frames").splitlines()
        assert lines[-1].endswith(f"10 <- 3 holding 80+2: 0 52100   [{PVS}:40002 -> {GATEWAY}:503 #1]")
        assert any("exception 2 (illegal data address)" in line for line in lines)

    def test_summary(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        found = json.loads(run(capsys, "replay", file, "--json"))
        assert (found["kind"], found["link_type"], found["packets"], found["segments"]) == ("network", 1, 34, 34)
        first, second = found["servers"]
        assert (first["server"], first["clients"], first["connections"]) == (AT, [PVS], 1)
        assert (first["paired"], first["timeouts"], first["exceptions"]) == (11, 1, 1)
        assert {one["unit"]: one["timeouts"] for one in first["units"]} == {10: 0, 230: 1}
        assert first["tables"][0]["ranges"][0]["times"] == 5
        assert second["server"] == f"{GATEWAY}:503"
        text = run(capsys, "replay", file)
        assert f"server {AT}, asked by {PVS} on 1 connections" in text
        assert "unit 230: 2 requests" in text
        assert "1 time-outs" in text

    def test_registers(self, capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
        (tmp_path / "map.toml").write_text(
            'name = "m"\nsource = "s"\nunits = 10\ntable = "holding"\n'
            'registers = [{ address = 80, name = "battery", type = "uint32", scale = 0.001, unit = "V" }]\n'
        )
        tables = json.loads(run(capsys, "replay", file, "--registers", "--json", "--map", tmp_path / "map.toml"))
        assert [(one["server"], one["unit"]) for one in tables] == [(AT, 10), (f"{GATEWAY}:503", 10)]
        assert tables[1]["decoded"][0]["value"] == pytest.approx(52.1)
        assert tables[0]["unknown"] == [40220, 40221]
        assert f"server {GATEWAY}:503" in run(capsys, "replay", file, "--registers")

    def test_other_ports(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(capture(Talk(1502).open().poll(1, 10, 0, 5).packets))
        assert "TCP packets of port 1502: name it with --port" in run(capsys, "replay", tmp_path / "x")
        assert "unit 10: 1 requests" in run(capsys, "replay", tmp_path / "x", "--port", 1502)

    def test_a_file_that_is_cut_off(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        file.write_bytes(file.read_bytes()[:-5])
        assert main(["replay", str(file)]) == 0
        out, err = capsys.readouterr()
        assert "packet 34 is cut off" in out
        assert "1 lines or packets could not be read" in err

    def test_nothing_in_it(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(header())
        assert "No Modbus connection is in it." in run(capsys, "replay", tmp_path / "x")


class TestSniff:
    def test_a_file(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        lines = run(capsys, "sniff", file, "--plain").splitlines()
        assert len(lines) == 25
        found = [json.loads(line) for line in run(capsys, "sniff", file, "--json", "--unit", 230).splitlines()]
        assert [one["unit"] for one in found] == [230] * 3

    async def test_a_pipe(self, file: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *pvsmqtt("sniff", "-").command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                process.stdin.write(file.read_bytes())
                lines = [await process.stdout.readline() for _ in range(25)]  # while the pipe is open still
                assert b"holding 80+2: 0 52100" in lines[-1]
                process.stdin.close()
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @pytest.mark.parametrize(
        ("data", "status", "text"),
        [
            (b"no capture of anything at all", 1, "is no pcap file"),
            (header(147), 1, "serial line"),
            (capture(Talk(1502).open().packets), 0, "mirror the switch port"),
        ],
    )
    async def test_what_cannot_be_heard(self, tmp_path: Path, data: bytes, status: int, text: str) -> None:
        (tmp_path / "x").write_bytes(data)
        with (tmp_path / "x").open("rb") as source:
            process = await asyncio.create_subprocess_exec(
                *pvsmqtt("sniff", "-").command, stdin=source, stderr=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(PATIENCE):
                _, err = await process.communicate()
        assert process.returncode == status
        assert text in err.decode()

    def test_the_screen(self) -> None:
        tap = Tap("-")
        sniffing = Sniffing(tap, [], [], None)
        talk = conversation()
        two = Talk(503, client_port=40002, now=talk.now).open().poll(1, 10, 80, 7, 52100)
        _feed(tap, sniffing, talk, two)
        sniffing.count()
        for width, height in ((80, 24), (120, 40), (60, 10)):
            console = Console(record=True, width=width, height=height, file=StringIO(), force_terminal=True)
            servers: list[tuple[str, Any]] = [(str(at), picture) for at, picture in sniffing.pictures.items()]
            console.print(render_servers("standard input", "listens", False, servers, two.now, width, height))
            text = console.export_text(styles=False)
            assert AT in text
            assert len(text.rstrip("\n").splitlines()) <= max(height, 12)
        assert f"{GATEWAY}:503" not in text
        assert "1 more servers are not shown" in text
        assert [line for line in sniffing.summary() if "unit 230" in line] == [
            "  unit 230: 2 requests, 1 answers, 1 time-outs, 1 refused"
        ]


def _feed(tap: Tap, sniffing: Sniffing, *talks: Talk) -> None:
    from pvsmqtt.capture.pcap import Record

    for talk in talks:
        for when, packet in talk.packets:
            for spoken in tap.mirror.take(Record(when, packet, len(packet)), 101):
                sniffing.on_spoken(spoken)


def test_answers_out_of_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    talk = Talk().open().ask(read(1, 10, 0, 1) + read(2, 10, 50, 1))
    talk.answer(registers(2, 10, 6)).answer(registers(1, 10, 5))
    (tmp_path / "x").write_bytes(capture(talk.packets))
    found = [json.loads(line) for line in run(capsys, "replay", tmp_path / "x", "--frames", "--json").splitlines()]
    assert [(one["transaction"], one["address"]) for one in found] == [(1, 0), (2, 50), (2, 50), (1, 0)]
