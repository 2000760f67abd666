"""What the units on the native port say: values by the name of the entry.

Everything is told as the gateway tells of the house as a whole; nobody knows which of it a real one measures itself.
Apparent power is real power: there is no reactive power here.
"""

from __future__ import annotations

from pvsmqtt.simulator.conext.energies import energies
from pvsmqtt.simulator.conext.flows import Flows, flows
from pvsmqtt.simulator.conext.native import Told
from pvsmqtt.simulator.pvs.house.battery import CAPACITY, CHARGE_LIMIT
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState
from pvsmqtt.simulator.sunspec.storage import charger_status, inverter_status

GATEWAY_FGA = "865-0329"
"""INVENTED."""
XW_FGA = "865-6848-01"
BATTERY_MONITOR_FGA = "865-1080-01"

OPERATING = 3


def gateway(house: House, state: HouseState, battery: Battery, serial: str, unit: int) -> Told:
    """Unit 1. ``loadInPower`` is what the panels feed in on the load side, also INVENTED."""
    del house
    now = flows(state, battery)
    return {
        "deviceName": "Conext Gateway",
        "fgaNumber": GATEWAY_FGA,
        "firmwareVersion": "V1.10 BN1000",
        "modbusAddress": unit,
        "hardwareSerialNumber": serial,
        "dcChargingPower": now.charging,
        "dcChargingCurrent": now.dc_amperes(now.charging),
        "dcInvertingPower": now.inverting,
        "gridVoltage": now.line_voltage,
        "gridFrequency": now.frequency,
        "gridInputPowerApp": now.imported,
        "gridInputPower": now.imported,
        "gridInputCurrent": now.amperes(now.imported),
        "gridOutputPowerApp": now.exported,
        "gridOutputPower": now.exported,
        "gridOutputCurrent": now.amperes(now.exported),
        "gridNetPower": now.grid,
        "gridTieToLoadPower": now.solar,
        "loadPowerInOut": now.load - now.solar,
        "loadOutputPower": now.load,
        "loadInPower": now.solar,
        "loadPowerApp": now.load,
        "loadPower": now.load,
        "loadVoltage": now.line_voltage,
        "loadFrequency": now.frequency,
        "loadCurrent": now.amperes(now.load),
        "xwGridPower": now.grid,
        "xwGridVoltage": now.line_voltage,
        "xwGridFrequency": now.frequency,
        "xwLoadPower": now.load,
        "xwLoadVoltage": now.line_voltage,
        "xwLoadFrequency": now.frequency,
        "xwBatteryCurrent": now.dc_amperes(now.battery),
        "batteryVoltage": now.battery_voltage,
        "batteryPowerNet": now.battery,
        "batteryBankTotalInvertingPower": now.inverting,
        "batteryBankTotalChargingPower": now.charging,
        "comBoxMode": 1,
        **_bank(now),
    }


def _bank(now: Flows) -> Told:
    return {
        "batteryBank1Voltage": now.battery_voltage,
        "batteryBank1Current": now.dc_amperes(now.battery),
        "batteryBank1Temperature": now.battery_temperature,
        "batteryBank1ChargingCurrent": now.dc_amperes(now.charging),
        "batteryBank1ChargingPower": now.charging,
        "batteryBank1InvertingCurrent": now.dc_amperes(now.inverting),
        "batteryBank1InvertingPower": now.inverting,
        "batteryBank1Power": now.battery,
        "batteryBank1SOC": now.state_of_charge,
        "batteryBank1CapacityRemaining": now.remaining,
        "batteryBank1SOH": now.state_of_health,
    }


def xw_pro(house: House, state: HouseState, battery: Battery, serial: str, unit: int) -> Told:
    """Unit 10; its grid and load are those of the house."""
    now = flows(state, battery)
    half = [volts / now.line_voltage for volts in now.legs]
    return {
        "deviceName": "XW6848-21",
        "fgaNumber": XW_FGA,
        "modbusAddress": unit,
        "hardwareSerialNumber": serial,
        "deviceState": OPERATING,
        "batteryVoltage": now.battery_voltage,
        "batteryCurrent": now.dc_amperes(now.battery),
        "batteryPower": now.battery,
        "batteryTemperature": now.battery_temperature,
        "invertCurrent": now.dc_amperes(now.inverting),
        "invertPower": now.inverting,
        "chargeCurrent": now.dc_amperes(now.charging),
        "chargePower": now.charging,
        "chargePercent": now.charging / (CHARGE_LIMIT * 10),
        "gridFrequency": now.frequency,
        "gridVoltage": now.line_voltage,
        "gridCurrent": now.amperes(now.grid),
        "gridPower": now.grid,
        "gridInputPowerApp": now.imported,
        "gridInputCurrent": now.amperes(now.imported),
        "gridInputPower": now.imported,
        "gridVoltageLine1": now.legs[0],
        "gridVoltageLine2": now.legs[1],
        "gridCurrentLine1": abs(now.grid) * half[0] / now.legs[0],
        "gridCurrentLine2": abs(now.grid) * half[1] / now.legs[1],
        "inverterStatus": inverter_status(battery),
        "chargerStatus": charger_status(battery),
        "gridOutputVoltage": now.line_voltage,
        "gridOutputCurrent": now.amperes(now.exported),
        "gridOutputFrequency": now.frequency,
        "gridOutputPower": now.exported,
        "gridOutputPowerApp": now.exported,
        "loadVoltage": now.line_voltage,
        "loadVoltageLine1": now.legs[0],
        "loadVoltageLine2": now.legs[1],
        "loadCurrentLine1": now.load * half[0] / now.legs[0],
        "loadCurrentLine2": now.load * half[1] / now.legs[1],
        "loadCurrent": now.amperes(now.load),
        "loadFrequency": now.frequency,
        "loadPower": now.load,
        "loadPowerApp": now.load,
        "inverterEnable": 1,
        "sellEnable": 1,
        "chargerEnable": 1,
        "maximumChargeRate": 100,
        "gridSupportVoltage": 50,
        "rechargeVoltage": 48,
        "gridSupportEnable": 1,
        **energies(house, battery.measured_at),
    }


def battery_monitor(house: House, state: HouseState, battery: Battery, serial: str, unit: int) -> Told:
    """A battery monitor, which a SunVault does not have."""
    del house
    now = flows(state, battery)
    capacity = CAPACITY * 1000 / now.battery_voltage
    return {
        "deviceName": "Battery Monitor",
        "fgaNumber": BATTERY_MONITOR_FGA,
        "modbusAddress": unit,
        "hardwareSerialNumber": serial,
        "voltage": now.battery_voltage,
        "current": now.dc_amperes(now.battery),
        "stateOfCharge": now.state_of_charge,
        "midPointVoltage1": now.battery_voltage / 2,
        "midPointVoltage2": now.battery_voltage / 4,
        "midPointVoltage3": now.battery_voltage * 3 / 4,
        "remaining": now.remaining,
        "removed": capacity - now.remaining,
        "capacity": capacity,
    }
