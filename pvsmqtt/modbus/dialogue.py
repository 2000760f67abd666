"""Who asked what: responses are paired with their requests, and only what was paired becomes registers.

A response does not say which address it is about, so everything hangs on the request it belongs to. A wrong pair is a
wrong value under a right name; therefore a response that could answer two requests gives no block (`ambiguous`).

* A response answers a request of the same unit and function that it fits (`exchange.answers`). A unit answers in the
  order in which it was asked.
* A master waits for the answer to one request before it sends the next. One without an answer is a *time-out*, unless
  it is sent again unchanged (a *retry*, up to `RETRIES`; at once, it is an *echo*). The last requests of a unit stay
  *open* for their *late* answers.
* A late answer and a prompt one may look alike: same unit, function and count, other address. Such an answer is
  ambiguous; it was the answer to the oldest if another one follows. The doubt ends after `DOUBTS` of them, and a
  request that went without an answer the last `SILENT_AFTER` times casts none.
* Bytes that were no frame may have been the answer, and may have been the next request. No request from before them
  is answered after them; the last one is *spoiled*.
* How long a unit may take is learned: `PATIENCE_FACTOR` times its longest answer, within `PATIENCE`. What comes later
  is not paired; until the longest patience is over it casts doubt all the same.
* When many responses answer another request than the last one on the bus, there are several masters, and a request is
  given up only when its own unit is asked again.

Memory: `OPEN` requests for each of 256 units, and counters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.exchange import answers, told_by, written_by
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.pdu import Fields, fields

BROADCAST = 0
PATIENCE = (1.0, 5.0)
"""Seconds after which a response is not paired any more, at least and at most."""
PATIENCE_FACTOR = 3
RETRIES = 3
"""A request that is sent once more after so many repetitions is a new one, and the old one is a time-out."""
ECHO_WITHIN = 0.05
"""Seconds; no master gives up so soon."""
SPOILED_BYTES = 3
"""Bytes that were no frame and may be what is left of one; fewer are the line that changes hands."""
SILENT_AFTER = 3
"""Time-outs in succession of the same request, after which nobody waits for its late answer."""
SILENT_AT_MOST = 256
OPEN = 8
DOUBTS = 3
"""Ambiguous answers in succession; a unit would have to be late with more than so many to be misunderstood."""
MANY = 0.05
"""Share of the responses that makes several masters of one."""
_WEIGHT = 1 / 128

MASK_WRITE = 22


@dataclass
class Counters:
    """What was heard since the beginning."""

    requests: int = 0
    """Without echoes and broadcasts, with retries."""
    responses: int = 0
    """With exceptions: paired + ambiguous + unpaired."""
    paired: int = 0
    late: int = 0
    """Paired with another request than the last one on the bus: late indeed, or of another master."""
    ambiguous: int = 0
    unpaired: int = 0
    retries: int = 0
    echoes: int = 0
    broadcasts: int = 0
    spoiled: int = 0
    """Requests after which there were bytes that are no frame, and no answer."""
    mask_writes: int = 0
    """They tell no value."""
    exceptions: Counter[tuple[int, int]] = field(default_factory=Counter)
    """By unit and exception code."""


@dataclass
class AnswerTime:
    """Seconds from the end of a request to the end of its answer."""

    longest: float = 0.0
    last: float = 0.0


@dataclass(eq=False)
class _Exchange:
    """A request, with its repetitions, that was or was not answered."""

    frame: Frame
    asked: Fields
    when: float
    junk: int
    """What `Dialogue` had counted when it was asked."""
    owed: int = 1
    """Answers that may still come: one for each time it was sent."""
    repeated: int = 0
    settled: bool = False
    """Answered or given up."""
    doubt: bytes | None = None
    """The request before, if what came may have answered either."""


@dataclass
class _Unit:
    current: _Exchange | None = None
    open: list[_Exchange] = field(default_factory=list)
    """Those that may still be answered, the oldest first."""
    doubts: int = 0

    def retire(self, exchange: _Exchange) -> None:
        """It was answered, so what was asked before it will not be any more."""
        exchange.owed -= 1
        self.open = self.open[self.open.index(exchange) + (exchange.owed == 0) :]


class Dialogue:
    """Hears frames in their order and tells what they read and write."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.timeouts: Counter[int] = Counter()
        """Requests without an answer, by unit; a request with its retries counts once."""
        self.answer_times: dict[int, AnswerTime] = {}
        """By unit."""
        self.request: Frame | None = None
        """What the frame observed last answers; None if that is no response, or nobody knows."""
        self._units: dict[int, _Unit] = {}
        self._newest: _Exchange | None = None
        self._heard: Frame | None = None
        self._junk = 0
        """How often bytes were heard that may be what is left of a frame."""
        self._silent: Counter[bytes] = Counter()
        self._astray = 0.0

    @property
    def several_masters(self) -> bool:
        """More than one master seems to talk: many responses answer another request than the last one."""
        return self._astray > MANY

    def patience(self, unit: int) -> float:
        """Seconds within which a unit answers, if it does."""
        known = self.answer_times.get(unit)
        return min(max(PATIENCE[0], known.longest * PATIENCE_FACTOR), PATIENCE[1]) if known else PATIENCE[1]

    def reset(self) -> None:
        """Forget what was asked: the line was lost, bytes are missing. What was counted and learned stays."""
        self._units.clear()
        self._newest = self._heard = self.request = None

    def observe(self, frame: Frame) -> RegisterBlock | None:
        """Take the next frame.

        Returns:
            The registers that it tells or confirms, if any.
        """
        self.request = None
        heard, self._heard = self._heard, frame
        if frame.echo or _is_echo(frame, heard):
            self.counters.echoes += 1
            return None
        if heard and frame.offset - heard.offset - len(heard.adu) >= SPOILED_BYTES:
            self._junk += 1
        if frame.is_response:
            return self._answer(frame)
        if frame.unit == BROADCAST:
            return self._broadcast(frame)
        self._ask(frame)
        return None

    def _ask(self, frame: Frame) -> None:
        self.counters.requests += 1
        unit = self._units.setdefault(frame.unit, _Unit())
        current = unit.current
        if current and self._is_retry(frame, current):
            self.counters.retries += 1
            current.repeated += 1
            current.owed = current.owed + 1 if current.junk == self._junk else 1
            current.when, current.frame, current.junk = frame.when, frame, self._junk
            return
        self._give_up(current)
        if not self.several_masters:
            self._give_up(self._newest)
        unit.current = self._newest = _Exchange(frame, fields(frame), frame.when, self._junk)
        kept = [] if unit.doubts >= DOUBTS else [one for one in unit.open if self._is_open(one, frame)]
        unit.open = [*kept[1 - OPEN :], unit.current]
        unit.doubts = unit.doubts if kept else 0

    def _is_open(self, exchange: _Exchange, frame: Frame) -> bool:
        return exchange.junk == self._junk and frame.when - exchange.when <= PATIENCE[1]

    def _is_retry(self, frame: Frame, current: _Exchange) -> bool:
        return (
            not current.settled
            and current.repeated < RETRIES
            and current.frame.adu == frame.adu
            and frame.when - current.when <= self.patience(frame.unit)
        )

    def _give_up(self, exchange: _Exchange | None) -> None:
        """Nobody waits for its answer any more."""
        if exchange is None or exchange.settled:
            return
        exchange.settled = True
        if exchange.junk != self._junk:
            self.counters.spoiled += 1
            return
        self.timeouts[exchange.frame.unit] += 1
        self._silent[exchange.frame.adu] += 1
        if len(self._silent) > SILENT_AT_MOST:
            del self._silent[next(iter(self._silent))]

    def _broadcast(self, frame: Frame) -> RegisterBlock | None:
        """Nobody answers it: it is taken at its word."""
        self.counters.broadcasts += 1
        if not self.several_masters:
            self._give_up(self._newest)
        return written_by(frame, fields(frame), frame.when)

    def _answer(self, frame: Frame) -> RegisterBlock | None:
        self.counters.responses += 1
        told = fields(frame)
        unit = self._units.get(frame.unit, _NOBODY)
        answered = [
            one for one in unit.open if self._is_open(one, frame) and answers(one.frame, one.asked, frame, told)
        ]
        if len(answered) > 1:
            silent = [one for one in answered if self._silent[one.frame.adu] >= SILENT_AFTER]
            answered = [one for one in answered if one is unit.current or one not in silent]
        certain = len({one.frame.adu for one in answered}) == 1
        if certain and not self._in_time(answered[-1], frame):
            answered = []
        elsewhere = bool(answered) and self._newest not in answered
        self._astray += _WEIGHT * (elsewhere - self._astray)
        if not answered:
            self.counters.unpaired += 1
            return None
        if frame.exception is not None:
            self.counters.exceptions[frame.unit, frame.exception] += 1
        if not certain:
            self._doubt(answered, unit)
            return None
        return self._pair(answered, unit, frame, told)

    def _in_time(self, exchange: _Exchange, frame: Frame) -> bool:
        """Whether the answer came before patience ended. If the master still waited for it, it teaches patience."""
        took = frame.when - exchange.when
        if took <= self.patience(frame.unit):
            return True
        if not exchange.settled:
            self._learn(frame.unit, took)
        return False

    def _learn(self, unit: int, took: float) -> None:
        times = self.answer_times.setdefault(unit, AnswerTime())
        times.last = max(0.0, took)
        times.longest = max(times.longest, took)

    def _doubt(self, answered: list[_Exchange], unit: _Unit) -> None:
        """It answers any of them, and therefore none that is older."""
        self.counters.ambiguous += 1
        unit.doubts += 1
        answered[-1].doubt = answered[0].frame.adu
        answered[-1].settled = True
        unit.retire(answered[0])

    def _pair(self, answered: list[_Exchange], unit: _Unit, frame: Frame, told: Fields) -> RegisterBlock | None:
        """It answers one request, which may have been sent more than once: the oldest, as far as anybody knows."""
        exchange = answered[-1]
        self.counters.paired += 1
        self._learn(frame.unit, frame.when - exchange.when)
        for adu in (exchange.frame.adu, exchange.doubt):
            self._silent.pop(adu or b"", None)
        unit.retire(answered[0])
        exchange.settled = True
        self.counters.late += exchange is not self._newest
        self.request = exchange.frame
        if frame.exception is not None:
            return None
        self.counters.mask_writes += frame.function == MASK_WRITE
        return told_by(exchange.frame, exchange.asked, told, frame.when)


_NOBODY = _Unit()


def _is_echo(frame: Frame, heard: Frame | None) -> bool:
    """The same request at once again."""
    return (
        heard is not None
        and not frame.is_response
        and not heard.is_response
        and frame.adu == heard.adu
        and frame.when - heard.when <= ECHO_WITHIN
    )
