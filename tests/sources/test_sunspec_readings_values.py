"""From registers to published values, row by row: by hand, and as pysunspec2 decodes them."""

from __future__ import annotations

import struct

import pytest
from sunspec2.modbus.client import SunSpecModbusClientModel

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.sunspec import SunSpecView, pin
from pvsmqtt.modbus.sunspec.definitions import PointDefinition, definition, shape
from pvsmqtt.modbus.values import TYPES
from pvsmqtt.sources.sunspec_readings import readings
from pvsmqtt.sources.sunspec_readings.conversions import kilo, percent, same, share
from pvsmqtt.sources.sunspec_readings.tables import TABLES


def registers_of(model: int, numbers: dict[str, int]) -> list[int]:
    """A model whose points say "not implemented", but for some."""
    found, size = definition(model), shape(model)
    assert found is not None
    assert size is not None
    registers = [0] * (size.fixed + 2)
    for row in found.group.points:
        missing = 0 if row.name.endswith("_SF") else TYPES[row.type].missing
        number = numbers.get(row.name, 0x7FC0_0000 if row.type == "float32" else missing or 0)
        for at in range(row.length):
            registers[row.offset + at] = number >> 16 * (row.length - 1 - at) & 0xFFFF
    registers[:2] = [model, size.fixed]
    return registers


def published(registers: list[int]) -> dict[str, object]:
    """What is published of these registers, but for what is not known."""
    image = RegisterImage()
    image.put(40070, registers, 1.0)
    view = SunSpecView(image, [pin(registers[0], 40070, registers[1])])
    view.refresh(1.0)
    return {key: value for key, value in readings(view.points())[1].items() if value is not None}


MINUS = 0x1_0000
ROWS: tuple[tuple[int, str, int, str, int, str, object], ...] = (
    # model, point, what its registers say, its scale factor and what that says, quantity, value
    *((model, "St", 1, "", 0, "operating_state", "off") for model in (101, 102, 103, 111, 112, 113)),
    *((model, "St", 4, "", 0, "operating_state", "mppt") for model in (101, 102, 103, 111, 112, 113)),
    (103, "St", 2, "", 0, "operating_state", "sleeping"),
    (103, "St", 3, "", 0, "operating_state", "starting"),
    (103, "St", 5, "", 0, "operating_state", "throttled"),
    (103, "St", 6, "", 0, "operating_state", "shutting_down"),
    (103, "St", 7, "", 0, "operating_state", "fault"),
    (103, "St", 8, "", 0, "operating_state", "standby"),
    (103, "St", 9, "", 0, "operating_state", "other"),
    (103, "St", 0, "", 0, "operating_state", "other"),
    *((model, "StVnd", 1033, "", 0, "vendor_state", 1033) for model in (101, 102, 103, 111, 112, 113)),
    *((model, "Evt1", 0x8002, "", 0, "events", "00008002") for model in (101, 102, 103, 111, 112, 113, 802)),
    (103, "Evt1", 0, "", 0, "events", "00000000"),
    (103, "EvtVnd1", 0xDEAD_BEEF, "", 0, "vendor_events", "DEADBEEF"),
    (103, "EvtVnd3", 1, "", 0, "vendor_events", "- - 00000001"),
    (802, "EvtVnd2", 0x1_0000, "", 0, "vendor_events", "- 00010000"),
    *(
        (model, name, MINUS - 55, "Tmp_SF", MINUS - 1, key, -5.5)
        for model in (101, 102, 103, 701)
        for name, key in (
            ("TmpSnk", "temperature"),
            ("TmpCab", "cabinet_temperature"),
            ("TmpTrns", "transformer_temperature"),
            ("TmpOt", "extra_temperature"),
        )
    ),
    (113, "TmpTrns", 0x4224_0000, "", 0, "transformer_temperature", 41.0),
    (103, "PhVphC", 2309, "V_SF", MINUS - 1, "voltage_l3", 230.9),
    (103, "AphC", 1234, "A_SF", MINUS - 2, "current_l3", 12.34),
    (203, "PhVphC", 2309, "V_SF", MINUS - 1, "voltage_l3", 230.9),
    (203, "AphC", MINUS - 1234, "A_SF", MINUS - 2, "current_l3", -12.34),
    (701, "VL3", 2309, "V_SF", MINUS - 1, "voltage_l3", 230.9),
    (701, "AL3", 1234, "A_SF", MINUS - 2, "current_l3", 12.34),
    (701, "InvSt", 0, "", 0, "operating_state", "off"),
    (701, "InvSt", 3, "", 0, "operating_state", "mppt"),
    (701, "InvSt", 6, "", 0, "operating_state", "fault"),
    (701, "InvSt", 8, "", 0, "operating_state", "other"),
    (701, "Alrm", 0x1_0001, "", 0, "events", "00010001"),
    *((124, "StorCtl_Mod", bits_, "", 0, "storage_limits", word) for bits_, word in enumerate(
        ("none", "charge", "discharge", "both", "other", "other"))),
    (124, "InWRte", 10000, "InOutWRte_SF", MINUS - 2, "commanded_charge_limit", 100.0),
    (124, "OutWRte", 4550, "InOutWRte_SF", MINUS - 2, "commanded_discharge_limit", 45.5),
    (124, "OutWRte", MINUS - 10, "InOutWRte_SF", 0, "commanded_discharge_limit", -10),
    (124, "MinRsvPct", 2000, "MinRsvPct_SF", MINUS - 2, "commanded_reserve", 20.0),
    (124, "WChaMax", 680, "WChaMax_SF", 1, "charge_power_rating", 6800),
    (124, "ChaState", 755, "ChaState_SF", MINUS - 1, "state_of_charge", 75.5),
    (124, "InBatV", 5120, "InBatV_SF", MINUS - 2, "battery_voltage", 51.2),
    *((model, "ChaSt", number, "", 0, "charge_state", word) for model in (124, 802) for number, word in enumerate(
        ("off", "empty", "discharging", "charging", "full", "holding", "testing", "other"), 1)),
    (802, "DoD", 2450, "DoD_SF", MINUS - 2, "depth_of_discharge", 24.5),
    (802, "NCyc", 70_000, "", 0, "cycle_count", 70_000),
    *((802, "State", number, "", 0, "bank_state", word) for number, word in (
        (1, "disconnected"), (2, "initializing"), (3, "connected"), (4, "standby"), (5, "soc_protection"),
        (6, "suspending"), (99, "fault"), (7, "other"))),
    (802, "StateVnd", 17, "", 0, "vendor_state", 17),
    (802, "AChaMax", 1200, "AMax_SF", MINUS - 1, "charge_current_limit", 120.0),
    (802, "ADisChaMax", 1300, "AMax_SF", MINUS - 1, "discharge_current_limit", 130.0),
    (802, "ReqW", MINUS - 150, "W_SF", 1, "requested_power", -1500),
    *((802, "ReqInvState", number, "", 0, "requested_state", word) for number, word in enumerate(
        ("none", "start", "stop", "other"))),
    *((802, "LocRemCtl", number, "", 0, "control_place", word) for number, word in enumerate(
        ("remote", "local", "other"))),
    (802, "CellVMin", 3301, "CellV_SF", MINUS - 3, "cell_voltage_min", 3.301),
    (802, "CellVAvg", 3312, "CellV_SF", MINUS - 3, "cell_voltage_average", 3.312),
    (802, "CellVMax", 3325, "CellV_SF", MINUS - 3, "cell_voltage_max", 3.325),
    (802, "AHRtg", 250, "AHRtg_SF", 0, "charge_capacity", 250),
    (802, "WHRtg", 1300, "WHRtg_SF", 1, "energy_capacity", 13.0),
    (713, "WHRtg", 1300, "WH_SF", 1, "energy_capacity", 13.0),
    (803, "NStr", 2, "", 0, "battery_strings", 2),
    (803, "NStrCon", 1, "", 0, "connected_strings", 1),
    (803, "ModTmpMin", MINUS - 25, "ModTmp_SF", MINUS - 1, "module_temperature_min", -2.5),
    (803, "ModTmpMax", 315, "ModTmp_SF", MINUS - 1, "module_temperature_max", 31.5),
    *((713, "Sta", number, "", 0, "storage_state", word) for number, word in enumerate(
        ("ok", "warning", "error", "other"))),
    (713, "WHAvail", 725, "WH_SF", 1, "energy_available", 7.25),
    (122, "ActWh", 7_000_500, "", 0, "energy", 7000.5),
    (122, "PVConn", 0b101, "", 0, "pv_connection", "connected, operating"),
    (122, "StorConn", 0, "", 0, "storage_connection", "none"),
    (123, "WMaxLimPct", 600, "WMaxLimPct_SF", MINUS - 1, "commanded_power_limit", 60.0),
    (123, "WMaxLim_Ena", 1, "", 0, "power_limit_active", "on"),
    (704, "WMaxLimPctEna", 0, "", 0, "power_limit_active", "off"),
    (120, "WRtg", 77, "WRtg_SF", 2, "power_rating", 7700),
    (702, "WMaxRtg", 77, "W_SF", 2, "power_rating", 7700),
    (701, "TotWhAbs", 1_234_567, "", 0, "absorbed_energy", 1234.567),
    (701, "WL3", MINUS - 15, "W_SF", 2, "power_l3", -1500),
    (203, "WphC", MINUS - 15, "W_SF", 2, "power_l3", -1500),
    (201, "PhV", 1203, "V_SF", MINUS - 1, "voltage", 120.3),
    (20001, "WhCha", 7_000_500, "", 0, "charge_energy", 7000.5),
    (20001, "WChaMax", 65, "WMax_SF", 2, "charge_power_limit", 6500),
    (20001, "WDisChaMax", 68, "WMax_SF", 2, "discharge_power_limit", 6800),
    (803, "ModTmpAvg", 281, "ModTmp_SF", MINUS - 1, "temperature", 28.1),
)  # fmt: skip


@pytest.mark.parametrize(("model", "name", "raw", "factor", "power", "key", "value"), ROWS)
def test_a_value_from_its_registers(
    model: int, name: str, raw: int, factor: str, power: int, key: str, value: object
) -> None:
    numbers = {name: raw, factor: power} if factor else {name: raw}
    assert published(registers_of(model, numbers)) == {key: value}


NUMBER = {
    model: [row for row in table if row[2] in (same, kilo, percent, share) and "[" not in row[0]]
    for model, table in TABLES.items()
    if model != 20001
}


def judged(model: int, registers: list[int]) -> SunSpecModbusClientModel:
    """What pysunspec2 makes of them."""
    return SunSpecModbusClientModel(
        model_id=model,
        model_addr=40070,
        model_len=registers[1],
        data=struct.pack(f">{len(registers)}H", *registers),
        mb_device=None,
    )


COUNTED = {803: ("NStr", 32), 804: ("NMod", 16), 714: ("NPrt", 25)}
"""The judge wants one group at least: the point that counts them, registers of one."""


@pytest.mark.parametrize(("model", "row"), [(model, row) for model, rows in NUMBER.items() for row in rows])
def test_numbers_are_those_of_the_judge(model: int, row: tuple[str, str, object]) -> None:
    """pysunspec2 decodes the same registers: what it says, in the unit of the quantity."""
    name, key, convert = row
    found = definition(model)
    assert found is not None
    by_name: dict[str, PointDefinition] = {one.name: one for one in found.group.points}
    factor = by_name[name].scale
    number = 0x3F40_0000 if by_name[name].type == "float32" else 97
    count, length = COUNTED.get(model, ("", 0))
    numbers = {count: 1, name: number} | ({factor: MINUS - 2} if isinstance(factor, str) else {})
    registers = registers_of(model, numbers) + [0] * length
    registers[1] += length
    expected = judged(model, registers).points[name].cvalue / {kilo: 1000, percent: 100}.get(convert, 1)  # type: ignore[call-overload]
    assert published(registers)[key] == pytest.approx(expected)


def test_the_first_group_of_a_model_with_one() -> None:
    module = [1, *[0] * 8, 812, 3801, 3086, 0, 0, 0, 0, 31, 4, 0, 0]
    several = [160, 28, MINUS - 2, MINUS - 1, 0, 0, 0, 0, 1, 0, *module]
    assert published([one & 0xFFFF for one in several]) == {
        "dc_current": 8.12,
        "dc_voltage": 380.1,
        "dc_power": 3086,
        "temperature": 31,
    }
    two = [160, 48, *several[2:8], 2, 0, *module, 2, *module[1:9], 700, 3702, 2591, *module[12:]]
    assert published([one & 0xFFFF for one in two]) == {
        "dc_current_1": 8.12,
        "dc_voltage_1": 380.1,
        "dc_power_1": 3086,
        "dc_current_2": 7.0,
        "dc_voltage_2": 370.2,
        "dc_power_2": 2591,
    }
    judge = judged(160, [one & 0xFFFF for one in two]).groups["module"]
    assert [(one.DCA.cvalue, one.DCV.cvalue, one.DCW.cvalue) for one in judge] == [
        pytest.approx((8.12, 380.1, 3086)),
        pytest.approx((7.0, 370.2, 2591)),
    ]
    port = [0, 1, *[0] * 8, 812, 3801, 3086, *[0] * 12]
    ports = [714, 43, 0, 0, 1, 812, 3086, *[0] * 8, MINUS - 2, MINUS - 1, 0, 0, 0, *port]
    assert published([one & 0xFFFF for one in ports]) == {"dc_current": 8.12, "dc_voltage": 380.1, "dc_power": 3086}
