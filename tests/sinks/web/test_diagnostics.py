"""The report for a bug report: secrets are planted everywhere and looked for."""

import json
import platform
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from helpers_mqtt import PANEL, PVS, SITE, house, state
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.sinks.web.diagnostics import MOST, report
from pvsmqtt.sinks.web.veil import Veil

WALL = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
SERIAL = "ZT184385000441E1569"
PANEL_SERIAL = "E00122125092032"
INFO = {
    "version": "0.9",
    "started_at": "2026-06-21T17:00:00Z",
    "instance": "meier",
    "sources": [{"name": "pvs solar.meier.example", "kind": "pvs"}],
}

SECRETS = {
    "serial number of the PVS": SERIAL,
    "password of the PVS": "E1569",
    "serial number of a panel": PANEL_SERIAL,
    "serial number nobody knows": "SY029448A2AB90F43CE",
    "host of the PVS": "solar.meier.example",
    "broker": "mosquitto.meier.example",
    "host in the house": "nas.fritz.box",
    "host in an address": "tinyhost",
    "instance": "meier",
    "name of a device": "Oma Gerdas Dach",
    "user": "gerda",
    "mail": "gerda@meier.example",
    "MAC address": "b8:27:eb:12:34:56",
    "link-local address": "fe80::ba27:ebff:fe12:3456",
    "public address": "84.137.12.99",
    "name of a network": "FritzBox Meier 5",
    "key of a network": "unser-geheimes-wlan",
    "password": "Xq7Zk!secret",
    "session": "0a1b2c3d4e5f60718293",
    "adapter": "usb-FTDI_FT232R_USB_UART_AQ00JGWW",
}


def texts():
    """Lines in which they stand, in more than one form."""
    return [
        f"PVS {SERIAL} at http://solar.meier.example:8080 does not answer",
        f"pvsmqtt/meier/{SERIAL.lower()}/state and homeassistant/device/pvsmqtt_{PANEL_SERIAL.lower()}/config",
        f"Inverter {PANEL_SERIAL} (Oma Gerdas Dach) is lost, SY029448A2AB90F43CE as well",
        "cannot reach mosquitto.meier.example:1883 as gerda, nor nas.fritz.box, nor tinyhost:1883 or tcp://tinyhost",
        "mail to gerda@meier.example; file /home/gerda/pvsmqtt.toml",
        "b8:27:eb:12:34:56 has fe80::ba27:ebff:fe12:3456%eth0 and 84.137.12.99, [fe80::ba27:ebff:fe12:3456]:80",
        'ssid="FritzBox Meier 5" wpa_key: unser-geheimes-wlan',
        '{"name": "password", "value": "Xq7Zk!secret"}',
        "Cookie: session=0a1b2c3d4e5f60718293",
        "the password E1569 is wrong",
        "serial:///dev/serial/by-id/usb-FTDI_FT232R_USB_UART_AQ00JGWW-if00-port0 is gone",
        "mqtt://gerda:Xq7Zk!secret@mosquitto.meier.example/",
    ]


def health(**more):
    """A document with everything in every place."""
    lines = texts()
    source = {
        "name": "pvs solar.meier.example",
        "kind": "pvs",
        "state": "failing",
        "age": 1000.0,
        "cycles": 5,
        "refused": {"busy": 2},
        "trouble": "busy",
        "failing_for": 1000.0,
        "message": lines[0],
        "interface": {"model": "PVS6", "generation": "varserver", "firmware": "2025.06, Build 61846"},
        "details": lines,
        "units": {f"unit of {SERIAL}": {"serial": PANEL_SERIAL, "said": lines[2]}},
        "login": {"password": ["Xq7Zk!secret"], "session_id": {"x": "0a1b2c3d4e5f60718293"}},
        "settings": [{"name": "wpa_key", "value": "unser-geheimes-wlan"}, {"ssid": "FritzBox Meier 5"}],
        "interfaces": {"mac": "b8:27:eb:12:34:56", "address": "84.137.12.99"},
        "line": lines[10],
    }
    broker = {"connected": False, "away_for": 4000, "message": lines[3]}
    return {"uptime": 4000, "sources": [source], "broker": broker, "journal": {"state": "ok"}, **more}


def devices():
    pvs = Device(SERIAL.lower(), Kind.SUPERVISOR, f"PV supervisor {SERIAL}", serial=SERIAL, model="PVS6", via="site")
    panel = Device(
        PANEL_SERIAL.lower(), Kind.INVERTER, "Oma Gerdas Dach", serial=PANEL_SERIAL, model="Type G", via=pvs.id
    )
    return [
        replace(state(pvs, uptime=5.0, firmware="x"), sources=("pvs solar.meier.example",)),
        replace(state(panel, power=None, availability="lost"), sources=("pvs solar.meier.example live",)),
        state(SITE, pv_power=1.0),
    ]


def log(*lines):
    return [
        {"time": "2026-06-21T18:04:00Z", "level": "warning", "logger": "pvsmqtt.x", "text": line} for line in lines
    ]


def whole(**what):
    what = {"info": INFO, "health": health(), "states": devices(), "log": log(*texts()), **what}
    return report(**what, wall=WALL, names=["mosquitto.meier.example", "gerda"])


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_in_it(what):
    assert any(SECRETS[what].lower() in line.lower() for line in [*texts(), str(INFO)]), "it was planted"
    assert SECRETS[what].lower() not in whole().lower()


def test_no_secret_is_in_it_where_the_house_is_not_known_yet():
    """Right after a start nothing says what is a serial number, or what is a host."""
    found = report({}, health(), [], log(*texts()), WALL).lower()
    left = [what for what, secret in SECRETS.items() if secret.lower() in found]
    assert set(left) <= {"instance", "name of a device", "user", "password of the PVS"}


def test_this_machine_is_not_named(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "gerdas-pi")
    assert "gerdas-pi" not in whole(log=log("gerdas-pi started"))


def test_it_tells_what_helps():
    found = whole()
    for text in ("0.9", platform.python_version(), "PVS6, varserver, 2025.06, Build 61846", "busy × 2", "lost × 1"):
        assert text in found, text
    assert "* name-1 has failed" in found or "has failed for 16 minutes" in found
    assert "172.27.153.1" in whole(log=log("PVS at 172.27.153.1 does not answer"))


def test_a_thing_is_called_the_same_everywhere():
    found = whole()
    assert re.search(r"\| supervisor-1 \|", found)
    assert "PVS supervisor-1 at http://" in found
    assert re.search(r"\| inverter-1 \| online \| lost \| supervisor-1 \|", found)
    assert "pvsmqtt/name-2/supervisor-1/state" in found or re.search("pvsmqtt/name-\\d/supervisor-1/state", found)
    assert "device/pvsmqtt_inverter-1/config" in found


def test_what_a_device_measured_is_not_in_it():
    assert "231.4" not in report({}, {}, house(), [], WALL)


def test_values_that_are_unknown_are_named():
    row = next(line for line in whole().splitlines() if line.startswith("| inverter-1"))
    assert row.endswith("| 1 of 2 | power |")


def test_it_is_markdown_whatever_was_said():
    nasty = "```\n</details> | **x** <img src=x> @somebody [a](http://b)"
    bad = health()
    bad["sources"][0]["message"] = nasty
    found = whole(health=bad, log=log(nasty))
    assert found.count("```") == 4
    rows = [line for line in found.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {7, 8}
    outside = re.sub(r"```.*?```", "", found, flags=re.S)
    assert outside.count("<details>") == outside.count("</details>") == 2
    assert "<img" not in re.sub(r"\\<", "", outside)
    assert "@somebody" not in outside


def test_it_is_bounded_and_keeps_the_latest_lines():
    many = [
        replace(state(replace(PANEL, id=f"e001221{number:08}", serial=f"E001221{number:08}"), power=None, energy=1.0))
        for number in range(400)
    ]
    wide = health(more={f"key {number}": list(range(1000)) for number in range(1000)}, long=["x" * 5000] * 50)
    lines = log(*(f"line {number} " + "ä" * 300 for number in range(2000)))
    found = whole(states=many, health=wide, log=lines)
    assert len(found.encode()) <= MOST < 64 * 1024
    assert "line 1999" in found
    assert "line 5 " not in found
    left_out = re.search(r"… and (\d+) more", found)
    assert left_out is not None
    assert int(left_out[1]) + len(re.findall(r"^\| inverter-", found, re.M)) == 400
    assert found.rstrip().endswith("</details>")


def test_the_health_document_stays_json_while_there_is_room():
    block = re.search(r"```json\n(.*?)\n```", whole(), re.S)
    assert block is not None
    assert json.loads(block[1])["sources"][0]["interface"]["model"] == "PVS6"


def test_nothing_known_is_a_report_too():
    found = report({}, {}, [], [], WALL)
    assert "All is well" in found
    assert len(found) < 1500


serials = st.from_regex(r"\A(?:E00|SY|ZT|SB)[0-9A-F]{6,14}[0-9]{4}\Z")


@given(serials, st.text(max_size=30), st.sampled_from(["{}", "a {}.", "({})", "pvsmqtt_{}", "x/{}/y", "'{}'", "{},"]))
def test_a_known_serial_number_is_never_left(serial, around, form):
    device = Device(serial.lower(), Kind.INVERTER, f"Inverter {serial}", serial=serial)
    veil = Veil([device])
    for said in (serial, serial.lower()):
        assert serial.lower() not in veil.text(f"{around} {form.format(said)} {around}").lower()


@given(serials)
def test_a_serial_number_that_nobody_knows_is_called_the_same_each_time(serial):
    veil = Veil()
    one, two = veil.text(f"{serial} x {serial}").split(" x ")
    assert one == two != serial


def test_addresses_that_are_somebodys_are_hidden_as_a_whole():
    text = "from fe80::1%eth0, 2001:db8::5 and [2003:e1::7]:80 to 8.8.8.8:53"
    assert Veil().text(text) == "from [hidden], [hidden] and [[hidden]]:80 to [hidden]:53"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28T03:08:11.027835Z info pvsmqtt.pvs: PVS6, firmware 2025.06, Build 61839 has no login",
        "with baudrate 115200 8N1, 240 V, 12345 frames; [[modbus_tcp]] unit 220",
        "6.12.47+rpt-rpi-v8 aarch64, Python 3.11.2, aiohttp 3.12.15",
        "connected to 192.168.1.10 with MQTT 5; 127.0.0.1, ::1; pvsmqtt.site.house: 24 new devices",
        "energy.json cannot be used; curves.json is set aside; pvsmqtt.sources.pvs.source",
        "18:05:12 at 18:05",
    ],
)
def test_what_everybody_has_stays(text):
    assert Veil([PVS, PANEL]).text(text) == text
