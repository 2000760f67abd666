"""A capture of Modbus TCP as a source: what is read of a gateway becomes readings of its units, and of the tap.

A burst of polls is told as a whole: when it is over, or where it never is, a moment after it was due. What clients
write is in the health topic, and where a map or SunSpec knows the register it is a reading of what was commanded.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvsmqtt.capture.connection import Server
from pvsmqtt.capture.mirror import Spoken
from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.model.device import SITE_ID, slug
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.base import Deliver, Health
from pvsmqtt.sources.modbus_tap import report
from pvsmqtt.sources.modbus_tap.choosing import Choosing
from pvsmqtt.sources.modbus_tap.inputs import CaptureLost, open_input
from pvsmqtt.sources.modbus_tap.memory import Memory, PortMemory
from pvsmqtt.sources.modbus_tap.merging import Merging
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.modbus_tap.tap import Hear, Opener, State, Tap
from pvsmqtt.sources.modbus_tap.trouble import trouble
from pvsmqtt.sources.modbus_tap.units import kinds_of, maps_of, pins_of
from pvsmqtt.sources.register_units import registers
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Place
from pvsmqtt.sources.register_units.listening import EVERY, Listening

BURST = 2.0
"""Seconds for which a burst of polls may go on before what is due is told all the same."""

OTHER = (
    "{address} is another server than {chosen}, and its devices are not told of: two would have the same name. If it "
    'is the one you want, write  server = "{address}"; if you want both, capture each into a FIFO of its own'
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Port:
    """One port of the server that counts: registers and what they mean."""

    server: Server
    chains: Chains
    decoder: Decoder


class ModbusTapSource(Hear):
    """Listens to one capture. ``state_dir`` is for what it remembers. Clocks and input are parameters for tests."""

    def __init__(
        self,
        options: ModbusTapOptions,
        state_dir: Path | None = None,
        wall: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        opener: Opener = open_input,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = f"modbus_tap {options.name}"
        self.site = f"{SITE_ID}_{slug(options.site)}" if options.site else SITE_ID
        self.health = Health(logging.getLogger(f"pvsmqtt.{self.name}"))
        self.health.present = self._present
        self.health.registers = self._registers
        self._options, self._folder = options, state_dir
        self._wall, self._monotonic, self._sleep = wall, monotonic, sleep
        self._memory = Memory(state_dir, options.name)
        self.tap = Tap(
            options.capture,
            tuple(options.ports),
            monotonic=monotonic,
            wall=wall,
            opener=opener,
            sleep=sleep,
            jitter=jitter,
        )
        self._choosing = Choosing(options.server, str(self._memory.get("server") or ""))
        self._ports: dict[int, _Port] = {}
        self._merging = Merging(options.stale_after)
        self._device = report.device_of(options.name, self.site, self.tap.name)
        self._listening = Listening(self.health, monotonic)
        self._deliver: Deliver = lambda _: None
        self._frames = 0
        self._began = monotonic()

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled. When a capture ends, what it told stays as long as it is fresh."""
        self._deliver = deliver
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self._listening.keep_telling(
                    self._judge,
                    lambda: report.state_of(self.tap),
                    self._tell_tap,
                    lambda: self._sleep(self._options.interval),
                )
            )
            await self.tap.run(self)

    def on_spoken(self, spoken: Spoken) -> None:
        """See `Hear`."""
        block = spoken.told.block
        if block is None:
            return
        address = spoken.server.endpoint.address
        with self._listening.whatever_happens():
            if self._choosing.counts(address, block.when):
                self._take(spoken.server, block, spoken.changed)
            else:
                self.health.refused["other_server"] += 1
                self._listening.say(OTHER.format(address=address, chosen=self._choosing.chosen))
        self._tell_units(block.when, patience=BURST)

    def on_idle(self, when: float) -> None:
        """See `Hear`."""
        self._tell_units(when)

    def on_state(self, state: State, said: str, lost: CaptureLost | None) -> None:
        """See `Hear`."""
        if state is State.LOST and lost is not None:
            self.health.bad(f"capture_{lost.reason}", str(lost), self._monotonic())
            return
        self._listening.say(said)
        if state is State.ENDED:
            self._tell_units(self.tap.now, ended=True)
            with self._listening.whatever_happens():
                self._judge()
                self._tell_tap()

    def _take(self, server: Server, block: RegisterBlock, changed: tuple[int, ...]) -> None:
        number = server.endpoint.port
        port = self._ports.get(number)
        if port is None or port.server is not server:
            port = self._ports[number] = self._made(server)
            self._memory.set("server", server.endpoint.address)
        port.decoder.take(block, changed)

    def _made(self, server: Server) -> _Port:
        """Another port is heard for the first time, or the same one of another server."""
        options, number = self._options, server.endpoint.port
        self._ports = {
            n: one for n, one in self._ports.items() if one.server.endpoint.address == self._choosing.chosen
        }
        memory = PortMemory(self._folder, f"{options.name}_{number}")
        chains = Chains(server.images, memory, lambda _: options.profile != "off", pins_of(options, number))
        place = Place(self.name, options.name, self.site, options.stale_after, interface="tcp")
        kinds = dict(kinds_of(options))  # of a gateway, model 102 is what flows through it: it is no inverter
        return _Port(server, chains, Decoder(place, server.images, maps_of(options, number), chains, kinds))

    def _tell_units(self, when: float, patience: float = 0.0, ended: bool = False) -> None:
        """Deliver what is due of units that have news; of the port first that has the last word."""
        interval = 0.0 if ended else self._options.interval
        readings = []
        for number in self._options.ports:
            if (port := self._ports.get(number)) is None:
                continue
            for unit in port.decoder.due(when, interval, patience):
                with self._listening.whatever_happens():
                    if (reading := self._reading(port, number, unit, when)) is not None:
                        readings.append(reading)
        if readings:
            with self._listening.whatever_happens():
                self._deliver(readings)

    def _reading(self, port: _Port, number: int, unit: int, when: float) -> Reading | None:
        found = port.decoder.reading(unit, when, self.tap.moment)
        if found is None:
            return None
        merged = self._merging.take(number, found, port.decoder.units[unit].sunspec, when)
        if merged is None:
            return None
        return replace(merged, values={**report.counts_of(self.tap, unit), **merged.values})

    def _tell_tap(self) -> None:
        values = report.values_of(self.tap, [port.decoder for port in self._ports.values()])
        hold = max(3 * EVERY * self._options.interval, self._options.stale_after)
        self._deliver([Reading(self._device, values, self.name, self._wall(), age=0.0, valid_for=hold)])

    def _judge(self) -> None:
        """Note how it goes: good when frames came, bad when a person should know."""
        tap, now = self.tap, self._monotonic()
        frames = tap.count().totals["frames"]
        found = trouble(tap, now - self._began, known=bool(self._memory.get("heard")))
        if found is not None:
            self.health.bad(found.reason, found.text, now)
        elif frames > self._frames or self._is_back():
            self.health.good(self._wall(), now)
        if frames > self._frames and any(one.tally.paired for one in tap.mirror.servers.values()):
            self._memory.set("heard", True)
        self._frames = frames

    def _is_back(self) -> bool:
        """The capture was lost and is open again: that nothing comes yet is no trouble."""
        return self.tap.state is State.LISTENING and (self.health.trouble or "").startswith("capture_")

    def _registers(self) -> list[dict[str, Any]]:
        """Each port of the server is a line of its own: the same unit speaks differently there."""
        return [
            registers.line(
                f"{self.name} port {number}", port.server.images, port.decoder, port.chains, self.tap.moment
            )
            for number, port in sorted(self._ports.items())
        ]

    def _present(self) -> dict[str, Any]:
        ports = {number: (one.server, one.decoder, one.chains) for number, one in self._ports.items()}
        return report.details_of(self.tap, ports, self._choosing.chosen, self._choosing.others)
