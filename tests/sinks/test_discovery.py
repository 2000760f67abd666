"""Discovery payloads held against what Home Assistant accepts, for every kind of device and every quantity."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers_mqtt import BRIDGE, PANEL, SITE, TOPICS, house, state

from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import Device, Kind, default_name
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.sinks.mqtt import discovery
from pvsmqtt.sinks.mqtt.topics import Topics
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.account import LAST_RESORT
from pvsmqtt.site.totals.ledger import Ledger
from pvsmqtt.sources.pvs.older import dl_cgi

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "unique_ids.txt"
NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)

# Unknown keys at these levels make Home Assistant refuse the whole payload; those of its version 2024.11.
ROOT_KEYS = {"device", "origin", "components", "state_topic", "availability", "availability_mode", "qos", "encoding"}
DEVICE_KEYS = {
    "identifiers",
    "connections",
    "name",
    "manufacturer",
    "model",
    "model_id",
    "serial_number",
    "hw_version",
    "sw_version",
    "suggested_area",
    "configuration_url",
    "via_device",
}
ORIGIN_KEYS = {"name", "sw_version", "support_url"}
AVAILABILITY_KEYS = {"topic", "payload_available", "payload_not_available", "value_template"}
COMMON_KEYS = {"platform", "unique_id", "name", "value_template", "device_class", "entity_category"}
COMMON_KEYS |= {"enabled_by_default", "state_topic", "availability", "availability_mode"}
PLATFORM_KEYS = {
    "sensor": COMMON_KEYS | {"unit_of_measurement", "state_class", "suggested_display_precision", "options"},
    "binary_sensor": COMMON_KEYS | {"payload_on", "payload_off", "json_attributes_topic", "json_attributes_template"},
}

MEASUREMENT, TOTALS = {"measurement"}, {"total", "total_increasing"}
CLASSES: dict[str, tuple[set[str | None], set[str | None]]] = {
    # device class: units, state classes
    "power": ({"mW", "W", "kW", "MW"}, MEASUREMENT),
    "apparent_power": ({"VA", "kVA"}, MEASUREMENT),
    "reactive_power": ({"var", "kvar"}, MEASUREMENT),
    "energy": ({"Wh", "kWh", "MWh"}, TOTALS),
    "voltage": ({"mV", "V", "kV"}, MEASUREMENT),
    "current": ({"mA", "A"}, MEASUREMENT | {None}),
    "frequency": ({"Hz", "kHz"}, MEASUREMENT),
    "power_factor": ({"%", None}, MEASUREMENT),
    "temperature": ({"°C", "°F", "K"}, MEASUREMENT),
    "humidity": ({"%"}, MEASUREMENT),
    "battery": ({"%"}, MEASUREMENT),
    "duration": ({"s", "min", "h", "d"}, MEASUREMENT | TOTALS),
    "data_rate": ({"bit/s", "kbit/s", "B/s"}, MEASUREMENT),
    "energy_storage": ({"Wh", "kWh", "MWh"}, MEASUREMENT),
    "data_size": ({"B", "kB", "KiB", "MB", "MiB"}, MEASUREMENT | TOTALS),
    "signal_strength": ({"dB", "dBm"}, MEASUREMENT),
    "irradiance": ({"W/m²"}, MEASUREMENT),
    "timestamp": ({None}, {None}),
    "enum": ({None}, {None}),
}
BINARY_CLASSES = {"running", "connectivity", "problem", "power", "plug", "update"}


def everything_on(kind: Kind) -> DeviceState:
    device = Device(f"x_{kind}", kind, default_name(kind, "X1"), serial="X1", model="M", sw_version="1", via="site")
    return state(BRIDGE if kind is Kind.BRIDGE else device, **dict.fromkeys(QUANTITIES))


def announcement(item: DeviceState, topics: Topics = TOPICS) -> Message:
    return discovery.config(topics, item.device, item.values)


def payload(item: DeviceState, topics: Topics = TOPICS) -> dict[str, Any]:
    message = announcement(item, topics)
    assert message.retain
    assert message.qos == 1
    document: dict[str, Any] = json.loads(message.payload)
    return document


@pytest.mark.parametrize("item", [*house(), *map(everything_on, Kind)], ids=lambda item: item.device.id)
def test_home_assistant_would_accept_it(item: DeviceState) -> None:
    document = payload(item)
    assert document.keys() <= ROOT_KEYS
    assert {"device", "origin", "components", "state_topic"} <= document.keys()
    assert document["device"].keys() <= DEVICE_KEYS
    assert document["device"]["identifiers"] == [TOPICS.uid(item.device)]
    assert document["device"]["name"]
    assert document["origin"].keys() <= ORIGIN_KEYS
    assert document["origin"]["name"] == "pvsmqtt"
    assert None not in document["device"].values()
    for availability in (document, *document["components"].values()):
        for entry in availability.get("availability", []):
            assert entry.keys() <= AVAILABILITY_KEYS
            assert "topic" in entry
    platforms = discovery.components(item.device, item.values)
    assert set(document["components"]) == set(platforms)
    for key, component in document["components"].items():
        assert component["platform"] == platforms[key]
        assert component.keys() <= PLATFORM_KEYS[component["platform"]], key
        assert component["unique_id"] == f"{TOPICS.uid(item.device)}_{key}"
        assert re.fullmatch("[A-Za-z0-9_-]+", component["unique_id"])
        assert component["name"]
        assert not component["name"].lower().startswith(document["device"]["name"].lower())
        assert component.get("entity_category") in (None, "diagnostic"), "config is refused on sensors"
        assert None not in component.values()
        check_class(key, component)


def check_class(key: str, component: dict[str, Any]) -> None:
    name = component.get("device_class")
    if component["platform"] == "binary_sensor":
        assert name in BINARY_CLASSES | {None}
        assert component["payload_on"] != component["payload_off"]
        return
    unit, state_class = component.get("unit_of_measurement"), component.get("state_class")
    assert ("options" in component) == (name == "enum"), key
    if name is not None:
        units, state_classes = CLASSES[name]
        assert unit in units, key
        assert state_class in state_classes, key
    if name == "enum":
        assert component["options"]
        assert len(set(component["options"])) == len(component["options"])


def test_the_topic_is_one_that_home_assistant_takes() -> None:
    for item in (*house(), *map(everything_on, Kind)):
        topic = announcement(item).topic
        assert re.fullmatch("homeassistant/device/[A-Za-z0-9_-]+/config", topic)


def test_availability_is_that_of_the_service_and_of_the_device() -> None:
    document = payload(state(PANEL, power=1.0))
    assert document["availability"] == [{"topic": "pvsmqtt/home/status"}, {"topic": "pvsmqtt/home/e1/status"}]
    assert document["availability_mode"] == "all"


def test_that_a_panel_is_lost_can_be_seen_while_it_is_offline() -> None:
    components = payload(state(PANEL, power=1.0, availability="lost", problem="on"))["components"]
    for key in ("availability", "problem"):
        assert components[key]["availability"] == [{"topic": "pvsmqtt/home/status"}]
    assert "availability" not in components["power"]
    assert (components["problem"]["platform"], components["problem"]["device_class"]) == ("binary_sensor", "problem")
    assert components["availability"]["options"] == ["live", "stale", "asleep", "lost"]


def test_the_connection_can_be_seen_when_it_is_off() -> None:
    document = payload(state(BRIDGE, devices_known=2))
    connection = document["components"]["connection"]
    assert "availability" not in document
    assert "availability" not in connection
    assert connection["state_topic"] == "pvsmqtt/home/status"
    assert (connection["payload_on"], connection["payload_off"]) == ("online", "offline")
    assert document["components"]["devices_known"]["availability"] == [{"topic": "pvsmqtt/home/status"}]


def test_the_tree() -> None:
    assert "via_device" not in payload(state(BRIDGE, devices_known=2))["device"]
    assert payload(state(SITE, pv_power=1.0))["device"]["via_device"] == "pvsmqtt_home_bridge"
    assert payload(state(PANEL, power=1.0))["device"]["via_device"] == "pvsmqtt_zt1"


def test_a_device_hangs_on_the_line_as_the_line_is_announced() -> None:
    line = Device("rs485", Kind.BUS, "RS-485 line rs485", via="bridge")
    heard = Device("rs485_9", Kind.INVERTER, "Inverter rs485 9", modbus_unit=9, interface="rtu", via="rs485")
    document = json.loads(discovery.config(TOPICS, heard, ["power"], line).payload)
    assert [document["device"]["via_device"]] == payload(state(line, frames=1))["device"]["identifiers"]
    assert payload(state(line, frames=1))["device"]["via_device"] == "pvsmqtt_home_bridge"


def test_what_is_told_of_the_device() -> None:
    device = payload(state(PANEL, power=1.0))["device"]
    assert device["serial_number"] == "E1"
    assert device["model"] == "Type G"
    assert device["model_id"] == "SPR-A400"


def test_the_value_is_taken_out_of_the_state() -> None:
    component = payload(state(PANEL, power=1.0))["components"]["power"]
    assert component["value_template"] == "{{ value_json.power }}"


def test_two_instances_on_one_broker_share_nothing_logical() -> None:
    cabin = Topics("pvsmqtt", "cabin", "homeassistant")
    for item in house():
        if item.device.logical:
            one, two = payload(item), payload(item, cabin)
            ids = [{c["unique_id"] for c in document["components"].values()} for document in (one, two)]
            assert not ids[0] & ids[1]
            assert announcement(item).topic != announcement(item, cabin).topic


def test_what_goes_is_named_by_its_platform_alone() -> None:
    message = announcement(state(PANEL, power=1.0))
    document = json.loads(discovery.without(message, {"humidity": "sensor"}).payload)
    assert document["components"]["humidity"] == {"platform": "sensor"}
    assert document["components"]["power"] == json.loads(message.payload)["components"]["power"]


def unique_ids() -> str:
    """Every unique id of every recorded payload, one on a line, by payload."""
    lines = []
    for path in sorted((TESTS / "fixtures" / "devicelist").glob("*.json")):
        if path.name.endswith(".expected.json"):
            continue
        house = House(Registry(), ledger=Ledger(lambda now: NOON + timedelta(seconds=now)))
        reply = dl_cgi.decode(json.loads(path.read_bytes()), "pvs test")
        lines.append(f"# {path.stem}")
        # What is estimated comes a while after the rest.
        told = [*house.accept(reply.readings, 0.0), *house.accept(reply.readings, LAST_RESORT)]
        states = {item.key: item for item in told if isinstance(item, DeviceState)}
        for item in sorted(states.values(), key=lambda item: item.device.id):
            lines += [c["unique_id"] for c in payload(item)["components"].values()]
    return "\n".join(lines) + "\n"


def test_unique_ids_never_change() -> None:
    """Home Assistant's history hangs on these. A new one is welcome; one that changes or goes makes users lose the
    history, the settings and the dashboards of that entity, and there is no way back once it is released.

    For a new fixture or a new quantity: ``PYTHONPATH=tests python tests/sinks/test_discovery.py``
    writes the file anew. Look at its diff: lines may be added, none may go.
    """
    assert unique_ids() == GOLDEN.read_text("utf-8")


if __name__ == "__main__":
    GOLDEN.write_text(unique_ids(), "utf-8")
