"""A SunSpec device, served over TCP or on a serial line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pvsmqtt.simulator.modbus_server.faults import Faults
from pvsmqtt.simulator.modbus_server.requests import Log
from pvsmqtt.simulator.modbus_server.serial import SerialPort
from pvsmqtt.simulator.modbus_server.served import Served
from pvsmqtt.simulator.modbus_server.station import Station
from pvsmqtt.simulator.modbus_server.story import Story, once
from pvsmqtt.simulator.modbus_server.tcp import TcpPort
from pvsmqtt.simulator.modbus_server.units import Unit
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.sunspec.chain import Chain, chain
from pvsmqtt.simulator.sunspec.storage import common
from pvsmqtt.simulator.sunspec_devices.kinds import KINDS, Make, Way, serial_of


@dataclass
class SunSpecSimulator(Served):
    """A device of one of `KINDS`. Settings are read when it is made; `faults` may be changed while it runs."""

    kind: str = "sma"
    house: House | None = None
    """None is that of seed 1, with a SunVault."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one, known after `start`."""
    pty: str | None = None
    """A path that leads to a pseudo-terminal in place of TCP; empty: without a link."""
    baudrate: int = 9600
    unit: int | None = None
    """Number of the (first) unit; None is that of the kind."""
    base: int = 40000
    """Address of the mark: 40000, 0 or 50000."""
    phases: int = 3
    floats: bool = False
    """Models with floats, where the kind has them."""
    serial: str | None = None
    """Of the (first) unit; None is one that exists nowhere."""
    speed: float = 1.0
    """Simulated seconds per second."""
    start_at: datetime | None = None
    """Simulated time at the start; None is now."""
    clock: Callable[[], datetime] | None = None
    """Gives the simulated time (UTC) in place of the two."""
    keeps: bool = True
    """Whether ``requests`` is kept."""
    seed: int = 1
    """Of faults that have a share."""

    faults: Faults = field(init=False)
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        kind, house = KINDS[self.kind], self.house or House(ess=True)
        if kind.needs_battery and not house.ess:
            raise ValueError(f"{self.kind} needs a house with a SunVault")
        self.house = house
        self.faults = Faults(self.seed)
        self.log = Log(self.keeps)
        self.story = Story(house, self.speed, self.start_at, self.clock)
        way = Way(self.phases, self.floats)
        first = next(iter(kind.units))
        self.units: dict[int, Unit] = {}
        for number, make in kind.units.items():
            actual = self.unit if number == first and self.unit is not None else number
            serial = self.serial if number == first and self.serial is not None else None
            self.units[actual] = self._unit(actual, make, way, serial or serial_of(house, self.kind, number))
        tcp = self.pty is None
        station = Station(
            "tcp" if tcp else "serial",
            self.units,
            self.story,
            self.faults,
            self.log,
            "socket" if tcp else "rtu",
            answers_for_all=tcp,
        )
        self._tcp = TcpPort(station, self.host, self.port) if tcp else None
        self._line = None if tcp else SerialPort(station, Path(self.pty) if self.pty else None, self.baudrate)
        self.ports = [port for port in (self._tcp, self._line) if port is not None]

    @property
    def url(self) -> str:
        """``tcp://127.0.0.1:5020`` or ``serial:///tmp/inverter``; known after `start`."""
        return self._line.url if self._line is not None else f"tcp://{self.host}:{self.port}"

    async def _listen(self) -> None:
        await super()._listen()
        if self._tcp is not None:
            self.port = self._tcp.port

    def _unit(self, number: int, make: Make, way: Way, serial: str) -> Unit:
        kind, house, base = KINDS[self.kind], self.house, self.base
        assert house is not None  # noqa: S101 - see __post_init__

        @once
        def of(state: HouseState) -> Chain:
            models = [(1, common(kind.maker, kind.name, serial, number)), *make(house, state, way)]
            return chain(base, models, kind.short_common)

        def image(state: HouseState) -> Mapping[int, int]:
            return of(state).registers

        def spans(state: HouseState) -> Sequence[range]:
            return of(state).spans

        return Unit(image, spans=spans if kind.strict else None)
