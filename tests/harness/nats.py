"""A cluster of three nats-servers with JetStream, each with a listener for MQTT 3.1.1."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt

from harness.basics import free_port, program
from harness.processes import Process

MOST_TRIES = 5
"""Each lasts until the node answers, or 10 s."""

CONFIG = """\
server_name: node{number}
listen: "127.0.0.1:{clients}"
jetstream {{ store_dir: "{folder}", max_mem: 64MB, max_file: 256MB }}
mqtt {{ listen: "127.0.0.1:{mqtt}", stream_replicas: 3, consumer_replicas: 3, consumer_memory_storage: true }}
cluster {{ name: fleet, listen: "127.0.0.1:{own}", routes: [{routes}] }}
"""


class NatsNode(Process):
    """One of the three; ``port`` is where it speaks MQTT."""

    def __init__(self, folder: Path, number: int, own: int, routes: list[int]) -> None:
        self.port = free_port()
        place = folder / f"nats-{number}"
        place.mkdir()
        file = place / "nats.conf"
        file.write_text(
            CONFIG.format(
                number=number,
                clients=free_port(),
                folder=place,
                mqtt=self.port,
                own=own,
                routes=", ".join(f'"nats://127.0.0.1:{port}"' for port in routes),
            )
        )
        super().__init__(program("nats-server", "nats-server"), "-c", str(file))

    async def start(self) -> None:
        """Start it, and wait until it can be reached."""
        since = len(self.log.items)
        await super().start()
        await self.says("Listening for MQTT clients", since)


class NatsCluster:
    """All three."""

    def __init__(self, folder: Path) -> None:
        routes = [free_port() for _ in range(3)]
        self.nodes = [NatsNode(folder, number, own, routes) for number, own in enumerate(routes, 1)]

    async def start(self) -> None:
        """Start them, and wait until each lets somebody in: they must agree on many things first."""
        await asyncio.gather(*(node.start() for node in self.nodes))
        agreed = [asyncio.create_task(node.says("JetStream cluster new metadata leader")) for node in self.nodes]
        await asyncio.wait(agreed, return_when=asyncio.FIRST_COMPLETED)
        for task in agreed:
            task.cancel()
        await asyncio.gather(*agreed, return_exceptions=True)
        for node in self.nodes:
            await self.lets_in(node)

    async def lets_in(self, node: NatsNode) -> None:
        """Wait until it does."""
        for left in range(MOST_TRIES, 0, -1):
            try:
                async with aiomqtt.Client("127.0.0.1", node.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
                    await client.publish("test/ready", b"", qos=1)
                    return
            except aiomqtt.MqttError:
                if left == 1:
                    raise

    async def kill(self) -> None:
        await asyncio.gather(*(node.kill() for node in self.nodes))
