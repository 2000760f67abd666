"""What the web server of a supervisor does with every request and every reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Access-Control-Allow-Methods": "GET,POST,DELETE,PUT",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type",
    "Cache-Control": "no-cache, no-store, no-cache, must-revalidate,post-check=0, pre-check=0",
    "Pragma": "no-cache",
    "dlcgi-build-time": "Sep 15 2021 00:05:00",
    "Server": "lighttpd/1.4.51",
}
"""What the firmware's web server sends with every reply (seen in firmware 2021.9)."""


@web.middleware
async def survive(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 when a handler fails; a client that goes away is no failure."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        _log.exception("the simulator failed to answer %s", request.path_qs)
        return web.Response(status=500, text="500 - Internal Server Error\n")


def headers_of(clock: Callable[[], datetime]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Sends `HEADERS` with every reply, and as its ``Date`` what the supervisor's clock shows."""

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        with suppress(RuntimeError):  # a clock that does not go: a handler will fail too, and `survive` answers
            response.headers["Date"] = format_datetime(clock().astimezone(UTC), usegmt=True)

    return add
