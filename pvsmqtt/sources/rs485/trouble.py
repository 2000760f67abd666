"""What is wrong with a line, as far as a person can do something about it. Pure.

Each rule looks at the tap and at how long it has listened; the first that fits is told. Silence alone is none, unless
nothing was ever heard on this line: then it is most likely not connected.
"""

from __future__ import annotations

from typing import NamedTuple

from pvsmqtt.sources.rs485.quality import ADVICE, Symptom
from pvsmqtt.sources.rs485.tap import State, Tap

PATIENCE = 300.0
"""Seconds in which a line that is well has told something: many polls of a supervisor."""

FRAMES_ENOUGH = 20
"""Frames among which an answer should be."""

ONE_SIDE = (
    "{requests} requests were heard and not one answer to them: the tap hears only one side. Tap both directions of "
    "a four-wire line, or see whether the units that are asked have power"
)
ANSWERS_ONLY = (
    "{responses} answers were heard, but not the requests to them, and without a request nobody knows what an answer "
    "is about: the serial server may be in a Modbus gateway mode. Set it to transparent (protocol: none)"
)


class Trouble(NamedTuple):
    """A typed reason, and what it is and what to do."""

    reason: str
    text: str


def trouble(tap: Tap, listened: float, known: bool) -> Trouble | None:
    """What is wrong; None when nothing is, or when it is too early to say.

    Args:
        tap: the line, with its counters up to date.
        listened: seconds since the service began to listen.
        known: whether this line was ever heard to speak Modbus.
    """
    if tap.state is State.LOST and tap.lost is not None:
        return Trouble(f"line_{tap.lost.reason}", str(tap.lost))
    totals = tap.stats.totals
    if tap.state is State.SEARCHING:
        return Trouble("no_speed", tap.verdict) if tap.verdict and not _silent_but_known(tap, known) else None
    if tap.state is not State.LISTENING:
        return None
    if not totals["bytes"]:
        silent = listened >= PATIENCE and not known
        return Trouble("silence", tap.note or ADVICE[Symptom.SILENT]) if silent else None
    if tap.doubtful:
        return Trouble("no_frames", tap.advice or ADVICE[Symptom.UNREADABLE])
    if totals["frames"] >= FRAMES_ENOUGH and not tap.dialogue.counters.paired:
        text = ONE_SIDE if not totals["responses"] else ANSWERS_ONLY
        return Trouble("no_answers", text.format(requests=totals["requests"], responses=totals["responses"]))
    return None


def _silent_but_known(tap: Tap, known: bool) -> bool:
    """The search found nothing, for the line that spoke before rests."""
    return known and tap.verdict == ADVICE[Symptom.SILENT]
