"""A month's stay: what the service needs on its last day, beside its second.

    python benchmarks/soak.py [--days 30] [--panels 40] [--look 5]

The real service with default settings, in virtual time (`virtual_time`): a simulated PVS with live data, the
simulated RS-485 bus of a SunVault on a serial server, and a real mosquitto. Connections are real ones over loopback;
days pass as fast as their work can be done. At 1,000 times the usual speed, by a clock that is merely fast, ten
seconds of patience would be ten milliseconds, and every time-out would strike; here work takes no time.

Every day at 2:10 the PVS restarts and is away for 9 minutes; every seventh day the broker is killed and away for 10;
in the middle the firmware is updated, from DeviceList to the login.

Service and simulators are one process (time must stand still for both), and what it holds is what both hold. Bytes
written are those of the block layer (``write_bytes`` of /proc/self/io), with everything flushed every 30 s of the
day, as the kernel does it; the folder for temporary files must be on a disk. What the file system adds for itself is
not in it. The clock stands still while the broker or the disk is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import subprocess
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any

import aiomqtt
import common
import paho.mqtt.client  # noqa: F401 - it speaks to a broker outside, and keeps the clock of this machine
import virtual_time

DAY, FLUSH = 86400, 30
BEGIN = datetime(2026, 6, 1, 6, tzinfo=UTC)
"""Midnight at the simulated house."""

RESTART_AT, RESTART_TAKES, BROKER_AT, BROKER_AWAY = 7800, 540, 50_000, 600
OLD, NEW = "61839", "61845"
GROWTH, WRITTEN, LINES = 1.0, 50.0, 100
"""Goals: MB more memory on the last day than on the second, MB written and lines logged in a day."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=3, help="a month takes hours of CPU time")
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--no-rs485", action="store_true")
    parser.add_argument(
        "--look", type=float, default=5.0, help="seconds between two frames of live data; a PVS sends one a second"
    )
    args = parser.parse_args()
    virtual_time.everywhere(BEGIN)
    with common.folder() as folder:
        virtual_time.run(soak(args, folder), grace=0.0)


class Lines(logging.Handler):
    """Counts what is logged; keeps what is worse than information."""

    def __init__(self) -> None:
        super().__init__()
        self.today = 0
        self.levels: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        self.worse: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.today += 1
        self.levels[record.levelname] += 1
        text = record.getMessage() if len(record.msg) < 12 else record.msg
        self.texts[f"{record.levelname} {record.name}: {text[:160]}"] += 1
        if record.levelno >= logging.ERROR:
            when = virtual_time.wall(BEGIN)
            self.worse.append(f"{when:%d %H:%M:%S} {record.getMessage()}")


@dataclass
class Day:
    """What there was at the end of a day, or in it."""

    number: int
    memory: float
    files: int
    written: float
    lines: int
    published: int
    cpu: float
    took: float


@dataclass
class Counts:
    """Since the start; a `Day` is the difference of two."""

    written: int = field(default_factory=lambda: bytes_written())
    published: int = 0
    cpu: float = field(default_factory=time.process_time)
    real: float = field(default_factory=time.perf_counter)


class Broker:
    """A real mosquitto with its default settings, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = common.free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = common.program("mosquitto")
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} {common.HOST}\nallow_anonymous true\n")
        self._process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        common.wait_for(lambda: common.answers(self.port), "the broker")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


async def soak(args: argparse.Namespace, folder: Path) -> None:
    from pvsmqtt.service import Service
    from pvsmqtt.settings import settings_class
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.pvs.server import PvsSimulator
    from pvsmqtt.simulator.rs485.simulator import BusSimulator

    lines = Lines()
    logging.basicConfig(handlers=[lines], level=logging.WARNING, force=True)
    logging.getLogger("pvsmqtt").setLevel(logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.ERROR)

    wall = partial(virtual_time.wall, BEGIN)
    house = House(args.panels, ess=True)
    pvs = PvsSimulator(house, clock=wall, firmware=OLD, delay=9.0, vars_delay=1.0, https_port=0, live_port=0)
    pvs.stats.requests = deque(maxlen=20)  # it remembers what it was asked: that is no memory of the service
    await pvs.start()
    bus = BusSimulator("listen:127.0.0.1:0", house=house, clock=wall, keeps=False)
    await bus.start()
    broker = Broker(folder)
    broker.start()
    assert pvs.live is not None
    pvs.live.period = args.look
    table = {"host": pvs.https_url, "live_url": pvs.live.url}
    rs485 = [] if args.no_rs485 else [{"line": bus.url}]
    state = folder / "state"
    settings = settings_class()(
        state_dir=state, mqtt={"host": common.HOST, "port": broker.port}, pvs=[table], rs485=rs485
    )
    service = Service(settings)
    running = asyncio.ensure_future(service.run())
    helpers = [
        asyncio.ensure_future(flush(state)),
        asyncio.ensure_future(restarts(pvs, args.days)),
        asyncio.ensure_future(outages(broker)),
    ]
    days = []
    try:
        print(
            f"{args.panels} panels, SunVault, live data, {'no ' if args.no_rs485 else ''}RS-485; all in one process"
        )
        print(" day   memory   files   written    lines   messages   CPU time   took")
        before = counts()
        for number in range(1, args.days + 1):
            ended = asyncio.ensure_future(asyncio.sleep(number * DAY - virtual_time.now()))
            await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                raise RuntimeError("the service ended by itself")
            after = counts()
            days.append(day(number, before, after, lines))
            before = after
    finally:
        for task in helpers:
            task.cancel()
        health = report(service)
        service.stop()
        await asyncio.wait({running, *helpers})
        await bus.stop()
        await pvs.stop()
        broker.kill()
    judge(days, lines, health)


def day(number: int, before: Counts, after: Counts, lines: Lines) -> Day:
    found = Day(
        number,
        common.resident("self"),
        len(list(Path("/proc/self/fd").iterdir())),
        (after.written - before.written) / 1e6,
        lines.today,
        after.published - before.published,
        after.cpu - before.cpu,
        after.real - before.real,
    )
    lines.today = 0
    print(
        f"{found.number:4} {found.memory:6.1f} MB {found.files:5} {found.written:7.1f} MB {found.lines:8} "
        f"{found.published:10} {found.cpu:8.0f} s {found.took:5.0f} s",
        flush=True,
    )
    return found


def judge(days: list[Day], lines: Lines, health: dict[str, Any]) -> None:
    print("lines, by what they say:")
    for text, count in lines.texts.most_common(30):
        print(f"  {count:5} × {text}")
    for text in lines.worse[:20]:
        print(f"  {text}")
    print(f"at the end: {health}")
    early, late = days[min(1, len(days) - 1)], days[-1]
    written, most = max(d.written for d in days), max(d.lines for d in days)
    growth = late.memory - early.memory
    print(f"memory from day {early.number} to day {late.number}: {growth:+.1f} MB; ", end="")
    print(common.goal(growth < GROWTH, f"under {GROWTH:g} MB"))
    print(f"open files: {early.files}, {late.files}; {common.goal(late.files <= early.files, 'no more')}")
    print(f"written in a day: {written:.1f} MB at most; {common.goal(written < WRITTEN, f'under {WRITTEN:g} MB')}")
    print(f"lines in a day: {most} at most; {common.goal(most < LINES, f'under {LINES}')}")
    print(f"errors: {len(lines.worse)}; {common.goal(not lines.worse, 'none')}")
    speed = sum(d.took for d in days) / len(days)
    print(f"a day took {speed:.0f} s: {DAY / speed:.0f} times as fast as it passes")


async def flush(folder: Path) -> None:
    """What the kernel does with what was written."""
    while True:
        await asyncio.sleep(FLUSH)
        await asyncio.to_thread(flush_journal, folder)


def flush_journal(folder: Path) -> None:
    """All other files are flushed when they are written."""
    for file in folder.glob("journal.db*"):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
            os.fsync(opened.fileno())


async def restarts(pvs: Any, days: int) -> None:
    """The PVS every night, once with other firmware."""
    for number in range(days):
        await asyncio.sleep(number * DAY + RESTART_AT - virtual_time.now())
        if number == days // 2:
            pvs.firmware = NEW
        await pvs.begin_restart(RESTART_TAKES)


async def outages(broker: Broker) -> None:
    """The broker once a week, for the first time on the first day."""
    week = 0
    while True:
        await asyncio.sleep(7 * week * DAY + BROKER_AT - virtual_time.now())
        broker.kill()
        await asyncio.sleep(BROKER_AWAY)
        await asyncio.to_thread(broker.start)
        week += 1


def counts() -> Counts:
    return Counts(published=waited_for["publish"])


def report(service: Any) -> dict[str, Any]:
    """Whether all is well at the end."""
    running = {source.name: source.health.report(virtual_time.now()) for _, source in service._running()}
    keys = ("successes", "failures", "refused", "errors")
    sources = {name: {key: found[key] for key in keys if key in found} for name, found in running.items()}
    return {"journal": service._journal.report(), "sources": sources, "restarts": dict(service._supervisor.restarts)}


def bytes_written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


waited_for: Counter[str] = Counter()


def _held(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that waits for the broker, which lives in real time: the clock stands still meanwhile."""

    @wraps(call)
    async def held(*args: Any, **more: Any) -> Any:
        waited_for[name] += 1
        if name == "publish" and not more.get("qos"):
            return await call(*args, **more)
        with virtual_time.standing_still():
            return await call(*args, **more)

    return held


for _name in ("__aenter__", "publish", "subscribe", "__aexit__"):
    setattr(aiomqtt.Client, _name, _held(_name, getattr(aiomqtt.Client, _name)))


if __name__ == "__main__":
    main()
