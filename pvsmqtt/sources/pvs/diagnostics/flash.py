"""When the flash memory of the supervisor is in trouble.

From a wear of 80 % on, the vendor blocks firmware updates (documents of smcneece/ha-esunpower and pypvs); wear comes
in steps of 10 %. A memory that request logs have filled ends the unit (krbaker/hass-sunpower#98, #113): the limits
for that are our choice. Recorded replies of healthy units show 59,000 to 75,000 KiB free, and 73 % in use.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from pvsmqtt.model.reading import Value

LIMITS: Mapping[str, tuple[Callable[[float, float], bool], float]] = {
    "flash_wear": (operator.ge, 80),
    "flash_usage": (operator.ge, 95),
    "flash_available": (operator.lt, 5000),
}
"""Quantity -> what is trouble, in its unit: %, %, KiB."""


def flash_problem(values: Mapping[str, Value]) -> str | None:
    """``on`` when one of the quantities is over its limit, ``off`` when none is, ``None`` when none is known."""
    verdicts = [
        beyond(value, limit)
        for quantity, (beyond, limit) in LIMITS.items()
        if isinstance(value := values.get(quantity), int | float) and math.isfinite(value)
    ]
    return None if not verdicts else "on" if any(verdicts) else "off"
