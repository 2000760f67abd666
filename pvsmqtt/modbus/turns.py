"""Whose turn it is on a line: which request waits for its answer, and whether the line echoes.

A request and its response may have the same bytes (function codes 5, 6, 8, 21, 22) or the same shape (1 and 2). Then
the request that waits tells which it is. A line with an echo (of the adapter, or a second tap) brings each request
twice; that is learned from requests whose direction is beyond doubt.
"""

from __future__ import annotations

from operator import ne
from typing import Literal

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.functions import ECHOING, EXCEPTION, READS_OF_BITS, READS_OF_REGISTERS

ECHO_WITHIN = 0.5
"""Seconds after which a repeated request is no echo."""
ECHO_MEMORY, ECHO_SHARE, NO_ECHO_SHARE = 10, 0.8, 0.4
"""Requests that are remembered, and the shares that come twice at which a line begins and ceases to be one with an
echo: noise damages many a second copy."""
DAMAGED = 3
"""Bytes in which a damaged frame may differ from its answer."""
LEFT_OVER = 3
"""Bytes that are looked at before a frame, beyond its length."""
SHORT = 10
"""Bytes up to which it is looked at more closely what may be left of a frame."""


class Turns:
    """The conversation as far as the framer needs it."""

    def __init__(self) -> None:
        self.echo = False
        """Whether this line brings each request twice."""
        self._seen_twice = 0
        """One bit for each of the last requests beyond doubt, the latest one lowest."""
        self._chances = 0
        self.forget()

    def forget(self) -> None:
        """Bytes were lost: nobody waits for an answer."""
        self.pending: Frame | None = None
        self._echoed = self._after_its_like = False
        self.awaited = self.awaited_before = -1
        """The exceptions that would be believed: unit << 8 | function code with its exception bit, -1 for none."""

    def awaits(self, unit: int, function: int) -> Frame | None:
        """The request that waits for an answer from this unit to this function code."""
        pending = self.pending
        return pending if pending is not None and (pending.unit, pending.function) == (unit, function) else None

    def answer_is_due(self, response: bytearray) -> bool:
        """Whether this, read as a response, is what is waited for next: not so before the echo."""
        asked = self.awaits(response[0], response[1])
        if asked is None or not fits(asked, response):
            return False
        return not self.echo or self._echoed or not asked.adu.startswith(response)

    def answers(self, adu: bytearray, as_request: int, as_response: int, before: bytearray) -> bool:
        """Whether what may be a request or a response of these lengths is the response.

        Args:
            adu: it begins with the frame.
            as_request, as_response: its length as either of them.
            before: the undecided bytes before it, of many the last ones; `LEFT_OVER` more than its length suffice.
        """
        unit, function, frame = adu[0], adu[1], adu[:as_request]
        if not unit:  # nobody answers a broadcast
            return False
        if function in ECHOING:
            repeats = self.pending is not None and self.pending.adu == frame
            if not repeats and self.awaits(unit, function) is not None:
                return False  # what is left before it, if anything, was the answer to the other one
            self._after_its_like = bool(before) and resembles(before, frame)
            if self.echo:
                return repeats and (self._echoed or self._after_its_like)
            return repeats != self._after_its_like
        asked = self.awaits(unit, function)
        return asked is not None and (asked.adu != frame or as_response > as_request) and fits(asked, adu)

    def answered(self, unit: int, function: int) -> None:
        """Take a response."""
        pending = self.pending
        if pending is not None and pending.unit == unit and pending.function == function:
            self.pending = None
            self.awaited = -1
        self.awaited_before = -1
        self._after_its_like = False

    def asked(self, frame: Frame) -> bool:
        """Take a request; whether it is the echo of the one before it."""
        before = self.pending
        again = before is not None and before.adu == frame.adu and not self._echoed
        if again and before is not None and frame.when - before.when <= ECHO_WITHIN:
            if frame.function not in ECHOING:
                self._seen_twice |= 1
                self._weigh()
            if self.echo:
                self._echoed = True
                return True
        elif frame.function not in ECHOING and frame.unit:
            self._chances += 1
            if self._seen_twice:
                self._seen_twice = self._seen_twice << 1 & (1 << ECHO_MEMORY) - 1
                self._weigh()
        self._echoed, self._after_its_like = self.echo and self._after_its_like, False
        self.awaited_before = self.awaited
        self.pending = frame
        self.awaited = frame.unit << 8 | frame.function | EXCEPTION if frame.unit else -1
        return False

    def _weigh(self) -> None:
        chances = min(self._chances, ECHO_MEMORY)
        share = NO_ECHO_SHARE if self.echo else ECHO_SHARE
        self.echo = chances >= 2 and self._seen_twice.bit_count() >= share * chances


def fits(asked: Frame, response: bytearray) -> bool:
    """Whether the byte count of a response is what was asked for."""
    count = asked.adu[4] << 8 | asked.adu[5] if len(asked.adu) >= 8 else 0
    if asked.function in READS_OF_BITS:
        return response[2] == (count + 7) // 8
    if asked.function in READS_OF_REGISTERS:
        return response[2] == 2 * count
    return True


def resembles(before: bytearray, frame: bytearray) -> bool:
    """Whether undecided bytes end with what may be left of this frame: some bytes changed, one more or one less, or
    cut off at either end. Then that was its turn."""
    size = len(frame)
    if len(before) == size and sum(map(ne, before, frame)) <= DAMAGED:
        return True
    if size > SHORT:
        return len(before) > 1 and (frame.startswith(before) or frame.endswith(before))
    ending = _alike(before, frame, "little")
    for length in range(2, min(len(before), size + 2) + 1):
        if ending or before[-length] == frame[0]:
            same = min(_alike(before[-length:], frame, "big") + ending, length)
            if same > 1 and same >= length - 1 and (length == len(before) or same >= size // 2):
                return True
    return False


def _alike(one: bytearray, other: bytearray, first: Literal["big", "little"]) -> int:
    """Bytes that are the same from the beginning (``"big"``) or from the end (``"little"``)."""
    most = min(len(one), len(other))
    part = slice(most) if first == "big" else slice(-most, None)
    differ = int.from_bytes(one[part], first) ^ int.from_bytes(other[part], first)
    return most - (differ.bit_length() + 7) // 8
