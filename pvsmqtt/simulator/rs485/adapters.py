"""How the bytes of a line arrive at a program: what adapters and serial servers make of its silences.

Order and content are kept; gaps are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485.wire import Wire

FTDI_BYTES, FTDI_LATENCY = 62, 0.016
FIFO_BYTES, FIFO_BITS = 32, 32
SERVER_BYTES, SERVER_CHARACTERS, SERVER_JITTER = 400, 4, 0.05
MOST_AT_RANDOM = 40


class Piece(NamedTuple):
    """Bytes ``begin`` to ``end`` of a wire, and when (bus seconds) they arrive."""

    at: float
    begin: int
    end: int


Adapter = Callable[[Wire, Setting, Random], Iterator[Piece]]


def _whole(wire: Wire, speed: Setting, _: Random) -> Iterator[Piece]:
    for frame in wire.frames:
        if frame.length:
            end = frame.offset + frame.length
            yield Piece(wire.times[end - 1] + speed.character_time, frame.offset, end)


def _bytewise(wire: Wire, speed: Setting, _: Random) -> Iterator[Piece]:
    for index, at in enumerate(wire.times):
        yield Piece(at + speed.character_time, index, index + 1)


def _random(wire: Wire, speed: Setting, random: Random) -> Iterator[Piece]:
    begin, size = 0, len(wire.data)
    while begin < size:
        end = min(size, begin + random.randint(1, MOST_AT_RANDOM))
        yield Piece(wire.times[end - 1] + speed.character_time, begin, end)
        begin = end


def _ftdi(wire: Wire, speed: Setting, random: Random) -> Iterator[Piece]:
    """The timer runs all the time: whatever is there at its ticks is delivered."""
    if not wire.data:
        return
    begin, phase = 0, random.uniform(0, FTDI_LATENCY)
    tick = phase + (wire.times[0] - phase) // FTDI_LATENCY * FTDI_LATENCY
    for index, start in enumerate(wire.times):
        over = start + speed.character_time
        while tick < over:
            if begin < index:
                yield Piece(tick, begin, index)
                begin = index
            tick += FTDI_LATENCY
        if index + 1 - begin == FTDI_BYTES:
            yield Piece(over, begin, index + 1)
            begin = index + 1
    if begin < len(wire.data):
        yield Piece(tick, begin, len(wire.data))


def _fifo(wire: Wire, speed: Setting, _: Random) -> Iterator[Piece]:
    return _packed(wire, speed, FIFO_BYTES, FIFO_BITS / speed.baudrate)


def _server(wire: Wire, speed: Setting, random: Random) -> Iterator[Piece]:
    latest = 0.0
    for piece in _packed(wire, speed, SERVER_BYTES, SERVER_CHARACTERS * speed.character_time):
        latest = max(latest, piece.at + random.uniform(0.001, SERVER_JITTER))
        yield piece._replace(at=latest)


def _packed(wire: Wire, speed: Setting, most: int, silence: float) -> Iterator[Piece]:
    """Pieces of at most so many bytes, which end where the line is silent for so long."""
    begin, character = 0, speed.character_time
    for index, start in enumerate(wire.times):
        if index > begin and start - wire.times[index - 1] - character >= silence:
            yield Piece(wire.times[index - 1] + character + silence, begin, index)
            begin = index
        if index + 1 - begin == most:
            yield Piece(start + character, begin, index + 1)
            begin = index + 1
    if begin < len(wire.data):
        yield Piece(wire.times[-1] + character + silence, begin, len(wire.data))


ADAPTERS: dict[str, Adapter] = {
    "whole": _whole,
    "bytewise": _bytewise,
    "random": _random,
    "ftdi": _ftdi,
    "fifo": _fifo,
    "server": _server,
}
"""By name."""

_WORDS = {
    "whole": "every frame in one piece, as no adapter does it",
    "bytewise": "every byte by itself",
    "random": "1 to 40 bytes",
    "ftdi": "62 bytes or what came in 16 ms: request and response together (default on a pseudo-terminal)",
    "fifo": "32 bytes or what is there after 32 bits of silence: long responses in parts, as from a Pi's UART",
    "server": "400 bytes or a silence of 4 characters, then up to 50 ms of network (default on TCP)",
}


def table() -> str:
    """One line for each, for help."""
    return "\n".join(f"  {name:10} {_WORDS[name]}" for name in ADAPTERS)
