"""The storage report: its shapes and signs, and the awkward ones."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Battery
from pvsmqtt.simulator.pvs.older.storage_status import FORMS, Form, storage_status

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2018, 5, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
UNITS = {"A", "V", "W", "kW", "C", "%"}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@cache
def house(ess: bool = True) -> House:
    return House(12, ess=ess)


def reply(when: datetime = NOON, form: Form = FORMS["2023"]) -> Any:
    return json.loads(storage_status(house(), when, form))


def battery(when: datetime) -> Battery:
    found = house().at(when).battery
    assert found is not None
    return found


def moment(wanted: float) -> datetime:
    """When the battery's power is next beyond this, kW."""
    instants = (NOON + timedelta(minutes=minute) for minute in range(14 * 24 * 60))
    return next(
        when for when in instants if abs(battery(when).power) > abs(wanted) and battery(when).power * wanted > 0
    )


def measurements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "unit" in node:
            yield node
        else:
            for inner in node.values():
                yield from measurements(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from measurements(inner)


def serials(document: Any) -> set[str]:
    return set(re.findall(r'"(?:serial_number|device_sn)": "([^"]*)"', json.dumps(document)))


def test_the_form_of_2023() -> None:
    document = reply()
    report = document["ess_report"]
    assert document.keys() == {"ess_report", "errors"}
    assert document["errors"] == []
    assert list(report) == [
        "last_updated",
        "battery_status",
        "ess_status",
        "hub_plus_status",
        "inverter_status",
        "ess_state",
    ]
    assert [len(report[key]) for key in ("battery_status", "ess_status", "inverter_status", "ess_state")] == [
        2,
        1,
        1,
        1,
    ]
    for pack in report["battery_status"]:
        assert pack.keys() == {
            *("serial_number", "last_updated", "battery_amperage", "battery_voltage", "temperature"),
            *("customer_state_of_charge", "system_state_of_charge"),
        }
        assert pack["customer_state_of_charge"]["value"] <= pack["system_state_of_charge"]["value"]
    assert report["hub_plus_status"]["contactor_position"] == "CLOSED"
    assert report["ess_state"][0]["operational_mode"] == "SELF_CONSUMPTION"
    assert report["ess_state"][0]["permission_to_operate"] is True


@pytest.mark.parametrize(("name", "kind"), [("2020", list), ("described", dict)])
def test_the_form_of_2020(name: str, kind: type) -> None:
    report = reply(form=FORMS[name])["ess_report"]
    for pack in report["battery_status"]:
        assert pack["state_of_charge"]["value"] == round(battery(NOON).state_of_charge * 100)
        assert not {"customer_state_of_charge", "system_state_of_charge"} & pack.keys()
    assert isinstance(report["ess_state"], kind)


@settings(deadline=None)
@given(INSTANTS, st.sampled_from(sorted(FORMS)))
def test_numbers_are_numbers_and_times_are_those_of_the_house(when: datetime, name: str) -> None:
    document = reply(when, FORMS[name])
    found = list(measurements(document))
    assert len(found) >= 10
    for measurement in found:
        assert measurement.keys() == {"value", "unit"}
        assert type(measurement["value"]) in (int, float)
        assert measurement["unit"] in UNITS
    times = set(TIME.findall(json.dumps(document)))
    assert times == {battery(when).measured_at.strftime("%Y-%m-%d %H:%M:%S")}


def test_times_are_utc_whatever_the_clock_shows() -> None:
    assert reply(NOON.astimezone(ZoneInfo("America/Denver"))) == reply(NOON)


@pytest.mark.parametrize(("wanted", "sign"), [(-1.5, -1), (1.0, 1)])
def test_signs(wanted: float, sign: int) -> None:
    when = moment(wanted)
    report = reply(when)["ess_report"]
    meters = report["ess_status"][0]["ess_meter_reading"]
    power = meters["agg_power"]
    assert power == {"value": round(battery(when).power, 3), "unit": "kW"}
    assert power["value"] * sign > 1
    assert report["inverter_status"][0]["ac_power"] == power
    legs = [meters[leg]["reading"] for leg in ("meter_a", "meter_b")]
    assert sum(leg["power"]["value"] for leg in legs) == pytest.approx(power["value"] * 1000, abs=0.7)
    for leg in legs:
        assert leg["power"]["unit"] == "W"
        assert leg["power"]["value"] * sign > 0
        product = leg["current"]["value"] * leg["voltage"]["value"]
        assert product == pytest.approx(abs(leg["power"]["value"]), abs=7)
    packs = report["battery_status"]
    assert all(pack["battery_amperage"]["value"] * sign < 0 for pack in packs)
    behind = -sum(pack["battery_amperage"]["value"] * pack["battery_voltage"]["value"] for pack in packs) / 1000
    losses = 0.92 if sign < 0 else 1 / 0.92
    assert behind == pytest.approx(power["value"] * losses, abs=0.02)


def test_states_of_charge_are_percents() -> None:
    when = moment(1.0)
    pack = reply(when)["ess_report"]["battery_status"][0]
    now = battery(when)
    assert pack["system_state_of_charge"] == {"value": round(now.state_of_charge * 100), "unit": "%"}
    assert pack["customer_state_of_charge"] == {"value": round(now.customer_state_of_charge * 100), "unit": "%"}
    assert pack["customer_state_of_charge"]["value"] > 1


def test_nulls() -> None:
    report = reply(form=FORMS["nulls"])["ess_report"]
    assert report["battery_status"] == report["inverter_status"] == [None]
    assert report["ess_status"][0]["ess_meter_reading"] is None
    assert report["hub_plus_status"]["main_voltage"]["value"] > 11


def test_serials() -> None:
    named = house().serials.storage
    own = {named.ess, named.hub_plus, named.storage_inverter, *named.batteries}
    assert serials(reply()) == own
    foreign = serials(reply(form=FORMS["foreign"]))
    assert len(foreign) == len(own)
    assert not foreign & own
    assert serials(reply(form=FORMS["unnamed"])) == {""}


def test_an_alarm_names_a_battery() -> None:
    (error,) = reply(form=FORMS["alarm"])["errors"]
    assert error.keys() == {
        *("error_name", "last_occurrence", "error_code", "device_sn", "error_message", "value"),
    }
    assert error["device_sn"] in house().serials.storage.batteries


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_without_a_battery_there_is_no_report(form: Form) -> None:
    assert json.loads(storage_status(house(ess=False), NOON, form)) == {"errors": []}
