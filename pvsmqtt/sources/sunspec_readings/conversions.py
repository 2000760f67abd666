"""From a point of a model to the value of a quantity: units, words and bit fields.

Rule: a point says what it says, and here it becomes what the row of the quantity wants; nothing is guessed. Words
stand in tables by the names that the model files give to numbers, so that models that number the same states
differently (101 ``St``, 701 ``InvSt``) share one. A number without a name is ``other``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pvsmqtt.modbus.sunspec import Point
from pvsmqtt.model.reading import Value

Convert = Callable[[Point], Value]
OTHER = "other"

OPERATING_STATES = {
    "OFF": "off",
    "SLEEPING": "sleeping",
    "STARTING": "starting",
    "MPPT": "mppt",
    "RUNNING": "mppt",
    "THROTTLED": "throttled",
    "SHUTTING_DOWN": "shutting_down",
    "FAULT": "fault",
    "STANDBY": "standby",
}
"""101 to 113 ``St``, 701 ``InvSt``: the newer model says RUNNING in the place of MPPT."""

OPERATING_STATES |= {f"gg{name}": word for name, word in OPERATING_STATES.items()}
"""So the file of model 111 writes them."""

CHARGE_STATES = {
    "OFF": "off",
    "EMPTY": "empty",
    "DISCHARGING": "discharging",
    "CHARGING": "charging",
    "FULL": "full",
    "HOLDING": "holding",
    "TESTING": "testing",
}
"""124 and 802 ``ChaSt``."""

BANK_STATES = {
    "DISCONNECTED": "disconnected",
    "INITIALIZING": "initializing",
    "CONNECTED": "connected",
    "STANDBY": "standby",
    "SOC PROTECTION": "soc_protection",
    "SUSPENDING": "suspending",
    "FAULT": "fault",
}
"""802 ``State``."""

WANTED_STATES = {"NO REQUEST": "none", "START": "start", "STOP": "stop"}
"""802 ``ReqInvState``."""

CONTROL_PLACES = {"REMOTE": "remote", "LOCAL": "local"}
"""802 ``LocRemCtl``."""

STORAGE_STATES = {"OK": "ok", "WARNING": "warning", "ERROR": "error"}
"""713 ``Sta``."""

SWITCHES = {"DISABLED": "off", "ENABLED": "on"}
"""123 and 704: whether a limit is in force."""

STORAGE_LIMITS = {0: "none", 1: "charge", 2: "discharge", 3: "both"}
"""124 ``StorCtl_Mod``, all its bits as a number."""


def same(point: Point) -> Value:
    """A number that is already in the unit of its quantity."""
    return point.value if isinstance(point.value, int | float) else None


def kilo(point: Point) -> Value:
    """Wh -> kWh."""
    return point.value / 1000 if isinstance(point.value, int | float) else None


def percent(point: Point) -> Value:
    """% -> a share of 1, −1…1: the power factor. What is beyond is none."""
    return _share(point.value / 100) if isinstance(point.value, int | float) else None


def share(point: Point) -> Value:
    """A power factor that is one."""
    return _share(point.value) if isinstance(point.value, int | float) else None


def operating_state(point: Point) -> Value:
    """What an inverter does."""
    return _word(point, OPERATING_STATES)


def charge_state(point: Point) -> Value:
    """What a battery does."""
    return _word(point, CHARGE_STATES)


def bank_state(point: Point) -> Value:
    """State of the battery bank."""
    return _word(point, BANK_STATES)


def wanted_state(point: Point) -> Value:
    """What a battery asks of its inverter."""
    return _word(point, WANTED_STATES)


def control_place(point: Point) -> Value:
    """Who controls a battery."""
    return _word(point, CONTROL_PLACES)


def storage_state(point: Point) -> Value:
    """How the storage is."""
    return _word(point, STORAGE_STATES)


def switch(point: Point) -> Value:
    """On or off; what is neither is none."""
    return SWITCHES.get(str(point.value))


def listed(point: Point) -> Value:
    """Bits by name, in small letters: ``connected, operating``."""
    return point.value.lower() if isinstance(point.value, str) else None


def storage_limits(point: Point) -> Value:
    """Which limits are in force; a bit that nobody defined makes it other."""
    return STORAGE_LIMITS.get(point.raw, OTHER) if isinstance(point.raw, int) else None


def bits(point: Point) -> Value:
    """A bit field of 32 bits as eight hexadecimal digits."""
    return f"{point.raw:08X}" if isinstance(point.raw, int) else None


def fields(points: Iterable[Point | None]) -> Value:
    """Bit fields in their order, ``00000001 - 00000080``; one that is not told is a dash, and those at the end are
    left out. None: none of them is told."""
    words = [None if point is None else bits(point) for point in points]
    while words and words[-1] is None:
        del words[-1]
    return " ".join("-" if word is None else str(word) for word in words) or None


def _share(value: float) -> Value:
    return value if abs(value) <= 1 else None


def _word(point: Point, words: Mapping[str, str]) -> Value:
    return None if point.value is None else words.get(str(point.value), OTHER)
