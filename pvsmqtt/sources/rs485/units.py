"""Which kind of device a unit number stands for on the bus of a SunVault.

==========  ==============================  =============================================================
unit        device                          evidence
==========  ==============================  =============================================================
220         HUB+ (MIDC)                     ``slave`` 220 of "SunPower MIDC" in DeviceList replies of several
                                            owners
221         MIO of the first cabinet        ``slave`` 221 of "SunPower MIO", likewise
222 to 229  MIO of further cabinets         inferred: the next numbers
230         PV disconnect relay             ``slave`` 230 of "SunPower PV Disconnect Relay", likewise
==========  ==============================  =============================================================

Behind the Conext Gateway, which is another network, unit 230 is the battery management: what a unit says of itself in
SunSpec counts more than this table, and what its owner writes in the configuration most.
"""

from __future__ import annotations

from pvsmqtt.model.device import Kind

ENOUGH = 2
"""Answers that make a unit: one may be noise."""

KNOWN: dict[int, Kind] = {
    220: Kind.HUB_PLUS,
    **dict.fromkeys(range(221, 230), Kind.MIO),
    230: Kind.PV_DISCONNECT,
}
