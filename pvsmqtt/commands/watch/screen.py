"""The views of a picture, fitted to a terminal. Pure.

A view is a list of lines; what does not fit is scrolled. Two lines at the top say what is watched and how the way
there is, one at the bottom which keys there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pvsmqtt.commands.watch import blocks, lists, roof
from pvsmqtt.commands.watch.documents import text
from pvsmqtt.commands.watch.lines import Cell, ascii_only, line, side_by_side, wrapped
from pvsmqtt.commands.watch.picture import Picture
from pvsmqtt.commands.watch.words import age
from pvsmqtt.model.device import Kind

if TYPE_CHECKING:
    from rich.text import Text

HEAD, FOOT = 2, 1
WIDE = 150
"""Columns from which on two blocks stand beside each other."""
LEAST_WIDTH, LEAST_HEIGHT = 20, 5


@dataclass(frozen=True, slots=True)
class Way:
    """How the broker is reached."""

    broker: str
    connected_for: float | None
    trouble: str = ""
    """What is wrong, and what to do."""


def _house(seen: Picture, width: int) -> list[Text]:
    sites = seen.of(Kind.SITE)
    lines = blocks.problems(seen, width)
    if width >= WIDE:
        half = (width - 2) // 2
        right = width - 2 - half
        for site in sites:
            lines += side_by_side(blocks.house(site, half), roof.panels(seen, site, right), half)
        return lines + side_by_side(
            [*blocks.meters(seen, half), *blocks.storage(seen, half)],
            [*blocks.sources(seen, right), *blocks.lines_heard(seen, right), *blocks.upkeep(seen, right)],
            half,
        )
    for site in sites:
        lines += blocks.house(site, width)
        lines += roof.panels(seen, site, width)
    for block in (blocks.sources, blocks.storage, blocks.meters, blocks.lines_heard, blocks.upkeep):
        lines += block(seen, width)
    return lines


def _sources(seen: Picture, width: int) -> list[Text]:
    return [*blocks.sources(seen, width, details=True), *blocks.lines_heard(seen, width), *blocks.upkeep(seen, width)]


VIEWS: dict[str, Callable[[Picture, int], list[Text]]] = {
    "house": _house,
    "panels": lists.panel_list,
    "devices": lists.device_list,
    "sources": _sources,
}
"""In the order in which tab goes through them."""


def head(seen: Picture, way: Way, width: int) -> list[Text]:
    """What is watched, whether it is there, and whether we hear of it."""
    online = {True: "online", False: "OFFLINE", None: "not there"}[seen.online]
    style = "bold green" if seen.online else "bold red"
    since = f"for {age(seen.uptime)}" if seen.online and seen.uptime is not None else ""
    version = f"pvsmqtt {seen.version}".strip()
    first = line(
        width,
        Cell(seen.instance, "bold"),
        Cell(online, style),
        since,
        f" {version} ",
        Cell(f"{seen.at:%H:%M:%S} UTC", "dim"),
    )
    if way.trouble:
        second = Cell(f"NO BROKER, it is tried again: {text(way.trouble)}", "bold yellow")
    elif way.connected_for is None:
        second = Cell(f"connecting to the broker {text(way.broker)} …", "yellow")
    elif seen.online is False:
        second = Cell("The service is offline: these are the last values that it told", "bold yellow")
    else:
        second = Cell(f"broker {text(way.broker)}, connected for {age(way.connected_for)}", "dim")
    return [first, line(width, second)]


def body(seen: Picture, way: Way, view: str, width: int) -> list[Text]:
    """A view as a whole, or why there is none."""
    if seen.things:
        return VIEWS[view](seen, width)
    if way.connected_for is None:
        return []
    lines = wrapped(width, f"Nothing stands under the instance {seen.instance!r} on this broker.", "bold")
    if seen.online:
        lines = wrapped(width, "The service is online and has told of no device yet.", "bold")
        lines += blocks.sources(seen, width, details=True)
    for name, there in sorted(seen.others.items()):
        lines.append(line(width, f"  --instance {name}", Cell("online" if there else "offline", "dim")))
    if seen.online is None and not seen.others:
        lines += wrapped(
            width, "There is no other instance either: is this the broker that the service publishes to?"
        )
    return lines


def render(
    seen: Picture, way: Way, view: str, top: int, width: int, height: int, plain: bool = False
) -> tuple[list[Text], int]:
    """The screen, and the line of the view that is its first: ``top``, if there is so much.

    ``plain``: the terminal knows no more than ASCII.
    """
    width, height = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
    whole, room = body(seen, way, view, width), height - HEAD - FOOT
    top = max(0, min(top, len(whole) - room))
    shown = whole[top : top + room]
    empty = [line(width, "")] * (room - len(shown))
    lines = [*head(seen, way, width), *shown, *empty, _foot(view, top, len(shown), len(whole), width)]
    return (ascii_only(lines) if plain else lines), top


def everything(seen: Picture, way: Way, width: int, plain: bool = False) -> list[Text]:
    """The picture on paper: no keys, no end of the screen."""
    lines = [*head(seen, way, width), *body(seen, way, "house", width)]
    return ascii_only(lines) if plain else lines


def _foot(view: str, top: int, shown: int, whole: int, width: int) -> Text:
    place = f"{top + 1}-{top + shown} of {whole}, arrows scroll" if whole > shown else ""
    views = [Cell(f"[{name}]" if name == view else f" {name} ", "reverse" if name == view else "") for name in VIEWS]
    return line(width, *views, Cell("tab, q quits", "dim"), Cell(place, "dim"))
