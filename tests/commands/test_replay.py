"""``pvsmqtt replay``: frames against the ground truth of streams, registers, summaries, and what cannot be read."""

import asyncio
import gzip
import io
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import pvsmqtt
from helpers_modbus import adu, exception, read, registers, write_many, write_one, written

from pvsmqtt.capture import Event, raw
from pvsmqtt.capture.items import Header
from pvsmqtt.cli import main

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
CLEAN = ("01_clean", "02_all_function_codes", "06_echo_duplicated", "07_exceptions")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["replay", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def frames(capsys: pytest.CaptureFixture[str], path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(capsys, path, "--frames", "--json").splitlines()]


@pytest.mark.parametrize("name", CLEAN)
def test_every_frame_of_the_samples(capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = SAMPLES / f"{name}.bin"
    if not path.exists():
        pytest.skip("the samples are not here")
    truth = [one for one in json.loads(path.with_suffix(".json").read_text())["frames"] if one["intact"]]
    found = {one["offset"]: one for one in frames(capsys, path)}
    names = {"req": "request", "rsp": "response"}
    for one in truth:
        if one.get("userdefined"):
            continue
        ours = found[one["offset"]]
        assert (ours["length"], ours["direction"]) == (one["length"], names[one["dir"]])
        assert (ours["unit"], ours["function"], ours["exception"]) == (one["unit"], one["fc"], one["exception"])
        for key in ("registers", "bits"):
            if one.get(key) is not None and one["fc"] not in (6, 5):
                assert ours[key] == one[key], (one, ours)
        if one["fc"] in (1, 2, 3, 4, 15, 16) and one["exception"] is None and "count" in one:
            assert (ours["address"], ours["count"]) == (one["address"], one["count"])
    assert set(found) == {one["offset"] for one in truth}


class TestFrames:
    def test_every_field(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        pieces = [
            *(read(9, 100, 2), registers(9, 7, 65535)),
            *(read(9, 5, 3, 1), adu(9, 1, b"\x01\x05")),
            *(read(9, 100, 2, 4), exception(9, 4, 2)),
            *(write_many(9, 3, 8, 9), written(9, 3, 2)),
            *(write_one(9, 4, 5), write_one(9, 4, 5)),
            *(adu(9, 22, struct.pack(">HHH", 1, 2, 3)),) * 2,
            *(adu(9, 17), adu(9, 17, b"\x02\x41\xff")),
            *(adu(9, 43, b"\x0e\x01\x00"), adu(9, 43, b"\x0e\x01\x01\x00\x00\x01\x00\x02OK")),
            registers(8, 1, 2),
        ]
        (tmp_path / "x").write_bytes(b"".join(pieces))
        found = frames(capsys, tmp_path / "x")
        offsets = [sum(map(len, pieces[:n])) for n in range(len(pieces))]
        assert [(one["offset"], one["length"]) for one in found] == list(zip(offsets, map(len, pieces), strict=True))
        kinds = [(one["direction"], one["function"], one["exception"], one["address"], one["count"]) for one in found]
        assert kinds == [
            ("request", 3, None, 100, 2),
            ("response", 3, None, 100, 2),
            ("request", 1, None, 5, 3),
            ("response", 1, None, 5, 3),
            ("request", 4, None, 100, 2),
            ("response", 4, 2, 100, 2),
            ("request", 16, None, 3, 2),
            ("response", 16, None, 3, 2),
            ("request", 6, None, 4, None),
            ("response", 6, None, 4, None),
            ("request", 22, None, 1, None),
            ("response", 22, None, 1, None),
            ("request", 17, None, None, None),
            ("response", 17, None, None, None),
            ("request", 43, None, None, None),
            ("response", 43, None, None, None),
            ("response", 3, None, None, 2),
        ]
        assert [one["registers"] for one in found] == [
            *(None, [7, 65535], None, None, None, None, [8, 9], None, [5], [5]),
            *(None, None, None, None, None, None, [1, 2]),
        ]
        assert found[3]["bits"] == [1, 0, 1]
        assert {one["table"] for one in found[:2]} == {"holding"}
        assert found[2]["table"] == "coils"
        assert (found[10]["and_mask"], found[10]["or_mask"]) == (2, 3)
        assert found[13]["payload"] == "41ff"
        assert found[15]["objects"] == [[0, b"OK".hex()]]
        assert all(one["when"] is None and one["echo"] is False for one in found)

    def test_echoes_are_marked(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        exchange = b"".join(read(9, n, 1) * 2 + registers(9, n) for n in range(20))
        (tmp_path / "x").write_bytes(exchange)
        found = frames(capsys, tmp_path / "x")
        assert len(found) == 60
        assert found[-2]["echo"] is True
        assert found[-3]["echo"] is False

    def test_times_of_a_recording(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        lines = raw.header(Header()), raw.chunk(1.5, read(9, 1, 1)), raw.chunk(1.75, registers(9, 5))
        (tmp_path / "x").write_bytes(b"".join(lines))
        assert [one["when"] for one in frames(capsys, tmp_path / "x")] == [1.5, 1.75]

    def test_for_people(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        stream = read(9, 100, 20), registers(9, *range(20)), read(9, 7, 1), exception(9, 3, 2), registers(8, 1)
        (tmp_path / "x").write_bytes(b"".join(stream))
        lines = run(capsys, tmp_path / "x", "--frames").splitlines()
        assert lines[0] == "        0    9 -> 3 holding 100+20"
        assert lines[1].endswith("9 <- 3 holding 100+20: 0 1 2 3 4 5 6 7 8 9 10 11 … 20 in all")
        assert lines[3].endswith("exception 2 (illegal data address)")
        assert lines[4].endswith("(nobody asked): 1")


class TestRegisters:
    def recording(self, path: Path) -> Path:
        lines = [raw.header(Header())]
        for t, value in ((0.0, 7000), (1.0, 7000), (2.0, 7005)):
            lines += [raw.chunk(t, read(77, 10, 2)), raw.chunk(t + 0.1, registers(77, value, 9999))]
        lines += [raw.chunk(3.0, read(10, 40000, 4)), raw.chunk(3.1, registers(10, 0x5375, 0x6E53, 1, 66))]
        path.write_bytes(b"".join(lines))
        return path

    def test_values_times_and_changes(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        tables = json.loads(run(capsys, self.recording(tmp_path / "x"), "--registers", "--json"))
        assert [(one["unit"], one["table"]) for one in tables] == [(10, "holding"), (77, "holding")]
        assert tables[1]["registers"] == [
            {"address": 10, "value": 7005, "when": 2.1, "changes": 1},
            {"address": 11, "value": 9999, "when": 2.1, "changes": 0},
        ]
        assert tables[1]["ranges"] == [{"address": 10, "count": 2, "times": 3}]
        assert tables[1]["unknown"] == [10, 11]
        assert tables[0]["sunspec"]["chain"] == [{"model": 1, "address": 40002, "length": 66, "basis": "confirmed"}]
        assert tables[0]["unknown"] == []

    def test_map_files(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "map.toml").write_text(
            'name = "Test"\nsource = "a test"\nunits = [77]\ntable = "holding"\nregisters = [\n'
            '  { address = 10, name = "supply", type = "uint16", scale = 0.5, unit = "V" },\n]\n'
        )
        arguments = self.recording(tmp_path / "x"), "--registers", "--map", tmp_path / "map.toml"
        (_, table) = json.loads(run(capsys, *arguments, "--json"))
        ((decoded),) = [one for one in table["decoded"] if one["name"] == "supply"]
        assert (decoded["address"], decoded["value"], decoded["raw"], decoded["unit"]) == (10, 3502.5, 7005, "V")
        assert table["unknown"] == [11]
        text = run(capsys, *arguments)
        assert "supply" in text
        assert "3502.5 V" in text
        assert "   10:  7005  9999" in text

    def test_a_map_that_is_none(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "map.toml").write_text("nonsense = 1\n")
        path = self.recording(tmp_path / "x")
        assert main(["replay", str(path), "--registers", "--map", str(tmp_path / "map.toml")]) == 2
        assert "map.toml" in capsys.readouterr().err


class TestSummary:
    def test_what_is_in_it(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        header = raw.header(Header(line="tcp://h:1", setting="19200 8N1", anonymised=True))
        lines = [header, raw.event(Event(0.0, "opened", {"setting": "9600 8N1"}))]
        for n in range(11):
            lines += [raw.chunk(10.0 * n, read(220, 10, 2)), raw.chunk(10.0 * n + 0.1, registers(220, 1, 2))]
        lines += [raw.chunk(105.0, read(221, 1, 1)), raw.chunk(105.1, exception(221, 3, 6) + b"\xff\xff\xff"), b"{\n"]
        (tmp_path / "x").write_bytes(b"".join(lines))
        assert main(["replay", str(tmp_path / "x"), "--json"]) == 0
        out, err = capsys.readouterr()
        assert "1 lines or packets could not be read" in err
        found = json.loads(out)
        assert found["duration"] == 105.1
        assert (found["frames"], found["requests"], found["responses"]) == (24, 12, 12)
        assert found["junk_bytes"] == 3
        assert found["settings"] == ["19200 8N1", "9600 8N1"]
        assert [one["unit"] for one in found["units"]] == [220, 221]
        assert found["units"][1]["exceptions"] == {"6": 1}
        ((polled),) = found["tables"][0]["ranges"]
        assert (polled["address"], polled["count"], polled["times"]) == (10, 2, 11)
        assert polled["interval"] == pytest.approx(10.5, abs=0.1)
        assert found["faults"]["damaged"] == 1
        assert main(["replay", str(tmp_path / "x")]) == 0
        text = capsys.readouterr().out
        for part in ("tcp://h:1", "0:01:45.100", "19200 8N1, then 9600 8N1", "serial numbers were blanked"):
            assert part in text
        assert "exception 6 (server device busy): 1×" in text
        assert "10+2: read 11×" in text

    def test_a_terminal_is_not_told_what_to_do(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(raw.header(Header(line="tcp://\x1b[2J", setting="\x07")))
        out = run(capsys, tmp_path / "x")
        assert "tcp://?[2J" in out
        assert not {"\x1b", "\x07"} & set(out)

    def test_nothing(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"")
        assert "No frame is in it" in run(capsys, tmp_path / "x")
        (tmp_path / "y").write_bytes(raw.header(Header()))
        assert json.loads(run(capsys, tmp_path / "y", "--json"))["duration"] is None


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("options", [[], ["--json"], ["--frames"], ["--registers", "--json"]])
    def test_no_file(self, capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str]) -> None:
        assert main(["replay", str(tmp_path / "none"), *options]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err == f"pvsmqtt: {tmp_path / 'none'}: there is no such file\n"

    def test_pcapng(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(24))
        assert main(["replay", str(tmp_path / "x")]) == 1
        assert "convert it with" in capsys.readouterr().err

    def test_a_compressed_file(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(gzip.compress(read(9, 0, 1)))
        assert main(["replay", str(tmp_path / "x")]) == 1
        assert "compressed: unpack it first" in capsys.readouterr().err

    @pytest.mark.parametrize("what", [(), ("--frames",), ("--registers",), ("--json",), ("--frames", "--json")])
    async def test_a_full_disk(self, tmp_path: Path, what: tuple[str, ...]) -> None:
        (tmp_path / "x").write_bytes((read(9, 0, 1) + registers(9, 1)) * 2000)
        process = pvsmqtt("replay", str(tmp_path / "x"), *what)
        full = os.open("/dev/full", os.O_WRONLY)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=full, stderr=asyncio.subprocess.PIPE
        )
        os.close(full)
        _, said = await running.communicate()
        assert said == b"pvsmqtt: the output cannot be written: no space left on device\n"
        assert running.returncode == 1

    def test_two_views_at_once(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["replay", str(tmp_path / "x"), "--frames", "--registers"]) == 2
        assert "exclude each other" in capsys.readouterr().err


def test_an_empty_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert "No frame is in it: it is empty" in run(capsys, tmp_path / "x")


def test_the_source_of_a_name_is_that_of_its_map(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "map").write_text(
        'name = "M"\nsource = "an owner"\nunits = 9\ntable = "holding"\nregisters = [\n'
        '{ address = 5, name = "five", type = "int16" },\n'
        '{ address = 6, name = "six", type = "int16", source = "another" },\n]\n'
    )
    (tmp_path / "x").write_bytes(read(9, 5, 2) + registers(9, 1, 2))
    said = run(capsys, tmp_path / "x", "--registers", "--map", tmp_path / "map")
    assert "five                     1   [M: an owner]" in said
    assert "six                      2   [M: another]" in said


def test_what_a_unit_looks_like_is_said_to_be_a_guess(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nobody heard a header, but 40072+50 is all of an inverter model behind the usual common model."""
    inverter = [0] * 50
    for scale in (4, 11, 13, 15, 17, 19, 21, 24, 30):
        inverter[scale] = 0xFFFE
    (tmp_path / "x").write_bytes((read(10, 40072, 50) + registers(10, *inverter)) * 3)
    guess = json.loads(run(capsys, tmp_path / "x", "--json"))["tables"][0]["sunspec"]["guesses"][0]
    assert (guess["address"], guess["length"]) == (40070, 50)
    said = run(capsys, tmp_path / "x")
    assert f"looks like SunSpec model {guess['model']} at 40070 (a guess" in said
    assert f'"10:40070={guess["model"]}"' in said
    assert "50 of unknown meaning" in said


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_how_far_it_is_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes((read(9, 0, 60) + registers(9, *range(60))) * 9000)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr("pvsmqtt.commands.replay.progress.EVERY", 0.0)
    assert main(["replay", str(tmp_path / "x"), "--registers"]) == 0
    shown = terminal.getvalue()
    assert " % " in shown
    assert shown.endswith("\r\x1b[K")
    assert "unit 9" in capsys.readouterr().out


async def test_standard_input_and_a_reader_that_has_enough(tmp_path: Path) -> None:
    process = pvsmqtt("replay", "-", "--frames", "--json")
    running = await asyncio.create_subprocess_exec(
        *process.command,
        env=process.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stderr is not None

    async def send() -> None:
        assert running.stdin is not None
        try:
            for n in range(20_000):
                running.stdin.write(read(9, n, 1) + registers(9, n))
                await running.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass

    sending = asyncio.create_task(send())
    assert json.loads(await running.stdout.readline())["offset"] == 0
    running._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    assert await running.stderr.read() == b""
    assert await running.wait() == 0
    await sending


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Counted in a process of its own: the whole is much larger than what it may take."""
    import resource
    import subprocess

    once = b"".join(read(9, 100, 120) + registers(9, *range(500, 620)) for n in range(1000))
    with (tmp_path / "x").open("wb") as file:
        for _ in range(60):
            file.write(once)
    assert (tmp_path / "x").stat().st_size > 15_000_000
    process = pvsmqtt("replay", str(tmp_path / "x"), "--json")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (60_000_000, 60_000_000))

    with (tmp_path / "out").open("wb") as out:
        status = subprocess.run(
            process.command, env=process.env, stdout=out, preexec_fn=limit, check=False
        ).returncode
    assert status == 0
    assert json.loads((tmp_path / "out").read_text())["frames"] == 120_000
    (tmp_path / "x").unlink()
