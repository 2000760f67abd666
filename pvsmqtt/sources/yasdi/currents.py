"""Amperes or milliamperes? Pure, and the only place where that is decided.

The channels ``Iac``, ``Iac-Ist`` and ``Ipv`` are in mA on most old inverters (12580 beside 239 V and 3006 W; channel
list in yasdi2mqtt issue 46) and in A on others (an SMC 4600 stores them so), and the payload does not say. What flows
at this voltage makes about this power: in the wrong unit it is off by 1000. Taken as amperes, the product is
compared with the power; more than `BETWEEN` times as much, and it was milliamperes. Little power proves little, so at
least `IDLE` watts are taken as the power: reactive current flows at night too.

Where voltage or power is missing, only more than `MOST` can be decided: no such inverter carries it as amperes.
Everything else is unknown then.
"""

from __future__ import annotations

import math

BETWEEN = math.sqrt(1000)
"""The middle of 1 and 1000, as factors go."""

IDLE = 5.0
MOST = 200.0


def amperes(number: float, volts: float | None, watts: float | None) -> float | None:
    """The current in A, or ``None`` when its unit cannot be told."""
    if number == 0:
        return 0.0
    if volts is None or watts is None or volts <= 0:
        milli = abs(number) > MOST
        return round(number / 1000, 3) if milli else None
    milli = abs(number) * volts > BETWEEN * max(abs(watts), IDLE)
    return round(number / 1000 if milli else number, 3)
