"""How a line is written: one URL per way in. Pure: nothing is opened here.

====================================  ==================================================================
``serial:///dev/serial/by-id/…``      an adapter at this machine; the path alone will do
``tcp://host:port``                   a serial server that waits for clients, in transparent mode
``tcp-listen://[address]:port``       a serial server that is a client itself: it connects to us
``udp-listen://[address]:port``       a serial server that sends datagrams
``rfc2217://host:port``               a serial server whose speed can be set from here (ser2net, Moxa)
``file://path[?speed=N]``             a recording; N times as fast, 0 = as fast as possible
====================================  ==================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

PORTS = "4196 (Waveshare), 20108 (USR), 8899 (Elfin), 4001 (Moxa)"
"""What serial servers listen on when nobody has changed it."""


class LineKind(StrEnum):
    """The scheme of a URL."""

    SERIAL = "serial"
    TCP = "tcp"
    TCP_LISTEN = "tcp-listen"
    UDP_LISTEN = "udp-listen"
    RFC2217 = "rfc2217"
    FILE = "file"


CHANGEABLE = frozenset({LineKind.SERIAL, LineKind.RFC2217})
"""Where the speed of the bus can be set from here; elsewhere it is set in the serial server."""


@dataclass(frozen=True, slots=True)
class LineUrl:
    """``path`` for serial and file, ``host`` and ``port`` for the others; ``host`` is empty for all addresses."""

    kind: LineKind
    path: str = ""
    host: str = ""
    port: int = 0
    speed: float = 1.0
    """Of a recording: times its original speed; 0 is as fast as possible."""
    speaks_first: bool = False
    """Of RFC 2217: negotiate without having been greeted (see `rfc2217_line`)."""

    @property
    def changeable(self) -> bool:
        """Whether baud rate and parity can be set from here."""
        return self.kind in CHANGEABLE

    def __str__(self) -> str:
        if self.kind is LineKind.SERIAL:
            return f"serial://{self.path}"
        if self.kind is LineKind.FILE:
            return f"file://{self.path}" + ("" if self.speed == 1 else f"?speed={self.speed:g}")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}" + ("?speaks_first=1" if self.speaks_first else "")


def parse(text: str) -> LineUrl:
    """``tcp://192.168.1.7:4196`` and the like; a path below ``/dev/`` is a serial adapter.

    Raises:
        ValueError: says what is wrong and what is allowed.
    """
    text = text.strip()
    if any(ord(character) < 32 for character in text):
        raise ValueError(f"{text!r} holds a control character; allowed: {ALLOWED}")
    scheme, separator, rest = text.partition("://")
    if not separator:
        if text.startswith("/dev/"):
            return _serial(LineKind.SERIAL, text)
        meant = f" (did you mean serial://{text} or file://{text}?)" if text.startswith("/") else ""
        raise ValueError(f"{text!r} is no line{meant}; allowed: {ALLOWED}")
    try:
        kind = LineKind(scheme.lower())
    except ValueError:
        raise ValueError(f"{scheme}:// is not a way to hear a line; allowed: {ALLOWED}") from None
    return _PARSERS[kind](kind, rest)


def _serial(kind: LineKind, rest: str) -> LineUrl:
    if not rest.startswith("/") or rest.endswith("/"):
        raise ValueError(
            f"{rest!r} is no path of a serial device; allowed: serial:///dev/serial/by-id/… (three slashes)"
        )
    return LineUrl(kind, path=rest)


def _file(kind: LineKind, rest: str) -> LineUrl:
    path, speed = rest, 1.0
    head, mark, query = rest.rpartition("?")
    if mark and query.startswith("speed="):
        path = head
        try:
            speed = float(query.removeprefix("speed="))
        except ValueError:
            speed = math.nan
        if not 0 <= speed < math.inf:
            raise ValueError(f"{query!r} is no speed; allowed: speed=1 (as recorded), speed=10, speed=0 (no waiting)")
    if not path:
        raise ValueError("file:// needs a path; allowed: file:///var/lib/capture.jsonl[?speed=10]")
    return LineUrl(kind, path=path, speed=speed)


def _network(kind: LineKind, rest: str) -> LineUrl:
    place, mark, query = rest.partition("?")
    if mark and not (kind is LineKind.RFC2217 and query == "speaks_first=1"):
        raise ValueError(f"{query!r} is no option of {kind}://; allowed: {kind}://{_HOST[kind]}:port")
    host, colon, digits = place.rstrip("/").rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif not colon or ":" in host:
        raise ValueError(
            f"{kind}://{rest} has no port; allowed: {kind}://{_HOST[kind]}:port, with an IPv6 address in brackets. "
            f"Usual ports: {PORTS}"
        )
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 65535):
        raise ValueError(f"the port in {kind}://{rest} is none; allowed: 1 to 65535. Usual ports: {PORTS}")
    if not host and kind not in (LineKind.TCP_LISTEN, LineKind.UDP_LISTEN):
        raise ValueError(f"{kind}://{rest} has no host; allowed: {kind}://host:port")
    if any(character in "/@ \t" for character in host):
        raise ValueError(f"{host!r} is no host name; allowed: {kind}://{_HOST[kind]}:port")
    return LineUrl(kind, host=host, port=int(digits), speaks_first=bool(mark))


_HOST = {kind: "[address]" if kind.value.endswith("-listen") else "host" for kind in LineKind}
_PARSERS: dict[LineKind, Callable[[LineKind, str], LineUrl]] = {
    LineKind.SERIAL: _serial,
    LineKind.FILE: _file,
    LineKind.TCP: _network,
    LineKind.TCP_LISTEN: _network,
    LineKind.UDP_LISTEN: _network,
    LineKind.RFC2217: _network,
}
ALLOWED = (
    "serial:///dev/serial/by-id/…, tcp://host:port, tcp-listen://[address]:port, udp-listen://[address]:port, "
    "rfc2217://host:port, file://path[?speed=N]"
)
