"""A stand-in for the server of the status page: it serves the static files and what a test wants to be shown."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from typing import Any

from aiohttp import web
from harness import free_port
from web_page import documents

from pvsmqtt.sinks.web.replies import guarded
from pvsmqtt.sinks.web.routes import STATIC, _static_file


class Fake:
    """Tells ``state`` to whoever comes, then what `tell` is given. ``asked`` counts requests by path."""

    def __init__(self, state: documents.Document) -> None:
        self.state = state
        self.curves: dict[str, Any] = {}
        self.registers = documents.registers()
        self.locked = False
        self.asked: Counter[str] = Counter()
        self.port = free_port()
        self._streams: list[asyncio.Queue[bytes | None]] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        app = web.Application(middlewares=[self._count])
        for path, name in (("/", "index.html"), ("/login", "login.html"), ("/static/{name}", None)):
            app.router.add_get(path, partial(_file, name))
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/{what}", self._api)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def tell(self, event: str, document: Any) -> None:
        for stream in self._streams:
            stream.put_nowait(f"event: {event}\ndata: {json.dumps(document)}\n\n".encode())

    @web.middleware
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked[request.path] += 1
        if self.locked and request.path.startswith("/api/"):
            return web.Response(status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _api(self, request: web.Request) -> web.StreamResponse:
        what = request.match_info["what"]
        if what == "diagnostics":
            return guarded(web.Response(text="pvsmqtt 0.9.0\nnothing secret\n"))
        if what == "curves":
            id = request.query.get("device", "site")
            keys = None if id.startswith("site") else ("power",)
            return guarded(web.json_response(self.curves.get(id) or documents.curves((id,), keys)))
        return guarded(web.json_response({"state": self.state, "registers": self.registers}[what]))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        guarded(response)
        await response.prepare(request)
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams.append(stream)
        try:
            await response.write(f"retry: 200\nevent: state\ndata: {json.dumps(self.state)}\n\n".encode())
            while (data := await stream.get()) is not None:
                await response.write(data)
        finally:
            self._streams.remove(stream)
        return response


async def _file(name: str | None, request: web.Request) -> web.StreamResponse:
    name = name or request.match_info["name"]
    assert (STATIC / name).is_file(), name
    return guarded(_static_file(name))
