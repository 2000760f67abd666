"""Which metric a quantity is: made from the table of quantities, so that a new row has a name at once. Pure.

Prometheus wants base units: energies are joules (1 kWh = 3,600,000 J), shares are 0 to 1, times are seconds. What
only grows is a counter (``_total``), a net count that may fall is a gauge. An enum is one sample for each of its
texts with a label ``state``, of which one is 1. Texts that can be anything, places of panels and nameplates that
never change are no metrics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pvsmqtt.model.quantity import QUANTITIES, Quantity

PREFIX = "pvsmqtt"

UNITS: dict[str, tuple[str, float]] = {
    "W": ("watts", 1),
    "VA": ("voltamperes", 1),
    "var": ("vars", 1),
    "kWh": ("joules", 3_600_000),
    "V": ("volts", 1),
    "A": ("amperes", 1),
    "Ah": ("coulombs", 3600),
    "Hz": ("hertz", 1),
    "°C": ("celsius", 1),
    "%": ("ratio", 0.01),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "B": ("bytes", 1),
    "KiB": ("bytes", 1024),
    "Ω": ("ohms", 1),
    "kΩ": ("ohms", 1000),
    "dBm": ("dbm", 1),
    "W/m²": ("watts_per_square_meter", 1),
    "frames/s": ("hertz", 1),
    "bit/s": ("", 1),  # baud_rate says it
}
"""Unit of a quantity -> base unit in the name, and by how much it is multiplied."""

COUNT = "_count"
"""What a name must not end with: that is reserved for histograms. ``error_count`` -> ``errors``."""

_INPUT = re.compile("_([ab])$")
"""Inputs A and B of an inverter: ``_b`` alone would be bytes."""


class Shape(StrEnum):
    """How a quantity becomes samples."""

    COUNTER = "counter"
    GAUGE = "gauge"
    SWITCH = "switch"
    """On is 1, off is 0."""
    STATES = "states"
    """One sample for each text."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``name`` as it is written in a query; ``factor`` from the unit of the quantity to its own."""

    name: str
    shape: Shape
    help: str
    factor: float = 1
    states: tuple[str, ...] = ()


def metric_of(row: Quantity) -> Metric | None:
    """The metric of a quantity; ``None`` where there is none."""
    if row.switch:
        return Metric(f"{PREFIX}_{row.key}", Shape.SWITCH, f"{row.description} (on 1, off 0)")
    if row.options:
        return Metric(f"{PREFIX}_{row.key}", Shape.STATES, row.description, states=row.options)
    if row.state_class is None:
        return None
    counts = row.state_class == "total_increasing"
    name = row.key.removesuffix(COUNT) + "s" if row.key.endswith(COUNT) else row.key
    name = _INPUT.sub(r"_input\1", name)
    unit, factor = UNITS[row.unit] if row.unit else ("", 1)
    parts = [PREFIX, name, *([unit] if unit and not name.endswith(unit) else []), *(["total"] if counts else [])]
    return Metric("_".join(parts), Shape.COUNTER if counts else Shape.GAUGE, row.description, factor)


METRICS: dict[str, Metric] = {
    key: metric for key, row in QUANTITIES.items() if (metric := metric_of(row)) is not None
}
"""By key of the quantity."""
