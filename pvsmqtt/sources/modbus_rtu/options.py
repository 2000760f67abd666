"""The options of a ``[[modbus_rtu]]`` table."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from pvsmqtt.sources.modbus_master.options import MasterOptions
from pvsmqtt.sources.rs485.url import LineKind, parse

KINDS = frozenset({LineKind.SERIAL, LineKind.TCP})


class ModbusRtuOptions(MasterOptions):
    """An RS-485 line of which pvsmqtt is the only master, with inverters, batteries or meters on it that speak
    SunSpec. Never the line of a PVS or a SunVault: that one is listened to, with [[rs485]]. One table for each."""

    line: str = Field(examples=["serial:///dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5069RR4-if00-port0"])
    """The line: serial:///dev/…, or tcp://host:port for a serial server in transparent mode."""
    only_master: Literal[True]
    """Must be true: by it you say that nobody else asks on this line. Before anything is sent it is listened to, and
    when anybody is heard, nothing is sent."""
    baudrate: int = Field(default=9600, ge=50, le=4_000_000)
    """Bits per second."""
    parity: Literal["N", "E", "O"] = "N"
    """Parity bit: "N" none, "E" even, "O" odd."""
    stopbits: Literal[1, 2] = 1
    """Stop bits, 1 or 2."""
    listen: float = Field(default=20.0, ge=0, le=600)
    """Seconds for which the line is listened to at the start; others poll every 15 s or so."""

    @field_validator("line")
    @classmethod
    def _a_line(cls, value: str) -> str:
        if parse(value).kind not in KINDS:
            raise ValueError(f"{value!r} cannot be asked; allowed: serial:///dev/… and tcp://host:port")
        return value

    @field_validator("parity", mode="before")
    @classmethod
    def _a_parity(cls, value: Any) -> Any:
        written = {"even": "E", "odd": "O", "none": "N"}.get(str(value).lower(), value)
        return written.upper() if written in ("n", "e", "o") else written

    @field_validator("baudrate", "stopbits", mode="before")
    @classmethod
    def _a_number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,7}", value) else value

    @property
    def called(self) -> str:
        """The id of the connection."""
        return self.name or "modbus_rtu"

    def distinctions(self) -> dict[str, str]:
        """See `Options.distinctions`: one line may be spelt in several ways."""
        return {**super().distinctions(), "line": str(parse(self.line)), "name": self.called}
