"""Events of the bus become what the page shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.report import Info
from pvsmqtt.sinks.web.view import ORDER, View

AT = datetime(2026, 6, 21, 18, 5, 0, 123456, tzinfo=UTC)

PANEL = Device(
    "e001", Kind.INVERTER, "South 1", "E001", "Type E", "SPR-360", sw_version="4.21", via="zt1", site="site"
)
STATE = DeviceState(
    PANEL,
    True,
    {"power": 231.4, "temperature": None, "availability": "live", "frequency": 60.01},
    AT.replace(microsecond=0),
    ("pvs a",),
    {"power": "pvs a"},
    {"power": {"certainty": "measured"}},
)


def topic(device: Device) -> str:
    return f"t/{device.id}"


def test_a_device_is_told_as_the_page_needs_it() -> None:
    change = View().take(STATE, AT, topic)
    assert change is not None
    assert (change.event, change.id) == ("device", "e001")
    document = json.loads(json.dumps(change.document))
    values = {value["key"]: value for value in document.pop("values")}
    assert document == {
        "id": "e001",
        "kind": "inverter",
        "label": "Inverter",
        "name": "South 1",
        "model": "Type E",
        "serial": "E001",
        "panel": "SPR-360",
        "via": "zt1",
        "site": "site",
        "sw_version": "4.21",
        "topic": "t/e001",
        "online": True,
        "measured_at": "2026-06-21T18:05:00Z",
        "received_at": "2026-06-21T18:05:00Z",
        "sources": ["pvs a"],
    }
    assert values["power"] == {
        "key": "power",
        "name": "Power",
        "unit": "W",
        "value": 231.4,
        "source": "pvs a",
        "digits": 0,
        "category": None,
        "mark": {"certainty": "measured"},
    }
    assert values["temperature"]["value"] is None, "unknown is not 0"
    assert values["temperature"]["mark"] is None
    assert values["frequency"]["category"] == "diagnostic" or values["availability"]["category"] == "diagnostic"


def test_what_is_gone_is_gone() -> None:
    view = View()
    view.take(STATE, AT, topic)
    change = view.take(DeviceGone(PANEL), AT, topic)
    assert change is not None
    assert (change.event, change.document) == ("gone", {"id": "e001"})
    assert view.devices(topic) == []
    assert view.take(DeviceGone(PANEL), AT, topic) is None


def test_what_is_about_no_device_is_no_news() -> None:
    assert View().take(Info({}), AT, topic) is None


def test_when_it_was_heard_of() -> None:
    view, later = View(), AT + timedelta(minutes=5)
    view.take(STATE, AT, topic)
    view.take(STATE, later, topic)  # as after a reload: the bus tells again what is known
    assert view.devices(topic)[0]["received_at"] == "2026-06-21T18:05:00Z"
    view.take(replace(STATE, measured_at=later), later, topic)
    assert view.devices(topic)[0]["received_at"] == "2026-06-21T18:10:00Z"


def test_every_kind_has_its_place() -> None:
    assert set(ORDER) == set(Kind)
    assert len(ORDER) == len(Kind)
    view = View()
    for kind in (Kind.BRIDGE, Kind.BUS, Kind.INVERTER, Kind.ESS, Kind.PRODUCTION_METER, Kind.SUPERVISOR, Kind.SITE):
        for number in (2, 1):
            view.take(DeviceState(Device(f"{kind}{number}", kind, "x"), True, {}), AT, topic)
    found = [document["id"] for document in view.devices(topic)]
    assert found[:4] == ["site2", "site1", "supervisor2", "supervisor1"]
    assert [document[:-1] for document in found[4::2]] == ["production_meter", "ess", "inverter", "bus", "bridge"]
