"""The panels of the house as one inverter: values for models 101 to 103, 111 to 113, 120, 160, 701 and 714.

Power and energy are those of the production meter. Three phases share them evenly, at 120 V to neutral.
"""

from __future__ import annotations

import math

from pvsmqtt.simulator.pvs.house.battery import CAPACITY
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec.chain import Values
from pvsmqtt.simulator.sunspec.storage import dc_power

EFFICIENCY = 0.965
IN_SERIES = 12
MPPT, SLEEPING = 4, 2

ALWAYS = ("WH", "St")
"""What is still told in the dark by an inverter that tells of nothing else."""


def dark(state: HouseState) -> bool:
    """Whether the panels give nothing."""
    return state.production.power <= 0


def inverter(house: House, state: HouseState, phases: int = 3) -> Values:
    """AC and DC side, without scale factors; ``phases`` is 1 or 3."""
    watts = state.production.power * 1000
    reactive = state.production.reactive_power * 1000
    between = state.production.voltage
    neutral = between if phases == 1 else between / 2
    amperes = math.hypot(watts, reactive) / (neutral * phases)
    asleep = dark(state)
    names = "ABC"[:phases]
    told: dict[str, float | None] = {
        "A": amperes * phases,
        "W": watts,
        "Hz": state.production.frequency,
        "VA": math.hypot(watts, reactive),
        "VAr": reactive,
        "PF": watts / math.hypot(watts, reactive) * 100,
        "WH": state.production.energy * 1000,
        "DCW": watts / EFFICIENCY,
        "DCV": _string_voltage(house, asleep),
        "TmpCab": 24 + watts / 250,
        "St": SLEEPING if asleep else MPPT,
        "Evt1": 0,
    }
    told["DCA"] = 0.0 if asleep else watts / EFFICIENCY / _string_voltage(house, asleep)
    told |= {f"Aph{name}": amperes for name in names}
    told |= {f"PhVph{name}": neutral for name in names}
    if phases == 3:
        told |= {f"PPVph{pair}": neutral * math.sqrt(3) for pair in ("AB", "BC", "CA")}
    return told


def strings(house: House, state: HouseState) -> Values:
    """Model 160: the roof in two strings, or in one if there is one panel."""
    count = len(house.panels)
    sizes = [count - count // 2, count // 2] if count > 1 else [count]
    watts, voltage = state.production.power * 1000 / EFFICIENCY, _string_voltage(house, dark(state))
    modules = [
        {
            "ID": number,
            "IDStr": f"String {number}",
            "DCW": watts * size / count,
            "DCV": voltage,
            "DCA": watts * size / count / voltage if voltage else 0.0,
            "DCWH": state.production.energy / EFFICIENCY * 1000 * size / count,
            "DCSt": SLEEPING if dark(state) else MPPT,
        }
        for number, size in enumerate(sizes, 1)
    ]
    return {
        "DCA_SF": -2,
        "DCV_SF": -1,
        "DCW_SF": power_scale(house),
        "DCWH_SF": 0,
        "N": len(sizes),
        "module": modules,
    }


def nameplate(house: House) -> Values:
    """Model 120."""
    watts = rated(house)
    return {"DERTyp": 4, "WRtg": watts, "WRtg_SF": 1, "VARtg": watts, "VARtg_SF": 1}


def hybrid_ac(house: House, state: HouseState, battery: Battery) -> Values:
    """Model 701: panels and battery behind one inverter, split phase, + to the house."""
    watts = (state.production.power + battery.power) * 1000
    voltage = state.production.voltage
    legs: dict[str, float] = {}
    for leg, volts in zip(("L1", "L2"), battery.leg_voltage, strict=True):
        legs |= {
            f"W{leg}": watts / 2,
            f"VA{leg}": abs(watts) / 2,
            f"A{leg}": abs(watts) / 2 / volts,
            f"V{leg}": volts,
        }
    return {
        "ACType": 1,
        "St": 1,
        "InvSt": 3,
        "ConnSt": 1,
        "Alrm": 0,
        "DERMode": 1,
        "W": watts,
        "VA": abs(watts),
        "Var": 0,
        "PF": 1,
        "A": abs(watts) / voltage,
        "LLV": voltage,
        "VL1L2": voltage,
        "Hz": state.production.frequency,
        "TotWhInj": (state.production.energy + battery.discharge_energy) * 1000,
        "TotWhAbs": battery.charge_energy * 1000,
        "TmpCab": battery.inverter_temperature,
        **legs,
        "A_SF": -2,
        "V_SF": -1,
        "Hz_SF": -3,
        "W_SF": power_scale(house),
        "PF_SF": -3,
        "VA_SF": power_scale(house),
        "Var_SF": 0,
        "TotWh_SF": 0,
        "Tmp_SF": -1,
    }


def hybrid_capacity(_: HouseState, battery: Battery) -> Values:
    """Model 713."""
    return {
        "WHRtg": CAPACITY * 1000,
        "WHAvail": CAPACITY * battery.state_of_charge * 1000,
        "SoC": battery.state_of_charge * 100,
        "SoH": battery.state_of_health * 100,
        "Sta": 0,
        "WH_SF": 1,
        "Pct_SF": -1,
    }


def hybrid_dc(house: House, state: HouseState, battery: Battery) -> Values:
    """Model 714: a port for the panels and one for the battery."""
    solar, stored = state.production.power * 1000 / EFFICIENCY, dc_power(battery) * 1000
    ports = [
        _port(0, 1, "PV", solar, _string_voltage(house, dark(state)), state.production.energy / EFFICIENCY, 0),
        _port(1, 2, "Battery", stored, battery.battery_voltage, battery.discharge_energy, battery.charge_energy),
    ]
    return {
        "PrtAlrms": 0,
        "NPrt": len(ports),
        "DCW": solar + stored,
        "DCA_SF": -1,
        "DCV_SF": -1,
        "DCW_SF": power_scale(house),
        "DCWH_SF": 0,
        "Tmp_SF": -1,
        "Prt": ports,
    }


def _port(kind: int, number: int, name: str, watts: float, volts: float, given: float, taken: float) -> Values:
    return {
        "PrtTyp": kind,
        "ID": number,
        "IDStr": name,
        "DCW": watts,
        "DCV": volts,
        "DCA": watts / volts if volts else 0.0,
        "DCWhInj": given * 1000,
        "DCWhAbs": taken * 1000,
        "DCSta": 1,
        "DCAlrm": 0,
    }


def rated(house: House) -> float:
    """What the inverter gives at most, W."""
    return 350.0 * len(house.panels)


def power_scale(house: House) -> int:
    """The power of ten with which all the power of the roof fits into 15 bits."""
    return 0 if rated(house) < 30_000 else 1


def _string_voltage(house: House, asleep: bool) -> float:
    return 0.0 if asleep else sum(panel.dc_voltage for panel in house.panels[:IN_SERIES])
