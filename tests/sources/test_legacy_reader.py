"""Reading older firmware: the list, the storage and the diagnostics, each at its pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from helpers_pvs import DEVICE_LIST, FORBIDDEN, SERIAL, FakePvs, client_of, options_of, poll

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.errands import DAY, HOUR, Errand, Errands
from pvsmqtt.sources.pvs.older.reader import LegacyReader
from pvsmqtt.sources.pvs.reader import Setting
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

STORAGE = "/cgi-bin/dl_cgi/energy-storage-system/status"
LAYOUT = "/cgi-bin/dl_cgi/panels/layout"
COMM = "/cgi-bin/dl_cgi?Command=Get_Comm"
ERRANDS = {
    COMM: {
        "result": "succeed",
        "networkstatus": {"interfaces": [{"interface": "sta0", "internet": "up", "state": "up"}]},
    },
    "/cgi-bin/dl_cgi?Command=GetDiscoveryProgress": {"result": "succeed", "complete": True, "progress": []},
    "/cgi-bin/dl_cgi?Command=GridProfileGet": {"result": "succeed", "active_name": "Rule 21", "percent": 100},
    "/cgi-bin/dl_cgi?Command=CheckFW": {"url": "none"},
    LAYOUT: {
        "result": {
            "panels": [
                {"inverterSerialNumber": "E001", "xCoordinate": 1, "yCoordinate": 2, "azimuth": 180},
                {"inverterSerialNumber": "E999", "xCoordinate": 3, "yCoordinate": 2, "azimuth": 180},
            ]
        }
    },
}
TIMES = {"DATATIME": "2025,06,21,18,00,00", "CURTIME": "2025,06,21,18,02,30"}
SUPERVISOR = {"SERIAL": SERIAL, "DEVICE_TYPE": "PVS", "dl_uptime": "100", "dl_flash_avail": "60000", **TIMES}
PANEL = {"SERIAL": "E001", "DEVICE_TYPE": "Inverter", "STATE": "working", "ltea_3phsum_kwh": "10.5", **TIMES}
ESS = {"SERIAL": "SY1", "DEVICE_TYPE": "Energy Storage System", "STATE": "error", **TIMES}
REPORT = {
    "ess_report": {
        "last_updated": "2025-06-21 18:02:00",
        "ess_status": [
            {
                "serial_number": "SY1",
                "last_updated": "2025-06-21 18:02:00",
                "enclosure_temperature": {"value": 25.0, "unit": "CELSIUS"},
                "ess_meter_reading": {"agg_power": {"value": -0.5, "unit": "KILOWATT"}},
            }
        ],
    },
    "errors": [],
}


@pytest.fixture
async def pvs() -> AsyncIterator[FakePvs]:
    async with FakePvs().running() as pvs:
        pvs.answers = {path: (200, body) for path, body in ERRANDS.items()}
        lists(pvs, SUPERVISOR, PANEL)
        yield pvs


def lists(pvs: FakePvs, *entries: Any) -> None:
    pvs.answers[DEVICE_LIST] = (200, {"devices": list(entries), "result": "succeed"})


@asynccontextmanager
async def reading(pvs: FakePvs, **options: Any) -> AsyncIterator[LegacyReader]:
    async with client_of(pvs) as client:
        setting = Setting("pvs test", "site", options_of("pvs", **{"interval": 300, **options}))
        yield LegacyReader(client, setting)


def of(readings: Sequence[Reading], kind: Kind) -> dict[str, Any]:
    return {key: value for found in readings if found.device.kind is kind for key, value in found.values.items()}


async def test_the_first_poll_brings_everything_that_it_tells(pvs: FakePvs) -> None:
    async with reading(pvs) as reader:
        cycle = await poll(reader, 0.0)
        assert pvs.paths[0] == DEVICE_LIST
        assert sorted(pvs.paths[1:]) == sorted(ERRANDS)
        assert (cycle.devices, len(cycle.refused)) == (2, 0)
        assert cycle.clock is not None
        supervisor = of(cycle.readings, Kind.SUPERVISOR)
        for key, value in {
            "uptime": 100,
            "wifi_state": "up",
            "grid_profile": "Rule 21",
            "firmware_update": "off",
            "discovery_complete": "on",
            "flash_problem": "off",
        }.items():
            assert supervisor[key] == value
        panel = of(cycle.readings, Kind.INVERTER)
        assert panel["energy"] == 10.5
        assert 180 in panel.values()
        assert reader.report() == {"errands_refused": {}}


async def test_no_login_is_ever_sent(pvs: FakePvs) -> None:
    async with reading(pvs) as reader:
        await poll(reader, 0.0)
        await reader.storage(0.0)
    assert not any({"Cookie", "Authorization"} & seen.headers.keys() for seen in pvs.seen)
    assert not any("/auth" in path or "/vars" in path for path in pvs.paths)


async def test_a_steady_poll_costs_one_request_or_two(pvs: FakePvs) -> None:
    async with reading(pvs) as reader:
        await poll(reader, 0.0)
        costs = []
        for number in range(1, 300):
            before = len(pvs.seen)
            await poll(reader, 300.0 * number)
            costs.append(len(pvs.seen) - before)
        assert set(costs) == {1, 2}
        assert costs.count(2) <= 24 + 4 + 5
    assert pvs.most_at_once == 1


async def test_diagnostics_last_but_prove_nothing_of_the_present(pvs: FakePvs) -> None:
    async with reading(pvs) as reader:
        readings = (await poll(reader, 0.0)).readings
    measured = [found for found in readings if found.source == "pvs test"]
    rest = [found for found in readings if found.source != "pvs test"]
    assert [found.device.id for found in measured] == [SERIAL.lower(), "e001"]
    assert {found.source for found in rest} == {"pvs test diagnostics"}
    assert {found.valid_for for found in rest} == {0.0}
    (profile,) = [found for found in rest if "grid_profile" in found.values]
    (state,) = [found for found in rest if "wifi_state" in found.values]
    assert (profile.lasts, state.lasts) == (2.5 * DAY, 2.5 * HOUR)


async def test_what_firmware_does_not_have_stops_nothing(pvs: FakePvs) -> None:
    pvs.answers = {DEVICE_LIST: pvs.answers[DEVICE_LIST], COMM: (200, {"result": "unknown command"})}
    async with reading(pvs) as reader:
        assert len((await poll(reader, 0.0)).readings) >= 2
        refused = reader.report()["errands_refused"]
        assert refused["layout"] == "not_found"
        assert refused["interfaces"] == "not_succeed"
        asked = len(pvs.seen)
        await poll(reader, 0.9 * HOUR)
        assert len(pvs.seen) == asked + 1
        for number in range(1, 12):
            await poll(reader, number * HOUR)
        assert pvs.count(LAYOUT) == 1
        assert pvs.count(COMM) == 3, "what may only be a bad mood is believed after three times"


async def test_what_a_bad_mood_refused_is_asked_for_again_when_it_is_over(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, PANEL, ESS)
    pvs.answers[STORAGE] = (200, REPORT)
    async with reading(pvs) as reader:
        await poll(reader, 0.0)
        pvs.answers[STORAGE] = FORBIDDEN
        for number in range(1, 8):
            await poll(reader, 300.0 * number)
        assert reader.report()["errands_refused"] == {"storage": "forbidden"}
        pvs.answers[STORAGE] = (200, REPORT)
        reader.recovered()
        found = (await poll(reader, 2401.0)).readings
        assert any(one.source == "pvs test storage" for one in found)


async def test_a_storage_that_hangs_is_asked_ever_more_rarely(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, ESS)
    pvs.answers[STORAGE] = (503, "")
    errand = Errand("storage", 60.0, lambda _: _hangs())
    errands = Errands([errand])
    asked = [now for now in range(0, 7200, 10) if await errands.all(float(now)) == [] and errand.tried_at == now]
    assert len(asked) < 14
    assert max(b - a for a, b in pairwise(asked)) == 900


async def _hangs() -> Sequence[Reading]:
    raise Refused(Refusal.TIMEOUT, "no answer")


async def test_without_a_list_the_poll_is_refused_and_nothing_else_is_asked(pvs: FakePvs) -> None:
    pvs.answers[DEVICE_LIST] = FORBIDDEN
    async with reading(pvs) as reader:
        with pytest.raises(Refused) as refused:
            await poll(reader, 0.0)
        assert refused.value.reason is Refusal.FORBIDDEN
        assert pvs.paths == [DEVICE_LIST]
        lists(pvs, SUPERVISOR)
        await poll(reader, 10.0)
        assert len(pvs.seen) > 3


async def test_a_list_without_supervisor_makes_no_diagnostics_of_one(pvs: FakePvs) -> None:
    lists(pvs, PANEL)
    async with reading(pvs) as reader:
        readings = (await poll(reader, 0.0)).readings
        assert {found.device.kind for found in readings} == {Kind.INVERTER}
        assert pvs.paths == [DEVICE_LIST, LAYOUT]


async def test_without_a_storage_none_is_asked_for(pvs: FakePvs) -> None:
    async with reading(pvs) as reader:
        assert await reader.storage(0.0) == ()
        await poll(reader, 0.0)
        assert await reader.storage(1.0) == ()
    assert STORAGE not in pvs.paths


async def test_a_storage_is_asked_for_at_its_own_pace(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, PANEL, ESS)
    pvs.answers[STORAGE] = (200, REPORT)
    async with reading(pvs, battery_interval=60) as reader:
        assert await reader.errands(0.0) == ()
        found = (await poll(reader, 0.0)).readings
        (ess,) = [one for one in found if one.source == "pvs test storage"]
        assert ess.values["power"] == -500
        assert ess.valid_for > 180
        assert (ess.device.id, ess.device.kind) == ("sy1", Kind.ESS)
        assert await reader.errands(30.0) == []
        assert await reader.errands(60.0)
        assert pvs.count(STORAGE) == 2


async def test_a_storage_that_is_refused_is_told_and_tried_again(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, ESS)
    pvs.answers[STORAGE] = (503, "")
    async with reading(pvs, battery_interval=60) as reader:
        await poll(reader, 0.0)
        assert reader.report()["errands_refused"]["storage"] == "busy"
        pvs.answers[STORAGE] = (200, REPORT)
        assert await reader.errands(65.0)
        assert "storage" not in reader.report()["errands_refused"]


async def test_a_storage_that_firmware_does_not_tell_of_is_asked_for_once_a_day(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, ESS)
    async with reading(pvs, battery_interval=60) as reader:
        for now in range(0, 24 * 3600, 300):
            await poll(reader, float(now))
        assert pvs.count(STORAGE) == 1
        await poll(reader, DAY)
        await poll(reader, DAY + 300)
        assert pvs.count(STORAGE) == 2


async def test_a_poll_of_a_house_with_a_storage_costs_two_requests(pvs: FakePvs) -> None:
    lists(pvs, SUPERVISOR, PANEL, ESS)
    pvs.answers[STORAGE] = (200, REPORT)
    async with reading(pvs) as reader:
        await poll(reader, 0.0)
        for number in range(1, 300):
            before = len(pvs.seen)
            await poll(reader, 300.0 * number)
            assert len(pvs.seen) - before == 2
    assert pvs.count(STORAGE) > 200
