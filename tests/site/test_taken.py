"""Which readings count as accepted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

AT = datetime(2026, 6, 21, 18, tzinfo=UTC)
NOW = AT + timedelta(seconds=70)
PANEL = Device("e1", Kind.INVERTER, "Inverter E1", serial="E1", via="zt1")
FIRST = Reading(PANEL, {"power": 231.4, "energy": 1834.52, "temperature": None}, "pvs a", AT)


def house(*ignored: str) -> House:
    house = House(Registry())
    house.configure({}, ignored, 0.0)
    return house


def test_a_reading_as_it_was_told() -> None:
    there = house()
    there.accept([FIRST], 1.0)
    (one,) = there.taken(NOW)
    assert (one.device, one.source, one.measured_at, one.accepted_at) == ("e1", "pvs a", AT, NOW)
    assert one.values == FIRST.values
    assert there.taken(NOW) == []


def test_the_same_measurement_told_again_is_not_another_reading() -> None:
    there = house()
    there.accept([FIRST], 1.0)
    there.accept([FIRST], 2.0)
    there.accept([replace(FIRST, source="pvs b")], 3.0)
    there.accept([replace(FIRST, values={**FIRST.values, "power": 1.0})], 4.0)
    there.accept([replace(FIRST, measured_at=NOW)], 5.0)
    assert [(one.source, one.measured_at, one.values["power"]) for one in there.taken(NOW)] == [
        ("pvs a", AT, 231.4),
        ("pvs b", AT, 231.4),
        ("pvs a", AT, 1.0),
        ("pvs a", NOW, 231.4),
    ]


def test_without_a_time_it_always_is() -> None:
    there = house()
    there.accept([replace(FIRST, measured_at=None)], 1.0)
    there.accept([replace(FIRST, measured_at=None)], 2.0)
    assert len(there.taken(NOW)) == 2


def test_a_sign_of_life_without_values_is_none() -> None:
    there = house()
    there.accept([replace(FIRST, values={})], 1.0)
    assert there.taken(NOW) == []


def test_counters_are_as_they_are_published() -> None:
    there = house()
    there.accept([FIRST], 1.0)
    there.accept([replace(FIRST, values={"energy": 0.0, "power": 5.0}, measured_at=NOW)], 2.0)
    assert [one.values for one in there.taken(NOW)][1] == {"energy": 1834.52, "power": 5.0}


def test_live_data_of_the_house_count_and_its_totals_do_not() -> None:
    there = house()
    site = Device("site", Kind.SITE, "live")
    there.accept([FIRST, Reading(site, {"pv_power": 200.0}, "pvs a live", AT)], 1.0)
    taken = there.taken(NOW)
    assert {(one.device, *one.values) for one in taken} == {
        ("e1", "power", "energy", "temperature"),
        ("site", "pv_power"),
    }


def test_an_ignored_device_has_no_readings() -> None:
    there = house("E1")
    there.accept([FIRST], 1.0)
    assert there.taken(NOW) == []


def test_the_id_is_the_settled_one() -> None:
    there = house()
    there.accept([FIRST], 1.0)
    meter = replace(PANEL, kind=Kind.PRODUCTION_METER)
    there.accept([Reading(meter, {"power": 1.0}, "pvs a", AT)], 2.0)
    assert [one.device for one in there.taken(NOW)] == ["e1", "e1_production_meter"]
