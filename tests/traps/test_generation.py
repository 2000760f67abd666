"""What a PVS speaks is decided by its build alone, and the decision is there to be read."""

from datetime import datetime

import pytest
from harness import NOON, Bench
from traps.tools import LEGACY, QUICK, VARSERVER, Code, house, plant

SHORT = "__import__('dataclasses').replace(m.{}, timeout=0.3)"
SOON_OUT_OF_PATIENCE = {
    "pvsmqtt.sources.pvs.access.requests.QUICK": 0.3,
    "pvsmqtt.sources.pvs.access.requests.MODEST": 0.3,
    "pvsmqtt.sources.pvs.generation.SUPERVISOR_INFO": Code(SHORT.format("SUPERVISOR_INFO")),
    "pvsmqtt.sources.pvs.access.login.LOG_IN": Code(SHORT.format("LOG_IN")),
    "pvsmqtt.sources.pvs.review.WHILE_FAILING": 0.5,
}
"""A short silence is a time-out, and while that lasts it is asked every half a second what the PVS is."""


@pytest.mark.parametrize("fault", ["vars-401", "http-503", "vars-500", "vars-hang", "hang", "html", "login-404"])
async def test_no_failure_of_newer_firmware_makes_it_an_old_one(bench: Bench, fault: str) -> None:
    it = await plant(bench, VARSERVER, patch=SOON_OUT_OF_PATIENCE)
    decision = (await it.health())["interface"]
    it.pvs.fault = fault
    it.pvs.sessions.clear()
    failing = await it.health(lambda source: source["state"] == "failing" and sum(source["refused"].values()) > 4)
    assert failing["interface"] == decision, "the same, of the same moment"
    it.pvs.fault = None
    since = it.recorder.mark()
    await it.recorder.wait("pvsmqtt/home/health", lambda m: m.json["sources"][0]["state"] == "ok", since)
    assert (await it.health())["interface"] == decision
    assert it.pvs.stats.device_lists == 0, "nobody ever asked for the list of old firmware"
    await it.check()


@pytest.mark.parametrize("fault", ["http-403", "http-500", "mime-error"])
async def test_no_failure_of_older_firmware_makes_it_a_new_one(bench: Bench, fault: str) -> None:
    it = await plant(bench, LEGACY, patch=SOON_OUT_OF_PATIENCE)
    decision = (await it.health())["interface"]
    it.pvs.fault = fault
    failing = await it.health(lambda source: source["state"] == "failing" and sum(source["refused"].values()) > 4)
    assert failing["interface"] == decision
    assert "power-cycle" in failing["message"]
    it.pvs.fault = None
    await it.health(lambda source: source["state"] == "ok")
    assert it.pvs.stats.logins == it.pvs.stats.failed_logins == 0, "nobody ever tried to log in"
    await it.check()


async def test_the_decision_is_told_with_its_reason_and_its_time(bench: Bench) -> None:
    it = await plant(bench, VARSERVER)
    interface = (await it.health(lambda source: source["interface"]))["interface"]
    assert interface["generation"] == "varserver"
    assert interface["model"] == "PVS6"
    assert interface["firmware"] == "2025.09, Build 61845"
    assert interface["build"] == 61845
    assert interface["reason"] == "PVS6, firmware 2025.09, Build 61845 let us log in"
    assert datetime.fromisoformat(interface["decided_at"]).tzinfo is not None


async def test_a_service_that_starts_while_nobody_answers_keeps_what_it_knew(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, patch=SOON_OUT_OF_PATIENCE)
    await it.service.stop()
    it.pvs.fault = "http-503"
    await it.service.start()
    failing = await it.health(lambda source: source["state"] == "failing" and source["interface"] is not None)
    assert failing["interface"]["generation"] == "varserver"
    assert failing["interface"]["reason"].endswith("(as known before)")
    it.pvs.fault = None
    await it.health(lambda source: source["state"] == "ok")
    assert it.pvs.stats.device_lists == 0
    await it.check()


async def test_every_firmware_is_known_by_model_and_build(bench: Bench) -> None:
    """One service for a PVS of each kind: 5412 is new on a PVS5, 5000 was old on a PVS6."""
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    kinds = {
        "4150": "legacy",
        "61839": "legacy",
        "61840": "varserver",
        "61846": "varserver",
        "pvs5-4990": "legacy",
        "pvs5-5408": "varserver",
        "pvs5-5412": "varserver",
    }
    tables = []
    for seed, name in enumerate(kinds, start=1):
        pvs = await bench.pvs(house=house(2, seed), firmware=name, https=True, clock=lambda: NOON)
        tables.append({"host": pvs.https_url, "site": name})
    await bench.service(broker.port, *tables, patch=QUICK)
    for table, generation in zip(tables, kinds.values(), strict=True):
        message = await recorder.wait(
            "pvsmqtt/home/health",
            lambda m, host=table["host"]: any(
                s["name"] == f"pvs {host}" and s["state"] == "ok" for s in m.json["sources"]
            ),
        )
        found = next(s for s in message.json["sources"] if s["name"] == f"pvs {table['host']}")
        assert found["interface"]["generation"] == generation, found["interface"]
        site = f"site_{table['site'].replace('-', '_')}"
        state = (await recorder.wait(f"pvsmqtt/home/{site}/state", lambda m: m.json.get("pv_power"))).json
        assert state["pv_power"] > 100
