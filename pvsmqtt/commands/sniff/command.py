"""``pvsmqtt sniff``: hears a line and shows it, on a terminal as a screen, in a pipe as lines."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvsmqtt.commands import log
from pvsmqtt.commands.live import keep_drawing
from pvsmqtt.commands.sniff import plain
from pvsmqtt.commands.sniff.picture import Picture
from pvsmqtt.commands.sniff.which import STOP_THE_SERVICE, options_of, tap_of
from pvsmqtt.commands.until import until_ended
from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.sources.rs485.autobaud import Trial
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.search import ordered_setting
from pvsmqtt.sources.rs485.tap import Hear, State, Tap
from pvsmqtt.sources.rs485.url import LineUrl

if TYPE_CHECKING:
    from rich.console import Console, Group


class NotHeard(Exception):
    """The line was never heard: most likely it is not the one that was meant."""


class Sniffing(Hear):
    """Hands on to the picture, and to a pipe, what a tap hears."""

    def __init__(self, picture: Picture, tap: Tap, write: Callable[[Frame, Frame | None], None] | None) -> None:
        self.news = True
        """Something is to be drawn."""
        self._picture = picture
        self._tap = tap
        self._write = write
        self._heard = False

    def on_frame(self, frame: Frame, request: Frame | None) -> None:
        """See `Hear`."""
        self.news = True
        self._picture.frame(frame)
        if self._write is not None and self._picture.shows(frame.unit):
            self._write(frame, request)

    def on_block(self, block: RegisterBlock, changed: tuple[int, ...]) -> None:
        """See `Hear`."""
        self._picture.block(block, changed)

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        """See `Hear`.

        Raises:
            NotHeard: when the line cannot be opened the first time: then a person waits for the reason.
        """
        self.news = True
        self._picture.said = said
        self._heard |= state is State.LISTENING
        if state is State.LISTENING:
            self._picture.trial = None
        if lost is not None and not self._heard and lost.reason is not Loss.ENDED:
            raise NotHeard(f"{said} ({STOP_THE_SERVICE})" if lost.reason is Loss.BUSY else said)

    def on_trial(self, trial: Trial) -> None:
        """See `Hear`."""
        self.news = True
        self._picture.trial = trial

    def is_news(self) -> bool:
        """Whether something came since this was asked last."""
        news, self.news = self.news, False
        return news

    def refresh(self) -> None:
        """Before the picture is drawn."""
        self._tap.count()
        bad = self._tap.state is State.LISTENING and self._tap.stats.totals["bytes"]
        self._picture.advice = self._tap.note or (self._tap.quality.advice() if bad else "")


def sniff(
    line: LineUrl | Path | None,
    baudrate: str | int | None,
    parity: str | None,
    maps: Sequence[Path],
    units: Sequence[int],
    seconds: float | None,
    as_json: bool,
    as_plain: bool,
    config: Path | None,
    ports: Sequence[int] = (),
) -> int:
    """Show a line, or a capture of a network, until Ctrl-C, the end of ``seconds``, or of a recording. Exit status 0
    then; 1 when it cannot be heard, 2 when a map file is bad.

    Raises:
        SettingsError: when the configuration is needed and bad, or the line is none.
    """
    from pvsmqtt.modbus.mapfile import MapError, load, shipped

    log.set_up("error")
    if isinstance(line, Path):
        from pvsmqtt.commands.sniff import network

        try:
            known = [*shipped(), *(load(path) for path in maps)]
        except MapError as error:
            print(f"pvsmqtt: {error}", file=sys.stderr)  # noqa: T201
            return 2
        return network.sniff(line, ports, known, units, seconds, as_json, as_plain)
    options, folder = options_of(line, baudrate, parity, config)
    try:
        known = [*shipped(), *(load(path, "rtu") for path in (*options.maps, *maps))]
    except MapError as error:
        print(f"pvsmqtt: {error}", file=sys.stderr)  # noqa: T201
        return 2
    tap = tap_of(options, folder)
    ordered = ordered_setting(options) is not None
    how = "as ordered" if ordered else "as found earlier" if tap.setting else "found by listening"
    picture = Picture(tap.images, tap.stats, known, units)
    live = sys.stdout.isatty() and not (as_json or as_plain)
    began = time.monotonic()
    sniffing = Sniffing(picture, tap, None if live else Writer(as_json).frame)
    try:
        asyncio.run(_sniff(tap, sniffing, seconds, _draw(tap, sniffing, picture, how) if live else None))
    except NotHeard as error:
        print(f"pvsmqtt: {error}", file=sys.stderr)  # noqa: T201
        return 1
    tap.count()
    text = "\n".join(plain.summary(picture, speed(tap, how), time.monotonic() - began))
    if live or sys.stderr.isatty():
        print(text, file=sys.stdout if live else sys.stderr)
    elif not tap.stats.totals["frames"]:
        said = tap.note or (tap.quality.advice() if tap.stats.totals["bytes"] else "") or picture.said
        print(f"pvsmqtt: no frame was heard: {said}", file=sys.stderr)  # noqa: T201
    return 0


def speed(tap: Tap, how: str) -> str:
    """``19200 8N1, found by listening``"""
    if not tap.url.changeable:
        return f"{tap.setting} (set in the serial server)" if tap.setting else "a speed that is set elsewhere"
    return f"{tap.setting}, {how}" if tap.setting else "unknown speed"


class Writer:
    """Writes to standard output; times count from the first frame."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._began: float | None = None

    def frame(self, frame: Frame, request: Frame | None) -> None:
        """Write a frame, at once."""
        if self._began is None:
            self._began = frame.when
        print(plain.line(frame, request, self._began, self._as_json), flush=True)  # noqa: T201


async def _draw(tap: Tap, sniffing: Sniffing, picture: Picture, how: str) -> None:
    """Draw the screen until cancelled, and leave the terminal as it was."""
    from pvsmqtt.commands.sniff.screen import render

    def draw(console: Console) -> Group:
        sniffing.refresh()
        return render(picture, str(tap.url), speed(tap, how), tap.now, *console.size)

    await keep_drawing(draw, sniffing.is_news)


async def _sniff(tap: Tap, sniffing: Sniffing, seconds: float | None, draw: Coroutine[Any, Any, None] | None) -> None:
    await until_ended(seconds, tap.run(sniffing), *([] if draw is None else [draw]))
