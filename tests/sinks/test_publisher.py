"""What is published, and in which order; no network."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers_mqtt import BRIDGE, PANEL, PVS, SITE, TOPICS, house, state

from pvsmqtt.broker.message import Message
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.sinks.mqtt.announced import Announced
from pvsmqtt.sinks.mqtt.publisher import RENEW, Publisher
from pvsmqtt.sinks.mqtt.topics import Topics

INFO = Info({"version": "1"})
PANEL_CONFIG = TOPICS.discovery(PANEL)
PANEL_TOPICS = {PANEL_CONFIG, TOPICS.state(PANEL), TOPICS.device_status(PANEL)}


class Line:
    """Takes messages; ``broker`` is what a broker would keep."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.broker: dict[str, str] = {}

    async def publish(self, message: Message) -> None:
        self.sent.append(message)
        assert message.retain
        self.broker[message.topic] = message.payload
        if not message.payload:
            del self.broker[message.topic]

    def take(self) -> list[Message]:
        taken, self.sent = self.sent, []
        return taken

    def connect(
        self, announced: Announced | None = None, topics: Topics = TOPICS, announce: bool = True
    ) -> Publisher:
        return Publisher(topics, announce, announced or Announced(None), self.publish, lambda now: {"asked_at": now})


@pytest.fixture
def line() -> Line:
    return Line()


def on(messages: list[Message], topic: str) -> list[str]:
    return [message.payload for message in messages if message.topic == topic]


async def test_the_order_of_everything(line: Line) -> None:
    await line.connect().everything([*house(), INFO, HealthReport({})], 0.0)
    assert [m.topic for m in line.sent] == [
        TOPICS.info,
        TOPICS.devices,
        TOPICS.discovery(BRIDGE),
        TOPICS.discovery(SITE),
        TOPICS.discovery(PVS),
        TOPICS.discovery(PANEL),
        TOPICS.device_status(SITE),
        TOPICS.device_status(PVS),
        TOPICS.device_status(PANEL),
        TOPICS.state(BRIDGE),
        TOPICS.state(SITE),
        TOPICS.state(PVS),
        TOPICS.state(PANEL),
        TOPICS.health,
        TOPICS.status,
    ]
    assert line.sent[-1].payload == "online"


async def test_everything_again_is_everything_again(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything([*house(), INFO], 0.0)
    first = line.take()
    await publisher.everything([*house(), INFO], 1.0)
    assert line.sent == first


async def test_what_has_not_changed_is_not_sent(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything([*house(), INFO], 0.0)
    line.take()
    await publisher.changes([*house(), INFO], 1.0)
    assert line.sent == []


async def test_a_new_value_is_one_message(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    line.take()
    await publisher.changes([state(PANEL, power=5.0, energy=1834.53, temperature=None)], 1.0)
    assert [m.topic for m in line.sent] == [TOPICS.state(PANEL)]


async def test_a_status_comes_before_the_state(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    line.take()
    await publisher.changes([state(PANEL, False, power=None, energy=1834.52, temperature=None)], 1.0)
    assert [(m.topic, m.payload[:7]) for m in line.sent] == [
        (TOPICS.device_status(PANEL), "offline"),
        (TOPICS.state(PANEL), '{"measu'),
    ]


async def test_renewal_before_a_state_expires(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    line.take()
    bridge = house()[3]
    await publisher.changes([replace(bridge, values={**bridge.values, "devices_online": 1})], RENEW - 1)
    assert [m.topic for m in line.take()] == [TOPICS.state(BRIDGE)]
    await publisher.changes([], RENEW)
    assert {m.topic for m in line.take()} == {TOPICS.state(d) for d in (SITE, PVS, PANEL)}
    await publisher.changes([], RENEW + 1)
    assert line.take() == []
    await publisher.changes([], 2 * RENEW)
    assert {m.topic for m in line.sent} == {TOPICS.state(d) for d in (BRIDGE, SITE, PVS, PANEL)}


async def test_a_new_quantity_is_on_the_broker_when_it_is_announced_and_everything_is_said_again(line: Line) -> None:
    # Home Assistant reads the retained state as soon as it knows an entity; a key that is not there is an error.
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    line.take()
    await publisher.changes([state(PANEL, power=231.4, energy=1834.52, temperature=None, voltage=240.0)], 1.0)
    assert [m.topic for m in line.sent] == [
        TOPICS.devices,
        TOPICS.state(PANEL),
        PANEL_CONFIG,
        TOPICS.device_status(PANEL),
        TOPICS.state(PANEL),
    ]
    assert "voltage" in json.loads(line.sent[1].payload)


async def test_a_component_goes_in_two_steps(line: Line) -> None:
    """As after an update: what an older version announced and this one has no row for."""
    announced = Announced(None)
    announced.add(PANEL_CONFIG, {"power": "sensor", "brightness": "sensor", "door": "binary_sensor"})
    await line.connect(announced).everything([state(PANEL, power=1.0)], 0.0)
    first, second = (json.loads(text)["components"] for text in on(line.take(), PANEL_CONFIG))
    assert first["brightness"] == {"platform": "sensor"}
    assert first["door"] == {"platform": "binary_sensor"}
    assert first["power"] == second["power"]
    assert set(second) == {"power"}
    await line.connect(announced).everything([state(PANEL, power=1.0)], 0.0)
    assert len(on(line.sent, PANEL_CONFIG)) == 1, "what is gone is forgotten"


async def test_a_quantity_that_is_not_known_any_more_stays_announced(line: Line) -> None:
    """The list of devices was lost; the PVS will tell of it again, and its history must not be torn."""
    announced = Announced(None)
    await line.connect(announced).everything(house(), 0.0)
    line.take()
    await line.connect(announced).everything([state(PANEL, power=1.0)], 0.0)
    (config,) = on(line.sent, PANEL_CONFIG)
    assert set(json.loads(config)["components"]) == {"power", "energy", "temperature"}


async def test_a_component_that_moves_to_another_platform_goes_first(line: Line) -> None:
    announced = Announced(None)
    announced.add(PANEL_CONFIG, {"power": "binary_sensor"})
    await line.connect(announced).everything([state(PANEL, power=1.0)], 0.0)
    first, second = (json.loads(text)["components"]["power"] for text in on(line.sent, PANEL_CONFIG))
    assert first == {"platform": "binary_sensor"}
    assert second["platform"] == "sensor"


async def test_a_device_that_is_gone_leaves_nothing(line: Line) -> None:
    announced = Announced(None)
    publisher = line.connect(announced)
    await publisher.everything(house(), 0.0)
    line.take()
    await publisher.changes([DeviceGone(PANEL)], 1.0)
    assert {m.topic for m in line.sent if m.payload == ""} == PANEL_TOPICS
    assert line.sent[0].topic == TOPICS.devices
    assert not PANEL_TOPICS & line.broker.keys()
    assert "e1" not in line.broker[TOPICS.devices]
    assert not PANEL_TOPICS & announced.topics
    line.take()
    await publisher.changes([], 2 * RENEW)
    assert not [m for m in line.sent if m.topic in PANEL_TOPICS], "nor does it come back"


async def test_a_device_that_was_never_there_is_not_cleared(line: Line) -> None:
    await line.connect().everything([DeviceGone(PANEL)], 0.0)
    assert not [m for m in line.sent if m.topic in PANEL_TOPICS]


async def test_a_device_that_comes_back_is_told_in_full(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    await publisher.changes([DeviceGone(PANEL)], 1.0)
    line.take()
    await publisher.changes([house()[0]], 2.0)
    assert {m.topic for m in line.sent} >= PANEL_TOPICS


@pytest.mark.parametrize(
    "later",
    [
        Topics("energy", "home", "homeassistant"),
        Topics("pvsmqtt", "cabin", "homeassistant"),
        Topics("pvsmqtt", "home", "ha"),
        Topics("pvsmqtt/home", "home", "homeassistant"),
    ],
    ids=["base topic", "instance", "prefix", "base topic below the old root"],
)
async def test_tidy_after_another_name(line: Line, later: Topics) -> None:
    announced = Announced(None)
    await line.connect(announced).everything([*house(), INFO, HealthReport({})], 0.0)
    await line.connect(announced, later).everything([*house(), INFO, HealthReport({})], 0.0)
    fresh = Line()
    await fresh.connect(topics=later).everything([*house(), INFO, HealthReport({})], 0.0)
    assert line.broker == fresh.broker
    assert announced.topics == set(fresh.broker)


async def test_tidy_after_discovery_is_switched_off(line: Line) -> None:
    announced = Announced(None)
    await line.connect(announced).everything(house(), 0.0)
    await line.connect(announced, announce=False).everything(house(), 0.0)
    assert not [topic for topic in line.broker if topic.startswith("homeassistant/")]
    assert TOPICS.state(PANEL) in line.broker
    assert announced.components == {}


async def test_devices_that_are_not_known_yet_stay_announced(line: Line) -> None:
    """The list of devices may be lost while the list of what was announced is not: the PVS will speak again."""
    announced = Announced(None)
    await line.connect(announced).everything(house(), 0.0)
    await line.connect(announced).everything(house()[1:], 0.0)
    assert PANEL_CONFIG in line.broker


async def test_what_was_announced_survives_a_restart(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "announced.json"
    await line.connect(Announced(file)).everything(house(), 0.0)
    line.take()
    known_panel = [state(PANEL, power=1.0), *house()[1:]]
    await line.connect(Announced(file), announce=False).everything(known_panel, 0.0)
    assert {m.topic for m in line.sent if not m.payload} == {TOPICS.discovery(d) for d in (BRIDGE, SITE, PVS, PANEL)}


async def test_health_tells_of_the_broker(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything([], 1.0)
    await publisher.changes([HealthReport({"uptime": 5})], 2.0)
    (health,) = on(line.sent, TOPICS.health)
    assert json.loads(health) == {"uptime": 5, "broker": {"asked_at": 2.0}}


async def test_a_lost_message_is_not_taken_for_sent(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    news = state(PANEL, power=5.0, energy=1834.53, temperature=None)
    keep, line_publish = [], line.publish

    async def broken(message: Message) -> None:
        keep.append(message)
        raise ConnectionError

    publisher._publish = broken
    with pytest.raises(ConnectionError):
        await publisher.changes([news], 1.0)
    publisher._publish = line_publish
    line.take()
    await publisher.changes([news], 2.0)
    assert line.sent == keep


BUS = Device("rs485", Kind.BUS, "RS-485 line rs485", via="bridge")
UNKNOWN = Device("rs485_221", Kind.MIO, "ESS hub rs485 221", modbus_unit=221, interface="rtu", via="rs485")


async def test_an_unknown_device_hangs_on_its_line_until_its_serial_number_is_known(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything([*house(), state(UNKNOWN, temperature=1.0), state(BUS, frames=1)], 0.0)
    unknown = json.loads(line.broker[TOPICS.discovery(UNKNOWN)])["device"]
    (told,) = json.loads(line.broker[TOPICS.discovery(BUS)])["device"]["identifiers"]
    assert unknown["via_device"] == told == "pvsmqtt_home_rs485"
    known = replace(UNKNOWN, id="sy1", serial="SY1", via="zt1")
    await publisher.changes([DeviceGone(UNKNOWN), state(known, temperature=1.0)], 1.0)
    assert not [topic for topic in line.broker if "221" in topic]
    assert json.loads(line.broker["homeassistant/device/pvsmqtt_sy1/config"])["device"]["via_device"] == "pvsmqtt_zt1"


async def test_the_inventory_follows_who_tells_of_a_device(line: Line) -> None:
    publisher = line.connect()
    panel = replace(state(PANEL, power=1.0), sources=("pvs a",))
    await publisher.everything([panel], 0.0)
    line.take()
    await publisher.changes([replace(panel, sources=("pvs a", "rs485 b"))], 1.0)
    assert [m.topic for m in line.sent] == [TOPICS.devices]
    assert '"sources":["pvs a","rs485 b"]' in line.sent[0].payload


async def test_the_inventory_comes_again_only_when_another_source_takes_over(line: Line) -> None:
    publisher = line.connect()

    def fed(power: float, source: str) -> DeviceState:
        return replace(state(PANEL, power=power), feeds={"power": source})

    await publisher.everything([*house(), fed(1.0, "modbus_tcp b")], 0.0)
    line.take()
    for now in range(1, 5):
        await publisher.changes([fed(1.0 + now, "modbus_tcp b")], now)
    assert {message.topic for message in line.take()} == {TOPICS.state(PANEL)}
    await publisher.changes([fed(5.0, "pvs a")], 6)
    sent = line.take()
    assert [message.topic for message in sent] == [TOPICS.devices], "neither announced nor told anew"
    entry = next(one for one in json.loads(sent[0].payload) if one["id"] == PANEL.id)
    assert entry["quantities"]["power"]["source"] == "pvs a"


async def test_the_inventory_of_a_fleet_is_not_published_for_each_device(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvsmqtt.sinks.mqtt.publisher.SHORT_INVENTORY", 100)
    monkeypatch.setattr("pvsmqtt.sinks.mqtt.publisher.INVENTORY_PACE", 10)
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    long = len(line.broker[TOPICS.devices])
    line.take()
    more = replace(state(PANEL, {"power": 1.0}), device=replace(PANEL, id="e2", serial="E2", name="E2"))
    await publisher.changes([more], 1.0)
    assert not on(line.take(), TOPICS.devices)
    await publisher.changes([], (long - 100) / 10 - 1)
    assert not on(line.take(), TOPICS.devices)
    await publisher.changes([], (long - 100) / 10 + 1)
    assert '"id":"e2"' in on(line.take(), TOPICS.devices)[0]
    # A new connection gets it at once.
    await publisher.everything([*house(), more], (long - 100) / 10 + 2)
    assert on(line.take(), TOPICS.devices)


async def test_only_what_is_old_is_published_again(line: Line) -> None:
    publisher = line.connect()
    await publisher.everything(house(), 0.0)
    fresh = state(PANEL, {"power": 77.0})
    await publisher.changes([fresh], RENEW / 2)
    line.take()
    await publisher.changes([], RENEW)
    topics = [message.topic for message in line.take()]
    assert TOPICS.state(SITE) in topics
    assert TOPICS.state(PANEL) not in topics
    await publisher.changes([DeviceGone(SITE)], 1.5 * RENEW)
    assert TOPICS.state(PANEL) in [message.topic for message in line.take()]
    await publisher.changes([], 3 * RENEW)
    assert TOPICS.state(SITE) not in [message.topic for message in line.take()]
