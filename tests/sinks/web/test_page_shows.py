"""What the status page shows, and how: on loopback, inside this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from dataclasses import replace

import pytest
from harness import free_port
from helpers_web import EVERYWHERE, HASH, PASSWORD, STARTED, Follower, basic, guarded, nothing, panel, serving

from pvsmqtt.model.reading import DeviceGone
from pvsmqtt.sinks.web import listening, sink
from pvsmqtt.sinks.web.parts import Parts


async def test_the_page_and_its_files() -> None:
    async with serving() as page:
        response, text = await page.get("")
        assert response.status == 200
        assert response.content_type == "text/html"
        assert "<html" in text
        response, _ = await page.get("static/login.html")
        assert response.headers["Cache-Control"] == "no-cache"
        for path in (
            "static/",
            "static/..",
            "static/..%2foptions.py",
            "static/%2e%2e/options.py",
            "static//etc/passwd",
            "static/../static/index.html",
            "static/%2e%2e/static/index.html",
        ):
            request = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            assert b" 404 " in (await page.raw(request.encode())).split(b"\r\n")[0]


async def test_without_the_page_there_are_only_healthz_and_metrics() -> None:
    async with serving(page=False, password_hash=HASH) as page:
        for path in EVERYWHERE:
            response, _ = await page.get(path, headers=basic(PASSWORD))
            assert response.status == (200 if path in ("healthz", "metrics") else 404)
        response, _ = await page.get("metrics")
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")


async def test_state_tells_all(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as page:
        page.tail.handle(logging.LogRecord("pvsmqtt.x", logging.INFO, "", 0, "all is well", None, None))
        page.bus.publish(panel(1))
        page.bus.publish(panel(2, None))
        async with page.follow() as events:
            document = await events.next("state")
            while len(document["devices"]) < 2:
                await events.next("device")
                document = await page.json("api/state")
        assert [device["id"] for device in document["devices"]] == ["e001", "e002"]
        assert document["devices"][1]["values"][0]["value"] is None
        assert document["version"] == "0.0"
        assert document["instance"] == "home"
        assert document["started_at"] == STARTED.isoformat().replace("+00:00", "Z")
        assert document["refresh"] == 5
        assert document["health"] == page.health
        assert document["home_assistant"] == {"devices": 1}
        assert [line["text"] for line in document["log"]] == ["all is well"]


async def test_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "REFRESH", 0.05)
    async with serving() as page, page.follow() as events:
        assert events.response.content_type == "text/event-stream"
        guarded(events.response.headers)
        assert (await events.next())["devices"] == []
        page.bus.publish(panel(1, 50.0))
        assert (await events.next("device"))["values"][0]["value"] == 50.0
        page.bus.publish(DeviceGone(panel(1).device))
        assert await events.next("gone") == {"id": "e001"}
        page.tail.handle(logging.LogRecord("pvsmqtt.x", logging.WARNING, "", 0, "oh", None, None))
        assert (await events.next("log"))["text"] == "oh"
        page.health["uptime"] = 77
        health = await events.next("health")
        while health.get("uptime") != 77:
            health = await events.next("health")
        assert health["now"].endswith("Z")
        page.sink.renew()
        assert (await events.next("state"))["devices"] == []


async def test_a_quiet_line_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "REFRESH", 0.02)
    async with serving() as page, page.follow() as events:
        assert await events.response.content.readline() == b"retry: 3000\n"
        async for line in events.response.content:
            if line.startswith(b":"):
                break


async def test_a_part_that_fails_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("password=hunter2")

    async with serving(replace(nothing(), curves=broken, registers=broken)) as page:
        for _ in range(3):
            response, text = await page.get("api/curves")
            assert response.status == 500
            guarded(response.headers)
            assert "hunter2" not in text
        await page.json("api/state")
        assert caplog.text.count("the status page failed at") == 1


async def test_what_others_make_is_handed_out() -> None:
    async def metrics(accept: str) -> tuple[bytes, str]:
        return f"pvsmqtt_up 1 # {accept}\n".encode(), "text/plain; version=0.0.4; charset=utf-8"

    async def report() -> str:
        return "a report"

    parts = Parts(
        curves=lambda device: {"device": device},
        metrics=metrics,
        verdict=lambda health: list(health["reasons"]),
        diagnostics=report,
        registers=lambda: {"lines": [1]},
    )
    async with serving(parts) as page:
        assert await page.json("api/curves?device=a%2Fb") == {"device": "a/b"}
        assert await page.json("api/curves") == {"device": None}
        assert await page.json("api/registers") == {"lines": [1]}
        response, text = await page.get("api/diagnostics")
        assert (response.content_type, text) == ("text/plain", "a report")
        response, text = await page.get("metrics", headers={"Accept": "text/plain"})
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert text == "pvsmqtt_up 1 # text/plain\n"
        page.health["reasons"] = []
        response, text = await page.get("healthz")
        assert (response.status, text) == (200, "ok\n")
        page.health["reasons"] = ["pvs: away", "broker: away"]
        response, text = await page.get("healthz")
        assert (response.status, text) == (503, "pvs: away\nbroker: away\n")
        response, text = await page.get("healthz", headers={"Accept": "application/json"})
        assert (response.status, json.loads(text)) == (
            503,
            {"status": "failing", "reasons": ["pvs: away", "broker: away"]},
        )


async def test_a_port_that_is_taken_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = asyncio.Queue[None]()
    open_port = listening.listen

    async def counted(*how: object) -> asyncio.Server:
        tries.put_nowait(None)
        return await open_port(*how)  # type: ignore[arg-type]

    monkeypatch.setattr(sink, "RETRY", 0.01)
    monkeypatch.setattr(sink, "listen", counted)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        task = None
        context = serving(listen=listen)
        task = asyncio.create_task(context.__aenter__())
        for _ in range(3):
            async with asyncio.timeout(10):
                await tries.get()
        assert not task.done()
    page = await task
    try:
        assert caplog.text.count("cannot listen on") == 1
        assert "another program has this port" in caplog.text
        assert page.sink.report()["listening"]
        assert page.sink.report()["reason"] is None
    finally:
        await context.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("listen", "password_hash", "warned"),
    [("*", None, True), ("*", HASH, False), ("", None, False)],
    ids=["open", "password", "here"],
)
async def test_an_open_door_is_warned_of(
    listen: str, password_hash: str | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    where = {"listen": f":{free_port()}"} if listen else {}
    async with serving(password_hash=password_hash, **where):
        assert ("can be read by everybody" in caplog.text) is warned


async def test_it_ends_with_followers_and_who_does_not_read() -> None:
    async with serving() as page, page.follow() as events:
        await events.next("state")
        with contextlib.closing(page.deaf()):
            async with asyncio.timeout(10):
                await end(events)


async def end(events: Follower) -> None:
    (task,) = [task for task in asyncio.all_tasks() if "WebSink.run" in repr(task)]
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await events.end()
