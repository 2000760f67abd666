"""Messages of yasdi2mqtt: recorded shapes with what they mean, and every way in which one can be bad."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.yasdi import new_channels, old_channels
from pvsmqtt.sources.yasdi.channel import UNITS, Unit
from pvsmqtt.sources.yasdi.payload import CHANNELS, CLOCK_OFF, MOST_BYTES, Message, decode
from pvsmqtt.sources.yasdi.refusal import ADVICE, QUIET, Refusal

FOLDER = Path(__file__).parents[1] / "fixtures" / "yasdi"
DOCS = Path(__file__).parents[2] / "docs" / "yasdi.md"
FIXTURES = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".expected.json"))
STAMP = 1782064979
ARRIVED = datetime.fromtimestamp(STAMP + 3, UTC)
GOOD: dict[str, Any] = {"sn": 7, "time": STAMP, "values": {"Pac": 1}}


def read(document: object, topic: str = "solar/inverter/7", arrived: datetime = ARRIVED) -> Message | Refusal:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode(payload, topic, arrived)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_message_means_what_is_expected(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text("utf-8"))
    message = decode(path.read_bytes(), f"solar/inverter/{expected['serial']}", ARRIVED)
    assert isinstance(message, Message)
    assert dict(message.values) == expected["values"]
    assert message.serial == expected["serial"]
    assert list(message.unmapped) == expected["unmapped"]
    assert list(message.left_out) == expected["left_out"]
    assert message.measured_at == datetime.fromtimestamp(STAMP, UTC)


def test_the_fixtures_show_every_channel() -> None:
    shown = {name for path in FIXTURES for name in json.loads(path.read_text("utf-8"))["values"]}
    rare = {"SerNumSet", "Event-Cnt", "GridMs.PhV.phsB2C", "GridMs.PhV.phsC2A"}
    assert CHANNELS.keys() - shown == rare


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_has_a_quantity_in_its_unit(name: str) -> None:
    channel = CHANNELS[name]
    if channel.key is None:
        return
    row = QUANTITIES[channel.key]
    published = {Unit.MA: "A", Unit.A_OR_MA: "A", Unit.RATIO: None, Unit.COUNT: None, Unit.TEXT: None}
    assert row.unit == published.get(channel.unit, channel.unit.value)
    assert (channel.unit is Unit.TEXT) == (channel.unit not in UNITS)
    if channel.unit is Unit.A_OR_MA:
        assert CHANNELS[channel.volts].unit is Unit.V
        assert all(CHANNELS[watts].unit is Unit.W for watts in channel.watts)


def test_no_name_means_another_thing_in_the_other_family() -> None:
    both = old_channels.CHANNELS.keys() & new_channels.CHANNELS.keys()
    assert both == {"Pac", "E-Total", "Riso"}
    assert all(old_channels.CHANNELS[name] == new_channels.CHANNELS[name] for name in both)


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        (b"", Refusal.NOT_JSON),
        (b"online", Refusal.NOT_JSON),
        (b'{"sn": 7', Refusal.NOT_JSON),
        (b"\xff\xfe\x00", Refusal.NOT_JSON),
        (b"1" * 5000, Refusal.NOT_JSON),
        (b"[" * 60000, Refusal.NESTED),
        (b'{"a":' * 10000, Refusal.NESTED),
        (b" " * (MOST_BYTES + 1), Refusal.TOO_LARGE),
        ([], Refusal.WRONG_SHAPE),
        (5, Refusal.WRONG_SHAPE),
        ({}, Refusal.NO_SERIAL),
        *(({**GOOD, "sn": sn}, Refusal.NO_SERIAL) for sn in (None, "7", True, 0, -7, 7.5, 2**32, [7], float("nan"))),
        ({**GOOD, "sn": 8}, Refusal.OTHER_SERIAL),
        *(({**GOOD, "values": values}, Refusal.NO_VALUES) for values in (None, {}, [], "x", 5)),
        ({"sn": 7, "time": STAMP}, Refusal.NO_VALUES),
        *(({**GOOD, "time": time}, Refusal.NO_TIME) for time in (None, "x", True, float("inf"), {})),
        ({"sn": 7, "values": {"Pac": 1}}, Refusal.NO_TIME),
        *(({**GOOD, "time": time}, Refusal.WRONG_TIME) for time in (0, 59, -1, 1e300, STAMP * 1000)),
        *(({**GOOD, "time": STAMP + off}, Refusal.WRONG_TIME) for off in (90000, -90000)),
    ],
)
def test_what_is_refused(document: object, refusal: Refusal) -> None:
    assert read(document) is refusal


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert isinstance(read({**GOOD, "sn": 7.0}), Message)


@pytest.mark.parametrize("topic", ["solar/inverter/status", "solar/inverter/", "solar/inverter/7a", "", "x/٧"])
def test_a_topic_that_is_none_of_yasdi2mqtt(topic: str) -> None:
    assert read(GOOD, topic) is Refusal.FOREIGN


@pytest.mark.parametrize("topic", ["/solar/inverter/7", "a/7", "7"])
def test_the_prefix_does_not_matter(topic: str) -> None:
    assert isinstance(read(GOOD, topic), Message)


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
def test_a_clock_that_is_hours_off_gives_no_time_of_measurement(hours: int) -> None:
    message = read({**GOOD, "time": STAMP + hours * 3600})
    assert isinstance(message, Message)
    assert message.measured_at == ARRIVED
    assert message.ahead == pytest.approx(hours * 3600 - 3)


@pytest.mark.parametrize("seconds", [-CLOCK_OFF + 10, 0, CLOCK_OFF - 10])
def test_a_clock_that_is_about_right_does(seconds: float) -> None:
    message = read({**GOOD, "time": STAMP + seconds}, arrived=ARRIVED - timedelta(seconds=3))
    assert isinstance(message, Message)
    assert message.measured_at == datetime.fromtimestamp(STAMP + seconds, UTC)


def test_texts_of_an_inverter_that_knows_no_utf_8() -> None:
    payload = b'{"sn": 7, "time": %d, "values": {"Status": "St\xf6rung", "Fehler": "\\ud800"}}' % STAMP
    message = decode(payload, "p/7", ARRIVED)
    assert isinstance(message, Message)
    assert message.values == {"status_text": "St\N{REPLACEMENT CHARACTER}rung", "fault_text": "?"}


def test_every_refusal_that_is_trouble_has_advice() -> None:
    assert ADVICE.keys() == set(Refusal) - QUIET


def test_the_documentation_shows_every_channel() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([a-z0-9_]+)` \| ([^|]+) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    both = [*old_channels.CHANNELS.items(), *new_channels.CHANNELS.items()]
    assert rows == [(name, one.key, one.unit.value) for name, one in both if one.key is not None]
