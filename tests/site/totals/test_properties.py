"""Whatever happens to equipment, service and disk: totals never fall, count nothing twice, and lose nothing that the
counters of the equipment still know."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.basis import EXPORT, FLOWS, IMPORT, PV
from pvsmqtt.site.totals.ledger import LEAST_MARGIN, Ledger

BEGIN = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
PVS = Device("zt1", Kind.SUPERVISOR, "PVS", "ZT1")
PANELS = [Device(f"e{n}", Kind.INVERTER, f"Inverter E{n}", f"E{n}", via="zt1") for n in (1, 2, 3)]
POLL = 300.0


def wall(now: float) -> datetime:
    return BEGIN + timedelta(seconds=now)


class World:
    """A house, its equipment, its service, and the disk of that."""

    def __init__(self, *, meter: bool, counters: bool) -> None:
        self.now = 0.0
        self.meter, self.counters = meter, counters
        self.made, self.net, self.taken, self.given = 1000.0, -50.0, 300.0, 350.0
        self.offset = 0.0
        """What the present production meter had not seen."""
        self.serial = 1
        self.panels = [400.0, 350.0, 250.0]
        self.disk: dict[str, Any] | None = None
        self.devices: dict[str, Any] = Registry().document()
        self.told: dict[str, float] = {}
        self.harmless = True
        """Whether nothing happened of which energy may be lost."""
        self.start()

    def start(self) -> None:
        ledger = Ledger(wall, bounded=True)
        if self.disk is not None:
            ledger.adopt(json.loads(json.dumps(self.disk)), None)
        self.house = House(Registry.of(json.loads(json.dumps(self.devices))), "home", ledger)
        self.house.configure({}, [], self.now)

    def flow(self, pv: float, used: float) -> None:
        self.made += pv
        self.panels = [energy + pv * share for energy, share in zip(self.panels, (0.5, 0.3, 0.2), strict=True)]
        crossed = used - pv
        self.net += crossed
        self.taken += max(0.0, crossed)
        self.given += max(0.0, -crossed)

    def poll(self, *, slip: float | None = None, silent: int = 0) -> None:
        """``slip``: what the counters tell this once; bits of ``silent``: which panels, or meters, tell nothing."""
        self.now += POLL
        at = wall(self.now)
        made = self.made - self.offset
        production = Device(f"m{self.serial}p", Kind.PRODUCTION_METER, "P", f"M{self.serial}p", via="zt1")
        consumption = Device("m1c", Kind.CONSUMPTION_METER, "C", "M1c", via="zt1")
        grid = {
            "power": 10.0,
            "net_energy": self.net if slip is None else slip,
            "meter_type": "net_consumption_loadside",
        }
        if self.counters:
            grid |= {"import_energy": self.taken if slip is None else slip, "export_energy": self.given}
        told: list[tuple[Device, dict[str, Any]]] = [(PVS, {"uptime": self.now})]
        if not silent & 8:
            told.append((consumption, grid))
            if self.meter:
                told.append((production, {"power": 5.0, "energy": made if slip is None else slip}))
        for number, (device, energy) in enumerate(zip(PANELS, self.panels, strict=True)):
            if not silent & (1 << number):
                told.append((device, {"power": 1.0, "energy": energy}))
        self.hear(self.house.accept([Reading(d, v, "pvs a", at, 0.0, 900.0) for d, v in told], self.now))

    def hear(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, DeviceState) and event.key == "site":
                for key in FLOWS:
                    value = event.values.get(key)
                    if isinstance(value, float):
                        assert value >= self.told.get(key, 0.0), f"{key} fell"
                        self.told[key] = value

    def save(self, *, lands: bool = True) -> None:
        document = json.loads(json.dumps(self.house.ledger.document(self.now)))
        self.devices = self.house.registry.document()
        if lands:
            self.disk = document
            self.house.ledger.saved()
            self.hear(self.house.tick(self.now))

    def kill(self) -> None:
        self.start()

    def stop(self) -> None:
        self.devices = self.house.registry.document()
        self.disk = json.loads(json.dumps(self.house.ledger.document(self.now, last=True)))
        self.start()

    def reset(self) -> None:
        """The counter of the production meter starts anew."""
        self.offset, self.harmless = self.made, False

    def swap(self) -> None:
        """The production meter is exchanged."""
        self.serial += 1
        self.offset, self.harmless = self.made, False

    def count(self, key: str) -> float:
        return self.house.ledger._accounts["site"][key].total or 0.0


amount = st.floats(0, 0.8).map(lambda value: round(value, 3))
STEPS = st.one_of(
    st.tuples(st.just("flow"), amount, amount),
    st.tuples(st.just("poll")),
    st.tuples(st.just("slip"), st.sampled_from([0.0, 99999.0])),
    st.tuples(st.just("silent"), st.integers(1, 15)),
    st.tuples(st.just("outage"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["save", "half", "kill", "stop", "reset", "swap"])),
)


def play(world: World, steps: list[tuple[Any, ...]]) -> None:
    actions = {
        "flow": world.flow,
        "poll": world.poll,
        "slip": lambda value: world.poll(slip=value),
        "silent": lambda which: world.poll(silent=which),
        "outage": lambda polls: setattr(world, "now", world.now + polls * POLL),
        "save": world.save,
        "half": lambda: world.save(lands=False),
        "kill": world.kill,
        "stop": world.stop,
        "reset": world.reset,
        "swap": world.swap,
    }
    world.poll()
    world.poll()
    world.save()
    for name, *arguments in steps:
        actions[name](*arguments)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.booleans(), st.lists(STEPS, max_size=40))
def test_what_is_told_never_falls_and_nothing_is_counted_twice(
    meter: bool, counters: bool, steps: list[tuple[Any, ...]]
) -> None:
    world = World(meter=meter, counters=counters)
    play(world, steps)
    for _ in range(4):
        world.poll()
    world.save()
    world.hear(world.house.tick(world.now))
    assert world.count(PV) <= world.made + 0.001
    if meter and not world.harmless:
        return
    assert abs(world.count(PV) - world.made) < 0.001, "what the counters know is caught up with"
    if not meter:
        assert abs(world.count(PV) - sum(world.panels)) < 0.001
    if counters:
        assert abs(world.count(IMPORT) - world.taken) < 0.001
        assert abs(world.count(EXPORT) - world.given) < 0.001


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS.filter(lambda step: step[0] not in ("slip",)), max_size=40))
def test_import_less_export_is_what_the_net_register_rose_by(steps: list[tuple[Any, ...]]) -> None:
    world = World(meter=True, counters=False)
    world.poll()
    before = world.net
    play(world, steps)
    world.poll()
    assert abs(world.count(IMPORT) - world.count(EXPORT) - (world.net - before)) < 0.001


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS.filter(lambda step: step[0] not in ("reset", "swap")), max_size=30), st.integers(0, 30))
def test_an_old_copy_of_the_file_doubles_nothing(steps: list[tuple[Any, ...]], when: int) -> None:
    world = World(meter=True, counters=True)
    play(world, steps[:when])
    world.save()
    old = world.disk
    play(world, steps[when:])
    world.disk = old
    world.told.clear()  # Home Assistant sees what the file allows: never more than the truth
    world.start()
    world.poll()
    world.poll()
    world.poll()
    assert world.count(PV) <= world.made + 0.001
    assert world.told[PV] <= world.made + LEAST_MARGIN + 2 * 40


def test_a_count_of_another_time_begins_anew_where_it_is_estimated() -> None:
    world = World(meter=True, counters=False)
    play(world, [("flow", 0.0, 0.5), ("poll",), ("flow", 0.0, 0.5), ("poll",)])
    world.save()
    old = world.disk
    assert old is not None
    ledger = Ledger(wall, bounded=True)
    assert ledger.adopt(old, "another") == [f"site {key}" for key in (IMPORT, EXPORT, "load_energy")]
    assert ledger.marks("site").keys() == {PV}
    assert Ledger(wall).adopt(old, str(old["epoch"])) == []


def test_between_two_saves_nothing_is_told_that_a_kill_could_take_back() -> None:
    world = World(meter=True, counters=False)
    play(world, [])
    for _ in range(10):
        world.flow(0.0, 0.5)
        world.poll()
    assert world.count(IMPORT) == 5.0
    assert world.told[IMPORT] <= LEAST_MARGIN, "told no further than was saved"
    assert world.house.ledger.due(world.now)
    world.save()
    assert world.told[IMPORT] == 5.0


def test_crash_after_crash_the_lead_does_not_grow() -> None:
    world = World(meter=True, counters=False)
    play(world, [("flow", 0.0, 0.5), ("poll",), ("save",), ("flow", 0.0, 0.4), ("poll",), ("save",)])
    for _ in range(20):
        world.kill()
        world.poll()
        world.save()
    assert world.told[IMPORT] <= world.count(IMPORT) + 1.0


def test_a_replaced_panel_stays_in_the_total() -> None:
    world = World(meter=False, counters=True)
    play(world, [("flow", 0.8, 0.0), ("poll",)])
    before = world.count(PV)
    PANEL_NEW = replace(PANELS[0], id="e9", serial="E9", name="Inverter E9")
    world.now += POLL
    told = [(PVS, {"uptime": 1.0}), (PANEL_NEW, {"power": 1.0, "energy": 0.2})]
    world.hear(world.house.accept([Reading(d, v, "pvs a", wall(world.now), 0.0, 900.0) for d, v in told], world.now))
    assert abs(world.count(PV) - before - 0.2) < 1e-6


def test_a_lead_that_was_told_once_is_told_after_the_next_kill_too() -> None:
    world = World(meter=False, counters=True)
    play(world, [("kill",), ("silent", 1), ("kill",)])
    for _ in range(3):
        world.poll()
    world = World(meter=False, counters=True)
    play(world, [("kill",), ("silent", 1), ("save",), ("kill",)])
    for _ in range(3):
        world.poll()
    assert world.told[PV] == world.count(PV) + LEAST_MARGIN


def test_a_full_disk_stops_nothing() -> None:
    world = World(meter=True, counters=False)
    play(world, [])
    for _ in range(5):
        world.flow(0.0, 0.5)
        world.poll()
        world.house.ledger.document(world.now)
        world.house.ledger.failed()
        world.hear(world.house.tick(world.now))
    assert world.told[IMPORT] == 2.5
    assert world.house.ledger.due(world.now + 600), "it is tried again"
