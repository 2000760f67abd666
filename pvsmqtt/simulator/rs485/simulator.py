"""The simulated bus in time: bursts of its master, made into bytes, at one of the `ends`.

    master -> wire (echo, truncation, noise) -> adapter (pieces) -> receiver (wrong speed?) -> end

What a receiver makes of the bits is decided for each piece when it is due: a listener on a pseudo-terminal that
changes its speed hears the difference from the next piece on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.rs485 import uart
from pvsmqtt.simulator.rs485.adapters import ADAPTERS, Piece
from pvsmqtt.simulator.rs485.ends import LOOK, SETTLING, End, Pty, end_of
from pvsmqtt.simulator.rs485.master import INTERVAL, Master
from pvsmqtt.simulator.rs485.traffic import USUAL, house_of
from pvsmqtt.simulator.rs485.wire import Damage, TrueFrame, Wire, lay


@dataclass
class BusSimulator:
    """The bus. Settings are read when it starts; ``damage`` and ``heard_at`` may be changed while it runs."""

    at: str = "pty"
    """``pty``, ``pty:PATH`` (a link), ``listen:HOST:PORT`` (port 0 takes a free one) or ``connect:HOST:PORT``."""
    house: House | None = None
    """With a SunVault; None is that of the seed."""
    line: Setting = USUAL
    """How the bus is set."""
    interval: float = INTERVAL
    """Bus seconds from burst to burst."""
    speed: float = 1.0
    """Bus seconds per second."""
    start_at: datetime | None = None
    """Time in the house at the first burst; None is now."""
    clock: Callable[[], datetime] | None = None
    """Gives the time in the house in place of ``start_at`` and ``speed``: that of a simulated PVS beside this."""
    seed: int = 1
    damage: Damage = field(default_factory=Damage)
    adapter: str | None = None
    """One of `ADAPTERS`; None is ftdi on a pseudo-terminal and server on TCP."""
    heard_at: Setting | None = None
    """How the receiver is set; None is right, or what the listener has set on a pseudo-terminal."""
    registration: bytes = b""
    """What a serial server says first to everybody who comes."""
    prefix: bytes = b""
    """What it puts before every piece."""
    heartbeat: tuple[bytes, float] | None = None
    """What it says by itself, and every how many (bus) seconds."""
    waits: bool = True
    """Whether the first burst, with the walk along the SunSpec chain, waits for a listener."""
    bursts: int | None = None
    """After how many it is silent; None is never."""
    keeps: bool = True
    """Whether ``truth`` and ``given`` are kept; else their memory is bounded."""

    truth: list[TrueFrame] = field(default_factory=list, init=False)
    """Every frame that some listener was given, or should have been; offsets count what that one was given."""
    given: bytearray = field(default_factory=bytearray, init=False)
    """What the latest listener was given."""

    def __post_init__(self) -> None:
        self._end: End = end_of(self.at, self.line)
        self.adapter = self.adapter or ("ftdi" if isinstance(self._end, Pty) else "server")
        self._cut = ADAPTERS[self.adapter]
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = 0
        self._over = asyncio.Event()
        self._news = asyncio.Event()
        self._begun = 0.0

    @property
    def url(self) -> str:
        """The line, as a listener is told of it; known after `start`."""
        return self._end.url

    @property
    def written(self) -> bytes:
        """What listeners wrote to the line: a passive one writes nothing."""
        return bytes(self._end.written)

    async def start(self) -> None:
        """Open the end and begin; raises OSError when the end is not to be had."""
        await self._end.open()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run())]
        if self.heartbeat is not None:
            self._tasks.append(loop.create_task(self._beat(*self.heartbeat)))

    async def stop(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self._end.close()

    async def finished(self) -> None:
        """Wait until all ``bursts`` were given."""
        await self._over.wait()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until this holds; looked at whenever something was given."""
        while not true():
            self._news.clear()
            await self._news.wait()

    async def unplug(self, seconds: float) -> None:
        """Pull the plug for a while (real seconds). The bus goes on, unheard. Raises OSError as `start` does."""
        await self._end.close()
        await asyncio.sleep(seconds)
        await self._end.open()

    async def _run(self) -> None:
        house = self.house or house_of(self.seed)
        master = Master(house, self.line, self.seed)
        random, cuts = Random(f"damage {self.seed}"), Random(f"adapter {self.seed}")
        if self.waits:
            await self._somebody()
        self._begun = asyncio.get_running_loop().time()
        start = self.start_at or datetime.now(UTC)
        at = 0.0
        for number in count() if self.bursts is None else range(self.bursts):
            await self._until(at)
            state = house.at(self.clock() if self.clock else start + timedelta(seconds=at))
            wire = lay(master.burst(number, at, state), self.line, self.damage, random)
            await self._give(wire, cuts)
            at = max(at + self.interval, wire.times[-1] + 4 * self.line.character_time)
            if not self.keeps:
                self.truth.clear()
                self.given.clear()
        self._over.set()

    async def _give(self, wire: Wire, cuts: Random) -> None:
        """All pieces of a burst in time, and the truth about each frame when its last byte was given."""
        tracked = _Tracked(wire)
        for piece in self._cut(wire, self.line, cuts):
            await self._until(piece.at)
            await self._note_listener()
            data = bytes(wire.data[piece.begin : piece.end])
            wanted = self.heard_at or self._end.speed() or self.line
            heard = uart.heard(data, self.line, wanted, wire.times[piece.begin : piece.end])
            offset = len(self.given) + len(self.prefix)
            await self._put(self.prefix + heard)
            self.truth += tracked.take(piece, offset, self.given, self._listener)
            self._news.set()

    async def _put(self, data: bytes) -> None:
        given = await self._end.put(data)
        self.given += data[:given]

    async def _note_listener(self) -> None:
        """A listener who has just come: offsets begin anew, and a registration comes first."""
        if self._end.present() and self._end.listeners != self._listener:
            self._listener = self._end.listeners
            self.given.clear()
            if self.registration:
                await self._put(self.registration)

    async def _beat(self, data: bytes, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds / self.speed)
            await self._note_listener()
            await self._put(data)

    async def _somebody(self) -> None:
        while not self._end.present():  # noqa: ASYNC110 - nothing tells that a pseudo-terminal was opened
            await asyncio.sleep(LOOK)
        await asyncio.sleep(SETTLING)
        await self._note_listener()

    async def _until(self, at: float) -> None:
        """Until the bus is so many seconds old."""
        await asyncio.sleep(max(0.0, self._begun + at / self.speed - asyncio.get_running_loop().time()))


class _Tracked:
    """The frames of a burst on their way to a listener."""

    def __init__(self, wire: Wire) -> None:
        self._waiting = list(reversed(wire.frames))
        self._offset: int | None = None
        self._begun_by = 0

    def take(self, piece: Piece, offset: int, given: bytearray, listener: int) -> Iterator[TrueFrame]:
        """The frames that end in this piece, which was given from ``offset`` on."""
        while self._waiting and self._waiting[-1].offset < piece.end:
            frame = self._waiting[-1]
            if self._offset is None:
                self._offset = offset + frame.offset - piece.begin
                self._begun_by = listener
            if frame.offset + frame.length > piece.end:
                return
            self._waiting.pop()
            there = given[self._offset : self._offset + len(frame.adu)] == frame.adu
            intact = frame.intact and there and listener == self._begun_by
            yield replace(frame, offset=self._offset, intact=intact, listener=listener)
            self._offset = None
