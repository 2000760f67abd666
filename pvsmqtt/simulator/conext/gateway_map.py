"""The native map of a Conext Gateway (port 503, unit 1): 175 entries, 55 of which a SunVault was seen to fill.

Address (hexadecimal), name, type, scale, offset, whether it lives on a SunVault. Value = register * scale + offset;
``textN`` is N registers of text, ``u`` unsigned, ``s`` signed, with bits. Facts: the list of registers that
webdeck/sunpower-ess-monitor reads from such a gateway.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE = """
    0000 deviceName text8 1 0 live
    000A fgaNumber text8 1 0 live
    001E firmwareVersion text10 1 0 live
    0028 modbusAddress u16 1 0 live
    002B hardwareSerialNumber text8 1 0 live
    003A utcTime u32 1 0 -
    003C timeZone u16 1 0 -
    003D maintenanceStatus u16 1 0 live
    0040 systemStatus u16 1 0 -
    0041 systemWideNumberOfActiveFaults u16 1 0 live
    0042 generatorState u16 1 0 -
    0043 systemWideNumberOfActiveWarnings u16 1 0 live
    0044 pvHarvestPower u32 1 0 -
    0046 dcChargingPower u32 1 0 live
    0048 dcChargingCurrent u32 0.001 0 live
    004A dcInvertingPower u32 1 0 live
    004C gridVoltage u32 0.001 0 live
    004E gridFrequency u32 0.01 0 live
    0050 gridInputPowerApp u32 1 0 live
    0052 gridInputPower u32 1 0 live
    0054 gridInputCurrent u32 0.001 0 live
    0056 gridOutputPowerApp u32 1 0 live
    0058 gridOutputPower u32 1 0 live
    005A sellCurrent u32 0.001 0 -
    005C acGeneratorPower u32 1 0 -
    005E loadPowerInOut s32 1 0 live
    0060 loadOutputPower u32 1 0 live
    0062 loadInPower u32 1 0 live
    0064 loadPowerApp s32 1 0 live
    0066 loadPower s32 1 0 live
    0068 loadVoltage u32 0.001 0 live
    006A loadFrequency u32 0.01 0 live
    006C loadCurrent s32 0.001 0 live
    006E xwGridPower s32 1 0 live
    0070 xwGridVoltage u32 0.001 0 live
    0072 xwGridFrequency u32 0.01 0 live
    0074 xwGeneratorPower u32 1 0 -
    0076 xwGeneratorVoltage u32 0.001 0 -
    0078 xwGeneratorFrequency u32 0.01 0 -
    007A xwLoadPower u32 1 0 live
    007C xwLoadVoltage u32 0.001 0 live
    007E xwLoadFrequency u32 0.01 0 live
    0080 xwBatteryCurrent s32 0.001 0 live
    0082 cswAC1Power u32 1 0 -
    0084 cswAC1Voltage u32 0.001 0 -
    0086 cswAC1Frequency u32 0.01 0 -
    0088 cswACOutPower s32 1 0 -
    008A cswACOutVoltage u32 0.001 0 -
    008C cswACOutFrequency u32 0.01 0 -
    008E cswDCCurrentNet s32 0.001 0 -
    0090 mpptPVPower u32 1 0 -
    0092 mpptBatteryCurrent u32 0.001 0 -
    0094 mpptBatteryPower u32 1 0 -
    0096 gtPVPower u32 1 0 -
    0098 gtGridPower u32 1 0 -
    009A gtGridVoltage u32 0.001 0 -
    009C batteryVoltage u32 0.001 0 live
    009E batteryTemperature u32 0.01 -273 -
    0148 generatorCurrentLine1 u32 0.001 0 -
    014A generatorCurrentLine2 u32 0.001 0 -
    014C loadCurrentLine1 u32 0.001 0 -
    014E loadCurrentLine2 u32 0.001 0 -
    0150 gridInputCurrentLine1 u32 0.001 0 -
    0152 gridInputCurrentLine2 u32 0.001 0 -
    0154 gridOutputCurrentLine1 u32 0.001 0 -
    0156 gridOutputCurrentLine2 u32 0.001 0 -
    0158 batteryPowerNet s32 1 0 live
    015A lastFullCharge u32 1 0 -
    015C generatorVoltage u32 0.001 0 -
    015E generatorFrequency u32 0.01 0 -
    0160 totalGeneratorCurrent u32 0.001 0 -
    0162 pvVoltage u32 0.001 0 -
    0164 totalPVCurrent u32 0.001 0 -
    0166 gridOutputCurrent u32 0.001 0 live
    0168 gridTieToLoadPower u32 1 0 live
    0200 batteryBank1Voltage u32 0.001 0 live
    0202 batteryBank1Current s32 0.001 0 live
    0204 batteryBank1Temperature u32 0.01 -273 live
    0206 batteryBank1ChargingCurrent u32 0.001 0 live
    0208 batteryBank1ChargingPower u32 1 0 live
    020A batteryBank1InvertingCurrent u32 0.001 0 live
    020C batteryBank1InvertingPower u32 1 0 live
    020E batteryBank2Voltage u32 0.001 0 -
    0210 batteryBank2Current s32 0.001 0 -
    0212 batteryBank2Temperature u32 0.01 -273 -
    0214 batteryBank2ChargingCurrent u32 0.001 0 -
    0216 batteryBank2ChargingPower u32 1 0 -
    0218 batteryBank2InvertingCurrent u32 0.001 0 -
    021A batteryBank2InvertingPower u32 1 0 -
    021C batteryBank3Voltage u32 0.001 0 -
    021E batteryBank3Current s32 0.001 0 -
    0220 batteryBank3Temperature u32 0.01 -273 -
    0222 batteryBank3ChargingCurrent u32 0.001 0 -
    0224 batteryBank3ChargingPower u32 1 0 -
    0226 batteryBank3InvertingCurrent u32 0.001 0 -
    0228 batteryBank3InvertingPower u32 1 0 -
    022A batteryBank4Voltage u32 0.001 0 -
    022C batteryBank4Current s32 0.001 0 -
    022E batteryBank4Temperature u32 0.01 -273 -
    0230 batteryBank4ChargingCurrent u32 0.001 0 -
    0232 batteryBank4ChargingPower u32 1 0 -
    0234 batteryBank4InvertingCurrent u32 0.001 0 -
    0236 batteryBank4InvertingPower u32 1 0 -
    0238 batteryBank5Voltage u32 0.001 0 -
    023A batteryBank5Current s32 0.001 0 -
    023C batteryBank5Temperature u32 0.01 -273 -
    023E batteryBank5ChargingCurrent u32 0.001 0 -
    0240 batteryBank5ChargingPower u32 1 0 -
    0242 batteryBank5InvertingCurrent u32 0.001 0 -
    0244 batteryBank5InvertingPower u32 1 0 -
    0380 comBoxMode u32 1 0 live
    0382 externalContactorStatus u32 1 0 live
    0384 wetherStationIrradiance s32 1 0 -
    0386 weatherStationTemperature s32 0.1 0 -
    0388 weatherStationOperatingMode u32 1 0 -
    038A solarInverterLoadSideCurtailmentStatus u32 1 0 -
    038C solarInverterLoadSideOutputPower u32 1 0 -
    038E solarInverterLoadSideFrequency u32 0.01 0 -
    03A8 gridVoltageLine1 u32 0.001 0 -
    03AA gridCurrentLine1 s32 0.001 0 -
    03AC gridVoltageLine2 u32 0.001 0 -
    03AE gridCurrentLine2 s32 0.001 0 -
    03B0 gridVoltageLine3 u32 0.001 0 -
    03B2 gridCurrentLine3 s32 0.001 0 -
    03B4 generatorRunningSince u32 1 0 -
    03B6 generatorVoltageLine1 u32 0.001 0 -
    03B8 generatorVoltageLine2 u32 0.001 0 -
    03BA generatorVoltageLine3 u32 0.001 0 -
    03BC generatorCurrentLine3 u32 0.001 0 -
    03BE loadVoltageLine1 u32 0.001 0 -
    03C0 loadVoltageLine2 u32 0.001 0 -
    03C2 loadVoltageLine3 u32 0.001 0 -
    03C4 loadCurrentLine3 u32 0.001 0 -
    03C6 batteryBank1Power s32 1 0 live
    03C8 batteryBank1SOC u32 1 0 live
    03CA batteryBank1CapacityRemaining u32 1 0 live
    03CC batteryBank1TimeUntilRecharge u32 1 0 live
    03CE batteryBank1LastRechargeTime u32 1 0 live
    03D0 batteryBank2Power s32 1 0 -
    03D2 batteryBank2SOC u32 1 0 -
    03D4 batteryBank2CapacityRemaining u32 1 0 -
    03D6 batteryBank2TimeUntilRecharge u32 1 0 -
    03D8 batteryBank2LastRechargeTime u32 1 0 -
    03DA batteryBank3Power s32 1 0 -
    03DC batteryBank3SOC u32 1 0 -
    03DE batteryBank3CapacityRemaining u32 1 0 -
    03E0 batteryBank3TimeUntilRecharge u32 1 0 -
    03E2 batteryBank3LastRechargeTime u32 1 0 -
    03E4 batteryBank4Power s32 1 0 -
    03E6 batteryBank4SOC u32 1 0 -
    03E8 batteryBank4CapacityRemaining u32 1 0 -
    03EA batteryBank4TimeUntilRecharge u32 1 0 -
    03EC batteryBank4LastRechargeTime u32 1 0 -
    03EE batteryBank5Power s32 1 0 -
    03F0 batteryBank5SOC u32 1 0 -
    03F2 batteryBank5CapacityRemaining u32 1 0 -
    03F4 batteryBank5TimeUntilRecharge u32 1 0 -
    03F6 batteryBank5LastRechargeTime u32 1 0 -
    03F8 gridNetPower s32 1 0 live
    03FA pvTotalPower u32 1 0 -
    03FC batteryBankTotalInvertingPower u32 1 0 live
    03FE batteryBankTotalChargingPower u32 1 0 live
    0402 invLoadVoltageLine1 u32 0.001 0 -
    0404 invLoadCurrentLine1 u32 0.001 0 -
    0406 invLoadVoltageLine2 u32 0.001 0 -
    0408 invLoadCurrentLine2 u32 0.001 0 -
    040A invLoadVoltageLine3 u32 0.001 0 -
    040C invLoadCurrentLine3 u32 0.001 0 -
    040E pvTotalPowerMax u32 1 0 -
    0410 loadPowerMax u32 1 0 -
    041E batteryBank1SOH u32 1 0 live
    0420 batteryBank2SOH u32 1 0 -
    0422 batteryBank3SOH u32 1 0 -
    0424 batteryBank4SOH u32 1 0 -
    0426 batteryBank5SOH u32 1 0 -
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    address: int
    name: str
    kind: str
    scale: float
    offset: float
    live: bool

    @property
    def length(self) -> int:
        """Registers."""
        if self.kind.startswith("text"):
            return int(self.kind.removeprefix("text"))
        return int(self.kind[1:]) // 16


def entries(table: str) -> tuple[Entry, ...]:
    """The rows of a table, in the order of addresses."""
    return tuple(sorted((_entry(row) for row in table.split("\n") if row.strip()), key=lambda entry: entry.address))


def _entry(row: str) -> Entry:
    address, name, kind, scale, offset, live = row.split()
    return Entry(int(address, 16), name, kind, float(scale), float(offset), live == "live")


GATEWAY = entries(TABLE)
"""In the order of addresses."""
