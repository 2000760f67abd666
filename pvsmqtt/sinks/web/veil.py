"""Hides whose house it is in what leaves it: one name for each thing, the same wherever it appears.

What is known to be somebody's (serial numbers, names of devices and hosts) is replaced wherever it stands; what looks
like a serial number, a host or an address that is somebody's is replaced too. Private addresses stay: they say how
the network is wired, and every other house has them. Secrets are hidden by `pvsmqtt.redaction`. Rather too much than
too little.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pvsmqtt.model.device import LABELS, Device, Kind
from pvsmqtt.redaction import HIDDEN, names_secret, redact

_LEAST = 3
"""Characters of a name that is looked for."""
_COMMON = frozenset(
    {
        *("site", "home", "house", "auto", "localhost", "embedded", "pvsmqtt", "mqtt", "broker", "journal"),
        *(
            "pvs",
            "rs485",
            "modbus",
            "modbus_tcp",
            "modbus_rtu",
            "modbus_tap",
            "yasdi",
            "conext",
            "sunspec",
            "raspberrypi",
        ),
        *(kind.value for kind in Kind),
        *(label.lower() for label in LABELS.values()),
    }
)
"""Names that everybody has."""

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_USER = re.compile(r"(/home/|/Users/)[^/\s\"']+")
_ADAPTER = re.compile(r"(/dev/serial/by-(?:id|path)/)[^\s\"',;]+")
_IN_URL = re.compile(r"(?<=://)(?:[^\s/@\"']*@)?([A-Za-z][\w.-]*)")
_WITH_PORT = re.compile(r"(?<![\w./-])([A-Za-z][\w-]*(?:\.[\w-]+)*)(?=:\d{2,5}\b)")
_IN_HOUSE = re.compile(
    r"(?<![\w.-])[A-Za-z0-9][\w-]*(?:\.[\w-]+)*"
    r"\.(?:local|lan|home|box|internal|intranet|private|localdomain|corp|arpa|(?:com|net|org|de|us|uk|eu|io|dev))\b"
    r"(?![\w-])",
    re.I,
)
_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,45}(?:%[\w-]+)?(?![\w:])")
_SERIAL = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*(?:\d[A-Za-z]*){4})[A-Za-z0-9]{8,}(?![A-Za-z0-9])")
"""As in `pvsmqtt.capture.serials`: eight letters and digits or more, four of them digits."""
_PASSWORD = 5
"""Characters at the end of the serial number of a PVS that are its password."""


class Veil:
    """``devices`` are those of the house; ``names`` are hosts, sites and whatever else is somebody's."""

    def __init__(self, devices: Iterable[Device] = (), names: Iterable[str] = ()) -> None:
        self._aliases: dict[str, str] = {}
        """By what is hidden, in lower case."""
        self._numbers: dict[str, int] = {}
        self._passwords: list[str] = []
        for device in devices:
            self._note(device)
        for name in map(_host_of, names):
            if len(name) >= _LEAST and name.lower() not in _COMMON and not _is_private(name):
                self._alias(name, "name")
        known = sorted(self._aliases, key=len, reverse=True)
        self._known = _any_of(known)
        self._password = _any_of(self._passwords)

    def of(self, device: Device) -> str:
        """What a device is called here."""
        return self._aliases.get(device.id.lower(), device.id)

    def text(self, text: str) -> str:
        """A text with everything hidden."""
        text = self._known.sub(lambda found: self._aliases[found[0].lower()], text)
        text = redact(self._password.sub(HIDDEN, text))
        text = _USER.sub(r"\1[user]", _ADAPTER.sub(r"\1[adapter]", _MAIL.sub(HIDDEN, text)))
        text = _V6.sub(_if_address(lambda one: one.is_loopback), text)
        text = _V4.sub(_if_address(lambda one: one.is_private), text)
        for pattern in (_IN_URL, _WITH_PORT):
            text = pattern.sub(lambda found: self._host(found[1]), text)
        text = _IN_HOUSE.sub(lambda found: self._host(found[0]), text)
        return _SERIAL.sub(lambda found: self._alias(found[0], "serial"), text)

    def document(self, value: Any, most: int) -> Any:
        """The same of something ready for JSON, with at most so many members of each object and list."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            # {"name": "wpa_key", "value": …} names a secret as well.
            told = any(isinstance(one, str) and names_secret(one) for one in value.values())
            kept = {
                self.text(str(key)): HIDDEN
                if names_secret(str(key)) or (told and key == "value")
                else self.document(one, most)
                for key, one in list(value.items())[:most]
            }
            return {**kept, "…": f"{len(value) - most} more"} if len(value) > most else kept
        if isinstance(value, list | tuple | set | frozenset):
            items = [self.document(one, most) for one in list(value)[:most]]
            return [*items, f"… {len(value) - most} more"] if len(value) > most else items
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def _note(self, device: Device) -> None:
        if device.logical or device.serial is None:
            if not _ordinary(device):
                self._alias(device.name, "name")
            return
        alias = self._alias(device.serial, device.kind.value)
        self._aliases[device.id.lower()] = alias
        if not _ordinary(device):
            self._aliases[device.name.lower()] = alias
        if device.kind is Kind.SUPERVISOR and len(device.serial) > _PASSWORD:
            self._passwords.append(device.serial[-_PASSWORD:])

    def _host(self, name: str) -> str:
        lower = name.lower()
        if lower in _COMMON or lower in self._aliases.values() or name == HIDDEN:
            return name
        return self._alias(name, "host")

    def _alias(self, hidden: str, what: str) -> str:
        key = hidden.lower()
        if key not in self._aliases:
            self._numbers[what] = number = self._numbers.get(what, 0) + 1
            self._aliases[key] = f"{what}-{number}"
        return self._aliases[key]


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these, if it is no part of a longer word."""
    found = "|".join(map(re.escape, words))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{found})(?![A-Za-z0-9])" if found else r"(?!)", re.I)


def _host_of(name: str) -> str:
    """``tcp://box.lan:4196`` -> ``box.lan``; what is no address stays as it is."""
    if "://" in name:
        try:
            return urlsplit(name).hostname or ""
        except ValueError:
            return ""
    return re.sub(r":\d+$", "", name) if name.count(":") == 1 else name


def _ordinary(device: Device) -> bool:
    """Whether its name says nothing of its owner: too short, usual, or made of its place or serial number."""
    name = device.name.lower()
    if len(name) < _LEAST or name in _COMMON:
        return True
    return name.startswith(LABELS[device.kind].lower())


def _is_private(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return False


def _if_address(
    harmless: Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool],
) -> Callable[[re.Match[str]], str]:
    """Hides what is an address, unless it is a harmless one."""

    def instead(found: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(found[0])
        except ValueError:
            return found[0]
        return found[0] if harmless(address) or address.is_unspecified else HIDDEN

    return instead
