"""Documents of a house as the status page gets them: made up, every state among them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from pvsmqtt.model.device import LABELS, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.times import iso

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
BUCKETS, STEP = 288, 300
COLUMNS = 7

Document = dict[str, Any]


def ago(seconds: float) -> str:
    return str(iso((datetime.now(UTC) - timedelta(seconds=seconds)).replace(microsecond=0)))


def device(kind: Kind, id: str, values: Document, *, online: bool = True, age: float = 5, **more: Any) -> Document:
    """A device as in ``api/state``."""
    return {
        "id": id,
        "kind": kind.value,
        "label": LABELS[kind],
        "name": f"{LABELS[kind]} {id.upper()}",
        "model": None,
        "serial": id.upper(),
        "panel": None,
        "via": None,
        "site": "site",
        "sw_version": None,
        "topic": f"pvsmqtt/home/{id}/state",
        "online": online,
        "measured_at": ago(age + 2),
        "received_at": ago(age),
        "sources": ["pvs 172.27.153.1"],
        "values": [_value(key, value) for key, value in values.items()],
        **more,
    }


def _value(key: str, value: object) -> Document:
    row = QUANTITIES[key]
    category = "diagnostic" if row.diagnostic else None
    return {
        "key": key,
        "name": row.name,
        "unit": row.unit,
        "value": value,
        "source": "pvs 172.27.153.1",
        "digits": row.precision,
        "category": category,
        "mark": None,
    }


def site(id: str = "site", name: str = "Solar site", **values: Any) -> Document:
    powers = {
        "pv_power": 4204,
        "grid_power": -1604,
        "battery_power": -1104,
        "load_power": 1496,
        "state_of_charge": 78.2,
        "pv_energy": 18250.44,
    }
    kept = {key: value for key, value in {**powers, **values}.items() if value != "absent"}
    return device(Kind.SITE, id, kept, name=name, serial=None, site=id)


def panel(number: int, availability: str = "live", *, place: bool = True, **more: Any) -> Document:
    power: float | None = {"live": 245.0 + number % 5, "asleep": 0.0}.get(availability)
    power = more.pop("power", power)
    values: Document = {
        "power": power,
        "energy": 1834.52 + number,
        "voltage": 243.1,
        "temperature": None if power is None else 41.5,
        "state": "working",
        "availability": availability,
    }
    if place:
        values |= {"panel_x": 250 * (number % COLUMNS), "panel_y": -400 * (number // COLUMNS), "panel_azimuth": 180}
    age = {"live": 12, "asleep": 30000, "stale": 1900, "lost": 14400}[availability]
    more = {"model": "AC_Module_Type_E", "panel": "SPR-X22-360-E-AC", **more}
    return device(
        Kind.INVERTER, f"e0012212509{number:04}", values, online=availability in ("live", "asleep"), age=age, **more
    )


def string_inverter(via: str = "site", **values: Any) -> Document:
    """One that hangs on no supervisor, as those read over Modbus TCP or told by YASDI."""
    power: Document = {"power": 1890.0, "energy": 9031.2, "availability": "live", **values}
    return device(Kind.INVERTER, f"string_{via}", power, via=via, sources=["modbus_tcp roof"])


def not_heard_yet() -> list[Document]:
    """After a start while the PVS is away: known from before, told by nobody."""
    nobody = {"online": False, "measured_at": None, "received_at": ago(10), "sources": []}
    powers = dict.fromkeys(("pv_power", "grid_power", "load_power", "battery_power", "state_of_charge"))
    kinds = (Kind.SUPERVISOR, Kind.CONSUMPTION_METER, Kind.ESS, Kind.HUB_PLUS, Kind.PV_DISCONNECT)
    away = [device(kind, f"x{kind.value}", {"vendor_state": None}) for kind in kinds]
    return [one | nobody for one in (site(**powers), *away, *(panel(number, "stale") for number in range(6)))]


def every_state(count: int = 24, place: bool = True) -> list[Document]:
    """Panels that are live but for a stale one, one asleep and one lost; and weak ones."""
    odd: dict[int, Document] = {
        5: {"availability": "stale"},
        9: {"availability": "asleep"},
        11: {"availability": "lost"},
        14: {"power": 190.0},
        15: {"power": 140.0},
        16: {"power": 60.0},
    }
    return [panel(number, place=place, **odd.get(number, {})) for number in range(count)]


def bus() -> Document:
    values = {
        "line_state": "listening",
        "frame_rate": 12.5,
        "bus_load": 8.31,
        "baud_rate": 19200,
        "units_heard": 3,
        "known_registers": 41,
        "unknown_registers": 17,
        "frames": 182734,
        "crc_failures": 12,
        "junk_bytes": 96,
        "timeouts": 3,
        "exceptions": 1,
    }
    return device(
        Kind.BUS,
        "rs485",
        values,
        name="RS-485 line",
        serial=None,
        sources=["rs485 rs485"],
        model="serial:///dev/ttyUSB0",
    )


def health(**more: Any) -> Document:
    source = {
        "state": "ok",
        "last_success": ago(40),
        "age": 40.0,
        "cycles": 311,
        "refused": {},
        "trouble": None,
        "message": None,
        "last_refusal": None,
        "refused_values": {},
    }
    return {
        "time": ago(0),
        "now": ago(0),
        "uptime": 93600,
        "sources": [
            source
            | {
                "name": "pvs 172.27.153.1",
                "kind": "pvs",
                "refused": {"timeout": 3, "http_503": 1},
                "last_refusal": {"reason": "timeout", "message": "PVS did not answer within 30 s", "age": 7200.0},
                "refused_values": {"temperature": {"sentinel": 12}},
                "interface": {"generation": "legacy", "model": "PVS6", "build": 61839},
                "traffic": {"requests": 1432, "logins": 0, "bytes": 18233412},
                "live": {"mode": "websocket", "frames": 18222},
            },
            source
            | {
                "name": "pvs 192.168.1.99",
                "kind": "pvs",
                "state": "failing",
                "last_success": None,
                "age": None,
                "refused": {"http_403": 7},
                "trouble": "http_403",
                "message": "PVS answered 403 on old firmware 61839: power-cycle the PVS",
                "traffic": {"requests": 7, "logins": 0, "bytes": 900},
            },
            source
            | {
                "name": "rs485 rs485",
                "kind": "rs485",
                "line": "serial:///dev/ttyUSB0",
                "line_state": "listening",
                "setting": "19200 8N1",
                "counters": {"frames": 182734, "crc_failures": 12},
                "driver": {"parity": 0, "overrun": 2},
                "units": {
                    "220": {"kind": "hub_plus", "age": 3.2, "timeouts": 0},
                    "221": {"kind": "mio", "age": 4.0, "timeouts": 3},
                },
            },
        ],
        "broker": {
            "address": "mqtts://192.168.1.10:8883",
            "connected": True,
            "connected_for": 7260,
            "protocol": "5",
            "connects": 2,
            "published": 48211,
            "denied": None,
            "reason": None,
            "message": None,
            "next_try_in": None,
            "tls": {"version": "TLSv1.3", "cipher": "x", "expires": "2027-01-01T00:00:00Z"},
        },
        "journal": {
            "state": "ok",
            "message": None,
            "stream": "9f1c",
            "pending": 14,
            "oldest_age": 3,
            "bytes": 81920,
            "dropped": {},
        },
        "restarts": {},
        "energy": {},
        "memory": {"resident": 61000},
        **more,
    }


def state(devices: list[Document] | None = None, **more: Any) -> Document:
    """The document of ``api/state``."""
    supervisor = {"uptime": 812345, "cpu_load": 0.44}
    everything = [
        site(),
        device(Kind.SUPERVISOR, "zt184385000441e1569", supervisor, model="PVS6", sw_version="2021.9, build 61839"),
        device(Kind.CONSUMPTION_METER, "pvs6m0044c", {"power": -1604, "import_energy": 812.4, "voltage_l1": 121.3}),
        *every_state(),
        bus(),
    ]
    return {
        "version": "0.9.0",
        "instance": "home",
        "started_at": ago(93600),
        "now": ago(0),
        "refresh": 5,
        "devices": everything if devices is None else devices,
        "health": health(),
        "home_assistant": {
            "discovery": True,
            "prefix": "homeassistant",
            "devices": 28,
            "entities": 220,
            "topics": [
                "homeassistant/device/pvsmqtt_home_site/config",
                "homeassistant/device/pvsmqtt_e00122125090000/config",
            ],
        },
        "log": [
            {"time": ago(93600), "level": "info", "logger": "pvsmqtt", "text": "pvsmqtt 0.9.0 runs, 3 sources"},
            {
                "time": ago(600),
                "level": "warning",
                "logger": "pvsmqtt.pvs",
                "text": "PVS answered 403 on old firmware 61839: power-cycle the PVS",
            },
            {
                "time": ago(30),
                "level": "error",
                "logger": "pvsmqtt.mqtt",
                "text": "no broker at 192.168.1.10:1883 (refused)",
            },
        ],
        **more,
    }


def curves(ids: tuple[str, ...] = ("site",), keys: tuple[str, ...] | None = None) -> Document:
    """A sunny day until now (14:00 at the house), in buckets of five minutes; an hour of the night is not known."""
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(seconds=BUCKETS * STEP)
    midnight = now - timedelta(hours=14)
    series: dict[str, list[float | None]] = {
        key: [] for key in ("pv_power", "load_power", "grid_power", "battery_power", "state_of_charge", "power")
    }
    for index in range(BUCKETS):
        hour = (14 + index * 24 / BUCKETS) % 24
        sun = max(0.0, 6200 * math.sin(math.pi * (hour - 6) / 13)) if 6 < hour < 19 else 0.0
        load = 700 + 500 * math.sin(hour * 1.7) ** 2 + (2200 if 18 < hour < 20 else 0)
        battery = max(-2400.0, min(2400.0, (load - sun) * 0.7))
        row = {
            "pv_power": sun,
            "load_power": load,
            "battery_power": battery,
            "grid_power": load - sun - battery,
            "state_of_charge": 50 + 4 * hour % 50,
            "power": sun / 24,
        }
        for key, value in row.items():
            series[key].append(None if 3 < hour < 4 else round(value, 1))
    wanted = keys or ("pv_power", "load_power", "grid_power", "battery_power", "state_of_charge")
    return {
        "step": STEP,
        "start": iso(start),
        "now": iso(now),
        "midnight": iso(midnight),
        "series": {id: {key: series[key] for key in wanted} for id in ids},
    }


def registers(value: int = 2413, changed: float | None = 2.0) -> Document:
    row = {
        "table": "holding",
        "address": 40001,
        "value": value,
        "name": "grid_voltage_l1",
        "reading": f"{value / 10:.1f} V",
        "changed_at": None if changed is None else ago(changed),
        "seen_at": ago(1),
    }
    more = [
        {**row, "address": 40002 + number, "value": number, "name": None, "reading": None, "changed_at": None}
        for number in range(12)
    ]
    return {"lines": [{"name": "rs485", "units": [{"unit": 220, "device": "hub1", "registers": [row, *more]}]}]}
