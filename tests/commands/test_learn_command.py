"""``pvsmqtt learn`` as a process: gathering, analysing, asking, writing."""

import asyncio
import json
import os
import pty
import signal
import sys
import termios
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from commands.bus_for_learning import house
from harness import Bench, pvsmqtt

from pvsmqtt.commands.learn import view
from pvsmqtt.commands.learn.analysis import analyse
from pvsmqtt.commands.learn.history import header
from pvsmqtt.commands.learn.proposal import register_map, text
from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.mapfile import decode, load, loads
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.rs485.simulator import BusSimulator


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench(tmp_path).open() as bench:
        yield bench


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("learn") / "history.jsonl"
    file.write_text(header("2026-06-21T18:05:00Z", "x") + "".join(house().lines))
    return file


class TestMap:
    def test_what_is_accepted_decodes_to_what_the_api_told(self) -> None:
        bus = house()
        accepted = [result for result in analyse(bus.history).results if result.best is not None]
        written = text(accepted, date(2026, 6, 21))
        found = loads(written)
        assert found == register_map(accepted, date(2026, 6, 21))
        image = RegisterImage()
        for place, series in bus.history.registers.items():
            image.put(place.address, (series.values[-1],), 1.0)
        values = {one.entry.quantity: one.value for one in decode([found], 221, Table.HOLDING_REGISTERS, image)}
        at = bus.addresses
        assert values["temperature"] == pytest.approx(_signed(image.get(at["temperature"])) / 10)
        assert values["supply_voltage"] == pytest.approx((image.get(at["volts"]) or 0) / 1000)
        assert values["fan_active"] == ("on" if (image.get(at["flags"]) or 0) & 8 else "off")
        assert values["power"] == bus.history.told["sy01", "power"].values[-1] or isinstance(values["power"], int)

    def test_every_fact_has_its_source(self) -> None:
        accepted = [result for result in analyse(house().history).results if result.best is not None]
        for entry in register_map(accepted, date(2026, 6, 21)).entries:
            assert entry.source.startswith("learned on 2026-06-21 from ")
            assert "distinct values" in entry.source or "changes" in entry.source


def _signed(raw: int | None) -> int:
    assert raw is not None
    return raw - 0x10000 if raw >= 0x8000 else raw


class TestOffline:
    async def test_nothing_is_written_unasked(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "learned.toml"
        status, out, log = await pvsmqtt("learn", "--offline", "--history", str(history), "-o", str(target)).run()
        assert (status, log) == (0, "")
        assert "strong  temperature" in out
        assert "nothing was accepted" in out
        assert "?       gateway_voltage" in out
        assert not target.exists()

    @pytest.mark.parametrize("how", [("--yes",), ("--accept", "all-strong")])
    async def test_a_map_of_what_is_strong(self, how: tuple[str, ...], history: Path, tmp_path: Path) -> None:
        target = tmp_path / "learned.toml"
        arguments = ("--offline", "--history", str(history), "-o", str(target), *how)
        status, _, log = await pvsmqtt("learn", *arguments).run()
        assert status == 0
        assert f"6 quantities written to {target}" in log
        assert {entry.quantity for entry in load(target).entries} == {
            "temperature",
            "humidity",
            "supply_voltage",
            "dcdc_supply_voltage",
            "power",
            "fan_active",
        }
        status, _, log = await pvsmqtt("learn", *arguments).run()
        assert status == 1
        assert "exists already" in log

    async def test_a_reader_that_has_gone(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "learned.toml"
        process = pvsmqtt("learn", "--offline", "--history", str(history), "-o", str(target), "--json")
        readable, writable = os.pipe()
        os.close(readable)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=writable, stderr=asyncio.subprocess.PIPE
        )
        os.close(writable)
        _, said = await running.communicate()
        assert (running.returncode, said) == (0, b"")

    async def test_for_machines(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "learned.toml"
        arguments = ("--offline", "--history", str(history), "-o", str(target), "--json")
        status, out, log = await pvsmqtt("learn", *arguments).run()
        assert (status, log) == (0, "")
        found = {one["quantity"]: one for one in json.loads(out)["quantities"]}
        assert found["temperature"]["candidate"]["strength"] == "strong"
        assert found["gateway_voltage"]["candidate"] is None
        assert not target.exists()

    async def test_the_user_is_asked_on_a_terminal(self, history: Path, tmp_path: Path) -> None:
        target = tmp_path / "learned.toml"
        shown = await asyncio.to_thread(_answers, history, target)
        assert shown.count("? [y/N]") == 6
        assert [entry.quantity for entry in load(target).entries] == ["temperature"]

    @pytest.mark.parametrize(
        ("arguments", "wanted", "why"),
        [
            (("--offline",), 2, "needs --history"),
            (("--offline", "--history", "/nowhere/at-all.jsonl"), 1, "No such file"),
            (("--for", "soon"), 2, "is no time"),
        ],
    )
    async def test_wrong_usage(self, arguments: tuple[str, ...], wanted: int, why: str, tmp_path: Path) -> None:
        status, _, log = await pvsmqtt("learn", *arguments, "-o", str(tmp_path / "x.toml")).run()
        assert status == wanted
        assert why in log


def _answers(history: Path, target: Path) -> str:
    """Run it on a pseudo-terminal; say yes to the temperature alone."""
    pid, terminal = pty.fork()
    if pid == 0:
        command = [
            sys.executable,
            "-m",
            "pvsmqtt",
            "learn",
            "--offline",
            "--history",
            str(history),
            "-o",
            str(target),
        ]
        os.execv(sys.executable, command)
    shown, asked = "", 0
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data.decode(errors="replace")
        while shown.count("? [y/N]") > asked:
            question = shown.split("? [y/N]")[asked].rsplit("accept ", 1)[1]
            os.write(terminal, b"y\n" if question.startswith("temperature") else b"\n")
            asked += 1
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return shown


class TestGathering:
    async def test_line_and_pvs_come_together(self, bench: Bench, tmp_path: Path) -> None:
        home = House(4, ess=True)
        pvs = await bench.pvs(house=home)
        bus = BusSimulator("listen:127.0.0.1:0", house=home, speed=60, seed=1)
        await bus.start()
        config = bench.make_service(bench.settings(1, pvs.port)).file
        file = tmp_path / "history.jsonl"
        process = pvsmqtt(
            "learn",
            *("--config", str(config), "--line", bus.url, "--for", "1h", "--history", str(file)),
            *("-o", str(tmp_path / "learned.toml")),
        )
        try:
            await process.start()
            await process.says("both the line and the PVS are heard")
            process.signal(signal.SIGINT)
            assert await process.exit(60) == 0
        finally:
            await process.kill()
            await bus.stop()
        assert "ESS hub" in "\n".join(process.out.items)
        assert "nothing was accepted" in process.out.items[-1]
        before = file.read_text().splitlines()
        status, out, _ = await pvsmqtt("learn", "--offline", "--history", str(file), "-o", str(tmp_path / "x")).run()
        assert status == 0
        assert "ESS hub" in out
        assert any('"registers"' in line for line in before)
        assert any('"device"' in line for line in before)
        assert json.loads(before[0])["format"] == "pvsmqtt-learn/1"
        assert file.stat().st_mode & 0o077 == 0

    async def test_a_line_that_is_not_there(self, bench: Bench, tmp_path: Path) -> None:
        """Nobody waits for hours to learn that the adapter was not plugged in."""
        pvs = await bench.pvs()
        config = bench.make_service(bench.settings(1, pvs.port)).file
        process = pvsmqtt(
            "learn",
            *(
                "--config",
                str(config),
                "--line",
                "/dev/no-such-adapter",
                "--history",
                str(tmp_path / "history.jsonl"),
            ),
            *("-o", str(tmp_path / "learned.toml")),
        )
        status, out, log = await process.run()
        assert (status, out) == (1, "")
        assert "the adapter is not plugged in" in log

    async def test_a_line_that_another_program_has(self, bench: Bench, tmp_path: Path) -> None:
        pvs = await bench.pvs()
        config = bench.make_service(bench.settings(1, pvs.port)).file
        ours, theirs = os.openpty()
        path = os.ttyname(theirs)
        fcntl_exclusive(theirs)
        process = pvsmqtt(
            "learn",
            *("--config", str(config), "--line", f"serial://{path}", "--history", str(tmp_path / "history.jsonl")),
            *("-o", str(tmp_path / "learned.toml")),
        )
        try:
            status, _, log = await process.run()
        finally:
            os.close(ours)
            os.close(theirs)
        assert status == 1
        assert "systemctl stop pvsmqtt" in log


def fcntl_exclusive(terminal: int) -> None:
    """As the service holds a line."""
    import fcntl

    fcntl.flock(terminal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.ioctl(terminal, termios.TIOCEXCL)


def test_a_weak_candidate_says_why() -> None:
    shown = "\n".join(view.lines(analyse(house(steps=100).history)))
    assert "weak" in shown
    assert "are needed" in shown
    assert "the same --history" in shown
