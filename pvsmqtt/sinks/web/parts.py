"""What the page is handed in: what the service knows, and what others make of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pvsmqtt.sinks.web.view import Topic

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the service knows of itself. ``health`` is made when it is asked for, ``home_assistant`` is what Home
    Assistant was told, ``topic`` gives the state topic of a device."""

    version: str
    instance: str
    started_at: datetime
    health: Callable[[], Document]
    home_assistant: Callable[[], Document]
    topic: Topic


@dataclass(frozen=True, slots=True)
class Parts:
    """What others make: the curves of a device (of every site where none is named) up to a moment, metrics and their
    content type for an ``Accept`` header, the reasons for which a health document is not well, a report for a bug
    report, the registers heard."""

    curves: Callable[[str | None, datetime], Document]
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]
    verdict: Callable[[Document], list[str]]
    diagnostics: Callable[[], Awaitable[str]]
    registers: Callable[[], Document]
