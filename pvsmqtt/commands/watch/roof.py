"""The panels of a house as a picture: each with a bar, or in a word why it has none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pvsmqtt.commands.watch.blocks import COLOURS
from pvsmqtt.commands.watch.lines import Cell, heading, line
from pvsmqtt.commands.watch.picture import DROWSY, Picture, Thing, bests
from pvsmqtt.commands.watch.words import watts

if TYPE_CHECKING:
    from rich.text import Text

LEVELS = "▁▂▃▄▅▆▇█"
PANEL = 13
"""Columns of a panel, with the space behind it."""


def panels(seen: Picture, site: Thing, width: int) -> list[Text]:
    """Each panel with its output beside the best of those that hang where it does, or in words why there is none."""
    found = seen.panels(site.id)
    if not found:
        return []
    states = {word: sum(one.state == word for one in found) for word in ("live", *DROWSY, "offline", "old")}
    summary = ", ".join(f"{number} {word}" for word, number in states.items() if number)
    best = bests(found)
    most = max(best.values(), default=0.0)
    lines = [heading(width, f"Panels: {summary}", f"best {watts(most)}" if most > 0 else "")]
    across = max(1, (width + 1) // PANEL)
    for row in _rows(found, across):
        lines.append(line(width, *(Cell(*_panel(one, best.get(one.via)), PANEL - 1) for one in row)))
    return lines


def _rows(found: Sequence[Thing], across: int) -> list[list[Thing]]:
    """As they lie on the roof, where that is known and narrow enough; else one after the other."""
    rows: list[list[Thing]] = []
    place: float | None = None
    for one in found:
        here = one.number("panel_y")
        if not rows or len(rows[-1]) == across or here != place:
            rows.append([])
        place = here
        rows[-1].append(one)
    return rows


def _panel(one: Thing, best: float | None) -> tuple[str, str]:
    power, style = one.number("power"), COLOURS.get(one.state, "")
    state = one.text("availability") if one.state == "old" else one.state  # while nobody tells, as it was told last
    if state == "live" and power is not None:
        level = LEVELS[min(7, int(8 * max(0.0, power) / best))] if best else LEVELS[0]
        return (
            f"{one.tail}{level if best is not None else ' '}{watts(power):>7}",
            "" if one.state == "live" else style,
        )
    none = "no power" if one.state == "live" else one.state
    return f"{one.tail} {none if state == 'live' else state or none}", style
