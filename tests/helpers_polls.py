"""A PVS whose every reply is another one, and what a subscriber must have of it.

The simulated time goes on by five minutes with each DeviceList. So every poll has readings of its own, and from a
reading that arrived one can tell which poll it is of and what all the others of that poll are: from the simulated
house, without asking the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from harness import NOON

from pvsmqtt.model.times import iso
from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.server import PvsSimulator

STEP = timedelta(minutes=5)
Reading = Mapping[str, Any]


class Polls:
    """The clock of a simulated PVS, and the readings of each of its polls."""

    def __init__(self, pvs: PvsSimulator, began: datetime = NOON) -> None:
        self.pvs = pvs
        self._times = [began]
        self._known: dict[tuple[str, str], int] = {}
        self._looked = 0
        pvs.clock = self

    def __call__(self) -> datetime:
        return self._at(self.count)

    def _at(self, number: int) -> datetime:
        while len(self._times) <= number:
            self._times.append(self._times[-1] + STEP)
        return self._times[number]

    def jump(self, length: timedelta) -> None:
        """From the next poll on the clock shows something else."""
        self._times.append(self._at(self.count) + length)

    @property
    def count(self) -> int:
        """DeviceLists so far."""
        return self.pvs.stats.device_lists

    async def more(self, count: int) -> None:
        """Wait for so many more polls."""
        wanted = self.count + count
        await self.pvs.wait_until(lambda stats: stats.device_lists >= wanted)

    def identities(self, number: int) -> set[tuple[str, str]]:
        """The meters of a poll with their time of measurement: there is no other poll that has these."""
        meters = (self.pvs.house.serials.production_meter, self.pvs.house.serials.consumption_meter)
        names = {name.lower() for name in meters}
        return {identity for identity in self.readings(number) if identity[0] in names}

    def of(self, one: Reading) -> int | None:
        """The first poll that a reading may be of."""
        for number in range(self._looked, self.count + 1):
            for identity in self.readings(number):
                self._known.setdefault(identity, number)
        self._looked = max(self._looked, self.count + 1)
        return self._known.get((one["device"], one["measured_at"]))

    def readings(self, number: int) -> dict[tuple[str, str], float | None]:
        """Device and time of measurement of all panels and meters in a poll -> power in W, ``None`` for a panel that
        sleeps: of that, what it measured last may be told again or not."""
        serials = self.pvs.house.serials
        # A DeviceList tells what was known when the supervisor began to write it.
        length = min(dl_cgi.LIST_TIME, (3 + len(serials.inverters)) * dl_cgi.ENTRY_TIME)
        state: HouseState = self.pvs.house.at(self._at(number) - length)
        of_panels = [(one.serial, one.measured_at, one.power, one.working) for one in state.inverters]
        of_meters = [
            (serials.production_meter, state.production.measured_at, state.production.power, True),
            (serials.consumption_meter, state.consumption.measured_at, state.consumption.power, True),
        ]
        return {
            (serial.lower(), str(iso(at.replace(microsecond=0)))): 1000 * power if working else None
            for serial, at, power, working in (*of_panels, *of_meters)
        }

    def arrived(self, readings: Iterable[Reading]) -> set[int]:
        """The polls of which something arrived. Everything of them must be there, as the house has it, and nothing
        that is of no poll. The last one may be under way."""
        got: dict[tuple[str, str], list[float]] = {}
        for one in readings:
            if one["values"].get("power") is not None and one["device"] != "site":
                got.setdefault((one["device"], one["measured_at"]), []).append(one["values"]["power"])
        polls = set()
        known = {number: self.readings(number) for number in range(self.count + 1)}
        invented = got.keys() - {identity for those in known.values() for identity in those}
        assert not invented, f"no poll has {sorted(invented)[:5]}"
        for number in known:
            if self.identities(number) & got.keys():
                polls.add(number)
        for number in polls:
            for identity, power in known[number].items():
                if identity not in got:
                    assert power is None or number == max(polls), f"poll {number} lacks {identity}"
                elif power is not None:
                    assert any(abs(one - power) <= 1.0 for one in got[identity]), f"{identity} should be {power}"
        return polls


def once(readings: Iterable[Reading]) -> list[Reading]:
    """What a consumer has that drops repeats by stream and sequence number; a repeat says the same."""
    seen: dict[tuple[str, int], Reading] = {}
    for one in readings:
        identity = (one["stream"], one["sequence"])
        assert seen.setdefault(identity, one) == one, "one number, one reading"
    return list(seen.values())


def in_order(readings: Iterable[Reading]) -> None:
    """Numbers rise in each stream, and times of measurement for each device."""
    last: dict[Any, Any] = {}
    for one in readings:
        assert one["sequence"] > last.get(one["stream"], 0), f"{one} is late"
        last[one["stream"]] = one["sequence"]
        at, way = one["measured_at"], (one["device"], one["source"])
        if at is not None:
            assert at >= last.get(way, ""), f"{one} is late"
            last[way] = at


def without_gaps(readings: Iterable[Reading]) -> None:
    """No number of any stream is left out."""
    numbers: dict[str, list[int]] = {}
    for one in readings:
        numbers.setdefault(one["stream"], []).append(one["sequence"])
    for stream, those in numbers.items():
        assert sorted(those) == list(range(1, len(those) + 1)), f"{stream} has gaps"
