"""Everything that was published, held against what the simulated house knows.

A state names the time of its measurement, so for every power there is an instant at which the house must have had it:
what was missing and was published as 0 has none. Lifetime energies never fall, and once known are never unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from harness import ROOT, Seen

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState

LIFETIME = tuple(
    key for key, row in QUANTITIES.items() if row.device_class == "energy" and row.state_class == "total_increasing"
)
ESTIMATED = frozenset({"load_energy", "battery_charge_energy", "battery_discharge_energy"})
"""Totals of the site that no counter of these houses has; they begin at 0, once."""

WATTS, KWH = 1.5, 0.2
"""How near is near: what firmware and float32 round away."""

WATTS_OF_STORAGE = 15.0
"""The same where a battery has a part: old firmware tells its power in hundredths of a kW, of another second."""

AT_DUSK = 40.0
"""W that a panel may have had when it was last measured before it slept."""

Facts = Mapping[str, float]


class Truth:
    """Of one house. ``besides`` are devices and keys of which this house is known to tell lies, ``estimated`` totals
    of the site that begin at 0 because this house has no counter of them."""

    def __init__(self, house: House, besides: Iterable[tuple[str, str]] = ()) -> None:
        self.house = house
        self.besides = set(besides)
        self.estimated: set[str] = set(ESTIMATED)
        self.site = "site"

    def judge(self, messages: Iterable[Seen]) -> None:
        """Raises AssertionError with all that is not true."""
        messages = list(messages)
        wrong = [
            *self._lies(messages),
            *self._lies_of_totals(messages),
            *falls(messages, self.estimated),
            *lost_ids(messages),
        ]
        assert not wrong, "\n".join(wrong[:20])

    def _lies(self, messages: Iterable[Seen]) -> Iterator[str]:
        for device, state in states(messages):
            if state.get("measured_at") is None:
                continue
            measured_at = datetime.fromisoformat(state["measured_at"])
            candidates = [self.facts(measured_at + late) for late in (timedelta(0), timedelta(seconds=1))]
            for key in candidates[0].get(device, {}):
                said = state.get(key)
                if said is None or (device, key) in self.besides or (device == self.site and key.endswith("energy")):
                    continue
                if key == "power" and state.get("availability") == "asleep":
                    # Not measured: it follows from the dark. The last measurement may have been of a little more.
                    if said != 0 or candidates[0][device][key] > AT_DUSK:
                        yield f"{device} sleeps with {said} W, after {candidates[0][device][key]:.1f} W"
                    continue
                known = [facts[device][key] for facts in candidates]
                near = KWH if QUANTITIES[key].unit == "kWh" else WATTS
                if key == "load_power" and self.house.battery is not None:
                    near = WATTS_OF_STORAGE
                if min(abs(said - value) for value in known) > near:
                    yield f"{device}: {key} was {said} at {measured_at}, and never {known[0]:.3f}"

    def _lies_of_totals(self, messages: Iterable[Seen]) -> Iterator[str]:
        """An energy of the site is told as far as it is saved: of what was measured last a part may be missing for a
        moment, of what was measured before that nothing is."""
        latest: tuple[datetime, Facts] | None = None
        before: Facts = {}
        for device, state in states(messages):
            if device != self.site or state.get("measured_at") is None:
                continue
            measured_at = datetime.fromisoformat(state["measured_at"])
            known = self._totals(measured_at)
            if latest is not None and latest[0] != measured_at:
                before = latest[1]
            latest = measured_at, known
            for key, value in known.items():
                said = state.get(key)
                if said is not None and not min(before.get(key, value), value) - KWH <= said <= value + KWH:
                    yield f"{device}: {key} was {said} at {measured_at}, and never {value:.3f}"

    def told(self, state: Mapping[str, Any]) -> bool:
        """Whether a state of the site has all that flowed until it was measured."""
        known = self._totals(datetime.fromisoformat(state["measured_at"]))
        return all(abs(state[key] - value) <= KWH for key, value in known.items() if state.get(key) is not None)

    def _totals(self, when: datetime) -> Facts:
        """The measured energies of the site at an instant."""
        known = self.facts(when)[self.site].items()
        return {
            key: value
            for key, value in known
            if key.endswith("energy") and key not in self.estimated and (self.site, key) not in self.besides
        }

    def facts(self, when: datetime) -> dict[str, Facts]:
        """What is true of each device and of the site at an instant."""
        state = self.house.at(when)
        made, meter = state.production.power * 1000, state.consumption
        found: dict[str, Facts] = {
            panel.serial.lower(): {"power": panel.power * 1000, "energy": panel.energy} for panel in state.inverters
        }
        found[state.production.serial.lower()] = {"power": made, "energy": state.production.energy}
        found[meter.serial.lower()] = {
            "power": meter.power * 1000,
            "import_energy": meter.import_energy,
            "export_energy": meter.export_energy,
            "net_energy": meter.net_energy,
        }
        found[self.site] = _of_site(state)
        return found


def _of_site(state: HouseState) -> Facts:
    made, bought = state.production.power * 1000, state.consumption.power * 1000
    return {
        "pv_power": made,
        "pv_energy": state.production.energy,
        "grid_power": bought,
        "load_power": state.load * 1000 if state.battery is not None else made + bought,
        "grid_import_energy": state.consumption.import_energy,
        "grid_export_energy": state.consumption.export_energy,
    }


def states(messages: Iterable[Seen]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Device and state of every state message."""
    for message in messages:
        if message.topic.startswith(f"{ROOT}/") and message.topic.endswith("/state") and message.payload:
            yield message.topic.split("/")[-2], message.json


def falls(messages: Iterable[Seen], estimated: Collection[str] = ESTIMATED) -> Iterator[str]:
    """Lifetime energies that fell, were 0, or became unknown; a service that starts knows none of them yet.
    Those that are ``estimated`` begin at 0."""
    before: dict[tuple[str, str], float] = {}
    knew: set[tuple[str, str]] = set()
    for message in messages:
        if message.topic == f"{ROOT}/status" and message.text == "offline":
            knew.clear()
        for (device, state), key in product(states([message]), LIFETIME):
            said, known = state.get(key), before.get((device, key))
            if said is None:
                if (device, key) in knew:
                    yield f"{device}: {key} became unknown after {known}"
            elif said == 0 and (key not in estimated or known):
                yield f"{device}: {key} was 0"
            elif known is not None and said < known:
                yield f"{device}: {key} fell from {known} to {said}"
            if said is not None:
                before[device, key] = said
                knew.add((device, key))


def lost_ids(messages: Iterable[Seen]) -> Iterator[str]:
    """Entities that were announced and are not announced any more."""
    before: dict[str, set[str]] = {}
    for message in messages:
        if not (message.topic.startswith("homeassistant/device/") and message.topic.endswith("/config")):
            continue
        now = unique_ids(message)
        if lost := before.get(message.topic, set()) - now:
            yield f"{message.topic}: lost {sorted(lost)}"
        before[message.topic] = now


def unique_ids(message: Seen) -> set[str]:
    """Those in an announcement; none in one that takes it back."""
    if not message.payload:
        return set()
    return {part["unique_id"] for part in message.json["components"].values() if "unique_id" in part}


def announced(messages: Iterable[Seen]) -> set[str]:
    """All that was ever announced."""
    found: set[str] = set()
    for message in messages:
        if message.topic.startswith("homeassistant/device/"):
            found |= unique_ids(message)
    return found
