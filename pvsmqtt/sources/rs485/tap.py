"""Hears one line for ever: the one place that opens it, finds its speed, frames, pairs and remembers registers.

Theory of operation. A line comes and goes (an adapter is unplugged, a serial server restarts): it is opened again
after a pause that grows from a second to a minute, and what was half heard is forgotten, for bytes were lost. Where
the speed can be set from here and is not ordered, it is searched for by listening, once; what was found is kept, and
searched for anew only when bytes come for minutes and no frame is among them. Silence proves nothing.

Frames come from content alone; when the line is idle the framer is told, so that a frame which it waits for does not
hold up the answer before it. Everything that is heard goes to a `Hear`. Nothing that is heard ends the listening.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.register_units.stats import BusStats
from pvsmqtt.sources.rs485 import autobaud
from pvsmqtt.sources.rs485.autobaud import CANDIDATES, Trial
from pvsmqtt.sources.rs485.line import Line, open_line
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.quality import ABOUT_SPEED, ORDERED, Quality
from pvsmqtt.sources.rs485.recent import RecentQuality
from pvsmqtt.sources.rs485.url import LineKind, LineUrl

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a lost line is opened again: about the first, growing to the second."""
PLUG_PAUSE = 5.0
"""The longest pause before a look whether an adapter is plugged in again: that disturbs nobody."""

SERIAL_IDLE, CHARACTERS_IDLE = 0.05, 10
NETWORK_IDLE = 0.3
"""Seconds (and characters) without a byte after which a line is idle; serial servers and networks take their time."""

QUIET = 1.0
"""Seconds between two looks at a line that stays idle."""

DOUBT_AFTER, DOUBT_BYTES = 120.0, 512
"""So long, and so many bytes, without a frame among them mean that something is wrong."""

LONGEST_STEP = 300.0
"""Seconds that opening, closing or a look at a line can take at most, beside the pause or the patience meant."""

Opener = Callable[[LineUrl, Setting | None], Awaitable[Line]]


class State(StrEnum):
    """What a tap is doing."""

    STARTING = "starting"
    SEARCHING = "searching"
    LISTENING = "listening"
    LOST = "lost"
    ENDED = "ended"


class Hear:
    """Who listens to a tap; what is not overridden is passed over. ``when`` is of the clock of the tap."""

    def on_bytes(self, data: bytes, when: float) -> None:
        """Bytes as they came."""

    def on_frame(self, frame: Frame, request: Frame | None) -> None:
        """A frame; ``request`` is the one that it answers, None where it is none or answers nothing known."""

    def on_block(self, block: RegisterBlock, changed: tuple[int, ...]) -> None:
        """Registers that were read or written; ``changed`` are the addresses whose value is new."""

    def on_idle(self, when: float) -> None:
        """Nothing came for a while; once a second as long as it stays so."""

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        """The tap does something else now; ``said`` is for people, ``lost`` why the line is lost."""

    def on_trial(self, trial: Trial) -> None:
        """How the search for the speed goes."""

    def on_alive(self, within: float) -> None:
        """The tap is at work, whether or not anything is heard; it says so again within so many seconds."""


class Tap:
    """One line.

    ``setting`` None: it is searched for where it can be set from here, beginning with ``remembered``; elsewhere it
    stays unknown. For a line whose speed is set elsewhere, a ``setting`` only serves to tell the load.
    """

    def __init__(
        self,
        url: LineUrl,
        setting: Setting | None,
        *,
        remembered: Setting | None = None,
        candidates: tuple[Setting, ...] = CANDIDATES,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        opener: Opener = open_line,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self.setting = setting or (remembered if url.changeable else None)
        self.state = State.STARTING
        self.lost: LineLost | None = None
        """Why the line is lost, while it is."""
        self.since = monotonic()
        """When the line was opened last."""
        self.framer = PassiveFramer()
        self.dialogue = Dialogue()
        self.images = Images()
        self.stats = BusStats()
        self.verdict: str | None = None
        """What to do, after a search that found nothing."""
        self._recent = RecentQuality(url.changeable)
        self._auto = setting is None and url.changeable
        self._candidates = candidates
        self._search = self._auto and self.setting is None
        self._monotonic, self._wall, self._opener = monotonic, wall, opener
        self._sleep, self._jitter = sleep, jitter
        self._line: Line | None = None
        self._clock = monotonic
        self._unframed, self._unframed_since = 0, 0.0

    @property
    def now(self) -> float:
        """The time of the clock by which everything is told: of a recording its own, else the monotonic one."""
        return self._clock()

    def moment(self, when: float) -> datetime:
        """The wall clock's time of something that was heard."""
        return self._wall() - timedelta(seconds=max(0.0, self.now - when))

    @property
    def note(self) -> str:
        """What a person should know of the line just now; mostly nothing."""
        return self._line.note() if self._line else ""

    @property
    def errors(self) -> dict[str, int]:
        """What the driver counts since the line was opened (`Line.errors`)."""
        return self._line.errors() if self._line else {}

    @property
    def quality(self) -> Quality:
        """How well the line was heard in the last minutes."""
        self._recent.count(self.framer.counters.crc_failures, self.framer.echo, self.errors)
        return self._recent.present

    @property
    def advice(self) -> str:
        """What to do about how the line is heard; nothing when all is well."""
        quality = self.quality
        ordered = self.url.changeable and not self._auto and quality.symptom in ABOUT_SPEED
        return quality.advice() + (ORDERED if ordered else "")

    @property
    def doubtful(self) -> bool:
        """Whether bytes come, for long enough, and none of them make a frame."""
        return self._unframed >= DOUBT_BYTES and self.now - self._unframed_since >= DOUBT_AFTER

    def count(self) -> BusStats:
        """The statistics, up to date."""
        self.stats.counted(asdict(self.framer.counters), self.dialogue.timeouts)
        return self.stats

    async def run(self, hear: Hear) -> None:
        """Listen until cancelled, or until a recording ends."""
        failures = 0
        while True:
            heard = self.stats.totals["bytes"]
            try:
                await self._session(hear)
                continue
            except LineLost as error:
                self.lost = lost = error
                if lost.reason is Loss.ENDED:
                    hear.on_alive(math.inf)
                    self._become(State.ENDED, lost.detail, hear)
                    return
                self._become(State.LOST, str(lost), hear)
                failures = 1 if self.stats.totals["bytes"] > heard else failures + 1
            longest = PLUG_PAUSE if lost.reason in (Loss.MISSING, Loss.UNPLUGGED) else LONGEST_PAUSE
            ceiling = min(longest, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
            pause = ceiling * (0.5 + self._jitter() / 2)
            hear.on_alive(pause + LONGEST_STEP)
            await self._sleep(pause)

    async def _session(self, hear: Hear) -> None:
        """Open the line and listen until it is time to search for its speed again.

        Raises:
            LineLost: when it cannot be opened or goes away.
        """
        hear.on_alive(LONGEST_STEP)
        if self._search:
            await self._find(hear)
        if self._search:
            await self._sleep(QUIET)
            return
        line = self._line = await self._opener(self.url, self.setting if self.url.changeable else None)
        try:
            self.lost = None
            self._clock = line.clock or self._monotonic  # that of a recording stands still when it has ended
            self.since = self.now
            self._rate()
            self._recent.restart(self.setting)
            at = f" at {self.setting}" if self.setting and self.url.changeable else ""
            self._become(State.LISTENING, f"listens to {self.url}{at}", hear)
            await self._listen(line, hear)
        finally:
            try:
                self._frames(self.framer.flush(self.now), hear)
            finally:  # whatever became of that: a line that stays open cannot be opened again
                self.framer.reset()
                self.dialogue.reset()
                self._line = None
                await line.close()

    async def _find(self, hear: Hear) -> None:
        """Search for the setting; when none is found, the one that was good before is kept."""
        self._become(State.SEARCHING, f"searches for the speed of {self.url}", hear)
        trials: dict[int, Trial] = {}

        def progress(trial: Trial) -> None:
            hear.on_alive(LONGEST_STEP)
            trials[trial.number] = trial
            hear.on_trial(trial)

        async def opener(setting: Setting) -> Line:
            return await self._opener(self.url, setting)

        found = await autobaud.find(opener, monotonic=self._monotonic, settings=self._candidates, progress=progress)
        self._unframed = 0
        if found is not None:
            self.setting, self.verdict = found.setting, None
        else:
            self.verdict = autobaud.judge(trials.values())
            self._become(State.SEARCHING, f"no speed was found for {self.url}: {self.verdict}", hear)
        self._search = self.setting is None

    async def _listen(self, line: Line, hear: Hear) -> None:
        patience = gap = self._gap()
        while True:
            hear.on_alive(patience + LONGEST_STEP)
            data = await line.read(patience)
            if data:
                patience = gap
                self._take(data, self.now, hear)
                await asyncio.sleep(0)  # a line on which bytes never end must not take all the time there is
                if self._auto and self.doubtful:
                    self._search = True
                    return
            else:
                patience = QUIET
                self._idle(self.now, hear)

    def _take(self, data: bytes, when: float, hear: Hear) -> None:
        hear.on_bytes(data, when)
        self.stats.took(len(data), when)
        if not self._unframed:
            self._unframed_since = when
        self._unframed += len(data)
        self._recent.hear(data, when)
        self._frames(self.framer.feed(data, when), hear)

    def _idle(self, when: float, hear: Hear) -> None:
        self._frames(self.framer.flush(when), hear)
        hear.on_idle(when)

    def _frames(self, frames: list[Frame], hear: Hear) -> None:
        for frame in frames:
            self._unframed = 0
            self.stats.frame(frame)
            block = self.dialogue.observe(frame)
            self._recent.frame(frame, self.dialogue.request)
            hear.on_frame(frame, self.dialogue.request)
            if block is not None:
                self._keep(block, hear)

    def _keep(self, block: RegisterBlock, hear: Hear) -> None:
        image = self.images.take(block)
        hear.on_block(block, () if image is None else image.changed)

    def _gap(self) -> float:
        """Seconds without a byte that make a line idle."""
        if self.url.kind is LineKind.SERIAL and self.setting:
            return max(SERIAL_IDLE, CHARACTERS_IDLE * self.setting.character_time)
        return SERIAL_IDLE if self.url.kind in (LineKind.SERIAL, LineKind.FILE) else NETWORK_IDLE

    def _rate(self) -> None:
        if self.setting is not None:
            self.stats.rate(self.setting.baudrate, self.setting.bits)

    def _become(self, state: State, said: str, hear: Hear) -> None:
        self.state = state
        hear.on_state(state, said, self.lost)
