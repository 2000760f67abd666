"""In which order a subscriber learns of everything."""

import json

import pytest
from harness import ROOT, Bench, Recorder, Seen, device_ids, is_online

from pvsmqtt.simulator.pvs.house.house import House

QUICK_BIRTH = {"pvsmqtt.sinks.mqtt.births.DELAY": (0.2, 0.4)}
BIRTH = "homeassistant/status"
STATUS = f"{ROOT}/status"


def step(message: Seen) -> str:
    """Which step of an announcement a message belongs to."""
    if message.topic.startswith("homeassistant/device/"):
        return "discovery"
    kind = message.topic.removeprefix(f"{ROOT}/").split("/")
    return {"state": "states", "status": "statuses"}[kind[1]] if len(kind) == 2 else kind[0]


def discovered(messages: list[Seen]) -> list[str]:
    return [m.topic.split("/")[2] for m in messages if step(m) == "discovery"]


def check_announcement(messages: list[Seen], devices: list[str]) -> None:
    """Everything in its order, every device in every step, nobody twice. Readings have a stream of their own."""
    messages = [m for m in messages if step(m) != "readings"]
    steps = list(dict.fromkeys(step(m) for m in messages))
    assert [s for s in steps if s != "health"] == ["info", "devices", "discovery", "statuses", "states", "status"]
    for which in ("discovery", "statuses", "states"):
        run = [index for index, m in enumerate(messages) if step(m) == which]
        assert run == list(range(run[0], run[0] + len(run))), f"{which} are mixed with other steps"
    assert messages[-1].topic == STATUS
    assert messages[-1].text == "online"
    ids = discovered(messages)
    assert ids[:3] == ["pvsmqtt_home_bridge", "pvsmqtt_home_site", f"pvsmqtt_{devices[0]}"]
    assert sorted(ids[3:]) == sorted(f"pvsmqtt_{device}" for device in devices[1:])
    statuses = [m.topic.split("/")[2] for m in messages if step(m) == "statuses"]
    assert sorted(statuses) == sorted(["site", *devices])
    states = [m.topic.split("/")[2] for m in messages if step(m) == "states"]
    assert sorted(states) == sorted(["bridge", "site", *devices])
    assert {entry["id"] for entry in next(m for m in messages if step(m) == "devices").json} == set(states)


async def announcement(recorder: Recorder, since: int = 0) -> list[Seen]:
    """The messages from `since` up to the service's `online`."""
    online = await recorder.wait(STATUS, is_online, since)
    whole = recorder.messages[since:]
    return [m for m in whole[: whole.index(online) + 1] if m.topic not in (BIRTH, f"{ROOT}/health")]


async def test_order_on_connect(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    line = await bench.proxy(broker.port, start=False)
    service = await bench.service(line.port, pvs.port)
    await service.says("new devices")
    await line.start()
    check_announcement(await announcement(recorder), device_ids(pvs))


async def test_parents_are_announced_before_their_children(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(house=House(2, ess=True))
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    line = await bench.proxy(broker.port, start=False)
    service = await bench.service(line.port, pvs.port)
    await service.says("new devices")
    await line.start()
    known: set[str] = set()
    for message in await announcement(recorder):
        if step(message) == "discovery":
            device = message.json["device"]
            assert device.get("via_device") in (known or {None})
            known.add(device["identifiers"][0])
    assert len(known) > 6


async def test_birth_brings_everything_again_after_some_delay(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await bench.service(broker.port, pvs.port)
    devices = device_ids(pvs)
    await recorder.have("site", *devices)
    mark = recorder.mark()
    await recorder.publish(BIRTH, "online")
    born = (await recorder.wait(BIRTH, since=mark)).at
    replay = await announcement(recorder, mark)
    # The states of the first poll may still have been on their way.
    replay = replay[next(i for i, m in enumerate(replay) if step(m) == "info") :]
    check_announcement(replay, devices)
    assert 1.9 < replay[0].at - born < 10


async def test_many_births_give_one_replay(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await bench.service(broker.port, pvs.port, patch={"pvsmqtt.sinks.mqtt.births.DELAY": (1.0, 1.2)})
    await recorder.have("site", *device_ids(pvs))
    mark = recorder.mark()
    for _ in range(4):
        await recorder.publish(BIRTH, "online")
    await announcement(recorder, mark)
    await recorder.silence(lambda m: m.topic == STATUS, 2.0, since=recorder.mark())


async def test_a_birth_after_a_replay_gives_another(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await bench.service(broker.port, pvs.port, patch=QUICK_BIRTH)
    await recorder.have("site", *device_ids(pvs))
    for _ in range(2):
        mark = recorder.mark()
        await recorder.publish(BIRTH, "online")
        assert "discovery" in map(step, await announcement(recorder, mark))


async def test_a_retained_birth_and_a_death_are_no_birth(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await recorder.publish(BIRTH, "online", retain=True)
    await bench.service(broker.port, pvs.port, patch=QUICK_BIRTH)
    await recorder.have("site", *device_ids(pvs))
    await recorder.publish(BIRTH, "offline")
    await recorder.silence(lambda m: m.topic == STATUS, 1.5, since=recorder.mark())


async def test_another_birth_topic(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    mine = {"birth_topic": "ha/birth", "discovery_prefix": "ha"}
    await bench.service(broker.port, pvs.port, patch=QUICK_BIRTH, home_assistant=mine)
    await recorder.have("site", *device_ids(pvs))
    mark = recorder.mark()
    await recorder.publish("ha/birth", "online")
    await recorder.wait(STATUS, is_online, mark)
    assert recorder.on("ha/device/pvsmqtt_home_site/config", mark)
    assert not [m for m in recorder.messages if m.topic.startswith("homeassistant/")]


async def test_new_devices_are_announced_before_their_state(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(house=House(2))
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await bench.service(broker.port, pvs.port)
    before = device_ids(pvs)
    await recorder.have("site", *before)
    mark = recorder.mark()
    pvs.house = House(4)
    new = [device for device in device_ids(pvs) if device not in before]
    assert len(new) == 2
    await recorder.have(*new, since=mark)
    for device in new:
        topics = [m.topic for m in recorder.messages[mark:] if device in m.topic]
        assert topics[:3] == [
            f"homeassistant/device/pvsmqtt_{device}/config",
            f"{ROOT}/{device}/status",
            f"{ROOT}/{device}/state",
        ]
        listed = next(i for i, m in enumerate(recorder.messages) if i >= mark and device in m.text)
        assert recorder.messages[listed].topic == f"{ROOT}/devices"
        announced = json.loads(recorder.on(topics[0])[-1].text)
        assert announced["device"]["via_device"] == f"pvsmqtt_{before[0]}"


@pytest.mark.parametrize("known_before", [False, True])
async def test_online_comes_only_when_everything_is_there(bench: Bench, known_before: bool) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    service = await bench.service(broker.port, pvs.port)
    first = await bench.recorder(broker.port)
    await first.have("site", *device_ids(pvs))
    await service.stop()
    if not known_before:
        (service.state_dir / "devices.json").unlink()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#", "homeassistant/#")
    await recorder.fence()
    mark = recorder.mark()
    await service.start()
    messages = await announcement(recorder, mark)
    there = set(discovered(messages))
    assert "pvsmqtt_home_bridge" in there
    assert known_before <= {f"pvsmqtt_{device}" for device in device_ids(pvs)}.issubset(there)
