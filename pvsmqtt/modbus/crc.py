"""The CRC of Modbus RTU: polynomial 0x8005, reflected, starting at 0xFFFF; its low byte goes first on the wire.

Source: Modbus over Serial Line, specification and implementation guide V1.02, chapter 6.2.2.
"""

from __future__ import annotations

from array import array

INITIAL = 0xFFFF
_POLYNOMIAL = 0xA001
"""0x8005 with its bits reversed."""


def _push(register: int, bits: int) -> int:
    """The register after so many zero bits."""
    for _ in range(bits):
        register = register >> 1 ^ _POLYNOMIAL if register & 1 else register >> 1
    return register


_TABLE = [_push(byte, 8) for byte in range(256)]
STEP = array("H", [_TABLE[x & 255] ^ x >> 8 for x in range(65536)])
"""One byte on: the next register is ``STEP[register ^ byte]``. The usual table has 256 entries and needs two more
operations, which are what costs time here."""


def crc16(data: bytes, register: int = INITIAL) -> int:
    """The register after ``data``; 0 after a frame with its good CRC."""
    for byte in data:
        register = STEP[register ^ byte]
    return register


def sealed(body: bytes) -> bytes:
    """``body`` with its CRC: unit, function code and data become a frame."""
    return body + crc16(body).to_bytes(2, "little")


SHIFTS: list[array[int] | None] = [None] * 257
"""The tables of `shift` by their count, as far as they are made."""


def shift(count: int) -> array[int]:
    """How ``count`` zero bytes (0 to 256) carry a register on: ``t = shift(count)`` makes it
    ``t[x & 255] ^ t[256 + (x >> 8)]``.

    The CRC is linear, so that with the registers ``r[i]`` before each byte of a stream (the first one 0) the bytes
    from ``p`` to ``e`` have a good CRC when ``r[e]`` is what ``r[p] ^ INITIAL`` becomes by ``e - p`` zero bytes. That
    makes one step for each byte and one look-up for each candidate of a frame, however many candidates there are.
    A table has 1 KiB and is made when it is first asked for.
    """
    table = SHIFTS[count]
    if table is None:
        inputs = [*range(256), *range(0, 65536, 256)]
        if count <= 1:
            outputs = [STEP[x] for x in inputs] if count else inputs
        else:
            half, rest = shift(count // 2), shift(count - count // 2)
            halfway = [half[x & 255] ^ half[256 + (x >> 8)] for x in inputs]
            outputs = [rest[x & 255] ^ rest[256 + (x >> 8)] for x in halfway]
        table = SHIFTS[count] = array("H", outputs)
    return table
