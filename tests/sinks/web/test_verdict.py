"""Whether the service is well."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from helpers_mqtt import PANEL, PVS, SITE, state

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.sinks.web.verdict import BROKER_PATIENCE, SOURCE_PATIENCE, asleep, reasons, span
from pvsmqtt.sources.base import Health, patience

WALL = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
LINE = Device("sma", Kind.BUS, "Modbus connection sma")


def source(name="pvs a", every=300.0, **what):
    """A source with a real health, as the document has it."""
    health = Health(logging.getLogger("test"), patience=patience(every) if every else None)
    if (good := what.get("good")) is not None:
        health.good(WALL, good)
    for when, message in what.get("bad", ()):
        health.bad("busy", message, when)
    return {"name": name, "kind": name.split()[0], **health.report(what["now"])}


def document(*sources, **parts):
    broker = {"connected": True, "away_for": None, "denied": None, "message": None}
    return {
        "sources": list(sources),
        "broker": broker,
        "journal": {"state": "ok"},
        "restarts": {},
        "unstable": {},
    } | parts


def test_all_is_well():
    assert reasons(document(source(good=100, now=400))) == []
    assert reasons({}) == []


def test_shortly_after_a_start_all_is_well():
    starting, failing = source(now=3), source(bad=[(2, "the PVS does not answer")], now=3)
    broker = {"connected": False, "away_for": 3, "message": "refused"}
    assert reasons(document(starting, failing, broker=broker, journal=None)) == []


def test_a_source_that_fails_for_longer_than_a_quarter_of_an_hour_is_named_with_its_message():
    bad = [(100, "the PVS is busy"), (200, "the PVS does not answer: is it on?")]
    assert reasons(document(source(good=50, bad=bad, now=100 + SOURCE_PATIENCE))) == []
    assert reasons(document(source(good=50, bad=bad, now=101 + SOURCE_PATIENCE))) == [
        "pvs a has failed for 15 minutes: the PVS does not answer: is it on?"
    ]


def test_what_counts_is_how_long_it_fails_not_how_long_it_was_silent():
    """An RS-485 line that rested all night, and is unplugged in the morning."""
    assert reasons(document(source("rs485 a", None, good=0, bad=[(40_000, "unplugged")], now=40_100))) == []


def test_a_success_ends_it():
    health = Health(logging.getLogger("test"))
    health.bad("busy", "busy", 0)
    health.good(WALL, 5000)
    health.bad("busy", "busy", 5100)
    assert reasons(document({"name": "pvs a", "kind": "pvs", **health.report(5200)})) == []


def test_a_source_that_asks_and_neither_tells_nor_fails_hangs():
    assert reasons(document(source(good=0, now=1800))) == []
    (reason,) = reasons(document(source(good=0, now=1801)))
    assert reason.startswith("pvs a has told nothing for 30 minutes")
    assert reasons(document(source(every=86400.0, good=0, now=86400 * 5))) == []


def test_a_line_may_be_silent_all_night():
    assert reasons(document(source("rs485 a", None, good=0, now=50_000))) == []


def test_a_broker_that_is_away():
    def away(seconds):
        return document(broker={"connected": False, "away_for": seconds, "message": "cannot reach broker.lan:1883"})

    assert reasons(away(BROKER_PATIENCE)) == []
    assert reasons(away(BROKER_PATIENCE + 1)) == [
        "The MQTT broker has been away for 5 minutes: cannot reach broker.lan:1883."
    ]


def test_a_broker_that_throws_everything_away():
    broker = {"connected": True, "denied": "not authorised", "away_for": None}
    assert reasons(document(broker=broker)) == ["The MQTT broker throws away what is published: not authorised."]


def test_a_disk_that_takes_no_readings():
    journal = {"state": "disk_full", "message": "the disk is full; make room on it"}
    assert reasons(document(journal=journal)) == [
        "Readings cannot be kept on the disk: the disk is full; make room on it."
    ]


def test_a_part_that_ends_again_and_again():
    assert reasons(document(restarts={"mqtt": 7})) == []
    (reason,) = reasons(document(unstable={"mqtt": 4}))
    assert reason.startswith("mqtt has ended 4 times in succession")


def test_everything_at_once_is_told():
    bad = document(
        source("pvs a", good=0, bad=[(1, "x")], now=9000),
        source("pvs b", good=0, bad=[(1, "y")], now=9000),
        broker={"connected": False, "away_for": 9000},
        journal={"state": "read_only"},
        unstable={"a": 3},
    )
    assert len(reasons(bad)) == 5


def panel(number, availability, *sources, **what):
    device = replace(PANEL, id=f"e{number}", **what)
    return replace(state(device, availability=availability), sources=sources)


FAILING = {"bad": [(0, "timed out")], "now": 20_000}


@pytest.mark.parametrize("at", ["asleep", "stale", "lost"])
def test_one_silent_panel_is_no_trouble(at):
    states = [panel(1, at, "pvs a"), panel(2, "live", "pvs a"), replace(state(PVS), sources=("pvs a",))]
    assert reasons(document(source(good=100, now=400)), states) == []


def test_an_inverter_that_sleeps_cannot_be_asked():
    """One that switches itself off at night, with its Modbus."""
    line = replace(state(LINE, line_state="lost"), sources=("modbus_tcp sma",))
    night = [line, panel(1, "asleep", "modbus_tcp sma", via="sma"), state(SITE)]
    day = [line, panel(1, "stale", "modbus_tcp sma", via="sma")]
    failing = document(source("modbus_tcp sma", **FAILING))
    assert reasons(failing, night) == []
    assert len(reasons(failing, day)) == 1
    after_a_start = [line, panel(1, "asleep", via="sma")]
    assert reasons(failing, after_a_start) == []


def test_a_pvs_does_not_sleep():
    night = [panel(1, "asleep", "pvs a"), replace(state(PVS), sources=("pvs a",))]
    assert len(reasons(document(source(**FAILING)), night)) == 1
    assert len(reasons(document(source(**FAILING)), [])) == 1
    assert not asleep("pvs a", night)


def test_live_data_is_of_the_same_source():
    night = [panel(1, "asleep", "pvs a live")]
    assert asleep("pvs a", night)
    assert not asleep("pvs b", night)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "3 seconds"),
        (61, "1 minute"),
        (3700, "61 minutes"),
        (7200, "2 hours"),
        (90000, "25 hours"),
        (200000, "2 days"),
    ],
)
def test_spans_are_for_people(seconds, text):
    assert span(seconds) == text
