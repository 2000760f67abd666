"""What the service says of itself."""

import json
import logging
from datetime import UTC, datetime

from pvsmqtt import self_report
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.sources.base import Health

STARTED = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)


class Source:
    name = "pvs a"

    def __init__(self):
        self.health = Health(logging.getLogger("test"))

    async def run(self, deliver):
        raise AssertionError


def state(kind, online):
    return DeviceState(Device(f"{kind}", kind, "x"), online, {})


def test_the_bridge_counts_the_devices_of_the_house():
    census = self_report.Census()
    for one in (state(Kind.SITE, True), state(Kind.INVERTER, True), state(Kind.SUPERVISOR, False)):
        census.take(one)
    bridge = self_report.bridge("home", STARTED, census)
    assert bridge.online
    assert bridge.values == {"started_at": "2026-06-21T18:05:00Z", "devices_known": 2, "devices_online": 1}
    assert bridge.device.name == "pvsmqtt bridge"
    assert self_report.bridge("cabin", STARTED, self_report.Census()).device.name == "pvsmqtt bridge cabin"


def test_the_census_follows_each_device():
    census = self_report.Census()
    for online in (True, True, False, True):
        census.take(state(Kind.INVERTER, online))
        assert (census.known, census.online) == (1, online)
    census.take(state(Kind.METER, True))
    census.take(DeviceGone(Device("inverter", Kind.INVERTER, "x")))
    census.take(DeviceGone(Device("unknown", Kind.INVERTER, "x")))
    assert (census.known, census.online) == (1, 1)


def test_a_source_tells_its_last_refusal_also_when_it_is_over():
    health = Source().health
    assert health.report(0.0)["last_refusal"] is None
    health.bad("timeout", "no answer: look at the cable", 10.0)
    health.good(STARTED, 40.0)
    report = health.report(100.0)
    assert report["trouble"] is None
    assert report["last_refusal"] == {"reason": "timeout", "message": "no answer: look at the cable", "age": 90.0}


def test_info_is_ready_for_json():
    info = json.loads(json.dumps(self_report.info("home", STARTED, [("pvs", Source())]).document))
    assert info["sources"] == [{"name": "pvs a", "kind": "pvs"}]
    assert info["started_at"] == "2026-06-21T18:05:00Z"


def test_registers_of_all_lines_with_the_ids_that_the_house_has():
    heard, silent, broken = Source(), Source(), Source()
    heard.health.registers = lambda: [
        {"name": "rs485 a", "units": [{"unit": 221, "device": "rs485_221"}, {"unit": 5, "device": None}]}
    ]
    broken.health.registers = lambda: 1 // 0
    told = self_report.registers([("rs485", heard), ("pvs", silent), ("rs485", broken)], {"rs485_221": "sy1"}.get)
    assert told == {
        "lines": [{"name": "rs485 a", "units": [{"unit": 221, "device": "sy1"}, {"unit": 5, "device": None}]}]
    }


def test_health_tells_age_and_trouble_of_each_source():
    source = Source()
    source.health.good(STARTED, 100.0)
    source.health.bad("busy", "the PVS is busy", 0.0)
    report = json.loads(json.dumps(self_report.health(STARTED, 130.0, 90.0, [("pvs", source)], {"mqtt": 1}).document))
    assert report["uptime"] == 40
    assert report["restarts"] == {"mqtt": 1}
    assert report["memory"]["resident"] > 1000
    told = report["sources"][0]
    assert (told["name"], told["kind"], told["state"], told["trouble"]) == ("pvs a", "pvs", "failing", "busy")
    assert (told["failing_for"], report["unstable"]) == (130.0, {})
    assert (told["age"], told["last_success"], told["refused"]) == (30.0, "2026-06-21T18:05:00Z", {"busy": 1})
