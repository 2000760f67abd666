"""Any sequence of readings, outages, full disks, kills and restarts: nothing that was written is lost, nothing is
invented, and everything comes in order."""

import asyncio
import itertools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from helpers_journal import Broker, Run, readings
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.sinks.mqtt.journal.store import Store
from pvsmqtt.sinks.mqtt.journal.trouble import FULL, Trouble

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 30)),
        st.tuples(st.just("send"), st.none() | st.integers(0, 40)),
        st.tuples(st.sampled_from(["kill", "restart", "full", "room", "flush"]), st.none()),
    ),
    max_size=40,
)


class World:
    """A journal, its broker, and what we know of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Broker()
        self.full = False
        self.accepted = 0
        self.safe: set[int] = set()
        """Readings that were on disk, or are with the broker."""
        self.unsafe: set[int] = set()
        """Readings that were in memory alone."""
        self.lives = itertools.count()

    async def begin(self) -> None:
        self.run = Run(self.folder, self.broker)
        await self.run.journal.open()

    async def step(self, what: str, much: int | None) -> None:
        match what:
            case "accept":
                new = range(self.accepted, self.accepted + (much or 0))
                self.unsafe.update(new)
                self.accepted = new.stop
                await self.run.accept(*readings(new.start, len(new)))
                self.is_written()
            case "flush":
                await self.run.journal.flush()
                self.is_written()
            case "send":
                self.broker.room = much
                await self.run.send()
            case "full" | "room":
                self.full = what == "full"
            case "kill":
                copy = self.folder.with_name(f"life{next(self.lives)}")
                shutil.copytree(self.folder, copy)
                old, self.folder = self.run, copy
                self.unsafe.clear()
                await self.begin()
                await old.journal.close()
            case "restart":
                self.full = False
                await self.run.journal.close()
                self.is_written()
                await self.begin()

    def is_written(self) -> None:
        if not self.full:
            self.safe |= self.unsafe
            self.unsafe.clear()

    def check(self) -> None:
        content: dict[tuple[str, int], str] = {}
        first_come = []
        for message in self.broker.messages:
            one: dict[str, Any] = json.loads(message.payload)
            identity = (one["stream"], one["sequence"])
            assert content.setdefault(identity, message.payload) == message.payload, "one number, one reading"
            number = int(one["values"]["power"])
            if number not in first_come:
                first_come.append(number)
        assert len(content) == len(first_come), "one reading, one number"
        assert self.safe <= set(first_come), "nothing that was written is lost"
        assert set(first_come) <= set(range(self.accepted)), "nothing is invented"
        assert first_come == sorted(first_come), "in order"
        for stream in {stream for stream, _ in content}:
            numbers = sorted(n for s, n in content if s == stream)
            if stream == self.run.report["stream"]:
                assert numbers == list(range(1, len(numbers) + 1)), "without gaps"


@settings(max_examples=60)
@given(STEPS)
def test_nothing_is_lost(steps: list[tuple[str, int | None]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as place:
            world = World(Path(place) / "first")
            write = Store.write

            def maybe(*arguments: Any) -> Any:
                if world.full:
                    raise Trouble(FULL, "no space left on device")
                return write(*arguments)

            Store.write = maybe  # type: ignore[method-assign]
            try:
                await world.begin()
                for step in steps:
                    await world.step(*step)
                world.full, world.broker.room = False, None
                await world.run.journal.flush()
                await world.run.send()
                world.is_written()
                world.check()
                assert world.run.pending == 0
            finally:
                Store.write = write  # type: ignore[method-assign]
                await world.run.journal.close()

    asyncio.run(play())
