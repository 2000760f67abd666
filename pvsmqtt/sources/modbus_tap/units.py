"""What is known beforehand of a server: which device a unit number stands for, and which maps its ports have.

Behind the Conext Gateway of a SunVault:

==========  ==============================  =============================================================
unit        device                          evidence
==========  ==============================  =============================================================
1           the gateway                     observed: "SchneiderElectric-ConextGateway"
10          XW Pro of the first cabinet     observed: "SchneiderElectric-XW6848-21", and on the native port
11 to 19    further inverters               inferred: the next numbers
230         battery management              observed: "SchneiderElectric-SP1"
==========  ==============================  =============================================================

Unit 230 of the RS-485 bus is another device.
"""

from __future__ import annotations

from collections.abc import Mapping

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.sunspec import ModelAt, profile
from pvsmqtt.model.device import Kind
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions

CONEXT: dict[int, Kind] = {
    1: Kind.GATEWAY,
    **dict.fromkeys(range(10, 20), Kind.STORAGE_INVERTER),
    230: Kind.BMS,
}


def kinds_of(options: ModbusTapOptions) -> Mapping[int, Kind]:
    """Kinds of devices by unit."""
    return CONEXT if options.profile == "conext" else {}


def is_native(options: ModbusTapOptions, port: int) -> bool:
    """Whether a port has the map of the maker."""
    return options.profile == "conext" and port != options.ports[0]


def pins_of(options: ModbusTapOptions, port: int) -> Mapping[int, tuple[ModelAt, ...]]:
    """SunSpec models that are known to stand somewhere, by unit."""
    return profile("conext") if options.profile == "conext" and not is_native(options, port) else {}


def maps_of(options: ModbusTapOptions, port: int) -> list[RegisterMap]:
    """What registers mean."""
    return [*(native_maps() if is_native(options, port) else ()), *options.register_maps]


def native_maps() -> tuple[RegisterMap, ...]:
    """Maps that come with pvsmqtt for the native port of a Conext Gateway. The one place that asks for them."""
    return tuple(one for one in mapfile.shipped() if one.name.lower().startswith("conext"))
