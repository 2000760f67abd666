"""Who publishes and who listens leave a broker the time that its reason calls for."""

from __future__ import annotations

import asyncio

import pytest
from harness.scripted_broker import ScriptedBroker
from helpers_mqtt import PANEL, state

from pvsmqtt.broker.options import Broker
from pvsmqtt.broker.pauses import LADDERS
from pvsmqtt.bus import Bus
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.options import HomeAssistantOptions, MqttOptions
from pvsmqtt.sinks.mqtt.sink import MqttSink
from pvsmqtt.sources.yasdi.subscription import Hear, Subscription

CASES = [
    ({"connack": 134}, "login"),
    ({"connack": 138}, "banned"),
    ({"end": 142}, "taken_over"),
    ({"end": 139}, None),
]


class Enough(Exception):
    """So many pauses were wanted."""


class Sleeps:
    """Notes pauses in place of making them."""

    def __init__(self, number: int) -> None:
        self.pauses: list[float] = []
        self._number = number

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self._number:
            raise Enough


def holds(pauses: list[float], wait: str | None) -> None:
    if wait is None:
        assert max(pauses) <= 4
        return
    ladder = LADDERS[wait]
    for number, pause in enumerate(pauses):
        assert ladder[min(number, len(ladder) - 1)] <= pause <= 1.3 * ladder[-1]


@pytest.mark.parametrize(("how", "wait"), CASES)
async def test_who_publishes(how: dict[str, int], wait: str | None) -> None:
    bus: Bus = Bus()
    bus.publish(state(PANEL, power=1.0))
    sleeps = Sleeps(3)
    async with ScriptedBroker(**how).open() as port:
        options = MqttOptions(host="127.0.0.1", port=port)
        sink = MqttSink(options, HomeAssistantOptions(), "home", bus, Announced(None), sleep=sleeps)
        with pytest.raises(Enough):
            await sink.run()
    holds(sleeps.pauses, wait)
    report = sink.report(0.0)
    assert report["reason"] == (wait or "shut_down")
    assert report["next_try_in"] > 0
    assert report["address"] == f"mqtt://127.0.0.1:{port}"


class Ears(Hear):
    """Publishes nothing, so it is refused at the door alone."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None: ...

    def on_connected(self, version: str) -> None: ...

    def on_lost(self, reason: str, message: str, first_tries: bool) -> None:
        self.lost.append(reason)


@pytest.mark.parametrize(("code", "wait"), [(134, "login"), (137, "busy"), (142, "taken_over")])
async def test_who_listens(code: int, wait: str) -> None:
    ears, sleeps = Ears(), Sleeps(3)
    how = {"end_on_subscribe": code} if code == 142 else {"connack": code}
    async with ScriptedBroker(**how).open() as port:
        one = Subscription(Broker("127.0.0.1", port, table="[[yasdi]]"), "test", ["a/+"], ears, sleeps)
        with pytest.raises(Enough):
            await asyncio.wait_for(one.run(), 30)
    holds(sleeps.pauses, wait)
    assert ears.lost == [wait] * 3
