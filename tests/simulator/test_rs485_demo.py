"""The demo shows the bus: what was heard of every board, decoded with the map of the invented registers."""

import asyncio
import importlib.util
import re
import signal
import sys

import pytest

BOARD = re.compile(r"On the RS-485 bus: (HUB\+|ESS hub|PV disconnect) SY\w+ +\w+ \S+  ")


@pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)
async def test_the_demo_shows_every_board_on_the_bus() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pvsmqtt", "demo", "--panels", "3"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        seen, lines = set(), []
        while seen != {"HUB+", "ESS hub", "PV disconnect"}:
            lines.append((await process.stdout.readline()).decode())
            assert lines[-1], "".join(lines)
            if found := BOARD.match(lines[-1]):
                seen.add(found[1])
        assert any("registers are invented" in line for line in lines)
        assert any(re.match(r" +1 × RS-485 line ", line) for line in lines)
        process.send_signal(signal.SIGINT)
        await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
