"""The Wi-Fi network that a PVS opens for its installation: name and password follow from its serial number.

    Z T 1 9 0 5 8 5 0 0 0 5 4 9 A 6 1 8 5        the serial number on the sticker, 19 characters
            5 6                     ^^^^^        name: SunPower + characters 5 and 6 + the last three
        3 4 5 6                   ^^^^^^^        password: characters 3 to 6 + the last four

The sample gives the network ``SunPower05185`` and the password ``19056185``. Source: "Monitoring a solar installation
by tapping into a SunPower PVS5 or PVS6" (starreveld.com), after SunPower's technical note 534241. The name printed
there (``SunPower0518``) lacks the last character that its own rule asks for; the rule is followed here.

The network is there for four hours after the PVS was switched on, some owners report always since 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_LENGTH = 19
_START = "ZT"


@dataclass(frozen=True, slots=True)
class Wifi:
    """A Wi-Fi network. The password does not show when the object is printed."""

    ssid: str
    password: str = field(repr=False)


def commissioning(serial: str) -> Wifi:
    """The commissioning network of the PVS with this serial number; small letters are taken for capitals.

    Raises:
        ValueError: when this is no serial number of a PVS; the message says why, without repeating the number.
    """
    serial = serial.strip().upper()
    if not (serial.isascii() and serial.isalnum()):
        raise ValueError("a serial number of a PVS has only letters and digits")
    if not serial.startswith(_START):
        raise ValueError(f"a serial number of a PVS starts with {_START}")
    if len(serial) != _LENGTH:
        raise ValueError(f"a serial number of a PVS has {_LENGTH} characters, this one has {len(serial)}")
    return Wifi(f"SunPower{serial[4:6]}{serial[-3:]}", serial[2:6] + serial[-4:])
