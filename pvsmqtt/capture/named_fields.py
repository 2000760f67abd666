"""Fields that name a device, where a unit describes itself by SunSpec.

A model begins with its ID and length. Two of them name the device::

    model  1, length 65 or 66:  serial number, 16 registers, 50 registers behind the ID
    model 11, length 13:        MAC address, 4 registers, 5 registers behind the ID

Masters read these headers only when they start, so the place is remembered for the reads that follow; and where a
chain usually begins (40000) it is supposed. A text is only touched if all of it that is read looks like a text: what
was taken for SunSpec may be none.

Source: SunSpec Device Information Model Specification; the models 1 and 11.
"""

from __future__ import annotations

from typing import NamedTuple

REMEMBERED = 64
"""Places that are kept; the oldest is forgotten first."""


class _Field(NamedTuple):
    begin: int
    """Registers behind the ID."""
    length: int
    is_text: bool


_SERIAL, _MAC = _Field(50, 16, True), _Field(5, 4, False)
_HEADERS = {b"\x00\x01\x00\x42": _SERIAL, b"\x00\x01\x00\x41": _SERIAL, b"\x00\x0b\x00\x0d": _MAC}
_USUAL = 40002
"""Address of model 1 where a chain begins at 40000."""
_TEXT = frozenset((0, *range(0x20, 0x7F)))


class NamedFields:
    """What is known of the fields of all units."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int, int], _Field] = {}
        """(unit, function, address of the field)."""

    def find(self, unit: int, function: int, address: int | None, data: bytes) -> list[tuple[int, int, bool]]:
        """Where they are in a read.

        Args:
            unit: Who answered.
            function: 3 or 4.
            address: Of the first register; None when it is unknown: then only what comes with its header is found.
            data: The registers.

        Returns:
            First byte, byte behind the last, and whether it is a text.
        """
        here = {at + field.begin: field for at, field in _headers(data)}
        if address is not None:
            for begin, field in here.items():
                self._remember((unit, function, address + begin), field)
            here[_USUAL + _SERIAL.begin - address] = _SERIAL
            for (of, by, begin), field in self._places.items():
                if of == unit and by == function:
                    here[begin - address] = field
        spans = []
        for begin, field in here.items():
            start, end = max(0, 2 * begin), min(len(data), 2 * (begin + field.length))
            if start < end and (not field.is_text or _TEXT.issuperset(data[start:end])):
                spans.append((start, end, field.is_text))
        return spans

    def _remember(self, key: tuple[int, int, int], field: _Field) -> None:
        self._places.pop(key, None)
        self._places[key] = field
        if len(self._places) > REMEMBERED:
            del self._places[next(iter(self._places))]


def _headers(data: bytes) -> list[tuple[int, _Field]]:
    """Registers (counted from the first of the read) at which a model begins that has such a field."""
    found = []
    for header, field in _HEADERS.items():
        at = data.find(header)
        while at >= 0:
            if at % 2 == 0:
                found.append((at // 2, field))
            at = data.find(header, at + 1)
    return found
