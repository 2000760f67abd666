"""Vendor-defined frames: bytes that are a chain of frames with a good CRC, from the first to the last.

The standard does not tell how long a frame of function code 65 to 72 or 100 to 110 is, so that any length could be
right, and a good CRC alone proves little. A chain that explains a stretch between two frames without a byte left over
proves much: by chance it is one in 65536 for each link. Of several chains the shortest counts. Zeros behind a good
CRC leave it good; therefore no link ends with two of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pvsmqtt.modbus.crc import INITIAL, STEP, shift
from pvsmqtt.modbus.functions import EXCEPTION, EXCEPTION_LENGTH, MAX_LENGTH, MIN_LENGTH, USER_DEFINED

_COARSE = 16


def segments(buffer: bytearray, registers: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
    """The (start, stop) of each frame of the shortest chain from ``start`` to ``end``; empty when there is none.

    ``registers[i]`` is the CRC register before byte i of the buffer.
    """
    if not _may_begin(buffer, start, end):
        return []
    if _is_link(buffer, registers, start, end):
        return [(start, end)]
    if not _has_first(buffer, start, end):
        return []
    ends = _ends(buffer, registers, start, end)
    came_from = {start: start}
    level = [start]
    while level and end not in came_from:
        following = []
        for here in level:
            refusal = buffer[here + 1] > EXCEPTION
            for there in ends.get(_carried(registers[here] ^ INITIAL, end - here), ()):
                length = there - here
                if length > MAX_LENGTH:
                    break
                fits = length == EXCEPTION_LENGTH if refusal else length >= MIN_LENGTH
                if fits and there not in came_from:
                    came_from[there] = here
                    following.append(there)
        level = following
    if end not in came_from:
        return []
    chain = []
    stop = end
    while stop != start:
        chain.append((came_from[stop], stop))
        stop = came_from[stop]
    return chain[::-1]


def _may_begin(buffer: bytearray, at: int, end: int) -> bool:
    return end - at >= MIN_LENGTH and buffer[at + 1] & ~EXCEPTION in USER_DEFINED


def _is_link(buffer: bytearray, registers: Sequence[int], start: int, end: int) -> bool:
    """Whether all of it is one frame."""
    refusal = buffer[start + 1] > EXCEPTION
    least, most = (EXCEPTION_LENGTH, EXCEPTION_LENGTH) if refusal else (MIN_LENGTH, MAX_LENGTH)
    if not least <= end - start <= most or not any(buffer[end - 2 : end]):
        return False
    return _carried(registers[start] ^ INITIAL, end - start) == registers[end]


def _has_first(buffer: bytearray, start: int, end: int) -> bool:
    """Whether a first link exists at all: cheap, and most stretches of noise end here."""
    register, step = INITIAL, STEP
    for byte in buffer[start : min(end, start + MAX_LENGTH)]:
        register = step[register ^ byte]
        if not register:
            return True
    return False


def _ends(buffer: bytearray, registers: Sequence[int], start: int, end: int) -> dict[int, list[int]]:
    """Where a link may end, by the register there, all carried on to ``end`` so that they can be compared."""
    places: dict[int, list[int]] = {}
    for at in range(start + MIN_LENGTH, end + 1):
        if (at == end or _may_begin(buffer, at, end)) and (buffer[at - 1] or buffer[at - 2]):
            places.setdefault(_carried(registers[at], end - at), []).append(at)
    return places


def _carried(register: int, count: int) -> int:
    """The register after so many zero bytes, with few tables."""
    while count > MAX_LENGTH:
        far = shift(MAX_LENGTH)
        register = far[register & 255] ^ far[256 + (register >> 8)]
        count -= MAX_LENGTH
    coarse, fine = shift(count // _COARSE * _COARSE), shift(count % _COARSE)
    register = coarse[register & 255] ^ coarse[256 + (register >> 8)]
    return fine[register & 255] ^ fine[256 + (register >> 8)]
