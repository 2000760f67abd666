"""What is where: a table of paths. Before any of them, the checks that every request passes.

./  static/<file>  login  logout                       people
api/state  events  curves  registers  diagnostics      the page
healthz  metrics                                       programs
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from pvsmqtt.sinks.web import replies
from pvsmqtt.sinks.web.guard import Guard
from pvsmqtt.sinks.web.hosts import Hosts
from pvsmqtt.sinks.web.parts import Parts
from pvsmqtt.sinks.web.replies import Refused
from pvsmqtt.sinks.web.stream import RETRY, Hub, frame

STATIC = Path(__file__).parent / "static"
READ = ("GET", "HEAD")

WRITE_WITHIN = 20.0
"""Seconds in which a client of the stream must take what is written, else it is dropped."""

FORM_WITHIN = 10.0
"""Seconds in which a form must have arrived."""

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}

_log = logging.getLogger("pvsmqtt.web")

Handler = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
"""Takes a request and the login by which it came."""


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a path, to which methods, and whether the password is needed. ``asks`` is how a program is asked
    for it: a browser would show a box of its own where the page has a better one."""

    handler: Handler
    methods: tuple[str, ...] = READ
    open: bool = False
    asks: str = "Session"


class Routes:
    """Answers requests. ``state`` makes the document of ``api/state``."""

    def __init__(
        self,
        hosts: Hosts,
        guard: Guard | None,
        page: bool,
        parts: Parts,
        health: Callable[[], Any],
        state: Callable[[], Any],
        hub: Hub,
        refused: Counter[str],
    ) -> None:
        self._hosts, self._guard, self._parts, self._health = hosts, guard, parts, health
        self._state, self._hub, self._refused = state, hub, refused
        self._said_failed: set[str] = set()
        self._table: dict[str, Route] = {
            "healthz": Route(self._healthz, asks='Basic realm="pvsmqtt", charset="UTF-8"'),
            "metrics": Route(self._metrics, asks='Basic realm="pvsmqtt", charset="UTF-8"'),
        }
        if page:
            self._table |= {
                "": Route(self._page),
                "api/state": Route(self._api_state),
                "api/events": Route(self._api_events),
                "api/curves": Route(self._api_curves),
                "api/registers": Route(self._api_registers),
                "api/diagnostics": Route(self._api_diagnostics),
            }
            if guard is not None:
                self._table |= {
                    "login": Route(self._login, (*READ, "POST"), open=True),
                    "logout": Route(self._logout, ("POST",), open=True),
                }
        self._static = page

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request, with the headers that every reply has."""
        try:
            response = await self._answer(request)
        except Refused as refused:
            self._refused[refused.reason] += 1
            response = replies.text(f"{refused.text}\n", refused.status, refused.headers)
        except web.HTTPException as error:  # of aiohttp, for a body that is too large
            self._refused["request"] += 1
            response = replies.text(f"{error.reason}\n", error.status)
        except ConnectionError:
            raise
        except Exception as error:
            response = self._failed(request.path, error)
        return response if response.prepared else replies.guarded(response)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._hosts.accepts(request.headers.get("Host")):
            raise Refused(
                403,
                "host",
                "this name is not known here (Host header). Use the address of this machine, or add the name to "
                "hosts under [web] in the configuration",
            )
        path = request.path.removeprefix("/")
        route = self._table.get(path)
        if route is None and self._static and path.startswith("static/"):
            route = Route(self._file, open=True)
        if route is None:
            raise Refused(404, "path", "there is nothing here")
        if request.method not in route.methods:
            raise Refused(405, "method", "this page only shows", {"Allow": ", ".join(route.methods)})
        if route.open or self._guard is None:
            return await route.handler(request, "")
        try:
            login = await self._guard.admit(request)
        except Refused as refused:
            if refused.status == 401:
                refused.headers["WWW-Authenticate"] = route.asks
            raise
        if login is None and path == "":
            return replies.elsewhere("login")
        if login is None:
            raise Refused(401, "login", "log in first", {"WWW-Authenticate": route.asks})
        return await route.handler(request, login)

    def _failed(self, path: str, error: Exception) -> web.Response:
        self._refused["failed"] += 1
        place = f"{path} {type(error).__name__}"
        if place not in self._said_failed and len(self._said_failed) < 100:
            self._said_failed.add(place)
            _log.error("the status page failed at %.100s. Please report this", path, exc_info=error)
        return replies.text("this failed; the log says more\n", 500)

    async def _page(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del request, login
        return _static_file("index.html")

    async def _file(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        return _static_file(request.path.removeprefix("/static/"))

    async def _api_state(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del request, login
        return replies.document(self._state())

    async def _api_curves(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        return replies.document(self._parts.curves(request.query.get("device"), datetime.now(UTC)))

    async def _api_registers(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del request, login
        return replies.document(self._parts.registers())

    async def _api_diagnostics(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del request, login
        return replies.text(await self._parts.diagnostics())

    async def _healthz(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        reasons = self._parts.verdict(self._health())
        status = 503 if reasons else 200
        if "application/json" in request.headers.get("Accept", ""):
            return replies.document({"status": "failing" if reasons else "ok", "reasons": reasons}, status)
        return replies.text("".join(f"{reason}\n" for reason in reasons or ["ok"]), status)

    async def _metrics(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        body, kind = await self._parts.metrics(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})
        response.enable_compression()
        return response

    async def _login(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        if self._guard is None:
            raise Refused(404, "path", "there is nothing here")
        if request.method in READ:
            return _login_page()
        password = await _password(request)
        try:
            await self._guard.check(password, request.remote)
        except Refused as refused:
            self._refused[refused.reason] += 1
            return _login_page(refused)
        response = replies.elsewhere("./")
        self._guard.begin(response)
        return response

    async def _logout(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        del login
        response = replies.elsewhere("login")
        if self._guard is not None:
            self._hub.end(self._guard.end(request, response))
        return response

    async def _api_events(self, request: web.BaseRequest, login: str) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # a proxy must not collect
            }
        )
        if request.method == "HEAD":
            return response
        box = self._hub.enter(login or None)
        if box is None:
            raise Refused(
                503, "clients", "too many follow the page already; close some of them", {"Retry-After": "30"}
            )
        try:
            replies.guarded(response)
            data: bytes | None = RETRY + frame("state", self._state())
            await response.prepare(request)
            while data is not None:
                async with asyncio.timeout(WRITE_WITHIN):
                    await response.write(data)
                data = await box.take()
        except TimeoutError:
            self._refused["slow"] += 1
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._hub.leave(box)
        response.force_close()
        return response


async def _password(request: web.BaseRequest) -> str:
    """What a form says; the empty text where it says nothing."""
    try:
        async with asyncio.timeout(FORM_WITHIN):
            body = await request.read()
        form = parse_qs(body.decode("utf-8"), max_num_fields=10)
    except TimeoutError:
        raise Refused(408, "request", "the form did not arrive in time") from None
    except ValueError:
        raise Refused(400, "request", "this is no form") from None
    return form.get("password", [""])[0]


def _static_file(name: str) -> web.Response:
    """A file of the folder; browsers ask each time whether it is still the same, so an upgrade is seen at once."""
    path = STATIC / name
    if Path(name).name != name or path.suffix not in TYPES or not path.is_file():
        raise Refused(404, "path", "there is nothing here")
    response = web.Response(body=path.read_bytes(), headers={"Cache-Control": "no-cache"})
    response.content_type, response.charset = TYPES[path.suffix], "utf-8"
    response.enable_compression()
    return response


def _login_page(refused: Refused | None = None) -> web.Response:
    body = (STATIC / "login.html").read_text("utf-8")
    if refused is None:
        return replies.page(body)
    said = f'<p class="said" role="alert">{refused.text[0].upper()}{refused.text[1:]}.</p>\n'
    return replies.page(body.replace("<form", f"{said}<form", 1), refused.status, refused.headers)
