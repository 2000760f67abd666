"""How the supervisor is connected: ``?Command=Get_Comm`` and ``communication/interfaces``.

Layout; with ``networkstatus`` or without it around the rest::

    {"networkstatus": {"interfaces": [{"interface": "wan", "internet": "down", "link": "disconnected",
                                       "sms": "unreachable", "state": "down", …},
                                      {"interface": "sta0", "internet": "up", "signal": "-48", "sms": "reachable",
                                       "status": "connected", …}, …],
                       "system": {"interface": "sta0", "internet": "up", "sms": "reachable"}, "ts": "1635315583"},
     "result": "succeed"}

Which keys an interface has depends on the interface. ``sms`` is the vendor's cloud. The signal of a cellular modem
is always 0: it means nothing. Addresses, names of networks and SIM cards are not read.

Sources: the owners' guide to the PVS, the on-device interface description (swagger 2.3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.replies import succeeded, wrong_shape
from pvsmqtt.sources.pvs.values import number, text

STATES: Mapping[str, str] = {
    "wan": "ethernet_state",
    "wan0": "ethernet_state",
    "wan1": "ethernet2_state",
    "sta0": "wifi_state",
    "cell": "cell_state",
    "wwan0": "cell_state",
    "plc": "plc_state",
}
"""Interface -> quantity of its state."""

STATE_KEYS = ("state", "link", "status")
"""Where an interface tells its state: the first that has a text counts."""

REACHED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "internet": ("internet", {"up": "on", "down": "off"}),
    "sms": ("cloud", {"reachable": "on", "unreachable": "off"}),
}
"""Key of the system and of each interface -> quantity and its words."""

Part = Mapping[str, Any]


def interfaces(payload: object) -> dict[str, Value]:
    """States of the interfaces as lower-case text, ``wifi_signal`` in dBm, ``internet``, ``cloud`` and
    ``network_interface``, for the supervisor. What was not told is absent.

    Raises:
        Refused: when the reply tells of no interfaces.
    """
    reply = succeeded(payload, "networkstatus", "interfaces")
    inner = reply.get("networkstatus")
    places = [place for place in (inner, reply) if isinstance(place, dict)]
    listed = next((place["interfaces"] for place in places if isinstance(place.get("interfaces"), list)), None)
    if listed is None:
        raise wrong_shape("list of interfaces")
    system: Part = next((place["system"] for place in places if isinstance(place.get("system"), dict)), {})
    parts = [part for part in listed if isinstance(part, dict)]

    values: dict[str, Value] = {}
    for part in parts:
        name = (text(part.get("interface")) or "").lower()
        quantity = STATES.get(name)
        if quantity is not None and values.get(quantity) is None and any(key in part for key in STATE_KEYS):
            values[quantity] = _state(part)
        if quantity == "wifi_state" and "signal" in part:
            values["wifi_signal"] = _signal(part["signal"])
    for key, (quantity, words) in REACHED.items():
        if any(key in part for part in (system, *parts)):
            values[quantity] = _word(system, key, words) or _any(_word(part, key, words) for part in parts)
    if "interface" in system:
        values["network_interface"] = text(system["interface"])
    return values


def _state(part: Part) -> str | None:
    word = next((word for key in STATE_KEYS if (word := text(part.get(key)))), None)
    return None if word is None else word.lower()


def _signal(raw: object) -> float | None:
    value = number(raw)
    return value if value is not None and value < 0 else None


def _word(part: Part, key: str, words: Mapping[str, str]) -> str | None:
    return words.get((text(part.get(key)) or "").lower())


def _any(states: Iterable[str | None]) -> str | None:
    """``on`` when one is, ``off`` when all that are known are."""
    known = set(states) - {None}
    return "on" if "on" in known else "off" if known else None
