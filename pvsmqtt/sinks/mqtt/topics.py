"""Names of topics and ids, and the payloads of everything but discovery. Pure.

========================================  ==========================================  ========  ===
topic                                     payload                                     retained  QoS
========================================  ==========================================  ========  ===
``{base}/{instance}/status``              ``online`` / ``offline``, also the will     yes       1
``{base}/{instance}/info``                JSON: what runs                             yes       1
``{base}/{instance}/devices``             JSON list: the inventory                    yes       1
``{base}/{instance}/health``              JSON, every minute                          yes       0
``{base}/{instance}/{device}/state``      JSON: ``measured_at`` and every quantity    yes       0
``{base}/{instance}/{device}/status``     ``online`` / ``offline``                    yes       1
``{base}/{instance}/readings``            JSON: one reading (`journal`)               no        1
``{prefix}/device/{uid}/config``          JSON: discovery of one device               yes       1
========================================  ==========================================  ========  ===
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import BRIDGE_ID, SITE_ID, Device
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.model.times import iso

ONLINE, OFFLINE = "online", "offline"

STATE_EXPIRY = 1800
"""Seconds (MQTT 5) after which a broker forgets a state that nobody renewed."""

HEALTH_EXPIRY = 300

DENIED_ADVICE = "allow this user to write below the base topic and the discovery prefix in the broker's access list"


@dataclass(frozen=True, slots=True)
class Topics:
    """Where everything of one instance goes."""

    base: str
    instance: str
    prefix: str

    @property
    def root(self) -> str:
        """What all topics of this instance begin with, discovery aside."""
        return f"{self.base}/{self.instance}"

    @property
    def status(self) -> str:
        """Whether the service is there."""
        return f"{self.root}/status"

    @property
    def info(self) -> str:
        """What runs."""
        return f"{self.root}/info"

    @property
    def devices(self) -> str:
        """The inventory."""
        return f"{self.root}/devices"

    @property
    def health(self) -> str:
        """How it does."""
        return f"{self.root}/health"

    @property
    def readings(self) -> str:
        """Every reading, once."""
        return f"{self.root}/readings"

    def state(self, device: Device) -> str:
        """The values of a device."""
        return f"{self.root}/{device.id}/state"

    def device_status(self, device: Device) -> str:
        """Whether a device has live data; the bridge is there when the service is."""
        return self.status if device.id == BRIDGE_ID else f"{self.root}/{device.id}/status"

    def discovery(self, device: Device) -> str:
        """Where Home Assistant is told of a device."""
        return f"{self.prefix}/device/{self.uid(device)}/config"

    def uid(self, device: Device) -> str:
        """The id of a device for Home Assistant. Only a serial number is one of a kind in the world: what has none
        (the house, the service, a line and an unknown device on it) may exist in every instance, so it names it."""
        return self._uid(device.id, device.logical or device.serial is None)

    def parent_uid(self, device_id: str, parent: Device | None = None) -> str:
        """The same for what a device hangs on; of a ``parent`` that is not known, the id alone must do."""
        if parent is not None:
            return self.uid(parent)
        return self._uid(device_id, device_id in (BRIDGE_ID, SITE_ID) or device_id.startswith(f"{SITE_ID}_"))

    def _uid(self, device_id: str, here: bool) -> str:
        return f"pvsmqtt_{self.instance}_{device_id}" if here else f"pvsmqtt_{device_id}"


def dumps(document: Any) -> str:
    """JSON without spaces; NaN and infinities are bugs, not JSON.

    Raises:
        ValueError: when a number is not finite.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def state(topics: Topics, item: DeviceState) -> Message:
    """The state of a device: ``{"measured_at": "…Z", "power": 231.4, "temperature": null}``."""
    payload = dumps({"measured_at": iso(item.measured_at), **item.values})
    return Message(topics.state(item.device), payload, expiry=STATE_EXPIRY)


def device_status(topics: Topics, item: DeviceState) -> Message:
    """Whether a device has live data."""
    return Message(topics.device_status(item.device), ONLINE if item.online else OFFLINE, qos=1)


def inventory(topics: Topics, items: Iterable[DeviceState]) -> Message:
    """The list of all devices, for programs that want to know what there is."""
    return Message(topics.devices, dumps([_inventory_entry(topics, item) for item in items]), qos=1)


def _inventory_entry(topics: Topics, item: DeviceState) -> dict[str, Any]:
    device = item.device
    return {
        "id": device.id,
        "kind": device.kind.value,
        "name": device.name,
        "model": device.model,
        "panel": device.panel,
        "serial": device.serial,
        "sw_version": device.sw_version,
        "hw_version": device.hw_version,
        "via": device.via,
        "site": device.site,
        "sources": list(item.sources),
        "state_topic": topics.state(device),
        "status_topic": topics.device_status(device),
        "quantities": {
            key: {**_quantity(key), "source": item.feeds.get(key), **item.marks.get(key, {})} for key in item.values
        },
    }


def _quantity(key: str) -> Mapping[str, Any]:
    row = QUANTITIES[key]
    entry: dict[str, Any] = {
        "name": row.name,
        "unit": row.unit,
        "device_class": row.device_class,
        "state_class": row.state_class,
        "description": row.description,
    }
    options = ("on", "off") if row.switch else row.options
    return {**entry, "options": list(options)} if options else entry
