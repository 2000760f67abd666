"""When a PVS is asked again what it is, and what changes the decision."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers_pvs import (
    DEVICE_LIST,
    DEVICES,
    FORBIDDEN,
    LOGIN,
    NOON,
    NOT_FOUND,
    OPEN_INFO,
    PASSWORD,
    SERIAL,
    SUPERVISOR_INFO,
    FakePvs,
    NewPvs,
    client_of,
    info,
    make_certificate,
    options_of,
    place,
)

from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.errands import DAY
from pvsmqtt.sources.pvs.generation import Decision, Generation
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.review import PATIENCE, WHILE_FAILING, Review

LEGACY, VARSERVER = Generation.LEGACY, Generation.VARSERVER
LOG = logging.getLogger("pvsmqtt.pvs test")


class Bench:
    """A review and what it needs, of one PVS."""

    def __init__(self, pvs: FakePvs, client: PvsClient, memory: Memory, **options: Any) -> None:
        self.pvs, self.client, self.memory = pvs, client, memory
        self.login = Login(client, options.get("password"))
        self.wall = NOON
        self.options = options_of("pvs", **options)
        self.review = self.another()

    def another(self) -> Review:
        """As after a restart of the service."""
        return Review(self.options, self.memory, self._wall, LOG)

    def _wall(self) -> datetime:
        return self.wall

    async def run(self, now: float = 0.0) -> Decision:
        return await self.review.run(self.client, self.login, now)

    async def refusal(self) -> Refusal:
        with pytest.raises(Refused) as refused:
            await self.run()
        return refused.value.reason

    def says(self, *arguments: Any, **more: Any) -> None:
        self.pvs.answers[SUPERVISOR_INFO] = (200, info(*arguments, **more))

    def is_silent(self) -> None:
        self.pvs.answers[SUPERVISOR_INFO] = self.pvs.answers[OPEN_INFO] = (503, "")


@pytest.fixture
async def pvs() -> AsyncIterator[NewPvs]:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        yield pvs


@pytest.fixture
async def bench(pvs: NewPvs, tmp_path: Path) -> AsyncIterator[Bench]:
    async with client_of(pvs) as client:
        yield Bench(pvs, client, Memory(tmp_path, "pvs"))


async def test_it_is_due_at_the_start_and_once_a_day(bench: Bench) -> None:
    assert bench.review.due(1e6, 0, None)
    await bench.run(5.0)
    assert not bench.review.due(5.0, 0, 61846)
    assert not bench.review.due(5.0 + DAY - 1, PATIENCE - 1 - 1, 61846)
    assert bench.review.due(5.0 + DAY, 0, 61846)


async def test_while_polls_fail_it_is_due_every_quarter_of_an_hour(bench: Bench) -> None:
    assert (PATIENCE, WHILE_FAILING) == (3, 900)
    await bench.run(0.0)
    assert not bench.review.due(899.0, 100, None)
    assert not bench.review.due(900.0, 2, None)
    assert bench.review.due(900.0, 3, None)
    bench.is_silent()
    await bench.run(900.0)
    assert not bench.review.due(1799.0, 100, None)
    assert bench.review.due(1800.0, 100, None)


async def test_another_build_makes_it_due_but_not_over_and_over(bench: Bench) -> None:
    await bench.run(0.0)
    assert not bench.review.due(WHILE_FAILING, 0, 61847)
    assert bench.review.due(WHILE_FAILING + 1, 0, 61847)
    await bench.run(1000.0)
    assert not bench.review.due(1000.0 + WHILE_FAILING, 0, 61847)


async def test_a_build_that_was_not_known_before_is_no_other_build(bench: Bench) -> None:
    bench.says("PVS6", None, "unreadable")
    assert (await bench.run(0.0)).identity.build is None
    assert not bench.review.due(2 * WHILE_FAILING, 0, 61846)


async def test_the_same_build_changes_nothing_whatever_else_is_answered(bench: Bench) -> None:
    first = await bench.run()
    for path in (LOGIN, DEVICES, DEVICE_LIST):
        bench.pvs.answers[path] = FORBIDDEN
    logins = bench.pvs.count(LOGIN)
    bench.wall = NOON.replace(hour=20)
    assert await bench.run(DAY) is first
    bench.says("PVS6", None, "unreadable")
    assert await bench.run(2 * DAY) is first
    assert bench.pvs.count(LOGIN) == logins


async def test_an_unknown_build_that_is_asked_again_is_no_news(bench: Bench) -> None:
    bench.says("PVS6", None, "unreadable")
    first = await bench.run()
    bench.wall = NOON.replace(hour=20)
    assert await bench.run(DAY) == first


async def test_another_build_changes_the_decision_and_says_so(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench.says("PVS6", 61829)
    assert (await bench.run()).generation is LEGACY
    assert bench.pvs.count("/auth") == 0
    bench.says("PVS6", 61846)
    assert (await bench.run(DAY)).generation is VARSERVER
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "varserver with login from now on" in said
    bench.says("PVS6", 61847)
    decision = await bench.run(2 * DAY)
    assert (decision.generation, decision.identity.build) == (VARSERVER, 61847)
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


async def test_it_can_also_go_back(bench: Bench) -> None:
    assert (await bench.run()).generation is VARSERVER
    bench.says("PVS6", 61829)
    assert (await bench.run(DAY)).generation is LEGACY


async def test_silence_changes_nothing(bench: Bench) -> None:
    first = await bench.run()
    bench.is_silent()
    assert await bench.run(1000.0) is first


async def test_what_was_decided_before_a_restart_stands_in_for_an_answer(bench: Bench, tmp_path: Path) -> None:
    first = await bench.run()
    bench.is_silent()
    bench.memory, bench.login.serial = Memory(tmp_path, "pvs"), None
    bench.review = bench.another()
    again = await bench.run()
    assert (again.generation, again.identity, again.at) == (first.generation, first.identity, first.at)
    assert "as known before" in again.reason
    assert bench.login.serial == SERIAL
    assert await bench.run(1000.0) is again
    bench.says()
    assert await bench.run(2000.0) is again


async def test_an_answer_counts_more_than_the_memory(bench: Bench) -> None:
    await bench.run()
    bench.says("PVS6", 61829)
    bench.review = bench.another()
    assert (await bench.run()).generation is LEGACY


async def test_with_neither_answer_nor_memory_it_is_refused(bench: Bench) -> None:
    bench.is_silent()
    assert await bench.refusal() is Refusal.BUSY
    assert bench.review.decision is None
    assert bench.review.due(0.0, 0, None)


async def test_the_configuration_is_obeyed(pvs: NewPvs, tmp_path: Path) -> None:
    async with client_of(pvs) as client:
        ordered = Bench(pvs, client, Memory(tmp_path, "a"), api="legacy")
        decision = await ordered.run()
        assert (decision.generation, decision.identity.build) == (LEGACY, 61846)
        assert 'api = "legacy"' in decision.reason
        ordered = Bench(pvs, client, Memory(tmp_path, "b"), api="varserver")
        ordered.says("PVS6", 61829)
        assert (await ordered.run()).generation is VARSERVER
        assert ordered.login.serial == SERIAL
    assert pvs.count("/auth") == 0


async def test_a_memory_of_the_other_interface_does_not_overrule_the_configuration(bench: Bench) -> None:
    await bench.run()
    bench.is_silent()
    bench.options = options_of("pvs", api="legacy")
    bench.review = bench.another()
    assert (await bench.run()).generation is LEGACY


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"api": "legacy"}, LEGACY),
        ({"api": "varserver", "password": PASSWORD}, VARSERVER),
        ({"api": "varserver"}, Refusal.BUSY),
        ({"api": "auto", "password": PASSWORD}, Refusal.BUSY),
    ],
    ids=repr,
)
async def test_what_can_be_done_without_any_answer(
    pvs: NewPvs, options: dict[str, Any], outcome: Generation | Refusal
) -> None:
    async with client_of(pvs) as client:
        bench = Bench(pvs, client, Memory(None, "pvs"), **options)
        bench.is_silent()
        if isinstance(outcome, Refusal):
            assert await bench.refusal() is outcome
        else:
            first = await bench.run()
            assert first.generation is outcome
            bench.wall = NOON.replace(hour=20)
            assert await bench.run(DAY) == first


async def test_an_ordered_decision_is_made_anew_only_when_there_is_news(pvs: NewPvs) -> None:
    async with client_of(pvs) as client:
        bench = Bench(pvs, client, Memory(None, "pvs"), api="varserver")
        bench.says("PVS6", None, "unreadable")
        first = await bench.run()
        bench.wall = NOON.replace(hour=20)
        assert await bench.run(DAY) is first
        bench.says("PVS6", 61846)
        assert (await bench.run(2 * DAY)).identity.build == 61846


@pytest.mark.parametrize("first", [61829, 61839])
async def test_an_update_that_brings_the_login_may_bring_another_certificate(tmp_path: Path, first: int) -> None:
    old, new = make_certificate(tmp_path), make_certificate(tmp_path)
    memory = Memory(tmp_path / "state", "pvs")
    async with FakePvs().running() as plain:
        for build, shown, generation in ((first, old, LEGACY), (61846, new, VARSERVER)):
            async with NewPvs(shown).running() as secure:
                if generation is LEGACY:
                    secure.answers[LOGIN] = NOT_FOUND
                trusted = Certificate("pin", memory)
                async with PvsClient(place(plain.base, secure.base), trusted) as client:
                    bench = Bench(plain, client, memory)
                    bench.says("PVS6", build)
                    assert (await bench.run()).generation is generation
                    assert (bench.login.age < 100) is (generation is VARSERVER)
    assert memory.get("certificate") == new.fingerprint


async def test_a_certificate_that_was_pinned_is_not_forgotten_for_a_claim_to_be_old(
    pvs: NewPvs, tmp_path: Path
) -> None:
    memory = Memory(tmp_path, "pvs")
    memory.set("certificate", "0a" * 32)
    async with client_of(pvs) as client:
        bench = Bench(pvs, client, memory)
        for build in (61829, 61839):
            bench.says("PVS6", build)
            assert (await bench.run()).generation in (LEGACY, VARSERVER)
    assert memory.get("certificate") == "0a" * 32


async def test_another_certificate_is_never_overlooked(tmp_path: Path) -> None:
    first, second = make_certificate(tmp_path), make_certificate(tmp_path)
    memory = Memory(tmp_path / "state", "pvs")
    async with NewPvs(second).running() as pvs:
        memory.set("certificate", first.fingerprint)
        memory.set("decision", {**Decision(VARSERVER, "so", NOON).document(), "serial": SERIAL})
        async with PvsClient(place(pvs.base), Certificate("pin", memory)) as client:
            bench = Bench(pvs, client, memory)
            assert await bench.refusal() is Refusal.CERTIFICATE
        assert pvs.seen == []


@pytest.mark.parametrize("answer", [(404, ""), (500, ""), (200, "<html>")], ids=["404", "500", "html"])
async def test_a_pvs_that_does_not_say_who_it_is_is_read_by_what_works(pvs: NewPvs, answer: Any) -> None:
    """A proxy may pass on nothing but the list, or nothing but the varserver."""
    pvs.answers |= {SUPERVISOR_INFO: answer, OPEN_INFO: answer}
    async with client_of(pvs) as client:
        with_login = Bench(pvs, client, Memory(None, "pvs"), api="auto", password=PASSWORD)
        assert (await with_login.run()).generation is VARSERVER
        pvs.answers[DEVICE_LIST] = (200, {"devices": [], "result": "succeed"})
        without = Bench(pvs, client, Memory(None, "pvs"), api="auto")
        assert (await without.run()).generation is LEGACY
        assert without.review.due(DAY, 0, None), "who it is remains to be found out"
