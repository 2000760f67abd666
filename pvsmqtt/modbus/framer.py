"""Bytes heard on a line become frames: passive, self-synchronising, whatever the adapter did to the timing.

Theory of operation. Modbus RTU has no start marker, no length and no direction; on the wire only silence tells frames
apart, and adapters take the silence away (USB packets, FIFOs of 32 bytes, serial servers). So *content* decides:

1. At the place where a frame may begin, its second byte names a function code, and the table of `functions` tells how
   long the frame would be as a request and as a response. Where one of these lengths has a good CRC, that is a frame.
2. Where more bytes are needed to tell, the framer waits for them: for at most 256. A header that was none delays what
   follows it; nothing is lost by waiting.
3. Where no frame begins, it goes on by one byte. So an intact frame is found whatever came before it.
4. Whether a frame is a request or a response follows from its length, and where both have the same, from the request
   that waits for an answer. An exception (5 bytes, any function) is believed only as the answer to a request, or
   right behind the damaged bytes of one.
5. A line with an echo brings each request twice. That is learned from requests whose direction is beyond doubt, and
   then tells the echo of a function 6 from its response, which has the same bytes.
6. Some shapes say so little that noise imitates them (`functions`). One that stands between undecided bytes counts
   only for a unit that is known, once the units of the line are known; or as the answer that is waited for, with
   another frame or silence right behind it, or when it comes again.
7. Bytes between two frames that are a chain of vendor-defined frames without a byte left over are these (`cover`).

Silence is only a hint: `flush` gives undecided frames up for the moment, and the next bytes are then tried as the
beginning of a frame too. When silence was a mistake and the rest arrives, the frame is still found.

Cost: one CRC step for each byte and a constant number of look-ups for each place (`crc.shift`); a buffer of a few
thousand bytes. Never raises, whatever the bytes.

Source of the algorithm's parts: analysis of public sniffers and of recorded streams; the limits are the standard's.
"""

from __future__ import annotations

import re

from pvsmqtt.modbus import cover
from pvsmqtt.modbus.acquaintance import Acquaintance
from pvsmqtt.modbus.arrivals import Arrivals
from pvsmqtt.modbus.counters import Counters
from pvsmqtt.modbus.crc import INITIAL, SHIFTS, STEP, shift
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.functions import EXCEPTION, EXCEPTION_LENGTH, FUNCTIONS, MAX_LENGTH, MIN_LENGTH, WRITES, Rule
from pvsmqtt.modbus.turns import LEFT_OVER, Turns, fits

__all__ = ["Counters", "Frame", "PassiveFramer"]

SLICE = 4096
"""Bytes taken in at a time, so that a big chunk needs no big buffer."""
LEFT_OF_A_REQUEST = 24
"""Bytes of a damaged request before the exception that answers it."""
EXCEPTION_CODES = 11
"""The highest one of the standard."""
REGION = 600
"""Undecided bytes that are kept for vendor-defined frames."""
_REQUEST: list[Rule | None] = [None] * 256
_RESPONSE: list[Rule | None] = [None] * 256
_WEAK: list[tuple[bool, bool]] = [(False, False)] * 256
"""By function code: whether the shape of a request, of a response is weak."""
for _row in FUNCTIONS.values():
    _REQUEST[_row.code], _RESPONSE[_row.code] = _row.request, _row.response
    _WEAK[_row.code] = (_row.weak_request, _row.weak_response)
_next_function = re.compile(
    b"[" + b"".join(re.escape(bytes((code, code | EXCEPTION))) for code in FUNCTIONS) + b"]"
).search
_frame = tuple.__new__  # what a named tuple does, without the detour: frames are made by the hundred thousand


class PassiveFramer:
    """Frames of one line. Feed it what was heard; tell it when the line is idle; reset it when bytes were lost."""

    def __init__(self) -> None:
        self._counters = Counters()
        self._turns = Turns()
        self._units = Acquaintance()
        self._settled = self._settled_junk = 0
        self._start()

    def _start(self) -> None:
        self._buffer = bytearray()
        self._registers = [0]
        self._arrivals = Arrivals()
        """Of the pieces before the latest, as far as bytes of them are undecided."""
        self._piece, self._when = 0, 0.0
        """Where begins what came at the latest time, and that time."""
        self._base = 0
        """Offset of the first byte of the buffer; all other places count from there."""
        self._at = 0
        """Where the next frame may begin."""
        self._mark = 0
        """Where the last frame ended."""
        self._border = 0
        """Where the line was idle last."""
        self._need = MIN_LENGTH
        """How long the buffer must be before looking again can tell anything."""
        self._framed = 0
        self._turns.forget()

    def reset(self) -> None:
        """Forget the bytes in hand: some were lost, or another stream begins. Offsets count from 0 again; what was
        learned of the line and the counters stay."""
        heard = self._base + len(self._buffer)
        self._settled += heard
        self._settled_junk += heard - self._framed
        self._start()

    @property
    def counters(self) -> Counters:
        """What was heard until now."""
        heard = self._base + len(self._buffer)
        self._counters.bytes = self._settled + heard
        self._counters.frames = self._counters.requests + self._counters.responses
        self._counters.junk_bytes = self._settled_junk + self._base + self._at - self._framed
        return self._counters

    @property
    def echo(self) -> bool:
        """Whether this line brings each request twice."""
        return self._turns.echo

    @property
    def held(self) -> int:
        """Bytes in hand."""
        return len(self._buffer)

    def feed(self, data: bytes, when: float) -> list[Frame]:
        """Take the bytes that arrived at ``when`` (seconds of any clock); the frames that they complete, in order."""
        if len(data) > SLICE:
            found: list[Frame] = []
            for start in range(0, len(data), SLICE):
                found += self.feed(data[start : start + SLICE], when)
            return found
        if when != self._when:
            if self._at < len(self._buffer):
                self._arrivals.note(self._piece, self._when)
            self._piece, self._when = self._base + len(self._buffer), when
        registers, step = self._registers, STEP
        register = registers[-1]
        add = registers.append
        for byte in data:
            add(register := step[register ^ byte])
        self._buffer += data
        if len(self._buffer) < self._need:
            return []
        return self._scan(final=False)

    def flush(self, when: float) -> list[Frame]:  # noqa: ARG002 - their time is when they arrived
        """The line is idle at ``when``: the frames that stand complete behind one that was waited for."""
        end = len(self._buffer)
        if self._border == end:
            return []
        found = self._scan(final=True)
        end = len(self._buffer)
        if more := self._explain(end):
            found += more
            self._at = end
        self._border = end
        self._need = 0
        return found

    def _scan(self, final: bool) -> list[Frame]:
        b, registers, shifts, turns = self._buffer, self._registers, SHIFTS, self._turns
        p, mark, end = self._at, self._mark, len(b)
        undecided = -1  # the first place at which a frame may still begin, in a final scan
        found: list[Frame] = []
        while True:
            n = end - p
            if n < MIN_LENGTH:
                need = p + MIN_LENGTH
                break
            function = b[p + 1]
            request = _REQUEST[function]
            if request is None:
                key = b[p] << 8 | function
                awaited = key == turns.awaited or key == turns.awaited_before
                if not awaited and not (p - mark <= LEFT_OF_A_REQUEST and self._refuses_what_is_left(p)):
                    match = _next_function(b, p + 2)
                    p = end - 1 if match is None else match.start() - 1
                    continue
                as_request, as_response = 0, EXCEPTION_LENGTH
            else:
                as_request = request(b, p, n)
                as_response = _RESPONSE[function](b, p, n)  # type: ignore[misc]
            wait = length = 0
            good_request = good_response = False
            start = registers[p] ^ INITIAL
            if as_request:
                if as_request < 0:
                    wait = -as_request
                elif as_request > n:
                    wait = as_request
                else:
                    t = shifts[as_request] or shift(as_request)
                    if t[start & 255] ^ t[256 + (start >> 8)] == registers[p + as_request]:
                        good_request, length = True, as_request
            if as_response:
                if as_response == as_request:
                    good_response = good_request
                elif as_response < 0 or as_response > n:
                    more = abs(as_response)
                    wait = more if not wait or more < wait else wait
                else:
                    t = shifts[as_response] or shift(as_response)
                    if t[start & 255] ^ t[256 + (start >> 8)] == registers[p + as_response]:
                        good_response, length = True, as_response
            if good_response and not b[p]:  # nobody answers in the name of all
                good_response, length = False, as_request if good_request else 0
            if length and wait and not final and self._may_be_longer(p, length, good_response):
                length, wait = 0, end + 1 - p
            if length:
                if good_request and good_response:
                    before = b[max(mark, p - as_request - LEFT_OVER, 0) : p]
                    good_response = turns.answers(b[p : p + MAX_LENGTH], as_request, as_response, before)
                    length = as_response if good_response else as_request
                if p == mark or p == self._border or not _WEAK[function][good_response]:
                    believed = 1
                else:
                    believed = self._believed(p, length, good_response, final)
                if believed > 0:
                    if p != mark:
                        found += self._explain(p)
                    found.append(self._accept(p, length, function, good_response))
                    self._mark = mark = p = p + length
                    undecided = -1
                    continue
                wait = -believed
            if wait:
                if not final:
                    need = p + wait
                    if self._border > p and (need := self._from_border(need)) < 0:
                        p = self._border
                        continue
                    break
                if undecided < 0:
                    undecided = p
            elif p == mark and (as_request > 0 or as_response > 0):
                self._counters.crc_failures += 1
            p += 1
        self._at = p if undecided < 0 else undecided
        self._need = need
        if self._at > SLICE or self._arrivals.many:
            self._trim()
        return found

    def _try(self, p: int) -> int:
        """Whether a frame begins at a place: its length, 0 for none, -n when n bytes are needed to tell."""
        n = len(self._buffer) - p
        if n < MIN_LENGTH:
            return -MIN_LENGTH
        function = self._buffer[p + 1]
        wait = 0
        start = self._registers[p] ^ INITIAL
        for rule in (_REQUEST[function], _RESPONSE[function]):
            length = 0 if rule is None else rule(self._buffer, p, n)
            if length < 0 or length > n:
                wait = min(wait or 1000, abs(length))
            elif length:
                t = shift(length)
                if t[start & 255] ^ t[256 + (start >> 8)] == self._registers[p + length]:
                    return length
        return -wait

    def _refuses_what_is_left(self, p: int) -> bool:
        """Whether an exception of a known unit would answer a damaged request: what stands between the last frame and
        the exception begins with the same unit, or has the same function where one byte was lost or changed."""
        b, left = self._buffer, self._buffer[self._mark : p]
        unit, function = b[p], b[p + 1] ^ EXCEPTION
        if function not in FUNCTIONS or unit not in self._units.known or not 0 < b[p + 2] <= EXCEPTION_CODES:
            return False
        return bool(left) and (left[0] == unit or function in left[:2])

    def _may_be_longer(self, p: int, length: int, is_response: bool) -> bool:
        """Whether what is a frame may be the beginning of one of the other direction that is not complete yet: it is
        not this direction's turn, and only zeros follow (they leave a good CRC good), or it is a write whose first
        bytes look like its answer, by chance."""
        due = self._turns.answer_is_due(self._buffer[p : p + length])
        return due != is_response and (self._buffer[p + 1] in WRITES or not any(self._buffer[p + length :]))

    def _from_border(self, need: int) -> int:
        """While a frame is waited for that began before the last silence: -1 when one begins right behind it, else
        how long the buffer must be."""
        length = self._try(self._border)
        if length > 0:
            return -1
        return min(need, self._border - length) if length else need

    def _believed(self, p: int, length: int, is_response: bool, final: bool) -> int:
        """Whether a weak shape between undecided bytes is a frame: 1, else 0; -n when n bytes are needed to tell."""
        adu = self._buffer[p : p + length]
        if self._units.trusts(adu[0]) or self._units.refused(bytes(adu)):
            return 1
        if is_response and (asked := self._turns.awaits(adu[0], adu[1])) is not None:
            return int(fits(asked, adu))
        behind = self._try(p + length)
        if behind > 0 or (final and p + length == len(self._buffer)):
            return 1
        if behind < 0 and not final:
            return -(length - behind)
        self._counters.doubted += 1
        self._units.refuse(bytes(adu))
        return 0

    def _accept(self, p: int, length: int, function: int, is_response: bool) -> Frame:
        adu = bytes(self._buffer[p : p + length])
        unit = adu[0]
        exception = None
        counters, units, turns = self._counters, self._units, self._turns
        if function > EXCEPTION:
            function, exception = function - EXCEPTION, adu[2]
            counters.exceptions += 1
        if not units.settled or unit not in units.known:
            units.met(unit)
        self._framed += length
        offset = self._base + p
        when = self._when if offset + length > self._piece else self._arrivals.of(offset + length - 1)
        if is_response:
            counters.responses += 1
            turns.answered(unit, function)
            return _frame(Frame, (offset, adu, unit, function, True, exception, when, False))
        counters.requests += 1
        frame = _frame(Frame, (offset, adu, unit, function, False, None, when, False))
        if turns.asked(frame):
            counters.echoes += 1
            return frame._replace(echo=True)
        return frame

    def _explain(self, end: int) -> list[Frame]:
        """The vendor-defined frames that the undecided bytes up to ``end`` are, since the last frame or silence: all
        of them or none."""
        found: list[Frame] = []
        for begin in (self._mark, self._border):
            if begin < max(0, self._mark) or not MIN_LENGTH <= end - begin <= REGION:
                continue
            for start, stop in cover.segments(self._buffer, self._registers, begin, end):
                unit, function = self._buffer[start : start + 2]
                answers = self._turns.awaits(unit, function) is not None
                found.append(self._accept(start, stop - start, function, answers or function > EXCEPTION))
            if found:
                self._mark = end
                self._counters.vendor += len(found)
                break
        return found

    def _trim(self) -> None:
        """Let go of what is decided."""
        cut = self._mark if self._mark >= 0 and self._at - self._mark <= REGION else self._at
        del self._buffer[:cut]
        del self._registers[:cut]
        self._base += cut
        self._arrivals.forget(self._base)
        self._at -= cut
        self._mark -= cut
        self._border -= cut
        self._need -= cut
