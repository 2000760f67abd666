"""Where a PVS answers: what an owner writes as ``host``, and the addresses that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

AUTO = "auto"
LIVE_PORT = 9002
_SERIAL = re.compile(r"ZT[0-9A-Z]{17}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """``plain`` and ``secure`` are base URLs without a slash at the end, ``live`` that of the WebSocket.

    A bare host or host:port is asked with both schemes; a URL (a proxy in front of the PVS) is taken as it is.
    """

    plain: str
    secure: str
    live: str

    @property
    def bases(self) -> tuple[str, ...]:
        """Each base URL once, in the order in which to try them."""
        return tuple(dict.fromkeys((self.plain, self.secure)))


def address(host: str, live: str = "") -> Address:
    """``172.27.153.1`` -> ``http://172.27.153.1``, ``https://172.27.153.1``, ``ws://172.27.153.1:9002/``.

    Raises:
        ValueError: when the port or the scheme makes no sense.
    """
    plain = base_url(host)
    secure = plain if "://" in host else f"https://{host}".rstrip("/")
    name = urlsplit(plain).hostname or ""
    return Address(plain, secure, live or f"ws://{f'[{name}]' if ':' in name else name}:{LIVE_PORT}/")


def base_url(host: str) -> str:
    """``172.27.153.1`` -> ``http://172.27.153.1``; a URL stays, without a slash at its end.

    Raises:
        ValueError: when the port or the scheme makes no sense.
    """
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{parts.scheme}:// is not something a PVS speaks; allowed: http and https")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"the port in {host!r} is none; allowed: 1 to 65535") from None
    return f"{parts.scheme}{url[len(parts.scheme) :]}".rstrip("/")


def to_be_found(host: str) -> bool:
    """Whether ``host`` names no place: ``auto``, or the serial number of a PVS."""
    return host == AUTO or is_serial(host)


def is_serial(text: str) -> bool:
    """Whether this is the serial number of a PVS: 19 characters, the first two ``ZT``."""
    return _SERIAL.fullmatch(text) is not None
