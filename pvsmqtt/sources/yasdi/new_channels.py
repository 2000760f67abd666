"""Channels of the newer family: Sunny Boy and Sunny Tripower from about 2009 that still speak SMANet on RS-485.

Names: a published yasdi2mqtt payload (only parts of it are known). Meaning and units: SMA's lists of measuring
channels for these inverters, and what a program around yasdi notes of a three-phase one (2.84 A, 455.40 V, 1295 W,
43483.59 kWh, 3000 kΩ). Doubtful: the digits after the point of ``Iso.FltA``, taken as A.
"""

from __future__ import annotations

from pvsmqtt.sources.yasdi.channel import Channel, Unit

CHANNELS: dict[str, Channel] = {
    "Pac": Channel("power", Unit.W),
    "E-Total": Channel("energy", Unit.KWH),
    "A.Ms.Watt": Channel("dc_power_a", Unit.W),
    "A.Ms.Vol": Channel("dc_voltage_a", Unit.V),
    "A.Ms.Amp": Channel("dc_current_a", Unit.A),
    "B.Ms.Watt": Channel("dc_power_b", Unit.W),
    "B.Ms.Vol": Channel("dc_voltage_b", Unit.V),
    "B.Ms.Amp": Channel("dc_current_b", Unit.A),
    "GridMs.W.phsA": Channel("power_l1", Unit.W),
    "GridMs.W.phsB": Channel("power_l2", Unit.W),
    "GridMs.W.phsC": Channel("power_l3", Unit.W),
    "GridMs.PhV.phsA": Channel("voltage_l1", Unit.V),
    "GridMs.PhV.phsB": Channel("voltage_l2", Unit.V),
    "GridMs.PhV.phsC": Channel("voltage_l3", Unit.V),
    "GridMs.PhV.phsA2B": Channel("voltage_l1_l2", Unit.V),
    "GridMs.PhV.phsB2C": Channel("voltage_l2_l3", Unit.V),
    "GridMs.PhV.phsC2A": Channel("voltage_l3_l1", Unit.V),
    "GridMs.A.phsA": Channel("current_l1", Unit.A),
    "GridMs.A.phsB": Channel("current_l2", Unit.A),
    "GridMs.A.phsC": Channel("current_l3", Unit.A),
    "GridMs.Hz": Channel("frequency", Unit.HZ),
    "GridMs.TotVA": Channel("apparent_power", Unit.VA),
    "GridMs.VA.phsA": Channel("apparent_power_l1", Unit.VA),
    "GridMs.VA.phsB": Channel("apparent_power_l2", Unit.VA),
    "GridMs.VA.phsC": Channel("apparent_power_l3", Unit.VA),
    "GridMs.TotVAr": Channel("reactive_power", Unit.VAR),
    "GridMs.VAr.phsA": Channel("reactive_power_l1", Unit.VAR),
    "GridMs.VAr.phsB": Channel("reactive_power_l2", Unit.VAR),
    "GridMs.VAr.phsC": Channel("reactive_power_l3", Unit.VAR),
    "GridMs.TotPF": Channel("power_factor", Unit.RATIO),
    "Riso": Channel("insulation_resistance", Unit.KOHM),
    "Iso.FltA": Channel("residual_current", Unit.A),
    "Mt.TotTmh": Channel("operating_time", Unit.H),
    "Mt.TotOpTmh": Channel("feed_in_time", Unit.H),
    "Op.GriSwCnt": Channel("grid_connections", Unit.COUNT),
    "Op.EvtCntUsr": Channel("user_events", Unit.COUNT),
    "Op.EvtCntIstl": Channel("installer_events", Unit.COUNT),
    "Op.EvtNo": Channel("event_number", Unit.COUNT),
    "Mode": Channel("status_text", Unit.TEXT),
    "Error": Channel("fault_text", Unit.TEXT),
    "Op.Health": Channel("health_text", Unit.TEXT),
    "Op.GriSwStt": Channel("grid_relay_raw", Unit.TEXT),
    "Op.BckOpStt": Channel("backup_text", Unit.TEXT),
    "Inv.TmpLimStt": Channel("derating_text", Unit.TEXT),
    "InvCtl.Stt": Channel("control_text", Unit.TEXT),
    "PCM-DigInStt": Channel("digital_inputs", Unit.TEXT),
    "Serial Number": Channel(None, Unit.TEXT),
    "SerNumSet": Channel(None, Unit.TEXT),
}
