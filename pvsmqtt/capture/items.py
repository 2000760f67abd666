"""What a recording is made of, and why one cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

IDLE = 0.5
"""Seconds without a byte after which nothing that began before is waited for. Long, because a serial server behind
Wi-Fi holds back parts of a frame for up to 0.3 s; recorder and replay use the same, so they see the same frames."""


class Chunk(NamedTuple):
    """Bytes that were received together."""

    t: float
    """Seconds since the recording began."""
    data: bytes
    """One byte at least."""


class Event(NamedTuple):
    """Something that happened to the line: ``opened``, ``lost``, ``setting``, …"""

    t: float
    name: str
    details: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording says of itself; None is what it does not say."""

    line: str | None = None
    """URL of the line."""
    setting: str | None = None
    """Speed and character of the line, such as ``19200 8N1``."""
    started_at: datetime | None = None
    """The moment of ``t`` = 0."""
    anonymised: bool | None = None
    note: str | None = None


@dataclass(slots=True)
class Faults:
    """What had to be left out."""

    damaged: int = 0
    """Lines or packets that cannot be read, also one that is cut off at the end."""
    empty: int = 0
    """Packets without a byte of the line: changes of control lines."""
    cut: int = 0
    """Packets of which not all bytes were recorded."""
    backwards: int = 0
    """Times that were before the one before: set to that one."""
    examples: list[str] = field(default_factory=list)
    """The first few, with their place."""

    def damage(self, what: str) -> None:
        """Count something unreadable."""
        self.damaged += 1
        if len(self.examples) < 3:
            self.examples.append(what)


class Stream(Protocol):
    """Bytes of a file or a pipe, read forwards."""

    def read(self, count: int, /) -> bytes:
        """Exactly ``count`` bytes; fewer only at the end."""
        ...

    def readline(self, limit: int, /) -> bytes:
        """Up to and with the next line feed, at most ``limit`` bytes."""
        ...

    def close(self) -> None:
        """Nothing more is wanted."""
        ...


class Why(StrEnum):
    """Why a recording cannot be read."""

    MISSING = "missing"
    DENIED = "denied"
    NO_FILE = "no file"
    UNREADABLE = "unreadable"
    NEWER = "newer"
    PCAPNG = "pcapng"
    COMPRESSED = "compressed"
    LINK_TYPE = "link type"
    NETWORK = "network"


class CaptureError(Exception):
    """A recording that cannot be read; the text says what it is and what to do."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why
