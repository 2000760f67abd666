"""What a PVS can bear, and what it does when it is asked too much, too often, or elsewhere."""

from datetime import timedelta

import pytest
from harness import Bench, device_ids, pvsmqtt
from traps.tools import BOTH, LEGACY, VARSERVER, at, plant
from traps.truth import announced


@pytest.mark.parametrize("firmware", BOTH)
async def test_a_slow_device_list_is_waited_for_and_asked_once_at_a_time(bench: Bench, firmware: str) -> None:
    slow = {"delay": 0.8} if firmware == LEGACY else {"vars_delay": 0.3}
    it = await plant(bench, firmware, table={"interval": 0.1}, **slow)
    await it.go(it.sun.now + it.step)
    assert it.pvs.stats.max_in_flight == 1
    assert (await it.health())["refused"] == {}
    await it.check()


async def test_polling_faster_than_the_equipment_can_bear_is_refused(bench: Bench) -> None:
    """Every interval has its least; only tests get around it."""
    for key in ("interval", "battery_interval", "live_poll"):
        service = bench.make_service(bench.settings(1, {"host": "127.0.0.1:1", key: 5}), fast=False)
        status, _, log = await pvsmqtt("check", "--config", str(service.file), env=service.env).run()
        assert status == 2
        assert f"pvs.0.{key}" in log or key in log


@pytest.mark.parametrize("firmware", BOTH)
async def test_memory_is_told(bench: Bench, firmware: str) -> None:
    it = await plant(bench, firmware)
    key = "memory_used" if firmware == LEGACY else "memory_usage"
    state = await it.state(it.supervisor, lambda state: state.get(key))
    assert state[key] > 0


@pytest.mark.parametrize("firmware", BOTH)
@pytest.mark.parametrize("fault", ["http-503", "reset", "refuse", "half-closed"])
async def test_refusals_while_it_is_busy_change_nothing(bench: Bench, firmware: str, fault: str) -> None:
    it = await plant(bench, firmware)
    since = it.recorder.mark()
    it.pvs.fault = fault
    await it.health(lambda source: source["state"] == "failing")
    it.pvs.fault = None
    await it.go(it.sun.now + it.step)
    assert (await it.health())["state"] == "ok"
    assert not [m for m in it.recorder.messages[since:] if m.topic.endswith("/status") and m.text == "offline"]
    await it.check()


async def test_a_net_counter_falls_while_the_house_exports(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, when=at(16, 1))
    seen = [it.last(it.consumption)["net_energy"]]
    for minute in range(6, 60, 25):
        await it.go(at(17, minute))
        await it.polled(1)
        seen.append(it.last(it.consumption)["net_energy"])
    await it.check()
    assert seen[-1] < seen[0], "it is published as it is"
    message = it.recorder.last(f"homeassistant/device/pvsmqtt_{it.consumption}/config")
    assert message.json["components"]["net_energy"]["state_class"] == "total"


async def test_another_address_is_the_same_house(bench: Bench) -> None:
    """The owner corrects the address: not one entity is another one."""
    it = await plant(bench, VARSERVER)
    await it.all_told()
    entities = announced(it.recorder.messages)
    moved = await bench.pvs(house=it.pvs.house, firmware=VARSERVER, https=True, clock=it.sun)
    await it.pvs.stop()
    since = it.recorder.mark()
    await it.service.reload(pvs=[{**it.service.settings["pvs"][0], "host": moved.https_url}])
    it.sun.now += timedelta(minutes=10)
    await it.go(it.sun.now)
    assert all(it.online(device) for device in device_ids(moved))
    await it.check()
    assert announced(it.recorder.messages) == entities
    assert not [m for m in it.recorder.messages[since:] if m.topic.startswith("homeassistant/") and not m.payload]
