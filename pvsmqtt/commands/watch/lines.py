"""Lines of a terminal, made of cells. A line is never wider than it may be, whatever stands in it.

Widths are counted in columns of the terminal: a character may take two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

Side = Literal["left", "right"]

PLAIN = str.maketrans("█░▁▂▃▄▅▆▇▶◀─…−–×°", "#.1234567><-~--x ")
"""For terminals that know no more than ASCII, character by character."""


class Cell(NamedTuple):
    """A text, with a width of its own or as wide as it is."""

    text: str
    style: str = ""
    width: int | None = None
    side: Side = "left"


def line(width: int, *cells: Cell | str) -> Text:
    """The cells beside each other, with a space between them."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    made = Text(no_wrap=True)
    for number, one in enumerate(cells):
        cell = one if isinstance(one, Cell) else Cell(one)
        shown = cell.text
        if cell.width is not None:
            size = cell_len(shown)
            if size > cell.width:
                shown = set_cell_size(shown, max(0, cell.width - 1)) + "…" if cell.width else ""
            elif cell.side == "right":
                shown = " " * (cell.width - size) + shown
            else:
                shown = set_cell_size(shown, cell.width)
        made.append((" " if number else "") + shown, cell.style)
    made.truncate(width, overflow="ellipsis")
    return made


def heading(width: int, text: str, beside: str = "") -> Text:
    """A heading over a block: text, and something beside it at the right."""
    from rich.cells import cell_len

    room = max(0, width - cell_len(beside) - (1 if beside else 0))
    begin = f"─ {text} "
    rule = "─" * max(0, room - cell_len(begin))
    return line(width, Cell(begin + rule, "bold", room), *([Cell(beside, "bold")] if beside else []))


def wrapped(width: int, text: str, style: str = "", indent: int = 0) -> list[Text]:
    """A text over as many lines as it needs."""
    from textwrap import wrap

    room = max(10, width - indent)
    return [line(width, Cell(" " * indent + part, style)) for part in wrap(text, room)]


def side_by_side(left: Sequence[Text], right: Sequence[Text], width: int, between: int = 2) -> list[Text]:
    """Two columns; the left one is ``width`` wide."""
    from rich.text import Text

    found = []
    for number in range(max(len(left), len(right))):
        made = left[number].copy() if number < len(left) else Text(no_wrap=True)
        made.pad_right(max(0, width + between - made.cell_len))
        if number < len(right):
            made.append_text(right[number])
        found.append(made)
    return found


def bar(share: float | None, width: int) -> str:
    """``███░░░`` for a share from 0 to 1."""
    if share is None:
        return " " * width
    full = round(min(1.0, max(0.0, share)) * width)
    return "█" * full + "░" * (width - full)


def ascii_only(lines: Iterable[Text]) -> list[Text]:
    """The same lines for a terminal that knows no more than ASCII."""
    found = []
    for one in lines:
        made = one.copy()
        made.plain = one.plain.translate(PLAIN).encode("ascii", "replace").decode()
        found.append(made)
    return found
