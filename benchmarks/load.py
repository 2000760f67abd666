"""What one PVS has to bear from the service in an hour, and from the vendor's library for Python beside it.

    python benchmarks/load.py [--panels 40] [--hours 3] [--only 61845]

The source runs with default settings against a simulated PVS of each generation, in one process and in virtual time
(`virtual_time`). The simulator counts: the first hour, then the average of the hours after it. The PVS takes seconds
to reply, as a real one does, so that requests could overlap; its sessions last 300 s whether used or not, and it
closes a WebSocket after 600 s.

The peer is pypvs (PyPI), used as the Home Assistant integration of the same vendor uses it: ``setup`` once, then
``update``, its WebSocket off, every 300 s, and every 10 s, which is the default of that integration. pypvs tells no
live data but over its WebSocket.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import common
import virtual_time

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.stats import Request
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.source import PvsSource

HOUR, CYCLE = 3600, 300
PER_CYCLE, LOGINS, AT_ONCE = 2, 15, 1
"""Goals: requests in 300 s without live data and logins, logins in an hour, requests under way."""

LOGIN, LIVE, LIVE_ON, STORAGE = "login", "live data", "live data on", "SunVault"
KINDS = (
    ("/auth?login", LOGIN),
    ("/auth?logout", "logout"),
    ("set=/sys/telemetryws/enable", LIVE_ON),
    ("-live", LIVE),
    ("match=/sys/livedata", LIVE),
    ("match=/sys/devices", "search of devices"),
    ("-devices", "devices"),
    ("DeviceList", "devices"),
    ("energy-storage-system", STORAGE),
    ("supervisor/info", "who it is"),
    ("/vars", "about itself"),
    ("", "diagnostics"),
)
"""What is in a request, and what it is for; the first row that fits."""

Reader = Callable[[PvsSimulator, Path], Awaitable[None]]


def kind(request: Request) -> str:
    text = f"{request.path} {request.body}"
    return next(name for part, name in KINDS if part in text)


class Log(deque[tuple[float, str]]):
    """In place of the simulator's own list of requests: all of them, with the time of the loop."""

    def append(self, request: Any) -> None:
        super().append((asyncio.get_running_loop().time(), kind(request)))


class Pvs(PvsSimulator):
    """A simulator that counts connections."""

    accepted = 0

    def _accept(self) -> asyncio.BaseProtocol:
        self.accepted += 1
        return super()._accept()


@dataclass(frozen=True)
class Counts:
    """Of a stretch of time; figures are per hour where nothing else is said."""

    hours: float
    kinds: Counter[str] = field(default_factory=Counter)
    cycles: Sequence[Counter[str]] = ()
    at_once: int = 0
    connections: int = 0
    sent: int = 0
    sockets: int = 0
    pushed: int = 0
    """Bytes over WebSockets."""

    def since(self, before: Counts) -> Counts:
        """Of the time after ``before``."""
        return Counts(
            round(self.hours - before.hours, 6),
            self.kinds - before.kinds,
            self.cycles[len(before.cycles) :],
            self.at_once,
            self.connections - before.connections,
            self.sent - before.sent,
            self.sockets - before.sockets,
            self.pushed - before.pushed,
        )

    @property
    def rest(self) -> int:
        """Requests that are neither logins nor for live data."""
        return size(self.kinds, LOGIN, LIVE, LIVE_ON)

    def most(self, *without: str) -> int:
        """The most requests in a cycle, those of some kinds left out."""
        return max(size(cycle, *without) for cycle in self.cycles)


def size(kinds: Counter[str], *without: str) -> int:
    """How many requests there are, those of some kinds left out."""
    return sum(count for name, count in kinds.items() if name not in without)


@dataclass(frozen=True)
class Case:
    """A firmware, and who reads it."""

    name: str
    firmware: str
    reader: Reader
    ess: bool = False


def count(pvs: Pvs) -> Counts:
    """Everything since the start."""
    log, stats = pvs.stats.requests, pvs.stats
    seconds = asyncio.get_running_loop().time()
    cycles: list[Counter[str]] = [Counter() for _ in range(int(seconds) // CYCLE)]
    for at, name in log:
        cycles[min(int(at // CYCLE), len(cycles) - 1)][name] += 1
    live = pvs.live.stats if pvs.live is not None else None
    at_once, stats.max_in_flight = stats.max_in_flight, stats.in_flight
    return Counts(
        round(seconds / HOUR, 6),
        Counter(name for _, name in log),
        cycles,
        at_once,
        pvs.accepted,
        stats.bytes_sent,
        live.connections if live else 0,
        live.bytes if live else 0,
    )


async def measure(case: Case, panels: int, hours: int, delays: tuple[float, float]) -> tuple[Counts, Counts]:
    """The first hour, and those after it."""
    wall = partial(virtual_time.wall, common.BEGIN)
    pvs = Pvs(
        House(panels, ess=case.ess),
        clock=wall,
        firmware=case.firmware,
        session_clock=asyncio.get_running_loop().time,
        delay=delays[0],
        vars_delay=delays[1],
        https_port=0,
        live_port=0,
    )
    pvs.stats.requests = Log()
    await pvs.start()
    with common.folder() as folder:
        reading = asyncio.ensure_future(case.reader(pvs, folder))
        try:
            await asyncio.wait({reading}, timeout=HOUR)
            first = count(pvs)
            await asyncio.wait({reading}, timeout=hours * HOUR)
            steady = count(pvs).since(first)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            await asyncio.wait({reading})
            await pvs.stop()
    return first, steady


async def ours(pvs: PvsSimulator, folder: Path, **options: Any) -> None:
    """The source of the service."""
    host = pvs.https_url if pvs.running.generation == "varserver" else pvs.url
    live = pvs.live.url if pvs.live is not None else ""
    source = PvsSource(
        PvsOptions(host=host, live_url=live, **options),
        folder,
        wall=partial(virtual_time.wall, common.BEGIN),
        monotonic=asyncio.get_running_loop().time,
        jitter=lambda: 0.5,
    )
    try:
        await source.run(lambda _readings: None)
    finally:
        if source.health.refused:
            print(f"  refused: {dict(source.health.refused)}")


async def theirs(pvs: PvsSimulator, _folder: Path, interval: float) -> None:
    """pypvs; the integration counts its interval from the end of a poll."""
    from pypvs.pvs import PVS

    async with aiohttp.ClientSession() as session:
        client = PVS(session, host=f"127.0.0.1:{pvs.https_port}", password=pvs.house.serials.supervisor[-5:])
        await client.setup()
        while True:
            data = await client.update()
            if len(data.inverters) != len(pvs.house.panels):
                raise RuntimeError(f"pypvs sees {len(data.inverters)} inverters")
            await asyncio.sleep(interval)


CASES = (
    Case("61839", "61839", ours),
    Case("61839, SunVault", "61839", ours, ess=True),
    Case("61845", "61845", ours),
    Case("61845, SunVault", "61845", ours, ess=True),
    Case("61845, live = off", "61845", partial(ours, live="off")),
    Case("PVS5 5412", "pvs5-5412", ours),
    Case("pypvs 61845", "61845", partial(theirs, interval=300.0)),
    Case("pypvs PVS5 5412", "pvs5-5412", partial(theirs, interval=300.0)),
    Case("pypvs 61845, 10 s", "61845", partial(theirs, interval=10.0)),
)

COLUMNS: dict[str, Callable[[Counts], float]] = {
    "requests": lambda c: sum(c.kinds.values()) / c.hours,
    "logins": lambda c: c.kinds[LOGIN] / c.hours,
    "live data": lambda c: (c.kinds[LIVE] + c.kinds[LIVE_ON]) / c.hours,
    "the rest": lambda c: c.rest / c.hours,
    "in 300 s": lambda c: c.most(LOGIN, LIVE, LIVE_ON),
    "at once": lambda c: c.at_once,
    "TCP, TLS": lambda c: c.connections / c.hours,
    "kB": lambda c: c.sent / c.hours / 1000,
    "WebSockets": lambda c: c.sockets / c.hours,
    "kB pushed": lambda c: c.pushed / c.hours / 1000,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--hours", type=int, default=3, help="after the first one")
    parser.add_argument("--list-takes", type=float, default=9.0, help="seconds of a DeviceList")
    parser.add_argument("--vars-take", type=float, default=1.0, help="seconds of a request to /vars")
    parser.add_argument("--only", default="", help="cases with this in their names")
    args = parser.parse_args()
    logging.getLogger("pypvs").setLevel(logging.CRITICAL)  # it warns of every session that has ended
    results = {}
    for case in CASES:
        if args.only in case.name:
            work = measure(case, args.panels, args.hours, (args.list_takes, args.vars_take))
            results[case.name] = virtual_time.run(work)
    show("the first hour", {name: first for name, (first, _) in results.items()})
    show(f"per hour, in {args.hours} hours after it", {name: steady for name, (_, steady) in results.items()})
    for name, (first, steady) in results.items():
        print(name)
        print(f"  first 300 s: {listed(first.cycles[0])}")
        print(f"  {args.hours} hours later on: {listed(steady.kinds)}")
        print(f"  requests in 300 s without logins and live data: {spread(steady)}")
        for met, text in goals(steady):
            print(f"  {common.goal(met, text)}")


def show(title: str, counts: dict[str, Counts]) -> None:
    print(f"{title + ' ':-<24}" + "".join(f"{name:>13}" for name in COLUMNS))
    for name, of_case in counts.items():
        print(f"{name:24}" + "".join(f"{figure(of_case):13.4g}" for figure in COLUMNS.values()))


def listed(kinds: Counter[str]) -> str:
    """``36 devices, 12 login``."""
    return ", ".join(f"{times} {name}" for name, times in kinds.most_common())


def spread(counts: Counts) -> str:
    """``2 in 30 cycles, 1 in 6 cycles``."""
    sizes = Counter(size(cycle, LOGIN, LIVE, LIVE_ON) for cycle in counts.cycles)
    return ", ".join(f"{requests} in {cycles} cycles" for requests, cycles in sorted(sizes.items()))


def goals(counts: Counts) -> list[tuple[bool, str]]:
    logins = counts.kinds[LOGIN] / counts.hours
    return [
        (counts.most(LOGIN, LIVE, LIVE_ON) <= PER_CYCLE, f"at most {PER_CYCLE} requests in 300 s plus live data"),
        (logins <= LOGINS, f"at most {LOGINS} logins an hour"),
        (counts.at_once <= AT_ONCE, "never two requests at once"),
    ]


if __name__ == "__main__":
    main()
