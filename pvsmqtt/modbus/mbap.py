"""Modbus TCP as it is heard: the bytes of one direction of a connection -> ADUs.

::

    transaction u16 | protocol 0 u16 | length u16 | unit u8 | function u8 | data…       (length counts from unit on)

Nothing but the length tells where an ADU ends, so all depends on knowing where one begins. From the beginning of a
connection that is known, and stays so as long as no byte is missing. Who joins later, or behind a gap, searches: a
place is believed when two ADUs that obey the rules of their functions (`functions`) stand there one behind the other,
or when everything that came until the end is exactly one. One alone proves little, for registers full of small
numbers look like headers; so the first of the two is told only where nothing was left out before it. Where bytes are
missing inside an ADU whose length is known, the place of the next one is known too.

What comes out does not depend on how the bytes were cut. Memory: two ADUs.

Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3; an ADU has function and 252 bytes of data.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.functions import EXCEPTION, FUNCTIONS, USER_DEFINED

HEADER = 6
"""Bytes before the unit."""
SHORTEST, LONGEST = 2, 254
"""What the length may be: unit and function, to unit and a whole PDU."""
EXCEPTIONS = range(1, 12)
"""Codes that the standard knows."""
_CRC = b"\0\0"
"""The rules of `functions` count it; behind TCP there is none."""
_MORE = -1
_RULE_NEEDS = 4


class Adu(NamedTuple):
    """One request or response, whole."""

    offset: int
    """Of its first byte, counted in bytes of this direction, missing ones left out."""
    transaction: int
    unit: int
    pdu: bytes
    """Function code and data, 1 to 253 bytes."""
    when: float
    """When its last byte came."""
    packet: int
    """In which packet its last byte came: a number that only grows."""


@dataclass(slots=True)
class Counters:
    """What was heard of one kind of direction."""

    bytes: int = 0
    adus: int = 0
    malformed: int = 0
    """ADUs in their place that break the rules of their function: not told."""
    junk_bytes: int = 0
    """Bytes of which nobody knows what they are: before a place was found, or no Modbus."""
    joins: int = 0
    """How often the place was searched for and found."""


def frame_of(adu: Adu, is_response: bool) -> Frame:
    """An ADU as a `Frame`, so that everything that knows frames knows it. ``offset`` is its packet; in the place of
    the CRC there are two zeros, which nobody checks."""
    function = adu.pdu[0]
    refused = is_response and function >= EXCEPTION
    return Frame(
        adu.packet,
        bytes((adu.unit,)) + adu.pdu + _CRC,
        adu.unit,
        function & ~EXCEPTION if refused else function,
        is_response,
        adu.pdu[1] if refused else None,
        adu.when,
    )


class MbapStream:
    """One direction of one connection; ``responses`` says which. Feed it bytes, and tell it where some miss."""

    def __init__(self, responses: bool, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self.used = False
        """Whether any byte came, or was missing."""
        self._responses = responses
        self._placed = False
        """Whether an ADU begins at the beginning of the buffer."""
        self._whole = True
        """While the place is unknown: whether nothing was left out since the stretch began."""
        self._skip = 0
        """Bytes that still belong to an ADU of which some are missing."""
        self._buffer = bytearray()
        self._offset = 0
        self._marks: deque[tuple[int, float, int]] = deque()
        """Where each piece in the buffer ends, when it came, and in which packet."""

    @property
    def undecided(self) -> bool:
        """Whether bytes wait of which nobody knows yet where they belong."""
        return not self._placed and bool(self._buffer)

    def begins(self) -> None:
        """The next byte is the first of the connection."""
        self._placed = True

    def feed(self, data: bytes, when: float, packet: int = 0) -> list[Adu]:
        """What is whole with these bytes; ``when`` they came, in which ``packet``. Never raises."""
        if not data:
            return []
        self.used = True
        self.counters.bytes += len(data)
        self._buffer += data
        self._marks.append((self._offset + len(self._buffer), when, packet))
        if self._skip:
            taken = min(self._skip, len(self._buffer))
            self._skip -= taken
            self._drop(taken, junk=True)
        found: list[Adu] = []
        while (self._take if self._placed else self._search)(found):
            pass
        return found

    def missing(self, count: int | None = None) -> list[Adu]:
        """So many bytes are missing here; None: nobody knows how many."""
        self.used = True
        found = [] if self._placed else self._alone()
        rest = self._skip or max(0, self._size() - len(self._buffer)) * bool(self._buffer)
        self._skip = 0
        if self._placed and count is not None and count <= rest:
            self._skip = rest - count
        else:
            self._placed, self._whole = False, True
        self._drop(len(self._buffer), junk=True)
        return found

    def finish(self) -> list[Adu]:
        """Nothing more comes."""
        found = [] if self._placed else self._alone()
        self._drop(len(self._buffer), junk=True)
        return found

    def _alone(self) -> list[Adu]:
        """One ADU and nothing else since the stretch began."""
        if not self._whole or not self._buffer or self._fits(0) != len(self._buffer):
            return []
        self.counters.joins += 1
        return [self._cut(len(self._buffer))]

    def _size(self) -> int:
        """Of the ADU at the beginning of the buffer; 0 when it cannot be told, `_MORE` when more is needed."""
        b = self._buffer
        if any(b[2:5]):
            return 0  # another protocol, or longer than any
        if len(b) < HEADER:
            return _MORE
        return HEADER + b[5] if SHORTEST <= b[5] <= LONGEST else 0

    def _take(self, found: list[Adu]) -> bool:
        """The ADU at the beginning of the buffer; False when there is nothing to do for now."""
        size = self._size()
        if size == 0:
            self._placed = self._whole = False
            return True
        if size == _MORE or len(self._buffer) < size:
            return False
        if self._obeys(0, size, known=False):
            found.append(self._cut(size))
        else:
            self.counters.malformed += 1
            self._drop(size)
        return bool(self._buffer)

    def _search(self, found: list[Adu]) -> bool:
        """Look for two ADUs one behind the other."""
        at = 0
        while at < len(self._buffer):
            first = self._fits(at)
            second = self._fits(at + first) if first > 0 else first
            if second == _MORE:
                break
            if second > 0:
                sure = self._whole and not at
                self._drop(at if sure else at + first, junk=True)
                self._placed = True
                self.counters.joins += 1
                found += [self._cut(size) for size in ((first, second) if sure else (second,))]
                return bool(self._buffer)
            at += 1
        if at:
            self._whole = False
            self._drop(at, junk=True)
        return False

    def _fits(self, at: int) -> int:
        """How long the ADU is that is here, by all that is known; 0: none can be, `_MORE`: not to be told yet."""
        b = self._buffer
        have = len(b) - at
        if any(b[at + 2 : at + 5]):
            return 0
        if have < HEADER:
            return _MORE
        length = b[at + 5]
        if not SHORTEST <= length <= LONGEST or (have > HEADER + 1 and not self._known(b[at + HEADER + 1], length)):
            return 0
        if have >= HEADER + length:
            return HEADER + length if self._obeys(at, HEADER + length, known=True) else 0
        inside = b[at + HEADER :]
        if len(inside) < _RULE_NEEDS or inside[1] >= EXCEPTION:
            return _MORE
        told = self._rule(inside)
        return _MORE if told == length + len(_CRC) or 0 < -told <= length + len(_CRC) else 0

    def _known(self, function: int, length: int) -> bool:
        """Whether a function is one of the standard; those of vendors could have any length and prove nothing."""
        if self._responses and function >= EXCEPTION:
            return function & ~EXCEPTION in FUNCTIONS and length == 3
        return function in FUNCTIONS

    def _obeys(self, at: int, size: int, known: bool) -> bool:
        """Whether unit and PDU keep the rules of the function; without ``known``, of vendors' functions too."""
        inside = self._buffer[at + HEADER : at + size]
        function = inside[1]
        if self._responses and function >= EXCEPTION:
            standard = not known or inside[-1] in EXCEPTIONS
            return len(inside) == 3 and standard and function & ~EXCEPTION in FUNCTIONS.keys() | USER_DEFINED
        if function in USER_DEFINED:
            return not known
        return function in FUNCTIONS and self._rule(inside + _CRC) == len(inside) + len(_CRC)

    def _rule(self, inside: bytearray) -> int:
        row = FUNCTIONS[inside[1]]
        return (row.response if self._responses else row.request)(inside, 0, len(inside))

    def _cut(self, size: int) -> Adu:
        end = self._offset + size
        _, when, packet = next(mark for mark in self._marks if mark[0] >= end)
        b = self._buffer
        found = Adu(self._offset, b[0] << 8 | b[1], b[HEADER], bytes(b[HEADER + 1 : size]), when, packet)
        self.counters.adus += 1
        self._drop(size)
        return found

    def _drop(self, count: int, junk: bool = False) -> None:
        self.counters.junk_bytes += count if junk else 0
        del self._buffer[:count]
        self._offset += count
        while self._marks and self._marks[0][0] <= self._offset:
            self._marks.popleft()
