"""Meters that are absent, unused, dead, or measure something else."""

import pytest
from harness import ROOT, Bench
from traps.tools import BOTH, LEGACY, VARSERVER, at, plant
from traps.truth import announced

GRID_COUNTERS = ("import_energy", "export_energy")


def of_a_meter(entities: set[str]) -> set[str]:
    """Counters of the grid that a meter would have; the site's own are made of its power."""
    return {uid for uid in entities if uid.endswith(GRID_COUNTERS) and "_site_" not in uid}


async def test_a_meter_of_the_load_gives_the_grid_by_difference(bench: Bench) -> None:
    """Older firmware says how it was commissioned. After an update nothing says so, and nothing changes."""
    it = await plant(bench, LEGACY, traps={"line-side-meter"})
    it.truth.estimated |= {"grid_import_energy", "grid_export_energy"}
    it.truth.besides |= {(it.consumption, "power"), (it.consumption, "net_energy"), ("site", "load_power")}
    site = await it.state("site", lambda state: state.get("load_power"))
    assert site["load_power"] == pytest.approx(it.last(it.consumption)["power"])
    assert site["grid_power"] == pytest.approx(site["load_power"] - site["pv_power"], abs=0.01)
    await it.all_told()
    entities = announced(it.recorder.messages)
    assert not of_a_meter(entities), "the load is no import"
    it.pvs.firmware = VARSERVER
    await it.service.says("it is read by varserver with login from now on")
    for _ in range(3):
        site = await it.go(it.sun.now + it.step)
        assert site["grid_power"] == pytest.approx(site["load_power"] - site["pv_power"], abs=0.01)
    await it.recorder.fence()
    assert not of_a_meter(announced(it.recorder.messages))
    assert not [key for key in it.last(it.consumption) if key in GRID_COUNTERS]
    await it.check()


async def test_a_meter_that_nothing_is_known_of_is_not_taken_for_the_grid(bench: Bench) -> None:
    """Newer firmware from the beginning: neither load nor grid is made up of what only may be one of them."""
    it = await plant(bench, VARSERVER, traps={"line-side-meter"})
    for _ in range(2):
        site = await it.go(it.sun.now + it.step)
    assert site["pv_power"] > 100
    assert site.get("grid_power") is None
    assert site.get("load_power") is None


@pytest.mark.parametrize("firmware", BOTH)
@pytest.mark.parametrize("trap", ["no-consumption-meter", "unused-consumption-meter"])
async def test_without_a_consumption_meter_there_is_no_grid_and_no_load(
    bench: Bench, firmware: str, trap: str
) -> None:
    it = await plant(bench, firmware, traps={trap}, ready=False)
    await it.recorder.have("site", *it.panels)
    site = await it.go(it.sun.now + it.step)
    assert site["pv_power"] > 100
    await it.recorder.fence()
    of_site = {uid for uid in announced(it.recorder.messages) if uid.startswith("pvsmqtt_home_site_")}
    assert not {uid for uid in of_site if "grid" in uid or "load" in uid}
    if trap == "no-consumption-meter":
        assert not it.recorder.on(f"{ROOT}/{it.consumption}/state")


@pytest.mark.parametrize("firmware", BOTH)
async def test_the_panels_stand_in_for_a_dead_production_meter(bench: Bench, firmware: str) -> None:
    """They produce; 0 on its word would be a lie, and a load made of it another."""
    it = await plant(bench, firmware, traps={"dead-production-meter"})
    it.truth.besides.add(("site", "pv_energy"))  # wires lose a little between panels and meter
    site = await it.go(it.sun.now + it.step)

    def given() -> float:
        return sum(it.last(panel)["power"] for panel in it.panels)

    await it.recorder.feed.until(lambda: abs(given() - site["pv_power"]) <= 0.1 or None, "agreement", timeout=10)
    assert given() > 10 * len(it.panels)
    assert site["load_power"] == pytest.approx(site["pv_power"] + site["grid_power"], abs=0.1)
    for message in it.recorder.on(f"{ROOT}/site/state"):
        for key in ("pv_power", "pv_energy", "load_power"):
            assert message.json.get(key) is None or message.json[key] > 10, str(message)


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_production_meter_that_dies_keeps_what_it_has_counted(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    before = it.last("site")["pv_energy"]
    it.pvs.traps.add("dead-production-meter")
    it.truth.besides |= {(it.production, key) for key in ("power", "energy")}
    it.truth.besides |= {("site", key) for key in ("pv_power", "pv_energy", "load_power")}
    await it.go(it.sun.now + it.step)
    assert it.last("site")["pv_energy"] == pytest.approx(before)
    await it.check()


async def test_a_meter_that_is_missing_leaves_its_totals_unknown(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, when=at(18, 0, 1), table={"interval": 0.1, "stale_after": 2.0})
    before = it.last("site")
    assert before["grid_power"] is not None
    it.pvs.traps.add("no-consumption-meter")
    site = await it.state("site", lambda state: state["grid_power"] is None)
    assert site["load_power"] is None
    assert site["pv_power"] == before["pv_power"]
    assert site["grid_import_energy"] == before["grid_import_energy"]
    it.pvs.traps.clear()
    since = it.recorder.mark()
    assert (await it.state("site", lambda state: state["grid_power"] is not None, since))["load_power"] > 0
    await it.check()
