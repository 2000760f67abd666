"""What sets the firmwares apart, and what an update while it runs undoes."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.firmware import FIRMWARES, table
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.live import LiveServer

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
NIGHT = NOON + timedelta(hours=12)
HOUSE = House(3)
LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
INFO = "/cgi-bin/dl_cgi/supervisor/info"
LEGACY = [name for name, firmware in FIRMWARES.items() if firmware.generation == "legacy"]
VARSERVER = [name for name, firmware in FIRMWARES.items() if firmware.generation == "varserver"]


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def http(simulator: PvsSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.url) as session:
        yield session


async def get(http: aiohttp.ClientSession, path: str) -> tuple[int, bytes]:
    async with http.get(path) as reply:
        return reply.status, await reply.read()


def devices(name: str, when: datetime = NOON) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(dl_cgi.device_list(HOUSE, when, FIRMWARES[name]))["devices"]
    return entries


@pytest.mark.parametrize(
    ("name", "swver", "build", "sw_rev"),
    [
        ("4150", "2019.5, Build 4150", None, "2019.5.4150"),
        ("61839", "2025.06, Build 61839", 61839, "2025.06.61839"),
        ("61845", "2025.09, Build 61845", 61845, "2025.09.04.61845"),
        ("61846", "2025.10, Build 61846", 61846, "2025.10.20.61846"),
        ("pvs5-5408", "0.0.25.5408", None, "2025.11.04.5408"),
        ("pvs5-5412", "2025.11, Build 5412", None, "2025.11.18.5412"),
    ],
)
def test_every_firmware_writes_its_name_its_own_way(name: str, swver: str, build: int | None, sw_rev: str) -> None:
    supervisor = json.loads(dl_cgi.supervisor_info("ZT1", FIRMWARES[name]))["supervisor"]
    assert supervisor["SWVER"] == swver
    assert supervisor.get("BUILD") == build
    assert supervisor["MODEL"] == FIRMWARES[name].model
    assert ("SCVER" in supervisor) == (FIRMWARES[name].model == "PVS6")
    assert FIRMWARES[name].sw_rev == sw_rev


def test_the_default_is_the_last_open_one() -> None:
    assert dl_cgi.device_list(HOUSE, NOON) == dl_cgi.device_list(HOUSE, NOON, FIRMWARES["61839"])
    assert PvsSimulator().running is FIRMWARES["61839"]


def test_an_old_pvs5_tells_no_legs() -> None:
    supervisor, production, consumption, *_ = devices("pvs5-4990")
    assert (supervisor["MODEL"], supervisor["SWVER"]) == ("PV Supervisor PVS5", "2021.9, Build 4990")
    assert production["MODEL"] == "PVS5M0400p"
    assert not consumption.keys() & {"pos_ltea_3phsum_kwh", "neg_ltea_3phsum_kwh", "i1_a", "v1n_v", "v12_v"}
    assert {"net_ltea_3phsum_kwh", "p_3phsum_kw", "subtype"} <= consumption.keys()


def test_firmware_of_2019_has_other_keys() -> None:
    _, _, consumption, inverter, *_ = devices("4150")
    assert "subtype" not in consumption
    assert "p_mpptsum_kw" in inverter
    assert not inverter.keys() & {"p_mppt1_kw", "PANEL", "hw_version"}
    assert "DATATIME" in inverter
    assert "DATATIME" not in devices("4150", NIGHT)[3]


@pytest.mark.parametrize("name", LEGACY)
async def test_old_firmware_is_open(simulator: PvsSimulator, http: aiohttp.ClientSession, name: str) -> None:
    simulator.firmware = name
    assert (await get(http, LIST))[0] == 200
    for path in ("/auth?login", "/vars?name=/sys/info/sw_rev"):
        assert (await get(http, path))[0] == 404
    status, body = await get(http, "/cgi-bin/dl_cgi?Command=Start")
    assert (status, body) == await get(http, INFO)


@pytest.mark.parametrize("name", VARSERVER)
async def test_new_firmware_is_shut(simulator: PvsSimulator, http: aiohttp.ClientSession, name: str) -> None:
    simulator.firmware = name
    for path in (LIST, "/cgi-bin/dl_cgi/devices/list", "/cgi-bin/dl_cgi/panels/layout"):
        status, body = await get(http, path)
        assert status == 403
        assert json.loads(body)["error"] == "Unauthorized"
    assert (await get(http, "/cgi-bin/dl_cgi/nonsense"))[0] == 404
    for path in (INFO, "/cgi-bin/dl_cgi/communication/interfaces", "/vars?name=/sys/info/sw_rev"):
        status, body = await get(http, path)
        assert status == 200
        assert json.loads(body)


async def test_an_update_over_http(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    assert (await get(http, LIST))[0] == 200
    assert (await get(http, "/simulator/firmware/61846"))[0] == 200
    assert (await get(http, LIST))[0] == 403
    assert json.loads((await get(http, INFO))[1])["supervisor"]["BUILD"] == 61846
    assert simulator.stats.boots == 1
    status, body = await get(http, "/simulator/firmware/windows")
    assert status == 404
    assert set(json.loads(body)["known"].split(", ")) == set(FIRMWARES)


async def test_the_uptime_starts_anew(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    simulator.firmware = "pvs5-4990"
    assert json.loads((await get(http, LIST))[1])["devices"][0]["dl_uptime"] == "0"
    simulator.clock = lambda: NOON + timedelta(seconds=100)
    assert 90 < int(json.loads((await get(http, LIST))[1])["devices"][0]["dl_uptime"]) <= 100


async def test_a_firmware_of_ones_own(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    simulator.firmware = type(FIRMWARES["61846"])("PVS6", "2027.01", 70000, "varserver")
    assert json.loads((await get(http, INFO))[1])["supervisor"]["SWVER"] == "2027.01, Build 70000"


async def test_live_data_come_and_go_with_the_firmware() -> None:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON, firmware="4150", live_port=0)
    await simulator.start()
    try:
        assert simulator.live is None
        simulator.firmware = "61846"
        async with aiohttp.ClientSession(simulator.url) as http:
            await get(http, INFO)
            while simulator.live is None:
                await get(http, INFO)
            live: LiveServer = simulator.live
            async with http.ws_connect(live.url):
                await live.wait_until(lambda stats: stats.open == 1)
            simulator.firmware = "pvs5-5412"
            while simulator.live is not None:
                await get(http, INFO)
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.ws_connect(live.url)
    finally:
        await simulator.stop()


def test_help_has_one_line_for_each() -> None:
    assert [line.split()[0] for line in table().splitlines()] == list(FIRMWARES)
