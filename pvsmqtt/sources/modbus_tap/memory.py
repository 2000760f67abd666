"""What is remembered of a tap over restarts: which server it is about, that it was ever heard; and the SunSpec chains
of the units of each of its ports."""

from __future__ import annotations

from pvsmqtt.sources import memory


class Memory(memory.Memory):
    """Of one tap, by its name."""

    prefix = "modbus_tap"
    whose = "the mirrored traffic"


class PortMemory(memory.Memory):
    """Of one port, by name and port."""

    prefix = "modbus_tap_port"
    whose = "the mirrored traffic"
