"""The command: a real service, a real broker, and a terminal or a pipe."""

from __future__ import annotations

import asyncio
import json
import signal
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, Mosquitto, Service, device_ids, pvsmqtt
from harness.terminal import Terminal

from pvsmqtt.simulator.pvs.server import PvsSimulator

QUICK = {"pvsmqtt.service.TICK": 0.2, "pvsmqtt.service.HEALTH_EVERY": 0.5}


class House:
    """A service with its broker and its PVS, told of completely."""

    def __init__(self, bench: Bench, broker: Mosquitto, pvs: PvsSimulator, service: Service) -> None:
        self.bench, self.broker, self.pvs, self.service = bench, broker, pvs, service
        self.url = f"mqtt://127.0.0.1:{broker.port}"
        self.terminals: list[Terminal] = []

    async def told(self) -> None:
        """Wait until everything stands on the broker."""
        recorder = await self.bench.recorder(self.broker.port)
        await recorder.have("site", *device_ids(self.pvs))
        await recorder.wait("pvsmqtt/home/health", lambda m: m.json["sources"][0]["state"] == "ok")
        await recorder.stop()

    def terminal(self, *arguments: str, **how: Any) -> Terminal:
        made = Terminal("watch", "--broker", self.url, *arguments, **how)
        self.terminals.append(made)
        return made


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Bench(tmp_path).open() as bench:
        broker, pvs = await bench.broker(), await bench.pvs()
        service = await bench.service(broker.port, pvs.port, patch=QUICK)
        made = House(bench, broker, pvs, service)
        await made.told()
        try:
            yield made
        finally:
            for terminal in made.terminals:
                await terminal.kill()


class TestTerminal:
    async def test_the_house_and_its_ways_out(self, house: House) -> None:
        terminal = house.terminal()
        await terminal.sees("home online", "Solar ", "producing", "Panels: 4 live", f"pvs 127.0.0.1:{house.pvs.port}")
        terminal.press("q")
        assert await terminal.ended() == 0
        _, _, after = terminal.shown.rpartition(b"\x1b[?1049l")  # the screen of before is back
        assert b"\x1b[?25h" in terminal.shown  # and the cursor
        assert b"home online: PV " in after

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_signals(self, house: House, number: int) -> None:
        terminal = house.terminal()
        await terminal.sees("home online", "Panels: 4 live")
        assert await terminal.end(number) == 0
        assert b"\x1b[?1049l" in terminal.shown
        assert b"Traceback" not in terminal.shown

    async def test_keys_and_views(self, house: House) -> None:
        terminal = house.terminal(height=12)
        await terminal.sees("[house]", "Solar ", "arrows scroll")
        terminal.press("\x1b[6~")
        await terminal.sees("[house]", without="Solar ")
        terminal.press("\x1b[H\t")
        await terminal.sees("[panels]", "of best")
        terminal.press("\t")
        await terminal.sees("[devices]", "pvsmqtt/home/site/state")
        terminal.press("\x1b[Z\x1b[Z\x1b[Z")
        await terminal.sees("[sources]", "has no login")

    async def test_it_follows_the_size(self, house: House) -> None:
        terminal = house.terminal()
        await terminal.sees("Panels: 4 live")
        terminal.resize(160, 40)
        shown = await terminal.sees("  ─ Panels: 4 live")
        assert any("Solar site" in line and "Panels: 4 live" in line for line in shown.splitlines())

    @pytest.mark.parametrize("key", ["q", "\x03"])
    async def test_the_terminal_is_left_as_it_was(self, house: House, key: str) -> None:
        terminal = house.terminal()
        before = terminal.settings
        await terminal.sees("Panels: 4 live")
        assert before[3] & termios.ICANON
        assert not terminal.settings[3] & termios.ICANON
        terminal.press("\x1a")  # Ctrl-Z would leave half a screen to the shell
        terminal.press("\t")
        await terminal.sees("[panels]")
        terminal.press(key)
        assert await terminal.ended() == 0
        assert terminal.left == before

    async def test_a_broker_that_restarts(self, house: House) -> None:
        terminal = house.terminal()
        await terminal.sees("Panels: 4 live")
        await house.broker.kill()
        await terminal.sees("NO BROKER, it is tried again", "Panels: 4 live")
        await house.broker.start()
        await terminal.sees("home online", "Panels: 4 live", "connected for", without="NO BROKER")

    async def test_a_service_that_ends_and_starts(self, house: House) -> None:
        terminal = house.terminal()
        await terminal.sees("Panels: 4 live")
        await house.service.stop()
        await terminal.sees("home OFFLINE", "these are the last values", "Panels: 4 old", "4 old")
        await house.service.start()
        await terminal.sees("home online", "Panels: 4 live")

    async def test_a_broker_that_is_not_there_yet(self, house: House) -> None:
        await house.broker.kill()
        terminal = house.terminal()
        await terminal.sees("NO BROKER, it is tried again")
        await house.broker.start()
        await terminal.sees("Panels: 4 live")

    async def test_without_colours(self, house: House) -> None:
        terminal = house.terminal(env={"NO_COLOR": "1"})
        await terminal.sees("Panels: 4 live")
        assert await terminal.end() == 0
        assert b"\x1b[32m" not in terminal.shown
        assert b"\x1b[1;32m" not in terminal.shown

    async def test_a_dumb_terminal_gets_lines(self, house: House) -> None:
        terminal = house.terminal(env={"TERM": "dumb"})
        await terminal.until(b"home online: PV ")
        assert await terminal.end() == 0
        assert b"\x1b" not in terminal.shown

    async def test_names_are_only_names(self, house: House) -> None:
        serial = house.pvs.house.serials.inverters[0]
        await house.service.reload(names={serial: "[red]Roof\x1b[2J\x07"})
        terminal = house.terminal()
        terminal.press("\t")
        await terminal.sees("[panels]", "[red]Roof?[2J?")
        assert await terminal.end() == 0
        assert b"\x1b[2J\x07" not in terminal.shown


class TestInstances:
    async def test_another_one(self, house: House) -> None:
        other = house.bench.make_service(
            house.bench.settings(
                house.broker.port, instance="barn", state_dir=str(house.bench.folder / "barn"), rs485=[LINE]
            )
        )
        await other.start()
        recorder = await house.bench.recorder(house.broker.port)
        await recorder.wait("pvsmqtt/barn/status", lambda m: m.text == "online")
        terminal = house.terminal("--instance", "barn")
        shown = await terminal.sees("barn online", "RS-485 line", "rs485 barn")
        assert "Panels" not in shown
        terminal = house.terminal("--instance", "cabin")
        await terminal.sees("Nothing stands under the instance 'cabin'", "--instance barn online", "--instance home")
        status, out, log = await pvsmqtt("watch", "--broker", house.url, "--instance", "cabin", "--once").run()
        assert (status, out) == (1, "")
        assert "no instance cabin stands below pvsmqtt" in log
        assert "there are: barn, home" in log


LINE = {"line": "tcp://127.0.0.1:1", "name": "barn"}


class TestPipe:
    async def test_lines(self, house: House) -> None:
        process = pvsmqtt("watch", "--broker", house.url)
        await process.start()
        try:
            first = await process.out.until(lambda: next(iter(process.out.items), None), "line")
            assert "Z home online: PV " in first
            assert "4 of 4 panels live; no source fails" in first
            await house.broker.kill()
            await process.out.until(lambda: _with(process.out.items, "no broker, it is tried again"), "word of it")
            await house.broker.start()
            count = len(process.out.items)
            await process.out.until(lambda: _with(process.out.items[count:], "home online: PV "), "line")
            process.signal(signal.SIGINT)
            assert await process.exit() == 0
        finally:
            await process.kill()
        assert process.log.items == []

    async def test_a_connection_that_breaks_is_said_in_our_words(self, house: House) -> None:
        """And nothing of the libraries comes between, which would be written over the screen of a terminal."""
        line = await house.bench.proxy(house.broker.port)
        process = pvsmqtt("watch", "--broker", f"mqtt://127.0.0.1:{line.port}")
        await process.start()
        try:
            await process.out.until(lambda: _with(process.out.items, "home online: PV "), "line")
            line.set("reset")
            await process.out.until(lambda: _with(process.out.items, "no broker, it is tried again"), "word of it")
            line.set("pass")
            count = len(process.out.items)
            await process.out.until(lambda: _with(process.out.items[count:], "home online: PV "), "line")
        finally:
            await process.kill()
        assert process.log.items == []

    async def test_once(self, house: House) -> None:
        status, out, log = await pvsmqtt("watch", "--broker", house.url, "--once").run()
        assert (status, log) == (0, "")
        assert "home online" in out
        assert "Panels: 4 live" in out
        assert "\x1b" not in out

    async def test_json(self, house: House) -> None:
        status, out, log = await pvsmqtt("watch", "--broker", house.url, "--json").run()
        assert (status, log) == (0, "")
        found = json.loads(out)
        assert (found["service"], found["instance"]) == ("online", "home")
        assert {one["id"] for one in found["devices"]} == {"site", "bridge", *device_ids(house.pvs)}
        site = next(one for one in found["devices"] if one["id"] == "site")
        assert {one["key"]: one["unit"] for one in site["values"]}["pv_power"] == "W"
        assert [one["state"] for one in found["health"]["sources"]] == ["ok"]

    async def test_the_broker_of_the_configuration(self, house: House) -> None:
        status, out, _ = await pvsmqtt("watch", "--config", str(house.service.file), "--once").run()
        assert status == 0
        assert "Panels: 4 live" in out

    async def test_a_reader_that_has_enough(self, house: House) -> None:
        process = pvsmqtt("watch", "--broker", house.url)
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert running.stdout is not None
        assert running.stderr is not None
        await running.stdout.readline()
        running._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        await house.broker.kill()
        assert await running.stderr.read() == b""
        assert await running.wait() == 0


def _with(lines: list[str], text: str) -> str | None:
    return next((line for line in lines if text in line), None)


async def test_no_broker() -> None:
    status, out, log = await pvsmqtt("watch", "--broker", "mqtt://127.0.0.1:1", "--json").run()
    assert (status, out) == (1, "")
    assert "127.0.0.1:1" in log
    assert len(log.splitlines()) == 1


async def test_a_login(tmp_path: Path) -> None:
    async with Bench(tmp_path).open() as bench:
        broker = await bench.broker({"solar": "swordfish"})
        url = f"mqtt://solar@127.0.0.1:{broker.port}"
        status, _, log = await pvsmqtt("watch", "--broker", url, "--once").run()
        assert status == 1
        assert "refused" in log
        (tmp_path / "secret").write_text("swordfish\n")
        status, _, log = await pvsmqtt(
            "watch", "--broker", url, "--password-file", str(tmp_path / "secret"), "--once"
        ).run()
        assert status == 1
        assert "no instance home stands below pvsmqtt on the broker at" in log


async def test_usage() -> None:
    status, _, log = await pvsmqtt("watch", "--broker", "mqtt://a:swordfish@b").run()
    assert status == 2
    assert "does not belong on the command line" in log
    assert "swordfish" not in log
    status, _, log = await pvsmqtt("watch", "--config", "/nowhere.toml").run()
    assert status == 2
    assert "or name a broker: pvsmqtt watch --broker" in log
