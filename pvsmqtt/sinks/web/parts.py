"""What the page is handed in: what the service knows, and what others make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pvsmqtt.model.times import iso
from pvsmqtt.sinks.web.view import Topic

Document = Mapping[str, Any]

_STEP = 300


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


def no_curves(device: str | None, now: datetime) -> Document:
    """Nothing was kept."""
    del device
    start = now - timedelta(days=1, seconds=now.timestamp() % _STEP)
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return {
        "step": _STEP,
        "start": iso(start.replace(microsecond=0)),
        "now": iso(now.replace(microsecond=0)),
        "midnight": iso(midnight),
        "series": {},
    }


def no_metrics() -> tuple[bytes, str]:
    """Nothing is counted."""
    return b"", "text/plain; version=0.0.4; charset=utf-8"


def plain_verdict(health: Document) -> list[str]:
    """What is wrong: sources in trouble, a broker that is away."""
    reasons = [f"{one['name']}: {one['message']}" for one in health.get("sources", ()) if one.get("trouble")]
    broker = health.get("broker") or {}
    if not broker.get("connected"):
        reasons.append(f"broker: {broker.get('message') or 'not connected'}")
    return reasons


def no_diagnostics() -> str:
    """Nothing to report."""
    return ""


def no_registers() -> Document:
    """No line is heard."""
    return {"lines": []}


@dataclass(frozen=True, slots=True)
class Parts:
    """What others make: the curves of a device (of every site where none is named) up to a moment, metrics and their
    content type, the reasons for which a health document is not well, a report for a bug report, the registers heard.
    """

    curves: Callable[[str | None, datetime], Document] = field(default=no_curves)
    metrics: Callable[[], tuple[bytes, str]] = field(default=no_metrics)
    verdict: Callable[[Document], list[str]] = field(default=plain_verdict)
    diagnostics: Callable[[], str] = field(default=no_diagnostics)
    registers: Callable[[], Document] = field(default=no_registers)
