"""What a PVS stores on flash: how worn and how full it is, and a variable for it that never answers."""

import json

import pytest
from harness import Bench
from traps.tools import LEGACY, VARSERVER, plant

from pvsmqtt.simulator.pvs.newer import variables
from pvsmqtt.simulator.pvs.newer.names import FLASHWEAR

SOON = {"pvsmqtt.sources.pvs.access.requests.QUICK": 0.5}


async def test_flash_wear_that_hangs_costs_nothing_but_itself(bench: Bench) -> None:
    """It is asked for once, on its own, and after a restart of the service not again."""
    it = await plant(bench, VARSERVER, patch=SOON, traps={"hanging-flashwear"})
    state = await it.state(it.supervisor, lambda state: state.get("uptime"))
    assert state["flash_usage"] is not None
    assert state["usb_erase_count"] == 3
    assert "flash_wear" not in state
    assert _asked(it.pvs) == 1
    await it.service.stop()
    since, asked = it.recorder.mark(), it.pvs.stats.kinds["vars"].requests
    await it.service.start()
    await it.state(it.supervisor, lambda state: state.get("uptime"), since)
    await it.pvs.wait_until(lambda stats: stats.kinds["vars"].requests > asked + 6)
    assert _asked(it.pvs) == 1, "it is remembered"
    assert (await it.health())["refused"] == {}
    await it.check()


async def test_flash_wear_is_told_and_a_worn_flash_is_a_problem(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = await plant(bench, VARSERVER)
    state = await it.state(it.supervisor, lambda state: state.get("flash_wear"))
    assert state["flash_wear"] == 50
    assert state["flash_problem"] == "off"
    told = variables.of_supervisor

    def worn(*how: object) -> object:
        return told(*how) | {FLASHWEAR: "0x09"}  # type: ignore[arg-type]

    monkeypatch.setattr(variables, "of_supervisor", worn)
    state = await it.state(it.supervisor, lambda state: state.get("flash_wear") == 90)
    assert state["flash_problem"] == "on"


async def test_a_flash_that_is_nearly_full_of_request_logs_is_a_problem(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pvsmqtt.simulator.pvs.older import dl_cgi

    it = await plant(bench, LEGACY)
    state = await it.state(it.supervisor, lambda state: state.get("flash_problem"))
    assert state["flash_problem"] == "off"
    told = dl_cgi.device_list

    def full(*how: object) -> bytes:
        document = json.loads(told(*how))  # type: ignore[arg-type]
        document["devices"][0]["dl_flash_avail"] = "500"
        return json.dumps(document).encode()

    monkeypatch.setattr(dl_cgi, "device_list", full)
    assert await it.state(it.supervisor, lambda state: state["flash_problem"] == "on")


def _asked(pvs: object) -> int:
    return sum(FLASHWEAR in request.path for request in pvs.stats.requests)  # type: ignore[attr-defined]
