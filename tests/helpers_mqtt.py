"""Devices and their states for the tests of the MQTT sink."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.sinks.mqtt.topics import Topics

TOPICS = Topics("pvsmqtt", "home", "homeassistant")
MEASURED = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)

BRIDGE = Device("bridge", Kind.BRIDGE, "pvsmqtt bridge", manufacturer="pvsmqtt", model="Bridge", sw_version="1")
SITE = Device("site", Kind.SITE, "Solar site", via="bridge")
PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", serial="ZT1", model="PVS6", via="site")
PANEL = Device("e1", Kind.INVERTER, "Inverter E1", serial="E1", model="Type G", panel="SPR-A400", via="zt1")


def state(device: Device, online: bool = True, **values: Any) -> DeviceState:
    return DeviceState(device, online, values, MEASURED)


def house() -> list[DeviceState]:
    return [
        state(PANEL, power=231.4, energy=1834.52, temperature=None),
        state(PVS, uptime=60.0, state="working"),
        state(SITE, pv_power=231.4, devices_online=2),
        state(BRIDGE, started_at="2026-06-21T18:00:00Z", devices_known=2, devices_online=2),
    ]
