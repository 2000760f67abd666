"""The options of a ``[[pvs]]`` table."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pvsmqtt.options import Options, interval

Interval = interval(
    60, "the PVS writes a log line to its flash memory for every request, and faster polling makes it restart"
)
StaleAfter = interval(60, "what a PVS tells is up to 600 s old while all is well")


class PvsOptions(Options):
    """A SunPower / SunStrong PVS5 or PVS6 supervisor; one table for each."""

    host: str = Field(examples=["172.27.153.1"])
    """Where the PVS answers: a host name or address, host:port, or a full URL behind a proxy.
    On its installer port a PVS is 172.27.153.1."""
    api: Literal["auto", "legacy"] = "auto"
    """Which interface it speaks. There is only "legacy" so far: dl_cgi DeviceList without login, as firmware up to
    build 61839 (PVS6) has it. "auto" will choose by itself when there are others."""
    interval: Interval = 300.0  # type: ignore[valid-type]
    """Seconds between two polls, at least 60. The PVS itself measures its panels every 300 s."""
    stale_after: StaleAfter = 900.0  # type: ignore[valid-type]
    """Seconds after which a measurement no longer counts as the present: its device goes offline."""
    site: str = ""
    """Name of the house this PVS belongs to, where one pvsmqtt serves several houses."""

    @field_validator("host")
    @classmethod
    def _a_place(cls, value: str) -> str:
        parts = urlsplit(base_url(value))
        if parts.username is not None:
            raise ValueError("a login in the address is not supported, and it would show in logs; leave it out")
        if not parts.hostname:
            raise ValueError(f"{value!r} names no host; allowed: host, host:port or http(s)://host[:port][/path]")
        return value


def base_url(host: str) -> str:
    """``172.27.153.1`` -> ``http://172.27.153.1``; a URL stays, without a slash at its end.

    Raises:
        ValueError: when the port or the scheme makes no sense.
    """
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{parts.scheme}:// is not something a PVS speaks; allowed: http and https")
    _ = parts.port
    return url.rstrip("/")
