"""The report of a SunVault on older firmware, and what becomes of it with newer firmware."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from harness import ROOT, Bench
from traps.tools import LEGACY, VARSERVER, house, plant

from pvsmqtt.simulator.pvs.older import extras

STORAGE = {"battery_interval": 0.3}
REPORT = "energy-storage-system/status"


def altered(monkeypatch: pytest.MonkeyPatch, alter: Callable[[dict[str, Any]], None]) -> None:
    """The report comes with an alteration."""
    told = extras.PATHS[REPORT]

    def report(*how: Any) -> bytes:
        document = json.loads(told(*how))
        alter(document)
        return json.dumps(document).encode()

    monkeypatch.setitem(extras.PATHS, REPORT, report)  # type: ignore[arg-type]


async def test_a_storage_report_tells_of_batteries_hub_and_system(bench: Bench) -> None:
    it = await plant(bench, LEGACY, house=house(4, seed=1, ess=True), table=STORAGE)
    serials = it.pvs.house.serials.storage
    known = it.pvs.told.at(it.sun.now).battery
    assert known is not None
    for serial in serials.batteries:
        state = await it.state(serial.lower(), lambda s: s.get("state_of_charge") is not None)
        assert state["state_of_charge"] == pytest.approx(known.state_of_charge * 100, abs=1.5)
        assert 45 < state["voltage"] < 60
    hub = await it.state(serials.hub_plus.lower(), lambda s: s.get("grid_relay") is not None)
    assert hub["grid_relay"] == "closed"
    site = await it.state("site", lambda s: s.get("battery_power") is not None)
    assert site["battery_power"] == pytest.approx(known.power * 1000, abs=20)
    assert site["state_of_charge"] == pytest.approx(known.state_of_charge * 100, abs=1.5)
    site = await it.state("site", lambda s: s.get("load_power") is not None)
    assert site["load_power"] == pytest.approx(sum(site[f"{of}_power"] for of in ("pv", "grid", "battery")), abs=1)
    await it.check()


async def test_serial_numbers_that_nobody_knows_are_devices_of_their_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def foreign(document: dict[str, Any]) -> None:
        for number, entry in enumerate(document["ess_report"]["battery_status"]):
            entry["serial_number"] = ("M00999999A0001", "")[number]

    altered(monkeypatch, foreign)
    it = await plant(bench, LEGACY, house=house(4, seed=1, ess=True), table=STORAGE)
    await it.state("site", lambda s: s.get("battery_power") is not None)
    await it.polled()
    known = {entry["id"]: entry for entry in it.recorder.last(f"{ROOT}/devices").json}
    assert len([one for one in known.values() if one["kind"] == "battery"]) <= 3
    assert all(entry["via"] in known for entry in known.values() if entry["via"])
    await it.check()


async def test_a_report_that_is_missing_costs_nothing_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    it = await plant(
        bench, LEGACY, house=house(4, seed=1, ess=True), table=STORAGE | {"stale_after": 9.0}, ready=False
    )
    await it.state("site", lambda s: s.get("battery_power") is not None)
    altered(monkeypatch, lambda document: document.pop("ess_report"))
    since = it.recorder.mark()
    site = await it.state("site", lambda s: s["battery_power"] is None, since)
    assert site["pv_energy"] > 1000
    health = await it.health()
    assert (health["state"], health["refused"]) == ("ok", {})
    await it.check()


async def test_without_a_battery_nobody_asks_for_its_report(bench: Bench) -> None:
    it = await plant(bench, LEGACY, table=STORAGE)
    await it.polled(3)
    assert not [request for request in it.pvs.stats.requests if REPORT in request.path]


async def test_a_battery_is_the_same_after_an_update(bench: Bench) -> None:
    it = await plant(bench, LEGACY, house=house(4, seed=1, ess=True))  # its storage is asked once before the update
    before = await it.state("site", lambda s: s.get("battery_power") is not None)
    it.pvs.firmware = VARSERVER
    await it.service.says("it is read by varserver with login from now on")
    for _ in range(2):
        site = await it.go(it.sun.now + it.step)
    # Older firmware tells the power alone, by which nothing was told yet; then there are counters.
    site = await it.state("site", lambda s: s.get("battery_charge_energy") is not None)
    assert site["battery_discharge_energy"] > 0
    assert site["battery_power"] == pytest.approx(before["battery_power"], abs=100)
    assert site["state_of_charge"] == pytest.approx(before["state_of_charge"], abs=5)
    known = [entry for entry in it.recorder.last(f"{ROOT}/devices").json if entry["kind"] == "ess"]
    assert len(known) == 1, "not another one"
    await it.check()
