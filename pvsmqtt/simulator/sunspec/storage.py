"""What the storage inverter and the battery of a house say, model by model, in the units of the standard.

Signs: power of the inverter + is inverting (the battery discharges). Model 802 as koleson's listener took it: + while
discharging too. Temperatures, limits and states are those of the house; what the house does not know is left out.
"""

from __future__ import annotations

import math

from pvsmqtt.simulator.pvs.house.battery import CAPACITY, EFFICIENCY, FLOOR, PACKS
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec.chain import Values

IDLE = 0.001
"""kW below which the battery does nothing."""


def common(
    manufacturer: str, kind: str, serial: str, unit: int, options: str = "simulated", version: str = "V1"
) -> Values:
    """Model 1."""
    return {"Mn": manufacturer, "Md": kind, "Opt": options, "Vr": version, "SN": serial, "DA": unit}


def inverter(state: HouseState, battery: Battery) -> Values:
    """Model 102: the AC side of the storage inverter."""
    watts, (first, second) = battery.power * 1000, battery.leg_voltage
    amperes = [abs(watts) / 2 / voltage for voltage in battery.leg_voltage]
    inside = dc_power(battery) * 1000
    return {
        "A": sum(amperes),
        "AphA": amperes[0],
        "AphB": amperes[1],
        "A_SF": -1,
        "PPVphAB": first + second,
        "PhVphA": first,
        "PhVphB": second,
        "V_SF": -1,
        "W": watts,
        "W_SF": 0,
        "Hz": state.consumption.frequency,
        "Hz_SF": -2,
        "VA": math.hypot(watts, 40),
        "VA_SF": 0,
        "VAr": 40,
        "VAr_SF": 0,
        "WH": battery.discharge_energy * 1000,
        "WH_SF": 0,
        "DCA": abs(inside) / battery.battery_voltage,
        "DCA_SF": -1,
        "DCV": battery.battery_voltage,
        "DCV_SF": -2,
        "DCW": inside,
        "DCW_SF": 1,
        "TmpCab": battery.inverter_temperature,
        "TmpSnk": battery.inverter_temperature + 2,
        "Tmp_SF": -1,
        "St": 4 if battery.power > 0 else 8,
        "Evt1": 0,
    }


def nameplate(_: HouseState, battery: Battery) -> Values:
    """Model 120."""
    return {
        "DERTyp": 82,
        "WRtg": 6800,
        "WRtg_SF": 1,
        "VARtg": 6800,
        "VARtg_SF": 1,
        "WHRtg": CAPACITY * 1000,
        "WHRtg_SF": 1,
        "MaxChaRte": battery.charge_limit * 1000,
        "MaxChaRte_SF": 0,
        "MaxDisChaRte": battery.discharge_limit * 1000,
        "MaxDisChaRte_SF": 0,
    }


def settings(_: HouseState, __: Battery) -> Values:
    """Model 121."""
    return {"WMax": 6800, "WMax_SF": 1, "VRef": 240, "VRef_SF": 0}


def controls(_: HouseState, __: Battery) -> Values:
    """Model 123."""
    return {"Conn": 1, "WMaxLim_Ena": 0}


def control(_: HouseState, battery: Battery) -> Values:
    """Model 124: how the battery is steered, with both limits wide open."""
    return {
        "WChaMax": battery.charge_limit * 1000,
        "StorCtl_Mod": 3,
        "MinRsvPct": FLOOR / CAPACITY * 100,
        "ChaState": battery.state_of_charge * 100,
        "InBatV": battery.battery_voltage,
        "ChaSt": charge_status(battery),
        "OutWRte": 100,
        "InWRte": 100,
        "ChaGriSet": 1,
        "WChaMax_SF": 0,
        "MinRsvPct_SF": 0,
        "ChaState_SF": -1,
        "InBatV_SF": -2,
        "InOutWRte_SF": -2,
    }


def vendor(_: HouseState, battery: Battery) -> Values:
    """Model 20001, of Schneider: only the points that the house knows."""
    return {
        "WhCha": battery.charge_energy * 1000,
        "WChaMax": battery.charge_limit * 1000,
        "WDisChaMax": battery.discharge_limit * 1000,
        "WMax_SF": 0,
        "OpMod": 3,
        "BatSensCt": 1,
        "BatAssoc": 3,
        "InvSt": inverter_status(battery),
        "ChaSt": charger_status(battery),
    }


def battery_base(_: HouseState, battery: Battery) -> Values:
    """Model 802."""
    watts, voltage = dc_power(battery) * 1000, battery.battery_voltage
    return {
        "WHRtg": CAPACITY * 1000,
        "WHRtg_SF": 0,
        "WChaRteMax": battery.charge_limit * 1000,
        "WDisChaRteMax": battery.discharge_limit * 1000,
        "WChaDisChaMax_SF": 0,
        "SoC": battery.state_of_charge * 100,
        "SoC_SF": -1,
        "DoD": (1 - battery.state_of_charge) * 100,
        "DoD_SF": -1,
        "SoH": battery.state_of_health * 100,
        "SoH_SF": 0,
        "NCyc": int(battery.discharge_energy / CAPACITY),
        "ChaSt": charge_status(battery),
        "LocRemCtl": 0,
        "Hb": int(battery.measured_at.timestamp()) & 0x7FFF,
        "Typ": 4,
        "State": 3,
        "Evt1": 0,
        "V": voltage,
        "V_SF": -2,
        "CellVMax": battery.cell_voltage[1],
        "CellVMin": battery.cell_voltage[0],
        "CellV_SF": -3,
        "A": watts / voltage,
        "A_SF": -1,
        "W": watts,
        "W_SF": 0,
        "AMax_SF": 0,
        "CellVMaxStr": PACKS,
        "CellVMinStr": 1,
    }


def battery_strings(_: HouseState, battery: Battery) -> Values:
    """Model 803, one string for each pack, as it is seen (``NStr`` is the number in parallel)."""
    low, high = battery.cell_temperature
    watts = dc_power(battery) * 1000
    amperes = watts / battery.battery_voltage / PACKS
    each = {
        "StrNMod": 1,
        "StrSt": 1,
        "StrSoC": battery.state_of_charge * 100,
        "StrSoH": battery.state_of_health * 100,
        "StrA": amperes,
        "StrCellVMax": battery.cell_voltage[1],
        "StrCellVMin": battery.cell_voltage[0],
        "StrModTmpMax": high,
        "StrModTmpMin": low,
    }
    return {
        "NStr": PACKS,
        "NStrCon": PACKS,
        "ModTmpMax": high,
        "ModTmpMaxStr": 1,
        "ModTmpMin": low,
        "ModTmpMinStr": PACKS,
        "ModTmpAvg": (low + high) / 2,
        "StrVMax": battery.battery_voltage,
        "StrVMin": battery.battery_voltage,
        "StrAMax": amperes,
        "StrAMin": amperes,
        "CellV_SF": -3,
        "ModTmp_SF": -1,
        "A_SF": -1,
        "SoH_SF": 0,
        "SoC_SF": -1,
        "V_SF": -2,
        "string": [each] * PACKS,
    }


def dc_power(battery: Battery) -> float:
    """Behind the inverter, kW, + discharging."""
    return battery.power / EFFICIENCY if battery.power > 0 else battery.power * EFFICIENCY


def inverter_status(battery: Battery) -> int:
    """As Schneider numbers it: 1024 inverting, 1034 grid support (it charges), 1025 AC pass-through."""
    return 1025 if abs(battery.power) < IDLE else 1024 if battery.power > 0 else 1034


def charger_status(battery: Battery) -> int:
    """As Schneider numbers it: 769 bulk, 768 not charging."""
    return 769 if battery.power <= -IDLE else 768


def charge_status(battery: Battery) -> int:
    """3 discharging, 4 charging, 6 holding: the same numbers in models 124 and 802."""
    return 6 if abs(battery.power) < IDLE else 3 if battery.power > 0 else 4
