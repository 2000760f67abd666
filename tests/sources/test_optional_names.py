"""Which variables a PVS has: found out once, remembered for its build."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from helpers_pvs import FORBIDDEN, LOGIN, NewPvs, Seen, any_certificate, place

from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import NAMES
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer.optional_names import ASK_AGAIN, COMMON, MAY_HANG, PVS5, PVS6, OptionalNames
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

WEAR, ERASED = MAY_HANG


@pytest.fixture
async def pvs() -> AsyncIterator[NewPvs]:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        yield pvs


async def names(
    pvs: NewPvs, memory: Memory | None = None, model: str | None = "PVS6", build: int | None = 61846
) -> list[str]:
    async with PvsClient(place(pvs.base), any_certificate(), longest=0.2) as client:
        login = Login(client, pvs.sessions.password)
        return list(await OptionalNames(login, memory or Memory(None, "pvs"), model, build).names(0.0))


def probes(pvs: NewPvs) -> list[str]:
    return [path.partition("name=")[2].removesuffix("&fmt=obj") for path in pvs.paths if "/vars" in path]


async def test_where_all_exist_they_cost_one_request_and_one_for_each_that_may_hang(pvs: NewPvs) -> None:
    assert await names(pvs) == [*COMMON, *PVS6, *MAY_HANG]
    assert probes(pvs) == [",".join([*COMMON, *PVS6]), WEAR, ERASED]
    assert pvs.logins == 1


async def test_a_pvs5_is_asked_for_its_own_and_never_for_what_may_hang(pvs: NewPvs) -> None:
    pvs.variables |= dict.fromkeys(PVS5, "up")
    assert await names(pvs, model="PVS5", build=5412) == [*COMMON, *PVS5]
    assert probes(pvs) == [",".join([*COMMON, *PVS5])]


async def test_where_one_is_missing_each_is_asked_for_alone(pvs: NewPvs) -> None:
    missing = {"/sys/info/cpu_usage", "/net/wan1/state", ERASED}
    for name in missing:
        del pvs.variables[name]
    everything = [*COMMON, *PVS6, *MAY_HANG]
    assert await names(pvs) == [name for name in everything if name not in missing]
    assert probes(pvs)[1:] == everything
    assert pvs.logins == 1


async def test_one_that_hangs_is_skipped(pvs: NewPvs) -> None:
    pvs.hanging = {WEAR}
    assert await names(pvs) == [*COMMON, *PVS6, ERASED]


async def test_what_was_found_is_remembered_for_the_build(pvs: NewPvs, tmp_path: Path) -> None:
    pvs.hanging = {WEAR}
    have = await names(pvs, Memory(tmp_path, "pvs"))
    asked = len(pvs.seen)
    pvs.hanging = set()
    assert await names(pvs, Memory(tmp_path, "pvs")) == have
    assert len(pvs.seen) == asked
    assert WEAR in await names(pvs, Memory(tmp_path, "pvs"), build=61847)
    assert len(pvs.seen) > asked


async def test_what_is_forgotten_is_found_out_anew(pvs: NewPvs) -> None:
    memory = Memory(None, "pvs")
    async with PvsClient(place(pvs.base), any_certificate()) as client:
        optional = OptionalNames(Login(client, pvs.sessions.password), memory, "PVS6", 61846)
        await optional.names(0.0)
        optional.forget()
        asked = len(pvs.seen)
        assert WEAR in await optional.names(0.0)
        assert len(pvs.seen) == asked + 3


@pytest.mark.parametrize("trouble", [(503, ""), (500, ""), (200, "<html>")], ids=str)
async def test_a_trouble_half_way_leaves_no_half_knowledge(pvs: NewPvs, trouble: Any) -> None:
    memory = Memory(None, "pvs")
    del pvs.variables["/sys/info/hwrev"]
    pvs.answers["/vars?name=/net/wan0/state&fmt=obj"] = trouble
    with pytest.raises(Refused):
        await names(pvs, memory)
    assert memory.get("names") is None
    pvs.answers.clear()
    assert "/net/wan0/state" in await names(pvs, memory)


async def test_all_that_hang_together_are_a_trouble_and_no_knowledge(pvs: NewPvs) -> None:
    memory = Memory(None, "pvs")
    pvs.hanging = {"/sys/info/uptime"}
    with pytest.raises(Refused) as refused:
        await names(pvs, memory)
    assert refused.value.reason is Refusal.TIMEOUT
    assert memory.get("names") is None


async def test_a_pvs_that_has_none_of_them_has_none(pvs: NewPvs) -> None:
    memory = Memory(None, "pvs")

    def closed(seen: Seen) -> Any:
        return FORBIDDEN if "/vars" in seen.path else NewPvs.answer(pvs, seen)

    pvs.answer = closed  # type: ignore[method-assign]
    assert await names(pvs, memory) == []
    assert memory.get("names") is None
    assert LOGIN in pvs.paths


@pytest.mark.parametrize(
    "known",
    [7, [], {}, {"build": 61846}, {"build": 61846, "have": None}, {"have": ["/sys/info/model"], "build": None}],
    ids=repr,
)
async def test_a_damaged_memory_is_none(pvs: NewPvs, known: object) -> None:
    memory = Memory(None, "pvs")
    memory.set("names", known)
    assert len(await names(pvs, memory)) == len([*COMMON, *PVS6, *MAY_HANG])


async def test_a_memory_cannot_make_it_ask_for_what_is_not_in_the_table(pvs: NewPvs) -> None:
    memory = Memory(None, "pvs")
    memory.set("names", {"build": 61846, "have": ["/sys/info/wpa_key", 7, ["x"], "/sys/info/model", "a&set=b"]})
    found = await names(pvs, memory)
    assert "/sys/info/model" in found
    assert set(found) <= NAMES
    assert not any("wpa_key" in path or "set=" in path for path in pvs.paths)


async def test_what_was_lacking_is_asked_for_again_a_day_later_and_added(pvs: NewPvs) -> None:
    late = pvs.variables.pop("/sys/info/cpu_usage")
    async with PvsClient(place(pvs.base), any_certificate(), longest=0.2) as client:
        optional = OptionalNames(Login(client, pvs.sessions.password), Memory(None, "pvs"), "PVS6", 61846)
        have = list(await optional.names(0.0))
        pvs.variables["/sys/info/cpu_usage"] = late
        asked = len(pvs.seen)
        assert list(await optional.names(ASK_AGAIN - 1)) == have
        assert len(pvs.seen) == asked
        assert set(await optional.names(ASK_AGAIN)) == {*have, "/sys/info/cpu_usage"}
        assert len(probes(pvs)[-1:]) == 1
        assert probes(pvs)[-1] == "/sys/info/cpu_usage"


async def test_a_restart_of_the_service_asks_for_nothing_that_was_lacking(pvs: NewPvs) -> None:
    del pvs.variables["/sys/info/cpu_usage"]
    memory = Memory(None, "pvs")
    have = await names(pvs, memory)
    asked = len(pvs.seen)
    assert await names(pvs, memory) == have
    assert len(pvs.seen) == asked
