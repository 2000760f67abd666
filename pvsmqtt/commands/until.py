"""Work that goes on until it is over, somebody ends it, or its time is up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_ended(seconds: float | None, *work: Coroutine[Any, Any, None]) -> None:
    """Run all of this until the first of it ends, or Ctrl-C, SIGTERM or the end of ``seconds`` comes; the rest is
    cancelled. What it raises comes out."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(one) for one in (*work, _set(stop))]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
