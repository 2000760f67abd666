"""ADUs of a connection in both directions -> register blocks: each answer with the request that it answers.

The transaction id pairs them, together with unit and function, on one connection alone. So answers may come in any
order and late. A client that uses an id again has given up what it asked with it before. Where two requests had the
same id, an answer belongs to the newest that was asked before it came: before in the order of packets, for an answer
may be recognised long after (`mbap`). What contradicts its request (another number of registers) is not taken.

A time-out is a request that nobody answered, within `PATIENCE` or until its connection ended. Where bytes of the
answering side are missing, nobody knows: those are *spoiled*, and no time-out of the unit. Unit 0 is answered like
any other: over TCP it is the server itself, no broadcast.

Memory: `OPEN` requests of each connection.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.exchange import answers, told_by
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.mbap import Adu, frame_of
from pvsmqtt.modbus.pdu import Fields, fields

PATIENCE = 10.0
"""Seconds after which nobody waits any more; a gateway asks other equipment, and clients wait 3 to 10 s."""
OPEN = 64
"""Requests that are remembered, answered or not. Nobody has more than a few open at once."""

MASK_WRITE = 22


@dataclass(slots=True)
class Tally:
    """What was heard of one server, over all connections."""

    requests: int = 0
    """With retries."""
    responses: int = 0
    """With exceptions: paired + unpaired."""
    paired: int = 0
    late: int = 0
    """Paired after it had been given up."""
    unpaired: int = 0
    """Nobody asked, it was answered before, or it contradicts what was asked."""
    contradictions: int = 0
    """Of the unpaired."""
    retries: int = 0
    """The same request with the same id once more, before it was answered."""
    spoiled: int = 0
    """Requests without an answer where bytes were missed."""
    mask_writes: int = 0
    """They tell no value."""
    timeouts: Counter[int] = field(default_factory=Counter)
    """By unit."""
    exceptions: Counter[tuple[int, int]] = field(default_factory=Counter)
    """By unit and exception code."""


class Told(NamedTuple):
    """A request or response in its context."""

    transaction: int
    frame: Frame
    request: Frame | None
    """What it answers."""
    block: RegisterBlock | None
    """What it tells or confirms."""


@dataclass(slots=True, eq=False)
class _Asked:
    transaction: int
    frame: Frame
    fields: Fields
    answered: bool = False
    given_up: bool = False
    spoiled: bool = False

    @property
    def waits(self) -> bool:
        return not self.answered and not self.given_up


class Transactions:
    """One connection."""

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        self._asked: deque[_Asked] = deque()

    @property
    def waiting(self) -> int:
        """Requests that may still be answered."""
        return sum(one.waits for one in self._asked)

    def request(self, adu: Adu) -> Told:
        """The client asks."""
        frame = frame_of(adu, is_response=False)
        self.tally.requests += 1
        self.expire(frame.when)
        for one in self._asked:
            if one.transaction == adu.transaction and one.waits:
                if one.frame.adu == frame.adu:
                    self.tally.retries += 1
                    one.given_up = True
                else:
                    self._give_up(one)
        if len(self._asked) >= OPEN:
            self._give_up(self._asked.popleft())
        self._asked.append(_Asked(adu.transaction, frame, fields(frame)))
        return Told(adu.transaction, frame, None, None)

    def response(self, adu: Adu) -> Told:
        """The server answers."""
        frame, tally = frame_of(adu, is_response=True), self.tally
        told = fields(frame)
        tally.responses += 1
        if frame.exception is not None:
            tally.exceptions[frame.unit, frame.exception] += 1
        asked = next((one for one in reversed(self._asked) if _meant(one, adu, frame)), None)
        fits = asked is not None and answers(asked.frame, asked.fields, frame, told)
        if asked is None or asked.answered or not fits:
            tally.unpaired += 1
            tally.contradictions += asked is not None and not asked.answered
            return Told(adu.transaction, frame, None, None)
        asked.answered = True
        tally.paired += 1
        tally.late += asked.given_up
        if frame.exception is not None:
            return Told(adu.transaction, frame, asked.frame, None)
        tally.mask_writes += frame.function == MASK_WRITE
        return Told(adu.transaction, frame, asked.frame, told_by(asked.frame, asked.fields, told, frame.when))

    def missed_answers(self) -> None:
        """Bytes of the answering side are missing: what is open may have been answered."""
        for one in self._asked:
            one.spoiled = True

    def expire(self, now: float) -> None:
        """Time goes by."""
        for one in self._asked:
            if one.waits and now - one.frame.when > PATIENCE:
                self._give_up(one)

    def close(self) -> None:
        """The connection has ended."""
        for one in self._asked:
            self._give_up(one)
        self._asked.clear()

    def _give_up(self, one: _Asked) -> None:
        if not one.waits:
            return
        one.given_up = True
        if one.spoiled:
            self.tally.spoiled += 1
        else:
            self.tally.timeouts[one.frame.unit] += 1


def _meant(one: _Asked, adu: Adu, frame: Frame) -> bool:
    """Whether an answer is meant for this request."""
    return (
        one.transaction == adu.transaction
        and one.frame.unit == frame.unit
        and one.frame.function == frame.function
        and one.frame.offset <= adu.packet
    )
