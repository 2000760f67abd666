"""Which set of powers counts for a house, and which source feeds each of its totals. Time is a parameter.

1. Live data of a supervisor, if it tells of production and grid (and load, where there is a battery).
2. What the meters tell, with what the battery did when they measured. Between two of their measurements it stays as
   it is, and when they are too old it ends.
3. Where there are no meters, what a gateway tells of grid and load, with what its own source tells of the battery.
   Whether that is all of the house only its owner knows, so meters that work always go before it.

Of a house of which none of these tells enough, each power stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DERIVED, DeviceState, Value, root
from pvsmqtt.site import balance, battery, energy
from pvsmqtt.site.battery import Battery, Sample
from pvsmqtt.site.energy import Measures, Parts
from pvsmqtt.site.guard import Latest
from pvsmqtt.site.precedence import Held

LatestOf = Callable[[str], Latest]


@dataclass(slots=True)
class Totals:
    """The totals of a house, and who feeds them."""

    values: dict[str, Value]
    feeds: dict[str, str]
    battery: Sample | None = None
    """What the battery does now, whenever the meters measured."""

    def put(self, powers: Mapping[str, Value], source: str | None) -> None:
        """These instead of what was there; a source None: what was there keeps its own."""
        self.values.update(powers)
        if source is not None:
            self.feeds.update(dict.fromkeys(powers, source))


@dataclass(frozen=True, slots=True)
class Inhabitants:
    """The devices of a house: ``there`` those that count, ``all`` those that are shown; ``whole``: every source has
    spoken, so that those that are read one by one are complete; ``gone``: who is retired."""

    there: Sequence[DeviceState]
    all: Sequence[DeviceState]
    whole: bool
    gone: Collection[str] = ()

    @property
    def supervised(self) -> bool:
        """Whether it has a supervisor."""
        return any(state.device.kind is Kind.SUPERVISOR for state in self.all)

    @property
    def storage(self) -> bool:
        """Whether it has a battery, whoever tells of it."""
        return any(state.device.kind in energy.STORAGE for state in self.all)

    @property
    def inverters(self) -> list[DeviceState]:
        """Those that stand in for a production meter: all there are, each read by itself, and no supervisor that may
        have others."""
        every = [s for s in self.all if s.device.kind is Kind.INVERTER and s.key not in self.gone]
        read = [s for s in self.there if s.device.place is not None and any(s is one for one in every)]
        return read if self.whole and len(read) == len(every) and not self.supervised else []

    @property
    def panels(self) -> list[DeviceState]:
        """Those that a supervisor lists: what its production meter would count."""
        supervisors = {s.device.id for s in self.all if s.device.kind is Kind.SUPERVISOR}
        return [s for s in self.there if s.device.kind is Kind.INVERTER and s.device.via in supervisors]

    def tells_of_battery(self, device: Device) -> bool:
        """Whether what a storage inverter gives is the battery's alone. Of one that nobody lists, its DC side may
        have panels as well."""
        if device.kind is not Kind.STORAGE_INVERTER or self.supervised:
            return True
        if any(state.device.kind is Kind.GATEWAY for state in self.all):
            return True
        return not any(s.key == device.id and "dc_power" in s.values for s in self.all)


def of_house(
    who: Inhabitants, measures: Mapping[str, Measures], stored: Battery, latest: LatestOf, now: float
) -> Totals:
    """The totals out of the devices of a house."""

    def measured(device: Device, key: str) -> Held | None:
        return latest(device.id).measured(key, now) if who.tells_of_battery(device) else None

    kinds = {Kind.ESS} if not who.whole else {kind for kind, _ in battery.LEVELS}
    told = battery.samples((s.device for s in who.there if s.device.kind in kinds), measured)
    stored.note(told, now)
    present = stored.present(told)
    parts = energy.parts(who.there, measures, who.inverters, who.panels)
    words = [latest(s.key).measured("power", now) for s in parts.all()]
    known = [word for word in words if word is not None]
    together = bool(parts.pv or parts.panels) and len(parts.grid) + len(parts.load) >= 1 and len(known) == len(words)
    sample = present
    if together:
        when = tuple((s.key, word.moment) for s, word in zip(parts.all(), known, strict=True))
        sample = stored.beside(when, max(word.moment for word in known), now)
    power = None if sample is None else sample.power
    values = energy.totals(who.there, measures, who.storage, power, who.inverters, who.panels)
    found = Totals(values, _feeds(values, parts, who.there), present)
    if sample is not None:
        found.feeds["battery_power"] = sample.source
    elif present is not None and balance.balanced({**values, "battery_power": present.power}):
        # It is known, only not for the moment of the meters: then the sum is not.
        found.put({"battery_power": present.power}, present.source)
    if not parts.metered and who.whole:
        _put_gateway(found, who, stored, latest, now)
    return found


def put_live(found: Totals, live: Mapping[str, Held], storage: bool) -> None:
    """What a supervisor tells of its house as a whole, over what its devices tell."""
    told = {key: held.value for key, held in live.items()}
    powers: Mapping[str, Value] = balance.of_live(told, storage)
    if not powers:
        complete = all(found.values.get(key) is not None for key in ("pv_power", "grid_power", "load_power"))
        powers = {} if complete else {key: told[key] for key in balance.POWERS if key in told}
    others = {key: value for key, value in told.items() if key not in balance.POWERS}
    source = next((held.source for held in live.values()), None)
    found.put({**powers, **others}, source)
    if "load_power" in found.values:
        right = balance.balanced(found.values)
        found.values["load_power"] = balance.used(balance.number(found.values, "load_power")) if right else None


def _put_gateway(found: Totals, who: Inhabitants, stored: Battery, latest: LatestOf, now: float) -> None:
    gateways = [s.key for s in who.there if s.device.kind is Kind.GATEWAY]
    if len(gateways) != 1:
        return
    keys = ("grid_power", "load_power", "pv_power")
    grid, load, pv = (latest(gateways[0]).measured(key, now) for key in keys)
    if grid is None or load is None or root(grid.source) != root(load.source):
        return
    source = root(grid.source)
    with_it: Sample | None = stored.beside((gateways[0], grid.moment), grid.moment, now, source)
    told = {"grid_power": grid.value, "load_power": load.value}
    if pv is not None and root(pv.source) == source:
        told["pv_power"] = pv.value
    powers = balance.of_gateway(told, None if with_it is None else with_it.power)
    found.put(powers, source)
    found.feeds["load_power" if powers.get("pv_power") == told.get("pv_power", DERIVED) else "pv_power"] = DERIVED


def _feeds(values: Mapping[str, Value], parts: Parts, there: Sequence[DeviceState]) -> dict[str, str]:
    """Who feeds the totals that are not powers of a set, or are one device's own."""

    def fed(states: Iterable[DeviceState], key: str) -> str | None:
        return ", ".join(sorted({state.feeds[key] for state in states if key in state.feeds})) or None

    storage = [state for state in there if state.device.kind is Kind.ESS]
    found = {
        "pv_power": fed(parts.pv or parts.panels, "power"),
        "pv_energy": fed(parts.pv, "energy"),
        "load_power": fed(parts.load, "power"),
        "load_energy": fed(parts.load, "net_energy"),
        **{total: fed(parts.grid, key) for total, key in energy.FROM_GRID_METER.items()},
        "battery_charge_energy": fed(storage, "charge_energy"),
        "battery_discharge_energy": fed(storage, "discharge_energy"),
        "state_of_charge": fed(energy.charged(there), "state_of_charge"),
        "grid_relay": fed(there, "grid_relay"),
    }
    return {key: found.get(key) or DERIVED for key in values}
