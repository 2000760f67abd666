"""A day that goes when it is told to, a whole service before a simulated PVS, and settings that make it quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from harness import NOON, ROOT, Bench, Recorder, Seen, Service, device_ids
from traps.truth import Truth, unique_ids

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

LEGACY, VARSERVER = "61839", "61845"
BOTH = (LEGACY, VARSERVER)

MARK = timedelta(minutes=5)
"""How often newer firmware tells its devices anew."""

QUICK: dict[str, object] = {
    "pvsmqtt.service.TICK": 0.1,
    "pvsmqtt.service.HEALTH_EVERY": 0.1,
    "pvsmqtt.sources.pvs.newer.reader.ABOUT_ITSELF": 1.0,
    "pvsmqtt.sources.pvs.access.login.YOUNG": 0.0,
    "pvsmqtt.sources.pvs.newer.reader.YOUNG": 0.0,
    "pvsmqtt.sources.pvs.newer.reader.DOUBT_AGAIN": 0.0,
}
"""Health several times a second, the PVS about itself every second, and no session is too young to have ended."""


LIVE = {"live": "auto", "live_interval": 0.1, "live_poll": 0.3}
"""Live data, quickly."""


class Code(str):
    """An expression for ``patch=`` of the harness; in it ``m`` is the module that is changed."""

    __slots__ = ()
    __repr__ = str.__str__


@cache
def house(panels: int = 4, seed: int = 1, ess: bool = False) -> House:
    """A house; asking does not change it, so one serves all tests."""
    return House(panels, seed, ess)


class Sun:
    """The simulated time: it stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def at(hour: int, minute: int = 2, second: int = 30, days: int = 0) -> datetime:
    """A time (UTC) of the day of `NOON`, or of later ones. At the house it is 6 hours earlier."""
    return datetime(2026, 6, 21, hour, minute, second, tzinfo=UTC) + timedelta(days=days)


@dataclass
class Plant:
    """One PVS, the service that reads it, and somebody who notes all that is published."""

    bench: Bench
    sun: Sun
    pvs: PvsSimulator
    service: Service
    recorder: Recorder
    truth: Truth
    site: str = "site"
    step: timedelta = MARK

    @property
    def panels(self) -> list[str]:
        return [serial.lower() for serial in self.pvs.house.serials.inverters]

    @property
    def late(self) -> set[str]:
        """Keys of the supervisor that are known last."""
        counters = {"usb_erase_count"} if self.pvs.firmware == VARSERVER else set()
        return {"flash_problem", "network_interface", "uptime", "reboots"} | counters

    @property
    def production(self) -> str:
        return self.pvs.house.serials.production_meter.lower()

    @property
    def consumption(self) -> str:
        return self.pvs.house.serials.consumption_meter.lower()

    @property
    def supervisor(self) -> str:
        return self.pvs.house.serials.supervisor.lower()

    async def go(self, when: datetime) -> dict[str, Any]:
        """Let it be so late, and wait until the site was measured then and all that flowed is told; its state."""
        since = self.recorder.mark()
        self.sun.now = when
        newest = when - MARK - timedelta(seconds=30)
        return await self.state(self.site, lambda s: _moment(s) >= newest and self.truth.told(s), since)

    async def state(
        self, device: str, fits: Callable[[dict[str, Any]], object] = lambda _: True, since: int = 0
    ) -> dict[str, Any]:
        """The first state of a device that fits."""

        def is_it(message: Seen) -> object:
            return fits(message.json)

        return dict((await self.recorder.wait(f"{ROOT}/{device}/state", is_it, since)).json)

    async def polled(self, times: int = 2) -> None:
        """So many more polls, and everything that came of all but the last of them."""
        for _ in range(times):
            cycles = (await self.health())["cycles"]
            await self.health(lambda source, cycles=cycles: source["cycles"] > cycles)
        await self.recorder.fence()

    async def all_told(self) -> None:
        """What is asked for rarely comes after the first poll, and is announced together a little later."""
        await self.polled()
        late = {f"pvsmqtt_{self.supervisor}_{key}" for key in self.late}
        config = f"homeassistant/device/pvsmqtt_{self.supervisor}/config"
        await self.recorder.wait(config, lambda message: late <= unique_ids(message))
        await self.recorder.fence()

    async def health(self, fits: Callable[[dict[str, Any]], object] = lambda _: True) -> dict[str, Any]:
        """What the next health message that fits says of this PVS."""
        name = f"pvs {self.service.settings['pvs'][0]['host']}"

        def source(message: Seen) -> dict[str, Any]:
            return next(dict(one) for one in message.json["sources"] if one["name"] == name)

        def is_it(message: Seen) -> object:
            return fits(source(message))

        return source(await self.recorder.wait(f"{ROOT}/health", is_it, self.recorder.mark()))

    def last(self, device: str) -> dict[str, Any]:
        return dict(self.recorder.last(f"{ROOT}/{device}/state").json)

    def online(self, device: str) -> bool:
        return self.recorder.last(f"{ROOT}/{device}/status").text == "online"

    async def check(self) -> None:
        """Hold everything that was ever published against the house."""
        await self.recorder.fence()
        self.truth.judge(self.recorder.messages)


async def plant(
    bench: Bench,
    firmware: str = VARSERVER,
    when: datetime = NOON,
    table: dict[str, Any] | None = None,
    patch: dict[str, object] | None = None,
    ready: bool = True,
    **how: Any,
) -> Plant:
    """A PVS at its https address with this firmware, and what reads it. ``table`` adds to its ``[[pvs]]``.

    With ``live=True`` there are live data. With ``speed`` the time goes by itself.
    """
    sun = Sun(when)
    pvs = await bench.pvs(
        **{
            "house": house(),
            "clock": None if "speed" in how else sun,
            "start_at": when,
            "https": True,
            "firmware": firmware,
            **how,
        }
    )
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    live = LIVE | {"live_url": f"ws://127.0.0.1:{pvs.live_port}/"} if pvs.live_port else {}
    where = {"host": pvs.https_url, **live, **(table or {})}
    service = await bench.service(broker.port, where, patch=QUICK | (patch or {}))
    made = Plant(bench, sun, pvs, service, recorder, Truth(pvs.house))
    if ready:
        await recorder.have("site", *device_ids(pvs))
    return made


def _moment(state: dict[str, Any]) -> datetime:
    raw = state["measured_at"]
    return datetime.min.replace(tzinfo=UTC) if raw is None else datetime.fromisoformat(raw)
