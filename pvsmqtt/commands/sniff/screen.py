"""A picture as a screen of a terminal, from 80 × 24 on: the line, its units, its registers, its errors.

The units get as many lines as they need up to a third of the screen, the registers get the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pvsmqtt.commands.sniff.picture import Picture, Row, Talk
from pvsmqtt.sources.rs485.autobaud import Trial

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table as RichTable
    from rich.text import Text

HEAD, ERRORS = 3, 2
"""Lines of the parts that do not grow, and of the headings of the two tables."""
HEADINGS = 2
LEAST_HEIGHT = 12
LEAST_SERVER = 6
"""Lines of a server: name, two headings, a unit, two registers."""
SHOWN_ERRORS = ("crc_failures", "junk_bytes", "timeouts", "exceptions", "echoes", "doubted")


def render(picture: Picture, line: str, speed: str, now: float, width: int, height: int) -> Group:
    """The screen.

    Args:
        picture: what is shown.
        line: URL of the line.
        speed: its setting and how it was found, for people.
        now: seconds of the clock of the frames.
        width: columns of the terminal.
        height: lines of the terminal.
    """
    from rich.console import Group

    height = max(height, LEAST_HEIGHT)
    units = sorted(picture.talks.items())
    most_units = max(1, (height - HEAD - ERRORS - HEADINGS) // 3)
    shown = units[:most_units]
    room = height - HEAD - ERRORS - HEADINGS - max(1, len(shown))
    parts: list[RenderableType] = [*_head(picture, line, speed, now, width), _units(picture, shown, now)]
    if picture.trial is not None:
        parts.append(_trial(picture.trial))
        room -= 3
    parts.append(_registers(picture.rows(now, max(1, room))))
    parts += _errors(picture, len(units) - len(shown), width)
    return Group(*parts)


def render_servers(
    head: str, note: str, advice: bool, servers: Sequence[tuple[str, Picture]], now: float, width: int, height: int
) -> Group:
    """The screen of a capture of a network: units and registers of each server, the lines shared out among them.

    Args:
        head: what is heard, and how much of it.
        note: what a person should know; ``advice``: something is wrong.
        advice: see ``note``.
        servers: their names, and what was heard of each.
        now: seconds of the clock of the frames.
        width: columns of the terminal.
        height: lines of the terminal.
    """
    from rich.console import Group

    parts: list[RenderableType] = [_text(head, "bold", width), _text(note, "yellow" if advice else "dim", width)]
    room = max(height, LEAST_HEIGHT) - len(parts) - 1
    shown = servers[: max(1, room // LEAST_SERVER)]
    for name, picture in shown:
        lines = room // len(shown) - 1 - HEADINGS
        units = sorted(picture.talks.items())[: max(1, lines // 2)]
        parts += [_text(name, "bold cyan", width), _units(picture, units, now)]
        parts.append(_registers(picture.rows(now, max(1, lines - max(1, len(units))))))
    hidden = len(servers) - len(shown)
    parts.append(_text("Ctrl-C ends it" + (f"; {hidden} more servers are not shown" if hidden else ""), "dim", width))
    return Group(*parts)


def _head(picture: Picture, line: str, speed: str, now: float, width: int) -> list[Text]:
    stats = picture.stats
    load = stats.load(now)
    busy = f"{stats.frames_per_second(now):.1f} frames/s  {stats.bytes_per_second(now):.0f} bytes/s  bus load "
    busy += f"{load:.1f} %" if load is not None else "unknown"
    total, unknown = picture.registers()
    busy += f"  {total} registers, {unknown} unknown"
    note = picture.advice or picture.said
    return [
        _text(f"{line}  {speed}", "bold", width),
        _text(busy, "", width),
        _text(note, "yellow" if picture.advice else "dim", width),
    ]


def _units(picture: Picture, units: list[tuple[int, Talk]], now: float) -> RichTable:
    table = _table(
        ("unit", 4), ("answers/s", 9), ("last heard", 10), ("asked", 7), ("time-outs", 9), ("exceptions", 10)
    )
    table.add_column("functions", no_wrap=True, overflow="ellipsis", ratio=1)
    for number, talk in units:
        missed = picture.stats.units[number].timeouts if number in picture.stats.units else 0
        rate = talk.rate(now, picture.began if picture.began is not None else now)
        table.add_row(
            str(number),
            f"{rate:.2f}",
            "never" if talk.heard is None else age(now - talk.heard),
            str(talk.requests),
            _bad(missed),
            _bad(sum(talk.exceptions.values())),
            ", ".join(f"{function} ({count})" for function, count in sorted(talk.functions.items())),
        )
    if not units:
        table.add_row("-", "", "", "", "", "", "nothing heard yet")
    return table


def _registers(rows: list[Row]) -> RichTable:
    table = _table(("unit", 4), ("table", 7), ("address", 7), ("raw", 5), ("hex", 4), ("age", 5), ("changes", 7))
    table.add_column("name", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("value", no_wrap=True, overflow="ellipsis", ratio=2)
    for row in rows:
        table.add_row(
            str(row.unit),
            str(row.table)[:7],
            str(row.address),
            str(row.raw),
            f"{row.raw:04X}",
            age(row.age),
            str(row.changes) if row.changes else "",
            row.name or "?",
            row.value,
            style="bold black on yellow" if row.fresh else "" if row.name else "dim",
        )
    return table


def _errors(picture: Picture, hidden: int, width: int) -> list[Text]:
    totals = picture.stats.totals
    counts = [
        f"{name.replace('_', ' ').replace('timeouts', 'time-outs')} {totals[name]}"
        for name in SHOWN_ERRORS
        if totals[name]
    ]
    codes = sorted({code for talk in picture.talks.values() for code in talk.exceptions})
    if codes:
        counts.append(f"exception codes {', '.join(map(str, codes))}")
    last = "Ctrl-C ends it" + (f"; {hidden} more units are not shown" if hidden > 0 else "")
    told = "  ".join(counts) or "none"
    return [_text(f"errors: {told}", "red" if counts else "green", width), _text(last, "dim", width)]


def _trial(trial: Trial) -> Text:
    quality = trial.quality
    histogram = "  ".join(f"{byte:02X} {share * 100:.0f} %" for byte, share in quality.histogram(6))
    text = f"tries {trial.setting}: {trial.elapsed:.0f} of {trial.limit:.0f} s, {quality.bytes} bytes, "
    text += f"{quality.frames} frames, {quality.pairs} pairs, {quality.crc_failures} bad CRCs\n"
    return _plain(f"{text}most frequent bytes: {histogram or 'none'}\n{quality.advice()[:200]}", "cyan")


def age(seconds: float) -> str:
    """``12 s``, ``5 min``, ``3 h``"""
    for factor, unit in ((3600, "h"), (60, "min")):
        if seconds >= factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _bad(count: int) -> Text:
    return _plain(str(count), "red" if count else "")


def _text(text: str, style: str, width: int) -> Text:
    """One line, whatever its length."""
    line = _plain(text.replace("\n", " "), style)
    line.truncate(width, overflow="ellipsis")
    return line


def _plain(text: str, style: str) -> Text:
    """What comes from outside is no markup."""
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _table(*columns: tuple[str, int]) -> RichTable:
    from rich.table import Table

    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="reverse")
    for name, least in columns:
        table.add_column(name, no_wrap=True, min_width=least, justify="left" if name == "table" else "right")
    return table
