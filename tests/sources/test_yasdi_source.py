"""yasdi2mqtt as a source: devices, nights, floods, what health and log tell."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from sources.yasdi_bench import STAMP, Bench

from pvsmqtt.broker.options import Broker
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.yasdi import KIND
from pvsmqtt.sources.yasdi.source import MOST_DEVICES, MOST_NAMES, NOTHING_HEARD


def test_a_message_becomes_a_device_with_a_reading() -> None:
    reading = Bench(site="Barn").hears(2000123456, Pac=3006)
    assert reading is not None
    device = reading.device
    assert (device.id, device.kind, device.serial) == ("sma_2000123456", Kind.INVERTER, "2000123456")
    assert (device.name, device.manufacturer, device.model) == ("Inverter 2000123456", "SMA", None)
    assert device.site == "site_barn"
    assert (reading.values, reading.age, reading.valid_for) == ({"power": 3006.0}, 0.0, 300.0)
    assert reading.source == "yasdi solar/inverter at 127.0.0.1:1883"


def test_an_inverter_that_a_pvs_lists_too_is_one_device() -> None:
    house, listed = House(Registry()), Device("2000123456", Kind.INVERTER, "Inverter", serial="2000123456", via="zt1")
    house.accept([Reading(listed, {"power": 1.0}, "pvs x")], 0.0)
    reading = Bench().hears(2000123456, Pac=3006)
    assert reading is not None
    events = house.accept([reading], 1.0)
    assert "2000123456" in {event.key for event in events}
    assert "sma_2000123456" not in {event.key for event in events}


def test_it_measures_no_house() -> None:
    assert not KIND.measures_site


def test_an_inverter_sleeps_at_night_and_comes_back() -> None:
    bench, house = Bench(stale_after=300), House(Registry())

    def hear(**values: float) -> DeviceState:
        reading = bench.hears(**values)
        assert reading is not None
        return next(e for e in house.accept([reading], bench.now) if e.key == "sma_7")  # type: ignore[return-value]

    assert hear(Pac=20, **{"E-Total": 500.5}).online
    bench.after(299)
    assert not house.tick(bench.now)
    bench.after(2)
    asleep = next(e for e in house.tick(bench.now) if e.key == "sma_7")
    assert isinstance(asleep, DeviceState)
    assert asleep.online
    assert (asleep.values["availability"], asleep.values["power"], asleep.values["energy"]) == ("asleep", 0, 500.5)
    for old in (bench.hears(retained=True), bench.hears(late=301), bench.hears(late=330)):
        assert old is None
    bench.after(8 * 3600)
    awake = hear(Pac=5, **{"E-Total": 500.6})
    assert awake.online
    assert (awake.values["power"], awake.values["energy"]) == (5.0, 500.6)


def test_old_news_is_counted_and_no_trouble() -> None:
    bench = Bench()
    bench.hears()
    bench.hears(retained=True)
    bench.hears()
    bench.hears(late=60)
    bench.hears(topic="solar/inverter/status")
    health = bench.health
    assert health["refused"] == {"retained": 1, "repeated": 2, "foreign": 1}
    assert (health["state"], health["cycles"]) == ("ok", 1)


def test_a_bad_message_is_trouble_until_a_good_one(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            assert bench.hears_bytes(b"online") is None
        assert bench.health["trouble"] == "not_json"
        bench.hears()
    assert bench.health["state"] == "ok"
    assert bench.health["refused"] == {"not_json": 5}
    texts = [record.getMessage() for record in caplog.records]
    assert [text[:25] for text in texts] == ["a message is not JSON: so", "works again (it was: not_"]


def test_a_flood_of_invented_serial_numbers_is_bounded() -> None:
    bench = Bench()
    for serial in range(1, 5 * MOST_DEVICES):
        bench.after(0.01).hears(serial)
    assert len(bench.source._inverters) == len(bench.readings) == MOST_DEVICES
    assert bench.health["refused"] == {"crowd": 4 * MOST_DEVICES - 1}
    assert bench.after(1).hears(MOST_DEVICES) is not None, "those that are known go on"


def test_channels_that_nobody_has_described_are_listed_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.INFO):
        for turn in range(2 * MOST_NAMES):
            bench.after(30).hears(Pac=1, Neu=turn, **{f"x{turn}": 1}, Uac="text")
    unmapped = bench.health["unmapped"]
    assert len(unmapped) == MOST_NAMES
    assert "Neu" in unmapped
    assert bench.health["left_out"] == ["Uac"]
    assert len([r for r in caplog.records if "Neu" in r.getMessage()]) == 1


def test_a_wrong_clock_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            reading = bench.after(30).hears(late=-3 * 3600)
            assert reading is not None
            assert reading.measured_at == bench.source._wall()
            assert reading.age == 0.0
    assert bench.health["clock_ahead"] == 3 * 3600
    (said,) = [record.getMessage() for record in caplog.records]
    assert "180 min ahead" in said


def test_health_says_since_when_nothing_came() -> None:
    bench = Bench()
    assert bench.after(5).health["silent_for"] == 5
    assert bench.health["last_message"] is None
    bench.hears()
    bench.source.on_connected("5")
    bench.after(7200)
    health = bench.health
    assert (health["state"], health["silent_for"], health["inverters"]) == ("ok", 7200, {"7": 7200})
    assert health["last_message"] is not None


def test_a_lost_broker_is_said_once_and_its_return(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            bench.source.on_lost("no_broker", "no broker answers: look", first_tries=True)
        assert bench.health["connected"] is False
        assert bench.health["trouble"] == "no_broker"
        bench.source.on_connected("5")
    assert bench.health["trouble"] is None
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


def test_the_broker_inside_this_process_is_given_its_time() -> None:
    bench = Bench(shared=Broker("127.0.0.1", embedded=True))
    bench.source.on_lost("no_broker", "no broker answers", first_tries=True)
    assert bench.health["trouble"] is None
    bench.source.on_lost("no_broker", "no broker answers", first_tries=False)
    assert bench.health["trouble"] == "no_broker"


async def watch(bench: Bench, turns: int = 1) -> None:
    """Let patience run out so often."""
    slept = 0

    async def sleep(_: float) -> None:
        nonlocal slept
        slept += 1
        if slept > turns:
            raise asyncio.CancelledError

    bench.source._sleep = sleep
    with pytest.raises(asyncio.CancelledError):
        await bench.source._keep_watch()


async def test_that_nothing_ever_came_is_trouble_with_advice(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.source.on_connected("5")
    await watch(bench, turns=3)
    assert bench.health["trouble"] == NOTHING_HEARD
    assert "MQTT_TOPIC_PREFIX" in bench.health["message"]
    bench.hears()
    assert bench.health["state"] == "ok"
    again = Bench(tmp_path)
    again.source.on_connected("5")
    await watch(again)
    assert again.health["trouble"] is None, "it has spoken before the restart"


async def test_who_is_not_connected_waits_for_nothing() -> None:
    bench = Bench()
    bench.source.on_lost("no_broker", "no broker answers", first_tries=False)
    await watch(bench)
    assert bench.health["trouble"] == "no_broker"


def test_what_is_remembered_is_that_it_spoke(tmp_path: Path) -> None:
    Bench(tmp_path).hears()
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("yasdi-"), "a line of the same name has a file of its own"
    assert json.loads(file.read_text()) == {"heard": True}


def test_two_instances_on_one_machine_have_client_ids_of_their_own(tmp_path: Path) -> None:
    ids = {
        bench.source._subscription._client_id
        for bench in (Bench(tmp_path / "a"), Bench(tmp_path / "b"), Bench(tmp_path / "a", topic="x"))
    }
    assert len(ids) == 3
    assert Bench(client_id="mine").source._subscription._client_id == "mine"


def test_times_are_those_of_yasdi2mqtt() -> None:
    reading = Bench().hears(late=10)
    assert reading is not None
    assert reading.measured_at is not None
    assert reading.measured_at.timestamp() == STAMP - 10
