"""Each frame of a recording, as a JSON object or as a line for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pvsmqtt.capture.replaying import Heard
from pvsmqtt.modbus.exchange import READS, WRITES
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.pdu import NOTHING, Fields, fields

_TABLES = {function: str(table) for function, table in {**READS, **WRITES}.items()}
_TABLES |= {22: _TABLES[6], 23: _TABLES[3]}
_SHOWN = 12
"""Values in a line; the rest is counted."""


def document(heard: Heard, timed: bool) -> dict[str, Any]:
    """A frame with everything it says.

    ``address`` and ``count`` of a response are those of the request that it answers; None where nobody asked.
    ``when`` is in seconds since the recording began; None in a recording without times. Fields that not every frame
    has are there only where they say something; bytes are in hexadecimal digits.
    """
    frame, request = heard.frame, heard.request
    told = fields(frame)
    asked = fields(request) if request is not None else NOTHING
    found: dict[str, Any] = {
        "offset": frame.offset,
        "length": len(frame.adu),
        "direction": "response" if frame.is_response else "request",
        "unit": frame.unit,
        "function": frame.function,
        "exception": frame.exception,
        "address": told.address if told.address is not None else asked.address,
        "count": _count(frame, told, asked),
        "registers": told.registers,
        "when": round(frame.when, 6) if timed else None,
        "echo": frame.echo,
    }
    if (table := _TABLES.get(frame.function)) is not None:
        found["table"] = table
    if told.bits is not None:
        found["bits"] = told.bits[: asked.count] if asked.count is not None else told.bits
    rest = {key: value for key, value in asdict(told).items() if key not in found and value is not None}
    if told == NOTHING and frame.exception is None and frame.data:
        rest["payload"] = frame.data
    return found | {key: _plain(value) for key, value in rest.items()}


def _count(frame: Frame, told: Fields, asked: Fields) -> int | None:
    """Of registers or bits: as the frame says, as its request does, or as many as were read."""
    count = told.count if told.count is not None else asked.count
    if count is None and frame.is_response and frame.function in READS and told.registers is not None:
        return len(told.registers)
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def line(heard: Heard, timed: bool) -> str:
    """``   12.345678    1024  220 <- 3 holding 100+2: 32 36``; an arrow to the right is a request."""
    frame = heard.frame
    found = document(heard, timed)
    when = f"{frame.when:13.6f} " if timed else ""
    arrow = "<-" if frame.is_response else "->"
    parts = [f"{when}{frame.offset:9d}  {frame.unit:3d} {arrow} {frame.function}"]
    if table := found.get("table"):
        parts.append(table)
    if found["address"] is not None:
        parts.append(f"{found['address']}" + (f"+{found['count']}" if found["count"] else ""))
    if frame.exception is not None:
        parts.append(f"exception {frame.exception} ({EXCEPTIONS.get(frame.exception, 'unknown')})")
    if frame.echo:
        parts.append("echo")
    if frame.is_response and heard.request is None:
        parts.append("(nobody asked)")
    return " ".join(parts) + _values(found)


def _values(found: dict[str, Any]) -> str:
    values = found["registers"] if found["registers"] is not None else found.get("bits")
    if values is not None:
        more = f" … {len(values)} in all" if len(values) > _SHOWN else ""
        return ": " + " ".join(map(str, values[:_SHOWN])) + more
    return f": {found['payload']}" if found.get("payload") else ""


EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
"""MODBUS Application Protocol Specification V1.1b3, chapter 7."""
