"""What the service says of itself: once at its start, and every minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
"""Number of the topic layout; it rises when a consumer would have to change."""


@dataclass(frozen=True, slots=True)
class Info:
    """What runs: version, start, schema, and the sources with their kind. JSON-ready."""

    document: Mapping[str, Any]
    key: str = "#info"


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How sources, broker and process do. JSON-ready."""

    document: Mapping[str, Any]
    key: str = "#health"
