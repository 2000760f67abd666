"""What can be true of no house is not taken, is counted, and is told of once."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.plausibility import MOST_TROUBLES, Doubt, Plausibility, doubt
from pvsmqtt.site.registry import Registry

PANEL = Device("e1", Kind.INVERTER, "Inverter E1", "E1", via="zt1")
SITE = Device("site", Kind.SITE, "Solar site")


def tell(device: Device = PANEL, source: str = "pvs a", **values: float | str | None) -> Reading:
    return Reading(device, values, source, datetime(2026, 6, 21, tzinfo=UTC), 0.0)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("power", math.nan, Doubt.NOT_FINITE),
        ("energy", math.inf, Doubt.NOT_FINITE),
        ("vendor_state", math.nan, Doubt.NOT_FINITE),
        ("power", 5_000_000.0, Doubt.OUT_OF_RANGE),
        ("power", 10**400, Doubt.OUT_OF_RANGE),
        ("power", 32767, Doubt.SENTINEL),
        ("power", -32768, Doubt.SENTINEL),
        ("dc_power", 65535, Doubt.SENTINEL),
        ("current", 327.67, Doubt.SENTINEL),
        ("energy", 4294967295, Doubt.SENTINEL),
        ("energy", 4294967.295, Doubt.SENTINEL),
        ("temperature", -273.15, Doubt.OUT_OF_RANGE),
        ("temperature", 6553.5, Doubt.OUT_OF_RANGE),
        ("temperature", -3276.8, Doubt.OUT_OF_RANGE),
        ("state_of_charge", 255.0, Doubt.OUT_OF_RANGE),
        ("state_of_charge", -5.0, Doubt.OUT_OF_RANGE),
        ("voltage", 3276.7, Doubt.SENTINEL),
        ("frequency", 655.35, Doubt.OUT_OF_RANGE),
        ("power_factor", 327.67, Doubt.OUT_OF_RANGE),
        ("energy", -40.0, Doubt.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be(key: str, value: float, why: Doubt) -> None:
    assert doubt(QUANTITIES[key], value) is why


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("power", 231.4),
        ("power", -15.0),
        ("power", 160_000.0),
        ("state_of_charge", 100.4),
        ("state_of_charge", 0.0),
        ("temperature", -40.0),
        ("temperature", 95.0),
        ("energy", 65535.0),
        ("energy", 3276.7),
        ("net_energy", -5000.0),
        ("voltage", 0.0),
        ("dc_voltage", 655.35),
        ("frequency", 0.0),
        ("error_count", 65535),
        ("uptime", 1e9),
        ("power", None),
        ("state", "error"),
    ],
)
def test_what_can_be(key: str, value: float | str | None) -> None:
    assert doubt(QUANTITIES[key], value) is None


def test_the_value_becomes_unknown_and_the_others_stay() -> None:
    house = House(Registry())
    house.accept([tell(power=200.0, temperature=30.0)], 0)
    events = house.accept([tell(power=6e6, temperature=31.0)], 300)
    values = next(e for e in events if isinstance(e, DeviceState) and e.device.id == "e1").values
    assert (values["power"], values["temperature"]) == (None, 31.0)
    assert house.refused_values == {"pvs a": {"power": {"out_of_range": 1}}}


def test_a_quantity_that_only_ever_was_nonsense_is_no_entity() -> None:
    house = House(Registry())
    house.accept([tell(power=200.0, temperature=6553.5)], 0)
    assert "temperature" not in house.registry["e1"].quantities


def test_live_data_of_a_house_goes_through_the_same_door() -> None:
    house = House(Registry())
    house.accept([tell(SITE, "pvs a live", pv_power=1e9)], 0)
    assert house.refused_values == {"pvs a": {"pv_power": {"out_of_range": 1}}}


def test_it_is_said_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    house = House(Registry())
    house.accept([tell(temperature=30.0)], 0)
    for now in range(1, 6):
        house.accept([tell(temperature=6553.5)], now)
    house.accept([tell(temperature=30.0)], 7)
    house.accept([tell(temperature=30.0)], 8)
    said = [record.message for record in caplog.records if "temperature" in record.message]
    assert len(said) == 2
    assert "6553.5" in said[0]
    assert "sensible again" in said[1]


def test_memory_is_bounded() -> None:
    judge = Plausibility()
    for number in range(3 * MOST_TROUBLES):
        device = Device(f"e{number}", Kind.INVERTER, "x", f"{number}")
        judge.passed([tell(device, f"source {number}", power=math.nan)])
    begun, _ = judge.news()
    assert len(begun) == MOST_TROUBLES
    assert len(judge.refused) <= 100


def test_of_two_devices_with_one_serial_number_the_last_is_taken_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House(Registry())
    shown = []
    for now in range(5):
        house.accept([tell(power=200.0 + now, energy=900.0), tell(power=7.0 + now, energy=40.0)], 300.0 * now)
        states = [e for e in house.configure({"e1": f"{now}"}, [], 300.0 * now) if e.device.id == "e1"]
        shown += [(s.values["power"], s.values["energy"]) for s in states if isinstance(s, DeviceState)]
    assert shown == [(7.0 + now, 40.0) for now in range(5)]
    assert caplog.text.count("two devices with one serial number") == 1
    assert house.refused_values["pvs a"]["power"] == {"two_devices": 5}


def test_two_readings_of_one_device_that_do_not_contradict_are_both_taken() -> None:
    readings = [tell(power=200.0), tell(energy=900.0, power=200.0), tell(PANEL, "pvs a diagnostics", power=1.0)]
    assert Plausibility().passed(readings) == readings


values = st.floats() | st.integers() | st.none() | st.text(max_size=5) | st.sampled_from([32767, 6553.5, -273.0])


@given(st.dictionaries(st.sampled_from(sorted(QUANTITIES)), values, max_size=8))
def test_all_that_passes_is_finite_and_within_its_limits_and_nothing_is_lost(
    told: dict[str, float | str | None],
) -> None:
    judge = Plausibility()
    (passed,) = judge.passed([Reading(PANEL, told, "pvs a")])
    assert passed.values.keys() == told.keys()
    refused = {key for key in told if passed.values[key] != told[key] or passed.values[key] is None}
    for key, value in passed.values.items():
        if isinstance(value, int | float):
            assert math.isfinite(value) if isinstance(value, float) else True
            limits = QUANTITIES[key].plausible
            assert limits is None or limits[0] <= value <= limits[1]
    counted = sum(sum(why.values()) for why in judge.refused.get("pvs a", {}).values())
    assert counted == sum(told[key] is not None for key in refused)
