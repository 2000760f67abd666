"""Curves over a restart."""

import asyncio
import base64
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from helpers_mqtt import PANEL, SITE, state

from pvsmqtt.bus import Bus
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.sinks.web import curves_file
from pvsmqtt.sinks.web.curves import Curves
from pvsmqtt.sinks.web.curves_file import FILE, CurvesFile
from pvsmqtt.sinks.web.series import STEP

START = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def at(seconds):
    """The time by both clocks."""
    return START + timedelta(seconds=seconds), 1000.0 + seconds


def day():
    """Curves of half an hour: 12:00 to 12:30."""
    curves = Curves()
    for number in range(6):
        curves.take(state(PANEL, power=number * 10.5), *at(number * STEP))
        curves.take(state(SITE, pv_power=number, grid_power=-number), *at(number * STEP))
    return curves


def loaded(folder, seconds):
    curves = Curves()
    CurvesFile(folder).load(curves, *at(seconds))
    return curves


def power(curves, seconds):
    return curves.document(*at(seconds), "e1")["series"]["e1"]["power"]


def test_curves_go_on_after_a_restart_with_a_hole_of_the_time_between(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(6 * STEP))
    curves = loaded(tmp_path, 8 * STEP)
    curves.take(state(PANEL, power=99), *at(8 * STEP))
    assert power(curves, 9 * STEP)[-11:] == [None, 0.0, 10.5, 21.0, 31.5, 42.0, 52.5, None, None, 99.0, None]
    assert curves.document(*at(9 * STEP))["series"]["site"]["grid_power"][-6] == -4.0


def test_a_restart_within_a_bucket_goes_on_with_its_mean(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(5 * STEP + 100))
    curves = loaded(tmp_path, 5 * STEP + 150)
    curves.take(state(PANEL, power=0), *at(5 * STEP + 200))
    assert power(curves, 6 * STEP)[-2] == pytest.approx(26.2, abs=0.1)


def test_what_is_older_than_a_day_is_not_taken_up(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(6 * STEP))
    assert set(power(loaded(tmp_path, 86400 * 2), 86400 * 2)) == {None}


def test_what_lies_in_the_future_is_not_taken_up(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(6 * STEP))
    assert power(loaded(tmp_path, 2 * STEP), 2 * STEP)[-4:] == [None, 0.0, 10.5, None]


def test_what_came_before_loading_stays(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(6 * STEP))
    curves = Curves()
    curves.take(state(PANEL, power=7), *at(5 * STEP))
    CurvesFile(tmp_path).load(curves, *at(6 * STEP))
    assert power(curves, 6 * STEP)[-3:] == [42.0, 7.0, None]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"format":2,"step":300,"until":"2026-06-21T12:00:00Z","curves":{}}',
        '{"format":1,"step":60,"until":"2026-06-21T12:00:00Z","curves":{}}',
        '{"format":1,"step":300,"until":17,"curves":{}}',
        '{"format":1,"step":300,"until":"2026-06-21T12:00:00Z","curves":[1]}',
        '{"format":1,"step":300,"until":"2026-06-21T12:00:00Z","curves":{"e1":{"power":"eJw="}}}',
        '{"format":1,"step":300,"until":"2026-06-21T12:00:00Z","curves":{"e1":{"power":"%"}}}',
        '{"format":1,"step":300,"until":"2026-06-21T12:00:00Z","curves":{"e1":{"power":5}}}',
    ],
    ids=str.__len__,
)
def test_a_damaged_file_is_set_aside_and_said(tmp_path, caplog, text):
    (tmp_path / FILE).write_text(text)
    curves = loaded(tmp_path, 0)
    assert curves.document(*at(0))["series"] == {}
    assert (tmp_path / f"{FILE}.bad").read_text() == text
    assert not (tmp_path / FILE).exists()
    assert "is set aside" in caplog.text


def test_a_file_whose_bits_turned_is_set_aside(tmp_path):
    CurvesFile(tmp_path).save(day(), *at(6 * STEP))
    text = (tmp_path / FILE).read_text()
    middle = text.index("eJ") + 20
    (tmp_path / FILE).write_text(text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :])
    loaded(tmp_path, 6 * STEP)
    assert (tmp_path / f"{FILE}.bad").exists()


def test_a_curve_without_its_end_is_set_aside(tmp_path):
    whole = curves_file._packed([1.0] * 288)
    short = base64.b64encode(base64.b64decode(whole)[:-4]).decode()
    what = {"format": 1, "step": 300, "until": "2026-06-21T12:00:00Z", "curves": {"e1": {"power": short}}}
    (tmp_path / FILE).write_text(json.dumps(what))
    loaded(tmp_path, 0)
    assert (tmp_path / f"{FILE}.bad").exists()


def test_no_file_is_no_trouble(tmp_path, caplog):
    assert loaded(tmp_path, 0).document(*at(0))["series"] == {}
    assert not caplog.records


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    file = CurvesFile(blocked / "below")
    for _ in range(3):
        file.save(day(), *at(6 * STEP))
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1


def test_forty_panels_write_less_than_three_megabytes_a_day(tmp_path):
    curves = Curves()
    for number in range(44):
        device = Device(f"e{number}", Kind.INVERTER, "x")
        for bucket in range(288):
            value = max(0.0, 400 - abs(bucket - 144) * 4) * (0.9 + ((bucket * 7919 + number * 104729) % 1000) / 5000)
            curves.take(state(device, power=value), *at(bucket * STEP))
    CurvesFile(tmp_path).save(curves, *at(288 * STEP))
    assert 24 * (tmp_path / FILE).stat().st_size < 3_000_000


class Clock:
    now = 0.0

    def wall(self):
        return at(self.now)[0]

    def monotonic(self):
        return at(self.now)[1]


async def turns(condition):
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


class Written:
    """What is written, and a moment at which something was."""

    def __init__(self, monkeypatch):
        self.documents = []
        self.news = asyncio.Event()
        self._real, self._loop = curves_file.write_json, asyncio.get_running_loop()
        monkeypatch.setattr(curves_file, "write_json", self)

    def __call__(self, path, document):
        self._real(path, document)
        self.documents.append(document)
        self._loop.call_soon_threadsafe(self.news.set)


async def test_what_is_on_the_bus_is_kept_now_and_then_and_at_the_end(tmp_path, monkeypatch):
    written, clock, bus, curves = Written(monkeypatch), Clock(), Bus(), Curves()
    bus.publish(state(PANEL, power=10))
    task = asyncio.create_task(CurvesFile(tmp_path).keep(curves, bus, clock.wall, clock.monotonic))
    await turns(lambda: "e1" in curves.document(*at(clock.now), "e1")["series"])
    for number in (20, 30, 40):  # whatever comes meanwhile, it is written once an hour
        clock.now += curves_file.EVERY / 3 - 1
        bus.publish(state(PANEL, power=number))
        await turns(lambda: not bus._subscriptions[0]._pending)
        assert not written.documents
    clock.now = curves_file.EVERY + 1
    bus.publish(state(PANEL, power=50))
    await asyncio.wait_for(written.news.wait(), 20)
    for number in range(20):
        bus.publish(state(PANEL, power=number))
        await turns(lambda: not bus._subscriptions[0]._pending)
    assert len(written.documents) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(written.documents) == 2
    clock.now += STEP
    assert {10.0, 20.0, 30.0} <= set(power(loaded(tmp_path, clock.now), clock.now))
    assert not bus._subscriptions


async def test_it_is_written_after_an_hour_in_which_nothing_came(tmp_path, monkeypatch):
    monkeypatch.setattr(curves_file, "EVERY", 0.01)
    written = Written(monkeypatch)
    task = asyncio.create_task(CurvesFile(tmp_path).keep(day(), Bus(), lambda: at(6 * STEP)[0]))
    await asyncio.wait_for(written.news.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert written.documents[0]["until"] == "2026-06-21T12:30:00Z"
