"""Replies, each with the headers that keep a browser from doing more with them than it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from pvsmqtt.sinks.web.stream import dumps

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "pvsmqtt",
}
"""On every reply, also on refusals."""


class Refused(Exception):
    """A request is not answered as it wishes; ``reason`` is what is counted."""

    def __init__(self, status: int, reason: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.reason, self.text, self.headers = status, reason, text, dict(headers or {})


def text(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Plain text, not to be kept."""
    return web.Response(text=body, status=status, headers={"Cache-Control": "no-store", **(headers or {})})


def document(body: Any, status: int = 200) -> web.Response:
    """JSON, not to be kept; compressed where the client can read that."""
    response = web.Response(
        text=dumps(body), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )
    response.enable_compression()
    return response


def page(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """HTML, not to be kept."""
    response = text(body, status, headers)
    response.content_type = "text/html"
    return response


def elsewhere(where: str) -> web.Response:
    """Go there; relative, since only the browser knows where the page is mounted."""
    return web.Response(status=303, headers={"Location": where, "Cache-Control": "no-store"})


def guarded(response: web.StreamResponse) -> web.StreamResponse:
    """The same with all `HEADERS`."""
    response.headers.update(HEADERS)
    return response
