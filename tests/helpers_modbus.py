"""Modbus RTU frames for tests, with the CRC of pymodbus."""

from __future__ import annotations

import struct

from pymodbus.framer.rtu import FramerRTU


def adu(unit: int, function: int, data: bytes = b"") -> bytes:
    """A whole frame with its CRC."""
    body = bytes((unit, function)) + data
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def read(unit: int, address: int, count: int, function: int = 3) -> bytes:
    """A request to read (function codes 1 to 4)."""
    return adu(unit, function, struct.pack(">HH", address, count))


def registers(unit: int, *values: int, function: int = 3) -> bytes:
    """The response to a read of registers."""
    return adu(unit, function, bytes((2 * len(values),)) + struct.pack(f">{len(values)}H", *values))


def write_one(unit: int, address: int, value: int) -> bytes:
    """A request to write one register; its response is the same."""
    return adu(unit, 6, struct.pack(">HH", address, value))


def write_many(unit: int, address: int, *values: int) -> bytes:
    """A request to write registers."""
    head = struct.pack(">HHB", address, len(values), 2 * len(values))
    return adu(unit, 16, head + struct.pack(f">{len(values)}H", *values))


def written(unit: int, address: int, count: int) -> bytes:
    """The response to `write_many`."""
    return adu(unit, 16, struct.pack(">HH", address, count))


def exception(unit: int, function: int, code: int) -> bytes:
    """A refusal."""
    return adu(unit, function | 0x80, bytes((code,)))
