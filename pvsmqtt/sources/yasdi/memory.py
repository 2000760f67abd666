"""What is remembered of yasdi2mqtt over restarts: that it ever spoke."""

from __future__ import annotations

from pvsmqtt.sources import memory


class Memory(memory.Memory):
    """Of one topic."""

    prefix = "yasdi"
    whose = "yasdi2mqtt"
