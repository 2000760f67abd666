"""The native maps of an XW Pro (port 503, unit 10) and of a Conext Battery Monitor, in the form of `gateway_map`.

Facts: three public readers of such units that agree, and Schneider's Conext XW map 503-0246-01-01. The map really
interleaves legs: voltage of L1, current of L2, voltage of L2, current of L1.
"""

from __future__ import annotations

from pvsmqtt.simulator.conext.gateway_map import entries

SERIAL = 0x002B
"""``hardwareSerialNumber``: an XW+ answers it with an exception."""

PERIODS = ("Hour", "Day", "Week", "Month", "Year", "Life")

XW_PRO = entries(
    """
    0000 deviceName text8 1 0 live
    000A fgaNumber text10 1 0 live
    0028 modbusAddress u16 1 0 live
    002B hardwareSerialNumber text10 1 0 live
    0040 deviceState u16 1 0 live
    0042 faultBitmap0 u16 1 0 live
    0043 faultBitmap1 u16 1 0 live
    0044 faultBitmap2 u16 1 0 live
    0045 faultBitmap3 u16 1 0 live
    0046 warningBitmap0 u16 1 0 live
    004B activeFaults u16 1 0 live
    004C activeWarnings u16 1 0 live
    0050 batteryVoltage u32 0.001 0 live
    0052 batteryCurrent s32 0.001 0 live
    0054 batteryPower s32 1 0 live
    0056 batteryTemperature u16 0.01 -273 live
    0058 invertCurrent u32 0.001 0 live
    005A invertPower u32 1 0 live
    005C chargeCurrent u32 0.001 0 live
    005E chargePower u32 1 0 live
    0060 chargePercent u16 1 0 live
    0061 gridFrequency u16 0.01 0 live
    0062 gridVoltage u32 0.001 0 live
    0064 gridCurrent s32 0.001 0 live
    0066 gridPower s32 1 0 live
    0068 gridInputPowerApp u32 1 0 live
    006A gridInputCurrent u32 0.001 0 live
    006C gridInputPower u32 1 0 live
    006E gridVoltageLine1 u32 0.001 0 live
    0070 gridCurrentLine2 u32 0.001 0 live
    0072 gridVoltageLine2 u32 0.001 0 live
    0074 gridCurrentLine1 u32 0.001 0 live
    007A inverterStatus u16 1 0 live
    007B chargerStatus u16 1 0 live
    007E gridOutputVoltage u32 0.001 0 live
    0080 gridOutputCurrent u32 0.001 0 live
    0082 gridOutputFrequency u16 0.01 0 live
    0084 gridOutputPower u32 1 0 live
    008A gridOutputPowerApp u32 1 0 live
    008C loadVoltage u32 0.001 0 live
    008E loadVoltageLine1 u32 0.001 0 live
    0090 loadVoltageLine2 u32 0.001 0 live
    0092 loadCurrentLine1 u32 0.001 0 live
    0094 loadCurrentLine2 u32 0.001 0 live
    0096 loadCurrent u32 0.001 0 live
    0098 loadFrequency u16 0.01 0 live
    009A loadPower u32 1 0 live
    00A0 loadPowerApp u32 1 0 live
    00A2 generatorVoltage u32 0.001 0 -
    00BF sellLevel u16 1 0 -
    0161 inverterEnable u16 1 0 live
    0162 sellEnable u16 1 0 live
    0164 chargerEnable u16 1 0 live
    016C powerSave u16 1 0 -
    016F maximumChargeRate u16 1 0 live
    0170 equalizeNow u16 1 0 -
    0178 gridSupportVoltage u32 0.001 0 live
    017A rechargeVoltage u32 0.001 0 live
    01B3 gridSupportEnable u16 1 0 live
    01B4 maximumSellCurrent u32 0.001 0 -
    01B6 loadShaveCurrent u32 0.001 0 -
"""
    + "".join(
        f"    {first + 4 * number:04X} {name}{period} u32 0.001 0 live\n"
        for first, name in (
            (0x00D0, "energyFromBattery"),
            (0x00E8, "energyToBattery"),
            (0x0100, "gridInputEnergy"),
            (0x0118, "gridOutputEnergy"),
            (0x0130, "loadOutputEnergy"),
            (0x0148, "generatorInputEnergy"),
        )
        for number, period in enumerate(PERIODS)
    )
)

BATTERY_MONITOR = entries(
    """
    0000 deviceName text8 1 0 live
    000A fgaNumber text10 1 0 live
    0028 modbusAddress u16 1 0 live
    002B hardwareSerialNumber text10 1 0 live
    0046 voltage u32 0.001 0 live
    0048 current s32 0.001 0 live
    004C stateOfCharge u32 1 0 live
    004E stateOfHealth u32 1 0 live
    0052 midPointVoltage1 u32 0.001 0 live
    0054 midPointVoltage2 u32 0.001 0 live
    0056 midPointVoltage3 u32 0.001 0 live
    0058 remaining u32 1 0 live
    005A removed u32 1 0 live
    0092 capacity u16 1 0 live
"""
)
"""State of health returns 0. Widths and scales of 0x0052 to 0x005A are guesses."""
