"""What is known beforehand of a server: which device a unit number stands for, and which maps its ports have."""

from __future__ import annotations

from collections.abc import Mapping

from pvsmqtt.modbus import mapfile
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.sunspec import ModelAt, profile
from pvsmqtt.model.device import Kind
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions
from pvsmqtt.sources.register_units.conext import CONEXT


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
    """What registers mean. Of the native port, what no SunVault fills is explained, but not published."""
    native = [one.of_live() for one in mapfile.shipped("conext")] if is_native(options, port) else []
    return [*native, *options.register_maps]
