"""Many houses in one process: what each costs, and where it ends.

    python benchmarks/fleet.py [--sites 10 100 1000] [--panels 30] [--bursts 3] [--live]

One service with so many ``[[pvs]]`` tables, each with a ``site`` of its own, against one web server that stands for
all of them: http://127.0.0.1:port/s0007 is the PVS of a house. It serves prepared replies, so that next to nothing of
what is measured is its own. Polls are aligned to the marks of the clock, as always: all houses are asked in the same
second, here once a minute in place of every 300 s; the clock of the houses goes faster by as much. So a burst is what
a burst is, and CPU time is told by the poll.

``--live``: every house has live data over a WebSocket as well, told every 5 s; the share of a core is then what was
seen, with a poll in every minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import common
from aiohttp import web

REAL_INTERVAL = 300
LIVE = 5.0
BARE = 45.0
"""MB of a service without any device."""

SETTLED = 0.2
"""Share of a core below which a service is at rest."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--panels", type=int, default=30)
    parser.add_argument("--bursts", type=int, default=3)
    parser.add_argument("--interval", type=int, default=60, help="seconds between two bursts, 60 or 300")
    parser.add_argument("--live", action="store_true", help="with live data every 5 s")
    parser.add_argument("--rate", type=float, default=0.0, help="max_rate of [mqtt]; 0: none")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = [measure(sites, args) for sites in args.sites]
    print(
        f"{args.panels} panels in each house, polled every {args.interval} s{', with live data' if args.live else ''}"
    )
    print(
        " sites  devices   start   memory  MB/site  files  a burst takes  CPU/poll"
        + f"  share of a core, every {REAL_INTERVAL} s"
    )
    for one in found:
        one.show(args.live)


@dataclass
class Found:
    """Of one number of sites."""

    sites: int
    devices: int
    start: float
    memory: float
    bare: float
    files: int
    burst: float
    cpu: float
    share: float

    def show(self, live: bool) -> None:
        share = self.share if live else self.sites * self.cpu / REAL_INTERVAL
        print(
            f"{self.sites:6} {self.devices:8} {self.start:6.0f} s {self.memory:6.0f} MB {self.each:8.2f}"
            f" {self.files:6} {self.burst:12.1f} s {1000 * self.cpu:6.1f} ms" + f" {100 * share:8.1f} %",
            flush=True,
        )

    @property
    def each(self) -> float:
        return (self.memory - self.bare) / self.sites


def measure(sites: int, args: argparse.Namespace) -> Found:
    with (
        common.folder() as folder,
        common.broker() as port,
        houses(sites, args.panels, args.live, args.interval) as asked,
        common.Subscriber(port, "pvsmqtt/home/+/state").listening() as seen,
    ):
        config = folder / "pvsmqtt.toml"
        config.write_text(configuration(folder, port, asked.port, sites, args))
        command = [sys.executable, "-m", "pvsmqtt", "run", "--config", str(config)]
        began = time.monotonic()
        with common.process(command, folder / "service.log") as running:
            expected = sites * (args.panels + 4)

            def all_there() -> bool:
                time.sleep(0.5)
                return len({topic for _, topic, _, _ in list(seen.messages)}) > expected

            common.wait_for(all_there, f"{expected} devices", 120 + 3.0 * sites)
            start = time.monotonic() - began
            rest(running.pid)
            seen.messages.clear()
            polled, cpu, since = asked.polls(), common.cpu_seconds(running.pid), time.time()
            longest, states = 0.0, 0
            for _ in range(args.bursts):
                mark = (time.time() + args.interval) // args.interval * args.interval
                # From a little before the polls until shortly before the next ones.
                time.sleep(max(0.0, mark - time.time()))
                seen.messages.clear()
                time.sleep(max(0.0, mark + args.interval - 1 - time.time()))
                arrivals = [when for when, topic, _, _ in list(seen.messages) if "/e00" in topic]
                if not args.live and arrivals:
                    longest = max(longest, max(arrivals) - min(arrivals))
                    states += len(arrivals)
            spent, polls = common.cpu_seconds(running.pid) - cpu, asked.polls() - polled
            passed = time.time() - since
            memory = common.resident(running.pid)
            files = len(list(Path(f"/proc/{running.pid}/fd").iterdir()))
        log = (folder / "service.log").read_text()
        print(
            f"{sites} sites: {polls} polls in {args.bursts} bursts, {len(log.splitlines())} lines logged, "
            f"{states} panel states",
            flush=True,
        )
        strange = [line for line in log.splitlines() if "clock of the PVS" not in line]
        print("".join(f"  {line[:300]}\n" for line in strange[-5:]), end="")
    return Found(sites, expected, start, memory, BARE, files, longest, spent / max(polls, 1), spent / passed)


def rest(pid: int) -> None:
    """Wait until a burst is over."""
    while True:
        cpu = common.cpu_seconds(pid)
        time.sleep(2)
        if common.cpu_seconds(pid) - cpu < 2 * SETTLED:
            return


def configuration(folder: Path, port: int, server: int, sites: int, args: argparse.Namespace) -> str:
    head = (
        f'state_dir = "{folder}"\nlog_level = "warning"\n'
        f'[mqtt]\nhost = "{common.HOST}"\nport = {port}\nmax_rate = {args.rate}\n'
    )
    tables = []
    for number in range(sites):
        where = f"{common.HOST}:{server}/{name(number)}"
        live = f'live_url = "ws://{where}/live"' if args.live else 'live = "off"'
        tables.append(
            f'[[pvs]]\nhost = "http://{where}"\napi = "legacy"\ninterval = {args.interval}\n'
            f'{live}\nsite = "{name(number)}"\n'
        )
    return head + "\n".join(tables)


def name(number: int) -> str:
    return f"s{number:04}"


class Asked:
    """The server of all houses in its process."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port = int(pipe.recv())

    def polls(self) -> int:
        """How many lists of devices were asked for so far."""
        self._pipe.send(None)
        return int(self._pipe.recv())


@contextmanager
def houses(sites: int, panels: int, live: bool, interval: int) -> Iterator[Asked]:
    """All PVSs."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(theirs, sites, panels, live, interval))
    process.start()
    try:
        yield Asked(ours)
    finally:
        process.terminate()
        process.join()


def serve(pipe: Connection, sites: int, panels: int, live: bool, interval: int) -> None:
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.pvs.older import dl_cgi

    known: dict[str, tuple[House, bytes]] = {}
    count = 0
    first = int(time.time() // interval)
    noon = common.BEGIN.timestamp() // REAL_INTERVAL * REAL_INTERVAL + 4 * 3600

    def told_at(minute: int) -> datetime:
        """What the clock of a PVS shows when it is asked: 8 s after the mark, when it has new values. From poll
        to poll it moves by 300 s, so that every panel has news."""
        return datetime.fromtimestamp(noon + (minute - first) * REAL_INTERVAL + 8, UTC)

    def house(path: str) -> tuple[House, bytes]:
        if path not in known:
            made = House(panels=panels, seed=int(path[1:]) + 1)
            known[path] = made, dl_cgi.supervisor_info_of(dl_cgi.device_list(made, common.BEGIN)) or b""
        return known[path]

    for number in range(sites):
        house(name(number))
    prepared: dict[tuple[str, int], bytes] = {}

    async def ask(request: web.Request) -> web.StreamResponse:
        nonlocal count
        path, _, rest = request.path.lstrip("/").partition("/")
        if "supervisor/info" in rest:
            return web.Response(body=house(path)[1], content_type="application/json")
        if "DeviceList" not in request.path_qs and "devices/list" not in rest:
            return web.Response(status=404)
        count += 1
        minute = int(time.time() // interval)
        found = house(path)[0]
        body = prepared.pop((path, minute), None)
        if body is None:
            body = dl_cgi.device_list(found, told_at(minute))
        return web.Response(body=body, content_type="application/json")

    async def tell(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        number = 0
        while not socket.closed:
            number += 1
            params = {
                "time": int(told_at(int(time.time() // interval)).timestamp()),
                "pv_p": 4 + number % 7 / 10,
                "net_p": -2 - number % 5 / 10,
                "site_load_p": 2.0,
            }
            params |= {
                "pv_en": 1000 + number / 100,
                "net_en": -100 - number / 200,
                "site_load_en": 900 + number / 200,
            }
            try:
                await socket.send_str(json.dumps({"notification": "power", "params": params}))
            except ConnectionError:
                break
            await asyncio.sleep(LIVE)
        return socket

    async def prepare() -> None:
        """The replies of the next minute, before it comes."""
        while True:
            minute = int(time.time() // interval) + 1
            prepared.clear()
            for path, (found, _) in known.items():
                prepared[path, minute] = dl_cgi.device_list(found, told_at(minute))
                await asyncio.sleep(0)
            await asyncio.sleep(minute * interval + 20 - time.time())

    async def run() -> None:
        app = web.Application()
        if live:
            app.router.add_get("/{site}/live", tell)
        app.router.add_route("*", "/{path:.*}", ask)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, common.HOST, 0, backlog=4096)
        await site.start()
        pipe.send(runner.addresses[0][1])
        asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: (pipe.recv(), pipe.send(count)))
        await prepare()

    asyncio.run(run())


if __name__ == "__main__":
    main()
