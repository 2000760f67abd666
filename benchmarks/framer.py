"""How fast the passive framer is, beside pymodbus's own, and what junk can make of it.

    python benchmarks/framer.py [--megabytes 1] [--fuzz 50]

Clean traffic as a SunVault's supervisor makes it, in the pieces that adapters deliver; the worst inputs known, among
them what a random search over repeated patterns finds; byte by byte. pymodbus (on PyPI) reads the same stream in the
same run: one ideal piece for each frame, which no adapter delivers, and pieces of 62 bytes. MB are 10^6 bytes; each
figure is the best of three, on one core. At last random and mutated bytes, which must raise nothing, with the frames
that noise imitates.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import time
from collections.abc import Iterable

import common

from pvsmqtt.modbus.crc import sealed
from pvsmqtt.modbus.framer import PassiveFramer

CLEAN, WORST, BYTEWISE = 4.0, 0.6, 0.5
HEADERS = bytes((1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43, 0, 14, 65))


def traffic(size: int) -> tuple[bytes, list[int]]:
    """Polls of four units with their answers, and the length of each frame."""
    r = random.Random(1)
    line, lengths = bytearray(), []
    while len(line) < size:
        unit, address, count = r.choice((220, 221, 230, 10)), r.randrange(500), r.choice((2, 4, 12, 16, 24))
        data = bytes((2 * count,)) + b"".join(r.randrange(2000).to_bytes(2, "big") for _ in range(count))
        for body in (b"\x03" + address.to_bytes(2, "big") + count.to_bytes(2, "big"), b"\x03" + data):
            adu = sealed(bytes((unit,)) + body)
            line += adu
            lengths.append(len(adu))
    return bytes(line), lengths


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def speed(chunks: list[bytes]) -> tuple[float, int]:
    """MB/s and frames."""
    best, frames = 0.0, 0
    for _ in range(3):
        framer = PassiveFramer()
        started = time.process_time()
        frames = sum(len(framer.feed(chunk, 0.0)) for chunk in chunks)
        best = max(best, sum(map(len, chunks)) / 1e6 / (time.process_time() - started))
    return best, frames


def peer(chunks: list[bytes]) -> tuple[float, int]:
    """The same with pymodbus: its framer for requests, then that for responses."""
    from pymodbus.exceptions import ModbusIOException
    from pymodbus.framer.rtu import FramerRTU
    from pymodbus.pdu import DecodePDU

    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    best, frames = 0.0, 0
    for _ in range(3):
        framers = [FramerRTU(DecodePDU(True)), FramerRTU(DecodePDU(False))]
        frames, held = 0, b""
        started = time.process_time()
        for chunk in chunks:
            held += chunk
            while held:
                used, pdu = len(held), None
                for framer in framers:
                    try:
                        used, pdu = framer.handleFrame(held, 0, 0)
                    except ModbusIOException:
                        continue
                    if pdu is not None:
                        break
                frames += pdu is not None
                if not used:
                    break
                held = held[used:]
        best = max(best, sum(map(len, chunks)) / 1e6 / (time.process_time() - started))
    return best, frames


def patterns(size: int) -> Iterable[tuple[str, bytes]]:
    r = random.Random(2)
    for code in HEADERS:
        yield f"{code:02x} repeated", bytes((code,)) * size
    for text in ("dc03fa", "010101000 1", "2b0e01", "2b0e0101000000f0", "14070601", "150906000001", "0101", "1117"):
        pattern = bytes.fromhex(text.replace(" ", ""))
        yield f"{text} repeated", (pattern * size)[:size]
    user = sealed(bytes((220, 65)))
    poll = sealed(bytes((220, 3, 0, 1, 0, 1)))
    yield "vendor-defined frames", b"".join(user * r.randrange(1, 40) + poll for _ in range(size // 88))[:size]
    strange = b"".join(b"\x09" + sealed(bytes((r.randrange(1, 255), 7))) for _ in range(size // 5))
    yield "weak frames of strangers", poll * 100 + strange
    for _ in range(120):
        pattern = bytes(r.choice(HEADERS) for _ in range(r.randrange(1, 12)))
        yield f"{pattern.hex()} repeated", (pattern * size)[:size]


def fuzz(megabytes: float) -> None:
    r, framer = random.Random(3), PassiveFramer()
    clean, _ = traffic(100_000)
    done = 0
    while done < megabytes * 1e6:
        if r.random() < 0.5:
            data = r.randbytes(r.randrange(1, 20_000))
        else:
            mutated = bytearray(clean[: r.randrange(1, len(clean))])
            for _ in range(r.randrange(200)):
                at = r.randrange(len(mutated))
                mutated[at : at + r.randrange(3)] = r.randbytes(r.randrange(4))
            data = bytes(mutated)
        for chunk in pieces(data, r.randrange(1, 300)):
            framer.feed(chunk, 0.0)
        if r.random() < 0.2:
            framer.flush(0.0)
        if r.random() < 0.02:
            framer.reset()
        done += len(data)
        assert framer.held < 10_000
    print(f"{done / 1e6:.0f} MB random and mutated: nothing raised, at most 10 kB held")
    noise, framer = 20_000_000, PassiveFramer()
    for _ in range(noise // 4000):
        framer.feed(r.randbytes(4000), 0.0)
    print(f"frames that noise imitates, units unknown: {framer.counters.frames / noise:.1e} for each byte")
    framer = PassiveFramer()
    framer.feed(clean, 0.0)
    before = framer.counters.frames
    for _ in range(noise // 4000):
        framer.feed(r.randbytes(4000), 0.0)
    print(f"                          units known:     {(framer.counters.frames - before) / noise:.1e} for each byte")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--fuzz", type=float, default=50.0, help="MB of random and mutated bytes")
    args = parser.parse_args()
    data, lengths = traffic(int(args.megabytes * 1e6))
    ideal, at = [], 0
    for length in lengths:
        ideal.append(data[at : at + length])
        at += length
    print(f"{'clean traffic':34}{'pvsmqtt':>24}{'pymodbus':>26}")
    clean = []
    for name, chunks in (("one piece for each frame", ideal), *((f"{n} bytes", pieces(data, n)) for n in (62, 32))):
        ours, found = speed(chunks)
        theirs, found_there = peer(chunks)
        clean.append(ours)
        shares = f"{found / len(lengths):6.1%}", f"{found_there / len(lengths):6.1%}"
        print(f"  {name:32}{ours:6.2f} MB/s, {shares[0]} found{theirs:8.2f} MB/s, {shares[1]} found")
    print(common.goal(min(clean) >= CLEAN, f"{CLEAN} MB/s on clean traffic"))
    ours, _ = speed(pieces(data[:200_000], 1))
    print(f"  {'byte by byte':32}{ours:6.2f} MB/s")
    print(common.goal(ours >= BYTEWISE, f"{BYTEWISE} MB/s byte by byte"))
    size = 60_000
    found_worst = sorted((speed(pieces(junk, 62))[0], name) for name, junk in patterns(size))
    for rate, name in found_worst[:4]:
        print(f"  {name:32}{rate:6.2f} MB/s")
    print(common.goal(found_worst[0][0] >= WORST, f"{WORST} MB/s on the worst input"))
    rate, name = min((speed(pieces(bytes((code,)) * size, 1))[0], f"{code:02x} repeated") for code in HEADERS)
    print(f"  byte by byte, {name:18}{rate:6.2f} MB/s")
    long, _ = traffic(4_000_000)
    framer = PassiveFramer()
    quarters = []
    for quarter in range(4):
        started = time.process_time()
        for chunk in pieces(long[quarter * 1_000_000 : (quarter + 1) * 1_000_000], 62):
            framer.feed(chunk, 0.0)
        quarters.append(1 / (time.process_time() - started))
    print("flat: " + ", ".join(f"{rate:.1f}" for rate in quarters) + " MB/s in the four quarters of 4 MB")
    fuzz(args.fuzz)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"resident at most {resident:.0f} MB, pymodbus and all traffic included")


if __name__ == "__main__":
    main()
