"""What is remembered of one line over restarts: its speed, the SunSpec chains of its units, that it ever spoke."""

from __future__ import annotations

from pvsmqtt.sources import memory


class Memory(memory.Memory):
    """Of one line, by its name."""

    prefix = "rs485"
    whose = "the line"
