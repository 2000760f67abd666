"""The status page below a path of a proxy that takes the path off, as Home Assistant's ingress does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import yarl
from aiohttp import web
from harness import free_port
from helpers_web import HASH, PASSWORD, Follower, Page, panel, serving


@asynccontextmanager
async def proxied(page: Page, prefix: str) -> AsyncIterator[str]:
    """Passes on what begins with the prefix, with the headers of the browser; the address for a browser."""

    async def pass_on(request: web.Request) -> web.StreamResponse:
        url = f"{page.url}{request.match_info['rest']}"
        headers = {key: value for key, value in request.headers.items() if key != "Content-Length"}
        how = {"headers": headers, "data": await request.read(), "allow_redirects": False}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session,
            session.request(request.method, url, **how) as reply,
        ):
            response = web.StreamResponse(status=reply.status)
            for key, value in reply.headers.items():
                if key not in ("Transfer-Encoding", "Content-Length"):
                    response.headers.add(key, value)
            await response.prepare(request)
            async for data in reply.content.iter_any():
                await response.write(data)
            return response

    app = web.Application()
    app.router.add_route("*", f"{prefix}{{rest:.*}}", pass_on)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}{prefix}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("prefix", ["/solar/", "/api/hassio_ingress/Zm9v/"])
async def test_login_page_and_events_below_a_path(prefix: str) -> None:
    async with serving(password_hash=HASH) as page, proxied(page, prefix) as url:
        browser, root = page.session, yarl.URL(url).origin()
        async with browser.get(url) as reply:  # every redirect is followed, as a browser does
            assert str(reply.url) == f"{url}login"
            assert 'action="login"' in await reply.text()
        async with browser.post(f"{url}login", data={"password": PASSWORD}) as reply:
            assert str(reply.url) == url
            assert reply.status == 200
        assert browser.cookie_jar.filter_cookies(yarl.URL(f"{url}api/state"))
        assert not browser.cookie_jar.filter_cookies(root), "nobody else on this host gets the cookie"
        page.bus.publish(panel(1))
        async with browser.get(f"{url}api/events", headers={"Host": "solar-pi.localhost"}) as reply:
            events = Follower(reply)
            await events.next("state")
            page.bus.publish(panel(1, 77.0))
            assert (await events.next("device"))["id"] == "e001"
        async with browser.post(f"{url}logout") as reply:
            assert str(reply.url) == f"{url}login"


FOREIGN = {"Host": "house.example.org", "X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1"}


@pytest.mark.parametrize(("hosts", "status"), [([], 403), (["house.example.org"], 200)])
async def test_the_name_by_which_the_proxy_was_asked_must_be_known(hosts: list[str], status: int) -> None:
    async with (
        serving(hosts=hosts) as page,
        proxied(page, "/solar/") as url,
        page.session.get(url, headers=FOREIGN) as reply,
    ):
        assert reply.status == status
