"""Names of topics and the payloads of everything but discovery."""

import json
import re
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from helpers_mqtt import BRIDGE, MEASURED, PANEL, SITE, TOPICS, house, state

from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.mqtt import topics
from pvsmqtt.sinks.mqtt.topics import Topics


def test_where_everything_goes() -> None:
    assert TOPICS.status == "pvsmqtt/home/status"
    assert TOPICS.info == "pvsmqtt/home/info"
    assert TOPICS.devices == "pvsmqtt/home/devices"
    assert TOPICS.health == "pvsmqtt/home/health"
    assert TOPICS.state(PANEL) == "pvsmqtt/home/e1/state"
    assert TOPICS.device_status(PANEL) == "pvsmqtt/home/e1/status"
    assert TOPICS.device_status(BRIDGE) == TOPICS.status
    assert TOPICS.discovery(PANEL) == "homeassistant/device/pvsmqtt_e1/config"


CABIN = Topics("a", "cabin", "b")
LINE = Device("rs485", Kind.BUS, "RS-485 line rs485", via="bridge")
UNKNOWN = Device("rs485_221", Kind.MIO, "ESS hub rs485 221", modbus_unit=221, interface="rtu", via="rs485")


@pytest.mark.parametrize("device", [BRIDGE, SITE, replace(SITE, id="site_barn"), LINE, UNKNOWN], ids=lambda d: d.id)
def test_what_has_no_serial_number_bears_the_instance(device: Device) -> None:
    assert CABIN.uid(device) == f"pvsmqtt_cabin_{device.id}"
    assert CABIN.discovery(device) == f"b/device/pvsmqtt_cabin_{device.id}/config"
    assert CABIN.state(device) == f"a/cabin/{device.id}/state"


def test_things_with_a_serial_number_do_not_bear_the_instance() -> None:
    assert CABIN.uid(replace(PANEL, id="siteworks1")) == "pvsmqtt_siteworks1"
    assert CABIN.uid(PANEL) == "pvsmqtt_e1"


def test_a_parent_is_called_as_it_calls_itself() -> None:
    for parent in (SITE, BRIDGE, LINE, UNKNOWN, PANEL):
        assert CABIN.parent_uid(parent.id, parent) == CABIN.uid(parent)
    for known in (SITE, replace(SITE, id="site_barn"), BRIDGE, PANEL):
        assert CABIN.parent_uid(known.id) == CABIN.uid(known)


def test_the_inventory_says_who_tells_of_a_device() -> None:
    told = replace(state(PANEL, power=1.0), sources=("pvs a", "rs485 b"))
    (entry,) = json.loads(topics.inventory(TOPICS, [told]).payload)
    assert entry["sources"] == ["pvs a", "rs485 b"]


def test_the_inventory_says_who_feeds_each_quantity() -> None:
    told = replace(state(PANEL, power=1.0, energy=2.0), feeds={"power": "rs485 b"})
    (entry,) = json.loads(topics.inventory(TOPICS, [told]).payload)
    assert {key: row["source"] for key, row in entry["quantities"].items()} == {"power": "rs485 b", "energy": None}


def test_state() -> None:
    message = topics.state(TOPICS, state(PANEL, power=231.4, energy=1834.52, temperature=None))
    assert message == Message(
        "pvsmqtt/home/e1/state",
        '{"measured_at":"2026-06-21T18:05:00Z","power":231.4,"energy":1834.52,"temperature":null}',
        qos=0,
        retain=True,
        expiry=1800,
    )


def test_times_are_utc() -> None:
    assert iso(MEASURED.astimezone(timezone(timedelta(hours=-7)))) == "2026-06-21T18:05:00Z"
    assert iso(None) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_no_json(value: float) -> None:
    with pytest.raises(ValueError):
        topics.state(TOPICS, state(PANEL, power=value))


def test_device_status() -> None:
    assert topics.device_status(TOPICS, state(PANEL)) == Message("pvsmqtt/home/e1/status", "online", qos=1)
    assert topics.device_status(TOPICS, state(PANEL, online=False)).payload == "offline"


def test_inventory() -> None:
    message = topics.inventory(TOPICS, house())
    assert (message.topic, message.qos, message.retain, message.expiry) == (TOPICS.devices, 1, True, None)
    panel, *_ = json.loads(message.payload)
    assert panel["id"] == "e1"
    assert panel["kind"] == "inverter"
    assert panel["panel"] == "SPR-A400"
    assert panel["via"] == "zt1"
    assert panel["state_topic"] == "pvsmqtt/home/e1/state"
    assert panel["quantities"]["energy"]["unit"] == "kWh"
    assert panel["quantities"]["energy"]["state_class"] == "total_increasing"
    supervisor = json.loads(message.payload)[1]
    assert "working" in supervisor["quantities"]["state"]["options"]


def test_a_switch_tells_its_two_texts() -> None:
    (entry,) = json.loads(topics.inventory(TOPICS, [state(PANEL, fan_active="on")]).payload)
    assert entry["quantities"]["fan_active"]["options"] == ["on", "off"]


def test_what_is_json() -> None:
    assert Message("t", "{}").is_json
    assert Message("t", "[]").is_json
    assert not Message("t", "online").is_json
    assert not Message("t", "").is_json


def test_topics_hold_no_wildcards() -> None:
    for item in house():
        for topic in (TOPICS.state(item.device), TOPICS.device_status(item.device), TOPICS.discovery(item.device)):
            assert re.fullmatch("[a-z0-9_/-]+", topic)


def test_names_are_not_ids() -> None:
    assert TOPICS.state(replace(SITE, name="Räume # + /")) == "pvsmqtt/home/site/state"
