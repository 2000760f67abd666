"""Values that can be true of no house become unknown, each with a typed reason that is counted. Pure.

What is refused: NaN and infinity; the numbers by which registers say "nothing here" (0x7FFF, 0x8000, 0xFFFF and their
tenths, of 16 and 32 bits); what lies outside the limits of its quantity (`Quantity.plausible`). Decoders refuse most
of it themselves; this is the last door for all of them.

A source that tells twice of one device in one cycle, and not the same, tells of two devices with one serial number:
the last one is taken.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from pvsmqtt.model.quantity import QUANTITIES, Quantity
from pvsmqtt.model.reading import Reading, Value, root

MOST_TROUBLES = 1000
"""Quantities of devices whose refusal is remembered, so that its end is told of."""

MOST_SOURCES = 100


class Doubt(StrEnum):
    """Why a value is not taken."""

    NOT_FINITE = "not_finite"
    SENTINEL = "sentinel"
    OUT_OF_RANGE = "out_of_range"
    TWO_DEVICES = "two_devices"
    FELL = "fell"
    JUMPED = "jumped"


_BITS_32 = frozenset(
    sign * scale * number
    for sign, number in ((1, 0x7FFFFFFF), (-1, 0x80000000), (1, 0xFFFFFFFF))
    for scale in (1, 10)
) | {2147483.647, -2147483.648, 4294967.295, 21474836.47, 42949672.95}
_BITS_16 = frozenset({32767.0, -32768.0, 65535.0, 3276.7, -3276.8, 6553.5})
_HUNDREDTHS = frozenset({327.67, -327.68, 655.35})
_SENTINELS: dict[str, frozenset[float]] = {
    # A lifetime energy passes 3276.7 and 65535 kWh, and a string of panels has 327.67 V: only a power does not stop
    # at just this number, and no house has these currents.
    "energy": _BITS_32,
    "voltage": _BITS_32 | _BITS_16,
    "power": _BITS_32 | _BITS_16,
    "apparent_power": _BITS_32 | _BITS_16,
    "reactive_power": _BITS_32 | _BITS_16,
    "current": _BITS_32 | _BITS_16 | _HUNDREDTHS,
}


def doubt(row: Quantity, value: Value) -> Doubt | None:
    """Why this can be no value of this quantity, if it can be none."""
    if isinstance(value, str) or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return Doubt.NOT_FINITE
    if row.plausible is None:
        return None
    if value in _SENTINELS.get(row.device_class or "", ()):
        return Doubt.SENTINEL
    lowest, highest = row.plausible
    return None if lowest <= value <= highest else Doubt.OUT_OF_RANGE


class Plausibility:
    """Of all devices of this service."""

    def __init__(self) -> None:
        self.refused: dict[str, dict[str, Counter[str]]] = {}
        """Source -> quantity -> reason -> how often."""
        self._troubles: set[tuple[str, str]] = set()
        self._begun: list[tuple[Reading, str, Value, Doubt]] = []
        self._ended: list[tuple[Reading, str]] = []

    def passed(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """The readings of a cycle, without what cannot be."""
        passed = [self._passed(reading) for reading in readings]
        twice = False
        seen: set[tuple[object, ...]] = set()
        for reading in passed:
            key = _who(reading)
            twice |= key in seen
            seen.add(key)
        if not twice:
            return passed
        return self._without_doubles(passed)

    def count(self, source: str, key: str, reason: Doubt) -> None:
        """A value of a source was not taken."""
        name = root(source)
        if name in self.refused or len(self.refused) < MOST_SOURCES:
            self.refused.setdefault(name, {}).setdefault(key, Counter())[reason.value] += 1

    def news(self) -> tuple[list[tuple[Reading, str, Value, Doubt]], list[tuple[Reading, str]]]:
        """What began and what ended since this was last asked."""
        begun, ended = self._begun, self._ended
        if begun or ended:
            self._begun, self._ended = [], []
        return begun, ended

    def _passed(self, reading: Reading) -> Reading:
        changed: dict[str, Value] = {}
        for key, value in reading.values.items():
            if not isinstance(value, int | float):
                continue
            row = QUANTITIES.get(key)
            reason = None if row is None else doubt(row, value)
            if reason is not None:
                changed[key] = None
                self.count(reading.source, key, reason)
                self._begin(reading, key, value, reason)
            elif self._troubles and (reading.device.id, key) in self._troubles:
                self._troubles.discard((reading.device.id, key))
                self._ended.append((reading, key))
        return replace(reading, values={**reading.values, **changed}) if changed else reading

    def _begin(self, reading: Reading, key: str, value: Value, reason: Doubt) -> None:
        name = (reading.device.id, key)
        if name not in self._troubles and len(self._troubles) < MOST_TROUBLES:
            self._troubles.add(name)
            self._begun.append((reading, key, value, reason))

    def _without_doubles(self, readings: Sequence[Reading]) -> list[Reading]:
        """The last one wins: of the others stays what does not contradict it."""
        kept: list[Reading] = []
        told: dict[tuple[object, ...], dict[str, Value]] = {}
        for reading in reversed(readings):
            key = _who(reading)
            later = None if reading.device.place is not None else told.get(key)  # a line tells of one unit in parts
            if later is None:
                told[key] = dict(reading.values)
                kept.append(reading)
                continue
            against = [k for k, value in reading.values.items() if k in later and later[k] != value]
            if not against:
                later.update(reading.values)
                kept.append(reading)
                continue
            for name in against:
                self.count(reading.source, name, Doubt.TWO_DEVICES)
            self._begin(reading, DOUBLE, None, Doubt.TWO_DEVICES)
        kept.reverse()
        return kept


def _who(reading: Reading) -> tuple[object, ...]:
    device = reading.device
    return device.id, device.serial, device.kind, device.site, reading.source


DOUBLE = "serial number"
"""Stands for the quantity where two devices bear one serial number."""
