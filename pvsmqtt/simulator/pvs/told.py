"""The house as a supervisor tells of it: with traps, a clock that is off, and what restarts and repairs did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState, Inverter
from pvsmqtt.simulator.pvs.traps import TRAPS

Alteration = Callable[[HouseState], HouseState]


class ToldHouse(House):
    """A house that is told ``offset`` later than it is, and altered; everything else is the house's own.

    What is asked for is a time of the supervisor's clock.
    """

    def __init__(self, house: House, offset: timedelta, alterations: Iterable[Alteration]) -> None:
        self.__dict__.update(vars(house))
        self._house = house
        self._offset = offset
        self._alterations = tuple(alterations)

    def at(self, when: datetime) -> HouseState:
        """What the supervisor says it knows when its clock shows ``when``."""
        state = shifted(self._house.at(when - self._offset), self._offset)
        for alter in self._alterations:
            state = alter(state)
        return state


def shifted(state: HouseState, offset: timedelta) -> HouseState:
    """The same state by a clock that is ``offset`` ahead."""
    if not offset:
        return state
    return replace(
        state,
        when=state.when + offset,
        supervisor=replace(state.supervisor, measured_at=state.supervisor.measured_at + offset),
        production=replace(state.production, measured_at=state.production.measured_at + offset),
        consumption=replace(state.consumption, measured_at=state.consumption.measured_at + offset),
        inverters=tuple(replace(one, measured_at=one.measured_at + offset) for one in state.inverters),
        storage=state.storage and replace(state.storage, measured_at=state.storage.measured_at + offset),
        battery=state.battery and replace(state.battery, measured_at=state.battery.measured_at + offset),
    )


def of_traps(names: Iterable[str]) -> list[Alteration]:
    """What the traps do to the state, in the order of the table."""
    chosen = set(names)
    return [trap.house for name, trap in TRAPS.items() if name in chosen and trap.house is not None]


def until(when: datetime | None) -> Alteration:
    """No inverters before an instant of the supervisor's clock."""

    def hide(state: HouseState) -> HouseState:
        return replace(state, inverters=()) if when is not None and state.when < when else state

    return hide


def booted(at: datetime | None) -> Alteration:
    """An uptime that counts from the last boot, if that is later than the nightly one."""

    def recount(state: HouseState) -> HouseState:
        if at is None:
            return state
        uptime = max(0, int((state.when - at).total_seconds()))
        return replace(state, supervisor=replace(state.supervisor, uptime=min(uptime, state.supervisor.uptime)))

    return recount


class Replacements:
    """Inverters that were replaced: place on the roof to the new serial number, whose counter starts at 0."""

    def __init__(self) -> None:
        self._before: dict[tuple[int, str], float] = {}

    def alteration(self, serials: dict[int, str]) -> Alteration:
        """The new inverters in the places of the old; energies count from the first sight of a new one."""

        def swap(state: HouseState) -> HouseState:
            return replace(
                state,
                inverters=tuple(
                    self._new(place, serials[place], inverter) if place in serials else inverter
                    for place, inverter in enumerate(state.inverters)
                ),
            )

        return swap

    def _new(self, place: int, serial: str, inverter: Inverter) -> Inverter:
        before = self._before.setdefault((place, serial), inverter.energy)
        return replace(inverter, serial=serial, energy=max(0.0, inverter.energy - before))
