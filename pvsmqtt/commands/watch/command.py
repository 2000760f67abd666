"""``pvsmqtt watch``: listens to a broker and shows the house, on a terminal as a screen, in a pipe as lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pvsmqtt.broker.subscription import Subscription
from pvsmqtt.commands import log
from pvsmqtt.commands.live import keep_drawing, on_terminal
from pvsmqtt.commands.until import until_ended
from pvsmqtt.commands.watch import plain, screen
from pvsmqtt.commands.watch.keys import keyboard
from pvsmqtt.commands.watch.picture import Picture, picture
from pvsmqtt.commands.watch.screen import VIEWS, Way
from pvsmqtt.commands.watch.seen import Seen
from pvsmqtt.commands.watch.where import Watched, watched

if TYPE_CHECKING:
    from rich.console import Console, Group

QUIET = 1.0
"""Seconds without a message after which everything that a broker keeps has come."""
MOST_WAIT = 10.0
"""Seconds after which a picture is printed with what there is."""
MOST_WAITING = 50_000
"""Messages that may wait here: a broker tells all that it keeps at once."""

OTHER_VERSION = "version"
"""The broker speaks another version of MQTT, which is tried next."""

OFTEN, SELDOM = 10.0, 300.0
"""Seconds after which a line is printed: when it tells news, and when it does not."""
LOOK = 0.5

PAGE = 10
FAR = 1_000_000


class Watching:
    """What is heard of the broker."""

    def __init__(self, where: Watched) -> None:
        self.seen = Seen(where.base, where.instance)
        self.news = asyncio.Event()
        self.lost = asyncio.Event()
        self.trouble = ""
        self._broker, self._auto = str(where.broker), where.broker.protocol == "auto"
        self._connected_at: float | None = None
        client = f"pvsmqtt-watch-{secrets.token_hex(4)}"  # two who watch must not push each other out
        self.subscription = Subscription(where.broker, client, self.seen.filters, self, most_waiting=MOST_WAITING)

    def on_connected(self, version: str) -> None:  # noqa: ARG002  see `Hear`
        """See `Hear`. What stood on the broker comes again, and only that counts."""
        self.seen.forget()
        self.trouble, self._connected_at = "", time.monotonic()
        self.lost.clear()
        self.news.set()

    def on_lost(self, reason: str, message: str, first_tries: bool) -> None:  # noqa: ARG002  see `Hear`
        """See `Hear`. What was known stays on the screen, growing older."""
        if reason == OTHER_VERSION and self._auto:
            return
        self.trouble, self._connected_at = message, None
        self.lost.set()
        self.news.set()

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        """See `Hear`."""
        self.seen.take(topic, payload, retained, datetime.now(UTC))
        self.news.set()

    def on_alive(self, within: float) -> None:
        """See `Hear`."""

    def is_news(self) -> bool:
        """Whether something came since this was asked last."""
        news = self.news.is_set()
        self.news.clear()
        return news

    @property
    def way(self) -> Way:
        """How it is with the broker."""
        since = None if self._connected_at is None else time.monotonic() - self._connected_at
        return Way(self._broker, since, self.trouble)

    def picture(self) -> Picture:
        """The present."""
        return picture(self.seen, datetime.now(UTC))


class Reader:
    """Where a person looks: the view, its first line."""

    def __init__(self) -> None:
        self.view, self.top = next(iter(VIEWS)), 0
        self.page = PAGE
        self.quit = asyncio.Event()
        self.moved = asyncio.Event()

    def on_key(self, key: str) -> None:
        """A key was pressed."""
        steps = {"up": -1, "down": 1, "page up": -self.page, "page down": self.page, "home": -FAR, "end": FAR}
        turns = {"next": 1, "previous": -1}
        if key == "quit":
            self.quit.set()
        elif key in turns:
            views = list(VIEWS)
            self.view, self.top = views[(views.index(self.view) + turns[key]) % len(views)], 0
        else:
            self.top = max(0, self.top + steps[key])
        self.moved.set()


def watch(
    broker: str | None,
    base_topic: str | None,
    instance: str | None,
    password_file: Path | None,
    once: bool,
    as_json: bool,
    as_plain: bool,
    config: Path | None,
) -> int:
    """Show the house until q or Ctrl-C (exit status 0), or once; then 1 when there is nothing to show.

    Raises:
        SettingsError: when the configuration is bad, or what is named is no broker.
    """
    log.set_up("error")
    where = watched(broker, base_topic, instance, password_file, config)
    if once or as_json:
        return asyncio.run(_once(where, as_json))
    if as_plain or not on_terminal():
        asyncio.run(_lines(where))
        return 0
    last = asyncio.run(_screen(where))
    print(last)  # noqa: T201
    return 0


async def _once(where: Watched, as_json: bool) -> int:
    watching = Watching(where)
    status = 1

    async def show() -> None:
        nonlocal status
        await _settle(watching)
        status = _print(watching, where, as_json)

    await until_ended(None, watching.subscription.run(), show())
    return status


async def _settle(watching: Watching) -> None:
    """Wait until all has come that the broker keeps, or there is no broker."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MOST_WAIT):
            while not (watching.seen.complete or watching.lost.is_set()):
                try:
                    async with asyncio.timeout(QUIET if watching.way.connected_for is not None else None):
                        await watching.news.wait()
                except TimeoutError:
                    return
                watching.news.clear()


def _print(watching: Watching, where: Watched, as_json: bool) -> int:
    if watching.way.connected_for is None:
        return _no(watching.trouble or f"the broker at {where.broker} does not answer")
    seen = watching.picture()
    if as_json:
        print(json.dumps(plain.document(seen, watching.seen), indent=2))  # noqa: T201
    elif seen.things:
        from rich.console import Console, Group

        console = Console()
        ascii_only = console.options.ascii_only
        console.print(Group(*screen.everything(seen, watching.way, console.width, ascii_only)))
    if seen.things:
        return 0
    others = f"; there are: {', '.join(sorted(seen.others))}" if seen.others else ", nor any other"
    return _no(f"no instance {where.instance} stands below {where.base} on the broker at {where.broker}{others}")


async def _lines(where: Watched) -> None:
    watching = Watching(where)
    await until_ended(None, watching.subscription.run(), _keep_printing(watching))


async def _keep_printing(watching: Watching) -> None:
    await _settle(watching)
    said, state, when = "", None, 0.0
    while True:
        seen, now = watching.picture(), time.monotonic()
        text = plain.summary(seen, watching.way)
        turned = (seen.online, bool(watching.trouble), len(seen.failing))
        if turned != state or now - when >= (OFTEN if text != said else SELDOM):
            print(f"{seen.at:%Y-%m-%dT%H:%M:%SZ} {text}", flush=True)  # noqa: T201
            said, state, when = text, turned, now
        await asyncio.sleep(LOOK)


async def _screen(where: Watched) -> str:
    """Draw until somebody ends it; the last line that is left behind."""
    watching, reader = Watching(where), Reader()

    def draw(console: Console) -> Group:
        from rich.console import Group

        width, height = console.size
        reader.page = max(1, height - screen.HEAD - screen.FOOT - 1)
        lines, reader.top = screen.render(
            watching.picture(), watching.way, reader.view, reader.top, width, height, console.options.ascii_only
        )
        return Group(*lines)

    async def ended() -> None:
        await reader.quit.wait()

    with _keys(reader.on_key):
        await until_ended(
            None, watching.subscription.run(), keep_drawing(draw, watching.is_news, reader.moved), ended()
        )
    return plain.summary(watching.picture(), watching.way)


@contextlib.contextmanager
def _keys(on_key: Callable[[str], None]) -> Iterator[None]:
    try:
        file = sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):  # there is none
        yield
        return
    with keyboard(file, on_key):
        yield


def _no(reason: str) -> int:
    print(f"pvsmqtt: {reason}", file=sys.stderr)  # noqa: T201
    return 1
