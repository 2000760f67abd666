"""Which paths a firmware has, and what it answers there: one table per generation.

legacy      ?Command=... and the paths of ``dl_cgi``, open to everybody
varserver   supervisor/info and communication/interfaces open, devices/list with a session over https,
            everything else of ``dl_cgi`` forbidden; ``/auth`` and ``/vars``
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from pvsmqtt.simulator.pvs.firmware import HTML, JSON, Generation
from pvsmqtt.simulator.pvs.newer import auth
from pvsmqtt.simulator.pvs.newer.vars_api import LONGEST_BODY
from pvsmqtt.simulator.pvs.older import dl_cgi, extras
from pvsmqtt.simulator.pvs.web.faults import FORBIDDEN, UNAUTHORIZED, Area
from pvsmqtt.simulator.pvs.web.served import Served

Route = Callable[[Served, web.Request], Awaitable[web.StreamResponse]]

BASE = "/cgi-bin/dl_cgi"
LIST = f"{BASE}/devices/list"
INFO = f"{BASE}/supervisor/info"
INTERFACES = "communication/interfaces"

READING = frozenset({"GET", "HEAD"})

EXPIRED: dict[str, tuple[int, bytes, str]] = {
    "401": (401, UNAUTHORIZED, JSON),
    "empty": (200, b"", HTML),
    "500": (500, b"<html><body><h1>500 - Internal Server Error</h1></body></html>\n", HTML),
}
"""What ``/vars`` says to a session that is over; all of it was seen in the field, by name of the attribute."""
EXPIRED_OPEN = "open"
"""The same, but the open variables are told as if no cookie had been sent."""


async def answer(pvs: Served, request: web.Request) -> web.StreamResponse:
    """Answer a request of the equipment's own paths, in the manner of the firmware that runs."""
    routes = ROUTES[pvs.running.generation]
    route = routes.get(request.path)
    if route is None and request.path.startswith(BASE + "/"):
        route = DL_CGI[pvs.running.generation]
    if route is None:
        raise web.HTTPNotFound
    if request.method not in READING and route is not _vars:
        raise web.HTTPMethodNotAllowed(request.method, READING)
    return await route(pvs, request)


async def _command(pvs: Served, request: web.Request) -> web.StreamResponse:
    command = request.query.get("Command", "")
    if command == "DeviceList":
        return await _device_list(pvs, request)
    if command == "Start":
        return await _supervisor_info(pvs, request)
    tell = extras.COMMANDS.get(command)
    body = dl_cgi.UNKNOWN_COMMAND if tell is None else tell(pvs.told, pvs.told_now())
    return await pvs.reply(request, body)


async def _device_list(pvs: Served, request: web.Request) -> web.StreamResponse:
    pvs.stats.device_lists += 1
    pvs.tell_change()
    await asyncio.sleep(pvs.delay)
    body = pvs.payload if pvs.payload is not None else pvs.device_list()
    return await pvs.reply(request, body, Area.LIST)


async def _supervisor_info(pvs: Served, request: web.Request) -> web.StreamResponse:
    recorded = None if pvs.payload is None else dl_cgi.supervisor_info_of(pvs.payload)
    body = recorded or dl_cgi.supervisor_info(pvs.house.serials.supervisor, pvs.running)
    return await pvs.reply(request, body)


async def _path(pvs: Served, request: web.Request) -> web.StreamResponse:
    tell = extras.PATHS.get(_below(request))
    if tell is None:
        raise web.HTTPNotFound
    return await pvs.reply(request, tell(pvs.told, pvs.told_now()))


async def _guarded_path(pvs: Served, request: web.Request) -> web.StreamResponse:
    if _below(request) == INTERFACES:
        return await _path(pvs, request)
    if _below(request) in extras.PATHS:
        return await _forbidden(pvs, request)
    raise web.HTTPNotFound


async def _forbidden(pvs: Served, request: web.Request) -> web.StreamResponse:
    return await pvs.reply(request, FORBIDDEN, status=403)


async def _guarded_list(pvs: Served, request: web.Request) -> web.StreamResponse:
    if not pvs.is_owner(request):
        return await _forbidden(pvs, request)
    return await _device_list(pvs, request)


async def _auth(pvs: Served, request: web.Request) -> web.StreamResponse:
    if "login" in request.query:
        if not auth.accepts(request.headers.get("Authorization", ""), pvs.house.serials.supervisor):
            pvs.stats.failed_logins += 1
            return await pvs.reply(request, UNAUTHORIZED, Area.LOGIN, 401)
        pvs.stats.logins += 1
        token = pvs.sessions.begin()
        headers = {"Set-Cookie": auth.set_cookie(token)}
        return await pvs.reply(request, f'{{"session": "{token}"}}'.encode(), Area.LOGIN, headers=headers)
    if "logout" in request.query:
        if not pvs.sessions.end(pvs.token(request) or ""):
            return await pvs.reply(request, UNAUTHORIZED, status=401)
        pvs.stats.logouts += 1
        return await pvs.reply(request, b"{}")
    raise web.HTTPNotFound


async def _vars(pvs: Served, request: web.Request) -> web.StreamResponse:
    if request.method == "POST":
        text = (await request.read()).decode(errors="replace")
        if len(text) > LONGEST_BODY:
            raise web.HTTPRequestEntityTooLarge(LONGEST_BODY, len(text))
    elif request.method in READING:
        text = request.rel_url.raw_query_string
    else:
        raise web.HTTPMethodNotAllowed(request.method, READING | {"POST"})
    owner = pvs.is_owner(request)
    if not owner and pvs.token(request) is not None and pvs.expired != EXPIRED_OPEN:
        status, body, content_type = EXPIRED[pvs.expired]
        return await pvs.reply(request, body, Area.VARS, status, content_type)
    async with pvs.one_at_a_time:
        await asyncio.sleep(pvs.vars_delay)
        answer = pvs.answer_vars(text, owner)
    if answer.told & pvs.hanging():
        await asyncio.Event().wait()
    content_type = pvs.content_type or pvs.running.content_type
    return await pvs.reply(request, answer.body, Area.VARS, answer.status, content_type)


def _below(request: web.Request) -> str:
    return request.path.removeprefix(BASE + "/")


ROUTES: Mapping[Generation, Mapping[str, Route]] = {
    "legacy": {BASE: _command, LIST: _device_list, INFO: _supervisor_info},
    "varserver": {
        BASE: _forbidden,
        LIST: _guarded_list,
        INFO: _supervisor_info,
        "/auth": _auth,
        "/vars": _vars,
    },
}

DL_CGI: Mapping[Generation, Route] = {"legacy": _path, "varserver": _guarded_path}
"""Other paths below ``/cgi-bin/dl_cgi/``."""
