"""The network of this machine at one moment, as far as it matters here: IPv4."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

PVS_NETWORK = IPv4Network("172.27.153.0/24")
"""What the installer port LAN1 of a PVS is in."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its prefix. ``fixed``: it does not end; one that DHCP gave does."""

    at: IPv4Interface
    fixed: bool = True

    @property
    def of_pvs(self) -> bool:
        """Whether it lies in the network of a PVS."""
        return self.at.ip in PVS_NETWORK

    @property
    def useful(self) -> bool:
        """Whether somebody gave it, and it is not one that a machine gives itself."""
        return not (self.at.ip.is_link_local or self.at.ip.is_loopback)


@dataclass(frozen=True, slots=True)
class Interface:
    """A port. ``up``: it is switched on; ``carrier``: it has a link; ``wired``: it is a socket for a cable (bridges,
    tunnels and the like are neither wired nor wireless); ``power_save`` is None where nobody tells."""

    name: str
    up: bool = True
    carrier: bool = True
    wired: bool = False
    wireless: bool = False
    addresses: tuple[Address, ...] = ()
    power_save: bool | None = None

    @property
    def in_pvs_network(self) -> tuple[Address, ...]:
        """Its addresses in the network of a PVS."""
        return tuple(one for one in self.addresses if one.of_pvs)

    @property
    def elsewhere(self) -> tuple[Address, ...]:
        """Its useful addresses in other networks."""
        return tuple(one for one in self.addresses if one.useful and not one.of_pvs)


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets for a network go; ``gateway`` is None where the network is at the interface itself."""

    interface: str
    network: IPv4Network
    gateway: IPv4Address | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of it."""

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...] = ()

    @property
    def defaults(self) -> tuple[Route, ...]:
        """The default routes, that which counts first."""
        return tuple(sorted((one for one in self.routes if not one.network.prefixlen), key=lambda one: one.metric))

    def way_to(self, host: IPv4Address) -> Route | None:
        """The route that packets for a host take."""
        fitting = [one for one in self.routes if host in one.network]
        return min(fitting, key=lambda one: (-one.network.prefixlen, one.metric), default=None)
