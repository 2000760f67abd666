"""What `pvsmqtt check` finds out about a line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sources.rs485_bench import Clock, Item, Openings, ScriptedLine, poll, turns, until

from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.rs485.check import check
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.source import Rs485Source

TALK = [*poll(220, 0, 1), *poll(221, 0, 1), *poll(5, 0, 1)] * 5
SERIAL = "serial:///dev/ttyUSB0"


async def findings(
    *lines: ScriptedLine | LineLost, state: Path | None = None, listen: float = 20, search: float = 20, **options: Any
) -> list[Finding]:
    table = Rs485Options(**{"line": "tcp://127.0.0.1:4196", **options})
    return await check(table, state, listen, search, Openings(*lines))


def script(*items: Item) -> ScriptedLine:
    return ScriptedLine(Clock(), *items)


async def test_a_good_line() -> None:
    line = script(*TALK)
    opened, traffic, units = await findings(line)
    assert all(finding.ok for finding in (opened, traffic, units))
    assert opened.text == "tcp://127.0.0.1:4196 is open"
    assert "5 requests with their answers" in traffic.text
    assert units.text == "5, 220 (HUB+), 221 (ESS hub)"
    assert line.closed


async def test_its_speed_is_told() -> None:
    opened, *_ = await findings(script(*TALK), line=SERIAL, baudrate=19200, parity="E")
    assert opened.text == f"{SERIAL} is open, 19200 8E1"


async def test_its_speed_is_found_first() -> None:
    opened, traffic, _ = await findings(script(*poll(220, 0, 1, 2, 3)), script(*TALK), line=SERIAL)
    assert opened.text == f"{SERIAL} is open, 115200 8N1"
    assert traffic.ok


async def test_no_speed_is_found() -> None:
    lines = [script(bytes((0xE0, 0x00, 0x80, 0xF0)) * 200) for _ in range(9)]
    (finding,) = await findings(*lines, line=SERIAL, baudrate=9600)
    assert not finding.ok
    assert finding.subject == "rs485 rs485 speed"
    assert "3200 bytes were heard at 4 settings" in finding.text
    assert finding.advice


async def test_a_silent_line() -> None:
    _, traffic = await findings(script(), listen=0.05)
    assert not traffic.ok
    assert "nothing was heard" in traffic.text
    assert "A and B" in traffic.advice


async def test_a_line_that_spoke_before_may_be_silent(tmp_path: Path) -> None:
    clock = Clock()
    line = ScriptedLine(clock, *TALK)
    options = Rs485Options(line="tcp://127.0.0.1:4196", interval=1)
    source = Rs485Source(options, tmp_path, monotonic=clock.monotonic, opener=Openings(line), sleep=clock.sleep)
    task = asyncio.create_task(source.run(lambda _: None))
    await until(line.done, task)
    await turns((tmp_path / "rs485-rs485.json").exists)
    task.cancel()
    await asyncio.wait({task})
    _, traffic = await findings(script(), listen=0.05, state=tmp_path)
    assert traffic.ok
    assert "has spoken before" in traffic.text


async def test_bytes_that_are_no_frames() -> None:
    _, traffic = await findings(script(bytes((0xE0, 0x00, 0x80, 0xF0)) * 200), listen=0.05)
    assert not traffic.ok
    assert "800 bytes, 0 frames" in traffic.text
    assert "too fast" in traffic.advice
    assert "in the serial server" in traffic.advice


async def test_a_noisy_line_is_good_but_told() -> None:
    noise = bytes((0xE0, 0x01, 0x80, 0xF0)) * 30
    _, traffic, _ = await findings(script(*poll(220, 0, 1), noise, 1.0, *TALK, noise, *TALK))
    assert traffic.ok
    assert "bytes of no frame" in traffic.text


@pytest.mark.parametrize("reason", [Loss.MISSING, Loss.DENIED, Loss.REFUSED, Loss.UNREACHABLE])
async def test_a_line_that_cannot_be_opened(reason: Loss) -> None:
    (finding,) = await findings(LineLost(reason, "it is so"))
    assert not finding.ok
    assert finding.text == "it is so"
    assert finding.advice == LineLost(reason, "").advice


@pytest.mark.parametrize("reason", [Loss.BUSY, Loss.PORT_TAKEN])
async def test_a_line_that_the_service_listens_to(reason: Loss) -> None:
    (finding,) = await findings(LineLost(reason, "another program has it"))
    assert finding.ok
    assert finding.text.startswith("another program has it. If that is the pvsmqtt service, all is well")
    assert "stop" in finding.text


async def test_a_line_that_is_lost_while_listening() -> None:
    (finding,) = await findings(script(*poll(220, 0, 1), LineLost(Loss.UNPLUGGED, "the adapter is gone")))
    assert (finding.ok, finding.text) == (False, "the adapter is gone")
