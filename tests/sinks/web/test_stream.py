"""Mailboxes of clients: the latest of each key, bounded."""

from __future__ import annotations

import json

import pytest

from pvsmqtt.sinks.web.stream import LOG_LINES, Hub, Mailbox, frame


async def test_a_slow_client_skips_states_but_no_device() -> None:
    hub = Hub()
    box = hub.enter()
    assert box is not None
    for power in range(100):
        for device in ("a", "b"):
            hub.tell("device", device, {"id": device, "power": power})
    hub.tell("gone", "a", {"id": "a"})
    assert await box.take() == frame("device", {"id": "b", "power": 99}) + frame("gone", {"id": "a"})
    assert box.waiting == 0


async def test_the_log_of_a_slow_client_is_bounded() -> None:
    box = Mailbox()
    for number in range(1000):
        box.put("", frame("log", number))
    assert box.waiting == LOG_LINES
    data = await box.take()
    assert data is not None
    assert data.startswith(frame("log", 1000 - LOG_LINES))
    assert data.endswith(frame("log", 999))


async def test_clients_are_bounded() -> None:
    hub = Hub(most=2)
    first, second = hub.enter(), hub.enter()
    assert first is not None
    assert second is not None
    assert hub.enter() is None
    hub.leave(first)
    hub.leave(first)
    assert hub.enter() is not None
    assert hub.enter() is None
    assert len(hub) == 2


async def test_the_end() -> None:
    hub = Hub()
    mine, other = hub.enter("mine"), hub.enter("other")
    assert mine is not None
    assert other is not None
    hub.tell("device", "a", {})
    hub.end("mine")
    assert await mine.take() is None
    assert await other.take() is not None
    hub.close()
    assert await other.take() is None


def test_an_event_is_one_line_whatever_is_in_it() -> None:
    evil = "a\r\nevent: state\ndata: {}\n\n\u2028</script>"
    text = frame("log", {"text": evil}).decode()
    assert text.count("\n") == 3
    assert json.loads(text.split("data: ", 1)[1])["text"] == evil
    with pytest.raises(ValueError):
        frame("device", {"power": float("nan")})
