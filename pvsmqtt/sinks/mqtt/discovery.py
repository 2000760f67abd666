"""Home Assistant's MQTT discovery, one payload for each device (Home Assistant 2024.11 and later). Pure.

Layout, with only the keys that the oldest supported version knows at the levels where unknown keys are refused
(root, ``device``, ``origin``, availability)::

    {"device": {"identifiers": ["pvsmqtt_e0012…"], "name": "Inverter E0012…", "via_device": "pvsmqtt_zt…", …},
     "origin": {"name": "pvsmqtt", "sw_version": "…"},
     "state_topic": "pvsmqtt/home/e0012…/state",
     "availability": [{"topic": "pvsmqtt/home/status"}, {"topic": "pvsmqtt/home/e0012…/status"}],
     "availability_mode": "all",
     "components": {"power": {"platform": "sensor", "unique_id": "pvsmqtt_e0012…_power", …}, …}}

The id in the topic, the keys of ``components`` and every ``unique_id`` are permanent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pvsmqtt import __version__
from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import BRIDGE_ID, Device, Kind
from pvsmqtt.model.quantity import QUANTITIES, Quantity
from pvsmqtt.sinks.mqtt.topics import OFFLINE, ONLINE, Topics, dumps

ORIGIN = "pvsmqtt"

CONNECTION = "connection"
"""The bridge's own entity: whether the service is connected to the broker."""


def config(topics: Topics, device: Device, keys: Iterable[str], parent: Device | None = None) -> Message:
    """The discovery payload of a device with an entity for each of these quantities, hanging on its ``parent``."""
    bridge = device.kind is Kind.BRIDGE
    availability = _availability(topics, device)
    components = {key: _component(topics, device, QUANTITIES[key]) for key in keys}
    if bridge:
        # The connection must be seen when it is off: it alone has no availability, so the root has none either.
        components = {key: {**component, **availability} for key, component in components.items()}
        components[CONNECTION] = _connection(topics, device)
    document: dict[str, Any] = {
        "device": _device(topics, device, parent),
        "origin": {"name": ORIGIN, "sw_version": __version__},
        "state_topic": topics.state(device),
        **({} if bridge else availability),
        "components": components,
    }
    return Message(topics.discovery(device), dumps(document), qos=1)


def without(message: Message, gone: dict[str, str]) -> Message:
    """The same payload, naming components that are to disappear (key -> platform) by their platform alone."""
    document = json.loads(message.payload)
    document["components"] |= {key: {"platform": platform} for key, platform in gone.items()}
    return Message(message.topic, dumps(document), qos=1)


def components(device: Device, keys: Iterable[str]) -> dict[str, str]:
    """The platform of each component that `config` announces, by its key."""
    platforms = {key: _platform(QUANTITIES[key]) for key in keys}
    return {**platforms, CONNECTION: "binary_sensor"} if device.kind is Kind.BRIDGE else platforms


def _device(topics: Topics, device: Device, parent: Device | None) -> dict[str, Any]:
    document = {
        "identifiers": [topics.uid(device)],
        "name": device.name,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "model_id": device.panel,
        "serial_number": device.serial,
        "sw_version": device.sw_version,
        "hw_version": device.hw_version,
        "via_device": topics.parent_uid(device.via, parent) if device.via and device.id != BRIDGE_ID else None,
    }
    return {key: value for key, value in document.items() if value is not None}


def _availability(topics: Topics, device: Device) -> dict[str, Any]:
    own = dict.fromkeys((topics.status, topics.device_status(device)))
    return {"availability": [{"topic": topic} for topic in own], "availability_mode": "all"}


def _platform(row: Quantity) -> str:
    return "binary_sensor" if row.switch else "sensor"


def _component(topics: Topics, device: Device, row: Quantity) -> dict[str, Any]:
    document: dict[str, Any] = {
        "platform": _platform(row),
        "unique_id": f"{topics.uid(device)}_{row.key}",
        "name": row.name,
        "value_template": f"{{{{ value_json.{row.key} }}}}",
        "device_class": row.device_class,
        "unit_of_measurement": row.unit,
        "state_class": row.state_class,
        "suggested_display_precision": row.precision,
        "entity_category": "diagnostic" if row.diagnostic else None,
        "enabled_by_default": None if row.enabled_on(device.kind) else False,
        "options": list(row.options) or None,
        "payload_on": "on" if row.switch else None,
        "payload_off": "off" if row.switch else None,
        **_advice(topics, device, row),
        **({"availability": [{"topic": topics.status}]} if row.of_service else {}),
    }
    return {key: value for key, value in document.items() if value is not None}


def _advice(topics: Topics, device: Device, row: Quantity) -> dict[str, Any]:
    """What to do, as an attribute of a problem that is there."""
    if row.advice is None:
        return {}
    advice = json.dumps(row.advice)
    template = f"{{{{ {{'advice': {advice} if value_json.{row.key} == 'on' else ''}} | tojson }}}}"
    return {"json_attributes_topic": topics.state(device), "json_attributes_template": template}


def _connection(topics: Topics, device: Device) -> dict[str, Any]:
    return {
        "platform": "binary_sensor",
        "unique_id": f"{topics.uid(device)}_{CONNECTION}",
        "name": "Connection",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": topics.status,
        "payload_on": ONLINE,
        "payload_off": OFFLINE,
    }
