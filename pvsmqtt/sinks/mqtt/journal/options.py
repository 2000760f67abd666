"""The options of the ``[journal]`` table."""

from __future__ import annotations

from pydantic import Field

from pvsmqtt.options import Options


class JournalOptions(Options):
    """Every reading is published on {base_topic}/{instance}/readings, and kept on disk until the broker has it."""

    enabled: bool = True
    """Whether readings are published there. States and Home Assistant do not need it."""
    max_size: float = Field(default=64.0, ge=1.0, le=16384.0)
    """Megabytes that readings may take on disk while the broker is away; beyond it the oldest are dropped."""
    max_age: float = Field(default=7.0, gt=0.0, le=366.0)
    """Days after which a reading that could not be published is dropped; only time counts in which pvsmqtt runs."""
    replay_rate: float = Field(default=50.0, ge=1.0, le=10000.0)
    """Readings a second that are published at most of those that had to wait; new states do not wait for them."""

    @property
    def most_bytes(self) -> int:
        """``max_size`` in bytes."""
        return int(self.max_size * 1_000_000)

    @property
    def most_seconds(self) -> float:
        """``max_age`` in seconds."""
        return self.max_age * 86400
