"""What points of SunSpec models are published as."""

from __future__ import annotations

import pytest

from pvsmqtt.modbus.sunspec import Basis, Identity, Point
from pvsmqtt.modbus.sunspec.definitions import GroupDefinition, definition
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.sunspec_readings import conversions, facts, readings
from pvsmqtt.sources.sunspec_readings.conversions import bits, kilo, listed, percent, same, share, switch
from pvsmqtt.sources.sunspec_readings.tables import DC_INPUTS, METERS, SEVERAL, TABLES, VENDOR_EVENTS


def point(model: int, path: str, value: object, *, scaled: bool = True) -> Point:
    group, _, name = path.rpartition(".")
    return Point(model, group, name, name, value, value, None, Basis.CONFIRMED, 1.0, None, 0, scaled)  # type: ignore[arg-type]


def told(model: int, **values: object) -> list[Point]:
    return [point(model, name, value) for name, value in values.items()]


def paths(group: GroupDefinition, path: str = "") -> dict[str, str | None]:
    """Every point with its unit; of repeated groups the first."""
    found = {f"{path}{row.name}": row.units for row in group.points}
    for inner in group.groups:
        label = inner.name if inner.count is None else f"{inner.name}[1]"
        found |= paths(inner, f"{path}{label}.")
    return found


UNITS = {"W": "W", "VA": "VA", "var": "var", "Var": "var", "V": "V", "A": "A", "Hz": "Hz", "C": "°C", "Wh": "kWh"}
UNITS |= {"%": "%", "%WHRtg": "%", "Pct": "%", "% AhrRtg": "%", "% WChaMax": "%", "% WDisChaMax": "%"}
UNITS |= {"Ah": "Ah", "WH": "kWh", "% WMax": "%"}
WORDS = {
    conversions.operating_state: conversions.OPERATING_STATES,
    conversions.charge_state: conversions.CHARGE_STATES,
    conversions.bank_state: conversions.BANK_STATES,
    conversions.wanted_state: conversions.WANTED_STATES,
    conversions.control_place: conversions.CONTROL_PLACES,
    conversions.storage_state: conversions.STORAGE_STATES,
}


@pytest.mark.parametrize("model", TABLES)
def test_every_row_is_a_point_and_a_quantity_in_its_unit(model: int) -> None:
    found = definition(model)
    assert found is not None
    known = paths(found.group)
    for path, key, convert in TABLES[model]:
        unit, row = known[path], QUANTITIES[key]
        if key == "power_factor":
            assert convert is (percent if unit == "Pct" else share)
        elif row.options:
            assert convert in (*WORDS, conversions.storage_limits)
        elif row.switch:
            assert convert is switch
        elif unit is None:
            assert row.unit is None, path
            assert convert in (same, bits, listed)
        else:
            assert UNITS[unit.strip()] == row.unit, path
            assert convert is (kilo if row.unit == "kWh" else same), path
    for name in VENDOR_EVENTS.get(model, ()):
        assert name in known
    if model in SEVERAL:
        assert any(path.startswith(SEVERAL[model].replace("[2]", "[1]")) for path in known)


@pytest.mark.parametrize("model", TABLES)
def test_every_name_of_a_number_has_its_own_word(model: int) -> None:
    """What the model file names is never "other", and every word is one of the quantity."""
    found = definition(model)
    assert found is not None
    points_by_name = {row.name: row for row in found.group.points}
    for path, key, convert in TABLES[model]:
        if convert in WORDS:
            told_words = [WORDS[convert][name] for name in points_by_name[path].symbols.values()]
            assert len(set(told_words)) == len(told_words) > 1, key
            assert {*told_words, "other"} <= set(QUANTITIES[key].options)
    assert {*conversions.STORAGE_LIMITS.values(), "other"} == set(QUANTITIES["storage_limits"].options)


def test_an_inverter() -> None:
    kind, values = readings(
        told(103, W=4200, WH=12_345_678, PF=-99.5, St="MPPT", TmpCab=40.5, PhVphA=121.0, DCW=4300, VAr=None)
    )
    assert kind is Kind.INVERTER
    assert values == {
        "power": 4200,
        "energy": 12345.678,
        "power_factor": -0.995,
        "operating_state": "mppt",
        "cabinet_temperature": 40.5,
        "voltage_l1": 121.0,
        "dc_power": 4300,
        "reactive_power": None,
    }


def test_the_temperature_of_an_inverter_is_never_that_of_its_case() -> None:
    assert readings(told(101, TmpCab=40, TmpSnk=None))[1] == {"temperature": None, "cabinet_temperature": 40}


def test_nothing_is_said_under_the_name_of_what_the_supervisor_says() -> None:
    """`state`, `reserve` and the power it can charge with have one voice."""
    told_keys = {key for table in TABLES.values() for _, key, _ in table}
    assert "state" not in told_keys
    assert {"reserve", "charge_power_limit", "cell_temperature_min"}.isdisjoint(key for _, key, _ in TABLES[124])
    assert "cell_temperature_min" not in told_keys


def test_states_that_are_not_implemented_are_none() -> None:
    assert readings(told(101, St=None))[1] == {"operating_state": None}
    assert readings(told(124, StorCtl_Mod=None))[1] == {"storage_limits": None}
    assert readings(told(101, Evt1=None, EvtVnd1=None))[1] == {"events": None, "vendor_events": None}


def test_vendor_events_in_their_order() -> None:
    points_told = told(103, EvtVnd1=1, EvtVnd2=0, EvtVnd3=None, EvtVnd4=0x80)
    assert readings(points_told)[1] == {"vendor_events": "00000001 00000000 - 00000080"}


def test_a_battery_in_the_unit_of_its_inverter_keeps_its_names_apart() -> None:
    """Neither 51 V nor the power of the battery is the inverter's, also where that one tells nothing."""
    kind, values = readings(
        [
            *told(103, W=500, PPVphAB=None),
            *told(802, V=51.2, W=-700, A=-13.0, SoC=50, Evt1=4, StateVnd=3, EvtVnd1=1),
            *told(803, ModTmpAvg=25),
        ]
    )
    assert kind is Kind.STORAGE_INVERTER
    assert values == {"power": 500, "voltage": None, "battery_voltage": 51.2, "state_of_charge": 50}


def test_what_cannot_be_scaled_is_no_news() -> None:
    assert readings([point(103, "W", None, scaled=False)]) == (Kind.INVERTER, {})


def test_a_power_factor_beyond_one_is_none() -> None:
    assert readings(told(103, PF=101))[1] == {"power_factor": None}
    assert readings(told(701, PF=0.5))[1] == {"power_factor": 0.5}


@pytest.mark.parametrize(
    ("status", "current", "shown"),
    [("CHARGING", 10.0, -10.0), ("CHARGING", -10.0, -10.0), ("DISCHARGING", -10.0, 10.0), ("HOLDING", -1.0, -1.0)],
)
def test_discharging_is_positive_whatever_the_battery_says(status: str, current: float, shown: float) -> None:
    kind, values = readings(told(802, ChaSt=status, A=current, W=current * 50, SoC=55.5))
    assert kind is Kind.BMS
    assert values == {
        "current": shown,
        "power": shown * 50,
        "state_of_charge": 55.5,
        "charge_state": status.lower(),
    }


def test_power_of_a_battery_whose_scale_factor_is_never_read() -> None:
    points = [*told(802, V=51.2, A=-10.0, ChaSt="CHARGING"), point(802, "W", None, scaled=False)]
    assert readings(points)[1]["power"] == -512.0
    assert "power" not in readings(told(802, V=51.2))[1]


def test_a_battery_inverter() -> None:
    kind, values = readings(
        [
            *told(102, W=-500, DCV=51.0, DCW=480, DCA=9),
            *told(124, MinRsvPct=20, WChaMax=4500),
            *told(20001, WhCha=7000),
        ]
    )
    assert kind is Kind.STORAGE_INVERTER
    assert values == {
        "power": -500,
        "battery_voltage": 51.0,
        "commanded_reserve": 20,
        "charge_power_rating": 4500,
        "charge_energy": 7.0,
    }


def test_an_inverter_with_panels_and_storage_keeps_its_panels() -> None:
    kind, values = readings([*told(103, W=500, DCW=480), *told(124, InBatV=51)])
    assert kind is Kind.STORAGE_INVERTER
    assert values == {"power": 500, "dc_power": 480, "battery_voltage": 51}


def test_a_meter() -> None:
    kind, values = readings(told(203, W=-1500, TotWhImp=1000, TotWhExp=2500, PPV=241.0, PF=98))
    assert kind is Kind.METER
    assert values == {
        "power": -1500,
        "import_energy": 1.0,
        "export_energy": 2.5,
        "voltage": 241.0,
        "power_factor": 0.98,
    }


def test_one_string_is_the_whole_and_several_are_not() -> None:
    first = point(160, "module[1].DCV", 380.0)
    assert readings([*told(103, W=1), first])[1] == {"power": 1, "dc_voltage": 380.0}
    second = [point(160, "module[2].DCV", 370.0), point(160, "module[2].DCW", None)]
    assert readings([*told(103, W=1, DCW=900), first, *second])[1] == {
        "power": 1,
        "dc_power": 900,
        "dc_voltage_1": 380.0,
        "dc_voltage_2": 370.0,
        "dc_power_2": None,
    }


def test_no_more_than_four_dc_inputs() -> None:
    inputs = [point(160, f"module[{number}].DCW", 100 * number) for number in range(1, 7)]
    assert readings(inputs)[1] == {f"dc_power_{number}": 100 * number for number in (1, 2, 3, 4)}
    ports = [point(714, f"Prt[{number}].DCA", number) for number in (1, 2)]
    assert readings([*told(714, DCW=700), *ports])[1] == {"dc_power": 700, "dc_current_1": 1, "dc_current_2": 2}


@pytest.mark.parametrize("model", DC_INPUTS)
def test_every_dc_input_is_a_point_and_a_quantity_in_its_unit(model: int) -> None:
    found = definition(model)
    assert found is not None
    known = paths(found.group)
    for path, key, convert in DC_INPUTS[model]:
        number = path[path.index("[") + 1]
        unit = known[path.replace(f"[{number}]", "[1]")]
        assert unit is not None
        assert UNITS[unit] == QUANTITIES[key].unit
        assert key.endswith(f"_{number}")
        assert convert is same


def test_energy_of_the_status_model_where_the_inverter_counts_none() -> None:
    assert readings([*told(103, WH=5000), *told(122, ActWh=7000)])[1] == {"energy": 5.0}
    assert readings([*told(103, WH=None), *told(122, ActWh=7000)])[1] == {"energy": 7.0}


def test_a_limit_says_whether_it_is_in_force() -> None:
    assert readings(told(123, WMaxLimPct=60.0, WMaxLim_Ena="DISABLED"))[1] == {
        "commanded_power_limit": 60.0,
        "power_limit_active": "off",
    }
    assert readings(told(704, WMaxLimPct=60.0, WMaxLimPctEna="ENABLED"))[1]["power_limit_active"] == "on"
    assert readings(told(704, WMaxLimPctEna=7))[1] == {"power_limit_active": None}


@pytest.mark.parametrize("model", sorted(METERS))
def test_a_meter_in_the_unit_of_an_inverter_stands_at_the_grid(model: int) -> None:
    """Neither its power nor what its lines carry is the inverter's, also where that one tells nothing."""
    meter = told(model, W=-900, WphA=-500, WphC=1, A=4, AphB=2, PPV=240.0, PhVphA=120.0, Hz=60, PF=0.5, TotWhImp=1000)
    kind, values = readings([*told(103, W=1500, PPVphAB=None, AphA=None), *meter])
    assert kind is Kind.INVERTER
    assert values == {
        "power": 1500,
        "voltage": None,
        "current_l1": None,
        "grid_power": -900,
        "grid_current": 4,
        "grid_current_l2": 2,
        "grid_voltage": 240.0,
        "grid_voltage_l1": 120.0,
        "grid_frequency": 60,
        "import_energy": 1.0,
    }


def test_the_only_string_speaks_for_its_bank_and_several_do_not() -> None:
    string = told(804, SoC=55, ModTmpMin=21.5)
    assert readings([*told(802, SoC=50), *string])[1] == {"state_of_charge": 50, "module_temperature_min": 21.5}
    other = [row._replace(address=100) for row in string]
    assert readings([*told(802, SoC=50), *string, *other])[1] == {"state_of_charge": 50}


def test_other_kinds() -> None:
    assert readings(told(713, SoC=50))[0] is Kind.BMS
    assert readings([]) == (Kind.OTHER, {})
    assert readings(told(1, Mn="x")) == (Kind.OTHER, {})


def test_facts_of_a_device() -> None:
    assert facts(None) == {}
    assert facts(Identity("SMA", "SB 5000", None, "123")) == {
        "manufacturer": "SMA",
        "model": "SB 5000",
        "serial": "123",
    }
