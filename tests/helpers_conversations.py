"""Random conversations on a Modbus RTU line, with the truth about every frame."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

import helpers_modbus as bus


@dataclass(frozen=True)
class Said:
    """One frame that was put on the line."""

    adu: bytes
    is_response: bool
    offset: int = 0
    vendor: bool = False

    @property
    def place(self) -> tuple[int, int, bool]:
        return self.offset, len(self.adu), self.is_response


Pair = tuple[bytes, bytes]


def _words(r: random.Random, count: int) -> list[int]:
    return [r.choice((0, 1, 0xFFFF, 0x8000, r.randrange(65536))) for _ in range(count)]


def _read_bits(r: random.Random, unit: int, function: int) -> Pair:
    count = r.choice((1, 8, 17, 24, r.randrange(1, 2001)))
    data = r.randbytes((count + 7) // 8)
    return bus.read(unit, r.randrange(60000), count, function), bus.adu(unit, function, bytes((len(data),)) + data)


def _read_registers(r: random.Random, unit: int, function: int) -> Pair:
    count = r.choice((1, 2, 4, 12, r.randrange(1, 126)))
    return (
        bus.read(unit, r.randrange(60000), count, function),
        bus.registers(unit, *_words(r, count), function=function),
    )


def _same(data: Callable[[random.Random], bytes]) -> Callable[[random.Random, int, int], Pair]:
    def pair(r: random.Random, unit: int, function: int) -> Pair:
        request = bus.adu(unit, function, data(r))
        return request, request

    return pair


def _write_bits(r: random.Random, unit: int, function: int) -> Pair:
    address, count = r.randrange(60000), r.randrange(1, 1969)
    data = r.randbytes((count + 7) // 8)
    return (
        bus.adu(unit, function, struct.pack(">HHB", address, count, len(data)) + data),
        bus.adu(unit, function, struct.pack(">HH", address, count)),
    )


def _write_registers(r: random.Random, unit: int, function: int) -> Pair:
    address, count = r.randrange(60000), r.randrange(1, 124)
    return bus.write_many(unit, address, *_words(r, count)), bus.written(unit, address, count)


def _read_write(r: random.Random, unit: int, function: int) -> Pair:
    reads, writes = r.randrange(1, 126), r.randrange(1, 122)
    head = struct.pack(">HHHHB", r.randrange(60000), reads, r.randrange(60000), writes, 2 * writes)
    data = struct.pack(f">{writes}H", *_words(r, writes))
    return bus.adu(unit, function, head + data), bus.registers(unit, *_words(r, reads), function=function)


def _files(r: random.Random, unit: int, function: int) -> Pair:
    asked = [(r.randrange(1, 100), r.randrange(9999), r.randrange(1, 10)) for _ in range(r.randrange(1, 5))]
    request = b"".join(b"\x06" + struct.pack(">HHH", *one) for one in asked)
    answer = b"".join(bytes((2 * n + 1, 6)) + r.randbytes(2 * n) for _, _, n in asked)
    return bus.adu(unit, 20, bytes((len(request),)) + request), bus.adu(unit, 20, bytes((len(answer),)) + answer)


def _file_data(r: random.Random) -> bytes:
    parts = b"".join(
        b"\x06" + struct.pack(">HHH", 1, r.randrange(9999), n) + r.randbytes(2 * n) for n in (1, r.randrange(1, 20))
    )
    return bytes((len(parts),)) + parts


def _fifo(r: random.Random, unit: int, function: int) -> Pair:
    words = _words(r, r.randrange(32))
    data = struct.pack(f">HH{len(words)}H", 2 * len(words) + 2, len(words), *words)
    return bus.adu(unit, function, struct.pack(">H", r.randrange(60000))), bus.adu(unit, function, data)


def _identification(r: random.Random, unit: int, function: int) -> Pair:
    texts = [r.randbytes(r.randrange(20)) for _ in range(r.randrange(1, 5))]
    objects = b"".join(bytes((n, len(text))) + text for n, text in enumerate(texts))
    return (
        bus.adu(unit, function, bytes((0x0E, 1, 0))),
        bus.adu(unit, function, bytes((0x0E, 1, 0x81, 0, 0, len(texts))) + objects),
    )


def _log(r: random.Random) -> bytes:
    events = r.randbytes(r.randrange(65))
    return bytes((6 + len(events),)) + r.randbytes(6) + events


def _short(answer: Callable[[random.Random], bytes]) -> Callable[[random.Random, int, int], Pair]:
    return lambda r, unit, function: (bus.adu(unit, function), bus.adu(unit, function, answer(r)))


def _identity(r: random.Random) -> bytes:
    text = r.randbytes(r.randrange(1, 60))
    return bytes((len(text),)) + text


EXCHANGES: dict[int, Callable[[random.Random, int, int], Pair]] = {
    1: _read_bits,
    2: _read_bits,
    3: _read_registers,
    4: _read_registers,
    5: _same(lambda r: struct.pack(">HH", r.randrange(65536), r.choice((0, 0xFF00)))),
    6: _same(lambda r: struct.pack(">HH", r.randrange(65536), r.randrange(65536))),
    7: _short(lambda r: r.randbytes(1)),
    8: _same(lambda r: struct.pack(">HH", r.randrange(19), r.randrange(65536))),
    11: _short(lambda r: struct.pack(">HH", r.choice((0, 0xFFFF)), r.randrange(65536))),
    12: _short(_log),
    15: _write_bits,
    16: _write_registers,
    17: _short(_identity),
    20: _files,
    21: _same(_file_data),
    22: _same(lambda r: r.randbytes(6)),
    23: _read_write,
    24: _fifo,
    43: _identification,
}
BROADCAST = (5, 6, 15, 16)


def conversation(
    seed: int,
    exchanges: int,
    units: tuple[int, ...] = (220, 221, 230),
    functions: tuple[int, ...] = tuple(EXCHANGES),
    broadcasts: bool = True,
) -> list[Said]:
    """Requests with their responses, some refused, some unanswered, some to all units; offsets as on a clean line."""
    r = random.Random(seed)
    said: list[Said] = []
    for _ in range(exchanges):
        unit, function = r.choice(units), r.choice(functions)
        request, response = EXCHANGES[function](r, unit, function)
        match r.randrange(20):
            case 0:
                said += [Said(request, False), Said(bus.exception(unit, function, r.randrange(1, 12)), True)]
            case 1 if said and said[-1].adu != request:
                said.append(Said(request, False))
                # Something else follows: two equal frames in a row would be a write with its answer.
                said += [Said(one, n > 0) for n, one in enumerate(EXCHANGES[3](r, unit, 3))]
            case 2 if broadcasts and function in BROADCAST:
                said.append(Said(EXCHANGES[function](r, 0, function)[0], False))
            case _:
                said += [Said(request, False), Said(response, True)]
    return placed(said)


def placed(said: list[Said]) -> list[Said]:
    """The same frames, one behind the other."""
    found, offset = [], 0
    for one in said:
        found.append(Said(one.adu, one.is_response, offset, one.vendor))
        offset += len(one.adu)
    return found


def with_junk(seed: int, said: list[Said], junk: Callable[[random.Random], bytes]) -> tuple[bytes, list[Said]]:
    """The bytes on a line with junk before, between and after the frames."""
    r = random.Random(seed)
    line, found = bytearray(), []
    for one in said:
        line += junk(r)
        found.append(Said(one.adu, one.is_response, len(line), one.vendor))
        line += one.adu
    line += junk(r)
    return bytes(line), found


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes in pieces of these lengths, over and over."""
    pieces, at, n = [], 0, 0
    while at < len(data):
        pieces.append(data[at : at + cuts[n % len(cuts)]])
        at += cuts[n % len(cuts)]
        n += 1
    return pieces
