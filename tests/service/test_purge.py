"""Purging takes away what one instance owns, and nothing else."""

import json
from pathlib import Path

from harness import Bench, device_ids, is_offline, pvsmqtt, retained

from pvsmqtt.simulator.pvs.house.house import House

STRANGERS = {
    "pvsmqtt/home_too/status": "online",
    "pvsmqtt/home/garage/state": "{}",
    "pvsmqtt/homer": "doh",
    "pvsmqtt/settings": "{}",
    "homeassistant/sensor/kitchen/config": '{"name": "Kitchen"}',
    "homeassistant/device/kitchen/config": json.dumps(
        {"origin": {"name": "kitchen"}, "state_topic": "pvsmqtt/home/x/state"}
    ),
    "homeassistant/device/pvsmqtt_other/config": json.dumps(
        {"origin": {"name": "pvsmqtt"}, "state_topic": "pvsmqtt/home_too/other/state"}
    ),
    "homeassistant/device/pvsmqtt_broken/config": "no JSON",
    "homeassistant/device/pvsmqtt_list/config": "[1]",
}


async def test_purge_takes_what_one_instance_owns(bench: Bench, tmp_path: Path) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    for topic, payload in STRANGERS.items():
        await recorder.publish(topic, payload, retain=True)
    home_pvs, barn_pvs = await bench.pvs(), await bench.pvs(house=House(2, seed=3))
    home = await bench.service(broker.port, home_pvs.port)
    barn = await bench.service(broker.port, barn_pvs.port, instance="barn", state_dir=str(tmp_path / "barn"))
    await recorder.have("site", *device_ids(home_pvs))
    await recorder.have("site", *device_ids(barn_pvs), root="pvsmqtt/barn")

    status, _, log = await pvsmqtt("purge", "--config", str(home.file)).run()
    assert status == 1
    assert "home is online: stop the service first" in log
    assert len(log.splitlines()) == 1
    assert "pvsmqtt/home/site/state" in await retained(broker.port)

    await home.stop()
    before = await retained(broker.port)
    status, out, log = await pvsmqtt("purge", "--config", str(home.file)).run()
    assert (status, log) == (0, "")
    after = await retained(broker.port)
    gone = before.keys() - after.keys()
    assert str(len(gone)) in out
    devices = device_ids(home_pvs)
    discovery = [f"homeassistant/device/pvsmqtt_{device}/config" for device in ("home_bridge", "home_site", *devices)]
    assert gone == {topic for topic in before if topic.startswith("pvsmqtt/home/")} - STRANGERS.keys() | set(
        discovery
    )
    assert STRANGERS.items() <= after.items()
    assert "pvsmqtt/barn/site/state" in after
    assert "homeassistant/device/pvsmqtt_barn_bridge/config" in after
    assert f"homeassistant/device/pvsmqtt_{device_ids(barn_pvs)[0]}/config" in after
    assert not (home.state_dir / "announced.json").exists()

    status, out, _ = await pvsmqtt("purge", "--config", str(home.file)).run()
    assert status == 0
    assert out.startswith("0 retained topics")

    await barn.kill()
    await recorder.wait("pvsmqtt/barn/status", is_offline)
    status, _, _ = await pvsmqtt("purge", "--config", str(barn.file)).run()
    assert status == 0
    assert await retained(broker.port) == STRANGERS


async def test_all_comes_back_after_a_purge(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch={"pvsmqtt.service.TICK": 0.5})
    await recorder.have("site", *device_ids(pvs))
    await recorder.wait("pvsmqtt/home/health")
    await service.stop()
    before = (await retained(broker.port)).keys()
    assert (await pvsmqtt("purge", "--config", str(service.file)).run())[0] == 0
    mark = recorder.mark()
    await service.start()
    await recorder.have("site", *device_ids(pvs), since=mark)
    await recorder.wait("pvsmqtt/home/health", since=mark)
    await recorder.fence()
    assert (await retained(broker.port)).keys() == before


async def test_purge_by_force_of_what_only_seems_to_run(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    await recorder.have("site", *device_ids(pvs))
    await service.stop()
    await recorder.publish("pvsmqtt/home/status", "online", retain=True)
    assert (await pvsmqtt("purge", "--config", str(service.file)).run())[0] == 1
    assert (await pvsmqtt("purge", "--force", "--config", str(service.file)).run())[0] == 0
    assert await retained(broker.port) == {}


async def test_purge_without_a_broker(bench: Bench) -> None:
    service = bench.make_service(bench.settings(1, 1))
    status, out, log = await pvsmqtt("purge", "--config", str(service.file)).run()
    assert (status, out) == (1, "")
    assert "no broker answers at 127.0.0.1:1" in log


async def test_purge_of_an_embedded_broker(bench: Bench) -> None:
    service = bench.make_service(bench.settings(1, 1, mqtt={"host": "embedded"}))
    status, _, log = await pvsmqtt("purge", "--config", str(service.file)).run()
    assert status == 1
    assert "keeps nothing" in log
