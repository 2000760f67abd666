"""Every panel, and every device with everything that it tells, as lines of a given width. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvsmqtt.commands.watch.blocks import COLOURS, fresh
from pvsmqtt.commands.watch.documents import number, text
from pvsmqtt.commands.watch.lines import Cell, Side, heading, line
from pvsmqtt.commands.watch.picture import Picture, Thing, bests
from pvsmqtt.commands.watch.words import UNKNOWN, kilowatt_hours, watts
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

if TYPE_CHECKING:
    from rich.text import Text


def panel_list(seen: Picture, width: int) -> list[Text]:
    """Every panel with its figures."""
    columns: tuple[tuple[str, int, Side], ...] = (
        ("panel", 26, "left"),
        ("power", 9, "right"),
        ("of best", 7, "right"),
        ("energy", 13, "right"),
        ("heat", 6, "right"),
        ("data", 14, "left"),
    )
    lines = [line(width, *(Cell(name, "reverse", size, side) for name, size, side in columns))]
    for site in seen.of(Kind.SITE):
        found = seen.panels(site.id)
        most = bests(found)
        for one in found:
            best = most.get(one.via, 0.0)
            power, heat = one.number("power"), one.number("temperature")
            told = (
                one.name,
                "" if power is None else watts(power),
                "" if power is None or best <= 0 else f"{100 * power / best:.0f} %",
                "" if one.number("energy") is None else kilowatt_hours(one.number("energy")),
                "" if heat is None else f"{heat:.0f} °C",
                fresh(one),
            )
            cells = [Cell(text_, "", size, side) for text_, (_, size, side) in zip(told, columns, strict=True)]
            lines.append(line(width, *cells[:-1], cells[-1]._replace(style=COLOURS.get(one.state, ""))))
    return lines


def device_list(seen: Picture, width: int) -> list[Text]:
    """Every device with everything that it tells."""
    lines: list[Text] = []
    for one in seen.things:
        lines.append(heading(width, one.name, fresh(one)))
        facts = [text(one.entry.get(key)) for key in ("model", "panel", "sw_version", "state_topic")]
        lines.append(line(width, Cell("  ".join(fact for fact in facts if fact), "dim")))
        cells = [f"{_name(key)} {_value(one, key)}" for key in one.values if key != "measured_at"]
        across = max(1, width // 38)
        for at in range(0, len(cells), across):
            lines.append(line(width, *(Cell(cell, "", 37) for cell in cells[at : at + across])))
    return lines


def _name(key: str) -> str:
    return QUANTITIES[key].name if key in QUANTITIES else text(key)


def _value(one: Thing, key: str) -> str:
    value = one.values.get(key)
    row = QUANTITIES.get(key)
    if value is None:
        return UNKNOWN
    amount = number(value)
    if amount is None:
        return text(value) or UNKNOWN
    digits = row.precision if row and row.precision is not None else None
    shown = f"{amount:,.{digits}f}" if digits is not None else f"{amount:g}"
    return f"{shown} {row.unit}" if row and row.unit else shown
