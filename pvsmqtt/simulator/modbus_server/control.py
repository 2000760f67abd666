"""Switching a running simulator over http, for people; tests use its objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from pvsmqtt.simulator.modbus_server.served import Served


class Control:
    """A port for people. ``how`` reads what a fault is told, and raises ValueError."""

    def __init__(
        self, simulator: Served, host: str, port: int, how: Callable[[dict[str, str]], dict[str, Any]]
    ) -> None:
        self.simulator = simulator
        self.host, self.port = host, port
        self._how = how
        self._reboots: set[asyncio.Task[None]] = set()
        app = web.Application()
        app.router.add_get("/simulator/fault/{name}", self._fault)
        app.router.add_get("/simulator/reboot", self._reboot)
        app.router.add_get("/simulator/word-order/{order}", self._word_order)
        app.router.add_get("/simulator/stats", self._stats)
        self._runner = web.AppRunner(app)

    @property
    def url(self) -> str:
        """Known after `start`."""
        return f"http://{self.host}:{self.port}/simulator/"

    async def start(self) -> None:
        """Listen; raises OSError when the port is not to be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End it, and what was begun."""
        for task in self._reboots:
            task.cancel()
        await asyncio.gather(*self._reboots, return_exceptions=True)
        await self._runner.cleanup()

    async def _fault(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "none":
            self.simulator.faults.clear()
        else:
            try:
                self.simulator.faults.add(name, **self._how(dict(request.query)))
            except ValueError as error:
                return web.Response(status=400, text=f"{error}\n")
        return web.json_response([asdict(one) for one in self.simulator.faults.active])

    async def _reboot(self, request: web.Request) -> web.Response:
        try:
            seconds = float(request.query.get("seconds", "10"))
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        task = asyncio.get_running_loop().create_task(self.simulator.reboot(seconds))
        self._reboots.add(task)
        task.add_done_callback(self._reboots.discard)
        return web.Response(text=f"gone for {seconds:g} s\n")

    async def _word_order(self, request: web.Request) -> web.Response:
        order = request.match_info["order"]
        if order not in ("big", "little"):
            return web.Response(status=400, text=f"{order} is neither big nor little\n")
        self.simulator.faults.word_order = "big" if order == "big" else "little"
        return web.Response(text=f"{order}\n")

    async def _stats(self, _: web.Request) -> web.Response:
        log = self.simulator.log
        numbers = {"requests": log.seen, "refused": log.refused, "writes": log.writes, "connections": log.connections}
        return web.json_response({**numbers, "connected": self.simulator.connected})
