"""The slow requests beside the main one: each at its own pace, one with every poll."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.errands import ABSENT, DAY, HOUR, Errand, Errands
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")

EARLY = 0.9
"""The share of its pace at which an errand is not due yet; just before its pace is over it may be."""


class Journal:
    """Makes errands and notes which ran when."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, float]] = []
        self.refuse: dict[str, Refusal] = {}
        self.unwanted: set[str] = set()

    def errand(self, name: str, pace: float, optional: bool = True) -> Errand:
        async def run(now: float) -> Sequence[Reading]:
            self.ran.append((name, now))
            if name in self.refuse:
                raise Refused(self.refuse[name], "no")
            return [Reading(PVS, {"uptime": now}, name)]

        return Errand(name, pace, run, lambda: name not in self.unwanted, optional)

    def names(self) -> list[str]:
        return [name for name, _ in self.ran]


@pytest.fixture
def journal() -> Journal:
    return Journal()


async def test_all_run_at_the_start_in_their_order(journal: Journal) -> None:
    errands = Errands([journal.errand("a", HOUR), journal.errand("b", DAY), journal.errand("c", 900)])
    readings = await errands.all(5.0)
    assert [reading.source for reading in readings] == journal.names() == ["a", "b", "c"]
    assert await errands.one(6.0) == []


async def test_one_is_run_at_a_time_and_the_most_overdue_first(journal: Journal) -> None:
    errands = Errands([journal.errand("day", DAY), journal.errand("hour", HOUR), journal.errand("quarter", 900)])
    await errands.all(0.0)
    journal.ran.clear()
    for _ in range(4):
        await errands.one(DAY)
    assert journal.names() == ["quarter", "hour", "day"]


async def test_each_keeps_its_pace(journal: Journal) -> None:
    errands = Errands([journal.errand("hour", HOUR), journal.errand("quarter", 900)])
    await errands.all(0.0)
    journal.ran.clear()
    for poll in range(1, 289):
        await errands.one(300.0 * poll)
    runs = Counter(journal.names())
    assert 23 <= runs["hour"] <= 24
    assert 94 <= runs["quarter"] <= 96
    assert len({now for _, now in journal.ran}) == len(journal.ran)


async def test_none_waits_for_ever_behind_one_that_is_due_with_every_poll(journal: Journal) -> None:
    errands = Errands([journal.errand("always", 300), journal.errand("hour", HOUR), journal.errand("day", DAY)])
    await errands.all(0.0)
    journal.ran.clear()
    for poll in range(1, 2 * 288):
        await errands.one(300.0 * poll)
    runs = Counter(journal.names())
    assert runs["day"] >= 1
    assert runs["hour"] >= 40


async def test_one_that_is_not_wanted_does_not_run(journal: Journal) -> None:
    errands = Errands([journal.errand("a", 300), journal.errand("b", 300)])
    journal.unwanted = {"a"}
    await errands.all(0.0)
    assert journal.names() == ["b"]
    journal.unwanted = {"b"}
    await errands.one(1.0)
    assert journal.names() == ["b", "a"]
    assert await errands.one(2.0) == []


@pytest.mark.parametrize("reason", sorted(ABSENT))
async def test_what_firmware_does_not_have_is_tried_once_a_day(journal: Journal, reason: Refusal) -> None:
    errands = Errands([journal.errand("a", 900)])
    journal.refuse["a"] = reason
    assert await errands.all(0.0) == []
    assert errands.refusals() == {"a": reason.value}
    assert await errands.one(EARLY * DAY) == []
    assert len(journal.ran) == 1
    del journal.refuse["a"]
    assert await errands.one(DAY)
    assert errands.refusals() == {}
    assert await errands.one(DAY + 900)


@pytest.mark.parametrize("reason", [Refusal.TIMEOUT, Refusal.BUSY, Refusal.LOGIN_ENDED, Refusal.SERVER_ERROR])
async def test_after_a_passing_trouble_it_keeps_its_pace(journal: Journal, reason: Refusal) -> None:
    errands = Errands([journal.errand("a", 900)])
    journal.refuse["a"] = reason
    await errands.all(0.0)
    await errands.one(EARLY * 900)
    assert len(journal.ran) == 1
    await errands.one(900.0)
    assert len(journal.ran) == 2


async def test_what_every_firmware_has_keeps_its_pace_whatever_the_trouble(journal: Journal) -> None:
    errands = Errands([journal.errand("a", 900, optional=False)])
    journal.refuse["a"] = Refusal.BAD_REQUEST
    await errands.all(0.0)
    await errands.one(900.0)
    assert len(journal.ran) == 2


async def test_one_that_is_refused_does_not_stop_the_others(journal: Journal) -> None:
    errands = Errands([journal.errand("a", 900), journal.errand("b", 900)])
    journal.refuse["a"] = Refusal.BUSY
    assert [reading.source for reading in await errands.all(0.0)] == ["b"]


async def test_a_slow_one_that_is_absent_is_not_tried_more_often_for_that(journal: Journal) -> None:
    errands = Errands([journal.errand("week", 7 * DAY)])
    journal.refuse["week"] = Refusal.NOT_FOUND
    await errands.all(0.0)
    await errands.one(6 * DAY)
    assert len(journal.ran) == 1


@given(st.lists(st.floats(1, 1e5), min_size=1, max_size=50))
async def test_no_errand_runs_faster_than_its_pace(gaps: list[float]) -> None:
    journal, now = Journal(), 0.0
    errands = Errands([journal.errand("a", 900), journal.errand("b", HOUR)])
    for gap in gaps:
        now += gap
        await errands.one(now)
    for name, pace in (("a", 900), ("b", HOUR)):
        times = [at for ran, at in journal.ran if ran == name]
        assert all(later - earlier >= EARLY * pace for earlier, later in pairwise(times))
