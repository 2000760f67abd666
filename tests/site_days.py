"""Days of a simulated house in virtual time: a PVS is polled every 5 minutes, and what it replies is decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.simulator.pvs.firmware import DEFAULT, FIRMWARES
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED
from pvsmqtt.simulator.pvs.house.house import House as Simulated
from pvsmqtt.simulator.pvs.older.dl_cgi import device_list
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.pvs.older import dl_cgi

SOURCE = "pvs a"
POLL, TICK = 300.0, 60.0
HOUR = 3600.0
MIDNIGHT = COMMISSIONED + timedelta(days=1)
"""In the house, of a clear day."""

Change = Callable[[list[Reading], datetime], list[Reading]]
"""What happens to the equipment: takes the readings of a poll and when (local hours of the day are in it)."""


class Days:
    """``at`` is the number of local hours since `MIDNIGHT`."""

    def __init__(self, panels: int = 12, seed: int = 1, **how: Any) -> None:
        self.simulated = Simulated(panels, seed)
        self.panels = [serial.lower() for serial in self.simulated.serials.inverters]
        self.production = self.simulated.serials.production_meter.lower()
        self.how = how
        self.seconds = 0.0
        self.changes: list[Change] = []
        self.gone = False
        self.history: list[tuple[float, DeviceState]] = []
        self.restart(Registry())

    def restart(self, registry: Registry | None = None) -> None:
        """This service starts again."""
        if registry is None:
            self.house = House(Registry.of(self.house.registry.document()), counted=self.house.counted())
        else:
            self.house = House(registry)
        self.states: dict[str, DeviceState] = {}
        self._take(self.house.configure({}, [], self._now, **self.how))
        self._take(self.house.expect({SOURCE: "site"}, []))

    def configure(self, **how: Any) -> None:
        """Its owner reloads the configuration."""
        self._take(self.house.configure({}, [], self._now, **how))

    @property
    def _now(self) -> float:
        return 1000.0 + self.seconds

    @property
    def at(self) -> float:
        return self.seconds / HOUR

    def until(self, hour: float, each: Callable[[], None] | None = None) -> None:
        """Let it become this hour; ``each`` is called after every poll."""
        while self.at < hour:
            if not self.gone:
                self._take(self.house.accept(self.poll(), self._now))
                if each is not None:
                    each()
            for _ in range(round(POLL / TICK)):
                self.seconds += TICK
                self._take(self.house.tick(self._now))

    def poll(self) -> list[Reading]:
        when = MIDNIGHT + timedelta(hours=self.at)
        payload = json.loads(device_list(self.simulated, when, FIRMWARES[DEFAULT]))
        readings = list(dl_cgi.decode(payload, SOURCE, keep=POLL * 2.5).readings)
        for change in self.changes:
            readings = change(readings, when)
        return readings

    def state(self, device: str) -> DeviceState:
        return self.states[device]

    def all(self, key: str = "availability") -> list[Any]:
        return [self.states[panel].values[key] for panel in self.panels]

    def seen(self, device: str, key: str = "availability") -> list[Any]:
        """Its values, without repetitions, since the start."""
        found: list[Any] = []
        for _, state in self.history:
            if state.device.id == device and found[-1:] != [state.values.get(key)]:
                found.append(state.values.get(key))
        return found

    def _take(self, events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, DeviceState):
                self.states[event.device.id] = event
                self.history.append((self.at, event))


def without(*panels: str) -> Change:
    """These panels are not listed."""
    return lambda readings, _: [reading for reading in readings if reading.device.id not in panels]


def frozen(*panels: str) -> Change:
    """These panels do not answer: the PVS goes on to tell what they told last."""
    last: dict[str, tuple[Reading, datetime]] = {}

    def change(readings: list[Reading], when: datetime) -> list[Reading]:
        told = []
        for reading in readings:
            device_id = reading.device.id
            if device_id in panels:
                first, at = last.setdefault(device_id, (reading, when))
                age = (first.age or 0.0) + (when - at).total_seconds()
                valid = 900.0 - age if age < 900 else 0.0
                reading = replace(first, age=age, valid_for=valid, values={**first.values, "state": "error"})
            told.append(reading)
        return told

    return change


def scaled(share: Callable[[float], float], kinds: Sequence[Kind] = (Kind.INVERTER, Kind.PRODUCTION_METER)) -> Change:
    """The sky lets through this share at an hour of the day since `MIDNIGHT`."""

    def change(readings: list[Reading], when: datetime) -> list[Reading]:
        part = share((when - MIDNIGHT).total_seconds() / HOUR)
        return [
            replace(r, values={**r.values, "power": (r.values.get("power") or 0.0) * part})
            if r.device.kind in kinds and r.values.get("power") is not None
            else r
            for r in readings
        ]

    return change


def no(kind: Kind) -> Change:
    """There is no device of this kind."""
    return lambda readings, _: [reading for reading in readings if reading.device.kind is not kind]
