"""Who may see the status page, and what every reply says to a browser."""

from __future__ import annotations

import asyncio

import pytest
import yarl
from helpers_web import EVERYWHERE, HASH, PASSWORD, POLICY, basic, guarded, serving

from pvsmqtt.sinks.web import door, guard, routes, sessions


@pytest.mark.parametrize("password_hash", [None, HASH], ids=["open", "password"])
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
        assert "path" not in response.headers["Set-Cookie"].lower(), "the browser takes where the page is mounted"
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
