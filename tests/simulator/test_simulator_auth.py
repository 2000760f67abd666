"""Sessions on their own, and the login over https."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.newer.auth import Sessions, accepts
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.faults import VARSERVER_FAULTS, Area

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
HOUSE = House(2)
PASSWORD = HOUSE.serials.supervisor[-5:]
UPTIME = "/vars?name=/sys/info/uptime"
OPEN = "/vars?name=/sys/info/sw_rev"


def basic(user: str, password: str, word: str = "basic") -> dict[str, str]:
    return {"Authorization": f"{word} {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_after_its_time() -> None:
    ticks = Ticks()
    sessions = Sessions(ticks)
    token = sessions.begin()
    assert len(token) == 64
    ticks.now = 299
    assert sessions.holds(token, 300, sliding=False)
    ticks.now = 300
    assert not sessions.holds(token, 300, sliding=False)
    ticks.now = 0
    assert not sessions.holds(token, 300, sliding=False), "what is over stays over"


def test_a_sliding_session_ends_after_its_last_use() -> None:
    ticks = Ticks()
    sessions = Sessions(ticks)
    token = sessions.begin()
    for ticks.now in (200, 400, 699):
        assert sessions.holds(token, 300, sliding=True)
    ticks.now = 999
    assert not sessions.holds(token, 300, sliding=True)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (basic("ssm_owner", "E1234")["Authorization"], True),
        (basic("ssm_owner", "E1234", "Basic")["Authorization"], True),
        (basic("ssm_owner", "e1234")["Authorization"], False),
        (basic("owner", "E1234")["Authorization"], False),
        (basic("ssm_owner", "E1234", "bearer")["Authorization"], False),
        ("basic", False),
        ("basic %%%", False),
        ("basic /w==", False),
        ("", False),
    ],
)
def test_the_password_is_the_end_of_the_serial(header: str, accepted: bool) -> None:
    assert accepts(header, "ZT184385000441E1234") is accepted


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON, firmware="61846", https_port=0, session_clock=Ticks())
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(ssl=False)
    ) as session:
        yield session


async def log_in(simulator: PvsSimulator, http: aiohttp.ClientSession) -> dict[str, str]:
    async with http.get(simulator.https_url + "/auth?login", headers=basic("ssm_owner", PASSWORD)) as reply:
        assert reply.status == 200
        session = json.loads(await reply.read())["session"]
        assert reply.headers["Set-Cookie"] == f"session={session}; HttpOnly; Secure; Path=/"
        return {"Cookie": f"session={session}"}


async def get(http: aiohttp.ClientSession, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    async with http.get(url, headers=headers) as reply:
        return reply.status, await reply.read()


async def test_login_and_logout(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    assert (await get(http, simulator.https_url + UPTIME))[0] == 400
    cookie = await log_in(simulator, http)
    assert (await get(http, simulator.https_url + UPTIME, cookie))[0] == 200
    other = await log_in(simulator, http)
    assert (await get(http, simulator.https_url + "/auth?logout", cookie))[0] == 200
    assert (await get(http, simulator.https_url + UPTIME, cookie))[0] == 401
    assert (await get(http, simulator.https_url + "/auth?logout", cookie))[0] == 401
    assert (await get(http, simulator.https_url + UPTIME, other))[0] == 200, "a session of its own"
    assert (simulator.stats.logins, simulator.stats.logouts) == (2, 1)


async def test_a_wrong_password(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    for headers in (basic("ssm_owner", "00000"), {}):
        status, body = await get(http, simulator.https_url + "/auth?login", headers)
        assert status == 401
        assert json.loads(body)["errorcode"] == "0x0012"
    assert (simulator.stats.logins, simulator.stats.failed_logins) == (0, 2)
    assert (await get(http, simulator.https_url + "/auth"))[0] == 404


async def test_the_cookie_counts_over_https_only(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    cookie = await log_in(simulator, http)
    assert (await get(http, simulator.url + UPTIME, cookie))[0] == 400
    assert (await get(http, simulator.url + OPEN, cookie))[0] == 200
    simulator.insecure_cookie = True
    assert (await get(http, simulator.url + UPTIME, cookie))[0] == 200


async def test_device_lists_with_a_session(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    path = "/cgi-bin/dl_cgi/devices/list"
    cookie = await log_in(simulator, http)
    status, body = await get(http, simulator.https_url + path, cookie)
    assert status == 200
    assert len(json.loads(body)["devices"]) == 5
    assert (await get(http, simulator.url + path, cookie))[0] == 403
    assert (await get(http, simulator.https_url + "/cgi-bin/dl_cgi?Command=DeviceList", cookie))[0] == 403
    assert (await get(http, simulator.https_url + "/cgi-bin/dl_cgi/panels/layout", cookie))[0] == 403
    assert simulator.stats.device_lists == 1


@pytest.mark.parametrize(
    ("mode", "status", "body"),
    [("401", 401, b"0x0012"), ("empty", 200, b""), ("500", 500, b"500 - Internal"), ("open", 400, b"Bad request")],
)
async def test_what_is_said_to_a_session_that_is_over(
    simulator: PvsSimulator, http: aiohttp.ClientSession, mode: str, status: int, body: bytes
) -> None:
    simulator.expired = mode
    cookie = await log_in(simulator, http)
    simulator.session_clock = lambda: 299.0
    assert (await get(http, simulator.https_url + UPTIME, cookie))[0] == 200
    simulator.session_clock = lambda: 300.0
    answer = await get(http, simulator.https_url + UPTIME, cookie)
    assert answer[0] == status
    assert body in answer[1]
    assert (await get(http, simulator.https_url + OPEN, cookie))[0] == (200 if mode == "open" else status)


async def test_all_sessions_can_be_ended(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    cookie = await log_in(simulator, http)
    await get(http, simulator.url + "/simulator/expire")
    assert (await get(http, simulator.https_url + UPTIME, cookie))[0] == 401


async def test_an_update_ends_all_sessions(simulator: PvsSimulator, http: aiohttp.ClientSession) -> None:
    cookie = await log_in(simulator, http)
    simulator.firmware = "61845"
    assert (await get(http, simulator.https_url + UPTIME, cookie))[0] == 401


@pytest.mark.parametrize(
    ("fault", "status"), [("login-401", 401), ("login-404", 404), ("login-500", 500), ("login-empty", 200)]
)
async def test_faults_of_the_login(
    simulator: PvsSimulator, http: aiohttp.ClientSession, fault: str, status: int
) -> None:
    simulator.fault = fault
    answer = await get(http, simulator.https_url + "/auth?login", basic("ssm_owner", PASSWORD))
    assert answer[0] == status
    assert b'"session"' not in answer[1]
    assert (await get(http, simulator.https_url + OPEN))[0] == 200
    simulator.fault = None
    await log_in(simulator, http)


@pytest.mark.parametrize(
    ("fault", "status", "part"),
    [
        ("vars-400", 400, b"Bad request"),
        ("vars-401", 401, b"0x0012"),
        ("vars-500", 500, b"500 - Internal"),
        ("vars-empty", 200, b""),
        ("vars-truncated", 200, b'{"values"'),
        ("vars-wrong-shape", 200, b'{"values":{'),
        ("vars-deep", 200, b"[" * 1000),
    ],
)
async def test_faults_of_vars(
    simulator: PvsSimulator, http: aiohttp.ClientSession, fault: str, status: int, part: bytes
) -> None:
    cookie = await log_in(simulator, http)
    simulator.fault = fault
    answer = await get(http, simulator.https_url + UPTIME, cookie)
    assert answer[0] == status
    assert part in answer[1]
    assert (await get(http, simulator.url + "/cgi-bin/dl_cgi/supervisor/info"))[0] == 200
    simulator.fault = None
    assert json.loads((await get(http, simulator.https_url + UPTIME, cookie))[1])["count"] == 1


@pytest.mark.parametrize("fault", ["login-hang", "vars-hang"])
async def test_what_is_never_answered(simulator: PvsSimulator, http: aiohttp.ClientSession, fault: str) -> None:
    simulator.fault = fault
    path = "/auth?login" if VARSERVER_FAULTS[fault].area is Area.LOGIN else OPEN
    headers = basic("ssm_owner", PASSWORD)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as impatient:
        with pytest.raises(TimeoutError):
            await impatient.get(
                simulator.https_url + path, headers=headers, timeout=aiohttp.ClientTimeout(sock_read=0.05)
            )
    await simulator.wait_until(lambda stats: stats.in_flight == 0)
