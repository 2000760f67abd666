"""The bus: the latest event of each key reaches every sink, however slow it is."""

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.bus import Bus, Flow


@dataclass(frozen=True)
class Event:
    key: str
    number: int


async def test_a_new_view_begins_with_everything_known():
    bus: Bus[Event] = Bus()
    bus.publish(Event("a", 1))
    bus.publish(Event("b", 2))
    assert await bus.subscribe().changes() == [Event("a", 1), Event("b", 2)]


async def test_a_slow_sink_gets_only_the_latest():
    bus: Bus[Event] = Bus()
    view = bus.subscribe()
    for number in range(1000):
        bus.publish(Event("a", number))
    assert await view.changes() == [Event("a", 999)]


async def test_one_view_does_not_take_from_another():
    bus: Bus[Event] = Bus()
    first, second = bus.subscribe(), bus.subscribe()
    bus.publish(Event("a", 1))
    assert await first.changes() == [Event("a", 1)]
    assert await second.changes() == [Event("a", 1)]


async def test_a_view_waits_for_news():
    bus: Bus[Event] = Bus()
    view = bus.subscribe()
    waiting = asyncio.create_task(view.changes())
    await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish(Event("a", 1))
    assert await waiting == [Event("a", 1)]


async def test_an_ended_view_gets_nothing_more():
    bus: Bus[Event] = Bus()
    view = bus.subscribe()
    bus.unsubscribe(view)
    bus.publish(Event("a", 1))
    assert not view._pending


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers())))
def test_the_latest_of_each_key_in_order_of_arrival(events):
    async def run():
        bus: Bus[Event] = Bus()
        view = bus.subscribe()
        for key, number in events:
            bus.publish(Event(key, number))
        return [(e.key, e.number) for e in (await view.changes() if events else [])], bus.latest()

    taken, latest = asyncio.run(run())
    assert dict(taken) == dict(events)
    assert len(taken) == len(dict(events))
    last_positions = [max(i for i, (k, _) in enumerate(events) if k == key) for key, _ in taken]
    assert last_positions == sorted(last_positions)
    assert {e.key: e.number for e in latest} == dict(events)


async def test_in_a_flow_every_event_counts():
    flow: Flow[int] = Flow()
    first, second = flow.subscribe(10), flow.subscribe(10)
    flow.publish([1, 2])
    flow.publish([2])
    await first.arrival()
    assert first.take() == (0, [1, 2, 2])
    flow.publish([3])
    assert first.take() == (0, [3])
    assert second.take() == (0, [1, 2, 2, 3])


async def test_a_flow_begins_with_what_comes_next():
    flow: Flow[int] = Flow()
    flow.publish([1])
    late = flow.subscribe(10)
    waiting = asyncio.create_task(late.arrival())
    await asyncio.sleep(0)
    assert not waiting.done()
    flow.publish([2])
    await waiting
    assert late.take() == (0, [2])
    flow.unsubscribe(late)
    flow.publish([3])
    assert late.take() == (0, [])


async def test_who_does_not_take_is_told_how_much_was_lost():
    flow: Flow[int] = Flow()
    stream = flow.subscribe(3)
    flow.publish(range(10))
    assert stream.waiting == 3
    assert stream.take() == (7, [7, 8, 9])
    assert stream.take() == (0, [])
