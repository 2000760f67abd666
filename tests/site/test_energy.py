"""Totals of a house: whole sums or none, and the right meaning of each meter."""

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.site.energy import commissioned, proven, totals


def state(kind, number=1, **values):
    return DeviceState(Device(f"{kind}{number}", kind, "x"), True, values)


def production(number=1, power=8085.5, energy=43417.8):
    return state(Kind.PRODUCTION_METER, number, power=power, energy=energy)


NET = state(
    Kind.CONSUMPTION_METER,
    power=-3028.2,
    net_energy=-1205.65,
    import_energy=25996.56,
    export_energy=27202.26,
    meter_type="net_consumption_loadside",
)
GROSS = state(Kind.CONSUMPTION_METER, power=1500.0, net_energy=30000.0, meter_type="gross_consumption_lineside")
IS_GRID = {NET.device.id: "grid"}
IS_LOAD = {GROSS.device.id: "load"}


def test_production_and_net_meter():
    assert totals([production(), NET], IS_GRID) == {
        "pv_power": 8085.5,
        "pv_energy": 43417.8,
        "grid_power": -3028.2,
        "grid_net_energy": -1205.65,
        "grid_import_energy": 25996.56,
        "grid_export_energy": 27202.26,
        "load_power": 5057.3,
    }


def test_production_and_gross_meter_give_the_grid_by_difference():
    found = totals([production(), GROSS], IS_LOAD)
    assert found["load_power"] == 1500.0
    assert found["load_energy"] == 30000.0
    assert found["grid_power"] == -6585.5
    assert "grid_import_energy" not in found


def test_old_firmware_has_no_import_and_export():
    old = state(Kind.CONSUMPTION_METER, power=465.4, net_energy=-103.5)
    found = totals([production(), old], IS_GRID)
    assert found["grid_net_energy"] == -103.5
    assert "grid_import_energy" not in found


def test_production_is_never_negative():
    assert totals([production(power=-15.0)], {})["pv_power"] == 0.0


def test_half_a_sum_is_none():
    found = totals([production(1), production(2, power=None)], {})
    assert found == {"pv_power": None, "pv_energy": 86835.6}


def test_a_meter_without_transformers_is_left_out():
    unused = state(Kind.CONSUMPTION_METER, power=0.0, net_energy=0.0, meter_type="not_used")
    assert totals([production(power=0.0, energy=0.0), unused], {unused.device.id: "grid"}) == {}


def test_with_a_battery_load_is_not_guessed():
    found = totals([production(), NET, state(Kind.ESS)], IS_GRID)
    assert "load_power" not in found
    assert found["grid_power"] == -3028.2
    assert "grid_power" not in totals([production(), GROSS, state(Kind.BATTERY)], IS_LOAD)


def test_a_meter_of_unknown_meaning_gives_nothing():
    assert totals([state(Kind.CONSUMPTION_METER, power=300.0, net_energy=500.0)], {}) == {}


def test_two_grid_meters_are_not_one():
    other = DeviceState(Device("other", Kind.CONSUMPTION_METER, "x"), True, NET.values)
    assert "grid_power" not in totals([NET, other], {**IS_GRID, "other": "grid"})


def test_unknown_power_makes_the_balance_unknown_not_zero():
    silent = state(Kind.CONSUMPTION_METER, power=None, net_energy=-5.0)
    found = totals([production(), silent], IS_GRID)
    assert found["grid_power"] is None
    assert found["load_power"] is None


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"meter_type": "net_consumption_loadside"}, "grid"),
        ({"meter_type": "gross_consumption_lineside"}, "load"),
        ({"meter_type": "not_used"}, None),
        ({"power": -500.0}, None),
        ({}, None),
    ],
)
def test_what_a_meter_was_commissioned_for(values, what):
    assert commissioned(values) == what


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"power": -500.0}, "grid"),
        ({"power": -1.2}, None),
        ({"net_energy": -103.5}, "grid"),
        ({"net_energy": -0.5}, None),
        ({"export_energy": 1.5}, "grid"),
        ({"export_energy": 0.2}, None),
        ({"net_energy": 103.5, "power": 400.0, "export_energy": 0.0}, None),
        ({"net_energy": None, "power": None}, None),
        ({}, None),
    ],
)
def test_what_its_values_prove(values, what):
    assert proven(values) == what


def test_a_meter_that_has_not_spoken_yet_makes_the_sum_unknown():
    silent = state(Kind.PRODUCTION_METER, 2, power=None, energy=None)
    assert totals([production(), silent], {}) == {"pv_power": None, "pv_energy": None}
