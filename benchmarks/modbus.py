"""What a cycle of the live native registers of a Conext Gateway costs: requests, connections, bytes and time.

    python benchmarks/modbus.py [--cycles 20] [--delay 20]

Three ways, one after the other, against the same simulated gateway: the reader of the service where the gateway
tolerates reads across gaps, the same where it refuses them, and one read on a connection of its own for each value,
as sunpower-ess-monitor does it. ``--delay`` is how many milliseconds the gateway thinks before each answer. Bytes are
those of Modbus, without what TCP adds to each connection and packet. The service's usual pause of 50 ms between two
requests is left out of the time, and told beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient

from pvsmqtt.modbus import mapfile
from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions
from pvsmqtt.sources.modbus_tcp.setup import source

GOAL = 9
UNIT = 1
PAUSE = 0.05


@dataclass(frozen=True)
class Cost:
    """Of one cycle."""

    requests: int
    refused: int
    connections: int
    sent: int
    received: int
    seconds: float


@dataclass
class Relay:
    """A TCP relay that counts, and delays what comes back."""

    port: int
    target: int
    delay: float
    connections: int = 0
    sent: int = 0
    received: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.target)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool) -> None:
            while data := await source.read(4096):
                if answers:
                    self.received += len(data)
                    await asyncio.sleep(self.delay)
                else:
                    self.sent += len(data)
                sink.write(data)
                await sink.drain()
            sink.close()

        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(pump(reader, back, False), pump(there, writer, True))
        for end in (back, writer):
            end.close()


async def ours(relay: Relay, simulator: ConextSimulator, cycles: int) -> list[Cost]:
    options = ModbusTcpOptions(host="127.0.0.1", ports=[relay.port], units=[UNIT], pause=0)
    asked = source(options, None)
    costs = [await measured(relay, simulator, asked.cycle) for _ in range(cycles)]
    await asked.close()
    return costs


async def singly(relay: Relay, simulator: ConextSimulator, cycles: int) -> list[Cost]:
    entries = [
        entry
        for one in mapfile.shipped("conext")
        for entry in one.entries
        if entry.live and UNIT in entry.units and "gateway" in one.name.lower()
    ]

    async def cycle() -> None:
        for entry in entries:
            client = AsyncModbusTcpClient("127.0.0.1", port=relay.port, timeout=5)
            await client.connect()
            await client.read_holding_registers(entry.address, count=entry.length, device_id=UNIT)
            client.close()

    return [await measured(relay, simulator, cycle) for _ in range(cycles)]


async def measured(relay: Relay, simulator: ConextSimulator, cycle: Callable[[], object]) -> Cost:
    simulator.requests.clear()
    before = relay.connections, relay.sent, relay.received
    began = time.perf_counter()
    await cycle()  # type: ignore[misc]
    seconds = time.perf_counter() - began
    refused = sum(request.refused is not None for request in simulator.requests)
    after = relay.connections, relay.sent, relay.received
    return Cost(len(simulator.requests), refused, *(b - a for a, b in zip(before, after, strict=True)), seconds)


def say(name: str, costs: list[Cost]) -> Cost:
    last, seconds = costs[-1], statistics.median(cost.seconds for cost in costs[len(costs) // 2 :])
    first = costs[0]
    print(
        f"{name:<42} {last.requests:>3} requests ({last.refused} refused), {last.connections:>2} connections, "
        f"{last.sent:>4} + {last.received:>4} bytes, {1000 * seconds:7.0f} ms; "
        f"first cycle {first.requests} requests ({first.refused} refused)"
    )
    return last


async def main(cycles: int, delay: float) -> None:
    for gaps in (True, False):
        simulator = ConextSimulator(gaps=gaps)
        await simulator.start()
        relay = Relay(0, simulator.native_port, delay)
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        relay.port = server.sockets[0].getsockname()[1]
        name = "pvsmqtt, gaps tolerated" if gaps else "pvsmqtt, gaps refused"
        cost = say(name, await ours(relay, simulator, cycles))
        if gaps:
            met = "met" if cost.requests <= GOAL else "MISSED"
            pauses = 1000 * cost.requests * PAUSE
            print(f"{'':<42} goal: at most {GOAL} requests ({met}); its pauses add {pauses:.0f} ms")
        else:
            say("one read and one connection for each value", await singly(relay, simulator, cycles))
        server.close()
        await simulator.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--delay", type=float, default=20, help="milliseconds")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.cycles, arguments.delay / 1000))
