"""The gateway, served on two ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pvsmqtt.simulator.conext import chains, told
from pvsmqtt.simulator.conext.chains import BATTERY, BATTERY_MONITOR, GATEWAY, XW_PRO, Serials
from pvsmqtt.simulator.conext.gateway_map import GATEWAY as GATEWAY_MAP
from pvsmqtt.simulator.conext.gateway_map import Entry
from pvsmqtt.simulator.conext.native import ORDERS, Order, Told, registers
from pvsmqtt.simulator.conext.xw_map import BATTERY_MONITOR as BATTERY_MONITOR_MAP
from pvsmqtt.simulator.conext.xw_map import SERIAL
from pvsmqtt.simulator.conext.xw_map import XW_PRO as XW_PRO_MAP
from pvsmqtt.simulator.modbus_server.codes import FAILURE
from pvsmqtt.simulator.modbus_server.faults import Faults
from pvsmqtt.simulator.modbus_server.requests import Log
from pvsmqtt.simulator.modbus_server.served import Served
from pvsmqtt.simulator.modbus_server.station import Station
from pvsmqtt.simulator.modbus_server.story import Story, once
from pvsmqtt.simulator.modbus_server.tcp import TcpPort
from pvsmqtt.simulator.modbus_server.units import Unit
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import Battery, HouseState

Tell = Callable[[House, HouseState, Battery, str, int], Told]


@dataclass
class ConextSimulator(Served):
    """The gateway. Settings are read when it is made; `faults` may be changed while it runs."""

    house: House | None = None
    """With a SunVault; None is that of seed 1."""
    host: str = "127.0.0.1"
    sunspec_port: int = 0
    """0 takes a free one, known after `start`."""
    native_port: int = 0
    speed: float = 1.0
    """Simulated seconds per second."""
    start_at: datetime | None = None
    """Simulated time at the start; None is now."""
    clock: Callable[[], datetime] | None = None
    """Gives the simulated time (UTC) in place of the two."""
    serials: Serials | None = None
    """What is told; None is what the house's DeviceList says."""
    word_order: Order = "big"
    """Of the native map, as a ComBox can be set."""
    gaps: bool = False
    """Whether registers without an entry are told as 0, in place of exception 2."""
    serial_refused: bool = True
    """Whether unit 10 answers its native serial number with exception 4, as an XW+ does."""
    battery_monitor: int | None = None
    """The unit number of a battery monitor (190); None is none."""
    keeps: bool = True
    """Whether ``requests`` is kept."""
    seed: int = 1
    """Of faults that have a share."""

    faults: Faults = field(init=False)
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.house = self.house or House(ess=True)
        if not self.house.ess:
            raise ValueError("a Conext Gateway needs a house with a SunVault")
        self.faults = Faults(self.seed)
        self.log = Log(self.keeps)
        self.story = Story(self.house, self.speed, self.start_at, self.clock)
        names = self.serials or Serials.of(self.house.serials.storage)
        self.ports: tuple[TcpPort, ...] = (
            self._station("sunspec", self._sunspec_units(names), self.sunspec_port),
            self._station("native", self._native_units(names), self.native_port),
        )

    async def _listen(self) -> None:
        await super()._listen()
        self.sunspec_port, self.native_port = (port.port for port in self.ports)

    def _station(self, name: str, units: Mapping[int, Unit], port: int) -> TcpPort:
        return TcpPort(Station(name, units, self.story, self.faults, self.log), self.host, port)

    def _sunspec_units(self, serials: Serials) -> dict[int, Unit]:
        def image(unit: int, state: HouseState) -> Mapping[int, int]:
            return chains.chain_of(unit, state, _battery(state), serials).registers

        return {unit: Unit(once(partial(image, unit))) for unit in chains.MODELS}

    def _native_units(self, serials: Serials) -> dict[int, Unit]:
        units = {
            GATEWAY: self._native(GATEWAY, GATEWAY_MAP, told.gateway, serials.gateway),
            XW_PRO: self._native(XW_PRO, XW_PRO_MAP, told.xw_pro, serials.inverter),
        }
        if self.serial_refused:
            units[XW_PRO].refused = {SERIAL: FAILURE}
        if self.battery_monitor is not None:
            number = self.battery_monitor
            units[number] = self._native(number, BATTERY_MONITOR_MAP, told.battery_monitor, serials.battery)
        return units

    def _native(self, unit: int, entries: tuple[Entry, ...], tell: Tell, serial: str) -> Unit:
        def image(order: Order, state: HouseState) -> Mapping[int, int]:
            assert self.house is not None  # noqa: S101 - see __post_init__
            return registers(entries, tell(self.house, state, _battery(state), serial, unit), order)

        images = {order: once(partial(image, order)) for order in ORDERS}
        return Unit(lambda state: images[self.faults.word_order or self.word_order](state), self.gaps)


def _battery(state: HouseState) -> Battery:
    if state.battery is None:
        raise ValueError("this house has no SunVault")
    return state.battery


__all__ = ["BATTERY", "BATTERY_MONITOR", "GATEWAY", "XW_PRO", "ConextSimulator", "Serials"]
