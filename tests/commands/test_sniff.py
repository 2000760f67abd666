"""Sniffing: the picture, the screen, and the command on a real terminal and in a pipe."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from harness import PATIENCE, pvsmqtt
from harness.terminal import Terminal
from helpers_modbus import exception, read, registers, write_one
from rich.console import Console

from pvsmqtt.commands.sniff import plain
from pvsmqtt.commands.sniff.picture import FRESH, Picture
from pvsmqtt.commands.sniff.screen import age, render
from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import loads
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485 import MAP
from pvsmqtt.simulator.rs485.simulator import BusSimulator
from pvsmqtt.sources.register_units.stats import BusStats
from pvsmqtt.sources.rs485.autobaud import Trial
from pvsmqtt.sources.rs485.quality import Quality

A_MAP = """
name = "Test"
source = "this test"
units = 221
table = "holding"
registers = [ { address = 101, name = "temperature", type = "int16", scale = 0.1, quantity = "temperature" } ]
"""


class Heard:
    """A picture of what a bus says."""

    def __init__(self, *units: int, maps: str | None = None) -> None:
        self.images, self.stats = Images(), BusStats()
        self.picture = Picture(self.images, self.stats, [loads(maps)] if maps else (), units)
        self._framer, self._dialogue = PassiveFramer(), Dialogue()

    def hear(self, data: bytes, when: float) -> None:
        self.stats.took(len(data), when)
        for frame in self._framer.feed(data, when) + self._framer.flush(when):
            self.stats.frame(frame)
            block = self._dialogue.observe(frame)
            self.picture.frame(frame)
            if block is not None:
                image = self.images.take(block)
                self.picture.block(block, () if image is None else image.changed)

    def poll(self, when: float, *values: int, unit: int = 221, address: int = 100) -> None:
        self.hear(read(unit, address, len(values)), when)
        self.hear(registers(unit, *values), when + 0.05)

    def screen(self, now: float, width: int = 80, height: int = 24, colours: bool = False) -> str:
        console = Console(record=True, width=width, height=height, file=StringIO(), force_terminal=True)
        console.print(render(self.picture, "tcp://127.0.0.1:4196", "19200 8N1, as ordered", now, width, height))
        return console.export_text(styles=colours)


class TestPicture:
    def test_units(self) -> None:
        heard = Heard()
        for n in range(10):
            heard.poll(10.0 * n, n, 5)
            heard.hear(read(222, 0, 2), 10.0 * n + 1)
        heard.hear(read(230, 5, 1), 95.0)
        heard.hear(exception(230, 3, 2), 95.1)
        talk = heard.picture.talks[221]
        assert (talk.requests, talk.responses, talk.heard) == (10, 10, 90.05)
        assert dict(talk.functions) == {3: 10}
        assert talk.rate(95.0, 0.0) == pytest.approx(6 / 60)
        assert heard.picture.talks[222].heard is None
        assert dict(heard.picture.talks[230].exceptions) == {2: 1}

    def test_only_the_units_that_are_wanted(self) -> None:
        heard = Heard(221)
        heard.poll(1.0, 1)
        heard.poll(2.0, 1, unit=220)
        assert list(heard.picture.talks) == [221]
        assert {row.unit for row in heard.picture.rows(3.0, 10)} == {221}
        assert heard.picture.registers() == (1, 1)

    def test_registers_that_changed_come_first(self) -> None:
        heard = Heard()
        heard.poll(1.0, *range(50))
        heard.poll(10.0, *range(40), 99, *range(41, 50))
        rows = heard.picture.rows(11.0, 3)
        assert len(rows) == 3
        changed = next(row for row in rows if row.address == 140)
        assert (changed.raw, changed.changes, changed.fresh) == (99, 1, True)
        assert changed.age == pytest.approx(0.95)
        assert not next(row for row in heard.picture.rows(10.1 + FRESH, 50) if row.address == 140).fresh
        assert heard.picture.changed() == 1

    def test_names_and_values(self) -> None:
        heard = Heard(maps=A_MAP)
        heard.poll(1.0, 60000, 0x10000 - 25)
        rows = {row.address: row for row in heard.picture.rows(2.0, 10)}
        assert (rows[101].name, rows[101].value) == ("temperature", "-2.5 °C")
        assert rows[100].name == ""
        heard.poll(5.0, 60000, 250)
        assert {row.address: row.value for row in heard.picture.rows(6.0, 10)}[101] == "25 °C"
        assert heard.picture.registers() == (2, 1)

    def test_what_the_master_writes_counts(self) -> None:
        heard = Heard()
        heard.poll(1.0, 7)
        heard.hear(write_one(221, 100, 8), 2.0)
        heard.hear(write_one(221, 100, 8), 2.1)
        assert heard.picture.rows(3.0, 1)[0].raw == 8


class TestScreen:
    def test_eighty_by_twenty_four(self) -> None:
        heard = Heard(maps=A_MAP)
        heard.stats.rate(19200, 10)
        for n in range(4):
            for unit in range(1, 30):
                heard.poll(10.0 * n + unit / 10, n, *range(30), unit=unit)
            heard.poll(10.0 * n + 5, n, 250 + n)
        lines = heard.screen(36.0).rstrip("\n").splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "tcp://127.0.0.1:4196  19200 8N1, as ordered" in lines[0]
        assert "bus load" in lines[1]
        assert "%" in lines[1]
        assert "temperature" in text
        assert "25.3 °C" in text
        assert "more units are not shown" in text

    @pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (200, 60), (20, 5), (1, 1)])
    def test_any_terminal(self, width: int, height: int) -> None:
        heard = Heard()
        heard.screen(0.0, width, height)
        heard.poll(1.0, *range(100))
        heard.screen(2.0, width, height)

    def test_a_change_is_highlighted(self) -> None:
        heard = Heard()
        heard.poll(1.0, 5)
        quiet = heard.screen(2.0, colours=True)
        heard.poll(3.0, 6)
        assert "43m" not in quiet  # a yellow ground
        assert "43m" in heard.screen(3.5, colours=True)
        assert "43m" not in heard.screen(3.5 + FRESH, colours=True)

    def test_search_for_the_speed(self) -> None:
        heard = Heard()
        quality = Quality(Setting(115200))
        quality.hear(bytes((0xF8, 0xE0, 0x00, 0xF8)) * 40)
        heard.picture.trial = Trial(Setting(115200), 1, quality, 20.0, elapsed=7.0)
        text = heard.screen(1.0)
        assert "tries 115200 8N1: 7 of 20 s, 160 bytes, 0 frames" in text
        assert "F8 50 %" in text
        assert "too fast" in text
        assert len(text.rstrip("\n").splitlines()) <= 24

    def test_advice_and_errors(self) -> None:
        heard = Heard()
        heard.picture.said = "listens"
        assert "listens" in heard.screen(1.0)
        heard.picture.advice = "A and B seem to be swapped [bold]not markup[/bold]"
        heard.stats.totals["crc_failures"] = 7
        text = heard.screen(1.0)
        assert "A and B seem to be swapped [bold]not markup" in text
        assert "crc failures 7" in text

    @pytest.mark.parametrize(
        ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (120, "2 min"), (7300, "2 h"), (-1, "0 s")]
    )
    def test_age(self, seconds: float, text: str) -> None:
        assert age(seconds) == text


def test_summary() -> None:
    heard = Heard()
    heard.poll(1.0, 5)
    heard.poll(2.0, 6)
    text = "\n".join(plain.summary(heard.picture, "19200 8N1", 61.4))
    assert "heard for 0:01:01 at 19200 8N1: 30 bytes, 4 frames" in text
    assert "unit 221: 2 requests, 2 answers, 0 time-outs, 0 refused" in text
    assert "1 registers, 1 of them changed, 1 of unknown meaning" in text


@pytest.fixture
async def bus() -> AsyncIterator[BusSimulator]:
    simulator = BusSimulator("listen:127.0.0.1:0", speed=20, interval=10)
    await simulator.start()
    yield simulator
    await simulator.stop()


class TestPipe:
    async def test_a_line_for_each_frame(self, bus: BusSimulator) -> None:
        process = pvsmqtt("sniff", bus.url)
        await process.start()
        try:
            await process.out.until(lambda: len(process.out.items) > 60 or None, "frames")
            process.signal(signal.SIGINT)
            assert await process.exit() == 0
        finally:
            await process.kill()
        assert process.log.items == []
        assert any("221 <- 3 holding 200+18: " in line for line in process.out.items)

    async def test_json_tells_the_truth(self, bus: BusSimulator) -> None:
        process = pvsmqtt("sniff", bus.url, "--json", "--unit", "221", "--unit", "230")
        await process.start()
        try:
            await process.out.until(lambda: len(process.out.items) > 12 or None, "frames")
            process.signal(signal.SIGTERM)
            assert await process.exit() == 0
        finally:
            await process.kill()
        found = [json.loads(line) for line in process.out.items]
        assert {frame["unit"] for frame in found} == {221, 230}
        truth = {true.offset: true for true in bus.truth}
        for frame in found:
            true = truth[frame["offset"]]
            assert frame["length"] == true.length
            assert frame["direction"] == ("response" if true.is_response else "request")
            assert frame["unit"] == true.unit
        assert found[0]["when"] == 0
        assert bus.written == b""

    async def test_a_recording_until_its_end(self, tmp_path: Path) -> None:
        file = tmp_path / "bus.bin"
        file.write_bytes(read(221, 100, 2) + registers(221, 36, 20))
        status, out, log = await pvsmqtt("sniff", f"file://{file}?speed=0", "--json").run()
        assert (status, log) == (0, "")
        assert [json.loads(line)["registers"] for line in out.splitlines()] == [None, [36, 20]]

    async def test_for_so_many_seconds(self, bus: BusSimulator) -> None:
        status, _, _ = await pvsmqtt("sniff", bus.url, "--seconds", "0.5").run()
        assert status == 0

    async def test_a_reader_that_has_enough(self, bus: BusSimulator) -> None:
        process = pvsmqtt("sniff", bus.url)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert running.stdout is not None
        assert running.stderr is not None
        await running.stdout.readline()
        running._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE):
            assert await running.stderr.read() == b""
            assert await running.wait() == 0


class TestNotHeard:
    @pytest.mark.parametrize(
        ("arguments", "status", "why"),
        [
            (("serial:///dev/not-there",), 1, "not plugged in"),
            (("file:///nowhere/x.jsonl",), 1, "recording"),
            (("carrier-pigeon://x",), 2, "is not a way to hear a line"),
            (("tcp://127.0.0.1:1", "--baudrate", "7"), 2, "not a number from 50"),
            (("tcp://127.0.0.1:1", "--map", "/nowhere.toml"), 2, "/nowhere.toml"),
            (("--config", "/nowhere.toml"), 2, "no such file"),
        ],
    )
    async def test_says_why(self, arguments: tuple[str, ...], status: int, why: str) -> None:
        found, out, log = await pvsmqtt("sniff", *arguments).run()
        assert (found, out) == (status, "")
        assert why in log

    async def test_the_line_of_the_configuration(self, bus: BusSimulator, tmp_path: Path) -> None:
        file = tmp_path / "pvsmqtt.toml"
        file.write_text(f'[mqtt]\nhost = "127.0.0.1"\n[[rs485]]\nline = "{bus.url}"\n')
        status, out, _ = await pvsmqtt("sniff", "--config", str(file), "--seconds", "2").run()
        assert status == 0
        assert out
        file.write_text('[mqtt]\nhost = "127.0.0.1"\n[[pvs]]\nhost = "127.0.0.1"\n')
        status, _, log = await pvsmqtt("sniff", "--config", str(file)).run()
        assert status == 2
        assert "no [[rs485]] table" in log

    async def test_no_configuration(self) -> None:
        """Whoever names neither has to be told of the shorter way."""
        status, _, log = await pvsmqtt("sniff", "--config", "/nowhere.toml").run()
        assert status == 2
        assert "or name a line: pvsmqtt sniff /dev/serial/by-id/" in log

    async def test_nothing_is_heard(self) -> None:
        """In a pipe too it is said why nothing came out."""
        silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with silent:
            line = f"tcp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
            status, out, log = await pvsmqtt("sniff", line, "--seconds", "0.5").run()
        assert (status, out) == (0, "")
        assert "no frame was heard" in log
        assert len(log.splitlines()) == 1

    async def test_a_full_disk(self, bus: BusSimulator) -> None:
        process = pvsmqtt("sniff", bus.url, "--json")
        full = os.open("/dev/full", os.O_WRONLY)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=full, stderr=asyncio.subprocess.PIPE
        )
        os.close(full)
        async with asyncio.timeout(PATIENCE):
            _, said = await running.communicate()
        assert said == b"pvsmqtt: the output cannot be written: no space left on device\n"
        assert running.returncode == 1


class TestTerminal:
    async def test_a_live_screen_and_a_summary(self, bus: BusSimulator) -> None:
        terminal = Terminal("sniff", bus.url, "--map", str(MAP), "--unit", "221")
        await terminal.until(b"dcdc_supply_voltage", b"bus load", b"Ctrl-C ends it")
        assert await terminal.end() == 0
        before, _, after = terminal.shown.rpartition(b"\x1b[?1049l")  # the screen of before is back
        assert b"\x1b[?1049h" in before
        assert b"\x1b[?25h" in terminal.shown  # and the cursor
        assert b"unit 221: " in after
        assert b"errors: none" in after

    async def test_plain_on_a_terminal(self, bus: BusSimulator) -> None:
        terminal = Terminal("sniff", bus.url, "--plain")
        await terminal.until(b"<- 3 holding")
        assert await terminal.end() == 0
        assert b"\x1b[" not in terminal.shown

    async def test_the_speed_is_found(self) -> None:
        simulator = BusSimulator("pty", speed=4, interval=10)
        await simulator.start()
        terminal = Terminal("sniff", simulator.url)
        try:
            await terminal.until(b"found by listening", b"last heard")
            assert await terminal.end() == 0
        finally:
            await simulator.stop()
        assert b"19200 8N1, found by listening" in terminal.shown
        assert simulator.written == b""


async def test_tables_are_shown_by_name() -> None:
    heard = Heard()
    heard.hear(read(220, 3, 1, function=4), 1.0)
    heard.hear(registers(220, 9, function=4), 1.1)
    assert heard.picture.rows(2.0, 1)[0].table is Table.INPUT_REGISTERS
    assert "input" in heard.screen(2.0)
