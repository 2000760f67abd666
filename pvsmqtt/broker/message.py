"""What is published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One publication. ``expiry`` in seconds counts with MQTT 5 only."""

    topic: str
    payload: str
    qos: int = 0
    retain: bool = True
    expiry: int | None = None

    @property
    def is_json(self) -> bool:
        """Whether the payload is a JSON document."""
        return self.payload[:1] in ("{", "[")
