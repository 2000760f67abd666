"""What ``pvsmqtt check`` finds out about an RS-485 line: whether it opens, what is heard, at which speed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.model.device import LABELS
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.rs485 import autobaud
from pvsmqtt.sources.rs485.autobaud import Trial
from pvsmqtt.sources.rs485.line import open_line
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.memory import Memory
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.quality import HEARD
from pvsmqtt.sources.rs485.search import tap_of
from pvsmqtt.sources.rs485.tap import Hear, Opener, State, Tap
from pvsmqtt.sources.rs485.units import KNOWN

LISTEN = 20.0
"""Seconds: more than a poll period of a supervisor (15 s)."""

SEARCH = 90.0
"""Seconds for the search of the speed, before the listening."""

ENOUGH_PAIRS = 5

_BUSY = frozenset({Loss.BUSY, Loss.PORT_TAKEN})
RUNNING = (
    "{detail}. If that is the pvsmqtt service, all is well: what it hears is in its health topic, and the line can "
    "be checked here when the service is stopped. If it is not"
)


async def check(
    options: Rs485Options,
    state_dir: Path | None = None,
    listen: float = LISTEN,
    search: float = SEARCH,
    opener: Opener = open_line,
) -> list[Finding]:
    """Listen for some seconds; longer where the speed has to be found first."""
    subject = f"rs485 {options.name}"
    memory = Memory(state_dir, options.name, writable=False)
    tap = tap_of(options, memory, opener=opener)
    watch = _Watch(tap)
    task = asyncio.create_task(tap.run(watch))
    try:
        await _wait(watch.settled, search)
        if tap.state is State.LISTENING:
            await _wait(watch.enough, listen)
        return _findings(subject, tap, watch, known=bool(memory.get("heard")))
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _wait(event: asyncio.Event, patience: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await event.wait()


class _Watch(Hear):
    """Tells when there is something to tell."""

    def __init__(self, tap: Tap) -> None:
        self.settled = asyncio.Event()
        """The line is heard, or cannot be."""
        self.enough = asyncio.Event()
        self.lost: LineLost | None = None
        self.trials: dict[int, Trial] = {}
        self.units: set[int] = set()
        self._tap = tap

    def on_state(self, state: State, _said: str, lost: LineLost | None) -> None:
        """See `Hear`."""
        if state is State.LOST:
            self.lost = lost
        if state in (State.LOST, State.ENDED):
            self.enough.set()
        if state is not State.SEARCHING or self._tap.verdict is not None:
            self.settled.set()

    def on_trial(self, trial: Trial) -> None:
        """See `Hear`."""
        self.trials[trial.number] = trial

    def on_frame(self, frame: Frame, request: Frame | None) -> None:
        """See `Hear`."""
        if request is not None:
            self.units.add(frame.unit)
        if self._tap.dialogue.counters.paired >= ENOUGH_PAIRS:
            self.enough.set()


def _findings(subject: str, tap: Tap, watch: _Watch, known: bool) -> list[Finding]:
    if (lost := watch.lost) is not None:
        if lost.reason in _BUSY:
            return [Finding(subject, True, f"{RUNNING.format(detail=lost.detail)}: {lost.advice}")]
        return [Finding(subject, False, lost.detail, lost.advice)]
    if tap.state is State.SEARCHING:
        heard = sum(trial.quality.bytes for trial in watch.trials.values())
        text = f"no speed was found for {tap.url}; {heard} bytes were heard at {len(watch.trials)} settings"
        return [Finding(f"{subject} speed", False, text, tap.verdict or autobaud.judge(watch.trials.values()))]
    totals, quality, pairs = tap.count().totals, tap.quality, tap.dialogue.counters.paired
    opened = Finding(subject, True, f"{tap.url} is open" + (f", {tap.setting}" if tap.setting else ""))
    if not totals["bytes"]:
        text = "nothing was heard in this time" + (": the line has spoken before and is silent now" if known else "")
        return [opened, Finding(f"{subject} traffic", known, text, tap.note or tap.advice)]
    text = f"{totals['bytes']} bytes, {totals['frames']} frames, {pairs} requests with their answers"
    if advice := tap.advice:
        text += f"; {totals['crc_failures']} CRC failures, {totals['junk_bytes']} bytes of no frame"
    good = quality.symptom in HEARD
    findings = [opened, Finding(f"{subject} traffic", good, f"{text}. {advice}" if good and advice else text, advice)]
    if watch.units:
        units = ", ".join(
            f"{unit} ({LABELS[KNOWN[unit]]})" if unit in KNOWN else f"{unit}" for unit in sorted(watch.units)
        )
        findings.append(Finding(f"{subject} units", True, units))
    return findings
