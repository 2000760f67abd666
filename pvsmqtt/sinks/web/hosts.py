"""Under which names a browser may ask. Pure.

A page somewhere on the internet can let its own name point to this machine (DNS rebinding); the browser then takes
our replies for replies of that page. Such a request bears the foreign name in its Host header. An address cannot be
made to point elsewhere, so addresses are always good; a name must be one that we know.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from pvsmqtt.sinks.web.options import ANY_HOST, Address

_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_.-]{1,255})(?::\d{1,5})?", re.ASCII)


def machine_names() -> set[str]:
    """The name of this machine, as it is and as mDNS knows it."""
    full = socket.gethostname().lower().rstrip(".")
    short = full.split(".")[0]
    return {name for name in (full, short, f"{short}.local") if name not in ("", ".local")}


class Hosts:
    """The names that are good: what it listens on, ``localhost``, this machine, and those of the configuration."""

    def __init__(self, listen: Address, more: Iterable[str], machine: Iterable[str]) -> None:
        more = [name.lower().rstrip(".") for name in more]
        self._any = ANY_HOST in more
        self._names = {"localhost", *machine, *more}
        if listen.host is not None:
            self._names.add(listen.host)

    def accepts(self, header: str | None) -> bool:
        """Whether a Host header is good; none at all is not."""
        found = _HOST.fullmatch(header or "")
        if found is None:
            return False
        host = found[1].lower().rstrip(".")
        return self._any or host in self._names or host.endswith(".localhost") or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        if host.startswith("["):
            return ipaddress.ip_address(host[1:-1]) is not None
        return ipaddress.IPv4Address(host) is not None
    except ValueError:
        return False
