"""Lines that are played from a script, with a clock that only they move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from helpers_modbus import read, registers

from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.lost import LineLost
from pvsmqtt.sources.rs485.tap import Hear, State
from pvsmqtt.sources.rs485.url import LineUrl

START = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
Item = bytes | float | LineLost
"""What happens on a line: bytes come, seconds pass, it is lost."""


class Clock:
    """Both clocks."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now - 1000)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class ScriptedLine:
    """A line on which a script happens; at its end it is silent for ever, and ``done`` is set."""

    clock: Callable[[], float] | None = None

    def __init__(self, clock: Clock, *script: Item) -> None:
        self.name = "script"
        self.done = asyncio.Event()
        self.closed = False
        self.driver: dict[str, int] = {}
        self._time = clock
        self._script = list(script)

    async def read(self, patience: float) -> bytes:
        await asyncio.sleep(0)
        while self._script:
            item = self._script.pop(0)
            if isinstance(item, LineLost):
                raise item
            if isinstance(item, bytes):
                return item
            if item > patience:
                self._script.insert(0, item - patience)
                self._time.now += patience
                return b""
            self._time.now += item
        self.done.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    def errors(self) -> dict[str, int]:
        return self.driver

    def note(self) -> str:
        return ""

    async def close(self) -> None:
        self.closed = True


class Openings:
    """Opens one line after the other, or fails to; when there are no more, nothing ever opens again and ``done`` is
    set."""

    def __init__(self, *lines: ScriptedLine | LineLost) -> None:
        self.asked: list[Setting | None] = []
        self.done = asyncio.Event()
        self._lines = list(lines)

    async def __call__(self, url: LineUrl, setting: Setting | None) -> Any:
        self.asked.append(setting)
        if not self._lines:
            self.done.set()
            await asyncio.Event().wait()
        line = self._lines.pop(0)
        if isinstance(line, LineLost):
            raise line
        return line


class Notes(Hear):
    """Everything that was heard."""

    def __init__(self) -> None:
        self.bytes: list[tuple[bytes, float]] = []
        self.frames: list[tuple[Frame, Frame | None]] = []
        self.blocks: list[tuple[RegisterBlock, tuple[int, ...]]] = []
        self.idle: list[float] = []
        self.states: list[State] = []
        self.said: list[str] = []

    def on_bytes(self, data: bytes, when: float) -> None:
        self.bytes.append((data, when))

    def on_frame(self, frame: Frame, request: Frame | None) -> None:
        self.frames.append((frame, request))

    def on_block(self, block: RegisterBlock, changed: tuple[int, ...]) -> None:
        self.blocks.append((block, changed))

    def on_idle(self, when: float) -> None:
        self.idle.append(when)

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        self.states.append(state)
        self.said.append(said)


def poll(unit: int, address: int, *values: int, function: int = 3) -> list[Item]:
    """A request, the time that a unit takes, its answer."""
    return [read(unit, address, len(values), function), 0.02, registers(unit, *values, function=function)]


async def turns(condition: Callable[[], object]) -> None:
    """Let everything else take its turns until this is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


async def until(event: asyncio.Event, *tasks: asyncio.Task[Any]) -> None:
    """Wait for an event; what a task raises before is raised here."""
    waiting = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait({waiting, *tasks}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done & set(tasks):
        task.result()
    assert event.is_set()
