"""How the sink treats a broker that can only take so much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from harness import Bench, Recorder
from helpers_mqtt import BRIDGE, PVS, SITE, TOPICS, state

from pvsmqtt.broker.pace import Pace
from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.sink import MqttSink

PANELS = [Device(f"e{n}", Kind.INVERTER, f"Inverter E{n}", serial=f"E{n}", via="zt1") for n in range(400)]


@asynccontextmanager
async def publishing(
    port: int, bus: Bus, pace: Pace, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[MqttSink]:
    options = MqttOptions(host="127.0.0.1", port=port)
    sink = MqttSink(options, HomeAssistantOptions(), "home", bus, Announced(None), sleep=sleep)
    sink._pace = pace
    running = asyncio.create_task(sink.run())
    try:
        yield sink
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def house_of_400() -> Bus:
    bus: Bus = Bus()
    for device in (BRIDGE, SITE, PVS):
        bus.publish(state(device, started_at="2026-06-21T18:00:00Z", uptime=60.0, pv_power=1.0))
    for panel in PANELS:
        bus.publish(state(panel, power=200.0, energy=100.0))
    return bus


async def online(recorder: Recorder) -> None:
    await recorder.wait(TOPICS.status, lambda m: m.text == "online")


async def test_a_large_house_is_told_in_order_and_how_long_it_took(tmp_path: Path) -> None:
    async with Bench(tmp_path).open() as bench:
        broker = await bench.broker()
        recorder = await bench.recorder(broker.port)
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            await asyncio.sleep(seconds)

        async with publishing(broker.port, house_of_400(), Pace(2000.0, burst=50), sleep) as sink:
            await online(recorder)
            order = [m.topic for m in recorder.messages]
            assert order[-1] == TOPICS.status
            first_state = next(n for n, topic in enumerate(order) if topic.endswith("/state"))
            assert all(topic.endswith("/state") for topic in order[first_state:-1])
            assert len(order[first_state:-1]) == 403
            report = sink.report(0.0)
            while report["announcement"] is None:  # the broker tells the recorder before it tells the sink
                await asyncio.sleep(0.01)
                report = sink.report(0.0)
            assert report["announcement"]["messages"] == len(order)
            assert report["held_back"] == pytest.approx(sum(slept), abs=0.1)
            assert sum(slept) > 0
            assert report["max_rate"] == 2000.0


async def test_nothing_piles_up_while_the_broker_is_frozen(tmp_path: Path) -> None:
    async with Bench(tmp_path).open() as bench:
        broker = await bench.broker()
        recorder = await bench.recorder(broker.port)
        bus = house_of_400()
        async with publishing(broker.port, bus, Pace(0)) as sink:
            await online(recorder)
            session = sink._session_now
            assert session is not None
            paho = session.client._client
            broker.freeze()
            most = 0
            for watts in range(100):
                for panel in PANELS:
                    bus.publish(state(panel, power=float(watts), energy=100.0 + watts))
                await asyncio.sleep(0.005)
                most = max(most, len(paho._out_packet) + len(paho._out_messages))
            assert most <= 25, "latest per topic only: 40 000 states were new"
            broker.wake()
            await recorder.wait(TOPICS.state(PANELS[-1]), lambda m: m.json["power"] == 99.0)


@pytest.mark.parametrize("rate", [0.0, 100.0])
def test_the_rate_is_an_option(rate: float) -> None:
    options = MqttOptions(host="127.0.0.1", max_rate=rate)

    async def build() -> MqttSink:
        return MqttSink(options, HomeAssistantOptions(), "home", Bus(), Announced(None))

    assert asyncio.run(build()).report(0.0)["max_rate"] == rate
