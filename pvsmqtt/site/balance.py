"""The power balance of a house: pv + grid + battery = load. Pure.

Whatever tells the four powers, they are one set: what was measured together, and what follows from it. Nothing of one
set is mixed with another, so that the sum is right on every state that has all four.

* `completed`: what follows from meters, load or grid. It is made with what the battery did when the meters measured
  (`battery`).
* `of_live`: live data of a supervisor, which tells of the house as a whole.
* `of_gateway`: what the gateway of a storage system tells of grid and load, in a house without meters. Where it tells
  no production, that is what is left.

A load a little below zero is the noise of the meters; below that the sum is not known, for then something is measured
that is not what it seems.
"""

from __future__ import annotations

from collections.abc import Mapping

from pvsmqtt.model.reading import Value

POWERS = ("pv_power", "grid_power", "battery_power", "load_power")
NOISE = -50.0
"""W down to which a load is 0."""

SHARE, ROUNDING = 0.01, 1.0
"""By how much the sum may differ from the load: a share of it, and W."""

Powers = Mapping[str, Value]


def balanced(powers: Powers) -> bool:
    """Whether the sum is right, as far as all four are known."""
    pv, grid, battery, load = (number(powers, key) for key in POWERS)
    if pv is None or grid is None or battery is None or load is None:
        return True
    total = pv + grid + battery
    return abs(total - load) <= max(ROUNDING, SHARE * abs(load)) or (load == 0 and NOISE <= total <= 0)


def completed(powers: Powers, storage: bool) -> dict[str, Value]:
    """What follows from what meters tell (a key that is absent is not measured): the load from a meter of the grid,
    the grid from a meter of the load. A house without ``storage`` has no battery that does anything. Empty: nothing
    follows."""
    if "pv_power" not in powers:
        return {}
    pv, grid, load = (number(powers, key) for key in ("pv_power", "grid_power", "load_power"))
    battery = number(powers, "battery_power") if storage else number(powers, "battery_power") or 0.0
    if "grid_power" in powers and "load_power" not in powers:
        if storage and battery is None:
            return {}
        return {"load_power": used(_sum(pv, grid, battery))}
    if "load_power" in powers and "grid_power" not in powers:
        if storage and battery is None:
            return {}
        unknown = pv is None or load is None or battery is None
        return {"grid_power": None if unknown else round(load - pv - battery, 3)}  # type: ignore[operator]
    return {} if balanced(powers) else {"load_power": used(_sum(pv, grid, battery))}


def of_live(live: Powers, storage: bool) -> dict[str, float | None]:
    """The set that live data makes; empty where it tells too little. What the battery of a house with ``storage``
    does is unknown where it does not tell that: whether its load takes account of it is not known either."""
    pv, grid, battery, load = (number(live, key) for key in POWERS)
    if pv is None or grid is None or (load is None and battery is None and storage):
        return {}
    total = used(_sum(pv, grid, battery or 0.0))
    found: dict[str, float | None] = {"pv_power": pv, "grid_power": grid, "battery_power": battery}
    found["load_power"] = total if load is None else load
    return found if balanced(found) else {**found, "load_power": total}


def of_gateway(told: Powers, battery: float | None) -> dict[str, float | None]:
    """The set that a gateway makes of its grid and load, with what the battery does (W, + discharging)."""
    pv, grid, load = (number(told, key) for key in ("pv_power", "grid_power", "load_power"))
    if grid is None or load is None or battery is None:
        return {"grid_power": grid, "load_power": load, "battery_power": battery}
    left = used(round(load - grid - battery, 3))
    if pv == 0 and (left is None or left > max(-NOISE, SHARE * abs(load))):
        pv = None  # a register that this system does not fill
    pv = left if pv is None else max(0.0, pv)
    if pv is not None:
        load = used(_sum(pv, grid, battery))
    return {"pv_power": pv, "grid_power": grid, "battery_power": battery, "load_power": load}


def used(power: float | None) -> float | None:
    """What has one direction only: the noise of meters is 0, what is below that is unknown."""
    if power is None or power < NOISE:
        return None
    return max(0.0, power)


def number(values: Mapping[str, Value], key: str) -> float | None:
    """A value as a number."""
    value = values.get(key)
    return value if isinstance(value, int | float) else None


def _sum(*powers: float | None) -> float | None:
    known = [power for power in powers if power is not None]
    return round(sum(known), 3) if len(known) == len(powers) else None
