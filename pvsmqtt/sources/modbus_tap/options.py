"""The options of a ``[[modbus_tap]]`` table."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from pvsmqtt.options import Options, interval
from pvsmqtt.sources.register_units.options import register_maps, stale_after_interval, topic_id

if TYPE_CHECKING:
    from pvsmqtt.modbus.mapfile import RegisterMap

Interval = interval(1, "a gateway is polled every few seconds, and faster publishing only repeats")
StaleAfter = interval(10, "a supervisor polls its gateway every 15 s or more slowly")


class ModbusTapOptions(Options):
    """Modbus TCP between others, such as a PVS6 and the Conext Gateway of a SunVault, out of a capture of their
    network (see docs/modbus-tap.md); nothing is ever sent. One table for each capture."""

    apart: ClassVar[tuple[str, ...]] = ("name", "capture")

    capture: str = Field(examples=["/run/modbus-tap/mirror.pcap"])
    """Where the packets come from: a FIFO into which tcpdump writes, a pcap file (one that grows is followed), or
    "-" for standard input of the service."""
    ports: list[int] = Field(default=[502, 503])
    """TCP ports of the server. With profile "conext" the first is the one that speaks SunSpec, the others have the
    map of the maker."""
    name: str = "modbus_tap"
    """Name of the tap: its device has this id, and devices that are heard begin with it. It may be that of a
    [[modbus_tcp]] table for the same gateway: then both tell of the same devices."""
    server: str = ""
    """Address of the server whose devices are told of, where there are several. Empty: the one that was heard first;
    it is remembered, and gives way to another when it has been silent for ten minutes."""
    profile: Literal["conext", "auto", "off"] = "conext"
    """What is known beforehand. "conext": the units and SunSpec models of a SunVault, until something else is heard.
    "auto": only what units tell of themselves in SunSpec. "off": no unit is taken to speak SunSpec."""
    interval: Interval = 10.0  # type: ignore[valid-type]
    """Seconds between two publications of a device, at least 1."""
    stale_after: StaleAfter = 120.0  # type: ignore[valid-type]
    """Seconds after which a value that was not heard again no longer counts as the present: at least 10, and twice
    the interval."""
    site: str = ""
    """Name of the house this gateway belongs to, where one pvsmqtt serves several houses."""
    maps: list[Path] = Field(default=[])
    """Files that say what registers mean, beside what comes with pvsmqtt; a later one has the last word."""

    _register_maps: tuple[Any, ...] = PrivateAttr(default=())

    @property
    def register_maps(self) -> tuple[RegisterMap, ...]:
        """What stood in the ``maps`` when these options were read."""
        return self._register_maps

    @field_validator("capture")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if "://" in value:
            raise ValueError(f'{value!r} is no path; allowed: the path of a pcap file or FIFO, or "-"')
        if not value.strip() or "\0" in value:
            raise ValueError('it is empty; allowed: the path of a pcap file or FIFO, or "-" for standard input')
        return value

    @field_validator("ports")
    @classmethod
    def _good_ports(cls, value: list[int]) -> list[int]:
        if not 1 <= len(value) <= 8 or len(set(value)) < len(value) or not all(1 <= one <= 65535 for one in value):
            raise ValueError(f"{value!r} are no ports; allowed: one to eight different ones from 1 to 65535")
        return value

    @field_validator("name")
    @classmethod
    def _a_topic_id(cls, value: str) -> str:
        return topic_id(value, "modbus_tap")

    @field_validator("server")
    @classmethod
    def _an_address(cls, value: str) -> str:
        try:
            return str(ip_address(value)) if value else ""
        except ValueError:
            raise ValueError(f"{value!r} is no address; allowed: an IP address such as 172.27.153.60") from None

    @model_validator(mode="after")
    def _with_maps(self) -> Self:
        self._register_maps = register_maps(self.maps)
        return self

    @model_validator(mode="after")
    def _stale_after_it_was_told(self) -> Self:
        stale_after_interval(self.stale_after, self.interval)
        return self
