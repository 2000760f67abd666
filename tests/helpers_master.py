"""Equipment that is asked over Modbus: units that are dictionaries, servers that answer what a test says, a clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile import RegisterMap, loads
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources import memory
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.reader import Reader
from pvsmqtt.sources.modbus_master.refusal import EXCEPTIONS, Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.register_units.decoder import Place

START = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
HOLDING, INPUT = Table.HOLDING_REGISTERS, Table.INPUT_REGISTERS
SUNS = (0x5375, 0x6E53)


class Clock:
    """Both clocks; only sleeping moves them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now - 1000)

    def moment(self, when: float) -> datetime:
        return START + timedelta(seconds=when - 1000)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class FakeUnit:
    """Registers of one unit, and what it refuses."""

    def __init__(self, registers: dict[int, int], inputs: dict[int, int] | None = None) -> None:
        self.registers, self.inputs = registers, inputs
        self.gaps = False
        self.codes: dict[int, int] = {}
        """Exceptions by address, for a read that touches it."""
        self.always: int | None = None
        """Exception to everything."""
        self.refusal: Refusal | None = None
        """What comes of everything, beside exceptions."""

    def read(self, address: int, count: int, table: Table) -> tuple[int, ...] | int:
        if self.always is not None:
            return self.always
        wanted = range(address, address + count)
        for touched, code in self.codes.items():
            if touched in wanted:
                return code
        registers = self.registers if table is HOLDING else self.inputs
        if registers is None:
            return 1
        if not self.gaps and any(at not in registers for at in wanted):
            return 2
        return tuple(registers.get(at, 0) for at in wanted)


class FakeDoor:
    """A door to units that are there at once."""

    def __init__(self, units: dict[int, FakeUnit], name: str = "127.0.0.1:503", clock: Clock | None = None) -> None:
        self.units, self.name, self.clock = units, name, clock
        self.is_open = True
        self.shut: Refusal | None = None
        self.asked: list[tuple[int, Table, int, int]] = []
        self.refused: list[tuple[int, Table, int, int]] = []
        self.takes = 0.0
        self.timeout = 5.0
        self.requests = self.connects = 0
        self.bytes = (0, 0)

    async def read(self, unit: int, address: int, count: int, table: Table = HOLDING) -> tuple[int, ...]:
        assert 1 <= count <= 125
        assert address >= 0
        assert address + count <= 0x10000
        await asyncio.sleep(0)
        request = (unit, table, address, count)
        self.asked.append(request)
        self.requests += 1
        if self.shut is not None:
            raise Refused(self.shut, self.name)
        there = self.units.get(unit)
        if there is None or there.refusal is Refusal.TIMEOUT:
            self._pass(self.timeout)
            raise Refused(Refusal.TIMEOUT, f"{self.name} unit {unit}")
        self._pass(self.takes)
        if there.refusal is not None:
            raise Refused(there.refusal, f"{self.name} unit {unit}")
        told = there.read(address, count, table)
        if isinstance(told, int):
            self.refused.append(request)
            raise Refused(EXCEPTIONS.get(told, Refusal.OTHER), f"{self.name} unit {unit}: exception {told}")
        return told

    async def close(self) -> None:
        self.is_open = False

    def since(self, mark: int) -> list[tuple[int, int, int]]:
        """Unit, address and count of what was asked since then."""
        return [(unit, address, count) for unit, _, address, count in self.asked[mark:]]

    def _pass(self, seconds: float) -> None:
        if self.clock is not None:
            self.clock.now += seconds


class Known(memory.Memory):
    prefix = "test"
    whose = "the equipment"


MAP = """
name = "test map"
source = "invented"
transport = "conext"
units = [1]
table = "holding"
kind = "gateway"
products = ["865-TEST"]
registers = [
  { address = 10, name = "product", type = "string", length = 8 },
  { address = 30, name = "firmware", type = "string", length = 4, fact = "sw_version" },
  { address = 64, name = "state", type = "uint16" },
  { address = 70, name = "grid", type = "uint32", scale = 0.001, min = 50, max = 300, quantity = "voltage" },
  { address = 74, name = "hertz", type = "uint32", scale = 0.01, min = 40, max = 70, quantity = "frequency" },
  { address = 90, name = "watts", type = "int32", quantity = "power" },
  { address = 300, name = "battery", type = "uint32", scale = 0.001, quantity = "battery_voltage" },
  { address = 400, name = "rare", type = "uint16", quantity = "temperature", live = false },
]
"""


def the_map(text: str = MAP) -> RegisterMap:
    return loads(text)


def text(address: int, words: int, said: str) -> dict[int, int]:
    raw = said.encode().ljust(2 * words, b"\0")
    return {address + at: int.from_bytes(raw[2 * at : 2 * at + 2]) for at in range(words)}


def wide(address: int, value: int, order: str = "big") -> dict[int, int]:
    words = [value >> 16 & 0xFFFF, value & 0xFFFF]
    return dict(enumerate(words if order == "big" else words[::-1], address))


def native(order: str = "big", firmware: str = "1.10") -> dict[int, int]:
    """The registers of `MAP`, live ones."""
    return {
        **text(10, 8, "865-TEST-01"),
        **text(30, 4, firmware),
        64: 3,
        **wide(70, 240_500, order),
        **wide(74, 5_998, order),
        **wide(90, -1500 % 2**32, order),
        **wide(300, 52_100, order),
    }


def chain(*models: tuple[int, list[int]], base: int = 40000, end: bool = True) -> dict[int, int]:
    """``"SunS"`` and models behind it."""
    found = dict(enumerate(SUNS, base))
    at = base + 2
    for number, registers in models:
        found.update(enumerate([number, len(registers), *registers], at))
        at += 2 + len(registers)
    return {**found, **(dict(enumerate([0xFFFF, 0], at)) if end else {})}


def common(serial: str = "A1", model: str = "Box", version: str = "1") -> tuple[int, list[int]]:
    """Model 1."""
    body: dict[int, int] = dict.fromkeys(range(66), 0)
    for at, words, said in ((0, 16, "Maker"), (16, 16, model), (40, 8, version), (48, 16, serial)):
        body.update(text(at, words, said))
    return 1, list(body.values())


def inverter(watts: int = 1234, scale: int = 0) -> tuple[int, list[int]]:
    """Model 103 with power and its scale factor; the rest is not implemented."""
    body = [0x8000] * 50
    body[12], body[13] = watts % 65536, scale % 65536
    return 103, body


def reader_of(
    door: Any,
    clock: Clock,
    *,
    languages: Iterable[Language] = (Language.SUNSPEC, Language.NATIVE),
    usual: tuple[int, ...] = (1,),
    known: memory.Memory | None = None,
    maps: tuple[RegisterMap, ...] | None = None,
    **wanted: Any,
) -> Reader:
    maps = (the_map(),) if maps is None else maps
    what = Wanted(wanted.pop("units", ()), usual, tuple(languages), maps, **wanted)
    place = Place("modbus_tcp test", "test", "site", 90.0, interface="tcp")
    patient = Patient(door, 0.05, clock.monotonic, clock.sleep)
    return Reader(patient, what, place, known or Known(None, "test"), clock.monotonic)


def values(readings: list[Reading], unit: int = 1) -> dict[str, Any]:
    """What one unit told."""
    return next((dict(one.values) for one in readings if one.device.modbus_unit == unit), {})


Answer = Callable[[bytes], Awaitable[bytes | None] | bytes | None]


@asynccontextmanager
async def server(answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[RawServer]:
    """A TCP server that answers each packet as it is told; None hangs up."""
    raw = RawServer(answer, host)
    await raw.start()
    try:
        yield raw
    finally:
        await raw.stop()


class RawServer:
    def __init__(self, answer: Answer, host: str) -> None:
        self.answer, self.host = answer, host
        self.port = 0
        self.received: list[bytes] = []
        self.connections = 0
        self.news = asyncio.Event()
        self.writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        for writer in list(self.writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.writers.add(writer)
        try:
            while data := await reader.read(1000):
                self.received.append(data)
                self.news.set()
                told = self.answer(data)
                if isinstance(told, Awaitable):
                    told = await told
                if told is None:
                    return
                writer.write(told)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            self._tasks.discard(task)
            writer.close()


def registers(request: bytes, *told: int) -> bytes:
    """The answer of Modbus TCP to a request."""
    body = request[6:8] + bytes([2 * len(told)]) + b"".join(one.to_bytes(2) for one in told)
    return request[:4] + len(body).to_bytes(2) + body


def exception(request: bytes, code: int) -> bytes:
    return request[:4] + b"\0\3" + bytes([request[6], request[7] | 0x80, code])


def counted(request: bytes) -> bytes:
    """Every register has its own address as value."""
    address, count = int.from_bytes(request[8:10]), int.from_bytes(request[10:12])
    return registers(request, *range(address, address + count))


def tasks_left() -> set[asyncio.Task[Any]]:
    """Tasks beside the one that asks."""
    return asyncio.all_tasks() - {asyncio.current_task()}


async def settled() -> None:
    """Let everything that is due be done."""
    for _ in range(20):
        await asyncio.sleep(0)


async def turns(condition: Callable[[], object]) -> None:
    """Let everything else take its turns until this is so."""
    for _ in range(200_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


def folder_memory(folder: Path) -> Known:
    return Known(folder, "test")
