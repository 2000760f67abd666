"""The sink against brokers of an older kind."""

import asyncio
import struct
import time
from contextlib import suppress

import pytest
from harness import PATIENCE, Feed
from helpers_mqtt import PANEL, TOPICS, house

from pvsmqtt.broker import connection
from pvsmqtt.bus import Bus
from pvsmqtt.sinks.mqtt import births
from pvsmqtt.sinks.mqtt import sink as sink_module
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.sink import MqttSink

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = 1, 2, 3, 4, 8, 9, 12, 13


class OldBroker:
    """Speaks just enough MQTT 3.1.1 for one publisher. To MQTT 5 it says no, or falls silent."""

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent
        self._writers: list[asyncio.StreamWriter] = []
        self.deaf = 0
        """How many subscriptions are refused at first."""
        self.subscribes: Feed[bytes] = Feed()
        self.connects: Feed[int] = Feed()
        self.published: Feed[tuple[str, bytes]] = Feed()

    async def start(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        self._server.close()

    def cut(self) -> None:
        """It is gone, and every connection with it."""
        self.stop()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await self._packet(reader)
                kind = head >> 4
                if kind == CONNECT:
                    version = body[6]
                    self.connects.add(version)
                    if version != 4:
                        if self._silent:
                            continue
                        writer.write(bytes([CONNACK << 4, 3, 0, 132, 0]))
                        break
                    writer.write(bytes([CONNACK << 4, 2, 0, 0]))
                elif kind == SUBSCRIBE:
                    self.subscribes.add(body)
                    refused = len(self.subscribes.items) <= self.deaf
                    writer.write(bytes([SUBACK << 4, 3]) + body[:2] + (b"\x80" if refused else b"\x01"))
                elif kind == PUBLISH:
                    (length,) = struct.unpack_from(">H", body)
                    rest = body[2 + length :]
                    if head & 6:
                        writer.write(bytes([PUBACK << 4, 2]) + rest[:2])
                        rest = rest[2:]
                    self.published.add((body[2 : 2 + length].decode(), rest))
                elif kind == PINGREQ:
                    writer.write(bytes([PINGRESP << 4, 0]))
                else:
                    break
        writer.close()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head, length, shift = (await reader.readexactly(1))[0], 0, 0
        while True:
            byte = (await reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, await reader.readexactly(length)


@pytest.mark.parametrize("silent", [False, True])
async def test_a_broker_that_knows_only_mqtt_3_1_1(silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_TIMEOUT", 0.5)
    monkeypatch.setattr(sink_module, "LONGEST_PAUSE", 0.2)
    broker = OldBroker(silent)
    port = await broker.start()
    bus: Bus = Bus()
    for state in house():
        bus.publish(state)
    options = MqttOptions(host="127.0.0.1", port=port, keepalive=5)
    sink = MqttSink(options, HomeAssistantOptions(), "home", bus, Announced(None))
    running = asyncio.create_task(sink.run())
    try:
        await broker.published.until(
            lambda: True if (TOPICS.status, b"online") in broker.published.items else None, "online", PATIENCE
        )
        assert broker.connects.items == [5, 4]
        assert sink.report(0.0)["protocol"] == "3.1.1"
        assert sink.report(0.0)["away_for"] is None
        connected = time.monotonic()
        states = [payload for topic, payload in broker.published.items if topic == TOPICS.state(PANEL)]
        assert states == [b'{"measured_at":"2026-06-21T18:05:00Z","power":231.4,"energy":1834.52,"temperature":null}']
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        broker.stop()
    assert sink.report(connected)["away_for"] == 0, "it counts from the end of the connection"
    assert sink.report(connected + 1000)["away_for"] in range(900, 1001)
    assert broker.published.items[-1] == (TOPICS.status, b"offline")


async def test_a_version_that_is_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "LONGEST_PAUSE", 0.2)
    broker = OldBroker()
    port = await broker.start()
    options = MqttOptions(host="127.0.0.1", port=port, protocol="5")
    began = time.monotonic()
    sink = MqttSink(options, HomeAssistantOptions(), "home", Bus(), Announced(None))
    running = asyncio.create_task(sink.run())
    try:
        await broker.connects.until(lambda: True if len(broker.connects.items) >= 3 else None, "three tries")
        assert set(broker.connects.items) == {5}
        assert 'set protocol = "3.1.1"' in sink.report(0.0)["message"]
        assert sink.report(began + 1000)["away_for"] in range(900, 1001), "it counts from the start"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        broker.stop()


async def test_another_node_of_a_cluster_is_taken_when_one_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "LONGEST_PAUSE", 0.2)
    first, second = OldBroker(), OldBroker()
    ports = [await first.start(), await second.start()]
    options = MqttOptions(host="127.0.0.1", port=ports[0], hosts=[f"127.0.0.1:{ports[1]}"], protocol="3.1.1")
    sink = MqttSink(options, HomeAssistantOptions(), "home", Bus(), Announced(None))
    running = asyncio.create_task(sink.run())

    def online(broker: OldBroker, times: int = 1) -> object:
        return broker.published.until(
            lambda: True if broker.published.items.count((TOPICS.status, b"online")) >= times else None, "online"
        )

    try:
        await online(first)
        assert sink.report(0.0)["address"] == f"mqtt://127.0.0.1:{ports[0]}"
        first.cut()
        await online(second)
        assert sink.report(0.0)["address"] == f"mqtt://127.0.0.1:{ports[1]}"
        await first.start(ports[0])
        second.cut()
        await online(first, 2)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        first.stop()
        second.stop()


async def test_a_subscription_that_was_refused_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(births, "ASK_AGAIN", 0.01)
    caplog.set_level("INFO", "pvsmqtt.mqtt")
    broker = OldBroker()
    broker.deaf = 3
    port = await broker.start()
    options = MqttOptions(host="127.0.0.1", port=port, protocol="3.1.1")
    sink = MqttSink(options, HomeAssistantOptions(), "home", Bus(), Announced(None))
    running = asyncio.create_task(sink.run())
    try:
        await broker.subscribes.until(lambda: True if len(broker.subscribes.items) == 4 else None, "the fourth one")
        await broker.published.until(
            lambda: True if (TOPICS.status, b"online") in broker.published.items else None, "online"
        )
        assert len(broker.connects.items) == 1
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        broker.stop()
    said = [record.getMessage() for record in caplog.records]
    assert len([text for text in said if "does not let us subscribe to homeassistant/status" in text]) == 1
    assert len([text for text in said if "lets us subscribe to homeassistant/status now" in text]) <= 1
