"""How long a house takes to appear at a broker, and whether all of it reaches who listens.

    python benchmarks/burst.py [--panels 40 400] [--rates 0 50 100] [--slow 5]

A real mosquitto with its own limits; one subscriber with QoS 1 takes ``--slow`` milliseconds for each message, as
a Raspberry Pi that makes entities of them may.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import common
import paho.mqtt.client as mqtt

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
    listener = listening(port, slow, got)
    options = MqttOptions(host=common.HOST, port=port, max_rate=rate)
    sink = MqttSink(options, HomeAssistantOptions(), "home", bus, Announced(None))
    began = time.monotonic()
    running = asyncio.create_task(sink.run())
    while (told := sink.report(0.0)["announcement"]) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    took, before = time.monotonic() - began, -1
    while before != len(got):
        before = len(got)
        await asyncio.sleep(1.0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    listener.loop_stop()
    return took, told["messages"], before


def listening(port: int, slow: float, got: list[str]) -> mqtt.Client:
    """A subscriber in a thread of its own that takes its time before a message is acknowledged."""

    def on_message(_: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        time.sleep(slow)
        got.append(message.topic)

    there = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: there.set()
    client.connect(common.HOST, port)
    client.loop_start()
    client.subscribe("#", qos=1)
    there.wait(common.PATIENCE)
    return client


if __name__ == "__main__":
    main()
