"""How fast a line speaks, and how its characters are built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

Parity = Literal["N", "E", "O"]

SLOWEST, FASTEST = 50, 4_000_000
_TEXT = re.compile(r"(\d{2,7})(?:[ ,/]*8?([NEO])([12]))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """Eight data bits, least significant first, as Modbus RTU has it. ``str()`` is ``19200 8N1``."""

    baudrate: int
    parity: Parity = "N"
    stopbits: int = 1

    def __str__(self) -> str:
        return f"{self.baudrate} 8{self.parity}{self.stopbits}"

    @property
    def bits(self) -> int:
        """Bits of one character: start, data, parity, stop."""
        return 9 + (self.parity != "N") + self.stopbits

    @property
    def character_time(self) -> float:
        """Seconds that one character takes."""
        return self.bits / self.baudrate

    @classmethod
    def parse(cls, text: str) -> Setting:
        """``19200 8N1`` or ``19200``.

        Raises:
            ValueError: says what is allowed.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None or not SLOWEST <= int(match[1]) <= FASTEST:
            raise ValueError(f"{text!r} is no setting of a line; allowed: 19200, 19200 8N1, 9600 8E1 and the like")
        return cls(int(match[1]), cast(Parity, (match[2] or "N").upper()), int(match[3] or 1))
