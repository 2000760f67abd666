"""How busy and how clean a line is. Pure: time is a parameter, seconds of a clock that only goes forward.

Totals count from the start. Rates look at the last minute, kept as a few sums of one second each, so that memory and
work do not depend on the traffic.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from pvsmqtt.modbus.frame import Frame

WINDOW = 60.0
"""Seconds that rates look back."""


@dataclass(slots=True)
class _Second:
    number: int
    bytes: int = 0
    frames: int = 0


@dataclass(slots=True)
class UnitStats:
    """One unit: what it answered and refused, and when it was last heard."""

    responses: int = 0
    exceptions: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    """Exceptions by their code."""
    timeouts: int = 0
    heard: float | None = None


class BusStats:
    """Counters of one line.

    ``bits_per_second`` and ``bits_per_character`` are those of the line, as far as they are known here; without them
    there is no load.
    """

    def __init__(self, window: float = WINDOW) -> None:
        self.totals: Counter[str] = Counter()
        """``bytes``, ``frames``, ``requests``, ``responses``, ``exceptions``, ``timeouts``, and whatever the framer
        counts besides (``junk_bytes``, ``crc_failures``, ``echoes``)."""
        self.units: dict[int, UnitStats] = {}
        self.bits_per_second: int | None = None
        self.bits_per_character: int | None = None
        self.began: float | None = None
        self.last_byte: float | None = None
        self._window = window
        self._seconds: deque[_Second] = deque()

    def rate(self, bits_per_second: int | None, bits_per_character: int | None) -> None:
        """What the line is set to; None where only the box at its other end knows."""
        self.bits_per_second, self.bits_per_character = bits_per_second, bits_per_character

    def took(self, count: int, when: float) -> None:
        """So many bytes came."""
        self.totals["bytes"] += count
        self.last_byte = when
        self._second(when).bytes += count

    def frame(self, frame: Frame) -> None:
        """A frame was found."""
        self.totals["frames"] += 1
        self.totals["responses" if frame.is_response else "requests"] += 1
        self._second(frame.when).frames += 1
        if not frame.is_response:
            return
        unit = self.unit(frame.unit)
        unit.responses += 1
        unit.heard = frame.when
        if frame.exception is not None:
            self.totals["exceptions"] += 1
            unit.exceptions += 1
            unit.codes[frame.exception] += 1

    def unit(self, number: int) -> UnitStats:
        """The counters of a unit."""
        return self.units.setdefault(number & 0xFF, UnitStats())

    def counted(self, counters: Mapping[str, int], timeouts: Mapping[int, int]) -> None:
        """What framer and dialogue have counted by now, beside what is counted here. A total never falls, also where
        bytes that seemed to be junk turn out to be the beginning of a frame."""
        for name, count in counters.items():
            self.totals[name] = max(count, self.totals[name])
        for number, count in timeouts.items():
            self.unit(number).timeouts = count
        self.totals["timeouts"] = sum(unit.timeouts for unit in self.units.values())

    def frames_per_second(self, now: float) -> float:
        """Of the last minute."""
        return sum(second.frames for second in self._recent(now)) / self._span(now)

    def bytes_per_second(self, now: float) -> float:
        """Of the last minute."""
        return sum(second.bytes for second in self._recent(now)) / self._span(now)

    def load(self, now: float) -> float | None:
        """Share of the time in which the line carries characters, in %; None where its speed is not known."""
        if not self.bits_per_second or not self.bits_per_character:
            return None
        return min(100.0, 100 * self.bytes_per_second(now) * self.bits_per_character / self.bits_per_second)

    def _second(self, when: float) -> _Second:
        number = int(when)
        if self.began is None:
            self.began = when
        if not self._seconds or self._seconds[-1].number < number:
            self._seconds.append(_Second(number))
            self._forget(number)
        return self._seconds[-1]

    def _forget(self, number: int) -> None:
        while self._seconds[0].number < number - self._window:
            self._seconds.popleft()

    def _recent(self, now: float) -> list[_Second]:
        return [second for second in self._seconds if second.number >= int(now) - self._window]

    def _span(self, now: float) -> float:
        """Seconds that the window covers: whole ones and the present one; less while the listening is younger."""
        whole = self._window + now % 1
        return whole if self.began is None else min(whole, max(now - self.began, 1.0))
