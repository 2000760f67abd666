"""What a frame of each function code looks like, as a request and as a response: one row for each.

A *rule* tells how long the frame is that would begin at a place of a buffer, if one began there::

    rule(buffer, start, available) ->  n  (4 to 256)   it would have n bytes, CRC included
                                       0               no such frame can begin there
                                      -n               at least n bytes are needed to tell

It looks at the structure (counts in their limits, byte counts that fit), never at the CRC, and never past
``available`` bytes, of which there are at least four. Where the structure says next to nothing (any four bytes could
be one), the shape is *weak*: among random bytes one would be found more than 10⁻⁸ times a byte, and the framer wants
more evidence.

Function codes whose length the standard does not tell have no rule: `USER_DEFINED`.

Source: MODBUS Application Protocol Specification V1.1b3, chapter 6. Limits: an RTU frame has at most 256 bytes.
"""

# ruff: noqa: ARG001, ARG005 - every rule takes the same three arguments, whichever it needs
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MIN_LENGTH, MAX_LENGTH = 4, 256
EXCEPTION = 0x80
"""The bit of the function code that marks an exception."""
EXCEPTION_LENGTH = 5
REGISTERS_AT_MOST, BITS_AT_MOST = 125, 2000

USER_DEFINED = frozenset((*range(65, 73), *range(100, 111)))
"""Function codes of which only the vendor knows the length."""

READS_OF_BITS, READS_OF_REGISTERS = frozenset((1, 2)), frozenset((3, 4))
WRITES = frozenset((15, 16))
"""Functions whose response is the beginning of the request."""
ECHOING = frozenset((5, 6, 8, 21, 22))
"""Functions whose response repeats the request byte for byte."""

Rule = Callable[[bytearray, int, int], int]


@dataclass(frozen=True, slots=True)
class Function:
    """A function code in both directions."""

    code: int
    name: str
    request: Rule
    response: Rule
    weak_request: bool = False
    weak_response: bool = False


def _fixed(length: int) -> Rule:
    return lambda b, p, n: length


def _read(most: int) -> Rule:
    """``unit function AAAA CCCC crc crc``"""

    def rule(b: bytearray, p: int, n: int) -> int:
        if n < 8:
            return -8
        count = b[p + 4] << 8 | b[p + 5]
        return 8 if 0 < count <= most and (b[p + 2] << 8 | b[p + 3]) + count <= 65536 else 0

    return rule


def _bits(b: bytearray, p: int, n: int) -> int:
    """``unit function BB data… crc crc``"""
    return b[p + 2] + 5 if 0 < b[p + 2] <= BITS_AT_MOST // 8 else 0


def _registers(b: bytearray, p: int, n: int) -> int:
    """``unit function BB data… crc crc``, two bytes for each register"""
    size = b[p + 2]
    return 0 if size & 1 or not 0 < size <= 2 * REGISTERS_AT_MOST else size + 5


def _coil(b: bytearray, p: int, n: int) -> int:
    """``unit 05 AAAA 0000|FF00 crc crc``"""
    if n < 8:
        return -8
    return 8 if b[p + 5] == 0 and b[p + 4] in (0x00, 0xFF) else 0


def _diagnostics(b: bytearray, p: int, n: int) -> int:
    """``unit 08 SSSS DDDD crc crc``; sub-functions 0 to 18"""
    return 8 if b[p + 2] == 0 and b[p + 3] <= 18 else 0


def _event_counter(b: bytearray, p: int, n: int) -> int:
    """``unit 0B SSSS CCCC crc crc``; the status is 0000 or FFFF"""
    return 8 if b[p + 2] == b[p + 3] and b[p + 2] in (0x00, 0xFF) else 0


def _event_log(b: bytearray, p: int, n: int) -> int:
    """``unit 0C BB SSSS EEEE MMMM events… crc crc``; at most 64 events"""
    return b[p + 2] + 5 if 6 <= b[p + 2] <= 70 else 0


def _counted(b: bytearray, p: int, n: int) -> int:
    """``unit function BB data… crc crc``"""
    return b[p + 2] + 5 if 0 < b[p + 2] <= 251 else 0


def _write_bits(b: bytearray, p: int, n: int) -> int:
    """``unit 0F AAAA CCCC BB data… crc crc``"""
    if n < 10:
        return -10
    count, size = b[p + 4] << 8 | b[p + 5], b[p + 6]
    fits = 0 < count <= 1968 and size == (count + 7) // 8 and (b[p + 2] << 8 | b[p + 3]) + count <= 65536
    return size + 9 if fits else 0


def _write_registers(b: bytearray, p: int, n: int) -> int:
    """``unit 10 AAAA CCCC BB data… crc crc``"""
    if n < 11:
        return -11
    count, size = b[p + 4] << 8 | b[p + 5], b[p + 6]
    fits = 0 < count <= 123 and size == 2 * count and (b[p + 2] << 8 | b[p + 3]) + count <= 65536
    return size + 9 if fits else 0


def _read_write(b: bytearray, p: int, n: int) -> int:
    """``unit 17 RRRR CCCC WWWW NNNN BB data… crc crc``"""
    if n < 15:
        return -15
    reads, writes, size = b[p + 4] << 8 | b[p + 5], b[p + 8] << 8 | b[p + 9], b[p + 10]
    fits = 0 < reads <= 125 and 0 < writes <= 121 and size == 2 * writes
    inside = (b[p + 2] << 8 | b[p + 3]) + reads <= 65536 and (b[p + 6] << 8 | b[p + 7]) + writes <= 65536
    return size + 13 if fits and inside else 0


def _files_request(b: bytearray, p: int, n: int) -> int:
    """``unit 14 BB (06 FFFF RRRR NNNN)… crc crc``"""
    size = b[p + 2]
    if not 7 <= size <= 245 or size % 7 or b[p + 3] != 6:
        return 0
    return size + 5


def _files_response(b: bytearray, p: int, n: int) -> int:
    """``unit 14 BB (LL 06 data…)… crc crc``; LL counts its 06 and two bytes for each register"""
    size = b[p + 2]
    if not 4 <= size <= 245 or not b[p + 3] & 1:
        return 0
    if n < size + 3:
        return -(size + 5)
    at, end = p + 3, p + 3 + size
    while at < end:
        if not b[at] & 1 or b[at] < 3 or at + 1 >= end or b[at + 1] != 6:
            return 0
        at += b[at] + 1
    return size + 5 if at == end else 0


def _files_write(b: bytearray, p: int, n: int) -> int:
    """``unit 15 BB (06 FFFF RRRR NNNN data…)… crc crc``"""
    size = b[p + 2]
    if not 9 <= size <= 251 or b[p + 3] != 6:
        return 0
    if n < size + 3:
        return -(size + 5)
    at, end = p + 3, p + 3 + size
    while at < end:
        if at + 7 > end or b[at] != 6:
            return 0
        at += 7 + 2 * (b[at + 5] << 8 | b[at + 6])
    return size + 5 if at == end else 0


def _fifo(b: bytearray, p: int, n: int) -> int:
    """``unit 18 BBBB CCCC data… crc crc``; at most 31 registers"""
    if n < 8:
        return -8
    size, count = b[p + 2] << 8 | b[p + 3], b[p + 4] << 8 | b[p + 5]
    return size + 6 if count <= 31 and size == 2 * count + 2 else 0


def _identification_request(b: bytearray, p: int, n: int) -> int:
    """``unit 2B 0E CC OO crc crc``"""
    return 7 if b[p + 2] == 0x0E and 1 <= b[p + 3] <= 4 else 0


def _identification_response(b: bytearray, p: int, n: int) -> int:
    """``unit 2B 0E CC conformity more next NN (id LL text…)… crc crc``"""
    if b[p + 2] != 0x0E or not 1 <= b[p + 3] <= 4:
        return 0
    if n < 8:
        return -10
    if b[p + 5] not in (0x00, 0xFF):
        return 0
    at = 8
    for _ in range(b[p + 7]):
        if n < at + 2:
            return -(at + 4) if at + 4 <= MAX_LENGTH else 0
        at += 2 + b[p + at + 1]
    return at + 2 if at + 2 <= MAX_LENGTH else 0


FUNCTIONS = {
    row.code: row
    for row in (
        Function(1, "read coils", _read(BITS_AT_MOST), _bits, weak_response=True),
        Function(2, "read discrete inputs", _read(BITS_AT_MOST), _bits, weak_response=True),
        Function(3, "read holding registers", _read(REGISTERS_AT_MOST), _registers, weak_response=True),
        Function(4, "read input registers", _read(REGISTERS_AT_MOST), _registers, weak_response=True),
        Function(5, "write single coil", _coil, _coil),
        Function(6, "write single register", _fixed(8), _fixed(8), weak_request=True, weak_response=True),
        Function(7, "read exception status", _fixed(4), _fixed(5), weak_request=True, weak_response=True),
        Function(8, "diagnostics", _diagnostics, _diagnostics),
        Function(11, "get comm event counter", _fixed(4), _event_counter, weak_request=True),
        Function(12, "get comm event log", _fixed(4), _event_log, weak_request=True, weak_response=True),
        Function(15, "write multiple coils", _write_bits, _read(1968)),
        Function(16, "write multiple registers", _write_registers, _read(123)),
        Function(17, "report server id", _fixed(4), _counted, weak_request=True, weak_response=True),
        Function(20, "read file record", _files_request, _files_response),
        Function(21, "write file record", _files_write, _files_write),
        Function(22, "mask write register", _fixed(10), _fixed(10), weak_request=True, weak_response=True),
        Function(23, "read/write multiple registers", _read_write, _registers, weak_response=True),
        Function(24, "read FIFO queue", _fixed(6), _fifo, weak_request=True),
        Function(43, "read device identification", _identification_request, _identification_response),
    )
}

NAMES = {code: row.name for code, row in FUNCTIONS.items()}
