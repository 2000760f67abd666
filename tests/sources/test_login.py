"""The login of newer firmware: no more often than needed, to nobody else, and told to nobody."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import pytest
from helpers_pvs import (
    BAD_REQUEST,
    LOGIN,
    LOGOUT,
    NOT_FOUND,
    PASSWORD,
    SERIAL,
    UNAUTHORIZED,
    Clock,
    FakePvs,
    NewPvs,
    any_certificate,
    client_of,
    logging_in,
    place,
)

from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import LASTS, LONGEST_PAUSE, WRONG_PAUSE, YOUNG, Login
from pvsmqtt.sources.pvs.access.requests import SUPERVISOR_INFO, by_name, search
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

DEVICES = search("/sys/devices/")
ASKED = "/vars?match=/sys/devices/&fmt=obj"
HWREV = by_name(["/sys/info/hwrev"])


async def refusal(login: Login, request: Any = DEVICES) -> Refused:
    with pytest.raises(Refused) as refused:
        await login.get(request)
    return refused.value


@pytest.fixture
async def pvs() -> Any:
    async with NewPvs().running() as pvs:
        yield pvs


async def test_the_password_is_the_last_five_of_the_serial_number_in_capitals(pvs: NewPvs) -> None:
    async with logging_in(pvs, serial=SERIAL.lower()) as login:
        assert "/sys/devices/inverter/0/sn" in await login.get(DEVICES)
    first = pvs.seen[0]
    assert (first.path, first.method) == (LOGIN, "GET")
    word, _, token = first.headers["Authorization"].partition(" ")
    assert (word, base64.b64decode(token)) == ("basic", b"ssm_owner:A6185")
    assert "Cookie" not in first.headers


async def test_a_password_of_the_configuration_is_taken_as_it_is_written(pvs: NewPvs) -> None:
    pvs.sessions.password = "MixedCase"
    async with logging_in(pvs, password="MixedCase", serial=None) as login:
        assert await login.get(DEVICES)
    assert pvs.logins == 1


async def test_without_password_and_serial_number_nothing_is_sent(pvs: NewPvs) -> None:
    async with logging_in(pvs, serial=None) as login:
        assert (await refusal(login)).reason is Refusal.NO_PASSWORD
        assert pvs.seen == []


async def test_the_cookie_counts_before_the_body(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await login.get(DEVICES)
    asked = pvs.seen[1]
    assert asked.headers["Cookie"] == "session=cookie-1"
    assert "Authorization" not in asked.headers


async def test_without_a_cookie_the_body_counts() -> None:
    async with FakePvs().running() as pvs:
        pvs.answers = {LOGIN: (200, {"session": "from-the-body"}), ASKED: (200, {"/a": "1"})}
        async with client_of(pvs) as client:
            login = Login(client, "secret", Clock())
            assert await login.get(DEVICES) == {"/a": "1"}
        assert pvs.seen[1].headers["Cookie"] == "session=from-the-body"


@pytest.mark.parametrize(
    "session", [None, "", 7, ["a"], "line\nbreak", "ümlaut", "x" * 2000], ids=lambda s: repr(s)[:9]
)
async def test_a_session_that_makes_no_sense_is_none(session: Any) -> None:
    async with FakePvs().running() as pvs:
        pvs.answers[LOGIN] = (200, {"session": session})
        async with client_of(pvs) as client:
            assert (await refusal(Login(client, "secret", Clock()))).reason is Refusal.NO_LOGIN_PAGE
        assert pvs.paths == [LOGIN]


async def test_open_requests_need_no_login_and_carry_none(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await login.get(DEVICES)
        await login.get(SUPERVISOR_INFO)
    open_one = pvs.seen[-1]
    assert "Cookie" not in open_one.headers
    assert "Authorization" not in open_one.headers


async def test_login_and_cookie_go_to_the_secure_address_only() -> None:
    async with NewPvs().running() as plain, NewPvs().running() as secure:
        assert isinstance(plain, NewPvs)
        assert isinstance(secure, NewPvs)
        async with client_of(plain, secure) as client:
            login = Login(client, PASSWORD, Clock())
            for base in (plain.base, secure.base):
                client.base = base
                await login.get(DEVICES)
                await login.get(SUPERVISOR_INFO)
                await login.get(by_name(["/sys/info/model"]))
            await login.log_out()
        assert secure.count("/auth") == 2
        assert plain.count("/auth") == 0
        assert [seen for seen in plain.seen if {"Cookie", "Authorization"} & seen.headers.keys()] == []


async def test_one_session_serves_until_it_is_240_seconds_old(pvs: NewPvs) -> None:
    clock = Clock()
    async with logging_in(pvs, clock) as login:
        for _ in range(3):
            await login.get(DEVICES)
            clock.now += LASTS / 2
        assert (LASTS, pvs.logins) == (240, 1)
        clock.now = 1000 + LASTS + 1
        await login.get(DEVICES)
        assert pvs.logins == 2
        assert pvs.seen[-1].headers["Cookie"] == "session=cookie-2"


async def test_two_at_once_make_one_login(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await asyncio.gather(*(login.get(DEVICES) for _ in range(5)))
        assert pvs.logins == 1
        pvs.sessions.valid.clear()
        await asyncio.gather(*(login.get(DEVICES) for _ in range(5)))
    assert pvs.logins == 2
    assert pvs.most_at_once == 1


async def test_a_session_that_has_ended_is_renewed_once(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await login.get(DEVICES)
        pvs.sessions.valid.clear()
        assert await login.get(DEVICES)
    assert pvs.paths == [LOGIN, ASKED, ASKED, LOGIN, ASKED]


async def test_a_fresh_session_that_is_refused_is_no_reason_to_go_on(pvs: NewPvs) -> None:
    pvs.answers[ASKED] = UNAUTHORIZED
    async with logging_in(pvs) as login:
        assert (await refusal(login)).reason is Refusal.SESSION_REFUSED
    assert pvs.logins <= 2
    assert pvs.count(ASKED) <= 2


@pytest.mark.parametrize("answer", [UNAUTHORIZED, (200, ""), (500, "")], ids=["401", "empty", "500"])
async def test_a_pvs_that_refuses_every_session_makes_no_storm_of_logins(pvs: NewPvs, answer: Any) -> None:
    clock = Clock()
    pvs.answers[ASKED] = answer
    async with logging_in(pvs, clock) as login:
        for _ in range(3600 // 10):
            await refusal(login)
            clock.now += 10
        assert pvs.logins <= 20
        pvs.answers.pop(ASKED)
        assert await login.get(DEVICES)
        pvs.sessions.valid.clear()
        assert await login.get(DEVICES), "a session that ends later on is renewed again at once"


async def test_a_bad_request_never_makes_a_login(pvs: NewPvs) -> None:
    clock = Clock()
    pvs.answers[ASKED] = BAD_REQUEST
    async with logging_in(pvs, clock) as login:
        for _ in range(3):
            assert (await refusal(login)).reason is Refusal.BAD_REQUEST
            clock.now += 60
    assert pvs.logins == 1


@pytest.mark.parametrize(("answer", "reason"), [((200, ""), Refusal.EMPTY), ((500, ""), Refusal.SERVER_ERROR)])
async def test_an_empty_reply_or_500_ends_only_a_session_that_is_not_young(
    pvs: NewPvs, answer: Any, reason: Refusal
) -> None:
    clock = Clock()
    async with logging_in(pvs, clock) as login:
        await login.get(HWREV)
        pvs.answers[ASKED] = answer
        clock.now += YOUNG
        assert (await refusal(login)).reason is reason
        assert pvs.logins == 1
        clock.now += 1
        lasting = Refusal.SESSION_REFUSED if reason is Refusal.EMPTY else reason
        assert (await refusal(login)).reason is lasting
        assert pvs.logins == 2
        assert pvs.count(ASKED) == 3
        clock.now += YOUNG + 1
        assert (await refusal(login)).reason is lasting
        assert pvs.logins == 2, "a new login did not help just now"
        pvs.answers[ASKED] = lambda seen: (200, {"/a": "1"}) if "cookie-3" in seen.headers["Cookie"] else answer
        clock.now += LASTS
        assert await login.get(DEVICES) == {"/a": "1"}


@pytest.mark.parametrize("status", [403, 404, 429, 503])
async def test_no_other_status_ends_a_session(pvs: NewPvs, status: int) -> None:
    clock = Clock()
    pvs.answers[ASKED] = (status, "")
    async with logging_in(pvs, clock) as login:
        await login.get(HWREV)
        clock.now += 100
        await refusal(login)
    assert (pvs.logins, pvs.count(ASKED)) == (1, 1)


async def test_a_wrong_password_is_tried_ever_more_rarely(pvs: NewPvs) -> None:
    clock = Clock()
    pvs.sessions.password = "other"
    async with logging_in(pvs, clock, password="mistyped") as login:
        pause, tries = WRONG_PAUSE, 0
        for _ in range(8):
            tries += 1
            for moment in (0.0, 1.0, pause - 2):
                clock.now += moment
                refused = await refusal(login)
                assert refused.reason is Refusal.WRONG_PASSWORD
                assert pvs.logins == tries
            clock.now += 1
            pause = min(2 * pause, LONGEST_PAUSE)
        assert (WRONG_PAUSE, LONGEST_PAUSE) == (900, 4 * 3600)
        assert "given in the configuration" in refused.detail
        pvs.sessions.password = "mistyped"
        assert await login.get(DEVICES)
        pvs.sessions.password = "other"
        pvs.sessions.valid.clear()
        await refusal(login)
        clock.now += WRONG_PAUSE
        await refusal(login)
    assert pvs.logins == tries + 3


async def test_a_refused_password_that_is_told_again_and_again_does_not_pile_up(pvs: NewPvs) -> None:
    pvs.sessions.password = "other"
    async with logging_in(pvs) as login:
        depths = []
        for _ in range(4):
            refused: BaseException = await refusal(login)
            depth, trace = 0, refused.__traceback__
            while trace is not None:
                depth, trace = depth + 1, trace.tb_next
            depths.append(depth)
    assert len(set(depths[1:])) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NOT_FOUND, Refusal.NO_LOGIN_PAGE),
        ((200, "<html>"), Refusal.NO_LOGIN_PAGE),
        ((200, "{}"), Refusal.NO_LOGIN_PAGE),
        ((500, ""), Refusal.SERVER_ERROR),
        ((503, ""), Refusal.BUSY),
        ((200, ""), Refusal.EMPTY),
    ],
    ids=str,
)
async def test_other_troubles_with_the_login_do_not_count_as_a_wrong_password(
    pvs: NewPvs, answer: Any, reason: Refusal
) -> None:
    async with logging_in(pvs) as login:
        pvs.answers[LOGIN] = answer
        assert (await refusal(login)).reason is reason
        del pvs.answers[LOGIN]
        assert await login.get(DEVICES)


async def test_it_logs_out_at_the_end_and_only_if_it_was_in(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await login.log_out()
        assert pvs.seen == []
        await login.get(DEVICES)
        await login.log_out()
        assert (pvs.paths[-1], pvs.seen[-1].headers["Cookie"]) == (LOGOUT, "session=cookie-1")
        assert pvs.sessions.valid == set()
        await login.log_out()
        assert pvs.count("/auth") == 2


async def test_a_logout_that_fails_does_not_matter(pvs: NewPvs) -> None:
    pvs.answers[LOGOUT] = (500, "")
    async with logging_in(pvs) as login:
        await login.get(DEVICES)
        await login.log_out()
        assert login.age == float("inf")


async def test_a_dropped_session_is_not_used_again(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        await login.get(DEVICES)
        login.drop()
        await login.get(DEVICES)
    assert pvs.logins == 2


async def test_the_password_is_told_to_nobody(pvs: NewPvs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    pvs.sessions.password = "other"
    token = base64.b64encode(f"ssm_owner:{PASSWORD}".encode()).decode()
    async with logging_in(pvs, clock) as login:
        told = [str(await refusal(login)), repr(login), repr(vars(login.__class__))]
        pvs.answers[LOGIN] = (500, "")
        clock.now += WRONG_PAUSE
        refused = await refusal(login)
        told += [str(refused), repr(refused), repr(refused.__cause__), repr(refused.__context__)]
    async with PvsClient(place("http://127.0.0.1:9"), any_certificate()) as client:
        login = Login(client, PASSWORD)
        refused = await refusal(login)
        told += [str(refused), repr(refused), repr(refused.__context__), repr(login)]
    for secret in (PASSWORD, token, "cookie-1"):
        assert secret not in "\n".join([*told, caplog.text])
