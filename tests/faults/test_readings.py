"""Everything fails, for as long as you like, and no reading that was written is lost.

    PVSMQTT_FAULT_SECONDS=600 .venv/bin/python -m pytest tests/faults -s
    PVSMQTT_FAULT_SEED=123456 PVSMQTT_FAULT_SECONDS=600 …        the same faults once more

The broker is killed and frozen, the network is cut and falls silent, the service is killed and stopped, the clock
of the PVS jumps, the disk is full. What counts is what the broker acknowledged, overheard on the line; what must
be there is known from the simulated house (`helpers_polls`). Of a poll that a killed service had not written yet,
nothing may be there or all of it; what it said was on disk must be there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from faults.acknowledged import Acknowledged
from harness import NOON, ROOT, Bench, Mosquitto, Service
from harness.proxy import Proxy
from helpers_polls import Polls, once, without_gaps

from pvsmqtt.simulator.pvs.house.house import House

SECONDS = float(os.environ.get("PVSMQTT_FAULT_SECONDS", "45"))
SEED = int(os.environ.get("PVSMQTT_FAULT_SEED", str(random.randrange(10**6))))
PATIENCE = 60.0
QUICK: dict[str, object] = {
    "pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.1,
    "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 0.3,
    "pvsmqtt.broker.connection._TIMEOUT": 2.0,
    "pvsmqtt.sinks.mqtt.journal.journal.COLLECT": 0.1,
    "pvsmqtt.sinks.mqtt.journal.journal.RETRY": 0.5,
}


class World:
    """A house, a service, a broker and what is between them."""

    def __init__(
        self, dice: random.Random, polls: Polls, broker: Mosquitto, line: Proxy, service: Service, disk: Path | None
    ) -> None:
        self.dice, self.polls, self.broker, self.line = dice, polls, broker, line
        self.service, self.disk = service, disk

    async def a_while(self) -> None:
        await self.polls.more(self.dice.randrange(1, 5))
        await asyncio.sleep(self.dice.uniform(0.0, 0.3))  # faults come at any instant

    async def broker_killed(self) -> None:
        await self.broker.kill()
        await self.a_while()
        await self.broker.start()

    async def broker_frozen(self) -> None:
        self.broker.freeze()
        await self.a_while()
        self.broker.wake()

    async def network_cut(self) -> None:
        self.line.set("reset")
        await self.a_while()
        self.line.set("pass")

    async def network_silent(self) -> None:
        self.line.set("hole")
        await self.a_while()
        self.line.set("pass")

    async def service_killed(self) -> None:
        await self.service.kill()
        await self.service.start()

    async def service_stopped(self) -> None:
        await self.service.stop()
        await self.service.start()

    async def clock_jumps(self) -> None:
        """Ahead: an hour to a day. (Back, and measurements would be told apart no more.)"""
        self.polls.jump(timedelta(hours=self.dice.randrange(1, 24)))
        await self.a_while()

    async def disk_full(self) -> None:
        """A service that is killed meanwhile loses what is in memory; so none is."""
        if self.disk is None:
            return
        ballast, mark = self.disk / "ballast", len(self.service.log.items)
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        await self.a_while()
        ballast.unlink()
        if self.service.said("readings cannot be kept in", mark):
            await self.service.says("again (it was: ", mark, PATIENCE)
        else:
            await self.polls.more(3)
            if self.service.said("readings cannot be kept in", mark):
                await self.service.says("again (it was: ", mark, PATIENCE)

    @property
    def faults(self) -> list[str]:
        return [
            "broker_killed",
            "broker_frozen",
            "network_cut",
            "network_silent",
            "service_killed",
            "service_killed",
            "service_stopped",
            "clock_jumps",
            "disk_full",
        ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A disk of 2 MB; ``None`` where this user may not mount one: then the disk never is full."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount", path="/bin:/usr/bin:/sbin")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=2m", "none", place]).returncode:
        yield None
        return
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.slow
async def test_no_reading_is_lost(bench: Bench, small_disk: Path | None) -> None:
    print(f"\nPVSMQTT_FAULT_SEED={SEED} PVSMQTT_FAULT_SECONDS={SECONDS:g}")  # noqa: T201
    dice = random.Random(SEED)
    seen = Acknowledged(f"{ROOT}/readings")
    broker, pvs = await bench.broker(), await bench.pvs(house=House(6))
    polls, line = Polls(pvs, NOON), await bench.proxy(broker.port, overheard=seen)
    settings = bench.settings(
        line.port, pvs.port, journal={"replay_rate": 500}, mqtt={"keepalive": 5, "protocol": "5"}
    )
    if small_disk is not None:
        settings["state_dir"] = str(small_disk / "state")
    service = bench.make_service(settings, patch=QUICK)
    world = World(dice, polls, broker, line, service, small_disk)
    await service.start()
    told: list[str] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        await world.a_while()
        told.append(dice.choice(world.faults))
        print(told[-1], end=" ", flush=True)  # noqa: T201
        await getattr(world, told[-1])()
    await polls.more(3)
    on_disk = [line.rpartition(" ")[2].split("/") for line in service.said("written up to")]
    await polls.more(3)
    last = polls.identities(polls.count - 1)
    await seen.feed.until(
        lambda: next((one for one in seen.feed.items if (one["device"], one["measured_at"]) in last), None),
        f"reading of the last poll after {told} with PVSMQTT_FAULT_SEED={SEED}",
        PATIENCE,
    )
    await service.stop()

    got = once(seen.feed.items)
    arrived = polls.arrived(got)
    numbers = {(one["stream"], one["sequence"]) for one in got}
    for stream, sequence in on_disk:
        assert (stream, int(sequence)) in numbers, f"{stream}/{sequence} was on disk"
    without_gaps(got)
    for device in {one["device"] for one in got}:
        of_device = [polls.of(one) for one in got if one["device"] == device and polls.of(one) is not None]
        assert of_device == sorted(of_device), f"{device} is out of order"
    lost = set(range(min(arrived), max(arrived))) - arrived
    killed = told.count("service_killed")
    print(  # noqa: T201
        f"\n{len(told)} faults, {polls.count} polls, {len(got)} readings, {len(seen.feed.items) - len(got)} repeats, "
        f"{len(lost)} polls not written before {killed} kills, {len({s for s, _ in numbers})} streams"
    )
    assert len(lost) <= 2 * killed, f"lost {sorted(lost)} of {polls.count} polls"
    assert killed or not lost
