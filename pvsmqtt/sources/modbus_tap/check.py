"""What ``pvsmqtt check`` finds out about a tap: whether its capture opens, and what is heard."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from pvsmqtt.capture.mirror import Spoken
from pvsmqtt.model.device import LABELS
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.modbus_tap.inputs import STANDARD_INPUT, CaptureLost, Loss, open_input
from pvsmqtt.sources.modbus_tap.memory import Memory
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.modbus_tap.tap import Hear, Opener, State, Tap
from pvsmqtt.sources.modbus_tap.trouble import NO_PACKET, ports, trouble
from pvsmqtt.sources.modbus_tap.units import kinds_of

LISTEN = 20.0
"""Seconds: more than a poll period of a supervisor (15 s)."""
ENOUGH_PAIRS = 5
RUNNING = (
    "{detail}. If that is the pvsmqtt service, all is well: what it hears is in its health topic, and the "
    "capture can be checked here when the service is stopped"
)


async def check(
    options: ModbusTapOptions, state_dir: Path | None = None, listen: float = LISTEN, opener: Opener = open_input
) -> list[Finding]:
    """Listen for some seconds."""
    subject = f"modbus_tap {options.name}"
    if options.capture == STANDARD_INPUT:
        return [Finding(subject, True, "standard input is that of the service: only it can hear it")]
    memory = Memory(state_dir, options.name, writable=False)
    tap = Tap(options.capture, tuple(options.ports), opener=opener)
    watch = _Watch()
    task = asyncio.create_task(tap.run(watch))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(listen):
                await watch.enough.wait()
        return _findings(subject, options, tap, watch, known=bool(memory.get("heard")))
    finally:
        task.cancel()
        await asyncio.wait({task})


class _Watch(Hear):
    """Tells when there is something to tell."""

    def __init__(self) -> None:
        self.enough = asyncio.Event()
        self.lost: CaptureLost | None = None
        self.pairs = 0
        self.units: dict[str, set[int]] = {}

    def on_state(self, state: State, _said: str, lost: CaptureLost | None) -> None:
        """See `Hear`."""
        if state is State.LOST:
            self.lost = lost
        if state in (State.LOST, State.ENDED):
            self.enough.set()

    def on_spoken(self, spoken: Spoken) -> None:
        """See `Hear`."""
        if spoken.told.request is None:
            return
        self.pairs += 1
        self.units.setdefault(str(spoken.server.endpoint), set()).add(spoken.told.frame.unit)
        if self.pairs >= ENOUGH_PAIRS:
            self.enough.set()


def _findings(subject: str, options: ModbusTapOptions, tap: Tap, watch: _Watch, known: bool) -> list[Finding]:
    if (lost := watch.lost) is not None:
        if lost.reason is Loss.BUSY:
            return [Finding(subject, True, RUNNING.format(detail=lost.detail))]
        return [Finding(subject, False, lost.detail, lost.advice)]
    mirror = tap.mirror
    opened = Finding(subject, True, f"{tap.name} is open")
    if not mirror.packets:
        text = "no packet came in this time" + (": Modbus was heard here before" if known else "")
        return [opened, Finding(f"{subject} traffic", known, text, "" if known else NO_PACKET)]
    text = (
        f"{mirror.packets} packets, {mirror.segments} of TCP port {ports(tap)}, {watch.pairs} requests with answers"
    )
    found = trouble(tap, 0.0, known)
    good = watch.pairs > 0 or (known and found is None)
    advice = found.text if found else "" if good else "see whether the mirroring switch sends both directions"
    findings = [opened, Finding(f"{subject} traffic", good and found is None, text, advice)]
    kinds = kinds_of(options)
    for server, units in watch.units.items():
        named = (f"{unit} ({LABELS[kinds[unit]]})" if unit in kinds else f"{unit}" for unit in sorted(units))
        findings.append(Finding(f"{subject} {server}", True, f"units {', '.join(named)}"))
    return findings
