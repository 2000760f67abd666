"""Brokers, supervisors and networks that fail, and what a subscriber sees of it afterwards."""

import asyncio
from collections import Counter

import pytest
from harness import NOON, ROOT, Bench, Recorder, Service, device_ids, free_port, is_offline, is_online, retained
from traps.tools import Code

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

STATUS = f"{ROOT}/status"
QUICK = {
    "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 1.0,
    "pvsmqtt.broker.pauses.LADDERS": {"login": (0.5,), "taken_over": (0.5, 1.0)},
}
"""A service that was refused a few times would come back within half a minute, one whose login was refused within
five; here within a second."""

IMPATIENT = {
    "pvsmqtt.sources.pvs.older.reader.DEVICE_LIST": Code(
        "__import__('dataclasses').replace(m.DEVICE_LIST, timeout=1.5)"
    )
}
"""A DeviceList is given up after 1.5 s in place of 120."""


async def same_as_the_house(recorder: Recorder, pvs: PvsSimulator, since: int = 0) -> None:
    """Everything is online, and the site's numbers are those that the house has now."""
    state = pvs.house.at(pvs.now())
    await recorder.have("site", *device_ids(pvs), since=since)
    for panel in state.inverters:
        await recorder.wait(
            f"{ROOT}/{panel.serial.lower()}/state",
            lambda m, kwh=panel.energy: m.json["energy"] == pytest.approx(kwh, abs=0.001),
            since,
        )
    await recorder.wait(
        f"{ROOT}/site/state",
        lambda m: (m.json["pv_power"] or 0) == pytest.approx(state.production.power * 1000, abs=2),
        since,
    )


async def test_broker_absent_at_the_start(bench: Bench) -> None:
    broker, pvs = await bench.broker(start=False), await bench.pvs()
    service = await bench.service(broker.port, pvs.port, patch=QUICK)
    complaint = await service.says(f"no broker answers at 127.0.0.1:{broker.port}")
    assert "check host and port in [mqtt]" in complaint
    await pvs.wait_until(lambda stats: stats.device_lists >= 3)
    await broker.start()
    recorder = await bench.recorder(broker.port)
    await same_as_the_house(recorder, pvs)
    assert len(service.said("no broker answers")) == 1, "said once, not at every try"


async def test_broker_killed_and_started_again(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(house=House(3))
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=QUICK)
    await same_as_the_house(recorder, pvs)
    await broker.kill()
    await service.says("connection to the broker lost")
    # The world goes on meanwhile: what the subscriber gets afterwards is new, and new only.
    pvs.clock = lambda: NOON.replace(hour=20)
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 3)
    await broker.start()
    recorder = await bench.recorder(broker.port)
    await same_as_the_house(recorder, pvs)
    for device in ("site", *device_ids(pvs)):
        for message in recorder.on(f"{ROOT}/{device}/state"):
            assert message.json["measured_at"] >= "2026-06-21T19", f"stale: {message}"


async def test_the_will_is_seen_when_the_service_dies(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    await same_as_the_house(recorder, pvs)
    mark = recorder.mark()
    await service.kill()
    will = await recorder.wait(STATUS, is_offline, mark)
    assert will.retain
    assert will.qos == 1
    assert (await retained(broker.port))[STATUS] == "offline"
    mark = recorder.mark()
    await service.start()
    await recorder.wait(STATUS, is_online, mark)


async def test_the_will_is_seen_when_the_line_breaks(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    line = await bench.proxy(broker.port)
    await bench.service(line.port, pvs.port)
    await same_as_the_house(recorder, pvs)
    mark = recorder.mark()
    line.set("reset")
    line.set("pass")
    await recorder.wait(STATUS, is_offline, mark)
    await same_as_the_house(recorder, pvs, mark)
    await recorder.wait(STATUS, is_online, mark)


@pytest.mark.slow
async def test_broker_frozen_and_woken(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port, f"{ROOT}/#")
    service = await bench.service(broker.port, pvs.port, patch=QUICK, mqtt={"keepalive": 5})
    await same_as_the_house(recorder, pvs)
    mark = recorder.mark()
    broker.freeze()
    await service.says("connection to the broker lost")
    pvs.clock = lambda: NOON.replace(hour=20)
    broker.wake()
    # While it slept the broker kept what had been sent; all of it comes, and the last word is the truth.
    await recorder.wait(STATUS, is_offline, mark)
    await recorder.wait(STATUS, is_online, mark)
    await same_as_the_house(recorder, pvs, mark)
    kept = await retained(broker.port, STATUS)
    assert kept[STATUS] == "online"


async def test_silence_of_a_broker_that_spoke_mqtt_5_does_not_change_the_version_for_good(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    line = await bench.proxy(broker.port)
    service = await bench.service(
        line.port, pvs.port, patch={**QUICK, "pvsmqtt.broker.connection._TIMEOUT": 0.5}, mqtt={"keepalive": 5}
    )
    await service.says("with MQTT 5")
    line.set("hole")
    await service.says("no broker answers")
    tries = len(line.accepted.items)
    await line.accepted.until(lambda: True if len(line.accepted.items) > tries else None, "next try")
    mark = len(service.log.items)
    line.set("pass")
    await service.says("connected to the broker", mark)
    mark = len(service.log.items)
    line.set("reset")
    line.set("pass")
    assert (await service.says("connected to the broker", mark)).endswith("MQTT 5")


async def test_wrong_password_until_the_broker_is_corrected(bench: Bench) -> None:
    broker, pvs = await bench.broker({"solar": "other"}), await bench.pvs()
    login = {"username": "solar", "password": "right secret"}
    service = await bench.service(broker.port, pvs.port, patch=QUICK, mqtt=login)
    complaint = await service.says("refused this user")
    assert "check username and password in [mqtt]" in complaint
    await broker.kill()
    broker.set_users({"solar": "right secret"})
    await broker.start()
    recorder = await bench.recorder(broker.port, user="solar", password="right secret")
    await same_as_the_house(recorder, pvs)
    assert not service.said("right secret")


async def test_pvs_absent_at_the_start(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(start=False)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    await recorder.wait(STATUS, is_online)
    await service.says("cannot connect to")
    await pvs.start()
    await same_as_the_house(recorder, pvs)
    assert len(service.said("cannot connect to")) == 1
    await service.says("works again")


async def test_pvs_process_killed_and_started_again(bench: Bench) -> None:
    broker, port = await bench.broker(), free_port()
    recorder = await bench.recorder(broker.port)
    pvs = await bench.pvs_process("--start", "2026-06-21T18:00", port=port)
    service = await bench.service(broker.port, port)
    before = (await recorder.wait(f"{ROOT}/site/state", lambda m: m.json.get("pv_power"))).json
    await pvs.kill()
    await service.says("cannot connect to")
    mark = recorder.mark()
    await bench.pvs_process("--start", "2026-06-21T20:00", port=port)
    after = (await recorder.wait(f"{ROOT}/site/state", lambda m: m.json.get("pv_power"), mark)).json
    assert after["measured_at"] > before["measured_at"]
    assert after["pv_energy"] > before["pv_energy"]
    await service.says("works again")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("http-503", "HTTP 503"),
        ("http-403", "power-cycle the PVS"),
        ("http-500", "data logger crashed"),
        ("reset", "broke off"),
        ("refuse", "broke off"),
        ("half-closed", "damaged or cut off"),
        ("html", "web page"),
        ("truncated", "damaged or cut off"),
        ("mime-error", "Could not connect to mime"),
        ("endless", "larger than"),
        ("huge", "larger than"),
        ("deep", "damaged or cut off"),
        ("empty", "empty reply"),
        ("wrong-shape", "no list of devices"),
    ],
)
async def test_fault_of_the_pvs_on_and_off(bench: Bench, fault: str, reason: str) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    await same_as_the_house(recorder, pvs)
    mark = recorder.mark()
    pvs.fault = fault
    await service.says(reason)
    served = len(pvs.stats.requests)
    if fault != "refuse":
        await pvs.wait_until(lambda stats: len(stats.requests) >= served + 2)
    pvs.clock = lambda: NOON.replace(hour=19)
    pvs.fault = None
    await service.says("works again")
    await recorder.wait(f"{ROOT}/site/state", lambda m: m.json["measured_at"] >= "2026-06-21T19", mark)
    assert len(service.said(reason)) == 1, "a trouble is said once"
    assert not service.said("Traceback")
    assert not [m for m in recorder.messages[mark:] if is_offline(m)], "a short fault is no reason to go offline"


async def test_a_house_that_falls_silent_goes_offline_and_keeps_its_energies(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    settings = bench.settings(broker.port, pvs.port)
    settings["pvs"][0]["stale_after"] = 60
    # The panels were measured up to 300 s ago and are history at once, the meters are fresh for another minute.
    service = bench.make_service(settings)
    await service.start()
    panel = pvs.house.serials.inverters[0].lower()
    energy = next(i.energy for i in pvs.house.at(pvs.now()).inverters if i.serial.lower() == panel)
    state = (await recorder.wait(f"{ROOT}/{panel}/state")).json
    assert recorder.last(f"{ROOT}/{panel}/status").text == "offline"
    assert state["energy"] == pytest.approx(energy, abs=0.001)
    assert state["power"] is None
    assert state["voltage"] is None
    assert state["state"] == "working"


async def test_a_pvs_that_hangs_does_not_stop_the_service(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=IMPATIENT)
    await same_as_the_house(recorder, pvs)
    pvs.fault = "hang"
    await service.says("no complete answer in time")
    pvs.fault = None
    await service.says("works again")


async def test_black_hole_between_service_and_pvs(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    line = await bench.proxy(pvs.port)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, line.port, patch=IMPATIENT)
    await same_as_the_house(recorder, pvs)
    line.set("hole")
    await service.says("no complete answer in time")
    pvs.clock = lambda: NOON.replace(hour=20)
    mark = recorder.mark()
    line.set("pass")
    await service.says("works again")
    await recorder.wait(f"{ROOT}/site/state", lambda m: m.json["measured_at"] >= "2026-06-21T19", mark)


@pytest.mark.slow
async def test_black_hole_between_service_and_broker(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    line = await bench.proxy(broker.port)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(line.port, pvs.port, patch=QUICK, mqtt={"keepalive": 5})
    await same_as_the_house(recorder, pvs)
    mark = recorder.mark()
    line.set("hole")
    # Both sides notice by themselves: the broker speaks the will, the service tries to come back.
    await recorder.wait(STATUS, is_offline, mark)
    await service.says("connection to the broker lost")
    pvs.clock = lambda: NOON.replace(hour=20)
    mark = recorder.mark()
    line.set("pass")
    await recorder.wait(STATUS, is_online, mark)
    await same_as_the_house(recorder, pvs, mark)
    assert recorder.last(STATUS).text == "online"


async def outages_end(service: Service, sessions: int) -> None:
    await service.log.until(
        lambda: True if len(service.said("connected to the broker")) >= sessions else None, f"{sessions} connections"
    )


FAST = {
    "pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.05,
    "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 0.1,
    "pvsmqtt.broker.connection._TIMEOUT": 0.3,
}


@pytest.mark.slow
async def test_open_files_do_not_grow_with_broken_connections(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    line = await bench.proxy(broker.port)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(line.port, pvs.port, patch=FAST)
    await same_as_the_house(recorder, pvs)
    for outage in range(3):
        line.set("reset")
        line.set("pass")
        await outages_end(service, outage + 2)
    before = service.open_files()
    for outage in range(30):
        line.set("reset")
        line.set("pass")
        await outages_end(service, outage + 5)
    assert service.open_files() <= before + 3


@pytest.mark.slow
async def test_open_files_do_not_grow_with_a_broker_that_never_answers(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    line = await bench.proxy(broker.port)
    line.set("hole")
    service = await bench.service(line.port, pvs.port, patch=FAST)

    async def tries(number: int) -> None:
        enough = f"{number} tries"
        await line.accepted.until(lambda: True if len(line.accepted.items) >= number else None, enough, timeout=60)

    await tries(10)
    before = service.open_files()
    await tries(40)
    assert service.open_files() <= before + 3
    line.set("pass")
    recorder = await bench.recorder(broker.port)
    await same_as_the_house(recorder, pvs)


@pytest.mark.slow
async def test_at_default_pace_readings_flow_again_within_two_minutes(bench: Bench) -> None:
    """No fast polling, an interval of 300 s: after an answer of 503 the PVS is asked again soon, not in 5 minutes."""
    broker, pvs = await bench.broker(), await bench.pvs(fault="http-503")
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, fast=False, interval=None)
    await service.says("busy or restarting")
    pvs.fault = None
    async with asyncio.timeout(120):
        await recorder.have("site", *device_ids(pvs))
    assert pvs.stats.device_lists >= 1
    asked = Counter(request.path for request in pvs.stats.requests)
    assert max(asked.values()) <= 2, "not by hammering it"


async def test_a_broker_that_throws_away_announcements_is_said_once(bench: Bench) -> None:
    acl = bench.folder / "acl"
    acl.write_text("user solar\ntopic readwrite pvsmqtt/#\ntopic read homeassistant/#\n")
    broker, pvs = await bench.broker({"solar": "right"}, extra=f"acl_file {acl}"), await bench.pvs()
    service = await bench.service(broker.port, pvs.port, mqtt={"username": "solar", "password": "right"})
    recorder = await bench.recorder(broker.port, user="solar", password="right")
    await recorder.have(*device_ids(pvs))
    await service.says("the broker throws away what we publish (Not authorized)")
    assert sum("throws away" in line for line in service.log.items) == 1
    assert not any(message.topic.startswith("homeassistant/") for message in recorder.messages)


async def test_two_services_with_one_client_id_are_told_so(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    quick = {**QUICK, "pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.1}
    first = await bench.service(broker.port, pvs.port, patch=quick)
    recorder = await bench.recorder(broker.port)
    await recorder.have(*device_ids(pvs))
    await bench.service(broker.port, pvs.port, patch=quick, state_dir=str(bench.folder / "other"))
    await first.says("Is pvsmqtt running twice?")  # Mosquitto 2.0.11 gives no reason, newer ones do


async def test_two_services_with_one_client_id_at_a_broker_that_does_not_say_why(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    quick = {"pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.1, "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 0.3}
    older = {"protocol": "3.1.1"}
    first = await bench.service(broker.port, pvs.port, patch=quick, mqtt=older)
    recorder = await bench.recorder(broker.port)
    await recorder.have(*device_ids(pvs))
    await bench.service(broker.port, pvs.port, patch=quick, mqtt=older, state_dir=str(bench.folder / "other"))
    await first.says("again and again")
