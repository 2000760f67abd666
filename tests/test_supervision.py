"""Supervision: a part that dies comes back, and takes no other part with it."""

import asyncio
import logging

from pvsmqtt import supervision
from pvsmqtt.supervision import LONGEST_PAUSE, OFTEN, Supervisor


class Pauses:
    """A sleep that only notes how long it was asked to be."""

    def __init__(self):
        self.taken = []

    async def __call__(self, seconds):
        self.taken.append(seconds)
        await asyncio.sleep(0)


async def test_a_failing_part_is_started_again_and_others_run_on(caplog):
    caplog.set_level(logging.CRITICAL, "pvsmqtt.supervision")
    pauses, runs, enough, others = Pauses(), [], asyncio.Event(), []

    async def bad():
        runs.append(1)
        if len(runs) == 5:
            enough.set()
            await asyncio.Event().wait()
        raise RuntimeError("a bug")

    async def good():
        try:
            await asyncio.Event().wait()
        finally:
            others.append("ended")

    supervisor = Supervisor(sleep=pauses)
    supervisor.start("good", good)
    supervisor.start("bad", bad)
    await asyncio.wait_for(enough.wait(), 10)
    assert supervisor.restarts["bad"] == 4
    assert not others
    await supervisor.stop("bad", "good")
    assert others == ["ended"]
    assert supervisor.names == []


async def test_a_part_that_just_ends_is_started_again():
    pauses, again = Pauses(), asyncio.Event()
    runs = []

    async def part():
        runs.append(1)
        if len(runs) == 2:
            again.set()
            await asyncio.Event().wait()

    supervisor = Supervisor(sleep=pauses)
    supervisor.start("part", part)
    await asyncio.wait_for(again.wait(), 10)
    await supervisor.stop("part")


async def test_pauses_grow_and_stay_bounded(caplog):
    caplog.set_level(logging.CRITICAL, "pvsmqtt.supervision")
    pauses, enough = Pauses(), asyncio.Event()

    async def bad():
        if len(pauses.taken) >= 12:
            enough.set()
            await asyncio.Event().wait()
        raise ValueError

    supervisor = Supervisor(sleep=pauses)
    supervisor.start("bad", bad)
    await asyncio.wait_for(enough.wait(), 10)
    await supervisor.stop("bad")
    assert all(0 < pause <= LONGEST_PAUSE for pause in pauses.taken)
    assert pauses.taken[0] <= 1 < pauses.taken[3] < pauses.taken[8]


async def test_a_part_that_ends_again_and_again_is_unstable_until_it_is_stopped(caplog):
    caplog.set_level(logging.CRITICAL, "pvsmqtt.supervision")
    pauses, enough = Pauses(), asyncio.Event()

    async def bad():
        if len(pauses.taken) >= OFTEN:
            enough.set()
            await asyncio.Event().wait()
        assert supervisor.unstable() == {}
        raise ValueError

    supervisor = Supervisor(sleep=pauses)
    supervisor.start("bad", bad)
    await asyncio.wait_for(enough.wait(), 10)
    assert supervisor.unstable() == {"bad": OFTEN}
    await supervisor.stop("bad")
    assert supervisor.unstable() == {}


async def test_a_part_that_has_run_well_since_is_not_unstable(monkeypatch):
    pauses, enough = Pauses(), asyncio.Event()

    async def part():
        if len(pauses.taken) >= OFTEN:
            enough.set()
            await asyncio.Event().wait()

    supervisor = Supervisor(sleep=pauses)
    supervisor.start("part", part)
    await asyncio.wait_for(enough.wait(), 10)
    assert supervisor.unstable() == {"part": OFTEN}
    monkeypatch.setattr(supervision, "STABLE", -1.0)  # as if that time were over
    assert supervisor.unstable() == {}
    await supervisor.stop("part")


async def test_the_failure_is_logged_with_its_trace(caplog):
    runs, again = [], asyncio.Event()

    async def bad():
        runs.append(1)
        if len(runs) == 2:
            again.set()
            await asyncio.Event().wait()
        raise RuntimeError("here it is")

    supervisor = Supervisor(sleep=Pauses())
    supervisor.start("some part", bad)
    await asyncio.wait_for(again.wait(), 10)
    await supervisor.stop("some part")
    assert "some part failed" in caplog.text
    assert "here it is" in caplog.text
