"""The line that ``systemctl status`` shows: what works, what the sun gives, what fails. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.sources.base import Source

MOST_NAMED = 3
"""What fails beyond that is only counted."""


def status_line(states: Iterable[DeviceState], sources: Iterable[Source], broker: str | None = None) -> str:
    """``14 of 15 devices online, PV 3.2 kW; pvs 172.27.153.1 fails (unreachable)``. ``broker`` is the reason why
    there is none."""
    states = list(states)
    things = [state for state in states if not state.device.logical]
    told = [state.values.get("pv_power") for state in states if state.device.kind is Kind.SITE]
    powers = [float(power) for power in told if isinstance(power, int | float)]
    text = f"{sum(state.live for state in things)} of {len(things)} devices online"
    if asleep := sum(state.online and not state.live for state in things):
        text += f", {asleep} asleep"
    if powers:
        text += f", PV {_power(sum(powers))}"
    fails = [f"{source.name} fails ({source.health.trouble})" for source in sources if source.health.trouble]
    if broker is not None:
        fails.insert(0, f"no broker ({broker})")
    if len(fails) > MOST_NAMED:
        fails[MOST_NAMED:] = [f"{len(fails) - MOST_NAMED} more fail"]
    return "; ".join([text, *([", ".join(fails)] if fails else [])]).replace("\n", " ")


def _power(watts: float) -> str:
    return f"{watts / 1000:.1f} kW" if abs(watts) >= 999.5 else f"{watts:.0f} W"
