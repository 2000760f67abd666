"""Finding speed and parity of a line by listening.

Each candidate is listened to until it is decided:

* A request and the response to it, both with a good CRC: found (a false pair comes once in 10^10 KiB of noise).
* `FRAMES` long frames without a pair, when its time is over: found too (a master that asks those who are away).
* `ENOUGH_BYTES` without a frame: not this one.
* Silence is no evidence against any speed: a bus that is polled every 15 s is silent most of the time. So a candidate
  waits for its first byte longer than its dwell, and is tried again if none came. Bytes of any speed are heard at the
  first candidate, the fastest: when it hears none, there is nothing to search in.

The first round is quick: a candidate is left at the end of the first burst, or after `QUICK_BYTES`, without a frame.
Those that remain get their full dwell in the second, the more promising ones first.

8E1 heard as 8N1 gives good frames and a framing error in every other character (the driver counts them): then the
other parities at that speed are listened to as well, and the one with the fewest errors is taken.

Time and the line are parameters: `find` waits for nothing but ``read`` of the line.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.setting import Parity, Setting
from pvsmqtt.sources.rs485.line import Line
from pvsmqtt.sources.rs485.lost import ADVICE as LOSS_ADVICE
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.quality import ADVICE, HALF_WRONG, HEARD, ORDERED, Quality, Symptom

SPEEDS = (115200, 19200, 9600, 38400, 57600)
CANDIDATES: tuple[Setting, ...] = (
    *(Setting(speed) for speed in SPEEDS),
    *(Setting(speed, "E") for speed in SPEEDS),
    Setting(1200),  # no Modbus is known at this speed, but older SMA inverters are: worth saying
)
"""In the order in which they are likely. Source: nobody has published the speed of the bus of a SunVault; boards of
2020 with firmware that is updated over the bus speak fast, Modbus devices 19200 or 9600 when nobody changes it."""

POLL_PERIOD = 15.0
"""Seconds between two polls of a supervisor."""
DWELL, DWELLS_PER_POLL = 20.0, 1.3
SILENT_DWELLS = 3
SILENT_TRIALS = 2
ENOUGH_BYTES, QUICK_BYTES, BURST_BYTES = 2048, 512, 64
BURST_OVER = 1.0
"""Seconds of silence that end a burst."""
AFTER_FIRST = 5.0
"""Seconds to listen after the first byte, at least."""
IDLE = 0.3
"""Seconds of silence after which the framer gives up what it waits for."""
LONG, FRAMES, DECISIVE = 8, 3, 2


class Verdict(StrEnum):
    """What became of a trial."""

    LISTENING = "listening"
    FOUND = "found"
    NOTHING = "nothing heard"
    NO_FRAME = "no frame"
    TOO_FAST = "too fast"
    FOREIGN = "not Modbus"
    IMPOSSIBLE = "not possible here"


@dataclass
class Trial:
    """One candidate, while and after it is listened to."""

    setting: Setting
    number: int
    """From 1."""
    quality: Quality
    limit: float
    """Seconds that it is listened to at most, if something is heard."""
    elapsed: float = 0.0
    verdict: Verdict = Verdict.LISTENING
    pairs: int = 0
    """2 for each request that was heard with its response; 1 if either is short."""
    long_frames: int = 0


@dataclass(frozen=True)
class Found:
    """The setting of a line, and how well it is heard with it."""

    setting: Setting
    quality: Quality
    elapsed: float
    """Seconds that the search took."""


Open = Callable[[Setting], Awaitable[Line]]
Progress = Callable[[Trial], None]


def candidates(baudrate: int | None = None, parity: Parity | None = None, stopbits: int = 1) -> tuple[Setting, ...]:
    """Those that fit what is known already."""
    if baudrate is not None:
        return tuple(Setting(baudrate, one, stopbits) for one in ("N", "E", "O") if parity in (None, one))
    if parity is not None:
        return tuple(Setting(speed, parity, stopbits) for speed in (*SPEEDS, 1200))
    return tuple(Setting(one.baudrate, one.parity, stopbits) for one in CANDIDATES)


async def find(
    open_line: Open,
    *,
    monotonic: Callable[[], float],
    settings: Sequence[Setting] = CANDIDATES,
    poll_period: float = POLL_PERIOD,
    progress: Progress = lambda _: None,
) -> Found | None:
    """Listen until the setting is known; ``None`` when none of them fits or nothing is heard (then ask `judge`).

    ``progress`` is told of each trial when something was heard, every `IDLE` seconds, and when it is decided.

    Raises:
        LineLost: when the line goes away. A setting that cannot be set is left out.
    """
    search = _Search(open_line, monotonic, max(DWELL, DWELLS_PER_POLL * poll_period), progress)
    begin = monotonic()
    first: list[Trial] = []
    for setting in settings:
        trial = await search.listen(setting, quick=True)
        if trial.verdict is Verdict.FOUND:
            return await search.found(trial, begin)
        first.append(trial)
        silent = sum(one.verdict is Verdict.NOTHING for one in first)
        if silent >= SILENT_TRIALS and not any(one.quality.bytes for one in first):
            return None
    for earlier in sorted(first, key=_unpromising):
        if earlier.quality.bytes and earlier.verdict is not Verdict.FOREIGN:
            trial = await search.listen(earlier.setting, quick=False)
            if trial.verdict is Verdict.FOUND:
                return await search.found(trial, begin)
    return None


def judge(trials: Iterable[Trial]) -> str:
    """What to do after a search that found nothing, from all its trials: what one of them shows clearly, else what
    can be said of the speed."""
    told: dict[Setting, Trial] = {}
    for trial in trials:
        if trial.setting not in told or trial.quality.bytes >= told[trial.setting].quality.bytes:
            told[trial.setting] = trial
    if told and all(trial.verdict is Verdict.IMPOSSIBLE for trial in told.values()):
        return f"this line can be set to none of {', '.join(map(str, told))}: {LOSS_ADVICE[Loss.SETTING]}"
    heard = [trial for trial in told.values() if trial.quality.bytes]
    if not heard:
        return Quality().advice()
    for symptom in (*HEARD, Symptom.FOREIGN):
        shown = [trial for trial in heard if trial.quality.symptom is symptom]
        if shown:
            best = max(shown, key=lambda one: one.setting.baudrate)
            return f"at {best.setting}, {best.quality.advice() or 'frames were heard'}"
    if any(trial.quality.symptom is Symptom.SWAPPED for trial in heard):
        return ADVICE[Symptom.SWAPPED]
    if all(trial.quality.symptom is Symptom.TOO_LITTLE for trial in heard):
        return ADVICE[Symptom.TOO_LITTLE]
    too_fast = [one.setting.baudrate for one in heard if one.quality.symptom is Symptom.TOO_FAST]
    below = f", and its speed is below {min(too_fast)} baud" if too_fast else ""
    ordered = ORDERED if len({one.baudrate for one in told}) == 1 else ""
    return (
        f"none of {len(told)} settings gave Modbus frames. Either this is not Modbus RTU, or it has another speed"
        f"{below}, or the line is very noisy: check that A, B and ground are connected, and try A and B exchanged"
        f"{ordered}"
    )


class _Search:
    def __init__(self, open_line: Open, monotonic: Callable[[], float], dwell: float, progress: Progress) -> None:
        self._open = open_line
        self._monotonic = monotonic
        self._dwell = dwell
        self._progress = progress
        self._number = 0

    async def found(self, trial: Trial, begin: float) -> Found:
        """The setting that was found, or another parity of it that is heard better."""
        best = trial
        if trial.quality.wrong_characters >= HALF_WRONG:
            old = trial.setting
            for parity in ("N", "E", "O"):
                if parity != old.parity:
                    other = await self.listen(Setting(old.baudrate, parity, old.stopbits), quick=False)
                    if other.verdict is Verdict.FOUND:
                        best = min(best, other, key=lambda one: one.quality.wrong_characters)
                if best.quality.wrong_characters < HALF_WRONG:
                    break
        return Found(best.setting, best.quality, self._monotonic() - begin)

    async def listen(self, setting: Setting, quick: bool) -> Trial:
        """Try one setting."""
        self._number += 1
        trial = Trial(setting, self._number, Quality(setting), self._dwell)
        try:
            line = await self._open(setting)
        except LineLost as lost:
            if lost.reason is not Loss.SETTING:
                raise
            trial.verdict = Verdict.IMPOSSIBLE
            self._progress(trial)
            return trial
        try:
            await self._hear(line, trial, quick)
        finally:
            await line.close()
        self._progress(trial)
        return trial

    async def _hear(self, line: Line, trial: Trial, quick: bool) -> None:
        framer, dialogue = PassiveFramer(), Dialogue()
        begin = self._monotonic()
        first = latest = math.inf
        while trial.verdict is Verdict.LISTENING:
            data = await line.read(IDLE)
            now = self._monotonic()
            when = now if line.clock is None else line.clock()
            if data:
                trial.quality.hear(data)
                first, latest = min(first, now), now
            for frame in framer.feed(data, when) if data else framer.flush(when):
                dialogue.observe(frame)
                _weigh(trial, len(frame.adu), None if dialogue.request is None else len(dialogue.request.adu))
                trial.quality.frame(frame, dialogue.request)
            trial.quality.count(framer.counters.crc_failures, framer.echo, line.errors())
            trial.elapsed = now - begin
            over = (
                trial.elapsed >= self._dwell * SILENT_DWELLS
                if first == math.inf
                else (trial.elapsed >= self._dwell and now - first >= AFTER_FIRST)
            )
            trial.verdict = _verdict(trial, over, quick, now - latest)
            if trial.verdict is Verdict.LISTENING:
                self._progress(trial)


def _weigh(trial: Trial, length: int, asked: int | None) -> None:
    trial.long_frames += length >= LONG
    if asked is not None:
        trial.pairs += 2 if min(length, asked) >= LONG else 1


def _verdict(trial: Trial, over: bool, quick: bool, silence: float) -> Verdict:
    """``over``: its time is; ``silence``: seconds since the last byte."""
    quality = trial.quality
    if trial.pairs >= DECISIVE:
        return Verdict.FOUND
    if not quality.bytes:
        return Verdict.NOTHING if over else Verdict.LISTENING
    burst_over = quality.bytes >= BURST_BYTES and silence >= BURST_OVER
    if over or quality.bytes >= ENOUGH_BYTES:
        return Verdict.FOUND if trial.long_frames >= FRAMES else _refused(quality)
    if not quality.frames and quick and (quality.bytes >= QUICK_BYTES or burst_over):
        return _refused(quality)
    return Verdict.LISTENING


_REFUSALS = {Symptom.TOO_FAST: Verdict.TOO_FAST, Symptom.FOREIGN: Verdict.FOREIGN}


def _refused(quality: Quality) -> Verdict:
    return _REFUSALS.get(quality.symptom, Verdict.NO_FRAME)


def _unpromising(trial: Trial) -> tuple[bool, int]:
    return trial.verdict is Verdict.TOO_FAST, -trial.quality.frames
