"""Unit 10, the storage inverter: a SunSpec chain at 40000 as it was seen behind a gateway, and a battery after it.

    40000 "SunS" | 1 @40002 | 102 @40070 | 120 @40122 | 121 @40150 | 123 @40182 | 124 @40208 | 20001 @40234 |
    802 @40254 | 0xFFFF @40318

On a real SunVault these models are told over TCP, and 802 by another unit; here they are on the bus to have a chain
there. 20001 is the vendor's own model: its length is known, most of its points are not. Layouts: the published
SunSpec models, one word per point, ``name:type``; a point without a value is told as not implemented.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

from pvsmqtt.simulator.pvs.house.battery import CAPACITY, EFFICIENCY, FLOOR, PACKS
from pvsmqtt.simulator.pvs.house.serials import StorageSerials
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState

UNIT = 10
BASE = 40000
END = (0xFFFF, 0)

Values = dict[str, int | str]

NOT_IMPLEMENTED = {"u": (0xFFFF,), "s": (0x8000,), "f": (0x8000,), "p": (0x8000,), "U": (0xFFFF, 0xFFFF), "a": (0, 0)}
"""By type: u uint16 and enum16, s int16, f scale factor, p pad, U 32 bits, a acc32; Tn is text in n registers."""

LAYOUTS: dict[int, str] = {
    1: "Mn:T16 Md:T16 Opt:T8 Vr:T8 SN:T16 DA:u Pad:p",
    102: """A:u AphA:u AphB:u AphC:u A_SF:f PPVphAB:u PPVphBC:u PPVphCA:u PhVphA:u PhVphB:u PhVphC:u V_SF:f W:s
        W_SF:f Hz:u Hz_SF:f VA:s VA_SF:f VAr:s VAr_SF:f PF:s PF_SF:f WH:a WH_SF:f DCA:u DCA_SF:f DCV:u DCV_SF:f DCW:s
        DCW_SF:f TmpCab:s TmpSnk:s TmpTrns:s TmpOt:s Tmp_SF:f St:u StVnd:u Evt1:U Evt2:U EvtVnd1:U EvtVnd2:U EvtVnd3:U
        EvtVnd4:U""",
    120: """DERTyp:u WRtg:u WRtg_SF:f VARtg:u VARtg_SF:f VArRtgQ1:s VArRtgQ2:s VArRtgQ3:s VArRtgQ4:s VArRtg_SF:f
        ARtg:u ARtg_SF:f PFRtgQ1:s PFRtgQ2:s PFRtgQ3:s PFRtgQ4:s PFRtg_SF:f WHRtg:u WHRtg_SF:f AhrRtg:u AhrRtg_SF:f
        MaxChaRte:u MaxChaRte_SF:f MaxDisChaRte:u MaxDisChaRte_SF:f Pad:p""",
    121: """WMax:u VRef:u VRefOfs:s VMax:u VMin:u VAMax:u VArMaxQ1:s VArMaxQ2:s VArMaxQ3:s VArMaxQ4:s WGra:u PFMinQ1:s
        PFMinQ2:s PFMinQ3:s PFMinQ4:s VArAct:u ClcTotVA:u MaxRmpRte:u ECPNomHz:u ConnPh:u WMax_SF:f VRef_SF:f
        VRefOfs_SF:f VMinMax_SF:f VAMax_SF:f VArMax_SF:f WGra_SF:f PFMin_SF:f MaxRmpRte_SF:f ECPNomHz_SF:f""",
    123: """Conn_WinTms:u Conn_RvrtTms:u Conn:u WMaxLimPct:u WMaxLimPct_WinTms:u WMaxLimPct_RvrtTms:u
        WMaxLimPct_RmpTms:u WMaxLim_Ena:u OutPFSet:s OutPFSet_WinTms:u OutPFSet_RvrtTms:u OutPFSet_RmpTms:u
        OutPFSet_Ena:u VArWMaxPct:s VArMaxPct:s VArAvalPct:s VArPct_WinTms:u VArPct_RvrtTms:u VArPct_RmpTms:u
        VArPct_Mod:u VArPct_Ena:u WMaxLimPct_SF:f OutPFSet_SF:f VArPct_SF:f""",
    124: """WChaMax:u WChaGra:u WDisChaGra:u StorCtl_Mod:u VAChaMax:u MinRsvPct:u ChaState:u StorAval:u InBatV:u
        ChaSt:u OutWRte:s InWRte:s InOutWRte_WinTms:u InOutWRte_RvrtTms:u InOutWRte_RmpTms:u ChaGriSet:u WChaMax_SF:f
        WChaDisChaGra_SF:f VAChaMax_SF:f MinRsvPct_SF:f ChaState_SF:f StorAval_SF:f InBatV_SF:f InOutWRte_SF:f""",
    20001: "energy:U charge_max:u discharge_max:u max_SF:f mode:u sensors:u sensor_mode:u clear:u "
    + " ".join(f"vendor{number}:u" for number in range(9)),
    802: """AHRtg:u WHRtg:u WChaRteMax:u WDisChaRteMax:u DisChaRte:u SoCMax:u SoCMin:u SocRsvMax:u SoCRsvMin:u SoC:u
        DoD:u SoH:u NCyc:U ChaSt:u LocRemCtl:u Hb:u CtrlHb:u AlmRst:u Typ:u State:u StateVnd:u WarrDt:U Evt1:U Evt2:U
        EvtVnd1:U EvtVnd2:U V:u VMax:u VMin:u CellVMax:u CellVMaxStr:u CellVMaxMod:u CellVMin:u CellVMinStr:u
        CellVMinMod:u CellVAvg:u A:s AChaMax:u ADisChaMax:u W:s ReqInvState:u ReqW:s SetOp:u SetInvState:u AHRtg_SF:f
        WHRtg_SF:f WChaDisChaMax_SF:f DisChaRte_SF:f SoC_SF:f DoD_SF:f SoH_SF:f V_SF:f CellV_SF:f A_SF:f AMax_SF:f
        W_SF:f""",
}


def _words(kind: str, value: int | str | None) -> tuple[int, ...]:
    if kind.startswith("T"):
        size = 2 * int(kind[1:])
        raw = str(value or "").encode("ascii")[:size].ljust(size, b"\0")
        return tuple(int.from_bytes(raw[at : at + 2]) for at in range(0, size, 2))
    if value is None:
        return NOT_IMPLEMENTED[kind]
    number = int(value)
    return (number >> 16 & 0xFFFF, number & 0xFFFF) if kind in "Ua" else (number & 0xFFFF,)


def _body(model: int, values: Values) -> tuple[int, ...]:
    points = (point.split(":") for point in LAYOUTS[model].split())
    return tuple(word for name, kind in points for word in _words(kind, values.get(name)))


def _places() -> dict[int, tuple[int, int]]:
    places, address = {}, BASE + 2
    for model in LAYOUTS:
        length = len(_body(model, {}))
        places[model] = (address, length)
        address += 2 + length
    return places


PLACES = _places()
"""Model -> (address of its header, its length without the header), in the order of the chain."""

LAST = PLACES[802][0] + 2 + PLACES[802][1]
"""Address of the header that ends the chain."""


def point(model: int, name: str) -> int:
    """The address of a point of a model."""
    address = count(PLACES[model][0] + 2)
    for found, kind in (entry.split(":") for entry in LAYOUTS[model].split()):
        first = next(address)
        if found == name:
            return first
        for _ in range(len(_words(kind, None)) - 1):
            next(address)
    raise KeyError(name)


def image(state: HouseState, serials: StorageSerials) -> dict[int, int]:
    """All registers of the chain in this state of a house with a SunVault; nothing without one."""
    if state.battery is None:
        return {}
    values: dict[int, Values] = {model: make(state, state.battery) for model, make in _VALUES.items()}
    values[1] = {
        "Mn": "Schneider Electric",
        "Md": "XW6848-21",
        "Opt": "simulated",
        "Vr": "V1",
        "SN": serials.storage_inverter,
        "DA": UNIT,
    }
    words = [0x5375, 0x6E53]
    for model, (_, length) in PLACES.items():
        words += (model, length, *_body(model, values[model]))
    return dict(enumerate((*words, *END), BASE))


def _inverter(state: HouseState, battery: Battery) -> Values:
    watts, (first, second) = battery.power * 1000, battery.leg_voltage
    amperes = [abs(watts) / 2 / voltage for voltage in battery.leg_voltage]
    inside = abs(_inside(battery))
    return {
        "A": round(sum(amperes) * 10),
        "AphA": round(amperes[0] * 10),
        "AphB": round(amperes[1] * 10),
        "A_SF": -1,
        "PPVphAB": round((first + second) * 10),
        "PhVphA": round(first * 10),
        "PhVphB": round(second * 10),
        "V_SF": -1,
        "W": round(watts),
        "W_SF": 0,
        "Hz": round(state.consumption.frequency * 100),
        "Hz_SF": -2,
        "VA": round(math.hypot(watts, 40)),
        "VA_SF": 0,
        "VAr": 40,
        "VAr_SF": 0,
        "WH": round(battery.discharge_energy * 1000),
        "WH_SF": 0,
        "DCA": round(inside * 10_000 / battery.battery_voltage),
        "DCA_SF": -1,
        "DCV": round(battery.battery_voltage * 100),
        "DCV_SF": -2,
        "DCW": round(_inside(battery) * 100),
        "DCW_SF": 1,
        "TmpCab": round(battery.inverter_temperature * 10),
        "TmpSnk": round(battery.inverter_temperature * 10 + 20),
        "Tmp_SF": -1,
        "St": 4 if battery.power > 0 else 8,
        "Evt1": 0,
    }


def _nameplate(_: HouseState, battery: Battery) -> Values:
    return {
        "DERTyp": 82,
        "WRtg": 680,
        "WRtg_SF": 1,
        "VARtg": 680,
        "VARtg_SF": 1,
        "WHRtg": round(CAPACITY * 100),
        "WHRtg_SF": 1,
        "MaxChaRte": round(battery.charge_limit * 1000),
        "MaxChaRte_SF": 0,
        "MaxDisChaRte": round(battery.discharge_limit * 1000),
        "MaxDisChaRte_SF": 0,
    }


def _storage(_: HouseState, battery: Battery) -> Values:
    return {
        "WChaMax": round(battery.charge_limit * 1000),
        "StorCtl_Mod": 3,
        "MinRsvPct": round(FLOOR / CAPACITY * 100),
        "ChaState": round(battery.state_of_charge * 1000),
        "InBatV": round(battery.battery_voltage * 100),
        "ChaSt": _charge_status(battery),
        "OutWRte": 10_000,
        "InWRte": 10_000,
        "ChaGriSet": 1,
        "WChaMax_SF": 0,
        "MinRsvPct_SF": 0,
        "ChaState_SF": -1,
        "InBatV_SF": -2,
        "InOutWRte_SF": -2,
    }


def _battery(_: HouseState, battery: Battery) -> Values:
    watts, voltage = _inside(battery) * 1000, battery.battery_voltage
    return {
        "WHRtg": round(CAPACITY * 1000),
        "WHRtg_SF": 0,
        "WChaRteMax": round(battery.charge_limit * 1000),
        "WDisChaRteMax": round(battery.discharge_limit * 1000),
        "WChaDisChaMax_SF": 0,
        "SoC": round(battery.state_of_charge * 1000),
        "SoC_SF": -1,
        "DoD": round((1 - battery.state_of_charge) * 1000),
        "DoD_SF": -1,
        "SoH": battery.state_of_health * 100,
        "SoH_SF": 0,
        "NCyc": int(battery.discharge_energy / CAPACITY),
        "ChaSt": _charge_status(battery),
        "LocRemCtl": 0,
        "Hb": int(battery.measured_at.timestamp()) & 0x7FFF,
        "Typ": 4,
        "State": 3,
        "Evt1": 0,
        "V": round(voltage * 100),
        "V_SF": -2,
        "CellVMax": round(battery.cell_voltage[1] * 1000),
        "CellVMin": round(battery.cell_voltage[0] * 1000),
        "CellV_SF": -3,
        "A": round(watts / voltage * 10),
        "A_SF": -1,
        "W": round(watts),
        "W_SF": 0,
        "AMax_SF": 0,
        "CellVMaxStr": PACKS,
        "CellVMinStr": 1,
    }


def _inside(battery: Battery) -> float:
    """DC power behind the inverter, kW, + discharging."""
    return battery.power / EFFICIENCY if battery.power > 0 else battery.power * EFFICIENCY


def _charge_status(battery: Battery) -> int:
    """3 discharging, 4 charging, 6 holding: the same numbers in models 124 and 802."""
    return 6 if abs(battery.power) < 0.001 else 3 if battery.power > 0 else 4


_VALUES: dict[int, Callable[[HouseState, Battery], Values]] = {
    102: _inverter,
    120: _nameplate,
    121: lambda _state, _battery: {"WMax": 680, "WMax_SF": 1, "VRef": 240, "VRef_SF": 0},
    123: lambda _state, _battery: {"Conn": 1, "WMaxLim_Ena": 0},
    124: _storage,
    802: _battery,
    20001: lambda _, battery: {
        "energy": round(battery.charge_energy * 1000),
        "charge_max": round(battery.charge_limit * 1000),
        "discharge_max": round(battery.discharge_limit * 1000),
        "max_SF": 0,
        "mode": 3,
    },
}
