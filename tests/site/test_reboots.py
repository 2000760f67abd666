"""How often a supervisor has restarted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.site.reboots import BOOTED, COUNT, Reboots
from pvsmqtt.site.registry import Registry

PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
BOOT = datetime(2026, 6, 21, 6, tzinfo=UTC)


def after(hours: float) -> datetime:
    return BOOT + timedelta(hours=hours)


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.admit(PVS, [])
    return registry


def restarted(registry: Registry) -> Registry:
    """The registry as this service finds it after a restart of its own."""
    return Registry.of(json.loads(json.dumps(registry.document())))


def test_an_uptime_that_grows_is_no_restart(registry: Registry) -> None:
    reboots = Reboots(registry)
    assert [reboots.count("zt1", hours * 3600, after(hours)) for hours in (1, 1, 2, 30, 1000)] == [0] * 5


def test_an_uptime_that_begins_anew_is_one(registry: Registry) -> None:
    reboots = Reboots(registry)
    told = [reboots.count("zt1", uptime, after(24)) for uptime in (5000, 100, 400, 399, 90_000)]
    assert told == [0, 1, 1, 2, 2]


def test_without_any_time_it_counts_all_the_same(registry: Registry) -> None:
    reboots = Reboots(registry)
    assert [reboots.count("zt1", uptime, None) for uptime in (5000, 100, 400)] == [0, 1, 1]
    assert BOOTED not in registry["zt1"].facts


def test_the_count_survives_a_restart_of_this_service(registry: Registry) -> None:
    reboots = Reboots(registry)
    reboots.count("zt1", 5000, after(5000 / 3600))
    reboots.count("zt1", 100, after(24))
    again = Reboots(restarted(registry))
    assert again.count("zt1", 3700, after(25)) == 1


def test_a_restart_while_this_service_was_away_is_seen_by_the_moment_of_the_last_start(registry: Registry) -> None:
    Reboots(registry).count("zt1", 3600, after(1))
    away = restarted(registry)
    assert Reboots(away).count("zt1", 3600, after(30)) == 1
    assert Reboots(restarted(away)).count("zt1", 7200, after(31)) == 1
    assert Reboots(restarted(away)).count("zt1", 60, after(60)) == 2


def test_an_uptime_that_is_up_to_40_minutes_old_makes_no_restart_of_nothing(registry: Registry) -> None:
    Reboots(registry).count("zt1", 3600, after(1))
    for late in (0, 20, 40, 59):
        again = Reboots(restarted(registry))
        assert again.count("zt1", 10 * 3600, after(10) + timedelta(minutes=late)) == 0


def test_a_clock_that_goes_back_makes_no_restart(registry: Registry) -> None:
    Reboots(registry).count("zt1", 3600, after(1))
    assert Reboots(restarted(registry)).count("zt1", 7200, after(-1000)) == 0


def test_supervisors_are_counted_apart(registry: Registry) -> None:
    registry.admit(Device("zt2", Kind.SUPERVISOR, "PV supervisor ZT2", "ZT2"), [])
    reboots = Reboots(registry)
    for uptime in (5000, 10):
        reboots.count("zt1", uptime, after(2))
    assert reboots.count("zt2", 50, after(2)) == 0
    assert reboots.count("zt1", 20, after(2)) == 1


@pytest.mark.parametrize("facts", [{COUNT: "many"}, {COUNT: "-3"}, {COUNT: ""}, {BOOTED: "yesterday"}], ids=repr)
def test_damaged_facts_are_none(registry: Registry, facts: dict[str, str]) -> None:
    for fact, value in facts.items():
        registry.learn("zt1", fact, value)
    reboots = Reboots(registry)
    assert [reboots.count("zt1", uptime, after(2)) for uptime in (500, 10)] == [0, 1]


def test_the_disk_is_spared_while_nothing_happens(registry: Registry) -> None:
    reboots = Reboots(registry)
    reboots.count("zt1", 3600, after(1))
    changes = registry.changes
    for hours in range(2, 50):
        reboots.count("zt1", hours * 3600 - 7, after(hours))
    assert registry.changes == changes
