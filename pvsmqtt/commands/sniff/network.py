"""``pvsmqtt sniff`` of a capture of a network: a FIFO, a file that is followed, or standard input."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvsmqtt.capture.connection import Endpoint
from pvsmqtt.capture.mirror import PORTS, Spoken
from pvsmqtt.commands.live import keep_drawing
from pvsmqtt.commands.replay import network
from pvsmqtt.commands.sniff.picture import Picture
from pvsmqtt.commands.until import until_ended
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.sources.modbus_tap.inputs import CaptureLost
from pvsmqtt.sources.modbus_tap.tap import Hear, State, Tap
from pvsmqtt.sources.modbus_tap.trouble import trouble
from pvsmqtt.sources.register_units.stats import BusStats

if TYPE_CHECKING:
    from rich.console import Console, Group


class NotHeard(Exception):
    """The capture was never heard: most likely it is not the one that was meant."""


class Sniffing(Hear):
    """What a tap hears, as a picture for each server, and a line for each request and answer where ``as_json`` is not
    None."""

    def __init__(self, tap: Tap, maps: Sequence[RegisterMap], units: Collection[int], as_json: bool | None) -> None:
        self.pictures: dict[Endpoint, Picture] = {}
        self.news = True
        self.said = ""
        self.ended = asyncio.Event()
        self._tap, self._maps, self._units, self._as_json = tap, maps, units, as_json
        self._began: float | None = None

    def on_spoken(self, spoken: Spoken) -> None:
        """See `Hear`."""
        self.news = True
        picture = self.picture(spoken)
        frame, block = spoken.told.frame, spoken.told.block
        picture.stats.frame(frame)
        picture.frame(frame)
        if block is not None:
            picture.block(block, spoken.changed)
        if self._began is None:
            self._began = frame.when
        if self._as_json is not None and picture.shows(frame.unit):
            show = network.document(spoken, self._began) if self._as_json else network.line(spoken, self._began)
            print(json.dumps(show) if self._as_json else show, flush=True)  # noqa: T201

    def on_state(self, state: State, said: str, lost: CaptureLost | None) -> None:
        """See `Hear`.

        Raises:
            NotHeard: when it cannot be heard the first time: then a person waits for the reason.
        """
        self.news, self.said = True, said
        if state is State.LOST and lost is not None and not self._tap.mirror.packets:
            raise NotHeard(str(lost))
        if state is State.ENDED:
            self.ended.set()

    def picture(self, spoken: Spoken) -> Picture:
        """That of a server."""
        server = spoken.server
        found = self.pictures.get(server.endpoint)
        if found is None:
            found = Picture(server.images, BusStats(), network.maps_at(server.endpoint.port, self._maps), self._units)
            self.pictures[server.endpoint] = found
        return found

    def is_news(self) -> bool:
        """Whether something came since this was asked last."""
        news, self.news = self.news, False
        return news

    def count(self) -> None:
        """Time-outs, before something is shown."""
        for at, picture in self.pictures.items():
            picture.stats.counted({}, self._tap.mirror.servers[at].tally.timeouts)

    def summary(self) -> list[str]:
        """What was heard in all."""
        self.count()
        mirror = self._tap.mirror
        found = [f"{mirror.packets} packets, {mirror.segments} of them of Modbus connections"]
        for at, picture in self.pictures.items():
            total, unknown = picture.registers()
            found.append(f"server {at}: {total} registers, {unknown} of unknown meaning")
            for number, talk in sorted(picture.talks.items()):
                missed = picture.stats.unit(number).timeouts
                asked = f"{talk.requests} requests, {talk.responses} answers"
                found.append(f"  unit {number}: {asked}, {missed} time-outs, {talk.exceptions.total()} refused")
        return found


def sniff(
    capture: Path,
    ports: Sequence[int],
    maps: Sequence[RegisterMap],
    units: Sequence[int],
    seconds: float | None,
    as_json: bool,
    as_plain: bool,
) -> int:
    """Show it until Ctrl-C, the end of ``seconds``, or of the capture. Exit status 0 then; 1 when it cannot be
    heard."""
    tap = Tap(str(capture), tuple(ports or PORTS))
    live = sys.stdout.isatty() and not (as_json or as_plain)
    began = time.monotonic()
    sniffing = Sniffing(tap, maps, units, None if live else as_json)
    try:
        asyncio.run(_sniff(tap, sniffing, seconds, _draw(tap, sniffing) if live else None))
    except NotHeard as error:
        print(f"pvsmqtt: {error}", file=sys.stderr)  # noqa: T201
        return 1
    wrong = trouble(tap, time.monotonic() - began, known=False)
    if live or sys.stderr.isatty():
        print("\n".join(sniffing.summary()), file=sys.stdout if live else sys.stderr)
    if not sniffing.pictures:
        print(f"pvsmqtt: no Modbus was heard: {wrong.text if wrong else sniffing.said}", file=sys.stderr)  # noqa: T201
    return 1 if tap.lost is not None and not tap.mirror.packets else 0


async def _sniff(tap: Tap, sniffing: Sniffing, seconds: float | None, draw: Coroutine[Any, Any, None] | None) -> None:
    work = (tap.run(sniffing), _set(sniffing.ended), *([] if draw is None else [draw]))
    await until_ended(seconds, *work)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _draw(tap: Tap, sniffing: Sniffing) -> None:
    """Draw the screen until cancelled, and leave the terminal as it was."""
    from pvsmqtt.commands.sniff.screen import render_servers

    began = time.monotonic()

    def draw(console: Console) -> Group:
        sniffing.count()
        mirror, wrong = tap.mirror, trouble(tap, time.monotonic() - began, known=False)
        head = f"{tap.name}  {mirror.packets} packets, {mirror.segments} of Modbus connections"
        servers = [(str(at), picture) for at, picture in sniffing.pictures.items()]
        note = wrong.text if wrong else sniffing.said
        return render_servers(head, note, wrong is not None, servers, tap.now, *console.size)

    await keep_drawing(draw, sniffing.is_news)
