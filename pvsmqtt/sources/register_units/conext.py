"""What is known beforehand of a Conext Gateway: its ports, and which device a unit number stands for.

==========  ==============================  =============================================================
unit        device                          evidence
==========  ==============================  =============================================================
1           the gateway                     observed: "SchneiderElectric-ConextGateway"
10          XW Pro of the first cabinet     observed: "SchneiderElectric-XW6848-21", and on the native port
11 to 29    further inverters               inferred: the next numbers
230         battery management              observed: "SchneiderElectric-SP1"
==========  ==============================  =============================================================

Observed: ``slave`` and ``interface`` of DeviceList replies of several owners. Unit 230 of the RS-485 bus is another
device. Of a gateway, SunSpec model 102 is what flows through it: it is no inverter.
"""

from __future__ import annotations

from pvsmqtt.model.device import Kind

SUNSPEC_PORT, NATIVE_PORT = 502, 503

CONEXT: dict[int, Kind] = {
    1: Kind.GATEWAY,
    **dict.fromkeys(range(10, 30), Kind.STORAGE_INVERTER),
    230: Kind.BMS,
}
"""Kinds of devices by unit."""
