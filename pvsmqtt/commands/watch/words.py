"""Powers, directions and ages in words: nothing on the screen is told by a colour or a sign alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

UNKNOWN = "unknown"
NOT_HEARD = "not heard yet"
NOTHING = 0.5
"""W below which nothing flows."""


def watts(value: float | None) -> str:
    """``731 W``, ``3.21 kW``, ``unknown``; without a sign, for the direction is told in words."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    return f"{size / 1000:.2f} kW" if size >= 999.5 else f"{size:.0f} W"


def kilowatt_hours(value: float | None) -> str:
    """``11,191 kWh``, ``38.4 kWh``"""
    return UNKNOWN if value is None else f"{value:,.{0 if abs(value) >= 1000 else 1}f} kWh"


def percent(value: float | None) -> str:
    """``73 %``"""
    return UNKNOWN if value is None else f"{value:.0f} %"


def _either(positive: str, negative: str, none: str) -> Callable[[float | None], str]:
    def word(value: float | None) -> str:
        if value is None:
            return ""
        return none if abs(value) < NOTHING else positive if value > 0 else negative

    return word


DIRECTIONS: Mapping[str, Callable[[float | None], str]] = {
    "pv_power": _either("producing", "using", "resting"),
    "load_power": _either("using", "giving", "using nothing"),
    "grid_power": _either("importing", "exporting", "balanced"),
    "battery_power": _either("discharging", "charging", "idle"),
}
"""What a power of the house does, by its sign: grid + = import, battery + = discharging."""


def age(seconds: float | None) -> str:
    """``12 s``, ``5 min``, ``3 h``, ``4 d``, ``?``"""
    if seconds is None:
        return "?"
    seconds = max(0.0, seconds)
    for factor, most, unit in ((1, 120, "s"), (60, 7200, "min"), (3600, 172800, "h")):
        if seconds < most:
            return f"{seconds // factor:.0f} {unit}"
    return f"{seconds // 86400:.0f} d"
