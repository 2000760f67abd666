"""The options of a ``[[modbus_tcp]]`` table."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pvsmqtt.sources.modbus_master.options import MasterOptions, Order
from pvsmqtt.sources.register_units.conext import NATIVE_PORT, SUNSPEC_PORT

AUTO = "auto"
PORTS: dict[str, tuple[int, ...]] = {"conext": (SUNSPEC_PORT, NATIVE_PORT), "sunspec": (SUNSPEC_PORT,)}
"""Where equipment listens: a Conext Gateway tells SunSpec at the first, its native registers at the second."""


class ModbusTcpOptions(MasterOptions):
    """Equipment that answers Modbus TCP, read-only: the Conext Gateway of a SunVault, or an inverter, battery or
    meter that speaks SunSpec. One table for each."""

    host: str = Field(min_length=1, examples=["172.27.153.60"])
    """Host name or address. "auto" (profile "conext" only): the gateway is searched for where a PVS gives it its
    address, 172.27.153.50 to .99, one address after the other; this machine must have an address in that network."""
    profile: Literal["conext", "sunspec"] = "conext"
    """"conext": the gateway of a SunVault, with its inverter and battery. "sunspec": whatever describes itself by
    SunSpec (SMA, Fronius, SolarEdge and others)."""
    ports: list[int] = Field(default=[], examples=[[502]])
    """TCP ports. Empty: 502 and 503 for a Conext Gateway, else 502. What is spoken at each is found out."""
    registers: Literal["live", "all"] = "live"
    """Which registers of a Conext Gateway are read: "live" are those that a SunVault fills; "all" is for systems with
    charge controllers, a generator or several battery banks."""
    word_order: Order = "auto"
    """Which half of a wide value comes first in the native registers, "big" or "little" (a ComBox can be set either
    way); "auto": it is found out by values that can only be right in one order."""

    @field_validator("host")
    @classmethod
    def _only_a_host(cls, value: str) -> str:
        if "/" in value or (value.count(":") == 1 and value.rpartition(":")[2].isdigit()):
            raise ValueError(f"{value!r} is more than a host name or address; a port goes into `ports`")
        return value

    @field_validator("ports")
    @classmethod
    def _good_ports(cls, value: list[int]) -> list[int]:
        for port in value:
            if not 1 <= port <= 65535:
                raise ValueError(f"{port} is no port; allowed: 1 to 65535")
        return list(dict.fromkeys(value))

    @model_validator(mode="after")
    def _search_only_where_a_pvs_puts_it(self) -> Self:
        if self.host == AUTO and self.profile != "conext":
            raise ValueError('host "auto" searches for a Conext Gateway; equipment of other makers needs its address')
        return self

    @property
    def called(self) -> str:
        """The id of the connection."""
        return self.name or self.profile

    @property
    def doors(self) -> tuple[int, ...]:
        """The ports that are tried."""
        return tuple(self.ports) or PORTS[self.profile]

    def distinctions(self) -> dict[str, str]:
        """See `Options.distinctions`: behind each port of a host may be other equipment (serial servers are so);
        a port is asked by one table only."""
        return {"name": self.called, **{f"port {port} of host": self.host.lower() for port in self.doors}}
