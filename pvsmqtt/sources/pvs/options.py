"""The options of a ``[[pvs]]`` table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from pvsmqtt.options import Options, interval
from pvsmqtt.sources.pvs.access.address import base_url, is_serial, to_be_found

Interval = interval(
    60, "the PVS writes a log line to its flash memory for every request, and faster polling makes it restart"
)
StaleAfter = interval(60, "what a PVS tells is up to 600 s old while all is well")
BatteryInterval = interval(20, "the PVS cannot bear it any faster")
LiveInterval = interval(1, "the PVS tells its live data about once a second")
LivePoll = interval(10, "the PVS cannot bear it any faster")

FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class PvsOptions(Options):
    """A SunPower / SunStrong PVS5 or PVS6 supervisor; one table for each."""

    host: str = Field(examples=["172.27.153.1"])
    """Where the PVS answers: a host name or address, host:port, or a full URL behind a proxy.
    On its installer port a PVS is 172.27.153.1. "auto" or its serial number: it is searched for on the network."""
    api: Literal["auto", "legacy", "varserver"] = "auto"
    """Which interface it speaks. "auto" finds out, and follows when its firmware is updated. "legacy": the open
    DeviceList of firmware before build 61840 (PVS6) or 5408 (PVS5). "varserver": the login of newer firmware."""
    password: SecretStr | None = None
    """Password for newer firmware: the last five characters of the serial number. Left out, it is found by itself."""
    password_file: Path | None = None
    """File that holds the password, in place of password. Under systemd the credential "pvs_password" serves as
    well."""
    certificate: str = "pin"
    """Which https certificate counts. "pin": the one seen first, for ever. "any": none is checked. "verify": one that
    this machine trusts, for a proxy. Or the SHA-256 fingerprint that it must have (64 hexadecimal digits)."""
    interval: Interval = 300.0  # type: ignore[valid-type]
    """Seconds between two polls, at least 60. The PVS itself measures its panels every 300 s."""
    stale_after: StaleAfter = 900.0  # type: ignore[valid-type]
    """Seconds after which a measurement no longer counts as the present: its device goes offline."""
    battery_interval: BatteryInterval = 300.0  # type: ignore[valid-type]
    """Seconds between two questions for a SunVault's state on older firmware, at least 20. Power and state of charge
    of the house come more often, with its live data."""
    live: Literal["auto", "poll", "off"] = "auto"
    """Live power of the house. "auto": the WebSocket where there is one, else polled. "poll": polled, newer firmware
    only. "off": only what the meters tell at each poll."""
    live_interval: LiveInterval = 5.0  # type: ignore[valid-type]
    """Seconds between two publications of live data, at least 1. A big change is published at once."""
    live_poll: LivePoll = 30.0  # type: ignore[valid-type]
    """Seconds between two requests for live data where there is no WebSocket, at least 10."""
    live_url: str = ""
    """Address of the WebSocket where it is not port 9002 of the host, such as ws://proxy:9002/."""
    site: str = ""
    """Name of the house this PVS belongs to, where one pvsmqtt serves several houses."""

    @field_validator("host")
    @classmethod
    def _a_place(cls, value: str) -> str:
        if to_be_found(value):
            return value
        if re.fullmatch(r"ZT[0-9]{4}[0-9A-Z]*", value, re.IGNORECASE):
            raise ValueError(f"{value!r} looks like a serial number, but has {len(value)} characters; allowed: 19")
        parts = urlsplit(base_url(value))
        if parts.username is not None:
            raise ValueError("a login in the address is not supported, and it would show in logs; leave it out")
        if not parts.hostname:
            raise ValueError(
                f'{value!r} names no host; allowed: host, host:port, http(s)://host[:port][/path], "auto" or the '
                "serial number of the PVS"
            )
        return value

    @field_validator("password")
    @classmethod
    def _of_a_serial(cls, value: SecretStr | None) -> SecretStr | None:
        """Whoever copies the whole serial number from the sticker means its end."""
        secret = value.get_secret_value().strip() if value else ""
        return SecretStr(secret[-5:].upper()) if is_serial(secret) else value

    @field_validator("certificate")
    @classmethod
    def _a_certificate(cls, value: str) -> str:
        plain = value.replace(":", "").lower()
        if value not in ("pin", "any", "verify") and not FINGERPRINT.fullmatch(plain):
            raise ValueError(f'{value!r} is not "pin", "any", "verify" or a SHA-256 fingerprint of 64 digits')
        return value if value in ("pin", "any", "verify") else plain

    @field_validator("live_url")
    @classmethod
    def _a_websocket(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in ("ws", "wss") or not urlsplit(value).hostname):
            raise ValueError(f"{value!r} is no address of a WebSocket; allowed: ws://host:port/ or wss://host:port/")
        return value
