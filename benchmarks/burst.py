"""How long a house takes to appear at a broker, and whether all of it reaches who listens.

    python benchmarks/burst.py [--panels 40 400] [--rates 0 50 100] [--slow 5]

A real mosquitto with its own limits; one subscriber with QoS 1 takes ``--slow`` milliseconds for each message, as
a Raspberry Pi that makes entities of them may.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

import aiomqtt
import common

from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.sink import MqttSink

VALUES = {
    "power": 231.4,
    "energy": 1834.52,
    "voltage": 243.1,
    "current": 0.95,
    "frequency": 60.0,
    "temperature": 41.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, nargs="+", default=[40, 400])
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 50, 100])
    parser.add_argument("--slow", type=float, default=5.0)
    args = parser.parse_args()
    print("panels  max_rate  told in s  messages  reached a slow subscriber")
    for panels in args.panels:
        for rate in args.rates:
            with common.broker() as port:
                took, sent, got = asyncio.run(appear(port, panels, rate, args.slow / 1000))
            print(f"{panels:6}  {rate:8g}  {took:9.1f}  {sent:8}  {got}")


async def appear(port: int, panels: int, rate: float, slow: float) -> tuple[float, int, int]:
    """Seconds until everything was told, messages sent, messages that a slow subscriber got."""
    bus: Bus = Bus()
    for number in range(panels):
        device = Device(f"e{number}", Kind.INVERTER, f"Inverter E{number}", serial=f"E{number}")
        bus.publish(DeviceState(device, True, VALUES, datetime.now(UTC)))
    got: list[str] = []
    listener = aiomqtt.Client(common.HOST, port, max_queued_incoming_messages=0)
    async with listener as client:
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(listen(client, slow, got))
        options = MqttOptions(host=common.HOST, port=port, max_rate=rate)
        sink = MqttSink(options, HomeAssistantOptions(), "home", bus, Announced(None))
        began = time.monotonic()
        running = asyncio.create_task(sink.run())
        while (told := sink.report(0.0)["announcement"]) is None:
            await asyncio.sleep(0.01)
        took, before = time.monotonic() - began, -1
        while before != len(got):
            before = len(got)
            await asyncio.sleep(1.0)
        for task in (running, listening):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return took, told["messages"], len(got)


async def listen(client: aiomqtt.Client, slow: float, got: list[str]) -> None:
    """Blocks for each message before it is acknowledged, as paho does for a slow callback."""
    inner = client._client.on_message

    def on_message(paho: object, userdata: object, message: object) -> None:
        time.sleep(slow)
        inner(paho, userdata, message)  # type: ignore[misc,arg-type,operator]

    client._client.on_message = on_message  # type: ignore[assignment]
    async for message in client.messages:
        got.append(str(message.topic))


if __name__ == "__main__":
    main()
