"""Arguments of the command line: what each text may be. A bad one is an error that says what is allowed."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pvsmqtt.sources.pvs.finding.wifi import Wifi

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def positive(text: str) -> float:
    """Seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def number(least: int, most: int) -> Any:
    """A whole number within limits."""

    def within(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
        return int(text)

    return within


def baud_rate(text: str) -> str | int:
    """``auto`` or bits per second."""
    return text if text == "auto" else int(number(50, 4_000_000)(text))


def duration(text: str) -> float:
    """``90s``, ``30m``, ``4h`` or ``2d``, in seconds."""
    if found := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return timedelta(**{_UNITS[found[2]]: int(found[1])}).total_seconds()
    raise argparse.ArgumentTypeError(f"{text!r} is no time; allowed: such as 90s, 30m, 4h or 2d")


def host(text: str) -> str:
    """The address of a PVS."""
    from urllib.parse import urlsplit

    from pvsmqtt.sources.pvs.access.address import base_url

    try:
        parts = urlsplit(base_url(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not parts.hostname or parts.username is not None or re.search(r"\s", text):
        raise argparse.ArgumentTypeError(f"{text!r} names no host; allowed: host, host:port or http(s)://host[:port]")
    return text


def moment(text: str) -> datetime:
    """A time in UTC, or so long ago."""
    if found := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-06-21T18:00 (UTC) nor a time ago such as 90s, 30m, 2h or 3d"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def text_filter(text: str) -> tuple[str, str] | re.Pattern[str]:
    """FIELD=VALUE, or a regular expression."""
    if found := re.fullmatch(r"([A-Z_][A-Z0-9_]*)=(.+)", text):
        return found[1], found[2]
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            rf"{text!r} is not a regular expression: {error}; write \ before a character that stands for itself"
        ) from None


def wifi(serial: str) -> Wifi:
    """The Wi-Fi network of a PVS with this serial number."""
    from pvsmqtt.sources.pvs.finding.wifi import commissioning

    try:
        return commissioning(serial)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def line(text: str) -> Any:
    """The URL of an RS-485 line."""
    from pvsmqtt.sources.rs485.url import parse

    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def line_or_capture(text: str) -> Any:
    """The URL of an RS-485 line; or the path of a capture of a network: a FIFO, a pcap file, or ``-``."""
    path = Path(text)
    if text == "-" or path.is_fifo():
        return path
    if "://" not in text and path.is_file():
        from pvsmqtt.capture.pcap import MAGICS

        with path.open("rb") as file:
            if file.read(4) in MAGICS:
                return path
    return line(text)
