"""Channels of the old family: Sunny Boy and Sunny Mini Central up to about 2009. German names, no units.

Names and meaning: the payload in yasdi2mqtt's README, the channel list with units in its issue 46, and what programs
around yasdi say of an SMC 4600 (``riso_kohm``, ``e_total_kwh``, ``h_on_hour``). Doubtful: ``Riso``, of which one
sample reads like MΩ (3.0); it is taken as kΩ, so that a true fault is never made a thousand times better.
"""

from __future__ import annotations

from pvsmqtt.sources.yasdi.channel import Channel, Unit

_AC = ("Uac", ("Pac",))
_DC = ("Upv-Ist", ("PPV", "Pac"))

CHANNELS: dict[str, Channel] = {
    "Pac": Channel("power", Unit.W),
    "Uac": Channel("voltage", Unit.V),
    "Fac": Channel("frequency", Unit.HZ),
    "Iac": Channel("current", Unit.A_OR_MA, *_AC),
    "Iac-Ist": Channel("current", Unit.A_OR_MA, *_AC),
    "E-Total": Channel("energy", Unit.KWH),
    "PPV": Channel("dc_power", Unit.W),
    "Upv-Ist": Channel("dc_voltage", Unit.V),  # Ist: is
    "Upv-Soll": Channel("dc_voltage_target", Unit.V),  # Soll: shall be
    "Ipv": Channel("dc_current", Unit.A_OR_MA, *_DC),
    "E-Total DC": Channel("dc_energy", Unit.KWH),
    "Zac": Channel("grid_impedance", Unit.OHM),
    "Riso": Channel("insulation_resistance", Unit.KOHM),
    "dI": Channel("residual_current", Unit.MA),
    "Tkk": Channel("temperature", Unit.C),  # Kühlkörper: heat sink
    "h-Total": Channel("feed_in_time", Unit.H),
    "h-On": Channel("operating_time", Unit.H),
    "Netz-Ein": Channel("grid_connections", Unit.COUNT),  # Netz: grid
    "Fehler-Cnt": Channel("fault_count", Unit.COUNT),  # Fehler: fault
    "Event-Cnt": Channel("fault_count", Unit.COUNT),
    "Status": Channel("status_text", Unit.TEXT),
    "Fehler": Channel("fault_text", Unit.TEXT),
    "Seriennummer": Channel(None, Unit.TEXT),
}
