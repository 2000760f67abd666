"""The rule by which the watchdog of systemd is fed: every part keeps the promises it makes, and nothing else."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime

import pytest
from helpers_mqtt import PANEL, PVS, SITE, state
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.pulse import RESTARTED, Heartbeat, Pulse
from pvsmqtt.sources.base import Health
from pvsmqtt.status_line import MOST_NAMED, status_line

LOG = logging.getLogger("pvsmqtt.test")
EVERY = 5.0


class Watched:
    """Parts, and a pulse that is looked at every so many seconds."""

    def __init__(self, *names: str) -> None:
        self.now = 1000.0
        self.parts = {name: Heartbeat() for name in names}
        self.restarts: dict[str, int] = {}
        self.pulse = Pulse(EVERY, LOG)

    def beats(self, after: float = EVERY) -> bool:
        self.now += after
        return self.pulse.beats(self.now, self.parts, self.restarts, lambda name: f"{name}.py:7 read")

    def until(self, end: float) -> bool:
        """Whether it beats at the last look before that time."""
        fed = self.beats(0.0)
        while self.now + EVERY <= end:
            fed = self.beats()
        return fed


def test_who_keeps_promises_is_alive() -> None:
    watched = Watched("pvs", "rs485")
    for _ in range(1000):
        for part in watched.parts.values():
            part.promise(watched.now, EVERY + 1)
        assert watched.beats()


def test_who_promised_nothing_is_not_waited_for() -> None:
    watched = Watched("of another maker")
    assert watched.until(1e6)


def test_the_end_of_a_recording_is_the_end_of_the_work() -> None:
    watched = Watched("rs485")
    watched.parts["rs485"].promise(watched.now, math.inf)
    assert watched.until(1e5)
    assert watched.beats(3600.0)


def test_who_stops_is_said_once_and_again_when_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watched = Watched("pvs 10.0.0.1", "rs485")
    watched.parts["pvs 10.0.0.1"].promise(1000.0, 100.0)
    watched.parts["rs485"].promise(1000.0, 1e9)
    assert watched.until(1100.0)
    assert not watched.until(1500.0)
    (said,) = caplog.messages
    assert said.startswith("pvs 10.0.0.1 hangs: no sign of life for 105 s, it waits in pvs 10.0.0.1.py:7 read.")
    watched.parts["pvs 10.0.0.1"].promise(watched.now, 100.0)
    assert watched.beats()
    assert caplog.messages[1:] == ["pvs 10.0.0.1 does not hang any more"]
    assert not watched.until(watched.now + 200.0)
    assert len(caplog.messages) == 3


def test_one_that_was_taken_out_of_the_configuration_is_not_missed() -> None:
    watched = Watched("pvs", "rs485")
    watched.parts["pvs"].promise(1000.0, 10.0)
    assert not watched.until(1100.0)
    del watched.parts["pvs"]
    assert watched.beats()


def test_one_that_is_started_again_and_again_does_not_hang() -> None:
    """That a part fails is the business of the supervisor, which says it; a restart of everything would not help."""
    watched = Watched("pvs")
    watched.parts["pvs"].promise(1000.0, 10.0)
    for number in range(1, 200):
        watched.restarts = {"pvs": number}
        assert watched.until(watched.now + 60.0)
    assert watched.until(watched.now + RESTARTED - 100)
    assert not watched.until(watched.now + 200), "after its last start it hangs"


@given(st.floats(2 * EVERY + 0.1, 1e6))
def test_a_machine_that_slept_blames_nobody(slept: float) -> None:
    watched = Watched("pvs")
    watched.parts["pvs"].promise(watched.now, 60.0)
    assert watched.beats()
    assert watched.beats(slept)
    assert watched.until(watched.now + 40)
    assert not watched.until(watched.now + 30)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.floats(1.0, 500.0), min_size=1, max_size=20), min_size=1),
    st.data(),
)
def test_fed_as_long_as_all_keep_their_word(bounds: dict[str, list[float]], data: st.DataObject) -> None:
    """Whatever the parts promise: while each comes in time it is fed, and within a look of the first broken promise
    it is not."""
    watched = Watched(*bounds)
    for turn in range(20):
        for name, within in bounds.items():
            watched.parts[name].promise(watched.now, within[turn % len(within)])
        soonest = min(part.due or 0.0 for part in watched.parts.values())
        assert watched.until(data.draw(st.floats(watched.now, soonest)))
    for name, within in bounds.items():
        watched.parts[name].promise(watched.now, within[0])
    soonest = min(part.due or 0.0 for part in watched.parts.values())
    assert watched.until(soonest)
    assert not watched.until(soonest + 2 * EVERY)


class Source:
    """What fails, and why."""

    site = "site"

    def __init__(self, name: str, trouble: str | None = None) -> None:
        self.name = name
        self.health = Health(LOG)
        if trouble:
            self.health.bad(trouble, "it does not work", 0.0)
        else:
            self.health.good(datetime(2026, 6, 21, tzinfo=UTC), 0.0)

    async def run(self, deliver: object) -> None:
        raise NotImplementedError


class TestStatusLine:
    STATES = (state(PANEL, power=231.4), state(PVS, online=False), state(SITE, pv_power=3210.0))

    def test_all_is_well(self) -> None:
        assert status_line(self.STATES, [Source("pvs 10.0.0.1")]) == "1 of 2 devices online, PV 3.2 kW"

    def test_at_night(self) -> None:
        states = [state(PANEL, availability="asleep", power=0.0), state(SITE, pv_power=0.0)]
        assert status_line(states, []) == "0 of 1 devices online, 1 asleep, PV 0 W"

    def test_unknown_is_not_zero(self) -> None:
        assert status_line([state(SITE, pv_power=None)], []) == "0 of 0 devices online"

    def test_what_fails(self) -> None:
        text = status_line(self.STATES, [Source("pvs a", "timeout"), Source("rs485 b")], "unreachable")
        assert text.endswith("; no broker (unreachable), pvs a fails (timeout)")

    def test_one_line_whatever_fails(self) -> None:
        text = status_line([], [Source(f"pvs {n}\nREADY=1", "timeout") for n in range(20)])
        assert text.endswith(f", {20 - MOST_NAMED} more fail")
        assert "\n" not in text
