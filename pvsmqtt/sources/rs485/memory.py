"""What is remembered of one line over restarts: its speed, the SunSpec chains of its units, that it ever spoke."""

from __future__ import annotations

from typing import Any

from pvsmqtt.sources import memory


class Memory(memory.Memory):
    """Of one line, by its name."""

    prefix = "rs485"
    whose = "the line"

    def table(self, key: str) -> dict[str, Any]:
        """What is known under a key as a table; empty when there is none."""
        known = self.get(key)
        return known if isinstance(known, dict) else {}
