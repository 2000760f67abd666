"""The options of a ``[[rs485]]`` table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from pvsmqtt.modbus.setting import FASTEST, SLOWEST
from pvsmqtt.model.device import Kind
from pvsmqtt.options import Options, interval
from pvsmqtt.sources.register_units.options import register_maps, stale_after_interval, topic_id
from pvsmqtt.sources.rs485.url import parse

if TYPE_CHECKING:
    from pvsmqtt.modbus.mapfile import RegisterMap
    from pvsmqtt.modbus.sunspec import ModelAt

Interval = interval(1, "the line is polled about every 15 s, and faster publishing only repeats")
StaleAfter = interval(10, "a supervisor polls its bus every 15 s or more slowly")

NO_UNITS = frozenset({Kind.BRIDGE, Kind.SITE, Kind.BUS})
"""Kinds of devices that cannot sit on a bus."""

PIN = re.compile(r"([0-9]{1,3}):([0-9]{1,5})=([0-9]{1,5})(?::([0-9]{1,5}))?")


class Rs485Options(Options):
    """An RS-485 line that is listened to; nothing is ever written to it. One table for each line."""

    line: str = Field(examples=["serial:///dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5069RR4-if00-port0"])
    """Where the bytes come from: serial:///dev/…, tcp://host:port (a serial server in transparent mode),
    tcp-listen://:port or udp-listen://:port (one that calls us), rfc2217://host:port, file://capture."""
    name: str = "rs485"
    """Name of the line: its device has this id, and devices on it begin with it."""
    baudrate: Literal["auto"] | int = "auto"
    """Bits per second. "auto": it is searched for by listening, and remembered. Where a box at the other end of a
    network sets the speed, a number here only serves to tell the load of the bus."""
    parity: Literal["auto", "N", "E", "O"] = "auto"
    """Parity bit: "N" none, "E" even, "O" odd. "auto": it is searched for together with the speed."""
    stopbits: Literal[1, 2] = 1
    """Stop bits, 1 or 2."""
    maps: list[Path] = Field(default=[])
    """Files that say what registers mean, beside the maps that come with pvsmqtt; a later one has the last word."""
    sunspec: Literal["auto", "off", "conext"] = "auto"
    """Units that describe themselves. "auto": their chain of models is learned by listening. "conext": as the Conext
    Gateway of a SunVault has it, until something else is heard. "off": no unit is taken to speak SunSpec."""
    sunspec_pins: list[str] = Field(default=[])
    """Models that are known to stand somewhere, each as "unit:address=model", such as "10:40070=102"; a model that
    is not in the standard needs its length as well, "10:40310=64900:20"."""
    units: dict[str, Kind] = Field(default={}, examples=[{"222": "mio"}])
    """Kinds of devices by their unit number, where the number is not that of a SunVault: { "5" = "inverter" }."""
    interval: Interval = 10.0  # type: ignore[valid-type]
    """Seconds between two publications of a device, at least 1."""
    stale_after: StaleAfter = 120.0  # type: ignore[valid-type]
    """Seconds after which a value that was not heard again no longer counts as the present: at least 10, and twice
    the interval."""
    site: str = ""
    """Name of the house this line belongs to, where one pvsmqtt serves several houses."""

    _register_maps: tuple[Any, ...] = PrivateAttr(default=())

    @property
    def register_maps(self) -> tuple[RegisterMap, ...]:
        """What stood in the ``maps`` when these options were read: other options when a file has changed."""
        return self._register_maps

    def distinctions(self) -> dict[str, str]:
        """See `Options.distinctions`: one line may be spelt in several ways."""
        return {**super().distinctions(), "line": str(parse(self.line))}

    @field_validator("line")
    @classmethod
    def _a_line(cls, value: str) -> str:
        parse(value)
        return value

    @field_validator("name")
    @classmethod
    def _a_topic_id(cls, value: str) -> str:
        return topic_id(value, "rs485")

    @field_validator("baudrate", mode="before")
    @classmethod
    def _a_speed(cls, value: Any) -> Any:
        if value == "auto":
            return value
        if re.fullmatch("[0-9]{1,7}", str(value)) and SLOWEST <= int(value) <= FASTEST:
            return int(value)
        raise ValueError(
            f'{value!r} is no speed; allowed: "auto", or a number from {SLOWEST} to {FASTEST} such as 9600, 19200, '
            "115200"
        )

    @field_validator("parity", mode="before")
    @classmethod
    def _a_parity(cls, value: Any) -> Any:
        written = {"even": "E", "odd": "O", "none": "N"}.get(str(value).lower(), value)
        return written.upper() if written in ("n", "e", "o") else written

    @field_validator("stopbits", mode="before")
    @classmethod
    def _stopbits(cls, value: Any) -> Any:
        return int(value) if value in ("1", "2") else value

    @field_validator("maps")
    @classmethod
    def _good_maps(cls, value: list[Path]) -> list[Path]:
        register_maps(value, "rtu")
        return value

    @model_validator(mode="after")
    def _with_maps(self) -> Self:
        self._register_maps = register_maps(self.maps, "rtu")
        return self

    @field_validator("sunspec_pins")
    @classmethod
    def _good_pins(cls, value: list[str]) -> list[str]:
        if value:
            from pvsmqtt.modbus import sunspec

            for text in value:
                _, address, model, length = pin(text)
                sunspec.pin(model, address, length)
        return value

    @field_validator("units")
    @classmethod
    def _good_units(cls, value: dict[str, Kind]) -> dict[str, Kind]:
        for unit, kind in value.items():
            if not re.fullmatch("[0-9]{1,3}", unit) or not 1 <= int(unit) <= 255:
                raise ValueError(f"{unit!r} is no unit; allowed: 1 to 255")
            if kind in NO_UNITS:
                allowed = ", ".join(one for one in Kind if one not in NO_UNITS)
                raise ValueError(f"unit {unit} cannot be a {kind}; allowed: {allowed}")
        return value

    @model_validator(mode="after")
    def _stale_after_it_was_told(self) -> Self:
        stale_after_interval(self.stale_after, self.interval)
        return self


def pin(text: str) -> tuple[int, int, int, int | None]:
    """``"10:40070=102"`` -> unit 10, address 40070 of the header, model 102, its length where it is given.

    Raises:
        ValueError: with what is allowed.
    """
    found = PIN.fullmatch(text.replace(" ", ""))
    unit, address, model = map(int, found.groups()[:3]) if found else (0, 0, 0)
    if found is None or not 1 <= unit <= 255 or not 0 <= address <= 65535 or model < 1:
        raise ValueError(
            f'{text!r} pins nothing; allowed: "unit:address=model" with a unit from 1 to 255 and the address of the '
            'header, counted from 0, such as "10:40070=102"'
        )
    return unit, address, model, int(found[4]) if found[4] else None


def pins_of(options: Rs485Options) -> dict[int, tuple[ModelAt, ...]]:
    """The models that are known beforehand, by unit.

    Raises:
        ValueError: a model that is pinned does not exist or has no room; says which.
    """
    from pvsmqtt.modbus import sunspec

    found = {} if options.sunspec in ("auto", "off") else dict(sunspec.profile(options.sunspec))
    for text in options.sunspec_pins:
        unit, address, model, length = pin(text)
        found[unit] = (*found.get(unit, ()), sunspec.pin(model, address, length))
    return found
