"""Requests are merged as far as a device bears it, and what it refused is never asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.plan import LIMIT, Plan, Span


class Device:
    """Has certain registers, and refuses every request that touches another one or crosses the end of a block."""

    def __init__(self, has: set[int], ends: set[int] = frozenset()) -> None:
        self.has, self.ends = has, ends
        self.asked: list[Span] = []
        self.refused: list[Span] = []

    def read(self, request: Span) -> bool:
        self.asked.append(request)
        addresses = set(range(request.address, request.end))
        good = addresses <= self.has and not any(end in self.ends for end in addresses - {request.address})
        if not good:
            self.refused.append(request)
        return good

    def cycle(self, plan: Plan) -> set[int]:
        """One round as the reader does it; the registers that were told."""
        told: set[int] = set()

        def fetch(request: Span) -> bool:
            if self.read(request):
                told.update(range(request.address, request.end))
                return True
            halves = plan.halves(request)
            if halves is None:
                return False
            left, right = (fetch(half) for half in halves)
            if left and right:
                plan.separate(halves[1].address)
            return False

        for request in list(plan.requests):
            fetch(request)
        return told


def covered(spans: list[Span]) -> set[int]:
    return {address for span in spans for address in range(span.address, span.end)}


def test_a_tolerant_device_is_asked_as_seldom_as_the_limit_allows() -> None:
    wanted = [Span(0, 2), Span(10, 2), Span(100, 2), Span(123, 2), Span(124, 2), Span(300, 1)]
    assert Plan(wanted).requests == [Span(0, 125), Span(124, 2), Span(300, 1)]


def test_a_gap_that_is_refused_becomes_a_wall_and_the_others_stay_merged() -> None:
    wanted = [Span(0, 2), Span(10, 2), Span(14, 2), Span(40, 2)]
    device = Device(set(range(12)) | set(range(14, 50)))
    plan = Plan(wanted)
    assert device.cycle(plan) >= covered(wanted)
    for _ in range(3):
        device.cycle(plan)
    assert plan.requests == [Span(0, 12), Span(14, 28)]
    assert len(device.refused) == len(set(device.refused))


def test_a_span_that_the_device_does_not_have_is_asked_once_alone_and_never_again() -> None:
    device = Device(set(range(100)) - {20, 21})
    plan = Plan([Span(10, 2), Span(20, 2), Span(30, 2)])
    device.cycle(plan)
    assert plan.refused == {Span(20, 2)}
    asked = len(device.asked)
    device.cycle(plan)
    device.cycle(plan)
    assert device.asked[asked:] == [Span(10, 2), Span(30, 2)] * 2


def test_walls_that_are_set_are_never_crossed() -> None:
    plan = Plan([Span(0, 10), Span(10, 10), Span(20, 5)], walls=[10, 20])
    assert plan.requests == [Span(0, 10), Span(10, 10), Span(20, 5)]


def test_what_was_learned_is_there_after_a_restart() -> None:
    device = Device(set(range(60)) - {5, 40})
    wanted = [Span(0, 2), Span(10, 2), Span(40, 1), Span(50, 2)]
    plan = Plan(wanted)
    for _ in range(3):
        device.cycle(plan)
    again = Plan(wanted)
    again.restore(plan.document())
    assert again.requests == plan.requests
    refused = len(device.refused)
    device.cycle(again)
    assert len(device.refused) == refused


@pytest.mark.parametrize("document", [None, [], {"walls": 3, "refused": "x"}, {"walls": ["a"], "refused": [[1], 2]}])
def test_a_memory_that_is_none_is_ignored(document: object) -> None:
    plan = Plan([Span(0, 2)])
    plan.restore(document)
    assert plan.requests == [Span(0, 2)]


@given(
    st.lists(st.builds(Span, st.integers(0, 400), st.integers(1, 8)), min_size=1, max_size=25),
    st.sets(st.integers(0, 410), max_size=40),
    st.sets(st.integers(0, 410), max_size=4),
)
def test_whatever_a_device_refuses(wanted: list[Span], lacks: set[int], ends: set[int]) -> None:
    device = Device(set(range(450)) - lacks, ends)
    plan = Plan(wanted)
    told: set[int] = set()
    for _ in range(12):
        told = device.cycle(plan)
    assert all(request.length <= LIMIT for request in device.asked)
    assert len(device.refused) == len(set(device.refused)), "a read that was refused is never repeated"
    settled = len(device.refused)
    device.cycle(plan)
    assert len(device.refused) == settled, "it comes to rest"
    # Every span that the device has is told, unless it lies over one that it has not.
    for span in wanted:
        alone = not any(other != span and other.address < span.end and span.address < other.end for other in wanted)
        has = Device(set(range(450)) - lacks, ends).read(span)
        assert not (alone and has) or covered([span]) <= told


@given(st.lists(st.builds(Span, st.integers(0, 2000), st.integers(1, 20)), min_size=1, max_size=60))
def test_every_span_is_in_one_request_as_a_whole(wanted: list[Span]) -> None:
    requests = Plan(wanted).requests
    for span in set(wanted):
        assert any(r.address <= span.address and span.end <= r.end for r in requests)
    assert requests == sorted(requests)
