"""The server of the status page, on loopback: who may see what, with which headers, how many at once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import socket

import pytest
import yarl
from helpers_web import HASH, PASSWORD, STARTED, Follower, panel, serving

from pvsmqtt.model.reading import DeviceGone
from pvsmqtt.sinks.web import door, guard, routes, sessions, sink, stream
from pvsmqtt.sinks.web.parts import Parts

EVERYWHERE = (
    "",
    "static/index.html",
    "login",
    "logout",
    "api/state",
    "api/events",
    "api/curves",
    "api/registers",
    "api/diagnostics",
    "healthz",
    "metrics",
    "nowhere",
    "static/nothing.js",
    "static/../options.py",
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def guarded(headers: object) -> None:
    assert headers["Content-Security-Policy"] == POLICY  # type: ignore[index]
    assert headers["X-Content-Type-Options"] == "nosniff"  # type: ignore[index]
    assert headers["Referrer-Policy"] == "no-referrer"  # type: ignore[index]
    assert headers["Server"] == "pvsmqtt"  # type: ignore[index]


@pytest.mark.parametrize("password_hash", [None, HASH])
@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
async def test_every_reply_has_the_headers(path: str, method: str, password_hash: str | None) -> None:
    async with serving(password_hash=password_hash) as page:
        url = page.url + path
        async with page.session.request(method, url, allow_redirects=False) as response:
            guarded(response.headers)
            if method not in ("GET", "HEAD") and path not in ("login", "logout"):
                assert response.status in (404, 405)
            if path.startswith("api/"):
                assert response.headers["Cache-Control"] == "no-store"
            assert response.status < 500


async def test_what_is_no_http_is_refused_with_the_headers() -> None:
    async with serving() as page:
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n",
            b"GET /" + b"a" * 2 * door.LONGEST_LINE + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2 * door.LONGEST_LINE + b"\r\n\r\n",
        ):
            reply = await page.raw(data)
            assert reply.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
            assert f"Content-Security-Policy: {POLICY}".encode() in reply
            assert b"Server: pvsmqtt" in reply


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_a_foreign_name_is_refused_everywhere(path: str) -> None:
    async with serving(password_hash=HASH, hosts=["solar.example.org"]) as page:
        how = basic(PASSWORD)
        response, text = await page.get(path, headers={**how, "Host": "evil.example:8485"})
        assert response.status == 403
        assert "hosts under [web]" in text
        response, _ = await page.get(path, headers={**how, "Host": "evil.example", "X-Forwarded-Host": "localhost"})
        assert response.status == 403, "what a header claims of a proxy proves nothing"
        response, _ = await page.get("healthz", headers={**how, "Host": "solar.example.org"})
        assert response.status == 200
        assert page.sink.report()["refused"]["host"] == 2


async def test_no_host_is_refused() -> None:
    async with serving() as page:
        assert b" 403 " in (await page.raw(b"GET / HTTP/1.0\r\n\r\n")).split(b"\r\n")[0]


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


async def test_a_client_that_leaves_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()
    leave = stream.Hub.leave
    monkeypatch.setattr(stream.Hub, "leave", lambda hub, box: (leave(hub, box), left.set()))
    async with serving() as page:
        async with page.follow() as events:
            await events.next()
            assert page.sink.report()["following"] == 1
        async with asyncio.timeout(10):
            await left.wait()
        assert page.sink.report()["following"] == 0
        assert not page.sink.report()["refused"]


async def test_too_many_follow() -> None:
    async with serving() as page:
        sockets = []
        try:
            for _ in range(stream.MOST_CLIENTS):
                reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
                sockets.append(writer)
                writer.write(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b" 200 " in await reader.readline()
            response, text = await page.get("api/events")
            assert response.status == 503
            assert response.headers["Retry-After"]
            assert "too many follow the page already" in text
            assert page.sink.report()["refused"] == {"clients": 1}
            await page.json("api/state")
        finally:
            for writer in sockets:
                writer.close()


async def test_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 3)
    async with serving() as page:
        idle = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(3)]
        reply = await page.raw(b"")
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert f"Content-Security-Policy: {POLICY}".encode() in reply
        assert page.sink.report()["refused"] == {"connections": 1}
        assert page.sink.report()["connections"] == 3
        for _, writer in idle:
            writer.close()


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
async def test_who_asks_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(door, "IDLE", 0.1)
    async with serving() as page:
        assert await page.raw(begin) == b""


async def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "WRITE_WITHIN", 0.2)
    dropped = asyncio.Event()
    leave = stream.Hub.leave

    def left(hub: stream.Hub, box: stream.Mailbox) -> None:
        leave(hub, box)
        dropped.set()

    monkeypatch.setattr(stream.Hub, "leave", left)
    async with serving() as page, page.follow() as reading:
        await reading.next("state")
        deaf = page.deaf()
        try:
            number = 0
            async with asyncio.timeout(60):
                while not dropped.is_set():
                    number += 1
                    for one in range(100):
                        page.bus.publish(panel(one, float(number)))
                    while True:  # who reads gets all of it meanwhile
                        document = await reading.next("device")
                        if (document["id"], document["values"][0]["value"]) == ("e099", float(number)):
                            break
            assert page.sink.report()["refused"] == {"slow": 1}
            assert page.sink.report()["following"] == 1
        finally:
            deaf.close()


async def test_the_password_by_form() -> None:
    async with serving(password_hash=HASH) as page:
        response, _ = await page.get("")
        assert (response.status, response.headers["Location"]) == (303, "login")
        response, text = await page.get("api/state")
        assert response.status == 401
        assert not response.headers["WWW-Authenticate"].startswith("Basic"), "the page asks, not the browser"
        assert "devices" not in text
        response, text = await page.get("login")
        assert response.status == 200
        assert 'action="login"' in text
        response, text = await page.get("login", "POST", data={"password": "no such thing"})
        assert response.status == 401
        assert 'role="alert">Wrong password.<' in text
        assert not response.cookies
        response, _ = await page.get("login", "POST", data={"password": PASSWORD})
        assert (response.status, response.headers["Location"]) == (303, "./")
        assert page.sink.report()["refused"] == {"login": 1, "password": 1}
        (cookie,) = response.cookies.values()
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "", "the browser takes the folder where the page is mounted"
        assert "devices" in await page.json("api/state")
        async with page.follow() as events:
            await events.next("state")
            response, _ = await page.get("logout", "POST")
            assert (response.status, response.headers["Location"]) == (303, "login")
            await events.end()
        response, _ = await page.get("api/state", cookies={cookie.key: cookie.value})
        assert response.status == 401, "the login has ended, not only the cookie"


async def test_a_cookie_that_we_never_gave() -> None:
    async with serving(password_hash=HASH) as page:
        for value in ("", "x", "a" * 3000):
            response, _ = await page.get("api/state", headers={"Cookie": f"pvsmqtt_{page.port}={value}"})
            assert response.status == 401


async def test_the_cookie_of_another_page_on_this_host() -> None:
    async with serving(password_hash=HASH) as page, serving(password_hash=HASH) as other:
        for one in (page, other):
            await one.get("login", "POST", data={"password": PASSWORD})
            other.session.cookie_jar.update_cookies(page.session.cookie_jar.filter_cookies(yarl.URL(other.url)))
        await page.json("api/state")
        await other.json("api/state")


async def test_the_password_by_basic(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    matches = guard.passwords.matches
    monkeypatch.setattr(guard.passwords, "matches", lambda *how: looked_at.append(how) or matches(*how))
    async with serving(password_hash=HASH) as page:
        for _ in range(3):
            await page.json("api/state", headers=basic(PASSWORD))
            response, _ = await page.get("metrics", headers=basic(PASSWORD, "prometheus"))
            assert response.status == 200
            assert not response.cookies
        assert len(looked_at) == 1, "a program that asks every 15 s must not cost a tenth of a second each time"
        for wrong in (basic("wrong"), {"Authorization": "Basic §"}, {"Authorization": "Bearer abc"}):
            response, _ = await page.get("api/state", headers=wrong)
            assert response.status == 401
        await page.json("api/state", headers=basic(PASSWORD))


async def test_guessing_becomes_slow() -> None:
    async with serving(password_hash=HASH) as page:
        for _ in range(sessions.FREE_GUESSES):
            response, _ = await page.get("login", "POST", data={"password": "guess"})
            assert response.status == 401
        for path, method, how in (
            ("login", "POST", {"data": {"password": "guess"}}),
            ("api/state", "GET", {"headers": basic("guess")}),
        ):
            response, text = await page.get(path, method, **how)
            assert response.status == 429
            assert 0 < int(response.headers["Retry-After"]) <= sessions.FIRST_WAIT + 1
            assert "oo many wrong passwords" in text
        response, text = await page.get("login", "POST", data={"password": PASSWORD})
        assert response.status == 429, "else the right one among many guesses would be found at once"
        assert not response.cookies


async def test_many_guesses_at_once_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FREE_GUESSES", 1000)
    at_once = most = 0
    matches = guard.passwords.matches

    def counted(*how: object) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return matches(*how)  # type: ignore[arg-type]
        finally:
            at_once -= 1

    monkeypatch.setattr(guard.passwords, "matches", counted)
    async with serving(password_hash=HASH) as page:
        replies = await asyncio.gather(*(page.get("login", "POST", data={"password": "guess"}) for _ in range(30)))
        found = [response.status for response, _ in replies]
        assert most == 1
        assert set(found) == {401, 503}
        await page.json("api/state", headers=basic(PASSWORD))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"password=" + b"x" * 2 * door.MOST_BODY, 413),
        (b"password=\xff\xfe", 400),
        (b"&".join(b"a=%d" % number for number in range(100)), 400),
        (b"", 401),
        (b"pass=word", 401),
    ],
)
async def test_forms_that_are_none(body: bytes, status: int) -> None:
    async with serving(password_hash=HASH) as page:
        response, _ = await page.get("login", "POST", data=body)
        assert response.status == status
        guarded(response.headers)


async def test_a_form_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "FORM_WITHIN", 0.05)
    async with serving(password_hash=HASH) as page:
        head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nConnection: close\r\n\r\npass"
        assert b" 408 " in (await page.raw(head)).split(b"\r\n")[0]


async def test_a_part_that_fails_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("password=hunter2")

    async with serving(Parts(curves=broken, registers=broken)) as page:
        for _ in range(3):
            response, text = await page.get("api/curves")
            assert response.status == 500
            guarded(response.headers)
            assert "hunter2" not in text
        await page.json("api/state")
        assert caplog.text.count("the status page failed at") == 1


async def test_what_others_make_is_handed_out() -> None:
    parts = Parts(
        curves=lambda device, now: {"device": device, "now": now.tzinfo is not None},
        metrics=lambda: (b"pvsmqtt_up 1\n", "text/plain; version=0.0.4; charset=utf-8"),
        verdict=lambda health: list(health["reasons"]),
        diagnostics=lambda: "a report",
        registers=lambda: {"lines": [1]},
    )
    async with serving(parts) as page:
        assert await page.json("api/curves?device=a%2Fb") == {"device": "a/b", "now": True}
        assert await page.json("api/curves") == {"device": None, "now": True}
        assert await page.json("api/registers") == {"lines": [1]}
        response, text = await page.get("api/diagnostics")
        assert (response.content_type, text) == ("text/plain", "a report")
        response, text = await page.get("metrics")
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert text == "pvsmqtt_up 1\n"
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
    open_port = sink._open

    async def counted(*how: object) -> asyncio.Server:
        tries.put_nowait(None)
        return await open_port(*how)  # type: ignore[arg-type]

    monkeypatch.setattr(sink, "RETRY", 0.01)
    monkeypatch.setattr(sink, "_open", counted)
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
    ("listen", "password_hash", "warned"), [("*", None, True), ("*", HASH, False), ("", None, False)]
)
async def test_an_open_door_is_warned_of(
    listen: str, password_hash: str | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    from harness import free_port

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
