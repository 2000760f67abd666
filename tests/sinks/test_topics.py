"""Names of topics and the payloads of everything but discovery."""

import json
import re
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from helpers_mqtt import BRIDGE, MEASURED, PANEL, SITE, TOPICS, house, state

from pvsmqtt.model.times import iso
from pvsmqtt.sinks.mqtt import topics
from pvsmqtt.sinks.mqtt.topics import Message, Topics


def test_where_everything_goes() -> None:
    assert TOPICS.status == "pvsmqtt/home/status"
    assert TOPICS.info == "pvsmqtt/home/info"
    assert TOPICS.devices == "pvsmqtt/home/devices"
    assert TOPICS.health == "pvsmqtt/home/health"
    assert TOPICS.state(PANEL) == "pvsmqtt/home/e1/state"
    assert TOPICS.device_status(PANEL) == "pvsmqtt/home/e1/status"
    assert TOPICS.device_status(BRIDGE) == TOPICS.status
    assert TOPICS.discovery(PANEL) == "homeassistant/device/pvsmqtt_e1/config"


@pytest.mark.parametrize("logical", ["bridge", "site", "site_barn"])
def test_logical_devices_bear_the_instance(logical: str) -> None:
    assert Topics("a", "cabin", "b").uid(logical) == f"pvsmqtt_cabin_{logical}"


def test_things_on_the_wall_do_not_bear_the_instance() -> None:
    assert Topics("a", "cabin", "b").uid("siteworks1") == "pvsmqtt_siteworks1"
    assert Topics("a", "cabin", "b").uid("e1") == "pvsmqtt_e1"


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
