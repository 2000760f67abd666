"""A set of variables that the PVS remembers: one request to read it, filled again when it is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from helpers_pvs import BAD_REQUEST, LOGIN, NOT_FOUND, NewPvs, inverter, logging_in

from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import search
from pvsmqtt.sources.pvs.newer.cached import REFILL, CachedSet
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

NAME = "pvsmqtt-test"
FILL = f"/vars?match=/sys/devices/&cache={NAME}&fmt=obj"
READ = f"/vars?cache={NAME}&fmt=obj"


def set_of(login: Login) -> CachedSet:
    return CachedSet(login, NAME, lambda name: search("/sys/devices/", name))


@pytest.fixture
async def pvs() -> AsyncIterator[NewPvs]:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        yield pvs


async def test_it_is_filled_once_and_then_read(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        for now in (0.0, 300.0, REFILL - 1):
            found, reply = await devices.read(now)
            assert found["/sys/devices/inverter/1/sn"] == "E002"
            assert reply.sent_at is not None
    assert pvs.paths == [LOGIN, FILL, READ, READ]


async def test_it_is_filled_again_every_hour_and_so_learns_of_new_devices(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        pvs.variables |= inverter(2, "E003")
        assert "/sys/devices/inverter/2/sn" not in (await devices.read(REFILL - 1))[0]
        assert "/sys/devices/inverter/2/sn" in (await devices.read(REFILL))[0]
        await devices.read(2 * REFILL - 1)
    assert pvs.paths == [LOGIN, FILL, READ, FILL, READ]


async def test_it_is_filled_anew_for_who_wants_that(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        await devices.read(1.0, anew=True)
        await devices.read(2.0)
    assert pvs.paths == [LOGIN, FILL, FILL, READ]


@pytest.mark.parametrize(
    "answer",
    [BAD_REQUEST, NOT_FOUND, (200, ""), (200, "{}"), (200, "[]"), (200, '{"values": [], "count": 0}')],
    ids=str,
)
async def test_a_set_that_is_lost_is_filled_again(pvs: NewPvs, answer: Any) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        pvs.answers[READ] = answer
        assert "/sys/devices/inverter/1/sn" in (await devices.read(1.0))[0]
        del pvs.answers[READ]
        await devices.read(2.0)
    assert pvs.paths == [LOGIN, FILL, READ, FILL, READ]


@pytest.mark.parametrize(("answer", "reason"), [((503, ""), Refusal.BUSY), ((403, ""), Refusal.FORBIDDEN)])
async def test_another_trouble_costs_no_search(pvs: NewPvs, answer: Any, reason: Refusal) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        pvs.answers[READ] = answer
        with pytest.raises(Refused) as refused:
            await devices.read(1.0)
        assert refused.value.reason is reason
        del pvs.answers[READ]
        await devices.read(2.0)
    assert pvs.paths == [LOGIN, FILL, READ, READ]


async def test_a_set_that_could_not_be_filled_is_not_read(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        pvs.answers[FILL] = (503, "")
        with pytest.raises(Refused):
            await devices.read(REFILL)
        with pytest.raises(Refused):
            await devices.read(REFILL + 1)
        del pvs.answers[FILL]
        assert (await devices.read(REFILL + 2))[0]
    assert READ not in pvs.paths


async def test_a_set_that_was_lost_and_could_not_be_filled_is_not_read_either(pvs: NewPvs) -> None:
    async with logging_in(pvs) as login:
        devices = set_of(login)
        await devices.read(0.0)
        pvs.answers |= {READ: BAD_REQUEST, FILL: (503, "")}
        for now in (1.0, 2.0):
            with pytest.raises(Refused):
                await devices.read(now)
    assert pvs.paths == [LOGIN, FILL, READ, FILL, FILL]
