"""How the service ends, reads its configuration again, and speaks to systemd."""

import signal
import time
from pathlib import Path

import pytest
from harness import ROOT, Bench, device_ids, is_offline, is_online, retained
from harness.notified import systemd

from pvsmqtt.simulator.pvs.house.house import House

STATUS = f"{ROOT}/status"
SOON = 5.0


async def running(bench: Bench, **how):
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, **how)
    await recorder.have("site", *device_ids(pvs))
    return broker, pvs, recorder, service


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_clean_end(bench: Bench, number: int) -> None:
    broker, pvs, recorder, service = await running(bench)
    mark, began = recorder.mark(), time.monotonic()
    service.signal(number)
    assert await service.exit(SOON) == 0
    assert time.monotonic() - began < SOON
    await recorder.wait(STATUS, is_offline, mark)
    await recorder.fence()
    assert [m.text for m in recorder.on(STATUS, mark)] == ["offline"], "said by the service, not by its will as well"
    kept = await retained(broker.port)
    assert kept[STATUS] == "offline"
    assert f"{ROOT}/{device_ids(pvs)[0]}/state" in kept
    assert not service.said("Traceback")


async def test_end_while_the_broker_is_frozen(bench: Bench) -> None:
    broker, _, _, service = await running(bench)
    broker.freeze()
    service.signal(signal.SIGTERM)
    assert await service.exit(SOON) == 0


async def test_end_while_the_pvs_hangs(bench: Bench) -> None:
    _, pvs, recorder, service = await running(bench)
    pvs.fault = "hang"
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists > served and stats.in_flight > 0)
    mark = recorder.mark()
    service.signal(signal.SIGTERM)
    assert await service.exit(SOON) == 0
    await recorder.wait(STATUS, is_offline, mark)


async def test_end_while_no_broker_answers(bench: Bench) -> None:
    broker, pvs = await bench.broker(start=False), await bench.pvs()
    line = await bench.proxy(broker.port)
    line.set("hole")
    service = await bench.service(line.port, pvs.port)
    await line.accepted.until(lambda: True if line.accepted.items else None, "try to connect")
    service.signal(signal.SIGTERM)
    assert await service.exit(SOON) == 0


async def test_reload_of_names(bench: Bench) -> None:
    _, pvs, recorder, service = await running(bench)
    serial = pvs.house.serials.inverters[0]
    mark = recorder.mark()
    await service.reload(names={serial: "South roof 1"})
    topic = f"homeassistant/device/pvsmqtt_{serial.lower()}/config"
    await recorder.wait(topic, lambda m: m.json["device"]["name"] == "South roof 1", mark)
    await recorder.wait(f"{ROOT}/devices", lambda m: "South roof 1" in m.text, mark)
    assert not recorder.on(STATUS, mark), "a new name is no reason to leave the broker"


async def test_reload_of_the_ignore_list(bench: Bench) -> None:
    broker, pvs, recorder, service = await running(bench)
    serial = pvs.house.serials.inverters[0]
    panel = serial.lower()
    mark = recorder.mark()
    await service.reload(ignore=[serial])
    for topic in (
        f"homeassistant/device/pvsmqtt_{panel}/config",
        f"{ROOT}/{panel}/state",
        f"{ROOT}/{panel}/status",
    ):
        await recorder.wait(topic, lambda m: m.payload == b"" and m.retain, mark)
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 3)
    kept = await retained(broker.port)
    assert not [topic for topic in kept if panel in topic]
    assert panel not in kept[f"{ROOT}/devices"]
    mark = recorder.mark()
    await service.reload(ignore=[])
    await recorder.have(panel, since=mark)
    assert recorder.on(f"homeassistant/device/pvsmqtt_{panel}/config", mark)[-1].payload


async def test_reload_of_the_base_topic(bench: Bench) -> None:
    broker, pvs, recorder, service = await running(bench)
    mark = recorder.mark()
    await service.reload(mqtt={"base_topic": "energy/roof"})
    await recorder.wait("energy/roof/home/status", is_online, mark)
    await recorder.have("site", *device_ids(pvs), root="energy/roof/home", since=mark)
    await recorder.fence()
    kept = await retained(broker.port)
    assert not [topic for topic in kept if topic.startswith(ROOT)], "what stood below the old base is gone"
    assert '"energy/roof/home/site/state"' in kept["homeassistant/device/pvsmqtt_home_site/config"]


async def test_reload_of_the_pvs(bench: Bench) -> None:
    _, old, recorder, service = await running(bench)
    new = await bench.pvs(house=House(2, seed=5))
    await service.reload(pvs=[{"host": f"127.0.0.1:{new.port}", "interval": 0.3}])
    await recorder.have(*device_ids(new))
    served = old.stats.device_lists
    again = new.stats.device_lists
    await new.wait_until(lambda stats: stats.device_lists >= again + 3)
    assert old.stats.device_lists <= served + 1
    await recorder.wait(f"{ROOT}/info", lambda m: m.json["sources"][0]["name"] == f"pvs 127.0.0.1:{new.port}")


async def test_reload_of_the_interval(bench: Bench) -> None:
    _, pvs, _, service = await running(bench, interval=3000)
    served = pvs.stats.device_lists
    assert served == 1
    await service.reload(pvs=[{"host": f"127.0.0.1:{pvs.port}", "interval": 0.2}])
    await pvs.wait_until(lambda stats: stats.device_lists >= 4)


async def test_a_bad_file_changes_nothing(bench: Bench) -> None:
    _, pvs, recorder, service = await running(bench)
    mark = recorder.mark()
    await service.reload(says="the old one stays in force", mqtt={"prot": 1883})
    assert service.said("mqtt.prot")
    assert service.said("did you mean `port`?")
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 2)
    assert service.running
    assert not recorder.on(STATUS, mark)
    service.settings["mqtt"].pop("prot")
    await service.reload(names={pvs.house.serials.inverters[0]: "Mended"})
    await recorder.wait(f"{ROOT}/devices", lambda m: "Mended" in m.text)


async def test_a_file_that_is_gone_changes_nothing(bench: Bench) -> None:
    _, pvs, _, service = await running(bench)
    service.file.unlink()
    service.signal(signal.SIGHUP)
    await service.says("there is no such file")
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 2)


async def test_discovery_switched_off(bench: Bench) -> None:
    broker, _, recorder, service = await running(bench)
    mark = recorder.mark()
    await service.reload(home_assistant={"discovery": False})
    await recorder.wait(STATUS, is_online, mark)
    assert not [topic for topic in await retained(broker.port) if topic.startswith("homeassistant/")]


async def test_systemd_is_told(bench: Bench, tmp_path: Path) -> None:
    async with systemd(tmp_path) as (address, notified):
        _, _, _, service = await running(bench, env={"NOTIFY_SOCKET": str(address)})
        await notified.told("READY=1")
        await notified.told("WATCHDOG=1")
        assert "STOPPING=1" not in notified.feed.items
        await service.stop()
        await notified.told("STOPPING=1")


async def test_ready_without_broker_and_pvs(bench: Bench, tmp_path: Path) -> None:
    """A broker or a PVS that is away is no reason for systemd to give the service up."""
    async with systemd(tmp_path) as (address, notified):
        await bench.service(1, 1, env={"NOTIFY_SOCKET": str(address)})
        await notified.told("READY=1")
        await notified.told("WATCHDOG=1")


async def test_a_bad_configuration_at_the_start(bench: Bench) -> None:
    service = bench.make_service(bench.settings(1, 1, interval=None, mqtt={"port": 70000}))
    await service.start()
    assert await service.exit() == 2
    assert service.said("mqtt.port")
