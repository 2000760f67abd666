"""What a channel is: the quantity it stands for, and the unit of its numbers, which no payload tells.

`UNITS` converts to the unit of the quantity and says what no inverter of this kind can measure; such a number is a
slip (an unread 32-bit counter is 4294967295), and unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from pvsmqtt.model.reading import Value


class Unit(StrEnum):
    """In which the number of a channel is."""

    W = "W"
    VA = "VA"
    VAR = "var"
    V = "V"
    A = "A"
    MA = "mA"
    A_OR_MA = "A or mA"
    """Which of both differs from model to model: see `currents`."""
    HZ = "Hz"
    C = "°C"
    KWH = "kWh"
    H = "h"
    OHM = "Ω"
    KOHM = "kΩ"
    RATIO = "−1…1"
    COUNT = "count"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Scale:
    """Factor to the unit of the quantity, and what is believed of the number before it is applied."""

    least: float
    most: float
    factor: float = 1.0
    zero: bool = True
    """Whether 0 is a number. yasdi gives 0 for an energy that it has not read yet."""


_LONGEST_TEXT = 255
"""What Home Assistant takes as a state."""

_POWER = Scale(-1e6, 1e6)

UNITS: dict[Unit, Scale] = {
    Unit.W: _POWER,
    Unit.VA: _POWER,
    Unit.VAR: _POWER,
    Unit.V: Scale(-2000, 2000),
    Unit.A: Scale(-2000, 2000),
    Unit.MA: Scale(-2e6, 2e6, 0.001),
    Unit.A_OR_MA: Scale(-2e6, 2e6),
    Unit.HZ: Scale(0, 100),
    Unit.C: Scale(-60, 200),
    Unit.KWH: Scale(0, 4e6, zero=False),
    Unit.H: Scale(0, 4e5, zero=False),
    Unit.OHM: Scale(0, 1e5),
    Unit.KOHM: Scale(0, 1e6),
    Unit.RATIO: Scale(-1, 1),
    Unit.COUNT: Scale(0, 4e9),
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of a table of channels.

    ``key`` None: known, and no quantity. ``volts`` and ``watts`` name the channels with which a current that may be
    in either unit is compared; the first of ``watts`` that is there counts.
    """

    key: str | None
    unit: Unit
    volts: str = ""
    watts: tuple[str, ...] = ()


def number(raw: object) -> float | None:
    """A finite number of JSON; text is none, even if it reads like one: channels with texts have words."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw)
    except OverflowError:
        return None
    return value + 0.0 if math.isfinite(value) else None  # −0 is 0


def convert(channel: Channel, raw: object) -> Value:
    """A number in the unit of the quantity (`Unit.A_OR_MA`: as it came), or a text; ``None`` when it means nothing.

    Three decimals are kept: what follows them is noise of yasdi's 32-bit floats (``50.019998881965876``).
    """
    if channel.unit is Unit.TEXT:
        return words(raw)
    value = number(raw)
    scale = UNITS[channel.unit]
    if value is None or not scale.least <= value <= scale.most or (value == 0 and not scale.zero):
        return None
    if channel.unit is Unit.COUNT and value.is_integer():
        return int(value)
    return round(value * scale.factor, 3)


def words(raw: object) -> str | None:
    """A status in the inverter's words, of which yasdi2mqtt passes on nine characters. ``-------`` is ``none``; where
    the channel has no word for its number, the number comes."""
    if isinstance(raw, str):
        said = raw.encode("utf-8", "replace").decode("utf-8").strip()[:_LONGEST_TEXT]
        return "none" if said and not said.strip("-") else said or None
    value = number(raw)
    return None if value is None else f"{value:g}" if abs(value) < 1e6 else str(value)
