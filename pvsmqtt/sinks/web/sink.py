"""The sink: follows the bus, listens, and tells every client what is new."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.bus import Bus
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.web.door import Door
from pvsmqtt.sinks.web.guard import Guard
from pvsmqtt.sinks.web.hosts import Hosts, machine_names
from pvsmqtt.sinks.web.listening import listen, why_not
from pvsmqtt.sinks.web.log_tail import Line, LogTail
from pvsmqtt.sinks.web.options import Address, WebOptions
from pvsmqtt.sinks.web.parts import Known, Parts
from pvsmqtt.sinks.web.routes import Routes
from pvsmqtt.sinks.web.stream import Hub
from pvsmqtt.sinks.web.view import View

REFRESH = 5
"""Seconds between two reports of health to whoever follows."""

COMMENTS = 3
"""After so many of them, a line that only shows that somebody is there."""

RETRY = 10.0
"""Seconds between two tries to listen."""

LET_GO = 0.5
"""Seconds that replies under way get when it stops."""

OPEN = (
    "the status page can be read by everybody who reaches %s: set password_hash in [web] (pvsmqtt web-password makes "
    "it), or listen on 127.0.0.1"
)

_log = logging.getLogger("pvsmqtt.web")


class WebSink:
    """The page while it runs; ``listening`` is set while it can be reached. ``view`` and ``tail`` outlive it: what is
    known of devices, and the log."""

    def __init__(
        self, options: WebOptions, known: Known, parts: Parts, bus: Bus[Any], view: View, tail: LogTail
    ) -> None:
        if options.address is None:
            raise ValueError("there is no address to listen on")
        self._options, self._known, self._parts, self._bus = options, known, parts, bus
        self._view, self._tail = view, tail
        self._address: Address = options.address
        self.listening = asyncio.Event()
        self._hub = Hub()
        self._door: Door | None = None
        self._refused: Counter[str] = Counter()
        self._reason: str | None = None
        self._message: str | None = None

    def report(self) -> dict[str, Any]:
        """The page's part of the health topic."""
        return {
            "listening": self.listening.is_set(),
            "address": str(self._address),
            "password": self._options.password_hash is not None,
            "connections": 0 if self._door is None else self._door.connections,
            "following": len(self._hub),
            "refused": dict(self._refused),
            "reason": self._reason,
            "message": self._message,
        }

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._refresh())
            group.create_task(self._listen())

    def renew(self) -> None:
        """Tell everybody everything again: something that concerns all has changed."""
        if len(self._hub):
            self._hub.tell("state", "#state", self.state())

    def state(self) -> dict[str, Any]:
        """The document of ``api/state``."""
        known = self._known
        return {
            "version": known.version,
            "instance": known.instance,
            "started_at": iso(known.started_at),
            "now": _now(),
            "refresh": REFRESH,
            "devices": self._view.devices(known.topic),
            "health": known.health(),
            "home_assistant": known.home_assistant(),
            "log": self._tail.lines(),
        }

    async def _follow(self) -> None:
        news = self._bus.subscribe()
        try:
            while True:
                for event in await news.changes():
                    change = self._view.take(event, datetime.now(UTC), self._known.topic)
                    if change is not None:
                        self._hub.tell(change.event, change.id, change.document)
        finally:
            self._bus.unsubscribe(news)

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()

        def tell(line: Line) -> None:
            loop.call_soon_threadsafe(self._hub.tell, "log", "", line)

        self._tail.told = tell
        try:
            turn = 0
            while True:
                await asyncio.sleep(REFRESH)
                turn += 1
                if len(self._hub):
                    self._hub.tell("health", "#health", {**self._known.health(), "now": _now()})
                if turn % COMMENTS == 0:
                    self._hub.comment()
        finally:
            self._tail.told = None

    async def _listen(self) -> None:
        while True:
            door = Door(self._routes().answer, self._refused)
            try:
                server = await listen(door.make, self._address)
            except OSError as error:
                self._cannot(error)
                await asyncio.sleep(RETRY)
                continue
            self._reason = self._message = None
            self._door = door
            self.listening.set()
            _log.info("the status page listens on %s", self._address)
            if not self._address.here_only and self._options.password_hash is None:
                _log.warning(OPEN, self._address)
            try:
                await asyncio.Event().wait()
            finally:
                self.listening.clear()
                self._door = None
                server.close()
                self._hub.close()
                await door.close(LET_GO)

    def _cannot(self, error: OSError) -> None:
        reason, advice = why_not(error)
        if reason != self._reason:
            _log.error("the status page cannot listen on %s: %s; it is tried again", self._address, advice)
        self._reason, self._message = reason, f"cannot listen on {self._address}: {advice}"

    def _routes(self) -> Routes:
        options = self._options
        guard = None
        if options.password_hash is not None:
            guard = Guard(options.password_hash.get_secret_value(), self._address.port)
        return Routes(
            Hosts(self._address, options.hosts, machine_names()),
            guard,
            options.page,
            self._parts,
            self._known.health,
            self.state,
            self._hub,
            self._refused,
        )


def _now() -> str:
    return iso(datetime.now(UTC).replace(microsecond=0))
