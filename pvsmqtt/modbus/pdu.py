"""The fields of a frame: bytes in, numbers out, for each function code in both directions: a table of readers.

A *reader* is given what stands between function code and CRC and tells the fields. It holds the lengths against each
other: data that contradict themselves have no fields at all (`NOTHING`), nothing is guessed and nothing is raised.
What a frame does not say is None: the response to a read knows no address, it is in the request (`dialogue`).

Source: MODBUS Application Protocol Specification V1.1b3, chapter 6. Numbers have their high byte first.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from pvsmqtt.modbus.frame import Frame

ON, OFF = 0xFF00, 0x0000
"""What function code 5 writes for 1 and 0."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a frame says; None for what it does not."""

    address: int | None = None
    """Of the first register or bit; of the pointer of a queue (24)."""
    count: int | None = None
    """Of registers or bits, where the frame has a field for it; not for a byte count."""
    registers: tuple[int, ...] | None = None
    """Those that were read (responses to 3, 4, 23, 24) or are to be written (6, requests of 16 and 23)."""
    bits: tuple[int, ...] | None = None
    """0 or 1 each; in the response to a read eight for each byte, whatever count was asked for."""
    write_address: int | None = None
    """Where function code 23 writes ``registers``; ``address`` and ``count`` are what it reads."""
    write_count: int | None = None
    and_mask: int | None = None
    """A register becomes (register AND and_mask) OR (or_mask AND NOT and_mask) (22)."""
    or_mask: int | None = None
    sub_function: int | None = None
    """Of diagnostics (8); the MEI type (43): 14 reads the device identification."""
    status: int | None = None
    """Eight exception status bits (7), or 0xFFFF while a program command is processed (11, 12)."""
    events: int | None = None
    """The event counter (11, 12)."""
    objects: tuple[tuple[int, bytes], ...] | None = None
    """Number and text of the objects of a device identification (43/14)."""
    payload: bytes | None = None
    """What has no finer field here: data of 8, events of 12, identifier of 17, records of 20 and 21."""


NOTHING = Fields()

Reader = Callable[[bytes], Fields]

_BITS = tuple(tuple(byte >> bit & 1 for bit in range(8)) for byte in range(256))


def fields(frame: Frame) -> Fields:
    """What a frame says. An exception says nothing besides its code; unknown functions say nothing."""
    if frame.exception is not None:
        return NOTHING
    reader = (RESPONSES if frame.is_response else REQUESTS).get(frame.function)
    try:
        return reader(frame.data) if reader else NOTHING
    except (struct.error, IndexError):  # shorter than its function needs
        return NOTHING


def _words(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(data) // 2}H", data)


def _bits(data: bytes) -> tuple[int, ...]:
    return tuple([bit for byte in data for bit in _BITS[byte]])


def _place(data: bytes) -> Fields:
    """``AAAA CCCC``"""
    return Fields(*struct.unpack(">HH", data))


def _counted_bits(data: bytes) -> Fields:
    """``BB bits…``"""
    return Fields(bits=_bits(data[1:])) if data[0] == len(data) - 1 else NOTHING


def _counted_words(data: bytes) -> Fields:
    """``BB registers…``"""
    return Fields(registers=_words(data[1:])) if data[0] == len(data) - 1 else NOTHING


def _one_bit(data: bytes) -> Fields:
    """``AAAA FF00|0000``"""
    address, value = struct.unpack(">HH", data)
    return Fields(address, bits=(value >> 15,)) if value in (ON, OFF) else NOTHING


def _one_word(data: bytes) -> Fields:
    """``AAAA VVVV``"""
    address, value = struct.unpack(">HH", data)
    return Fields(address, registers=(value,))


def _many_bits(data: bytes) -> Fields:
    """``AAAA CCCC BB bits…``"""
    address, count, size = struct.unpack_from(">HHB", data)
    fit = size == len(data) - 5 == (count + 7) // 8
    return Fields(address, count, bits=_bits(data[5:])[:count]) if fit else NOTHING


def _many_words(data: bytes) -> Fields:
    """``AAAA CCCC BB registers…``"""
    address, count, size = struct.unpack_from(">HHB", data)
    fit = size == len(data) - 5 == 2 * count
    return Fields(address, count, registers=_words(data[5:])) if fit else NOTHING


def _mask(data: bytes) -> Fields:
    """``AAAA and or``"""
    address, and_mask, or_mask = struct.unpack(">HHH", data)
    return Fields(address, and_mask=and_mask, or_mask=or_mask)


def _read_and_write(data: bytes) -> Fields:
    """``RRRR CCCC WWWW NNNN BB registers…``"""
    address, count, write_address, write_count, size = struct.unpack_from(">HHHHB", data)
    fit = size == len(data) - 9 == 2 * write_count
    words = _words(data[9:]) if fit else ()
    return Fields(address, count, words, None, write_address, write_count) if fit else NOTHING


def _pointer(data: bytes) -> Fields:
    """``AAAA``"""
    return Fields(*struct.unpack(">H", data))


def _queue(data: bytes) -> Fields:
    """``LLLL CCCC registers…``; LLLL counts the bytes that follow it"""
    size, count = struct.unpack_from(">HH", data)
    fit = size == len(data) - 2 == 2 * count + 2
    return Fields(count=count, registers=_words(data[4:])) if fit else NOTHING


def _diagnostics(data: bytes) -> Fields:
    """``SSSS data…``"""
    return Fields(sub_function=struct.unpack_from(">H", data)[0], payload=data[2:])


def _status(data: bytes) -> Fields:
    """``status``"""
    return Fields(status=data[0]) if len(data) == 1 else NOTHING


def _event_counter(data: bytes) -> Fields:
    """``SSSS EEEE``"""
    status, events = struct.unpack(">HH", data)
    return Fields(status=status, events=events)


def _event_log(data: bytes) -> Fields:
    """``BB SSSS EEEE MMMM events…``"""
    size, status, events, _ = struct.unpack_from(">BHHH", data)
    return Fields(status=status, events=events, payload=data[7:]) if size == len(data) - 1 else NOTHING


def _counted(data: bytes) -> Fields:
    """``BB data…``"""
    return Fields(payload=data[1:]) if data[0] == len(data) - 1 else NOTHING


def _interface(data: bytes) -> Fields:
    """``TT data…``; TT is the MEI type"""
    return Fields(sub_function=data[0], payload=data[1:])


def _identification(data: bytes) -> Fields:
    """``TT read conformity more next NN (OO LL text)…``; only for TT = 14"""
    if data[0] != 14:
        return _interface(data)
    objects, at = [], 6
    while at < len(data):
        end = at + 2 + data[at + 1]
        objects.append((data[at], data[at + 2 : end]))
        at = end
    fit = at == len(data) and len(objects) == data[5]
    return Fields(sub_function=14, objects=tuple(objects), payload=data[1:]) if fit else NOTHING


# requests of 7, 11, 12 and 17 have no data
REQUESTS: dict[int, Reader] = {
    1: _place,
    2: _place,
    3: _place,
    4: _place,
    5: _one_bit,
    6: _one_word,
    8: _diagnostics,
    15: _many_bits,
    16: _many_words,
    20: _counted,
    21: _counted,
    22: _mask,
    23: _read_and_write,
    24: _pointer,
    43: _interface,
}

RESPONSES: dict[int, Reader] = {
    1: _counted_bits,
    2: _counted_bits,
    3: _counted_words,
    4: _counted_words,
    5: _one_bit,
    6: _one_word,
    7: _status,
    8: _diagnostics,
    11: _event_counter,
    12: _event_log,
    15: _place,
    16: _place,
    17: _counted,
    20: _counted,
    21: _counted,
    22: _mask,
    23: _counted_words,
    24: _queue,
    43: _identification,
}
