"""Hears one capture for ever: opens it, reads its packets, hands on what is said on Modbus connections.

Time: what comes through a pipe is of now, and its times are those of our monotonic clock (tcpdump's machine may have
another idea of the time). What is in a file was when the file says; when it is followed, time goes on from its last
packet.

A capture comes and goes (tcpdump is started again): it is opened again after a pause that grows from a second to a
minute. Nothing that is heard ends the listening.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pvsmqtt.capture import pcap
from pvsmqtt.capture.items import CaptureError, Faults
from pvsmqtt.capture.link import LINKS
from pvsmqtt.capture.mirror import PORTS, Mirror, Spoken
from pvsmqtt.sources.modbus_tap.inputs import STANDARD_INPUT, CaptureLost, Input, Loss, open_input
from pvsmqtt.sources.register_units.stats import BusStats

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
WRITER_PAUSE = 2.0
"""The longest pause before a FIFO whose writer went away is opened again: whoever writes next waits for that."""
IDLE = 0.3
"""Seconds without a packet after which a burst of polls is over."""
QUIET = 1.0
LONGEST_STEP = 300.0
"""Seconds that a look at a capture can take at most, beside the pause or the patience meant."""

Opener = Callable[[str], Input]


class State(StrEnum):
    """What a tap is doing."""

    STARTING = "starting"
    LISTENING = "listening"
    LOST = "lost"
    ENDED = "ended"


class Hear:
    """Who listens to a tap; what is not overridden is passed over. ``when`` is of the clock of the tap."""

    def on_spoken(self, spoken: Spoken) -> None:
        """A request or response."""

    def on_idle(self, when: float) -> None:
        """Nothing came for a while; once a second as long as it stays so."""

    def on_state(self, state: State, said: str, lost: CaptureLost | None) -> None:
        """The tap does something else now; ``said`` is for people, ``lost`` why the capture is lost."""

    def on_alive(self, within: float) -> None:
        """The tap is at work, whether or not anything is heard; it says so again within so many seconds."""


class Tap:
    """One capture."""

    def __init__(
        self,
        capture: str,
        ports: tuple[int, ...] = PORTS,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        opener: Opener = open_input,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.capture = capture
        self.name = "standard input" if capture == STANDARD_INPUT else capture
        self.state = State.STARTING
        self.lost: CaptureLost | None = None
        """Why the capture is lost, while it is."""
        self.mirror = Mirror(ports)
        self.stats = BusStats()
        self.faults = Faults()
        self.live = True
        self.since = monotonic()
        """When it was opened last."""
        self._monotonic, self._wall, self._opener = monotonic, wall, opener
        self._sleep, self._jitter = sleep, jitter
        self._recorded = 0.0
        """The time of the last packet of a file."""
        self._read_at = 0.0
        """When that was read."""

    @property
    def now(self) -> float:
        """The time of the clock by which everything is told."""
        if self.live:
            return self._monotonic()
        return self._recorded if self.state is State.ENDED else self._recorded + self._passed()

    def moment(self, when: float) -> datetime:
        """The wall clock's time of something that was heard."""
        if self.live:
            return self._wall() - timedelta(seconds=max(0.0, self.now - when))
        return datetime.fromtimestamp(when, UTC)

    def count(self) -> BusStats:
        """The statistics, up to date."""
        servers = self.mirror.servers.values()
        timeouts: dict[int, int] = {}
        for server in servers:
            for unit, count in server.tally.timeouts.items():
                timeouts[unit] = timeouts.get(unit, 0) + count
        junk = sum(one.asked.junk_bytes + one.told.junk_bytes for one in servers)
        self.stats.counted({"junk_bytes": junk}, timeouts)
        return self.stats

    async def run(self, hear: Hear) -> None:
        """Listen until cancelled, or until standard input ends."""
        failures = 0
        while True:
            packets = self.mirror.packets
            try:
                await self._session(hear)
            except CaptureLost as error:
                self.lost = lost = error
                if lost.reason is Loss.INPUT_ENDED or (self.capture == STANDARD_INPUT and self.mirror.packets):
                    hear.on_alive(math.inf)
                    self._become(State.ENDED, str(lost), hear)
                    return
                self._become(State.LOST, str(lost), hear)
            failures = 1 if self.mirror.packets > packets else failures + 1
            longest = WRITER_PAUSE if lost.reason in (Loss.WRITER_GONE, Loss.REPLACED) else LONGEST_PAUSE
            ceiling = min(longest, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
            pause = ceiling * (0.5 + self._jitter() / 2)
            hear.on_alive(pause + LONGEST_STEP)
            await self._sleep(pause)

    async def _session(self, hear: Hear) -> None:
        """Read it until it is lost.

        Raises:
            CaptureLost: always.
        """
        source = self._opener(self.capture)
        try:
            self.live = source.live
            self.lost, self.since = None, self._monotonic()
            self._read_at = self.since
            self._become(State.LISTENING, f"listens to {self.name}", hear)
            await self._listen(source, hear)
        finally:
            try:
                for spoken in self.mirror.finish():
                    self._hand_on(spoken, hear)
            finally:
                source.close()

    async def _listen(self, source: Input, hear: Hear) -> None:
        packets = _Packets(self.name, self.faults)
        patience = IDLE
        while True:
            hear.on_alive(patience + LONGEST_STEP)
            data = await source.read(patience)
            if data:
                patience = IDLE
                if self.state is State.ENDED:
                    self._become(State.LISTENING, f"{self.name} goes on", hear)
                for packet in packets.feed(data):
                    self._take(packet, packets.link_type, hear)
                await asyncio.sleep(0)  # a file without an end must not take all the time there is
                continue
            patience = QUIET
            if source.ended:
                if self.state is not State.ENDED:
                    self._end(packets, hear)
            else:
                for spoken in self.mirror.tick(self.now):
                    self._hand_on(spoken, hear)
                hear.on_idle(self.now)

    def _end(self, packets: _Packets, hear: Hear) -> None:
        """A file to which nobody writes: its last packets are all there is."""
        packets.judge()
        for spoken in self.mirror.finish():
            self._hand_on(spoken, hear)
        self._become(State.ENDED, f"{self.name} is at its end", hear)

    def _take(self, packet: pcap.Record, link_type: int, hear: Hear) -> None:
        if not self.live:
            if 0.0 < self._recorded < packet.when - IDLE:
                hear.on_idle(self._recorded + IDLE)
            self._recorded, self._read_at = max(self._recorded, packet.when), self._monotonic()
        when = self._monotonic() if self.live else self._recorded
        self.stats.took(len(packet.data), when)
        for spoken in self.mirror.take(packet, link_type, when):
            self._hand_on(spoken, hear)

    def _hand_on(self, spoken: Spoken, hear: Hear) -> None:
        self.stats.frame(spoken.told.frame)
        hear.on_spoken(spoken)

    def _passed(self) -> float:
        return max(0.0, self._monotonic() - self._read_at)

    def _become(self, state: State, said: str, hear: Hear) -> None:
        self.state = state
        hear.on_state(state, said, self.lost)


class _Packets:
    """The bytes of a capture -> its packets."""

    def __init__(self, name: str, faults: Faults) -> None:
        self.link_type = 0
        self._name = name
        self._faults = faults
        self._head = b""
        self._reader: pcap.Reader | None = None

    def feed(self, data: bytes) -> list[pcap.Record]:
        """The packets that are whole now.

        Raises:
            CaptureLost: it is no capture of a network.
        """
        try:
            if self._reader is None:
                self._head += data
                if len(self._head) < pcap.HEAD and not self._head.startswith(pcap.PCAPNG):
                    return []
                self._reader = self._begin(pcap.form(self._head[: pcap.HEAD]))
                data, self._head = self._head[pcap.HEAD :], b""
            found = list(self._reader.feed(data))
            self.link_type = self._reader.how.link_type
        except CaptureError as error:
            raise CaptureLost(Loss.NO_PCAP, f"{self._name}: {error}") from None
        if self._reader.lost:
            example = self._faults.examples[-1] if self._faults.examples else "a packet is longer than any"
            raise CaptureLost(Loss.DAMAGED, f"{self._name}: {example}")
        return found

    def judge(self) -> None:
        """The file has ended.

        Raises:
            CaptureLost: it is too short for a capture.
        """
        if self._reader is None:
            raise CaptureLost(Loss.NO_PCAP, f"{self._name} has no header of a pcap file")

    def _begin(self, how: pcap.Form | None) -> pcap.Reader:
        if how is None:
            raise CaptureLost(Loss.NO_PCAP, f"{self._name} is no pcap file")
        if how.link_type not in LINKS:
            raise CaptureLost(
                Loss.NO_PCAP, f"{self._name} is a capture of a serial line (an [[rs485]] table reads it as file://…)"
            )
        return pcap.Reader(how, self._faults)
