"""A screen of a terminal that is drawn again when there is news, when it is resized, and now and then: ages grow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

EVERY = 0.25
"""Seconds between two looks at whether the screen is to be drawn again."""
AT_LEAST = 1.0
"""Seconds after which it is drawn all the same."""

DUMB = ("dumb", "unknown")
"""Terminals on which nothing can be drawn twice."""


def on_terminal() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in DUMB


async def keep_drawing(
    draw: Callable[[Console], RenderableType], is_news: Callable[[], bool], at_once: asyncio.Event | None = None
) -> None:
    """Draw until cancelled, and leave the terminal as it was. ``at_once``: somebody waits for it."""
    from rich.console import Console, ConsoleDimensions
    from rich.live import Live

    console = Console()
    drawn, size = 0.0, None
    at_once = at_once or asyncio.Event()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            now = time.monotonic()
            with contextlib.suppress(OSError):  # the terminal itself knows better than COLUMNS and LINES
                console.size = ConsoleDimensions(*os.get_terminal_size(sys.stdout.fileno()))
            if is_news() or at_once.is_set() or now - drawn >= AT_LEAST or console.size != size:
                at_once.clear()
                drawn, size = now, console.size
                live.update(draw(console), refresh=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await at_once.wait()
