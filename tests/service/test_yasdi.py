"""The service listens to yasdi2mqtt: messages at a broker, devices at a broker."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from harness import PATIENCE, ROOT, Bench, Recorder, Seen, free_port, is_offline, is_online

FIXTURES = Path(__file__).parents[1] / "fixtures" / "yasdi"
OLD, NEW = "2000123456", "2110595689"
QUICK = {
    "pvsmqtt.service.TICK": 0.2,
    "pvsmqtt.service.HEALTH_EVERY": 0.2,
    "pvsmqtt.broker.subscription.FIRST_PAUSE": 0.1,
    "pvsmqtt.broker.subscription.LONGEST_PAUSE": 0.3,
    "pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.1,
    "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 0.3,
}


class Bridge:
    """yasdi2mqtt: publishes what its inverters say, ten times a second, its clock going on with every message."""

    def __init__(self, port: int, prefix: str = "solar/inverter", **login: str) -> None:
        self.awake: dict[str, dict[str, Any]] = {}
        self._client = aiomqtt.Client("127.0.0.1", port, identifier="yasdi2mqtt", **login)  # type: ignore[arg-type]
        self._prefix = prefix
        self._stamp = int(time.time()) - 200

    def wakes(self, fixture: str, **values: Any) -> str:
        message = json.loads((FIXTURES / f"{fixture}.json").read_text("utf-8"))
        message["values"] |= values
        serial = str(message["sn"])
        self.awake[serial] = message
        return serial

    def message(self, serial: str) -> tuple[str, str]:
        self._stamp += 1
        self.awake[serial]["time"] = min(self._stamp, time.time())
        return f"{self._prefix}/{serial}", json.dumps(self.awake[serial])

    async def run(self) -> None:
        while True:
            try:
                async with self._client as client:
                    while True:
                        for serial in list(self.awake):
                            await client.publish(*self.message(serial), qos=1)
                        await asyncio.sleep(0.1)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def bridge(port: int, prefix: str = "solar/inverter", **login: str) -> AsyncIterator[Bridge]:
    one = Bridge(port, prefix, **login)
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def power(recorder: Recorder, serial: str, watts: float, since: int = 0) -> dict[str, Any]:
    seen = await recorder.wait(f"{ROOT}/sma_{serial}/state", lambda m: m.json.get("power") == watts, since)
    found: dict[str, Any] = seen.json
    return found


async def test_both_families_arrive(bench: Bench) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    async with bridge(broker.port, "/solar/inverter") as yasdi:
        for fixture in ("old_milliamperes", "new_three_phases"):
            yasdi.wakes(fixture)
        await bench.service(broker.port, yasdi=[{"stale_after": 60}], patch=QUICK)
        await recorder.have(f"sma_{OLD}", f"sma_{NEW}")
        for fixture, serial in (("old_milliamperes", OLD), ("new_three_phases", NEW)):
            expected = json.loads((FIXTURES / f"{fixture}.expected.json").read_text("utf-8"))["values"]
            state = recorder.last(f"{ROOT}/sma_{serial}/state").json
            assert {key: state[key] for key in expected} == expected
            assert abs(time.time() - _epoch(state["measured_at"])) < 300
            config = recorder.last(f"homeassistant/device/pvsmqtt_sma_{serial}/config").json
            assert config["device"]["manufacturer"] == "SMA"
            assert config["device"]["serial_number"] == serial
            assert expected.keys() <= config["components"].keys()
            assert config["components"]["energy"]["state_class"] == "total_increasing"
        inventory = {entry["id"]: entry for entry in recorder.last(f"{ROOT}/devices").json}
        assert inventory[f"sma_{OLD}"]["kind"] == "inverter"
        assert inventory[f"sma_{OLD}"]["name"] == f"Inverter {OLD}"

        def both_are_heard(message: Seen) -> bool:
            source = message.json["sources"][0]
            return source["state"] == "ok" and source["inverters"].keys() == {OLD, NEW}

        health = await recorder.wait(f"{ROOT}/health", both_are_heard)
        assert health.json["sources"][0]["kind"] == "yasdi"


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_an_inverter_vanishes_and_returns(bench: Bench) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    async with bridge(broker.port) as yasdi:
        yasdi.wakes("old_milliamperes")
        yasdi.wakes("new_three_phases")
        await bench.service(broker.port, yasdi=[{"stale_after": 2}], patch=QUICK)
        await recorder.have(f"sma_{OLD}", f"sma_{NEW}")
        mark = recorder.mark()
        asleep = yasdi.awake.pop(OLD)
        await recorder.wait(f"{ROOT}/sma_{OLD}/status", is_offline, mark)
        state = await recorder.wait(f"{ROOT}/sma_{OLD}/state", lambda m: m.json["power"] is None, mark)
        assert state.json["energy"] == 45358.538, "what it counted is held"
        mark = recorder.mark()
        for older in (0, 50):
            await recorder.publish(f"solar/inverter/{OLD}", json.dumps({**asleep, "time": asleep["time"] - older}))
        asleep["values"]["Pac"] = 17
        await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["refused"].get("repeated") == 2, mark)
        assert recorder.on(f"{ROOT}/sma_{OLD}/status", mark) == [], "old messages bring nobody back"
        mark = recorder.mark()
        yasdi.awake[OLD] = asleep
        await recorder.wait(f"{ROOT}/sma_{OLD}/status", is_online, mark)
        await power(recorder, OLD, 17, mark)
        assert not any(is_offline(m) for m in recorder.on(f"{ROOT}/sma_{NEW}/status"))


async def test_what_the_broker_kept_brings_nobody_back(bench: Bench) -> None:
    """A copy that somebody published retained is there when the service starts."""
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    message = json.loads((FIXTURES / "old_milliamperes.json").read_text("utf-8"))
    await recorder.publish(f"solar/inverter/{OLD}", json.dumps({**message, "time": time.time()}), retain=True)
    await bench.service(broker.port, yasdi=[{"stale_after": 60}], patch=QUICK)
    await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["refused"] == {"retained": 1})
    assert not recorder.on(f"{ROOT}/sma_{OLD}/state")


async def test_the_broker_restarts(bench: Bench) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    async with bridge(broker.port) as yasdi:
        serial = yasdi.wakes("new_one_input")
        service = await bench.service(broker.port, yasdi=[{"stale_after": 60}], patch=QUICK)
        await power(recorder, serial, 832)
        since = len(service.log.items)
        await broker.kill()
        await service.says("pvsmqtt.yasdi", since)
        yasdi.awake[serial]["values"]["Pac"] = 900
        await broker.start()
        await service.says("listens to", since)
        again = await bench.recorder(broker.port)
        await power(again, serial, 900)
        warned = [line for line in service.said("pvsmqtt.yasdi", since) if "WARNING" in line]
        assert len(warned) <= 2, "the loss, and that nobody answers: each once"


async def test_a_broker_of_its_own_and_another_one_while_it_runs(bench: Bench) -> None:
    ours, theirs, third = await bench.broker(), await bench.broker(users={"solar": "right"}), await bench.broker()
    recorder = await bench.recorder(ours.port)
    login = {"username": "solar", "password": "right"}
    table = {"host": "127.0.0.1", "port": theirs.port, "stale_after": 60}
    async with bridge(theirs.port, **login) as far, bridge(third.port) as other:
        serial = far.wakes("old_milliamperes")
        other.wakes("old_milliamperes", Pac=2500, Iac=10460)
        service = await bench.service(ours.port, yasdi=[{**table, **login, "password": "wrong"}], patch=QUICK)
        refused = await service.says("refused")
        assert "check username and password in [[yasdi]]" in refused
        assert "wrong" not in refused
        await service.reload(yasdi=[{**table, **login}])
        await power(recorder, serial, 3006)
        assert not any(m.topic.startswith("solar/") for m in recorder.messages)
        mark = recorder.mark()
        await service.reload(yasdi=[{**table, "port": third.port}])
        await power(recorder, serial, 2500, mark)


async def test_another_broker_for_all_takes_the_listening_along(bench: Bench) -> None:
    first, second = await bench.broker(), await bench.broker()
    async with bridge(second.port) as yasdi:
        serial = yasdi.wakes("new_one_input")
        service = await bench.service(first.port, yasdi=[{"stale_after": 60}], patch=QUICK)
        await service.says("listens to")
        since = len(service.log.items)
        await service.reload(mqtt={"port": second.port})
        await service.says(f"the broker 127.0.0.1:{second.port}", since)
        await power(await bench.recorder(second.port), serial, 832)


@pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)
async def test_the_broker_inside_the_service(bench: Bench) -> None:
    port = free_port()
    login = {"username": "solar", "password": "right"}
    service = await bench.service(port, yasdi=[{"stale_after": 60}], mqtt={"host": "embedded", **login}, patch=QUICK)
    await service.says("listens to solar/inverter/+")
    assert not [line for line in service.said("pvsmqtt.yasdi") if "WARNING" in line], "it needs its time to start"
    async with bridge(port, **login) as yasdi:
        serial = yasdi.wakes("new_one_input")
        async with aiomqtt.Client("127.0.0.1", port, **login) as client:  # type: ignore[arg-type]
            await client.subscribe(f"{ROOT}/sma_{serial}/state", qos=1)
            async with asyncio.timeout(PATIENCE):
                async for message in client.messages:
                    if json.loads(bytes(message.payload))["power"] == 832:  # type: ignore[arg-type]
                        break
    await service.stop()
    assert not service.said("Traceback")
